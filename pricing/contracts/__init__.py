"""Value-based provider contracts: who is attributed to whom, what the contract comes to, and how much of it is chance.

One idea: an arrangement (shared savings, capitation, a bundle, a withhold) is a function of its terms and a panel of
members to a build-up whose last level is what the payer owes each provider group; a settlement adds them up.
"""

from riskadj.lazy_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
