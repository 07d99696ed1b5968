"""Raw risk scores -> payment risk scores: normalization, coding intensity, blend, each with CMS's rounding.

All arithmetic is on integers: a score is a count of thousandths (or whatever the year's rounding says), factors are
exact fractions, and halves round away from zero. Binary floating point never decides a rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from riskadj.errors import ManifestError
from riskadj.kernels.relative_factors import multiply_and_round
from riskadj.scoring.plan import ScoringPlan
from riskadj.scoring.profiles import StatusProfiles
from riskadj.scoring.raw_score import RowSums
from riskadj.tables.payment_year import ONCE, STEPWISE, ModelNumber, PaymentYear

Scores = npt.NDArray[np.int64]

#: Marks a score that cannot be worked out because the year has no such number for the model.
NO_SCORE = np.iinfo(np.int64).min


def times(scores: Scores, ratios: Sequence[Fraction], which: npt.NDArray[np.int32] | None = None) -> Scores:
    """Return integer scores times exact ratios, rounded half away from zero.

    Parameters
    ----------
    scores : ndarray of int64, shape (n_rows,)
    ratios : sequence of Fraction
    which : ndarray of int32, shape (n_rows,), optional
        Ratio of each row, -1 for none; default: the first one.

    Returns
    -------
    ndarray of int64, shape (n_rows,); NO_SCORE where a row has no score or no ratio.
    """
    result = np.empty(len(scores), np.int64)
    multiply_and_round(
        scores,
        np.zeros(len(scores), np.int32) if which is None else which,
        np.array([ratio.numerator for ratio in ratios], np.int64),
        np.array([ratio.denominator for ratio in ratios], np.int64),
        NO_SCORE,
        result,
    )
    return result


@dataclass(frozen=True)
class ModelNumbers:
    """Which number of the payment year applies to each (profile, segment) of one model.

    Attributes
    ----------
    entries : tuple of ModelNumber
    of : ndarray of int32, shape (n_profiles, n_segments)
        Position in `entries`; -1 where the year has none.
    """

    entries: tuple[ModelNumber, ...]
    of: npt.NDArray[np.int32]


def numbers_of_model(
    numbers: Sequence[ModelNumber], model_id: str, segments: Sequence[str], profiles: StatusProfiles
) -> ModelNumbers:
    """Return the numbers of one model and where each applies.

    Raises
    ------
    ManifestError
        Two numbers apply to one row.
    """
    entries = tuple(number for number in numbers if number.model_id == model_id)
    of = np.full((profiles.n_profiles, len(segments)), -1, np.int32)
    for position, entry in enumerate(entries):
        wanted = np.array([not entry.segments or segment in entry.segments for segment in segments])
        fits = entry.when.fits(profiles.columns)[:, None] & wanted[None, :]
        if np.any(of[fits] >= 0):
            raise ManifestError(
                f"two numbers of {model_id} apply to the same rows; give each its segments or when."
            )
        of[fits] = position
    return ModelNumbers(entries, of)


def normalize(
    raw: Scores, numbers: ModelNumbers, profiles: npt.NDArray[np.int32], segments: npt.NDArray[np.int32]
) -> Scores:
    """Return raw scores divided by the normalization factor of their rows, rounded.

    Parameters
    ----------
    raw : ndarray of int64, shape (n_rows,)
        Rounded raw risk scores [units of the year's last decimal].
    numbers : ModelNumbers
    profiles, segments : ndarray of int32, shape (n_rows,)

    Returns
    -------
    ndarray of int64, shape (n_rows,) [same unit]; NO_SCORE where the year has no factor for the row.
    """
    return _apply(raw, numbers, profiles, segments, lambda value: 1 / Fraction(value))


def adjust_for_coding(
    normalized: Scores,
    numbers: ModelNumbers,
    profiles: npt.NDArray[np.int32],
    segments: npt.NDArray[np.int32],
) -> Scores:
    """Return normalized scores times (1 - coding intensity), rounded; same shapes and units as `normalize`.

    A model that is not adjusted (Part D) has a coding intensity of 0 in its payment year; without any number there is
    no payment score.
    """
    return _apply(normalized, numbers, profiles, segments, lambda value: 1 - Fraction(value))


def share_costs(
    total: Scores,
    plan: ScoringPlan,
    numbers: ModelNumbers,
    profiles: npt.NDArray[np.int32],
    segments: npt.NDArray[np.int32],
    decimals: int,
) -> Scores:
    """Return sums of relative factors times the cost-sharing factor of their rows, rounded once.

    Parameters
    ----------
    total : ndarray of int64, shape (n_rows,)
        Sums of relative factors [units of ``10 ** -plan.decimals``].
    decimals : int
        Decimals of the payment risk score.

    Returns
    -------
    ndarray of int64, shape (n_rows,) [units of ``10 ** -decimals``]; NO_SCORE where the year has no factor for the row.
    """
    scale = Fraction(10) ** (decimals - plan.decimals)
    return _apply(total, numbers, profiles, segments, lambda value: Fraction(value) * scale)


def _apply(
    scores: Scores,
    numbers: ModelNumbers,
    profiles: npt.NDArray[np.int32],
    segments: npt.NDArray[np.int32],
    ratio: Callable[[Decimal], Fraction],
) -> Scores:
    ratios = [ratio(entry.value) for entry in numbers.entries]
    if len(ratios) == 1 and (numbers.of == 0).all():
        return times(scores, ratios)
    which = np.where(segments < 0, -1, numbers.of[profiles, np.maximum(segments, 0)])
    return times(scores, ratios, which.astype(np.int32))


def raw_scores(total: Scores, plan: ScoringPlan, segments: npt.NDArray[np.int32], decimals: int) -> Scores:
    """Return sums of relative factors as raw risk scores, divided by the segment's adjustment and rounded once.

    Parameters
    ----------
    total : ndarray of int64, shape (n_rows,)
        Sums of relative factors [units of ``10 ** -plan.decimals``].
    segments : ndarray of int32, shape (n_rows,)
    decimals : int
        Decimals of the raw risk score.

    Returns
    -------
    ndarray of int64, shape (n_rows,) [units of ``10 ** -decimals``]
    """
    if set(plan.divisors) == {Fraction(1)}:
        return round_to(total, plan.decimals, decimals)
    scale = Fraction(10) ** (decimals - plan.decimals)
    return times(total, [scale / divisor for divisor in plan.divisors], segments)


def parts_of(
    sums: RowSums, plan: ScoringPlan, segments: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the demographic and the disease part of each sum, after the segment's adjustment (float64)."""
    unit = np.array([float(divisor) * 10**plan.decimals for divisor in plan.divisors])
    if len(set(plan.divisors)) > 1:
        return sums.demographic / unit[segments], (sums.total - sums.demographic) / unit[segments]
    return sums.demographic / unit[0], (sums.total - sums.demographic) / unit[0]


def round_to(scores: Scores, decimals_from: int, decimals_to: int) -> Scores:
    """Return integer scores of `decimals_from` decimals in units of `decimals_to` decimals, half away from zero."""
    if decimals_from == decimals_to:
        return scores
    return times(scores, [Fraction(10) ** (decimals_to - decimals_from)])


def blend(parts: Sequence[tuple[Scores, Decimal | Fraction]]) -> Scores:
    """Return the weighted sum of payment scores of several models, rounded once.

    Parameters
    ----------
    parts : sequence of (ndarray of int64, Decimal or Fraction)
        Payment risk scores of one model each, and its weight.

    Returns
    -------
    ndarray of int64, shape (n_rows,) [same unit]; NO_SCORE where any part has none.
    """
    denominator = int(np.lcm.reduce([Fraction(weight).denominator for _, weight in parts]))
    total = np.zeros(len(parts[0][0]), np.int64)
    lacking = np.zeros(len(total), np.bool_)
    for scores, weight in parts:
        lacking |= scores == NO_SCORE
        total += np.where(scores == NO_SCORE, 0, scores) * int(Fraction(weight) * denominator)
    return np.where(lacking, NO_SCORE, times(total, [Fraction(1, denominator)]))


def check_rounding(year: PaymentYear) -> None:
    """Raise ManifestError unless the year rounds in one of the manners that this release knows."""
    manner = ONCE if year.cost_sharing else STEPWISE
    if tuple(year.round_after) != manner:
        raise ManifestError(
            f"{year.program} {year.year}: [rounding] after = {list(year.round_after)}; "
            f"this release rounds after each of {list(manner)}"
            f"{' where there is cost sharing' if year.cost_sharing else ''}."
        )
    if year.cost_sharing and any(
        [number.value != 1 for number in year.normalization]
        + [number.value != 0 for number in year.coding_intensity]
    ):
        raise ManifestError(
            f"{year.program} {year.year}: with cost sharing, normalization must be 1 and coding intensity 0; "
            "this release knows no year that has both."
        )


def to_float(scores: Scores, decimals: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return scores as the float64 nearest to their decimal value, and where there is none."""
    lacking = scores == NO_SCORE
    return np.where(lacking, 0, scores) / float(10**decimals), lacking
