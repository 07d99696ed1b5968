"""The workbook of compared designs: recalculated by LibreOffice, and what follows from a retention typed into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from openpyxl import load_workbook

from pricing.benefits.design import CostSharing, PlanDesign
from pricing.benefits.induced_demand import federal_induced_demand
from pricing.benefits.scenarios import Comparison, compare
from pricing.worksheets import read_inputs
from pricing.worksheets.benefits import PARTS, write_comparison
from tests.pricing.recalculation import assert_same, formulas, needs_libreoffice, recalculated
from tests.pricing.test_bid_workbook import place_of

DESIGNS = (
    PlanDesign("bronze", 6000, 9000, 0.4),
    PlanDesign(
        "silver =1+1", 3000, 8000, 0.3, {"primary_care": CostSharing(copay=40, deductible_applies=False)}
    ),
    PlanDesign("account", 3000, 7000, 0.2, account="hsa", account_contribution=500),
)


def comparison(**options: object) -> Comparison:
    random = np.random.default_rng(4)
    lines = 900
    claims = pa.table(
        {
            "claim_id": [f"c{number}" for number in range(lines)],
            "member_id": [f"m{number}" for number in random.integers(0, 60, lines)],
            "service_date": pa.array(20_454 + random.integers(0, 300, lines), pa.int32()).cast(pa.date32()),
            "service_category": [("primary_care", "inpatient")[number % 3 == 0] for number in range(lines)],
            "allowed_amount": np.round(random.lognormal(5, 1.2, lines), 2),
        }
    )
    return compare(DESIGNS, claims, **options)  # type: ignore[arg-type]


@pytest.mark.libreoffice
def test_libreoffice_recalculates_every_number(tmp_path: Path):
    needs_libreoffice()
    found = comparison(base="silver =1+1", trend=0.05, induced_demand=federal_induced_demand(2026))
    path = write_comparison(found, tmp_path / "compared.xlsx")
    cells = formulas(path)
    assert len(cells) > 100
    assert_same(recalculated(path), cells)


@pytest.mark.libreoffice
def test_a_retention_makes_the_premium(tmp_path: Path):
    needs_libreoffice()
    found = comparison()
    path = write_comparison(found, tmp_path / "compared.xlsx")
    changes = {
        place_of(path, "premium.retention_share", 0): 0.2,
        place_of(path, "designs.copay_pmpm", 1): 100.0,
    }
    sheet = recalculated(path, changes)["Designs"]
    rows = {row[0]: row[4:7] for row in sheet.iter_rows(min_row=5, values_only=True)}
    paid = found.designs["plan_paid_pmpm"].to_pylist()
    assert rows["premium"] == pytest.approx([value / 0.8 for value in paid])
    assert rows["change of the premium"][0] == 0
    before, parts = found.designs.to_pylist()[1], [name for name in PARTS if name != "copay_pmpm"]
    assert rows["allowed"][1] == pytest.approx(100 + sum(before[name] for name in parts))
    assert rows["actuarial value"][1] == pytest.approx(before["plan_paid_pmpm"] / rows["allowed"][1])


def test_it_reads_back_and_says_what_it_was_made_from(tmp_path: Path):
    found = comparison()
    path = write_comparison(found, tmp_path / "compared.xlsx")
    inputs = read_inputs(path)
    for name in (*PARTS, "account_pmpm"):
        assert inputs["designs"][name].to_pylist() == pytest.approx(
            found.designs[name].to_pylist(), rel=1e-12
        )
    assert inputs["deciles"]["member_paid"].to_pylist() == pytest.approx(
        found.deciles["member_paid"].to_pylist()
    )
    book = load_workbook(path, data_only=True)
    assert book.sheetnames == [
        "Designs", "Premium", "Deciles", "Distribution", "Use of services", "Checks", "Assumptions", "Audit",
    ]  # fmt: skip
    said = dict(row[:2] for row in book["Audit"].iter_rows(min_row=4, values_only=True))
    assert (said["base"], said["checks that flag"]) == ("bronze", 0)
    assert said["lines_adjudicated"] == 900
    told = [row[0] for row in book["Assumptions"].iter_rows(min_row=7, values_only=True)]
    assert told == found.assumptions["assumption"].to_pylist()
