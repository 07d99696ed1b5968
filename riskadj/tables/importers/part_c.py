"""Status variables and segments of Medicare Part C models, read from the names that CMS gives its variables.

CMS publishes relative factors by variable name; what a name means (age bands, original reason for
entitlement, Medicaid) is in the text of its programs: completed years on the age date, `orec` 1 is
disability, and a new enrollee aged 64 whose entitlement is by age (`orec` 0) counts as 65.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from riskadj.errors import TableError
from riskadj.tables.importers.conditions import AgeRange, variable_order

Row = dict[str, str]

#: Relative-factor columns of CMS's packages and the segment each one prices.
SEGMENT_OF_COLUMN = {
    "COMMUNITY_NA": "CNA", "COMMUNITY_PBA": "CPA", "COMMUNITY_FBA": "CFA",
    "COMMUNITY_ND": "CND", "COMMUNITY_PBD": "CPD", "COMMUNITY_FBD": "CFD",
    "INSTITUTIONAL": "INS", "NE": "NE", "NE_SNP": "SNPNE",
}  # fmt: skip
SEGMENTS = tuple(SEGMENT_OF_COLUMN.values())

AGED_FROM = 65
_DUAL_OF_LETTER = {"N": "none", "P": "partial", "F": "full"}
_CONTINUING = re.compile(r"([FM])(\d+)_(\d+|GT)")
_NEW_ENROLLEE = re.compile(r"(N?)MCAID_(N?)ORIGDIS_NE([FM])(\d+)(?:_(\d+|GT))?")
_COUNT = re.compile(r"D(\d+)(P?)")
_NAMED: dict[str, Row] = {
    "DISABL": {"age_max": str(AGED_FROM - 1), "orec": "1|2|3"},
    "NonAged": {"age_max": str(AGED_FROM - 1)},
    "ORIGDS": {"age_min": str(AGED_FROM), "orec": "1"},
    "ORIGDIS": {"age_min": str(AGED_FROM), "orec": "1"},
    "OriginallyDisabled_Female": {"sex": "F", "age_min": str(AGED_FROM), "orec": "1"},
    "OriginallyDisabled_Male": {"sex": "M", "age_min": str(AGED_FROM), "orec": "1"},
    "LTIMCAID": {"ltimcaid": "1"},
}


def demographic_rows(variable: str) -> list[Row]:
    """Rows of the demographics table that turn a variable on; empty if the name is not a demographic one."""
    if variable in _NAMED:
        return [{"variable": variable, **_NAMED[variable]}]
    if match := _CONTINUING.fullmatch(variable):
        sex, low, high = match.groups()
        return [_demographic(variable, sex, _band(low, high))]
    if match := _NEW_ENROLLEE.fullmatch(variable):
        not_medicaid, not_disabled, sex, low, high = match.groups()
        return _new_enrollee_rows(
            variable, bool(not_medicaid), bool(not_disabled), sex, _band(low, high or low)
        )
    return []


def _band(low: str, high: str) -> AgeRange:
    return AgeRange(int(low), None if high == "GT" else int(high))


def _demographic(variable: str, sex: str, age: AgeRange, **status: str) -> Row:
    age_min, age_max = age.cells
    return {"variable": variable, "sex": sex, "age_min": age_min, "age_max": age_max, **status}


def _new_enrollee_rows(
    variable: str, not_medicaid: bool, not_disabled: bool, sex: str, age: AgeRange
) -> list[Row]:
    """Originally disabled means 65 or more with orec 1; at 64 an entitlement by age (orec 0) counts as 65."""
    nemcaid = "0" if not_medicaid else "1"
    if not not_disabled:
        if age.low < AGED_FROM:
            raise TableError(f"variable {variable}: originally disabled cells start at age {AGED_FROM}.")
        return [_demographic(variable, sex, age, orec="1", nemcaid=nemcaid)]
    if age.high is not None and age.high < AGED_FROM - 1:
        return [_demographic(variable, sex, age, nemcaid=nemcaid)]
    if age.high == AGED_FROM - 1:
        return [
            _demographic(variable, sex, AgeRange(age.low, AGED_FROM - 2), nemcaid=nemcaid),
            _demographic(
                variable, sex, AgeRange(AGED_FROM - 1, AGED_FROM - 1), orec="1|2|3", nemcaid=nemcaid
            ),
        ]
    rows = [_demographic(variable, sex, age, orec="0|2|3", nemcaid=nemcaid)]
    if age.low == AGED_FROM:
        rows.append(
            _demographic(variable, sex, AgeRange(AGED_FROM - 1, AGED_FROM - 1), orec="0", nemcaid=nemcaid)
        )
    return rows


def demographics(variables: Iterable[str]) -> list[Row]:
    """The demographics table of the demographic names among `variables`, in their order."""
    return [row for variable in dict.fromkeys(variables) for row in demographic_rows(variable)]


def counts(variables: Iterable[str]) -> list[Row]:
    """The counts table of the payment-HCC count names (D3: exactly 3; D10P: 10 or more) among `variables`."""
    rows = []
    for variable in sorted((v for v in set(variables) if _COUNT.fullmatch(v)), key=variable_order):
        match = _COUNT.fullmatch(variable)
        assert match is not None
        rows.append({"variable": variable, "hccs_min": match[1], "hccs_max": "" if match[2] else match[1]})
    return rows


def segments(names: Iterable[str]) -> list[Row]:
    """The segments table of the named Part C segments; one of the nine fits each member status.

    Raises
    ------
    TableError
        If a name is none of `SEGMENTS`.
    """
    return [_segment(name) for name in names]


def _segment(name: str) -> Row:
    if name in ("NE", "SNPNE"):
        return {"segment": name, "is_new_enrollee": "1", "is_c_snp": "1" if name == "SNPNE" else "0"}
    if name == "INS":
        return {"segment": name, "is_new_enrollee": "0", "is_long_term_institutional": "1"}
    if name not in SEGMENTS:
        raise TableError(f"segment {name!r} is not one of Medicare Part C; known: {', '.join(SEGMENTS)}.")
    age = AgeRange(AGED_FROM) if name[2] == "A" else AgeRange(0, AGED_FROM - 1)
    age_min, age_max = age.cells
    return {
        "segment": name, "is_new_enrollee": "0", "is_long_term_institutional": "0",
        "dual": _DUAL_OF_LETTER[name[1]], "age_min": age_min, "age_max": age_max,
    }  # fmt: skip
