"""Part D bids as a workbook: plans and coverage as inputs; worksheet 7 of the bid tool as live formulas."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pricing.medicare.drug_designs import ENHANCED
from pricing.medicare.part_d_bid import COVERED, PARAMETERS, PLANS, PartDBids, part_d_bids
from pricing.parameters import Rates, load_rates
from pricing.worksheets.audit import assumptions_grid
from pricing.worksheets.grids import Book, Grid
from pricing.worksheets.lines import (
    BID_NOTE,
    EXPENSE,
    YES,
    Formula,
    checks_grid,
    formula_line,
    input_lines,
    own_rates,
    plan_label,
    rate_cell,
    rounded,
    with_flags,
)
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book

_COVERAGE_NOTE = "Who pays for drugs under the standard and the plan's own benefit, from adjudicated claims."
_TOTAL = "{premium_before_demonstration}+{supplemental_premium}"


def write_part_d_bid(
    bids: PartDBids,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write Part D bids as a workbook: plans, coverage, bid, checks, assumptions, audit.

    Parameters
    ----------
    bids : PartDBids
        From `pricing.medicare.part_d_bid.part_d_bids`.
    path, run, overwrite
        As `pricing.worksheets.render.write_book` takes them.

    Returns
    -------
    Path

    Raises
    ------
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.
    """
    owners = range(bids.plans.n_rows)
    lines = (
        plan_label(bids.plans),
        *(formula_line(entry, bids.numbers[entry.key]) for entry in _formulas(bids)),
    )
    grids = (
        Grid("plans", "Plans", "Plans", tuple(input_lines(bids.plans, PLANS)), owners, note=BID_NOTE),
        Grid("coverage", "Coverage", "Drug coverage by payer", tuple(input_lines(bids.coverage, COVERED)), owners,
             note=_COVERAGE_NOTE),
        Grid("bid", "Bid", "From drug cost to premium", lines, owners, note=BID_NOTE),
        checks_grid(bids.plans, bids.checks, _conditions()),
        assumptions_grid(bids.rates, PARAMETERS),
    )  # fmt: skip
    book = Book(f"Part D bids for {bids.rates.year}", grids, bids.run, bids.rates)
    return write_book(book, path, run=run, overwrite=overwrite)


def part_d_bid_from_workbook(path: str | os.PathLike[str], *, payment_year: int) -> PartDBids:
    """Return the library's bids for what the inputs of a workbook hold now, its assumptions among them.

    Parameters
    ----------
    path : path
        A workbook that `write_part_d_bid` wrote; a spreadsheet program may have saved it since.
    payment_year : int
        The workbook's.

    Returns
    -------
    PartDBids

    Raises
    ------
    InputError
        As `pricing.worksheets.read.read_inputs` and `part_d_bids` say.
    """
    inputs = read_inputs(path)
    return part_d_bids(
        with_flags(inputs["plans"], PLANS), coverage=inputs["coverage"], payment_year=payment_year,
        rates=own_rates(inputs, load_rates("medicare", payment_year)),
    )  # fmt: skip


def _basic(part: str) -> str:
    """Return what basic coverage costs: the standard's for an enhanced plan, its own for every other."""
    return f'IF({{coverage.kind}}="{ENHANCED}",{{coverage.standard_{part}}},{{coverage.own_{part}}})'


def _formulas(bids: PartDBids) -> tuple[Formula, ...]:
    unit = rate_cell("premium_rounding", "part_d")
    average, base = rate_cell("part_d_national_average_bid"), rate_cell("part_d_base_premium")
    after = "{premium_before_demonstration}-{demonstration}"
    extra = f'IF({{coverage.kind}}="{ENHANCED}",MAX({{coverage.own_plan}}-{{coverage.standard_plan}},0),0)'
    return (
        Formula("basic_enrollee", "enrollees' cost sharing", _basic("enrollee"), field="WS3-5", section="Who pays"),
        Formula("manufacturer_discount", "manufacturers' discount", _basic("manufacturer"), field="WS3-5"),
        Formula("selected_drug_subsidy", "selected-drug subsidy", _basic("selected_drug_subsidy"), field="WS3-5"),
        Formula("gross_reinsurance", "reinsurance before concessions", _basic("reinsurance"), field="WS3-5"),
        Formula("retained_dir", "price concessions kept by the plan",
                "{plans.dir_share}*({coverage.allowed}-{gross_reinsurance})", field="WS2"),
        Formula("basic_cost", "basic cost of the plan", _basic("plan") + "-{retained_dir}", field="WS7", is_total=True),
        Formula("supplemental_cost", "supplemental cost", extra, field="WS5"),
        Formula("non_benefit", "non-benefit expense", EXPENSE, field="WS2", section="Bid (worksheet 7)"),
        Formula("basic_non_benefit", "of it basic",
                "{non_benefit}*{basic_cost}/({basic_cost}+{supplemental_cost})", field="WS7"),
        Formula("basic_bid", "basic bid at the plan's risk score",
                "({basic_cost}+{basic_non_benefit})/(1-{plans.margin_share})", field="WS7"),
        Formula("supplemental_premium", "supplemental premium",
                "({supplemental_cost}+{non_benefit}-{basic_non_benefit})/(1-{plans.supplemental_margin_share})",
                field="WS7"),
        Formula("gain", "gain or loss",
                "{basic_bid}*{plans.margin_share}+{supplemental_premium}*{plans.supplemental_margin_share}",
                field="WS7"),
        Formula("margin", "margin", "{gain}/({basic_bid}+{supplemental_premium})", "share of revenue", "percent",
                "WS7"),
        Formula("standardised_bid", "standardised bid", "{basic_bid}/{plans.projected_risk_score}", field="WS7",
                is_total=True),
        Formula("premium_before_demonstration", "basic premium", f"{base}+{{standardised_bid}}-{average}",
                field="WS7", section="Medicare and members pay"),
        Formula("direct_subsidy", "direct subsidy", "{basic_bid}-{premium_before_demonstration}", field="WS7",
                is_total=True),
        Formula("reinsurance", "reinsurance, prospective", "{gross_reinsurance}*(1-{plans.dir_share})", field="WS7"),
        Formula("low_income_subsidy", "low-income cost-sharing subsidy", "{coverage.own_low_income_subsidy}",
                field="WS7"),
        Formula("demonstration", "premium demonstration", _demonstration(bids)),
        Formula("basic_premium", "basic premium that members pay", f"MAX({after},0)"),
        Formula("charged_supplemental_premium", "supplemental premium that members pay",
                f"MAX({{supplemental_premium}}+MIN({after},0),0)"),
        Formula("rounded_basic_premium", "basic premium, rounded", rounded("basic_premium", unit), field="WS7"),
        Formula("rounded_supplemental_premium", "supplemental premium, rounded",
                rounded("charged_supplemental_premium", unit), field="WS7"),
        Formula("total_premium", "total premium", "{rounded_basic_premium}+{rounded_supplemental_premium}", field="WS7",
                is_total=True),
        Formula("target_amount", "target amount of the risk corridor", "{basic_cost}"),
    )  # fmt: skip


def _demonstration(bids: PartDBids) -> str:
    """Return what the demonstration takes off, as a formula; 0 in years that have none."""
    if not _has(bids.rates, "reduction"):
        return "0"
    left = f"MAX({_TOTAL}-{rate_cell('part_d_demonstration_reduction')},0)"
    if "previous_premium" in bids.plans:
        limit = rate_cell("part_d_demonstration_increase_limit")
        left = f"MIN({left},{{plans.previous_premium}}+{limit})"
    return f'IF({{plans.joins_demonstration}}="{YES}",MAX({_TOTAL}-{left},0),0)'


def _has(rates: Rates, name: str) -> bool:
    return rates.has(f"part_d_demonstration_{name}")


def _conditions() -> dict[str, str]:
    """Return when each check flags; tests of equivalence need the claims, and stand in the library only."""
    average, base = rate_cell("part_d_national_average_bid"), rate_cell("part_d_base_premium")
    return {
        "margin is not negative": "{bid.margin}<0",
        "basic premium is not negative": f"{base}+{{bid.standardised_bid}}-{average}<0",
        "enhanced plans have a supplemental premium":
            f'AND({{coverage.kind}}="{ENHANCED}",{{bid.supplemental_premium}}<=0)',
    }  # fmt: skip
