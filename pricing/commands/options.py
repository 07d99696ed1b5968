"""Options that commands of pricing share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from riskadj.terminal import Output as Output
from riskadj.terminal import Overwrite as Overwrite
from riskadj.terminal import Threads as Threads
from riskadj.terminal import source_of as source_of

Claims = Annotated[
    list[str],
    typer.Option(help="Claims extract: file, directory or quoted glob; may be repeated.", metavar="PATH"),
]
Enrollment = Annotated[
    str,
    typer.Option(
        help="Enrollment spans: member_id, enrollment_start_date, enrollment_end_date.", metavar="PATH"
    ),
]
Designs = Annotated[
    Path,
    typer.Option(
        help="Plan designs: TOML with [[design]] tables, or a workbook (.xlsx) as `benefits template` writes.",
        metavar="PATH",
    ),
]
HeaderAmounts = Annotated[
    str | None,
    typer.Option(
        help="Service categories where every line repeats its claim's amount, or 'all': it counts once.",
        metavar="CATEGORY,...",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(help="Our name=the extract's, where claims differ.", metavar="NAME=COLUMN,..."),
]
Workbook = Annotated[
    Path | None,
    typer.Option(help="Also write a workbook with live formulas, ending in .xlsx.", metavar="PATH"),
]
Parameters = Annotated[
    Path | None, typer.Option(help="Parameters of your own, CSV of the table's columns.", metavar="PATH")
]
BenefitYear = Annotated[int, typer.Option(help="Benefit year, whose parameters hold.", metavar="YEAR")]
PaymentYear = Annotated[int, typer.Option(help="Payment year, whose parameters hold.", metavar="YEAR")]


def payment_scores(path: Path) -> Path:
    """Return the file of payment scores in a directory that `riskadj score` wrote; any other path as it is."""
    written = path / "payment_scores.parquet"
    return written if written.exists() else path


def listed(text: str | None) -> tuple[str, ...]:
    """Return the names of ``"a, b"``."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def day(text: str, option: str) -> date:
    """Return the day that an option gives.

    Raises
    ------
    InputError
        It is no date, YYYY-MM-DD.
    """
    from pricing.errors import InputError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} '{text}' is no date; write it YYYY-MM-DD.") from None


def day_or_none(text: str | None, option: str) -> date | None:
    """Return the day that an option gives, None where it was left out."""
    return None if text is None else day(text, option)


def repeating(text: str | None) -> bool | tuple[str, ...]:
    """Return what `header_amounts=` takes: True for ``all``, else the service categories."""
    return True if text == "all" else listed(text)


def renamed(text: str | None) -> dict[str, str]:
    """Return the columns of ``"claim_id=clm_id,paid_amount=paid"``.

    Raises
    ------
    InputError
        A part has no ``=``.
    """
    from pricing.errors import InputError

    pairs = {}
    for part in listed(text):
        name, equals, column = (each.strip() for each in part.partition("="))
        if not (name and equals and column):
            raise InputError(f"--columns: '{part}' is not NAME=COLUMN, such as claim_id=clm_id.")
        pairs[name] = column
    return pairs


@dataclass(frozen=True)
class ClaimLines:
    """The claim lines that a command reads, and how."""

    claims: Claims
    header_amounts: HeaderAmounts = None
    columns: Columns = None

    @property
    def source(self) -> Any:
        """The extract, as readers take it."""
        return source_of(self.claims)

    @property
    def reading(self) -> dict[str, Any]:
        """How to read it, in the words of the readers."""
        return {"header_amounts": repeating(self.header_amounts), "columns": renamed(self.columns)}
