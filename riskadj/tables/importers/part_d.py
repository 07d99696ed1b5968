"""Status variables and segments of Medicare Part D models, read from the names that CMS gives its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from riskadj.tables.importers.cells import (
    AGED,
    BAND,
    NOT_AGED,
    Row,
    band,
    continuing_rows,
    new_enrollee_rows,
)
from riskadj.tables.importers.family import Family

#: Relative-factor columns of CMS's packages and the segment each one prices.
SEGMENT_OF_COLUMN = {
    "CE_NonLow_Aged": "CE_NonLow_Aged", "CE_NonLow_NonAged": "CE_NonLow_NonAged",
    "CE_Low_Aged": "CE_Low_Aged", "CE_Low_NonAged": "CE_Low_NonAged", "CE_LTI": "CE_LTI",
    "NE_NonLow_Community": "NE_NonLow", "NE_Low_Community": "NE_Low", "NE_LTI": "NE_LTI",
}  # fmt: skip

_NEW_ENROLLEE = re.compile(rf"(N?)ESRD_(N?)ORIGDIS_X_([FM]){BAND}")
_NONAGED = re.compile(r"(NONAGED)_(RXHCC\d+)")
_NAMED: dict[str, Row] = {
    "NONAGED": NOT_AGED,
    "M65OD": {"sex": "M", **AGED, "orec": "1"},
    "F65OD": {"sex": "F", **AGED, "orec": "1"},
    "OD65": {**AGED, "orec": "1"},
}


def demographic_rows(variable: str) -> list[Row]:
    """Rows of the demographics table that turn a variable on; empty if the name is not a demographic one."""
    if variable in _NAMED:
        return [{"variable": variable, **_NAMED[variable]}]
    if match := _NEW_ENROLLEE.fullmatch(variable):
        not_esrd, not_disabled, sex, low, high = match.groups()
        return new_enrollee_rows(
            variable, sex, band(low, high), disabled=not not_disabled, is_esrd="0" if not_esrd else "1"
        )
    return continuing_rows(variable)


def interactions(variables: Iterable[str]) -> list[Row]:
    """Terms of the interactions of being under 65 with a category, which CMS names but prints in no table."""
    matches = [match for variable in dict.fromkeys(variables) if (match := _NONAGED.fullmatch(variable))]
    return [{"interaction": match[0], "term": term} for match in matches for term in match.groups()]


def segments(names: Iterable[str]) -> list[Row]:
    """The segments table of the named Part D segments; one of the eight fits each member status."""
    return [_segment(name) for name in names]


def _segment(name: str) -> Row:
    enrollee, status, *age = name.split("_")
    row = {
        "segment": name,
        "is_new_enrollee": "1" if enrollee == "NE" else "0",
        "is_long_term_institutional": "1" if status == "LTI" else "0",
    }
    if status != "LTI":
        row["is_low_income"] = "1" if status == "Low" else "0"
    if age:
        row |= AGED if age == ["Aged"] else NOT_AGED
    return row


FAMILY = Family(
    name="Medicare Part D",
    hcc_prefix="RXHCC",
    columns={column: (segment,) for column, segment in SEGMENT_OF_COLUMN.items()},
    factor_columns=tuple(SEGMENT_OF_COLUMN.values()),
    segments=segments,
    demographic_rows=demographic_rows,
    interactions=interactions,
)
