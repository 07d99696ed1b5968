"""What reviewers look at in a Part D bid: margins, actuarial equivalence, premiums that would be negative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pricing.medicare.bid_checks import Check, check_table
from pricing.medicare.drug_designs import ENHANCED
from pricing.medicare.part_d_premiums import adjusted_premium

if TYPE_CHECKING:
    from pricing.medicare.part_d_bid import PartDBids

_SHARE, _DOLLARS = "share of revenue", "dollars per member and month"


def part_d_checks(bids: PartDBids) -> pa.Table:
    """Return every check of every plan: plan_id, check, value, limit, unit, is_flagged, message.

    References
    ----------
    .. [1] 42 CFR 423.265, 423.272, 423.286 (d); `usc1395w102` in pricing/rates/medicare/manifest.toml.
    """
    return check_table(_checks(bids), bids.plans["plan_id"])


def _checks(bids: PartDBids) -> Iterator[Check]:
    numbers = bids.numbers
    margin = numbers["margin"]
    yield Check("margin is not negative", margin, 0.0, _SHARE, margin < 0, "a loss needs a business plan")
    adjusted = adjusted_premium(numbers["standardised_bid"], bids.rates)
    yield Check(
        "basic premium is not negative", adjusted, 0.0, _DOLLARS, adjusted < 0,
        "members pay 0; what is below 0 raises the direct subsidy and lowers the supplemental premium",
    )  # fmt: skip
    extra = numbers["supplemental_premium"]
    is_flagged = (bids.coverage["kind"] == ENHANCED) & (extra <= 0)
    yield Check(
        "enhanced plans have a supplemental premium", extra, 0.0, _DOLLARS, is_flagged,
        "an enhanced benefit that adds nothing is no enhanced benefit",
    )  # fmt: skip
    if bids.experience is not None:
        failed = _failed_tests(bids)
        yield Check(
            "the design passes its tests of equivalence", failed, 0.0, "tests failed", failed > 0,
            "change cost sharing, or the kind of benefit; part_d_tests says which test",
        )  # fmt: skip


def _failed_tests(bids: PartDBids) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    assert bids.experience is not None
    rows = bids.experience.tests.to_pylist()
    failed = [
        float(sum(row["plan_id"] == plan and not row["is_met"] for row in rows))
        for plan in bids.plans["plan_id"]
    ]
    return np.array(failed)
