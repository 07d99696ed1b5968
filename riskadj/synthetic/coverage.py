"""Enrollment of the individual and small-group markets: the plans that families choose, and what they pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.synthetic.columns import coded, dates, dollars, strings
from riskadj.synthetic.enrollment import SEXES, event_month, spans
from riskadj.synthetic.families import Enrollees, month_of
from riskadj.synthetic.market_recipe import Market
from riskadj.synthetic.members import Flags, member_ids, month_starts
from riskadj.synthetic.randomness import ONE, Bits, Ints, exp_fixed
from riskadj.synthetic.recipe import Recipe

_MOST_NEED = 640  # hundredths of a logarithm of use; more does not make a family choose otherwise
_MOST_WEIGHT = 3 * ONE


@dataclass(frozen=True)
class Choice:
    """Plans and cost-sharing reductions of families; arrays of shape (n_families,)."""

    plan: Ints
    next_plan: Ints  # the same plan where nothing changes
    change: Ints  # month of the change of plan; 99: never
    reduction: npt.NDArray[np.uint16]  # word that draws the cost-sharing reduction
    next_reduction: npt.NDArray[np.uint16]
    reduction_change: Ints


def _pick(bits: Bits, weights: Ints) -> Ints:
    """Return one column of each row in proportion to its weight."""
    cumulative = np.cumsum(weights, axis=1)
    place = bits.below(len(weights), cumulative[:, -1])
    return (cumulative <= place[:, None]).sum(axis=1)


def _weights(recipe: Recipe, market: Market, enrollees: Enrollees, need: Ints) -> Ints:
    """Return how likely each family is to choose each plan, shape (n_families, n_plans)."""
    families, plans = enrollees.families, market.plans
    log_weight = plans.log_weight + need[:, None] * plans.need_slope // 100
    offered = plans.pool == market.area_pool[families.area][:, None]
    head_age = enrollees.age[families.start] - 1
    young = (head_age <= recipe.shares["catastrophic_until"]) & (families.size == 1)
    catastrophic = np.array([metal == "catastrophic" for metal in plans.metals])
    weights: Ints = exp_fixed(np.minimum(log_weight - 3 * ONE, _MOST_WEIGHT)) * (
        offered & (young[:, None] | ~catastrophic)
    )
    return weights


def draw_choices(
    recipe: Recipe, market: Market, seed: tuple[int, ...], block: int, enrollees: Enrollees, burden: Ints
) -> Choice:
    """Return what families choose: the more care they need, the richer the plan and the broader the network.

    Parameters
    ----------
    burden : ndarray of int, shape (n,)
        What members' conditions add to use. [hundredths of a logarithm]
    """
    bits, families, share = Bits(seed, 4, block), enrollees.families, recipe.shares
    n = len(families.size)
    need = np.minimum(np.add.reduceat(burden, families.start), _MOST_NEED)
    weights = _weights(recipe, market, enrollees, need)
    plan = _pick(bits, weights)
    issuers = np.unique(np.array(market.plans.issuers), return_inverse=True)[1]
    same = issuers == issuers[plan][:, None]
    next_plan, change = plan, np.full(n, 99, dtype=np.int64)
    for quantity, allowed in (
        ("changes_plan", same & (np.arange(len(issuers)) != plan[:, None])),
        ("changes_issuer", ~same),
    ):
        month = event_month(bits, share[quantity], n)
        other = weights * allowed
        possible = other.sum(axis=1) > 0
        picked = _pick(bits, np.where(possible[:, None], other, 1))
        moves = possible & (month > families.joins) & (month <= families.leaves) & (change == 99)
        next_plan, change = np.where(moves, picked, next_plan), np.where(moves, month, change)
    return Choice(
        plan,
        next_plan,
        change,
        bits.halves(n),
        bits.halves(n),
        event_month(bits, share["changes_cost_sharing"], n),
    )


def _by_month(market: Market, enrollees: Enrollees, choice: Choice) -> tuple[Ints, Ints, Flags]:
    """Return plan, cost-sharing reduction and enrollment by member and month, shape (n, 12)."""
    month, families = np.arange(1, 13), enrollees.families
    plan = np.where(month >= choice.change[:, None], choice.next_plan[:, None], choice.plan[:, None])
    later = month >= choice.reduction_change[:, None]
    word = np.where(later, choice.next_reduction[:, None], choice.reduction[:, None])
    reduction = market.plans.cost_sharing[plan, word].astype(np.int64)
    enrolled = (month >= enrollees.joins[:, None]) & (month <= families.leaves[enrollees.family][:, None])
    return plan[enrollees.family], reduction[enrollees.family], enrolled


def _age_at(enrollees: Enrollees, month: Ints) -> Ints:
    """Return whole years of age on the first day of a month of the benefit year, 0 for those not yet born."""
    birth_month = month_of(enrollees.birth_day)
    first = enrollees.birth_day.astype("datetime64[D]").astype("datetime64[M]")
    on_first = first.astype("datetime64[D]").astype(np.int64) == enrollees.birth_day
    had = (birth_month < month) | ((birth_month == month) & on_first)
    return np.maximum(enrollees.age - 1 + had, 0)


def _rated(share: Mapping[str, float], family: Ints, age: Ints, covered: Flags) -> Flags:
    """Return who is charged for: adults, and the oldest children of each family."""
    is_child = age <= share["rated_as_child_until"]
    children = np.flatnonzero(is_child & covered)
    children = children[np.lexsort((children, -age[children], family[children]))]
    of = family[children]
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    rated = ~is_child
    rated[children] = rank < share["most_rated_children"]
    return rated


def _premium_cents(recipe: Recipe, market: Market, enrollees: Enrollees, choice: Choice, later: bool) -> Ints:
    """Return what each member's rate adds to the monthly premium, in the first plan or in the one after it."""
    families, family = enrollees.families, enrollees.family
    begins = choice.change if later else families.joins
    month = np.maximum(begins[family], enrollees.joins)
    age = _age_at(enrollees, month)
    plan = (choice.next_plan if later else choice.plan)[family]
    ends = np.where(later, 12, choice.change - 1)[family]
    rated = _rated(recipe.shares, family, age, enrollees.joins <= ends)
    factor = market.age_factor[np.minimum(age, len(market.age_factor) - 1)]
    cents = market.plans.base_cents[plan] * market.area_factor[families.area][family] * factor
    return np.where(rated, (cents + ONE * ONE // 2) // (ONE * ONE), 0)


def coverage_table(
    recipe: Recipe, market: Market, seed: tuple[int, ...], enrollees: Enrollees, choice: Choice, year: int
) -> pa.Table:
    """Return the enrollment extract of one block: a row per member, plan and cost-sharing reduction."""
    families, family, plans = enrollees.families, enrollees.family, market.plans
    plan, reduction, enrolled = _by_month(market, enrollees, choice)
    row, first, last = spans((plan * 256 + reduction).astype(np.int32), enrolled)
    starts = month_starts(year)
    ids = member_ids(seed, enrollees.first, enrollees.n)
    of_row = plan[row, first]
    cents = [_premium_cents(recipe, market, enrollees, choice, later) for later in (False, True)]
    moved = first + 1 >= choice.change[family[row]]
    area = families.area[family[row]]
    pool = plans.pool[of_row]
    issuers = tuple(dict.fromkeys(plans.issuers))
    issuer_of_plan = np.array([issuers.index(issuer) for issuer in plans.issuers])
    return pa.table(
        {
            "member_id": strings(ids[row]),
            "birth_date": dates(enrollees.birth_day[row]),
            "sex": coded(enrollees.female[row], SEXES),
            "enrollment_start_date": dates(np.maximum(starts[first], enrollees.birth_day[row])),
            "enrollment_end_date": dates(starts[last + 1] - 1),
            "metal_level": coded(of_row, plans.metals),
            "csr_indicator": coded(reduction[row, first], market.cost_sharing),
            "state": coded(pool, tuple(state for state, _ in market.pools)),
            "market": coded(pool, tuple(kind for _, kind in market.pools)),
            "rating_area": coded(area, market.areas),
            "issuer_id": coded(issuer_of_plan[of_row], issuers),
            "plan_id": coded(of_row, plans.ids),
            "premium_pmpm": dollars(np.where(moved, cents[1][row], cents[0][row])),
            "family_id": strings(ids[families.start][family[row]]),
        }
    )
