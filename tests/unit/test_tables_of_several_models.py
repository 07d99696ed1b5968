"""Tables of a run of several models are one table to Arrow: grouped by any column; and the lines of every score."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from tests import naive
from tests.cli_runs import TOY as CLI_TOY
from tests.cli_runs import Extracts, run
from tests.members import REAL_MAPS, TOY_MAPS, Member, diagnoses_table, enrollment_table
from tests.toy_runs import TOY, score_toy, toy_members

TWO = ["toy_hcc_v1", "toy_hcc_v2"]
SPAN = ("member_id", "enrollment_start_date", "model_id", "segment")


def grouped(table: pa.Table) -> dict[str, int]:
    """Return the number of rows that each coded column of a table groups into; all of them must be there."""
    coded = [name for name in table.column_names if pa.types.is_dictionary(table.schema.field(name).type)]
    rows = {name: table.group_by(name).aggregate([([], "count_all")])["count_all"] for name in coded}
    return {name: sum(counts.to_pylist()) for name, counts in rows.items()}


def tables_of(result: object) -> dict[str, pa.Table]:
    tables = {name: getattr(result, name) for name in result.TABLES}  # type: ignore[attr-defined]
    return {name: table for name, table in tables.items() if table is not None}


def test_tables_of_two_models_can_be_grouped_by_every_coded_column() -> None:
    members = toy_members()
    scores, other = score_toy(members), score_toy(members, models=TWO[:1])
    diagnoses = diagnoses_table(members)
    days = [date(2097 + row % 2, 5, 1) for row in range(diagnoses.num_rows)]
    dated = diagnoses.append_column("service_date", pa.array(days))
    gaps = riskadj.gaps(enrollment_table(members), dated, **TOY)
    results = [scores, scores.marginal(rate=1000.0), scores.without(where={"diagnosis_code": "Q01"}), gaps,
               riskadj.impact(scores, other)]  # fmt: skip
    tables = {
        f"{type(one).__name__}.{name}": table for one in results for name, table in tables_of(one).items()
    }
    tables["factors"] = scores.factors()
    sizes = {name: grouped(table) for name, table in tables.items()}
    assert set(scores.model_scores["model_id"].to_pylist()) == set(TWO)
    assert set(sizes["Scores.model_scores"]) >= {"model_id", "segment"}
    for name, groups in sizes.items():
        assert set(groups.values()) <= {tables[name].num_rows}, name


@pytest.mark.parametrize("segments", ["paid", "all"])
def test_the_lines_of_a_score_are_its_variables_and_add_up_to_its_parts(segments: str) -> None:
    scores = score_toy(toy_members(), models=TWO, segments=segments)
    lines: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for line in scores.factors().to_pylist():
        lines.setdefault(tuple(line[name] for name in SPAN), []).append(line)
    rows = scores.model_scores.to_pylist()
    assert len(rows) == len({tuple(row[name] for name in SPAN) for row in rows})
    for row in rows:
        own = lines.pop(tuple(row[name] for name in SPAN), [])
        assert [line["variable"] for line in own] == row["variables"]
        for part, is_demographic in (("demographic_score", True), ("disease_score", False)):
            mine = (line["relative_factor"] for line in own if line["is_demographic"] is is_demographic)
            assert sum(mine) == pytest.approx(row[part], abs=1e-9)
    assert not lines


@pytest.mark.parametrize("segments", ["paid", "all"])
def test_the_command_writes_the_lines(tmp_path: Path, segments: str) -> None:
    members = toy_members()
    extracts = Extracts(tmp_path)
    files = (
        "--enrollment", extracts.put("enrollment.parquet", enrollment_table(members)),
        "--diagnoses", extracts.put("diagnoses.parquet", diagnoses_table(members)),
    )  # fmt: skip
    done = run("factors", *CLI_TOY, *files, "--output", tmp_path / "out", "--segments", segments)
    assert (done.status, done.err) == (0, "")
    written = pq.read_table(tmp_path / "out" / "factors.parquet")
    lines = written.to_pylist()
    assert lines == score_toy(members, segments=segments).factors().to_pylist()
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    counts = Counter((line["model_id"], line["is_demographic"]) for line in lines)
    assert {(one["model_id"], one["is_demographic"]): one["lines"] for one in report["factors"]} == counts
    for (model_id, is_demographic), n_lines in counts.items():
        part = "demographic" if is_demographic else "disease"
        assert [model_id, part, f"{n_lines:,}"] in [line.split() for line in done.out.splitlines()]


def test_each_line_has_the_factor_of_the_table() -> None:
    factors = {
        model_id: naive.read_model(str(TOY_MAPS / "atlantis" / "py2099" / model_id))["factors"]
        for model_id in TWO
    }
    lines = score_toy(toy_members(), models=TWO, segments="all").factors().to_pylist()
    assert {line["model_id"] for line in lines} == set(TWO)
    for line in lines:
        known = {
            factor
            for (variable, column), factor in factors[line["model_id"]].items()
            if variable == line["variable"] and column.startswith(line["segment"])
        }
        assert Decimal(str(round(line["relative_factor"], 6))) in known, line


def test_the_lines_of_a_new_enrollee_with_a_graft_are_divided_as_the_score_is() -> None:
    """PY2026, ESRD V24: (G_NEF70_74 of not dual, not originally disabled + months 4 to 9) / 0.905."""
    graft = {"esrd_status": "graft", "graft_months": 5}
    member = Member("A", age_years=72, flags=frozenset({"is_new_enrollee"}), extra=graft)
    scores = riskadj.score(
        enrollment=enrollment_table([member]), diagnoses=diagnoses_table([member]), payment_year=2026,
        models=["esrd_v24"],
    )  # fmt: skip
    factors = naive.read_model(str(REAL_MAPS / "medicare/py2026/esrd_v24"))["factors"]
    (row,), lines = scores.model_scores.to_pylist(), scores.factors().to_pylist()
    assert (row["segment"], len(lines)) == ("GRAFT_NE_4_9", 2)
    for line in lines:
        printed = factors[line["variable"], "GRAFT_NE_4_9"]
        assert line["relative_factor"] == pytest.approx(float(printed / Decimal("0.905")), abs=1e-12)
    assert sum(line["relative_factor"] for line in lines) == pytest.approx(row["raw_risk_score"], abs=5e-4)
