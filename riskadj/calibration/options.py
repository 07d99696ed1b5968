"""Options of a calibration, checked before any work."""

from __future__ import annotations

import math
from dataclasses import dataclass

from riskadj.errors import OptionError, nearest

AMOUNTS = ("allowed_amount", "paid_amount", "cost")
RARE_CHOICES = ("pool", "zero")
COLLINEAR_CHOICES = ("stop", "drop")
SMALL_SEGMENT_CHOICES = ("stop", "keep")


@dataclass(frozen=True)
class CalibrationOptions:
    """What the caller asked for.

    Attributes
    ----------
    amount : {"allowed_amount", "paid_amount", "cost"}
        Column of claim lines that is added up by service date, or "cost": totals by member.
    cost_cap : float or None
        Annualised costs above it count as it. [dollars a year]
    nonnegative, ordered : bool
        No factor below zero; no HCC below one that it drops.
    equal : tuple of tuple of str
        Variables that share one factor.
    min_members : int
        A variable with fewer members is rare.
    rare : {"pool", "zero"}
    collinear : {"stop", "drop"}
    min_segment_members : int
        A segment with fewer members is small.
    small_segments : {"stop", "keep"}
    folds : int
        Of the cross-validation; 0: none.
    seed : int
        Of the draw of folds.
    """

    amount: str = "allowed_amount"
    cost_cap: float | None = None
    nonnegative: bool = True
    ordered: bool = True
    equal: tuple[tuple[str, ...], ...] = ()
    min_members: int = 30
    rare: str = "pool"
    collinear: str = "stop"
    min_segment_members: int = 500
    small_segments: str = "stop"
    folds: int = 5
    seed: int = 0


def check_options(options: CalibrationOptions) -> CalibrationOptions:
    """Return the options if they are among those allowed.

    Raises
    ------
    OptionError
        A word or number is not allowed.
    """
    for name, allowed in (
        ("amount", AMOUNTS),
        ("rare", RARE_CHOICES),
        ("collinear", COLLINEAR_CHOICES),
        ("small_segments", SMALL_SEGMENT_CHOICES),
    ):
        word = getattr(options, name)
        if word not in allowed:
            raise OptionError(f"{name}={word!r}{nearest(str(word), allowed)}; allowed: {', '.join(allowed)}.")
    for name in ("min_members", "min_segment_members", "seed"):
        if getattr(options, name) < 0:
            raise OptionError(f"{name}={getattr(options, name)}; it takes 0 or more.")
    if options.folds != 0 and options.folds < 2:
        raise OptionError(f"folds={options.folds}; it takes 2 or more, or 0 for no cross-validation.")
    if options.cost_cap is not None and not (math.isfinite(options.cost_cap) and options.cost_cap > 0):
        raise OptionError("cost_cap must be above 0 dollars a year; leave it out to cap nothing.")
    return options
