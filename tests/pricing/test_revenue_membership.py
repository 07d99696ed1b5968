"""Members of the base month: who they are, what they are paid by, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import riskadj
from pricing.errors import InputError
from pricing.revenue import forecast, members_of_scores
from tests.pricing.revenue_members import MONTH, membership, one_member

SYNTHETIC = Path(__file__).parents[2] / "data/synthetic"


def test_members_of_the_base_month():
    spans = pa.table(
        {
            "member_id": ["a", "a", "b", "c"],
            "payment_risk_score": [1.0, 2.0, 3.0, 4.0],
            "enrollment_start_date": ["2026-01-01", "2026-04-01", "2026-02-01", "2026-01-01"],
            "enrollment_end_date": ["2026-03-31", None, None, "2026-01-31"],
            "plan_id": ["1"] * 4,
        }
    )
    for month, scores in (("2026-01", [1.0, 4.0]), ("2026-03", [1.0, 3.0]), ("2026-04", [2.0, 3.0])):
        found = members_of_scores(spans, base_month=month)
        assert sorted(found.scores) == scores
        assert (
            found.counts["rows_read"] == found.counts["members"] + found.counts["rows_of_other_months"] == 4
        )


def test_age_groups_by_the_first_day_of_the_base_month():
    born = ["1961-01-01", "1961-01-02", "1960-02-29", None]
    rows = [{"payment_risk_score": 1.0, "birth_date": day} for day in born[:3]]
    found = membership(rows, by=("age_group",))
    assert dict(zip(found.cohorts.values("age_group"), found.members, strict=True)) == {
        "under_65": 1.0, "65_and_over": 2.0,
    }  # fmt: skip


def test_flags_and_codes_are_read_as_scoring_reads_them():
    rows = [
        {"is_hospice": "true", "esrd_status": "none", "dual_status_code": "02"},
        {"is_hospice": "no", "esrd_status": "transplant_2", "dual_status_code": None},
        {"is_hospice": "0", "esrd_status": "Graft", "dual_status_code": "8"},
        {"is_hospice": "", "esrd_status": None, "dual_status_code": "8"},
        {"is_hospice": None, "esrd_status": "none", "dual_status_code": "3.0"},
        {"is_hospice": "F", "esrd_status": "none", "dual_status_code": "NA"},
    ]
    for row in rows:
        found = membership([{"payment_risk_score": 1.0, **each} for each in (row, row)], by=("status",))
        row["status"] = found.cohorts.values("status").tolist()
    assert [row["status"] for row in rows] == [
        ["hospice"], ["dialysis"], ["graft"], ["full_dual"], ["partial_dual"], ["non_dual"],
    ]  # fmt: skip
    for name, value in (("is_hospice", "maybe"), ("esrd_status", "kidney"), ("dual_status_code", "12")):
        with pytest.raises(
            InputError, match=f"column '{name}': a value that scoring does not know in 1 of 1 rows"
        ):
            one_member(**{name: value})


def test_ages_where_birth_dates_are_not_known():
    rows = [
        {"payment_risk_score": 1.0, "birth_date": "1980-01-01", "age_years": 70},
        {"payment_risk_score": 1.0, "birth_date": None, "age_years": 66},
    ]
    found = membership(rows, by=("age_group",))
    assert sorted(found.cohorts.values("age_group")) == ["65_and_over", "under_65"]
    only_ages = membership([{"payment_risk_score": 1.0, "age_years": 64}], by=("age_group",))
    assert only_ages.cohorts.values("age_group").tolist() == ["under_65"]
    with pytest.raises(InputError, match="column 'birth_date': blank in 1 of 2 rows"):
        membership([{"payment_risk_score": 1.0, "birth_date": day} for day in ("1950-01-01", None)])


def test_synthetic_scores_to_a_forecast_in_few_lines():
    scores = riskadj.score(
        SYNTHETIC / "enrollment.parquet", SYNTHETIC / "diagnoses.parquet", payment_year=2026, rejects="write"
    )
    members = members_of_scores(scores, base_month=MONTH)
    found = forecast(members, {"payment_rate": [1000.0], "esrd_payment_rate": [9000.0]}, n_months=36)
    assert found.month_totals.num_rows == 36
    paid = scores.payment_scores.to_pandas()
    in_january = paid[pd.to_datetime(paid["enrollment_start_date"]) <= "2026-01-01"]
    assert members.n_members == len(in_january) > 4000
    assert members.total(members.scores).sum() == pytest.approx(in_january["payment_risk_score"].sum())


def refused(rows: list[dict], message: str, **options) -> None:
    with pytest.raises(InputError, match=message):
        membership(rows, **options)


def test_members_that_are_refused():
    row = {"member_id": "a", "payment_risk_score": 1.0}
    refused([{"payment_risk_score": -1.0}], "column 'payment_risk_score': below 0 in 1 of 1 rows")
    refused([row, row], "more than one row of a member in the base month in 2 of 2 rows")
    refused(
        [{**row, "status": "dual"}],
        "'status': a value that is not allowed; nearest: non_dual; allowed: hospice",
    )
    refused([row], "lacks 'plan'", by=("plan",))
    refused([row], "nothing to derive 'low_income' from", by=("low_income",))
    refused([row], "by= must name at least one column", by=())
    refused([{**row, "enrollment_start_date": "2026-02-01"}], "no row that covers the base month")
    others = {"member_id": ["x"], "payment_risk_score": [1.0]}
    refused([row], "without a row in Part D scores", part_d_scores=others)
    refused([row], "without a row in scores of 2027", later_scores={2027: others})
