"""`pricing revenue`: from files of scores, terms and scenarios to tables, charts and a summary."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pricing.cli import app
from pricing.revenue import Assume, Scenario, forecast, members_of_scores, scenarios_to_toml

SCORES = """member_id,payment_risk_score,enrollment_start_date,plan_id,status
a,1.0,2026-01-01,001,non_dual
b,2.0,2026-01-01,001,full_dual
c,1.5,2026-02-01,002,full_dual
"""
TERMS = "plan_id,payment_rate,rebate_pmpm\n001,1000,50\n002,900,40\n"
SCENARIOS = (
    Scenario("budget", (Assume("lapse", 0.01), Assume("rate_trend", 0.04))),
    Scenario("latest", (Assume("lapse", 0.02), Assume("rate_trend", 0.04))),
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores.csv").write_text(SCORES, encoding="utf-8")
    (tmp_path / "terms.csv").write_text(TERMS, encoding="utf-8")
    (tmp_path / "scenarios.toml").write_text(scenarios_to_toml(SCENARIOS), encoding="utf-8")
    return tmp_path


def run(command: str, files: Path, *more: str) -> int:
    words = ["revenue", command, "--scores", files / "scores.csv", "--terms", files / "terms.csv"]
    words += ["--base-month", "2026-01", "--output", files / "out", "--months", "14", *more]
    with pytest.raises(SystemExit) as end:
        app(args=[str(word) for word in words])
    return int(end.value.code or 0)


def read(files: Path, name: str) -> list[dict]:
    return pq.read_table(files / "out" / f"{name}.parquet").to_pylist()


def test_forecast(files: Path, capsys: pytest.CaptureFixture):
    assert run("forecast", files, "--scenarios", files / "scenarios.toml", "--scenario", "latest") == 0
    expected = forecast(
        members_of_scores(files / "scores.csv", base_month="2026-01"),
        files / "terms.csv",
        scenario=SCENARIOS[1],
        n_months=14,
    )
    assert read(files, "revenue_months") == expected.month_totals.to_pylist()
    assert read(files, "revenue_payments") == expected.payments.to_pylist()
    report = json.loads((files / "out/run.json").read_text(encoding="utf-8"))
    assert report["counts"] == {
        "rows_read": 3, "members": 2, "rows_of_other_months": 1, "members_without_score": 0,
    }  # fmt: skip
    assert {"revenue_months.png", "revenue_accruals.png", "assumptions.parquet"} <= set(report["files"])
    shown = capsys.readouterr().out
    assert "2 members of 2026-01, scenario latest" in shown
    assert "2027" in shown


def test_forecast_without_scenarios_repeats_the_base_month(files: Path):
    assert run("forecast", files, "--first-month", "2026-03", "--by", "plan_id") == 0
    months = read(files, "revenue_months")
    assert [str(row["month"]) for row in months][::13] == ["2026-03-01", "2027-04-01"]
    assert {row["revenue"] for row in months} == {round(0.98 * (3000 + 100), 2)}


def test_a_misspelt_term_of_a_file_is_refused(files: Path, capsys: pytest.CaptureFixture):
    (files / "terms.csv").write_text(TERMS.replace("rebate_pmpm", "rebate"), encoding="utf-8")
    assert run("forecast", files) == 2
    assert "column 'rebate' is no term" in " ".join(capsys.readouterr().err.split())


def test_compare(files: Path, capsys: pytest.CaptureFixture):
    more = ("--scenarios", files / "scenarios.toml", "--before", "budget", "--after", "latest")
    assert run("compare", files, *more) == 0
    assert [row["step"] for row in read(files, "revenue_steps")] == ["lapse"]
    assert read(files, "revenue_assumptions")[0]["after"] == 0.02
    assert "'latest' against 'budget'" in capsys.readouterr().out


def test_sensitivities(files: Path, capsys: pytest.CaptureFixture):
    assert run("sensitivities", files, "--scenarios", files / "scenarios.toml", "--relative", "0.5") == 0
    bars = {row["sensitivity"]: row for row in read(files, "revenue_sensitivities")}
    assert (bars["lapse"]["low"], bars["lapse"]["high"]) == pytest.approx((0.005, 0.015))
    assert "rate_trend" in capsys.readouterr().out


def test_sensitivities_take_no_given_members(files: Path, capsys: pytest.CaptureFixture):
    """Members who are given stay as they are, whatever an assumption says of them."""
    more = ("--scenarios", files / "scenarios.toml", "--members", "members.csv")
    assert run("sensitivities", files, *more) == 2
    assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--scenario", "budget"), "scenario 'budget' stands in no file; give --scenarios."),
        (("--scenarios", "scenarios.toml", "--scenario", "budgt"),
         "no scenario 'budgt'; nearest: budget; it has: budget, latest"),
        (("--enrollment", "none.parquet"), "none.parquet does not exist"),
        (("--by", "county"), "lacks 'county'"),
    ],
)  # fmt: skip
def test_calls_that_are_wrong(
    files: Path, capsys: pytest.CaptureFixture, more: tuple[str, ...], message: str
):
    more = tuple(str(files / word) if "." in word else word for word in more)
    assert run("forecast", files, *more) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (files / "out").exists()
