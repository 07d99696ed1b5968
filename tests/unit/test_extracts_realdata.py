"""Data that nobody of this project wrote: counts add up to what a plain reading of the files gives."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.extracts.enrollment import Enrollment, read_enrollment
from riskadj.extracts.open import open_extract, row_numbers
from riskadj.extracts.rejects import Rejects
from riskadj.terms import STATUS_FIELDS

REAL = Path(__file__).parents[3] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="shared/realdata is not beside the project")

YEAR = 2026
WINDOW = (dt.date(2018, 1, 1), dt.date(2018, 12, 31))
FIELDS = (
    "orec",
    "dual",
    "ltimcaid",
    "nemcaid",
    "is_new_enrollee",
    "is_long_term_institutional",
    "is_hospice",
)
TUVA = {
    "demo": ("tuva_demo/eligibility_21635.csv", "tuva_demo/medical_claim.csv"),
    "seed": ("tuva_seed/eligibility_seed.csv", "tuva_seed/medical_claim_seed.csv"),
}


def lines(name: str) -> list[dict[str, str]]:
    with (REAL / name).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read(source: Any, *, layout: str = "tuva", **options: Any) -> tuple[Enrollment, Rejects]:
    rejects = Rejects("write")
    extract = open_extract(source, "enrollment", layout=layout)
    enrollment = read_enrollment(
        extract, payment_year=YEAR, fields=FIELDS, rejects=rejects, coverage_override=WINDOW, **options
    )
    return enrollment, rejects


def first_of(line: dict[str, str], *names: str) -> str:
    return next((line[name] for name in names if line.get(name)), "")


@pytest.mark.parametrize("which", TUVA)
def test_tuva_eligibility(which: str) -> None:
    file = TUVA[which][0]
    enrollment, rejects = read(REAL / file)
    orec_of_status = {"10": "0", "11": "2", "20": "1", "21": "3", "31": "2"}
    used = []
    for number, line in enumerate(lines(file), start=1):
        orec = line.get("original_reason_entitlement_code") or orec_of_status.get(
            line["medicare_status_code"]
        )
        if orec is not None:
            used.append((number, line, orec))
    assert enrollment.row_number.tolist() == [number for number, _, _ in used]
    assert enrollment.rows_read == len(lines(file)) == enrollment.n_rows + len(rejects)
    assert enrollment.member_id.to_pylist() == [
        first_of(line, "person_id", "patient_id") for _, line, _ in used
    ]
    assert [STATUS_FIELDS["orec"][code] for code in enrollment.status["orec"]] == [
        orec for _, _, orec in used
    ]
    full, partial = {"02", "04", "08", "2.0", "4.0"}, {"01", "03", "06", "1.0"}
    levels = [
        "full"
        if line["dual_status_code"] in full
        else "partial"
        if line["dual_status_code"] in partial
        else "none"
        for _, line, _ in used
    ]
    assert [STATUS_FIELDS["dual"][code] for code in enrollment.status["dual"]] == levels
    assert enrollment.months_enrolled.tolist() == [
        sum(
            line["enrollment_start_date"] <= f"2018-{month:02d}-01" <= line["enrollment_end_date"]
            for month in range(1, 13)
        )
        for _, line, _ in used
    ]
    outside = [
        line["enrollment_end_date"] < "2018-01-01" or line["enrollment_start_date"] > "2018-12-31"
        for _, line, _ in used
    ]
    assert enrollment.rows_outside_coverage == sum(outside)


@pytest.mark.parametrize("which", TUVA)
def test_tuva_claims_give_every_diagnosis_once(which: str) -> None:
    file = TUVA[which][1]
    extract = open_extract(REAL / file, "diagnoses", layout="tuva")
    rejects, found = Rejects("write"), Counter[tuple[Any, ...]]()
    for chunk in extract.chunks(["member_id", "diagnosis_code", "service_date", "claim_id"]):
        table = chunk.read(rejects)
        numbers = row_numbers(table, chunk.first_row).tolist()
        columns = [
            table.column(name).to_pylist()
            for name in ("member_id", "diagnosis_code", "service_date", "claim_id")
        ]
        found.update(zip(numbers, *columns, strict=True))
    expected = Counter[tuple[Any, ...]]()
    for number, line in enumerate(lines(file), start=1):
        member = first_of(line, "person_id", "patient_id")
        day = dt.date.fromisoformat(first_of(line, "claim_line_end_date", "claim_end_date"))
        codes = [line[f"diagnosis_code_{k}"] for k in range(1, 26)]
        expected.update((number, member, code, day, line["claim_id"]) for code in codes if code)
    assert found == expected
    assert len(rejects) == 0


def test_members_of_eligibility_and_claims_are_the_same_people() -> None:
    for eligibility, claims in TUVA.values():
        enrollment, _ = read(REAL / eligibility)
        extract = open_extract(REAL / claims, "diagnoses", layout="tuva")
        members = {
            member for chunk in extract.chunks(["member_id"]) for member in chunk.read().column(0).to_pylist()
        }
        missing = members - set(enrollment.member_id.to_pylist())
        assert len(missing) <= 1  # a member whose only span has a medicare_status_code of 0


def idr_enrollment() -> list[dict[str, Any]]:
    """Join beneficiaries, dual status and entitlement reason, one row per beneficiary row, dirt and all."""
    dual = {line["BENE_SK"]: line for line in lines("bfd_idr/SYNTHETIC_BENE_CMBND_DUAL_MDCR.csv")}
    reason = {line["BENE_SK"]: line for line in lines("bfd_idr/SYNTHETIC_BENE_MDCR_ENTLMT_RSN.csv")}
    rows = []
    for line in lines("bfd_idr/old_benes_sandbox.csv"):
        key = line["BENE_SK"]
        rows.append(
            {
                "member_id": key or None,
                "birth_date": line["BENE_BRTH_DT"] or None,
                "sex": line["BENE_SEX_CD"] or None,
                "orec": reason.get(key, {}).get("BENE_MDCR_ENTLMT_RSN_CD"),
                "dual_status_code": dual.get(key, {}).get("BENE_DUAL_STUS_CD"),
                "enrollment_start_date": reason.get(key, {}).get("BENE_RNG_BGN_DT"),
                "enrollment_end_date": reason.get(key, {}).get("BENE_RNG_END_DT"),
            }
        )
    return rows


def idr_fault(row: dict[str, Any], seen: set[Any]) -> str | None:
    """Return the reason why an IDR row cannot be used; `seen` holds the members of the rows before it."""
    good_duals = {"00", "01", "02", "03", "04", "05", "06", "08", "09", "NA", None}
    if row["member_id"] is None:
        return "member_id_missing"
    if row["birth_date"] is None:
        return "birth_date_missing"
    if int(row["birth_date"][:4]) > YEAR:
        return "birth_date_in_future"
    if int(row["birth_date"][:4]) < YEAR - 120:
        return "age_above_120"
    if row["sex"] is None:
        return "sex_missing"
    if row["orec"] is None:
        return "orec_missing"
    if row["dual_status_code"] not in good_duals:
        return "dual_status_code_not_allowed"
    if row["enrollment_start_date"] is None:
        return "span_start_missing"
    if row["enrollment_end_date"] < row["enrollment_start_date"]:
        return "span_end_before_start"
    return "repeat" if row["member_id"] in seen else None


@pytest.mark.parametrize("kind", ["parquet", "memory"])
def test_idr_rows_are_used_or_rejected_with_their_reason(tmp_path: Path, kind: str) -> None:
    rows = idr_enrollment()
    expected, seen = {}, set()
    for number, row in enumerate(rows, start=1):
        reason = idr_fault(row, seen)
        if reason:
            expected[number] = reason
        else:
            seen.add(row["member_id"])
    table = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})
    source: Any = table
    if kind == "parquet":
        source = tmp_path / "enrollment.parquet"
        pq.write_table(table, source, row_group_size=4096)
    enrollment, rejects = read(source, layout="riskadj", threads=2)
    repeats = {"birth_date_conflict", "sex_conflict", "duplicate_span", "overlapping_span"}
    found = {
        row["row_number"]: "repeat" if row["reason"] in repeats else row["reason"]
        for row in rejects.table().to_pylist()
    }
    assert found == expected
    assert enrollment.rows_read == len(rows) == enrollment.n_rows + len(rejects)
    assert np.isin(enrollment.row_number, list(expected)).sum() == 0
    assert set(rejects.counts()) == {
        "birth_date_missing",
        "member_id_missing",
        "dual_status_code_not_allowed",
    }
