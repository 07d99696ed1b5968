"""What months that are not mature are expected to cost: PMPM of the base months, moved by trend, season and days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.errors import InputError
from pricing.experience.months import month_of, name_of
from pricing.experience.triangles import Triangle
from pricing.inputs import Numbers

#: Below this completion a month's ultimate is not its paid claims divided by completion.
MIN_COMPLETION = 0.65


def base_of(is_mature: npt.NDArray[np.bool_], base_months: int) -> npt.NDArray[np.int64]:
    """Return the latest mature months."""
    return np.flatnonzero(is_mature)[-base_months:]


def shape_of(
    triangle: Triangle, trend: float, seasonality: Mapping[int, float] | None, days: npt.NDArray[Any] | None
) -> Numbers:
    """Return how PMPM is expected to move from month to month, up to a constant."""
    shape = (1 + trend) ** ((triangle.months - triangle.months[-1]) / 12)
    if seasonality is not None:
        if sorted(seasonality) != list(range(1, 13)) or not all(value > 0 for value in seasonality.values()):
            raise InputError("seasonality needs a factor above 0 for each calendar month, 1 to 12.")
        shape = shape * np.array([seasonality[int(month) % 12 + 1] for month in triangle.months])
    return shape if days is None else shape * days / days.mean()


def expected_pmpms(
    triangle: Triangle,
    given: float | Mapping[str, float] | None,
    needs: npt.NDArray[np.bool_],
    developed: Numbers,
    shaped_exposure: Numbers,
    is_mature: npt.NDArray[np.bool_],
    shape: Numbers,
    base_months: int,
) -> Numbers:
    """Return the PMPM expected of the months that need one."""
    if isinstance(given, Mapping):
        by_month = {month_of(month): value for month, value in given.items()}
        missing = [name_of(int(month)) for month in triangle.months[needs] if int(month) not in by_month]
        if missing:
            raise InputError(f"expected_pmpm lacks {', '.join(missing)}, which are below min_completion.")
        return np.array([by_month[int(month)] for month in triangle.months[needs]])
    if given is not None:
        return np.full(int(needs.sum()), float(given))
    base = base_of(is_mature, base_months)
    if not len(base):
        raise InputError("no month reaches min_completion; give expected_pmpm, or lower min_completion.")
    return developed[base].sum() / shaped_exposure[base].sum() * shape[needs]


def ultimate_of(immature: str, paid: Numbers, completion: Numbers, expected: Numbers) -> Numbers:
    """Return the ultimate of months that are not mature; `expected` in dollars of the month."""
    return expected if immature == "pmpm" else paid + (1 - completion) * expected
