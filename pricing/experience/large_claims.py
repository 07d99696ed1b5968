"""Large claims apart from the others: what of each claim is large, and what large claims still lack.

Parted as a whole, a claim is large in every lag once it is large at the valuation date; those of late months that will
become so are completed with the others. Parted at the threshold, a claim counts with the others up to the threshold and
as large with its excess, as it stood after each payment, so that both parts develop as they did in months past.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricing.errors import InputError, check_choice
from pricing.experience.assumptions import FITTED, GIVEN, RULE, Assumption, chosen
from pricing.experience.expected_claims import base_of
from pricing.experience.triangles import EXCESS, Triangle
from pricing.inputs import Numbers

METHODS = ("pmpm", "development")
#: What `large_pmpm` may be instead of dollars.
EXPERIENCE = "experience"
_BLEND = "bornhuetter_ferguson"


@dataclass(frozen=True)
class LargeUnpaid:
    """What large claims of each month still lack.

    Attributes
    ----------
    unpaid, completion, age_to_age : ndarray of float64, shape (n_months,)
        By month incurred [dollars]; by lag: share of large claims that is paid, and the factor to the next lag. The
        last two are NaN unless large claims develop on their own.
    method : list of str
        Of each month: development, bornhuetter_ferguson, pmpm, or none where nothing is added.
    pmpm : float
        Large claims expected. [dollars per member and month]
    """

    unpaid: Numbers
    completion: Numbers
    age_to_age: Numbers
    method: list[str]
    pmpm: float


def complete_large(
    triangle: Triangle, exposure: Numbers, completion: Numbers, *, method: str, given: float | str | None,
    min_completion: float, base_months: int, tail: float,
) -> LargeUnpaid:  # fmt: skip
    """Return what large claims still lack.

    Parameters
    ----------
    triangle : Triangle
    exposure : ndarray of float64, shape (n_months,)
    completion : ndarray of float64, shape (n_months,)
        Of the other claims, by month incurred.
    method : {"pmpm", "development"}
        As `ibnr` says of `large_method`.
    given : float or "experience", optional
        Large claims expected per member and month [dollars]; None: nothing, or experience where they develop.
    min_completion, base_months, tail
        As in `ibnr`.

    Raises
    ------
    InputError
        An option is not allowed, or no month is mature enough to expect large claims from.
    """
    check_choice("large_method", method, METHODS)
    if given not in (None, EXPERIENCE) and (isinstance(given, str) or not given >= 0):
        raise InputError(f"large_pmpm must be dollars, not negative, or '{EXPERIENCE}'.")
    n_months, unknown = len(exposure), np.full(len(exposure), np.nan)
    if method == "pmpm":
        base = base_of(completion >= min_completion, base_months)
        pmpm = _expected(given or 0.0, triangle.large, exposure * completion, base)
        name = "pmpm" if pmpm else "none"
        return LargeUnpaid(pmpm * exposure * (1 - completion), unknown, unknown, [name] * n_months, pmpm)
    factors, by_lag = _developed(triangle.large_cells, tail)
    own = by_lag[::-1]  # the first month has the last lag
    is_mature = own >= min_completion
    ultimate = triangle.large / np.where(is_mature, own, 1.0)
    given = EXPERIENCE if given is None else given
    pmpm = 0.0 if is_mature.all() else _expected(given, ultimate, exposure, base_of(is_mature, base_months))
    unpaid = np.where(is_mature, ultimate - triangle.large, (1 - own) * pmpm * exposure)
    names = ["development" if mature else _BLEND for mature in is_mature]
    return LargeUnpaid(unpaid, by_lag, factors, names, pmpm)


def _expected(
    given: float | str, large: Numbers, completed_exposure: Numbers, base: npt.NDArray[np.int64]
) -> float:
    """Return the large claims expected per member and month."""
    if given != EXPERIENCE:
        return float(given)
    if not len(base):
        raise InputError("no month reaches min_completion; give large_pmpm in dollars.")
    return float(large[base].sum() / completed_exposure[base].sum())


def _developed(cells: Numbers, tail: float) -> tuple[Numbers, Numbers]:
    """Return age-to-age factors of large claims (the last: the tail) and their completion, by lag.

    All months together, volume-weighted: single ratios of large claims say nothing. Where nothing large was paid yet,
    the factor is infinite and completion 0.
    """
    paid = np.cumsum(cells, axis=1)
    factors = np.full(len(paid), tail)
    for lag in range(len(paid) - 1):
        known = ~np.isnan(paid[:, lag + 1])
        before, after = paid[known, lag].sum(), paid[known, lag + 1].sum()
        if before < 0 or after < 0 or (before > 0 and not after):
            raise InputError(
                f"large claims paid within {lag} months were taken back by the next; complete them with "
                "large_method='pmpm', or take another large_claim."
            )
        factors[lag] = after / before if before else np.inf if after else 1.0
    return factors, 1 / np.cumprod(factors[::-1])[::-1]


def assumptions_of_large(
    triangle: Triangle, found: LargeUnpaid, *, method: str, given: float | str | None, base_months: int
) -> list[Assumption]:
    """Return the assumptions about large claims, as rows of the table."""
    taken = "what a claim has above it" if triangle.large_part == EXCESS else "claims above it as a whole"
    rows = [
        chosen("large_claim", triangle.large_claim, None, "dollars", f"left out of the triangle: {taken}"),
        chosen("large_part", triangle.large_part, "whole", "", f"what is large, by {triangle.large_by}"),
        chosen("large_method", method, "pmpm", "", "how large claims are completed"),
    ]
    if method == "development":
        meaning = f"all months, volume-weighted, of {triangle.run['large_claims']:,} large claims"
        rows.append(Assumption("large age-to-age", "own triangle", "factor", RULE, meaning))
    meaning = "large claims expected, for the unpaid share of a month"
    if given == EXPERIENCE or (given is None and method == "development"):
        fitted = f"large claims of the latest {base_months} mature months, for the unpaid share of a month"
        return [*rows, Assumption("large_pmpm", found.pmpm, "dollars", FITTED, fitted)]
    return [*rows, Assumption("large_pmpm", found.pmpm, "dollars", GIVEN, meaning) if given else
            chosen("large_pmpm", found.pmpm, 0.0, "dollars", meaning)]  # fmt: skip
