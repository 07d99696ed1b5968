"""Status variables and segments of Medicare Part C models, read from the names that CMS gives its variables.

CMS publishes relative factors by variable name; what a name means (age bands, original reason for
entitlement, Medicaid) is in the text of its programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from riskadj.errors import TableError
from riskadj.tables.importers.cells import (
    AGED,
    AGED_FROM,
    BAND,
    NOT_AGED,
    Row,
    band,
    continuing_rows,
    new_enrollee_rows,
)
from riskadj.tables.importers.conditions import variable_order
from riskadj.tables.importers.family import Family

#: Relative-factor columns of CMS's packages and the segment each one prices.
SEGMENT_OF_COLUMN = {
    "COMMUNITY_NA": "CNA", "COMMUNITY_PBA": "CPA", "COMMUNITY_FBA": "CFA",
    "COMMUNITY_ND": "CND", "COMMUNITY_PBD": "CPD", "COMMUNITY_FBD": "CFD",
    "INSTITUTIONAL": "INS", "NE": "NE", "NE_SNP": "SNPNE",
}  # fmt: skip
SEGMENTS = tuple(SEGMENT_OF_COLUMN.values())

_DUAL_OF_LETTER = {"N": "none", "P": "partial", "F": "full"}
_NEW_ENROLLEE = re.compile(rf"(N?)MCAID_(N?)ORIGDIS_NE([FM]){BAND}")
_COUNT = re.compile(r"D([0-9]{1,3})(P?)")
_NAMED: dict[str, Row] = {
    "DISABL": {**NOT_AGED, "orec": "1|2|3"},
    "NonAged": NOT_AGED,
    "ORIGDS": {**AGED, "orec": "1"},
    "ORIGDIS": {**AGED, "orec": "1"},
    "OriginallyDisabled_Female": {"sex": "F", **AGED, "orec": "1"},
    "OriginallyDisabled_Male": {"sex": "M", **AGED, "orec": "1"},
    "LTIMCAID": {"ltimcaid": "1"},
}


def demographic_rows(variable: str) -> list[Row]:
    """Rows of the demographics table that turn a variable on; empty if the name is not a demographic one."""
    if variable in _NAMED:
        return [{"variable": variable, **_NAMED[variable]}]
    if match := _NEW_ENROLLEE.fullmatch(variable):
        not_medicaid, not_disabled, sex, low, high = match.groups()
        if not not_disabled and int(low) < AGED_FROM:
            raise TableError(f"variable {variable}: originally disabled cells start at age {AGED_FROM}.")
        return new_enrollee_rows(
            variable,
            sex,
            band(low, high),
            disabled=not not_disabled,
            nemcaid="0" if not_medicaid else "1",
        )
    return continuing_rows(variable)


def demographics(variables: Iterable[str]) -> list[Row]:
    """The demographics table of the demographic names among `variables`, in their order."""
    return FAMILY.demographics(variables)


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
    return {
        "segment": name, "is_new_enrollee": "0", "is_long_term_institutional": "0",
        "dual": _DUAL_OF_LETTER[name[1]], **(AGED if name[2] == "A" else NOT_AGED),
    }  # fmt: skip


FAMILY = Family(
    name="Medicare Part C",
    hcc_prefix="HCC",
    columns={column: (segment,) for column, segment in SEGMENT_OF_COLUMN.items()},
    factor_columns=SEGMENTS,
    segments=segments,
    demographic_rows=demographic_rows,
    counts=counts,
)
