"""The state payment transfer formula of the permanent risk adjustment program (45 CFR 153.310-153.320).

Within a state, market and pool, for each plan i in each rating area::

    T_i = k P ( PLRS_i IDF_i GCF_i / mean(PLRS IDF GCF)  -  AV_i ARF_i IDF_i GCF_i / mean(AV ARF IDF GCF) )

per billable member month: what a plan would need for its enrollees' risk, less what it may charge for their age, its
metal level and its area. P is the statewide average premium, k the year's share of it that is transferred, and means
are weighted by billable member months. Catastrophic plans are a pool of their own. Plans of a pool pay one another:
the transfers of a pool add up to zero, to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing import results
from pricing.aca.transfer_formula import (
    INPUTS,
    KEY,
    MARKET,
    PARAMETERS,
    completed,
    derivatives_of,
    find_pools,
    means_of_market,
    pool_table,
    published_means,
    read_averages,
    terms_of,
)  # fmt: skip
from pricing.errors import InputError
from pricing.inputs import Columns, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rounding import cents_that_add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_POOL = ["state", "market", "pool"]


@dataclass(frozen=True)
class RiskTransfer:
    """Transfers of a market.

    Attributes
    ----------
    market : Columns
        The inputs, with gcf, av and idf filled in.
    plans : pyarrow.Table
        One row per plan and rating area: its key, pool, risk and allowable-rating terms, transfer_pmpm [dollars per
        billable member month; positive = received] and transfer [dollars; whole cents, zero-sum within its pool].
    pools : pyarrow.Table
        One row per state, market and pool: billable member months, state averages (premium, PLRS, ARF, AV), transfer.
    rates : Rates
        Parameters used; `assumptions` lists them with their sources.
    state_averages : Columns or None
        Published averages, if the transfers are an estimate from them.
    """

    market: Columns
    plans: pa.Table
    pools: pa.Table
    rates: Rates
    _pool_of_row: npt.NDArray[np.int64]
    state_averages: Columns | None = None

    TABLES: ClassVar[Mapping[str, str]] = {
        "plans": "transfers",
        "pools": "transfer_pools",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    @property
    def run(self) -> dict[str, Any]:
        """What the transfers were made from: year, checksum of the parameters, rows, pools and warnings."""
        return {
            "benefit_year": self.rates.year,
            "parameters_sha256": self.rates.sha256,
            "rows": self.market.n_rows,
            "pools": self.pools.num_rows,
            "averages": "of the market" if self.state_averages is None else "published",
            "warnings": list(self.warnings),
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """Pools of the market that have one issuer only, who pays nobody; in words."""
        if self.state_averages is not None:
            return ()
        issuers = (
            self.plans.select([*_POOL, "issuer_id"])
            .group_by(_POOL)
            .aggregate([("issuer_id", "count_distinct")])
        )
        alone = issuers.filter(pc.equal(issuers["issuer_id_count_distinct"], 1)).select(_POOL).to_pylist()
        if not alone:
            return ()
        named = ", ".join(" ".join(pool.values()) for pool in alone)
        return (
            f"{len(alone):,} of {issuers.num_rows:,} pools have one issuer only ({named}), who pays nobody; give every "
            "issuer's plans, or state_averages",
        )

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)

    def summary(self) -> pd.DataFrame:
        """Return transfers by issuer, market and pool: member months, premium, dollars, and share of premium."""
        frame = self.plans.to_pandas()
        frame["premium"] = frame["premium_pmpm"] * frame["billable_member_months"]
        sums = frame.groupby([*_POOL, "issuer_id"], as_index=False)[
            ["billable_member_months", "premium", "transfer"]
        ].sum()
        sums["transfer"] = sums["transfer"].round(2)
        sums["transfer_pmpm"] = sums["transfer"] / sums["billable_member_months"]
        sums["share_of_premium"] = sums["transfer"] / sums["premium"]
        return sums

    def sensitivities(self, *, issuer_id: str) -> pa.Table:
        """Return the derivatives of an issuer's total transfer to every plan's inputs, its own and its competitors'.

        Parameters
        ----------
        issuer_id : str

        Returns
        -------
        pyarrow.Table
            One row per plan and rating area of the pools that the issuer is in: the key, is_own, and for each input x
            of plrs, arf, premium_pmpm and billable_member_months ``d_transfer_d_x`` [dollars per unit of x; exact,
            with the other inputs and the geographic cost factors held] and ``per_percent_x`` [dollars for one percent
            more of x, to first order]. Published state averages stay as they are.

        Raises
        ------
        InputError
            The market has no such issuer.
        """
        own = self._rows_of_issuer(issuer_id)
        derivatives = {name: np.zeros(self.market.n_rows) for name in INPUTS}
        in_pool = np.isin(self._pool_of_row, self._pool_of_row[own])
        share = self.rates.number("transfer_premium_share")
        for pool in np.unique(self._pool_of_row[own]):
            rows = np.flatnonzero(self._pool_of_row == pool)
            means = self._published_means(pool)
            found = derivatives_of(self.market, rows, own[rows], share, means=means)
            for name, values in found.items():
                derivatives[name][rows] = values
        columns: dict[str, Any] = {name: pa.array(self.market[name][in_pool]) for name in KEY}
        columns["is_own"] = pa.array(own[in_pool])
        for name, values in derivatives.items():
            columns[f"d_transfer_d_{name}"] = pa.array(values[in_pool])
            columns[f"per_percent_{name}"] = pa.array((values * self.market[name] / 100)[in_pool])
        return pa.table(columns)

    def what_if(
        self,
        *,
        where: Mapping[str, object],
        multiply: Mapping[str, float] | None = None,
        set_to: Mapping[str, Any] | None = None,
    ) -> RiskTransfer:
        """Return the transfers of the same market with some inputs changed.

        Parameters
        ----------
        where : mapping
            Which rows: column -> value or values, such as ``{"issuer_id": "12345"}`` (a competitor, or oneself).
        multiply, set_to : mapping
            Column -> factor, or -> new value: ``multiply={"plrs": 1.02}``, ``set_to={"metal_level": "gold"}``.
            A new metal level brings its own AV and IDF. Geographic cost factors stay unless given, and so do published
            state averages.

        Raises
        ------
        InputError
            No row, or no such column, or the changed market is impossible.
        """
        chosen = self._rows_where(where)
        arrays = dict(self.market.arrays)
        for name in (*(multiply or {}), *(set_to or {})):
            if name not in arrays:
                raise InputError(f"a market has no column '{name}'; it has: {', '.join(arrays)}.")
        for name, factor in (multiply or {}).items():
            if arrays[name].dtype == object:
                raise InputError(f"'{name}' is text; multiply numbers, and give it with set_to.")
            arrays[name] = np.where(chosen, arrays[name] * factor, arrays[name])
        for name, value in (set_to or {}).items():
            arrays[name] = _replaced(arrays[name], chosen, value)
        if "metal_level" in (set_to or {}):
            for name, parameter in (("av", "transfer_av"), ("idf", "transfer_idf")):
                new = self.rates.number(parameter, str((set_to or {})["metal_level"]).lower())
                arrays[name] = np.where(chosen, new, arrays[name])
        changed = Columns(self.market.label, self.market.n_rows, arrays)
        return risk_transfer(
            changed, benefit_year=self.rates.year, state_averages=self.state_averages, rates=self.rates
        )

    def plot(self) -> Figure:
        """Return a figure: transfers by issuer, and as a share of premium."""
        from pricing.aca.transfer_plots import plot_transfers

        return plot_transfers(self)

    def _published_means(self, pool: int) -> dict[str, float] | None:
        """Return the published means of a pool; None where they are those of the market."""
        if self.state_averages is None:
            return None
        means = published_means(self.state_averages, [find_pools(self.market)[0][pool]])
        return {name: float(values[0]) for name, values in means.items()}

    def _rows_of_issuer(self, issuer_id: str) -> npt.NDArray[np.bool_]:
        return self._rows_where({"issuer_id": issuer_id})

    def _rows_where(self, where: Mapping[str, object]) -> npt.NDArray[np.bool_]:
        chosen = np.ones(self.market.n_rows, np.bool_)
        for name, values in where.items():
            if name not in self.market:
                raise InputError(f"a market has no column '{name}'; it has: {', '.join(self.market)}.")
            chosen &= self.market.holds(name, values)
        if not chosen.any():
            named = ", ".join(f"{name} = {values}" for name, values in where.items())
            raise InputError(f"no row of the market has {named}.")
        return chosen

    def __repr__(self) -> str:
        """Return what was computed."""
        return (
            f"<RiskTransfer: {self.market.n_rows:,} plan and rating-area rows, {self.pools.num_rows:,} pools, "
            f"benefit year {self.rates.year}>"
        )


def risk_transfer(
    market: Any, *, benefit_year: int, state_averages: Any = None, rates: Rates | None = None
) -> RiskTransfer:
    """Return the risk adjustment transfers between the plans of a market.

    Parameters
    ----------
    market : path, DataFrame, Arrow table, mapping or Columns
        One row per plan and rating area (`MARKET` lists the columns): state, market, issuer_id, plan_id, rating_area,
        metal_level, billable_member_months, plrs (plan liability risk score), arf (allowable rating factor),
        premium_pmpm [dollars per billable member month]; optionally gcf, av and idf. `market_of_enrollees` makes it
        from enrollee scores. Without gcf it is computed from the premiums of silver plans.
    benefit_year : int
    state_averages : path, DataFrame, Arrow table or mapping, optional
        For an issuer that knows its own plans only: the state's averages
        (`pricing.aca.transfer_formula.STATE_AVERAGES`). The market is then just some of the plans, its transfers need
        not cancel, and the formula's means of products are taken as products of means (geographic cost factors average
        1): an estimate, as good as that is.
    rates : Rates, optional
        The program's parameters; default: those that ship, for the benefit year.

    Returns
    -------
    RiskTransfer

    Raises
    ------
    InputError
        A column is missing or holds impossible values, a plan stands twice in an area, or a pool has no silver plan to
        compute geographic cost factors from.
    UnknownRateError
        The year has no parameters.

    References
    ----------
    .. [1] `mmrr2014`, `cfr153_320` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> market = {
    ...     "state": ["XX"] * 2, "market": ["individual"] * 2, "issuer_id": ["1", "2"], "plan_id": ["a", "b"],
    ...     "rating_area": ["1"] * 2, "metal_level": ["silver"] * 2, "billable_member_months": [600, 600],
    ...     "plrs": [4 / 3, 2 / 3], "arf": [1, 1], "premium_pmpm": [350, 350]}
    >>> risk_transfer(market, benefit_year=2016).plans["transfer_pmpm"].to_pylist()
    [116.66..., -116.66...]
    """
    rates = rates or load_rates("aca", benefit_year)
    columns = completed(read_columns(market, MARKET, role="market", key=KEY), rates)
    pool_names, pool_of_row = find_pools(columns)
    need, allowed = terms_of(columns)
    months = columns["billable_member_months"]
    averages = None if state_averages is None else read_averages(state_averages)
    means = (
        means_of_market(columns, need, allowed, pool_of_row)
        if averages is None
        else published_means(averages, pool_names)
    )
    relative = need / means["need"][pool_of_row] - allowed / means["allowed"][pool_of_row]
    transfer_pmpm = rates.number("transfer_premium_share") * means["premium"][pool_of_row] * relative
    dollars = transfer_pmpm * months
    if state_averages is None:
        dollars = cents_that_add_up(dollars, pool_of_row, np.zeros(len(pool_names)))
    plans = pa.table(
        {
            **{name: pa.array(columns[name]) for name in (*KEY, "metal_level")},
            "pool": pa.array([pool_names[number][2] for number in pool_of_row], pa.string()),
            **{
                name: pa.array(columns[name])
                for name in ("billable_member_months", "premium_pmpm", "plrs", "arf")
            },
            **{name: pa.array(columns[name]) for name in ("av", "idf", "gcf")},
            "risk_term": pa.array(need / means["need"][pool_of_row]),
            "rating_term": pa.array(allowed / means["allowed"][pool_of_row]),
            "transfer_pmpm": pa.array(transfer_pmpm),
            "transfer": pa.array(dollars),
        }
    )
    return RiskTransfer(
        columns, plans, pool_table(columns, pool_names, pool_of_row, dollars), rates, pool_of_row,
        averages,
    )  # fmt: skip


def _replaced(values: npt.NDArray[Any], chosen: npt.NDArray[np.bool_], value: Any) -> npt.NDArray[Any]:
    result = values.copy()
    result[chosen] = value
    return result
