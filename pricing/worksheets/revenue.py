"""A revenue forecast as a workbook: members, scores and dollars of every cohort and month as live formulas."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import as_dates, name_of
from pricing.inputs import Numbers
from pricing.revenue.factors import COMPONENTS, FACTORS, Factors, component_cents
from pricing.revenue.projection import Flows, Projection, project
from pricing.revenue.revenue_forecast import RevenueForecast
from pricing.worksheets.grids import Book, Grid, Line, condition_line, label_line, plain_values, table_grid
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book
from pricing.worksheets.revenue_lines import (
    LEVERS,
    PARTS,
    component_formulas,
    inputs_of,
    key_of_term,
    members_formula,
    product,
    score_formula,
    score_sum_formula,
)

#: Most rows of cohorts and months that a workbook may have.
MOST_ROWS = 60_000
_NOTE = "Yellow cells are inputs; the others follow from them. Rates are dollars per member and month."
_ASSUMED = (
    "What the inputs of the other sheets were made from; not verified: check the document before booking."
)


def write_forecast(
    forecast: RevenueForecast,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a forecast as a workbook: levers, months, cohorts, every cohort and month, checks, assumptions, audit.

    Parameters
    ----------
    forecast : RevenueForecast
    path, run, overwrite
        As `pricing.worksheets.render.write_book` takes them.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        There are more cohorts times months than a workbook can hold; make cohorts by fewer columns.
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.

    Notes
    -----
    Members who move between cohorts are inputs, and do not follow when somebody changes who leaves; levers scale
    lapses, joiners, scores, rates and rebates of all cohorts and months at once.
    """
    n_rows = forecast.factors.members.size
    if n_rows > MOST_ROWS:
        raise InputError(
            f"{n_rows:,} rows of cohorts and months are too many for a workbook, which has at most {MOST_ROWS:,}; "
            "make cohorts by fewer columns, or forecast fewer months."
        )
    grids = (
        _months(forecast),
        _levers(forecast),
        _cohorts(forecast),
        _detail(forecast),
        _checks(forecast),
        table_grid("assumptions", "Assumptions", forecast.assumptions, _ASSUMED),
    )
    title = f"Revenue, scenario {forecast.scenario.name}"
    book = Book(title, grids, forecast.run, forecast.priced.rates)
    return write_book(book, path, run=run, overwrite=overwrite)


def revenue_from_workbook(path: str | os.PathLike[str]) -> pa.Table:
    """Return revenue by month as the library computes it from what the inputs of a workbook hold now.

    Parameters
    ----------
    path : path
        A workbook that `write_forecast` wrote; a spreadsheet program may have saved it since.

    Returns
    -------
    pyarrow.Table
        month (its first day), members [member months], each of `pricing.revenue.factors.COMPONENTS` and revenue
        [dollars].

    Raises
    ------
    InputError
        As `pricing.worksheets.read.read_inputs` says, or the workbook is of something else.
    """
    inputs = read_inputs(path)
    if not {"levers", "cohorts", "detail"} <= set(inputs):
        raise InputError(f"{Path(path).name} is no workbook of a revenue forecast; write_forecast makes one.")
    cells = _Cells(inputs)
    found = {name: cents.sum(axis=0) for name, cents in component_cents(cells.factors()).items()}
    shown = (
        cells.months >= int(inputs["months"]["month"][0].as_py()) if "months" in inputs else cells.months > 0
    )
    years, calendar = np.divmod(cells.months[shown].astype(np.int64), 100)
    columns: dict[str, Any] = {"month": as_dates((years - 1970) * 12 + calendar - 1)}
    columns["members"] = pa.array(cells.members[:, shown].sum(axis=0))
    columns |= {name: pa.array(found[name][shown] / 100) for name in COMPONENTS}
    total = np.sum([found[name] for name in COMPONENTS], axis=0)
    return pa.table(columns | {"revenue": pa.array(total[shown] / 100)})


def _levers(forecast: RevenueForecast) -> Grid:
    lines = tuple(Line(key, words, [1.0], "factor", look="factor") for key, words in _used(forecast).items())
    note = "What-ifs for all cohorts and months at once: 1 leaves the forecast as it was written."
    return Grid("levers", "Levers", "Levers", lines, note=note)


def _used(forecast: RevenueForecast) -> dict[str, str]:
    """Return the levers that have something to act on."""
    return {key: words for key, words in LEVERS.items() if "part_d" in forecast.scores or "part_d" not in key}


def _number_of(month: int) -> int:
    """Return a month as a number that people can read: 202601."""
    return int(name_of(month).replace("-", ""))


def _months(forecast: RevenueForecast) -> Grid:
    """Return the totals by month: sums over the detail."""
    shown = slice(forecast.first, None)
    months = [_number_of(int(month)) for month in forecast.months[shown]]
    lines = [label_line("month", "month", months, look="plain")]
    totals = {"members": forecast.factors.members} | {
        name: cents / 100 for name, cents in forecast.cents.items() if name in _components(forecast)
    }
    for name, values in totals.items():
        formula = f"SUMIF({{detail.month}},{{month}},{{detail.{name}}})"
        look, unit = ("count", "members") if name == "members" else ("dollars", "dollars")
        found = plain_values(values[:, shown].sum(axis=0))
        lines.append(Line(name, _words(name), found, unit, formula=formula, look=look))
    revenue = forecast.total_cents[:, shown].sum(axis=0) / 100
    members = forecast.factors.members[:, shown].sum(axis=0)
    parts = "+".join(f"{{{name}}}" for name in _components(forecast))
    pmpm = np.divide(revenue, members, out=np.zeros_like(revenue), where=members > 0)
    lines += [
        Line("revenue", "revenue", plain_values(revenue), "dollars", formula=parts, is_total=True),
        Line("revenue_pmpm", "revenue per member and month", plain_values(pmpm), "dollars",
             formula="IF({members}>0,{revenue}/{members},0)"),
    ]  # fmt: skip
    return Grid(
        "months",
        "Months",
        f"Revenue by month, scenario {forecast.scenario.name}",
        tuple(lines),
        is_across=False,
        note=_NOTE,
    )


def _components(forecast: RevenueForecast) -> list[str]:
    """Return the components that the workbook shows: Part D's only where there is one."""
    return [name for name in COMPONENTS if "part_d" in forecast.scores or not name.startswith("part_d")]


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("part c", "Part C").replace("part d", "Part D")
    return words.replace("msp", "secondary payer")


def _cohorts(forecast: RevenueForecast) -> Grid:
    """Return the members of the base month and their mean scores, a row for each cohort."""
    lines = [
        label_line(name, name.replace("_", " "), forecast.cohorts.values(name).tolist())
        for name in forecast.cohorts.by
    ]
    members = forecast.projection.members[:, 0]
    lines.append(Line("members", "base members", plain_values(members), "members", look="count"))
    for part, prefix in PARTS.items():
        if part in forecast.scores:
            mean = _base_mean(forecast, part)
            label = f"base {'Part D' if prefix else 'Part C'} score"
            lines.append(
                Line(f"{prefix}risk_score", label, plain_values(mean), "1.000 = average", look="factor")
            )
    return Grid(
        "cohorts", "Cohorts", "Members of the base month", tuple(lines), range(len(forecast.cohorts)), is_across=False,
        note=_NOTE,
    )  # fmt: skip


def _base_mean(forecast: RevenueForecast, part: str) -> Numbers:
    """Return the mean base score by cohort; of given members also where a cohort begins empty."""
    means = forecast.projection.mean(part)
    return means[:, 0] if forecast.flows is not None else means.max(axis=1)


def _detail(forecast: RevenueForecast) -> Grid:
    """Return every cohort and month: inputs, members, scores, rates and components."""
    n_cohorts, n_months = forecast.factors.members.shape
    lines = [
        label_line(name, name.replace("_", " "), np.repeat(forecast.cohorts.values(name), n_months).tolist())
        for name in forecast.cohorts.by
    ]
    months = np.tile([_number_of(int(month)) for month in forecast.months], n_cohorts)
    is_first = np.tile(np.arange(n_months) == 0, n_cohorts).astype(np.int64)
    lines.append(label_line("month", "month", plain_values(months), look="plain"))
    lines.append(
        Line("is_first", "base month", plain_values(is_first), "1: yes", look="plain", is_label=True)
    )
    inputs = inputs_of(forecast)
    lines += [each.line() for each in inputs]
    lines += list(_formulas(forecast, {each.key for each in inputs}))
    owners = np.repeat(np.arange(n_cohorts), n_months).tolist()
    return Grid(
        "detail", "Detail", "Every cohort and month", tuple(lines), owners, is_across=False, note=_NOTE
    )


def _formulas(forecast: RevenueForecast, inputs: set[str]) -> Iterator[Line]:
    factors, projection = forecast.factors, forecast.projection
    if forecast.flows is not None:
        yield _calculated(
            "members", "members", projection.members, members_formula(inputs), "members", "count"
        )
    for part, prefix in PARTS.items():
        if part not in forecast.scores:
            continue
        sums = score_sum_formula(prefix, inputs, is_given=forecast.flows is None)
        yield _calculated(f"{prefix}score_sum", "sum of scores", projection.scores[part], sums, "", "factor")
        score = factors.score if not prefix else factors.part_d_score
        yield _calculated(
            f"{prefix}score", "payment risk score", score, score_formula(prefix, inputs), "", "factor"
        )
    for what in ("rate", "rebate"):
        values = getattr(factors, what)
        yield _calculated(what, f"{what} of the month", values, product(what, inputs), "dollars", "dollars")
    texts = component_formulas(inputs)
    for name in _components(forecast):
        yield _calculated(name, _words(name), forecast.cents[name] / 100, texts[name], "dollars", "dollars")
    parts = "+".join(f"{{{name}}}" for name in _components(forecast))
    yield _calculated("revenue", "revenue", forecast.total_cents / 100, parts, "dollars", "dollars")


def _calculated(key: str, label: str, values: Numbers, formula: str, unit: str, look: str) -> Line:
    return Line(key, label, plain_values(values.ravel()), unit, formula=formula, look=look)


def _checks(forecast: RevenueForecast) -> Grid:
    """Return what must hold whatever people type."""
    shares = [
        name
        for name in ("death", "lapse", "moved_share")
        if name in {each.key for each in inputs_of(forecast)}
    ]
    conditions = {"nobody is negative": "MIN({detail.members})>=0"}
    if shares:
        low = ",".join(f"MIN({{detail.{name}}})>=0" for name in shares)
        high = ",".join(f"MAX({{detail.{name}}})<=1" for name in shares)
        conditions["probabilities lie between 0 and 1"] = f"AND({low},{high})"
    first = _number_of(int(forecast.months[forecast.first]))
    shown = f'SUMIF({{detail.month}},">={first}",{{detail.revenue}})'
    conditions["cohorts add up to months"] = f"ABS({shown}-SUM({{months.revenue}}))<0.5/100"
    conditions["cents are whole"] = (
        "ABS(SUM({detail.revenue})-ROUND(SUM({detail.revenue}),2))<1E-6*MAX(1,ABS(SUM({detail.revenue})))"
    )
    conditions["levers stand at 1"] = f"AND({','.join(f'{{levers.{key}}}=1' for key in _used(forecast))})"
    lines = tuple(
        condition_line(f"check_{number}", words, text, [True])
        for number, (words, text) in enumerate(conditions.items())
    )
    return Grid(
        "checks", "Checks", "Checks", lines, note="What must hold; a lever that is moved is flagged as well."
    )


@dataclass(frozen=True)
class _Cells:
    """The inputs of a workbook as arrays of shape (n_cohorts, n_months)."""

    inputs: Mapping[str, pa.Table]

    @property
    def _shape(self) -> tuple[int, int]:
        n_cohorts = self.inputs["cohorts"].num_rows
        return n_cohorts, self.inputs["detail"].num_rows // n_cohorts

    @property
    def months(self) -> Numbers:
        """Months as numbers such as 202601, shape (n_months,)."""
        return self._detail("month")[0]

    @property
    def members(self) -> Numbers:
        """Members by cohort and month."""
        return self._projection("").members

    def _detail(self, name: str, neutral: float = 0.0) -> Numbers:
        table = self.inputs["detail"]
        if name not in table.column_names:
            return np.full(self._shape, neutral)
        values: Numbers = table[name].to_numpy().astype(np.float64).reshape(self._shape)
        return values

    def _cohort(self, name: str) -> Numbers:
        values: Numbers = self.inputs["cohorts"][name].to_numpy().astype(np.float64)
        return values

    def _lever(self, name: str) -> float:
        return float(self.inputs["levers"][name][0].as_py())

    def _has(self, name: str) -> bool:
        return name in self.inputs["detail"].column_names

    def _projection(self, prefix: str) -> Projection:
        members, mean = self._cohort("members"), self._cohort(f"{prefix}risk_score")
        if self._has("members"):
            given = self._detail("members")
            return Projection(given, {"part": given * mean[:, None]}, {})
        return project(
            self._flows(prefix), members, scores={"part": members * mean}, means={"part": np.ones_like(mean)}
        )

    def _flows(self, prefix: str) -> Flows:
        """Return the workbook's flows; those who move out are among those who leave, those who move in join."""
        lapse = self._detail("lapse") * self._lever("lapse_factor")
        carried = lapse * self._detail("lapse_score", 1.0)
        out = self._detail("moved_share")
        leaving = 1 - (1 - lapse) * (1 - out)
        mass = 1 - (1 - carried) * (1 - out)
        moved = self._detail("moved_in")
        brought = np.divide(
            self._detail(f"{prefix}score_moved_in"), moved, out=np.zeros_like(moved), where=moved > 0
        )
        return Flows(
            self._detail("death"),
            leaving,
            self._detail("death_score", 1.0),
            np.divide(mass, leaving, out=np.ones_like(mass), where=leaving > 0),
            {"new_sales": self._detail("joins") * self._lever("joins_factor"), "aging_in": moved},
            {"new_sales": self._detail(f"{prefix}joining_score"), "aging_in": brought},
            (),
        )

    def _score(self, prefix: str) -> Numbers:
        score = self._projection(prefix).mean("part") * self._lever(
            "score_factor" if not prefix else "part_d_score_factor"
        )
        for name in self.inputs["detail"].column_names:
            if name.startswith(f"{prefix}score_step_"):
                score = score * self._detail(name)
        return score

    def factors(self) -> Factors:
        """Return the factors of revenue that the inputs make."""
        plain = {name: self._detail(key_of_term(name), 1.0 if name == "kept" else 0.0) for name in FACTORS}
        made = {"members": self.members, "score": self._score("")}
        if "part_d_risk_score" in self.inputs["cohorts"].column_names:
            made["part_d_score"] = self._score("part_d_")
        for what in ("rate", "rebate"):
            made[what] = np.full(self._shape, self._lever(f"{what}_factor"))
            for name in self.inputs["detail"].column_names:
                if name.startswith(f"{what}_step_"):
                    made[what] = made[what] * self._detail(name)
        return replace(Factors(**plain), **made)
