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

#: Diagnoses of each member: code, service date, provider.
Dated = dict[str, list[tuple[str, date, str | None]]]
PROVIDERS = ("p1", "p2", "p3", None)


def dated(random: Random, members: list[Member], first: date, n_days: int) -> Dated:
    """Give every diagnosis of the members a service date in a stretch of days, and a provider."""
    return {
        member.member_id: [
            (code, first + timedelta(days=random.randrange(n_days)), random.choice(PROVIDERS))
            for code in member.codes
        ]
        for member in members
    }


def extract(*parts: Dated) -> pa.Table:
    rows = [(name, *row) for part in parts for name, found in part.items() for row in found]
    return pa.table(
        {
            "member_id": pa.array([row[0] for row in rows], pa.string()),
            "diagnosis_code": pa.array([row[1] for row in rows], pa.string()),
            "service_date": pa.array([row[2] for row in rows], pa.date32()),
            "provider_id": pa.array([row[3] for row in rows], pa.string()),
        }
    )


def check(
    year_folder: Path, seed: int, codes: list[str], models: list[str], n_days: int = 365, **options: object
) -> None:
    """Compare every gap of random members, and the counts of both recapture tables."""
    random, year = Random(seed), int(year_folder.name[2:])
    members = random_members(random, codes, 12)
    years = []
    for first in (year - 3, year - 2):
        others = random_members(random, codes, 12)
        them = [Member(one.member_id, codes=other.codes) for one, other in zip(members, others, strict=True)]
        years.append(dated(random, them, date(first, 1, 1), n_days))
    oldest, prior = years
    now = dated(random, members, date(year - 1, 1, 1), n_days)
    found = riskadj.gaps(
        enrollment_table(members), extract(oldest, prior, now), payment_year=year, models=models, by="provider_id",
        **options,
    )  # fmt: skip
    expected, earlier = (
        {
            (member.member_id, model_id, hcc): gap
            for member in members
            for model_id in models
            for hcc, gap in gaps_of(year_folder / model_id, member, before, after).items()
        }
        for before, after in ((prior, now), (oldest, prior))
    )
    gaps = {(row["member_id"], row["model_id"], row["hcc"]): row for row in found.gaps.to_pylist()}
    assert gaps.keys() == expected.keys()
    for key, gap in expected.items():
        row = gaps[key]
        assert (row["status"], row["recaptured_on"]) == (gap["status"], gap["recaptured_on"]), key
        assert row["last_prior_service_date"] == gap["last_prior_service_date"]
        assert row["provider_id"] == gap["provider"], key
        assert round(exact(row["payment_risk_score_change"]), 6) == gap["change"]
    check_recapture(found.recapture, expected)
    if found.run["gaps"]["prior_year_curve"]:
        check_recapture(found.recapture_prior_year, earlier)
    else:
        assert not earlier
        assert not found.recapture_prior_year.num_rows


def gaps_of(folder: Path, member: Member, before: Dated, after: Dated) -> dict:
    """Return the gaps of one member under one model, each with its provider."""
    status = {"sex": member.sex, "age": member.age_years, "status": member.status}
    prior = before[member.member_id]
    plain = [[(code, day) for code, day, _ in rows] for rows in (prior, after[member.member_id])]
    found = naive_gaps.gaps_of(folder, **status, prior=plain[0], now=plain[1])
    for hcc, gap in found.items():
        gap["provider"] = naive_gaps.value_of_last_date(folder, hcc, prior, member.sex, member.age_years)
    return found


def check_recapture(table: pa.Table, expected: dict) -> None:
    """The recapture table holds each condition that counts once, in the month in which it was seen again."""
    counted = [gap for gap in expected.values() if gap["status"] != "not_applicable"]
    seen: dict[str, int] = {}
    for gap in counted:
        if gap["recaptured_on"] is not None:
            month = gap["recaptured_on"].isoformat()[:7]
            seen[month] = seen.get(month, 0) + 1
    rows = table.to_pylist()
    per_group = {(row["model_id"], row["kind"], row["provider_id"]): row["conditions"] for row in rows}
    assert sum(per_group.values()) == len(counted)
    by_provider: dict[str, int] = {}
    for gap in counted:
        by_provider[gap["provider"]] = by_provider.get(gap["provider"], 0) + 1
    for name, number in by_provider.items():
        assert sum(n for (_, _, provider), n in per_group.items() if provider == name) == number
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


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_several_providers_on_one_day(seed: int) -> None:
    """All services of a year on three days: many a condition has two providers on its last one."""
    check(TOY_YEAR, seed, list(TOY_CODES), ["toy_hcc_v1"], n_days=3, program="atlantis", maps_dir=TOY_MAPS)
