"""The workbook of a rate table: recalculated by LibreOffice, changed there as in the library, read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from pricing.aca.rate_tables import RateTable, rate_table
from pricing.aca.rate_walk import Calibration, PoolAdjustments, plan_rates
from pricing.aca.state_rating import rating_rules
from pricing.errors import InputError
from pricing.worksheets.rate_table import rate_table_from_workbook, write_rate_table
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated
from tests.pricing.test_bid_workbook import place_of
from tests.pricing.test_state_rating import PLANS


def table_of(state: str = "", tobacco: float = 1.0) -> RateTable:
    walk = plan_rates(
        PLANS | {"administrative_share": [0.11, 0.12]}, index_rate=613.7, calibration=Calibration(1.61, 1.01, 1.003),
        adjustments=PoolAdjustments(exchange_fees=14.2, paid_to_allowed=0.77),
    )  # fmt: skip
    return rate_table(
        walk,
        area_factors={"1": 1.0, "2": 1.0835},
        rules=rating_rules(state, benefit_year=2026),
        tobacco_factor=tobacco,
    )


@pytest.mark.libreoffice
@pytest.mark.parametrize(("state", "tobacco"), [("", 1.15), ("MA", 1.0), ("VT", 1.0)])
def test_libreoffice_recalculates_every_rate(tmp_path: Path, state: str, tobacco: float):
    needs_libreoffice()
    table = table_of(state, tobacco)
    path = write_rate_table(table, tmp_path / "rates.xlsx")
    cells = formulas(path)
    assert sum(sheet == "Rates" for sheet, _ in cells) == 2 * table.rates.num_rows
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_changed_inputs_are_the_library_called_with_them(tmp_path: Path):
    needs_libreoffice()
    table = table_of()
    path = write_rate_table(table, tmp_path / "rates.xlsx")
    changes = {
        place_of(path, "inputs.index_rate", 1): 700.0,
        place_of(path, "areas.factor", 1): 0.9,
        place_of(path, "bands.factor", 30): 1.6,
        place_of(path, "bands.tobacco_factor", 40): 1.7,
    }
    found = recalculated(path, changes)
    other = rate_table_from_workbook(path.with_name("bare.xlsx"), table=table)
    assert other.bands["factor"][30].as_py() == 1.6
    expected = formulas(write_rate_table(other, tmp_path / "other.xlsx"))
    assert_same(found, expected)
    assert list(expected.values()).count("FLAG") == 1  # a tobacco factor above its limit


def test_a_workbook_reads_back_as_the_same_rates(tmp_path: Path):
    table = table_of("MA")
    again = rate_table_from_workbook(write_rate_table(table, tmp_path / "rates.xlsx"), table=table)
    assert again.rates["rate"].to_pylist() == table.rates["rate"].to_pylist()


def test_a_workbook_of_another_table_is_refused(tmp_path: Path):
    path = write_rate_table(table_of("MA"), tmp_path / "rates.xlsx")
    with pytest.raises(InputError, match="the workbook's bands are not those of this rate table"):
        rate_table_from_workbook(path, table=table_of("VT"))
    book = load_workbook(path)
    sheet, cell = place_of(path, "areas.factor", 0)
    book[sheet][cell] = -1.0
    book.save(path)
    with pytest.raises(InputError, match="a factor among the workbook's areas is not above 0"):
        rate_table_from_workbook(path, table=table_of("MA"))


def test_only_what_the_state_needs_stands_among_the_assumptions(tmp_path: Path):
    book = load_workbook(write_rate_table(table_of("MA"), tmp_path / "rates.xlsx"), data_only=True)
    said = {row[0] for row in book["Assumptions"].iter_rows(min_row=5, values_only=True)}
    assert "state tobacco limit MA" in said
    assert not any("factor" in name or "DC" in name for name in said)
