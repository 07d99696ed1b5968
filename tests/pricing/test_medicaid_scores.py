"""A model folder of one's own, of the shape of Medicaid's models: scored, averaged by plan, and turned into rates."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import riskadj
from pricing import medicaid
from tests import medicaid_model

#: Member, plan, age, sex, orec (1: eligible by disability), codes; the score worked by hand beside each.
MEMBERS = [
    ("a1", "alpha", 40, "F", "0", ["M01", "M03"], 3.5),  # F_15P 0.700 + CARVH 2.800; CARL is dropped
    ("a2", "alpha", 30, "M", "0", [], 0.5),
    ("b1", "beta", 50, "M", "0", ["M03", "M04"], 2.3),  # 0.500 + CARL 0.300 + DIA1 1.500
    ("b2", "beta", 20, "F", "0", ["M05"], 1.8),  # 0.700 + PRGCMP 1.100
    ("c1", "alpha", 0, "F", "0", ["M02"], 3.3),  # A_UNDER1 2.100 + CARM 1.200 of children
    ("c2", "beta", 10, "M", "0", ["M05"], 0.3),  # a pregnancy code of a boy gives nothing
    ("d1", "alpha", 10, "M", "1", ["M01", "M02"], 2.5),  # A_1_14 0.600 + CARVH 1.900 of the disabled
    ("d2", "beta", 64, "F", "1", ["M04"], 1.65),
]


def scores(tmp_path: Path) -> riskadj.Scores:
    enrollment = pa.table({
        "member_id": [row[0] for row in MEMBERS], "age_years": [row[2] for row in MEMBERS],
        "sex": [row[3] for row in MEMBERS], "orec": [row[4] for row in MEMBERS],
    })  # fmt: skip
    codes = [(row[0], code) for row in MEMBERS for code in row[5]]
    diagnoses = pa.table(
        {"member_id": [member for member, _ in codes], "diagnosis_code": [code for _, code in codes]}
    )
    return riskadj.score(
        enrollment, diagnoses, payment_year=medicaid_model.YEAR, program=medicaid_model.PROGRAM,
        maps_dir=medicaid_model.write_maps(tmp_path / "maps"),
    )  # fmt: skip


def test_a_folder_of_ones_own_scores(tmp_path: Path) -> None:
    found = scores(tmp_path)
    assert found.payment_scores["payment_risk_score"].to_pylist() == [row[-1] for row in MEMBERS]
    segments = found.model_scores["segment"].to_pylist()
    assert segments == ["TANF_ADULT"] * 4 + ["TANF_CHILD"] * 2 + ["DISABLED"] * 2
    assert found.model_scores["hccs"].to_pylist()[0] == ["CARVH"]


def test_from_scores_to_rates_of_plans(tmp_path: Path) -> None:
    """Adults: alpha (3.5 + 0.5) / 2 = 2.0, beta 2.05, mean 2.025; children 3.3 and 0.3, mean 1.8."""
    found = scores(tmp_path)
    people = {
        "age_years": [row[2] for row in MEMBERS],
        "eligibility_category": ["SSI" if row[4] == "1" else "TANF" for row in MEMBERS],
    }
    cells = {
        "rate_cell": ["child", "adult", "disabled"], "age_min": [0, 19, 0], "age_max": [18, 64, 64],
        "eligibility_category": ["TANF", "TANF", "SSI"],
    }  # fmt: skip
    averages = medicaid.average_scores({
        "mco": [row[1] for row in MEMBERS],
        "rate_cell": medicaid.rate_cells_of(people, cells).to_pylist(),
        "member_months": found.payment_scores["months_enrolled"].to_pylist(),
        "risk_score": found.payment_scores["payment_risk_score"].to_pylist(),
    })  # fmt: skip
    rates = {"rate_cell": ["child", "adult", "disabled"], "rate": [180.0, 405.0, 1000.0]}
    adjusted = medicaid.risk_adjusted_rates(rates, averages)
    found_rates = {(row["mco"], row["rate_cell"]): row["rate"] for row in adjusted.rates.to_pylist()}
    assert found_rates == pytest.approx({
        ("alpha", "adult"): 400.0, ("beta", "adult"): 410.0, ("alpha", "child"): 330.0, ("beta", "child"): 30.0,
        ("alpha", "disabled"): 1000 * 2.5 / 2.075, ("beta", "disabled"): 1000 * 1.65 / 2.075,
    })  # fmt: skip
    assert (
        adjusted.run["payment"]
        == adjusted.run["payment_before"]
        == 24 * 405 + 24 * 180 + 24 * 1000 + 24 * 405
    )
