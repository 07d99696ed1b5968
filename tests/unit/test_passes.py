"""Scoring in passes gives what one pass gives: the same rows, rejects and counts."""

from __future__ import annotations

import gc
import json
import weakref
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import OptionError, RowsRejectedError
from riskadj.front_door import make_options, score_to_directory
from riskadj.results import passes
from tests.members import TOY_MAPS

DATA = Path(__file__).parents[2] / "data/synthetic"


def scored(path: Path, memory: int | None) -> dict[str, Any]:
    options = make_options(payment_year=2026, rejects="write", memory=memory, diagnosis_filter="cms")
    return score_to_directory(DATA / "enrollment.parquet", DATA / "diagnoses.parquet", path, options=options)


def rows_of(path: Path) -> list[str]:
    return sorted(json.dumps(row, default=str) for row in pq.read_table(path).to_pylist())


def test_passes_give_what_one_pass_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "LEAST_ROWS_PER_PASS", 1_000)
    whole = scored(tmp_path / "whole", None)
    parts = scored(tmp_path / "parts", passes.BYTES_OF_RUN + 2_000 * passes.BYTES_PER_ROW)
    assert "scored in 3 passes" in parts["notes"][-1]
    assert parts["counts"] == whole["counts"]
    assert sum(whole["counts"]["diagnoses"]["filtered"]["no_eligible_procedure"].values()) > 0
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [
        "model_scores.parquet",
        "payment_scores.parquet",
        "rejects.parquet",
        "run.json",
    ]
    for name in ("payment_scores", "model_scores", "rejects"):
        file = f"{name}.parquet"
        assert rows_of(tmp_path / "parts" / file) == rows_of(tmp_path / "whole" / file)


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="memory of 50 MB is too little; give at least"):
        scored(tmp_path / "none", 50_000_000)
    assert list(tmp_path.iterdir()) == []


def test_a_pass_is_forgotten_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes in memory at once would take twice the memory asked for."""
    alive: list[weakref.ref[Any]] = []
    read_run = passes.read_run

    def watched(*args: Any, **options: Any) -> Any:
        gc.collect()
        assert [known for known in alive if known() is not None] == []
        run = read_run(*args, **options)
        alive.append(weakref.ref(run))
        return run

    monkeypatch.setattr(passes, "LEAST_ROWS_PER_PASS", 1_000)
    monkeypatch.setattr(passes, "read_run", watched)
    scored(tmp_path / "parts", passes.BYTES_OF_RUN + 2_000 * passes.BYTES_PER_ROW)
    assert len(alive) == 3


def toy_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **columns: list[Any]) -> dict[str, Any]:
    """Score four members of the invented program in a pass for every row."""
    monkeypatch.setattr(passes, "LEAST_ROWS_PER_PASS", 1)
    good = {
        "member_id": ["A", "B", "C", "D"],
        "birth_date": [date(2030, 1, 1)] * 4,
        "sex": ["F"] * 4,
        "orec": ["0"] * 4,
        "dual_status_code": ["00"] * 4,
    }
    options = make_options(
        payment_year=2099,
        program="atlantis",
        maps_dir=TOY_MAPS,
        memory=passes.BYTES_OF_RUN + passes.BYTES_PER_ROW,
        collection="2050-01-01:2050-12-31",
    )
    diagnoses = pa.table({"member_id": ["A"], "diagnosis_code": ["Q01"], "service_date": [date(2050, 5, 1)]})
    return score_to_directory(pa.table({**good, **columns}), diagnoses, tmp_path / "out", options=options)


def test_passes_count_months_in_one_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One span lies in the payment year, three in the window of services: those have no months in the payment year."""
    spans = [date(2099, 3, 1)] + [date(2050, 3, 1)] * 3
    ends = [date(2099, 12, 31)] + [date(2050, 12, 31)] * 3
    report = toy_passes(tmp_path, monkeypatch, enrollment_start_date=spans, enrollment_end_date=ends)
    assert "scored in 4 passes" in report["notes"][-1]
    assert report["counts"]["enrollment"]["months_enrolled"] == 10
    assert report["counts"]["enrollment"]["rows_outside_months_counted"] == 3


def test_rejected_rows_of_all_passes_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RowsRejectedError, match=r"'X' in 3 of 4 rows \(first rows: 1, 2, 4\)"):
        toy_passes(tmp_path, monkeypatch, sex=["X", "X", "F", "X"])
