"""Inputs of a workbook, read back into tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from pricing.errors import InputError
from riskadj.errors import MissingDependencyError


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
            (sheet, cells), *_ = defined.destinations
            tables.setdefault(grid, {})[line] = pa.array(_values(book[sheet][cells.replace("$", "")], name))
    if not tables:
        raise InputError(
            f"{Path(path).name} has no named inputs; give a workbook that pricing.worksheets wrote."
        )
    return {grid: pa.table(columns) for grid, columns in tables.items()}


def open_book(path: str | os.PathLike[str], *, is_calculated: bool = False) -> Any:
    """Return a workbook as openpyxl reads it; `is_calculated`: formulas as what they last came to.

    Raises
    ------
    InputError
        There is no such file, or it is no workbook.
    riskadj.errors.MissingDependencyError
        openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingDependencyError(
            "openpyxl is not installed; workbooks need the extra: pip install 'riskadj[worksheets]'."
        ) from None
    try:
        return load_workbook(path, data_only=is_calculated)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}.") from None
    except _unreadable():
        raise InputError(f"{Path(path).name} cannot be read as an .xlsx workbook.") from None


def _unreadable() -> tuple[type[Exception], ...]:
    """Return what openpyxl raises for a file that is no workbook."""
    from zipfile import BadZipFile

    from openpyxl.utils.exceptions import InvalidFileException

    return (OSError, KeyError, ValueError, BadZipFile, InvalidFileException)


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
