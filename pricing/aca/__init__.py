"""The individual and small-group markets: risk transfer, rating, premiums."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
