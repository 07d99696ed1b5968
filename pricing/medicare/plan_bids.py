"""What bids of many plans share, Medicare Advantage and Part D: plans that are checked, one plan's bid explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.inputs import Array, Column, Columns, Numbers, read_columns
from pricing.parameters import Rates
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Bids(Protocol):
    """Bids of many plans."""

    @property
    def plans(self) -> Columns:
        """The plans, one row each."""

    @property
    def numbers(self) -> Mapping[str, Numbers]:
        """What the bids come to, by name, shape (n_plans,)."""

    @property
    def rates(self) -> Rates:
        """Yearly parameters."""

    @property
    def checks(self) -> pa.Table:
        """Rules that CMS reviews, by plan."""

    def build_up(self) -> BuildUp:
        """Return each plan's way to its bid, as named and cited steps."""


def explain(self: Bids, plan_id: str) -> BuildUp:
    """Return one plan's way to its bid, step by step, to print, plot or compare.

    Raises
    ------
    InputError
        There is no such plan.
    """
    return self.build_up().only(plan_id)


def plot(self: Bids, plan_id: str | None = None) -> Figure:
    """Return the way to one plan's bid as a waterfall; default: the first plan."""
    return self.build_up().plot(plan_id)


def summary_of(bids: Bids, names: Sequence[str]) -> pd.DataFrame:
    """Return some numbers of the bids, one row per plan (pandas)."""
    import pandas as pd

    return pd.DataFrame({"plan_id": bids.plans["plan_id"], **{name: bids.numbers[name] for name in names}})


def run_of(rates: Rates, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what bids were made from: year, checksum of the parameters, rows of each input."""
    return {"payment_year": rates.year, "parameters_sha256": rates.sha256, "counts": dict(counts)}


def shown(bids: Bids, what: str) -> str:
    """Return how many plans there are, and how many checks flag, as the text of a result."""
    flags = sum(bids.checks["is_flagged"].to_pylist())
    return f"<{what} of {bids.plans.n_rows:,} plans for {bids.rates.year}; {flags:,} checks flag>"


def read_plans(source: Any, columns: Sequence[Column]) -> Columns:
    """Return plans with both margins: that of supplemental benefits is the plan's own unless it is given.

    Raises
    ------
    InputError
        A column is missing or holds impossible values; a margin is 100 percent of revenue or more.
    """
    plans = read_columns(source, columns, role="plans", key=("plan_id",))
    if "supplemental_margin_share" not in plans:
        plans = plans.with_columns(supplemental_margin_share=plans["margin_share"])
    for name in ("margin_share", "supplemental_margin_share"):
        wrong = f"{name} is a gain or loss of 100 percent of revenue or more"
        plans.refuse(np.abs(plans[name]) >= 1, wrong, remedy="write 0.05 for 5 percent")
    return plans


def in_plan_order(
    source: Any, columns: Sequence[Column], plans: Columns, *, role: str, key: Sequence[str]
) -> tuple[Columns, Array]:
    """Return a table sorted by plan, and the place of each row's plan; every plan has a row.

    Raises
    ------
    InputError
        A column is missing or holds impossible values, a plan is unknown, or one has no row.
    """
    table = read_columns(source, columns, role=role, key=key)
    places = {plan: place for place, plan in enumerate(plans["plan_id"])}
    unknown = [plan for plan in table["plan_id"] if plan not in places]
    if unknown:
        raise InputError(
            f"{table.label}: plan '{unknown[0]}' is not among the plans{nearest(unknown[0], places)}."
        )
    owners = np.array([places[plan] for plan in table["plan_id"]], np.int64)
    plans.refuse(np.bincount(owners, minlength=plans.n_rows) == 0, f"plans without a row in {role}")
    order = np.argsort(owners, kind="stable")
    return Columns(table.label, table.n_rows, {name: table[name][order] for name in table}), owners[order]
