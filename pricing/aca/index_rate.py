"""From the experience of a single risk pool to its projected index rate (Unified Rate Review Template, Worksheet 1)."""

from __future__ import annotations

from dataclasses import dataclass

from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.experience.credibility import limited_fluctuation
from pricing.inputs import AS_FACTOR, LEAST_FACTOR
from pricing.parameters import Rates, load_rates

FILED = "filed worksheet"


@dataclass(frozen=True)
class Projection:
    """What turns allowed cost of the experience period into that of the projection period; factors.

    Attributes
    ----------
    trends : tuple of float
        One for each year between the periods: 1.07 for seven percent.
    morbidity : float
        Factor of a sicker or healthier pool.
    demographic : float
        Factor of an older or younger one.
    plan_design : float
        Factor of richer or leaner benefits.
    other : float
        Factor of everything else.
    """

    trends: tuple[float, ...] = ()
    morbidity: float = 1.0
    demographic: float = 1.0
    plan_design: float = 1.0
    other: float = 1.0


def projected_index_rate(
    experience_allowed: float,
    *,
    projection: Projection | None = None,
    member_months: float | None = None,
    credibility: float | None = None,
    manual_allowed: float | None = None,
    benefit_year: int,
    source: str = FILED,
    rates: Rates | None = None,
) -> BuildUp:
    """Return the walk from a pool's experience to its index rate.

    Parameters
    ----------
    experience_allowed : float
        Allowed essential health benefits of the experience period [dollars per member and month].
    projection : Projection, optional
    member_months : float, optional
        Of the experience: its credibility then follows from the square-root rule.
    credibility : float, optional
        The caller's own share for experience, 0 to 1; with neither, it is believed entirely.
    manual_allowed : float, optional
        Projected manual rate [dollars per member and month]; needed where experience is not believed entirely.
    benefit_year : int
    source : str
        Where the numbers come from.
    rates : Rates, optional

    Returns
    -------
    BuildUp
        One label; its last level is the index rate that `plan_rates` starts from.

    Raises
    ------
    InputError
        A number is not above 0, a credibility is none; credibility and member months are both given; a manual rate is
        missing.

    References
    ----------
    .. [1] 45 CFR 156.80(d)(1); Unified Rate Review Template, Worksheet 1, Sections II and III.

    Examples
    --------
    >>> walk = projected_index_rate(500.0, projection=Projection(trends=(1.10, 1.05), morbidity=0.98),
    ...     credibility=0.8, manual_allowed=600.0, benefit_year=2026)
    >>> round(float(walk.value[0]), 2)
    572.76
    """
    rates = rates or load_rates("aca", benefit_year)
    factors = projection or Projection()
    walk = BuildUp("index rate").start("experience allowed", _above_zero("experience_allowed", experience_allowed), source=source)  # fmt: skip # noqa: E501
    for year, trend in enumerate(factors.trends, start=1):
        walk = walk.multiply(f"trend, year {year}", _trend_factor(trend), source=source)
    for name in ("morbidity", "demographic", "plan_design", "other"):
        walk = walk.multiply(name.replace("_", " "), _above_zero(name, getattr(factors, name)), source=source)
    walk = walk.checkpoint("projected experience")
    believed = _credibility(member_months, credibility, rates)
    if believed < 1:
        if manual_allowed is None:
            raise InputError(f"experience has a credibility of {believed:.3f}; give manual_allowed.")
        walk = walk.blend(
            "credibility", believed, manual=_above_zero("manual_allowed", manual_allowed), source=source
        )
    return walk.checkpoint("index rate")


def _trend_factor(trend: float) -> float:
    if not trend >= LEAST_FACTOR:
        raise InputError(f"a trend is {AS_FACTOR}; it is {trend}.")
    return trend


def _above_zero(name: str, value: float) -> float:
    if not value > 0:
        raise InputError(f"{name} must be above 0; it is {value}.")
    return value


def _credibility(member_months: float | None, credibility: float | None, rates: Rates) -> float:
    if member_months is not None and credibility is not None:
        raise InputError("give member_months or credibility, not both.")
    if credibility is not None and not 0 <= credibility <= 1:
        raise InputError(f"credibility must lie between 0 and 1; it is {credibility}.")
    if member_months is None:
        return 1.0 if credibility is None else credibility
    full = rates.number("full_credibility_member_months")
    return float(limited_fluctuation(_above_zero("member_months", member_months), full=full))
