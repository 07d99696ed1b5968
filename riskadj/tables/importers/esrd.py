"""Status variables, segments and flat scores of ESRD models, read from the names that CMS gives its variables.

A functioning graft has two segments of each kind, one for the 4th to 9th month after the transplant and one for the
10th and later months; they share CMS's relative factors and differ in the score for the duration. Where CMS prints
the community factors in four columns (by full dual status and age), the segment draws on four factor columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from riskadj.tables.importers import part_c
from riskadj.tables.importers.cells import (
    AGED,
    AGED_FROM,
    BAND,
    NOT_AGED,
    SEX_OF_WORD,
    Row,
    band,
    demographic,
    new_enrollee_rows,
)
from riskadj.tables.importers.conditions import AgeRange
from riskadj.tables.importers.family import Family

DURATIONS = ("4_9", "10PL")
_DUAL = {"FBD": "full", "ND_PBD": "none|partial"}
_AGE = {"GE65": AGED, "LT65": NOT_AGED, "Aged": AGED, "NonAged": NOT_AGED}
_WORD_OF_AGE = {"GE65": "Aged", "LT65": "NonAged"}
#: CMS's community graft columns of models that price dual status, with the end of our factor column's name.
_COMMUNITY = {
    f"G_COMM_{dual}_{age}": f"{dual}_{word}" for dual in _DUAL for age, word in _WORD_OF_AGE.items()
}


def _graft(kind: str, end: str = "") -> tuple[str, ...]:
    return tuple(f"GRAFT_{kind}_{months}{end}" for months in DURATIONS)


_SEX = r"(Female|Male)"
_YEARS = r"(LT65|GE65)"
_MONTHS = r"(4_9|10PL)"
_MEDICAID = re.compile(rf"MCAID_{_SEX}_(Aged|NonAged)")
_DUAL_STATUS = re.compile(rf"([FP])BDual_{_SEX}_(Aged|NonAged)")
_ORIGINALLY_ESRD = re.compile(rf"Originally_ESRD_{_SEX}")
_INSTITUTIONAL = re.compile(r"LTI_(Aged|NonAged|GE65|LT65)")
_NEW_ENROLLEE = re.compile(rf"(?:(N?)MCAID|(ND_PBD|FBD))_(N?)ORIGDIS_(G_)?NE([FM]){BAND}")
_DURATION = re.compile(rf"(NE_)?DUR{_MONTHS}_{_YEARS}")
_DURATION_BY_DUAL = re.compile(rf"(NE_|FGI_)?{_YEARS}_DUR{_MONTHS}_(ND_PBD|FBD)")
_PARTIAL_DUAL = re.compile(rf"(FGI_)?PBD_{_YEARS}_flag")
_TRANSPLANT = re.compile(r"TRANSPLANT_KIDNEY_ONLY_([123]M)")


def demographic_rows(variable: str) -> list[Row]:
    """Rows of the demographics table that turn a variable on; empty if the name is not a demographic one."""
    if match := _NEW_ENROLLEE.fullmatch(variable):
        return _new_enrollee_rows(variable, match)
    if match := _MEDICAID.fullmatch(variable):
        return _medicaid_rows(variable, SEX_OF_WORD[match[1]], match[2])
    if match := (_DURATION.fullmatch(variable) or _DURATION_BY_DUAL.fullmatch(variable)):
        return _duration_rows(variable, match)
    conditions = _conditions(variable)
    return part_c.demographic_rows(variable) if conditions is None else [{"variable": variable, **conditions}]


def _conditions(variable: str) -> Row | None:
    if variable == "MCAID":
        return {"mcaid": "1"}
    if match := _DUAL_STATUS.fullmatch(variable):
        dual = "full" if match[1] == "F" else "partial"
        return {"sex": SEX_OF_WORD[match[2]], **_AGE[match[3]], "dual": dual}
    if match := _ORIGINALLY_ESRD.fullmatch(variable):
        return {"sex": SEX_OF_WORD[match[1]], **AGED, "orec": "2|3"}
    if match := _INSTITUTIONAL.fullmatch(variable):
        return {**_AGE[match[1]], "is_long_term_institutional": "1"}
    if match := _PARTIAL_DUAL.fullmatch(variable):
        return {**_AGE[match[2]], "dual": "partial"}
    return {} if _TRANSPLANT.fullmatch(variable) else None


def _new_enrollee_rows(variable: str, match: re.Match[str]) -> list[Row]:
    """Dialysis cells know the originally disabled at any age, graft cells only from 65."""
    not_medicaid, dual, not_disabled, graft, sex, low, high = match.groups()
    medicaid = {"dual": _DUAL[dual]} if dual else {"nemcaid": "0" if not_medicaid else "1"}
    return new_enrollee_rows(
        variable, sex, band(low, high), disabled=not not_disabled, at_any_age=not graft, **medicaid
    )


def _medicaid_rows(variable: str, sex: str, age: str) -> list[Row]:
    """Not aged means disabled here: below 65 and not entitled by age."""
    younger = AgeRange(0, AGED_FROM - 1)
    if age == "NonAged":
        return [demographic(variable, sex, younger, orec="1|2|3", mcaid="1")]
    return [
        demographic(variable, sex, AgeRange(AGED_FROM), mcaid="1"),
        demographic(variable, sex, younger, orec="0", mcaid="1"),
    ]


def _duration_rows(variable: str, match: re.Match[str]) -> list[Row]:
    """A new enrollee aged 64 whose entitlement is by age counts as aged."""
    aged = "GE65" in match.groups()
    status = {"dual": _DUAL[match[4]]} if match.re is _DURATION_BY_DUAL else {}
    if match[1] != "NE_":
        return [{"variable": variable, **(AGED if aged else NOT_AGED), **status}]
    turning = AgeRange(AGED_FROM - 1, AGED_FROM - 1)
    ages = (AgeRange(AGED_FROM), "0") if aged else (AgeRange(0, AGED_FROM - 2), "1|2|3")
    return [
        demographic(variable, "", ages[0], **status),
        demographic(variable, "", turning, orec=ages[1], **status),
    ]


def flat_scores(name: str) -> list[tuple[str, str]]:
    """Variables for a score that CMS prints apart from the relative factors, each with a factor column it is in.

    New enrollees have variables of their own for the duration (``NE_``), as their age is read differently.
    """
    if match := _TRANSPLANT.fullmatch(name):
        return [(name, f"TRANSPLANT_{match[1]}")]
    if match := _DURATION.fullmatch(name):
        months = match[2]
        kinds = ((name, "COMM"), (name, "INST"), (f"NE_{name}", "NE"))
        return [(variable, f"GRAFT_{kind}_{months}") for variable, kind in kinds]
    if match := _DURATION_BY_DUAL.fullmatch(name):
        institutional, years, months, dual = match.groups()
        if institutional:
            return [(name, f"GRAFT_INST_{months}")]
        community = f"GRAFT_COMM_{months}_{dual}_{_WORD_OF_AGE[years]}"
        return [(name, community), (f"NE_{name}", f"GRAFT_NE_{months}")]
    if match := _PARTIAL_DUAL.fullmatch(name):
        columns = _graft("INST") if match[1] else _graft("COMM", f"_ND_PBD_{_WORD_OF_AGE[match[2]]}")
        return [(name, column) for column in columns]
    return [(name, column) for column in _graft("INST")] if _INSTITUTIONAL.fullmatch(name) else []


def _segment_rows() -> list[Row]:
    rows = [
        {"segment": "DIAL", "esrd_status": "dialysis", "is_new_enrollee": "0"},
        {"segment": "DIAL_NE", "esrd_status": "dialysis", "is_new_enrollee": "1"},
    ]
    for segment, months in zip(_graft("COMM"), DURATIONS, strict=True):
        graft = {
            "segment": segment, "esrd_status": "graft", "is_long_term_institutional": "0",
            "is_new_enrollee": "0", "graft_duration": months,
        }  # fmt: skip
        rows.append(graft)
        for dual, codes in _DUAL.items():
            for age in _WORD_OF_AGE.values():
                rows.append({**graft, "factor_column": f"{segment}_{dual}_{age}", "dual": codes, **_AGE[age]})
    for kind, status in (("INST", {}), ("NE", {"is_new_enrollee": "1"})):
        institutional = "1" if kind == "INST" else "0"
        for segment, months in zip(_graft(kind), DURATIONS, strict=True):
            rows.append(
                {
                    "segment": segment, "esrd_status": "graft", "graft_duration": months,
                    "is_long_term_institutional": institutional, **status,
                }
            )  # fmt: skip
    return rows + [
        {"segment": f"TRANSPLANT_{month}M", "esrd_status": f"transplant_{month}"} for month in "123"
    ]


_SEGMENTS = _segment_rows()


def factor_column(segment: Row) -> str:
    """The factor column that a row of the segments table draws on."""
    return segment.get("factor_column") or segment["segment"]


def segments(columns: Iterable[str]) -> list[Row]:
    """The rows of the segments table that draw on these factor columns; one fits each member with ESRD.

    A transplant comes first, then dialysis, then a graft: institutional, new enrollee, community.
    """
    present = set(columns)
    return [dict(row) for row in _SEGMENTS if factor_column(row) in present]


FAMILY = Family(
    name="ESRD",
    hcc_prefix="HCC",
    columns={
        "DIAL": ("DIAL",),
        "DIAL_NE": ("DIAL_NE",),
        "GRAFT_COMM": _graft("COMM"),
        **{column: _graft("COMM", f"_{end}") for column, end in _COMMUNITY.items()},
        "GRAFT_INST": _graft("INST"),
        "GRAFT_NE": _graft("NE"),
    },
    factor_columns=tuple(factor_column(row) for row in _SEGMENTS),
    segments=segments,
    demographic_rows=demographic_rows,
    flat_scores=flat_scores,
    scores={"esrd_status": "dialysis|transplant_1|transplant_2|transplant_3|graft"},
)
