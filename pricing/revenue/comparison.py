"""What made a forecast change: from one to the other, assumption by assumption, adding up to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.experience.months import as_dates, name_of
from pricing.revenue.assumptions import COMPLETIONS, PARAMETERS, Scenario, ScenarioDiff
from pricing.revenue.calculation import make
from pricing.revenue.factors import Cents, dollars_of
from pricing.revenue.recipe import Recipe
from pricing.revenue.revenue_forecast import RevenueForecast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RevenueComparison:
    """Two forecasts of the same months, and the steps between them.

    Attributes
    ----------
    before, after : RevenueForecast
    names : tuple of str
        The steps: "members", "terms" where they differ, then each parameter that does, in the order of `PARAMETERS`.
    levels : ndarray of int64, shape (n_steps + 1, n_months)
        Revenue of each month before the first and after each step [cents].
    """

    before: RevenueForecast
    after: RevenueForecast
    names: tuple[str, ...]
    levels: Cents = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "steps": "revenue_steps",
        "step_months": "revenue_step_months",
        "months": "revenue_compared",
        "assumptions": "revenue_assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    @property
    def steps(self) -> pa.Table:
        """One row per step: step, meaning, change [dollars], level [dollars, after it]; changes add up exactly."""
        totals = self.levels.sum(axis=1)
        return pa.table(
            {
                "step": pa.array(self.names, pa.string()),
                "meaning": pa.array([_meaning(name) for name in self.names], pa.string()),
                "change": pa.array(dollars_of(np.diff(totals))),
                "level": pa.array(dollars_of(totals[1:])),
            }
        )

    @property
    def step_months(self) -> pa.Table:
        """One row per month and step: month, step, change [dollars]."""
        months = self.before.months[self.before.first :]
        changes = np.diff(self.levels, axis=0)
        return pa.table(
            {
                "month": as_dates(np.repeat(months, len(self.names))),
                "step": pa.array(list(self.names) * len(months), pa.string()),
                "change": pa.array(dollars_of(changes.T.ravel())),
            }
        )

    @property
    def months(self) -> pa.Table:
        """One row per month: month, before, after, change [dollars]."""
        months = self.before.months[self.before.first :]
        first, last = self.levels[0], self.levels[-1]
        columns = {"before": first, "after": last, "change": last - first}
        named = {name: pa.array(dollars_of(values)) for name, values in columns.items()}
        return pa.table({"month": as_dates(months), **named})

    @property
    def assumptions(self) -> pa.Table:
        """One row per assumption that differs: assumption, before, after, unit, meaning."""
        return ScenarioDiff(self.before.scenario, self.after.scenario).table()

    @property
    def run(self) -> dict[str, Any]:
        """What was compared; before + the changes of all steps = after."""
        return {"before": self.before.run, "after": self.after.run, "steps": list(self.names)}

    def summary(self) -> pd.DataFrame:
        """Return the steps, with the revenue before in the first row (pandas)."""
        import pandas as pd

        first = pd.DataFrame(
            {
                "step": [self.before.scenario.name],
                "meaning": ["before"],
                "change": [0.0],
                "level": [float(self.levels[0].sum()) / 100],
            }
        )
        return pd.concat([first, self.steps.to_pandas()], ignore_index=True)

    def plot(self) -> Figure:
        """Return a figure: the way from one forecast's revenue to the other's, step by step; and by month."""
        from pricing.revenue.comparison_plots import plot_comparison

        return plot_comparison(self)

    def __repr__(self) -> str:
        """Return the two scenarios and the change."""
        change = int(self.levels[-1].sum() - self.levels[0].sum()) / 100
        return (
            f"<'{self.after.scenario.name}' against '{self.before.scenario.name}': {change:+,.2f} dollars in "
            f"{len(self.names)} steps>"
        )


_MEANINGS = {
    "members": "the members of the base month, and members given",
    "terms": "payment rates, rebates, premiums",
    "completion": "completion of scores, and what the scores given stand for",
}


def compare(before: RevenueForecast, after: RevenueForecast) -> RevenueComparison:
    """Return what made revenue change between two forecasts.

    The earlier forecast is turned into the later one a step at a time: the members, the terms, and then every
    parameter that differs, in the order of `pricing.revenue.assumptions.PARAMETERS`. A step's change is what revenue
    moves when the later forecast's numbers replace the earlier one's; the changes add up exactly.

    Parameters
    ----------
    before : RevenueForecast
    after : RevenueForecast

    Returns
    -------
    RevenueComparison

    Raises
    ------
    InputError
        The forecasts do not have the same months, or cohorts by the same columns.
    """
    _check(before, after)
    recipes = dict(_recipes(before, after))
    levels = [_by_month(before), *(_by_month(make(recipe)) for recipe in recipes.values())]
    return RevenueComparison(before, after, tuple(recipes), np.array(levels))


def _check(before: RevenueForecast, after: RevenueForecast) -> None:
    ours, theirs = (each.months[each.first :] for each in (before, after))
    if len(ours) != len(theirs) or ours[0] != theirs[0]:
        raise InputError(
            f"forecasts of other months: {name_of(int(ours[0]))} to {name_of(int(ours[-1]))} and "
            f"{name_of(int(theirs[0]))} to {name_of(int(theirs[-1]))}; give both the same first_month and n_months."
        )
    if before.cohorts.by != after.cohorts.by:
        raise InputError("the forecasts have cohorts by other columns; give both the same by=.")


def _by_month(forecast: RevenueForecast) -> Cents:
    return np.asarray(forecast.total_cents[:, forecast.first :].sum(axis=0))


def _recipes(before: RevenueForecast, after: RevenueForecast) -> Iterator[tuple[str, Recipe]]:
    """Yield each step's name and the recipe after it."""
    recipe = before.recipe
    old, new = before.recipe, after.recipe
    if old.membership is not new.membership or old.enrollment is not new.enrollment:
        recipe = replace(
            recipe, membership=new.membership, enrollment=new.enrollment, first_month=new.first_month
        )
        yield "members", recipe
    if not before.terms.given.equals(after.terms.given) or old.overrides != new.overrides:
        recipe = replace(recipe, terms=new.terms, overrides=new.overrides)
        yield "terms", recipe
    for name, scenario in _scenarios(before.scenario, after.scenario):
        recipe = replace(recipe, scenario=scenario)
        yield name, recipe


def _scenarios(before: Scenario, after: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Yield each parameter that differs and the scenario with the later one's rows of it."""
    scenario = before
    for name in dict.fromkeys("completion" if name in COMPLETIONS else name for name in PARAMETERS):
        parameters = COMPLETIONS if name == "completion" else (name,)
        ours, theirs = ([row for row in each.rows if row.parameter in parameters] for each in (before, after))
        is_other = name == "completion" and before.scored_as != after.scored_as
        if ours == theirs and not is_other:
            continue
        kept = tuple(row for row in scenario.rows if row.parameter not in parameters)
        stands_for = after.scored_as if name == "completion" else scenario.scored_as
        scenario = replace(scenario, name=f"with {name}", rows=(*kept, *theirs), scored_as=stands_for)
        yield name, scenario


def _meaning(name: str) -> str:
    return _MEANINGS.get(name) or PARAMETERS[name].meaning
