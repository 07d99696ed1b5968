"""The workbook of a forecast: recalculated by LibreOffice, changed there as in the library, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from pricing.errors import InputError
from pricing.revenue import Assume, Membership, RevenueForecast, Scenario, forecast
from pricing.revenue.factors import COMPONENTS
from pricing.worksheets import revenue
from pricing.worksheets.revenue import revenue_from_workbook, write_forecast
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated
from tests.pricing.revenue_members import membership
from tests.pricing.test_bid_workbook import place_of

MOVES = (
    Assume("lapse", 0.02), Assume("lapse_score", 0.8), Assume("death", 0.004), Assume("death_score", 2.0),
    Assume("new_sales", 3), Assume("new_sales_score", 0.9), Assume("aging_in", 1), Assume("rate_trend", 0.04),
    Assume("coding_trend", 0.03), Assume("model_change", 0.97, first_month="2027-01"), Assume("rebate_change", 1.1),
    Assume("transition", 0.03, where={"status": "non_dual"}, to={"status": "full_dual"}),
    Assume("transition_score", 1.2, where={"status": "non_dual"}, to={"status": "full_dual"}),
)  # fmt: skip
TERMS: dict[str, Any] = {
    "payment_rate": [1013.37], "rebate_pmpm": [110.5], "frailty": [0.021], "basic_member_premium": [1.25],
    "member_premium": [33.0],
}  # fmt: skip


def members(n: int = 40) -> Membership:
    random = np.random.default_rng(3)
    return membership(
        [
            {
                "payment_risk_score": float(round(random.gamma(1.5, 0.7), 3)), "county_code": f"0{number % 2}",
                "dual_status_code": ("00", "02")[number % 5 == 0], "is_hospice": number % 11 == 0,
                "is_msp": number % 7 == 0,
            }
            for number in range(n)
        ]
    )  # fmt: skip


def made(*rows: Assume, n_months: int = 16, **options: Any) -> RevenueForecast:
    return forecast(members(), TERMS, scenario=Scenario("budget", rows), n_months=n_months, **options)


def with_part_d() -> RevenueForecast:
    people = members(20)
    scored = Membership(
        people.base_month,
        people.cohorts,
        people.cohort_of_member,
        people.scores,
        people.scores * 0.9,
        {},
        people.counts,
    )
    drugs = {"part_d_bid": [80.0], "part_d_basic_premium": [36.0], "part_d_reinsurance_pmpm": [60.0]}
    scenario = Scenario("both", (*MOVES, Assume("part_d_coding_trend", 0.01)))
    return forecast(scored, TERMS | drugs, scenario=scenario, n_months=14)


def months_of(found: RevenueForecast) -> dict[str, np.ndarray]:
    return {name: found.month_totals[name].to_numpy() for name in ("members", *COMPONENTS, "revenue")}


def assert_months(path: Path, expected: dict[str, np.ndarray], *, cents: float = 0.0) -> None:
    table = revenue_from_workbook(path)
    for name, values in expected.items():
        assert table[name].to_numpy() == pytest.approx(values, rel=1e-12, abs=1e-9 + cents / 100), name


@pytest.mark.libreoffice
@pytest.mark.parametrize(
    "found", [made(*MOVES), with_part_d(), made()], ids=["moving", "part_d", "unchanged"]
)
def test_libreoffice_recalculates_every_number_of_a_forecast(tmp_path: Path, found: RevenueForecast):
    needs_libreoffice()
    path = write_forecast(found, tmp_path / "forecast.xlsx")
    cells = formulas(path)
    assert len(cells) > 8 * found.factors.members.size
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_changed_inputs_are_the_library_called_with_them(tmp_path: Path):
    needs_libreoffice()
    path = write_forecast(made(*MOVES), tmp_path / "forecast.xlsx")
    changes = {
        place_of(path, "detail.lapse", 5): 0.3,
        place_of(path, "detail.joins", 21): 9.0,
        place_of(path, "cohorts.risk_score", 1): 3.5,
        place_of(path, "detail.rate_step_terms", 30): 1200.0,
        place_of(path, "levers.score_factor", 0): 1.05,
        place_of(path, "levers.lapse_factor", 0): 0.5,
    }
    sheet = recalculated(path, changes)["Months"]
    table = revenue_from_workbook(path.with_name("bare.xlsx"))
    headings = [cell.value for cell in sheet[4]]
    found = [row[headings.index("revenue")] for row in sheet.iter_rows(min_row=7, values_only=True)]
    assert found == pytest.approx(table["revenue"].to_pylist(), abs=0.021)  # a half cent may fall either way
    before = revenue_from_workbook(path)["revenue"].to_numpy()
    assert (np.abs(table["revenue"].to_numpy() - before) > 1).all()


def test_levers_are_the_scenario_that_says_the_same(tmp_path: Path):
    path = write_forecast(made(Assume("lapse", 0.02), Assume("new_sales", 3)), tmp_path / "forecast.xlsx")
    book = load_workbook(path)
    for name, value in (
        ("lapse_factor", 2.0),
        ("joins_factor", 3.0),
        ("rate_factor", 1.1),
        ("rebate_factor", 0.5),
    ):
        sheet, cell = place_of(path, f"levers.{name}", 0)
        book[sheet][cell] = value
    book.save(path)
    said = (
        Assume("lapse", 0.04),
        Assume("new_sales", 9),
        Assume("rate_change", 1.1),
        Assume("rebate_change", 0.5),
    )
    assert_months(path, months_of(made(*said)), cents=1)


@pytest.mark.parametrize(
    "found", [made(*MOVES), with_part_d(), made()], ids=["moving", "part_d", "unchanged"]
)
def test_a_workbook_reads_back_as_the_same_forecast(tmp_path: Path, found: RevenueForecast):
    assert_months(write_forecast(found, tmp_path / "forecast.xlsx"), months_of(found))


def test_a_forecast_that_begins_later_shows_its_own_months(tmp_path: Path):
    found = made(*MOVES, n_months=5, first_month="2026-06")
    path = write_forecast(found, tmp_path / "forecast.xlsx")
    assert_months(path, months_of(found))
    assert revenue_from_workbook(path)["month"][0].as_py().month == 6


@pytest.mark.libreoffice
def test_given_members_are_inputs(tmp_path: Path):
    needs_libreoffice()
    given = {"month": ["2026-02-01", "2026-03-01"], "members": [50.0, 40.0]}
    found = made(n_months=3, enrollment=given)
    path = write_forecast(found, tmp_path / "forecast.xlsx")
    assert_months(path, months_of(found))
    assert_same(recalculated(path), formulas(path))


def test_checks_and_assumptions_stand_beside_the_numbers(tmp_path: Path):
    found = made(*MOVES)
    book = load_workbook(write_forecast(found, tmp_path / "forecast.xlsx"), data_only=True)
    assert book.sheetnames == ["Months", "Levers", "Cohorts", "Detail", "Checks", "Assumptions", "Audit"]
    checks = {row[0]: row[4] for row in book["Checks"].iter_rows(min_row=5, values_only=True)}
    assert set(checks.values()) == {"OK"}
    assert "probabilities lie between 0 and 1" in checks
    said = [row[0] for row in book["Assumptions"].iter_rows(min_row=7, values_only=True)]
    assert said == found.assumptions["assumption"].to_pylist()
    audited = dict(row[:2] for row in book["Audit"].iter_rows(min_row=4, values_only=True))
    assert audited["scenario"] == "budget"
    assert audited["checks that flag"] == 0


def test_a_moved_lever_is_flagged(tmp_path: Path):
    needs_libreoffice()
    path = write_forecast(made(), tmp_path / "forecast.xlsx")
    found = recalculated(path, {place_of(path, "levers.rate_factor", 0): 1.2})
    checks = {row[0]: row[4] for row in found["Checks"].iter_rows(min_row=5, values_only=True)}
    assert checks["levers stand at 1"] == "FLAG"


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tests.pricing.bids import HAND
    from tests.pricing.test_bid_workbook import flow_of, write_bid

    other = write_bid(flow_of(HAND), tmp_path / "bid.xlsx")
    with pytest.raises(InputError, match=r"bid\.xlsx is no workbook of a revenue forecast"):
        revenue_from_workbook(other)
    monkeypatch.setattr(revenue, "MOST_ROWS", 10)
    with pytest.raises(InputError, match="are too many for a workbook, which has at most 10"):
        write_forecast(made(), tmp_path / "forecast.xlsx")
