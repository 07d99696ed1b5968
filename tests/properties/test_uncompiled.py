"""Kernels run as plain Python give what they give compiled, and what the naive scorer gives."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from riskadj.terms import CLAIM_TYPES
from tests import naive
from tests.members import (
    REAL_MAPS,
    TOY_MAPS,
    TOY_YEAR,
    Member,
    diagnoses_table,
    enrollment_table,
    exact,
    random_members,
)

CODES = ("Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q51", "Q52", "Q53")


def members() -> list[Member]:
    return random_members(Random(5), CODES, 40)


def extracts() -> tuple[pa.Table, pa.Table]:
    """Members, and diagnoses of two years with every column that a claim filter or a question reads."""
    random = Random(6)
    people = members()
    rows = diagnoses_table(people)
    columns = {
        "service_date": [
            date(2097 + random.randrange(2), 1 + random.randrange(12), 5) for _ in range(rows.num_rows)
        ],
        "claim_id": [f"c{random.randrange(30)}" for _ in range(rows.num_rows)],
        "record_source": [random.choice(("encounter", "chart_review_linked")) for _ in range(rows.num_rows)],
        "claim_type": [random.choice(CLAIM_TYPES) for _ in range(rows.num_rows)],
        "bill_type_code": [random.choice(("111", "131", "999")) for _ in range(rows.num_rows)],
        "procedure_code": [random.choice(("99213", "00000")) for _ in range(rows.num_rows)],
    }
    for name, values in columns.items():
        rows = rows.append_column(name, pa.array(values))
    return enrollment_table(people), rows


def answers() -> dict[str, Any]:
    """Ask every question of the toy year, and return its tables as text that tells every digit."""
    toy = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "threads": 1}
    people, rows = extracts()
    plain = riskadj.score(people, diagnoses_table(members()), **toy)
    scores = riskadj.score(people, rows, **toy)
    other = riskadj.score(people, rows, **toy, models="toy_hcc_v1", edits="none")
    real = riskadj.score(people, rows, payment_year=2026, maps_dir=REAL_MAPS, diagnosis_filter="cms", rejects="write",
                         collection="2097-01-01:2098-12-31", threads=1)  # fmt: skip
    values = scores.marginal(by=["claim_id", "record_source"])
    without = scores.without(where={"record_source": "encounter"})
    gaps = riskadj.gaps(people, rows, by="claim_type,sex", **toy)
    told = riskadj.impact(other, scores)
    tables = {
        "scores": plain.payment_scores,
        "models": scores.model_scores,
        "filtered": real.filtered,
        "marginal": values.marginal_values,
        "value_by_hcc": values.value_by_hcc,
        "changed_scores": without.changed_scores,
        "changed_hccs": without.changed_hccs,
        "gaps": gaps.gaps,
        "recapture": gaps.recapture,
        "impact": told.by_row,
        "by_hcc": told.by_hcc,
    }
    explained = [str(scores.explain(f"M{number}")) for number in range(5)]
    return {name: [repr(row) for row in table.to_pylist()] for name, table in tables.items()} | {
        "explained": explained
    }


SCRIPT = """
import json, numba
from tests.properties.test_uncompiled import answers
assert numba.config.DISABLE_JIT
print(json.dumps(answers()))
"""


@pytest.fixture(scope="module")
def uncompiled() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_kernels_without_compilation(uncompiled: dict[str, Any]) -> None:
    expected = {}
    for member in members():
        known = {"sex": member.sex, "age": member.age_years, "status": member.status, "codes": member.codes}
        expected[member.member_id] = naive.payment_score(TOY_YEAR, "atlantis", **known)["payment"]
    rows = [ast.literal_eval(re.sub(r"datetime\.date\([^)]*\)", "None", row)) for row in uncompiled["scores"]]
    assert {row["member_id"]: exact(row["payment_risk_score"]) for row in rows} == expected


def test_every_question_without_compilation(uncompiled: dict[str, Any]) -> None:
    compiled = json.loads(json.dumps(answers()))
    assert set(compiled) == set(uncompiled)
    for name, rows in compiled.items():
        assert rows, f"{name} has nothing to compare"
        assert rows == uncompiled[name], name
