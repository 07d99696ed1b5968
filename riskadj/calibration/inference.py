"""Standard errors and tests of factors, robust to unequal variances and to several rows of a member.

They hold given the constraints that bind: the parameters left free are estimated as if those constraints had been
known beforehand. A factor held at zero has no standard error, and factors that share a parameter share theirs.

References
----------
.. [1] A. C. Cameron and D. L. Miller, A Practitioner's Guide to Cluster-Robust Inference, Journal of Human Resources 50
   (2015): the correction G/(G-1) (n-1)/(n-k), which is HC1 where every member has one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.calibration.constraints import ZERO, Ties

Floats = npt.NDArray[np.float64]

#: Share of samples whose interval misses the factor.
MISSES = 0.05


@dataclass(frozen=True)
class Inference:
    """Of each variable, shape (n_variables,); NaN where the factor is held at zero.

    Attributes
    ----------
    std_error, low, high : ndarray of float64
        Standard error, and the interval that holds the factor in 95 % of samples. [dollars a year]
    t, p_value : ndarray of float64
        Of the hypothesis that the factor is zero.
    """

    std_error: Floats
    t: Floats
    p_value: Floats
    low: Floats
    high: Floats


def infer(
    factors: Floats, ties: Ties, a: Floats, scores: Floats, *, n_rows: int, n_members: int
) -> Inference:
    """Return the tests of one segment's factors.

    Parameters
    ----------
    factors : ndarray of float64, shape (n_variables,)
        [dollars a year]
    ties : Ties
        With every constraint that binds.
    a : ndarray of float64, shape (n_variables, n_variables)
        X'WX. [years]
    scores : ndarray of float64, shape (n_variables, n_variables)
        Sum over members of u u', where u = sum of w e x over the rows of a member. [dollars squared]
    n_rows, n_members : int
        Rows and members of the segment.
    """
    from statsmodels.stats.contrast import ContrastResults

    k = ties.n_parameters
    free = ties.parameter != ZERO
    found = np.full((5, len(factors)), np.nan)
    if n_members > 1 and n_rows > k > 0:
        s = ties.matrix()
        bread = np.linalg.inv(s.T @ a @ s)
        correction = n_members / (n_members - 1) * (n_rows - 1) / (n_rows - k)
        covariance = correction * bread @ (s.T @ scores @ s) @ bread
        std_error = np.sqrt(np.diag(covariance))[ties.parameter[free]]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = factors[free] / std_error
        tests = ContrastResults(effect=factors[free], sd=std_error, t=t, df_denom=n_members - 1)
        found[:, free] = [std_error, t, tests.pvalue, *tests.conf_int(alpha=MISSES).T]
    return Inference(*found)
