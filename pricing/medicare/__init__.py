"""Medicare Advantage and Part D: benchmarks, bids, payment, drug coverage."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
