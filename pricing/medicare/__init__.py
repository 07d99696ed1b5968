"""Medicare Advantage and Part D: benchmarks, bids, payment, drug coverage."""
