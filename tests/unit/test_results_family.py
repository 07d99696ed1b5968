"""What all results share: tables by name, and a directory with their files, chart and report."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import OptionError
from tests.members import Member
from tests.toy_runs import score_toy

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def scores() -> riskadj.Scores:
    return score_toy([Member("a", codes=("Q01",)), Member("b")])


def test_tables_go_by_name_and_the_first_is_the_default(scores: riskadj.Scores) -> None:
    assert scores.to_pandas().equals(scores.payment_scores.to_pandas())
    assert scores.to_pandas("model_scores").equals(scores.model_scores.to_pandas())


@pytest.mark.parametrize("name", ["model_score", "run", "scoring_run"])
def test_what_is_no_table_is_refused_with_those_there_are(scores: riskadj.Scores, name: str) -> None:
    with pytest.raises(OptionError, match="there are: payment_scores, model_scores, rejects"):
        scores.to_pandas(name)


def test_a_table_that_was_not_asked_for_is_not_offered(scores: riskadj.Scores) -> None:
    """Without a rate an impact has no revenue."""
    found = riskadj.impact(scores, scores)
    with pytest.raises(OptionError, match=r"no table 'revenue'.*there are: table, causes, by_hcc, by_row\."):
        found.to_pandas("revenue")
    assert found.to_pandas().equals(found.table.to_pandas())


def test_a_directory_holds_the_tables_the_report_and_the_chart(
    scores: riskadj.Scores, tmp_path: Path
) -> None:
    plain, drawn = scores.write(tmp_path / "plain"), scores.write(tmp_path / "drawn", chart=True)
    files = {"payment_scores.parquet", "model_scores.parquet", "rejects.parquet", "run.json"}
    assert {path.name for path in plain.iterdir()} == files
    assert {path.name for path in drawn.iterdir()} == files | {"payment_scores.png"}
    assert pq.read_table(plain / "model_scores.parquet").to_pylist() == scores.model_scores.to_pylist()
    report = json.loads((plain / "run.json").read_text("utf-8"))
    assert set(report.pop("files")) == files
    assert report == json.loads(json.dumps(scores.run))
    metadata = pq.read_schema(plain / "rejects.parquet").metadata
    assert metadata[b"payment_year"] == b"2099"
