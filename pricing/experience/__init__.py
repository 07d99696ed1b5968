"""The experience that a price starts from: exposure, incurred claims, IBNR, trend, credibility, pooling, risk."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
