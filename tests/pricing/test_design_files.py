"""Designs from and to files: TOML there and back, the exchange's public use files."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings

from pricing.benefits.design import CostSharing, PlanDesign, read_designs
from pricing.benefits.design_files import designs_to_toml
from pricing.benefits.exchange_puf import design_from_puf, designs_from_puf
from pricing.errors import InputError
from tests.pricing.test_adjudication_laws import designs


@settings(deadline=None, max_examples=50)
@given(design=designs())
def test_toml_there_and_back(tmp_path_factory, design):
    path = tmp_path_factory.mktemp("toml") / "designs.toml"
    odd = PlanDesign('a "name"\n', drug_services=(), services={"odd service": CostSharing(copay=1)})
    path.write_text(designs_to_toml([design, odd]))
    first, second = read_designs(path)
    assert first.to_dict() == design.to_dict()
    assert (second.name, dict(second.services)) == (odd.name, dict(odd.services))


ATTRIBUTES = {
    "PlanId": "12345AZ0010001-01",
    "MedicalDrugDeductiblesIntegrated": "Yes",
    "MedicalDrugMaximumOutofPocketIntegrated": "Yes",
    "TEHBDedInnTier1Individual": "$6,000",
    "TEHBDedInnTier1FamilyPerPerson": "$6000 per person",
    "TEHBDedInnTier1FamilyPerGroup": "$12000 per group",
    "TEHBDedInnTier1Coinsurance": "40.00%",
    "TEHBInnTier1IndividualMOOP": "$8,900",
    "TEHBInnTier1FamilyPerGroupMOOP": "$17800 per group",
    "InpatientCopaymentMaximumDays": "0",
    "SpecialtyDrugMaximumCoinsurance": "$350",
}
PRIMARY = "Primary Care Visit to Treat an Injury or Illness"


def benefit(name, copay, coinsurance, covered="Covered"):
    return {
        "PlanId": ATTRIBUTES["PlanId"], "BenefitName": name, "CopayInnTier1": copay, "CoinsInnTier1": coinsurance,
        "IsCovered": covered,
    }  # fmt: skip


BENEFITS = [
    benefit(PRIMARY, "$40.00", "Not Applicable"),
    benefit("Specialist Visit", "$80.00 Copay after deductible", "Not Applicable"),
    benefit("Emergency Room Services", "Not Applicable", "40.00% Coinsurance after deductible"),
    benefit("Inpatient Hospital Services (e.g., Hospital Stay)", "$500.00 Copay per Day", "No Charge"),
    benefit("Generic Drugs", "$20.00", "Not Applicable"),
    benefit("Specialty Drugs", "Not Applicable", "50.00% Coinsurance after deductible"),
    benefit("Preventive Care/Screening/Immunization", "No Charge", "No Charge"),
    benefit(
        "Laboratory Outpatient and Professional Services", "No Charge after deductible", "Not Applicable"
    ),
    benefit("Skilled Nursing Facility", "", "", covered="Not Covered"),
    benefit("Acupuncture", "$1", "worded oddly"),  # no service of the AV Calculator
]


def test_a_plan_of_the_public_use_files():
    design = design_from_puf(ATTRIBUTES, BENEFITS)
    assert (design.name, design.deductible, design.out_of_pocket_maximum) == ("12345AZ0010001-01", 6000, 8900)
    assert (design.coinsurance, design.family_deductible, design.family_out_of_pocket_maximum) == (
        0.4,
        12000,
        17800,
    )
    assert (design.family_kind, design.drug_deductible) == ("embedded", None)
    assert dict(design.services) == {
        "primary_care": CostSharing(copay=40, deductible_applies=False),
        "specialist": CostSharing(copay=80),
        "emergency_room": CostSharing(coinsurance=0.4),
        "inpatient": CostSharing(copay=500, copay_per="day", deductible_applies=False),
        "generic": CostSharing(copay=20, copay_per="script", deductible_applies=False),
        "specialty_drug": CostSharing(coinsurance=0.5, copay_per="script", max_per_unit=350),
        "preventive": CostSharing(coinsurance=0.0, deductible_applies=False),
        "laboratory": CostSharing(coinsurance=0.0),
        "skilled_nursing": CostSharing(is_covered=False),
    }


def test_limits_apart_and_first_visits():
    apart = {
        "MedicalDrugDeductiblesIntegrated": "No", "MedicalDrugMaximumOutofPocketIntegrated": "No",
        "MEHBDedInnTier1Individual": "$3000", "DEHBDedInnTier1Individual": "$250",
        "MEHBDedInnTier1FamilyPerPerson": "Not Applicable", "MEHBDedInnTier1FamilyPerGroup": "$6000 per group",
        "MEHBInnTier1IndividualMOOP": "$5000", "DEHBInnTier1IndividualMOOP": "$1000",
        "DEHBDedInnTier1FamilyPerGroup": "$500 per group", "DEHBInnTier1FamilyPerGroupMOOP": "Not Applicable",
        "BeginPrimaryCareDeductibleCoinsuranceAfterNumberOfCopays": "3",
    }  # fmt: skip
    design = design_from_puf(
        apart, [benefit(PRIMARY, "$40.00", "40.00% Coinsurance after deductible")], name="p"
    )
    assert (design.deductible, design.drug_deductible, design.drug_out_of_pocket_maximum) == (3000, 250, 1000)
    assert (design.family_drug_deductible, design.family_drug_out_of_pocket_maximum) == (500, None)
    assert (design.family_kind, design.services["primary_care"].copay_visits) == ("aggregate", 3)


def test_files_and_what_they_lack(tmp_path):
    for name, rows in (("attributes", [ATTRIBUTES]), ("benefits", BENEFITS)):
        with open(tmp_path / f"{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    files = tmp_path / "attributes.csv", tmp_path / "benefits.csv"
    (design,) = designs_from_puf(*files, plan_ids=[ATTRIBUTES["PlanId"]])
    assert design.to_dict() == design_from_puf(ATTRIBUTES, BENEFITS).to_dict()
    with pytest.raises(InputError, match="lack plan 99999AZ0010001-01"):
        designs_from_puf(*files, plan_ids=["99999AZ0010001-01"])
    with pytest.raises(InputError, match="neither Yes nor No"):
        design_from_puf({}, BENEFITS)
    with pytest.raises(
        InputError, match=r"specialist: no rule for cost sharing worded 'Copay sometimes\|No Charge'"
    ):
        design_from_puf(ATTRIBUTES, [benefit("Specialist Visit", "$9 Copay sometimes", "No Charge")])
