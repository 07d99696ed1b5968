"""Readers of published shapes, on small made-up packages and programs."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

from riskadj.errors import OutputExistsError, TableError
from riskadj.tables.importers import part_c
from riskadj.tables.importers.cms_package import import_cms_package
from riskadj.tables.importers.cms_tables import hcc_variable, read_csv, read_mappings
from riskadj.tables.importers.conditions import (
    EVERY_AGE,
    AgeRange,
    MappingRow,
    join_ages,
    merge_mappings,
    parse_age_condition,
    parse_sex_condition,
)
from riskadj.tables.importers.writing import Manifest, SourceFile, TableOrigin, write_tables
from riskadj.tables.model import load_folder

# --- conditions ---


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("", EVERY_AGE),
        ("  ", EVERY_AGE),
        ("age >= 15", AgeRange(15)),
        ("age > 15", AgeRange(16)),
        ("age < 2", AgeRange(0, 1)),
        ("age <= 2", AgeRange(0, 2)),
        ("age = 0", AgeRange(0, 0)),
        ("age == 0", AgeRange(0, 0)),
        ("0 <= age <= 17", AgeRange(0, 17)),
        ("9<=age<65", AgeRange(9, 64)),
        ("5 < age <= 18", AgeRange(6, 18)),
        ("age >= 15.0", AgeRange(15)),
    ],
)
def test_age_condition(printed: str, expected: AgeRange) -> None:
    assert parse_age_condition(printed) == expected


@pytest.mark.parametrize(
    "printed", ["age != 3", "age >= 2 and age < 5", "15", "sex = 1", "age < 0", "9 <= age <= 3", "age >= -1"]
)
def test_unknown_age_condition_fails_loudly(printed: str) -> None:
    with pytest.raises(TableError, match="age condition"):
        parse_age_condition(printed)


@pytest.mark.parametrize(
    ("printed", "expected"), [("", ""), ("1.0", "M"), ("2", "F"), ("sex = 2", "F"), ("M", "M"), (" f ", "F")]
)
def test_sex_condition(printed: str, expected: str) -> None:
    assert parse_sex_condition(printed) == expected


@pytest.mark.parametrize("printed", ["3", "0", "sex > 1", "male"])
def test_unknown_sex_condition_fails_loudly(printed: str) -> None:
    with pytest.raises(TableError, match="sex condition"):
        parse_sex_condition(printed)


def test_ages_that_meet_are_joined() -> None:
    assert join_ages([AgeRange(2), AgeRange(0, 1)]) == [EVERY_AGE]
    assert join_ages([AgeRange(0, 1), AgeRange(3, 5), AgeRange(4, 9)]) == [AgeRange(0, 1), AgeRange(3, 9)]
    assert join_ages([AgeRange(5), AgeRange(7, 9)]) == [AgeRange(5)]


def test_rows_that_say_the_same_are_merged() -> None:
    adult = AgeRange(15)
    rows = [
        MappingRow("B1", "HCC2", age=AgeRange(2), mce_age=adult),
        MappingRow("B1", "HCC2", age=AgeRange(0, 1), mce_age=adult),
        MappingRow("A1", "HCC10", sex="M"),
        MappingRow("A1", "HCC10", sex="F"),
        MappingRow("A1", "HCC9", sex="F"),
    ]
    assert merge_mappings(rows) == [
        MappingRow("A1", "HCC9", sex="F"),
        MappingRow("A1", "HCC10"),
        MappingRow("B1", "HCC2", mce_age=adult),
    ]


def test_a_different_category_at_other_ages_stays_two_rows() -> None:
    rows = [MappingRow("C1", "HCC2", age=AgeRange(0, 49)), MappingRow("C1", "HCC3", age=AgeRange(50))]
    assert merge_mappings(rows) == rows


def test_cells_of_a_mapping_row() -> None:
    row = MappingRow("C1", "HCC2", "F", AgeRange(0, 17), AgeRange(9, 64))
    assert list(row.as_cells().values()) == ["C1", "HCC2", "F", "", "17", "9", "64"]


# --- names of status variables ---


def test_new_enrollee_aged_64_by_age_counts_as_65() -> None:
    assert part_c.demographic_rows("NMCAID_NORIGDIS_NEF65") == [
        {
            "variable": "NMCAID_NORIGDIS_NEF65",
            "sex": "F",
            "age_min": "65",
            "age_max": "65",
            "orec": "0|2|3",
            "nemcaid": "0",
        },
        {
            "variable": "NMCAID_NORIGDIS_NEF65",
            "sex": "F",
            "age_min": "64",
            "age_max": "64",
            "orec": "0",
            "nemcaid": "0",
        },
    ]
    younger, at_64 = part_c.demographic_rows("MCAID_NORIGDIS_NEM60_64")
    assert (younger["age_min"], younger["age_max"], younger.get("orec")) == ("60", "63", None)
    assert (at_64["age_min"], at_64["age_max"], at_64["orec"]) == ("64", "64", "1|2|3")


def test_continuing_enrollee_of_64_stays_in_her_cell() -> None:
    assert part_c.demographic_rows("F60_64") == [
        {"variable": "F60_64", "sex": "F", "age_min": "60", "age_max": "64"}
    ]
    assert part_c.demographic_rows("M95_GT")[0]["age_max"] == ""


def test_originally_disabled_cells_start_at_65() -> None:
    assert part_c.demographic_rows("MCAID_ORIGDIS_NEM95_GT") == [
        {
            "variable": "MCAID_ORIGDIS_NEM95_GT",
            "sex": "M",
            "age_min": "95",
            "age_max": "",
            "orec": "1",
            "nemcaid": "1",
        }
    ]
    with pytest.raises(TableError, match="start at age 65"):
        part_c.demographic_rows("MCAID_ORIGDIS_NEM0_34")


def test_other_names_are_no_demographic() -> None:
    assert part_c.demographic_rows("HCC85") == []
    assert part_c.demographic_rows("D5") == []


def test_counts_are_exact_but_for_the_last() -> None:
    assert part_c.counts(["D10P", "HCC1", "D2", "D1", "DIABETES"]) == [
        {"variable": "D1", "hccs_min": "1", "hccs_max": "1"},
        {"variable": "D2", "hccs_min": "2", "hccs_max": "2"},
        {"variable": "D10P", "hccs_min": "10", "hccs_max": ""},
    ]


def test_one_segment_fits_each_status() -> None:
    rows = part_c.segments(part_c.SEGMENTS)
    for new in "01":
        for institutional in "01":
            for snp in "01":
                for dual in ("none", "partial", "full"):
                    for age in (0, 64, 65, 110):
                        status = {
                            "is_new_enrollee": new,
                            "is_long_term_institutional": institutional,
                            "is_c_snp": snp,
                            "dual": dual,
                        }
                        fitting = [
                            row["segment"]
                            for row in rows
                            if all(row.get(field) in (None, "", code) for field, code in status.items())
                            and int(row.get("age_min") or 0) <= age <= int(row.get("age_max") or 999)
                        ]
                        assert len(fitting) == 1, (status, age, fitting)


def test_unknown_segment() -> None:
    with pytest.raises(TableError, match="known: CNA"):
        part_c.segments(["XYZ"])


# --- CMS packages ---

INTERNAL = "atlantis_package_v1/software/ATLANTIS/data/input/internal"

PACKAGE = {
    "ICD10_CC_mappings_ATLANTIS_2099.csv": (
        "ICD10,CC,MCE_AGE_CONDITION,AGE_EDIT_CONDITION,SEX_EDIT_CONDITION\n"
        "A01,1.0,,age < 2,\n"
        "A01,1.0,,age >= 2,\n"
        "A02,2.0,age >= 15,,\n"
        "B03,1.0,,age < 65,1.0\n"
        "B03,1.0,,age >= 65,1.0\n"
        "B03,3.0,,,2.0\n"
    ),
    "V1_CE_Relative_Factors.csv": (
        "\ufeffVariable,Label,COMMUNITY_NA,COMMUNITY_ND,INSTITUTIONAL\n"
        'F0_64,"Female, 0-64",,0.200,0.500\n'
        "F65_GT, Female 65+,0.300,,0.400\n"
        "M0_64, Male 0-64,,0.210,0.510\n"
        "M65_GT, Male 65+,0.310,,0.410\n"
        "HCC1,Fever ,1.000,1.100,1.200\n"
        "HCC2,Chills,0.500,0.510,0.520\n"
        "HCC3,Rash,0.100,0.110,0.120\n"
        "FEVER_RASH ,Fever and rash,,,0.050\n"
        "D1,1 payment HCC,,,\n"
        "D2P,2 or more payment HCCs,0.010,,\n"
    ),
    "V1_NE_Relative_Factors.csv": (
        "\ufeffVariable,New Enrollees,NE,NE_SNP\n"
        "NMCAID_NORIGDIS_NEF65,Female 65,0.600,0.900\n"
        "MCAID_ORIGDIS_NEM95_GT,Male 95+,0.700,0.950\n"
    ),
    "V1_HCC_Hierarchies.csv": "\ufeffHCC,SecondaryHCC_1,SecondaryHCC_2\nHCC1,HCC3,HCC2\nHCC2,HCC3,\nHCC3,,\n",
    "V1_Diagnosis_Categories.csv": "\ufeffdiag_category,hcc_1,hcc_2\nFEVER,HCC1,HCC2\n",
    "V1_Interactions.csv": "\ufeffinteraction,var_1,var_2\nFEVER_RASH,FEVER ,HCC3\nDISABLED_FEVER,DISABL,FEVER\n",
}


def write_package(root: Path, **changed: str | None) -> Path:
    """A made-up package; `changed` replaces a file by a fragment of its name, or leaves it out (None)."""
    folder = root / INTERNAL
    folder.mkdir(parents=True)
    for name, text in PACKAGE.items():
        key = next((key for key in changed if key in name), None)
        content = text if key is None else changed[key]
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return root / "atlantis_package_v1"


def rows_of(folder: Path, table: str) -> list[str]:
    return (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()[1:]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path)


@pytest.fixture
def release(package: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "maps" / "medicare" / "py2099" / "atlantis"
    import_cms_package(package, folder, payment_year=2099, model_id="atlantis", title="Atlantis")
    return folder


def test_mappings_of_a_package(release: Path) -> None:
    assert rows_of(release, "mappings") == [
        "A01,HCC1,,,,,",
        "A02,HCC2,,,,15,",
        "B03,HCC1,M,,,,",
        "B03,HCC3,F,,,,",
    ]


def test_rules_of_a_package(release: Path) -> None:
    assert rows_of(release, "hierarchies") == ["HCC1,HCC2", "HCC1,HCC3", "HCC2,HCC3"]
    assert rows_of(release, "groups") == ["FEVER,HCC1", "FEVER,HCC2"]
    assert rows_of(release, "interactions") == [
        "FEVER_RASH,FEVER",
        "FEVER_RASH,HCC3",
        "DISABLED_FEVER,DISABL",
        "DISABLED_FEVER,FEVER",
    ]
    assert rows_of(release, "counts") == ["D1,1,1", "D2P,2,"]
    assert rows_of(release, "labels") == ["HCC1,Fever,1", "HCC2,Chills,1", "HCC3,Rash,1"]
    assert "DISABL,,,64,1|2|3," in rows_of(release, "demographics")  # no variable asks for ltimcaid


def test_factors_keep_their_digits_and_only_printed_ones_are_rows(release: Path) -> None:
    factors = rows_of(release, "relative_factors")
    assert factors[:3] == ["F65_GT,CNA,0.300", "M65_GT,CNA,0.310", "HCC1,CNA,1.000"]
    assert "FEVER_RASH,INS,0.050" in factors
    assert not [row for row in factors if row.startswith(("D1,", "FEVER_RASH,CNA"))]
    assert [row.split(",")[0] for row in rows_of(release, "segments")] == ["CNA", "CND", "INS", "NE", "SNPNE"]


def test_an_imported_release_is_proposed_cites_files_and_loads(release: Path) -> None:
    manifest = tomllib.loads((release / "model.toml").read_text(encoding="utf-8"))
    assert manifest["model"]["status"] == "proposed"
    assert manifest["model"]["hierarchy_manner"] == "simultaneous"
    assert len(manifest["sources"]) == len(PACKAGE)
    assert manifest["tables"]["mappings"]["rows"] == 4
    assert str(release.parents[3]) not in (release / "model.toml").read_text(encoding="utf-8")
    assert load_folder(release).id == "atlantis"


def test_folder_internal_folder_and_zip_give_the_same_tables(
    release: Path, package: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("__MACOSX/ICD10_CC_mappings_ATLANTIS_2099.csv", "junk")
        for path in sorted(package.rglob("*.csv")):
            out.write(path, path.relative_to(package.parent).as_posix())
    for number, given in enumerate((archive, package.parent / INTERNAL)):
        other = tmp_path / str(number) / "atlantis"
        import_cms_package(given, other, payment_year=2099, model_id="atlantis")
        for table in release.glob("*.csv"):
            assert (other / table.name).read_bytes() == table.read_bytes()


def test_importing_twice_gives_the_same_bytes(release: Path, package: Path) -> None:
    before = {path.name: path.read_bytes() for path in release.iterdir()}
    import_cms_package(
        package, release, payment_year=2099, model_id="atlantis", title="Atlantis", overwrite=True
    )
    assert {path.name: path.read_bytes() for path in release.iterdir()} == before


def test_an_existing_release_is_not_replaced_unasked(release: Path, package: Path) -> None:
    with pytest.raises(OutputExistsError, match="overwrite"):
        import_cms_package(package, release, payment_year=2099, model_id="atlantis")


def test_labels_and_requirements_come_from_an_earlier_release(
    release: Path, package: Path, tmp_path: Path
) -> None:
    (release / "labels.csv").write_text('hcc,label,payment\nHCC1,"Fever, high",1\n', encoding="utf-8")
    (release / "requirements.csv").write_text("hcc,needs_any\nHCC3,HCC1|HCC2\n", encoding="utf-8")
    for number, given in enumerate((release, release / "labels.csv")):
        later = tmp_path / str(number) / "atlantis"
        import_cms_package(package, later, payment_year=2100, model_id="atlantis", labels_from=given)
        assert rows_of(later, "labels") == ['HCC1,"Fever, high",1', "HCC2,Chills,1", "HCC3,Rash,1"]
        assert rows_of(later, "requirements") == ["HCC3,HCC1|HCC2"]
        tables = tomllib.loads((later / "model.toml").read_text(encoding="utf-8"))["tables"]
        assert tables["requirements"]["source"] == "earlier_release_requirements"
        assert "earlier release" in tables["labels"]["note"]


def test_a_table_the_new_release_lacks_is_removed(release: Path, package: Path) -> None:
    (release / "requirements.csv").write_text("hcc,needs_any\nHCC3,HCC1|HCC2\n", encoding="utf-8")
    import_cms_package(package, release, payment_year=2099, model_id="atlantis", overwrite=True)
    assert not (release / "requirements.csv").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mappings": None}, "0 folders"),
        ({"mappings": "ICD10,CC\nA01,1\nA02,nine\n"}, "line 3: category 'nine'"),
        ({"mappings": "ICD10,CC,MCE_AGE_CONDITION\nA01,1.0,age around 3\n"}, "line 2: age condition"),
        ({"mappings": "ICD10,CC,WEIGHT\nA01,1.0,3\n"}, "column WEIGHT, which is not understood"),
        ({"mappings": "ICD10\nA01\n"}, "lacks column CC"),
        ({"mappings": "ICD10,CC\n"}, "has no rows"),
        ({"mappings": "ICD10,CC\nA01,1.0,3\n"}, "3 cells under 2 columns"),
        ({"mappings": "ICD10,CC\nA01,9.0\n"}, "without a label or relative factor: HCC9"),
        ({"Hierarchies": "HCC,SecondaryHCC_1\nHCC1,HCC8\n"}, "without a label or relative factor: HCC8"),
        ({"Hierarchies": None}, "0 files"),
        ({"CE_Relative": "Variable,Label,DIALYSIS\nHCC1,Fever,1\n"}, "column DIALYSIS is no known segment"),
        ({"CE_Relative": "Variable,Label,INSTITUTIONAL\nHCC1,Fever,one\n"}, "factor 'one' is not a number"),
        ({"NE_Relative": "Variable,New Enrollees,NE\nMYSTERY,?,1\n"}, "known status: MYSTERY"),
        ({"Interactions": "interaction,var_1,var_2\nX,HCC1,GROUP_Z\n"}, "known status: .*GROUP_Z"),
    ],
)
def test_a_package_that_does_not_fit_is_refused(
    tmp_path: Path, changed: dict[str, str | None], message: str
) -> None:
    package = write_package(tmp_path, **changed)
    target = tmp_path / "release"
    with pytest.raises(TableError, match=message):
        import_cms_package(package, target, payment_year=2099, model_id="atlantis")
    assert not target.exists()


def test_a_file_of_an_unknown_kind_is_refused(package: Path, tmp_path: Path) -> None:
    (package.parent / INTERNAL / "V1_Frailty_Factors.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"V1_Frailty_Factors\.csv is not understood"):
        import_cms_package(package, tmp_path / "release", payment_year=2099, model_id="atlantis")


def test_a_folder_of_two_packages_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_package(tmp_path / "both" / name)
    with pytest.raises(TableError, match="2 folders"):
        import_cms_package(tmp_path / "both", tmp_path / "release", payment_year=2099, model_id="atlantis")


def test_no_package_and_no_zip(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such package"):
        import_cms_package(tmp_path / "none", tmp_path / "release", payment_year=2099, model_id="atlantis")
    (tmp_path / "package.zip").write_text("not a zip", encoding="utf-8")
    with pytest.raises(TableError, match="not a zip file"):
        import_cms_package(
            tmp_path / "package.zip", tmp_path / "release", payment_year=2099, model_id="atlantis"
        )


@pytest.mark.parametrize("place", [30, 44, 60])
def test_a_damaged_zip(tmp_path: Path, place: int) -> None:
    """Damaged where the compressed bytes stand, zipfile raises errors of zlib's."""
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.csv", "ICD10,CC\n" * 100)
    content = bytearray(archive.read_bytes())
    content[place : place + 6] = b"\xff" * 6
    archive.write_bytes(content)
    with pytest.raises(TableError, match="not a zip file that can be read"):
        import_cms_package(archive, tmp_path / "release", payment_year=2099, model_id="atlantis")


def test_a_quote_that_nothing_closes() -> None:
    with pytest.raises(TableError, match=r"mappings\.csv is no CSV table"):
        read_csv("mappings.csv", b'ICD10,CC\n"' + b"9" * 140_000, ("ICD10",))


@pytest.mark.parametrize("category", ["x", "\u00b2", "9" * 5000, ""])
def test_a_category_that_is_no_number(category: str) -> None:
    with pytest.raises(TableError, match="is not a number"):
        hcc_variable(category, "m.csv")


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(TableError, match="not UTF-8"):
        read_csv("mappings.csv", b"ICD10,CC\n\xff\xfe,1\n", ("ICD10",))


def test_dotted_lower_case_codes_are_cleaned() -> None:
    (row,) = read_mappings("m.csv", b"ICD10,CC\ne11.9 ,38\n")
    assert (row.icd10, row.hcc) == ("E119", "HCC38")


# --- writing ---


def manifest(**tables: TableOrigin) -> Manifest:
    source = SourceFile("software", 'Atlantis "final"', "CMS", "package, file a\\b.csv", "00")
    return Manifest("atlantis", "Atlantis", 2099, "sequential", sources=[source], tables=tables)


def test_manifest_text_is_toml(tmp_path: Path) -> None:
    origin = TableOrigin("software", "labels.csv", note="one\ntwo")
    write_tables(
        tmp_path, {"labels": [{"hcc": "HCC1", "label": "Fever", "payment": "1"}]}, manifest(labels=origin)
    )
    found = tomllib.loads((tmp_path / "model.toml").read_text(encoding="utf-8"))
    assert found["sources"][0]["title"] == 'Atlantis "final"'
    assert found["sources"][0]["carried_by"] == "package, file a\\b.csv"
    assert found["tables"]["labels"]["note"] == "one\ntwo"
    assert "checked_against" not in found["tables"]["labels"]
    assert (tmp_path / "labels.csv").read_bytes() == b"hcc,label,payment\nHCC1,Fever,1\n"


def test_rows_without_an_origin_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="names no known source"):
        write_tables(tmp_path, {"labels": []}, manifest())
    with pytest.raises(TableError, match="names no known source"):
        write_tables(tmp_path, {"labels": []}, manifest(labels=TableOrigin("nobody", "x")))
    with pytest.raises(TableError, match="unknown table prices"):
        write_tables(tmp_path, {"prices": []}, manifest())
    with pytest.raises(TableError, match="no column weight"):
        write_tables(tmp_path, {"labels": [{"weight": "1"}]}, manifest(labels=TableOrigin("software", "x")))
    assert not list(tmp_path.iterdir())
