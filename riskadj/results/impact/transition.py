"""From one model to another: which models of two blends belong together, and the plans between them.

Between two models stand a few more, each a step from the last. What they capture of a diagnosis is decided by their
tables of mappings, so each is a plan like any other:

==========  =========================================================================================================
`before`    the model as it was
`kept`      the same without the diagnosis codes that have no payment HCC in the model after it
`moved`     the same with the mappings of the model after it (codes that both know)
`ranked`    the same with its requirements and hierarchies too
`common`    the model after it without the codes that had no payment HCC before
`after`     the model as it is
==========  =========================================================================================================

`moved` and `ranked` mean something only where both models number their HCCs alike (two releases of one model). Between
two numberings they are `kept` once more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from riskadj.scoring.plan import ScoringPlan, make_plan
from riskadj.tables.columns import Table
from riskadj.tables.model import ModelTables

Blend = Mapping[str, Fraction]


@dataclass(frozen=True)
class Coupling:
    """How the models of one blend turn into those of another.

    Attributes
    ----------
    parts : tuple of (str, str, Fraction)
        Model before, model after, and the weight with which the one turns into the other.
    moves_before, moves_after : bool
        True where weight moves between models of the blend before, or of the blend after: the models stay, their
        weights change.
    """

    parts: tuple[tuple[str, str, Fraction], ...]
    moves_before: bool
    moves_after: bool


def couple(before: Blend, after: Blend) -> Coupling:
    """Return how one blend turns into another.

    A model of both keeps the weight that it has in both. Weight that a model loses goes, in the order of the blends,
    to the models that gain: if the gaining model is in the blend before, the weights move there; else if the losing
    model is in the blend after, they move there; else the one model turns into the other.
    """
    weights: dict[tuple[str, str], Fraction] = {
        (name, name): min(before[name], after[name]) for name in before if name in after
    }
    losses = {name: weight - weights.get((name, name), 0) for name, weight in before.items()}
    gains = {name: weight - weights.get((name, name), 0) for name, weight in after.items()}
    moves_before = moves_after = False
    for loser in losses:
        for gainer in gains:
            weight = min(losses[loser], gains[gainer])
            if not weight:
                continue
            losses[loser] -= weight
            gains[gainer] -= weight
            part = (loser, gainer)
            if gainer in before:
                part, moves_before = (gainer, gainer), True
            elif loser in after:
                part, moves_after = (loser, loser), True
            weights[part] = weights.get(part, Fraction(0)) + weight
    return Coupling(tuple((*part, weight) for part, weight in weights.items()), moves_before, moves_after)


@dataclass(frozen=True)
class Transition:
    """The plans between two models; see the module. Steps that change nothing are the plan before them."""

    before: ScoringPlan
    kept: ScoringPlan
    moved: ScoringPlan
    ranked: ScoringPlan
    common: ScoringPlan
    after: ScoringPlan
    is_same_numbering: bool

    @property
    def plans(self) -> tuple[ScoringPlan, ...]:
        """Each plan once, in their order."""
        plans = (self.before, self.kept, self.moved, self.ranked, self.common, self.after)
        return tuple({id(plan): plan for plan in plans}.values())


def make_transition(before: ScoringPlan, after: ScoringPlan, *, edits: str) -> Transition:
    """Return the plans between two models.

    Parameters
    ----------
    edits : {"default", "none"}
        Of the side after, under which its mappings are read.
    """
    codes = paying_codes(before) & paying_codes(after)
    kept, common = without_others(before, codes), without_others(after, codes)
    hccs_before, hccs_after = (set(plan.variables[: plan.n_hccs]) for plan in (before, after))
    alike = before.model.id == after.model.id or hccs_before == hccs_after
    moved = ranked = kept
    if alike:
        tables = _with_tables(before.model, after.model, ("mappings", "drug_mappings"))
        if _mappings(kept) != _mappings(common):
            moved = without_others(make_plan(tables, edits=edits), codes)
        ranked = moved
        if _hierarchies(before.model) != _hierarchies(after.model):
            tables = _with_tables(tables, after.model, ("requirements", "hierarchies"))
            ranked = without_others(make_plan(tables, edits=edits), codes)
    return Transition(before, kept, moved, ranked, common, after, alike)


def paying_codes(plan: ScoringPlan) -> frozenset[str]:
    """Return the diagnosis codes that give some member a payment HCC."""
    pays = [bool(int(plan.payment_hccs[hcc >> 6]) >> (hcc & 63) & 1) for hcc in range(plan.n_hccs)]
    of_bit = [pays[bit.hcc_id] for bit in plan.bits]
    return frozenset(code for code, bits in plan.bits_of_code.items() if any(of_bit[bit] for bit in bits))


def without_others(plan: ScoringPlan, codes: Collection[str]) -> ScoringPlan:
    """Return the plan with just these diagnosis codes; the plan itself if it has no other."""
    kept = {code: bits for code, bits in plan.bits_of_code.items() if code in codes}
    return plan if len(kept) == len(plan.bits_of_code) else replace(plan, bits_of_code=kept)


def without_hierarchies(plan: ScoringPlan) -> ScoringPlan:
    """Return the plan with neither requirements nor hierarchies."""
    return replace(
        plan,
        drops=np.zeros_like(plan.drops),
        required_hcc=plan.required_hcc[:0],
        needs_any=plan.needs_any[:0],
    )


def _mappings(plan: ScoringPlan) -> tuple[object, ...]:
    return plan.variables[: plan.n_hccs], plan.bits, plan.bits_of_code, plan.bits_of_drug, plan.validity


def _hierarchies(model: ModelTables) -> tuple[object, ...]:
    tables = (model.tables.get(name) for name in ("requirements", "hierarchies"))
    return model.manifest.hierarchy_manner, *((table and table.rows) for table in tables)


def _with_tables(model: ModelTables, other: ModelTables, names: Collection[str]) -> ModelTables:
    """Return a model with some tables of another, and the HCCs of both."""
    tables = {name: table for name, table in model.tables.items() if name not in names}
    tables |= {name: other.tables[name] for name in names if name in other.tables}
    tables["labels"] = _labels(model.tables["labels"], other.tables["labels"])
    manner = other.manifest.hierarchy_manner if "hierarchies" in names else model.manifest.hierarchy_manner
    return replace(model, manifest=replace(model.manifest, hierarchy_manner=manner), tables=tables)


def _labels(labels: Table, others: Table) -> Table:
    known = set(labels.column("hcc"))
    columns = [others.columns.index(name) for name in labels.columns]
    more = [tuple(row[column] for column in columns) for row in others.rows]
    more = [row for row in more if row[labels.columns.index("hcc")] not in known]
    if not more:
        return labels
    at = labels.columns.index("hcc")
    return replace(labels, rows=tuple(sorted((*labels.rows, *more), key=lambda row: _numbers(row[at]))))


def _numbers(hcc: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", hcc))
