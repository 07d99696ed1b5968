"""Runs of the invented program of tests/toy_maps, for the questions that people ask of runs."""

from __future__ import annotations

from random import Random

import riskadj
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table, random_member

TOY = {"program": "atlantis", "payment_year": 2099, "maps_dir": TOY_MAPS}


def score_toy(members, *, enrollment=None, **options):
    """Score members in the toy year unless the options say otherwise."""
    table = enrollment_table(members) if enrollment is None else enrollment
    return riskadj.score(table, diagnoses_table(members), **{**TOY, **options})


def toy_members(n: int = 40) -> list[Member]:
    return [random_member(Random(n), ["Q01", "Q06", "Q09", "Q12", "Q13", "Q20"], f"M{n}") for n in range(n)]
