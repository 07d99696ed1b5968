"""`pricing benefits adjudicate | av | template`, CMS's workbook: what commands write is what the library returns."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from pricing.benefits import (
    PlanDesign,
    actuarial_value,
    adjudicate,
    continuance_of_claims,
    designs_to_toml,
    read_av_workbook,
)
from pricing.errors import InputError
from pricing.parameters import load_rates
from pricing.worksheets import read_design_workbook, write_designs
from tests.pricing.commands import run
from tests.pricing.test_av_calculator import SILVER, federal, needs_tables
from tests.pricing.test_claims_continuance import MEMBERS, claims

RICH, POOR = PlanDesign("rich", 100, 500, 0.1), PlanDesign("poor", 800, 900, 0.5)


def calculator(path, tables, level="Silver"):
    """A workbook laid out as CMS's: a title above the headings, caps in the second column, "Unlimited" at the end."""
    book = Workbook()
    for kind, ending in (("medical", "Med"), ("drugs", "Rx"), ("combined", "Combined")):
        sheet, table = book.create_sheet(f"{level}_{ending}"), tables[kind]
        sheet.append([f"{level} {kind}"])
        sheet.append([None, "Up To", "Avg. Cost per Enrollee (Max'd)", *list(table.columns)[2:]])
        caps = [*table.up_to[:-1].tolist(), "Unlimited"]
        for row, cap in enumerate(caps):
            columns = [float(values[row]) for values in list(table.columns.values())[2:]]
            sheet.append([None, cap, float(table.maxd[row]), *columns])
        sheet.append([None, "Source: invented"])
    book.save(path)
    return path


@pytest.fixture(scope="module")
def table():
    return continuance_of_claims(claims(), members=MEMBERS, year=2025, caps=(0, 100, 200, 300, 500, 1000))


@pytest.fixture
def folder(tmp_path, table):
    calculator(tmp_path / "calculator.xlsx", dict.fromkeys(("medical", "drugs", "combined"), table))
    (tmp_path / "designs.toml").write_text(designs_to_toml([RICH, POOR]), encoding="utf-8")
    pq.write_table(claims(), tmp_path / "claims.parquet")
    return tmp_path


def test_tables_of_a_workbook_are_read_as_they_stand(folder, table):
    tables = read_av_workbook(folder / "calculator.xlsx", metal_level="silver")
    assert sorted(tables) == ["combined", "drugs", "medical"]
    for found in tables.values():
        assert np.array_equal(found.up_to, table.up_to)
        assert np.allclose(found.maxd, table.maxd, atol=0, rtol=1e-15)
        assert list(found.columns) == list(table.columns)
    with pytest.raises(
        InputError, match=r"calculator.xlsx has no sheet 'Gold_Med'; is it an AV Calculator workbook\?"
    ):
        read_av_workbook(folder / "calculator.xlsx", metal_level="gold")


def av(folder, *words, designs="designs.toml"):
    return run(
        "benefits", "av", "--workbook", folder / "calculator.xlsx", "--metal-level", "silver",
        "--designs", folder / designs, "--benefit-year", "2025", *words, "--output", folder / "values",
    )  # fmt: skip


def test_av(folder, table):
    status, out, err = av(folder)
    assert (status, err) == (0, "")
    expected = [actuarial_value(table, design, benefit_year=2025) for design in (RICH, POOR)]
    written = pq.read_table(folder / "values" / "actuarial_values.parquet")
    assert written["design"].to_pylist() == ["rich", "poor"]
    assert written["actuarial_value"].to_pylist() == [value.value for value in expected]
    assert f"{expected[0].value:.4%}" in out
    assert "not verified" not in out  # the ranges of 2025 were read in the regulation, those of 2026 not
    assert (folder / "values" / "actuarial_values.png").stat().st_size > 10_000
    assumed = pq.read_table(folder / "values" / "assumptions.parquet").to_pylist()
    assert {row["parameter"] for row in assumed} >= {
        "metal_av",
        "de_minimis_below",
        "av_waived_copays_accrue",
    }


def test_av_with_de_minimis_ranges_of_the_caller_s_own(folder, table):
    value = actuarial_value(table, POOR, benefit_year=2025).value
    header = "parameter,key,first_year,last_year,value,unit,source,where,verified\n"
    row = f"metal_av,gold,2025,2025,{value:.4f},share of allowed cost,mine,,no\n"
    (folder / "own.csv").write_text(header + row)
    status, out, err = av(folder, "--parameters", folder / "own.csv")
    assert (status, err) == (0, "")
    assert "parameters are not verified" in out
    written = pq.read_table(folder / "values" / "actuarial_values.parquet")
    assert "gold" in written["metal_levels"][1].as_py()
    assert load_rates("aca", 2025).number("metal_av", "gold") != round(value, 4)


@needs_tables
def test_av_of_a_standardised_plan_by_a_workbook_of_the_federal_tables(tmp_path):
    """The published value, from sheets laid out as CMS's."""
    calculator(tmp_path / "calculator.xlsx", federal("silver"))
    write_designs(tmp_path / "designs.xlsx", SILVER)
    words = ("--workbook", tmp_path / "calculator.xlsx", "--metal-level", "silver", "--benefit-year", "2026")
    status, _, err = run(
        "benefits", "av", *words, "--designs", tmp_path / "designs.xlsx", "--output", tmp_path / "values"
    )
    assert (status, err) == (0, "")
    row = pq.read_table(tmp_path / "values" / "actuarial_values.parquet").to_pylist()[0]
    assert row["actuarial_value"] == pytest.approx(0.700079495, abs=1e-6)
    assert "silver" in row["metal_levels"]


def test_adjudicate(folder):
    words = (
        "--claims",
        folder / "claims.parquet",
        "--designs",
        folder / "designs.toml",
        "--output",
        folder / "out",
    )
    status, out, err = run("benefits", "adjudicate", *words)
    assert (status, err) == (0, "")
    expected = adjudicate(claims(), [RICH, POOR])
    written = pq.read_table(folder / "out" / "adjudicated_members.parquet")
    assert written.to_pylist() == expected.members.to_pylist()
    assert f"{expected.summary()['plan_paid'][0]:,.2f}" in out
    assert "lines read 5, lines adjudicated 5" in out
    assert {path.name for path in (folder / "out").iterdir()} == {
        "adjudicated_members.parquet", "adjudicated_members.png", "run.json",
    }  # fmt: skip
    status, _, err = run("benefits", "adjudicate", *words, "--overwrite", "--keep-lines")
    assert (status, "one design at a time" in err) == (2, True)
    (folder / "designs.toml").write_text(designs_to_toml(RICH), encoding="utf-8")
    status, _, err = run("benefits", "adjudicate", *words, "--overwrite", "--keep-lines")
    assert (status, err) == (0, "")
    assert pq.read_table(folder / "out" / "adjudicated_lines.parquet").num_rows == 5


def test_a_template_is_taken_as_designs(folder):
    status, out, err = run("benefits", "template", "--output", folder / "plans.xlsx")
    assert (status, err, "sheets Designs, Services" in out) == (0, "", True)
    words = (
        "--claims",
        folder / "claims.parquet",
        "--designs",
        folder / "plans.xlsx",
        "--output",
        folder / "out",
    )
    status, _, err = run("benefits", "compare", *words)
    assert (status, err) == (0, "")
    report = json.loads((folder / "out" / "run.json").read_text())
    assert report["designs"] == [design.to_dict() for design in read_design_workbook(folder / "plans.xlsx")]
    own = ("--output", folder / "own.xlsx", "--designs", folder / "designs.toml")
    assert run("benefits", "template", *own)[0] == 0
    assert read_design_workbook(folder / "own.xlsx") == [RICH, POOR]
    status, _, err = run("benefits", "template", *own)
    assert (status, "OutputExistsError" in err) == (2, True)
