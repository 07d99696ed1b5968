"""Benchmarks catch a contestant that gives other scores, and show targets that are missed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import adjudication, agreement, marginal, population, programs, report, revenue_draws, scale
from benchmarks.peers.tables import read_model, words_of
from riskadj import list_models, load_model

SPANS = {"member_id": ["A", "B"], "enrollment_start_date": [date(2000, 1, 1)] * 2}
SCORES = {f"{step}_risk_score": [1.5, 0.25] for step in ("raw", "normalized", "payment")}


def write_ours(directory: Path) -> Path:
    """Write two rows of scores as riskadj does."""
    pq.write_table(
        pa.table({**SPANS, "payment_risk_score": [1.5, 0.25]}), directory / "payment_scores.parquet"
    )
    pq.write_table(
        pa.table({**SPANS, **SCORES, "model_id": ["toy", "toy"]}), directory / "model_scores.parquet"
    )
    return directory


def write_theirs(directory: Path, columns: dict[str, object]) -> Path:
    """Write a contestant's scores, the same as ours but for `columns`."""
    same = {**SPANS, "payment_risk_score": [1.5, 0.25]}
    same |= {f"{step}_toy": [1.5, 0.25] for step in ("raw", "normalized", "payment")}
    path = directory / "theirs.parquet"
    pq.write_table(pa.table({**same, **columns}), path)
    return path


def test_equal_scores_agree_in_any_order(tmp_path: Path) -> None:
    ours, theirs = write_ours(tmp_path), write_theirs(tmp_path, {})
    pq.write_table(pq.read_table(theirs).take([1, 0]), theirs)
    assert agreement.check(ours, theirs, title="peer") == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"payment_risk_score": [1.5, 0.251]},
        {"raw_toy": [1.499, 0.25]},
        {"payment_toy": [1.5, None]},
        {"member_id": ["A", "C"]},
    ],
)
def test_another_score_or_member_stops_the_benchmark(tmp_path: Path, columns: dict[str, object]) -> None:
    ours, theirs = write_ours(tmp_path), write_theirs(tmp_path, columns)
    with pytest.raises(agreement.DisagreementError):
        agreement.check(ours, theirs, title="peer")


def test_a_missing_row_stops_the_benchmark(tmp_path: Path) -> None:
    ours, theirs = write_ours(tmp_path), write_theirs(tmp_path, {})
    pq.write_table(pq.read_table(theirs).slice(1), theirs)
    with pytest.raises(agreement.DisagreementError, match="1 rows where riskadj has 2"):
        agreement.check(ours, theirs, title="peer")


def test_a_missed_target_is_shown_as_it_is() -> None:
    found = {"warm_seconds": 9.0, "times_decode": 9.0, "peak_anonymous_mb": 900.0}
    polars = {"warm_seconds": 4.5}
    item = {"members": 1000, "order": "random", "contestants": {"riskadj": found, "polars": polars}}
    lines = report.populations_table([item])
    assert lines[2] == "| 1,000 | random | everything | 9.00 | 9.00 |  | 0.50 |  |  | 900 |"
    assert "| >= 3.3 | >= 3.3 |" in lines[-1]


def test_the_year_is_found_by_listing() -> None:
    assert population.year_of_two_models() in {release.payment_year for release in list_models()}


def test_words_hold_the_bits_lowest_first() -> None:
    assert words_of((1 << 64) + 5, 2) == (5, 1)


def test_peers_see_every_hierarchy_edge_once() -> None:
    year = population.year_of_two_models()
    for release in list_models():
        if release.payment_year == year and release.model_id.startswith("cms_hcc"):
            model = read_model(load_model(release.model_id, payment_year=year))
            edges = [mask for stage in model.hierarchy_stages for _, mask in stage]
            assert sum(word.bit_count() for mask in edges for word in mask) == len(model.rows("hierarchies"))


def test_marginal_values_and_programs_are_measured_beside_scoring(tmp_path: Path) -> None:
    year = population.year_of_two_models()
    found = marginal.measure(
        tmp_path, members=200, order="random", payment_year=year, diagnosis_filter="cms", rounds=2
    )
    assert found["times_scoring"].keys() == marginal.QUESTIONS.keys()
    assert all(times > 0 for times in found["times_scoring"].values())
    found = programs.measure(tmp_path, members=200, payment_year=year, rounds=1)
    assert found["times_medicare"]["hhs"] > 0
    assert found["rows"]["hhs"].keys() == {"enrollment", "diagnoses", "drugs"}


def test_scale_counts_every_row_and_scores_a_sample_alone(tmp_path: Path) -> None:
    year = population.year_of_two_models()
    rules = {"order": "member", "memory": "4GB", "payment_year": year, "diagnosis_filter": "cms"}
    found = scale.measure(tmp_path, members=200, sample=20, **rules)
    assert found["enrollment_rows"] >= 200
    assert found["sample_rows_equal"] >= 40


@pytest.mark.parametrize(
    ("extract", "count"),
    [("enrollment", "rows_read"), ("enrollment", "rows_used"), ("diagnoses", "rows_mapped")],
)
def test_a_row_too_few_stops_the_benchmark_of_scale(tmp_path: Path, extract: str, count: str) -> None:
    one = pa.table({"member_id": ["A"]})
    for name in ("enrollment", "diagnoses", "payment_scores"):
        pq.write_table(one, tmp_path / f"{name}.parquet")
    pq.write_table(one.slice(1), tmp_path / "rejects.parquet")
    used = {"rows_read": 1, "rows_used": 1, "rows_rejected": 0}
    kinds = dict.fromkeys(("outside_collection", "filtered", "unmapped", "unknown", "mapped"), 0)
    diagnoses = {
        **used,
        "file_rows_read": 1,
        **{f"rows_{kind}": n for kind, n in kinds.items()},
        "rows_mapped": 1,
    }
    report = {"counts": {"enrollment": dict(used), "diagnoses": diagnoses}}
    files = [tmp_path / "enrollment.parquet", tmp_path / "diagnoses.parquet"]
    scale.check_counts(report, files, tmp_path)
    report["counts"][extract][count] += 1
    with pytest.raises(agreement.DisagreementError, match="are due"):
        scale.check_counts(report, files, tmp_path)


def test_draws_of_revenue_are_measured_and_threads_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = revenue_draws.measure(members=400, draws=5, cohorts=10)
    assert set(found["questions"]) == {"members", "every source"}
    assert all(question["share_of_total"] > 0 for question in found["questions"].values())
    draws = iter(
        [revenue_draws.draw_revenue(revenue_draws.make_forecast(50, 5), draws=4, seed=n) for n in (1, 2)]
    )
    monkeypatch.setattr(revenue_draws, "draw_revenue", lambda *_, **__: next(draws))
    with pytest.raises(agreement.DisagreementError, match="several threads"):
        revenue_draws.check_agreement(revenue_draws.make_forecast(50, 5))


def test_adjudication_is_compared_before_it_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = adjudication.measure(lines=2000, designs=4, rounds=1)
    assert len(found["questions"]) == 4
    assert all(question["processor_seconds"] > 0 for question in found["questions"].values())
    claims = adjudication.read_claims(adjudication.make_claims(500))
    plain = adjudication.adjudicate

    def wrong(*given: Any, **options: Any) -> Any:
        result = plain(*given, **options)
        result.line_parts[:1] += 1  # a cent more in one line
        return result

    monkeypatch.setattr(adjudication, "adjudicate", wrong)
    with pytest.raises(agreement.DisagreementError, match="do not add up"):
        adjudication.check_agreement(claims, [adjudication.FAMILY])
