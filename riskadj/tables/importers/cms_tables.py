"""Read the single tables of CMS's model packages: mappings, hierarchies, categories, interactions, factors, scores."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from riskadj.errors import TableError
from riskadj.tables.importers import esrd, part_c, part_d
from riskadj.tables.importers.conditions import (
    MappingRow,
    merge_mappings,
    parse_age_condition,
    parse_sex_condition,
    variable_order,
)
from riskadj.tables.importers.family import Family

Row = dict[str, str]
Files = Mapping[str, bytes]

FAMILIES = (part_c.FAMILY, esrd.FAMILY, part_d.FAMILY)
_CONDITION_COLUMNS = ("MCE_AGE_CONDITION", "AGE_EDIT_CONDITION", "SEX_EDIT_CONDITION")
_LABEL_COLUMNS = ("Label", "New Enrollees")
_SCORE_COLUMN = "Score"
_CATEGORY = re.compile(r"[0-9]{1,5}")


def read_csv(name: str, data: bytes, required: Sequence[str]) -> list[Row]:
    """Rows of a published CSV file, cells and headers stripped of blanks.

    Raises
    ------
    TableError
        If the file is not UTF-8, lacks a column, has no rows, or a row longer than its header.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{name} is not UTF-8 text; save it as UTF-8 CSV.") from error
    try:
        rows = [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline="")) if any(row)
        ]
    except csv.Error as error:
        raise TableError(f"{name} is no CSV table: {error}.") from None
    header = rows[0] if rows else []
    missing = [column for column in required if column not in header]
    if missing:
        raise TableError(f"{name} lacks column {', '.join(missing)} (has: {', '.join(header)}).")
    if len(rows) < 2:
        raise TableError(f"{name} has no rows.")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) > len(header):
            raise TableError(f"{name} line {line}: {len(row)} cells under {len(header)} columns.")
    return [dict(zip(header, row + [""] * (len(header) - len(row)), strict=True)) for row in rows[1:]]


def hcc_variable(cc: str, where: str, prefix: str = "HCC") -> str:
    """Category variable (the prefix and a number) for a printed category such as ``7``, ``7.0`` or ``CC7``.

    Raises
    ------
    TableError
        If no category number is printed.
    """
    number = cc.upper().removeprefix("RX").removeprefix("HCC").removeprefix("CC").removesuffix(".0")
    if not _CATEGORY.fullmatch(number):
        raise TableError(f"{where}: category {cc!r} is not a number.")
    return f"{prefix}{int(number)}"


def read_mappings(name: str, data: bytes, prefix: str = "HCC") -> list[MappingRow]:
    """Diagnosis mappings with their MCE age, age and sex conditions, in canonical form.

    Raises
    ------
    TableError
        If a condition is not understood, or the file has a condition column that is not known.
    """
    rows = read_csv(name, data, ("ICD10", "CC"))
    unknown = [column for column in rows[0] if column not in ("ICD10", "CC", *_CONDITION_COLUMNS)]
    if unknown:
        raise TableError(f"{name} has column {', '.join(unknown)}, which is not understood.")
    return merge_mappings(
        _mapping_row(row, f"{name} line {line}", prefix) for line, row in enumerate(rows, start=2)
    )


def _mapping_row(row: Row, where: str, prefix: str) -> MappingRow:
    try:
        return MappingRow(
            icd10=row["ICD10"].replace(".", "").upper(),
            hcc=hcc_variable(row["CC"], where, prefix),
            sex=parse_sex_condition(row.get("SEX_EDIT_CONDITION", "")),
            age=parse_age_condition(row.get("AGE_EDIT_CONDITION", "")),
            mce_age=parse_age_condition(row.get("MCE_AGE_CONDITION", "")),
        )
    except TableError as error:
        raise TableError(f"{where}: {error}") from error


def read_hierarchies(name: str, data: bytes, prefix: str = "HCC") -> list[Row]:
    """Hierarchy edges, in numeric order: the category, and each one that it removes."""
    edges = {
        (hcc_variable(row[prefix], name, prefix), hcc_variable(cell, name, prefix))
        for row in read_csv(name, data, (prefix,))
        for column, cell in row.items()
        if column != prefix and cell
    }
    return [
        {"hcc": h, "drops": d}
        for h, d in sorted(edges, key=lambda e: (variable_order(e[0]), variable_order(e[1])))
    ]


def read_groups(name: str, data: bytes) -> list[Row]:
    """Memberships of diagnostic categories, in published order."""
    return [
        {"group": row["diag_category"], "hcc": hcc}
        for row in read_csv(name, data, ("diag_category",))
        for column, hcc in row.items()
        if column != "diag_category" and hcc
    ]


def read_interactions(name: str, data: bytes) -> list[Row]:
    """Terms of interactions, in published order."""
    return [
        {"interaction": row["interaction"], "term": term}
        for row in read_csv(name, data, ("interaction",))
        for column, term in row.items()
        if column != "interaction" and term
    ]


@dataclass(frozen=True)
class PrintedFactors:
    """Relative factors as printed, in published order.

    Attributes
    ----------
    family : Family
        What the names mean.
    factors : dict of (str, str) to str
        Published column and variable -> the number as printed; blank cells are left out.
    labels : dict of str to str
        Every variable, and the label printed beside it.
    scores : dict of str to str
        Scores that are printed apart (durations, transplants), by name.
    """

    family: Family
    factors: dict[tuple[str, str], str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """Every variable, those of the scores included."""
        flat = [variable for name in self.scores for variable, _ in self.family.flat_scores(name)]
        return list(dict.fromkeys([*self.labels, *flat]))

    def rows(self) -> list[Row]:
        """The relative_factors table."""
        columns = self.family.columns
        rows = [
            {"variable": variable, "segment": column, "factor": factor}
            for (published, variable), factor in self.factors.items()
            for column in columns[published]
        ]
        rows += [
            {"variable": variable, "segment": column, "factor": factor}
            for name, factor in self.scores.items()
            for variable, column in self.family.flat_scores(name)
        ]
        return sorted(rows, key=lambda row: self.family.factor_columns.index(row["segment"]))


def read_printed_factors(factor_files: Files, score_files: Files) -> PrintedFactors:
    """Relative factors and scores of a package, and the family of models that their columns are of.

    Raises
    ------
    TableError
        If a column is none of a known family's, a score is not known, or a cell is not a number.
    """
    tables = {name: read_csv(name, data, ("Variable",)) for name, data in factor_files.items()}
    printed = PrintedFactors(_family(tables))
    for name, rows in tables.items():
        for row in rows:
            printed.labels[row["Variable"]] = next((row[c] for c in _LABEL_COLUMNS if c in row), "")
            for column, cell in row.items():
                if cell and column in printed.family.columns:
                    printed.factors[column, row["Variable"]] = _factor(cell, name)
    for name, data in score_files.items():
        for row in read_csv(name, data, (_SCORE_COLUMN,)):
            variable = next(iter(row.values()))
            if not printed.family.flat_scores(variable):
                raise TableError(f"{name}: score {variable!r} is not understood.")
            printed.scores[variable] = _factor(row[_SCORE_COLUMN], name)
    return printed


def _family(tables: Mapping[str, Sequence[Row]]) -> Family:
    """The one family that has all columns of the tables."""
    columns = {
        name: [column for column in rows[0] if column not in ("Variable", *_LABEL_COLUMNS)]
        for name, rows in tables.items()
    }
    used = {column for found in columns.values() for column in found}
    candidates = [family for family in FAMILIES if used & set(family.columns)] or list(FAMILIES)
    if len(candidates) > 1 and used:
        known = "; ".join(f"{family.name}: {', '.join(family.columns)}" for family in candidates)
        raise TableError(
            f"columns {', '.join(sorted(used))} are of no single family of segments; known: {known}."
        )
    family = candidates[0]
    for name, found in columns.items():
        if unknown := [column for column in found if column not in family.columns]:
            raise TableError(
                f"{name}: column {', '.join(unknown)} is no known segment; known: {', '.join(family.columns)}."
            )
    return family


def _factor(cell: str, name: str) -> str:
    try:
        float(cell)
    except ValueError:
        raise TableError(f"{name}: relative factor {cell!r} is not a number.") from None
    return cell
