"""Impact: what it refuses, shows, writes and prints."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

import riskadj
from riskadj.errors import ColumnMissingError, ColumnTypeError, OptionError
from tests.cli_runs import run
from tests.extracts import refused
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table
from tests.toy_runs import score_toy, toy_members

# --- errors, files, command -------------------------------------------------------------------------------------------


def test_errors_say_what_to_do() -> None:
    members, others = [Member("A", codes=("Q01",))], [Member("B")]
    one = score_toy(members, models="toy_hcc_v1")
    with refused("after is a dict; give what riskadj.score returns", OptionError):
        riskadj.impact(one, {})
    with refused("no enrollment row is in both runs", OptionError):
        riskadj.impact(one, score_toy(others, models="toy_hcc_v1"))
    with refused("after: no enrollment row has a payment risk score", OptionError):
        riskadj.impact(one, score_toy(members, models=["toy_hcc_v1", "toy_hcc_v2"]))
    with refused("by='clinic' is no column", ColumnMissingError):
        riskadj.impact(one, one, by="clinic")
    with refused("enrollment, column 'sex' holds what is no number", ColumnTypeError):
        riskadj.impact(one, one, rate="sex")
    with refused("no enrollment row of either run has this member_id", OptionError):
        riskadj.impact(one, one).explain("Z")


def test_explains_one_member_and_shows_nobody() -> None:
    members = [Member("ZQX7", codes=("Q01",)), Member("B")]
    result = riskadj.impact(score_toy(members, models="toy_hcc_v1"), score_toy(members, models="toy_hcc_v2"))
    told = result.explain("ZQX7")
    assert told.loc["payment_risk_score_before", 0] == 1.198
    assert "ZQX7" not in repr(result)
    assert "toy_hcc_v1" in repr(result)


def test_files_hold_what_the_tables_hold(tmp_path) -> None:
    members = toy_members(10)
    result = riskadj.impact(score_toy(members, models="toy_hcc_v1"), score_toy(members), rate=900.0)
    folder = result.write(tmp_path / "impact")
    for name, table in result.tables().items():
        assert pq.read_table(folder / f"{name}.parquet").to_pylist() == table.to_pylist()
    assert sorted(path.name for path in folder.iterdir()) == [
        "impact_causes.parquet", "impact_causes.png", "impact_groups.parquet", "impact_hccs.parquet",
        "impact_revenue.parquet", "impact_rows.parquet", "run.json",
    ]  # fmt: skip
    result.write(tmp_path / "impact", overwrite=True)
    assert result.plot().axes[0].get_title()
    assert not np.signbit(pq.read_table(folder / "impact_revenue.parquet")["rows_removed"].to_numpy()).any()


def test_command_writes_and_prints(tmp_path) -> None:
    members = toy_members(12)
    pq.write_table(enrollment_table(members), tmp_path / "e.parquet")
    pq.write_table(diagnoses_table(members), tmp_path / "d.parquet")
    words = (
        "impact", "--enrollment", tmp_path / "e.parquet", "--diagnoses", tmp_path / "d.parquet",
        "--program", "atlantis", "--maps-dir", TOY_MAPS, "--output", tmp_path / "out", "--by", "sex",
    )  # fmt: skip
    done = run(
        *words, "--before", "payment-year=2099,models=toy_hcc_v1", "--after", "payment-year=2099", "--rate", "1000"
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    assert "blend" in done.out
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "impact_causes.parquet",
        "impact_causes.png",
    }
    revenue = pq.read_table(tmp_path / "out/impact_revenue.parquet")
    lines = {line.split()[0]: line.split() for line in done.out.splitlines() if line}
    assert lines["before"][-1] == f"{pc.sum(revenue['revenue_before']).as_py():,.0f}"
    assert lines["blend"][-1] == f"{pc.sum(revenue['blend']).as_py():+,.0f}"
    assert lines["after"][-1] == f"{pc.sum(revenue['revenue_after']).as_py():,.0f}"
    assert done.out.count("not verified in an official document: ") == 1
    assert "note: rate: 1,000.00 dollars" in done.out
    groups = pq.read_table(tmp_path / "out/impact_groups.parquet")
    assert pc.sum(groups["rows_after"]).as_py() == 12
    again = run(*words, "--before", "payment-year=2099", "--after", "payment-year=2099")
    assert again.status == 2
    assert "overwrite" in again.err
    for text, message in (
        ("payment_year=2099", "nearest: payment-year"),
        ("payment-year=soon", "is no year"),
        ("models=toy_hcc_v1", "payment-year"),
        ("payment-year", "KEY=VALUE"),
        ("payment-year=2099,payment-year=2099", "twice"),
    ):
        wrong = run(*words, "--overwrite", "--before", text, "--after", "payment-year=2099")
        assert wrong.status == 2
        assert message in wrong.err
