"""Populations of Atlantis whose costs follow from known factors: what the tests of calibration share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

import riskadj
from riskadj.calibration.calibration import Calibration
from tests import naive
from tests.members import TOY_MAPS, TOY_YEAR, Member, diagnoses_table, enrollment_table

CODES = ["Q01", "Q02", "Q03", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q52"]
#: Dollars a year that a factor of 1 costs in simulated populations.
BASE = 10_000.0
YEAR = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}


@dataclass(frozen=True)
class Population:
    """Members, their months, and what the naive scorer says of each: segment and variables."""

    members: list[Member]
    months: list[int]
    scores: list[dict[str, Any]]

    @property
    def enrollment(self) -> pa.Table:
        """Enrollment extract, months given."""
        return enrollment_table(self.members).append_column(
            "months_enrolled", pa.array(self.months, pa.int16())
        )

    @property
    def diagnoses(self) -> pa.Table:
        """Diagnoses extract."""
        return diagnoses_table(self.members)

    @property
    def truth(self) -> np.ndarray:
        """Annual cost of each member by the factors of the table. [dollars a year]"""
        return BASE * np.array([float(score["raw"]) for score in self.scores])

    def costs(self, annual: np.ndarray) -> pa.Table:
        """Return totals by member: annual costs over the months of each."""
        ids = [member.member_id for member in self.members]
        return pa.table({"member_id": ids, "cost": annual * np.array(self.months) / 12})

    def matrix(self, segment: str) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return the variables of a segment, the rows that are in it, and their design matrix."""
        rows = np.array([number for number, score in enumerate(self.scores) if score["segment"] == segment])
        names = sorted({name for number in rows for name in self.scores[number]["variables"]})
        x = [[float(name in self.scores[number]["variables"]) for name in names] for number in rows]
        return names, rows, np.array(x)

    def calibrate(self, annual: np.ndarray, model: str = "toy_hcc_v1", **options: Any) -> Calibration:
        """Fit a model to annual costs."""
        known = {"min_segment_members": 1, "min_members": 0, "folds": 0} | YEAR | options
        return riskadj.calibrate(
            self.enrollment, self.diagnoses, costs=self.costs(annual), amount="cost", model=model, **known
        )


def population(
    n_members: int, seed: int, *, model: str = "toy_hcc_v1", folder: Path = TOY_YEAR
) -> Population:
    """Return members of every segment and condition, and months from 1 to 12."""
    random = Random(seed)
    members = [_member(random, f"ZQX7{number:05}") for number in range(n_members)]
    months = [random.choice((1, 6, 11, 12, 12, 12)) for _ in members]
    scores = [
        naive.score_member(
            folder / model, sex=member.sex, age=member.age_years, status=member.status, codes=member.codes
        )
        for member in members
    ]
    return Population(members, months, scores)


def _member(random: Random, member_id: str) -> Member:
    flag = random.choice(("", "", "", "is_long_term_institutional", "is_new_enrollee"))
    return Member(
        member_id,
        sex=random.choice("MF"),
        age_years=random.choice((30, 50, 64, 65, 70, 90)),
        codes=tuple(code for code in CODES if random.random() < 0.25),
        orec=random.choice("0011"),
        dual_status_code=random.choice(("00", "02")),
        flags=frozenset([flag] if flag else []),
    )


def by_variable(calibration: Calibration, column: str) -> dict[tuple[str, str], Any]:
    """Return a column of the factors by (variable, segment)."""
    rows = calibration.factors.select(["variable", "segment", column]).to_pylist()
    return {(row["variable"], row["segment"]): row[column] for row in rows}
