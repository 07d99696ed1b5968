"""Every deliberate error of riskadj.

A message says, in one sentence: what is wrong, where, what is allowed, what to do. Rows appear as a count and the
first five row numbers, never as a member's data: extracts are protected health information.
"""

from __future__ import annotations

import difflib
import os
import re
import traceback
from collections.abc import Iterable
from types import FrameType


class RiskAdjError(Exception):
    """Root of all deliberate errors; catch this one to catch them all."""


class OptionError(RiskAdjError):
    """An option of the call is not one of those allowed, or two options contradict each other."""


class UnknownProgramError(RiskAdjError):
    """The program asked for has no tables."""


class UnknownPaymentYearError(RiskAdjError):
    """The payment year asked for has no folder of tables."""


class UnknownModelError(RiskAdjError):
    """The model asked for has no folder of tables in that payment year."""


class UnknownMemberError(RiskAdjError):
    """The member asked for is not among the scored rows."""


class TableError(RiskAdjError):
    """A model table breaks a law; the message names file and line."""


class ManifestError(RiskAdjError):
    """A model.toml or payment_year.toml lacks something or contradicts itself."""


class ChecksumError(RiskAdjError):
    """A sealed table is not the one that was reviewed."""


class ExtractError(RiskAdjError):
    """An extract cannot be read: missing, empty, truncated, or of mixed schemas."""


class ColumnMissingError(ExtractError):
    """An extract lacks a column that the run needs."""


class ColumnTypeError(ExtractError):
    """A column has a type that cannot hold what the column means."""


class RowsRejectedError(ExtractError):
    """Rows cannot be used and the caller did not ask for a rejects file."""


class CodeNotAllowedError(RowsRejectedError):
    """Rows hold a code outside the column's code set."""


class OutputError(RiskAdjError):
    """Results cannot be written: no permission, no space, not a directory."""


class OutputExistsError(OutputError):
    """The output is already there and overwriting was not asked for."""


class CalibrationError(RiskAdjError):
    """Relative factors cannot be fitted: too few members, or variables that the data cannot tell apart."""


class MissingDependencyError(RiskAdjError):
    """An optional package is not installed; the message names the extra to install."""


def nearest(name: str | Iterable[str], known: Iterable[str]) -> str:
    """Return ``"; nearest: X"`` for a misspelt `name` (or several: ``"; nearest: X, Y"``), or an empty string."""
    names, choices = [name] if isinstance(name, str) else name, list(known)
    matches = dict.fromkeys(
        match for each in names for match in difflib.get_close_matches(each, choices, n=1)
    )
    return f"; nearest: {', '.join(matches)}" if matches else ""


def columns_in_words(header: Iterable[str], known: Iterable[str]) -> str:
    """Return which columns a file has, for a message that one is missing.

    The first line of a file without a header is a member's row: if no name in it is `known`, none is shown. Nor is one
    that does not look like a name, such as a date or an id that a damaged line end brought into the header.
    """
    names = list(header)
    if not {name.strip().lower() for name in names} & {name.lower() for name in known}:
        return "none of the columns that its first line should name"
    shown = [name for name in names if _COLUMN_NAME.fullmatch(name)][:_MOST_NAMES]
    return f"has: {', '.join(shown)}" + (f" and {len(names) - len(shown)} more" if shown != names else "")


_COLUMN_NAME, _MOST_NAMES = re.compile(r"[A-Za-z_]+([ .-][A-Za-z_]+)*[0-9]{0,2}"), 20

#: Set to 1, this environment variable asks for the traceback of an unexpected error.
DEBUG = "RISKADJ_DEBUG"


def defect(error: Exception) -> str:
    """Return what may be said of an unexpected error: its type and place, never its text."""
    if os.environ.get(DEBUG) == "1":
        return "".join(traceback.format_exception(error)).rstrip()
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [(frame, line) for frame, line in frames if _module(frame).split(".")[0] in ("riskadj", "pricing")]
    places = dict.fromkeys(_place(frame, line) for frame, line in (*ours[-1:], *frames[-1:]))
    return (
        f"unexpected {type(error).__name__} in {', called from '.join(reversed(places))}: a defect of riskadj; "
        f"please report it with this line and `riskadj --version`. {DEBUG}=1 shows the traceback, which may quote data."
    )


def _place(frame: FrameType, line: int) -> str:
    return f"{_module(frame)}.{frame.f_code.co_name}, line {line}"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))
