"""What a plan's benefits cost: designs, actuarial value, claims adjudicated again."""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
