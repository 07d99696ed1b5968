"""How a gap between a target and what came is shared: one rule for shared savings, loss targets and bundles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricing.build_up import BuildUp
from pricing.contracts.curves import value_at
from pricing.contracts.money import closed
from pricing.contracts.terms import Sharing
from pricing.corridor import Band, corridor_payment
from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.rows import Integers

#: A gap this far below its minimum, as a share of the target, still passes: rates are binary fractions.
_HAIR = 1e-12


@dataclass(frozen=True)
class Shared:
    """What becomes of gaps (target less what came; positive: savings); arrays of one shape.

    Attributes
    ----------
    minimum : ndarray of float64
        The minimum rate on the side of the gap. [share of the target]
    passed : ndarray of bool
        Whether the gap reaches it.
    portion : ndarray of float64
        The part of the gap that is shared: 1, or what lies beyond the minimum.
    rate : ndarray of float64
        The group's share of it, after quality.
    cap_change : ndarray of float64
        What a cap takes away (below 0) or spares (above 0). [unit of the gap]
    amount : ndarray of float64
        What the payer owes the group; below 0 what the group owes. [unit of the gap]
    """

    minimum: Numbers
    passed: npt.NDArray[np.bool_]
    portion: Numbers
    rate: Numbers
    cap_change: Numbers
    amount: Numbers


def share_gap(
    gap: Numbers,
    target: Numbers,
    terms: Sharing,
    *,
    members: Numbers | Integers,
    quality: Numbers | None,
    revenue: Numbers | None,
) -> Shared:
    """Return how gaps are shared.

    Parameters
    ----------
    gap, target : ndarray of float64
        Target less what came, and the target, above 0. [dollars, or any unit]
    terms : Sharing
    members : ndarray
        Size of the group, for minimum rates by size.
    quality : ndarray of float64, optional
        Score, 0 to 1; only where the terms depend on it.
    revenue : ndarray of float64, optional
        Of the group, where a cap is a share of it. [unit of the gap]

    Raises
    ------
    InputError
        A target is not above 0.
    """
    if not (target > 0).all():
        raise InputError(
            f"{int((~(target > 0)).sum())} of {len(target):,} groups have no target above 0 to share by."
        )
    gap_rate = gap / target
    minimum = _minimum(terms, gap_rate, members)
    passed = np.abs(gap_rate) >= minimum - _HAIR
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.where(gap_rate == 0, 1.0, np.maximum(0.0, 1 - minimum / np.abs(gap_rate)))
    portion = np.ones_like(gap_rate) if terms.is_first_dollar else beyond
    rate = _rate(terms, gap_rate, quality)
    uncapped = gap * passed * portion * rate
    amount = np.clip(uncapped, -_loss_cap(terms, target, revenue), _cap(terms.savings_cap, target))
    return Shared(minimum, passed, portion, rate, amount - uncapped, amount)


def _minimum(terms: Sharing, gap_rate: Numbers, members: Numbers | Integers) -> Numbers:
    if terms.minimum_rate_by_members:
        return value_at(terms.minimum_rate_by_members, np.asarray(members, np.float64)) + 0 * gap_rate
    losses = terms.minimum_savings_rate if terms.minimum_loss_rate is None else terms.minimum_loss_rate
    return np.where(gap_rate >= 0, terms.minimum_savings_rate, losses)


def _rate(terms: Sharing, gap_rate: Numbers, quality: Numbers | None) -> Numbers:
    """Return the share of savings (with quality) or of losses, as each gap asks."""
    earned = np.ones_like(gap_rate)
    if terms.quality:
        assert quality is not None
        earned = value_at(terms.quality, quality) + 0 * gap_rate
    if terms.bands:
        mean = _mean_of_bands(terms, gap_rate)
        return np.where(gap_rate >= 0, mean * earned, mean)
    savings = terms.sharing_rate * earned
    losses = np.full_like(gap_rate, terms.loss_rate)
    if terms.is_loss_rate_from_quality:
        losses = np.clip(1 - savings, *terms.loss_rate_limits)
    return np.where(gap_rate >= 0, savings, losses)


def _mean_of_bands(terms: Sharing, gap_rate: Numbers) -> Numbers:
    bands = [Band(start, share) for start, share in terms.bands]
    size = np.abs(gap_rate)
    shared = corridor_payment(1 + size, 1.0, bands=bands)
    return np.where(size > 0, shared / np.where(size > 0, size, 1.0), terms.bands[0][1])


def _cap(share: float | None, of: Numbers) -> Numbers:
    return np.full_like(of, np.inf) if share is None else share * of


def _loss_cap(terms: Sharing, target: Numbers, revenue: Numbers | None) -> Numbers:
    by_target = _cap(terms.loss_cap, target)
    return by_target if revenue is None else np.minimum(by_target, _cap(terms.loss_cap_revenue, revenue))


def share_steps(
    build_up: BuildUp, target: Numbers, terms: Sharing, *, members: Integers, quality: Numbers | None,
    revenue: Numbers | None, source: str, name: str,
) -> tuple[BuildUp, Integers, Shared]:  # fmt: skip
    """Return a build-up that stands at the gap, shared and closed to the cent; the cents; and how it was shared."""
    shared = share_gap(build_up.value, target, terms, members=members, quality=quality, revenue=revenue)
    steps = build_up.multiply(
        "minimum rate reached (1 yes, 0 no)",
        shared.passed.astype(np.float64),
        source=_minimum_in_words(terms, source),
    )
    if not terms.is_first_dollar:
        steps = steps.multiply("part beyond the minimum rate", shared.portion, source=source)
    steps = steps.multiply("sharing rate", shared.rate, source=_rate_in_words(terms, source))
    if any(cap is not None for cap in (terms.savings_cap, terms.loss_cap, terms.loss_cap_revenue)):
        steps = steps.add("cap", shared.cap_change, source=_caps_in_words(terms, source))
    ended, cents = closed(steps, name)
    return ended, cents, shared


def _minimum_in_words(terms: Sharing, source: str) -> str:
    if terms.minimum_rate_by_members:
        return f"{source}: minimum rate by number of members"
    losses = terms.minimum_savings_rate if terms.minimum_loss_rate is None else terms.minimum_loss_rate
    return f"{source}: at least {terms.minimum_savings_rate:.2%} of savings, {losses:.2%} of losses"


def _rate_in_words(terms: Sharing, source: str) -> str:
    by_quality = " x quality" if terms.quality else ""
    if terms.bands:
        return f"{source}: mean over {len(terms.bands)} bands{by_quality}"
    losses = "1 less that" if terms.is_loss_rate_from_quality else f"{terms.loss_rate:.2%}"
    return f"{source}: {terms.sharing_rate:.2%}{by_quality} of savings, {losses} of losses"


def _caps_in_words(terms: Sharing, source: str) -> str:
    caps = {
        "savings to {:.2%} of the target": terms.savings_cap,
        "losses to {:.2%} of the target": terms.loss_cap,
        "losses to {:.2%} of revenue": terms.loss_cap_revenue,
    }
    return f"{source}: " + ", ".join(words.format(cap) for words, cap in caps.items() if cap is not None)
