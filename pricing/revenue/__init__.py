"""Revenue by month: members x rates x payment risk scores, by score vintage, under named scenarios."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
