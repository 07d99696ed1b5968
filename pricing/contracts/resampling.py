"""What chance alone does to a group of members: actual over expected of members drawn from everybody."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pricing.contracts.money import to_dollars
from pricing.contracts.panel import Panel
from pricing.contracts.resample_kernel import sum_picks
from pricing.contracts.terms import Benchmark
from pricing.errors import InputError
from pricing.experience.credibility import limited_fluctuation
from pricing.inputs import Numbers

#: Random words made at a time.
_WORDS = 1 << 22


@dataclass(frozen=True)
class Pool:
    """Members of one period, what they cost and what was expected of them; a group without savings is drawn from them.

    Attributes
    ----------
    amounts, expected : ndarray of float64, shape (n_members,)
        Counted amount and expected amount [dollars]; their sums are equal, so that nobody saves anything.
    deviation : float
        Standard deviation of one member's actual over the mean expected: that of n members is this over sqrt(n).
    weights : ndarray of float64, shape (n_periods,)
        Of the baseline periods; none where the benchmark is not history and has no chance in it.
    mean_months : float
        Member months of a member.
    discount : float
        Share that the contract takes off the benchmark.
    full_credibility : float, optional
        Member months at which a group's history counts fully.
    """

    amounts: Numbers = field(repr=False)
    expected: Numbers = field(repr=False)
    deviation: float
    weights: Numbers
    mean_months: float
    discount: float
    full_credibility: float | None

    @classmethod
    def of(cls, panel: Panel, terms: Benchmark, *, period: int) -> Pool:
        """Return the pool of a truncated panel's period."""
        held = panel.of(period)
        usual = held.months * (held.risk if terms.is_risk_adjusted else 1.0)
        amounts = to_dollars(held.counted)
        total = amounts.sum()
        if held.n_rows < 2 or not total > 0:
            raise InputError(
                f"{panel.label}: chance needs two members at least, and amounts above 0, in {period}."
            )
        expected = usual * (total / usual.sum())
        deviation = float(np.sqrt(((amounts - expected) ** 2).mean()) / expected.mean())
        weights = _weights(terms, panel, period)
        full = terms.full_credibility
        return cls(
            amounts,
            expected,
            deviation,
            weights / max(weights.sum(), 1e-300),
            float(held.months.mean()),
            terms.discount,
            full,
        )

    def ratios(self, n: int, *, draws: int, seed: int) -> Numbers:
        """Return actual over expected of `draws` groups of `n` members, the same for the same seed and n."""
        source = np.random.PCG64(np.random.SeedSequence([seed, n]))
        amount, expected = np.empty(draws), np.empty(draws)
        at_once = max(1, _WORDS // n)
        for first in range(0, draws, at_once):
            last = min(first + at_once, draws)
            words = np.asarray(source.random_raw(-(-(last - first) * n // 2)), dtype="<u8").view("<u4")
            sum_picks(words, self.amounts, self.expected, n, amount[first:last], expected[first:last])
        return amount / expected

    def believed(self, n: int) -> float:
        """Return how far the history of a group of `n` members counts, 0 to 1."""
        if self.full_credibility is None:
            return 1.0
        months = n * self.mean_months * len(self.weights)
        return float(limited_fluctuation(months, full=self.full_credibility))

    def benchmarks(self, ratios: Numbers, n: int) -> Numbers:
        """Return what chance makes of the benchmark (1: as expected), shape of `ratios`.

        Each draw takes its baseline periods from other draws of the same size, which are as independent of it as new
        ones. A discount lowers it.
        """
        if not len(self.weights):
            return np.full_like(ratios, 1.0 - self.discount)
        drawn = sum(weight * np.roll(ratios, number) for number, weight in enumerate(self.weights, start=1))
        return (1.0 - self.discount) * (1.0 + self.believed(n) * (drawn - 1.0))

    def gap_deviation(self, n: int) -> float:
        """Return the standard deviation of the gap rate of `n` members, by the normal approximation."""
        of_benchmark = self.believed(n) ** 2 * float((self.weights**2).sum())
        return self.deviation * float(np.sqrt((1.0 + of_benchmark) / n))


def _weights(terms: Benchmark, panel: Panel, period: int) -> Numbers:
    """Return the weights of the baseline periods; none where the benchmark is not history."""
    if terms.basis != "history":
        return np.zeros(0)
    weights = terms.weights or (1.0,) * sum(each < period for each in panel.periods)
    if not weights:
        raise InputError(
            f"{panel.label} has no period before {period}, and the benchmark no weights: how much chance its history "
            "has cannot be told; give the baseline in the panel, or weights."
        )
    return np.array(weights)
