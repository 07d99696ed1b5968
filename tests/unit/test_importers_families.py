"""What names mean in the tables of ESRD and Part D models, and small made-up packages of both."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest

from riskadj.errors import TableError
from riskadj.tables.importers import esrd, part_d
from riskadj.tables.importers.cells import band, new_enrollee_rows
from riskadj.tables.importers.cms_package import import_cms_package
from riskadj.tables.importers.cms_tables import hcc_variable, read_hierarchies, read_printed_factors
from riskadj.tables.importers.conditions import AgeRange
from riskadj.tables.importers.family import Family
from riskadj.tables.model import load_folder

Row = dict[str, str]
NAMES = ("variable", "segment", "factor_column")


def fits(row: Row, status: Row, age: int) -> bool:
    """Does this member meet the conditions of a row?"""
    asked = {name: cell for name, cell in row.items() if cell and name not in (*NAMES, "age_min", "age_max")}
    return int(row.get("age_min") or 0) <= age <= int(row.get("age_max") or 999) and all(
        status[name] in cell.split("|") for name, cell in asked.items()
    )


def on(family: Family, variables: Iterable[str], age: int, **status: str) -> set[str]:
    """Variables that are on for a member."""
    rows = family.demographics(variables)
    return {row["variable"] for row in rows if fits(row, status, age)}


def statuses(**fields: tuple[str, ...]) -> Iterator[Row]:
    for codes in product(*fields.values()):
        yield dict(zip(fields, codes, strict=True))


# --- cells ---


def test_bands() -> None:
    assert band("65", None) == AgeRange(65, 65)
    assert band("65", "69") == AgeRange(65, 69)
    assert band("85", "GT") == AgeRange(85)


def test_each_new_enrollee_has_one_cell() -> None:
    cells = [
        ("0_64", AgeRange(0, 64), False),
        ("65_69", AgeRange(65, 69), False),
        ("70", AgeRange(70), False),
        ("65_69_D", AgeRange(65, 69), True),
        ("70_D", AgeRange(70), True),
    ]
    younger = [("0_64_D", AgeRange(0, 64), True)]
    for at_any_age in (False, True):
        rows = [
            row
            for name, age, disabled in (cells + younger if at_any_age else cells)
            for row in new_enrollee_rows(name, "F", age, disabled=disabled, at_any_age=at_any_age)
        ]
        for age, orec in product((0, 63, 64, 65, 69, 70), "0123"):
            found = [row["variable"] for row in rows if fits(row, {"sex": "F", "orec": orec}, age)]
            counted_age = 65 if age == 64 and orec == "0" else age
            bare = "0_64" if counted_age < 65 else "65_69" if counted_age < 70 else "70"
            disabled = orec == "1" and (at_any_age or age >= 65)
            assert found == [f"{bare}_D" if disabled else bare], (at_any_age, age, orec)


# --- ESRD ---


def test_dialysis_knows_the_originally_disabled_at_any_age() -> None:
    names = ["NMCAID_NORIGDIS_NEM60_64", "NMCAID_ORIGDIS_NEM60_64", "NMCAID_NORIGDIS_NEM65_69"]
    member = {"sex": "M", "nemcaid": "0"}
    assert on(esrd.FAMILY, names, 60, orec="1", **member) == {"NMCAID_ORIGDIS_NEM60_64"}
    assert on(esrd.FAMILY, names, 60, orec="2", **member) == {"NMCAID_NORIGDIS_NEM60_64"}
    assert on(esrd.FAMILY, names, 64, orec="0", **member) == {"NMCAID_NORIGDIS_NEM65_69"}
    assert on(esrd.FAMILY, names, 64, orec="1", **member) == {"NMCAID_ORIGDIS_NEM60_64"}


def test_graft_knows_the_originally_disabled_from_65() -> None:
    names = ["FBD_NORIGDIS_G_NEM60_64", "FBD_NORIGDIS_G_NEM65", "FBD_ORIGDIS_G_NEM65"]
    member = {"sex": "M", "dual": "full"}
    assert on(esrd.FAMILY, names, 60, orec="1", **member) == {"FBD_NORIGDIS_G_NEM60_64"}
    assert on(esrd.FAMILY, names, 64, orec="0", **member) == {"FBD_NORIGDIS_G_NEM65"}
    assert on(esrd.FAMILY, names, 65, orec="1", **member) == {"FBD_ORIGDIS_G_NEM65"}
    assert on(esrd.FAMILY, names, 65, orec="1", sex="M", dual="partial") == set()


def test_medicaid_of_those_below_65_depends_on_disability() -> None:
    names = ["MCAID", "MCAID_Female_Aged", "MCAID_Female_NonAged"]
    woman = {"sex": "F", "mcaid": "1"}
    assert on(esrd.FAMILY, names, 50, orec="2", **woman) == {"MCAID", "MCAID_Female_NonAged"}
    assert on(esrd.FAMILY, names, 50, orec="0", **woman) == {"MCAID", "MCAID_Female_Aged"}
    assert on(esrd.FAMILY, names, 65, orec="1", **woman) == {"MCAID", "MCAID_Female_Aged"}
    assert on(esrd.FAMILY, names, 65, orec="1", sex="F", mcaid="0") == set()


def test_status_variables() -> None:
    names = [
        "FBDual_Male_Aged", "PBDual_Male_Aged", "LTI_Aged", "Originally_ESRD_Male", "OriginallyDisabled_Male",
        "TRANSPLANT_KIDNEY_ONLY_2M", "HCC8", "CANCER", "DISABL", "NonAged",
    ]  # fmt: skip
    member = {"sex": "M", "dual": "full", "is_long_term_institutional": "1"}
    aged = {"FBDual_Male_Aged", "LTI_Aged", "Originally_ESRD_Male", "TRANSPLANT_KIDNEY_ONLY_2M"}
    assert on(esrd.FAMILY, names, 70, orec="3", **member) == aged
    younger = {"TRANSPLANT_KIDNEY_ONLY_2M", "DISABL", "NonAged"}
    assert on(esrd.FAMILY, names, 64, orec="3", **member) == younger


def test_scores_of_the_duration_go_to_their_factor_columns() -> None:
    assert esrd.flat_scores("DUR4_9_LT65") == [
        ("DUR4_9_LT65", "GRAFT_COMM_4_9"),
        ("DUR4_9_LT65", "GRAFT_INST_4_9"),
        ("NE_DUR4_9_LT65", "GRAFT_NE_4_9"),
    ]
    assert esrd.flat_scores("GE65_DUR10PL_ND_PBD") == [
        ("GE65_DUR10PL_ND_PBD", "GRAFT_COMM_10PL_ND_PBD_Aged"),
        ("NE_GE65_DUR10PL_ND_PBD", "GRAFT_NE_10PL"),
    ]
    assert esrd.flat_scores("FGI_LT65_DUR4_9_FBD") == [("FGI_LT65_DUR4_9_FBD", "GRAFT_INST_4_9")]
    assert esrd.flat_scores("PBD_LT65_flag") == [
        ("PBD_LT65_flag", "GRAFT_COMM_4_9_ND_PBD_NonAged"),
        ("PBD_LT65_flag", "GRAFT_COMM_10PL_ND_PBD_NonAged"),
    ]
    assert [column for _, column in esrd.flat_scores("LTI_GE65")] == ["GRAFT_INST_4_9", "GRAFT_INST_10PL"]
    assert esrd.flat_scores("TRANSPLANT_KIDNEY_ONLY_3M") == [("TRANSPLANT_KIDNEY_ONLY_3M", "TRANSPLANT_3M")]
    assert esrd.flat_scores("FRAILTY") == []


def test_at_64_a_new_enrollee_entitled_by_age_has_the_score_of_the_aged() -> None:
    names = ["DUR4_9_LT65", "DUR4_9_GE65", "NE_DUR4_9_LT65", "NE_DUR4_9_GE65"]
    assert on(esrd.FAMILY, names, 64, orec="0") == {"DUR4_9_LT65", "NE_DUR4_9_GE65"}
    assert on(esrd.FAMILY, names, 64, orec="2") == {"DUR4_9_LT65", "NE_DUR4_9_LT65"}
    assert on(esrd.FAMILY, names, 65, orec="2") == {"DUR4_9_GE65", "NE_DUR4_9_GE65"}
    by_dual = ["NE_GE65_DUR4_9_FBD", "NE_GE65_DUR4_9_ND_PBD"]
    assert on(esrd.FAMILY, by_dual, 64, orec="0", dual="partial") == {"NE_GE65_DUR4_9_ND_PBD"}


@pytest.mark.parametrize("community", ["GRAFT_COMM", "G_COMM_FBD_GE65"])
def test_one_esrd_segment_fits_each_status(community: str) -> None:
    split = community.startswith("G_")
    columns = [c for c in esrd.FAMILY.factor_columns if split == ("Aged" in c) or "COMM" not in c]
    rows = esrd.segments(columns)
    assert {column for column in columns if "COMM" in column} == {
        esrd.factor_column(row) for row in rows if "COMM" in row["segment"]
    }
    kinds = [("dialysis", "none")] + [(f"transplant_{month}", "none") for month in "123"]
    for kind, duration in [*kinds, ("graft", "4_9"), ("graft", "10PL")]:
        for status in statuses(
            is_new_enrollee=("0", "1"),
            is_long_term_institutional=("0", "1"),
            dual=("none", "partial", "full"),
        ):
            for age in (0, 64, 65, 110):
                member = {"esrd_status": kind, "graft_duration": duration, **status}
                (found,) = (row["segment"] for row in rows if fits(row, member, age))
                assert found == expected_segment(member), (member, age)


def expected_segment(status: Row) -> str:
    """The segment of a member, as the specification tells it."""
    kind, new = status["esrd_status"], status["is_new_enrollee"] == "1"
    if kind.startswith("transplant"):
        return f"TRANSPLANT_{kind[-1]}M"
    if kind == "dialysis":
        return "DIAL_NE" if new else "DIAL"
    place = "INST" if status["is_long_term_institutional"] == "1" else "NE" if new else "COMM"
    return f"GRAFT_{place}_{status['graft_duration']}"


# --- Part D ---


def test_one_part_d_segment_fits_each_status() -> None:
    rows = part_d.segments(part_d.FAMILY.factor_columns)
    for status in statuses(
        is_new_enrollee=("0", "1"), is_long_term_institutional=("0", "1"), is_low_income=("0", "1")
    ):
        for age in (0, 64, 65, 110):
            (found,) = (row["segment"] for row in rows if fits(row, status, age))
            new, institutional, low = (code == "1" for code in status.values())
            income = "LTI" if institutional else "Low" if low else "NonLow"
            years = "_Aged" if age >= 65 else "_NonAged"
            kind = "NE" if new else "CE"
            assert found == f"{kind}_{income}{'' if new or institutional else years}"


def test_part_d_status_variables() -> None:
    names = ["M65OD", "F65OD", "OD65", "NONAGED", "ESRD_ORIGDIS_X_M65", "NESRD_NORIGDIS_X_M65", "M65_69"]
    assert on(part_d.FAMILY, names, 65, sex="M", orec="1", is_esrd="1") == {
        "M65OD", "OD65", "ESRD_ORIGDIS_X_M65", "M65_69",
    }  # fmt: skip
    assert on(part_d.FAMILY, names, 64, sex="M", orec="0", is_esrd="0") == {"NONAGED", "NESRD_NORIGDIS_X_M65"}


def test_part_d_interactions_come_from_their_names() -> None:
    assert part_d.interactions(["NONAGED_RXHCC8", "RXHCC8", "M65OD"]) == [
        {"interaction": "NONAGED_RXHCC8", "term": "NONAGED"},
        {"interaction": "NONAGED_RXHCC8", "term": "RXHCC8"},
    ]


# --- packages ---

PART_D = {
    "ICD10_CC_mappings_RX.csv": "ICD10,CC,MCE_AGE_CONDITION\nA01,1.0,\nA02,2.0,age >= 15\n",
    "HCC_Hierarchies.csv": "\ufeffRXHCC,SecondaryRxHCC_1\n1,2\n2,\n",
    "Z/Z_CE_Relative_Factors.csv": (
        "\ufeffVariable,Label,CE_NonLow_Aged,CE_NonLow_NonAged,CE_LTI\n"
        '"F0_64","Female, 0-64",,0.200,0.500\n'
        "F65_GT,Female 65+,0.300,,0.400\n"
        "RXHCC1,Fever,1.000,1.100,1.200\n"
        "RXHCC2,Chills,0.500,0.510,0.520\n"
        "NONAGED_RXHCC2,Young,,,0.050\n"
    ),
    "Z/Z_NE_Relative_Factors.csv": (
        "Variable,Label,NE_NonLow_Community,NE_LTI\nNESRD_NORIGDIS_X_F65,Female 65,0.600,0.900\n"
    ),
}
ESRD = {
    "ICD10_CC_mappings_ESRD.csv": "ICD10,CC\nA01,1.0\n",
    "E_HCC_Hierarchies.csv": "HCC,SecondaryHCC_1\nHCC1,HCC2\n",
    "E_CE_Relative_Factors.csv": (
        "Variable,Label,DIAL,G_COMM_FBD_GE65,GRAFT_INST\n"
        "F65_GT,Female 65+,0.3,0.4,0.5\nHCC1,Fever,1.0,1.1,1.2\nHCC2,Chills,0,,\nLTI_Aged ,LTI,0.1,,\n"
    ),
    "E_NE_Graft_Relative_Factors.csv": ("Variable,Label,GRAFT_NE\nFBD_NORIGDIS_G_NEF65,Female 65,0.6\n,,\n"),
    "E_Graft_Duration_Scores.csv": "Graft Duration,Label,Score\nGE65_DUR4_9_FBD,Aged,2.5\n",
    "E_Transplant_Scores.csv": "Variable,Label,Score\nTRANSPLANT_KIDNEY_ONLY_1M,Month 1,6.03\n",
}


def write_package(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "internal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def rows_of(folder: Path, table: str) -> list[str]:
    return (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def release(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "maps" / "medicare" / "py2099" / "atlantis"
    package = write_package(tmp_path / "package", request.param)
    import_cms_package(package, folder, payment_year=2099, model_id="atlantis")
    return folder


@pytest.mark.parametrize("release", [PART_D], indirect=True)
def test_a_part_d_package(release: Path) -> None:
    assert rows_of(release, "mappings")[1:] == ["A01,RXHCC1,,,,,", "A02,RXHCC2,,,,15,"]
    assert rows_of(release, "hierarchies")[1:] == ["RXHCC1,RXHCC2"]
    assert rows_of(release, "labels")[1:] == ["RXHCC1,Fever,1", "RXHCC2,Chills,1"]
    assert rows_of(release, "interactions")[1:] == ["NONAGED_RXHCC2,NONAGED", "NONAGED_RXHCC2,RXHCC2"]
    assert rows_of(release, "segments") == [
        "segment,is_new_enrollee,is_long_term_institutional,is_low_income,age_min,age_max",
        "CE_NonLow_Aged,0,0,0,65,",
        "CE_NonLow_NonAged,0,0,0,,64",
        "CE_LTI,0,1,,,",
        "NE_NonLow,1,0,0,,",
        "NE_LTI,1,1,,,",
    ]
    assert rows_of(release, "demographics") == [
        "variable,sex,age_min,age_max,orec,is_esrd",
        "F0_64,F,,64,,",
        "F65_GT,F,65,,,",
        "NESRD_NORIGDIS_X_F65,F,65,65,0|2|3,0",
        "NESRD_NORIGDIS_X_F65,F,64,64,0,0",
        "NONAGED,,,64,,",
    ]
    assert rows_of(release, "relative_factors")[-3:] == [
        "NONAGED_RXHCC2,CE_LTI,0.050",
        "NESRD_NORIGDIS_X_F65,NE_NonLow,0.600",
        "NESRD_NORIGDIS_X_F65,NE_LTI,0.900",
    ]
    manifest = tomllib.loads((release / "model.toml").read_text(encoding="utf-8"))
    assert "scores" not in manifest["model"]
    assert load_folder(release).id == "atlantis"


@pytest.mark.parametrize("release", [ESRD], indirect=True)
def test_an_esrd_package(release: Path, tmp_path: Path) -> None:
    assert rows_of(release, "segments") == [
        "segment,factor_column,esrd_status,graft_duration,is_new_enrollee,is_long_term_institutional,"
        "dual,age_min",
        "DIAL,,dialysis,,0,,,",
        "GRAFT_COMM_4_9,GRAFT_COMM_4_9_FBD_Aged,graft,4_9,0,0,full,65",
        "GRAFT_COMM_10PL,GRAFT_COMM_10PL_FBD_Aged,graft,10PL,0,0,full,65",
        "GRAFT_INST_4_9,,graft,4_9,,1,,",
        "GRAFT_INST_10PL,,graft,10PL,,1,,",
        "GRAFT_NE_4_9,,graft,4_9,1,0,,",
        "GRAFT_NE_10PL,,graft,10PL,1,0,,",
        "TRANSPLANT_1M,,transplant_1,,,,,",
    ]
    factors = rows_of(release, "relative_factors")
    assert "HCC1,GRAFT_COMM_4_9_FBD_Aged,1.1" in factors
    assert "HCC1,GRAFT_COMM_10PL_FBD_Aged,1.1" in factors
    assert "GE65_DUR4_9_FBD,GRAFT_COMM_4_9_FBD_Aged,2.5" in factors
    assert "NE_GE65_DUR4_9_FBD,GRAFT_NE_4_9,2.5" in factors
    assert factors[-1] == "TRANSPLANT_KIDNEY_ONLY_1M,TRANSPLANT_1M,6.03"
    manifest = tomllib.loads((release / "model.toml").read_text(encoding="utf-8"))
    assert manifest["model"]["scores"] == {
        "esrd_status": "dialysis|transplant_1|transplant_2|transplant_3|graft"
    }
    assert load_folder(release).manifest.scores.fields == ("esrd_status",)
    (release / "adjustments.csv").write_text("segment,divisor\nGRAFT_NE_4_9,0.905\n", encoding="utf-8")
    later = release.parent.parent / "py2100" / "atlantis"
    import_cms_package(
        tmp_path / "package", later, payment_year=2100, model_id="atlantis", labels_from=release
    )
    assert rows_of(later, "adjustments") == ["segment,divisor", "GRAFT_NE_4_9,0.905"]
    assert load_folder(later).id == "atlantis"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"E_Transplant_Scores.csv": "Variable,Score\nTRANSPLANT_LIVER,1\n"},
            "'TRANSPLANT_LIVER' is not und",
        ),
        (
            {"E_Transplant_Scores.csv": "Variable,Score\nTRANSPLANT_KIDNEY_ONLY_1M,six\n"},
            "'six' is not a num",
        ),
        (
            {"E_NE_Graft_Relative_Factors.csv": "Variable,Label,NE\nNMCAID_NORIGDIS_NEF65,F,1\n"},
            "of no single family",
        ),
        ({"E_HCC_Hierarchies.csv": "RXHCC,SecondaryRxHCC_1\n1,2\n"}, "lacks column HCC"),
    ],
)
def test_an_esrd_package_that_does_not_fit_is_refused(
    tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    package = write_package(tmp_path / "package", ESRD | changed)
    with pytest.raises(TableError, match=message):
        import_cms_package(package, tmp_path / "release", payment_year=2099, model_id="atlantis")


def test_factors_of_columns_that_no_family_knows() -> None:
    with pytest.raises(TableError, match="of no single family"):
        read_printed_factors({"f.csv": b"Variable,Label,HOSPICE\nHCC1,Fever,1\n"}, {})


def test_categories_are_named_after_their_family() -> None:
    assert hcc_variable("7.0", "f.csv") == "HCC7"
    assert hcc_variable("HCC7", "f.csv") == "HCC7"
    assert hcc_variable("7", "f.csv", "RXHCC") == hcc_variable("RXHCC7", "f.csv", "RXHCC") == "RXHCC7"
    assert read_hierarchies("h.csv", b"RXHCC,S_1,S_2\n9,11,10\n", "RXHCC") == [
        {"hcc": "RXHCC9", "drops": "RXHCC10"},
        {"hcc": "RXHCC9", "drops": "RXHCC11"},
    ]
