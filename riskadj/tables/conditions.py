"""Conditions on member status: one row of a segments, demographics or policy table, and which profiles it fits.

A profile is one combination of age and status codes. A few thousand profiles describe millions of members, so rules
are evaluated once per profile, on whole arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from riskadj.errors import ManifestError, nearest
from riskadj.terms import AGE_RANGE, STATUS_FIELDS

MAX_AGE_YEARS = 255

Profiles = Mapping[str, npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Condition:
    """All of: age between two whole years (inclusive), and each tested field among its allowed codes."""

    age_min: int = 0
    age_max: int = MAX_AGE_YEARS
    allowed: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def fits(self, profiles: Profiles) -> npt.NDArray[np.bool_]:
        """Return, for each profile, whether it meets the condition (bool array, shape (n_profiles,))."""
        age = profiles["age_years"]
        result: npt.NDArray[np.bool_] = (age >= self.age_min) & (age <= self.age_max)
        for field, codes in self.allowed:
            result &= _among(codes)[profiles[field]]
        return result

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the status fields that the condition tests."""
        return tuple(field for field, _ in self.allowed)


@lru_cache(maxsize=1024)
def _among(codes: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return, for each position that a status field can hold, whether it is one of `codes`."""
    among = np.zeros(np.iinfo(np.uint8).max + 1, np.bool_)
    among[list(codes)] = True
    among.flags.writeable = False
    return among


def parse_condition(cells: Mapping[str, Any], where: str = "") -> Condition:
    """Return the condition that a table row (column name to cell) states; blank cells ask nothing.

    Raises
    ------
    ManifestError
        A field or code is not one of `terms.STATUS_FIELDS`, a cell is no text, or an age no whole number of years.
    """
    allowed = []
    for field, cell in cells.items():
        if not isinstance(cell, str):
            raise ManifestError(f'{where}: \'{field}\' must be text, such as "1" or "1|2".')
        if field in AGE_RANGE or cell == "":
            continue
        if field not in STATUS_FIELDS:
            raise ManifestError(f"{where}: no status field '{field}'{nearest(field, STATUS_FIELDS)}.")
        allowed.append((field, tuple(_position(field, code, where) for code in cell.split("|"))))
    youngest, oldest = (
        _age(cells.get(name) or str(otherwise), name, where)
        for name, otherwise in (("age_min", 0), ("age_max", MAX_AGE_YEARS))
    )
    return Condition(youngest, oldest, tuple(allowed))


def _age(cell: str, name: str, where: str) -> int:
    if not cell.isdecimal():
        raise ManifestError(f"{where}: '{name}' must be whole years; it is '{cell}'.")
    return int(cell)


def _position(field: str, code: str, where: str) -> int:
    if code not in STATUS_FIELDS[field]:
        raise ManifestError(f"{where}: '{code}' is no code of {field} ({', '.join(STATUS_FIELDS[field])}).")
    return STATUS_FIELDS[field].index(code)
