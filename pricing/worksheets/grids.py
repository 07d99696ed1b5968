"""What a workbook holds, before there is a file: grids of named lines, whose formulas name other lines.

A line is a quantity (a trend, a premium) with a number for each record of its grid (a plan, a county of a plan). Inputs
are typed by people; formulas carry the number that the library computed, which a recalculation has to meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.parameters import Rates

#: How numbers are shown: the look of a line, never its value.
STYLES = {
    "dollars": "#,##0.00;[Red]-#,##0.00",
    "factor": "0.000??",
    "percent": "0.00%",
    "count": "#,##0",
    "stars": "0.0",
    "plain": "General",
}
LOOKS = (*STYLES, "text", "check")
OK, FLAG = "OK", "FLAG"
#: A braced name in a formula: ``{line}`` of the same grid, ``{line:before}`` of its record before, ``{grid.line}``, or
#: ``{grid.line:all}`` for every record.
_REFERENCE = re.compile(r"\{(?:(\w+)\.)?(\w+)(?::(all|before))?\}")
_SHEET_NAME = re.compile(r"[^\[\]:*?/\\']{1,31}")
#: Rows above the first record or line: title, note, blank, heading.
HEADING_ROW = 3
#: Columns before the first record of a grid whose records stand side by side: line, unit, field, source.
LEAD_COLUMNS = 4


@dataclass(frozen=True)
class Line:
    """One quantity of a grid.

    Attributes
    ----------
    key : str
        Unique in its grid; letters, digits and underscores.
    label : str
        What people read.
    values : sequence of float, str or bool, one for each record
        An input's value, or what the library computed for a formula.
    formula : str
        Empty for an input. Names lines in braces: ``"{trend}*{base.claims}"``; a line of another grid stands for the
        cells of the records with the same owner; ``{base.claims:all}`` for the cells of all records;
        ``{members:before}`` for the record before (of a grid's first record the cell ahead of it: guard it with an IF).
    look : {"dollars", "factor", "percent", "count", "stars", "plain", "text", "check"}
    section : str
        Heading above this line (records side by side only).
    is_label : bool
        Names the record; read back with the inputs, but no number to change.
    is_total : bool
        Stands out, as the levels that people look for do.
    """

    key: str
    label: str
    values: Sequence[Any]
    unit: str = ""
    source: str = ""
    field: str = ""
    formula: str = ""
    look: str = "dollars"
    section: str = ""
    is_label: bool = False
    is_total: bool = False

    @property
    def is_input(self) -> bool:
        """Whether people type it."""
        return not self.formula and not self.is_label


@dataclass(frozen=True)
class Grid:
    """A sheet of lines.

    Attributes
    ----------
    key : str
        Names the grid in formulas and in the names of its inputs.
    sheet : str
        Name of the sheet, at most 31 characters.
    is_across : bool
        Records stand side by side, their label in the heading, and lines below one another; otherwise the other way
        round.
    owners : sequence of int, optional
        To whom each record belongs, ascending: the place of its plan. None: the one record belongs to everybody.
    """

    key: str
    sheet: str
    title: str
    lines: tuple[Line, ...]
    owners: Sequence[int] | None = None
    is_across: bool = True
    note: str = ""
    field_heading: str = "Field"

    def __post_init__(self) -> None:
        """Refuse lines of different lengths, repeated keys, looks and sheet names that cannot be."""
        keys = [line.key for line in self.lines]
        if len(set(keys)) != len(keys):
            raise InputError(f"grid '{self.key}' has a line twice; give each its own key.")
        if not _SHEET_NAME.fullmatch(self.sheet):
            raise InputError(f"'{self.sheet}' cannot name a sheet: at most 31 characters, none of []:*?/\\'.")
        for line in self.lines:
            if len(line.values) != self.n_records or line.look not in LOOKS:
                raise InputError(f"grid '{self.key}', line '{line.key}': wrong length, or an unknown look.")
        if self.owners is not None and (np.diff(np.asarray(self.owners)) < 0).any():
            raise InputError(f"grid '{self.key}': records must be in the order of their owners.")

    @property
    def n_records(self) -> int:
        """How many records the grid has."""
        return len(self.lines[0].values) if self.owners is None else len(self.owners)

    @cached_property
    def line_places(self) -> dict[str, int]:
        """Row (records side by side) or column of each line, counted from 0; a section's heading takes a row."""
        if not self.is_across:
            return {line.key: place for place, line in enumerate(self.lines)}
        places, row = {}, HEADING_ROW + 1
        for line in self.lines:
            row += bool(line.section)
            places[line.key] = HEADING_ROW if line.is_label else row
            row += not line.is_label
        return places

    @property
    def first_record(self) -> int:
        """Column (records side by side) or row of the first record, counted from 0."""
        return LEAD_COLUMNS if self.is_across else HEADING_ROW + 3

    def cell(self, key: str, record: int) -> tuple[int, int]:
        """Return row and column of a line's cell, counted from 0."""
        place, other = self.line_places[key], self.first_record + record
        return (place, other) if self.is_across else (other, place)

    @cached_property
    def _runs(self) -> dict[int, tuple[int, int]]:
        """Return first and last record of each owner."""
        owners = np.asarray(self.owners)
        first = np.flatnonzero(np.r_[True, np.diff(owners) != 0])
        last = np.r_[first[1:], len(owners)] - 1
        return {int(owners[low]): (int(low), int(high)) for low, high in zip(first, last, strict=True)}

    def records_of(self, owner: int | None) -> tuple[int, int]:
        """Return the first and last record that belong to an owner; everybody's: all."""
        if self.owners is None or owner is None:
            return 0, self.n_records - 1
        return self._runs[owner]


@dataclass(frozen=True)
class Book:
    """A workbook: grids in the order of their sheets, and what the audit sheet says.

    Attributes
    ----------
    title : str
    grids : tuple of Grid
    run : mapping
        What it was made from, such as a result's `run`: years, checksums, counts; for the audit sheet.
    rates : Rates, optional
        The yearly parameters that were used; the audit sheet has their checksum.
    """

    title: str
    grids: tuple[Grid, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    rates: Rates | None = None

    def __post_init__(self) -> None:
        """Refuse two grids of one key or sheet, and formulas that name no line."""
        keys, sheets = [grid.key for grid in self.grids], [grid.sheet.lower() for grid in self.grids]
        if len(set(keys)) != len(keys) or len(set(sheets)) != len(sheets):
            raise InputError(f"workbook '{self.title}': two grids have the same key or sheet.")
        for grid in self.grids:
            for line in grid.lines:
                for other, key, _ in _REFERENCE.findall(line.formula):
                    self._check_reference(grid, line, (other or grid.key, key))

    def _check_reference(self, grid: Grid, line: Line, named: tuple[str, str]) -> None:
        other = self._by_key.get(named[0])
        if other is None or named[1] not in other.line_places:
            raise InputError(
                f"formula of '{grid.key}.{line.key}' names '{'.'.join(named)}', which is no line of the workbook."
            )

    @cached_property
    def _by_key(self) -> dict[str, Grid]:
        return {grid.key: grid for grid in self.grids}

    def formula(self, grid: Grid, line: Line, record: int) -> str:
        """Return the text of a line's formula in the cell of one record."""
        return "=" + _REFERENCE.sub(lambda match: self._cells(grid, record, match), line.formula)

    def _cells(self, grid: Grid, record: int, match: re.Match[str]) -> str:
        other = self._by_key[match[1] or grid.key]
        if match[3] == "all":
            return cell_range(other, match[2], 0, other.n_records - 1)
        if other is grid:
            return address(*grid.cell(match[2], record - (match[3] == "before")))
        first, last = other.records_of(None if grid.owners is None else int(grid.owners[record]))
        return cell_range(other, match[2], first, last)


def label_line(key: str, label: str, values: Iterable[Any], look: str = "text") -> Line:
    """Return the line that names the records of a grid."""
    return Line(key, label, list(values), look=look, is_label=True)


def condition_line(key: str, label: str, condition: str, holds: Iterable[Any]) -> Line:
    """Return a check as a formula, with what the library found: OK where the condition holds."""
    found = [OK if each else FLAG for each in holds]
    return Line(key, label, found, formula=f'IF({condition},"{OK}","{FLAG}")', look="check")


def table_grid(key: str, title: str, table: pa.Table, note: str) -> Grid:
    """Return a table to read: nothing in it is an input."""
    lines = tuple(
        label_line(name, name.replace("_", " "),
                   ["-" if value in (None, "") else value for value in table[name].to_pylist()],
                   look="factor" if pa.types.is_floating(table[name].type) else "text")
        for name in table.column_names
    )  # fmt: skip
    return Grid(key, title, title, lines, is_across=False, note=note)


def cell_range(grid: Grid, key: str, first: int, last: int) -> str:
    """Return the absolute address of a line's cells, such as ``'Bid'!$E$5:$H$5``."""
    start = address(*grid.cell(key, first), mark="$")
    end = f":{address(*grid.cell(key, last), mark='$')}" if last > first else ""
    return f"'{grid.sheet}'!{start}{end}"


def address(row: int, column: int, mark: str = "") -> str:
    """Return a cell's address, rows and columns counted from 0: (0, 27) is AB1."""
    letters, left = "", column + 1
    while left:
        left, rest = divmod(left - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{mark}{letters}{mark}{row + 1}"


def plain_values(values: Any) -> list[Any]:
    """Return an array's values as Python's own numbers, texts and truth values."""
    return np.asarray(values).tolist()


def line_key(name: str) -> str:
    """Return a name as a line's key: lower case, anything else than letters and digits an underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "line"
