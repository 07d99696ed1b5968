"""Which variable a rare one shares its factor with: its nearest relative in the tables of the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from riskadj.tables.model import ModelTables
from riskadj.terms import AGE_RANGE


def partner_of(model: ModelTables, rare: str, common: Collection[str]) -> str | None:
    """Return the relative of a rare variable among `common`; None where it has none.

    An HCC's relatives are the HCCs that it drops, nearest first, then those that drop it, nearest first; a demographic
    cell's are cells that ask for the same fields, first those that differ in age alone; a count's is the nearest count.
    Interactions have none.
    """
    for relatives in (_of_hcc, _of_demographic, _of_count):
        for name in relatives(model, rare):
            if name in common:
                return name
    return None


def demographics_of(model: ModelTables) -> set[str]:
    """Return the demographic variables of a model."""
    return set(model.tables["demographics"].column("variable"))


def _of_hcc(model: ModelTables, rare: str) -> list[str]:
    edges = [(row["hcc"], row["drops"]) for row in model.records("hierarchies")]
    below = [child for parent, child in edges if parent == rare]
    above = [parent for parent, child in edges if child == rare]
    order = {row["hcc"]: number for number, row in enumerate(model.records("labels"))}
    return [*sorted(below, key=order.__getitem__), *sorted(above, key=order.__getitem__, reverse=True)]


def _of_demographic(model: ModelTables, rare: str) -> list[str]:
    cells: dict[str, list[Mapping[str, str]]] = {}
    for row in model.records("demographics"):
        cells.setdefault(row["variable"], []).append(row)
    if rare not in cells:
        return []
    own, own_age = _asked(cells[rare]), _age(cells[rare])
    fields = {field for field, _ in own}
    distances = {
        name: (len(own ^ _asked(rows)), abs(_age(rows) - own_age))
        for name, rows in cells.items()
        if name != rare and {field for field, _ in _asked(rows)} == fields
    }
    return sorted(distances, key=distances.__getitem__)


def _asked(rows: list[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    """Return what a cell asks for, its age apart."""
    return frozenset(
        (field, cell)
        for row in rows
        for field, cell in row.items()
        if cell and field not in ("variable", *AGE_RANGE)
    )


def _age(rows: list[Mapping[str, str]]) -> int:
    """Return the lowest age that a cell asks for. [years]"""
    return min(int(row.get("age_min") or 0) for row in rows)


def _of_count(model: ModelTables, rare: str) -> list[str]:
    lowest = {row["variable"]: int(row["hccs_min"]) for row in model.records("counts")}
    if rare not in lowest:
        return []
    others = [name for name in lowest if name != rare]
    return sorted(others, key=lambda name: abs(lowest[name] - lowest[rare]))
