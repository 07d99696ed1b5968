"""Plan designs as a workbook: written, filled in, read back; what is wrong is told with sheet and cell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.worksheets import read_design_workbook, write_designs
from riskadj.errors import OutputExistsError
from tests.pricing.test_adjudication_laws import designs

FULL = PlanDesign(
    "Silver, 70 %", 4500, 9100, 0.4,
    {
        "primary_care": CostSharing(copay=40, copay_visits=3, copay_per="visit"),
        "inpatient": CostSharing(copay=350.5, copay_per="day", copay_days=5),
        "dental": CostSharing(is_covered=False),
        "specialty_drug": CostSharing(coinsurance=0.5, copay_per="script", max_per_unit=500, counts_to_maximum=False),
    },
    family_deductible=9000, family_kind="aggregate", drug_deductible=0, family_drug_deductible=0,
    tier_2_services={"inpatient": CostSharing()}, tier_2_coinsurance=0.5,
    out_of_network=PlanDesign("elsewhere", 9000, coinsurance=0.6, services={"specialist": CostSharing(copay=90)}),
    combined_out_of_pocket_maximum=15_000, account="hsa", account_contribution=1000,
)  # fmt: skip


@pytest.mark.parametrize("every", [[FULL], [PlanDesign("a"), replace(FULL, out_of_network=None,
                                   combined_out_of_pocket_maximum=None), PlanDesign("=1+1", 5)]])  # fmt: skip
def test_designs_come_back_as_they_were(tmp_path, every):
    assert read_design_workbook(write_designs(tmp_path / "designs.xlsx", every)) == every


def outside(design):
    """A design's terms out of the network, without tiers, which the workbook has no place for there."""
    other = design.out_of_network
    return None if other is None else replace(other, tier_2_services={}, tier_2_coinsurance=None)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(designs(), min_size=1, max_size=2))
def test_random_designs_come_back(tmp_path, many):
    every = [
        replace(design, name=f"design {number}", out_of_network=outside(design))
        for number, design in enumerate(many)
    ]
    assert read_design_workbook(write_designs(tmp_path / "random.xlsx", every, overwrite=True)) == every


def changed(path, **cells):
    """A template with some cells filled in, by sheet and address: ``Designs_E6=500``."""
    write_designs(path, overwrite=True)
    book = load_workbook(path)
    for place, value in cells.items():
        sheet, _, cell = place.partition("_")
        book[sheet][cell] = value
    book.save(path)
    return path


def test_a_template_filled_in(tmp_path):
    path = changed(
        tmp_path / "filled.xlsx",
        Designs_E6=1750, Designs_E8=0.1,
        Designs_F4="Plan B", Designs_F6=3000, Designs_F24=6000,  # a column of its own, and what it has out of network
        Services_A12="Plan B", Services_B12="out", Services_C12="specialist", Services_D12=75, Services_H12="stay",
        Services_M12="NO ",
    )  # fmt: skip
    first, second = read_design_workbook(path)
    assert (first.deductible, first.coinsurance, first.services["primary_care"].copay) == (1750, 0.1, 30)
    assert second == PlanDesign(
        "Plan B", 3000,
        out_of_network=PlanDesign(
            "Plan B, out of network", 6000,
            services={"specialist": CostSharing(copay=75, copay_per="stay", counts_to_maximum=False)},
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"Designs_E6": "much"}, "sheet 'Designs', cell E6: deductible must be a number"),
        ({"Designs_E6": 9000}, "sheet 'Designs', cell E6: deductible 9,000 is above out_of_pocket_maximum 8,000"),
        ({"Designs_E8": 20}, "sheet 'Designs', cell E8: coinsurance 20.0 is not between 0 and 1"),
        ({"Designs_E11": "shared"}, "sheet 'Designs', cell E11: family_kind 'shared' is none of embedded, aggregate"),
        ({"Designs_A6": "deductable"}, "sheet 'Designs', cell A6: 'deductable' is no line of a design; nearest: ded"),
        ({"Designs_F6": 5}, "sheet 'Designs', cell F4: the design of this column has no name"),
        ({"Designs_F4": "Plan A"}, "sheet 'Designs', cell F4: a design of this name stands in an earlier column"),
        ({"Designs_E4": None, "Designs_E5": None}, "sheet 'Designs', cell E4: the design of this column has no name"),
        ({"Designs_E24": -1}, "sheet 'Designs', cell E24: deductible -1.0 is negative"),
        ({"Services_D7": -3}, "sheet 'Services', cell D7: copay -3.0 is negative"),
        ({"Services_F7": "perhaps"}, "sheet 'Services', cell F7: deductible_applies must be yes or no"),
        ({"Services_H7": "dya"}, "sheet 'Services', cell H7: copay_per 'dya' is none of visit, day, stay, script"),
        ({"Services_J7": 1.5}, "sheet 'Services', cell J7: free_visits must be a whole number"),
        ({"Services_J10": 2}, "sheet 'Services', cell J10: free_visits and copay_visits count visits and stays"),
        ({"Services_A7": "Plan C"}, "sheet 'Services', cell A7: no design of sheet 'Designs' has this name; near"),
        ({"Services_B7": "far"}, "sheet 'Services', cell B7: network must be one of in, tier_2, out"),
        ({"Services_B7": "out"}, "sheet 'Services', cell B7: the design has no limits out of the network"),
        ({"Services_C7": None}, "sheet 'Services', cell C7: a service category is missing"),
        ({"Services_C8": "primary_care"}, "sheet 'Services', cell C8: the same design, network and service stand in"),
        ({"Services_D4": "copays"}, "sheet 'Services', cell D4: 'copays' is no column of services; nearest: copay"),
        ({"Services_B4": None}, "sheet 'Services': row 4 lacks the heading 'network'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_sheet_and_cell(tmp_path, cells, message):
    with pytest.raises(InputError) as caught:
        read_design_workbook(changed(tmp_path / "filled.xlsx", **cells))
    assert str(caught.value).startswith(f"filled.xlsx, {message}")


def test_files_that_are_no_workbook_of_designs(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_design_workbook(tmp_path / "none.xlsx")
    path = write_designs(tmp_path / "designs.xlsx")
    with pytest.raises(OutputExistsError):
        write_designs(path)
    book = load_workbook(path)
    del book["Services"]
    book.save(path)
    with pytest.raises(InputError, match=r"designs.xlsx has no sheet 'Services' \(has: Designs, Audit\)"):
        read_design_workbook(path)


def test_designs_that_a_workbook_cannot_hold(tmp_path):
    inner = PlanDesign("d", out_of_network=PlanDesign("out", tier_2_coinsurance=0.5))
    with pytest.raises(InputError, match="its out_of_network has tier_2_coinsurance"):
        write_designs(tmp_path / "designs.xlsx", inner)
    for every in ([], [PlanDesign("a"), PlanDesign("a")]):
        with pytest.raises(InputError, match="each with a name of its own"):
            write_designs(tmp_path / "designs.xlsx", every)
