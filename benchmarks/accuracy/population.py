"""Random members of a release, seeded by its name: every status, every age, codes with and without conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import riskadj
from tests import naive
from tests.members import (
    REAL_MAPS,
    Member,
    diagnoses_table,
    drugs_table,
    enrollment_table,
    random_members,
    some_drugs,
)
from tests.releases import drug_codes, telling_codes

ESRD_STATUSES = (
    ("dialysis", "none"), ("dialysis", "none"), ("graft", "4_9"), ("graft", "10PL"), ("graft", "4_9"),
    ("graft", "10PL"), ("transplant_1", "none"), ("transplant_2", "none"), ("transplant_3", "none"),
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One member as every scorer is told of it: cleaned codes, one segment, Medicaid as the dual status says."""

    member_id: str
    sex: str
    age: int
    codes: tuple[str, ...]
    drugs: tuple[tuple[str, str], ...]
    status: Mapping[str, str]
    dual_status_code: str | None
    segment: str

    @property
    def request(self) -> dict[str, Any]:
        """What a worker reads."""
        flags = ("ltimcaid", "nemcaid", "mcaid", "is_esrd")
        return {
            "sex": self.sex,
            "age": self.age,
            "codes": list(self.codes),
            "ndc": [code for system, code in self.drugs if system == "ndc"],
            "hcpcs": [code for system, code in self.drugs if system == "hcpcs"],
            "segment": self.segment,
            "orec": self.status["orec"],
            "dual": self.status["dual"],
            "dual_status_code": self.dual_status_code,
            "lti": self.status["is_long_term_institutional"] == "1",
            "months": int(self.status["enrollment_duration"]),
            **{name: self.status[name] == "1" for name in flags},
        }

    @property
    def known(self) -> dict[str, Any]:
        """What the naive scorer reads."""
        return {
            "sex": self.sex,
            "age": self.age,
            "status": self.status,
            "codes": self.codes,
            "drugs": self.drugs,
            "segment": self.segment,
        }


def make_members(place: str, n_members: int) -> list[Member]:
    """Return the members of a release."""
    folder = REAL_MAPS / place
    random = Random(f"accuracy of {place}")
    members = random_members(random, telling_codes(folder), n_members)
    drugs = drug_codes(folder)
    if not drugs:
        return members
    return [
        replace(member, drugs=some_drugs(random, drugs), months_enrolled=random.randint(1, 12))
        for member in members
    ]


def make_people(place: str, members: list[Member]) -> list[Person]:
    """Return the same members as scorers of others can be told of them, each in the segment that pays."""
    folder, random = REAL_MAPS / place, Random(f"people of {place}")
    model = naive.read_model(str(folder))
    people = []
    for member in members:
        plain = replace(member, ltimcaid=None, nemcaid=None, mcaid=None)
        esrd_status, graft_duration = random.choice(ESRD_STATUSES)
        status = naive.PLAIN_STATUS | plain.status
        if "esrd" in place:
            status |= {"esrd_status": esrd_status, "graft_duration": graft_duration}
        people.append(
            Person(
                member.member_id,
                member.sex,
                member.age_years,
                tuple(sorted({naive.clean_code(code) for code in member.codes})),
                member.drugs,
                status,
                member.dual_status_code,
                naive.segment_of(model, member.age_years, status, member.sex),
            )
        )
    return people


def engine_rows(place: str, members: list[Member], maps: Path) -> list[dict[str, Any]]:
    """Return the engine's rows of every member and segment."""
    program, year, model_id = place.split("/")
    scores = riskadj.score(
        enrollment=enrollment_table(members),
        diagnoses=diagnoses_table(members),
        payment_year=int(year[2:]),
        program="hhs" if program == "hhs" else "medicare_part_c",
        drugs=drugs_table(members) if drug_codes(REAL_MAPS / place) else None,
        models=[model_id],
        segments="all",
        maps_dir=maps,
    )
    rows: list[dict[str, Any]] = scores.model_scores.to_pylist()
    return rows
