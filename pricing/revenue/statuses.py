"""What CMS pays a member by: status, age group, primary or secondary payer, low-income subsidy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import first_days
from pricing.rows import Flags, Integers, Labels, Rows
from riskadj.errors import nearest
from riskadj.extracts.dates import MISSING_DATE
from riskadj.extracts.status import (
    DUAL_LEVEL,
    MISSING,
    NOT_ALLOWED,
    NOT_DUAL,
    find_dual_status,
    find_flag,
    read_codes,
)

#: Columns that a member has in addition to those of the enrollment, and their values; the first that fits holds.
STATUSES = (
    "hospice", "dialysis", "graft", "institutional", "new_enrollee", "full_dual", "partial_dual", "non_dual",
)  # fmt: skip
AGE_GROUPS = ("under_65", "65_and_over")
PAYERS = ("primary", "secondary")
LOW_INCOME = ("no", "yes")
DERIVED: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES, "age_group": AGE_GROUPS, "payer": PAYERS, "low_income": LOW_INCOME,
}  # fmt: skip
#: Columns of the enrollment that they are derived from.
NEEDED = (
    "is_hospice", "esrd_status", "is_long_term_institutional", "is_new_enrollee", "dual_status_code", "birth_date",
    "age_years", "is_msp", "is_low_income",
)  # fmt: skip

_NO_ESRD, _DIALYSIS, _GRAFT = range(3)
#: ESRD status -> what it is paid as; a transplant's months are paid at the rate of dialysis.
_PAID_AS = {
    "none": _NO_ESRD, "dialysis": _DIALYSIS, "transplant_1": _DIALYSIS, "transplant_2": _DIALYSIS,
    "transplant_3": _DIALYSIS, "graft": _GRAFT,
}  # fmt: skip
_ADULT_YEARS = 65


def derived(rows: Rows, name: str, month: int) -> Labels | None:
    """Return a derived column of the rows; None where the enrollment has nothing to derive it from.

    A column of the caller's own under that name goes before; its values must be among `DERIVED`.

    Raises
    ------
    InputError
        The caller's own column has other values.
    """
    if rows.has(name):
        return _own(rows, name)
    if name == "status":
        return _labels(_status(rows), STATUSES)
    if name == "age_group":
        return _age_group(rows, month)
    if name == "payer":
        return _labels(_flag(rows, "is_msp"), PAYERS) if rows.has("is_msp") else None
    return _labels(_flag(rows, "is_low_income"), LOW_INCOME) if rows.has("is_low_income") else None


def _own(rows: Rows, name: str) -> Labels:
    labels = rows.labels(name)
    for value in labels.names.to_pylist():
        if value not in DERIVED[name]:
            raise InputError(
                f"{rows.label}, column '{name}': a value that is not allowed{nearest(value, DERIVED[name])}; "
                f"allowed: {', '.join(DERIVED[name])}."
            )
    return labels


def _status(rows: Rows) -> Integers:
    dual = _codes(rows, "dual_status_code", find_dual_status)
    level = DUAL_LEVEL[np.where(dual == MISSING, NOT_DUAL, dual)]
    full, partial = (DUAL_LEVEL[find_dual_status(code)] for code in ("02", "01"))
    esrd = _codes(rows, "esrd_status", _PAID_AS.get)
    checks = (
        _flag(rows, "is_hospice"), esrd == _DIALYSIS, esrd == _GRAFT, _flag(rows, "is_long_term_institutional"),
        _flag(rows, "is_new_enrollee"), level == full, level == partial,
    )  # fmt: skip
    return np.select(checks, range(len(checks)), len(checks)).astype(np.int64)


def _flag(rows: Rows, name: str) -> Flags:
    """Return a flag of the enrollment; blank and absent are false, as for scoring."""
    return _codes(rows, name, find_flag) == 1


def _codes(rows: Rows, name: str, find: Callable[[str], int | None]) -> npt.NDArray[np.uint8]:
    """Return a column as scoring reads it, MISSING where it is blank or absent.

    Raises
    ------
    InputError
        A value is none of those that scoring allows.
    """
    if not rows.has(name):
        return np.full(rows.n_rows, MISSING, np.uint8)
    found = read_codes(rows.table[name], find, label=rows.label, name=name)
    rows.refuse(found.positions == NOT_ALLOWED, f"column '{name}': a value that scoring does not know")
    return found.positions


def _age_group(rows: Rows, month: int) -> Labels | None:
    """Return who is 65 on the first day of a month; by age_years where there is no birth date."""
    if not (rows.has("birth_date") or rows.has("age_years")):
        return None
    is_adult, known = np.zeros(rows.n_rows, np.bool_), np.zeros(rows.n_rows, np.bool_)
    if rows.has("birth_date"):
        born = rows.days("birth_date", blank=MISSING_DATE if rows.has("age_years") else None)
        known = born != MISSING_DATE
        is_adult = _birthdays(np.where(known, born, 0), _ADULT_YEARS) <= int(first_days(np.array([month]))[0])
    if rows.has("age_years"):
        ages = rows.numbers("age_years", where=~known)
        is_adult = np.where(known, is_adult, ages >= _ADULT_YEARS)
    return _labels(is_adult, AGE_GROUPS)


def _birthdays(born: Integers, years: int) -> Integers:
    """Return the day on which somebody completes so many years; of a 29 February, 1 March in a common year."""
    day = born.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    into = (day - month.astype("datetime64[D]")).astype(np.int64)
    return first_days(month.astype(np.int64) + 12 * years) + into


def _labels(codes: npt.NDArray[np.generic], names: tuple[str, ...]) -> Labels:
    return Labels(codes.astype(np.int64), pa.array(names, pa.string()))
