"""The tables of gaps: one row per condition, one row per enrollment row with open gaps, and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import encoded_strings, from_numpy, from_strings, is_valid, one_chunk, values_of
from riskadj.results.gaps.chronic import ACUTE, UNKNOWN
from riskadj.results.gaps.recapture import month_names
from riskadj.results.gaps.rows import OPEN, STATUSES, GapInputs, GapRows, find_gaps, payment_if_closed
from riskadj.results.summary.groups import Labels, combine, labels_of_column
from riskadj.scoring.payment_score import NO_SCORE, Scores
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun, score_column, span_columns
from riskadj.scoring.service_dates import NO_FIRST, NO_LAST, month_starts

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """The gaps of one model, and its payment scores as they are and with its gaps closed; NO_SCORE where unscored."""

    model: ModelRun
    kinds: npt.NDArray[np.int8]
    gaps: GapRows
    payment: Scores
    payment_if_closed: Scores
    n_new: int

    @classmethod
    def of(
        cls, inputs: GapInputs, model: ModelRun, kinds: npt.NDArray[np.int8], last: npt.NDArray[np.bool_]
    ) -> Found:
        """Return the gaps of a model, with the scores of its rows as they are and with the gaps that count closed."""
        population = inputs.run.population
        payment = np.full(population.n_rows, NO_SCORE, np.int64)
        closed, parts, n_new = payment.copy(), [], 0
        for begin, end in population.ranges():
            found = find_gaps(inputs, model, begin, end)
            payment[found.rows] = found.payment
            closed[found.rows] = payment_if_closed(inputs, model, found, counts_open(found.gaps, kinds))
            parts.append(found.gaps)
            n_new += int(last[found.new].sum())
        return cls(model, kinds, GapRows.joined(parts), payment, closed, n_new)


def counts_open(gaps: GapRows, kinds: npt.NDArray[np.int8]) -> Flags:
    """Return which gaps are open and not acute."""
    wanted: Flags = (gaps.status == OPEN) & (kinds[gaps.hccs] != ACUTE)
    return wanted


def gap_table(
    inputs: GapInputs,
    found: Found,
    last: Flags,
    labels: dict[str, Labels],
    rates: npt.NDArray[np.float64] | None,
) -> pa.Table:
    """Return one row per gap of one model; `labels` are those of its gaps."""
    run, gaps, plan = inputs.run, found.gaps, found.model.plan
    population = run.population
    profile = population.profiles.of_row[gaps.rows]
    titles = {row["hcc"]: row["label"] for row in plan.model.records("labels")}
    names = plan.variables[: plan.n_hccs]
    kind = found.kinds[gaps.hccs]
    member_id, start, end = span_columns(population.enrollment, gaps.rows)
    months = population.enrollment.months_enrolled[gaps.rows]
    change, lacking = _weighted(found.model, run, gaps, profile)
    columns: dict[str, pa.Array] = {
        "member_id": member_id,
        "enrollment_start_date": start,
        "enrollment_end_date": end,
        "months_enrolled": from_numpy(months, pa.int16()),
        "is_last_span": from_numpy(last[gaps.rows], pa.bool_()),
        "model_id": encoded_strings(np.zeros(len(profile), np.int32), [plan.model.id]),
        "segment": encoded_strings(found.model.segment_of_profile[profile], plan.segments),
        "hcc": encoded_strings(gaps.hccs, names),
        "label": encoded_strings(gaps.hccs, [titles[name] for name in names]),
        "is_chronic": from_numpy(kind == 1, pa.bool_(), valid=kind != UNKNOWN),
        "origin": encoded_strings(np.where(gaps.is_prior, 0, 1), ["prior", "suspect"]),
        "status": encoded_strings(gaps.status, STATUSES),
        "first_prior_service_date": _dates(gaps.first_prior),
        "last_prior_service_date": _dates(gaps.last_prior),
        "recaptured_on": _dates(gaps.seen),
        "recapture_month": _months(gaps.seen, inputs.now.window),
        "payment_risk_score_change": from_numpy(change, pa.float64(), valid=~lacking),
    }
    if rates is not None:
        dollars = change * rates[gaps.rows] * months
        columns["revenue_change"] = from_numpy(dollars, pa.float64(), valid=~lacking & ~np.isnan(dollars))
    if inputs.suspects is not None:
        columns |= _of_suspects(inputs, found)
    columns |= {name: label.column() for name, label in labels.items()}
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _weighted(
    model: ModelRun, run: ScoringRun, gaps: GapRows, profile: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], Flags]:
    """Return the change of each gap's score times the model's weight in the row's blend, and where there is none."""
    lacking = gaps.change == NO_SCORE
    units = np.where(lacking, 0, gaps.change) / float(10**run.rules.year.decimals)
    if not model.weights:
        return units, lacking
    weights = np.array([float(weight or 0) for weight in model.weights])
    return units * weights[run.population.policy_of_profile[profile]], lacking


def _of_suspects(inputs: GapInputs, found: Found) -> dict[str, pa.Array]:
    assert inputs.suspects is not None
    plan, first = found.model.plan, 64 * found.model.first_word
    of_hcc = [
        (first + np.flatnonzero(plan.bit_columns.hcc_ids == hcc)).astype(np.int32)
        for hcc in range(plan.n_hccs)
    ]
    members = inputs.run.population.member_of_row[found.gaps.rows]
    reasons, probability = inputs.suspects.of_pairs(members, of_hcc, found.gaps.hccs)
    return {
        "suspect_reason": reasons,
        "suspect_probability": from_numpy(probability, pa.float64(), valid=~np.isnan(probability)),
    }


def _dates(days: npt.NDArray[np.int32]) -> pa.Array:
    return from_numpy(days, pa.date32(), valid=(days != NO_FIRST) & (days != NO_LAST))


def _months(days: npt.NDArray[np.int32], window: tuple[date, date]) -> pa.Array:
    month = np.searchsorted(month_starts(window), days, side="right") - 1
    codes = from_numpy(month.astype(np.int32), pa.int32(), valid=days != NO_FIRST)
    return pa.DictionaryArray.from_arrays(codes, pa.array(month_names(window), pa.string()))


def potential_table(
    inputs: GapInputs, found: Sequence[Found], rates: npt.NDArray[np.float64] | None
) -> pa.Table:
    """Return one row per enrollment row with open gaps: what it is paid, and would be if all of them were closed.

    Parameters
    ----------
    rates : ndarray of float64, shape (n_rows,), or None
        Dollars per member and month at a payment risk score of 1.000; None: no revenue_change [dollars].
    """
    run = inputs.run
    population, decimals = run.population, run.rules.year.decimals
    n_open = np.zeros(population.n_rows, np.int64)
    for one in found:
        n_open += np.bincount(one.gaps.rows[counts_open(one.gaps, one.kinds)], minlength=population.n_rows)
    rows = np.flatnonzero(n_open)
    now = run.blended([one.payment for one in found])[rows]
    then = run.blended([one.payment_if_closed for one in found])[rows]
    lacking = (now == NO_SCORE) | (then == NO_SCORE)
    change = np.where(lacking, NO_SCORE, np.where(lacking, 0, then - now))
    member_id, start, end = span_columns(population.enrollment, rows)
    months = population.enrollment.months_enrolled[rows]
    columns: dict[str, pa.Array] = {
        "member_id": member_id,
        "enrollment_start_date": start,
        "enrollment_end_date": end,
        "months_enrolled": from_numpy(months, pa.int16()),
        "open_gaps": from_numpy(n_open[rows], pa.int64()),
        "payment_risk_score": score_column(now, decimals),
        "payment_risk_score_if_closed": score_column(then, decimals),
        "payment_risk_score_change": score_column(change, decimals),
    }
    if rates is not None:
        dollars = np.where(lacking, np.nan, change / float(10**decimals)) * rates[rows] * months
        columns["revenue_change"] = from_numpy(dollars, pa.float64(), valid=~np.isnan(dollars))
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def summary_table(gaps: pa.Table) -> pa.Table:
    """Return one row per model and kind of condition, each member once (the last span).

    Columns: conditions of the prior window of members still enrolled, those open, closed and superseded, the recapture
    rate [share of conditions, 0 to 1], the sum of the open gaps' payment_risk_score_change (and revenue_change), then
    conditions that are not applicable, and suspects that are open.
    """
    kept = gaps.filter(gaps["is_last_span"])
    chronic = one_chunk(kept["is_chronic"])
    kind = np.where(is_valid(chronic), values_of(chronic).astype(np.int32), 2).astype(np.int32)
    labels = {
        "model_id": labels_of_column(kept["model_id"]),
        "kind": Labels(np.array([1, 0, 2], np.int32)[kind], ("chronic", "acute", "unknown")),
    }
    group, names = combine(labels)
    status = labels_of_column(kept["status"])
    prior = labels_of_column(kept["origin"]).is_name("prior")

    def count(name: str, where: Flags | None = None) -> npt.NDArray[np.int64]:
        rows = status.is_name(name) if where is None else status.is_name(name) & where
        return np.bincount(group[rows], minlength=len(names)).astype(np.int64)

    n_open, closed, superseded = (count(name, prior) for name in ("open", "closed", "superseded"))
    conditions = n_open + closed + superseded
    rate = np.divide(closed + superseded, conditions, out=np.zeros(len(names)), where=conditions > 0)
    columns: dict[str, pa.Array] = {
        "model_id": from_strings([one[0] for one in names]),
        "kind": from_strings([one[1] for one in names]),
        "conditions": from_numpy(conditions, pa.int64()),
        "open": from_numpy(n_open, pa.int64()),
        "closed": from_numpy(closed, pa.int64()),
        "superseded": from_numpy(superseded, pa.int64()),
        "recapture_rate": from_numpy(rate, pa.float64(), valid=conditions > 0),
    }
    for name in ("payment_risk_score_change", "revenue_change"):
        if name in kept.column_names:
            array = one_chunk(kept[name])
            worth = np.where(status.is_name("open") & is_valid(array), values_of(array), 0.0)
            sums = np.bincount(group, weights=worth, minlength=len(names))
            columns[f"open_{name}"] = from_numpy(sums, pa.float64())
    columns["not_applicable"] = from_numpy(count("not_applicable"), pa.int64())
    columns["suspects"] = from_numpy(count("suspect"), pa.int64())
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))
