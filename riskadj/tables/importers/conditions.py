"""Age and sex conditions as published tables print them, and mapping rows in canonical form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from riskadj.errors import TableError

SEXES = ("M", "F")
_SEX_CODES = {"1": "M", "1.0": "M", "2": "F", "2.0": "F", "M": "M", "F": "F"}
_OPERATORS = r"(<=|>=|==|=|<|>)"
_NUMBER = r"([0-9]{1,3})(?:\.0+)?"
_ONE_SIDED = re.compile(rf"age\s*{_OPERATORS}\s*{_NUMBER}", re.IGNORECASE)
_TWO_SIDED = re.compile(rf"{_NUMBER}\s*(<=|<)\s*age\s*(<=|<)\s*{_NUMBER}", re.IGNORECASE)
_SEX = re.compile(r"(?:sex\s*==?\s*)?[\"']?(\d(?:\.0+)?|[MF])[\"']?", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class AgeRange:
    """Ages in whole years, both ends included; `high` None means no upper bound."""

    low: int = 0
    high: int | None = None

    @property
    def cells(self) -> tuple[str, str]:
        """The two cells of a table: blank where nothing is asked (ages are never negative)."""
        return ("" if self.low == 0 else str(self.low), "" if self.high is None else str(self.high))


EVERY_AGE = AgeRange()


@dataclass(frozen=True)
class MappingRow:
    """One diagnosis code that gives one category to one sex (or both, ``""``) within an age range."""

    icd10: str
    hcc: str
    sex: str = ""
    age: AgeRange = EVERY_AGE
    mce_age: AgeRange = EVERY_AGE

    def as_cells(self) -> dict[str, str]:
        """The row as cells of the mappings table."""
        age_min, age_max = self.age.cells
        mce_age_min, mce_age_max = self.mce_age.cells
        return {
            "icd10": self.icd10, "hcc": self.hcc, "sex": self.sex, "age_min": age_min, "age_max": age_max,
            "mce_age_min": mce_age_min, "mce_age_max": mce_age_max,
        }  # fmt: skip


def parse_age_condition(expression: str) -> AgeRange:
    """Age range of a condition as printed: ``age >= 15``, ``0 <= age <= 17``, ``age = 0``; blank: every age.

    Raises
    ------
    TableError
        If the expression has any other form, or no age satisfies it.
    """
    text = expression.strip()
    if not text:
        return EVERY_AGE
    if match := _ONE_SIDED.fullmatch(text):
        found = _one_sided(match[1], int(match[2]))
    elif match := _TWO_SIDED.fullmatch(text):
        low, low_operator, high_operator, high = match.groups()
        found = AgeRange(int(low) + (low_operator == "<"), int(high) - (high_operator == "<"))
    else:
        raise TableError(
            f"age condition {expression!r} is not understood; "
            "known forms: 'age >= 15', 'age < 2', 'age = 0', '0 <= age <= 17'."
        )
    if found.high is not None and found.high < found.low:
        raise TableError(
            f"age condition {expression!r} fits no age; correct it in the source or leave it blank."
        )
    return found


def _one_sided(operator: str, age: int) -> AgeRange:
    return {
        ">=": AgeRange(age), ">": AgeRange(age + 1), "<": AgeRange(0, age - 1), "<=": AgeRange(0, age),
        "=": AgeRange(age, age), "==": AgeRange(age, age),
    }[operator]  # fmt: skip


def parse_sex_condition(expression: str) -> str:
    """Sex of a printed condition: ``"M"``, ``"F"``, or ``""`` for a blank one (1 is male, 2 is female).

    Raises
    ------
    TableError
        If the expression is none of these.
    """
    text = expression.strip()
    if not text:
        return ""
    match = _SEX.fullmatch(text)
    sex = _SEX_CODES.get(match[1].upper()) if match else None
    if sex is None:
        raise TableError(
            f"sex condition {expression!r} is not understood; known: 1 or M (male), 2 or F (female)."
        )
    return sex


def variable_order(name: str) -> tuple[int, ...]:
    """Sort key of a category variable: the numbers in its name."""
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", name))


def merge_mappings(rows: Iterable[MappingRow]) -> list[MappingRow]:
    """The fewest rows that say the same, sorted by code, category and age.

    Rows of one code, category and MCE range are joined where their ages meet, and where both sexes have the
    same ages.
    """
    by_key: dict[tuple[str, str, AgeRange], dict[str, list[AgeRange]]] = defaultdict(
        lambda: {"M": [], "F": []}
    )
    for row in rows:
        for sex in SEXES if row.sex == "" else (row.sex,):
            by_key[(row.icd10, row.hcc, row.mce_age)][sex].append(row.age)
    merged: list[MappingRow] = []
    for (icd10, hcc, mce_age), ages in by_key.items():
        male, female = join_ages(ages["M"]), join_ages(ages["F"])
        shared = (
            [("", age) for age in male]
            if male == female
            else [("M", a) for a in male] + [("F", a) for a in female]
        )
        merged.extend(MappingRow(icd10, hcc, sex, age, mce_age) for sex, age in shared)
    return sorted(
        merged, key=lambda row: (row.icd10, variable_order(row.hcc), row.age.low, row.sex, row.mce_age.low)
    )


def join_ages(ages: Iterable[AgeRange]) -> list[AgeRange]:
    """Disjoint ranges, in order, that cover the same ages."""
    joined: list[AgeRange] = []
    for age in sorted(ages, key=lambda item: (item.low, item.high is None, item.high or 0)):
        last = joined[-1] if joined else None
        if last is not None and (last.high is None or age.low <= last.high + 1):
            high = None if last.high is None or age.high is None else max(last.high, age.high)
            joined[-1] = AgeRange(last.low, high)
        else:
            joined.append(age)
    return joined


def mapping_cells(rows: Sequence[MappingRow]) -> list[dict[str, str]]:
    """Rows as the mappings table holds them."""
    return [row.as_cells() for row in rows]
