"""Options of a scoring run, checked before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from riskadj.errors import OptionError, nearest
from riskadj.terms import DIAGNOSIS_FILTERS, EDIT_CHOICES, REJECT_CHOICES, SEGMENT_CHOICES


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
    threads : int
    memory : int or None
        Bytes to stay below; members too many for it are scored in several passes over the extracts.
    maps_dir : Path or None
    """

    payment_year: int
    program: str = "medicare_part_c"
    models: tuple[str, ...] | None = None
    segments: str = "paid"
    diagnosis_filter: str = "none"
    edits: str = "default"
    rejects: str = "stop"
    collection: tuple[date, date] | None = None
    threads: int = 1
    memory: int | None = None
    maps_dir: Path | None = None


def make_options(
    *,
    payment_year: int,
    models: Sequence[str] | str | None = None,
    collection: str | tuple[date, date] | None = None,
    threads: int | None = None,
    memory: int | None = None,
    maps_dir: str | Path | None = None,
    **words: str,
) -> ScoreOptions:
    """Return checked options of a scoring run.

    Raises
    ------
    OptionError
        An option is unknown or not one of its allowed words.
    """
    names = models.split(",") if isinstance(models, str) else models
    try:
        options = ScoreOptions(
            payment_year=payment_year,
            models=None if names is None else tuple(name.strip() for name in names),
            collection=parse_collection(collection),
            threads=default_threads() if threads is None else threads,
            memory=memory,
            maps_dir=None if maps_dir is None else Path(maps_dir),
            **words,
        )
    except TypeError as error:
        raise OptionError(f"no such option: {str(error).rpartition(' ')[2]}.") from None
    return check_options(options)


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
    if options.threads < 1:
        raise OptionError(f"threads={options.threads}; it takes at least 1.")
    return (
        options if options.models is None else replace(options, models=tuple(dict.fromkeys(options.models)))
    )


def default_threads() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_collection(text: str | Sequence[str | date] | None) -> tuple[date, date] | None:
    """Return a window of service dates from ``"2018-01-01:2018-12-31"`` or a pair of dates.

    Raises
    ------
    OptionError
        It is neither.
    """
    if text is None:
        return None
    parts = text.split(":") if isinstance(text, str) else list(text)
    try:
        first, last = (part if isinstance(part, date) else date.fromisoformat(part.strip()) for part in parts)
    except (ValueError, AttributeError):
        raise OptionError(
            "collection must be FIRST:LAST, two dates as YYYY-MM-DD with a colon between, both inclusive."
        ) from None
    return first, last
