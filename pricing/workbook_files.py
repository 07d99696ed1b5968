"""Excel workbooks opened for reading: openpyxl is an extra, and a damaged file makes it raise almost anything."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from pricing.errors import InputError
from riskadj.errors import MissingDependencyError

#: What openpyxl raises on a file that is no workbook, or is one no longer (bad XML is a SyntaxError).
_UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, SyntaxError, BadZipFile,
    zlib.error,
)  # fmt: skip


def open_book(path: str | os.PathLike[str], *, is_calculated: bool = False, is_streamed: bool = False) -> Any:
    """Return a workbook as openpyxl reads it.

    Parameters
    ----------
    path : path
    is_calculated : bool
        Formulas as what they last came to.
    is_streamed : bool
        Rows are read when asked for, once: for large workbooks.

    Raises
    ------
    InputError
        There is no such file, or it is no workbook.
    riskadj.errors.MissingDependencyError
        openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise MissingDependencyError(
            "openpyxl is not installed; workbooks need the extra: pip install 'riskadj[worksheets]'."
        ) from None
    try:
        return load_workbook(path, data_only=is_calculated, read_only=is_streamed)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}.") from None
    except (*_UNREADABLE, InvalidFileException):
        raise InputError(f"{Path(path).name} cannot be read as an .xlsx workbook.") from None
