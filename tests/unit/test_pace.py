"""PACE from 2026 on: every one of its scores is a blend of an older and a newer model."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pytest

import riskadj

DIALYSIS = {"esrd_status": "dialysis"}
DRUGS = {"is_low_income": True, "part_d_plan_type": "mapd"}


def scored(payment_year: int, program: str, **columns: object) -> riskadj.Scores:
    row = {
        "member_id": "A", "age_years": 72, "sex": "F", "dual_status_code": "02", "orec": "0", "is_pace": True,
        **columns,
    }  # fmt: skip
    diagnoses = pa.table({"member_id": ["A", "A"], "diagnosis_code": ["E1122", "I5022"]})
    return riskadj.score(
        enrollment=pa.table({name: [value] for name, value in row.items()}),
        diagnoses=diagnoses,
        payment_year=payment_year,
        program=program,
    )


@pytest.mark.parametrize(
    ("payment_year", "program", "columns", "weights"),
    [
        (2026, "medicare_part_c", {}, {"cms_hcc_v22": "0.9", "cms_hcc_v28": "0.1"}),
        (2026, "medicare_part_c", DIALYSIS, {"esrd_v21": "0.9", "esrd_v24": "0.1"}),
        (2026, "medicare_part_d", DRUGS, {"rxhcc_v08_t": "0.9", "rxhcc_v08_x": "0.1"}),
        (2027, "medicare_part_c", {}, {"cms_hcc_v22": "0.5", "cms_hcc_v28": "0.5"}),
        (2027, "medicare_part_c", DIALYSIS, {"esrd_v21": "0.5", "esrd_v24": "0.5"}),
        (2027, "medicare_part_d", DRUGS, {"rxhcc_v08_t2": "0.5", "rxhcc_v08_y1": "0.5"}),
    ],
)
def test_pace_is_paid_on_two_models(payment_year, program, columns, weights) -> None:
    scores = scored(payment_year, program, **columns)
    by_model = {row["model_id"]: row["payment_risk_score"] for row in scores.model_scores.to_pylist()}
    assert set(by_model) == set(weights)
    blend = sum(Decimal(str(by_model[model])) * Decimal(weight) for model, weight in weights.items())
    (paid,) = scores.payment_scores["payment_risk_score"].to_pylist()
    assert Decimal(str(paid)) == blend.quantize(Decimal("0.001"), ROUND_HALF_UP)


@pytest.mark.parametrize("plan", ["mapd", "pdp"])
def test_the_newer_drug_model_of_pace_has_one_normalization_factor(plan: str) -> None:
    """By hand: a raw score divided by 1.194, the factor of MA-PD, whatever the plan is called."""
    scores = scored(2026, "medicare_part_d", is_low_income=True, part_d_plan_type=plan)
    newer = next(row for row in scores.model_scores.to_pylist() if row["model_id"] == "rxhcc_v08_x")
    assert newer["normalized_risk_score"] == pytest.approx(newer["raw_risk_score"] / 1.194, abs=5e-4)


def test_numbers_of_a_model_with_several_are_told_apart_by_their_segments() -> None:
    """ESRD V24 has one normalization for dialysis and transplant (5 segments), another for grafts (6); V28 has one."""
    told = scored(2026, "medicare_part_c", **DIALYSIS).run["unverified"]
    names = [line.rpartition(":")[0] for line in told if line.startswith("normalization")]
    assert len(names) == len(set(names))
    assert "normalization of esrd_v24, DIAL and 4 other segments" in names
    assert "normalization of esrd_v24, GRAFT_COMM_4_9 and 5 other segments" in names
    plain = scored(2026, "medicare_part_c").run["unverified"]
    assert "normalization of cms_hcc_v28" in [line.rpartition(":")[0] for line in plain]
