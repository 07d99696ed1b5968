"""Gaps against the naive twin: random members with dated diagnoses, in the toy models and in random ones."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

import riskadj
from tests import naive_gaps, random_models
from tests.members import TOY_MAPS, TOY_YEAR, Member, enrollment_table, exact, random_members
from tests.properties.test_engine_equals_naive import TOY_CODES

Dated = dict[str, list[tuple[str, date]]]


def dated(random: Random, members: list[Member], first: date, n_days: int) -> Dated:
    """Give every diagnosis of the members a service date in a stretch of days."""
    return {
        member.member_id: [(code, first + timedelta(days=random.randrange(n_days))) for code in member.codes]
        for member in members
    }


def extract(*parts: Dated) -> pa.Table:
    rows = [(name, code, day) for part in parts for name, found in part.items() for code, day in found]
    return pa.table(
        {
            "member_id": pa.array([row[0] for row in rows], pa.string()),
            "diagnosis_code": pa.array([row[1] for row in rows], pa.string()),
            "service_date": pa.array([row[2] for row in rows], pa.date32()),
        }
    )


def check(year_folder: Path, seed: int, codes: list[str], models: list[str], **options: object) -> None:
    """Compare every gap of random members, and the counts of the recapture table."""
    random, year = Random(seed), int(year_folder.name[2:])
    members = random_members(random, codes, 12)
    others = random_members(random, codes, 12)
    others = [Member(one.member_id, codes=other.codes) for one, other in zip(members, others, strict=True)]
    prior = dated(random, others, date(year - 2, 1, 1), 365)
    now = dated(random, members, date(year - 1, 1, 1), 365)
    found = riskadj.gaps(
        enrollment_table(members), extract(prior, now), payment_year=year, models=models, **options
    )
    gaps = {(row["member_id"], row["model_id"], row["hcc"]): row for row in found.gaps.to_pylist()}
    expected = {}
    for member in members:
        for model_id in models:
            result = naive_gaps.gaps_of(
                year_folder / model_id, sex=member.sex, age=member.age_years, status=member.status,
                prior=prior[member.member_id], now=now[member.member_id],
            )  # fmt: skip
            expected |= {(member.member_id, model_id, hcc): gap for hcc, gap in result.items()}
    assert gaps.keys() == expected.keys()
    for key, gap in expected.items():
        row = gaps[key]
        assert (row["status"], row["recaptured_on"]) == (gap["status"], gap["recaptured_on"]), key
        assert row["last_prior_service_date"] == gap["last_prior_service_date"]
        assert round(exact(row["payment_risk_score_change"]), 6) == gap["change"]
    check_recapture(found.recapture, expected)


def check_recapture(table: pa.Table, expected: dict) -> None:
    """The recapture table holds each condition that counts once, in the month in which it was seen again."""
    counted = [gap for gap in expected.values() if gap["status"] != "not_applicable"]
    seen: dict[str, int] = {}
    for gap in counted:
        if gap["recaptured_on"] is not None:
            month = gap["recaptured_on"].isoformat()[:7]
            seen[month] = seen.get(month, 0) + 1
    rows = table.to_pylist()
    per_group = {(row["model_id"], row["kind"]): row["conditions"] for row in rows}
    assert sum(per_group.values()) == len(counted)
    found: dict[str, int] = {}
    for row in rows:
        number = (row["recaptured_in_month"] or 0) + (row["superseded_in_month"] or 0)
        found[row["month"]] = found.get(row["month"], 0) + number
    assert {month: number for month, number in found.items() if number} == seen


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_toy_models(seed: int) -> None:
    models = ["toy_hcc_v1", "toy_hcc_v2"]
    check(TOY_YEAR, seed, list(TOY_CODES), models, program="atlantis", maps_dir=TOY_MAPS)


@settings(max_examples=15)
@given(random_models.shapes, st.integers(0, 10**6))
def test_random_models(shape: random_models.Shape, seed: int) -> None:
    with tempfile.TemporaryDirectory() as maps:
        folder = random_models.write_year(Path(maps), {"mu": shape})
        codes = random_models.codes_of(shape)
        check(folder, seed, codes, ["mu"], program="lemuria", maps_dir=maps)
