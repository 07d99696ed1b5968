"""How well predicted costs meet actual ones: R2, CPM, predictive ratios, A/E.

Every figure weights a row by its eligible fraction of the year, as the fit does.

References
----------
.. [1] R. B. Cumming and others, A Comparative Analysis of Claims-based Methods of Health Risk Assessment for Commercial
   Populations (Society of Actuaries, 2002): the prediction measure CPM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.results.summary.groups import age_bands

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """Fit of one prediction over some rows.

    Attributes
    ----------
    mean_actual, mean_predicted, mean_absolute_error : float
        [dollars a year]
    predictive_ratio : float
        Mean predicted over mean actual.
    r2, adjusted_r2, cpm : float
        Share of the squared (adjusted: given the number of parameters) and of the absolute deviation from the mean that
        the prediction explains; NaN where costs do not vary.
    """

    mean_actual: float
    mean_predicted: float
    predictive_ratio: float
    r2: float
    adjusted_r2: float
    cpm: float
    mean_absolute_error: float


def fit_of(actual: Floats, predicted: Floats, weight: Floats, *, n_parameters: int | None = None) -> Fit:
    """Return the fit of predicted to actual costs.

    Parameters
    ----------
    actual, predicted : ndarray of float64, shape (n_rows,)
        [dollars a year]
    weight : ndarray of float64, shape (n_rows,)
        [years]
    n_parameters : int, optional
        Parameters that were fitted on these very rows; without it there is no adjusted R2.
    """
    years = weight.sum()
    mean, mean_predicted = float(weight @ actual / years), float(weight @ predicted / years)
    error = np.abs(actual - predicted)
    deviation = np.abs(actual - mean)
    r2 = 1.0 - _ratio(float(weight @ error**2), float(weight @ deviation**2))
    spare = 0 if n_parameters is None else len(actual) - n_parameters
    return Fit(
        mean_actual=mean,
        mean_predicted=mean_predicted,
        predictive_ratio=_ratio(mean_predicted, mean),
        r2=r2,
        adjusted_r2=1.0 - (1.0 - r2) * (len(actual) - 1) / spare if spare > 0 else float("nan"),
        cpm=1.0 - _ratio(float(weight @ error), float(weight @ deviation)),
        mean_absolute_error=float(weight @ error / years),
    )


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


@dataclass(frozen=True)
class GroupSums:
    """Rows, years, and weighted costs of groups of rows; arrays of shape (n_groups,).

    Attributes
    ----------
    n_rows : ndarray of float64
    years : ndarray of float64
        Sum of weights. [years]
    actual, predicted : ndarray of float64
        [dollars]
    std_error : ndarray of float64
        Standard error of the mean actual cost; NaN where it was not worked out. [dollars a year]
    """

    n_rows: Floats
    years: Floats
    actual: Floats
    predicted: Floats
    std_error: Floats


def group_sums(group: Groups, n_groups: int, actual: Floats, predicted: Floats, weight: Floats) -> GroupSums:
    """Return the sums of each group of rows; `group` has shape (n_rows,), from 0 to n_groups - 1."""

    def add(values: Floats | None) -> Floats:
        return np.bincount(group, weights=values, minlength=n_groups).astype(np.float64)

    years, cost = add(weight), add(weight * actual)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = weight * (actual - (cost / years)[group])
        std_error = np.sqrt(add(residual**2)) / years
    return GroupSums(add(None), years, cost, add(weight * predicted), std_error)


def deciles(predicted: Floats, weight: Floats, n_groups: int = 10) -> Groups:
    """Return groups of rising prediction that hold a like number of years each; equal predictions stay together.

    Parameters
    ----------
    predicted, weight : ndarray of float64, shape (n_rows,)
        [dollars a year], [years]

    Returns
    -------
    ndarray of int64, shape (n_rows,), from 0 to `n_groups` - 1
        A row's group follows from the share of years with a lower prediction, and half of those with the same.
    """
    values, of_row = np.unique(predicted, return_inverse=True)
    years = np.bincount(of_row, weights=weight, minlength=len(values))
    middle = (np.cumsum(years) - years / 2) / years.sum()
    return np.minimum((middle * n_groups).astype(np.int64), n_groups - 1)[of_row]


def age_sex_groups(
    age_years: npt.NDArray[np.uint8], sex: npt.NDArray[np.uint8], sexes: Sequence[str]
) -> tuple[Groups, list[str]]:
    """Return the age and sex band of each row, and the bands' names, sex by sex."""
    bands = age_bands(age_years)
    group = sex.astype(np.int64) * len(bands.names) + bands.codes
    return group, [f"{code} {name}" for code in sexes for name in bands.names]
