"""From the index rate of a single risk pool to consumers' premiums (45 CFR 156.80(d); Unified Rate Review Template).

Field numbers are those of the template's Worksheet 2, Section III. Every plan of the pool is priced at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from pricing.aca.index_rate import FILED
from pricing.aca.transfer_formula import METAL_LEVELS
from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.inputs import Column, Columns, Numbers, read_columns

PLAN_ID = re.compile(r"[0-9]{5}[A-Z]{2}[0-9]{7}")

#: Columns of the pool's plans: one row each. Shares are of premium.
PLANS = (
    Column("plan_id", "text"),
    Column("metal_level", "text", allowed=METAL_LEVELS),
    Column("av_and_cost_sharing", above=0.0),
    Column("csr_load", default=1.0, above=0.0),
    Column("network", default=1.0, above=0.0),
    Column("non_ehb", default=1.0, above=0.0),
    Column("administrative_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("taxes_and_fees_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("profit_and_risk_share", default=0.0, minimum=-1.0, maximum=1.0),
    Column("catastrophic", default=1.0, above=0.0),
    Column("member_months", default=1.0, above=0.0),
)


@dataclass(frozen=True)
class PoolAdjustments:
    """What turns the index rate into the market-adjusted one [dollars per member and month of paid claims].

    Attributes
    ----------
    risk_adjustment_charge : float
        Expected transfer paid; negative if received. [dollars per member and month]
    reinsurance_recovery, exchange_fees : float
        Expected. [dollars per member and month]
    paid_to_allowed : float
        Share of the pool's allowed cost that plans pay: the adjustments are divided by it, as the index rate is
        allowed cost.
    """

    risk_adjustment_charge: float = 0.0
    reinsurance_recovery: float = 0.0
    exchange_fees: float = 0.0
    paid_to_allowed: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """The pool's average rating factors, by which plan rates are divided to stand at a factor of 1.

    Attributes
    ----------
    age, area, tobacco : float
        Averages over projected enrollment. [1 = no effect on the rate]
    """

    age: float = 1.0
    area: float = 1.0
    tobacco: float = 1.0


def plan_rates(
    plans: Any,
    *,
    index_rate: float,
    adjustments: PoolAdjustments | None = None,
    calibration: Calibration | None = None,
    source: str = FILED,
) -> BuildUp:
    """Return the walk from index rate to calibrated plan-adjusted index rates, for every plan of a single risk pool.

    Parameters
    ----------
    plans : path, DataFrame, Arrow table, mapping
        One row per plan (`PLANS` lists the columns): factors of the template's fields 3.3 to 3.6 and 3.10, and the
        shares of premium of 3.7 to 3.9.
    index_rate : float
        Allowed essential health benefits of the pool [dollars per member and month].
    adjustments : PoolAdjustments, optional
    calibration : Calibration, optional
    source : str
        Where the numbers come from.

    Returns
    -------
    BuildUp
        One label per plan; its checkpoints carry the template's field numbers 3.2, 3.11 and 3.15.

    Raises
    ------
    InputError
        A plan id is no 14-character HIOS id, adjustments take the whole index rate or loads the whole premium, or a
        number is impossible.

    References
    ----------
    .. [1] 45 CFR 156.80(d); Unified Rate Review Template, Worksheet 2, Section III.

    Examples
    --------
    >>> walk = plan_rates(
    ...     {"plan_id": ["12345XX0010001"], "metal_level": ["silver"], "av_and_cost_sharing": [0.72],
    ...      "administrative_share": [0.10], "taxes_and_fees_share": [0.04], "profit_and_risk_share": [0.03]},
    ...     index_rate=600.0, calibration=Calibration(age=1.5))
    >>> round(float(walk.level("calibrated plan adjusted index rate")[0]), 2)
    346.99
    """
    pool, average = adjustments or PoolAdjustments(), calibration or Calibration()
    columns = read_columns(plans, PLANS, role="plans", key=("plan_id",))
    columns.refuse(
        np.array([not PLAN_ID.fullmatch(plan) for plan in columns["plan_id"]]),
        "a plan_id that is no 14-character HIOS id (5 digits, State, 7 digits)",
    )
    _check_pool(index_rate, pool, average)
    walk = (
        BuildUp("premium rate", labels=tuple(columns["plan_id"]))
        .start("index rate", index_rate, source=source)
        .add("risk adjustment", pool.risk_adjustment_charge / pool.paid_to_allowed, source=source)
        .add("reinsurance", -pool.reinsurance_recovery / pool.paid_to_allowed, source=source)
        .add("exchange fees", pool.exchange_fees / pool.paid_to_allowed, source=source)
        .checkpoint("market adjusted index rate", field="3.2")
    )
    for name, field in (
        ("av_and_cost_sharing", "3.3"),
        ("csr_load", "3.4"),
        ("network", "3.5"),
        ("non_ehb", "3.6"),
    ):
        walk = walk.multiply(name.replace("_", " "), columns[name], source=source, field=field)
    walk = (
        walk.divide("administration, taxes and profit", _after_loads(columns), source=source, field="3.7-3.9")
        .multiply("catastrophic", columns["catastrophic"], source=source, field="3.10")
        .checkpoint("plan adjusted index rate", field="3.11")
    )
    for name, divisor, field in (("age", average.age, "3.12"), ("area", average.area, "3.13"), ("tobacco", average.tobacco, "3.14")):  # fmt: skip # noqa: E501
        walk = walk.divide(f"{name} calibration", divisor, source=source, field=field)
    return walk.checkpoint("calibrated plan adjusted index rate", field="3.15")


def _check_pool(index_rate: float, pool: PoolAdjustments, average: Calibration) -> None:
    numbers = {"index_rate": index_rate, "paid_to_allowed": pool.paid_to_allowed}
    numbers |= {f"the calibration for {name}": value for name, value in vars(average).items()}
    for name, value in numbers.items():
        if not value > 0:
            raise InputError(f"{name} must be above 0; it is {value}.")
    if pool.paid_to_allowed > 1:
        raise InputError(
            f"paid_to_allowed is {pool.paid_to_allowed}; plans pay a share of allowed cost: 0.76 for 76 percent."
        )
    paid = pool.risk_adjustment_charge - pool.reinsurance_recovery + pool.exchange_fees
    if index_rate + paid / pool.paid_to_allowed <= 0:
        raise InputError("the adjustments of the pool take the whole index rate, or more.")


def _after_loads(columns: Columns) -> Numbers:
    names = ("administrative_share", "taxes_and_fees_share", "profit_and_risk_share")
    left = 1 - sum((columns[name] for name in names), start=np.zeros(columns.n_rows))
    columns.refuse(left <= 0, "administration, taxes and profit take the whole premium or more")
    return left


def csr_load(variants: dict[str, tuple[float, float]], *, standard_av: float) -> float:
    """Return the factor that loads a silver plan for cost-sharing reductions that nobody reimburses (field 3.4).

    Parameters
    ----------
    variants : dict of str to (share, actuarial value)
        Share of enrollment, and the value that the plan pays, of each variant, the standard one among them.
    standard_av : float
        Actuarial value of the standard silver plan, 0 to 1 [share of allowed cost].

    Returns
    -------
    float [factor]

    Raises
    ------
    InputError
        Shares do not add up to 1, or a value lies outside 0 to 1.
    """
    shares = [share for share, _ in variants.values()]
    if abs(sum(shares) - 1) > 1e-9 or min(shares) < 0:
        raise InputError("shares of enrollment by variant must be positive and add up to 1.")
    if not all(0 < value <= 1 for value in (standard_av, *(av for _, av in variants.values()))):
        raise InputError("an actuarial value must lie between 0 and 1.")
    return sum(share * value for share, value in variants.values()) / standard_av


def induced_demand(actuarial_value: Any, *, quadratic: tuple[float, float, float]) -> Numbers:
    """Return induced utilization by actuarial value: a x AV^2 + b x AV + c; the caller states the curve it assumes.

    Parameters
    ----------
    actuarial_value : float or array
        0 to 1 [share of allowed cost].
    quadratic : tuple of float
        a, b and c [factor of use].

    Returns
    -------
    ndarray of float64 [factor of use]
    """
    a, b, c = quadratic
    value = np.asarray(actuarial_value, np.float64)
    return a * value**2 + b * value + c
