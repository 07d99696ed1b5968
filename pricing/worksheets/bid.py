"""Bids as a workbook: inputs of plans, experience and counties; worksheets 1 to 6 as live formulas."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pricing.medicare.bid_projection import EXPERIENCE
from pricing.medicare.bid_worksheets import COUNTIES, PARAMETERS, PLANS, BidFlow, bid_flow
from pricing.parameters import load_rates
from pricing.worksheets.audit import assumptions_grid
from pricing.worksheets.bid_lines import BID, PREMIUMS, PROJECTION
from pricing.worksheets.grids import Book, Grid, Line
from pricing.worksheets.lines import (
    BID_NOTE,
    NO,
    YES,
    Formula,
    checks_grid,
    formula_line,
    input_lines,
    own_rates,
    plan_label,
    rate_cell,
    with_flags,
    words,
)
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book

_CHECKS_NOTE = (
    "What reviewers look at, plan by plan; special needs and general plans are compared all together."
)


def write_bid(
    flow: BidFlow,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write bids as a workbook: plans, projection, counties, bid, checks, assumptions, audit.

    Parameters
    ----------
    flow : BidFlow
        From `pricing.medicare.bid_flow`.
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
    owners = range(flow.plans.n_rows)
    grids = (
        Grid("plans", "Plans", "Plans", tuple(input_lines(flow.plans, PLANS)), owners, note=BID_NOTE),
        _projection(flow),
        _counties(flow),
        Grid("bid", "Bid", "From medical cost to premium", tuple(_bid_lines(flow)), owners, note=BID_NOTE),
        checks_grid(flow.plans, flow.checks, _conditions(flow), note=_CHECKS_NOTE),
        assumptions_grid(flow.rates, PARAMETERS),
    )
    made_from = {**flow.run, "rebate order": ", ".join(flow.rebate_order)}
    book = Book(f"Bids for {flow.rates.year}", grids, made_from, flow.rates)
    return write_book(book, path, run=run, overwrite=overwrite)


def bid_from_workbook(path: str | os.PathLike[str], *, payment_year: int, **options: Any) -> BidFlow:
    """Return the library's bids for what the inputs of a workbook hold now, its assumptions among them.

    Parameters
    ----------
    path : path
        A workbook that `write_bid` wrote; a spreadsheet program may have saved it since.
    payment_year : int
        The workbook's.
    **options
        Of `bid_flow`: ``rebate_order``.

    Returns
    -------
    BidFlow

    Raises
    ------
    InputError
        As `pricing.worksheets.read.read_inputs` and `bid_flow` say.
    """
    inputs = read_inputs(path)
    rates = own_rates(inputs, load_rates("medicare", payment_year))
    return bid_flow(
        with_flags(inputs["plans"], PLANS), experience=inputs["projection"], service_area=inputs["counties"],
        payment_year=payment_year, rates=rates, **options,
    )  # fmt: skip


def _projection(flow: BidFlow) -> Grid:
    lines = tuple(input_lines(flow.experience, EXPERIENCE))
    names = {line.key for line in lines}
    found = tuple(formula_line(entry, flow.lines[entry.key], names) for entry in PROJECTION)
    title = "Base experience and projected cost by service category"
    return Grid("projection", "Projection", title, (*lines, *found), flow.line_plans.tolist(), is_across=False, note=BID_NOTE)  # fmt: skip # noqa: E501


def _counties(flow: BidFlow) -> Grid:
    isar = Formula("isar", "ISAR", "{rate}/{bid.standardised_benchmark}", "ratio", "factor")
    paid = Formula("payment_rate", "payment rate at 1.000", "{isar}*{bid.standardised_bid}")
    lines = (
        *input_lines(flow.counties, COUNTIES),
        formula_line(isar, flow.isar),
        formula_line(paid, flow.payment_rates),
    )
    return Grid("counties", "Counties", "Service areas", lines, flow.county_plans.tolist(), is_across=False)


def _bid_lines(flow: BidFlow) -> Iterator[Line]:
    yield plan_label(flow.plans)
    for entry in (*BID, *_rebate_uses(flow), *PREMIUMS):
        yield formula_line(entry, flow.numbers[entry.key])


def _rebate_uses(flow: BidFlow) -> Iterator[Formula]:
    """Yield the rebate's uses in the order in which it is spent: each takes what it can of what is left."""
    left = "{rebate}"
    for place, use in enumerate(flow.rebate_order):
        section = "" if place else "Rebate spent (worksheet 6)"
        text = f"MIN({{{use}_room}},{left})"
        yield Formula(f"rebate_{use}", f"for {words(use)}", text, field="WS6", section=section)
        left += f"-{{rebate_{use}}}"
    yield Formula("rebate_unused", "not used", left, field="WS6")


def _conditions(flow: BidFlow) -> dict[str, str]:
    """Return when each check flags, in the library's words for it."""
    points = rate_cell("margin_consistency_points")
    conditions = {
        "margin is not negative": "{bid.total_margin_share}<0",
        "cost sharing is at most original Medicare's": "{bid.cost_sharing_reduction}<-1E-9",
        "the rebate is used": "{bid.rebate_unused}>0.5/100",
        "margins agree, special needs with general plans": f"IFERROR(ABS({_margin(YES)}-{_margin(NO)})>{points},FALSE)",
        "margins agree, Part D with medical benefits":
            f"ABS({{plans.part_d_margin_share}}-{{bid.total_margin_share}})>{points}",
        "rise of total beneficiary cost":
            "{bid.total_beneficiary_cost}-{plans.previous_total_beneficiary_cost}>" + rate_cell("tbc_change_limit"),
        "the out-of-pocket maximum is within its limit":
            "{plans.out_of_pocket_maximum}>" + rate_cell("moop_in_network"),
    }  # fmt: skip
    made = set(flow.checks["check"].to_pylist())
    return {name: condition for name, condition in conditions.items() if name in made}


def _margin(is_snp: str) -> str:
    """Return the margin of all special needs plans, or of all others, as a share of their revenue."""
    of_kind = f'({{plans.is_snp:all}}="{is_snp}")*{{bid.member_months:all}}'
    return f"SUMPRODUCT({of_kind}*{{bid.gain:all}})/SUMPRODUCT({of_kind}*{{bid.required_revenue:all}})"
