"""What diagnoses are worth that CMS has not accepted: the population scored again, exactly, with and without them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import RiskAdjError
from riskadj.extracts.open import open_extract
from riskadj.extracts.order import in_order
from riskadj.extracts.picked import picked
from riskadj.results.encounters.classify import Judge
from riskadj.results.rates import Dollars
from riskadj.scoring.marginal_rows import difference, marginal_ranges, payments_of, score_part
from riskadj.scoring.payment_score import NO_SCORE, Scores
from riskadj.scoring.plan import Words
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.service_dates import capture_window


@dataclass(frozen=True)
class Worth:
    """What some diagnoses add to the scores.

    Attributes
    ----------
    rows_changed : int
        Enrollment rows whose payment risk score differs.
    score_months : float
        Sum of the change of the score times months enrolled. [score x months]
    dollars : float or None
        The same times the rate; None where there is no rate.
    """

    rows_changed: int
    score_months: float
    dollars: float | None


@dataclass(frozen=True)
class Stakes:
    """Scores of a population on what CMS has accepted of ours, and what more diagnoses would make of them.

    Attributes
    ----------
    accepted : ndarray of uint64, shape (n_members, n_words)
        Condition bits of our diagnoses that are accepted and allowed, and of the drugs.
    scores : ndarray of int64, shape (n_rows,)
        Payment risk scores on them [units of the year's last decimal].
    """

    run: ScoringRun
    rates: Dollars | None
    accepted: Words
    scores: Scores

    def with_more(self, bits: Words) -> Scores:
        """Return payment risk scores with more condition bits; only rows whose bits change are scored again."""
        captured = self.accepted | bits
        run = replace(self.run, population=replace(self.run.population, captured=captured))
        changes: npt.NDArray[np.bool_] = (captured != self.accepted).any(axis=1)
        touched = changes[self.run.population.member_of_row]

        def work(rows: tuple[int, int]) -> Scores:
            begin, end = rows
            return _score(run, begin, end) if touched[begin:end].any() else self.scores[begin:end]

        return _joined(in_order(work, marginal_ranges(run), run.options.threads))

    def worth(self, scores: Scores) -> Worth:
        """Return what lies between these scores and those on what was accepted."""
        change = difference(scores, self.scores)
        scored = change != NO_SCORE
        points = np.where(scored, change, 0) / float(10**self.run.population.year.decimals)
        months = points * self.run.population.enrollment.months_enrolled
        dollars = None if self.rates is None else float((months * self.rates).sum())
        return Worth(int((scored & (change != 0)).sum()), float(months.sum()), dollars)

    def mean(self, scores: Scores) -> float | None:
        """Return the mean payment risk score by months; None where no row is scored."""
        scored = scores != NO_SCORE
        months = np.where(scored, self.run.population.enrollment.months_enrolled, 0)
        whole = float(months.sum())
        unit = float(10**self.run.population.year.decimals)
        return float((np.where(scored, scores, 0) / unit * months).sum() / whole) if whole else None


def _score(run: ScoringRun, begin: int, end: int) -> Scores:
    parts = [score_part(run, model, begin, end) for model in run.models]
    return payments_of(run, parts, begin, end)[1]


def _joined(pieces: object) -> Scores:
    found = list(pieces)  # type: ignore[call-overload]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def find_stakes(run: ScoringRun, judge: Judge, rest: pa.Table, rates: Dollars | None) -> Stakes:
    """Score a population on what CMS has accepted and allowed of its diagnoses.

    Parameters
    ----------
    run : ScoringRun
        Scored on all our diagnoses.
    judge : Judge
    rest : pyarrow.Table
        Our rows that are not accepted and allowed.
    rates : ndarray of float64, shape (n_rows,), or None
        [dollars per member and month at a score of 1.000]

    Raises
    ------
    RiskAdjError
        The diagnoses are no longer those that were scored.
    """
    extract = run.extracts[1]
    allowed, _, _ = capture_window(run, picked(extract, judge.columns, judge.is_allowed), run.window)
    others = bits_of(run, rest)
    captured = run.population.captured
    drugs = captured & ~(allowed | others)  # what drugs set, whose bits no diagnosis sets
    if not np.array_equal(allowed | others | drugs, captured) or (drugs.any() and not run.drugs):
        raise RiskAdjError(
            "the diagnoses extract is not the one that was scored: what is accepted and what is not do not make up its "
            "HCCs; score it again."
        )
    accepted = allowed | drugs
    base = replace(run, population=replace(run.population, captured=accepted))
    scores = _joined(_score(base, *rows) for rows in marginal_ranges(base))
    return Stakes(run, rates, accepted, scores)


def bits_of(run: ScoringRun, rows: pa.Table, *, is_filtered: bool = False) -> Words:
    """Return the condition bits that rows of diagnoses give the members of a run.

    Parameters
    ----------
    is_filtered : bool
        CMS has filtered them already: the run's claim filter is not asked.
    """
    if not rows.num_rows:
        return np.zeros_like(run.population.captured)
    options = replace(run.options, diagnosis_filter="none") if is_filtered else run.options
    extract = open_extract(rows, "diagnoses")
    return capture_window(replace(run, options=options), extract, run.window)[0]
