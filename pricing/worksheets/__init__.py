"""Excel workbooks whose live formulas recalculate to the library's own numbers."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
