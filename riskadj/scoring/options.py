"""Options of a scoring run, checked before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import index
from pathlib import Path
from typing import Any

from riskadj.errors import OptionError, nearest
from riskadj.scoring.procedures import ProcedureList, read_procedures
from riskadj.terms import (
    COLLECTION_RUNS,
    DIAGNOSIS_FILTERS,
    EDIT_CHOICES,
    REJECT_CHOICES,
    SEGMENT_CHOICES,
)


@dataclass(frozen=True)
class ScoreOptions:
    """What the caller asked for.

    Attributes
    ----------
    payment_year : int
        Payment (or benefit) year; there is no default.
    program : str
    models : tuple of str or None
        Just these models, unblended; None: the year's own payment policy.
    segments : {"paid", "all"}
    diagnosis_filter : {"none", "cms"}
    edits : {"default", "none"}
    rejects : {"stop", "write"}
    collection : tuple of date or None
        Replaces the year's own window of service dates.
    collection_run : {"initial", "mid_year", "final"}
        Which of the year's own windows counts, where `collection` is None.
    eligible_procedures : ProcedureList or None
        Replaces the year's own list in the claim filter.
    threads : int
    memory : int or None
        Bytes to stay below; members too many for it are scored in several passes over the extracts.
    maps_dir : Path or None
    lists : bool
        False: model_scores comes without its lists of HCCs and variables, for a light and quick output.
    """

    payment_year: int
    program: str = "medicare_part_c"
    models: tuple[str, ...] | None = None
    segments: str = "paid"
    diagnosis_filter: str = "none"
    edits: str = "default"
    rejects: str = "stop"
    collection: tuple[date, date] | None = None
    collection_run: str = "final"
    eligible_procedures: ProcedureList | None = None
    threads: int = 1
    memory: int | None = None
    maps_dir: Path | None = None
    lists: bool = True


def make_options(
    *,
    payment_year: int,
    models: Sequence[str] | str | None = None,
    collection: str | tuple[date, date] | None = None,
    eligible_procedures: str | Path | Sequence[str] | None = None,
    threads: int | None = None,
    memory: int | None = None,
    maps_dir: str | Path | None = None,
    lists: bool = True,
    **words: str,
) -> ScoreOptions:
    """Return checked options of a scoring run.

    Raises
    ------
    OptionError
        An option is unknown or not one of its allowed words.
    """
    names = models.split(",") if isinstance(models, str) else models
    collection_run, window = parse_collection(collection)
    try:
        options = ScoreOptions(
            payment_year=_plain_year(payment_year),
            models=None if names is None else tuple(name.strip() for name in names),
            collection=window,
            collection_run=collection_run,
            eligible_procedures=None if eligible_procedures is None else read_procedures(eligible_procedures),
            threads=default_threads() if threads is None else threads,
            memory=memory,
            maps_dir=None if maps_dir is None else Path(maps_dir),
            lists=lists,
            **words,
        )
    except TypeError as error:
        raise OptionError(f"no such option: {str(error).rpartition(' ')[2]}.") from None
    return check_options(options)


def _plain_year(year: Any) -> Any:
    """Return a whole number of another make, such as NumPy's, as an int; the rest as it is, to be refused by name."""
    try:
        return year if isinstance(year, bool) else index(year)
    except TypeError:
        return year


def check_options(options: ScoreOptions) -> ScoreOptions:
    """Return the options with their words checked.

    Raises
    ------
    OptionError
        A word is not one of those allowed, or the collection window is empty.
    """
    for name, allowed in (
        ("segments", SEGMENT_CHOICES),
        ("diagnosis_filter", DIAGNOSIS_FILTERS),
        ("edits", EDIT_CHOICES),
        ("rejects", REJECT_CHOICES),
    ):
        word = getattr(options, name)
        if word not in allowed:
            raise OptionError(f"{name}={word!r}{nearest(str(word), allowed)}; allowed: {', '.join(allowed)}.")
    if isinstance(options.payment_year, bool) or not isinstance(options.payment_year, int):
        raise OptionError(f"payment_year={options.payment_year!r} is no year; give it as a whole number.")
    if options.models is not None and not options.models:
        raise OptionError("models names no model; leave it out to let the year's payment policy decide.")
    if options.collection and options.collection[0] > options.collection[1]:
        raise OptionError("collection begins after it ends; give it as FIRST:LAST service date.")
    if options.eligible_procedures is not None and options.diagnosis_filter != "cms":
        raise OptionError(
            "eligible_procedures is read by the claim filter alone; "
            "add diagnosis_filter='cms' (--diagnosis-filter cms)."
        )
    if options.threads < 1:
        raise OptionError(f"threads={options.threads}; it takes at least 1.")
    return (
        options if options.models is None else replace(options, models=tuple(dict.fromkeys(options.models)))
    )


def default_threads() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_collection(
    given: str | Sequence[str | date] | None,
) -> tuple[str, tuple[date, date] | None]:
    """Return a run of the year, and the window of service dates that replaces the year's own.

    Parameters
    ----------
    given : str or pair of dates, optional
        "initial", "mid_year" or "final"; or dates, such as ``"2018-01-01:2018-12-31"``.

    Raises
    ------
    OptionError
        It is neither.
    """
    if given is None:
        return "final", None
    if isinstance(given, str) and ":" not in given:
        return _run_named(given.strip()), None
    parts = given.split(":") if isinstance(given, str) else list(given)
    try:
        first, last = (part if isinstance(part, date) else date.fromisoformat(part.strip()) for part in parts)
    except (ValueError, AttributeError):
        raise OptionError(
            "collection must be FIRST:LAST, two dates as YYYY-MM-DD with a colon between, both inclusive; "
            f"or one of {', '.join(COLLECTION_RUNS)}."
        ) from None
    return "final", (first, last)


def _run_named(word: str) -> str:
    name = word.lower().replace("-", "_")
    if name not in COLLECTION_RUNS:
        raise OptionError(
            f"collection names no run{nearest(name, COLLECTION_RUNS)}; allowed: {', '.join(COLLECTION_RUNS)}, "
            "or FIRST:LAST, two dates as YYYY-MM-DD."
        )
    return name
