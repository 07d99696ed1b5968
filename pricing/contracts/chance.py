"""How much of a settlement is chance: what groups that save nothing are paid, by size of panel and group by group."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.contracts.panel import Panel, read_panel
from pricing.contracts.resampling import Pool
from pricing.contracts.settlement import Settlement
from pricing.contracts.sharing import share_gap
from pricing.contracts.terms import Contract, Sharing
from pricing.errors import InputError
from pricing.experience.assumptions import GIVEN, RULE, Assumption, assumption_table, chosen
from pricing.inputs import Numbers
from riskadj.extracts.order import in_order

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ONE_IN_20 = 0.05
SIZES = (500, 1_000, 2_500, 5_000, 10_000, 20_000)
DRAWS = 2_500


@dataclass(frozen=True)
class ChanceBySize:
    """What chance does to groups of each size.

    Attributes
    ----------
    sizes : pyarrow.Table
        One row per number of members and true savings rate: members, true_savings, minimum_rate, sd_gap_rate (standard
        deviation of the gap over the benchmark), p_paid and p_owes (probability that the group is paid, or owes),
        mean_payment (share of the benchmark), mean_payment_if_paid (likewise; null where nobody is paid);
        normal_sd_gap_rate, normal_p_paid (the normal approximation, beside the simulation).
    """

    sizes: pa.Table
    assumptions: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"sizes": "chance_by_size", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    def summary(self) -> pd.DataFrame:
        """Return the probability of being paid, by members (rows) and true savings (columns)."""
        frame = self.sizes.to_pandas()
        return frame.pivot_table(index="members", columns="true_savings", values="p_paid")

    def plot(self) -> Figure:
        """Return a figure: probability of being paid, and what chance pays, by number of members."""
        from pricing.contracts.plots import plot_chance_by_size

        return plot_chance_by_size(self)


def chance_by_size(
    contract: Contract,
    panel: Any,
    *,
    period: int,
    sizes: Sequence[int] = SIZES,
    true_savings: Sequence[float] = (0.0,),
    quality_score: float = 1.0,
    draws: int = DRAWS,
    seed: int = 0,
    threads: int | None = None,
) -> ChanceBySize:
    """Return what groups of different sizes are paid by chance, and by true savings.

    Parameters
    ----------
    contract : Contract
        With benchmark and sharing.
    panel : Panel, path, DataFrame or Arrow table
        As `settle` takes it; the members of `period` are drawn from.
    period : int
        The performance year.
    sizes : sequence of int
        Members of a group.
    true_savings : sequence of float
        By how much its members cost less than expected; 0: whatever is paid is chance.
    quality_score : float
        Of every group, 0 to 1 [share of the points].
    draws : int
        Groups drawn for each size.
    seed : int
    threads : int, optional
        Default: every processor. Never changes a result.

    Returns
    -------
    ChanceBySize

    Raises
    ------
    InputError
        The contract has no benchmark and sharing, or a number is not allowed.

    Notes
    -----
    Members are drawn with replacement, in the performance period and anew in each baseline period. That members stay,
    and are sick in one year as in another, makes history a better guide than this, and chance a little smaller. Caps by
    revenue are left out.
    """
    pool, sharing = _pool(contract, panel, period)
    if not len(sizes) or min(sizes) < 2 or draws < 2 or seed < 0:
        raise InputError("sizes and draws must be 2 at least, and the seed not negative.")
    if not len(true_savings) or not all(-1 < rate < 1 for rate in true_savings):
        raise InputError("true_savings must lie between -1 and 1.")

    def of_size(n: int) -> list[dict[str, Any]]:
        ratios = pool.ratios(n, draws=draws, seed=seed)
        target = pool.benchmarks(ratios, n)
        return [_row(pool, sharing, n, rate, ratios, target, quality_score) for rate in true_savings]

    rows = [row for part in in_order(of_size, sorted(set(sizes)), _threads(threads)) for row in part]
    return ChanceBySize(
        sizes=pa.Table.from_pylist(rows, _SIZES),
        assumptions=_assumptions(pool, draws, seed, quality_score),
        run={
            "members": len(pool.amounts), "period": period, "deviation_of_a_member": pool.deviation,
            "draws": draws, "seed": seed,
        },
    )  # fmt: skip


def _pool(contract: Contract, panel: Any, period: int) -> tuple[Pool, Sharing]:
    if contract.benchmark is None or contract.sharing is None:
        raise InputError(
            f"contract '{contract.name}' shares no gap with a benchmark; there is no chance to speak of."
        )
    read = (panel if isinstance(panel, Panel) else read_panel(panel)).truncated(contract.truncation)
    return Pool.of(read, contract.benchmark, period=period), contract.sharing


def _threads(threads: int | None) -> int:
    return threads or os.cpu_count() or 1


def _shared(
    sharing: Sharing, n: int, ratios: Numbers, target: Numbers, quality_score: float
) -> tuple[Numbers, Numbers, Numbers]:
    """Return gap rate, minimum rate and amount (share of the target) of each draw."""
    quality = np.full(len(ratios), quality_score)
    shared = share_gap(
        target - ratios, target, sharing, members=np.full(len(ratios), n), quality=quality, revenue=None
    )
    return 1 - ratios / target, shared.minimum, shared.amount / target


def _row(
    pool: Pool, sharing: Sharing, n: int, rate: float, ratios: Numbers, target: Numbers, quality: float
) -> dict[str, Any]:
    from scipy.special import ndtr

    gap_rate, minimum, paid = _shared(sharing, n, (1 - rate) * ratios, target, quality)
    mean = 1 - (1 - rate) / (1 - pool.discount)
    deviation = (1 - mean) * pool.gap_deviation(n)
    least = float(minimum[gap_rate.argmax()])
    return {
        "members": n,
        "true_savings": rate,
        "minimum_rate": least,
        "sd_gap_rate": float(gap_rate.std(ddof=1)),
        "p_paid": float((paid > 0).mean()),
        "p_owes": float((paid < 0).mean()),
        "mean_payment": float(paid.mean()),
        "mean_payment_if_paid": float(paid[paid > 0].mean()) if (paid > 0).any() else None,
        "normal_sd_gap_rate": deviation,
        "normal_p_paid": float(ndtr((mean - least) / deviation)) if deviation > 0 else float(mean >= least),
    }


@dataclass(frozen=True)
class ChanceByGroup:
    """How much of each group's settlement may be chance.

    Attributes
    ----------
    groups : pyarrow.Table
        One row per group: provider_id, members, gap_rate, minimum_rate, shared_savings [dollars], sd_by_chance (of the
        gap rate), chance_of_as_much (probability that a group of its size that saves nothing shows as large a gap on
        the same side), chance_of_payment (that it is paid); credible_gap_rate (z x gap rate + (1 - z) x that of all
        groups), z, and probability_no_savings (that the true gap is not above 0); the last three null where the groups
        do not differ by more than chance makes them differ.
    run : dict
        Groups paid, and how many chance alone would have paid.
    """

    groups: pa.Table = field(repr=False)
    assumptions: pa.Table = field(repr=False)
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"groups": "chance_by_group", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    def summary(self) -> pd.DataFrame:
        """Return the groups that are paid, the least certain first."""
        frame = self.groups.to_pandas().set_index("provider_id")
        paid = frame[frame["shared_savings"] > 0]
        return paid.sort_values("chance_of_as_much", ascending=False, kind="stable")

    def plot(self) -> Figure:
        """Return a figure: gap rates by number of members, within what chance does to groups of that size."""
        from pricing.contracts.plots import plot_chance_by_group

        return plot_chance_by_group(self)


def chance_by_group(
    settlement: Settlement,
    panel: Any,
    *,
    quality_score: float = 1.0,
    draws: int = 1_000,
    seed: int = 0,
    threads: int | None = None,
) -> ChanceByGroup:
    """Return how much of each group's shared savings may be chance.

    Parameters
    ----------
    settlement : Settlement
        Of a contract with benchmark and sharing.
    panel : Panel, path, DataFrame or Arrow table
        What was settled.
    quality_score, draws, seed, threads
        As in `chance_by_size`; `draws` for each group.

    Returns
    -------
    ChanceByGroup

    Raises
    ------
    InputError
        The contract has no benchmark and sharing, or a number is not allowed.

    Notes
    -----
    chance_of_as_much is the p-value of a group's gap: small means that chance seldom does this, and not that the
    savings are real with that certainty. Among many groups some are bound to be lucky; probability_no_savings reckons
    with it, by credibility: gaps vary by chance and between groups, both normally; variance between groups by moments.
    """
    pool, sharing = _pool(settlement.contract, panel, settlement.period)
    if draws < 2 or seed < 0:
        raise InputError("draws must be 2 at least, and the seed not negative.")
    table = settlement.statements
    members = table["members"].to_numpy()
    gap_rate = table["gap_rate"].to_numpy()

    def of_group(place: int) -> tuple[float, float]:
        n, observed = int(members[place]), gap_rate[place]
        ratios = pool.ratios(n, draws=draws, seed=seed)
        drawn, _, paid = _shared(sharing, n, ratios, pool.benchmarks(ratios, n), quality_score)
        as_much = drawn >= observed if observed >= 0 else drawn <= observed
        return (1 + int(as_much.sum())) / (draws + 1), float((paid > 0).mean())

    found = np.array(list(in_order(of_group, range(len(members)), _threads(threads)))).T
    deviation = np.array([pool.gap_deviation(int(n)) for n in members])
    z, credible, none = _credible(gap_rate, deviation)
    groups = pa.table(
        {
            **{
                name: table[name]
                for name in ("provider_id", "members", "gap_rate", "minimum_rate", "shared_savings")
            },
            "sd_by_chance": deviation,
            "chance_of_as_much": found[0],
            "chance_of_payment": found[1],
            "credible_gap_rate": credible,
            "z": z,
            "probability_no_savings": none,
        }
    )
    paid = int((table["shared_savings"].to_numpy() > 0).sum())
    return ChanceByGroup(
        groups,
        _assumptions(pool, draws, seed, quality_score),
        {
            "groups": len(members), "groups_paid": paid, "groups_paid_by_chance_alone": float(found[1].sum()),
            "draws": draws, "seed": seed,
        },
    )  # fmt: skip


def _credible(rates: Numbers, deviation: Numbers) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return z, credible gap rate and the probability that the true one is not above 0; null where z cannot be had.

    It cannot where the rates differ no more than chance makes groups of these sizes differ (chi-square, one in 20).
    """
    from scipy.special import chdtri, ndtr

    weights = 1 / deviation**2
    mean = np.average(rates, weights=weights)
    squares, degrees = float((weights * (rates - mean) ** 2).sum()), len(rates) - 1
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    if degrees < 1 or squares <= chdtri(degrees, _ONE_IN_20):
        nothing = pa.nulls(len(rates), pa.float64())
        return nothing, nothing, nothing
    between = (squares - degrees) / scale
    z = between / (between + deviation**2)
    credible = z * rates + (1 - z) * np.average(rates, weights=z)
    return pa.array(z), pa.array(credible), pa.array(ndtr(-credible / np.sqrt(between * (1 - z))))


def _assumptions(pool: Pool, draws: int, seed: int, quality_score: float) -> pa.Table:
    periods = len(pool.weights)
    return assumption_table(
        [
            Assumption(
                "members drawn from", len(pool.amounts), "members", RULE, "everybody of the period, truncated"
            ),
            Assumption(
                "true savings",
                "none, unless said",
                "",
                RULE,
                "expected: risk score x months x PMPM of everybody",
            ),
            Assumption("baseline", f"{periods} periods drawn anew", "", RULE, "chance in the benchmark"),
            chosen("draws", draws, DRAWS, "", "groups drawn for each size"),
            Assumption("seed", seed, "", GIVEN, "the same seed gives the same numbers"),
            chosen("quality_score", quality_score, 1.0, "", "of every group drawn"),
        ]
    )


_SIZES = pa.schema(
    [("members", pa.int64())]
    + [
        (name, pa.float64())
        for name in (
            "true_savings", "minimum_rate", "sd_gap_rate", "p_paid", "p_owes", "mean_payment", "mean_payment_if_paid",
            "normal_sd_gap_rate", "normal_p_paid",
        )
    ]
)  # fmt: skip
