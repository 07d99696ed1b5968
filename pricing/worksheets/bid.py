"""Bids as a workbook: inputs of plans, experience and counties; worksheets 1 to 6 as live formulas."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Columns
from pricing.medicare.bid_flow import COUNTIES, PARAMETERS, PLANS, BidFlow, bid_flow
from pricing.medicare.bid_projection import EXPERIENCE, UNIT_COST_FACTORS, UTILIZATION_FACTORS
from pricing.parameters import load_rates
from pricing.worksheets.audit import ASSUMPTIONS, assumptions_grid, audit, parameter_key
from pricing.worksheets.bid_lines import BID, NO, PREMIUMS, PROJECTION, YES, Formula, rate_cell
from pricing.worksheets.grids import FLAG, OK, Book, Grid, Line, plain_values
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book

_LABELS = ("plan_id", "service_category", "county_code")
_ABBREVIATIONS = {"esrd": "ESRD", "ffs": "FFS", "pmpm": "PMPM", "snp": "special needs plan"}
_NOTE = "Yellow cells are inputs; the others follow from them. Dollars are per member and month."
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
        From `pricing.medicare.bid_flow.bid_flow`.
    path : path
        Ends in .xlsx.
    run : mapping, optional
        More for the audit sheet, such as the run report of the scores behind the risk scores.
    overwrite : bool

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
        Grid("plans", "Plans", "Plans", tuple(_inputs(flow.plans, PLANS)), owners, note=_NOTE),
        _projection(flow),
        _counties(flow),
        Grid("bid", "Bid", "From medical cost to premium", tuple(_bid_lines(flow)), owners, note=_NOTE),
        Grid(
            "checks",
            "Checks",
            "Checks",
            tuple(_check_lines(flow)),
            owners,
            note=_CHECKS_NOTE,
        ),
        assumptions_grid(flow.rates, PARAMETERS),
    )
    audited = audit(flow.rates, {**flow.run, "rebate order": ", ".join(flow.rebate_order), **(run or {})})
    return write_book(Book(f"Bids for {flow.rates.year}", grids, audited), path, overwrite=overwrite)


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

    Raises
    ------
    InputError
        As `pricing.worksheets.read.read_inputs` and `bid_flow` say.
    """
    inputs = read_inputs(path)
    rates = load_rates("medicare", payment_year)
    held = inputs[ASSUMPTIONS]
    own: dict[str | tuple[str, object], object] = {}
    for place, entry in rates.parameters.items():
        key = parameter_key(*place)
        if key in held.column_names and held[key][0].as_py() != float(entry.value):
            own[place] = held[key][0].as_py()
    return bid_flow(
        _with_flags(inputs["plans"]), experience=inputs["projection"], service_area=inputs["counties"],
        payment_year=payment_year, rates=rates.with_values(own), **options,
    )  # fmt: skip


def _with_flags(plans: pa.Table) -> pa.Table:
    """Return the plans with their flags as truth values again."""
    for column in PLANS:
        if column.kind == "flag":
            place, words = plans.column_names.index(column.name), plans[column.name].to_pylist()
            if not set(words) <= {YES, NO}:
                raise InputError(f"input 'plans.{column.name}' holds something else than {YES} and {NO}.")
            plans = plans.set_column(place, column.name, pa.array([word == YES for word in words]))
    return plans


def _inputs(table: Columns, columns: tuple[Column, ...]) -> Iterator[Line]:
    """Yield the columns of an input table that are there, as lines."""
    for column in columns:
        if column.name in table:
            values = plain_values(table[column.name])
            if column.kind == "flag":
                values = [YES if value else NO for value in values]
            is_label = column.name in _LABELS
            look, unit = ("text", "") if column.kind in ("text", "flag") else _look(column.name)
            yield Line(column.name, _words(column.name), values, unit, look=look, is_label=is_label)


def _words(name: str) -> str:
    """Return a column's name as people write it."""
    words = name.removesuffix("_per_1000").removeprefix("is_").split("_")
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in words)
    return text.replace("part d", "Part D").replace("part b", "Part B")


def _look(name: str) -> tuple[str, str]:
    """Return how a column of an input looks, and its unit."""
    if name in (*UTILIZATION_FACTORS, *UNIT_COST_FACTORS, "projected_risk_score"):
        return "factor", "factor"
    if name.endswith(("_share", "_coinsurance")):
        return "percent", "share"
    if name.endswith("member_months"):
        return "count", "member months"
    if name.endswith("_per_1000"):
        return "dollars", "per 1,000 a year"
    if name == "stars":
        return "stars", "stars"
    return "dollars", "dollars"


def _projection(flow: BidFlow) -> Grid:
    lines = tuple(_inputs(flow.experience, EXPERIENCE))
    names = {line.key for line in lines}
    found = tuple(_formula_line(entry, flow.lines[entry.key], names) for entry in PROJECTION)
    title = "Base experience and projected cost by service category"
    return Grid("projection", "Projection", title, (*lines, *found), flow.line_plans.tolist(), is_across=False, note=_NOTE)  # fmt: skip # noqa: E501


def _counties(flow: BidFlow) -> Grid:
    isar = Formula("isar", "ISAR", "{rate}/{bid.standardised_benchmark}", "ratio", "factor")
    paid = Formula("payment_rate", "payment rate at 1.000", "{isar}*{bid.standardised_bid}")
    lines = (
        *_inputs(flow.counties, COUNTIES),
        _formula_line(isar, flow.isar),
        _formula_line(paid, flow.payment_rates),
    )
    return Grid("counties", "Counties", "Service areas", lines, flow.county_plans.tolist(), is_across=False)


def _formula_line(entry: Formula, values: Any, names: set[str] | None = None) -> Line:
    """Return a formula as a line; without manual rates their columns stand for zero."""
    text = entry.text
    for manual in ("manual_utilization_per_1000", "manual_unit_cost"):
        if names is not None and manual not in names:
            text = text.replace(f"{{{manual}}}", "0")
    return Line(
        entry.key, entry.label, plain_values(values), entry.unit, field=entry.field, formula=text, look=entry.look,
        section=entry.section, is_total=entry.is_total,
    )  # fmt: skip


def _bid_lines(flow: BidFlow) -> Iterator[Line]:
    yield _plan_label(flow)
    for entry in (*BID, *_rebate_uses(flow), *PREMIUMS):
        yield _formula_line(entry, flow.numbers[entry.key])


def _plan_label(flow: BidFlow) -> Line:
    return Line("plan_id", "plan", plain_values(flow.plans["plan_id"]), look="text", is_label=True)


def _rebate_uses(flow: BidFlow) -> Iterator[Formula]:
    """Yield the rebate's uses in the order in which it is spent: each takes what it can of what is left."""
    left = "{rebate}"
    for place, use in enumerate(flow.rebate_order):
        section = "" if place else "Rebate spent (worksheet 6)"
        text = f"MIN({{{use}_room}},{left})"
        yield Formula(f"rebate_{use}", f"for {_words(use)}", text, field="WS6", section=section)
        left += f"-{{rebate_{use}}}"
    yield Formula("rebate_unused", "not used", left, field="WS6")


def _check_lines(flow: BidFlow) -> Iterator[Line]:
    """Yield each check of the library as a formula."""
    yield _plan_label(flow)
    for name, condition in _conditions(flow).items():
        rows = flow.checks.filter([check == name for check in flow.checks["check"].to_pylist()])
        found = [FLAG if flagged else OK for flagged in rows["is_flagged"].to_pylist()]
        key = "check_" + "_".join(name.split()[:6]).replace(",", "").replace("'", "").lower()
        yield Line(key, name, found, formula=f'IF({condition},"{FLAG}","{OK}")', look="check")


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
    }  # fmt: skip
    made = set(flow.checks["check"].to_pylist())
    return {name: condition for name, condition in conditions.items() if name in made}


def _margin(is_snp: str) -> str:
    """Return the margin of all special needs plans, or of all others, as a share of their revenue."""
    of_kind = f'({{plans.is_snp:all}}="{is_snp}")*{{bid.member_months:all}}'
    return f"SUMPRODUCT({of_kind}*{{bid.gain:all}})/SUMPRODUCT({of_kind}*{{bid.required_revenue:all}})"
