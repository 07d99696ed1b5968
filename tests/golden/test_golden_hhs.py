"""HHS-HCC scores against HHS's own program and tables, case by case; and the naive scorer against the same cases.

A file of cases stands in the folder of its release: the benefit year and the model are those of the folder.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from tests import naive
from tests.golden.test_golden import HHS_FILES
from tests.members import REAL_MAPS, exact

Case = dict[str, Any]
#: Rounding that a copy of factors with fewer decimals than the original may leave in each factor, and in the sum.
HALF = Decimal("0.0005")

each_file = pytest.mark.parametrize(
    "path", HHS_FILES, ids=["-".join((*path.parts[-3:-1], path.stem)) for path in HHS_FILES]
)


@lru_cache(maxsize=8)
def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return found


def release(path: Path) -> Path:
    return REAL_MAPS.joinpath("hhs", *path.parts[-3:-1])


def tolerance(path: Path, case: Case) -> Decimal:
    """0 where the copy of the factors has the original's decimals; else what rounding each factor can make."""
    return 0 * HALF if "decimals_of_factors" not in document(path) else HALF * (len(case["variables"]) + 1)


def enrollment_of(cases: list[Case]) -> pa.Table:
    names = ("sex", "age_years", "months_enrolled", "metal_level", "csr_indicator")
    return pa.table(
        {"member_id": [case["id"] for case in cases]}
        | {name: [case[name] for case in cases] for name in names}
    )


def diagnoses_of(cases: list[Case]) -> pa.Table:
    rows = [(case["id"], code, case.get("service_date")) for case in cases for code in case["dx"]]
    columns = {"member_id": [row[0] for row in rows], "diagnosis_code": [row[1] for row in rows]}
    if any(row[2] for row in rows):
        columns["service_date"] = [row[2] for row in rows]
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def drugs_of(cases: list[Case]) -> pa.Table:
    rows = [(case["id"], code, None) for case in cases for code in case.get("ndc", ())]
    rows += [(case["id"], None, code) for case in cases for code in case.get("hcpcs", ())]
    names = ("member_id", "ndc", "hcpcs")
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})


@each_file
def test_engine_gives_the_published_scores(path: Path) -> None:
    cases = document(path)["cases"]
    scores = riskadj.score(
        enrollment_of(cases),
        diagnoses_of(cases),
        drugs=drugs_of(cases),
        payment_year=document(path)["benefit_year"],
        program="hhs",
        segments="all",
    )
    rows = {(row["member_id"], row["segment"]): row for row in scores.model_scores.to_pylist()}
    assert len(rows) == scores.model_scores.num_rows == 5 * len(cases)
    paid = dict(
        zip(*(scores.payment_scores[n].to_pylist() for n in ("member_id", "payment_risk_score")), strict=True)
    )
    priced = naive.read_model(str(release(path)))["factors"]
    wrong = []
    for case in cases:
        for metal, expected in case["raw"].items():
            raw = exact(rows[case["id"], metal]["raw_risk_score"])
            if abs(raw - expected) > tolerance(path, case):
                wrong.append((case["id"], metal, raw, expected))
        if "payment" in case and exact(paid[case["id"]]) != case["payment"]:
            wrong.append((case["id"], "payment", paid[case["id"]], case["payment"]))
        if "hccs" in case:
            row = rows[case["id"], case["metal_level"].capitalize()]
            sub_model = (
                "Adult" if case["age_years"] >= 21 else "Child" if case["age_years"] >= 2 else "Infant"
            )
            column = f"{sub_model}_{row['segment']}"
            scored = {name for name in case["variables"] if priced[name, column]}
            if (sorted(row["hccs"]), set(row["variables"])) != (sorted(case["hccs"]), scored):
                wrong.append((case["id"], row["hccs"], row["variables"]))
    assert wrong == []


@each_file
def test_naive_scorer_gives_the_published_scores(path: Path) -> None:
    folder = release(path)
    year = naive.read_payment_year(str(folder.parent))
    for case in document(path)["cases"]:
        day = date.fromisoformat(case["service_date"]) if "service_date" in case else None
        codes = [(code, day) for code in case["dx"]]
        drugs = [(system, code) for system in ("ndc", "hcpcs") for code in case.get(system, ())]
        status = {
            "metal_level": case["metal_level"],
            "csr_indicator": case["csr_indicator"],
            "enrollment_duration": str(case["months_enrolled"]),
        }
        known = {"sex": case["sex"], "age": case["age_years"], "status": status}
        for metal, expected in case["raw"].items():
            score = naive.score_member(folder, **known, codes=codes, drugs=drugs, segment=metal)
            raw = naive.rounded(score["raw"], year, "raw")
            assert abs(raw - expected) <= tolerance(path, case), (case["id"], metal, raw, expected)
            assert sorted(score["hccs"]) == sorted(case.get("hccs", score["hccs"])), case["id"]
