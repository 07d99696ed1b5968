"""The terms of the risk transfer formula: pools, means, geographic cost factors, whole cents, derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.parameters import Rates

METAL_LEVELS = ("catastrophic", "bronze", "silver", "gold", "platinum")
CATASTROPHIC = METAL_LEVELS[0]
PARAMETERS = ("transfer_av", "transfer_idf", "transfer_premium_share")

_STATE_MARKET = (
    Column("state", "text"),
    Column("market", "text", allowed=("individual", "small_group", "merged")),
)
#: What tells a plan and rating area, of a market or of an enrollee.
PLAN_COLUMNS = (
    *_STATE_MARKET,
    Column("issuer_id", "text"),
    Column("plan_id", "text"),
    Column("rating_area", "text"),
    Column("metal_level", "text", allowed=METAL_LEVELS),
)
PLAN = tuple(column.name for column in PLAN_COLUMNS)
#: Columns of a market: one row per plan and rating area.
MARKET = (
    *PLAN_COLUMNS,
    Column("billable_member_months", above=0.0),
    Column("plrs", above=0.0),
    Column("arf", above=0.0),
    Column("premium_pmpm", above=0.0),
    Column("gcf", default=..., above=0.0),
    Column("av", default=..., above=0.0, maximum=1.0),
    Column("idf", default=..., above=0.0),
)
KEY = ("state", "market", "issuer_id", "plan_id", "rating_area")
#: Inputs whose effect on a transfer `sensitivities` gives.
INPUTS = ("plrs", "arf", "premium_pmpm", "billable_member_months")

#: Columns of published state averages: one row per state, market and pool.
STATE_AVERAGES = (
    *_STATE_MARKET,
    Column("pool", "text", allowed=("metal", CATASTROPHIC)),
    *(Column(name, above=0.0) for name in ("premium_pmpm", "plrs", "arf", "av", "idf")),
)


def means_of_market(
    columns: Columns, need: Numbers, allowed: Numbers, pool_of_row: npt.NDArray[np.int64]
) -> dict[str, Numbers]:
    """Return the means of each pool, weighted by billable member months."""
    months = columns["billable_member_months"]
    total = np.bincount(pool_of_row, months)
    terms = {"need": need, "allowed": allowed, "premium": columns["premium_pmpm"]}
    return {name: np.bincount(pool_of_row, months * values) / total for name, values in terms.items()}


_POOL = ("state", "market", "pool")


def read_averages(state_averages: Any) -> Columns:
    """Return published averages, checked: a row for each pool."""
    return read_columns(state_averages, STATE_AVERAGES, role="state_averages", key=_POOL)


def published_means(columns: Columns, pool_names: Sequence[tuple[str, str, str]]) -> dict[str, Numbers]:
    """Return the means of each pool from published averages: products of means stand for means of products."""
    keys = list(zip(*(columns[name] for name in _POOL), strict=True))
    lacking = [name for name in pool_names if name not in keys]
    if lacking:
        raise InputError(
            f"{columns.label} has no row for {', '.join(lacking[0])}; give every pool of the market one."
        )
    rows = np.array([keys.index(name) for name in pool_names])
    return {
        "need": (columns["plrs"] * columns["idf"])[rows],
        "allowed": (columns["av"] * columns["arf"] * columns["idf"])[rows],
        "premium": columns["premium_pmpm"][rows],
    }


def completed(columns: Columns, rates: Rates) -> Columns:
    """Fill in AV and IDF by metal level, and the geographic cost factors, where the market does not give them."""
    arrays: dict[str, Any] = {}
    for name, parameter in (("av", "transfer_av"), ("idf", "transfer_idf")):
        if name not in columns:
            by_metal = rates.by_key(parameter)
            arrays[name] = np.array([by_metal[metal] for metal in columns["metal_level"]])
    if "gcf" not in columns:
        arrays["gcf"] = geographic_cost_factors(columns)
    return columns.with_columns(**arrays)


def geographic_cost_factors(columns: Columns) -> Numbers:
    """Return each row's geographic cost factor: its area's age-standardised premium against the state's.

    Premiums are those of silver plans (of catastrophic plans in their pool), each divided by its allowable rating
    factor, averaged by billable member months; the state's average weighs areas by the same months.

    Parameters
    ----------
    columns : Columns
        A market with premium_pmpm, arf and billable_member_months.

    Returns
    -------
    ndarray of float64, shape (n_rows,)

    Raises
    ------
    InputError
        An area has no silver (or catastrophic) plan: its factor cannot be computed.
    """
    names, pool_of_row = find_pools(columns)
    is_base = (columns["metal_level"] == "silver") | (columns["metal_level"] == CATASTROPHIC)
    areas, area_of_row = np.unique(
        [f"{pool}|{area}" for pool, area in zip(pool_of_row, columns["rating_area"], strict=True)],
        return_inverse=True,
    )
    months = np.where(is_base, columns["billable_member_months"], 0.0)
    premium = months * columns["premium_pmpm"] / columns["arf"]
    by_area = np.bincount(area_of_row, months, len(areas))
    columns.refuse(
        (by_area == 0)[area_of_row],
        "no silver plan in the rating area to compute a geographic cost factor from; give the column gcf;",
    )
    in_area = np.bincount(area_of_row, premium, len(areas)) / by_area
    in_state = np.bincount(pool_of_row, premium, len(names)) / np.bincount(pool_of_row, months, len(names))
    return in_area[area_of_row] / in_state[pool_of_row]


def find_pools(columns: Columns) -> tuple[list[tuple[str, str, str]], npt.NDArray[np.int64]]:
    """Return the pools (state, market, "metal" or "catastrophic"), sorted, and the pool of each row."""
    kinds = np.where(columns["metal_level"] == CATASTROPHIC, CATASTROPHIC, "metal")
    keys = list(zip(columns["state"], columns["market"], kinds.tolist(), strict=True))
    names = sorted(set(keys))
    number = {name: position for position, name in enumerate(names)}
    return names, np.array([number[key] for key in keys], np.int64)


def terms_of(columns: Columns) -> tuple[Numbers, Numbers]:
    """Return PLRS x IDF x GCF and AV x ARF x IDF x GCF of each row."""
    common = columns["idf"] * columns["gcf"]
    return columns["plrs"] * common, columns["av"] * columns["arf"] * common


def pool_table(
    columns: Columns,
    names: Sequence[tuple[str, str, str]],
    pool_of_row: npt.NDArray[np.int64],
    dollars: Numbers,
) -> pa.Table:
    """Return one row per pool: months, means weighted by them, what is transferred in all, and what is left over.

    Parameters
    ----------
    names : sequence of (state, market, pool)
    pool_of_row : ndarray of int64, shape (n_plans,)
    dollars : ndarray of float64, shape (n_plans,)
        Transfer of each plan, positive if received.
    """
    months = columns["billable_member_months"]
    n_pools = len(names)
    total = np.bincount(pool_of_row, months, n_pools)
    means = {
        f"mean_{name}": pa.array(np.bincount(pool_of_row, months * columns[name], n_pools) / total)
        for name in ("premium_pmpm", "plrs", "arf", "av")
    }
    paid = np.bincount(pool_of_row, np.maximum(dollars, 0.0), n_pools)
    keys = {
        name: pa.array([row[place] for row in names])
        for place, name in enumerate(("state", "market", "pool"))
    }
    return pa.table(
        {
            **keys,
            "billable_member_months": pa.array(total),
            **means,
            "transferred": pa.array(np.round(paid, 2)),
            "net_transfer": pa.array(np.round(np.bincount(pool_of_row, dollars, n_pools), 2) + 0.0),
        }
    )


def derivatives_of(
    market: Columns,
    rows: npt.NDArray[np.int64],
    own: npt.NDArray[np.bool_],
    share: float,
    *,
    means: Mapping[str, float] | None = None,
) -> dict[str, Numbers]:
    """Return the derivatives of the own rows' total transfer in one pool; D = k SP (GA / SA - GB / SB).

    SP, SA and SB are the pool's sums over months of premium, need and allowed; GA and GB those of the own rows. Means
    that are published do not move with any plan.
    """
    part = Columns(market.label, len(rows), {name: market[name][rows] for name in market})
    if means is not None:
        return _derivatives_at(part, own, share, means)
    months, premium = part["billable_member_months"], part["premium_pmpm"]
    need, allowed = terms_of(part)
    sums = {"p": (months * premium).sum(), "a": (months * need).sum(), "b": (months * allowed).sum()}
    own_need, own_allowed = (months * need)[own].sum(), (months * allowed)[own].sum()
    gap = own_need / sums["a"] - own_allowed / sums["b"]
    by_need = (own - own_need / sums["a"]) / sums["a"]
    by_allowed = (own - own_allowed / sums["b"]) / sums["b"]
    common = part["idf"] * part["gcf"]
    return {
        "plrs": share * sums["p"] * months * common * by_need,
        "arf": -share * sums["p"] * months * part["av"] * common * by_allowed,
        "premium_pmpm": share * months * gap,
        "billable_member_months": share
        * (premium * gap + sums["p"] * (need * by_need - allowed * by_allowed)),
    }


def _derivatives_at(
    part: Columns, own: npt.NDArray[np.bool_], share: float, means: Mapping[str, float]
) -> dict[str, Numbers]:
    """Return the derivatives where the means of need, allowed and premium are given numbers."""
    need, allowed = terms_of(part)
    dollars, common = share * means["premium"] * own, part["idf"] * part["gcf"]
    by_month = dollars * part["billable_member_months"] * common
    return {
        "plrs": by_month / means["need"],
        "arf": -by_month * part["av"] / means["allowed"],
        "premium_pmpm": np.zeros(part.n_rows),
        "billable_member_months": dollars * (need / means["need"] - allowed / means["allowed"]),
    }
