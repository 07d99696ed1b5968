"""Risk corridors: how a payer shares the gap between what was expected and what came (ACA, Part D, Medicaid alike)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Numbers


@dataclass(frozen=True)
class Band:
    """A band of the gap: from `start` (a share of the target) up to the next band, of which `share` is shared."""

    start: float
    share: float


def corridor_payment(actual: Any, target: Any, *, bands: Sequence[Band]) -> Numbers:
    """Return what the payer pays the plan; negative where the plan pays.

    Parameters
    ----------
    actual, target : float or array
        Cost that came, and the target amount [dollars].
    bands : sequence of Band
        Rising; the same on both sides of the target.

    Returns
    -------
    ndarray of float64 [dollars]

    Raises
    ------
    InputError
        A target is not above 0, a cost is no finite number, or the bands do not rise or share more than everything.

    Examples
    --------
    >>> float(corridor_payment(106.0, 100.0, bands=[Band(0.03, 0.5), Band(0.08, 0.8)]))
    1.5
    """
    actual, target = np.asarray(actual, np.float64), np.asarray(target, np.float64)
    if not (target > 0).all():
        raise InputError("a risk corridor needs a target above 0.")
    if not np.isfinite(actual).all():
        raise InputError("a risk corridor needs costs that are finite numbers.")
    check_bands(bands)
    gap = np.abs(actual - target) / target
    shared = np.zeros(np.broadcast(actual, target).shape)
    for band, upper in zip(bands, [*(band.start for band in bands[1:]), np.inf], strict=True):
        shared = shared + band.share * np.clip(gap - band.start, 0.0, upper - band.start)
    return np.sign(actual - target) * shared * target + 0.0  # no negative zeros


def check_bands(bands: Sequence[Band]) -> None:
    """Raise InputError unless bands rise from 0 or more, and share between nothing and everything."""
    starts = [band.start for band in bands]
    if not bands or starts[0] < 0 or any(high <= low for low, high in pairwise(starts)):
        raise InputError(f"bands of a risk corridor must start at rising shares of the target; got {starts}.")
    if any(not 0 <= band.share <= 1 for band in bands):
        raise InputError("a band of a risk corridor shares between 0 and 1 of its gap.")
