"""Inputs of a workbook, read back into tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from pricing.errors import InputError
from pricing.workbook_files import open_book


def read_inputs(path: str | os.PathLike[str]) -> dict[str, pa.Table]:
    """Return what the input cells of a workbook hold now, whoever changed them.

    Parameters
    ----------
    path : path
        A workbook that this package wrote; a spreadsheet program may have saved it since.

    Returns
    -------
    dict of str to pyarrow.Table
        A table for each grid that has inputs, by the grid's key: one row per record, one column per input or label.

    Raises
    ------
    InputError
        The file is no workbook of ours, or an input cell is blank, or holds a formula or an error.
    riskadj.errors.MissingDependencyError
        openpyxl is not installed.
    """
    book = open_book(path)
    tables: dict[str, dict[str, pa.Array]] = {}
    for name, defined in book.defined_names.items():
        grid, dot, line = name.partition(".")
        if dot:
            tables.setdefault(grid, {})[line] = pa.array(_values(_cells(book, name, defined), name))
    if not tables:
        raise InputError(
            f"{Path(path).name} has no named inputs; give a workbook that pricing.worksheets wrote."
        )
    return {grid: pa.table(columns) for grid, columns in tables.items()}


def _cells(book: Any, name: str, defined: Any) -> Any:
    sheet, cells = next(iter(defined.destinations), ("", ""))  # none: what it named was deleted
    if sheet not in book.sheetnames:
        raise InputError(
            f"input '{name}': its sheet or cells are gone; start from the workbook as it was written."
        )
    return book[sheet][cells.replace("$", "")]


def _values(cells: Any, name: str) -> list[Any]:
    if not isinstance(cells, tuple):
        cells = ((cells,),)
    values = [_value(cell, name) for row in cells for cell in row]
    if len({type(value) for value in values}) > 1:
        raise InputError(f"input '{name}': texts among its numbers; give values of one kind.")
    return values


def _value(cell: Any, name: str) -> Any:
    where = f"input '{name}', cell {cell.coordinate}"
    if cell.value is None:
        raise InputError(f"{where}: blank; give every input a value.")
    if cell.data_type in ("f", "e"):
        raise InputError(f"{where}: holds a formula or an error; inputs are typed values.")
    return float(cell.value) if cell.data_type == "n" else cell.value
