"""Columns, types and keys of each model table: what a folder may hold and how a cell reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from riskadj.errors import TableError, nearest
from riskadj.tables.manifest import csv_lines
from riskadj.terms import AGE_RANGE, STATUS_FIELDS

_PATTERNS = {
    "code": re.compile(r"[A-Z0-9]{3,8}"),
    "variable": re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}"),
    "variables": re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}(\|[A-Za-z][A-Za-z0-9_]{0,99})*"),
    "age": re.compile(r"[0-9]{1,3}"),
    "count": re.compile(r"[0-9]{1,3}"),
    "flag": re.compile(r"[01]"),
    "factor": re.compile(r"-?[0-9]{1,4}(\.[0-9]{1,6})?"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "code_system": re.compile(r"ndc|hcpcs"),
    "drug_code": re.compile(r"[A-Z0-9]{11}|[A-Z][0-9]{4}"),
    "text": re.compile(r".+"),
}


@dataclass(frozen=True)
class Column:
    """One column: `kind` names the pattern of its cells; an optional one may be blank, meaning "no condition"."""

    name: str
    kind: str
    optional: bool = False


@dataclass(frozen=True)
class TableSpec:
    """Shape of one table; `extra` columns may be there, and with `conditions` member-status columns too."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = True
    conditions: bool = False
    extra: tuple[Column, ...] = ()


def _column(name: str, kind: str, optional: bool = False) -> Column:
    return Column(name, kind, optional)


#: Columns of the mappings table that say between which service dates a code is valid, both included.
VALIDITY = ("valid_from", "valid_to")

_AGES = (_column("age_min", "age", True), _column("age_max", "age", True))

#: Every table a model folder may hold.
TABLES: MappingProxyType[str, TableSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            TableSpec(
                "mappings",
                (
                    _column("icd10", "code"),
                    _column("hcc", "variable"),
                    _column("sex", "sex", True),
                    *_AGES,
                    _column("mce_age_min", "age", True),
                    _column("mce_age_max", "age", True),
                ),
                ("icd10", "hcc", "sex", "age_min", "age_max", "mce_age_min", "mce_age_max"),
                extra=tuple(_column(name, "date", True) for name in VALIDITY),
            ),
            TableSpec(
                "drug_mappings",
                (
                    _column("code_system", "code_system"),
                    _column("code", "drug_code"),
                    _column("hcc", "variable"),
                    *_AGES,
                ),
                ("code_system", "code", "hcc"),
                required=False,
            ),
            TableSpec(
                "requirements",
                (_column("hcc", "variable"), _column("needs_any", "variables")),
                ("hcc",),
                required=False,
            ),
            TableSpec(
                "hierarchies",
                (_column("hcc", "variable"), _column("drops", "variable")),
                ("hcc", "drops"),
            ),
            TableSpec(
                "exclusions",
                (_column("hcc", "variable"),),
                (),
                required=False,
                conditions=True,
            ),
            TableSpec(
                "labels",
                (_column("hcc", "variable"), _column("label", "text"), _column("payment", "flag")),
                ("hcc",),
                extra=(_column("counted", "flag"),),
            ),
            TableSpec(
                "chronic",
                (_column("hcc", "variable"), _column("chronic", "flag")),
                ("hcc",),
                required=False,
            ),
            TableSpec(
                "groups",
                (_column("group", "variable"), _column("hcc", "variable")),
                ("group", "hcc", "age_min", "age_max"),
                required=False,
                extra=(*_AGES, _column("counted", "flag")),
            ),
            TableSpec("demographics", (_column("variable", "variable"),), (), conditions=True),
            TableSpec(
                "interactions",
                (_column("interaction", "variable"), _column("term", "variable")),
                ("interaction", "term"),
                required=False,
                extra=(_column("absent", "flag"),),
            ),
            TableSpec(
                "counts",
                (
                    _column("variable", "variable"),
                    _column("hccs_min", "count"),
                    _column("hccs_max", "count", True),
                ),
                ("variable",),
                required=False,
            ),
            TableSpec(
                "segments",
                (_column("segment", "variable"),),
                (),
                conditions=True,
                extra=(_column("factor_column", "variable", True),),
            ),
            TableSpec(
                "adjustments",
                (_column("segment", "variable"), _column("divisor", "factor")),
                ("segment",),
                required=False,
            ),
            TableSpec(
                "relative_factors",
                (
                    _column("variable", "variable"),
                    _column("segment", "variable"),
                    _column("factor", "factor"),
                ),
                ("variable", "segment"),
            ),
        )
    }
)


#: Columns of the segments table that name something; the others are conditions.
SEGMENT_NAMES = ("segment", "factor_column")


@dataclass(frozen=True)
class Table:
    """A model table as text: cells exactly as printed in the file.

    Attributes
    ----------
    path : Path
        The CSV file; row `i` stands on its line ``i + 2``.
    columns : tuple of str
    rows : tuple of tuple of str
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> tuple[str, ...]:
        """Return one column, top to bottom."""
        position = self.columns.index(name)
        return tuple(row[position] for row in self.rows)

    def records(self) -> Iterator[dict[str, str]]:
        """Yield each row as a dict from column name to cell."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def where(self, row: int) -> str:
        """Return ``folder/file.csv, line N`` of a row, for messages."""
        return f"{self.path.parent.name}/{self.path.name}, line {row + 2}"


@lru_cache(maxsize=256)
def read_table(path: Path, content: bytes, spec: TableSpec) -> Table:
    """Parse the bytes of one model table and check every cell against its column; the same bytes are parsed once.

    Raises
    ------
    TableError
        A column is missing or unknown, a cell does not fit its column, or a key stands twice.
    """
    lines = csv_lines(content, _name(path))
    if not lines:
        raise TableError(f"{_name(path)} is empty; its first line must name the columns {_expected(spec)}.")
    header, body = tuple(lines[0]), tuple(map(tuple, lines[1:]))
    specs = _columns_of(path, header, spec)
    _check_cells(path, body, specs)
    table = Table(path, header, body)
    _check_keys(table, spec)
    return table


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _expected(spec: TableSpec) -> str:
    names = ",".join(column.name for column in spec.columns)
    return f"{names} and any member-status columns" if spec.conditions else names


def _columns_of(path: Path, header: tuple[str, ...], spec: TableSpec) -> list[Column]:
    known = {column.name: column for column in (*spec.columns, *spec.extra)}
    if spec.conditions:
        known |= {name: Column(name, "age", True) for name in AGE_RANGE}
        known |= {name: Column(name, "status", True) for name in STATUS_FIELDS}
    for name in header:
        if name not in known:
            raise TableError(
                f"{_name(path)}, line 1: no such column '{name}'{nearest(name, known)}; allowed: {_expected(spec)}."
            )
    missing = [column.name for column in spec.columns if column.name not in header]
    if missing or len(set(header)) != len(header):
        raise TableError(
            f"{_name(path)}, line 1: {'lacks ' + ', '.join(missing) if missing else 'a column is named twice'}; "
            f"it must have {_expected(spec)}."
        )
    return [known[name] for name in header]


def _check_cells(path: Path, rows: tuple[tuple[str, ...], ...], specs: list[Column]) -> None:
    """Check each distinct cell of each column once; find its line only if it is wrong."""
    for number, row in enumerate(rows, start=2):
        if len(row) != len(specs):
            raise TableError(
                f"{_name(path)}, line {number}: {len(row)} cells where {len(specs)} columns are named."
            )
    for position, column in enumerate(specs):
        cells = [row[position] for row in rows]
        for cell in set(cells):
            if not _cell_fits(cell, column):
                line = cells.index(cell) + 2
                raise TableError(
                    f"{_name(path)}, line {line}: '{cell}' is no {column.kind} for '{column.name}'."
                )


def _cell_fits(cell: str, column: Column) -> bool:
    if cell == "":
        return column.optional
    if column.kind in ("status", "sex"):
        return all(code in STATUS_FIELDS[column.name] for code in cell.split("|"))
    return _PATTERNS[column.kind].fullmatch(cell) is not None


def _check_keys(table: Table, spec: TableSpec) -> None:
    names = [name for name in spec.key or table.columns if name in table.columns]
    keys = list(zip(*(table.column(name) for name in names), strict=True))
    if len(set(keys)) == len(keys):
        return
    first: dict[tuple[str, ...], int] = {}
    for index, key in enumerate(keys):
        if key in first:
            raise TableError(
                f"{table.where(index)}: {','.join(key)} stands already on line {first[key] + 2}."
            )
        first[key] = index
