"""`pricing revenue draws | reconcile | aca` and the workbook of a forecast: files in, tables and a summary out."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricing.cli import app
from pricing.errors import InputError
from pricing.revenue import (
    Distribution,
    Uncertain,
    draw_revenue,
    forecast,
    members_of_scores,
    read_settlements,
    read_uncertain,
)
from pricing.revenue.aca import HighCost, LossRatioInputs
from pricing.worksheets import revenue_from_workbook
from tests.pricing.test_aca_revenue import TWO
from tests.report_files import mmr_lines, write_lines

SCORES = """member_id,payment_risk_score,enrollment_start_date,contract_id,county_code,status
a,1.0,2026-01-01,H0001,01000,non_dual
b,2.0,2026-01-01,H0001,01010,full_dual
"""
TERMS = "payment_rate,rebate_pmpm\n1000,50\n"
UNCERTAIN = """
[[uncertain]]
parameter = "coding_trend"
distribution = "normal"
values = [0.03, 0.01]

[[uncertain]]
parameter = "lapse"
distribution = "uniform"
values = [0.0, 0.05]
where = { status = "non_dual" }

[[correlation]]
pair = ["coding_trend", "lapse, status non_dual"]
value = 0.5
"""
SETTLEMENTS = """
[high_cost.individual]
payment = 100
charge_rate = 0.01

[loss_ratio.individual]
claims = 2000.0
quality = 100.0
taxes_and_fees = 1000
average_deductible = 0.0
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    texts = {
        "scores.csv": SCORES,
        "terms.csv": TERMS,
        "uncertain.toml": UNCERTAIN,
        "settlements.toml": SETTLEMENTS,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(TWO), tmp_path / "enrollees.parquet")
    return tmp_path


def run(files: Path, *words: Any) -> int:
    with pytest.raises(SystemExit) as end:
        app(args=["revenue", *map(str, words)])
    return int(end.value.code or 0)


def given(files: Path) -> list[Any]:
    return [
        "--scores",
        files / "scores.csv",
        "--terms",
        files / "terms.csv",
        "--base-month",
        "2026-01",
        "--months",
        "14",
    ]


def read(path: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(path / f"{name}.parquet").to_pylist()


def made(files: Path):
    members = members_of_scores(files / "scores.csv", base_month="2026-01")
    return forecast(members, files / "terms.csv", n_months=14)


def test_draws(files: Path, capsys: pytest.CaptureFixture) -> None:
    words = [
        "draws",
        *given(files),
        "--uncertain",
        files / "uncertain.toml",
        "--draws",
        25,
        "--seed",
        3,
        "--chance",
    ]
    assert run(files, *words, "--output", files / "out") == 0
    uncertain, correlations = read_uncertain(files / "uncertain.toml")
    assert uncertain == (
        Uncertain("coding_trend", Distribution("normal", (0.03, 0.01))),
        Uncertain("lapse", Distribution("uniform", (0.0, 0.05)), where={"status": "non_dual"}),
    )
    expected = draw_revenue(
        made(files), draws=25, seed=3, uncertain=uncertain, correlations=correlations, chance=True
    )
    assert read(files / "out", "revenue_draws") == expected.draws.to_pylist()
    assert (files / "out/revenue_quantiles.png").exists()
    shown = capsys.readouterr().out
    assert "25 draws of 2 members, scenario base" in shown
    assert "variance of each source alone: members" in shown


def test_draws_of_members_alone_or_of_nothing(files: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(files, "draws", *given(files), "--draws", 5, "--output", files / "out") == 0
    assert json.loads((files / "out/run.json").read_text())["sources"] == ["members"]
    assert run(files, "draws", *given(files), "--no-draw-members", "--output", files / "other") == 2
    assert "nothing is uncertain" in capsys.readouterr().err


def test_a_forecast_is_written_as_a_workbook_too(files: Path) -> None:
    assert (
        run(files, "forecast", *given(files), "--output", files / "out", "--workbook", files / "out.xlsx")
        == 0
    )
    table = revenue_from_workbook(files / "out.xlsx")
    assert table["revenue"].to_pylist() == [row["revenue"] for row in read(files / "out", "revenue_months")]


def test_reconcile_with_reports(files: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(files, "forecast", *given(files), "--output", files / "forecast") == 0
    paid = {
        "contract_id": "H0001",
        "payment_month": dt.date(2026, 1, 1),
        "rate_part_a": 400.0,
        "rate_part_b": 600.0,
    }
    rows = [
        {"member_id": "a", "county_code": "01000", "ra_factor_type": "CN", "risk_score_part_a": 1.1,
         "risk_score_part_b": 1.1, "ma_payment": 1150.0, **paid},
        {"member_id": "b", "county_code": "01010", "ra_factor_type": "CF", "risk_score_part_a": 2.0,
         "risk_score_part_b": 2.0, "ma_payment": 2050.0, **paid},
    ]  # fmt: skip
    report = write_lines(files / "mmr.txt", mmr_lines(rows))
    capsys.readouterr()
    words = ["reconcile", "--expected", files / "forecast", "--mmr", report, "--output", files / "out"]
    assert run(files, *words) == 0
    (month,) = read(files / "out", "variance_months")
    # 2,000 + 1,000 x score and 50 of rebate each were expected; a's score is 0.1 higher
    assert (month["expected"], month["score"], month["actual"]) == (3100, 100, 3200)
    assert [month[name] for name in ("enrollment", "status_mix", "county_code_mix", "rate", "other")] == [
        0
    ] * 5
    shown = capsys.readouterr().out
    assert "1 months, 2026-01 to 2026-01" in shown
    assert "expected: 13 months not compared, MMR: 0 months not compared" in shown


def test_reconcile_two_forecasts(files: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(files, "forecast", *given(files), "--output", files / "one") == 0
    (files / "terms.csv").write_text("payment_rate,rebate_pmpm\n1100,50\n", encoding="utf-8")
    assert run(files, "forecast", *given(files), "--output", files / "two") == 0
    words = ["reconcile", "--expected", files / "one", "--output", files / "out"]
    assert run(files, *words, "--actual", files / "two", "--by", "status") == 0
    months = read(files / "out", "variance_months")
    assert [row["rate"] for row in months] == [300.0] * 14
    assert run(files, *words) == 2
    assert "give either --mmr or --actual" in capsys.readouterr().err


def test_aca(files: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["aca", "--enrollees", files / "enrollees.parquet", "--issuer", "11111", "--benefit-year", 2026]
    words += ["--settlements", files / "settlements.toml", "--output", files / "out"]
    assert run(files, *words) == 0
    months = read(files / "out", "aca_revenue_months")
    assert [row["premium"] for row in months] == [400.0] * 12
    assert sum(round(100 * row["high_cost_payment"]) for row in months) == 10_000
    assert "issuer 11111, benefit year 2026: 1 plans and rating areas" in capsys.readouterr().out
    scenarios = files / "scenarios.toml"
    scenarios.write_text(
        '[[scenario]]\nname = "leaving"\n[[scenario.assume]]\nparameter = "lapse"\nvalue = 0.5\n'
    )
    assert run(files, *words, "--scenarios", scenarios, "--overwrite") == 2
    assert "give --base-month" in capsys.readouterr().err
    assert run(files, *words, "--scenarios", scenarios, "--base-month", "2026-10", "--overwrite") == 0
    months = read(files / "out", "aca_revenue_months")
    assert [row["premium"] for row in months] == [400.0] * 10 + [200.0, 100.0]


def test_settlements_are_read_by_market(files: Path) -> None:
    high_cost, loss_ratios = read_settlements(files / "settlements.toml")
    assert high_cost == {"individual": HighCost(100.0, 0.01)}
    assert loss_ratios == {"individual": LossRatioInputs(2000.0, 100.0, 1000.0, 0.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[uncertain]]\nparameter = 'lapse'\n", "uncertain 1 lacks 'distribution'"),
        (
            "[[uncertain]]\nparameter = 'lapse'\ndistribution = 'normal'\nvalues = ['a']\n",
            "values must be a list of numbers",
        ),
        (
            "[[uncertain]]\nparameter = 'lapse'\ndistribution = 'normal'\nvalue = [1]\n",
            "no 'value'; nearest: values",
        ),
        (UNCERTAIN.replace('"coding_trend", "lapse', '"coding_trend", "b", "lapse'), "pair must name two"),
        ("", r"holds no \[\[uncertain\]\] table"),
        ("[[uncertain]\n", "is not TOML"),
    ],
)
def test_refused_files_of_uncertain_assumptions(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "uncertain.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_uncertain(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[high_cost.individual]\npayment = 1.0\n", "high_cost.individual lacks 'charge_rate'"),
        ("[high_cost.individual]\npayment = 'a'\ncharge_rate = 1\n", "payment must be a number"),
        ("[high_costs.individual]\npayment = 1\n", "no 'high_costs'; nearest: high_cost"),
        ("high_cost = 1\n", r"write \[high_cost.MARKET\] tables"),
    ],
)
def test_refused_files_of_settlements(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settlements.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_settlements(path)
    with pytest.raises(InputError, match=r"does not exist; give a TOML file with \[high_cost"):
        read_settlements(tmp_path / "none.toml")
