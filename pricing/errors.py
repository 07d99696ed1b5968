"""Deliberate errors of pricing; like all of riskadj's, each says what is wrong, where, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from riskadj.errors import RiskAdjError, nearest


class PricingError(RiskAdjError):
    """Root of pricing's errors."""


class InputError(PricingError):
    """A table or number given for pricing is missing, of the wrong kind, or impossible."""


class UnknownRateError(PricingError):
    """A yearly parameter has no value for the year, or no such name."""


def check_choice(what: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse an option that is not among those allowed.

    Raises
    ------
    InputError
        It is not; the message lists them, and names the nearest.
    """
    known = list(allowed)
    if value not in known:
        raise InputError(f"{no_choice(what, value, known)}.")


def no_choice(what: str, value: str, known: Iterable[str]) -> str:
    """Return what is wrong with an option that is not known, and the nearest that is."""
    return f"{what} '{value}' is none of {', '.join(known)}{nearest(str(value), known)}"
