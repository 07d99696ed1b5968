"""Kernels run as plain Python give what they give compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from tests import naive
from tests.members import TOY_YEAR, random_members

CODES = ("Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q51", "Q52", "Q53")

SCRIPT = """
import json, random
import numba
import riskadj
from tests.members import TOY_MAPS, diagnoses_table, enrollment_table, random_members
from tests.properties.test_uncompiled import CODES
assert numba.config.DISABLE_JIT
members = random_members(random.Random(5), CODES, 40)
scores = riskadj.score(
    enrollment=enrollment_table(members), diagnoses=diagnoses_table(members),
    payment_year=2099, program="atlantis", maps_dir=TOY_MAPS, threads=1,
)
print(json.dumps([[row["member_id"], repr(row["payment_risk_score"])] for row in scores.payment_scores.to_pylist()]))
"""


def test_kernels_without_compilation() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    expected = [
        [
            member.member_id,
            naive.payment_score(
                TOY_YEAR,
                "atlantis",
                sex=member.sex,
                age=member.age_years,
                status=member.status,
                codes=member.codes,
            )["payment"],
        ]
        for member in random_members(Random(5), CODES, 40)
    ]
    assert [[name, naive.Decimal(score)] for name, score in json.loads(run.stdout)] == expected
