"""Tuva's input layer as it stands: eligibility to enrollment, medical_claim (wide) to diagnoses.

Takes the layer of 2023 and the newest one (columns that are not there are left out). Meanings are those of Tuva's data
dictionary; a column whose meaning for payment is not sure is left out, and a note says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import from_numpy, from_strings, is_valid, values_of
from riskadj.extracts.normalise import as_codes, unwrapped
from riskadj.extracts.parts import Part
from riskadj.extracts.readings import Origin, Reading, in_lower_case
from riskadj.extracts.status import clean
from riskadj.terms import CLAIM_TYPES

#: The first of these that is there and not empty identifies the member.
ID_COLUMNS = ("person_id", "patient_id", "member_id")

#: The first of these that is there and not empty is the date of a claim line (medical, then pharmacy).
SERVICE_DATES = ("claim_line_start_date", "claim_start_date", "dispensing_date")

#: Medicare status code (how the beneficiary qualifies now) -> original reason for entitlement. 10 aged, 11 aged with
#: ESRD, 20 disabled, 21 disabled with ESRD, 31 ESRD only.
OREC_OF_STATUS = MappingProxyType({"10": "0", "11": "2", "20": "1", "21": "3", "31": "2"})
ESRD_OF_STATUS = MappingProxyType({"10": "0", "11": "1", "20": "0", "21": "1", "31": "1"})

#: First two digits of the type of bill of an inpatient stay: hospital, swing bed, skilled nursing, religious
#: non-medical. 12 (inpatient services under Part B) counts as outpatient, as in CMS's diagnosis filter, and so does
#: every other institutional bill.
INPATIENT_BILLS = frozenset({"11", "18", "21", "41"})

#: Canonical enrollment columns that Tuva has under its own name.
_RENAMED = MappingProxyType(
    {
        "birth_date": ("birth_date",),
        "sex": ("sex", "gender"),
        "enrollment_start_date": ("enrollment_start_date",),
        "enrollment_end_date": ("enrollment_end_date",),
        "dual_status_code": ("dual_status_code",),
        "is_hospice": ("hospice_flag",),
        "ltimcaid": ("medicaid_indicator",),
        "nemcaid": ("medicaid_indicator",),
        "mcaid": ("medicaid_indicator",),
        "is_low_income": ("low_income_subsidy_indicator",),
        "graft_months": ("transplant_duration_months",),
        "metal_level": ("metal_level",),
        "csr_indicator": ("csr_indicator",),
    }
)

_LEFT_OUT = MappingProxyType(
    {
        "part_d_raf_type": "its codes are not those of part_d_plan_type",
        "enrollment_duration_months": "it counts the member's year, not the row",
    }
)

_NO_TYPE, _INSTITUTIONAL = len(CLAIM_TYPES), len(CLAIM_TYPES) + 1
_KIND_OF = MappingProxyType(
    {"professional": CLAIM_TYPES.index("professional"), "institutional": _INSTITUTIONAL}
)
_ICD9 = frozenset({"icd-9-cm", "icd-9", "icd9", "icd9cm", "icd9-cm"})


def plan(part: Part, role: str, given: frozenset[str]) -> Reading:
    """Return how an eligibility or medical_claim file is read; columns `given` by the caller are left to it.

    Raises
    ------
    ExtractError
        If the layer has no such extract.
    """
    header = in_lower_case(part)
    id_column = None if "member_id" in given else _id_column(part, header)
    if role == "enrollment":
        reading = _eligibility(part, header)
    elif role == "diagnoses":
        reading = _medical_claim(header)
    elif role == "claims":
        reading = _costs(part, header)
    else:
        raise ExtractError(f"layout='tuva' has no {role} extract; it has: enrollment, diagnoses, claims.")
    if id_column is None:
        return reading
    note = f"{role}: member_id is {id_column} of {part.label}"
    origins = {"member_id": Origin((id_column,)), **reading.origins}
    return Reading(origins, (note, *reading.notes), reading.diagnosis_columns, reading.code_type_column)


def _costs(part: Part, header: Mapping[str, str]) -> Reading:
    """Return how medical_claim or pharmacy_claim is read as claim lines; a line's own date comes before its claim's."""
    names = ("claim_id", "claim_line_number", "paid_date", "allowed_amount", "paid_amount")
    origins = {name: Origin((header[name],)) for name in names if name in header}
    dates = [header[name] for name in SERVICE_DATES if name in header]
    if not dates:
        return Reading(origins)
    used = next((theirs for theirs in dates if has_values(part, theirs)), dates[0])
    return Reading(
        {**origins, "service_date": Origin((used,))}, (f"claims: service_date is {used} of {part.label}",)
    )


def _id_column(part: Part, header: Mapping[str, str]) -> str | None:
    present = [header[name] for name in ID_COLUMNS if name in header]
    return next((theirs for theirs in present if has_values(part, theirs)), present[0] if present else None)


def has_values(part: Part, name: str) -> bool:
    """Return True if any row of `name` has a value; reads no further than the first one, and streams not at all."""
    if part.is_read_once:
        return True
    for raw in part.chunks([name], frozenset({name})):
        column = raw.read().column(name)
        if pa.types.is_temporal(column.type):
            if column.null_count < len(column):
                return True
            continue
        codes = as_codes(column, label=part.label, name=name)
        is_blank = np.array([not (text or "").strip() for text in codes.dictionary.to_pylist()] or [True])
        if not is_blank[values_of(codes.indices)[is_valid(codes)]].all():
            return True
    return False


def _eligibility(part: Part, header: Mapping[str, str]) -> Reading:
    origins = {}
    for name, others in _RENAMED.items():
        theirs = next((header[other] for other in others if other in header), None)
        if theirs is not None:
            origins[name] = Origin((theirs,))
    notes = [_orec(header, origins)]
    _statuses(header, origins)
    if "is_long_term_institutional" in origins:
        notes.append(
            "long_term_institutional_flag (30 days in Tuva's dictionary) is taken as long-term institutional"
        )
    if "enrollment_status" in header:
        notes.append(
            "enrollment_status New and Institutional are used; ESRD is not, as it names no ESRD segment"
        )
    notes.append(
        "esrd_status is none for every row: the layer does not tell dialysis, transplant and graft apart"
    )
    for name, why in _LEFT_OUT.items():
        if name in header and has_values(part, header[name]):
            notes.append(f"{name} is left out: {why}")
    return Reading(origins, tuple(note for note in notes if note))


def _orec(header: Mapping[str, str], origins: dict[str, Origin]) -> str:
    original, status = header.get("original_reason_entitlement_code"), header.get("medicare_status_code")
    if original and status:
        origins["orec"] = Origin(
            (original, status), lambda a, b: first_given(recoded(a), recoded(b, OREC_OF_STATUS))
        )
        where = "where original_reason_entitlement_code is blank"
    elif status:
        origins["orec"] = Origin((status,), lambda a: recoded(a, OREC_OF_STATUS))
        where = "for every row, as original_reason_entitlement_code is absent"
    else:
        if original:
            origins["orec"] = Origin((original,))
        return ""
    return (
        f"orec is taken from medicare_status_code {where}: aged members who were once disabled cannot be told"
    )


def _statuses(header: Mapping[str, str], origins: dict[str, Origin]) -> None:
    """Add what enrollment_status, snp_type, esrd_status and medicare_status_code imply."""
    status, institutional = header.get("enrollment_status"), header.get("long_term_institutional_flag")
    if status:
        origins["is_new_enrollee"] = Origin((status,), lambda a: recoded(a, {"new": "1"}))
    if institutional and status:
        origins["is_long_term_institutional"] = Origin(
            (status, institutional), lambda a, b: first_given(recoded(a, {"institutional": "1"}), recoded(b))
        )
    elif institutional:
        origins["is_long_term_institutional"] = Origin((institutional,))
    if "snp_type" in header:
        origins["is_c_snp"] = Origin((header["snp_type"],), lambda a: recoded(a, {"c-snp": "1"}))
    esrd, medicare = header.get("esrd_status"), header.get("medicare_status_code")
    if esrd and medicare:
        origins["is_esrd"] = Origin(
            (esrd, medicare), lambda a, b: first_given(recoded(a), recoded(b, ESRD_OF_STATUS))
        )
    elif esrd or medicare:
        theirs, meaning = (esrd, None) if esrd else (medicare, ESRD_OF_STATUS)
        origins["is_esrd"] = Origin((str(theirs),), lambda a: recoded(a, meaning))


def _medical_claim(header: Mapping[str, str]) -> Reading:
    origins = {}
    for name, theirs in (
        ("claim_id", "claim_id"),
        ("bill_type_code", "bill_type_code"),
        ("procedure_code", "hcpcs_code"),
    ):
        if theirs in header:
            origins[name] = Origin((header[theirs],))
    dates = tuple(header[name] for name in ("claim_line_end_date", "claim_end_date") if name in header)
    if dates:
        origins["service_date"] = Origin(dates, first_given)
    if "claim_type" in header and "bill_type_code" in header:
        origins["claim_type"] = Origin((header["claim_type"], header["bill_type_code"]), claim_types)
    wide = [
        name
        for name in header
        if name.startswith("diagnosis_code_") and name.removeprefix("diagnosis_code_").isdigit()
    ]
    note = "diagnoses whose diagnosis_code_type is not icd-9-cm are read as ICD-10-CM"
    return Reading(origins, (note,), tuple(header[name] for name in wide), header.get("diagnosis_code_type"))


def first_given(*columns: pa.Array) -> pa.Array:
    """Return, row by row, the first of `columns` that is not null."""
    plain = [_decoded(column) for column in columns]
    if len({column.type for column in plain}) > 1:
        plain = [column.cast(pa.string()) for column in plain]
    return pc.coalesce(*plain)


def _decoded(column: pa.Array) -> pa.Array:
    array = unwrapped(column)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def recoded(column: pa.Array, meaning: Mapping[str, str] | None = None) -> pa.DictionaryArray:
    """Return codes translated by `meaning` (cleaned spelling -> code, others null), or as they are; blanks null."""
    codes = as_codes(column, label="eligibility", name="status")
    words = [clean(text or "") for text in codes.dictionary.to_pylist()]
    translated = words if meaning is None else [meaning.get(word, "") for word in words]
    keeps = np.array([bool(word) for word in translated] + [False])
    entry = np.where(is_valid(codes), values_of(codes.indices), np.int32(len(words)))
    indices = from_numpy(entry.astype(np.int32), pa.int32(), valid=keeps[entry])
    return pa.DictionaryArray.from_arrays(indices, from_strings([*translated, ""]))


def claim_types(claim_type: pa.Array, bill_type: pa.Array) -> pa.DictionaryArray:
    """Return professional, inpatient or outpatient; null for other claims and institutional ones without a bill."""
    kinds = as_codes(claim_type, label="medical_claim", name="claim_type")
    bills = as_codes(bill_type, label="medical_claim", name="bill_type_code")
    kind = _spread(
        kinds, [_KIND_OF.get(clean(text or ""), _NO_TYPE) for text in kinds.dictionary.to_pylist()]
    )
    setting = _spread(bills, [_setting(text or "") for text in bills.dictionary.to_pylist()])
    position = np.where(kind == _INSTITUTIONAL, setting, kind)
    indices = from_numpy(position, pa.int32(), valid=position != _NO_TYPE)
    return pa.DictionaryArray.from_arrays(indices, from_strings(CLAIM_TYPES))


def _spread(codes: pa.DictionaryArray, values: list[int]) -> np.ndarray:
    """Return the value of each row's entry; _NO_TYPE for null."""
    entry = np.where(is_valid(codes), values_of(codes.indices), np.int32(len(values)))
    return np.array([*values, _NO_TYPE], dtype=np.int32)[entry]


def _setting(bill_type: str) -> int:
    """Return the position of inpatient or outpatient, or _NO_TYPE; a leading zero does not matter."""
    digits = bill_type.strip().lstrip("0")[:2]
    if len(digits) < 2:
        return _NO_TYPE
    return CLAIM_TYPES.index("inpatient" if digits in INPATIENT_BILLS else "outpatient")


def is_icd9(word: str) -> bool:
    """Return True if a diagnosis_code_type means ICD-9-CM."""
    return clean(word) in _ICD9
