"""The Bid Pricing Tool's flow for many plans at once: base experience, required revenue, bid, rebate, premium.

Worksheets 1 to 6 of CMS-10142. Where the tool's own cell logic is not published, the rule is stated here and what
it takes from CMS's guidance is a parameter marked as not verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.inputs import Array, Column, Columns, Numbers
from pricing.medicare import plan_bids
from pricing.medicare.bid import rebate_percentage
from pricing.medicare.bid_projection import EXPERIENCE, credibility_of, project_lines
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd

NON_BENEFIT = ("sales_and_marketing", "direct_administration", "indirect_administration", "net_reinsurance", "insurer_fees")  # fmt: skip # noqa: E501
#: Uses of a rebate (42 CFR 422.266(b)), in the order in which it is spent unless the caller says otherwise.
USES = ("cost_sharing", "supplemental", "part_d_basic", "part_d_supplemental", "part_b")

#: Columns of plans: one row each. Dollars per member and month; margins as shares of required revenue.
PLANS = (
    Column("plan_id", "text"),
    Column("stars", minimum=0.0),
    Column("is_unrated", "flag", default=False),
    Column("is_new_plan", "flag", default=False),
    Column("is_snp", "flag", default=False),
    Column("base_member_months", above=0.0),
    Column("projected_risk_score", above=0.0),
    Column("esrd_subsidy", default=0.0),
    *(Column(name, default=0.0) for name in NON_BENEFIT),
    Column("margin_share"),
    Column("supplemental_margin_share", default=...),
    Column("part_d_basic_premium", default=0.0, minimum=0.0),
    Column("part_d_supplemental_premium", default=0.0, minimum=0.0),
    Column("part_d_margin_share", default=..., maximum=1.0),
    Column("part_b_buy_down", default=0.0, minimum=0.0),
    Column("previous_total_beneficiary_cost", default=..., minimum=0.0),
    Column("out_of_pocket_maximum", default=..., minimum=0.0),  # in network [dollars a year]
)
#: Columns of service areas: one row per plan and county; rates at the plan's bonus.
COUNTIES = (
    Column("plan_id", "text"),
    Column("county_code", "text"),
    Column("member_months", above=0.0),
    Column("rate", above=0.0),
)
PARAMETERS = (
    "bid_full_credibility_member_months", "highest_stars", "lowest_stars", "margin_consistency_points",
    "moop_in_network", "part_b_premium", "premium_rounding", "rebate_minimum_stars", "rebate_percentage",
    "tbc_change_limit",
)  # fmt: skip

_SUMMARY = (
    "allowed", "net_medical", "required_revenue", "standardised_bid", "standardised_benchmark", "rebate",
    "rounded_part_c_premium", "rounded_part_d_premium", "total_margin_share",
)  # fmt: skip


@dataclass(frozen=True)
class BidFlow:
    """Bids of many plans, worksheet by worksheet.

    Attributes
    ----------
    plans, experience, counties : Columns
        The inputs, in the order of plans.
    lines : dict of str to ndarray of float64, shape (n_lines,)
        Worksheets 1 to 3 by service category, as `pricing.medicare.bid_projection.project_lines` says.
    line_plans, county_plans : ndarray of int64
        Number of the plan, from 0, that each line and county belongs to.
    numbers : dict of str to ndarray of float64, shape (n_plans,)
        Worksheets 4 to 6 [dollars per member and month; shares; credibility].
    isar, payment_rates : ndarray of float64, shape (n_counties,)
        Intra-service-area ratio, and county payment rate at a risk score of 1.000 [dollars a month].
    rebate_order : tuple of str
        In which order the rebate was spent.
    rates : Rates
    """

    plans: Columns
    experience: Columns
    counties: Columns
    lines: dict[str, Numbers]
    line_plans: Array
    county_plans: Array
    numbers: dict[str, Numbers]
    isar: Numbers
    payment_rates: Numbers
    rebate_order: tuple[str, ...]
    rates: Rates

    TABLES: ClassVar[Mapping[str, str]] = {
        "bids": "bids",
        "projection": "bid_projection",
        "service_area": "bid_counties",
        "checks": "bid_checks",
        "assumptions": "assumptions",
    }
    explain = plan_bids.explain
    plot = plan_bids.plot
    to_pandas = results.to_pandas
    write = results.write

    @property
    def bids(self) -> pa.Table:
        """One row per plan: plan_id and every number of worksheets 4 to 6."""
        named = {name: pa.array(values) for name, values in self.numbers.items()}
        return pa.table({"plan_id": pa.array(self.plans["plan_id"]), **named})

    @property
    def projection(self) -> pa.Table:
        """One row per plan and service category: inputs, and worksheets 1 to 3."""
        return self.experience.with_columns(**self.lines).table()

    @property
    def service_area(self) -> pa.Table:
        """One row per plan and county: member months, rate, isar, payment_rate."""
        return self.counties.with_columns(isar=self.isar, payment_rate=self.payment_rates).table()

    @property
    def checks(self) -> pa.Table:
        """Rules that CMS reviews, by plan: plan_id, check, value, limit, unit, is_flagged, message."""
        from pricing.medicare.bid_checks import bid_checks

        return bid_checks(self)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)

    def summary(self) -> pd.DataFrame:
        """Return the numbers people ask for first, one row per plan (pandas)."""
        return plan_bids.summary_of(self, _SUMMARY)

    def build_up(self) -> BuildUp:
        """Return each plan's way from base experience to its Part A and B bid, as named and cited steps."""
        by_plan = {
            name: self._by_plan(name) for name in ("base_allowed", "projected_allowed", "manual_allowed")
        }
        numbers, source = self.numbers, "base experience and projection factors"
        return (
            BuildUp("standardised bid", labels=tuple(self.plans["plan_id"]))
            .start("base allowed cost", by_plan["base_allowed"], source=source, field="WS1")
            .add("projection", by_plan["projected_allowed"] - by_plan["base_allowed"], source=source, field="WS1")
            .blend("credibility", numbers["credibility"], manual=by_plan["manual_allowed"],
                   source="square-root rule on base member months", field="WS2")
            .checkpoint("projected allowed cost", field="WS2")
            .add("supplemental benefits", -numbers["uncovered_allowed"], source="covered_share", field="WS4")
            .add("equivalent FFS cost sharing", -numbers["ffs_cost_sharing"],
                 source="ffs_cost_sharing_share", field="WS4")
            .add("non-benefit expense", numbers["covered_non_benefit"], source="plan's expense", field="WS4")
            .divide("gain or loss margin", 1 - self.plans["margin_share"], source="plan's margin", field="WS4")
            .checkpoint("bid at the plan's risk score", field="WS4")
            .divide("projected risk score", self.plans["projected_risk_score"], source="plan's projection", field="WS5")
        )  # fmt: skip

    @property
    def run(self) -> dict[str, Any]:
        """What the bids were made from: year, checksum of the parameters, rows of each input."""
        rows = {"plans": self.plans, "experience": self.experience, "service_area": self.counties}
        return plan_bids.run_of(self.rates, {name: columns.n_rows for name, columns in rows.items()})

    def _by_plan(self, name: str) -> Numbers:
        return _sums(self.lines[name], self.line_plans, self.plans)

    def __repr__(self) -> str:
        """Return how many plans there are, and how many checks flag."""
        return plan_bids.shown(self, "bids")


def bid_flow(
    plans: Any,
    *,
    experience: Any,
    service_area: Any,
    payment_year: int,
    rates: Rates | None = None,
    rebate_order: Sequence[str] = USES,
) -> BidFlow:
    """Return the bids of many plans, from base experience to member premiums.

    Parameters
    ----------
    plans, experience, service_area : path, DataFrame, Arrow table, mapping
        One row per plan (`PLANS`), per plan and service category (`EXPERIENCE`), per plan and county (`COUNTIES`).
    payment_year : int
    rates : Rates, optional
        With numbers of your own; default: those of the year.
    rebate_order : sequence of str
        `USES` in the order in which the rebate is spent, each up to what it can take.

    Returns
    -------
    BidFlow

    Raises
    ------
    InputError
        A column is missing or holds impossible values (a star rating of 7, a negative rate, a margin of 100 percent or
        more); a plan has no experience or no service area.
    UnknownRateError
        The year has no such parameters.

    Notes
    -----
    Non-benefit expense is shared between the Part A and B bid and mandatory supplemental benefits in proportion to
    their medical cost; the ESRD subsidy is a mandatory supplemental cost; cost sharing of a category is taken to be
    spread over its covered and other services alike.

    References
    ----------
    .. [1] 42 CFR 422.254-422.266; `usc1395w24`, `bpt_instructions` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    offered = _checked_plans(plan_bids.read_plans(plans, PLANS), rates)
    if sorted(rebate_order) != sorted(USES):
        raise InputError(f"rebate_order must name each of {', '.join(USES)} once.")
    base, line_plans = plan_bids.in_plan_order(
        experience, EXPERIENCE, offered, role="experience", key=("plan_id", "service_category")
    )
    counties, county_plans = plan_bids.in_plan_order(
        service_area, COUNTIES, offered, role="service area", key=("plan_id", "county_code")
    )
    full = rates.number("bid_full_credibility_member_months")
    credibility = credibility_of(offered["base_member_months"], full=full)
    lines = project_lines(base, credibility=credibility[line_plans])
    numbers = {"credibility": credibility} | _medical(lines, line_plans, offered)
    numbers |= _revenue(numbers, offered)
    numbers |= _against_benchmark(numbers, offered, counties, county_plans, rates)
    numbers |= _rebate_uses(numbers, offered, rebate_order)
    numbers |= _premiums(numbers, offered, rates)
    isar = counties["rate"] / numbers["standardised_benchmark"][county_plans]
    paid = isar * numbers["standardised_bid"][county_plans]
    return BidFlow(
        offered,
        base,
        counties,
        lines,
        line_plans,
        county_plans,
        numbers,
        isar,
        paid,
        tuple(rebate_order),
        rates,
    )


def _checked_plans(plans: Columns, rates: Rates) -> Columns:
    limit = rates.number("part_b_premium")
    plans.refuse(
        plans["part_b_buy_down"] > limit, f"part_b_buy_down is above the Part B premium of {limit:.2f}"
    )
    low, high = rates.number("lowest_stars"), rates.number("highest_stars")
    stars, is_unrated = plans["stars"], plans["is_unrated"] | plans["is_new_plan"]
    impossible = (stars < low) | (stars > high) | ((2 * stars) % 1 != 0)
    plans.refuse(impossible & ~is_unrated, f"stars are no rating from {low:g} to {high:g} in halves")
    return plans


def _sums(values: Numbers, owners: Array, plans: Columns) -> Numbers:
    """Return the sum over each plan's rows."""
    return np.bincount(owners, values, plans.n_rows).astype(np.float64)


def _medical(lines: dict[str, Numbers], owners: Array, plans: Columns) -> dict[str, Numbers]:
    """Worksheet 4: medical cost of the Part A and B bid, and of mandatory supplemental benefits."""
    names = (
        "allowed", "cost_sharing", "net", "covered_allowed", "ffs_cost_sharing", "covered_net",
        "cost_sharing_reduction", "additional_benefits",
    )  # fmt: skip
    sums = {name: _sums(lines[name], owners, plans) for name in names}
    supplemental = sums["cost_sharing_reduction"] + sums["additional_benefits"] + plans["esrd_subsidy"]
    plans.refuse(sums["covered_net"] <= 0, "plans whose Medicare-covered benefits cost nothing")
    plans.refuse(supplemental < -1e-9, "plans whose benefits are worth less than original Medicare's")
    return {
        **{"net_medical" if name == "net" else name: values for name, values in sums.items()},
        "uncovered_allowed": sums["allowed"] - sums["covered_allowed"],
        "supplemental_medical": np.maximum(supplemental, 0.0),
    }


def _revenue(numbers: dict[str, Numbers], plans: Columns) -> dict[str, Numbers]:
    """Worksheet 4: non-benefit expense and margin on top."""
    covered, supplemental = numbers["covered_net"], numbers["supplemental_medical"]
    expense = np.sum([plans[name] for name in NON_BENEFIT], axis=0)
    covered_expense = expense * covered / (covered + supplemental)
    bid = (covered + covered_expense) / (1 - plans["margin_share"])
    other = (supplemental + expense - covered_expense) / (1 - plans["supplemental_margin_share"])
    gain = bid * plans["margin_share"] + other * plans["supplemental_margin_share"]
    plans.refuse(bid <= 0, "plans whose required revenue is not above 0")
    return {
        "non_benefit": expense, "covered_non_benefit": covered_expense, "covered_revenue": bid,
        "supplemental_revenue": other, "required_revenue": bid + other, "gain": gain,
        "total_margin_share": gain / (bid + other),
    }  # fmt: skip


def _against_benchmark(
    numbers: dict[str, Numbers], plans: Columns, counties: Columns, owners: Array, rates: Rates
) -> dict[str, Numbers]:
    """Worksheet 5: standardised bid and benchmark, savings, rebate."""
    months = _sums(counties["member_months"], owners, plans)
    benchmark = _sums(counties["member_months"] * counties["rate"], owners, plans) / months
    bid = numbers["covered_revenue"] / plans["projected_risk_score"]
    savings = np.maximum(benchmark - bid, 0.0) * plans["projected_risk_score"]
    share = _rebate_percentages(plans, rates)
    return {
        "member_months": months, "standardised_bid": bid, "standardised_benchmark": benchmark, "savings": savings,
        "rebate_percentage": share, "rebate": savings * share,
        "basic_member_premium": np.maximum(bid - benchmark, 0.0),
    }  # fmt: skip


def _rebate_percentages(plans: Columns, rates: Rates) -> Numbers:
    stars = [
        None if unrated else rating
        for rating, unrated in zip(plans["stars"], plans["is_unrated"], strict=True)
    ]
    kinds = zip(stars, plans["is_new_plan"], strict=True)
    return np.array([rebate_percentage(rating, rates=rates, is_new_plan=bool(new)) for rating, new in kinds])


def _rebate_uses(numbers: dict[str, Numbers], plans: Columns, order: Sequence[str]) -> dict[str, Numbers]:
    """Worksheet 6: the rebate spent on its uses in order, each up to what it can take."""
    medical, revenue = numbers["supplemental_medical"], numbers["supplemental_revenue"]
    reduction = np.clip(numbers["cost_sharing_reduction"], 0.0, medical)
    share = np.divide(reduction, medical, out=np.zeros_like(medical), where=medical > 0)
    room = {
        "cost_sharing": revenue * share,
        "supplemental": revenue * (1 - share),
        "part_d_basic": plans["part_d_basic_premium"],
        "part_d_supplemental": plans["part_d_supplemental_premium"],
        "part_b": plans["part_b_buy_down"],
    }
    left, result = numbers["rebate"], {f"{use}_room": room[use] for use in USES}
    for use in order:
        result[f"rebate_{use}"] = np.minimum(room[use], left)
        left = left - result[f"rebate_{use}"]
    return {**result, "rebate_unused": left}


def _premiums(numbers: dict[str, Numbers], plans: Columns, rates: Rates) -> dict[str, Numbers]:
    """Worksheet 6: what members pay, before and after rounding."""
    used = {use: numbers[f"rebate_{use}"] for use in USES}
    part_c = numbers["basic_member_premium"] + numbers["supplemental_revenue"] - used["cost_sharing"]
    part_c = np.maximum(part_c - used["supplemental"], 0.0)
    part_d = np.maximum(plans["part_d_basic_premium"] - used["part_d_basic"], 0.0)
    part_d = part_d + np.maximum(plans["part_d_supplemental_premium"] - used["part_d_supplemental"], 0.0)
    rounded_c = round_to(part_c, rates.number("premium_rounding", "part_c"))
    rounded_d = round_to(part_d, rates.number("premium_rounding", "part_d"))
    part_b = rates.number("part_b_premium") - used["part_b"]
    return {
        "part_c_premium": part_c, "part_d_premium": part_d, "rounded_part_c_premium": rounded_c,
        "rounded_part_d_premium": rounded_d, "member_premium": rounded_c + rounded_d, "part_b_premium": part_b,
        "total_beneficiary_cost": rounded_c + rounded_d + part_b + numbers["cost_sharing"],
    }  # fmt: skip
