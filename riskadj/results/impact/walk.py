"""The walk from one payment risk score to another, one cause at a time, in exact integers.

A walk is a chain of complete scores. The first is the row's payment risk score before, the last the one after, and
between two neighbours one thing changes: a cause. Each score of the chain is rounded as the rules round it, so the
causes, being differences of neighbours, add up to the total change exactly; no share is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from riskadj.results.impact.transition import Transition, without_hierarchies
from riskadj.scoring.payment_score import NO_SCORE, ModelNumbers, Scores, blend, times
from riskadj.scoring.plan import ScoringPlan, Words, set_bits
from riskadj.scoring.profiles import StatusProfiles
from riskadj.scoring.raw_score import find_variables, sum_factors
from riskadj.scoring.score_rows import ModelRun

#: Steps of the walk between two models, in their order, and what each changes.
STEPS = {
    "diagnoses": "diagnoses that count: extract, sources, claim filter, collection window",
    "age_and_status": "age on the day that the year names, and member status, under the model before",
    "mapping_lost": "diagnosis codes that have a payment HCC no more, under the model before",
    "mapping_moved": "codes that give another HCC, or ask another age or sex",
    "hierarchies": "requirements and hierarchies: what they leave of the HCCs",
    "demographic_factors": "demographic variables and what they are worth",
    "condition_factors": "what HCCs (and groups of HCCs) are worth",
    "interactions": "interactions, and what they are worth",
    "counts": "counts of payment HCCs, and what they are worth",
    "adjustments": "what the sum of factors is divided by",
    "mapping_gained": "diagnosis codes that have a payment HCC only now, under the model after",
    "normalization": "normalization factor",
    "coding_intensity": "coding intensity adjustment",
    "cost_sharing": "cost-sharing factor",
}

#: Kinds of variables, by their steps.
KINDS = ("demographic_factors", "condition_factors", "interactions", "counts")
Kinds = dict[str, npt.NDArray[np.int64]]
Positions = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ratios:
    """Exact ratios, and which of them applies to each row (-1: none)."""

    values: tuple[Fraction, ...]
    which: Positions

    def of(self, scores: Scores) -> Scores:
        """Return the scores times their rows' ratios, rounded; NO_SCORE where a row has none."""
        return times(scores, self.values, self.which)


@dataclass(frozen=True)
class Rules:
    """What turns sums of factors into payment scores, row by row; a cost-sharing factor does so in one step."""

    raw: Ratios
    normalization: Ratios
    coding_intensity: Ratios
    cost_sharing: Ratios | None

    def pay(self, total: Scores) -> Scores:
        """Return the payment scores of sums of factors."""
        if self.cost_sharing is not None:
            return self.cost_sharing.of(total)
        return self.coding_intensity.of(self.normalization.of(self.raw.of(total)))


@dataclass(frozen=True, eq=False)
class Stage:
    """A model and what it scores: whose diagnoses, under which status.

    Attributes
    ----------
    captured : ndarray of uint64, shape (n_members, n_words)
    members : ndarray of int32, shape (n_rows,)
        Whose words of `captured` each row has.
    profiles : StatusProfiles
        Of the same rows.
    """

    model: ModelRun
    captured: Words
    members: Positions
    profiles: StatusProfiles

    def segments(self, rows: Rows) -> Positions:
        """Return the segment of each row; -1 where the model has none for its status."""
        return self.model.segment_of_profile[self.profiles.of_row[rows]]

    def kinds(self, rows: Rows, plan: ScoringPlan | None = None) -> Kinds:
        """Return the sums of factors by kind [units of the plan's last decimal], each of shape (len(rows),).

        `plan` replaces the model's own, which it must equal in its variables.
        """
        plan = plan or self.model.plan
        profile = self.profiles.of_row[rows]
        variables = find_variables(
            plan,
            self.captured,
            self.model.first_word,
            self.members[rows],
            profile,
            self.profiles,
            self.model.demographics,
        )
        columns = self.model.factor_columns[profile, self.segments(rows)]
        columns = np.where(self.segments(rows) < 0, np.int32(-1), columns)
        return {
            kind: sum_factors(plan, variables & mask, columns).total
            for kind, mask in _masks_of_kinds(plan).items()
        }

    def rules(self, rows: Rows, *, unit: int, decimals: int) -> Rules:
        """Return what turns sums in units of ``10 ** -unit`` into scores in units of ``10 ** -decimals``."""
        segments, profile = self.segments(rows), self.profiles.of_row[rows]
        scale = Fraction(10) ** (decimals - unit)
        return Rules(
            Ratios(tuple(scale / divisor for divisor in self.model.plan.divisors), segments),
            Ratios(
                tuple(1 / Fraction(entry.value) for entry in self.model.normalization.entries),
                _which(self.model.normalization, profile, segments),
            ),
            Ratios(
                tuple(1 - Fraction(entry.value) for entry in self.model.coding_intensity.entries),
                _which(self.model.coding_intensity, profile, segments),
            ),
            Ratios(
                tuple(scale * Fraction(entry.value) for entry in self.model.cost_sharing.entries),
                _which(self.model.cost_sharing, profile, segments),
            )
            if self.model.cost_sharing.entries
            else None,
        )


def _which(numbers: ModelNumbers, profile: Positions, segments: Positions) -> Positions:
    return np.where(segments < 0, np.int32(-1), numbers.of[profile, segments])


def _masks_of_kinds(plan: ScoringPlan) -> dict[str, Words]:
    bounds = (plan.first_demographic, plan.first_interaction, plan.first_count, len(plan.variables))
    ranges = {
        "demographic_factors": range(bounds[0], bounds[1]),
        "condition_factors": range(bounds[0]),
        "interactions": range(bounds[1], bounds[2]),
        "counts": range(bounds[2], bounds[3]),
    }
    return {kind: set_bits(ranges[kind], plan.n_words) for kind in KINDS}


@dataclass(frozen=True)
class Leg:
    """The walk of some weight from one model to another.

    Attributes
    ----------
    before : Stage
        Own diagnoses, own status.
    diagnosed : Stage
        The diagnoses of the other side.
    aged : Stage
        Its ages and status too.
    kept, moved, ranked : Stage
        Under the plans of the transition.
    common, after : Stage
        The model after.
    decimals : tuple of int
        Of scores before and after.
    """

    transition: Transition
    weight: Fraction
    before: Stage
    diagnosed: Stage
    aged: Stage
    kept: Stage
    moved: Stage
    ranked: Stage
    common: Stage
    after: Stage
    decimals: tuple[int, int]

    def scores(self, rows: Rows) -> list[Scores]:
        """Return 1 + len(STEPS) payment scores of each row, each one step from the last.

        Scores from the normalization step on are in units of the last decimal after, the others before.
        """
        unit = max(self.transition.before.decimals, self.transition.after.decimals)
        mine = self.before.rules(rows, unit=unit, decimals=self.decimals[0])
        aged = self.aged.rules(rows, unit=unit, decimals=self.decimals[0])
        divided = self.after.rules(rows, unit=unit, decimals=self.decimals[0])
        late = self.aged.rules(rows, unit=unit, decimals=self.decimals[1])
        theirs = self.after.rules(rows, unit=unit, decimals=self.decimals[1])
        totals = self._totals(rows, unit)
        scores = [mine.pay(totals[0]), mine.pay(totals[1])]
        scores += [aged.pay(total) for total in totals[2:-1]]
        scores += [replace(aged, raw=divided.raw).pay(total) for total in totals[-2:]]
        normalized = replace(late, raw=theirs.raw, normalization=theirs.normalization)
        coded = replace(normalized, coding_intensity=theirs.coding_intensity)
        return [*scores, *(rules.pay(totals[-1]) for rules in (normalized, coded, theirs))]

    def _totals(self, rows: Rows, unit: int) -> list[Scores]:
        """Return the sums of factors, from the model's own before to those of the model after."""
        kinds: dict[int, Kinds] = {}

        def of(stage: Stage) -> Kinds:
            if id(stage) not in kinds:
                kinds[id(stage)] = _scaled(stage.kinds(rows), stage.model.plan, unit)
            return kinds[id(stage)]

        stages = (self.before, self.diagnosed, self.aged, self.kept, self.moved, self.ranked)
        totals = [_sum(of(stage)) for stage in stages]
        start, end = of(self.ranked), of(self.common)
        if not self.transition.is_same_numbering:
            start, before = self._unranked(self.kept, start, rows, unit)
            end, after = self._unranked(self.common, end, rows, unit)
            totals[-1] = totals[-1] + after - before
        for kind in KINDS:
            totals.append(totals[-1] + end[kind] - start[kind])
        return [*totals, _sum(of(self.after))]

    @staticmethod
    def _unranked(stage: Stage, kinds: Kinds, rows: Rows, unit: int) -> tuple[Kinds, Scores]:
        """Return the kinds with conditions as they are without hierarchies, and what these add to them."""
        plan = stage.model.plan
        all_of_them = _scaled(stage.kinds(rows, without_hierarchies(plan)), plan, unit)["condition_factors"]
        return kinds | {"condition_factors": all_of_them}, kinds["condition_factors"] - all_of_them


def _sum(kinds: Kinds) -> Scores:
    total: Scores = np.sum([kinds[kind] for kind in KINDS], axis=0)
    return total


def _scaled(kinds: Kinds, plan: ScoringPlan, unit: int) -> Kinds:
    scale = 10 ** (unit - plan.decimals)
    return {kind: sums * scale for kind, sums in kinds.items()}


def walk(legs: Sequence[Leg], rows: Rows) -> list[Scores]:
    """Return the scores of the walk of whole blends, in units of the finer of both sides' last decimals.

    A model that has no place for a row (no segment, no number of the year) cannot be asked for its score; then the
    step that made it so takes the change up to the next score that exists.
    """
    parts = [[(scores, leg.weight) for scores in leg.scores(rows)] for leg in legs]
    before, after = legs[0].decimals
    finest = max(before, after)
    chain: list[Scores] = []
    for step in range(1 + len(STEPS)):
        decimals = before if step < _FIRST_AFTER else after
        blended = blend([part[step] for part in parts])
        chain.append(np.where(blended == NO_SCORE, NO_SCORE, blended * 10 ** (finest - decimals)))
    for step in reversed(range(len(chain) - 1)):
        chain[step] = np.where(chain[step] == NO_SCORE, chain[step + 1], chain[step])
    return chain


_FIRST_AFTER = 1 + list(STEPS).index("normalization")
