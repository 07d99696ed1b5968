"""Every enrollment row of two runs with its walk from score to score, as amounts to add up and as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings
from riskadj.results.impact.attribution import CAUSES, Causes
from riskadj.results.impact.grouping import Groups, group_rows
from riskadj.results.impact.matching import MatchedRows, Rows
from riskadj.results.impact.sums import Amounts
from riskadj.results.summary.groups import Labels
from riskadj.scoring.payment_score import Scores as IntegerScores
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import score_column, span_columns

SCORE, BEFORE = "payment_risk_score", "_before"
_PRESENCE = ("both", "before", "after")


@dataclass(frozen=True)
class ImpactRows:
    """Every row's walk; rows of both runs first, then those of the run before alone, then those of the run after."""

    runs: tuple[ScoringRun, ScoringRun]
    matched: MatchedRows
    causes: Causes
    scores: tuple[IntegerScores, IntegerScores]
    decimals: int

    def grouped(self, labels: dict[str, Labels]) -> Groups:
        """Return the groups of all rows."""
        matched = self.matched
        return group_rows(labels, matched.n_rows + len(matched.only_before) + len(matched.only_after))

    def amounts(self) -> Amounts:
        """Return months and scores of all rows, 0 where a run lacks the row."""
        months = [run.population.enrollment.months_enrolled.astype(np.int64) for run in self.runs]
        by_months = all(each.any() for each in months)
        if not by_months:
            months = [np.ones(len(each), np.int64) for each in months]
        matched, n_rows = self.matched, self.matched.n_rows
        removed, added = len(matched.only_before), len(matched.only_after)
        before = np.concatenate([matched.before, matched.only_before])
        after = [matched.after, matched.only_after]
        return Amounts(
            n_matched=n_rows,
            n_removed=removed,
            months_before=_padded(months[0][before], n_rows + removed + added),
            months_after=np.insert(months[1][np.concatenate(after)], n_rows, np.zeros(removed, np.int64)),
            score_before=_padded(self.scores[0][before], n_rows + removed + added),
            score_after=np.insert(self.scores[1][np.concatenate(after)], n_rows, np.zeros(removed, np.int64)),
            causes=self.causes,
            decimals=self.decimals,
            by_months=by_months,
        )

    def both_scores(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the scores before and after of the rows of both runs."""
        unit = float(10**self.decimals)
        return self.scores[0][self.matched.before] / unit, self.scores[1][self.matched.after] / unit

    def table(self) -> pa.Table:
        """Return one row per enrollment row of either run."""
        return pa.concat_tables([self._both(), self._only(0), self._only(1)], promote_options="default")

    def _both(self) -> pa.Table:
        matched = self.matched
        columns = self._head(0, matched.before, 0)
        columns |= {
            f"{SCORE}{BEFORE}": self._score(0, matched.before),
            **{name: self._change(step) for step, name in enumerate(CAUSES)},
            f"{SCORE}_after": self._score(1, matched.after),
        }
        return pa.table(columns)

    def _only(self, side: int) -> pa.Table:
        rows = (self.matched.only_before, self.matched.only_after)[side]
        columns = self._head(side, rows, side + 1)
        columns[SCORE + (BEFORE, "_after")[side]] = self._score(side, rows)
        return pa.table(columns)

    def _head(self, side: int, rows: Rows, presence: int) -> dict[str, pa.Array]:
        enrollment = self.runs[side].population.enrollment
        member_id, start, end = span_columns(enrollment, rows)
        which = pa.DictionaryArray.from_arrays(
            from_numpy(np.full(len(rows), presence, np.int8), pa.int8()), from_strings(_PRESENCE)
        )
        return {
            "member_id": member_id,
            "enrollment_start_date": start,
            "enrollment_end_date": end,
            "months_enrolled": from_numpy(enrollment.months_enrolled[rows], pa.int16()),
            "presence": which,
        }

    def _change(self, step: int) -> pa.Array:
        return score_column(self.causes[step].astype(np.int64), self.decimals)

    def _score(self, side: int, rows: Rows) -> pa.Array:
        return score_column(self.scores[side][rows], self.decimals)


def _padded(values: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    return np.concatenate([values, np.zeros(size - len(values), np.int64)])
