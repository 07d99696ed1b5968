"""Published and independent cases: the engine and the naive scorer on each, and peers where they cover the release."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from benchmarks.accuracy.population import Person
from tests import naive
from tests.golden.cases import (
    GoldenFile,
    engine_differences,
    hhs_member,
    medicare_member,
    naive_differences,
)


@dataclass(frozen=True)
class GoldenResult:
    """How many cases of one file one scorer gives as they stand."""

    place: str
    against: str
    scorer: str
    cases: int
    scores: int
    differ: int
    largest: float
    """How far the worst score is off; 0 where HCCs alone differ."""


def check(golden: GoldenFile) -> list[GoldenResult]:
    """Return the results of the engine and of the naive scorer on one file."""
    found = []
    for scorer, differences in (
        ("riskadj", engine_differences(golden)),
        ("naive scorer", naive_differences(golden)),
    ):
        sizes = [item.size for item in differences if item.size.is_finite()]
        cases = golden.cases
        found.append(
            GoldenResult(
                golden.place,
                golden.document["source"],
                scorer,
                len(cases),
                sum(len(case["raw"]) for case in cases),
                len({item.case_id for item in differences}),
                float(max(sizes, default=Decimal(0))),
            )
        )
    return found


def golden_people(golden: GoldenFile) -> list[Person]:
    """Return every case and segment as a person that peers can be told of."""
    known_of = hhs_member if golden.place.startswith("hhs/") else medicare_member
    people = []
    for case in golden.cases:
        known = known_of(golden, case)
        for segment in case["raw"]:
            people.append(
                Person(
                    case["id"],
                    known["sex"],
                    known["age"],
                    tuple(sorted({naive.clean_code(code) for code in case["dx"]})),
                    tuple(known.get("drugs", ())),
                    naive.PLAIN_STATUS | known["status"],
                    case.get("dual_status_code"),
                    segment,
                )
            )
    return people
