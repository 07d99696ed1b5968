"""The payment rate: one rule for every question that speaks of dollars."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import ColumnMissingError
from tests import cli_runs
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table

V1 = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "models": ["toy_hcc_v1"]}
MEMBERS = [Member("a", codes=("Q05",)), Member("b", codes=("Q05",))]
#: Two women of 70 with HCC5: worth 0.255 each (0.598 - 0.343); their scores are 0.598.
RATES = {"rate_pmpm": [100.0, 200.0], "own_rate": [1000.0, 3000.0]}
#: How a rate is asked for -> the dollars of a and of b.
ASKED = [(None, (100, 200)), ("own_rate", (1000, 3000)), (50.0, (50, 50)), ("rate_of_doctor", (7, 8))]
DOCTORS = pa.table({"member_id": ["b", "a"], "rate_of_doctor": [8, 7]})


def enrollment(**columns: Any) -> pa.Table:
    table = enrollment_table(MEMBERS)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


def dated() -> pa.Table:
    rows = diagnoses_table(MEMBERS)
    return rows.append_column("service_date", pa.array([date(2097, 3, 3)] * rows.num_rows))


@pytest.mark.parametrize(("rate", "expected"), ASKED)
def test_every_question_takes_the_same_rates(rate: Any, expected: tuple[float, float]) -> None:
    scores = riskadj.score(enrollment(**RATES), diagnoses_table(MEMBERS), **V1)
    own = {"rate": rate, "attributes": DOCTORS}
    found = riskadj.gaps(enrollment(**RATES), dated(), **own, **V1).gaps.to_pylist()
    assert [row["revenue_change"] for row in found] == pytest.approx([12 * 0.255 * one for one in expected])
    total = scores.summary(by=(), **own)
    assert total["revenue"].iloc[-1] == pytest.approx(12 * 0.598 * sum(expected))
    revenue = riskadj.impact(scores, scores, **own).revenue
    assert revenue is not None
    assert revenue["revenue_after"].to_pylist() == pytest.approx([12 * 0.598 * sum(expected)])
    if rate != "rate_of_doctor":
        values = scores.marginal(rate=rate).marginal_values["dollars"].to_pylist()
        assert values == pytest.approx([12 * 0.255 * one for one in expected])
        gone = scores.without(where={"diagnosis_code": "Q05"}, rate=rate).run["without"]["dollars_change"]
        assert gone == pytest.approx(-12 * 0.255 * sum(expected))


def test_without_a_rate_nothing_is_in_dollars() -> None:
    scores = riskadj.score(enrollment(), diagnoses_table(MEMBERS), **V1)
    assert "revenue_change" not in riskadj.gaps(enrollment(), dated(), **V1).gaps.column_names
    assert riskadj.impact(scores, scores).revenue is None
    assert "revenue" not in scores.summary(by=()).columns


def test_a_column_that_is_not_there() -> None:
    scores = riskadj.score(enrollment(**RATES), diagnoses_table(MEMBERS), **V1)
    for asked in (scores.marginal, lambda rate: scores.without(where={"diagnosis_code": "Q05"}, rate=rate)):
        with pytest.raises(
            ColumnMissingError, match="rate='own_rat' is no column of the enrollment; nearest: own_rate"
        ):
            asked(rate="own_rat")


@pytest.mark.parametrize("command", [("marginal",), ("without", "--where", "diagnosis_code=Q05"), ("gaps",)])
def test_commands_take_a_column_by_the_name_of_the_file(tmp_path: Path, command: tuple[str, ...]) -> None:
    pq.write_table(enrollment(**RATES), tmp_path / "enrollment.parquet")
    pq.write_table(dated(), tmp_path / "diagnoses.parquet")
    files = ("--enrollment", tmp_path / "enrollment.parquet", "--diagnoses", tmp_path / "diagnoses.parquet")
    run = cli_runs.run(
        *command, *cli_runs.TOY, *files, "--rate", "own_rate", "--output", tmp_path / "out",
        "--collection", "2097-01-01:2097-12-31",
    )  # fmt: skip
    assert (run.status, run.err) == (0, "")
    assert "column own_rate of the enrollment extract" in (tmp_path / "out" / "run.json").read_text(
        encoding="utf-8"
    )
