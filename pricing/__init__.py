"""Pricing of US health plans: premiums, benefits, experience, revenue, contracts.

The rooms load when they are first used: ``pricing.benefits.adjudicate``, ``pricing.aca.risk_transfer``.
"""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
