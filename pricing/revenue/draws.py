"""How far revenue could be from its forecast: members drawn again, assumptions drawn, and chance in who comes and goes.

Revenue is linear in the members of each cohort and the sums of their scores. So a draw adds up its members by cohort
(`pricing.revenue.bootstrap`), moves those sums month by month as the forecast does, and multiplies them by dollars per
member month and per score month, which only change where an assumption behind them is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.assumptions import GIVEN, RULE, Assumption, assumption_table
from pricing.experience.months import as_dates, name_of, years_of
from pricing.inputs import Numbers
from pricing.revenue.assumptions import PARAMETERS, Assume
from pricing.revenue.bootstrap import Population, draw_keys, draw_uniforms
from pricing.revenue.cohorts import Where
from pricing.revenue.distributions import Distribution, correlated, correlation_matrix
from pricing.revenue.draw_model import Model, Sums
from pricing.revenue.members import SCORE_PARTS
from pricing.revenue.projection import ENROLLMENT
from pricing.revenue.revenue_forecast import RevenueForecast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MEMBERS, CHANCE, TOGETHER = "members", "chance", "(together)"
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
#: Parameters that say when revenue is paid, not how much.
IDLE = (
    "retroactive",
    "completion_initial",
    "completion_mid_year",
    "part_d_completion_initial",
    "part_d_completion_mid_year",
)


@dataclass(frozen=True)
class Uncertain:
    """An assumption that is drawn: a row of a scenario with a distribution in place of its value.

    Parameters
    ----------
    parameter : str
        One of `pricing.revenue.assumptions.PARAMETERS`.
    distribution : Distribution
    where, to, first_month, last_month, calendar_months
        As for `Assume`. A row of the scenario that says the same of the same cohorts and months is replaced in each
        draw; otherwise the drawn one goes after the scenario's own.
    """

    parameter: str
    distribution: Distribution
    where: Where = field(default_factory=dict)
    to: Mapping[str, str] = field(default_factory=dict)
    first_month: str = ""
    last_month: str = ""
    calendar_months: Sequence[int] = ()

    def row(self, value: float) -> Assume:
        """Return the row of a scenario with a value drawn."""
        return Assume(
            self.parameter, value, where=self.where, to=self.to, first_month=self.first_month,
            last_month=self.last_month, calendar_months=self.calendar_months,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The row in words, such as ``lapse, status full_dual``: it names the source, and its stream of chance."""
        return self.row(float(self.distribution.quantiles(0.5))).text


@dataclass(frozen=True)
class RevenueDraws:
    """The distribution of a forecast's revenue.

    Attributes
    ----------
    quantiles : pyarrow.Table
        One row per month: forecast, mean, standard_deviation, p1, p5, ..., p99 [dollars].
    years : pyarrow.Table
        The same by payment year, and for all months ("all").
    sources : pyarrow.Table
        One row per source of uncertainty drawn alone, and of all of them together: standard_deviation, p5, p95 of all
        months' revenue [dollars], share_of_variance (of that of all together). Shares need not add up to 1: sources act
        on one another.
    draws : pyarrow.Table
        One row per draw and month: draw (from 1), month, revenue [dollars].
    parameters : pyarrow.Table
        One row per draw and drawn assumption: draw, assumption, value [its unit].
    assumptions : pyarrow.Table
        What was assumed: assumption, value, unit, origin, meaning.
    run : dict
    """

    quantiles: pa.Table
    years: pa.Table
    sources: pa.Table
    draws: pa.Table
    parameters: pa.Table
    assumptions: pa.Table
    run: Mapping[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "quantiles": "revenue_quantiles",
        "years": "revenue_quantiles_years",
        "sources": "revenue_sources",
        "draws": "revenue_draws",
        "parameters": "revenue_drawn_parameters",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return the forecast of each payment year, its mean, standard deviation and some quantiles (pandas)."""
        columns = ["payment_year", "forecast", "mean", "standard_deviation", "p5", "p50", "p95"]
        frame: pd.DataFrame = self.years.select(columns).to_pandas()
        return frame

    def plot(self) -> Figure:
        """Return two charts: the fan of revenue by month, and what each source adds to it."""
        from pricing.revenue.draws_plots import plot_draws

        return plot_draws(self)

    def __repr__(self) -> str:
        """Return how many draws there are, and how far they reach."""
        last = self.years.to_pylist()[-1]
        return (
            f"<{self.run['draws']:,} draws of '{self.run['scenario']}': ${last['mean']:,.0f}, "
            f"90 % between ${last['p5']:,.0f} and ${last['p95']:,.0f}>"
        )


def draw_revenue(
    forecast: RevenueForecast,
    *,
    draws: int = 1000,
    seed: int = 0,
    uncertain: Sequence[Uncertain] = (),
    correlations: Mapping[tuple[str, str], float] | None = None,
    members: bool = True,
    chance: bool = False,
    where: Where | None = None,
    threads: int | None = None,
) -> RevenueDraws:
    """Return the distribution of a forecast's revenue by month and payment year.

    Parameters
    ----------
    forecast : RevenueForecast
    draws : int
        At least 2.
    seed : int
        0 or more. The same seed gives the same draws, whatever the threads; each source has a stream of its own, so
        that adding one leaves the others as they were.
    uncertain : sequence of Uncertain
        Assumptions that are drawn. Default: none.
    correlations : mapping of (str, str) to float, optional
        Of the normal scores of pairs of `uncertain`, by name. Default: they are independent.
    members : bool
        Draw the members with replacement, as many as there are: which of those who could have been members are.
    chance : bool
        Draw who dies, leaves, moves (binomial) and joins (Poisson), instead of expecting it.
    where : mapping, optional
        Column of the cohorts -> value or values: whose revenue it is. Default: everybody's.
    threads : int, optional
        Default: every processor. Never changes a result.

    Returns
    -------
    RevenueDraws

    Raises
    ------
    InputError
        Nothing is uncertain, a name is repeated or unknown, a value drawn is impossible, or the forecast has given
        members, which neither chance nor assumptions of enrollment can move.

    Notes
    -----
    Members count as often as a Poisson number of mean 1 says, scaled so that every draw has as many members as there
    are. Rules of later years and the cohorts that joiners go to stay as the forecast has them.
    """
    sources = _checked(forecast, uncertain, draws, seed, members=members, chance=chance)
    values = _values(uncertain, correlations or {}, draws, seed)
    model = Model.of(forecast, where or {})
    found = np.empty((len(sources) + 1, draws, model.n_months))
    luck = draw_keys(seed, CHANCE, draws).tolist()
    for number, sums in enumerate(_drawn_sums(model, draws, seed, members=members, threads=threads)):
        rows = [each.row(value) for each, value in zip(uncertain, values[number].tolist(), strict=True)]
        deviation = model.deviation(luck[number]) if chance else None
        together = model.revenue(sums, rows, deviation=deviation)
        alone = [together]
        if len(sources) > 1:
            alone = [model.revenue(sums)] if members else []
            alone += [model.revenue(model.base, deviation=deviation)] if chance else []
            alone += [model.revenue(model.base, [row]) for row in rows]
        found[:, number] = [*alone, together]
    return _result(model, found, sources=sources, uncertain=uncertain, values=values, seed=seed)


def _checked(
    forecast: RevenueForecast,
    uncertain: Sequence[Uncertain],
    draws: int,
    seed: int,
    *,
    members: bool,
    chance: bool,
) -> list[str]:
    """Return the names of the sources of uncertainty, in order."""
    names = [each.name for each in uncertain]
    sources = [MEMBERS] * members + [CHANCE] * chance + names
    if draws < 2 or seed < 0:
        raise InputError(f"draws must be at least 2 and seed 0 or more; they are {draws} and {seed}.")
    if not sources:
        raise InputError("nothing is uncertain; draw the members, chance, or some assumptions.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"'{twice}' is drawn twice; keep one of them.")
    moves = next(
        (each.parameter for each in uncertain if each.parameter in ENROLLMENT), CHANCE if chance else None
    )
    if forecast.flows is None and moves:
        raise InputError(
            f"the forecast has given members, so that {moves} has nothing to move; leave it out."
        )
    for each in uncertain:
        _check_assumption(forecast, each)
    return sources


def _check_assumption(forecast: RevenueForecast, each: Uncertain) -> None:
    if each.parameter in IDLE:
        raise InputError(
            f"{each.parameter} changes when revenue is paid, not how much is earned; leave it out."
        )
    known = {tuple(sorted(row.to.items())) for row in forecast.scenario.named("transition")}
    if each.to and tuple(sorted(each.to.items())) not in known:
        raise InputError(
            f"'{each.name}' moves members where the forecast's scenario moves none; add its row there first."
        )
    if "completion" in each.parameter and not forecast.scenario.scored_as:
        raise InputError(
            f"{each.parameter} needs a scenario that says which run the members' scores stand for."
        )


def _values(
    uncertain: Sequence[Uncertain], correlations: Mapping[tuple[str, str], float], draws: int, seed: int
) -> Numbers:
    """Return the values drawn, shape (draws, n_uncertain)."""
    names = [each.name for each in uncertain]
    matrix = correlation_matrix(names, correlations)
    shares = np.array([draw_uniforms(seed, name, draws) for name in names]).reshape(len(names), draws).T
    values = np.empty_like(shares)
    for place, each in enumerate(uncertain):
        values[:, place] = each.distribution.quantiles(correlated(shares, matrix)[:, place])
        rule = PARAMETERS[each.parameter]
        outside = int(((values[:, place] < rule.least) | (values[:, place] > rule.most)).sum())
        if outside:
            raise InputError(
                f"{outside:,} of {draws:,} draws of '{each.name}' are impossible: it runs from {rule.least:g} to "
                f"{rule.most:g} [{rule.unit}]; give a distribution that stays inside."
            )
    return values


def _drawn_sums(model: Model, draws: int, seed: int, *, members: bool, threads: int | None) -> Iterator[Sums]:
    """Yield the members of each draw and their scores, by cohort."""
    if not members:
        yield from (model.base for _ in range(draws))
        return
    membership = model.forecast.membership
    scores = [membership.scores, membership.part_d_scores][: len(model.base.scores)]
    values = np.column_stack([np.rint(each * SCORE_PARTS) for each in scores if each is not None])
    n_cohorts = len(model.forecast.cohorts)
    population = Population.of(values, cohorts=membership.cohort_of_member, n_cohorts=n_cohorts)
    for sums in population.drawn(draw_keys(seed, MEMBERS, draws), threads=threads):
        totals = {part: sums[:, 1 + place] / SCORE_PARTS for place, part in enumerate(model.base.scores)}
        yield Sums(sums[:, 0], totals)


def _result(
    model: Model,
    found: Numbers,
    *,
    sources: Sequence[str],
    uncertain: Sequence[Uncertain],
    values: Numbers,
    seed: int,
) -> RevenueDraws:
    """Return the tables of draws; `found` has shape (n_sources + 1, n_draws, n_months)."""
    forecast, months = model.forecast, model.forecast.months[model.forecast.first :]
    together = found[-1]
    expected = forecast.total_cents[model.kept, forecast.first :].sum(axis=0) / 100
    years = years_of(months)
    listed = sorted(set(years.tolist()))
    by_year = np.array([together[:, years == year].sum(axis=1) for year in listed] + [together.sum(axis=1)])
    year_expected = np.array([expected[years == year].sum() for year in listed] + [expected.sum()])
    draws = len(together)
    run = {
        "question": "draw revenue", "scenario": forecast.scenario.name, "draws": draws, "seed": seed,
        "sources": list(sources), "members": forecast.membership.n_members, "cohorts": len(forecast.cohorts),
        "cohorts_asked_for": int(model.kept.sum()), "first_month": name_of(int(months[0])),
        "last_month": name_of(int(months[-1])), "forecast": round(float(expected.sum()), 2),
    }  # fmt: skip
    return RevenueDraws(
        quantiles=pa.table({"month": as_dates(months), **_quantiles(expected, together.T)}),
        years=pa.table({"payment_year": [*map(str, listed), "all"], **_quantiles(year_expected, by_year)}),
        sources=_source_table([*sources, TOGETHER], found.sum(axis=2)),
        draws=pa.table(
            {
                "draw": pa.array(np.repeat(np.arange(1, draws + 1), len(months)).astype(np.int32)),
                "month": as_dates(np.tile(months, draws)),
                "revenue": pa.array(np.round(together.ravel(), 2)),
            }
        ),
        parameters=_parameter_table(uncertain, values),
        assumptions=_assumption_table(forecast, uncertain, sources, draws, seed),
        run=run,
    )


def _quantiles(expected: Numbers, drawn: Numbers) -> dict[str, pa.Array]:
    """Return the forecast, mean, standard deviation and percentiles of each row of draws, in cents."""
    columns = {
        "forecast": expected,
        "mean": drawn.mean(axis=1),
        "standard_deviation": drawn.std(axis=1, ddof=1),
    }
    columns |= {f"p{percent}": np.percentile(drawn, percent, axis=1) for percent in PERCENTILES}
    return {name: pa.array(np.round(values, 2)) for name, values in columns.items()}


def _source_table(names: Sequence[str], totals: Numbers) -> pa.Table:
    """Return how far each source moves the total, from its draws, shape (n_sources + 1, n_draws)."""
    deviation = totals.std(axis=1, ddof=1)
    whole = deviation[-1] ** 2
    share = np.divide(deviation**2, whole, out=np.zeros_like(deviation), where=whole > 0)
    return pa.table(
        {
            "source": pa.array(list(names), pa.string()),
            "standard_deviation": pa.array(np.round(deviation, 2)),
            "p5": pa.array(np.round(np.percentile(totals, 5, axis=1), 2)),
            "p95": pa.array(np.round(np.percentile(totals, 95, axis=1), 2)),
            "share_of_variance": pa.array(share),
        }
    )


def _parameter_table(uncertain: Sequence[Uncertain], values: Numbers) -> pa.Table:
    draws, n = values.shape
    names = pa.array([each.name for each in uncertain], pa.string())
    return pa.table(
        {
            "draw": pa.array(np.repeat(np.arange(1, draws + 1), n).astype(np.int32)),
            "assumption": names.take(pa.array(np.tile(np.arange(n), draws))),
            "value": pa.array(values.ravel()),
        }
    )


def _assumption_table(
    forecast: RevenueForecast, uncertain: Sequence[Uncertain], sources: Sequence[str], draws: int, seed: int
) -> pa.Table:
    rows = [
        Assumption(each.name, each.distribution.text, PARAMETERS[each.parameter].unit, GIVEN,
                   f"drawn: {PARAMETERS[each.parameter].meaning}")
        for each in uncertain
    ]  # fmt: skip
    words = {
        MEMBERS: "drawn with replacement, as many as there are",
        CHANCE: "binomial exits and moves, Poisson joins",
    }
    rows += [Assumption(name, words[name], "", RULE, "drawn") for name in sources if name in words]
    rows += [
        Assumption("draws", draws, "", GIVEN, "how many"),
        Assumption("seed", seed, "", GIVEN, "same seed, same draws"),
    ]
    return pa.concat_tables([assumption_table(rows), forecast.assumptions])
