"""What an assumption might turn out to be: distributions, each by its quantile function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Numbers
from riskadj.errors import nearest

_STANDARD = NormalDist()


@dataclass(frozen=True)
class Kind:
    """A family of distributions: its parameters, what they must be, and its quantile function."""

    parameters: tuple[str, ...]
    rule: str
    holds: Callable[..., bool]
    quantile: Callable[..., Numbers]


def _normal(share: Numbers, mean: float, standard_deviation: float) -> Numbers:
    return mean + standard_deviation * scores_of(share)


def _lognormal(share: Numbers, median: float, sigma: float) -> Numbers:
    return median * np.exp(sigma * scores_of(share))


def _uniform(share: Numbers, low: float, high: float) -> Numbers:
    return low + (high - low) * share


def _triangular(share: Numbers, low: float, mode: float, high: float) -> Numbers:
    width = high - low
    turn = (mode - low) / width
    rising = low + np.sqrt(share * width * (mode - low))
    falling = high - np.sqrt((1 - share) * width * (high - mode))
    return np.where(share < turn, rising, falling)


KINDS: Mapping[str, Kind] = {
    "normal": Kind(
        ("mean", "standard_deviation"), "standard_deviation >= 0", lambda mean, deviation: deviation >= 0, _normal
    ),
    "lognormal": Kind(
        ("median", "sigma"), "median > 0, sigma >= 0", lambda median, sigma: median > 0 and sigma >= 0, _lognormal
    ),
    "uniform": Kind(("low", "high"), "low <= high", lambda low, high: low <= high, _uniform),
    "triangular": Kind(
        ("low", "mode", "high"), "low <= mode <= high, low < high",
        lambda low, mode, high: low <= mode <= high and low < high, _triangular,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Distribution:
    """A distribution of one number.

    Parameters
    ----------
    kind : {"normal", "lognormal", "uniform", "triangular", "values"}
    parameters : tuple of float
        normal: mean, standard_deviation; lognormal: median, sigma (standard deviation of the logarithm); uniform: low,
        high; triangular: low, mode, high; values: numbers that are equally likely, such as those of past years.

    Examples
    --------
    >>> trend = Distribution("triangular", (0.00, 0.02, 0.06))
    >>> trend.quantiles([0.0, 1.0]).tolist()
    [0.0, 0.06]
    """

    kind: str
    parameters: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        object.__setattr__(self, "parameters", tuple(float(value) for value in self.parameters))
        if not all(math.isfinite(value) for value in self.parameters):
            raise InputError(f"distribution '{self.kind}': a parameter is not a finite number.")
        if self.kind == "values":
            if not self.parameters:
                raise InputError("distribution 'values' needs at least one value.")
            return
        rule = KINDS.get(self.kind)
        if rule is None:
            known = (*KINDS, "values")
            raise InputError(
                f"no distribution '{self.kind}'{nearest(self.kind, known)}; there are: {', '.join(known)}."
            )
        if len(self.parameters) != len(rule.parameters) or not rule.holds(*self.parameters):
            raise InputError(f"distribution '{self.kind}' takes {', '.join(rule.parameters)}: {rule.rule}.")

    def quantiles(self, shares: Any) -> Numbers:
        """Return the values that shares of all outcomes lie below, float64, of the shape of `shares`."""
        share = np.asarray(shares, np.float64)
        if self.kind == "values":
            values = np.sort(self.parameters)
            return values[np.minimum((share * len(values)).astype(np.int64), len(values) - 1)]
        return KINDS[self.kind].quantile(share, *self.parameters)

    @property
    def text(self) -> str:
        """The distribution in words, such as ``normal(0.02, 0.01)``."""
        return f"{self.kind}({', '.join(f'{value:g}' for value in self.parameters)})"


def scores_of(shares: Numbers) -> Numbers:
    """Return the standard normal quantile of each share."""
    flat = [_STANDARD.inv_cdf(share) for share in np.ravel(shares)]
    return np.array(flat, np.float64).reshape(np.shape(shares))


def correlated(uniforms: Numbers, correlations: Numbers) -> Numbers:
    """Return uniform numbers that are correlated as a Gaussian copula says, of the same shape.

    Parameters
    ----------
    uniforms : float64, shape (n_draws, n)
        Independent, between 0 and 1.
    correlations : float64, shape (n, n)
        Of the normal scores.

    Raises
    ------
    InputError
        The correlations contradict one another: their matrix is not positive definite.
    """
    if (correlations == np.eye(len(correlations))).all():
        return uniforms
    try:
        root = np.linalg.cholesky(correlations)
    except np.linalg.LinAlgError:
        raise InputError(
            "the correlations contradict one another: their matrix is not positive definite; bring them closer to 0."
        ) from None
    mixed = scores_of(uniforms) @ root.T
    flat = [_STANDARD.cdf(score) for score in np.ravel(mixed)]
    return np.array(flat, np.float64).reshape(uniforms.shape)


def correlation_matrix(names: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> Numbers:
    """Return the matrix of pairs of names; pairs that are not named are independent.

    Raises
    ------
    InputError
        A pair names somebody unknown or one name twice, or a correlation is not between -1 and 1.
    """
    matrix = np.eye(len(names))
    for pair, value in pairs.items():
        unknown = [name for name in pair if name not in names]
        if unknown or len(set(pair)) != 2 or not -1 < value < 1:
            raise InputError(
                f"correlation of {' and '.join(pair)}: give two different names of {', '.join(names)}, and a number "
                "between -1 and 1."
            )
        one, other = (names.index(name) for name in pair)
        matrix[one, other] = matrix[other, one] = value
    return matrix
