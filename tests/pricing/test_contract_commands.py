"""`pricing contracts`: each command on small files, what it prints and writes, and how it refuses."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pricing.cli import app
from pricing.contracts.contract_files import contracts_to_toml, read_contracts
from pricing.contracts.medicare_shared_savings import shared_savings_program
from pricing.contracts.terms import Bundle, Contract
from tests.pricing.contract_data import contract, panel


@pytest.fixture
def files(tmp_path):
    (tmp_path / "contract.toml").write_text(contracts_to_toml(contract()))
    pq.write_table(pa.table(panel()), tmp_path / "panel.parquet")
    (tmp_path / "members.csv").write_text("member_id,assigned_provider_id\nm1,\nm2,P9\n")
    (tmp_path / "visits.csv").write_text(
        "member_id,provider_id,service_date,allowed_amount,procedure_code\nm1,P1,2025-03-01,10.5,99213\n"
    )
    (tmp_path / "codes.csv").write_text("procedure_code\n99213\n")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["contracts", *map(str, words)])


def test_attribute(files):
    found = run(
        "attribute", "--members", files / "members.csv", "--visits", files / "visits.csv",
        "--method", "assigned,plurality", "--primary-care", files / "codes.csv", "--last-day", "2025-12-31",
        "--output", files / "out",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "2 of 2 members in 2 groups" in found.output
    table = pq.read_table(files / "out" / "attributed_members.parquet")
    assert table["provider_id"].to_pylist() == ["P1", "P9"]
    wrong = run(
        "attribute", "--members", files / "members.csv", "--output", files / "x", "--last-day", "March"
    )
    assert (wrong.exit_code, "--last-day 'March' is no date; write it YYYY-MM-DD" in wrong.stderr) == (
        2,
        True,
    )


def test_from_claims_to_a_settlement(files):
    claims = "claim_id,member_id,service_date,service_category,cost,provider_id\n"
    for year in (2024, 2025):
        lines = f"1,m1,{year}-03-01,pro,100.0,P1\n2,m2,{year}-04-01,inpatient,50.5,P9\n"
        (files / f"claims_{year}.csv").write_text(claims + lines)
        (files / "roster.csv").write_text("member_id,member_months,risk_score\nm1,12,1.0\nm2,12,2.0\n")
        (files / "own.csv").write_text("member_id,provider_id\nm1,P1\nm2,\n")
        found = run(
            "panel", "--attributed", files / "own.csv", "--claims", files / f"claims_{year}.csv", "--members",
            files / "roster.csv", "--period", year, "--columns", "allowed_amount=cost",
            "--output", files / f"panel_{year}",
        )  # fmt: skip
        assert found.exit_code == 0, found.output
    assert "of no group" in found.output
    assert json.loads((files / "panel_2025" / "run.json").read_text())["dollars_of_no_group"] == 50.5
    both = [word for year in (2024, 2025) for word in ("--panel", files / f"panel_{year}" / "panel.parquet")]
    settled = run(
        "settle", "--contract", files / "contract.toml", *both, "--period", 2025, "--output", files / "out"
    )
    assert settled.exit_code == 0, settled.output
    # 100 / 12 x 1.05 x 12 = 105; claims 100; 4.8 % of 105, half of 5
    assert pq.read_table(files / "out" / "contract_statements.parquet")["payment"].to_pylist() == [2.5]


def test_episodes(files):
    stay = Bundle("stay", ("inpatient",), 40.0, "service_category", days_after=5)
    (files / "bundles.toml").write_text(contracts_to_toml(Contract("stays", bundles=(stay,))))
    (files / "claims.csv").write_text(
        "claim_id,member_id,service_date,service_category,cost,provider_id\n2,m2,2025-04-01,inpatient,50.5,P9\n"
    )
    given = ["--claims", files / "claims.csv", "--columns", "allowed_amount=cost", "--last-day", "2025-12-31"]
    found = run("episodes", "--contract", files / "bundles.toml", *given, "--output", files / "found")
    assert found.exit_code == 0, found.output
    settled = run(
        "settle", "--contract", files / "bundles.toml", "--panel", files / "panel.parquet", "--period", 2025,
        "--episodes", files / "found" / "episodes.parquet", "--output", files / "out",
    )  # fmt: skip
    assert (settled.exit_code, "not in the panel in 1 of 1 rows" in settled.stderr) == (2, True)
    alone = run(
        "settle", "--contract", files / "bundles.toml", "--period", 2025, "--episodes",
        files / "found" / "episodes.parquet", "--output", files / "out",
    )  # fmt: skip
    assert alone.exit_code == 0, alone.output
    assert pq.read_table(files / "out" / "contract_statements.parquet")["payment"].to_pylist() == [-10.5]
    none = run("episodes", "--contract", files / "contract.toml", *given, "--output", files / "other")
    assert (none.exit_code, "has no bundles" in none.stderr) == (2, True)


def test_settle(files):
    given = ["--contract", files / "contract.toml", "--panel", files / "panel.parquet", "--period", 2025]
    found = run("settle", *given, "--output", files / "out")
    assert found.exit_code == 0, found.output
    assert "two-sided, 2025: 346.50 dollars to 2 groups" in found.output
    assert {path.name for path in (files / "out").iterdir()} >= {
        "contract_lines.parquet",
        "contract_statements.png",
    }
    again = run("settle", *given, "--output", files / "out")
    assert (again.exit_code, "pass overwrite=True (--overwrite)" in again.stderr) == (2, True)
    (files / "two.toml").write_text(contracts_to_toml([contract(), contract()]))
    two = run("settle", "--contract", files / "two.toml", *given[2:], "--output", files / "other")
    assert (two.exit_code, "holds 2 contracts" in two.stderr) == (2, True)


def test_chance(files):
    given = ["--contract", files / "contract.toml", "--panel", files / "panel.parquet", "--period", 2025]
    found = run("chance", *given, "--sizes", "10,20", "--draws", 50, "--seed", 4, "--output", files / "out")
    assert found.exit_code == 0, found.output
    assert "groups drawn from 3 members, 50 of each size" in found.output
    assert json.loads((files / "out" / "run.json").read_text())["seed"] == 4
    assert pq.read_table(files / "out" / "chance_by_size.parquet")["members"].to_pylist() == [10, 20]
    wrong = run("chance", *given, "--sizes", "ten", "--output", files / "other")
    assert (wrong.exit_code, "--sizes: give numbers" in wrong.stderr) == (2, True)


def test_scorecard(files):
    found = run(
        "scorecard",
        "--panel",
        files / "panel.parquet",
        "--period",
        2025,
        "--output",
        files / "out",
        "--truncation",
        2000,
    )
    assert found.exit_code == 0, found.output
    assert "2 groups, 3 members" in found.output
    assert (files / "out" / "scorecards.png").exists()


def test_program(files):
    found = run("program", 2026, "--track", "basic_e", "--minimum-rate", "0.01")
    assert found.exit_code == 0, found.output
    (files / "mssp.toml").write_text(found.output)
    assert read_contracts(files / "mssp.toml") == [
        shared_savings_program(2026, track="basic_e", minimum_rate=0.01)
    ]
    older = run("program", 2026, "--track", "basic_e", "--agreement-year", "2023")
    (files / "older.toml").write_text(older.output)
    assert not read_contracts(files / "older.toml")[0].benchmark.is_limit_above_demographic
    wrong = run("program", 1999, "--track", "basic_e")
    assert (wrong.exit_code, "it is known for 2020-2027" in wrong.stderr) == (2, True)
