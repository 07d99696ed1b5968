"""Payment risk scores by cohort, month and run: from the base month's scores, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pricing.experience.months import years_of
from pricing.revenue.assumed import Assumed
from pricing.revenue.cohorts import Cohorts
from pricing.revenue.members import Membership
from pricing.revenue.projection import Projection
from pricing.revenue.statuses import DERIVED
from pricing.rows import Numbers

#: Parameters of each part's scores: name of the step -> (parameter, whether it grows each January).
_PART_C = {
    "coding trend": ("coding_trend", True),
    "model change": ("model_change", False),
    "normalization change": ("normalization_change", False),
}
_PART_D = {
    "Part D coding trend": ("part_d_coding_trend", True),
    "Part D model change": ("part_d_model_change", False),
}
#: The step of scores under the rules of later payment years.
LATER = "rules of later years"
PARTS: Mapping[str, tuple[str, Mapping[str, tuple[str, bool]]]] = {
    "part_c": ("", _PART_C),
    "part_d": ("part_d_", _PART_D),
}


@dataclass(frozen=True)
class Scores:
    """Scores of one part as a base and the factors it is multiplied by; arrays of shape (n_cohorts, n_months).

    Attributes
    ----------
    base : ndarray
        Mean of the members at the base month's level.
    steps : mapping of str to ndarray
        Factors, in order, that make the complete score of it.
    completion : mapping of str to ndarray
        Share of the complete score in each run's.
    """

    base: Numbers = field(repr=False)
    steps: Mapping[str, Numbers] = field(repr=False)
    completion: Mapping[str, Numbers] = field(repr=False)

    def of_run(self, vintage: str) -> Numbers:
        """Return the mean payment risk score in a run."""
        score = self.base
        for factor in (*self.steps.values(), self.completion[vintage]):
            score = score * factor
        return score


def scores_of(part: str, projection: Projection, assumed: Assumed, membership: Membership) -> Scores:
    """Return the scores of "part_c" or "part_d" under a scenario."""
    is_later = part == "part_c" and bool(membership.later_scores)
    return Scores(
        projection.mean(part), *score_steps(part, assumed, _later(membership, assumed) if is_later else None)
    )


def score_steps(
    part: str, assumed: Assumed, later: Numbers | None
) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """Return the steps and completions of a part's scores; `later` is the step of later years' rules, if any."""
    prefix, rules = PARTS[part]
    steps = {} if later is None else {LATER: later}
    for name, (parameter, is_growth) in rules.items():
        steps[name] = assumed.index(parameter) if is_growth else assumed.array(parameter)
    completion = {
        vintage: assumed.array(f"{prefix}completion_{vintage}")
        for vintage in ("initial", "mid_year", "final")
    }
    stands_for, given = assumed.scenario.scored_as, np.ones(assumed.shape)
    if stands_for:
        given /= completion[stands_for][
            :, :1
        ]  # the scores are of the base month, so its completion is theirs
    steps["completion of the scores given"] = given
    return steps, completion


def _later(membership: Membership, assumed: Assumed) -> Numbers:
    """Return how the scores of the same members change under later years' rules; a year keeps the year before's."""
    years = years_of(assumed.months)
    before = membership.total(membership.scores)
    result = np.ones(assumed.shape)
    for year, scores in sorted(membership.later_scores.items()):
        after = membership.total(scores)
        overall = after.sum() / before.sum()
        ratio = np.full(assumed.shape[0], overall)
        ratio[: len(before)] = np.divide(after, before, out=ratio[: len(before)], where=before > 0)
        result[:, years >= year] = ratio[:, None]
    return result


def base_means(cohorts: Cohorts, members: Numbers, totals: Numbers) -> Numbers:
    """Return the mean base score of each cohort.

    A cohort without base members has the mean of those alike in status, age group, payer and low income; where there
    are none either, of those alike in status, and else of everybody.
    """
    derived = [name for name in DERIVED if name in cohorts.by]
    wider = [cohorts.by, derived, [name for name in ("status",) if name in cohorts.by], []]
    result = np.zeros(len(cohorts))
    known = np.zeros(len(cohorts), np.bool_)
    for by in wider:
        group, table = cohorts.groups(by)
        n_groups = max(table.num_rows, 1)
        count = np.bincount(group, members, n_groups)[group]
        total = np.bincount(group, totals, n_groups)[group]
        found = ~known & (count > 0)
        result[found] = total[found] / count[found]
        known |= found
    return result
