"""From scores of an enrollment extract to the enrollees that a market is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.aca.market import is_rated, market_of_enrollees
from pricing.aca.transfer_formula import PLAN
from pricing.inputs import Array, Column, Columns, read_columns
from pricing.parameters import Rates, load_rates

SCORES = (
    Column("member_id", "text"),
    Column("enrollment_start_date", "date"),
    Column("months_enrolled", minimum=0.0, maximum=12.0),
    Column("payment_risk_score", minimum=0.0),
)
ENROLLMENT = (
    Column("member_id", "text"),
    Column("enrollment_start_date", "date"),
    Column("birth_date", "date"),
    *(Column(name, "text") for name in PLAN),
    Column("premium_pmpm", minimum=0.0),
    Column("family_id", "text", default=...),
)
KEY = ("member_id", "enrollment_start_date")


def enrollees_of_scores(
    scores: Any, enrollment: Any, *, benefit_year: int, rates: Rates | None = None
) -> pa.Table:
    """Return enrollees, ready for `market_of_enrollees` and `simulate`: each scored row with its plan and premium.

    Parameters
    ----------
    scores : path, DataFrame or Arrow table
        Payment scores of HHS models: ``riskadj.score(..., program="hhs").payment_scores``.
    enrollment : path, DataFrame or Arrow table
        The extract that was scored, with state, market, rating_area, issuer_id, plan_id, metal_level, birth_date and
        premium_pmpm, and family_id where it is known: without it everybody is billable. Rows that scoring has rejected
        are no enrollees.
    benefit_year : int
    rates : Rates, optional

    Returns
    -------
    pyarrow.Table
        One row per scored row of at least one month, in their order: member_id, enrollment_start_date, state, market,
        issuer_id, plan_id, rating_area, metal_level, months_enrolled, payment_risk_score, premium_pmpm, age_years [on
        the first day with the plan in the year, as it is rated], is_billable, and family_id if given.

    Raises
    ------
    InputError
        A table lacks a column, two rows have the same member and first day, or a scored row is not in the enrollment.

    References
    ----------
    .. [1] `cfr147_102` (a)(1)(iii), (c)(1) in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    scored = read_columns(scores, SCORES, role="scores", key=KEY)
    spans = read_columns(enrollment, ENROLLMENT, role="enrollment", key=KEY)
    position = {key: row for row, key in enumerate(zip(*(spans[name] for name in KEY), strict=True))}
    found = [position.get(key, -1) for key in zip(*(scored[name] for name in KEY), strict=True)]
    row = np.array(found, np.int64)
    scored.refuse(
        row < 0, f"a member and first day that {spans.label} lacks; give the extract that was scored;"
    )
    age, billable = _rating(spans, rates)
    kept = scored["months_enrolled"] > 0
    row = row[kept]
    columns = {name: pa.array(spans[name][row]) for name in ("member_id", "enrollment_start_date", *PLAN)}
    columns |= {name: pa.array(scored[name][kept]) for name in ("months_enrolled", "payment_risk_score")}
    columns["premium_pmpm"] = pa.array(spans["premium_pmpm"][row])
    columns["age_years"] = pa.array(age[row])
    columns["is_billable"] = pa.array(billable[row])
    if "family_id" in spans:
        columns["family_id"] = pa.array(spans["family_id"][row])
    return pa.table(columns)


def market_of_scores(
    scores: Any, enrollment: Any, *, benefit_year: int, rates: Rates | None = None
) -> pa.Table:
    """Return the market that scored enrollees make: what `risk_transfer` reads, in one step from the scores.

    Parameters
    ----------
    scores : path, DataFrame or Arrow table
        Payment scores of HHS models: ``riskadj.score(..., program="hhs").payment_scores``, or the file of it.
    enrollment : path, DataFrame or Arrow table
        The extract that was scored, with the columns that `enrollees_of_scores` takes over.
    benefit_year : int
    rates : Rates, optional

    Returns
    -------
    pyarrow.Table
        One row per plan and rating area, as `market_of_enrollees` returns it: plrs, arf [age 21 = 1.000],
        premium_pmpm [dollars per billable month], months.

    Raises
    ------
    InputError
        As `enrollees_of_scores` and `market_of_enrollees` do.
    """
    rates = rates or load_rates("aca", benefit_year)
    enrollees = enrollees_of_scores(scores, enrollment, benefit_year=benefit_year, rates=rates)
    return market_of_enrollees(enrollees, benefit_year=benefit_year, rates=rates)


def _rating(spans: Columns, rates: Rates) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return age and whether each row is billed for: one answer for all rows of a member in a plan."""
    pairs = np.array([f"{m}|{p}" for m, p in zip(spans["member_id"], spans["plan_id"], strict=True)])
    order = np.argsort(spans["enrollment_start_date"], kind="stable")
    _, first, place = np.unique(pairs[order], return_index=True, return_inverse=True)
    first = order[first]
    of_row = np.empty(len(pairs), np.int64)
    of_row[order] = place
    by_row = np.sort(first)  # in the order of the extract: of children of one age its first rows count
    age = whole_years(spans["birth_date"][by_row], spans["enrollment_start_date"][by_row])
    rated = np.ones(len(first), np.bool_)
    if "family_id" in spans:
        families = zip(spans["family_id"][by_row], spans["plan_id"][by_row], strict=True)
        rated = is_rated(age, np.array([f"{family}|{plan}" for family, plan in families]), rates)
    back = np.searchsorted(by_row, first)[of_row]
    return age[back], rated[back]


def whole_years(birth: Array, day: Array) -> npt.NDArray[np.int64]:
    """Return completed years from a birth date to a day; 29 February is reached on 1 March."""
    years, months, days = (_parts(day)[part] - _parts(birth)[part] for part in range(3))
    not_yet = (months < 0) | ((months == 0) & (days < 0))
    result: npt.NDArray[np.int64] = np.maximum(years - not_yet, 0)
    return result


def _parts(dates: Array) -> tuple[npt.NDArray[np.int64], ...]:
    day = dates.astype("datetime64[D]")
    month, year = day.astype("datetime64[M]"), day.astype("datetime64[Y]")
    return (
        year.astype(np.int64),
        (month - year.astype("datetime64[M]")).astype(np.int64),
        (day - month.astype("datetime64[D]")).astype(np.int64),
    )
