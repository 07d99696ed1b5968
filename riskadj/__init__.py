"""riskadj: risk adjustment scoring for Medicare Advantage, Part D and ACA plans.

``score`` turns extracts of enrollment and diagnoses into payment risk scores; ``load_model``, ``load_payment_year`` and
``list_models`` show the tables behind them. Heavy modules load when they are first used.
"""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
