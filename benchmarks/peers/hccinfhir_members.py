"""hccinfhir scores one member at a time, from Python objects: members per second on a sample, under one model.

It is timed twice. From claim lines it filters claims by its own rules and then scores, which is riskadj's work but for
reading and writing; each member's lines of the collection window are collected beforehand. From codes, which are
filtered beforehand too, its time holds scoring alone. It scores by its own tables of the year. A few members differ: of
2025 its tables lack the diagnosis codes that came with the fiscal year and the hierarchy rows of the two highest heart
HCCs, and it gives new enrollees of 64 with an entitlement by age the continuing enrollee's variables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hccinfhir import HCCInFHIR

from benchmarks.peers.tables import Year, read_year
from benchmarks.workload import Workload


@dataclass(frozen=True)
class Member:
    """What hccinfhir is told of one enrollment row."""

    key: tuple[str, date]
    lines: list[dict[str, Any]]
    codes: list[str]
    status: dict[str, Any]


def make_scorer(model_id: str, payment_year: int, *, diagnosis_filter: str) -> HCCInFHIR:
    """Return hccinfhir's own tables of a model and year."""
    return HCCInFHIR(
        filter_claims=diagnosis_filter != "none",
        proc_filtering_filename=f"ra_eligible_cpt_hcpcs_{payment_year}.csv",
        model_name=f"CMS-HCC Model {model_id.rpartition('_')[2].upper()}",
        dx_cc_mapping_filename=f"ra_dx_to_cc_{payment_year}.csv",
        hierarchies_filename=f"ra_hierarchies_{payment_year}.csv",
        coefficients_filename=f"ra_coefficients_{payment_year}.csv",
    )


def score_codes(scorer: HCCInFHIR, member: Member) -> Any:
    """Score a member from the codes that count."""
    return scorer.calculate_from_diagnosis(member.codes, member.status)


def score_lines(scorer: HCCInFHIR, member: Member) -> Any:
    """Score a member from claim lines, filtered by hccinfhir."""
    return scorer.run_from_service_data(member.lines, member.status)


def score_sample(
    scorer: HCCInFHIR, members: Sequence[Member], score: Callable[[HCCInFHIR, Member], Any] = score_codes
) -> tuple[npt.NDArray[np.float64], list[set[str]]]:
    """Return the raw risk scores and the HCCs left of each member."""
    found = [score(scorer, member) for member in members]
    return np.array([item.risk_score for item in found]), [
        {f"HCC{hcc}" for hcc in item.hcc_list} for item in found
    ]


def seconds_of_sample(
    scorer: HCCInFHIR, members: Sequence[Member], score: Callable[[HCCInFHIR, Member], Any]
) -> float:
    """Return the seconds that scoring the sample takes."""
    begin = time.perf_counter()
    for member in members:
        score(scorer, member)
    return time.perf_counter() - begin


def read_sample(work: Workload, keys: Sequence[tuple[str, date]]) -> list[Member]:
    """Return the members of a sample of enrollment rows with the codes that count."""
    year = read_year(work)
    ids = pa.array([member_id for member_id, _ in keys], pa.string())
    with pq.ParquetFile(work.enrollment) as file:
        enrollment = file.read()
    rows = enrollment.filter(pc.is_in(enrollment["member_id"], ids)).to_pylist()
    of_key = {(row["member_id"], row["enrollment_start_date"]): row for row in rows}
    rows_of = rows_of_members(work, year, ids)
    return [
        Member(
            key,
            [line_of(row) for row in rows_of.get(key[0], ())],
            sorted({code_of(row) for row in rows_of.get(key[0], ()) if counts(work, year, row)}),
            status_of(of_key[key], year.numbers.age_as_of),
        )
        for key in keys
    ]


def rows_of_members(work: Workload, year: Year, ids: pa.Array) -> dict[str, list[dict[str, Any]]]:
    """Return the diagnosis rows of the collection window, by member."""
    result: dict[str, list[dict[str, Any]]] = {}
    first, last = year.numbers.collection
    with pq.ParquetFile(work.diagnoses) as file:
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group, columns=list(work.diagnosis_columns))
            for row in table.filter(pc.is_in(table["member_id"], ids)).to_pylist():
                if first <= row["service_date"] <= last:
                    result.setdefault(row["member_id"], []).append(row)
    return result


def code_of(row: dict[str, Any]) -> str:
    """Return the diagnosis code of a row, cleaned."""
    code: str = row["diagnosis_code"].replace(".", "").replace(" ", "").upper()
    return code


def line_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a claim line in hccinfhir's words; a professional claim has no bill type."""
    bill = row.get("bill_type_code") or ""
    return {
        "claim_diagnosis_codes": [code_of(row)],
        "claim_type": row.get("claim_type"),
        "facility_type": bill[:1] or None,
        "service_type": bill[1:2] or None,
        "procedure_code": row.get("procedure_code"),
        "service_date": row["service_date"].isoformat(),
    }


def counts(work: Workload, year: Year, row: dict[str, Any]) -> bool:
    """Return True if the claim filter lets a row count."""
    if work.diagnosis_filter == "none":
        return True
    if row.get("record_source") in year.numbers.excluded_sources:
        return False
    return any(
        row["claim_type"] == claim_type
        and (not bill_types or (row["bill_type_code"] or "")[:2] in bill_types)
        and (not needs_procedure or row["procedure_code"] in year.procedure_set)
        for claim_type, bill_types, needs_procedure in year.claim_rules
    )


def status_of(row: dict[str, Any], day: date) -> dict[str, Any]:
    """Return an enrollment row in hccinfhir's words."""
    birth = row["birth_date"]
    return {
        "age": max(day.year - birth.year - ((birth.month, birth.day) > (day.month, day.day)), 0),
        "sex": row["sex"],
        "dual_elgbl_cd": row["dual_status_code"] or "NA",
        "orec": row["orec"],
        "new_enrollee": row["is_new_enrollee"],
        "snp": row["is_c_snp"],
        "lti": row["is_long_term_institutional"],
    }
