"""What a Medicaid plan and its State settle after the year: risk corridor, medical loss ratio and remittance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.corridor import Band, corridor_payment
from pricing.errors import InputError
from pricing.inputs import Column, read_columns
from pricing.medicaid.rate_cells import check_decimals
from pricing.mlr import credibility, owed
from pricing.parameters import load_rates
from pricing.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: A State's corridor: one row per band, rising.
BANDS = (Column("start", minimum=0.0), Column("share", minimum=0.0, maximum=1.0))
#: Experience for a corridor: one row per plan.
CORRIDOR = (Column("mco", "text"), Column("revenue", above=0.0), Column("benefit_cost", minimum=0.0))
#: Experience for a loss ratio: one row per plan.
LOSS_RATIO = (
    Column("mco", "text"),
    Column("incurred_claims", minimum=0.0),
    Column("quality_improvement", default=0.0, minimum=0.0),
    Column("fraud_prevention", default=0.0, minimum=0.0),
    Column("premium_revenue", above=0.0),
    Column("taxes_and_fees", default=0.0, minimum=0.0),
    Column("member_months", above=0.0),
)
_PARAMETERS = ("mlr_credibility", "mlr_standard")


@dataclass(frozen=True)
class Settlement:
    """What is settled with each plan.

    Attributes
    ----------
    plans : pyarrow.Table
        One row per mco; columns as the function that made it says. [dollars]
    assumptions : pyarrow.Table
        Bands, or parameters with their sources.
    run : dict
        Totals. [dollars]
    """

    plans: pa.Table
    assumptions: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"plans": "settlement", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    def summary(self) -> pd.DataFrame:
        """Return the plans."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: what is settled with each plan, and loss ratios before and after, or with the standard."""
        from pricing.medicaid.plots import plot_settlement

        return plot_settlement(self.plans)


def medicaid_risk_corridor(experience: Any, bands: Any, *, target_loss_ratio: float) -> Settlement:
    """Return what a State pays each plan (negative: the plan pays) on its benefit cost against the target.

    Parameters
    ----------
    experience : path, DataFrame, Arrow table or mapping
        mco, revenue and benefit_cost [dollars].
    bands : path, DataFrame, Arrow table, mapping, or sequence of Band
        The State's own table: start (share of the target at which a band begins) and share (of the gap inside it that
        the State takes), the same on both sides.
    target_loss_ratio : float
        Benefit cost in the rates, as a share of revenue.

    Returns
    -------
    Settlement
        mco, revenue, benefit_cost, target, gap_share (of the target), payment, benefit_cost_after [dollars],
        loss_ratio, loss_ratio_after.

    Raises
    ------
    InputError
        The bands do not rise, or a number is not allowed.

    Examples
    --------
    >>> found = medicaid_risk_corridor(
    ...     {"mco": ["a"], "revenue": [1000.0], "benefit_cost": [960.0]},
    ...     {"start": [0.02, 0.05], "share": [0.5, 0.9]}, target_loss_ratio=0.9)
    >>> round(found.plans["payment"][0].as_py(), 2)
    27.0
    """
    if not target_loss_ratio > 0:
        raise InputError("target_loss_ratio must be above 0; give a share of revenue, such as 0.87.")
    rows = read_columns(experience, CORRIDOR, role="experience", key=("mco",))
    found = _bands(bands)
    target = rows["revenue"] * target_loss_ratio
    payment = corridor_payment(rows["benefit_cost"], target, bands=found)
    after = rows["benefit_cost"] - payment
    plans = pa.table({
        **rows.arrays, "target": target, "gap_share": rows["benefit_cost"] / target - 1, "payment": payment,
        "benefit_cost_after": after, "loss_ratio": rows["benefit_cost"] / rows["revenue"],
        "loss_ratio_after": after / rows["revenue"],
    })  # fmt: skip
    assumed = pa.table({
        "start": [band.start for band in found], "share": [band.share for band in found],
        "target_loss_ratio": [target_loss_ratio] * len(found),
    })  # fmt: skip
    run = {
        "plans": rows.n_rows,
        "state_pays": float(np.maximum(payment, 0).sum()),
        "plans_pay": float(np.maximum(-payment, 0).sum()),
        "net": float(payment.sum()),
    }
    return Settlement(plans, assumed, run)


def _bands(bands: Any) -> list[Band]:
    if (
        isinstance(bands, Sequence)
        and not isinstance(bands, str)
        and all(isinstance(one, Band) for one in bands)
    ):
        return list(bands)
    rows = read_columns(bands, BANDS, role="corridor bands")
    return [
        Band(float(start), float(share)) for start, share in zip(rows["start"], rows["share"], strict=True)
    ]


def medicaid_loss_ratio(
    experience: Any,
    *,
    rating_year: int,
    standard: float | None = None,
    decimals: int | None = None,
    overrides: Any = None,
) -> Settlement:
    """Return each plan's medical loss ratio, what credibility adds to it, and the remittance below the standard.

    Parameters
    ----------
    experience : path, DataFrame, Arrow table or mapping
        Of the reporting year: mco, incurred_claims, quality_improvement, fraud_prevention, premium_revenue,
        taxes_and_fees [dollars], member_months [months].
    rating_year : int
        Year in which the reporting year begins.
    standard : float, optional
        The State's own standard, as a share of revenue. Default: the least that the regulation allows.
    decimals : int, optional
        Places that the ratio is rounded to, halves up, where the contract says so. Default: not rounded.
    overrides : path or mapping, optional
        Parameters of one's own, as `pricing.load_rates` takes them.

    Returns
    -------
    Settlement
        mco, numerator, denominator [dollars], preliminary, credibility (added), loss_ratio, standard, is_credible,
        is_fully_credible, meets_standard, remittance (where the State asks for one) [dollars].

    Raises
    ------
    InputError
        Taxes take the whole revenue, or a number is not allowed.

    References
    ----------
    .. [1] 42 CFR 438.8(d)-(h), (j): ratio, numerator, denominator, credibility, remittance.
    """
    check_decimals(decimals)
    if standard is not None and not 0 < standard < 1:
        raise InputError("standard must lie between 0 and 1; give a share of revenue, such as 0.85.")
    rates = load_rates("medicaid", rating_year, overrides=overrides)
    rows = read_columns(experience, LOSS_RATIO, role="experience", key=("mco",))
    numerator = rows["incurred_claims"] + rows["quality_improvement"] + rows["fraud_prevention"]
    denominator = rows["premium_revenue"] - rows["taxes_and_fees"]
    rows.refuse(denominator <= 0, "taxes_and_fees take the whole premium_revenue;")
    added, is_credible = credibility(rows["member_months"], rates.by_key("mlr_credibility"))
    ratio = numerator / denominator + added
    ratio = ratio if decimals is None else round_to(ratio, 10.0**-decimals)
    wanted = rates.number("mlr_standard") if standard is None else standard
    remittance = owed(ratio, standard=wanted, revenue=denominator, is_credible=is_credible)
    plans = pa.table({
        "mco": rows["mco"], "numerator": numerator, "denominator": denominator,
        "preliminary": numerator / denominator, "credibility": added, "loss_ratio": ratio,
        "standard": np.full(rows.n_rows, wanted), "is_credible": is_credible,
        "is_fully_credible": is_credible & (added == 0), "meets_standard": ~is_credible | (ratio >= wanted),
        "remittance": remittance,
    })  # fmt: skip
    run = {"plans": rows.n_rows, "remittance": float(remittance.sum()), "standard": wanted}
    return Settlement(plans, rates.assumptions(_PARAMETERS), run)
