"""Premium pricing, benefit design, revenue: the second house. Built in later releases; nothing is public yet."""
