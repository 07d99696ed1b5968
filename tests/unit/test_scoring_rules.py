"""Mistakes that other implementations of CMS-HCC made, one case each.

Every expected number is added up by hand, in the comment beside it, from the factors that the published table prints.
Both the engine and the naive scorer are asked. Members are women of 72 without Medicaid unless the case says otherwise.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import riskadj
from riskadj.errors import OptionError, RowsRejectedError, UnknownModelError, UnknownPaymentYearError
from riskadj.scoring.options import make_options
from tests import naive
from tests.members import (
    REAL_MAPS,
    TOY_MAPS,
    TOY_YEAR,
    Member,
    diagnoses_table,
    engine_model_row,
    enrollment_table,
    exact,
    pairs_table,
)

V22, V24, V28 = "cms_hcc_v22", "cms_hcc_v24", "cms_hcc_v28"


def member(codes: str = "", **known: Any) -> Member:
    """Return a woman of 72 without Medicaid, with the given codes and whatever else is known."""
    flags = frozenset(name for name, value in known.items() if value is True and name.startswith("is_"))
    rest = {name: value for name, value in known.items() if name not in flags}
    return Member("A", codes=tuple(codes.split()), flags=flags, **{"age_years": 72, **rest})


def by_engine(year_folder: Path, model_id: str, person: Member, **options: Any) -> dict[str, Any]:
    """Score one member as the engine does, in the member's own segment."""
    scores = riskadj.score(
        enrollment=enrollment_table([person]),
        diagnoses=diagnoses_table([person]),
        payment_year=int(year_folder.name[2:]),
        models=[model_id],
        **options,
    )
    (row,) = scores.model_scores.to_pylist()
    return engine_model_row(row)


def by_naive(
    year_folder: Path, model_id: str, person: Member, edits: str = "default", **_: Any
) -> dict[str, Any]:
    """Score one member as the naive scorer does, in the member's own segment."""
    score = naive.score_member(
        year_folder / model_id,
        sex=person.sex,
        age=person.age_years,
        status=person.status,
        codes=person.codes,
        edits=edits,
    )
    return score | {"raw_risk_score": score["raw"]}


scorers = pytest.mark.parametrize("scorer", [by_engine, by_naive])

RAW = [
    # --- new enrollees -------------------------------------------------------------------------------------------
    # Diagnoses do not count: NMCAID_NORIGDIS_NEF70_74 0.694 alone, no HCC226 0.360.
    ("new enrollee", 2026, V28, member("I5022", is_new_enrollee=True), "NE", "0.694", "HCC226"),
    # NMCAID_NORIGDIS_NEF67 0.557: entitlement by ESRD (2), or by disability and ESRD (3), is not "originally disabled".
    ("new enrollee OREC 2", 2026, V28, member(age_years=67, orec="2", is_new_enrollee=True), "NE", "0.557", ""),
    ("new enrollee OREC 3", 2026, V28, member(age_years=67, orec="3", is_new_enrollee=True), "NE", "0.557", ""),
    # NMCAID_ORIGDIS_NEF67 1.276.
    ("new enrollee OREC 1", 2026, V28, member(age_years=67, orec="1", is_new_enrollee=True), "NE", "1.276", ""),
    # A man of 64 with OREC 0 falls into the cell of 65: NMCAID_NORIGDIS_NEM65 0.567.
    ("new enrollee 64", 2026, V28, member(sex="M", age_years=64, is_new_enrollee=True), "NE", "0.567", ""),
    # ... and with OREC 1 he does not: NMCAID_NORIGDIS_NEM60_64 1.057.
    ("new enrollee 64 OREC 1", 2026, V28, member(sex="M", age_years=64, orec="1", is_new_enrollee=True),
     "NE", "1.057", ""),
    # MCAID_NORIGDIS_NEF65 0.986; in a C-SNP NMCAID_NORIGDIS_NEF65 0.900 of the other column.
    ("new enrollee Medicaid", 2026, V28, member(age_years=65, dual_status_code="01", is_new_enrollee=True),
     "NE", "0.986", ""),
    ("new enrollee C-SNP", 2026, V28, member(age_years=65, is_new_enrollee=True, is_c_snp=True), "SNPNE", "0.900", ""),
    # Twelve months of Part B come first: an institutional new enrollee is a new enrollee.
    ("institutional new enrollee", 2026, V28,
     member("E119", is_new_enrollee=True, is_long_term_institutional=True), "NE", "0.694", "HCC38"),
    # --- original reason for entitlement -----------------------------------------------------------------------
    # F70_74 0.395 + OriginallyDisabled_Female 0.228.
    ("originally disabled", 2026, V28, member(orec="1"), "CNA", "0.623", ""),
    ("OREC 3 is not originally disabled", 2026, V28, member(orec="3"), "CNA", "0.395", ""),
    ("OREC 2 is not originally disabled", 2026, V28, member(orec="2"), "CNA", "0.395", ""),
    # A woman of 64 with OREC 0, not new: F60_64 0.436, whatever her OREC.
    ("64 and OREC 0", 2026, V28, member(age_years=64), "CND", "0.436", ""),
    # --- hierarchies and the heart rule ------------------------------------------------------------------------
    # HCC223 alone does not count: F70_74 0.395.
    ("HCC223 alone", 2026, V28, member("T82512A"), "CNA", "0.395", ""),
    # ... and does not suppress HCC227: 0.395 + 0.189.
    ("HCC223 and HCC227", 2026, V28, member("T82512A B3324"), "CNA", "0.584", "HCC227"),
    # With HCC226 it counts, and drops both: 0.395 + HCC223 2.505.
    ("HCC223, HCC226, HCC227", 2026, V28, member("T82512A I5022 B3324"), "CNA", "2.900", "HCC223"),
    # HCC191 drops HCC180 and HCC253: 0.395 + 0.855.
    ("parent HCC191", 2026, V28, member("G800 G8250 G8100"), "CNA", "1.250", "HCC191"),
    # HCC192 drops HCC181 and HCC254: 0.395 + 0.314.
    ("parent HCC192", 2026, V28, member("G801 G8220 G830"), "CNA", "0.709", "HCC192"),
    # HCC221 drops HCC222 and HCC226, though its factor is the lower one: 0.395 + 1.053.
    ("parent HCC221", 2026, V28, member("T8620 I5084 I5022"), "CNA", "1.448", "HCC221"),
    # HCC222 drops HCC223 (which it made count) and HCC227: 0.395 + 2.505.
    ("parent HCC222", 2026, V28, member("I5084 T82512A B3324"), "CNA", "2.900", "HCC222"),
    # HCC62 drops HCC63, HCC63 drops HCC202, HCC62 does not. All at once (2026): 0.395 + 0.376.
    ("not transitive, all at once", 2026, V28, member("T8640 I8500 E035"), "CNA", "0.771", "HCC62"),
    # One after another (the SAS programs, 2025): HCC63 is gone before its turn: 0.395 + 0.376 + HCC202 0.543.
    ("not transitive, in order", 2025, V28, member("T8640 I8500 E035"), "CNA", "1.314", "HCC62 HCC202"),
    # One diagnosis more, a lower score. Without HCC62, HCC63 drops HCC202: 0.395 + 0.962.
    ("not transitive, two of three", 2026, V28, member("I8500 E035"), "CNA", "1.357", "HCC63"),
    # --- age and sex edits -------------------------------------------------------------------------------------
    # C50A0 at 49: F45_54 0.340 + HCC22 0.366; at 50: 0.340 + HCC23 0.233.
    ("C50A0 at 49", 2026, V28, member("C50A0", age_years=49, orec="1"), "CND", "0.706", "HCC22"),
    ("C50A0 at 50", 2026, V28, member("C50A0", age_years=50, orec="1"), "CND", "0.573", "HCC23"),
    ("C50A0 in 2027", 2027, V28, member("C50A0", age_years=49, orec="1"), "CND", "0.706", "HCC22"),
    # Haemophilia is a man's: F70_74 0.395 + HCC112 0.450; M70_74 0.396 + HCC111 4.639.
    ("D66 of a woman", 2026, V28, member("D66"), "CNA", "0.845", "HCC112"),
    ("D66 of a man", 2026, V28, member("D66", sex="M"), "CNA", "5.035", "HCC111"),
    # V22: F70_74 0.374 + HCC48 0.221.
    ("D66 of a woman, V22", 2026, V22, member("D66"), "CNA", "0.595", "HCC48"),
    # Chronic bronchitis under 18 (HCC280 dropped): F0_34 of CND alone, 0.238.
    ("J430 at 17", 2026, V28, member("J430", age_years=17, orec="1"), "CND", "0.238", ""),
    # --- interactions, by name ---------------------------------------------------------------------------------
    # V22: F60_64 0.411 + HCC55 0.285 + HCC57 0.395 + gSubstanceAbuse_gPsychiatric 0.191.
    ("substance and psychiatric, V22", 2026, V22, member("F1020 F200", age_years=62, orec="1"),
     "CND", "1.282", "HCC55 HCC57"),
    # V24: 0.428 + 0.279 + 0.352 + gSubstanceUseDisorder_gPsych 0.138.
    ("substance and psychiatric, V24", 2025, V24, member("F1020 F200", age_years=62, orec="1"),
     "CND", "1.197", "HCC55 HCC57"),
    # V28: 0.436 + HCC139 0.207 + HCC151 0.380 + gSubUseDisorder_gPsych_V28 0.087.
    ("substance and psychiatric, V28", 2026, V28, member("F1020 F200", age_years=62, orec="1"),
     "CND", "1.110", "HCC139 HCC151"),
    # V22: F70_74 0.374 + HCC19 0.104 + HCC85 0.323 + HCC85_gDiabetesMellit 0.154.
    ("diabetes and heart failure, V22", 2026, V22, member("E119 I5022"), "CNA", "0.955", "HCC19 HCC85"),
    # V24: 0.386 + 0.105 + 0.331 + DIABETES_CHF 0.121.
    ("diabetes and heart failure, V24", 2025, V24, member("E119 I5022"), "CNA", "0.943", "HCC19 HCC85"),
    # V28: 0.395 + 0.166 + 0.360 + DIABETES_HF_V28 0.112.
    ("diabetes and heart failure, V28", 2026, V28, member("E119 I5022"), "CNA", "1.033", "HCC38 HCC226"),
    # The published term has trailing blanks. F60_64 0.881 + HCC23 0.197 + DISABLED_CANCER_V28 0.367.
    ("disabled and cancer", 2026, V28, member("C50911", age_years=60, orec="1", is_long_term_institutional=True),
     "INS", "1.445", "HCC23"),
    # --- Medicaid in an institution ----------------------------------------------------------------------------
    # F70_74 1.119 + HCC38 0.280 + LTIMCAID 0.130.
    ("institutional with Medicaid", 2026, V28,
     member("E119", dual_status_code="02", is_long_term_institutional=True), "INS", "1.529", "HCC38"),
    ("institutional without", 2026, V28, member("E119", is_long_term_institutional=True), "INS", "1.399", "HCC38"),
    # In the community no LTIMCAID: CFA F70_74 0.506 + 0.186; CPA 0.423 + 0.166.
    ("full dual", 2026, V28, member("E119", dual_status_code="02"), "CFA", "0.692", "HCC38"),
    ("partial dual", 2026, V28, member("E119", dual_status_code="01"), "CPA", "0.589", "HCC38"),
    # --- counts of payment HCCs --------------------------------------------------------------------------------
    # Four HCCs, V24: F70_74 0.386 + 0.105 + HCC1 0.335 + HCC22 0.250 + HCC40 0.421 + D4 0.006.
    ("D4 of V24", 2025, V24, member("E119 B20 E6601 M069"), "CNA", "1.503", "HCC1 HCC19 HCC22 HCC40"),
    # Ten: 0.395 + 0.301 + 0.166 + 0.186 + 0.447 + 0.550 + 0.617 + 0.245 + 0.299 + 0.294 + 1.965 + D10P 0.728.
    ("D10P at ten", 2026, V28, member("B20 E119 E6601 K7460 K5000 M069 G40909 I4891 I2699 L89154"),
     "CNA", "6.193", "HCC1 HCC38 HCC48 HCC64 HCC80 HCC93 HCC201 HCC238 HCC267 HCC379"),
    # Eleven: and HCC19 1.798; the count has no upper bound.
    ("D10P at eleven", 2026, V28, member("B20 E119 E6601 K7460 K5000 M069 G40909 I4891 I2699 L89154 C9000"),
     "CNA", "7.991", "HCC1 HCC19 HCC38 HCC48 HCC64 HCC80 HCC93 HCC201 HCC238 HCC267 HCC379"),
    # --- how codes are spelt -----------------------------------------------------------------------------------
    ("lower case, dots, blanks", 2026, V28, Member("A", age_years=72, codes=("e11.9 ", " i50.22")),
     "CNA", "1.033", "HCC38 HCC226"),
]  # fmt: skip


@scorers
@pytest.mark.parametrize(
    ("year", "model_id", "person", "segment", "expected", "hccs"),
    [case[1:] for case in RAW],
    ids=[case[0] for case in RAW],
)
def test_raw_score(
    scorer, year: int, model_id: str, person: Member, segment: str, expected: str, hccs: str
) -> None:
    score = scorer(REAL_MAPS / "medicare" / f"py{year}", model_id, person)
    assert (score["segment"], score["raw_risk_score"]) == (segment, Decimal(expected))
    assert list(score["hccs"]) == hccs.split()


# --- the invented program: rules that the real tables hold no example of ----------------------------------------------

TOY = [
    # Q51 carries HCC1 (women only) and HCC5. A woman: F65_GT 0.400 + HCC1 1.000 + HCC5 0.300.
    ("both HCCs of a code", "toy_hcc_v1", member("Q51"), "SHORE_AGED", "1.700", "HCC1 HCC5"),
    # A man keeps the other one: M65_GT 0.350 + HCC5 0.300.
    ("an edit removes one HCC of two", "toy_hcc_v1", member("Q51", sex="M"), "SHORE_AGED", "0.650", "HCC5"),
    # MCE: Q05 from 15. M0_64 0.250 alone at 14; + HCC5 0.280 at 15.
    ("MCE edit", "toy_hcc_v1", member("Q05", sex="M", age_years=14), "SHORE_YOUNG", "0.250", ""),
    ("MCE edit met", "toy_hcc_v1", member("Q05", sex="M", age_years=15), "SHORE_YOUNG", "0.530", "HCC5"),
    # Boys under 18 and (MCE) from 2: 0.250 + HCC3 0.220.
    ("two edits", "toy_hcc_v1", member("Q53", sex="M", age_years=2), "SHORE_YOUNG", "0.470", "HCC3"),
    ("two edits, MCE not met", "toy_hcc_v1", member("Q53", sex="M", age_years=1), "SHORE_YOUNG", "0.250", ""),
    # HCC12 to 49, HCC13 from 50: F0_64 0.300 + 0.130 or + 0.060.
    ("age edit at 49", "toy_hcc_v1", member("Q12", age_years=49), "SHORE_YOUNG", "0.430", "HCC12"),
    ("age edit at 50", "toy_hcc_v1", member("Q12", age_years=50), "SHORE_YOUNG", "0.360", "HCC13"),
    # A requirement: HCC7 needs HCC6 or HCC8. 0.400 + HCC9 0.200; with HCC8: 0.400 + HCC7 0.450.
    ("requirement not met", "toy_hcc_v1", member("Q07 Q09"), "SHORE_AGED", "0.600", "HCC9"),
    ("requirement met", "toy_hcc_v1", member("Q07 Q08 Q09"), "SHORE_AGED", "0.850", "HCC7"),
    # In order: HCC2 is gone before it can drop HCC3. 0.400 + 1.000 + 0.250. All at once: 0.410 + 1.000.
    ("hierarchy in order", "toy_hcc_v1", member("Q01 Q02 Q03"), "SHORE_AGED", "1.650", "HCC1 HCC3"),
    ("hierarchy all at once", "toy_hcc_v2", member("Q01 Q02 Q03"), "TIDE", "1.410", "HCC1"),
    # An interaction of an interaction: F0_64 0.300 + HCC5 0.280 + HCC9 0.180 + gHEART_HCC5 0.070
    # + DISABLED_gHEART_HCC5 0.110.
    ("interaction of interaction", "toy_hcc_v1", member("Q0501 Q09", age_years=40, orec="3"),
     "SHORE_YOUNG", "0.940", "HCC5 HCC9"),
    # ... the same, not disabled: 0.830.
    ("interaction without it", "toy_hcc_v1", member("Q0501 Q09", age_years=40), "SHORE_YOUNG", "0.830", "HCC5 HCC9"),
    # Counts take payment HCCs only: Q52 gives HCC12 and HCC20, which is none. Two HCCs, no N3:
    # 0.400 + HCC2 0.500 + HCC12 0.1405 = 1.0405.
    ("HCC that does not count", "toy_hcc_v1", member("Q02 Q52"), "SHORE_AGED", "1.0405", "HCC2 HCC12"),
    # Three: 0.400 + 0.500 + 0.1405 + HCC9 0.200 + N3 0.040.
    ("three HCCs", "toy_hcc_v1", member("Q02 Q52 Q09"), "SHORE_AGED", "1.2805", "HCC2 HCC9 HCC12"),
    # Five, open top: HCC1 1.000, HCC3 0.250, HCC5 0.300, HCC9 0.200, HCC12 0.1405, gHEART_HCC5 0.080,
    # gFEVER_gHEART_HCC5 0.055, N4P 0.090, F65_GT 0.400.
    ("five HCCs", "toy_hcc_v1", member("Q01 Q03 Q05 Q09 Q52"), "SHORE_AGED", "2.5155", "HCC1 HCC3 HCC5 HCC9 HCC12"),
    # A negative factor and one printed as zero: F65_GT 0.900 + HCC9 -0.050 + HCC12 0.000.
    ("negative factor", "toy_hcc_v1", member("Q09 Q52", is_long_term_institutional=True),
     "DEEP", "0.850", "HCC9 HCC12"),
]  # fmt: skip


@scorers
@pytest.mark.parametrize(
    ("model_id", "person", "segment", "expected", "hccs"),
    [case[1:] for case in TOY],
    ids=[case[0] for case in TOY],
)
def test_toy_raw_score(scorer, model_id: str, person: Member, segment: str, expected: str, hccs: str) -> None:
    score = scorer(TOY_YEAR, model_id, person, program="atlantis", maps_dir=TOY_MAPS)
    parts = {name: score.get(f"{name}_score", score.get(name)) for name in ("demographic", "disease")}
    assert (score["segment"], sum(parts.values())) == (segment, Decimal(expected))
    assert list(score["hccs"]) == hccs.split()


@scorers
def test_mce_edits_can_be_left_out_and_mandatory_edits_cannot(scorer) -> None:
    known = {"program": "atlantis", "maps_dir": TOY_MAPS, "edits": "none"}
    boy = member("Q05 Q51", sex="M", age_years=14)
    assert scorer(TOY_YEAR, "toy_hcc_v1", boy, **known)["hccs"] == ["HCC5"]
    man = member("Q53", sex="M", age_years=18)
    assert scorer(TOY_YEAR, "toy_hcc_v1", man, **known)["hccs"] == []


@scorers
def test_variables_are_those_whose_factor_was_added(scorer) -> None:
    resident = member("Q09 Q52 Q20", is_long_term_institutional=True, dual_status_code="02", orec="1")
    score = scorer(TOY_YEAR, "toy_hcc_v1", resident, program="atlantis", maps_dir=TOY_MAPS)
    assert score["variables"] == {"F65_GT", "LTIMCAID", "HCC9"}  # not HCC12 (0.000), gHEART, ORIG_F, HCC20


# --- from raw to payment ----------------------------------------------------------------------------------------------


def paid(people: list[Member], year: int, **options: Any) -> list[Decimal | None]:
    """Return the payment risk score of each member, as the engine pays."""
    scores = riskadj.score(
        enrollment=enrollment_table(people), diagnoses=diagnoses_table(people), payment_year=year, **options
    )
    return [exact(row["payment_risk_score"]) for row in scores.payment_scores.to_pylist()]


def model_row(person: Member, model_id: str) -> dict[str, Any]:
    scores = riskadj.score(
        enrollment=enrollment_table([person]),
        diagnoses=diagnoses_table([person]),
        payment_year=2099,
        program="atlantis",
        maps_dir=TOY_MAPS,
        models=[model_id],
    )
    (row,) = scores.model_scores.to_pylist()
    return engine_model_row(row)


def test_half_a_thousandth_rounds_up_in_raw_scores() -> None:
    # M65_GT 0.350 + HCC2 0.500 + HCC12 0.1405 = 0.9905, in binary a little less: 0.991.
    assert model_row(member("Q02 Q52", sex="M"), "toy_hcc_v1")["raw_risk_score"] == Decimal("0.991")


def test_half_a_thousandth_rounds_up_in_normalized_scores() -> None:
    # M65_GT 0.481 + HCC1 1.000 + HCC6 0.500 = 1.981; / 2 = 0.9905: 0.991; coding intensity 0.
    row = model_row(member("Q01 Q06", sex="M"), "toy_hcc_v2")
    scores = [row[f"{name}_risk_score"] for name in ("raw", "normalized", "payment")]
    assert scores == [Decimal("1.981"), Decimal("0.991"), Decimal("0.991")]


def test_each_model_is_rounded_before_the_blend() -> None:
    # PY2024, a woman of 77: V24 F75_79 0.451 / 1.146 = 0.39354: 0.394; x 0.941 = 0.370754: 0.371.
    # V28 F75_79 0.465 / 1.015 = 0.45813: 0.458; x 0.941 = 0.430978: 0.431.
    # 0.67 x 0.371 + 0.33 x 0.431 = 0.24857 + 0.14223 = 0.39080: 0.391.
    # (Unrounded parts: 0.67 x 0.370327 + 0.33 x 0.431099 = 0.390382: 0.390.)
    assert paid([member(age_years=77)], 2024) == [Decimal("0.391")]


def test_normalization_comes_before_coding_intensity() -> None:
    # PY2026: F70_74 0.395 + HCC38 0.166 = 0.561; / 1.067 = 0.52577: 0.526; x 0.941 = 0.494966: 0.495.
    # A woman of 72, no diagnosis: 0.395 / 1.067 = 0.37020: 0.370; x 0.941 = 0.34817: 0.348.
    assert paid([member("E119")], 2026) == [Decimal("0.495")]
    assert paid([member()], 2026) == [Decimal("0.348")]
    # The toy year tells the two orders apart. V1, F65_GT: 0.400 / 1.1 = 0.36364: 0.364; x 0.941 = 0.342524: 0.343.
    # The other way round: 0.400 x 0.941 = 0.3764: 0.376; / 1.1 = 0.34182: 0.342.
    assert model_row(member(), "toy_hcc_v1")["payment_risk_score"] == Decimal("0.343")


def test_each_year_has_its_own_normalization() -> None:
    # The same model and member: 0.395 / 1.045 = 0.37799: 0.378; x 0.941 = 0.355698: 0.356 (V28 in 2025);
    # V24 F70_74 0.386 / 1.153 = 0.33478: 0.335; x 0.941 = 0.315235: 0.315. 0.33 x 0.315 + 0.67 x 0.356 = 0.34247.
    assert paid([member()], 2025) == [Decimal("0.342")]
    # 2027: 0.395 / 1.079 = 0.36608: 0.366; x 0.941 = 0.344406.
    assert paid([member()], 2027) == [Decimal("0.344")]


def test_blend_of_the_toy_year() -> None:
    # V1, SHORE_AGED: F65_GT 0.400 + HCC5 0.300 = 0.700; / 1.1 = 0.63636: 0.636; x 0.941 = 0.598476: 0.598.
    # V2, TIDE: F65_GT 0.410 + HCC5 0.310 = 0.720; / 2 = 0.360; x 1 = 0.360.
    # 0.25 x 0.598 + 0.75 x 0.360 = 0.1495 + 0.270 = 0.4195: 0.420.
    # A diver (is_pace) is paid by V1 alone: 0.598.
    # New, without Medicaid: V1 NEW_F65_GT 0.550 / 1.1 = 0.500; x 0.941 = 0.4705: 0.471.
    # V2 F65_GT 0.520 + NEW_NMCAID 0.010 = 0.530; / 1.6 = 0.33125: 0.331. 0.11775 + 0.24825 = 0.366.
    people = [
        Member("A", age_years=72, codes=("Q05",)),
        Member("B", age_years=72, codes=("Q05",), flags=frozenset({"is_pace"})),
        Member("C", age_years=72, codes=("Q05",), flags=frozenset({"is_new_enrollee"})),
    ]
    expected = [Decimal("0.420"), Decimal("0.598"), Decimal("0.366")]
    assert paid(people, 2099, program="atlantis", maps_dir=TOY_MAPS) == expected
    for person, payment in zip(people, expected, strict=True):
        known = {"sex": person.sex, "age": 72, "status": person.status, "codes": person.codes}
        assert naive.payment_score(TOY_YEAR, "atlantis", **known)["payment"] == payment


def test_unknown_years_and_models_are_errors_not_factors_of_one() -> None:
    with pytest.raises(UnknownPaymentYearError):
        paid([member()], 2031)
    with pytest.raises(UnknownModelError):
        paid([member()], 2026, models=["cms_hcc_v25"])
    with pytest.raises((UnknownModelError, UnknownPaymentYearError)):
        paid([member()], 2023, models=[V28])  # no such release, though the model exists in other years


def test_a_model_without_normalization_factor_has_no_payment_score() -> None:
    # PY2021, V22: the raw score stands (F70_74 0.374 + HCC19 0.104); nothing stands in for the factor that is lacking.
    scores = riskadj.score(
        enrollment=enrollment_table([member("E119")]),
        diagnoses=diagnoses_table([member("E119")]),
        payment_year=2021,
        models=[V22],
    )
    (row,) = scores.model_scores.to_pylist()
    assert exact(row["raw_risk_score"]) == Decimal("0.478")
    assert row["normalized_risk_score"] is row["payment_risk_score"] is None
    assert scores.payment_scores.to_pylist()[0]["payment_risk_score"] is None


# --- spans and member-months ------------------------------------------------------------------------------------------


def test_each_span_is_scored_on_its_own_status_once() -> None:
    # A woman of 72 with E119. January to April without Medicaid, CNA: 0.395 + 0.166 = 0.561; / 1.067: 0.526; 0.495.
    # May to December full dual, CFA: 0.506 + 0.186 = 0.692; / 1.067 = 0.64855: 0.649; x 0.941 = 0.610709: 0.611.
    # Dies in March (another member): the row stays. 0.395 / 1.067: 0.370; 0.348.
    enrollment = pa.table(
        {
            "member_id": ["A", "A", "B"],
            "birth_date": [date(1953, 6, 30), date(1953, 6, 30), date(1953, 6, 30)],
            "sex": ["F", "F", "F"],
            "orec": ["0", "0", "0"],
            "dual_status_code": [None, "02", "00"],
            "enrollment_start_date": [date(2026, 1, 1), date(2026, 5, 1), date(2026, 1, 1)],
            "enrollment_end_date": [date(2026, 4, 30), date(2026, 12, 31), date(2026, 3, 31)],
        }
    )
    diagnoses = pairs_table([("A", "E119"), ("A", "E119"), ("A", "E11.9")])
    scores = riskadj.score(enrollment=enrollment, diagnoses=diagnoses, payment_year=2026)
    rows = scores.payment_scores.to_pylist()
    assert [row["member_id"] for row in rows] == ["A", "A", "B"]
    assert [row["months_enrolled"] for row in rows] == [4, 8, 3]
    assert [exact(row["payment_risk_score"]) for row in rows] == [
        Decimal(x) for x in ("0.495", "0.611", "0.348")
    ]
    assert [row["segment"] for row in scores.model_scores.to_pylist()] == ["CNA", "CFA", "CNA"]


def test_services_outside_the_collection_year_do_not_count() -> None:
    # Toy year: services of 2098. HCC1 before, HCC5 on the first day, HCC9 on the last, HCC12 after.
    # V1, SHORE_AGED: F65_GT 0.400 + HCC5 0.300 + HCC9 0.200 + gHEART_HCC5 0.080.
    days = [date(2097, 12, 31), date(2098, 1, 1), date(2098, 12, 31), date(2099, 1, 1)]
    diagnoses = pa.table(
        {"member_id": ["A"] * 4, "diagnosis_code": ["Q01", "Q05", "Q09", "Q12"], "service_date": days}
    )
    known = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "models": ["toy_hcc_v1"]}
    scores = riskadj.score(enrollment=enrollment_table([member()]), diagnoses=diagnoses, **known)
    assert exact(scores.model_scores.to_pylist()[0]["raw_risk_score"]) == Decimal("0.980")
    assert scores.run["counts"]["diagnoses"]["rows_outside_collection"] == 2
    # Another window: HCC12 (HCC13 from 50 on) alone: 0.400 + HCC13 0.0504 = 0.4504.
    scores = riskadj.score(
        enrollment=enrollment_table([member()]),
        diagnoses=diagnoses,
        collection="2099-01-01:2099-12-31",
        **known,
    )
    assert exact(scores.model_scores.to_pylist()[0]["raw_risk_score"]) == Decimal("0.450")


def test_codes_without_hcc_and_codes_that_do_not_exist_are_counted_apart() -> None:
    diagnoses = pairs_table([("A", "E119"), ("A", "Z0000"), ("A", "QQQ"), ("A", "e11.9")])
    scores = riskadj.score(enrollment=enrollment_table([member()]), diagnoses=diagnoses, payment_year=2026)
    counts = scores.run["counts"]["diagnoses"]
    assert (counts["rows_mapped"], counts["rows_unmapped"], counts["rows_unknown"]) == (2, 1, 1)


def test_icd9_codes_are_not_silently_unmapped() -> None:
    known = {"enrollment": enrollment_table([member()]), "payment_year": 2026}
    diagnoses = pairs_table([("A", "250.00"), ("A", "E119"), ("A", "4280")])
    with pytest.raises(RowsRejectedError, match=r"ICD-9-CM.* 2 of 3 rows \(first rows: 1, 3\)"):
        riskadj.score(diagnoses=diagnoses, **known)
    scores = riskadj.score(diagnoses=diagnoses, rejects="write", **known)
    assert [row["row_number"] for row in scores.rejects.to_pylist()] == [1, 3]
    # The rest is scored: F70_74 0.395 + HCC38 0.166.
    assert exact(scores.model_scores.to_pylist()[0]["raw_risk_score"]) == Decimal("0.561")


def test_a_code_that_icd10_has_retired_is_unknown_and_no_icd9_code() -> None:
    # E87.2 (acidosis) was valid until September 2022, E88.81 (metabolic syndrome) until September 2023.
    diagnoses = pairs_table([("A", "E87.2"), ("A", "E8881"), ("A", "E119")])
    scores = riskadj.score(enrollment=enrollment_table([member()]), diagnoses=diagnoses, payment_year=2024)
    assert (scores.rejects.num_rows, scores.run["counts"]["diagnoses"]["rows_unknown"]) == (0, 2)


@pytest.mark.parametrize("code", ["25000", "V58.61", "E980.0"])
def test_the_forms_of_icd9_are_told(code: str) -> None:
    with pytest.raises(RowsRejectedError, match="ICD-9-CM"):
        riskadj.score(
            enrollment=enrollment_table([member()]), diagnoses=pairs_table([("A", code)]), payment_year=2024
        )


def test_hospice_keeps_its_score_and_the_run_says_what_it_is_not_paid_on() -> None:
    # The rebate alone is paid in a month of hospice (42 CFR 422.320). F70_74 0.395 + HCC38 0.166.
    told = enrollment_table([member(is_hospice=True)])
    for enrollment, n_notes in ((told, 1), (told.drop_columns("is_hospice"), 0)):
        scores = riskadj.score(enrollment, pairs_table([("A", "E119")]), payment_year=2026)
        assert exact(scores.model_scores["raw_risk_score"][0].as_py()) == Decimal("0.561")
        notes = [note for note in scores.run["notes"] if note.startswith("is_hospice changes no score")]
        assert len(notes) == n_notes


def test_age_is_that_of_the_first_of_february() -> None:
    # Born on 1 February 1961: 65 in 2026 (M65_69 0.332); a day later: 64 (M60_64 0.345); not born yet: 0 (M0_34).
    births = [date(1961, 2, 1), date(1961, 2, 2), date(2026, 3, 1), date(1960, 2, 29)]
    same = {"sex": ["M"] * 4, "orec": ["0"] * 4, "dual_status_code": ["NA"] * 4}
    enrollment = pa.table({"member_id": list("ABCD"), "birth_date": births, **same})
    rows = riskadj.score(
        enrollment=enrollment, diagnoses=pairs_table([]), payment_year=2026
    ).model_scores.to_pylist()
    assert [row["age_years"] for row in rows] == [65, 64, 0, 65]
    assert [naive.age_on(birth, date(2026, 2, 1)) for birth in births] == [65, 64, 0, 65]
    assert [row["segment"] for row in rows] == ["CNA", "CND", "CND", "CNA"]


def test_a_year_may_be_a_whole_number_of_another_make() -> None:
    assert type(make_options(payment_year=np.int64(2099)).payment_year) is int
    for year in (2099.0, "2099", None, True, np.float64(2099)):
        with pytest.raises(OptionError, match="is no year; give it as a whole number"):
            make_options(payment_year=year)  # type: ignore[arg-type]
