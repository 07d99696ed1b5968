"""The change of every row's payment risk score between two runs, cause by cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskadj.errors import RiskAdjError
from riskadj.extracts.order import in_order
from riskadj.results.impact.matching import MatchedRows, Rows
from riskadj.results.impact.transition import Blend, Coupling, Transition, couple, make_transition
from riskadj.results.impact.walk import STEPS, Leg, Stage, walk
from riskadj.scoring.payment_score import Scores
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.profiles import StatusProfiles, find_profiles
from riskadj.scoring.recapture import recapture
from riskadj.scoring.rules import model_run
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ROWS_PER_CHUNK, ModelRun

BLEND = "blend"
#: Causes of a row's change, in the order in which they are told.
CAUSES = (*STEPS, BLEND)

Causes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Side:
    """A run, and the profiles and members of its matched rows."""

    run: ScoringRun
    profiles: StatusProfiles
    members: npt.NDArray[np.int32]
    policies: npt.NDArray[np.int32]

    @classmethod
    def of(cls, run: ScoringRun, rows: Rows) -> _Side:
        population = run.population
        of_row = population.profiles.of_row[rows]
        profiles = StatusProfiles(of_row, population.profiles.columns)
        return cls(run, profiles, population.member_of_row[rows], population.policy_of_profile[of_row])

    @cached_property
    def models(self) -> dict[str, ModelRun]:
        return {model.plan.model.id: model for model in self.run.models}

    def status(self, field: str) -> npt.NDArray[np.uint8]:
        """Return a status field of the matched rows, as code positions, or their ages."""
        return self.profiles.columns[field][self.profiles.of_row]

    def blend(self, policy: int) -> Blend:
        """Return the weights of a policy; of the one model that the caller chose where there is none."""
        if policy < 0:
            return {name: Fraction(1) for name in self.models}
        return {name: Fraction(weight) for name, weight in self.run.rules.policies[policy].blend}


def attribute(
    before: ScoringRun,
    after: ScoringRun,
    matched: MatchedRows,
    scores_before: Scores,
    scores_after: Scores,
) -> Causes:
    """Return what each cause changes in the payment risk score of each matched row.

    Parameters
    ----------
    scores_before, scores_after : ndarray of int64, shape (n_matched,)
        Payment risk scores of the runs, in units of the finer of their last decimals.

    Returns
    -------
    ndarray of int32, shape (len(CAUSES), n_matched)
        Columns add up to the change of the score [same unit].
    """
    result = np.empty((len(CAUSES), matched.n_rows), np.int32)
    work = _Attribution(before, after, matched, (scores_before, scores_after), result)
    for _ in in_order(work.fill, work.ranges(), after.options.threads):
        pass
    return result


class _Attribution:
    """Knows the legs of each pair of policies, and fills in the causes a range of rows at a time."""

    def __init__(
        self,
        before: ScoringRun,
        after: ScoringRun,
        matched: MatchedRows,
        scores: tuple[Scores, Scores],
        result: Causes,
    ) -> None:
        self.before, self.after = _Side.of(before, matched.before), _Side.of(after, matched.after)
        self.scores, self.result = scores, result
        n_policies = 1 + len(after.rules.policies)
        self.pair_of_row = (self.before.policies + 1) * n_policies + self.after.policies + 1
        pairs = [divmod(pair, n_policies) for pair in np.unique(self.pair_of_row).tolist()]
        self.couplings = {
            first * n_policies + second: couple(self.before.blend(first - 1), self.after.blend(second - 1))
            for first, second in pairs
        }
        self.legs = _Legs(self.before, self.after).of(self.couplings)

    def ranges(self) -> Iterator[tuple[int, int]]:
        n_rows = len(self.pair_of_row)
        for begin in range(0, n_rows, ROWS_PER_CHUNK):
            yield begin, min(begin + ROWS_PER_CHUNK, n_rows)

    def fill(self, rows: tuple[int, int]) -> None:
        pairs = self.pair_of_row[slice(*rows)]
        for pair in np.unique(pairs).tolist():
            self._fill(pair, rows[0] + np.flatnonzero(pairs == pair))

    def _fill(self, pair: int, rows: Rows) -> None:
        first, last = self.scores[0][rows], self.scores[1][rows]
        chain = walk(self.legs[pair], rows)
        _must_arrive(self.couplings[pair], chain, first, last)
        for step in range(len(STEPS)):
            self.result[step, rows] = chain[step + 1] - chain[step]
        self.result[-1, rows] = (chain[0] - first) + (last - chain[-1])


def _must_arrive(coupling: Coupling, chain: list[Scores], first: Scores, last: Scores) -> None:
    """Raise unless the walk begins and ends at the scores of the runs (but for weight moved in a blend)."""
    begins = coupling.moves_before or np.array_equal(chain[0], first)
    if not (begins and (coupling.moves_after or np.array_equal(chain[-1], last))):
        raise RiskAdjError(
            "the walk from one score to the other does not meet the scores of the runs; "
            "an extract changed since it was scored, or this is a defect: please report it."
        )


class _Legs:
    """Makes the stages between two sides; what no side captured is captured here, in one more read."""

    def __init__(self, before: _Side, after: _Side) -> None:
        self.before, self.after = before, after
        self.aged = _status_of_other(before, after)
        self._captured: dict[int, tuple[Words, int]] = {}
        self._stages: dict[tuple[int, int, int], Stage] = {}

    def of(self, couplings: dict[int, Coupling]) -> dict[int, list[Leg]]:
        """Return the legs of each pair of policies."""
        names = {(one, other) for coupling in couplings.values() for one, other, _ in coupling.parts}
        transitions = {pair: self._transition(*pair) for pair in sorted(names)}
        self._capture(transitions.values())
        return {
            pair: [self._leg(transitions[one, other], weight) for one, other, weight in coupling.parts]
            for pair, coupling in couplings.items()
        }

    def _transition(self, before: str, after: str) -> Transition:
        edits = self.after.run.options.edits
        return make_transition(self.before.models[before].plan, self.after.models[after].plan, edits=edits)

    def _capture(self, transitions: Iterable[Transition]) -> None:
        run = self.after.run
        for model in run.models:
            self._captured[id(model.plan)] = (run.population.captured, model.first_word)
        plans = {id(plan): plan for transition in transitions for plan in transition.plans}
        missing = [plan for key, plan in plans.items() if key not in self._captured]
        while missing:  # one read for plans that agree on when codes are valid: for all of them, as a rule
            alike = tuple(plan for plan in missing if plan.validity == missing[0].validity)
            missing = [plan for plan in missing if plan not in alike]
            more = recapture(run, alike)
            for plan, first_word in zip(alike, more.first_words, strict=True):
                self._captured[id(plan)] = (more.words, first_word)

    def _leg(self, transition: Transition, weight: Fraction) -> Leg:
        own = self.before.models[transition.before.model.id]
        captured = self.before.run.population.captured

        def older(plan: ScoringPlan) -> Stage:
            return self._stage(self.before.run, plan, self.aged)

        return Leg(
            transition=transition,
            weight=weight,
            before=Stage(own, captured, self.before.members, self.before.profiles),
            diagnosed=self._stage(self.before.run, transition.before, self.before.profiles),
            aged=older(transition.before),
            kept=older(transition.kept),
            moved=older(transition.moved),
            ranked=older(transition.ranked),
            common=self._stage(self.after.run, transition.common, self.after.profiles),
            after=self._stage(self.after.run, transition.after, self.after.profiles),
            decimals=(self.before.run.rules.year.decimals, self.after.run.rules.year.decimals),
        )

    def _stage(self, run: ScoringRun, plan: ScoringPlan, profiles: StatusProfiles) -> Stage:
        """Return a plan under the rules of a run, on the diagnoses of the side after."""
        key = (id(run), id(plan), id(profiles))
        if key not in self._stages:
            words, first_word = self._captured[id(plan)]
            model = model_run(run.rules, plan, first_word, profiles)
            self._stages[key] = Stage(model, words, self.after.members, profiles)
        return self._stages[key]


def _status_of_other(own: _Side, other: _Side) -> StatusProfiles:
    """Return profiles of a side's fields with the ages and status of the other side.

    A field that the other side does not read keeps its own status: nothing there depends on it.
    """
    fields = own.run.rules.fields
    status = {name: (other if name in other.profiles.columns else own).status(name) for name in fields}
    return find_profiles(other.status("age_years"), status, fields)
