"""After the year: Part D's subsidies as they came against what was paid in advance, and the risk corridor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pricing import results
from pricing.corridor import Band, corridor_payment
from pricing.inputs import Column, Numbers, read_columns
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of plans to settle: one row each. Dollars of the year.
ACTUAL = (
    Column("plan_id", "text"),
    Column("gross_cost", above=0.0),
    Column("plan_paid", minimum=0.0),
    Column("gross_reinsurance", minimum=0.0),
    Column("price_concessions", default=0.0, minimum=0.0),
    Column("low_income_subsidy", default=0.0, minimum=0.0),
    Column("prospective_reinsurance", minimum=0.0),
    Column("prospective_low_income_subsidy", default=0.0, minimum=0.0),
    Column("direct_subsidy"),
    Column("basic_premiums"),
    Column("administration", minimum=0.0),
    Column("induced_utilization", default=1.0, minimum=1.0),
)
PARAMETERS = ("part_d_corridor", "part_d_corridor_share")


@dataclass(frozen=True)
class PartDSettlement:
    """Part D plans settled after the year.

    Attributes
    ----------
    plans : pyarrow.Table
        One row per plan: plan_id, dir_ratio, allowable_reinsurance, reinsurance_due, low_income_due, target_amount,
        risk_corridor_costs, risk_corridor, settlement [dollars; what Medicare still pays; negative: gets back].
    rates : Rates
    """

    plans: pa.Table
    rates: Rates = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"plans": "part_d_settlement", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What was settled: year, plans, dollars that Medicare still pays (negative: gets back)."""
        settled = float(self.plans["settlement"].to_numpy().sum())
        return {
            "payment_year": self.rates.year,
            "counts": {"plans": self.plans.num_rows},
            "settlement": round(settled, 2),
        }

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)

    def summary(self) -> pd.DataFrame:
        """Return `plans` as a pandas DataFrame."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: what Medicare still pays each plan, by what it is for."""
        from pricing.medicare.side_plots import plot_part_d_settlement

        return plot_part_d_settlement(self)


def part_d_risk_corridor(
    allowable_cost: Any, target: Any, *, payment_year: int, rates: Rates | None = None
) -> Numbers:
    """Return what Medicare pays a plan (negative: the plan pays) on adjusted allowable risk corridor cost [dollars].

    Parameters
    ----------
    allowable_cost : float or array
        Adjusted allowable risk corridor cost [dollars].
    target : float or array, broadcast together
        Target amount [dollars].
    payment_year : int
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    ndarray of float64 [dollars]
        Positive: to the plan.

    Raises
    ------
    InputError
        The target is not above 0.
    UnknownRateError
        The year has no corridor.

    References
    ----------
    .. [1] `usc1395w115` (e) in pricing/rates/medicare/manifest.toml; 42 CFR 423.336.
    """
    rates = rates or load_rates("medicare", payment_year)
    bands = [
        Band(rates.number("part_d_corridor", name), rates.number("part_d_corridor_share", name))
        for name in ("first", "second")
    ]
    return corridor_payment(allowable_cost, target, bands=bands)


def settle_part_d(plans: Any, *, payment_year: int, rates: Rates | None = None) -> PartDSettlement:
    """Return what Medicare and Part D plans still owe one another after the year.

    Parameters
    ----------
    plans : path, DataFrame, Arrow table, mapping
        One row per plan (`ACTUAL`): gross cost, what the plan paid for basic coverage, reinsurance before price
        concessions (as `cover_drugs` gives them), the concessions, subsidies and premiums as paid, administration (of
        the basic bid, gain or loss among it), and for enhanced plans the induced utilization that is taken out. Where a
        bid so low made the basic premium negative, basic_premiums are below 0: what the supplemental premium was
        lowered by is what members were given back of the direct subsidy.
    payment_year : int
    rates : Rates, optional

    Returns
    -------
    PartDSettlement
        Amounts in dollars.

    Raises
    ------
    InputError
        A column is missing or holds impossible values; concessions exceed cost; administration takes the whole target.

    Notes
    -----
    Concessions lower reinsurance by their share of gross cost; the rest lowers the plan's risk corridor costs.
    In the first year of the premium demonstration its stand-alone plans had a narrower corridor, which is not held:
    give its thresholds and shares, ``part_d_corridor`` and ``part_d_corridor_share``, with overrides= of `load_rates`.

    References
    ----------
    .. [1] 42 CFR 423.329, 423.336, 423.343: `usc1395w115` (b), (e) in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    rows = read_columns(plans, ACTUAL, role="plans", key=("plan_id",))
    ratio = rows["price_concessions"] / rows["gross_cost"]
    rows.refuse(ratio > 1, "price concessions above gross cost")
    target = rows["direct_subsidy"] + rows["basic_premiums"] - rows["administration"]
    rows.refuse(target <= 0, "administration takes the whole direct subsidy and premium")
    reinsurance = rows["gross_reinsurance"] * (1 - ratio)
    kept = rows["price_concessions"] - rows["gross_reinsurance"] * ratio
    costs = (rows["plan_paid"] - kept) / rows["induced_utilization"]
    corridor = part_d_risk_corridor(costs, target, payment_year=rates.year, rates=rates)
    due = reinsurance - rows["prospective_reinsurance"]
    subsidy = rows["low_income_subsidy"] - rows["prospective_low_income_subsidy"]
    columns = {
        "plan_id": rows["plan_id"], "dir_ratio": ratio, "allowable_reinsurance": reinsurance, "reinsurance_due": due,
        "low_income_due": subsidy, "target_amount": target, "risk_corridor_costs": costs, "risk_corridor": corridor,
        "settlement": due + subsidy + corridor,
    }  # fmt: skip
    return PartDSettlement(pa.table({name: pa.array(values) for name, values in columns.items()}), rates)
