"""Ages at which HHS's diagnosis codes count: MCE ages of its own codes, edits of codes newer than their copy."""

from __future__ import annotations

import pyarrow as pa
import pytest

import riskadj

MATERNITY, ADULT, PEDIATRIC = (
    {8: False, 9: True, 64: True, 65: False},
    {14: False, 15: True},
    {17: True, 18: False},
)
#: Codes of HHS alone. All but Z34.03, which is new to the model since, stand in HHS's list of 2019 with their class.
CLASSED = {
    "Z370": ("HHS_HCC209", MATERNITY),
    "Z3403": ("HHS_HCC212", MATERNITY),
    "A34": ("HHS_HCC003", MATERNITY),
    "K311": ("HHS_HCC045", ADULT),
    "F843": ("HHS_HCC103", PEDIATRIC),
}


@pytest.mark.parametrize("benefit_year", range(2022, 2027))
def test_codes_of_hhs_alone_have_the_ages_of_their_mce_class(benefit_year: int) -> None:
    people = [(code, age) for code, (_, ages) in CLASSED.items() for age in ages]
    expected = {"default": [CLASSED[code][1][age] for code, age in people], "none": [True] * len(people)}
    for edits, counts in expected.items():
        own = hccs_of_people(people, benefit_year, edits)
        found = {person: CLASSED[person[0]][0] in hccs for person, hccs in own.items()}
        assert found == dict(zip(people, counts, strict=True)), edits


#: Codes newer than the copy of HHS's edits. HHS's list of them for 2026 has each with the condition "2 and over".
LATER_CODES = {
    2024: {"F50010": "HHS_HCC094", "F5020": "HHS_HCC094", "T45AX2A": "HHS_HCC088"},
    2025: {"F50010": "HHS_HCC094", "T36AX2A": "HHS_HCC088", "T65842A": "HHS_HCC088"},
    2026: {"T45AX2A": "HHS_HCC088", "T36AX2A": "HHS_HCC088", "T65842A": "HHS_HCC088"},
}


@pytest.mark.parametrize("benefit_year", LATER_CODES)
def test_codes_newer_than_the_edits_have_the_edit_of_their_kin(benefit_year: int) -> None:
    codes = LATER_CODES[benefit_year]
    own = hccs_of_people([(code, age) for code in codes for age in (0, 1, 2)], benefit_year)
    assert own == {(code, age): [codes[code]] if age == 2 else [] for code, age in own}


def hccs_of_people(
    people: list[tuple[str, int]], benefit_year: int, edits: str = "default"
) -> dict[tuple[str, int], list[str]]:
    """HCCs of women with one diagnosis code each, by code and age."""
    ids, n = [f"{code} at {age}" for code, age in people], len(people)
    enrollment = pa.table(
        {
            "member_id": ids,
            "age_years": [age for _, age in people],
            "sex": ["F"] * n,
            "metal_level": ["silver"] * n,
            "csr_indicator": ["0"] * n,
            "months_enrolled": [12] * n,
        }
    )
    diagnoses = pa.table({"member_id": ids, "diagnosis_code": [code for code, _ in people]})
    scores = riskadj.score(enrollment, diagnoses, program="hhs", payment_year=benefit_year, edits=edits)
    return dict(zip(people, scores.model_scores["hccs"].to_pylist(), strict=True))
