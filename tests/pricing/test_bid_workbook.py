"""The workbook of a bid: recalculated by LibreOffice, changed there as in the library, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pricing.errors import InputError
from pricing.medicare.bid_worksheets import USES
from pricing.parameters import load_rates
from pricing.worksheets.bid import bid_from_workbook, write_bid
from tests.pricing.bids import HAND, random_bids
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated
from tests.pricing.test_bid_flow import flow_of


def place_of(path: Path, name: str, record: int) -> tuple[str, str]:
    """Return sheet and address of an input's cell."""
    (sheet, cells), *_ = load_workbook(path).defined_names[name].destinations
    rows = load_workbook(path)[sheet][cells.replace("$", "")]
    if not isinstance(rows, tuple):
        return sheet, rows.coordinate
    return sheet, [cell for row in rows for cell in row][record].coordinate


@pytest.mark.libreoffice
@pytest.mark.parametrize(
    ("tables", "order"), [(HAND, USES), (random_bids(11, n_plans=6), USES[::-1])], ids=["hand", "random"]
)
def test_libreoffice_recalculates_every_number_of_a_bid(
    tmp_path: Path, tables: dict[str, Any], order: tuple[str, ...]
):
    needs_libreoffice()
    flow = flow_of(tables, rebate_order=order)
    path = write_bid(flow, tmp_path / "bid.xlsx")
    cells = formulas(path)
    assert len(cells) > 14 * len(tables["experience"]["plan_id"]) + 40 * flow.plans.n_rows
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_changed_inputs_are_the_library_called_with_them(tmp_path: Path):
    needs_libreoffice()
    tables = random_bids(12, n_plans=3)
    path = write_bid(flow_of(tables), tmp_path / "bid.xlsx")
    changes = {
        place_of(path, "plans.margin_share", 1): -0.01,
        place_of(path, "plans.stars", 2): 4.5,
        place_of(path, "projection.utilization_trend", 4): 1.2,
        place_of(path, "counties.rate", 0): 900.0,
        place_of(path, "assumptions.premium_rounding_part_c", 0): 1.0,
    }
    found = recalculated(path, changes)
    other = bid_from_workbook(path.with_name("bare.xlsx"), payment_year=2026)
    assert other.plans["margin_share"][1] == -0.01
    assert other.rates.number("premium_rounding", "part_c") == 1.0
    expected = formulas(write_bid(other, tmp_path / "other.xlsx"))
    assert_same(found, expected)
    assert sum(expected[place] != value for place, value in formulas(path).items()) > 40


def test_a_workbook_reads_back_as_the_same_bid(tmp_path: Path):
    flow = flow_of(random_bids(13, n_plans=4))
    again = bid_from_workbook(write_bid(flow, tmp_path / "bid.xlsx"), payment_year=2026)
    for name, values in flow.numbers.items():  # a file keeps 16 digits
        assert again.numbers[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name
    assert again.payment_rates == pytest.approx(flow.payment_rates, rel=1e-12)
    assert again.rates == load_rates("medicare", 2026)


@pytest.mark.libreoffice
def test_a_workbook_that_libreoffice_saved_reads_back_too(tmp_path: Path):
    needs_libreoffice()
    flow = flow_of(random_bids(14, n_plans=5))
    recalculated(write_bid(flow, tmp_path / "bid.xlsx"))
    again = bid_from_workbook(tmp_path / "recalculated" / "bare.xlsx", payment_year=2026)
    assert again.plans["is_snp"].tolist() == flow.plans["is_snp"].tolist()
    for name, values in flow.numbers.items():
        assert again.numbers[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("plans.stars", 7, "stars are no rating from 1 to 5"),
        ("plans.is_new_plan", "perhaps", "'plans.is_new_plan' holds something else than yes and no"),
        ("plans.margin_share", 1.2, "margin_share is a gain or loss of 100 percent"),
        ("plans.margin_share", "four percent", "column 'margin_share'"),
    ],
)
def test_an_impossible_input_typed_into_a_workbook_is_refused(
    tmp_path: Path, name: str, typed: object, message: str
):
    path = write_bid(flow_of(HAND), tmp_path / "bid.xlsx")
    book = load_workbook(path)
    sheet, cell = place_of(path, name, 0)
    book[sheet][cell] = typed
    book.save(path)
    with pytest.raises(InputError, match=message):
        bid_from_workbook(path, payment_year=2026)


def test_every_public_number_stands_with_its_source(tmp_path: Path):
    book = load_workbook(write_bid(flow_of(HAND), tmp_path / "bid.xlsx"), data_only=True)
    rows = list(book["Assumptions"].iter_rows(min_row=5, values_only=True))
    assert {row[0]: row[4] for row in rows}["rebate percentage middle"] == 0.65
    assert all(row[3] and row[2] in ("verified", "NOT VERIFIED") for row in rows)
    assert {row[0]: row[2] for row in rows}["tbc change limit"] == "NOT VERIFIED"
    said = dict(row[:2] for row in book["Audit"].iter_rows(min_row=4, values_only=True))
    assert said["counts: experience"] == 3
    assert said["checks that flag"] == 1
