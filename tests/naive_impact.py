"""The plain-Python twin of riskadj.impact: one row's walk from score to score, to be read from top to bottom.

It follows the text of riskadj/results/impact/impact.py with dicts, sets and decimals, and shares no line with it.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from tests import naive

KINDS = ("demographic_factors", "condition_factors", "interactions", "counts")


@dataclass(frozen=True)
class Side:
    """One row as one run sees it: the year's folder, the program's policy or one model, and the member."""

    year: Path
    program: str
    sex: str
    age: int
    status: dict[str, str]
    codes: tuple[str, ...]
    drugs: tuple[tuple[str, str], ...] = ()
    edits: str = "default"
    model: str | None = None

    @property
    def person(self):
        return {"sex": self.sex, "age": self.age, "status": naive.PLAIN_STATUS | dict(self.status)}

    @property
    def blend(self):
        if self.model:
            return {self.model: Decimal(1)}
        return dict(naive.policy_of(self.year, self.program, **self.person))

    def table(self, name):
        return naive.read_model(str(self.year / name))


# --- one model's sum of factors, by kind ------------------------------------------------------------------------------


def kinds_of(model, codes, person, edits, *, drugs=(), with_hierarchies=True):
    """Return the sums of factors by kind."""
    hccs = naive.mapped_hccs(model, codes, person["sex"], person["age"], edits)
    hccs |= naive.drug_hccs(model, set(drugs), person["age"])
    if with_hierarchies:
        hccs = naive.apply_hierarchies(model, naive.meet_requirements(model, hccs))
    hccs = naive.leave_out(model, hccs, person["age"], person["status"] | {"sex": person["sex"]})
    on, demographics = naive.variables_on(model, hccs, person["sex"], person["age"], person["status"])
    column = naive.factor_column_of(model, segment(model, person), person["age"], person["status"])
    interactions = {row["interaction"] for row in model["interactions"]}
    counts = {row["variable"] for row in model["counts"]}
    sums = dict.fromkeys(KINDS, Decimal(0))
    for variable in on:
        kind = "condition_factors"
        if variable in interactions:
            kind = "interactions"
        elif variable in demographics:
            kind = "demographic_factors"
        elif variable in counts:
            kind = "counts"
        sums[kind] += model["factors"].get((variable, column), Decimal(0))
    return sums


def segment(model, person):
    return naive.segment_of(model, person["age"], person["status"], person["sex"])


@lru_cache(maxsize=64)
def paying_codes(folder, edits):
    """Codes that give somebody a payment HCC."""
    model = naive.read_model(str(folder))
    paying = {row["hcc"] for row in model["labels"] if row["payment"] == "1"}
    codes = set()
    for code, rows in model["diagnoses"].items():
        for row in rows:
            lows = [int(row["age_min"] or 0)]
            highs = [int(row["age_max"] or 255)]
            if edits == "default":
                lows.append(int(row["mce_age_min"] or 0))
                highs.append(int(row["mce_age_max"] or 255))
            if row["hcc"] in paying and max(lows) <= min(highs):
                codes.add(code)
    return codes


# --- from a sum to a payment score ------------------------------------------------------------------------------------


def year_of(side):
    return naive.read_payment_year(str(side.year))


def number(side, table, model_name, of_segment, person):
    return naive.number_for(
        year_of(side)[table], model_name, of_segment, person["age"], person["status"] | {"sex": person["sex"]}
    )


def pay(total, *, divisor, rounding_of, normalization, coding_intensity):
    """Return the payment score of a sum of factors, each step rounded as the year of a side rounds."""
    year = year_of(rounding_of)
    raw = naive.rounded(total / divisor, year, "raw")
    normalized = naive.rounded(raw / normalization, year, "normalization")
    return naive.rounded(normalized * (1 - coding_intensity), year, "coding_intensity")


def divisor_of(model, of_segment):
    return model["divisors"].get(of_segment, Decimal(1))


# --- the walk of one model into another -------------------------------------------------------------------------------


def total(sums):
    return sum(sums.values())


def leg(before, after, name_before, name_after):
    """Return the payment scores of the walk between two models, a pair (cause, score) each, "start" first."""
    older, newer = before.table(name_before), after.table(name_after)
    known = paying_codes(before.year / name_before, before.edits) & paying_codes(
        after.year / name_after, after.edits
    )
    kept = [code for code in after.codes if naive.clean_code(code) in known]
    alike = name_before == name_after or (
        {row["hcc"] for row in older["labels"]} == {row["hcc"] for row in newer["labels"]}
    )

    def by_old_rules(person):
        of_segment = segment(older, person)
        return {
            "divisor": divisor_of(older, of_segment),
            "rounding_of": before,
            "normalization": number(before, "normalization", name_before, of_segment, person),
            "coding_intensity": number(before, "coding_intensity", name_before, of_segment, person),
        }

    def sums_after(model, codes, edits, **more):
        return kinds_of(model, codes, after.person, edits, drugs=after.drugs, **more)

    chain = []
    for step, given in (("start", before), ("diagnoses", after)):
        sums = kinds_of(older, given.codes, before.person, before.edits, drugs=given.drugs)
        chain.append((step, pay(total(sums), **by_old_rules(before.person))))
    rules = by_old_rules(after.person)
    chain.append(
        (
            "age_and_status",
            pay(total(sums_after(older, after.codes, before.edits)), **rules),
        )
    )
    sums = sums_after(older, kept, before.edits)
    chain.append(("mapping_lost", pay(total(sums), **rules)))
    end = sums_after(newer, kept, after.edits)
    if alike:
        mixed = with_tables(older, newer, ("diagnoses", "drugs"))
        sums = sums_after(mixed, kept, after.edits)
        chain.append(("mapping_moved", pay(total(sums), **rules)))
        mixed = with_tables(mixed, newer, ("requirements", "hierarchies", "manifest"))
        sums = sums_after(mixed, kept, after.edits)
        running = total(sums)
    else:
        chain.append(("mapping_moved", chain[-1][1]))
        running = total(sums)
        free = sums_after(older, kept, before.edits, with_hierarchies=False)["condition_factors"]
        free_end = kinds_of(
            newer, kept, after.person, after.edits, drugs=after.drugs, with_hierarchies=False
        )["condition_factors"]
        running += (end["condition_factors"] - free_end) - (sums["condition_factors"] - free)
        sums = sums | {"condition_factors": free}
        end = end | {"condition_factors": free_end}
    chain.append(("hierarchies", pay(running, **rules)))
    for kind in KINDS:
        running += end[kind] - sums[kind]
        chain.append((kind, pay(running, **rules)))
    of_segment = segment(newer, after.person)
    rules["divisor"] = divisor_of(newer, of_segment)
    chain.append(("adjustments", pay(running, **rules)))
    running = total(sums_after(newer, after.codes, after.edits))
    chain.append(("mapping_gained", pay(running, **rules)))
    rules["rounding_of"] = after
    rules["normalization"] = number(after, "normalization", name_after, of_segment, after.person)
    chain.append(("normalization", pay(running, **rules)))
    rules["coding_intensity"] = number(after, "coding_intensity", name_after, of_segment, after.person)
    chain.append(("coding_intensity", pay(running, **rules)))
    chain.append(("cost_sharing", chain[-1][1]))  # no such factor in the models that the twin walks
    return chain


def with_tables(model, other, names):
    """Return a model with some tables of another, and the HCCs of both in the order of their numbers."""
    mixed = copy(model)
    for name in names:
        mixed[name] = other[name]
    hccs = {row["hcc"]: row for row in [*other["labels"], *model["labels"]]}
    mixed["labels"] = sorted(
        hccs.values(), key=lambda row: [int(digits) for digits in re.findall(r"\d+", row["hcc"])]
    )
    return mixed


# --- blends -----------------------------------------------------------------------------------------------------------


def couple(before, after):
    """Return {(model before, model after): weight}: weight stays where it can, and the rest goes as it is lost."""
    weights = {}
    lost, gained = dict(before), dict(after)
    for name in before:
        if name in after:
            weight = min(before[name], after[name])
            weights[name, name] = weight
            lost[name] -= weight
            gained[name] -= weight
    for loser in before:
        for gainer in after:
            weight = min(lost[loser], gained[gainer])
            if weight == 0:
                continue
            lost[loser] -= weight
            gained[gainer] -= weight
            if gainer in before:
                key = (gainer, gainer)
            elif loser in after:
                key = (loser, loser)
            else:
                key = (loser, gainer)
            weights[key] = weights.get(key, Decimal(0)) + weight
    return weights


def own_score(side):
    """Return the payment score of a side, blended."""
    total = Decimal(0)
    for name, weight in side.blend.items():
        model = side.table(name)
        of_segment = segment(model, side.person)
        total += weight * pay(
            sum(kinds_of(model, side.codes, side.person, side.edits, drugs=side.drugs).values()),
            divisor=divisor_of(model, of_segment),
            rounding_of=side,
            normalization=number(side, "normalization", name, of_segment, side.person),
            coding_intensity=number(side, "coding_intensity", name, of_segment, side.person),
        )
    return naive.rounded(total, year_of(side), "blend")


def row_impact(before, after):
    """Return the causes of one row, and its scores before and after."""
    weights = couple(before.blend, after.blend)
    legs = {pair: leg(before, after, *pair) for pair in weights}
    steps = [step for step, _ in next(iter(legs.values()))]
    chain = []
    for position, step in enumerate(steps):
        late = step in ("normalization", "coding_intensity", "cost_sharing")
        blended = sum(weights[pair] * legs[pair][position][1] for pair in weights)
        chain.append(naive.rounded(blended, year_of(after if late else before), "blend"))
    causes = {step: chain[n] - chain[n - 1] for n, step in enumerate(steps) if n}
    first, last = own_score(before), own_score(after)
    causes["blend"] = (chain[0] - first) + (last - chain[-1])
    return causes, first, last
