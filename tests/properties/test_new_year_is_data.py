"""A new payment year is a folder: copy one, change its factors, seal it, score; no code changes."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

import riskadj
from riskadj.errors import ChecksumError
from riskadj.tables.copy_year import copy_year
from riskadj.tables.seal import seal_folder
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table, exact


def copied_year(maps: Path) -> Path:
    """Copy py2099 to py2100 and double the factor of HCC5 in the first model."""
    shutil.copytree(TOY_MAPS, maps)
    new = maps / "atlantis" / "py2100"
    copy_year(maps / "atlantis" / "py2099", new)
    factors = new / "toy_hcc_v1" / "relative_factors.csv"
    text = factors.read_text(encoding="utf-8")
    assert "HCC5,SHORE_AGED,0.300\n" in text
    factors.write_text(text.replace("HCC5,SHORE_AGED,0.300\n", "HCC5,SHORE_AGED,0.600\n"), encoding="utf-8")
    return new


def score(maps: Path, year: int) -> Decimal | None:
    people = [Member("A", age_years=72, codes=("Q05",))]
    scores = riskadj.score(
        enrollment=enrollment_table(people),
        diagnoses=diagnoses_table(people),
        payment_year=year,
        program="atlantis",
        maps_dir=maps,
    )
    return exact(scores.payment_scores.to_pylist()[0]["payment_risk_score"])


def test_a_copied_year_with_changed_factors(tmp_path: Path) -> None:
    new = copied_year(tmp_path / "maps")
    with pytest.raises(ChecksumError):
        score(tmp_path / "maps", 2100)
    assert len(seal_folder(new)) == 1  # only the first model changed
    # 2099: V1 0.598, V2 0.360, blended 0.420 (test_scoring_rules).
    assert score(tmp_path / "maps", 2099) == Decimal("0.420")
    # 2100: V1 F65_GT 0.400 + HCC5 0.600 = 1.000; / 1.1 = 0.90909: 0.909; x 0.941 = 0.855369: 0.855.
    # 0.25 x 0.855 + 0.75 x 0.360 = 0.21375 + 0.270 = 0.48375: 0.484.
    assert score(tmp_path / "maps", 2100) == Decimal("0.484")
    assert [(m.payment_year, m.model_id) for m in riskadj.list_models(maps_dir=tmp_path / "maps")] == [
        (year, model_id) for year in (2099, 2100) for model_id in ("toy_hcc_v1", "toy_hcc_v2")
    ]
