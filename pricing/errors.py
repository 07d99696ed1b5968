"""Deliberate errors of pricing; like all of riskadj's, each says what is wrong, where, what is allowed, what to do."""

from __future__ import annotations

from riskadj.errors import RiskAdjError


class PricingError(RiskAdjError):
    """Root of pricing's errors."""


class InputError(PricingError):
    """A table or number given for pricing is missing, of the wrong kind, or impossible."""


class UnknownRateError(PricingError):
    """A yearly parameter has no value for the year, or no such name."""
