"""Contracts of the Medicare Shared Savings Program, their numbers from its sealed table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pricing.contracts.terms import Benchmark, Contract, Sharing, Truncation
from pricing.errors import InputError, check_choice
from pricing.parameters import Rates, load_rates

PROGRAM = "mssp"
#: A group that meets the quality standard earns the whole rate; under the alternative standard its score's share.
_BY_SCORE = ((0.0, 0.0), (1.0, 1.0))


def shared_savings_program(
    year: int,
    *,
    track: str,
    minimum_rate: float | None = None,
    is_first_agreement: bool = True,
    agreement_year: int | None = None,
    trend_annual: float = 0.0,
    overrides: str | Path | Mapping[str | tuple[str, object], object] | None = None,
) -> Contract:
    """Return the program's settlement as a contract.

    Parameters
    ----------
    year : int
        Performance year.
    track : {"basic_a", "basic_b", "basic_c", "basic_d", "basic_e", "enhanced"}
    minimum_rate : float, optional
        Of two-sided tracks: the symmetrical minimum savings and loss rate elected. Without it, and always in the
        one-sided tracks, the table by number of members holds.
    is_first_agreement : bool
        The three benchmark years weigh 10, 30 and 60 percent; in later agreement periods alike.
    agreement_year : int, optional
        Year the agreement period began; None: the performance year. It decides what limits the growth of risk scores.
    trend_annual : float
        Growth from the benchmark years to the performance year; the program's own blend of national and regional
        growth is the caller's to compute.
    overrides : path or mapping, optional
        As in `load_rates`.

    Returns
    -------
    Contract

    Raises
    ------
    InputError
        The track or the elected rate is none of the program's, or the agreement begins after the performance year.
    UnknownRateError
        The year is not in the table.

    Notes
    -----
    ``quality_score`` of a group is 1 if it meets the quality performance standard, its score if it meets the
    alternative standard only, and 0 if neither. In agreement periods since the one that
    ``risk_growth_above_demographic_from`` names, growth of risk scores is limited to that of the ACO's demographic risk
    scores and the limit on top of it: ``demographic_growth`` of a group is the mean of the enrollment types' ratios
    (performance year to benchmark year 3) less 1, weighted by historical benchmark expenditure x person years.
    Enrollment types are not told apart here, so the group's own growth stands for the aggregate that is compared with
    the limit. Where demographic scores fell by more than the limit, growth is taken away and declines are left as they
    are: our reading of "positive adjustments".

    What is left to the caller: regional and prior-savings adjustments (adjustment_pmpm of the groups), separate
    benchmarks of the four enrollment types, the half rate of 425.605(h). The percentile of truncation is taken of the
    panel; the program takes that of all assignable beneficiaries (give it as ``Truncation(level=...)``).

    References
    ----------
    .. [1] 42 CFR 425.601-425.610, the limits on risk scores in 425.605(a)(1) and 425.610(a)(2); each number
       with its place in pricing/rates/mssp/parameters.csv.
    """
    rates = load_rates(PROGRAM, year, overrides=overrides)
    tracks = list(rates.by_key("sharing_rate"))
    check_choice("track", track, tracks)
    begun = year if agreement_year is None else agreement_year
    if begun > year:
        raise InputError(f"the agreement period begins in {begun}, after the performance year {year}.")
    agreement = "first" if is_first_agreement else "later"
    weights = [value for key, value in rates.by_key("benchmark_weight").items() if key.startswith(agreement)]
    return Contract(
        name=f"Shared Savings Program {year}, {track}",
        benchmark=Benchmark(
            weights=tuple(weights),
            trend_annual=trend_annual,
            risk_growth_limit=rates.number("risk_growth_limit"),
            is_limit_above_demographic=begun >= rates.number("risk_growth_above_demographic_from"),
        ),
        sharing=_sharing(rates, track, minimum_rate),
        truncation=Truncation(percentile=rates.number("truncation_percentile")),
    )


def _sharing(rates: Rates, track: str, elected: float | None) -> Sharing:
    is_one_sided = rates.has("loss_rate", track) and rates.number("loss_rate", track) == 0
    allowed = list(rates.by_key("minimum_rate_elected").values())
    if elected is not None and (is_one_sided or elected not in allowed):
        listed = ", ".join(f"{each:g}" for each in allowed)
        raise InputError(f"minimum_rate is elected by two-sided tracks, and is one of {listed}.")
    by_size = sorted((float(key), value) for key, value in rates.by_key("minimum_savings_rate").items())
    limits = [
        rates.number(name, track) if rates.has(name, track) else default for name, default in _LIMITS.items()
    ]
    return Sharing(
        sharing_rate=rates.number("sharing_rate", track),
        loss_rate=_optional(rates, "loss_rate", track) or 0.0,
        is_loss_rate_from_quality=rates.has("loss_rate_minimum", track),
        loss_rate_limits=(limits[0], limits[1]),
        minimum_savings_rate=elected or 0.0,
        minimum_rate_by_members=tuple(by_size) if elected is None else (),
        savings_cap=rates.number("savings_cap", track),
        loss_cap=_optional(rates, "loss_cap", track),
        loss_cap_revenue=_optional(rates, "loss_cap_revenue", track),
        quality=_BY_SCORE,
    )


_LIMITS = {"loss_rate_minimum": 0.0, "loss_rate_maximum": 1.0}


def _optional(rates: Rates, name: str, track: str) -> float | None:
    return rates.number(name, track) if rates.has(name, track) else None
