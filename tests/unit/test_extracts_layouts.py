"""Layouts: the input files of CMS's own programs, and Tuva's input layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import ColumnMissingError, ExtractError
from riskadj.extracts.enrollment import Enrollment, read_enrollment
from riskadj.extracts.open import Extract, open_extract, row_numbers
from riskadj.extracts.rejects import Rejects
from riskadj.terms import STATUS_FIELDS

YEAR = 2030
FIELDS = ("orec", "dual", "ltimcaid", "nemcaid", "is_new_enrollee", "is_long_term_institutional", "is_c_snp",
          "is_hospice", "is_low_income", "is_esrd", "esrd_status")  # fmt: skip


def read(extract: Extract, fields: tuple[str, ...] = FIELDS) -> tuple[Enrollment, Rejects]:
    rejects = Rejects("write")
    return read_enrollment(extract, payment_year=YEAR, fields=fields, rejects=rejects), rejects


def words(enrollment: Enrollment) -> dict[str, list[str]]:
    return {name: [STATUS_FIELDS[name][code] for code in codes] for name, codes in enrollment.status.items()}


# --- cms ---


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("header", ["ID,DOB,SEX,OREC,LTIMCAID,NEMCAID", "id,dob,sex,orec,ltimcaid,nemcaid"])
@pytest.mark.parametrize("birth", ["1950-06-01", "19500601", "6/1/1950"])
def test_cms_input_files(tmp_path: Path, bom: bytes, header: str, birth: str) -> None:
    path = tmp_path / "person.csv"
    path.write_bytes(bom + f"{header}\n007,{birth},1,0,1,0\n8,{birth},2,3,0,1\n".encode())
    enrollment, rejects = read(open_extract(path, "enrollment", layout="cms"))
    assert len(rejects) == 0
    assert enrollment.member_id.to_pylist() == ["007", "8"]
    assert (enrollment.birth_date == -7154).all()
    found = words(enrollment)
    assert (found["sex"], found["orec"], found["dual"]) == (["M", "F"], ["0", "3"], ["none", "none"])
    assert (found["ltimcaid"], found["nemcaid"]) == (["1", "0"], ["0", "1"])


def test_cms_diagnoses(tmp_path: Path) -> None:
    path = tmp_path / "diag.csv"
    path.write_text("ID,ICD10\n007,E119\n007,I10\n")
    (chunk,) = open_extract(path, "diagnoses", layout="cms").chunks(["member_id", "diagnosis_code"])
    assert chunk.read().to_pylist() == [
        {"member_id": "007", "diagnosis_code": "E119"},
        {"member_id": "007", "diagnosis_code": "I10"},
    ]


def test_cms_esrd_flag_is_taken() -> None:
    table = pa.table(
        {
            "ID": ["a"],
            "DOB": ["19500601"],
            "SEX": [1],
            "OREC": [0],
            "LTIMCAID": [0],
            "NEMCAID": [0],
            "ESRD": [1],
        }
    )
    enrollment, _ = read(open_extract(table, "enrollment", layout="cms"))
    assert words(enrollment)["is_esrd"] == ["1"]


@pytest.mark.parametrize("layout", ["cms", "tuva"])
def test_a_layout_without_the_extract_says_so(layout: str) -> None:
    with pytest.raises(ExtractError, match=f"layout='{layout}' has no drugs extract"):
        open_extract(pa.table({"ID": ["a"]}), "drugs", layout=layout)


# --- tuva ---

ELIGIBILITY: dict[str, Any] = {
    "person_id": "p", "gender": "female", "birth_date": "1950-06-01", "enrollment_start_date": f"{YEAR}-01-01",
    "enrollment_end_date": "9999-12-31", "dual_status_code": None, "medicare_status_code": "10",
}  # fmt: skip


def eligibility(*changes: dict[str, Any]) -> pa.Table:
    names = dict.fromkeys([*ELIGIBILITY, *(name for change in changes for name in change)])
    records = [{**ELIGIBILITY, "person_id": f"p{i}", **change} for i, change in enumerate(changes)]
    return pa.table({name: pa.array([record.get(name) for record in records], pa.string()) for name in names})


@pytest.mark.parametrize(
    ("code", "orec", "is_esrd"),
    [("10", "0", "0"), ("11", "2", "1"), ("20", "1", "0"), ("21", "3", "1"), ("31", "2", "1")],
)
def test_orec_follows_from_the_medicare_status(code: str, orec: str, is_esrd: str) -> None:
    extract = open_extract(eligibility({"medicare_status_code": code}), "enrollment", layout="tuva")
    enrollment, _ = read(extract)
    assert words(enrollment)["orec"] == [orec]
    assert words(enrollment)["is_esrd"] == [is_esrd]
    assert any("orec is taken from medicare_status_code for every row" in note for note in extract.notes)


def test_the_original_reason_goes_before_the_status_row_by_row() -> None:
    table = eligibility(
        {"original_reason_entitlement_code": "1"},
        {"original_reason_entitlement_code": None, "medicare_status_code": "21"},
        {"original_reason_entitlement_code": " ", "medicare_status_code": "0"},
        {"original_reason_entitlement_code": "2.0"},
        {"original_reason_entitlement_code": "8"},
    )
    enrollment, rejects = read(open_extract(table, "enrollment", layout="tuva"))
    assert words(enrollment)["orec"] == ["1", "3", "2"]
    assert rejects.counts() == {"orec_missing": 1, "orec_not_allowed": 1}


def test_tuva_status_columns() -> None:
    table = eligibility(
        {"enrollment_status": "New", "hospice_flag": "1", "snp_type": "C-SNP", "medicaid_indicator": "1"},
        {
            "enrollment_status": "Institutional",
            "long_term_institutional_flag": "0",
            "dual_status_code": "2.0",
        },
        {"enrollment_status": "Continuing", "long_term_institutional_flag": "1", "medicaid_indicator": "0"},
        {
            "enrollment_status": "ESRD",
            "snp_type": "I-SNP",
            "low_income_subsidy_indicator": "1",
            "esrd_status": "1",
        },
    )
    enrollment, rejects = read(open_extract(table, "enrollment", layout="tuva"))
    assert len(rejects) == 0
    assert words(enrollment) == {
        "sex": ["F"] * 4,
        "orec": ["0"] * 4,
        "dual": ["none", "full", "none", "none"],
        "ltimcaid": ["1", "1", "0", "0"],
        "nemcaid": ["1", "1", "0", "0"],
        "is_new_enrollee": ["1", "0", "0", "0"],
        "is_long_term_institutional": ["0", "1", "1", "0"],
        "is_c_snp": ["1", "0", "0", "0"],
        "is_hospice": ["1", "0", "0", "0"],
        "is_low_income": ["0", "0", "0", "1"],
        "is_esrd": ["0", "0", "0", "1"],
        "esrd_status": ["none"] * 4,
    }


def test_columns_whose_meaning_is_not_sure_are_noted_where_they_hold_anything() -> None:
    empty = open_extract(eligibility({"part_d_raf_type": None}), "enrollment", layout="tuva")
    full = open_extract(eligibility({"part_d_raf_type": "C"}), "enrollment", layout="tuva")
    assert not any("part_d_raf_type" in note for note in empty.notes)
    assert any("part_d_raf_type is left out" in note for note in full.notes)


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        ({"person_id": "a", "patient_id": "b", "member_id": "c"}, "person_id"),
        ({"person_id": None, "patient_id": "b", "member_id": "c"}, "patient_id"),
        ({"person_id": None, "patient_id": "", "member_id": "c"}, "member_id"),
        ({"PERSON_ID": "a"}, "PERSON_ID"),
    ],
)
def test_the_first_id_that_is_not_empty_is_the_members(ids: dict[str, Any], chosen: str) -> None:
    base = {name: value for name, value in ELIGIBILITY.items() if name != "person_id"}
    table = pa.table({name: pa.array([value, value], pa.string()) for name, value in {**ids, **base}.items()})
    extract = open_extract(table, "enrollment", layout="tuva")
    assert f"enrollment: member_id is {chosen} of enrollment" in extract.notes
    (chunk,) = extract.chunks(["member_id"])
    assert chunk.read().column("member_id").to_pylist() == [ids[chosen]] * 2


def test_a_tuva_file_without_any_id_names_what_it_lacks() -> None:
    with pytest.raises(ColumnMissingError, match="lacks 'member_id'"):
        open_extract(eligibility({}).drop_columns("person_id"), "enrollment", layout="tuva")


def test_columns_given_by_the_caller_go_before_the_layout() -> None:
    table = eligibility({"mbi": "x"})
    extract = open_extract(table, "enrollment", layout="tuva", columns={"member_id": "mbi"})
    (chunk,) = extract.chunks(["member_id"])
    assert chunk.read().column("member_id").to_pylist() == ["x"]


CLAIMS = pa.table(
    {
        "claim_id": ["1", "2", "3", "4"],
        "claim_type": ["institutional", "professional", "institutional", "institutional"],
        "person_id": ["a", "a", "b", "b"],
        "claim_end_date": ["2029-01-31", "2029-02-01", "2029-03-01", "2029-04-01"],
        "claim_line_end_date": ["2029-01-30", None, "nonsense", None],
        "bill_type_code": ["111", None, "0131", None],
        "hcpcs_code": [None, "99213", None, None],
        "diagnosis_code_type": ["icd-10-cm", "icd-10-pcs", None, "icd-9-cm"],
        "diagnosis_code_1": ["E119", "I10", "E119", "4019"],
        "diagnosis_code_2": ["I10", None, " ", "25000"],
        "diagnosis_code_10": [None, "Z794", None, None],
        "diagnosis_code_n": ["no", "no", "no", "no"],
    }
)


@pytest.mark.parametrize("source", ["memory", "parquet", "csv"])
def test_claim_lines_become_diagnoses_with_the_row_of_their_line(tmp_path: Path, source: str) -> None:
    given: Any = CLAIMS
    if source == "parquet":
        given = tmp_path / "diagnoses.parquet"
        pq.write_table(CLAIMS, given, row_group_size=2)
    elif source == "csv":
        given = tmp_path / "diagnoses.csv"
        CLAIMS.to_pandas().to_csv(given, index=False)
    extract = open_extract(given, "diagnoses", layout="tuva")
    rejects, found = Rejects("write"), []
    for chunk in extract.chunks(extract.columns):
        table = chunk.read(rejects)
        numbers = row_numbers(table, chunk.first_row).tolist()
        found += [
            (number, *row.values())
            for number, row in zip(numbers, table.drop_columns("row_number").to_pylist(), strict=True)
        ]
    names = [name for name in extract.columns if name != "diagnosis_code"] + ["diagnosis_code"]
    rows = [{name: str(value) for name, value in zip(["row", *names], row, strict=True)} for row in found]
    assert sorted(
        (row["row"], row["diagnosis_code"], row["service_date"], row["claim_type"]) for row in rows
    ) == [
        ("1", "E119", "2029-01-30", "inpatient"),
        ("1", "I10", "2029-01-30", "inpatient"),
        ("2", "I10", "2029-02-01", "professional"),
        ("2", "Z794", "2029-02-01", "professional"),
    ]
    assert [(row["row_number"], row["column"], row["reason"]) for row in rejects.table().to_pylist()] == [
        (3, "service_date", "service_date_unreadable"),
        (4, "diagnosis_code_1", "icd9_code"),
        (4, "diagnosis_code_2", "icd9_code"),
    ]


@pytest.mark.parametrize(
    ("bill_type", "setting"),
    [("111", "inpatient"), ("0111", "inpatient"), ("181", "inpatient"), ("211", "inpatient"), ("41", "inpatient"),
     ("121", "outpatient"), ("13I", "outpatient"), ("811", "outpatient"), ("1", None), ("", None), (None, None)],
)  # fmt: skip
def test_the_type_of_bill_tells_inpatient_from_outpatient(bill_type: str | None, setting: str | None) -> None:
    table = pa.table(
        {
            "person_id": ["a"] * 3,
            "claim_type": ["institutional", "Professional ", "dental"],
            "bill_type_code": pa.array([bill_type] * 3, pa.string()),
            "diagnosis_code_1": ["I10"] * 3,
        }
    )
    (chunk,) = open_extract(table, "diagnoses", layout="tuva").chunks(["claim_type", "diagnosis_code"])
    assert chunk.read().column("claim_type").to_pylist() == [setting, "professional", None]
