"""Which variables a rare one may share its factor with: its relatives in the tables of the model, nearest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from riskadj.tables.conditions import Condition, parse_condition
from riskadj.tables.model import ModelTables
from riskadj.terms import AGE_RANGE, STATUS_FIELDS

_OLDEST = 120  # years


def relatives_of(model: ModelTables, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the relatives of each variable of a segment among its other variables, nearest first.

    Of an HCC, the HCCs that it drops, then those that drop it. Of an age and sex cell, the other cells: first those
    that ask for the same but for age. Of any other demographic variable, those that test the same fields. Of a count,
    the other counts. Interactions have none.

    Parameters
    ----------
    model : ModelTables
    names : sequence of str
        Variables that the segment prices.
    """
    found = _of_hccs(model) | _of_demographics(model, names) | _of_counts(model)
    return {name: [relative for relative in found.get(name, []) if relative in names] for name in names}


def demographics_of(model: ModelTables) -> set[str]:
    """Return the demographic variables of a model."""
    return set(model.tables["demographics"].column("variable"))


def _of_hccs(model: ModelTables) -> dict[str, list[str]]:
    edges = [(row["hcc"], row["drops"]) for row in model.records("hierarchies")]
    order = {row["hcc"]: number for number, row in enumerate(model.records("labels"))}
    below: dict[str, list[str]] = {hcc: [] for hcc in order}
    above: dict[str, list[str]] = {hcc: [] for hcc in order}
    for parent, child in edges:
        below[parent].append(child)
        above[child].append(parent)
    return {
        hcc: sorted(below[hcc], key=order.__getitem__)
        + sorted(above[hcc], key=order.__getitem__, reverse=True)
        for hcc in order
    }


def _of_counts(model: ModelTables) -> dict[str, list[str]]:
    lowest = {row["variable"]: int(row["hccs_min"]) for row in model.records("counts")}
    return {
        name: sorted(lowest.keys() - {name}, key=lambda other: (abs(lowest[other] - own), lowest[other]))
        for name, own in lowest.items()
    }


# --- demographic variables -------------------------------------------------------------------------------------------

_Rows = Mapping[str, list[Mapping[str, str]]]


def _of_demographics(model: ModelTables, names: Sequence[str]) -> dict[str, list[str]]:
    rows: dict[str, list[Mapping[str, str]]] = {}
    for row in model.records("demographics"):
        if row["variable"] in names:
            rows.setdefault(row["variable"], []).append(row)
    cells = _cells(rows)
    asked = {name: _asked(alternatives) for name, alternatives in rows.items()}
    age = {
        name: min(int(row.get("age_min") or 0) for row in alternatives) for name, alternatives in rows.items()
    }

    def may_share(one: str, other: str) -> bool:
        same_fields = {field for field, _ in asked[one]} == {field for field, _ in asked[other]}
        return one != other and (same_fields or {one, other} <= cells)

    return {
        one: sorted(
            (other for other in rows if may_share(one, other)),
            key=lambda other, one=one: (len(asked[one] ^ asked[other]), abs(age[one] - age[other])),  # type: ignore[misc]
        )
        for one in rows
    }


def _asked(rows: list[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    """Return what a variable asks for, ages apart."""
    return frozenset(
        (field, cell)
        for row in rows
        for field, cell in row.items()
        if cell and field not in ("variable", *AGE_RANGE)
    )


def _cells(rows: _Rows) -> set[str]:
    """Return the variables that are the only ones on for somebody: age and sex cells, not what is added to them."""
    conditions = {name: [_condition(row) for row in alternatives] for name, alternatives in rows.items()}
    fields = sorted({field for parsed in conditions.values() for each in parsed for field in each.fields})
    codes = [np.arange(len(STATUS_FIELDS[field]), dtype=np.uint8) for field in fields]
    grid = np.meshgrid(np.arange(_OLDEST + 1, dtype=np.uint8), *codes, indexing="ij")
    statuses = dict(zip(["age_years", *fields], (axis.ravel() for axis in grid), strict=True))
    on = {
        name: np.logical_or.reduce([each.fits(statuses) for each in parsed])
        for name, parsed in conditions.items()
    }
    n_on = np.sum(list(on.values()), axis=0)
    return {name for name, is_on in on.items() if (is_on & (n_on == 1)).any()}


def _condition(row: Mapping[str, str]) -> Condition:
    return parse_condition(
        {field: cell for field, cell in row.items() if field != "variable"}, "demographics"
    )
