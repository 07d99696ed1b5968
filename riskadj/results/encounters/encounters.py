"""Encounter completeness: what of our diagnoses CMS accepted, rejected or never saw, why, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.results import family
from riskadj.results.encounters.classify import Classified, Judge, classify, without_claim
from riskadj.results.encounters.responses import CLASSES, MAO002, Given, read_answers
from riskadj.results.encounters.stake import Stakes, bits_of, find_stakes
from riskadj.results.encounters.tables import (
    Alone,
    all_bits,
    claim_table,
    class_table,
    month_table,
    reason_table,
    score_table,
    worklist,
)
from riskadj.results.rates import rate_words, rates_of_rows
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Tables of the result; each is written as ``encounter_<name>.parquet``.


@dataclass(frozen=True)
class Encounters:
    """Our diagnoses, each in exactly one class of what CMS made of it, and what the classes are worth.

    Classes, the first that fits: accepted_allowed; deleted (accepted, then taken back); accepted_not_allowed; rejected;
    no_response (submitted or accepted, and no report of its diagnoses); missing; and, of CMS's side alone,
    accepted_without_claim.

    Attributes
    ----------
    classes : pyarrow.Table
        One row per class: diagnoses, share, claims, and at stake (what the scores would gain if these diagnoses too
        were accepted): rows_changed, score_months [score x months], dollars.
    reasons : pyarrow.Table
        The same, one row per class, source and reason (error code, reason code). What reasons are worth does not add
        up: two of them may stand behind one HCC.
    months : pyarrow.Table
        Diagnoses by month of service, claim type, class, source and reason.
    claims : pyarrow.Table
        Claims by month of service, claim type and class, that of their best diagnosis; no rows without claim_id.
    worklist : pyarrow.Table
        One row per diagnosis that is not accepted and allowed, and per diagnosis that CMS counts without a claim of
        ours.
    scores : pyarrow.Table
        One row per enrollment row whose payment risk score differs between all our diagnoses, those accepted, and those
        that CMS counts. [1.000 = average beneficiary; dollars over the months of the row]
    run : dict
        The report of the scoring run; under "encounters" counts that add up, and the totals.
    """

    classes: pa.Table
    reasons: pa.Table
    months: pa.Table
    claims: pa.Table
    worklist: pa.Table
    scores: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: f"encounter_{name}" for name in ("classes", "reasons", "months", "claims", "worklist", "scores")
    }
    to_pandas = family.to_pandas
    write = family.write

    def summary(self) -> pd.DataFrame:
        """Return the classes: diagnoses, claims, and what is at stake."""
        return self.to_pandas("classes")

    def plot(self) -> Figure:
        """Return a figure: diagnoses by month and class, and the reasons that most is at stake by."""
        from riskadj.results.plots.encounters import plot_encounters

        return plot_encounters(self.months, self.reasons)

    def __repr__(self) -> str:
        """Return how much is accepted, without any member's data."""
        facts = self.run["encounters"]
        return f"<Encounters: {facts['accepted_allowed']:,} of {facts['diagnoses']:,} diagnoses accepted and allowed>"


def encounters_of(
    run: ScoringRun, given: Given, *, rate: float | str | None = None, source: Any = None
) -> Encounters:
    """Set the diagnoses of a run against responses.

    Parameters
    ----------
    run : ScoringRun
        Its diagnoses are read twice more: for their classes, and for what the accepted ones are worth.
    given : Given
    rate, source
        As `results.rates.rates_of_rows`. [dollars per member and month at a score of 1.000]

    Raises
    ------
    OptionError, ExtractError
        The responses or the rate cannot be used.
    RiskAdjError
        The diagnoses are no longer those that were scored.
    """
    judge = Judge(read_answers(given, run.extracts[1], run.window))
    rates = rates_of_rows(run, rate, source=source)
    found = classify(run, judge)
    stakes = find_stakes(run, judge, found.rest, rates)
    alone = {
        name: Alone(rows, bits_of(run, rows, is_filtered=True))
        for name, rows in without_claim(judge, found.met)
    }
    with_theirs = stakes.with_more(all_bits(stakes, alone))
    ours = stakes.with_more(run.population.captured)
    facts = _facts(judge, found, alone)
    report = {
        **run_report(run),
        "rate": rate_words(run, rate),
        "encounters": {**facts, **_totals(stakes, ours, with_theirs), "notes": list(_notes(judge, facts))},
    }
    return Encounters(
        class_table(stakes, found, alone), reason_table(stakes, judge, found, alone), month_table(judge, found),
        claim_table(found), worklist(run, judge, found, alone), score_table(stakes, ours, with_theirs), report,
    )  # fmt: skip


def _facts(judge: Judge, found: Classified, alone: Mapping[str, Alone]) -> dict[str, Any]:
    of_class = np.bincount(found.classes, minlength=len(CLASSES)).tolist()
    of_class[-1] = sum(one.rows.num_rows for one in alone.values())
    responses = {}
    for one, met in zip(judge.answers, found.met, strict=True):
        if one.counts.get("rows_read") is None:
            continue
        keys = {"keys": len(one.keys), "keys_of_ours": int(met.sum())}
        lone = {"accepted_without_claim": alone[one.source].rows.num_rows} if one.source in alone else {}
        responses[one.source] = {**one.counts, **keys, **lone}
    return {
        **found.counts,
        **dict(zip(CLASSES, of_class, strict=True)),
        "matched_by": {one.source: list(one.columns) for one in reversed(judge.answers)},
        "responses": responses,
    }


def _totals(
    stakes: Stakes, ours: npt.NDArray[np.int64], with_theirs: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Return mean scores and what lies between them."""
    at_stake, lone = stakes.worth(ours), stakes.worth(with_theirs)
    return {
        "mean_payment_risk_score": stakes.mean(ours),
        "mean_payment_risk_score_accepted": stakes.mean(stakes.scores),
        "mean_payment_risk_score_of_cms": stakes.mean(with_theirs),
        "enrollment_rows_at_stake": at_stake.rows_changed,
        "score_months_at_stake": at_stake.score_months,
        "dollars_at_stake": at_stake.dollars,
        "score_months_without_claim": lone.score_months,
        "dollars_without_claim": lone.dollars,
    }


def _notes(judge: Judge, facts: Mapping[str, Any]) -> Iterator[str]:
    if all(one.standing is None for one in judge.answers):
        yield f"no report says which diagnoses are allowed: what {MAO002} accepts is taken as allowed"
    for source, counts in facts["responses"].items():
        if counts["keys"] and not counts["keys_of_ours"]:
            columns = ", ".join(facts["matched_by"][source])
            yield f"none of our diagnoses is in {source} by {columns}: see that both name them alike"


#: Lines of the summary on the command line, in order.
TOTALS = (
    "rows_read", "rows_unusable", "rows_outside_window", "rows_repeated", "diagnoses",
    "mean_payment_risk_score", "mean_payment_risk_score_accepted", "mean_payment_risk_score_of_cms",
    "score_months_at_stake", "dollars_at_stake", "score_months_without_claim", "dollars_without_claim",
)  # fmt: skip
