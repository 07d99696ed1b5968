"""Premium pricing, benefit design, revenue: the second house. Its rooms are imported by name: `pricing.aca.transfer`."""
