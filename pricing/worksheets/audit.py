"""Sheets that every workbook has: assumptions with their sources, and what it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from importlib.metadata import version
from typing import Any

from pricing.parameters import Parameter, Rates
from pricing.worksheets.grids import Grid, Line, line_key

ASSUMPTIONS = "assumptions"
_PERCENT_UNITS = ("share", "added to")
_SOURCE_LENGTH = 110


def assumptions_grid(rates: Rates, parameters: Iterable[str]) -> Grid:
    """Return the yearly parameters of the given names as inputs, one line each, with source and whether verified."""
    wanted = set(parameters)
    lines = tuple(_line(entry) for (name, _), entry in sorted(rates.parameters.items()) if name in wanted)
    note = "Yearly parameters. Not verified: the official document could not be opened; check before filing."
    return Grid(
        ASSUMPTIONS,
        "Assumptions",
        f"Assumptions, {rates.program} {rates.year}",
        lines,
        note=note,
        field_heading="Status",
    )


def parameter_key(name: str, key: object = "") -> str:
    """Return the key of a parameter's line."""
    return line_key(f"{name} {key}")


def _line(entry: Parameter) -> Line:
    words = f"{entry.name} {entry.key}".replace("_", " ").strip()
    verified = "verified" if entry.verified else "NOT VERIFIED"
    source = ", ".join(filter(None, (entry.source, entry.where)))
    look = "percent" if entry.unit.startswith(_PERCENT_UNITS) else "plain"
    return Line(
        parameter_key(entry.name, entry.key), words, [float(entry.value)], entry.unit, source[:_SOURCE_LENGTH],
        verified, look=look,
    )  # fmt: skip


def audit(rates: Rates | None, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit sheet says: version, date, checksum of parameters, and what the workbook was made from."""
    rows: dict[str, Any] = {"riskadj version": version("riskadj"), "written on": date.today().isoformat()}
    if rates is not None:
        rows[f"{rates.program} {rates.year} parameters, sha256"] = rates.sha256
    return {**rows, **{name: value for name, value in _flat(run, "").items() if name != "parameters_sha256"}}


def _flat(report: Mapping[str, Any], before: str) -> dict[str, Any]:
    """Return a nested report as one level: ``counts: enrollment: rows_read``."""
    rows: dict[str, Any] = {}
    for name, value in report.items():
        where = f"{before}{name}"
        rows |= (
            _flat(value, f"{where}: ")
            if isinstance(value, Mapping)
            else {where: "none" if value == [] else value}
        )
    return rows
