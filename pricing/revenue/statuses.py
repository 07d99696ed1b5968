"""What CMS pays a member by: status, age group, primary or secondary payer, low-income subsidy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import first_days
from pricing.rows import Flags, Labels, Rows
from riskadj.errors import nearest
from riskadj.extracts.dates import MISSING_DATE

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

_GRAFT = ("graft",)
_DIALYSIS = ("dialysis", "transplant_1", "transplant_2", "transplant_3")
_FULL, _PARTIAL = ("02", "2", "04", "4", "08", "8"), ("01", "1", "03", "3", "05", "5", "06", "6")
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


def _status(rows: Rows) -> npt.NDArray[np.int64]:
    checks = (
        _flag(rows, "is_hospice"),
        _has_code(rows, "esrd_status", _DIALYSIS),
        _has_code(rows, "esrd_status", _GRAFT),
        _flag(rows, "is_long_term_institutional"),
        _flag(rows, "is_new_enrollee"),
        _has_code(rows, "dual_status_code", _FULL),
        _has_code(rows, "dual_status_code", _PARTIAL),
    )
    return np.select(checks, range(len(checks)), len(checks)).astype(np.int64)


def _age_group(rows: Rows, month: int) -> Labels | None:
    if rows.has("birth_date"):
        born = rows.days("birth_date", blank=MISSING_DATE)
        if not (born == MISSING_DATE).any():
            day = int(first_days(np.array([month]))[0])
            birthday = _birthdays(born, _ADULT_YEARS)
            return _labels(birthday <= day, AGE_GROUPS)
    if rows.has("age_years"):
        return _labels(rows.numbers("age_years") >= _ADULT_YEARS, AGE_GROUPS)
    return None


def _birthdays(born: npt.NDArray[np.int64], years: int) -> npt.NDArray[np.int64]:
    """Return the day on which somebody completes so many years; of a 29 February, 1 March in a common year."""
    day = born.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    into = (day - month.astype("datetime64[D]")).astype(np.int64)
    return first_days(month.astype(np.int64) + 12 * years) + into


def _flag(rows: Rows, name: str) -> Flags:
    """Return a flag of the enrollment; blank and absent are false, as for scoring."""
    if not rows.has(name):
        return np.zeros(rows.n_rows, np.bool_)
    return np.nan_to_num(rows.numbers(name, where=np.zeros(rows.n_rows, np.bool_))) != 0


def _has_code(rows: Rows, name: str, codes: tuple[str, ...]) -> Flags:
    """Return which rows have one of some codes; blank and absent are none of them."""
    if not rows.has(name):
        return np.zeros(rows.n_rows, np.bool_)
    labels = rows.labels(name, blank="")
    known = np.array([text.strip() in codes for text in labels.names.to_pylist()], np.bool_)
    return known[labels.codes]


def _labels(codes: npt.NDArray[np.generic], names: tuple[str, ...]) -> Labels:
    return Labels(codes.astype(np.int64), pa.array(names, pa.string()))
