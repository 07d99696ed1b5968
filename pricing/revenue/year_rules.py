"""From one payment year's normalization and coding intensity to the next's, as an assumption of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import riskadj
from pricing.errors import InputError
from pricing.revenue.assumptions import Assume
from pricing.revenue.cohorts import Where
from riskadj.errors import nearest


def normalization_of_years(
    model_id: str, *, before: int, after: int, segment: str | None = None, where: Where | None = None
) -> Assume:
    """Return what another payment year's normalization and coding intensity do to a model's Part C scores.

    Parameters
    ----------
    model_id : str
        Such as ``"cms_hcc_v28"``; both years must have numbers for it.
    before, after : int
        Payment year of the scores, and the one from whose January on the assumption holds.
    segment : str, optional
        Of models whose numbers differ by segment.
    where : mapping, optional
        Cohorts whom the model scores; default: everybody.

    Returns
    -------
    Assume
        ``normalization_change`` of (normalization before / after) x (1 - coding intensity after) / (1 - before).
        Where a year pays by a blend, or by another model, score the members under its rules instead
        (``later_scores=``).

    Raises
    ------
    InputError
        A year has no number of the model, or several.
    riskadj.errors.UnknownPaymentYearError
        A year has no tables.

    References
    ----------
    .. [1] `normalization` and `coding_intensity` in hcc_maps/medicare/<year>/payment_year.toml.

    Examples
    --------
    >>> row = normalization_of_years("cms_hcc_v28", before=2026, after=2027)
    >>> row.first_month, round(row.value, 6)  # 1.067 / 1.079, and 5.9 percent in both years
    ('2027-01', 0.988879)
    """
    years = [riskadj.load_payment_year("medicare_part_c", year) for year in (before, after)]
    scales = [
        (1 - _number(year.coding_intensity, model_id, segment, f"coding intensity in {year.year}"))
        / _number(year.normalization, model_id, segment, f"normalization in {year.year}")
        for year in years
    ]
    return Assume(
        "normalization_change", float(scales[1] / scales[0]), where=where or {}, first_month=f"{after}-01"
    )


def _number(numbers: Sequence[Any], model_id: str, segment: str | None, what: str) -> Decimal:
    """Return the one number of a model."""
    found = [
        each
        for each in numbers
        if each.model_id == model_id and (not each.segments or segment is None or segment in each.segments)
    ]
    known = dict.fromkeys(each.model_id for each in numbers)
    if not found:
        of_segment = "" if segment is None else f", segment {segment},"
        raise InputError(
            f"{model_id}{of_segment} has no {what}{nearest(model_id, known)}; known: {', '.join(known)}."
        )
    if len(found) > 1:
        raise InputError(f"{model_id} has {len(found)} numbers of {what}, by segment; give segment=.")
    result: Decimal = found[0].value
    return result
