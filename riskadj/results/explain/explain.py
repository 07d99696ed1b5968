"""One member's scores line by line, each line with its table and source.

The explanation is worked out anew with plain sets, from the tables and the member's own diagnoses, and must arrive at
the scores that the engine gave; it raises if it does not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from riskadj.extracts.dates import MISSING_DATE, day_of
from riskadj.extracts.spans import OPEN_END
from riskadj.results.explain.evidence import CodeEvidence, find_drug_evidence, find_evidence
from riskadj.results.explain.explanation import Explanation, Line
from riskadj.results.explain.model_lines import DrugEvidence, ModelLines, cited, decimal_text
from riskadj.scoring.rows import rows_of_member
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import score_range
from riskadj.terms import STATUS_FIELDS


def explain_member(run: ScoringRun, member_id: str | int) -> Explanation:
    """Return every line of one member's scores.

    Parameters
    ----------
    run : ScoringRun
        Its diagnoses extract is read once more, for this member's rows.
    member_id : str or int

    Raises
    ------
    UnknownMemberError
        The member is not among the scored rows.
    """
    rows = np.flatnonzero(rows_of_member(run.population.enrollment, member_id))
    evidence, drugs = find_evidence(run, member_id), find_drug_evidence(run, member_id)
    lines: list[Line] = []
    for number, row in enumerate(rows.tolist(), start=1):
        lines += _explain_row(run, row, number, evidence, drugs)
    return Explanation(str(member_id), tuple(lines))


def _explain_row(
    run: ScoringRun, row: int, number: int, evidence: dict[str, CodeEvidence], drugs: DrugEvidence
) -> Iterator[Line]:
    payments = run.empty_payments()
    yield from _status_lines(run, row, number)
    for position, model in enumerate(run.models):
        for scored in score_range(run.population, model, row, row + 1):
            if len(scored.rows):
                payments[position][row] = scored.payment[0]
                yield from ModelLines(run, model, scored, number, evidence, drugs).lines()
    yield from _blend_lines(run, row, number, payments)


def _status_lines(run: ScoringRun, row: int, number: int) -> Iterator[Line]:
    rows, year = run.population.enrollment, run.rules.year
    profile = run.population.profiles.of_row[row]
    columns = run.population.profiles.columns
    start, end = rows.start_date[row], rows.end_date[row]
    first = "" if start == MISSING_DATE else day_of(start).isoformat()
    last = "" if end in (MISSING_DATE, OPEN_END) else day_of(end).isoformat()
    span = f"{first} to {last or 'open'}" if first else "whole year"
    yield Line(number, "", "enrollment", "span", f"{span}, {rows.months_enrolled[row]} months counted")
    born = rows.birth_date[row]
    given = "given in the extract" if born == MISSING_DATE else f"born {day_of(born).isoformat()}"
    age = int(columns["age_years"][profile])
    yield Line(
        number, "", "status", "age_years", f"{given}; {_age_rule(run, row)}", str(age),
        cited(run, year.citations["age_as_of"]),
    )  # fmt: skip
    for field in run.rules.fields:
        code = STATUS_FIELDS[field][columns[field][profile]]
        yield Line(number, "", "status", field, "", code)


def _age_rule(run: ScoringRun, row: int) -> str:
    year = run.rules.year
    if not year.age_at_end_of_enrollment:
        return f"completed years on {year.age_as_of.isoformat()}"
    last = day_of(run.population.enrollment.last_day[row]).isoformat()
    return f"completed years on {last}, the last day of enrollment"


def _blend_lines(run: ScoringRun, row: int, number: int, payments: list[np.ndarray]) -> Iterator[Line]:
    population, year = run.population, run.rules.year
    if not population.policies:
        return
    policy = population.policies[population.policy_of_profile[population.profiles.of_row[row]]]
    score = int(run.blended(payments)[row])
    parts = " + ".join(f"{weight} x {model_id}" for model_id, weight in policy.blend)
    yield Line(
        number, "", "blend", "payment risk score", f"{policy.name}: {parts}, rounded to {year.decimals} decimals",
        decimal_text(score, year.decimals), cited(run, policy.citation),
    )  # fmt: skip
