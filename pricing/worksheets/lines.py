"""What workbooks of bids share: inputs and formulas as lines, flags in words, inputs read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Columns
from pricing.medicare.bid_projection import UNIT_COST_FACTORS, UTILIZATION_FACTORS
from pricing.medicare.bid_worksheets import NON_BENEFIT
from pricing.parameters import Rates
from pricing.rounding import DECIMALS_OF_A_UNIT
from pricing.worksheets.audit import ASSUMPTIONS, parameter_key
from pricing.worksheets.grids import FLAG, OK, Grid, Line, label_line, plain_values

_LABELS = ("plan_id", "service_category", "county_code")
_ABBREVIATIONS = {
    "esrd": "ESRD", "ffs": "FFS", "pmpm": "PMPM", "snp": "special needs plan", "dir": "price concessions",
}  # fmt: skip
#: How flags stand in cells: spreadsheet programs disagree on truth values.
YES, NO = "yes", "no"
BID_NOTE = "Yellow cells are inputs; the others follow from them. Dollars are per member and month."
#: What a plan spends beside benefits, as a formula.
EXPENSE = "+".join(f"{{plans.{name}}}" for name in NON_BENEFIT)


@dataclass(frozen=True)
class Formula:
    """One line: what it is called, and how it follows from other lines (named in braces, as `Line` says)."""

    key: str
    label: str
    text: str
    unit: str = "dollars"
    look: str = "dollars"
    field: str = ""
    section: str = ""
    is_total: bool = False


def rate_cell(name: str, key: str = "") -> str:
    """Return the name that a yearly parameter has in formulas."""
    return f"{{{ASSUMPTIONS}.{parameter_key(name, key)}}}"


def rounded(line: str, unit: str) -> str:
    """Return the formula of a line rounded to a unit, halves up, as `pricing.rounding.round_to` does."""
    return f"INT(ROUND({{{line}}}/{unit},{DECIMALS_OF_A_UNIT})+0.5)*{unit}"


def input_lines(table: Columns, columns: Sequence[Column]) -> Iterator[Line]:
    """Yield the columns of an input table that are there, as lines."""
    for column in columns:
        if column.name in table:
            values = plain_values(table[column.name])
            if column.kind == "flag":
                values = [YES if value else NO for value in values]
            is_label = column.name in _LABELS
            look, unit = ("text", "") if column.kind in ("text", "flag") else _look(column.name)
            yield Line(column.name, words(column.name), values, unit, look=look, is_label=is_label)


def words(name: str) -> str:
    """Return a column's name as people write it."""
    parts = name.removesuffix("_per_1000").removeprefix("is_").split("_")
    text = " ".join(_ABBREVIATIONS.get(part, part) for part in parts)
    return text.replace("part d", "Part D").replace("part b", "Part B")


def _look(name: str) -> tuple[str, str]:
    """Return how a column of an input looks, and its unit."""
    if name in (*UTILIZATION_FACTORS, *UNIT_COST_FACTORS, "projected_risk_score"):
        return "factor", "factor"
    if name.endswith(("_share", "_coinsurance")):
        return "percent", "share"
    if name.endswith("member_months"):
        return "count", "member months"
    if name.endswith("_per_1000"):
        return "dollars", "per 1,000 a year"
    if name == "out_of_pocket_maximum":
        return "dollars", "dollars a year"
    if name == "stars":
        return "stars", "stars"
    return "dollars", "dollars"


def formula_line(entry: Formula, values: Any, names: set[str] | None = None) -> Line:
    """Return a formula as a line; without manual rates their columns stand for zero."""
    text = entry.text
    for manual in ("manual_utilization_per_1000", "manual_unit_cost"):
        if names is not None and manual not in names:
            text = text.replace(f"{{{manual}}}", "0")
    return Line(
        entry.key, entry.label, plain_values(values), entry.unit, field=entry.field, formula=text, look=entry.look,
        section=entry.section, is_total=entry.is_total,
    )  # fmt: skip


def plan_label(plans: Columns) -> Line:
    """Return the line that names the plans."""
    return label_line("plan_id", "plan", plain_values(plans["plan_id"]))


def checks_grid(plans: Columns, checks: pa.Table, conditions: Mapping[str, str], note: str = "") -> Grid:
    """Return the library's checks of each plan as formulas: each flags where its condition holds."""
    lines = (_check_line(checks, name, condition) for name, condition in conditions.items())
    return Grid("checks", "Checks", "Checks", (plan_label(plans), *lines), range(plans.n_rows), note=note)


def _check_line(checks: pa.Table, name: str, condition: str) -> Line:
    rows = checks.filter([check == name for check in checks["check"].to_pylist()])
    found = [FLAG if flagged else OK for flagged in rows["is_flagged"].to_pylist()]
    key = "check_" + "_".join(name.split()[:6]).replace(",", "").replace("'", "").lower()
    return Line(key, name, found, formula=f'IF({condition},"{FLAG}","{OK}")', look="check")


def with_flags(plans: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the plans with their flags as truth values again."""
    for column in columns:
        if column.kind == "flag":
            place, said = plans.column_names.index(column.name), plans[column.name].to_pylist()
            if not set(said) <= {YES, NO}:
                raise InputError(f"input 'plans.{column.name}' holds something else than {YES} and {NO}.")
            plans = plans.set_column(place, column.name, pa.array([word == YES for word in said]))
    return plans


def own_rates(inputs: Mapping[str, pa.Table], rates: Rates) -> Rates:
    """Return yearly parameters with the numbers that a workbook's assumptions hold now."""
    held = inputs[ASSUMPTIONS]
    own: dict[str | tuple[str, object], object] = {}
    for place, entry in rates.parameters.items():
        key = parameter_key(*place)
        if key in held.column_names and held[key][0].as_py() != float(entry.value):
            own[place] = held[key][0].as_py()
    return rates.with_values(own)
