"""Why a peer's score differs from ours: found by scoring again, not by guessing.

Three steps, each with both scorers:

1. Every code of a member alone. A code that the two read differently is put down to what makes our scorer read it as
   the peer does: no MCE edit, no age or sex edit, no requirement; else to who knows the code.
2. The member once more without those codes. What is equal now is explained by them.
3. What still differs is taken apart: HCCs that only one of them leaves (a hierarchy, a requirement), then factors that
   only one of them adds under the same HCCs. The parts have to add up to the difference; else it is unexplained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from benchmarks.accuracy.population import Person
from tests import naive

#: Scores that are nearer than this are the same to the thousandth.
NEAR = 0.00051
#: Ages and sexes at which a code is tried before it is called unknown to a peer.
PROBES = ((70, "F"), (70, "M"), (40, "F"), (40, "M"), (30, "F"), (10, "M"), (10, "F"), (1, "M"), (0, "F"))

Answer = dict[str, Any]
#: Tables as the naive scorer reads them.
Model = dict[str, Any]
Ask = Callable[[Sequence[Person]], list[Answer]]


@dataclass(frozen=True)
class Cause:
    """One reason, and what it is about: a code, an HCC, a factor."""

    kind: str
    detail: str = ""


def ours_of(model: Model, person: Person, **changes: Any) -> Answer:
    """Return the naive score of a person in the words of a peer's answer."""
    score = naive.score_in_model(model, **(person.known | changes))
    status = naive.PLAIN_STATUS | dict(person.status)
    column = naive.factor_column_of(model, person.segment, person.age, status)
    return {
        "raw": float(score["raw"]),
        "hccs": sorted(score["hccs"]),
        "factors": {name: float(model["factors"][name, column]) for name in score["variables"]},
    }


def same(ours: Answer, theirs: Answer) -> bool:
    """Return True if scores agree to the thousandth, and HCCs where the peer tells them."""
    return "error" not in theirs and same_score(ours, theirs) and same_hccs(ours, theirs)


def same_score(ours: Answer, theirs: Answer) -> bool:
    """Return True if scores agree to the thousandth."""
    return abs(ours["raw"] - theirs["raw"]) < NEAR


def same_hccs(ours: Answer, theirs: Answer) -> bool:
    """Return True if both leave the same HCCs, as far as the peer tells."""
    return theirs["hccs"] is None or ours["hccs"] == theirs["hccs"]


def explain(model: Model, people: Sequence[Person], theirs: Sequence[Answer], ask: Ask) -> list[list[Cause]]:
    """Return the causes of each difference; none where it is unexplained."""
    told = [person for person, answer in zip(people, theirs, strict=True) if "error" not in answer]
    found = iter(explain_told(model, told, ask))
    return [
        [Cause("the peer raises an error", answer["error"])] if "error" in answer else next(found)
        for answer in theirs
    ]


def explain_told(model: Model, people: Sequence[Person], ask: Ask) -> list[list[Cause]]:
    """Return the causes of the differences of people whom the peer does score."""
    of_codes = code_causes(model, people, ask)
    reduced = [without_codes(person, causes) for person, causes in zip(people, of_codes, strict=True)]
    found = []
    for person, causes, answer in zip(reduced, of_codes, ask(reduced), strict=True):
        ours = ours_of(model, person)
        rest = [] if same(ours, answer) else rule_causes(model, person, ours, answer)
        found.append([] if rest is None else list(causes.values()) + rest)
    return found


# --- codes -----------------------------------------------------------------------------------------------------------


def code_causes(model: Model, people: Sequence[Person], ask: Ask) -> list[dict[str, Cause]]:
    """Return, for each person, the codes that the two scorers read differently and why."""
    singles = [single for person in people for single in singles_of(person)]
    answers = iter(ask(singles))
    differing: list[list[tuple[Person, Answer]]] = []
    for person in people:
        pairs = [(single, next(answers)) for single in singles_of(person)]
        bare, others = pairs[0], pairs[1:]
        differing.append([pair for pair in others if not read_alike(model, bare, pair)])
    unknown = unknown_codes([single for group in differing for single, _ in group], ask)
    return [
        {code_of(single): code_cause(model, single, answer, unknown) for single, answer in group}
        for group in differing
    ]


def singles_of(person: Person) -> list[Person]:
    """Return the person with no code, then with each code alone."""
    bare = replace(person, codes=(), drugs=())
    return [
        bare,
        *(replace(bare, codes=(code,)) for code in person.codes),
        *(replace(bare, drugs=(drug,)) for drug in dict.fromkeys(person.drugs)),
    ]


def code_of(single: Person) -> str:
    """Return the one code of a person."""
    return (single.codes or [" ".join(drug) for drug in single.drugs])[0]


def read_alike(model: Model, bare: tuple[Person, Answer], pair: tuple[Person, Answer]) -> bool:
    """Return True if a code adds the same score and the same HCCs under both."""
    return alike(ours_of(model, pair[0]), pair[1], ours_of(model, bare[0]), bare[1])


def alike(ours: Answer, theirs: Answer, our_bare: Answer, their_bare: Answer) -> bool:
    """Return True if both add the same to their bare scores, by the same HCCs."""
    if "error" in theirs or "error" in their_bare:
        return "error" in theirs and "error" in their_bare
    ours_adds, theirs_adds = ours["raw"] - our_bare["raw"], theirs["raw"] - their_bare["raw"]
    return abs(ours_adds - theirs_adds) < 2 * NEAR and same_hccs(ours, theirs)


def code_cause(model: Model, single: Person, theirs: Answer, unknown: set[str]) -> Cause:
    """Return what makes our scorer read a code as the peer does."""
    code = code_of(single)
    if code in unknown:
        return Cause("the peer's tables lack the code", code)
    tests: Iterable[tuple[str, Callable[[], Answer]]] = (
        ("the peer makes no MCE age edit", lambda: ours_of(model, single, edits="none")),
        (
            "the peer has no such requirement between HCCs",
            lambda: ours_of(model | {"requirements": []}, single),
        ),
        ("the peer makes no age or sex edit of codes", lambda: ours_of(_unconditional(model, code), single)),
        (
            "the peer keeps HCCs that the model leaves out",
            lambda: ours_of(model | {"exclusions": []}, single),
        ),
    )
    for kind, score in tests:
        if _reads(score(), theirs):
            return Cause(kind, code)
    if not model["diagnoses"].get(code) and not model["drugs"].get(tuple(code.split(" ", 1))):
        return Cause("only the peer's tables have the code", code)
    if theirs["hccs"] is not None and not theirs["hccs"]:
        return Cause("only the peer makes an age or sex edit", code)
    if theirs["hccs"] is not None and set(theirs["hccs"]) < set(ours_of(model, single)["hccs"]):
        return Cause("the peer gives the code one HCC of several", code)
    return Cause("the peer gives the code other HCCs", code)


def _reads(ours: Answer, theirs: Answer) -> bool:
    return same_score(ours, theirs) and same_hccs(ours, theirs)


def _unconditional(model: Model, code: str) -> dict[str, Any]:
    """Return the tables with one code read as for somebody of 70 of the other sex, without any edit."""
    blank = dict.fromkeys(("sex", "age_min", "age_max", "mce_age_min", "mce_age_max"), "")
    rows = [row for row in model["diagnoses"].get(code, ()) if naive.fits(_ages(row), 70, {})]
    return model | {"diagnoses": model["diagnoses"] | {code: [row | blank for row in rows]}}


def _ages(row: dict[str, str]) -> dict[str, str]:
    return {"age_min": row["age_min"], "age_max": row["age_max"]}


def unknown_codes(singles: Sequence[Person], ask: Ask) -> set[str]:
    """Return the codes that a peer reads as nothing, whoever has them."""
    one_each = list({code_of(single): single for single in singles}.values())
    tried = [replace(single, age=age, sex=sex) for single in one_each for age, sex in PROBES]
    bare = [replace(single, codes=(), drugs=()) for single in tried]
    known = {
        code_of(single)
        for single, with_code, without in zip(tried, ask(tried), ask(bare), strict=True)
        if "error" not in with_code and (with_code["hccs"] or with_code["raw"] != without.get("raw"))
    }
    return {code_of(single) for single in one_each} - known


def without_codes(person: Person, causes: Iterable[str]) -> Person:
    """Return a person without some codes."""
    gone = set(causes)
    return replace(
        person,
        codes=tuple(code for code in person.codes if code not in gone),
        drugs=tuple(drug for drug in person.drugs if " ".join(drug) not in gone),
    )


# --- rules -----------------------------------------------------------------------------------------------------------


def rule_causes(model: Model, person: Person, ours: Answer, theirs: Answer) -> list[Cause] | None:
    """Return the causes of a difference that no code alone makes; None if they do not add up to it."""
    if "error" in theirs:
        return [Cause("the peer raises an error", theirs["error"])]
    if theirs["hccs"] is None:
        causes, expected = [], ours["factors"]
    else:
        causes, expected = (
            hcc_causes(model, person, ours, theirs),
            factors_under(model, person, theirs["hccs"]),
        )
    if not adds_up(theirs, float(model["divisors"].get(person.segment, Decimal(1)))):
        return None
    return (causes + factor_causes(expected, theirs["factors"])) or None


def adds_up(theirs: Answer, divisor: float) -> bool:
    """Return True if a peer's score is the sum of the factors that it lists, divided as the model says or already."""
    total = sum(theirs["factors"].values())
    return any(abs(total / by - theirs["raw"]) < 2 * NEAR for by in (1, divisor))


def hcc_causes(model: Model, person: Person, ours: Answer, theirs: Answer) -> list[Cause]:
    """Return why HCCs are left by one scorer only."""
    left, other = set(ours["hccs"]), set(theirs["hccs"])
    mapped = naive.mapped_hccs(model, person.codes, person.sex, person.age, "default")
    allowed = naive.meet_requirements(model, mapped)
    drops = {(row["hcc"], row["drops"]) for row in model["hierarchies"]}
    causes = []
    for hcc in sorted(left ^ other, key=natural):
        parents = sorted((h for h in allowed if (h, hcc) in drops), key=natural)
        if hcc in left:
            causes.append(Cause("the peer drops an HCC that the model keeps", hcc))
        elif hcc in mapped and hcc not in allowed:
            causes.append(Cause("the peer has no such requirement between HCCs", hcc))
        elif parents:
            causes.append(Cause("the peer's hierarchies lack a row", f"{parents[0]} drops {hcc}"))
        else:
            causes.append(Cause("the peer keeps HCCs that the model leaves out", hcc))
    return causes


def factors_under(model: Model, person: Person, hccs: Sequence[str]) -> dict[str, float]:
    """Return the factors that the model adds if these HCCs are left, and its own drug categories."""
    payment = {row["hcc"] for row in model["labels"] if row["payment"] == "1"}
    left = naive.apply_hierarchies(model, naive.drug_hccs(model, set(person.drugs), person.age))
    status = naive.PLAIN_STATUS | dict(person.status)
    on, _ = naive.variables_on(model, set(hccs) & payment | left - payment, person.sex, person.age, status)
    column = naive.factor_column_of(model, person.segment, person.age, status)
    factors = {name: float(model["factors"].get((name, column), 0)) for name in on}
    return {name: value for name, value in factors.items() if value}


def factor_causes(ours: dict[str, float], theirs: dict[str, float]) -> list[Cause]:
    """Return the factors that only one scorer adds, or adds with another value, whatever they are called."""
    mine, others = dict(ours), dict(theirs)
    for name in list(mine):  # the same name, or the same value under another name
        twin = next((n for n in others if plain(n) == plain(name) and near(others[n], mine[name])), None)
        if twin is not None:
            del mine[name], others[twin]
    for name in list(mine):
        twin = next((n for n in others if near(others[n], mine[name])), None)
        if twin is not None:
            del mine[name], others[twin]
    causes = []
    for name in sorted(mine, key=natural):
        twin = next((n for n in others if plain(n) == plain(name)), None)
        kind = "the peer lacks a factor" if twin is None else "the peer has another factor"
        others.pop(twin, None) if twin is not None else None
        causes.append(Cause(kind, name))
    return causes + [Cause("only the peer adds a factor", name) for name in sorted(others, key=natural)]


def near(one: float, other: float) -> bool:
    """Return True if two factors are the same."""
    return abs(one - other) < 1e-6


def plain(name: str) -> str:
    """Return the name of a variable as far as scorers agree on it."""
    return re.sub(r"[^A-Z0-9]", "", re.sub(r"_V\d\d$", "", name.upper()))


def natural(name: str) -> list[Any]:
    """Return a key that sorts HCC2 before HCC10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
