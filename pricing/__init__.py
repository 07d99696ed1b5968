"""Premium pricing, benefit design, revenue: the second house. Import its rooms by name, `pricing.aca.transfer`."""
