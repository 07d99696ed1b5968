"""A workbook of plan designs, read: whatever is wrong is told with its sheet and cell."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.workbook_files import open_book
from pricing.worksheets.designs import (
    DESIGNS,
    KINDS,
    LIMITS,
    NETWORKS,
    NO,
    OUTSIDE,
    OUTSIDE_LIMITS,
    PLACE,
    SERVICES,
    TERMS,
    YES,
    outside_words,
    words,
)
from pricing.worksheets.grids import HEADING_ROW, LEAD_COLUMNS
from riskadj.errors import nearest

_TITLES = 2  # rows below the headings that hold units and sources, before the first service
_OUTSIDE = f"{OUTSIDE}."
_FLAGS = {YES: True, NO: False, "true": True, "false": False}


def read_design_workbook(path: str | os.PathLike[str]) -> list[PlanDesign]:
    """Return the designs of a workbook, in the order of its columns.

    Parameters
    ----------
    path : path
        Made by `pricing.worksheets.designs.write_designs`, as a template or of designs; columns and rows may have been
        added. Formulas count as what the spreadsheet program last calculated.

    Returns
    -------
    list of PlanDesign

    Raises
    ------
    InputError
        A sheet is missing, a heading is not known, a cell holds another kind of value than its line, a service names no
        design, or a design is impossible; the message names sheet and cell.
    riskadj.errors.MissingDependencyError
        openpyxl is not installed.
    """
    book = open_book(path, is_calculated=True)
    label = Path(path).name
    for name in (DESIGNS, SERVICES):
        if name not in book.sheetnames:
            raise InputError(
                f"{label} has no sheet '{name}' (has: {', '.join(book.sheetnames)}); start from a workbook that "
                "write_designs wrote."
            )
    limits, services = _Sheet(label, book[DESIGNS]), _Sheet(label, book[SERVICES])
    columns = dict(_columns(limits))
    terms = _terms(services, columns)
    return [_design(limits, name, cells, terms.get(name, {})) for name, cells in columns.items()]


@dataclass(frozen=True)
class _Sheet:
    """A sheet and how its faults are told."""

    label: str
    cells: Any

    def fault(self, cell: Any, what: str) -> InputError:
        return InputError(f"{self.label}, sheet '{self.cells.title}', cell {cell.coordinate}: {what}.")

    def value(self, cell: Any, name: str) -> Any:
        """Return what a cell holds as the kind that the field `name` has."""
        kind, value = KINDS[name], cell.value
        if cell.data_type == "e":
            raise self.fault(cell, f"{name} is a formula that failed")
        if kind in ("float", "int"):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise self.fault(cell, f"{name} must be a number")
            if kind == "int" and value != int(value):
                raise self.fault(cell, f"{name} must be a whole number")
            return int(value) if kind == "int" else float(value)
        text = str(value).strip()
        if kind == "bool":
            if text.lower() not in _FLAGS:
                raise self.fault(cell, f"{name} must be {YES} or {NO}")
            return _FLAGS[text.lower()]
        return tuple(part.strip() for part in text.split(",")) if kind.startswith("tuple") else text

    def values(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of some cells; those that are blank are left out."""
        return {name: self.value(cell, name) for name, cell in cells.items() if not _is_blank(cell)}

    def blame(self, fault: str, cells: Mapping[str, Any], otherwise: Any) -> InputError:
        """Return a fault as the error of the cell whose field it names first."""
        places = {
            name: fault.find(name) for name, cell in cells.items() if name in fault and not _is_blank(cell)
        }
        first = min(places, key=lambda name: (places[name], -len(name)), default=None)
        return self.fault(otherwise if first is None else cells[first], fault)


def _is_blank(cell: Any) -> bool:
    return cell.value is None or not str(cell.value).strip()


def _columns(sheet: _Sheet) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each design's name and its cells, by field; those out of the network with a prefix."""
    known = {words(name): name for name in LIMITS}
    known |= {outside_words(name): f"{_OUTSIDE}{name}" for name in OUTSIDE_LIMITS}
    rows = list(sheet.cells.iter_rows(min_row=HEADING_ROW + 1))
    heading, lines = (rows[0] if rows else ()), rows[1:]
    seen: set[str] = set()
    for place in range(LEAD_COLUMNS, len(heading)):
        filled = [row for row in lines if not _is_blank(row[place])]
        if _is_blank(heading[place]):
            if filled:
                raise sheet.fault(heading[place], "the design of this column has no name")
            continue
        name = str(heading[place].value).strip()
        if name in seen:
            raise sheet.fault(heading[place], "a design of this name stands in an earlier column")
        seen.add(name)
        cells = {"name": heading[place]}
        for row in filled:
            line = str(row[0].value or "").strip().lower()
            if line not in known:
                raise sheet.fault(row[0], f"'{line}' is no line of a design{nearest(line, known)}")
            cells[known[line]] = row[place]
        yield name, cells
    if not seen:
        raise InputError(
            f"{sheet.label}, sheet '{DESIGNS}': no design; write a name above a column of limits."
        )


def _terms(sheet: _Sheet, designs: Mapping[str, Any]) -> dict[str, dict[str, dict[str, CostSharing]]]:
    """Return the terms of the services of each design, by network and service category."""
    rows = list(sheet.cells.iter_rows(min_row=HEADING_ROW + 1))
    heading, lines = (rows[0] if rows else ()), rows[1 + _TITLES :]
    places = _service_places(sheet, heading)
    found: dict[str, dict[str, dict[str, CostSharing]]] = {}
    for row in lines:
        if all(_is_blank(cell) for cell in row):
            continue
        cells = {name: row[place] for name, place in places.items()}
        design, network, service = _place(sheet, cells, designs)
        own = {name: cells[name] for name in TERMS if name in cells}
        terms = CostSharing(**sheet.values(own))
        for fault in terms.faults():
            raise sheet.blame(fault, own, cells["service_category"])
        kept = found.setdefault(design, {}).setdefault(network, {})
        if service in kept:
            raise sheet.fault(
                row[places[PLACE[2]]], "the same design, network and service stand in an earlier row"
            )
        kept[service] = terms
    return found


def _service_places(sheet: _Sheet, heading: Sequence[Any]) -> dict[str, int]:
    """Return the column of each field of a row of services."""
    known = {words(name): name for name in (*PLACE, *TERMS)}
    places: dict[str, int] = {}
    for place, cell in enumerate(heading):
        title = str(cell.value or "").strip().lower()
        if title and title not in known:
            raise sheet.fault(cell, f"'{title}' is no column of services{nearest(title, known)}")
        if title:
            places[known[title]] = place
    lacking = [words(name) for name in PLACE if name not in places]
    if lacking:
        raise InputError(
            f"{sheet.label}, sheet '{SERVICES}': row {HEADING_ROW + 1} lacks the heading '{lacking[0]}'."
        )
    return places


def _place(sheet: _Sheet, cells: Mapping[str, Any], designs: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the design, network and service category of a row."""
    design, network, service = (str(cells[name].value or "").strip() for name in PLACE)
    if design not in designs:
        close = nearest(design, designs)
        raise sheet.fault(cells["design"], f"no design of sheet '{DESIGNS}' has this name{close}")
    if network not in NETWORKS:
        raise sheet.fault(cells["network"], f"network must be one of {', '.join(NETWORKS)}")
    if not service:
        raise sheet.fault(cells["service_category"], "a service category is missing")
    if network == "out" and not any(name.startswith(_OUTSIDE) for name in designs[design]):
        raise sheet.fault(
            cells["network"], f"the design has no limits out of the network on sheet '{DESIGNS}'"
        )
    return design, network, service


def _design(
    sheet: _Sheet, name: str, cells: Mapping[str, Any], terms: Mapping[str, Mapping[str, CostSharing]]
) -> PlanDesign:
    inside = {field: cell for field, cell in cells.items() if not field.startswith(_OUTSIDE)}
    outside = {
        field.removeprefix(_OUTSIDE): cell for field, cell in cells.items() if field.startswith(_OUTSIDE)
    }
    values = sheet.values(inside)
    values |= {kept_in: terms.get(network, {}) for network, kept_in in NETWORKS.items() if network != "out"}
    if outside:
        own = {"name": f"{name}, out of network", "services": terms.get("out", {}), **sheet.values(outside)}
        values[OUTSIDE] = _made(sheet, own, outside, cells["name"])
    return _made(sheet, values, inside, cells["name"])


def _made(sheet: _Sheet, values: Mapping[str, Any], cells: Mapping[str, Any], otherwise: Any) -> PlanDesign:
    """Return the design of some values; what is wrong with it is told of the cell that says so."""
    try:
        return PlanDesign(**values)
    except InputError as fault:
        what = str(fault).removeprefix(f"plan design '{values['name']}': ").rstrip(".")
        raise sheet.blame(what, cells, otherwise) from None
