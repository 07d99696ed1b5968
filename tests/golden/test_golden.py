"""Scores against official and independent programs, case by case; and the naive scorer against the same cases.

A file of cases names its model and the payment years it holds for; a new year adds a file, no code. Release folders
without independent cases are listed in `NO_INDEPENDENT_CASES`: nothing but the naive scorer, which passes the cases of
the other releases, speaks for them.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from tests import naive
from tests.members import (
    REAL_MAPS,
    diagnoses_table,
    drugs_table,
    engine_model_row,
    enrollment_table,
    exact,
    naive_model_row,
    pairs_table,
    random_members,
    some_drugs,
)

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

Case = dict[str, Any]

#: What only the ESRD and Part D cases state.
OTHER_FLAGS = ("mcaid", "is_esrd", "is_long_term_institutional")


def golden_files() -> list[tuple[str, int, str, Path]]:
    """Return (program folder, payment year, model id, file) of every file of cases."""
    found = []
    for path in sorted((Path(__file__).parent / "medicare").rglob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        found += [("medicare", year, document["model"], path) for year in document["payment_years"]]
    return found


def final_models() -> list[str]:
    """Return the folders of every final release, as program/year/model."""
    models = [release for release in riskadj.list_models() if _status(release.folder) == "final"]
    return ["/".join(release.folder.parts[-3:]) for release in models]


def _status(folder: Path) -> str:
    return naive.read_model(str(folder))["manifest"]["status"]


#: Cases of HHS-HCC: test_golden_hhs.py.
HHS_FILES = sorted((Path(__file__).parent / "hhs").rglob("*.json"))

GOLDEN = golden_files()
each_file = pytest.mark.parametrize(
    ("program", "year", "model_id", "path"),
    GOLDEN,
    ids=[f"{year}-{model}-{path.stem}" for _, year, model, path in GOLDEN],
)


def read_cases(path: Path) -> list[Case]:
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["cases"]


def enrollment_of(cases: list[Case]) -> pa.Table:
    birth_dates = [date.fromisoformat(case["birth_date"]) if "birth_date" in case else None for case in cases]
    known = "birth_date" if any(birth_dates) else "age_years"
    ages = birth_dates if known == "birth_date" else [case["age_years"] for case in cases]
    return pa.table(
        {
            "member_id": [case["id"] for case in cases],
            known: ages,
            "sex": [case["sex"] for case in cases],
            "orec": [case["orec"] for case in cases],
            "ltimcaid": [bool(case["ltimcaid"]) for case in cases],
            "nemcaid": [bool(case["nemcaid"]) for case in cases],
            "part_d_plan_type": ["mapd"] * len(cases),
            **{name: [bool(case[name]) for case in cases] for name in OTHER_FLAGS if name in cases[0]},
            **{name: [case[name] for case in cases] for name in ("dual_status_code",) if name in cases[0]},
        }
    )


@each_file
def test_engine_gives_the_published_scores(program: str, year: int, model_id: str, path: Path) -> None:
    cases = read_cases(path)
    scores = riskadj.score(
        enrollment=enrollment_of(cases),
        diagnoses=pairs_table([(case["id"], code) for case in cases for code in case["dx"]]),
        payment_year=year,
        models=[model_id],
        segments="all",
    )
    rows = {(row["member_id"], row["segment"]): row for row in scores.model_scores.to_pylist()}
    segments = naive.segments_of(REAL_MAPS / program / f"py{year}" / model_id)
    assert len(rows) == scores.model_scores.num_rows == len(cases) * len(segments)
    wrong = [
        (case["id"], segment, exact(rows[case["id"], segment]["raw_risk_score"]), expected)
        for case in cases
        for segment, expected in case["raw"].items()
        if exact(rows[case["id"], segment]["raw_risk_score"]) != expected
    ]
    assert wrong == []
    assert [
        case["id"]
        for case in cases
        if "age" in case and rows[case["id"], segments[0]]["age_years"] != case["age"]
    ] == []
    for segment in segments:  # the HCCs are the member's, whatever the segment
        listed = {case["id"]: list(rows[case["id"], segment]["hccs"]) for case in cases if "hccs" in case}
        assert listed == {case["id"]: case["hccs"] for case in cases if "hccs" in case}


@each_file
def test_naive_scorer_gives_the_published_scores(program: str, year: int, model_id: str, path: Path) -> None:
    folder = REAL_MAPS / program / f"py{year}" / model_id
    for case in read_cases(path):
        age = case.get("age_years")
        if age is None:
            age = naive.age_in(folder.parent, date.fromisoformat(case["birth_date"]))
        assert age == case.get("age", age)
        known = [name for name in ("orec", "ltimcaid", "nemcaid", *OTHER_FLAGS) if name in case]
        status = naive.status_of_dual_code(case.get("dual_status_code")) | {
            name: str(case[name]) for name in known
        }
        for segment, expected in case["raw"].items():
            known = {"sex": case["sex"], "age": age, "status": status, "codes": case["dx"]}
            score = naive.score_member(folder, **known, segment=segment)
            raw = naive.rounded(score["raw"], naive.read_payment_year(str(folder.parent)), "raw")
            assert (case["id"], segment, raw) == (case["id"], segment, expected)
            assert score["hccs"] == case.get("hccs", score["hccs"])


def test_every_final_model_has_golden_cases_or_is_listed_as_having_none() -> None:
    with_cases = {f"{program}/py{year}/{model_id}" for program, year, model_id, _ in GOLDEN}
    with_cases |= {"/".join(path.relative_to(Path(__file__).parent).parts[:-1]) for path in HHS_FILES}
    assert with_cases.isdisjoint(NO_INDEPENDENT_CASES)
    assert set(final_models()) == with_cases | NO_INDEPENDENT_CASES


@pytest.mark.parametrize("place", final_models())
def test_engine_equals_naive_scorer_on_random_members(place: str, tmp_path: Path) -> None:
    """Every segment of every release, members of every kind, codes of every kind."""
    program, year_name, model_id = place.split("/")
    maps = REAL_MAPS if (REAL_MAPS / place).parent.joinpath("payment_year.toml").exists() else tmp_path
    if maps is tmp_path:
        lend_numbers(place, maps)
    folder = maps / place
    random = Random(place)  # seeded by its name
    members = random_members(random, telling_codes(folder), 150)
    known = [(row["code_system"], row["code"]) for row in naive.read_model(str(folder))["drug_mappings"]]
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


def lend_numbers(place: str, maps: Path) -> None:
    """Copy a release whose year has no numbers of its own, with the numbers of a later year, re-dated."""
    shutil.copytree(REAL_MAPS / place, maps / place)
    lender = min(path for path in REAL_MAPS.glob("medicare/py*/payment_year.toml"))
    text = lender.read_text(encoding="utf-8").partition("[tables.")[0]
    year, lent = place.split("/")[1][2:], lender.parent.name[2:]
    (maps / place).parent.joinpath("payment_year.toml").write_text(
        text.replace(f"year = {lent}", f"year = {year}").replace(f'"{lent}-', f'"{year}-'), encoding="utf-8"
    )


def telling_codes(folder: Path) -> list[str]:
    """Codes of a release, those with several HCCs or with a condition as often as all others together."""
    diagnoses = naive.read_model(str(folder))["diagnoses"]
    special = [code for code, rows in diagnoses.items() if len(rows) > 1 or any(list(rows[0].values())[2:])]
    by_hcc = {row["hcc"]: code for code, rows in diagnoses.items() for row in rows}
    plain = list(by_hcc.values()) * 3 + sorted(diagnoses)[::7]
    return plain + special * max(1, len(plain) // max(1, len(special)))
