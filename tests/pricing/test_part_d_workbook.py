"""The workbook of Part D bids: recalculated by LibreOffice, changed there as in the library, read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from pricing.errors import InputError
from pricing.medicare.drug_projection import drug_experience
from pricing.medicare.part_d_bid import PartDBids, part_d_bids
from pricing.worksheets.part_d_bid import part_d_bid_from_workbook, write_part_d_bid
from tests.pricing.part_d_plans import CLAIMS, DESIGNS, KINDS, PLANS, random_plans
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated
from tests.pricing.test_bid_workbook import place_of


def hand() -> PartDBids:
    found = drug_experience(KINDS, claims=CLAIMS, designs=DESIGNS, payment_year=2026)
    return part_d_bids(PLANS, coverage=found, payment_year=2026)


def drawn(seed: int) -> PartDBids:
    tables = random_plans(seed, 6)
    plans = tables.pop("plans")
    found = drug_experience(tables.pop("kinds"), **tables, payment_year=2026)  # type: ignore[arg-type]
    return part_d_bids(plans, coverage=found.coverage, payment_year=2026)


@pytest.mark.libreoffice
@pytest.mark.parametrize("bids", [hand(), drawn(21)], ids=["hand", "random"])
def test_libreoffice_recalculates_every_number(tmp_path: Path, bids: PartDBids):
    needs_libreoffice()
    path = write_part_d_bid(bids, tmp_path / "bid.xlsx")
    cells = formulas(path)
    assert (
        len(cells) == 28 * bids.plans.n_rows + 1
    )  # 25 lines and 3 checks of each plan, and the count of flags
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_changed_inputs_are_the_library_called_with_them(tmp_path: Path):
    needs_libreoffice()
    path = write_part_d_bid(drawn(22), tmp_path / "bid.xlsx")
    changes = {
        place_of(path, "plans.margin_share", 1): -0.01,
        place_of(path, "plans.joins_demonstration", 0): "no",
        place_of(path, "plans.dir_share", 2): 0.25,
        place_of(path, "assumptions.part_d_national_average_bid", 0): 180.0,
    }
    found = recalculated(path, changes)
    other = part_d_bid_from_workbook(path.with_name("bare.xlsx"), payment_year=2026)
    assert other.rates.number("part_d_national_average_bid") == 180.0
    expected = formulas(write_part_d_bid(other, tmp_path / "other.xlsx"))
    assert_same(found, expected)
    assert sum(expected[place] != value for place, value in formulas(path).items()) > 30


def test_a_workbook_reads_back_as_the_same_bids(tmp_path: Path):
    bids = drawn(23)
    again = part_d_bid_from_workbook(write_part_d_bid(bids, tmp_path / "bid.xlsx"), payment_year=2026)
    for name, values in bids.numbers.items():
        assert again.numbers[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name
    assert again.checks["is_flagged"].equals(bids.checks["is_flagged"])


def test_an_impossible_input_typed_into_a_workbook_is_refused(tmp_path: Path):
    path = write_part_d_bid(hand(), tmp_path / "bid.xlsx")
    book = load_workbook(path)
    sheet, cell = place_of(path, "coverage.own_plan", 0)
    book[sheet][cell] = 1.0
    book.save(path)
    with pytest.raises(
        InputError, match="payers of own coverage do not add up to own_allowed in 1 of 3 rows"
    ):
        part_d_bid_from_workbook(path, payment_year=2026)


def test_every_public_number_stands_with_its_source(tmp_path: Path):
    book = load_workbook(write_part_d_bid(hand(), tmp_path / "bid.xlsx"), data_only=True)
    rows = {row[0]: row for row in book["Assumptions"].iter_rows(min_row=5, values_only=True)}
    assert rows["part d national average bid"][2] == "verified"
    said = dict(row[:2] for row in book["Audit"].iter_rows(min_row=4, values_only=True))
    assert said["counts: plans"] == 3
    assert said["checks that flag"] == sum(
        row["is_flagged"] for row in hand().checks.to_pylist() if "equivalence" not in row["check"]
    )
