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

from pricing import aca, experience, medicaid, medicare, results
from pricing.errors import InputError
from pricing.medicare.optional_packages import optional_benefits


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


def test_a_result_shows_what_it_is_and_no_data() -> None:
    assert results.shown(ANSWER) == "<Answer: plans of 2 rows>"


def test_a_misspelt_table_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"no table 'check'; nearest: checks; there are: plans, checks, walk\."
    ):
        ANSWER.to_pandas("check")


def test_a_misspelt_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"average 'volum' is none of volume, .*; nearest: volume\."):
        experience.chain_ladder([[1.0, 2.0], [1.0, None]], average="volum")


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


def small_results() -> dict[str, Any]:
    """A small result of each kind whose charts and files no other test looks at."""
    months = {"mco": ["a", "b"], "member_months": [40_000.0, 300_000.0]}
    return {
        "stop_loss": experience.stop_loss(
            {"member_id": ["x", "y"], "amount": [250.0, 60.0]}, deductible=100.0, expected_claims=100.0
        ),
        "development": experience.chain_ladder([[100.0, 200.0, 220.0], [100.0, 200.0, None], [50.0, None, None]]),
        "corridor": medicaid.medicaid_risk_corridor(
            {"mco": ["a", "b"], "revenue": [100.0, 100.0], "benefit_cost": [96.0, 80.0]},
            {"start": [0.02], "share": [0.5]}, target_loss_ratio=0.9,
        ),
        "medicaid_loss_ratio": medicaid.medicaid_loss_ratio(
            {**months, "incurred_claims": [80.0, 90.0], "premium_revenue": [100.0, 100.0]}, rating_year=2026
        ),
        "loss_ratios": medicare.contract_loss_ratios(
            {"contract_id": ["H1", "H2"], "member_months": [400_000.0, 5_000.0], "incurred_claims": [90.0, 80.0],
             "revenue": [100.0, 100.0], "taxes_and_fees": [0.0, 0.0]}, payment_year=2026,
        ),
        "optional": optional_benefits(
            {"plan_id": ["p", "p"], "package_id": ["dental", "vision"], "member_months": [10.0, 10.0],
             "allowed": [30.0, 12.0], "margin_share": [0.05, -0.05]}, payment_year=2026,
        ),
        "pool": aca.high_cost_pool(
            {"issuer_id": ["1", "2"], "paid_amount": [1.5e6, 0.5e6]},
            {"issuer_id": ["1", "2"], "premium": [1e6, 3e6]}, benefit_year=2025,
        ),
        "premiums": aca.premiums(
            {"family_id": ["f", "f", "g"], "age_years": [40, 10, 64], "base_rate": [300.0, 300.0, 300.0]},
            benefit_year=2026,
        ),
    }  # fmt: skip


SMALL = small_results()


@pytest.mark.parametrize("name", SMALL)
def test_every_table_and_the_chart_are_written(name: str, tmp_path: Path) -> None:
    found = SMALL[name]
    target = found.write(tmp_path / "out", chart=True)
    first = next(iter(found.TABLES.values()))
    written = {path.name for path in target.iterdir()}
    assert written == {f"{first}.png", "run.json", *(f"{file}.parquet" for file in found.TABLES.values())}
    for table, file in found.TABLES.items():
        assert pq.read_table(target / f"{file}.parquet").num_rows == len(found.to_pandas(table)) > 0
    assert len(found.summary()) > 0


def test_a_development_is_summed_up_by_hand() -> None:
    """Factors 2.0 and 1.1: 220 are known, 200 become 220, 50 become 110."""
    table = SMALL["development"].summary()
    assert table["ultimate"].round(9).tolist() == [220.0, 220.0, 110.0, 550.0]
    assert table.loc["all", ["paid", "ibnr"]].round(9).tolist() == [470.0, 80.0]
    assert round(table.loc["all", "completion"], 9) == round(470 / 550, 9)
    ages = SMALL["development"].to_pandas("age_to_age")
    assert ages["factor"].round(9).tolist() == [2.0, 1.1, 1.0]


def test_summaries_put_first_what_matters_first() -> None:
    assert SMALL["loss_ratios"].summary()["contract_id"].tolist() == ["H2", "H1"]
    assert SMALL["pool"].summary()["issuer_id"].tolist() == ["1", "2"]
    assert SMALL["pool"].run["payment"] == SMALL["pool"].run["charge"] == 300_000.0
    assert SMALL["premiums"].summary()["families"].tolist() == [1, 1]
