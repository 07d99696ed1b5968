"""The inputs and formulas of a forecast's workbook, column by column; keys are those that the formulas name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from pricing.inputs import Numbers
from pricing.revenue.factors import COMPONENTS
from pricing.revenue.projection import Flows
from pricing.revenue.revenue_forecast import RevenueForecast
from pricing.revenue.scores import base_means
from pricing.worksheets.grids import Line, line_key, plain_values

#: Factors that act on all cohorts and months.
LEVERS: Mapping[str, str] = {
    "lapse_factor": "lapses",
    "joins_factor": "members who join",
    "score_factor": "Part C scores",
    "part_d_score_factor": "Part D scores",
    "rate_factor": "payment rates",
    "rebate_factor": "rebates",
}
#: Parts of Medicare and what the keys of their scores begin with.
PARTS: Mapping[str, str] = {"part_c": "", "part_d": "part_d_"}
_FINAL = "final"


@dataclass(frozen=True)
class Quantity:
    """An input of every cohort and month."""

    key: str
    label: str
    values: Numbers = field(repr=False)
    unit: str = "factor"
    look: str = "factor"

    def line(self) -> Line:
        """Return the input as a line of a grid."""
        return Line(self.key, self.label, plain_values(self.values.ravel()), self.unit, look=self.look)


def inputs_of(forecast: RevenueForecast) -> list[Quantity]:
    """Return the inputs that do something: those that are neutral everywhere are left out."""
    return list(_inputs(forecast))


def _inputs(forecast: RevenueForecast) -> Iterator[Quantity]:
    if forecast.flows is None:
        yield Quantity("members", "members, given", forecast.projection.members, "members", "count")
    else:
        yield from _movements(forecast, forecast.flows)
    for part, prefix in PARTS.items():
        if part in forecast.scores:
            scores = forecast.scores[part]
            steps = {**scores.steps, "completion of the final run": scores.completion[_FINAL]}
            for name, values in steps.items():
                label = f"{'Part D ' if prefix and 'Part D' not in name else ''}{name}"
                yield from _unless(1.0, f"{prefix}score_step_{line_key(name)}", label, values)
    for what, changes in forecast.priced.steps.items():
        for name, values in changes.items():
            label = f"{what} in the terms" if name == "terms" else name
            is_base = name == "terms"
            shown = (
                np.where(forecast.factors.rate == 0, 0.0, values) if is_base and what == "rate" else values
            )
            key = f"{what}_step_{line_key(name)}"
            if is_base:
                yield Quantity(
                    key, label, np.broadcast_to(shown, forecast.factors.rate.shape), "dollars", "dollars"
                )
            else:
                yield from _unless(1.0, key, label, values)
    yield from _terms(forecast)


def _movements(forecast: RevenueForecast, flows: Flows) -> Iterator[Quantity]:
    """Yield who dies, leaves, joins and moves, and the scores they take along."""
    movements = forecast.projection.movements
    for name in ("death", "lapse"):
        yield from _unless(0.0, name, f"{name}, probability", getattr(flows, name), look="percent")
        yield from _unless(
            1.0, f"{name}_score", f"score of {name}, times the mean", getattr(flows, f"{name}_score")
        )
    joins = np.sum(list(flows.arrivals.values()), axis=0)
    yield from _unless(0.0, "joins", "members who join", joins, unit="members", look="count")
    out = (
        np.sum([each.probability for each in flows.transitions], axis=0)
        if flows.transitions
        else np.zeros_like(joins)
    )
    yield from _unless(0.0, "moved_share", "moves to another cohort, probability", out, look="percent")
    yield from _unless(
        0.0, "moved_in", "members who move in", movements["moved_in"], unit="members", look="count"
    )
    for part, prefix in PARTS.items():
        if part in forecast.scores:
            yield from _brought(forecast, flows, part, prefix, joins, out)


def _brought(
    forecast: RevenueForecast, flows: Flows, part: str, prefix: str, joins: Numbers, out: Numbers
) -> Iterator[Quantity]:
    """Yield the mean score of those who join, and the scores of those who move in."""
    members, sums = forecast.projection.members[:, 0], forecast.projection.scores[part]
    means = base_means(forecast.cohorts, members, sums[:, 0])[:, None]
    mass = np.sum([n * means * flows.arrival_scores[name] for name, n in flows.arrivals.items()], axis=0)
    each = np.divide(mass, joins, out=np.zeros_like(mass), where=joins > 0)
    yield from _unless(0.0, f"{prefix}joining_score", "score of those who join", each)
    if not out.any():
        return
    stay = (1 - flows.death * flows.death_score) * (1 - flows.lapse * flows.lapse_score) * (1 - out)
    moved = np.zeros_like(sums)
    moved[:, 1:] = sums[:, 1:] - sums[:, :-1] * stay[:, 1:] - mass[:, 1:]
    moved = np.where(forecast.projection.movements["moved_in"] > 0, moved, 0.0)
    yield Quantity(f"{prefix}score_moved_in", "sum of scores that move in", moved, "sum of scores")


def _terms(forecast: RevenueForecast) -> Iterator[Quantity]:
    """Yield what plans are paid and charge besides rate and rebate."""
    for name, values in forecast.priced.terms.items():
        if name in ("rate", "rebate") or (name.startswith("part_d") and "part_d" not in forecast.scores):
            continue
        words = name.replace("_", " ").replace("part d", "Part D")
        look, unit = ("percent", "share") if name in ("kept", "sequestration") else ("dollars", "dollars")
        look, unit = ("factor", "added to the score") if name == "frailty" else (look, unit)
        full = np.broadcast_to(values, forecast.factors.rate.shape)
        yield from _unless(
            1.0 if name == "kept" else 0.0, key_of_term(name), words, full, unit=unit, look=look
        )


def key_of_term(name: str) -> str:
    """Return the key of a term, told apart from the component that it makes."""
    return f"{name}_pmpm" if name in COMPONENTS else name


def _unless(
    neutral: float, key: str, label: str, values: Numbers, *, unit: str = "factor", look: str = "factor"
) -> Iterator[Quantity]:
    if (np.asarray(values) != neutral).any():
        yield Quantity(
            key, label, values, "probability" if look == "percent" and unit == "factor" else unit, look
        )


def members_formula(inputs: set[str]) -> str:
    """Return members of a cohort and month, from those of the month before."""
    stay = (
        f"{{members:before}}*(1-{_of(inputs, 'death')})*(1-{_lapse(inputs)})*(1-{_of(inputs, 'moved_share')})"
    )
    return f"IF({{is_first}}=1,{{cohorts.members}},{stay}+{_of(inputs, 'moved_in')}+{_joins(inputs)})"


def score_sum_formula(prefix: str, inputs: set[str], *, is_given: bool) -> str:
    """Return the sum of members' scores at the base month's level."""
    mean = f"{{cohorts.{prefix}risk_score}}"
    if is_given:
        return f"{{members}}*{mean}"
    dead = f"{_of(inputs, 'death')}*{_of(inputs, 'death_score', '1')}"
    gone = f"{_lapse(inputs)}*{_of(inputs, 'lapse_score', '1')}"
    stay = f"{{{prefix}score_sum:before}}*(1-{dead})*(1-{gone})*(1-{_of(inputs, 'moved_share')})"
    come = (
        f"{_of(inputs, f'{prefix}score_moved_in')}+{_joins(inputs)}*{_of(inputs, f'{prefix}joining_score')}"
    )
    return f"IF({{is_first}}=1,{{cohorts.members}}*{mean},{stay}+{come})"


def score_formula(prefix: str, inputs: set[str]) -> str:
    """Return the mean payment risk score of the final run."""
    steps = _steps(f"{prefix}score", inputs)
    lever = f"{{levers.{prefix}score_factor}}"
    return f"IF({{members}}>0,{{{prefix}score_sum}}/{{members}},0)*{'*'.join([*steps, lever])}"


def product(what: str, inputs: set[str]) -> str:
    """Return a month's rate or rebate: the terms' and every change of it."""
    return "*".join([*_steps(what, inputs), f"{{levers.{what}_factor}}"])


def component_formulas(inputs: set[str]) -> dict[str, str]:
    """Return the components of revenue, each to the cent, as `pricing.revenue.factors.component_dollars` has them."""
    risk = f"{{members}}*{{rate}}*({{score}}+{_of(inputs, 'frailty')})"
    offset = f"{{members}}*{_of(inputs, 'premium_offset')}"
    kept, held = _of(inputs, "kept", "1"), _of(inputs, "sequestration")
    rebate = "{members}*{rebate}"
    premium = _of(inputs, "part_d_premium_pmpm")
    subsidy = f"{{members}}*({_of(inputs, 'part_d_bid')}*{{part_d_score}}-{premium})"
    dollars = {
        "part_c_risk": risk,
        "part_c_premium_offset": f"-({offset})",
        "part_c_msp": f"-(1-{kept})*({risk}-{offset})",
        "part_c_rebate": rebate,
        "part_c_sequestration": f"-{held}*({kept}*({risk}-{offset})+{rebate})",
        "member_premium": f"{{members}}*{_of(inputs, 'member_premium_pmpm')}",
        "part_d_direct_subsidy": subsidy,
        "part_d_sequestration": f"-{held}*{subsidy}",
        "part_d_premium": f"{{members}}*MAX({premium},0)",
        "part_d_low_income": f"{{members}}*{_of(inputs, 'part_d_low_income_pmpm')}",
        "part_d_reinsurance": f"{{members}}*{_of(inputs, 'part_d_reinsurance_pmpm')}",
    }
    return {name: f"ROUND({text},2)" for name, text in dollars.items()}


def _of(inputs: set[str], name: str, neutral: str = "0") -> str:
    return f"{{{name}}}" if name in inputs else neutral


def _lapse(inputs: set[str]) -> str:
    return "{lapse}*{levers.lapse_factor}" if "lapse" in inputs else "0"


def _joins(inputs: set[str]) -> str:
    return "{joins}*{levers.joins_factor}" if "joins" in inputs else "0"


def _steps(what: str, inputs: set[str]) -> list[str]:
    return sorted(f"{{{name}}}" for name in inputs if name.startswith(f"{what}_step_"))
