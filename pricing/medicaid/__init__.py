"""Medicaid managed care: rate cells, capitation rates and their range, risk adjustment, corridor, loss ratio."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
