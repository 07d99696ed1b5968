"""Workbooks: LibreOffice recalculates them to the library's numbers, inputs read back, text stays text."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from pricing.aca.rate_walk import Calibration, PoolAdjustments, plan_rates
from pricing.benefits.continuance import read_av_workbook
from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.parameters import load_rates
from pricing.worksheets.grids import Book, Grid, Line, address
from pricing.worksheets.rate_build_up import with_inputs, write_rate_build_up
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book
from riskadj.errors import OutputExistsError
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated

PLANS = {
    "plan_id": ["12345XX0010001", "12345XX0010002"],
    "metal_level": ["silver", "gold"],
    "av_and_cost_sharing": [0.72, 0.84],
    "csr_load": [1.12, 1.0],
    "administrative_share": [0.10, 0.12],
}
RATES = load_rates("aca", 2026)


def walk(trend: float = 1.08) -> BuildUp:
    return (
        BuildUp("group rate", labels=("small", "large"))
        .start("experience", [500.0, 450.0], source="claims")
        .multiply("trend", trend, source="study")
        .add("pooling charge", 12.0, source="pool")
        .blend("credibility", [0.6, 0.9], manual=[600.0, 580.0], source="square root")
        .checkpoint("claims cost", field="1.1")
        .divide("retention", [0.85, 0.9], source="committee")
    )


def filed() -> BuildUp:
    pool = PoolAdjustments(risk_adjustment_charge=20.0, exchange_fees=11.0, paid_to_allowed=0.8)
    return plan_rates(PLANS, index_rate=600.0, adjustments=pool, calibration=Calibration(1.6, 1.02, 1.01))


@pytest.mark.libreoffice
@pytest.mark.parametrize("make", [walk, filed])
def test_libreoffice_recalculates_the_library_s_numbers(tmp_path: Path, make):
    needs_libreoffice()
    path = write_rate_build_up(make(), tmp_path / "rates.xlsx", rates=RATES, parameters=("tobacco_limit",))
    cells = formulas(path)
    assert len(cells) > 2 * len(make().steps)
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_a_changed_input_is_the_library_called_with_it(tmp_path: Path):
    needs_libreoffice()
    path = write_rate_build_up(walk(), tmp_path / "rates.xlsx")
    other = write_rate_build_up(walk(trend=1.25), tmp_path / "other.xlsx")
    place = next(key for key, value in inputs_of(path).items() if value == 1.08)
    second = place[0], chr(ord(place[1][0]) + 1) + place[1][1:]
    changed = recalculated(path, {place: 1.25, second: 1.25})
    assert_same(changed, formulas(other))
    cells = formulas(path)
    assert any(changed[sheet][cell].value != value for (sheet, cell), value in cells.items())


def inputs_of(path: Path) -> dict[tuple[str, str], object]:
    sheet = load_workbook(path)["Inputs"]
    return {("Inputs", cell.coordinate): cell.value for row in sheet.iter_rows() for cell in row}


def test_inputs_read_back_make_the_same_build_up(tmp_path: Path):
    path = write_rate_build_up(walk(), tmp_path / "rates.xlsx")
    inputs = read_inputs(path)
    assert inputs["inputs"]["trend"].to_pylist() == [1.08, 1.08]
    again = with_inputs(walk(trend=2.0), inputs)
    assert np.array_equal(again.value, walk().value)
    book = load_workbook(path)
    sheet, cell = next(key for key, value in inputs_of(path).items() if value == 450.0)
    book[sheet][cell] = 480.0
    book.save(path)
    assert with_inputs(walk(), read_inputs(path)).level("experience").tolist() == [500.0, 480.0]


def test_what_cannot_be_read_back(tmp_path: Path):
    path = write_rate_build_up(walk(), tmp_path / "rates.xlsx")
    for bad, message in ((None, "blank"), ("=1+1", "holds a formula")):
        book = load_workbook(path)
        book["Inputs"]["E5"] = bad
        book.save(tmp_path / "bad.xlsx")
        with pytest.raises(InputError, match=rf"input 'inputs.experience', cell E5: {message}"):
            read_inputs(tmp_path / "bad.xlsx")
    book = load_workbook(path)
    book["Inputs"]["E5"] = "five hundred"
    book.save(tmp_path / "bad.xlsx")
    with pytest.raises(InputError, match=r"input 'inputs.experience': texts among its numbers"):
        read_inputs(tmp_path / "bad.xlsx")
    with pytest.raises(InputError, match="are not those of build-up 'premium rate'"):
        with_inputs(filed(), read_inputs(path))
    (tmp_path / "text.xlsx").write_text("no workbook")
    with pytest.raises(InputError, match=r"text.xlsx cannot be read as an .xlsx workbook"):
        read_inputs(tmp_path / "text.xlsx")
    with pytest.raises(InputError, match=r"text.xlsx cannot be read as an .xlsx workbook"):
        read_av_workbook(tmp_path / "text.xlsx", metal_level="gold")
    with pytest.raises(InputError, match=r"there is no file .*none\.xlsm"):
        read_av_workbook(tmp_path / "none.xlsm", metal_level="gold")


def test_every_byte_of_a_workbook_may_be_damaged(tmp_path: Path):
    """Damaged where it is compressed, zipfile raises zlib's errors, or that it lacks a method."""
    good = write_rate_build_up(filed(), tmp_path / "good.xlsx").read_bytes()
    read, bad = 0, tmp_path / "bad.xlsx"
    for place in range(0, len(good), 101):
        bad.write_bytes(good[:place] + b"\xff\xff" + good[place + 2 :])
        with contextlib.suppress(InputError):
            read_inputs(bad)
            read += 1
    assert read < len(good) / 101 / 2


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.com")', "https://example.com", "{=1}"]


def test_text_from_data_cannot_become_a_formula(tmp_path: Path):
    price = BuildUp("=1+1", labels=tuple(NASTY))
    price = price.start("=cmd|' /C calc'!A0", 1.0, source="=1+1").multiply(
        "trend", 1.1, source="@x", field="-1"
    )
    path = write_rate_build_up(price, tmp_path / "nasty.xlsx", run={"=1+1": {"a": "=2+2"}})
    book = load_workbook(path)
    texts = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]
    assert set(NASTY) <= {cell.value for cell in texts}
    risky = [cell for cell in texts if cell.value.startswith(("=", "+", "-", "@"))]
    assert len(risky) > len(NASTY)
    assert all(cell.quotePrefix for cell in risky)
    own = {text for text in formulas_in(path) if not text.startswith(("IF(", "COUNTIF("))}
    assert all("'Inputs'!" in text for text in own), own
    with zipfile.ZipFile(path) as archive:
        assert not any("hyperlink" in archive.read(name).decode("utf-8", "replace") for name in archive.namelist()
                       if name.endswith(".rels"))  # fmt: skip
    assert read_inputs(path)["inputs"]["label"].to_pylist() == NASTY


def formulas_in(path: Path) -> set[str]:
    book = load_workbook(path)
    cells = (cell for sheet in book for row in sheet.iter_rows() for cell in row)
    return {cell.value.removeprefix("=") for cell in cells if cell.data_type == "f"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path):
    path = write_rate_build_up(walk(), tmp_path / "rates.xlsx")
    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        write_rate_build_up(walk(), path)
    assert path.read_bytes() == before
    write_rate_build_up(walk(trend=1.2), path, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rates.xlsx"]
    with pytest.raises(InputError, match=r"must end in .xlsx"):
        write_rate_build_up(walk(), tmp_path / "rates.xls")


def test_the_audit_sheet_says_what_the_file_was_made_from(tmp_path: Path):
    path = write_rate_build_up(
        walk(), tmp_path / "rates.xlsx", rates=RATES, parameters=("age_factor",),
        run={"counts": {"enrollment": {"rows_read": 5000}}},
    )  # fmt: skip
    book = load_workbook(path, data_only=True)
    said = {row[0].value: row[1].value for row in book["Audit"].iter_rows(min_row=4)}
    assert said["aca 2026 parameters, sha256"] == RATES.sha256
    assert said["counts: enrollment: rows_read"] == 5000
    assert said["checks that flag"] == 0
    shown = {row[0].value: row[4].value for row in book["Assumptions"].iter_rows(min_row=5)}
    assert shown["age factor 64"] == 3.0


def test_addresses():
    assert [address(0, column) for column in (0, 25, 26, 701, 702)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1"]
    assert address(9, 3, mark="$") == "$D$10"


def test_a_line_of_another_grid_stands_for_the_cells_of_the_same_owner(tmp_path: Path):
    plans = Grid(
        "plans",
        "Plans",
        "p",
        (Line("total", "total", [3.0, 3.0], formula="SUM({rows.cost})*{all.load}"),),
        (0, 1),
    )
    rows = Grid("rows", "Rows", "r", (
        Line("cost", "cost", [1.0, 2.0, 3.0]),
        Line("share", "share", [1 / 3, 2 / 3, 1.0], formula="{cost}/{plans.total}"),
    ), (0, 0, 1), is_across=False)  # fmt: skip
    one = Grid("all", "All", "a", (Line("load", "load", [1.0]),))
    book = Book("b", (plans, rows, one))
    assert book.formula(plans, plans.lines[0], 0) == "=SUM('Rows'!$A$7:$A$8)*'All'!$E$5"
    assert book.formula(plans, plans.lines[0], 1) == "=SUM('Rows'!$A$9)*'All'!$E$5"
    assert book.formula(rows, rows.lines[1], 1) == "=A8/'Plans'!$E$5"
    write_book(book, tmp_path / "b.xlsx")


def test_what_a_book_refuses():
    line = Line("a", "a", [1.0])
    with pytest.raises(InputError, match="has a line twice"):
        Grid("g", "S", "t", (line, line))
    with pytest.raises(InputError, match="wrong length, or an unknown look"):
        Grid("g", "S", "t", (line,), (0, 1))
    with pytest.raises(InputError, match="cannot name a sheet"):
        Grid("g", "a/b", "t", (line,))
    with pytest.raises(InputError, match="in the order of their owners"):
        Grid("g", "S", "t", (Line("a", "a", [1.0, 2.0]),), (1, 0))
    with pytest.raises(InputError, match=r"names 'g.b', which is no line"):
        Book("b", (Grid("g", "S", "t", (Line("a", "a", [1.0], formula="{b}"),)),))
