"""What the members of each group are expected to cost: history, risk-adjusted and trended; a loss target; or a rate."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pricing.build_up import BuildUp
from pricing.contracts.groups import Groups
from pricing.contracts.money import CENTS, to_cents, to_dollars
from pricing.contracts.panel import Panel
from pricing.contracts.terms import Benchmark
from pricing.errors import InputError
from pricing.experience.credibility import buhlmann_straub, limited_fluctuation
from pricing.inputs import Numbers
from pricing.rows import Integers


@dataclass(frozen=True)
class Expected:
    """The benchmark of each group.

    Attributes
    ----------
    build_up : BuildUp
        Dollars per member and month, step by step.
    cents : ndarray of int64, shape (n_groups,)
        Benchmark PMPM x member months, to the cent.
    baseline : pyarrow.Table
        One row per group and baseline period (none without history): provider_id, period, members, member_months,
        risk_score, counted_amount [dollars], rate (counted PMPM, at a risk score of 1.000 where risk-adjusted)
        [dollars], trend_factor, weight, contribution (weight x trend x rate) [dollars].
    """

    build_up: BuildUp
    cents: Integers
    baseline: pa.Table = field(repr=False)


def expected_of(terms: Benchmark, panel: Panel, groups: Groups, *, period: int, source: str) -> Expected:
    """Return the benchmark of each group of the performance period.

    Parameters
    ----------
    terms : Benchmark
    panel : Panel
        Truncated; periods before `period` are the baseline.
    groups : Groups
    period : int
    source : str
        What the terms are cited as.

    Raises
    ------
    InputError
        History, premiums or weights are missing or do not fit.
    """
    start = BuildUp("benchmark", labels=groups.labels)
    history = None
    if terms.basis == "loss_ratio":
        build_up = _of_premium(start, terms, groups, source)
    elif terms.basis == "pmpm":
        build_up = start.start("contract rate", terms.pmpm, source=source)
    else:
        history = _History.of(terms, panel, groups, period)
        build_up = history.steps(start, terms, source)
    if terms.is_risk_adjusted and terms.basis != "loss_ratio":
        build_up = _risk(build_up, terms, groups, history, source)
    if groups.adjustment_pmpm is not None:
        build_up = build_up.add("adjustment", groups.adjustment_pmpm, source="adjustment_pmpm of the groups")
    if terms.discount:
        build_up = build_up.multiply("discount", 1 - terms.discount, source=source)
    build_up = build_up.checkpoint("benchmark")
    baseline = NO_BASELINE if history is None else history.table(groups.labels)
    return Expected(build_up, to_cents(build_up.value * groups.months), baseline)


def _of_premium(start: BuildUp, terms: Benchmark, groups: Groups, source: str) -> BuildUp:
    if groups.premium is None:
        raise InputError("a medical-loss target needs a premium in the panel.")
    begun = start.start("premium", groups.premium / CENTS / groups.months, source="premium of the panel")
    return begun.multiply("medical-loss target", terms.loss_ratio, source=source)


def _risk(
    build_up: BuildUp, terms: Benchmark, groups: Groups, history: _History | None, source: str
) -> BuildUp:
    """Multiply with the period's risk score, held within its limits against the latest baseline period."""
    risk, words = groups.risk, "mean risk score of the period"
    if history is not None and (terms.risk_growth_limit is not None or terms.risk_decline_limit is not None):
        high, most = _most_growth(terms, groups)
        low = 0.0 if terms.risk_decline_limit is None else 1 - terms.risk_decline_limit
        before = np.where(np.isnan(history.latest_risk), risk, history.latest_risk)
        risk = before * np.clip(risk / before, low, high)
        words = f"{source}: mean risk score of the period, from {low:g} to {most} times that of the baseline"
    return build_up.multiply("risk score", risk, source=words)


def _most_growth(terms: Benchmark, groups: Groups) -> tuple[Numbers | float, str]:
    """Return how many times the baseline's risk score that of the period may be, by group; and the same in words."""
    if terms.risk_growth_limit is None:
        return np.inf, "any number of"
    flat = 1 + terms.risk_growth_limit
    if not terms.is_limit_above_demographic:
        return flat, f"{flat:g}"
    if groups.demographic_growth is None:
        raise InputError(
            "the limit on risk score growth is counted from that of the demographic risk scores; give groups= with "
            "demographic_growth (0.01 is 1 percent since the latest baseline period) for every provider_id."
        )
    return np.maximum(flat + groups.demographic_growth, 1.0), f"{flat:g} + demographic_growth (at least 1)"


@dataclass(frozen=True)
class _History:
    """Baseline periods of the groups; arrays of shape (n_groups, n_periods), NaN where a group has no members."""

    periods: list[int]
    members: Integers
    months: Numbers
    risk: Numbers
    cents: Integers
    trend: Numbers  # of each period
    weights: Numbers  # of each period
    is_risk_adjusted: bool
    of_everybody: tuple[Numbers, Numbers]  # cents and exposure of all groups, by period

    @classmethod
    def of(cls, terms: Benchmark, panel: Panel, groups: Groups, period: int) -> _History:
        periods = [each for each in panel.periods if each < period]
        if not periods:
            raise InputError(f"{panel.label} has no period before {period} to take a benchmark from.")
        _check_count("weights", terms.weights, periods)
        _check_count("trend_factors", terms.trend_factors, periods)
        parts = [panel.of(each) for each in periods]
        place = np.searchsorted(panel.providers, groups.labels)
        months = np.stack([part.sums(part.months) for part in parts], axis=1)
        exposure = np.stack([part.sums(part.months * part.risk) for part in parts], axis=1)
        cents = np.stack([part.cent_sums(part.counted) for part in parts], axis=1)
        counts = [np.bincount(part.provider, minlength=len(panel.providers)) for part in parts]
        with np.errstate(invalid="ignore"):
            risk = exposure / months
        years = period - np.array(periods)
        weights = np.array(terms.weights or [1.0] * len(periods))
        base = exposure if terms.is_risk_adjusted else months
        return cls(
            periods=periods,
            members=np.stack(counts, axis=1)[place],
            months=months[place],
            risk=risk[place],
            cents=cents[place],
            trend=np.array(terms.trend_factors or (1 + terms.trend_annual) ** years),
            weights=weights / weights.sum(),
            is_risk_adjusted=terms.is_risk_adjusted,
            of_everybody=(cents.sum(axis=0).astype(np.float64), base.sum(axis=0)),
        )

    @property
    def exposure(self) -> Numbers:
        """Member months, times risk score where risk-adjusted; 0 where a group has no members."""
        return np.where(self.months > 0, self.months * (self.risk if self.is_risk_adjusted else 1.0), 0.0)

    @property
    def rates(self) -> Numbers:
        """Counted amount per unit of exposure [dollars]."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.exposure > 0, to_dollars(self.cents) / self.exposure, np.nan)

    @property
    def own_weights(self) -> Numbers:
        """Weights of the periods that a group has, summing to 1; all 0 for a group without history."""
        own = np.where(self.exposure > 0, self.weights, 0.0)
        total = own.sum(axis=1, keepdims=True)
        return own / np.where(total > 0, total, 1.0)

    @property
    def contributions(self) -> Numbers:
        """What each period adds to the group's own rate [dollars]."""
        return np.where(self.own_weights > 0, self.own_weights * self.trend * np.nan_to_num(self.rates), 0.0)

    @property
    def latest_risk(self) -> Numbers:
        """Mean risk score of the latest baseline period that a group has; NaN where it has none."""
        latest = len(self.periods) - 1 - np.argmax((self.months > 0)[:, ::-1], axis=1)
        return self.risk[np.arange(len(latest)), latest]

    def steps(self, start: BuildUp, terms: Benchmark, source: str) -> BuildUp:
        """Return the rate of history, a step for each period, believed as far as the terms say."""
        words = f"{source}: weight x trend x rate of the period (table baseline)"
        build_up = start.start(f"baseline {self.periods[0]}", self.contributions[:, 0], source=words)
        for number, period in enumerate(self.periods[1:], start=1):
            build_up = build_up.add(f"baseline {period}", self.contributions[:, number], source=words)
        level = "own history at a risk score of 1.000" if self.is_risk_adjusted else "own history"
        build_up = build_up.checkpoint(level)
        if terms.credibility == "full":
            self._check_all_have_history()
            return build_up
        z, manual = self._credibility(terms)
        return build_up.blend(
            "credibility", z, manual=manual, source=f"{source}: {terms.credibility}; rest: all groups"
        )

    def _credibility(self, terms: Benchmark) -> tuple[Numbers, Numbers | float]:
        """Return how far each group's history is believed, and the rate of all groups [dollars]."""
        if terms.credibility == "limited_fluctuation":
            assert terms.full_credibility is not None
            cents, exposure = self.of_everybody
            with np.errstate(invalid="ignore", divide="ignore"):
                rates = np.where(exposure > 0, cents / CENTS / exposure, 0.0)
            return (
                limited_fluctuation(self.months.sum(axis=1), full=terms.full_credibility),
                float((self.weights * self.trend * rates).sum()),
            )
        seen = self.exposure.sum(axis=1) > 0
        found = buhlmann_straub((self.rates * self.trend)[seen], self.exposure[seen])
        z = np.zeros(len(seen))
        z[seen] = found.z
        return z, found.collective

    def _check_all_have_history(self) -> None:
        missing = int((self.exposure.sum(axis=1) == 0).sum())
        if missing:
            raise InputError(
                f"{missing:,} of {len(self.months):,} groups have no members before the performance period; give their "
                "baseline, or let credibility be limited_fluctuation or buhlmann_straub."
            )

    def table(self, labels: tuple[str, ...]) -> pa.Table:
        """Return the baseline table."""
        row, column = np.nonzero(self.months > 0)
        periods = np.array(self.periods, np.int64)
        return pa.table(
            {
                "provider_id": pa.array([labels[each] for each in row.tolist()], pa.string()),
                "period": periods[column],
                "members": self.members[row, column].astype(np.int64),
                "member_months": self.months[row, column],
                "risk_score": self.risk[row, column],
                "counted_amount": to_dollars(self.cents[row, column]),
                "rate": self.rates[row, column],
                "trend_factor": self.trend[column],
                "weight": self.own_weights[row, column],
                "contribution": self.contributions[row, column],
            },
            schema=NO_BASELINE.schema,
        )


#: The baseline table of a benchmark without history.
NO_BASELINE = pa.schema(
    [("provider_id", pa.string()), ("period", pa.int64()), ("members", pa.int64())]
    + [
        (name, pa.float64())
        for name in (
            "member_months", "risk_score", "counted_amount", "rate", "trend_factor", "weight", "contribution",
        )
    ]
).empty_table()  # fmt: skip


def _check_count(name: str, given: tuple[float, ...], periods: list[int]) -> None:
    if given and len(given) != len(periods):
        listed = ", ".join(map(str, periods))
        raise InputError(
            f"{name} has {len(given)} numbers, and the baseline has {len(periods)} periods: {listed}."
        )
