"""Part D bids of many plans at once: from who pays for drugs to bid, subsidies and premium (worksheet 7).

The flow of the Part D Bid Pricing Tool (CMS-10142): `pricing.medicare.drug_projection` holds worksheets 1 to 6. Where
the tool's own cell logic is not published, the rule is stated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.build_up import BuildUp
from pricing.inputs import Column, Columns, Numbers
from pricing.medicare import plan_bids
from pricing.medicare.bid_worksheets import NON_BENEFIT
from pricing.medicare.drug_coverage import PARAMETERS as COVERAGE_PARAMETERS
from pricing.medicare.drug_designs import ENHANCED, KINDS
from pricing.medicare.drug_projection import COVERAGE, DrugExperience
from pricing.medicare.part_d_premiums import adjusted_premium
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd

STAND_ALONE = "pdp"
#: Columns of plans: one row each. Dollars per member and month; margins as shares of required revenue.
PLANS = (
    Column("plan_id", "text"),
    Column("plan_type", "text", allowed=("mapd", STAND_ALONE)),
    Column("projected_risk_score", above=0.0),
    *(Column(name, default=0.0) for name in NON_BENEFIT),
    Column("margin_share"),
    Column("supplemental_margin_share", default=...),
    Column("dir_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("joins_demonstration", "flag", default=False),
    Column("previous_premium", default=..., minimum=0.0),
)
#: Columns of coverage: one row per plan.
COVERED = (
    Column("plan_id", "text"),
    Column("kind", "text", allowed=KINDS),
    *(Column(name, minimum=0.0) for name in COVERAGE),
)
PARAMETERS = (
    "part_d_national_average_bid", "part_d_base_premium", "part_d_demonstration_reduction",
    "part_d_demonstration_increase_limit", "premium_rounding",
)  # fmt: skip
_PENNY = 0.01
_SUMMARY = (
    "basic_cost", "standardised_bid", "direct_subsidy", "reinsurance", "basic_premium", "supplemental_premium",
    "total_premium", "margin",
)  # fmt: skip


@dataclass(frozen=True)
class PartDBids:
    """Part D bids of many plans.

    Attributes
    ----------
    plans, coverage : Columns
        The inputs, in the order of plans.
    numbers : dict of str to ndarray of float64, shape (n_plans,)
        Worksheet 7: basic_cost, supplemental_cost, basic_bid, standardised_bid, basic_premium, direct_subsidy,
        reinsurance, low_income_subsidy, manufacturer_discount, ... [dollars per member and month]. Below 0,
        premium_before_demonstration raises the direct subsidy and lowers charged_supplemental_premium.
    experience : DrugExperience, optional
        Worksheets 1 to 6, where the bids were made from claims.
    rates : Rates
    """

    plans: Columns
    coverage: Columns
    numbers: dict[str, Numbers]
    rates: Rates
    experience: DrugExperience | None = field(default=None, repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "bids": "part_d_bids",
        "checks": "part_d_checks",
        "assumptions": "assumptions",
    }
    explain = plan_bids.explain
    plot = plan_bids.plot
    to_pandas = results.to_pandas

    @property
    def bids(self) -> pa.Table:
        """One row per plan: plan_id, kind, and every number of worksheet 7."""
        named = {name: pa.array(values) for name, values in self.numbers.items()}
        ids = {name: pa.array(self.coverage[name]) for name in ("plan_id", "kind")}
        return pa.table({**ids, **named})

    @property
    def checks(self) -> pa.Table:
        """Rules that CMS reviews, by plan: plan_id, check, value, limit, unit, is_flagged, message."""
        from pricing.medicare.part_d_checks import part_d_checks

        return part_d_checks(self)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions((*PARAMETERS, *COVERAGE_PARAMETERS))

    def summary(self) -> pd.DataFrame:
        """Return the numbers people ask for first, one row per plan (pandas)."""
        return plan_bids.summary_of(self, _SUMMARY)

    def build_up(self) -> BuildUp:
        """Return each plan's way from allowed drug cost to its standardised bid, as named and cited steps."""
        numbers, source = self.numbers, "drug claims under the basic benefit"
        return (
            BuildUp("standardised bid", labels=tuple(self.plans["plan_id"]))
            .start("allowed", self.coverage["allowed"], source="projected drug claims", field="WS2")
            .add("enrollees", -numbers["basic_enrollee"], source=source, field="WS3-5")
            .add("manufacturers", -numbers["manufacturer_discount"], source=source, field="WS3-5")
            .add("selected-drug subsidy", -numbers["selected_drug_subsidy"], source=source, field="WS3-5")
            .add("reinsurance", -numbers["gross_reinsurance"], source=source, field="WS3-5")
            .add("price concessions kept", -numbers["retained_dir"], source="plan's dir_share", field="WS2")
            .checkpoint("basic cost", field="WS7")
            .add("non-benefit expense", numbers["basic_non_benefit"], source="plan's expense", field="WS2")
            .divide("gain or loss margin", 1 - self.plans["margin_share"], source="plan's margin", field="WS2")
            .checkpoint("basic bid at the plan's risk score", field="WS7")
            .divide("projected risk score", self.plans["projected_risk_score"], source="plan's projection", field="WS7")
        )  # fmt: skip

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write `TABLES` as Parquet, run.json and, if asked for, a chart; from claims also worksheets 1 to 6.

        Those are part_d_coverage, part_d_tiers, part_d_intervals and part_d_tests.
        """
        names = () if self.experience is None else ("coverage", "tiers", "intervals", "tests")
        tables = {f"part_d_{name}": getattr(self.experience, name) for name in names}
        charts = {"part_d_bids": self.plot()} if chart else {}
        return results.write_with(self, directory, charts=charts, tables=tables, overwrite=overwrite)

    @property
    def run(self) -> dict[str, Any]:
        """What the bids were made from: year, checksum of the parameters, rows of each input."""
        counts = {"plans": self.plans.n_rows, "coverage": self.coverage.n_rows}
        if self.experience is not None:
            counts["tiers"] = self.experience.tiers.num_rows
        return plan_bids.run_of(self.rates, counts)

    def __repr__(self) -> str:
        """Return how many plans there are, and how many checks flag."""
        return plan_bids.shown(self, "Part D bids")


def part_d_bids(plans: Any, *, coverage: Any, payment_year: int, rates: Rates | None = None) -> PartDBids:
    """Return the Part D bids of many plans, from who pays for drugs to premiums and subsidies.

    Parameters
    ----------
    plans : path, DataFrame, Arrow table, mapping
        One row per plan (`PLANS`): plan_type (mapd or pdp), projected_risk_score (RxHCC), expenses, margins, dir_share
        (price concessions after the sale as a share of allowed cost), whether a stand-alone plan joins the premium
        demonstration, its premium of the year before.
    coverage : DrugExperience, or path, DataFrame, Arrow table, mapping
        Worksheets 1 to 6 as `drug_experience` makes them, or one row per plan (`COVERED`).
    payment_year : int
    rates : Rates, optional
        The national average bid and the base premium become known after bids are due: give your own estimate with
        ``load_rates("medicare", year, overrides={"part_d_national_average_bid": ...})``.

    Returns
    -------
    PartDBids

    Raises
    ------
    InputError
        A column is missing or holds impossible values; a plan has no coverage; payers do not add up to allowed cost; a
        margin is 100 percent or more; a plan of Medicare Advantage joins the demonstration.
    UnknownRateError
        The year has no national average bid, or no demonstration.

    Notes
    -----
    The basic bid of an enhanced plan is that of the defined standard, without induced use; what the plan itself pays
    beyond is supplemental. Price concessions lower reinsurance by their share, the rest is the plan's. Non-benefit
    expense is shared between basic and supplemental coverage in proportion to their cost.

    References
    ----------
    .. [1] 42 CFR 423.265, 423.286, 423.315, 423.329; `usc1395w113`, `usc1395w115` in
       pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    offered = _checked_plans(plan_bids.read_plans(plans, PLANS))
    experience = coverage if isinstance(coverage, DrugExperience) else None
    table = coverage.coverage if isinstance(coverage, DrugExperience) else coverage
    covered, _ = plan_bids.in_plan_order(table, COVERED, offered, role="coverage", key=("plan_id",))
    _check_payers(covered)
    numbers = _costs(offered, covered)
    numbers |= _bid(numbers, offered)
    numbers |= _premiums(numbers, offered, rates)
    return PartDBids(offered, covered, numbers, rates, experience)


def _checked_plans(plans: Columns) -> Columns:
    joins = plans["joins_demonstration"].astype(bool)
    plans.refuse(
        joins & (plans["plan_type"] != STAND_ALONE), "plans that join the demonstration but are no pdp"
    )
    return plans


def _check_payers(covered: Columns) -> None:
    """Refuse coverage whose payers do not add up to allowed cost."""
    for who, allowed in (("standard", "allowed"), ("own", "own_allowed")):
        payers = (f"{who}_{payer}" for payer in ("enrollee", "plan", "manufacturer", "reinsurance", "selected_drug_subsidy"))  # fmt: skip # noqa: E501
        total = np.sum([covered[payer] for payer in payers], axis=0)
        covered.refuse(np.abs(total - covered[allowed]) > _PENNY, f"payers of {who} coverage do not add up to {allowed}")  # fmt: skip # noqa: E501


def _costs(plans: Columns, covered: Columns) -> dict[str, Numbers]:
    """Worksheets 3 to 5: what basic and supplemental coverage cost the plan."""
    is_enhanced = covered["kind"] == ENHANCED

    def basic(part: str) -> Numbers:
        return np.where(is_enhanced, covered[f"standard_{part}"], covered[f"own_{part}"])

    reinsurance, dir_share = basic("reinsurance"), plans["dir_share"]
    retained = dir_share * (covered["allowed"] - reinsurance)
    cost = basic("plan") - retained
    extra = np.where(is_enhanced, covered["own_plan"] - covered["standard_plan"], 0.0)
    plans.refuse(cost <= 0, "plans whose basic coverage costs nothing after price concessions")
    plans.refuse(extra < -_PENNY, "enhanced plans whose benefit costs less than the standard's")
    return {
        "basic_enrollee": basic("enrollee"),
        "manufacturer_discount": basic("manufacturer"),
        "selected_drug_subsidy": basic("selected_drug_subsidy"),
        "gross_reinsurance": reinsurance,
        "reinsurance": reinsurance * (1 - dir_share),
        "retained_dir": retained,
        "low_income_subsidy": covered["own_low_income_subsidy"],
        "basic_cost": cost,
        "supplemental_cost": np.maximum(extra, 0.0),
    }


def _bid(numbers: dict[str, Numbers], plans: Columns) -> dict[str, Numbers]:
    """Worksheet 7: expense and margin on top; the bid at a risk score of 1.000."""
    basic, extra = numbers["basic_cost"], numbers["supplemental_cost"]
    expense = np.sum([plans[name] for name in NON_BENEFIT], axis=0)
    basic_expense = expense * basic / (basic + extra)
    bid = (basic + basic_expense) / (1 - plans["margin_share"])
    other = (extra + expense - basic_expense) / (1 - plans["supplemental_margin_share"])
    plans.refuse(bid <= 0, "plans whose basic bid is not above 0")
    gain = bid * plans["margin_share"] + other * plans["supplemental_margin_share"]
    return {
        "non_benefit": expense, "basic_non_benefit": basic_expense, "basic_bid": bid, "supplemental_premium": other,
        "gain": gain, "margin": gain / (bid + other), "standardised_bid": bid / plans["projected_risk_score"],
    }  # fmt: skip


def _premiums(numbers: dict[str, Numbers], plans: Columns, rates: Rates) -> dict[str, Numbers]:
    """Worksheet 7: premiums and the direct subsidy, before and after the demonstration.

    A basic premium below 0 raises the subsidy; members pay nothing for basic coverage, and less for the supplemental.
    """
    extra = numbers["supplemental_premium"]
    basic = adjusted_premium(numbers["standardised_bid"], rates)
    subsidy = numbers["basic_bid"] - basic
    lowered = basic - _reduction(basic, extra, plans, rates)
    charged = np.maximum(lowered, 0.0), np.maximum(extra + np.minimum(lowered, 0.0), 0.0)
    rounded = [round_to(dollars, rates.number("premium_rounding", "part_d")) for dollars in charged]
    return {
        "premium_before_demonstration": basic, "direct_subsidy": subsidy, "demonstration": basic - lowered,
        "basic_premium": charged[0], "charged_supplemental_premium": charged[1],
        "rounded_basic_premium": rounded[0], "rounded_supplemental_premium": rounded[1],
        "total_premium": rounded[0] + rounded[1], "target_amount": numbers["basic_cost"],
    }  # fmt: skip


def _reduction(basic: Numbers, extra: Numbers, plans: Columns, rates: Rates) -> Numbers:
    """Return what the demonstration takes off the basic premium of the stand-alone plans that join it.

    First a fixed amount, as far as the total premium stays at 0 or above; then whatever the total premium would rise by
    above the limit.
    """
    joins = plans["joins_demonstration"].astype(bool)
    if not joins.any():
        return np.zeros(plans.n_rows)
    total = np.maximum(basic + extra - rates.number("part_d_demonstration_reduction"), 0.0)
    if "previous_premium" in plans:
        most = plans["previous_premium"] + rates.number("part_d_demonstration_increase_limit")
        total = np.minimum(total, most)
    return np.where(joins, np.maximum(basic + extra - total, 0.0), 0.0)
