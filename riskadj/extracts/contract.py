"""The columns of each extract: name, kind, who needs it, what it means. EXTRACTS.md is this table in prose.

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

from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of an extract."""

    name: str
    kind: str
    needed_by: str
    meaning: str


def _columns(*rows: tuple[str, str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


ENROLLMENT = _columns(
    ("member_id", "id", "all", "member"),
    ("birth_date", "date", "all, unless age_years is given", "date of birth"),
    ("sex", "code", "all", "M, F (also 1, 2, male, female)"),
    ("enrollment_start_date", "date", "optional", "first day of the span; absent: the whole year"),
    ("enrollment_end_date", "date", "optional", "last day of the span; null: open"),
    ("orec", "code", "Medicare", "original reason for entitlement, 0 to 3"),
    ("dual_status_code", "code", "Medicare", "00 to 06, 08, 09, NA; null = not dual"),
    (
        "is_long_term_institutional",
        "flag",
        "Medicare, default false",
        "long-term institutional in the months of the row",
    ),
    (
        "is_new_enrollee",
        "flag",
        "Medicare, default false",
        "less than 12 months of Part B in the collection year",
    ),
    ("is_c_snp", "flag", "Medicare, default false", "in a chronic-condition special needs plan"),
    ("is_pace", "flag", "Medicare, default false", "in a PACE organization"),
    ("is_hospice", "flag", "Medicare, default false", "hospice in the months of the row"),
    ("esrd_status", "code", "Medicare, default none", "none, dialysis, transplant_1, _2, _3, graft"),
    ("graft_months", "integer", "Medicare graft", "months since transplant"),
    ("is_low_income", "flag", "Part D, default false", "low-income subsidy"),
    ("part_d_plan_type", "code", "Part D", "mapd, pdp"),
    ("age_years", "integer", "instead of birth_date", "age in whole years"),
    ("months_enrolled", "integer", "optional", "months, 0 to 12; overrides the dates"),
    ("ltimcaid", "flag", "optional", "Medicaid in an institutional month; overrides dual_status_code"),
    ("nemcaid", "flag", "optional", "Medicaid of a new enrollee; overrides dual_status_code"),
    ("mcaid", "flag", "optional", "Medicaid; overrides dual_status_code"),
    ("is_esrd", "flag", "optional", "ESRD; overrides esrd_status"),
    ("metal_level", "code", "ACA", "platinum, gold, silver, bronze, catastrophic"),
    ("csr_indicator", "code", "ACA", "cost-sharing reduction variant; 0 or null = none"),
    ("state", "code", "ACA", "state"),
    ("market", "code", "ACA", "market"),
    ("rating_area", "code", "ACA", "rating area"),
    ("plan_id", "code", "ACA, pricing", "plan"),
    ("issuer_id", "code", "ACA", "issuer"),
    ("premium_pmpm", "number", "ACA", "premium per member per month"),
    ("rate_pmpm", "number", "optional", "payment per month at a payment risk score of 1.000 [dollars]"),
    ("contract_id", "code", "pricing", "contract"),
    ("county_code", "code", "pricing", "county"),
)

DIAGNOSES = _columns(
    ("member_id", "id", "all", "member"),
    ("diagnosis_code", "code", "all", "ICD-10-CM; dots, case and blanks do not matter"),
    ("service_date", "date", "optional", "through date"),
    ("claim_id", "id", "optional", "claim"),
    ("provider_id", "id", "optional", "provider who gave the diagnosis"),
    ("claim_type", "code", "diagnosis_filter cms", "inpatient, outpatient, professional"),
    ("bill_type_code", "code", "diagnosis_filter cms", "type of bill"),
    ("procedure_code", "code", "diagnosis_filter cms", "CPT or HCPCS"),
    (
        "record_source",
        "code",
        "diagnosis_filter cms",
        "encounter, chart_review_linked, chart_review_unlinked",
    ),
)

DRUGS = _columns(
    ("member_id", "id", "all", "member"),
    ("ndc", "code", "ndc or hcpcs", "national drug code"),
    ("hcpcs", "code", "ndc or hcpcs", "HCPCS code of the drug"),
    ("fill_date", "date", "optional", "date of fill or service"),
)

CLAIMS = _columns(
    ("claim_id", "id", "pricing", "claim"),
    ("claim_line_number", "integer", "pricing", "line"),
    ("member_id", "id", "pricing", "member"),
    ("service_date", "date", "pricing", "date of service"),
    ("paid_date", "date", "pricing", "date of payment"),
    ("service_category", "code", "pricing", "service category"),
    ("allowed_amount", "number", "pricing", "allowed amount"),
    ("paid_amount", "number", "pricing", "paid amount"),
    ("units", "number", "pricing", "units"),
    ("ndc", "code", "pricing", "national drug code"),
    ("network_tier", "code", "pricing", "network tier"),
    ("family_id", "id", "pricing", "family"),
)

COSTS = _columns(
    ("member_id", "id", "calibration", "member"),
    ("cost", "number", "calibration", "total cost of the member in the months that count"),
    ("months_enrolled", "integer", "optional", "months of those costs, 0 to 12; instead of the enrollment's"),
)

SUSPECTS = _columns(
    ("member_id", "id", "gaps", "member"),
    ("hcc", "code", "hcc or diagnosis_code", "suspected condition, as the labels of the models write it"),
    ("diagnosis_code", "code", "hcc or diagnosis_code", "suspected diagnosis"),
    (
        "model_id",
        "code",
        "optional",
        "model whose HCC it is; absent: every model that has an HCC of that name",
    ),
    ("reason", "code", "optional", "why it is suspected"),
    ("probability", "number", "optional", "chance that it is confirmed, 0 to 1"),
)

RESPONSES = _columns(
    ("claim_id", "id", "encounters", "claim, as the diagnoses name it"),
    ("icn", "id", "optional", "number that CMS gave the encounter, as MAO-004 names it"),
    ("line_number", "code", "optional", "line; 0 or blank: the encounter as a whole"),
    ("status", "code", "encounters", "accepted, rejected"),
    ("error_code", "code", "optional", "why it was rejected"),
    ("submission_date", "date", "optional", "day of the submission that is answered"),
)

SUBMISSIONS = _columns(("claim_id", "id", "encounters", "claim that was submitted, as the diagnoses name it"))

#: Role of an extract -> its columns.
ROLES: MappingProxyType[str, tuple[Column, ...]] = MappingProxyType(
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


def column_of(role: str, name: str) -> Column | None:
    """Return the column `name` of an extract of `role`, or None."""
    return next((column for column in ROLES[role] if column.name == name), None)


def names_of(role: str) -> tuple[str, ...]:
    """Return the canonical column names of an extract of `role`, in the order of the contract."""
    return tuple(column.name for column in ROLES[role])


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


def _is_whole(arrow_type: pa.DataType) -> bool:
    is_decimal = pa.types.is_decimal(arrow_type)
    return (
        pa.types.is_integer(arrow_type)
        or pa.types.is_floating(arrow_type)
        or (is_decimal and arrow_type.scale == 0)
    )


def _accepts_id(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or is_bytes(arrow_type) or _is_whole(arrow_type)


def _accepts_code(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or _is_whole(arrow_type)


def _accepts_date(arrow_type: pa.DataType) -> bool:
    is_date = pa.types.is_date(arrow_type) or pa.types.is_timestamp(arrow_type)
    return is_date or is_text(arrow_type) or pa.types.is_integer(arrow_type)


def _accepts_flag(arrow_type: pa.DataType) -> bool:
    return pa.types.is_boolean(arrow_type) or is_text(arrow_type) or _is_whole(arrow_type)


def _accepts_number(arrow_type: pa.DataType) -> bool:
    return is_text(arrow_type) or _is_whole(arrow_type) or pa.types.is_decimal(arrow_type)


#: How a date may be written as text; the last two are those of SAS and of Medicare's research files.
DATE_FORMS = "YYYY-MM-DD, YYYYMMDD, M/D/YYYY, DD-Mon-YYYY or DDMonYYYY"

_ACCEPTS = {
    "id": (_accepts_id, "text, binary or whole numbers"),
    "code": (_accepts_code, "text or whole numbers"),
    "date": (_accepts_date, f"dates, timestamps, or text as {DATE_FORMS}"),
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
