"""A list of eligible procedures of one's own: bare CPT/HCPCS codes, no descriptions."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from riskadj.errors import ExtractError, OptionError

_COLUMN = "procedure_code"
_FORM = re.compile(r"[0-9A-Z]{5}")
_FIRST_LINES = 5


@dataclass(frozen=True)
class ProcedureList:
    """Codes whose claims count, and where they came from.

    Attributes
    ----------
    name : str
        Name of the file; "codes" for a list given as such.
    codes : frozenset of str
    sha256 : str
        Of the file's bytes; of the sorted codes, one on each line, for a list given as such.
    """

    name: str
    codes: frozenset[str]
    sha256: str


def read_procedures(source: str | os.PathLike[str] | Sequence[str]) -> ProcedureList:
    """Return a list of procedures: of a file, or given as codes.

    Parameters
    ----------
    source : path or sequence of str
        A file has one code on each line, or is a CSV file with a column procedure_code.

    Raises
    ------
    ExtractError
        The file cannot be read.
    OptionError
        The list is empty, or an entry is no procedure code; the message gives its line, never the entry.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            content = path.read_bytes()
            lines = content.decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise ExtractError(
                f"{path.name}, given as eligible_procedures, cannot be read ({words}); give a file of codes."
            ) from None
        codes = _checked(_cells(lines, path.name), path.name, "line")
        return ProcedureList(path.name, codes, hashlib.sha256(content).hexdigest())
    codes = _checked(list(enumerate(map(str, source), start=1)), "eligible_procedures", "entry")
    return ProcedureList("codes", codes, hashlib.sha256("\n".join(sorted(codes)).encode()).hexdigest())


def _cells(lines: list[str], name: str) -> list[tuple[int, str]]:
    """Return (line number, code as written); of a CSV file with a header, those of its column."""
    try:
        rows = list(csv.reader(lines))
    except csv.Error as error:
        raise ExtractError(
            f"{name}, given as eligible_procedures, cannot be read as CSV ({error})."
        ) from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if _COLUMN not in header:
        return [(number, line) for number, line in enumerate(lines, start=1)]
    column = header.index(_COLUMN)
    return [
        (number, row[column] if len(row) > column else "")
        for number, row in enumerate(rows[1:], start=2)
        if row
    ]


def _checked(cells: list[tuple[int, str]], name: str, unit: str) -> frozenset[str]:
    given = [(number, text.strip().upper()) for number, text in cells if text.strip()]
    wrong = [number for number, code in given if not _FORM.fullmatch(code)]
    if wrong:
        where = ", ".join(map(str, wrong[:_FIRST_LINES]))
        raise OptionError(
            f"{name}: no procedure code in {len(wrong):,} of {len(given):,} rows (first at {unit} {where}); "
            f"allowed: five letters or digits, one code on each line or in a CSV column {_COLUMN}."
        )
    if not given:
        raise OptionError(f"{name} holds no procedure code; give one on each line.")
    return frozenset(code for _, code in given)
