"""Workbooks to disk, with XlsxWriter: inputs coloured and named, formulas with their values, text kept as text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.errors import InputError
from pricing.worksheets.audit import audit
from pricing.worksheets.grids import FLAG, HEADING_ROW, LEAD_COLUMNS, OK, STYLES, Book, Grid, Line, cell_range
from riskadj.errors import MissingDependencyError
from riskadj.extracts.output_file import output_file

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

AUDIT_SHEET = "Audit"
_NAVY, _PALE, _INPUT_FILL, _INPUT_FONT = "#1F3A5F", "#E8EEF5", "#FFF6D6", "#1F4FA3"
_GREY, _LINE, _GOOD, _BAD = "#6B7280", "#D5DBE3", "#DDF1E3", "#F9D7D5"
_FONT = {"font_name": "Calibri", "font_size": 10, "valign": "vcenter"}
_LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "font_color": _NAVY},
    "note": {"font_color": _GREY},
    "heading": {"bold": True, "font_color": "#FFFFFF", "bg_color": _NAVY, "text_wrap": True},
    "number heading": {
        "bold": True, "font_color": "#FFFFFF", "bg_color": _NAVY, "text_wrap": True, "align": "right",
    },
    "subheading": {"font_color": _GREY, "italic": True, "bg_color": _PALE, "text_wrap": True},
    "section": {"bold": True, "font_color": _NAVY, "bg_color": _PALE},
    "lead": {"bottom": 1, "bottom_color": _LINE},
    "good": {"bg_color": _GOOD, "font_color": "#1D6B36"},
    "bad": {"bg_color": _BAD, "font_color": "#9B1C1C", "bold": True},
}  # fmt: skip
_TOTAL = {"bold": True, "bg_color": _PALE}
_COLUMNS_OF_A_PAGE = 16
#: Width of a column of numbers; height of a row whose texts are longer than that.
_NARROW, _TWO_LINES = 13, 27
_FOOTER = "&L&F, &A&Rpage &P of &N"
#: A text that begins so would become a formula if somebody edited its cell; it gets Excel's mark of a text.
_FORMULA_SIGNS = ("=", "+", "-", "@")


def write_book(
    book: Book,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a workbook, whole or not at all, and return its path.

    Parameters
    ----------
    book : Book
    path : path
        Ends in .xlsx.
    run : mapping, optional
        More for the audit sheet, such as the run report of the scores behind a bid.
    overwrite : bool
        Replace an earlier file.

    Raises
    ------
    riskadj.errors.OutputExistsError
        The file exists, and `overwrite` was not asked for.
    riskadj.errors.OutputError
        It cannot be written there.
    riskadj.errors.MissingDependencyError
        XlsxWriter is not installed.
    InputError
        The name does not end in .xlsx.
    """
    target = Path(path)
    if target.suffix != ".xlsx":
        raise InputError(f"{target.name} must end in .xlsx to be a workbook.")
    with output_file(target, overwrite=overwrite) as partial:
        _write(book, {**book.run, **(run or {})}, partial)
    return target


def _write(book: Book, run: Mapping[str, Any], path: Path) -> None:
    with path.open("wb") as file:
        workbook = _xlsxwriter().Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False})
        workbook.set_properties({"title": book.title})
        workbook.set_calc_mode("auto")
        pen = _Pen(workbook)
        for grid in book.grids:
            _write_grid(pen, book, grid)
        _write_audit(pen, book, run)
        workbook.close()


def _xlsxwriter() -> Any:
    try:
        import xlsxwriter
    except ImportError:
        raise MissingDependencyError(
            "xlsxwriter is not installed; workbooks need the extra: pip install 'riskadj[worksheets]'."
        ) from None
    return xlsxwriter


class _Pen:
    """A workbook being written, and the formats made so far."""

    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._properties: dict[Format | None, dict[str, Any]] = {}

    def format(self, **properties: Any) -> Format:
        """Return the format of some properties, the same one each time: files hold few."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format({**_FONT, **properties})
            self._properties[self._formats[key]] = properties
        return self._formats[key]

    def look(self, name: str) -> Format:
        return self.format(**_LOOKS[name])

    def of(self, line: Line) -> Format:
        """Return how the cells of a line look."""
        properties: dict[str, Any] = {"bottom": 1, "bottom_color": _LINE}
        if line.look in STYLES:
            properties["num_format"] = STYLES[line.look]
        if line.is_input:
            properties |= {"bg_color": _INPUT_FILL, "font_color": _INPUT_FONT}
        if line.look == "check":
            properties["align"] = "center"
        if line.is_total:
            properties |= _TOTAL
        return self.format(**properties)

    def text(self, sheet: Worksheet, row: int, column: int, text: str, look: Format | None = None) -> None:
        """Write a text as a text, whatever it begins with."""
        if text.startswith(_FORMULA_SIGNS):
            look = self.format(**self._properties.get(look, {}), quote_prefix=True)
        sheet.write_string(row, column, text, look)


def _write_grid(pen: _Pen, book: Book, grid: Grid) -> None:
    sheet = pen.workbook.add_worksheet(grid.sheet)
    _write_head(pen, sheet, grid.title, grid.note)
    (_write_leads if grid.is_across else _write_columns)(pen, sheet, grid)
    for line in grid.lines:
        look = pen.look("number heading") if line.is_label and grid.is_across else pen.of(line)
        for record, value in enumerate(line.values):
            row, column = grid.cell(line.key, record)
            if line.formula:
                sheet.write_formula(row, column, book.formula(grid, line, record), look, value)
            else:
                _write_value(pen, sheet, (row, column), value, look)
        if not line.formula:
            pen.workbook.define_name(f"{grid.key}.{line.key}", f"={_whole(grid, line)}")
        if line.look == "check":
            _colour_checks(pen, sheet, grid, line)
    _set_up_page(sheet, grid)


def _write_head(pen: _Pen, sheet: Worksheet, title: str, note: str) -> None:
    sheet.hide_gridlines(2)
    sheet.set_row(0, 24)
    pen.text(sheet, 0, 0, title, pen.look("title"))
    pen.text(sheet, 1, 0, note or "Yellow cells are inputs; the others follow from them.", pen.look("note"))


def _write_value(pen: _Pen, sheet: Worksheet, cell: tuple[int, int], value: Any, look: Format) -> None:
    if isinstance(value, str):
        pen.text(sheet, *cell, value, look)
    elif value is None:
        sheet.write_blank(*cell, None, look)
    elif isinstance(value, bool):
        sheet.write_boolean(*cell, value, look)
    else:
        sheet.write_number(*cell, value, look)


def _write_leads(pen: _Pen, sheet: Worksheet, grid: Grid) -> None:
    """Write the names, units, fields and sources of lines, left of their records."""
    for column, heading in enumerate(("Line", "Unit", grid.field_heading, "Source")):
        pen.text(sheet, HEADING_ROW, column, heading, pen.look("heading"))
    if not any(line.is_label for line in grid.lines):
        pen.text(sheet, HEADING_ROW, LEAD_COLUMNS, "Value", pen.look("number heading"))
    for line in _numbers(grid):
        row = grid.line_places[line.key]
        if line.section:
            for column in range(LEAD_COLUMNS + grid.n_records):
                pen.text(sheet, row - 1, column, "" if column else line.section, pen.look("section"))
        looks = {"bottom": 1, "bottom_color": _LINE} | (_TOTAL if line.is_total else {})
        pen.text(sheet, row, 0, line.label, pen.format(**looks))
        for column, text in enumerate((line.unit, line.field, line.source), start=1):
            grey = looks | {"font_color": _GREY, "bold": False, "text_wrap": True}
            pen.text(sheet, row, column, text, pen.format(**grey))


def _numbers(grid: Grid) -> list[Line]:
    """Return the lines that are no labels."""
    return [line for line in grid.lines if not line.is_label]


def _write_columns(pen: _Pen, sheet: Worksheet, grid: Grid) -> None:
    """Write the names, units and sources of lines, above their records."""
    sheet.set_row(HEADING_ROW, 44)
    for line, column in zip(grid.lines, grid.line_places.values(), strict=True):
        look = "heading" if line.is_label else "number heading"
        pen.text(sheet, HEADING_ROW, column, line.label, pen.look(look))
        below = pen.format(**_LOOKS["subheading"], align="left" if line.is_label else "right")
        for row, text in enumerate((line.unit, line.source), start=HEADING_ROW + 1):
            pen.text(sheet, row, column, text, below)
    for row, name in enumerate(("unit", "source"), start=HEADING_ROW + 1):
        longest = max(len(getattr(line, name)) for line in grid.lines)
        sheet.set_row(row, _TWO_LINES if longest > _NARROW else None, None, {"hidden": longest == 0})


def _whole(grid: Grid, line: Line) -> str:
    return cell_range(grid, line.key, 0, grid.n_records - 1)


def _colour_checks(pen: _Pen, sheet: Worksheet, grid: Grid, line: Line) -> None:
    area = _whole(grid, line).rpartition("!")[2].replace("$", "")
    for value, look in ((OK, "good"), (FLAG, "bad")):
        rule = {"type": "cell", "criteria": "==", "value": f'"{value}"', "format": pen.look(look)}
        sheet.conditional_format(area, rule)


def _set_up_page(sheet: Worksheet, grid: Grid) -> None:
    sheet.set_landscape()
    sheet.set_footer(_FOOTER)
    if grid.is_across or len(grid.lines) <= _COLUMNS_OF_A_PAGE:
        sheet.fit_to_pages(1, 0)
    if grid.is_across:
        lines = _numbers(grid)
        sheet.set_column(0, 0, max(22, *(len(line.label) for line in lines)))
        for column, name in enumerate(("unit", "field", "source"), start=1):
            longest = max(len(getattr(line, name)) for line in lines)
            sheet.set_column(column, column, min(max(longest, 8), 70), None, {"hidden": longest == 0})
        sheet.set_column(LEAD_COLUMNS, LEAD_COLUMNS + grid.n_records - 1, 16)
        sheet.freeze_panes(HEADING_ROW + 1, 1)
        sheet.repeat_rows(HEADING_ROW)
    else:
        for line, column in zip(grid.lines, grid.line_places.values(), strict=True):
            longest = max((len(value) for value in line.values if isinstance(value, str)), default=0)
            sheet.set_column(column, column, max(_NARROW, min(longest + 2, 60)))
        labels = sum(line.is_label for line in grid.lines)
        sheet.freeze_panes(grid.first_record, labels)
        if labels:
            sheet.repeat_columns(0, labels - 1)
        sheet.repeat_rows(HEADING_ROW, HEADING_ROW + 2)


def _write_audit(pen: _Pen, book: Book, run: Mapping[str, Any]) -> None:
    sheet = pen.workbook.add_worksheet(AUDIT_SHEET)
    _write_head(pen, sheet, book.title, "What the workbook was made from, and how to read it.")
    row = HEADING_ROW
    for name, value in _audit_rows(book, run):
        pen.text(sheet, row, 0, name, pen.look("lead"))
        _write_value(pen, sheet, (row, 1), value, pen.format(align="left", bottom=1, bottom_color=_LINE))
        row += 1
    checks = [_whole(grid, line) for grid in book.grids for line in grid.lines if line.look == "check"]
    flags = [
        value for grid in book.grids for line in grid.lines if line.look == "check" for value in line.values
    ]
    pen.text(sheet, row, 0, "checks that flag", pen.look("lead"))
    formula = "=" + ("+".join(f'COUNTIF({cells},"{FLAG}")' for cells in checks) or "0")
    look = pen.format(align="left", bold=True, bottom=1, bottom_color=_LINE)
    sheet.write_formula(row, 1, formula, look, flags.count(FLAG))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 90)
    sheet.set_landscape()
    sheet.set_footer(_FOOTER)
    sheet.fit_to_pages(1, 0)


def _audit_rows(book: Book, run: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "sheets", ", ".join(grid.sheet for grid in book.grids)
    yield (
        "yellow cells",
        "inputs: change them, and the rest recalculates; each has a name (Formulas, Name Manager)",
    )
    for name, value in audit(book.rates, run).items():
        yield str(name), value if isinstance(value, (bool, int, float)) else str(value)
