"""What all results of pricing share: tables by name, to pandas and to a directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure

from pricing import results
from pricing.errors import InputError


@dataclass(frozen=True)
class Walk:
    """Something that gives its table by a method of that name."""

    def table(self) -> pa.Table:
        return pa.table({"step": ["start"]})


@dataclass(frozen=True)
class Answer:
    """A result with a table of its own, one that a method makes, and one of something that it holds."""

    plans: pa.Table
    walk: Walk = Walk()
    warnings: tuple[str, ...] = ("looks odd",)
    run: Mapping[str, Any] = field(default_factory=lambda: {"plans": 2})

    TABLES: ClassVar[Mapping[str, str]] = {
        "plans": "answer_plans",
        "checks": "answer_checks",
        "walk": "steps",
    }
    to_pandas = results.to_pandas
    write = results.write

    def checks(self) -> pa.Table:
        return pa.table({"check": ["limit", "floor"]})

    def plot(self) -> Figure:
        return Figure()


ANSWER = Answer(pa.table({"plan_id": ["a", "b"]}))


def test_tables_come_by_name_the_first_by_default() -> None:
    assert ANSWER.to_pandas()["plan_id"].tolist() == ["a", "b"]
    assert ANSWER.to_pandas("checks")["check"].tolist() == ["limit", "floor"]
    assert ANSWER.to_pandas(table="walk")["step"].tolist() == ["start"]


def test_a_misspelt_table_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"no table 'check'; nearest: checks; there are: plans, checks, walk\."
    ):
        ANSWER.to_pandas("check")


def test_every_table_is_written_with_the_report(tmp_path: Path) -> None:
    target = ANSWER.write(tmp_path / "answer", chart=True)
    assert {path.name for path in target.iterdir()} == {
        "answer_plans.parquet", "answer_checks.parquet", "steps.parquet", "answer_plans.png", "run.json",
    }  # fmt: skip
    assert pq.read_table(target / "answer_checks.parquet")["check"].to_pylist() == ["limit", "floor"]
    report = json.loads((target / "run.json").read_text(encoding="utf-8"))
    assert (report["plans"], report["warnings"]) == (2, ["looks odd"])


def test_no_chart_unless_asked_for(tmp_path: Path) -> None:
    assert not list(ANSWER.write(tmp_path / "answer").glob("*.png"))
