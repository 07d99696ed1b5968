"""How much a group's own experience counts: limited fluctuation, Buhlmann and Buhlmann-Straub credibility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Numbers


@dataclass(frozen=True)
class Credibility:
    """Credibility of each group and what it leads to.

    Attributes
    ----------
    z : ndarray of float64, shape (n_groups,)
        Weight of a group's own mean, 0 to 1. [share]
    means, premiums : ndarray of float64, shape (n_groups,)
        Each group's own mean, and z x mean + (1 - z) x collective. [unit of the ratios]
    collective : float
        The complement: the credibility-weighted mean of the groups. [unit of the ratios]
    within, between : float
        Expected variance within a group (per unit of weight), and variance between groups. [squares of that unit]
    """

    z: Numbers
    means: Numbers
    premiums: Numbers
    collective: float
    within: float
    between: float

    def table(self) -> pa.Table:
        """Return one row per group: group (1, 2, ...), mean, z, premium."""
        numbers = np.arange(1, len(self.z) + 1)
        return pa.table({"group": numbers, "mean": self.means, "z": self.z, "premium": self.premiums})


def full_credibility_claims(
    *, probability: float = 0.90, within: float = 0.05, severity_cv: float = 0.0
) -> float:
    """Return the number of claims at which their count, or their sum, is fully credible.

    Parameters
    ----------
    probability : float
        That the observed count lies within the range, 0 to 1.
    within : float
        The range, as a share of what is expected.
    severity_cv : float
        Coefficient of variation of a claim's amount; 0: of their count alone. [standard deviation / mean]

    Returns
    -------
    float [claims]

    Raises
    ------
    InputError
        The probability is not between 0 and 1, the range not above 0, or the variation negative.

    References
    ----------
    .. [1] Mayerson, Jones and Bowers (1968), On the credibility of the pure premium: counts x (1 + cv squared).

    Examples
    --------
    >>> round(full_credibility_claims(), 2)
    1082.22
    >>> round(full_credibility_claims(severity_cv=2.0), 1)
    5411.1
    """
    from scipy.special import ndtri

    if not 0 < probability < 1 or not within > 0 or not severity_cv >= 0:
        raise InputError("probability must lie between 0 and 1, within above 0, severity_cv not below 0.")
    return float((ndtri((1 + probability) / 2) / within) ** 2 * (1 + severity_cv**2))


def limited_fluctuation(exposure: Any, *, full: float) -> Numbers:
    """Return the square-root rule's credibility: sqrt(exposure / full), at most 1.

    Parameters
    ----------
    exposure : float or array
        Claims or member months.
    full : float
        Exposure that is fully credible [same unit].

    Returns
    -------
    ndarray of float64 [share, 0 to 1]

    Raises
    ------
    InputError
        An exposure is negative, or `full` not above 0.

    Examples
    --------
    >>> float(limited_fluctuation(6000, full=24000))
    0.5
    """
    exposure = np.asarray(exposure, np.float64)
    if not full > 0 or not (exposure >= 0).all():
        raise InputError("exposure must not be negative, and full must be above 0.")
    return np.minimum(np.sqrt(exposure / full), 1.0)


def buhlmann(ratios: Any) -> Credibility:
    """Return Buhlmann credibility of groups observed in the same number of periods, each period alike.

    Parameters
    ----------
    ratios : array of shape (n_groups, n_periods)
        Such as PMPM by group and month; every cell is there.

    Returns
    -------
    Credibility

    Raises
    ------
    InputError
        Fewer than two groups or periods, or a blank cell.
    """
    values = np.asarray(ratios, np.float64)
    _check(values)
    if np.isnan(values).any():
        raise InputError("buhlmann needs every cell; with blanks or unequal exposure use buhlmann_straub.")
    n_periods = values.shape[1]
    within = float(values.var(axis=1, ddof=1).mean())
    between = float(values.mean(axis=1).var(ddof=1) - within / n_periods)
    return _combined(values.mean(axis=1), np.full(len(values), float(n_periods)), within, between)


def buhlmann_straub(ratios: Any, weights: Any) -> Credibility:
    """Return Buhlmann-Straub credibility: periods of unequal exposure, estimated without bias.

    Parameters
    ----------
    ratios : array of shape (n_groups, n_periods)
        NaN where a group was not observed.
    weights : array of the same shape
        Exposure of each cell, such as member months.

    Returns
    -------
    Credibility

    Raises
    ------
    InputError
        Shapes differ, a weight is not above 0 where there is a ratio, fewer than two groups or periods, or no group
        seen in two periods.

    Notes
    -----
    The complement is the mean weighted by credibility, not by exposure: that is what makes the premiums unbiased.
    """
    values, exposure = np.asarray(ratios, np.float64), np.asarray(weights, np.float64)
    _check(values)
    seen = ~np.isnan(values)
    if values.shape != exposure.shape or not (exposure[seen] > 0).all():
        raise InputError("weights must have the shape of ratios, and be above 0 where there is a ratio.")
    if (seen.sum(axis=1) == 0).any():
        raise InputError(f"{int((seen.sum(axis=1) == 0).sum())} groups have no ratio at all; leave them out.")
    if not (seen.sum(axis=1) > 1).any():
        raise InputError("no group was seen in two periods, so what varies within groups is not known.")
    exposure, values = np.where(seen, exposure, 0.0), np.where(seen, values, 0.0)
    own = exposure.sum(axis=1)
    total = own.sum()
    means = (exposure * values).sum(axis=1) / own
    squares = (exposure * (values - means[:, None]) ** 2 * seen).sum()
    within = float(squares / (seen.sum(axis=1) - 1).sum())
    overall = (own * means).sum() / total
    spread = (own * (means - overall) ** 2).sum() - (len(own) - 1) * within
    return _combined(means, own, within, float(spread / (total - (own**2).sum() / total)))


def _check(values: npt.NDArray[np.float64]) -> None:
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 2:
        raise InputError("ratios must be a table of at least two groups (rows) and two periods (columns).")


def _combined(means: Numbers, exposure: Numbers, within: float, between: float) -> Credibility:
    """Return credibility; no variance between groups gives every group the mean of all."""
    between = max(between, 0.0)
    z = exposure * between / (exposure * between + within) if between > 0 else np.zeros(len(means))
    collective = float(np.average(means, weights=z if z.any() else exposure))
    return Credibility(z, means, z * means + (1 - z) * collective, collective, within, between)
