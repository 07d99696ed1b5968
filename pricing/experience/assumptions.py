"""The assumptions behind a result, in a table that goes with it: what, its value, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

GIVEN, DEFAULT, FITTED, RULE = "given", "default", "from the data", "method"


@dataclass(frozen=True)
class Assumption:
    """One assumption.

    Attributes
    ----------
    value : object
        As it was used; written as text.
    origin : {"given", "default", "from the data", "method"}
    meaning : str
        What it does to the result.
    """

    name: str
    value: object
    unit: str
    origin: str
    meaning: str


def chosen(name: str, value: object, default: object, unit: str, meaning: str) -> Assumption:
    """Return an assumption that the caller could choose, marked as given if it is not the default."""
    return Assumption(name, value, unit, DEFAULT if value == default else GIVEN, meaning)


def assumption_table(rows: Iterable[Assumption]) -> pa.Table:
    """Return one row per assumption: assumption, value, unit, origin, meaning."""
    listed = list(rows)
    columns = {
        "assumption": [row.name for row in listed],
        "value": [_text(row.value) for row in listed],
        "unit": [row.unit for row in listed],
        "origin": [row.origin for row in listed],
        "meaning": [row.meaning for row in listed],
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _text(value: object) -> str:
    return "none" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def parameter_table(parameters: pa.Table) -> pa.Table:
    """Return yearly parameters, as `pricing.parameters.Rates.assumptions` lists them, as assumptions."""
    return assumption_table(
        Assumption(
            " ".join(filter(None, [row["parameter"], row["key"]])), row["value"], row["unit"],
            row["source"] + ("" if row["verified"] else " (not verified)"), row["where"],
        )
        for row in parameters.to_pylist()
    )  # fmt: skip
