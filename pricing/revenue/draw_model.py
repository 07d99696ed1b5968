"""A forecast as dollars per member month and per score month, so that it can be evaluated a thousand times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pricing.inputs import Numbers
from pricing.revenue.assumed import Assumed
from pricing.revenue.assumptions import Assume
from pricing.revenue.build import Priced, price
from pricing.revenue.cohorts import Where
from pricing.revenue.factors import Factors, component_dollars
from pricing.revenue.projection import (
    ENROLLMENT,
    Flows,
    Projection,
    flows_of,
    project,
    simulate_members,
    with_members,
)
from pricing.revenue.revenue_forecast import RevenueForecast
from pricing.revenue.scores import LATER, Scores, base_means, score_steps

FINAL = "final"
MEMBER = "member"


@dataclass(frozen=True)
class Sums:
    """Members and sums of their scores by cohort; arrays of shape (n_cohorts,)."""

    members: Numbers
    scores: Mapping[str, Numbers]

    def means(self, otherwise: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Return mean scores; `otherwise` where there are no members."""
        none = self.members == 0
        divisor = np.where(none, 1.0, self.members)
        return {part: np.where(none, otherwise[part], total / divisor) for part, total in self.scores.items()}


@dataclass(frozen=True)
class Coefficients:
    """What a scenario makes of members and scores; arrays of shape (n_cohorts, n_months).

    Attributes
    ----------
    flows : Flows or None
        None: members are given.
    per_member : dollars a member month
    per_score : mapping of str to dollars a month and 1.000 of the base month's score, by part
    """

    flows: Flows | None = field(repr=False)
    per_member: Numbers = field(repr=False)
    per_score: Mapping[str, Numbers] = field(repr=False)


@dataclass(frozen=True)
class Model:
    """A forecast ready to be evaluated.

    Attributes
    ----------
    base : Sums
        Of the members given.
    means : mapping of str to ndarray
        Mean scores of cohorts without members of a draw.
    kept : ndarray of bool, shape (n_cohorts,)
        Whose revenue is asked for.
    units : mapping of str to ndarray
        Dollars of a member month without score, and of 1.000 of each part's score.
    growth : mapping of str to ndarray
        What the base month's mean scores are multiplied by, by part.
    coefficients : Coefficients
        Of the forecast's own scenario.
    """

    forecast: RevenueForecast
    base: Sums = field(repr=False)
    means: Mapping[str, Numbers] = field(repr=False)
    kept: npt.NDArray[np.bool_] = field(repr=False)
    units: Mapping[str, Numbers] = field(repr=False)
    growth: Mapping[str, Numbers] = field(repr=False)
    coefficients: Coefficients = field(repr=False)

    @classmethod
    def of(cls, forecast: RevenueForecast, where: Where) -> Model:
        """Return the model of a forecast, for some of its cohorts."""
        projection = forecast.projection
        base = Sums(projection.members[:, 0], {part: sums[:, 0] for part, sums in projection.scores.items()})
        means = {
            part: base_means(forecast.cohorts, base.members, total) for part, total in base.scores.items()
        }
        factors = {part: _growth(scores) for part, scores in forecast.scores.items()}
        units = _units(forecast.priced, factors)
        found = _coefficients(forecast.flows, units, factors)
        forecast.cohorts.refuse_unless_some_fit(where, "where")
        return cls(forecast, base, means, forecast.cohorts.fits(where), units, factors, found)

    @property
    def n_months(self) -> int:
        """Months that tables show."""
        return len(self.forecast.months) - self.forecast.first

    def revenue(
        self, sums: Sums, rows: Sequence[Assume] = (), *, deviation: Numbers | None = None
    ) -> Numbers:
        """Return revenue by month [dollars], shape (n_months,).

        Parameters
        ----------
        sums : Sums
            Of the members drawn.
        rows : sequence of Assume
            Assumptions drawn.
        deviation : ndarray, shape (n_cohorts, n_months), optional
            Members more or fewer than expected.
        """
        found = self._with(rows) if rows else self.coefficients
        means = sums.means(self.means)
        projection = self._projection(sums, means, found.flows)
        extra = 0.0 if deviation is None else deviation
        dollars = (projection.members + extra) * found.per_member
        for part, per_score in found.per_score.items():
            more = 0.0 if deviation is None else deviation * projection.mean(part)
            dollars += (projection.scores[part] + more) * per_score
        total: Numbers = dollars[self.kept, self.forecast.first :].sum(axis=0)
        return total

    def deviation(self, key: int) -> Numbers:
        """Return members drawn by chance less those expected, under the scenario's own flows, by cohort and month."""
        flows = self.coefficients.flows
        assert flows is not None
        whole = np.rint(self.base.members)
        drawn = simulate_members(flows, whole, draws=1, seed=key)[0]
        deviation: Numbers = drawn - project(flows, whole, scores={}, means={}).members
        return deviation

    def _projection(self, sums: Sums, means: Mapping[str, Numbers], flows: Flows | None) -> Projection:
        if flows is None:
            return with_members(self.forecast.projection.members, means)
        return project(flows, sums.members, scores=sums.scores, means=means)

    def _with(self, rows: Sequence[Assume]) -> Coefficients:
        """Return the coefficients under the scenario with rows replaced or added."""
        forecast = self.forecast
        scenario = forecast.scenario.plus(*rows, name="drawn")
        assumed = Assumed(scenario, forecast.cohorts, forecast.months)
        drawn = {row.parameter for row in rows}
        flows, units, growth = forecast.flows, self.units, self.growth
        if drawn & set(ENROLLMENT):
            flows = flows_of(assumed, self.base.members)
        if drawn & PRICES:
            units = _units(price(assumed, forecast.terms, overrides=forecast.recipe.overrides), growth)
        if drawn - PRICES - set(ENROLLMENT):
            scores = forecast.scores.items()
            growth = {part: _growth(_drawn_scores(part, each, assumed)) for part, each in scores}
        return _coefficients(flows, units, growth)


#: Parameters of rates, rebates and premiums.
PRICES = frozenset(
    ("rate_trend", "rate_change", "rebate_trend", "rebate_change", "sequestration", "part_d_trend")
)


def _drawn_scores(part: str, scores: Scores, assumed: Assumed) -> Scores:
    steps, completion = score_steps(part, assumed, scores.steps.get(LATER))
    return replace(scores, steps=steps, completion=completion)


def _growth(scores: Scores) -> Numbers:
    """Return what the base month's mean score is multiplied by in the final run."""
    return replace(scores, base=np.ones_like(scores.base)).of_run(FINAL)


def _units(priced: Priced, parts: Iterable[str]) -> dict[str, Numbers]:
    """Return dollars of a member month without score, and of 1.000 of each part's score."""
    one = np.ones_like(priced.terms["rate"])
    nobody = np.zeros_like(one)
    units = {MEMBER: _dollars(priced, one, nobody, nobody)}
    for part in parts:
        scores = (one, nobody) if part == "part_c" else (nobody, one)
        units[part] = _dollars(priced, one, *scores) - units[MEMBER]
    return units


def _coefficients(
    flows: Flows | None, units: Mapping[str, Numbers], growth: Mapping[str, Numbers]
) -> Coefficients:
    return Coefficients(flows, units[MEMBER], {part: units[part] * each for part, each in growth.items()})


def _dollars(priced: Priced, members: Numbers, part_c: Numbers, part_d: Numbers) -> Numbers:
    factors = Factors(members=members, score=part_c, part_d_score=part_d, **priced.terms)
    total: Numbers = np.sum(list(component_dollars(factors).values()), axis=0)
    return total
