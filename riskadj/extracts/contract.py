"""The columns of each extract and their kinds; EXTRACTS.md says who needs each, and what it means.

A kind says which Arrow types are accepted and what a reader makes of them:

======== ================================================= ===========================================
kind     accepted                                          becomes
======== ================================================= ===========================================
id       string, binary, fixed-size binary, whole numbers  string, binary or int64, as given
code     string, whole numbers                             dictionary of string
date     date, timestamp, text, whole numbers (YYYYMMDD)   date32
flag     bool, 0/1, text (Y/N, true/false)                 as given; read by the stage that needs it
integer  whole numbers, text                               as given
number   any number, decimal, text                         as given
======== ================================================= ===========================================

A column of nulls is accepted for every kind; dictionaries count as their values, extension types as their storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

#: Column of an extract -> its kind, in the order of the contract.
ENROLLMENT = {
    "member_id": "id",
    "birth_date": "date",
    "sex": "code",
    "enrollment_start_date": "date",
    "enrollment_end_date": "date",
    "orec": "code",
    "dual_status_code": "code",
    "is_long_term_institutional": "flag",
    "is_new_enrollee": "flag",
    "is_c_snp": "flag",
    "is_pace": "flag",
    "is_hospice": "flag",
    "esrd_status": "code",
    "graft_months": "integer",
    "is_low_income": "flag",
    "part_d_plan_type": "code",
    "age_years": "integer",
    "months_enrolled": "integer",
    "ltimcaid": "flag",
    "nemcaid": "flag",
    "mcaid": "flag",
    "is_esrd": "flag",
    "metal_level": "code",
    "csr_indicator": "code",
    "state": "code",
    "market": "code",
    "rating_area": "code",
    "plan_id": "code",
    "issuer_id": "code",
    "premium_pmpm": "number",
    "rate_pmpm": "number",
    "contract_id": "code",
    "county_code": "code",
}
DIAGNOSES = {
    "member_id": "id",
    "diagnosis_code": "code",
    "service_date": "date",
    "claim_id": "id",
    "provider_id": "id",
    "claim_type": "code",
    "bill_type_code": "code",
    "procedure_code": "code",
    "record_source": "code",
}
DRUGS = {"member_id": "id", "ndc": "code", "hcpcs": "code", "fill_date": "date"}
CLAIMS = {
    "claim_id": "id",
    "claim_line_number": "integer",
    "member_id": "id",
    "service_date": "date",
    "paid_date": "date",
    "service_category": "code",
    "allowed_amount": "number",
    "paid_amount": "number",
    "units": "number",
    "ndc": "code",
    "network_tier": "code",
    "family_id": "id",
}
COSTS = {"member_id": "id", "cost": "number", "months_enrolled": "integer"}
SUSPECTS = {
    "member_id": "id",
    "hcc": "code",
    "diagnosis_code": "code",
    "model_id": "code",
    "reason": "code",
    "probability": "number",
}
RESPONSES = {
    "claim_id": "id",
    "icn": "id",
    "line_number": "code",
    "status": "code",
    "error_code": "code",
    "submission_date": "date",
}
SUBMISSIONS = {"claim_id": "id"}

#: Role of an extract -> its columns.
ROLES: MappingProxyType[str, Mapping[str, str]] = MappingProxyType(
    {
        "enrollment": ENROLLMENT,
        "diagnoses": DIAGNOSES,
        "drugs": DRUGS,
        "claims": CLAIMS,
        "costs": COSTS,
        "suspects": SUSPECTS,
        "removals": DIAGNOSES,
        "responses": RESPONSES,
        "submissions": SUBMISSIONS,
    }
)

#: Columns without which an extract of the role cannot be opened at all.
REQUIRED: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "enrollment": ("member_id", "sex"),
        "diagnoses": ("member_id", "diagnosis_code"),
        "drugs": ("member_id",),
        "claims": ("member_id",),
        "costs": ("member_id", "cost"),
        "suspects": ("member_id",),
        "removals": (),
        "responses": ("claim_id", "status"),
        "submissions": ("claim_id",),
    }
)

#: Name of the column a chunk carries when its rows do not stand one for one in the file.
ROW_NUMBER = "row_number"

#: Names under which other systems keep a column; only used to propose columns={...} in messages.
OTHER_NAMES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "member_id": ("id", "person_id", "patient_id", "bene_id", "mbi", "bene_mbi_id", "hicno", "enrolid"),
        "birth_date": ("dob", "date_of_birth", "birthdate", "bene_birth_dt", "birth_dt", "bday"),
        "sex": ("gender", "sex_code", "bene_sex_cd", "bene_sex_ident_cd"),
        "orec": ("original_reason_entitlement_code", "bene_entlmt_rsn_orig", "bene_mdcr_entlmt_rsn_cd"),
        "dual_status_code": ("dual_status", "dual_code", "dual", "bene_dual_stus_cd"),
        "enrollment_start_date": ("start_date", "effective_date", "eligibility_start", "begin_date"),
        "enrollment_end_date": ("end_date", "termination_date", "eligibility_end"),
        "esrd_status": ("esrd",),
        "part_d_plan_type": ("plan_type",),
        "diagnosis_code": ("icd10", "icd_10", "dx", "dx_code", "diag", "diagnosis", "icd_code", "code", "icd10_code"),
        "service_date": ("through_date", "clm_thru_dt", "date_of_service", "dos", "claim_end_date"),
        "procedure_code": ("hcpcs_code", "cpt", "cpt_code", "hcpcs", "hcpcs_cd"),
        "bill_type_code": ("bill_type", "tob", "type_of_bill"),
        "claim_type": ("clm_type",),
        "ndc": ("ndc_code", "ndc11", "product_service_id"),
        "fill_date": ("dispensing_date", "service_date"),
    }
)  # fmt: skip


def names_of(role: str) -> tuple[str, ...]:
    """Return the canonical column names of an extract of `role`, in the order of the contract."""
    return tuple(ROLES[role])


def stored_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type of the values themselves: of a dictionary its values', of an extension type its storage."""
    if isinstance(arrow_type, pa.BaseExtensionType):
        return stored_type(arrow_type.storage_type)
    if pa.types.is_dictionary(arrow_type):
        return stored_type(arrow_type.value_type)
    return arrow_type


def is_text(arrow_type: pa.DataType) -> bool:
    """Return True for string, large_string and string_view."""
    return (
        pa.types.is_string(arrow_type)
        or pa.types.is_large_string(arrow_type)
        or pa.types.is_string_view(arrow_type)
    )


def is_bytes(arrow_type: pa.DataType) -> bool:
    """Return True for binary, large_binary, binary_view and fixed_size_binary."""
    tests = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(arrow_type) for test in tests)


def is_whole(arrow_type: pa.DataType) -> bool:
    """Return True for integers, and for decimals without a fraction (Snowflake's)."""
    is_decimal = pa.types.is_decimal(arrow_type)
    return pa.types.is_integer(arrow_type) or (is_decimal and arrow_type.scale == 0)


def _is_whole(arrow_type: pa.DataType) -> bool:
    return is_whole(arrow_type) or pa.types.is_floating(arrow_type)


def _accepts_id(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or is_bytes(arrow_type) or _is_whole(arrow_type)


def _accepts_code(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or _is_whole(arrow_type)


def _accepts_date(arrow_type: pa.DataType) -> bool:
    is_date = pa.types.is_date(arrow_type) or pa.types.is_timestamp(arrow_type)
    return is_date or is_text(arrow_type) or is_whole(arrow_type)


def _accepts_flag(arrow_type: pa.DataType) -> bool:
    return pa.types.is_boolean(arrow_type) or is_text(arrow_type) or _is_whole(arrow_type)


def _accepts_number(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or _is_whole(arrow_type) or pa.types.is_decimal(arrow_type)


#: How a date may be written as text; the last two are those of SAS and of Medicare's research files.
DATE_FORMS = "YYYY-MM-DD, YYYYMMDD, M/D/YYYY, DD-Mon-YYYY or DDMonYYYY"

_ACCEPTS = {
    "id": (_accepts_id, "text, binary or whole numbers"),
    "code": (_accepts_code, "text or whole numbers"),
    "date": (_accepts_date, f"dates, timestamps, whole numbers YYYYMMDD, or text as {DATE_FORMS}"),
    "flag": (_accepts_flag, "booleans, 0 and 1, or text"),
    "integer": (_accepts_code, "whole numbers or text"),
    "number": (_accepts_number, "numbers or text"),
}


def accepts(kind: str, arrow_type: pa.DataType) -> bool:
    """Return True if a column of `kind` may have this Arrow type."""
    value_type = stored_type(arrow_type)
    return pa.types.is_null(value_type) or _ACCEPTS[kind][0](value_type)


def accepted_words(kind: str) -> str:
    """Return what a column of `kind` may hold, in words."""
    return _ACCEPTS[kind][1]
