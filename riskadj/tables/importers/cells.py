"""Cells of the demographics table that CMS's Medicare models share: age bands and new-enrollee cells.

Ages are completed years on the age date. Originally disabled means `orec` 1. A new enrollee aged 64 whose
entitlement is by age (`orec` 0) counts as 65.
"""

from __future__ import annotations

import re

from riskadj.tables.importers.conditions import AgeRange

Row = dict[str, str]

AGED_FROM = 65
AGED: Row = {"age_min": str(AGED_FROM)}
NOT_AGED: Row = {"age_max": str(AGED_FROM - 1)}
#: An age band at the end of a variable's name: 65, 65_69 or 95_GT.
BAND = r"([0-9]{1,3})(?:_([0-9]{1,3}|GT))?"
SEX_OF_WORD = {"Female": "F", "Male": "M"}

_CONTINUING = re.compile(r"([FM])([0-9]{1,3})_([0-9]{1,3}|GT)")
_TURNING = AgeRange(AGED_FROM - 1, AGED_FROM - 1)


def band(low: str, high: str | None) -> AgeRange:
    """Age range of a printed band; without an upper end it is a single year, GT is no upper end."""
    return AgeRange(int(low), None if high == "GT" else int(high or low))


def demographic(variable: str, sex: str, age: AgeRange, **status: str) -> Row:
    """One row of the demographics table; a blank status asks nothing and is left out."""
    age_min, age_max = age.cells
    cells = {"variable": variable, "sex": sex, "age_min": age_min, "age_max": age_max}
    return cells | {field: codes for field, codes in status.items() if codes}


def continuing_rows(variable: str) -> list[Row]:
    """Rows of an age and sex cell of continuing enrollees (F65_69); empty if the name is none."""
    match = _CONTINUING.fullmatch(variable)
    return [demographic(variable, match[1], band(match[2], match[3]))] if match else []


def new_enrollee_rows(
    variable: str, sex: str, age: AgeRange, *, disabled: bool, at_any_age: bool = False, **status: str
) -> list[Row]:
    """Rows of an age and sex cell of new enrollees.

    Parameters
    ----------
    disabled : bool
        The cell is for the originally disabled.
    at_any_age : bool
        The originally disabled below 65 have cells of their own; otherwise the status begins at 65.
    """
    if disabled:
        return [demographic(variable, sex, age, orec="1", **status)]
    if age.low >= AGED_FROM:
        rows = [demographic(variable, sex, age, orec="0|2|3", **status)]
        return rows + (
            [demographic(variable, sex, _TURNING, orec="0", **status)] if age.low == AGED_FROM else []
        )
    younger = AgeRange(age.low, min(age.high or 0, AGED_FROM - 2))
    rows = [demographic(variable, sex, younger, orec="0|2|3" if at_any_age else "", **status)]
    if age.high == AGED_FROM - 1:
        rows.append(demographic(variable, sex, _TURNING, orec="2|3" if at_any_age else "1|2|3", **status))
    return rows
