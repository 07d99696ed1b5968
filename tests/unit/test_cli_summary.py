"""Means of scores by model and segment, against sums worked by hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.results.summary.summary import mean_payment_score, summarise, summarise_file


def model_scores(*rows: tuple[str, str, float, int, float, float | None]) -> pa.Table:
    """Return model_scores of (model, segment, weight, months, raw score, payment score)."""
    models, segments, weights, months, raw, payment = zip(*rows, strict=True)
    return pa.table(
        {
            "model_id": pa.array(models).dictionary_encode(),
            "segment": pa.array(segments).dictionary_encode(),
            "weight": pa.array(weights, pa.float64()),
            "months_enrolled": pa.array(months, pa.int16()),
            "demographic_score": pa.array([score / 4 for score in raw]),
            "disease_score": pa.array([score * 3 / 4 for score in raw]),
            "raw_risk_score": pa.array(raw),
            "payment_risk_score": pa.array(payment, pa.float64()),
        }
    )


SCORES = model_scores(
    ("b", "Y", 1.0, 12, 1.0, 0.5),
    ("b", "X", 0.5, 3, 4.0, None),
    ("a", "X", 1.0, 12, 1.0, 1.0),
    ("a", "X", 1.0, 6, 2.5, 4.0),
    ("a", "Y", 1.0, 2, 8.0, None),
    ("a", "Y", 0.0, 100, 9.0, 9.0),
)
#: model, segment, rows, months, mean raw score, mean payment score
MEANS = [
    ("a", "X", 2, 18, (12 * 1.0 + 6 * 2.5) / 18, (12 * 1.0 + 6 * 4.0) / 18),
    ("a", "Y", 2, 102, (2 * 8.0 + 100 * 9.0) / 102, 9.0),
    ("a", "all", 3, 20, (12 * 1.0 + 6 * 2.5 + 2 * 8.0) / 20, (12 * 1.0 + 6 * 4.0) / 18),
    ("b", "X", 1, 3, 4.0, None),
    ("b", "Y", 1, 12, 1.0, 0.5),
    ("b", "all", 2, 15, (12 * 1.0 + 3 * 4.0) / 15, 0.5),
]


def assert_means(found: pa.Table) -> None:
    rows = found.to_pylist()
    assert [(row["model_id"], row["segment"], row["rows"], row["member_months"]) for row in rows] == [
        row[:4] for row in MEANS
    ]
    for row, (*_, raw, payment) in zip(rows, MEANS, strict=True):
        assert row["mean_raw_risk_score"] == pytest.approx(raw)
        assert row["mean_demographic_score"] == pytest.approx(raw / 4)
        assert row["mean_disease_score"] == pytest.approx(raw * 3 / 4)
        assert row["mean_payment_risk_score"] == (None if payment is None else pytest.approx(payment))


def test_means_are_weighted_by_months_and_totals_are_of_paid_segments() -> None:
    assert_means(summarise(SCORES))


@pytest.mark.parametrize("rows_per_group", [1, 2, 100])
def test_a_file_gives_the_same_means(tmp_path: Path, rows_per_group: int) -> None:
    path = tmp_path / "model_scores.parquet"
    pq.write_table(SCORES, path, row_group_size=rows_per_group)
    assert_means(summarise_file(path))


def test_without_months_means_are_plain() -> None:
    found = summarise(model_scores(("a", "X", 1.0, 0, 1.0, 1.0), ("a", "X", 1.0, 0, 2.0, 3.0))).to_pylist()
    assert [row["mean_raw_risk_score"] for row in found] == [1.5, 1.5]


def test_mean_payment_score(tmp_path: Path) -> None:
    path = tmp_path / "payment_scores.parquet"
    scores = {"months_enrolled": pa.array([12, 4, 5], pa.int16()), "payment_risk_score": [1.0, 2.0, None]}
    pq.write_table(pa.table(scores), path, row_group_size=2)
    assert mean_payment_score(path) == (3, 21, pytest.approx((12 * 1.0 + 4 * 2.0) / 16))
    none = {
        "months_enrolled": pa.array([12], pa.int16()),
        "payment_risk_score": pa.array([None], pa.float64()),
    }
    pq.write_table(pa.table(none), path)
    assert mean_payment_score(path) == (1, 12, None)
