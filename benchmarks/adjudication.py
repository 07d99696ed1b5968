"""Claim lines per second through plan designs: simple ones, families, and many designs in one pass.

`python -m benchmarks.adjudication --lines 10000000 --designs 100` prints JSON. The claims are invented and held in
memory; before anything is timed, many designs in one pass must give what each gives by itself. "reading" is from an
Arrow table to lines in order; first calls compile and are not timed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.agreement import DisagreementError
from benchmarks.measure import machine
from pricing.benefits.adjudication import adjudicate
from pricing.benefits.claims import Claims, read_claims
from pricing.benefits.design import CostSharing, PlanDesign

LINES_A_MEMBER, MEMBERS_A_FAMILY = 18, 3
SERVICES = ("primary_care", "specialist", "laboratory", "generic", "imaging", "inpatient")
DISTRIBUTIONS = ("riskadj", "numpy", "numba", "pyarrow")
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
    begin = time.perf_counter()
    claims = read_claims(table)
    reading = time.perf_counter() - begin
    persons = read_claims(table.drop_columns(["family_id"]))
    many = [
        replace(FAMILY, name=f"design {number}", deductible=500 + 5 * number) for number in range(designs)
    ]
    check_agreement(claims, many[:3])
    found = {
        SIMPLE.name: (1, timed(lambda: adjudicate(persons, SIMPLE), rounds)),
        FAMILY.name: (1, timed(lambda: adjudicate(claims, FAMILY), rounds)),
        f"{designs} designs in one pass": (designs, timed(lambda: adjudicate(claims, many), 1)),
    }
    questions = {
        name: {"seconds": seconds, "million_line_designs_a_second": lines * times / seconds / 1e6}
        for name, (times, seconds) in found.items()
    }
    return {"lines": lines, "rounds": rounds, "reading_seconds": reading, "questions": questions}


def check_agreement(claims: Claims, designs: Sequence[PlanDesign]) -> None:
    """Refuse to go on unless designs give together what they give alone."""
    together = adjudicate(claims, designs).totals
    if any((adjudicate(claims, design).totals[0] != together[n]).any() for n, design in enumerate(designs)):
        raise DisagreementError("designs in one pass give other results than one by one")


def timed(call: Callable[[], object], rounds: int) -> float:
    """Return the median seconds of a call."""
    seconds = []
    for _ in range(max(rounds, 1)):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


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
