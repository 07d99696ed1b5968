"""Scores against official and independent programs, case by case; and the naive scorer against the same cases.

Release folders without independent cases are listed in `NO_INDEPENDENT_CASES`: nothing but the naive scorer, which
passes the cases of the other releases, and the scorers of others (`make accuracy`) speak for them.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

import riskadj
from tests import naive
from tests.golden.cases import (
    Difference,
    GoldenFile,
    beyond_tolerance,
    engine_differences,
    golden_files,
    naive_differences,
    tolerance,
)
from tests.members import (
    diagnoses_table,
    drugs_table,
    engine_model_row,
    enrollment_table,
    naive_model_row,
    random_members,
    some_drugs,
)
from tests.releases import drug_codes, final_models, maps_with_numbers, telling_codes

#: No independent cases; checked only by the naive twin.
NO_INDEPENDENT_CASES = {
    "medicare/py2017/cms_hcc_v22",
    "medicare/py2018/cms_hcc_v22",
    "medicare/py2019/cms_hcc_v22",
    "medicare/py2019/cms_hcc_v23",
    "medicare/py2020/cms_hcc_v22",
    "medicare/py2021/cms_hcc_v22",
    "medicare/py2022/cms_hcc_v22",
    "medicare/py2024/cms_hcc_v22",
    "medicare/py2024/esrd_v21",
    "medicare/py2024/esrd_v24",
    "medicare/py2024/cms_hcc_v28",
    "medicare/py2025/cms_hcc_v28",
    "medicare/py2027/cms_hcc_v22",
    "medicare/py2027/esrd_v21",
    "medicare/py2027/esrd_v24",
    "medicare/py2027/rxhcc_v08_t2",
}

GOLDEN = golden_files()
each_file = pytest.mark.parametrize("golden", GOLDEN, ids=[golden.name for golden in GOLDEN])


@each_file
def test_engine_gives_the_published_scores(golden: GoldenFile) -> None:
    assert beyond_tolerance(golden, engine_differences(golden)) == []


@each_file
def test_naive_scorer_gives_the_published_scores(golden: GoldenFile) -> None:
    assert beyond_tolerance(golden, naive_differences(golden)) == []


def test_tolerance_is_for_factors_with_fewer_decimals_only_and_for_scores_only() -> None:
    exact, rounded = (
        next(g for g in GOLDEN if ("decimals_of_factors" in g.document) is rounds) for rounds in (False, True)
    )
    for golden, left in ((exact, 2), (rounded, 1)):
        case = golden.cases[0]
        near = Difference(case["id"], "Silver", Decimal(1), Decimal(1) + tolerance(rounded, rounded.cases[0]))
        other = Difference(case["id"], "hccs", ["HCC1"], [])
        assert len(beyond_tolerance(golden, [near, other])) == left


def test_every_final_model_has_golden_cases_or_is_listed_as_having_none() -> None:
    with_cases = {golden.place for golden in GOLDEN}
    assert with_cases.isdisjoint(NO_INDEPENDENT_CASES)
    assert set(final_models()) == with_cases | NO_INDEPENDENT_CASES


@pytest.mark.parametrize("place", final_models())
def test_engine_equals_naive_scorer_on_random_members(place: str, tmp_path: Path) -> None:
    """Every segment of every release, members of every kind, codes of every kind."""
    program, year_name, model_id = place.split("/")
    maps = maps_with_numbers(place, tmp_path)
    folder = maps / place
    random = Random(place)  # seeded by its name
    members = random_members(random, telling_codes(folder), 150)
    known = drug_codes(folder)
    if known:
        members = [replace(member, drugs=some_drugs(random, known)) for member in members]
    scores = riskadj.score(
        enrollment=enrollment_table(members),
        diagnoses=diagnoses_table(members),
        payment_year=int(year_name[2:]),
        program="hhs" if program == "hhs" else "medicare_part_c",
        drugs=drugs_table(members) if known else None,
        models=[model_id],
        segments="all",
        maps_dir=maps,
    )
    of_member = {member.member_id: member for member in members}
    rows = scores.model_scores.to_pylist()
    assert len(rows) == len(members) * len(naive.segments_of(folder))
    for row in rows:
        expected = naive_model_row(
            folder.parent, model_id, of_member[row["member_id"]], row["segment"], "default"
        )
        assert engine_model_row(row) == expected, of_member[row["member_id"]]
