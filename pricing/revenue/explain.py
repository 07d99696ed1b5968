"""One cohort's revenue of a month as named steps, from its mean score to the cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pricing.build_up import BuildUp
from pricing.revenue.cohorts import Where
from pricing.revenue.factors import COMPONENTS, component_dollars
from pricing.rows import Numbers

if TYPE_CHECKING:
    from pricing.revenue.revenue_forecast import RevenueForecast

_LATER = tuple(name for name in COMPONENTS if name != "part_c_risk")


def build_up(forecast: RevenueForecast, column: int, where: Where) -> BuildUp:
    """Return the build-up of the cohorts that `where` asks for, in one month of the forecast."""
    forecast.cohorts.refuse_unless_some_fit(where, "explain")
    chosen = np.flatnonzero(forecast.cohorts.fits(where))

    def at(array: Numbers) -> Numbers:
        return array[chosen, column]

    factors, scores = forecast.factors, forecast.scores["part_c"]
    source = f"scenario {forecast.scenario.name}"
    labels = tuple(forecast.cohorts.labels[number] for number in chosen)
    result = BuildUp("revenue", unit="dollars a month", labels=labels)
    result = result.start("mean risk score", at(scores.base), source="members of the cohort, scores as given")
    for name, factor in scores.steps.items():
        result = result.multiply(name, at(factor), source=source)
    result = result.multiply("completion of the final run", at(scores.completion["final"]), source=source)
    result = result.checkpoint("payment risk score").add("frailty", at(factors.frailty), source="terms")
    steps = forecast.priced.steps["rate"]
    result = result.multiply("payment rate", at(steps["terms"]), source="terms of the plan and county")
    for name in ("rate trend", "rate change"):
        result = result.multiply(name, at(steps[name]), source=source)
    is_paid = np.where(at(factors.rate) > 0, 1.0, 0.0)
    result = result.multiply("paid by risk", is_paid, source="0 in hospice: CMS pays the rebate alone")
    result = result.multiply("members", at(factors.members), source="projection of the cohort's members")
    result = result.checkpoint("part_c_risk")
    dollars = component_dollars(factors)
    for name in _LATER:
        result = result.add(name, at(dollars[name]), source=COMPONENTS[name])
    exact = forecast.total_cents[chosen, column] / 100
    return result.add("rounding to cents", exact - result.value, source="each component to the cent")
