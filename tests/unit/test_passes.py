"""Scoring in passes gives what one pass gives: the same rows, rejects and counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from riskadj.errors import OptionError
from riskadj.front_door import make_options, score_to_directory
from riskadj.results import passes

DATA = Path(__file__).parents[2] / "data/synthetic"


def scored(path: Path, memory: int | None) -> dict[str, Any]:
    options = make_options(payment_year=2026, rejects="write", memory=memory)
    return score_to_directory(DATA / "enrollment.parquet", DATA / "diagnoses.parquet", path, options=options)


def rows_of(path: Path) -> list[str]:
    return sorted(json.dumps(row, default=str) for row in pq.read_table(path).to_pylist())


def test_passes_give_what_one_pass_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "LEAST_ROWS_PER_PASS", 1_000)
    whole = scored(tmp_path / "whole", None)
    parts = scored(tmp_path / "parts", passes.BYTES_OF_RUN + 2_000 * passes.BYTES_PER_ROW)
    assert "scored in 3 passes" in parts["notes"][-1]
    assert parts["counts"] == whole["counts"]
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
