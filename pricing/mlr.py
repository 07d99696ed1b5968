"""Medical loss ratios: a ratio, what chance adds to it for few members, and what is owed below the standard.

The one idea behind 45 CFR 158.232 (ACA), 42 CFR 422.2440 (Medicare) and 42 CFR 438.8(h) (Medicaid): below a least
exposure experience is not credible and nothing is owed; above the greatest it is fully credible; between, a table says
what is added to the ratio, interpolated linearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.inputs import Numbers


def credibility(exposure: Any, table: Mapping[str, float]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return what is added to the ratio, and whether experience is credible at all.

    Parameters
    ----------
    exposure : float or array
        Life-years or member months, as the table has them.
    table : mapping
        Exposure -> what is added; zero above the greatest.

    Examples
    --------
    >>> [each.tolist() for each in credibility([50, 150, 300], {"100": 0.08, "200": 0.04})]
    [[0.0, 0.06, 0.0], [False, True, True]]
    """
    steps = sorted((float(key), value) for key, value in table.items())
    least, added = steps[0][0], [value for _, value in steps]
    units = np.asarray(exposure, np.float64)
    return np.interp(units, [unit for unit, _ in steps], added, left=0.0, right=0.0), units >= least


def owed(ratio: Any, *, standard: Any, revenue: Any, is_credible: Any) -> Numbers:
    """Return what is paid back: the shortfall of the ratio, as a share of revenue [dollars]."""
    shortfall = np.maximum(np.asarray(standard, np.float64) - ratio, 0.0)
    return np.where(is_credible, shortfall * revenue, 0.0)
