"""Scenarios as a TOML file: what is written is read back equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pricing.errors import InputError
from pricing.revenue.assumptions import Assume, Scenario
from pricing.toml_files import check_names, read_tables, table_text, typed

_SCENARIO = ("name", "scored_as", "retroactive_lag_months", "assume")
_ASSUME = ("parameter", "value", "where", "to", "first_month", "last_month", "calendar_months")
_NEEDED = {"scenario": ("name",), "assume": ("parameter", "value")}


def read_scenarios(path: str | Path) -> dict[str, Scenario]:
    """Return the scenarios of a TOML file by name, in order.

    A scenario is a ``[[scenario]]`` table with a name and perhaps scored_as and retroactive_lag_months; below it
    stands a ``[[scenario.assume]]`` table for each row, with what `Assume` takes.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to Scenario

    Raises
    ------
    InputError
        The file is no TOML, holds no scenario, two of one name, or one that is impossible.
    """
    scenarios: dict[str, Scenario] = {}
    for number, table in enumerate(read_tables(path, "scenario"), start=1):
        scenario = _scenario(table, f"{path}, scenario {number}")
        if scenario.name in scenarios:
            raise InputError(f"{path}: two scenarios are called '{scenario.name}'; name them apart.")
        scenarios[scenario.name] = scenario
    return scenarios


def scenarios_to_toml(scenarios: Scenario | Iterable[Scenario]) -> str:
    """Return scenarios as the text of a TOML file; `read_scenarios` gives them back equal.

    Parameters
    ----------
    scenarios : Scenario, or several

    Returns
    -------
    str
    """
    every = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    return "\n".join(_text(scenario) for scenario in every)


def _text(scenario: Scenario) -> str:
    head = {"name": scenario.name, "retroactive_lag_months": scenario.retroactive_lag_months}
    if scenario.scored_as:
        head["scored_as"] = scenario.scored_as
    rows = [table_text("scenario.assume", _row(row)) for row in scenario.rows]
    return "\n".join([table_text("scenario", head), *rows])


def _row(row: Assume) -> dict[str, Any]:
    where = {name: one if isinstance(one, str) else list(one) for name, one in row.where.items()}
    values: dict[str, Any] = {
        "parameter": row.parameter,
        "value": float(row.value),
        "where": where,
        "to": dict(row.to),
    }
    months = {"first_month": row.first_month, "last_month": row.last_month}
    values |= {name: month for name, month in months.items() if month}
    return values | {"calendar_months": list(row.calendar_months)}


def _scenario(table: Mapping[str, Any], where: str) -> Scenario:
    check_names(table, _SCENARIO, _NEEDED["scenario"], where)
    rows = table.get("assume", [])
    if not isinstance(rows, list):
        raise InputError(f"{where}: write each row as a [[scenario.assume]] table.")
    found = tuple(_assume(row, f"{where}, assumption {number}") for number, row in enumerate(rows, start=1))
    rest = {
        name: typed(table[name], kind, f"{where}: {name}") for name, kind in _KINDS.items() if name in table
    }
    return Scenario(rows=found, **rest)


def _assume(row: Any, where: str) -> Assume:
    check_names(row, _ASSUME, _NEEDED["assume"], where)
    values = {name: typed(value, _KINDS_OF_ROWS[name], f"{where}: {name}") for name, value in row.items()}
    return Assume(**values)


#: What a value must be, in words and as a test.
_KINDS: Mapping[str, str] = {"name": "text", "scored_as": "text", "retroactive_lag_months": "a whole number"}
_KINDS_OF_ROWS: Mapping[str, str] = {
    "parameter": "text", "value": "a number", "where": "a table of texts", "to": "a table of texts",
    "first_month": "text", "last_month": "text", "calendar_months": "a list of whole numbers",
}  # fmt: skip
