"""Claim lines per second through plan designs: simple ones, families, and many designs in one pass.

`python -m benchmarks.adjudication --lines 10000000 --designs 100` prints JSON. The claims are invented and held in
memory; before anything is timed, many designs in one pass must give what each gives by itself, line by line.
"reading" is from an Arrow table to lines in order; first calls compile and are not timed. Seconds of processors tell
more than elapsed ones where the machine does other work too; "times_one_by_one" is what many designs take of them
over what they take one by one, each result thrown away before the next; "times_one_by_one_kept" over what they take
with all results kept, as the one pass keeps them. One by one is measured on some of the designs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.agreement import DisagreementError
from benchmarks.measure import DISTRIBUTIONS, machine
from pricing.benefits.adjudication import Adjudication, adjudicate
from pricing.benefits.claims import Claims, read_claims
from pricing.benefits.design import CostSharing, PlanDesign

LINES_A_MEMBER, MEMBERS_A_FAMILY = 18, 3
SERVICES = ("primary_care", "specialist", "laboratory", "generic", "imaging", "inpatient")
#: Designs of those in one pass that are timed one by one.
ONE_BY_ONE = 20
#: Designs that must agree with themselves before: enough of the simple ones to be done in vectors.
AGREEING = 9
#: Lines read before reading is timed: enough for every kernel.
WARM_UP = 200_000
SIMPLE = PlanDesign("deductible, coinsurance, maximum", 1000, 5000, 0.2)
FAMILY = PlanDesign(
    "embedded family limits and copays", 1000, 5000, 0.2,
    {
        "primary_care": CostSharing(copay=30, deductible_applies=False),
        "inpatient": CostSharing(copay=250, copay_per="day", copay_days=5),
    },
    family_deductible=2000, family_out_of_pocket_maximum=10_000,
)  # fmt: skip


def make_claims(n_lines: int, *, seed: int = 1) -> pa.Table:
    """Return invented claim lines, in no order."""
    random = np.random.default_rng(seed)
    members = random.integers(0, max(n_lines // LINES_A_MEMBER, 1), n_lines)
    services = pa.DictionaryArray.from_arrays(random.integers(0, len(SERVICES), n_lines), list(SERVICES))
    return pa.table(
        {
            "claim_id": np.char.add("C", np.arange(n_lines).astype(str)),
            "claim_line_number": np.ones(n_lines, np.int16),
            "member_id": np.char.add("M", members.astype(str)),
            "family_id": np.char.add("F", (members // MEMBERS_A_FAMILY).astype(str)),
            "service_date": pa.array(20_089 + random.integers(0, 365, n_lines), pa.int32()).cast(pa.date32()),
            "service_category": services,
            "allowed_amount": np.round(random.lognormal(4, 1.3, n_lines), 2),
        }
    )


def measure(*, lines: int, designs: int, rounds: int) -> dict[str, Any]:
    """Return seconds and lines (times designs) a second of each question."""
    table = make_claims(lines)
    read_claims(table.slice(0, WARM_UP))
    reading = timed(partial(read_claims, table), 1)
    claims = read_claims(table)
    persons = read_claims(table.drop_columns(["family_id"]))
    del table
    questions: dict[str, Any] = {}
    for each, design in ((persons, SIMPLE), (claims, FAMILY)):
        many = [
            replace(design, name=f"design {number}", deductible=500 + 5 * number) for number in range(designs)
        ]
        check_agreement(each, many[:AGREEING])
        one = timed(partial(adjudicate, each, design), rounds)
        together = timed(partial(adjudicate, each, many), min(rounds, 3))
        questions[design.name] = _speed(lines, one)
        questions[f"{design.name}: {designs} designs in one pass"] = {
            **_speed(lines * designs, together),
            **_times_one_by_one(each, many, together[1] / designs),
        }
    return {
        "lines": lines,
        "rounds": rounds,
        "reading_seconds": reading[0],
        "reading_processor_seconds": reading[1],
        "questions": questions,
    }


def _times_one_by_one(claims: Claims, designs: Sequence[PlanDesign], of_each: float) -> dict[str, float]:
    """Return processor seconds of each design in one pass, over those one by one: results thrown away, and kept."""
    some = designs[:ONE_BY_ONE]
    kept: list[Adjudication] = []

    def throw_away() -> None:
        for design in some:
            adjudicate(claims, design)

    def keep() -> None:
        kept.extend(adjudicate(claims, design) for design in some)

    thrown_away, with_all = (timed(call, 1)[1] / len(some) for call in (throw_away, keep))
    return {"times_one_by_one": of_each / thrown_away, "times_one_by_one_kept": of_each / with_all}


def _speed(line_designs: int, seconds: tuple[float, float]) -> dict[str, float]:
    elapsed, of_processors = seconds
    return {
        "seconds": elapsed,
        "processor_seconds": of_processors,
        "million_line_designs_a_second": line_designs / elapsed / 1e6,
        "million_line_designs_a_processor_second": line_designs / of_processors / 1e6,
    }


def check_agreement(claims: Claims, designs: Sequence[PlanDesign]) -> None:
    """Refuse to go on unless designs give together what they give alone, and what their lines add up to."""
    together = adjudicate(claims, designs).totals
    for number, design in enumerate(designs):
        by_line = adjudicate(claims, design, keep_lines=True)
        if not (together[number] == by_line.totals[0]).all():
            raise DisagreementError("designs in one pass give other results than one by one")
        if not (by_line.line_parts.sum(axis=0) == together[number].sum(axis=0)).all():
            raise DisagreementError("lines do not add up to the totals of members")


def timed(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the medians of a call's seconds and of the seconds that processors worked for it, all threads together."""
    seconds = []
    for _ in range(max(rounds, 1)):
        begin = time.perf_counter(), time.process_time()
        call()
        seconds.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    elapsed, of_processors = zip(*seconds, strict=True)
    return statistics.median(elapsed), statistics.median(of_processors)


def main() -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--designs", type=int, default=20, help="in one pass")
    parser.add_argument("--rounds", type=int, default=5, help="timed calls; the median is shown")
    options = parser.parse_args()
    found = measure(lines=options.lines, designs=options.designs, rounds=options.rounds)
    print(json.dumps({"machine": machine(DISTRIBUTIONS), "adjudication": found}, indent=2))


if __name__ == "__main__":
    main()
