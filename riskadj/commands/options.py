"""Options that several commands share, and the small languages in which their values are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from riskadj.errors import OptionError
from riskadj.terminal import Output as Output
from riskadj.terminal import Overwrite as Overwrite
from riskadj.terminal import Threads as Threads
from riskadj.terminal import source_of as source_of
from riskadj.terms import (
    COLLECTION_RUNS,
    DIAGNOSIS_FILTERS,
    EDIT_CHOICES,
    LAYOUTS,
    REJECT_CHOICES,
    SEGMENT_CHOICES,
)

PROGRAM = "medicare_part_c"


def _choice(text: str, choices: tuple[str, ...]) -> Any:
    return typer.Option(help=text, metavar="|".join(choices))


Enrollment = Annotated[
    list[str],
    typer.Option(
        help="Enrollment extract: file, directory or quoted glob, Parquet or CSV; may be repeated.",
        metavar="PATH",
    ),
]
Diagnoses = Annotated[list[str], typer.Option(help="Diagnoses extract, likewise.", metavar="PATH")]
Drugs = Annotated[
    list[str] | None,
    typer.Option(help="Drugs extract, likewise, for models that have drug categories.", metavar="PATH"),
]
PaymentYear = Annotated[int, typer.Option(help="Payment year; for hhs the benefit year.", metavar="YEAR")]
Program = Annotated[str, typer.Option(help="Program whose payment policy applies.", metavar="PROGRAM")]
Models = Annotated[
    str | None,
    typer.Option(
        help="Just these models, unblended. Default: the year's payment policy decides.", metavar="MODEL,..."
    ),
]
Segments = Annotated[str, _choice("Score the segment that pays, or all of them.", SEGMENT_CHOICES)]
DiagnosisFilter = Annotated[
    str,
    _choice(
        "none: the extract is filtered already. cms: apply the year's filter of claims.", DIAGNOSIS_FILTERS
    ),
]
Edits = Annotated[str, _choice("none: leave out the plausibility (MCE) edits.", EDIT_CHOICES)]
RejectsMode = Annotated[
    str, _choice("Rows that cannot be used stop the run, or are written with their reasons.", REJECT_CHOICES)
]
Collection = Annotated[
    str | None,
    typer.Option(
        help="Run of the year whose service dates count, or dates instead (a what-if), YYYY-MM-DD:YYYY-MM-DD.",
        metavar="|".join((*COLLECTION_RUNS, "FIRST:LAST")),
    ),
]
EligibleProcedures = Annotated[
    Path | None,
    typer.Option(
        help="Procedure codes for the filter instead of the year's: one per line, or a CSV column procedure_code.",
        metavar="FILE",
    ),
]
Layout = Annotated[str, _choice("Names that the files use.", LAYOUTS)]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        help="Our column name = the file's, such as birth_date=dob,sex=gender.", metavar="OURS=THEIRS,..."
    ),
]
MapsDir = Annotated[
    Path | None, typer.Option(help="Folder of model tables to use instead of those that ship.", metavar="DIR")
]
Rate = Annotated[
    str | None,
    typer.Option(
        help="Dollars per member and month at a score of 1.000, or the column that holds them. Default: column "
        "rate_pmpm of the enrollment, if it has one.",
        metavar="DOLLARS|COLUMN",
    ),
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(I?)B?", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """Return the number of bytes that a size such as ``4GB``, ``800MB`` or ``3.5GiB`` means.

    Raises
    ------
    OptionError
        It is no such size.
    """
    match = _SIZE.fullmatch(text.strip())
    n_bytes = 0
    if match:
        power = "KMGT".index(match[2].upper()) + 1
        n_bytes = int(float(match[1]) * (1024 if match[3] else 1000) ** power)
    if not n_bytes:
        raise OptionError(f"--memory {text!r} is no size; give a number and a unit, such as 800MB or 4GB.")
    return n_bytes


def parse_columns(texts: list[str] | None) -> dict[str, str]:
    """Return our column name -> the file's from ``["birth_date=dob,sex=gender"]``.

    Raises
    ------
    OptionError
        A part is not OURS=THEIRS, or a name of ours is given twice.
    """
    columns: dict[str, str] = {}
    for part in ",".join(texts or []).split(","):
        ours, equals, theirs = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not (ours and equals and theirs):
            raise OptionError(
                f"--columns {part.strip()!r} is not OURS=THEIRS; write birth_date=dob,sex=gender."
            )
        if ours in columns:
            raise OptionError(f"--columns gives {ours!r} twice; one name of the file each.")
        columns[ours] = theirs
    return columns


def parse_rate(text: str | None) -> float | str | None:
    """Return a number as such, the name of a column as it stands."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
