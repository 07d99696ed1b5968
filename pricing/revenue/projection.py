"""Members by cohort and month: expected, drawn by chance, or given; and the scores they carry along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.errors import InputError
from pricing.experience.months import month_numbers, name_of
from pricing.revenue.assumed import Assumed, Transition
from pricing.revenue.cohorts import Cohorts
from pricing.rows import Integers, Numbers, add_up, read_rows, rows_in_words

#: Parameters that say how membership moves; with given members there is nothing for them to do.
ENROLLMENT = (
    "death", "lapse", "transition", "new_sales", "aging_in", "death_score", "lapse_score", "transition_score",
    "new_sales_score", "aging_in_score",
)  # fmt: skip
MOVEMENTS = ("deaths", "lapses", "moved_out", "moved_in", "new_sales", "aging_in")


@dataclass(frozen=True)
class Flows:
    """How members move from one month to the next.

    In this order: some of those of the month before die, some survivors leave, some who stay move to another cohort,
    and others join. All arrays have shape (n_cohorts, n_months); the first month is the base month, where nobody moves.

    Attributes
    ----------
    death, lapse : probabilities a month
    death_score, lapse_score : scores of those who go, times the cohort's mean of the month
    arrivals : mapping of str to ndarray
        "new_sales", "aging_in": members who join.
    arrival_scores : mapping of str to ndarray
        Their scores, times the cohort's base mean.
    transitions : tuple of Transition
    """

    death: Numbers
    lapse: Numbers
    death_score: Numbers
    lapse_score: Numbers
    arrivals: Mapping[str, Numbers]
    arrival_scores: Mapping[str, Numbers]
    transitions: tuple[Transition, ...]


def flows_of(assumed: Assumed, base_members: Numbers) -> Flows:
    """Return the flows that a scenario assumes.

    Raises
    ------
    InputError
        Those who die or leave would take more score along than the cohort has.
    """
    joins = ("new_sales", "aging_in")
    flows = Flows(
        assumed.array("death"),
        assumed.array("lapse"),
        assumed.array("death_score"),
        assumed.array("lapse_score"),
        {name: assumed.spread(name, base_members) for name in joins},
        {name: assumed.array(f"{name}_score") for name in joins},
        assumed.transitions,
    )
    for name, share in (
        ("death", flows.death * flows.death_score),
        ("lapse", flows.lapse * flows.lapse_score),
    ):
        bad = np.asarray((share > 1).any(axis=1))
        if bad.any():
            raise InputError(
                f"{name} times {name}_score is above 1, so that more score leaves than there is, as cohorts: "
                f"{rows_in_words(bad)}; lower one of them."
            )
    return flows


@dataclass(frozen=True)
class Projection:
    """Members and the scores they carry.

    Attributes
    ----------
    members : ndarray of float64, shape (n_cohorts, n_months)
    scores : mapping of str to ndarray of the same shape
        "part_c", "part_d": sums of members' scores at the base month's level, before any trend.
    movements : mapping of str to ndarray of the same shape
        `MOVEMENTS`: members who go, move and join between the month before and each month.
    """

    members: Numbers = field(repr=False)
    scores: Mapping[str, Numbers] = field(repr=False)
    movements: Mapping[str, Numbers] = field(repr=False)

    def mean(self, part: str) -> Numbers:
        """Return the mean score of each cohort and month; 0 where there are no members."""
        members = self.members
        return np.divide(self.scores[part], members, out=np.zeros_like(members), where=members > 0)


def project(
    flows: Flows, members: Numbers, *, scores: Mapping[str, Numbers], means: Mapping[str, Numbers]
) -> Projection:
    """Return expected members and scores, month by month.

    Parameters
    ----------
    members : ndarray of float64, shape (n_cohorts,)
        Of the base month.
    scores, means : mapping of str to ndarray of float64, shape (n_cohorts,)
        Sums of their scores by part; mean scores that those who join or move in are measured by.
    """
    shape = flows.death.shape
    counts = np.empty(shape)
    sums = {part: np.empty(shape) for part in scores}
    movements = {name: np.zeros(shape) for name in MOVEMENTS}
    counts[:, 0] = members
    for part, values in scores.items():
        sums[part][:, 0] = values
    for month in range(1, shape[1]):
        moved = _moved(flows, counts[:, month - 1], month)
        for name, values in moved.items():
            movements[name][:, month] = values
        left = counts[:, month - 1] - moved["deaths"] - moved["lapses"]
        counts[:, month] = (
            left - moved["moved_out"] + moved["moved_in"] + moved["new_sales"] + moved["aging_in"]
        )
        for part in scores:
            sums[part][:, month] = _scores_after(flows, sums[part][:, month - 1], left, means[part], month)
    return Projection(counts, sums, movements)


def _moved(flows: Flows, members: Numbers, month: int) -> dict[str, Numbers]:
    deaths = members * flows.death[:, month]
    lapses = (members - deaths) * flows.lapse[:, month]
    left = members - deaths - lapses
    out, into = np.zeros_like(left), np.zeros_like(left)
    for transition in flows.transitions:
        going = left * transition.probability[:, month]
        out += going
        into += add_up(transition.target, going, len(left))
    return {
        "deaths": deaths, "lapses": lapses, "moved_out": out, "moved_in": into,
        **{name: joining[:, month] for name, joining in flows.arrivals.items()},
    }  # fmt: skip


def _scores_after(flows: Flows, before: Numbers, left: Numbers, means: Numbers, month: int) -> Numbers:
    """Return sums of scores after a month's moves; `left` are the members neither dead nor gone."""
    sums = before * (1 - flows.death[:, month] * flows.death_score[:, month])
    sums = sums * (1 - flows.lapse[:, month] * flows.lapse_score[:, month])
    stay, into = np.ones_like(sums), np.zeros_like(sums)
    for transition in flows.transitions:
        share = transition.probability[:, month]
        stay -= share
        brought = left * share * means[transition.target] * transition.score[:, month]
        into += add_up(transition.target, brought, len(left))
    for name, joining in flows.arrivals.items():
        into += joining[:, month] * means * flows.arrival_scores[name][:, month]
    return np.maximum(sums * stay, 0.0) + into


def given_members(source: Any, cohorts: Cohorts, months: Integers, *, base_members: Numbers) -> Numbers:
    """Return members by cohort and month from a table of counts, such as a budget's.

    Parameters
    ----------
    source : path, DataFrame, Arrow table or mapping
        month, members, and any columns of the cohorts; each count is spread over its cohorts as their base members.
    months : ndarray of int64, shape (n_months,)
        The first is the base month, which keeps its own members.

    Returns
    -------
    ndarray of float64, shape (n_cohorts, n_months)

    Raises
    ------
    InputError
        A month has no count for some cohorts, or two; a count is negative, or for cohorts without base members.
    """
    rows = read_rows(source, "enrollment", needed=("month", "members"), optional=cohorts.by)
    by = [name for name in cohorts.by if rows.has(name)]
    group, table = cohorts.groups(by)
    names = {key: number for number, key in enumerate(_keys(table, by))}
    own = [rows.labels(name) for name in by]
    texts = [np.array(each.names.to_pylist(), object)[each.codes] for each in own]
    keys = list(zip(*texts, strict=True)) if by else [()] * rows.n_rows
    of_row = np.array([names.get(key, -1) for key in keys], np.int64)
    rows.refuse(of_row < 0, "no cohort has these values")
    counts = rows.numbers("members")
    rows.refuse(counts < 0, "column 'members': below 0")
    at = month_numbers(rows.months("month")) - months[0]
    inside = (at > 0) & (at < len(months))
    grid, seen = np.zeros((len(names), len(months))), np.zeros((len(names), len(months)), np.int64)
    np.add.at(grid, (of_row[inside], at[inside]), counts[inside])
    np.add.at(seen, (of_row[inside], at[inside]), 1)
    _check_grid(seen[:, 1:], months[1:], rows.label)
    totals = add_up(group, base_members, len(names))
    spread = np.divide(base_members, totals[group], out=np.zeros_like(base_members), where=totals[group] > 0)
    if (grid[totals == 0] > 0).any():
        raise InputError(f"{rows.label} has members for cohorts that had none in the base month.")
    result = grid[group] * spread[:, None]
    result[:, 0] = base_members
    return result


def _keys(table: Any, by: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(table[name].to_pylist() for name in by), strict=True)) if by else [()]


def _check_grid(seen: Integers, months: Integers, label: str) -> None:
    for count, words in ((0, "has no members for"), (2, "has two rows for")):
        bad = seen == 0 if count == 0 else seen >= count
        if bad.any():
            first = name_of(int(months[np.flatnonzero(bad.any(axis=0))[0]]))
            raise InputError(
                f"{label} {words} {int(bad.sum()):,} pairs of cohort and month, the first in {first}; give each one."
            )


def with_members(members: Numbers, means: Mapping[str, Numbers]) -> Projection:
    """Return the projection of given members, each with the mean score of the cohort's base month."""
    scores = {part: members * mean[:, None] for part, mean in means.items()}
    return Projection(members, scores, {name: np.zeros_like(members) for name in MOVEMENTS})


def simulate_members(flows: Flows, members: Numbers, *, draws: int, seed: int) -> npt.NDArray[np.int32]:
    """Return members drawn by chance: who dies, leaves, moves (binomial) and joins (Poisson).

    Parameters
    ----------
    flows : Flows
        Monthly probabilities by cohort, as a forecast holds them.
    members : ndarray, shape (n_cohorts,)
        Of the base month, whole numbers.
    draws : int
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray of int32, shape (draws, n_cohorts, n_months)
    """
    generator = np.random.default_rng(seed)
    n_cohorts, n_months = flows.death.shape
    result = np.empty((draws, n_cohorts, n_months), np.int32)
    result[:, :, 0] = np.rint(members)
    for month in range(1, n_months):
        left = result[:, :, month - 1].astype(np.int64)
        for probability in (flows.death, flows.lapse):
            left = left - generator.binomial(left, probability[:, month])
        result[:, :, month] = left + _net_moves(flows, left, month, generator)
    return result


def _net_moves(flows: Flows, left: Integers, month: int, generator: np.random.Generator) -> Integers:
    """Return who moves in less who moves out, and who joins; each member moves to one cohort at most."""
    net, still, share = np.zeros_like(left), left.copy(), np.ones(left.shape[1])
    for transition in flows.transitions:
        wanted = transition.probability[:, month]
        chance = np.divide(wanted, share, out=np.zeros_like(share), where=share > 0)
        going = generator.binomial(still, np.clip(chance, 0.0, 1.0))
        still, share = still - going, share - wanted
        net -= going
        np.add.at(net.T, transition.target, going.T)
    for joining in flows.arrivals.values():
        net += generator.poisson(np.broadcast_to(joining[:, month], left.shape))
    return net
