"""What CMS's reviewers look at in a bid: margins, actuarial equivalence, unused rebate, change of beneficiary cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pricing.inputs import Array, Numbers

if TYPE_CHECKING:
    from pricing.medicare.bid_worksheets import BidFlow

_SCHEMA = pa.schema(
    [("plan_id", pa.string()), ("check", pa.string()), ("value", pa.float64()), ("limit", pa.float64()),
     ("unit", pa.string()), ("is_flagged", pa.bool_()), ("message", pa.string())]
)  # fmt: skip
_SHARE, _DOLLARS = "share of revenue", "dollars per member and month"
HALF_CENT = 0.5 / 100


@dataclass(frozen=True)
class Check:
    """One rule on all plans.

    Attributes
    ----------
    values : ndarray of float64, shape (n_plans,)
        What is held against the limit. [`unit`]
    limit : float
        [`unit`]
    is_flagged : ndarray of bool, shape (n_plans,)
        [yes or no]
    message : str
        What a flag asks of the plan.
    """

    name: str
    values: Numbers
    limit: float
    unit: str
    is_flagged: Array
    message: str


def bid_checks(flow: BidFlow) -> pa.Table:
    """Return every check of every plan: plan_id, check, value, limit, unit, is_flagged, message.

    References
    ----------
    .. [1] 42 CFR 422.100(f)(4), 422.254, 422.256, 422.266; `bpt_instructions`, `announcements` in
       pricing/rates/medicare/manifest.toml, where limits are marked that are not verified.
    """
    return check_table(_checks(flow), flow.plans["plan_id"])


def check_table(checks: Iterable[Check], plan_ids: Array) -> pa.Table:
    """Return one row per check and plan: plan_id, check, value, limit, unit, is_flagged, message."""
    rows = [
        {
            "plan_id": plan, "check": check.name, "value": float(check.values[place]), "limit": check.limit,
            "unit": check.unit, "is_flagged": bool(check.is_flagged[place]),
            "message": check.message if check.is_flagged[place] else "",
        }
        for check in checks
        for place, plan in enumerate(plan_ids)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, _SCHEMA)


def _checks(flow: BidFlow) -> Iterator[Check]:
    numbers = flow.numbers
    margin = numbers["total_margin_share"]
    yield Check("margin is not negative", margin, 0.0, _SHARE, margin < 0, "a loss needs a business plan")
    reduction = numbers["cost_sharing_reduction"]
    yield Check(
        "cost sharing is at most original Medicare's", reduction, 0.0, _DOLLARS, reduction < -1e-9,
        "cost sharing of Medicare-covered services is above its actuarial equivalent",
    )  # fmt: skip
    unused = numbers["rebate_unused"]
    yield Check(
        "the rebate is used", unused, HALF_CENT, _DOLLARS, unused > HALF_CENT,
        "the whole rebate must go to benefits or premiums; add benefits or a buy-down",
    )  # fmt: skip
    if (flow.plans["is_snp"] != flow.plans["is_snp"][0]).any():
        yield _between_kinds(flow)
    if "part_d_margin_share" in flow.plans:
        yield _against_part_d(flow)
    if "previous_total_beneficiary_cost" in flow.plans:
        yield _change_of_cost(flow)
    if "out_of_pocket_maximum" in flow.plans:
        yield _out_of_pocket(flow)


def _between_kinds(flow: BidFlow) -> Check:
    is_snp, months = flow.plans["is_snp"].astype(bool), flow.numbers["member_months"]
    revenue, gain = flow.numbers["required_revenue"] * months, flow.numbers["gain"] * months
    apart = gain[is_snp].sum() / revenue[is_snp].sum() - gain[~is_snp].sum() / revenue[~is_snp].sum()
    limit = flow.rates.number("margin_consistency_points")
    values = np.full(len(is_snp), abs(apart))
    message = (
        "margins of special needs and of general plans differ by more than the limit; explain or change them"
    )
    return Check(
        "margins agree, special needs with general plans", values, limit, _SHARE, values > limit, message
    )


def _against_part_d(flow: BidFlow) -> Check:
    limit = flow.rates.number("margin_consistency_points")
    apart = np.abs(flow.plans["part_d_margin_share"] - flow.numbers["total_margin_share"])
    message = (
        "margins of Part D and of medical benefits differ by more than the limit; explain or change them"
    )
    return Check("margins agree, Part D with medical benefits", apart, limit, _SHARE, apart > limit, message)


def _change_of_cost(flow: BidFlow) -> Check:
    limit = flow.rates.number("tbc_change_limit")
    change = flow.numbers["total_beneficiary_cost"] - flow.plans["previous_total_beneficiary_cost"]
    message = "members' total cost rises by more than the limit"
    return Check("rise of total beneficiary cost", change, limit, _DOLLARS, change > limit, message)


def _out_of_pocket(flow: BidFlow) -> Check:
    limit, maximum = flow.rates.number("moop_in_network"), flow.plans["out_of_pocket_maximum"]
    message = "it is above CMS's limit of the year for care in network; lower it"
    return Check(
        "the out-of-pocket maximum is within its limit",
        maximum,
        limit,
        "dollars a year",
        maximum > limit,
        message,
    )
