"""Status profiles: each distinct combination of age and status codes once, and what the rules say of it.

Millions of rows share a few thousand profiles, so segments, demographic variables and payment policy are worked out
per profile, on whole arrays, in plain NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from riskadj.errors import TableError
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.tables.conditions import Condition
from riskadj.tables.payment_year import Policy
from riskadj.terms import STATUS_FIELDS

MAX_AGE_YEARS = 150
Keys = npt.NDArray[np.integer[Any]]
_EPOCH = date(1970, 1, 1)
_LARGEST_TABLE = 1 << 26


@dataclass(frozen=True)
class StatusProfiles:
    """The distinct profiles of an extract.

    Attributes
    ----------
    of_row : ndarray of int32, shape (n_rows,)
        Profile of each enrollment row.
    columns : mapping of str to ndarray of uint8, shape (n_profiles,)
        ``age_years`` and one array of code positions per status field.
    """

    of_row: npt.NDArray[np.int32]
    columns: Mapping[str, npt.NDArray[np.uint8]]

    @property
    def n_profiles(self) -> int:
        """Number of distinct profiles."""
        return len(self.columns["age_years"])

    def kept(self, keep: npt.NDArray[np.bool_]) -> StatusProfiles:
        """Return the profiles where `keep` is True (shape (n_profiles,)), and the rows that have them."""
        number = np.cumsum(keep, dtype=np.int32) - np.int32(1)
        of_row = number[self.of_row[keep[self.of_row]]]
        return StatusProfiles(of_row, {name: codes[keep] for name, codes in self.columns.items()})


def completed_years(birth_days: npt.NDArray[np.int32], as_of: date) -> npt.NDArray[np.uint8]:
    """Return ages in completed years on `as_of`; a birth date after it gives 0.

    Parameters
    ----------
    birth_days : ndarray of int32, shape (n_rows,)
        Birth dates [days since 1970-01-01].
    as_of : date
        The payment year's own age date (specs: completed years on 1 February of the payment year).

    Returns
    -------
    ndarray of uint8, shape (n_rows,) [whole years, at most 150]
    """
    birthdays = np.array(
        [_same_day(as_of, as_of.year - age) for age in range(MAX_AGE_YEARS, 0, -1)], np.int32
    )
    first, last = birthdays[0], birthdays[-1] + 1
    of_day = MAX_AGE_YEARS - np.searchsorted(
        birthdays, np.arange(first, last + 1, dtype=np.int32), side="left"
    )
    return of_day.astype(np.uint8)[np.clip(birth_days, first, last) - first]  # one look-up a row, no search


def completed_years_on(
    birth_days: npt.NDArray[np.int32], days: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint8]:
    """Return ages in completed years, each row on a day of its own; a birth date after it gives 0.

    Parameters
    ----------
    birth_days, days : ndarray of int32, shape (n_rows,)
        [days since 1970-01-01]

    Returns
    -------
    ndarray of uint8, shape (n_rows,) [whole years, at most 150]
    """
    last = int(days.max(initial=0))
    first = int(days.min(initial=last)) - (MAX_AGE_YEARS + 1) * 366
    years, day_of_year = _year_and_day(np.arange(first, last + 1, dtype=np.int32))  # one look-up a row
    birth, at = np.clip(birth_days, first, last) - first, days - first
    ages = years[at] - years[birth] - (day_of_year[at] < day_of_year[birth])
    return np.clip(ages, 0, MAX_AGE_YEARS).astype(np.uint8)


def _year_and_day(days: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the year, and month and day as one number that orders days inside a year."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int32) % 12
    years = months.astype("datetime64[Y]").astype(np.int32) + 1970
    return years, month * 32 + (dates - months).astype(np.int32)


def _same_day(day: date, year: int) -> int:
    """Return the same calendar day in another year as days since 1970; 29 February becomes 28 February."""
    try:
        moved = day.replace(year=year)
    except ValueError:
        moved = day.replace(year=year, month=3, day=1) - timedelta(days=1)
    return (moved - _EPOCH).days


def find_profiles(
    age_years: npt.NDArray[np.uint8], status: Mapping[str, npt.NDArray[np.uint8]], fields: Sequence[str]
) -> StatusProfiles:
    """Return the distinct combinations of age and the given status fields.

    Parameters
    ----------
    age_years : ndarray of uint8, shape (n_rows,)
    status : mapping of str to ndarray of uint8, shape (n_rows,)
        Code positions, as `terms.STATUS_FIELDS` orders them.
    fields : sequence of str
        Fields that any rule of the run tests.

    Returns
    -------
    StatusProfiles
        Profiles in ascending order of their codes, so that the same extract always gives the same profiles.
    """
    sizes = [len(STATUS_FIELDS[field]) for field in fields]
    n_keys = (MAX_AGE_YEARS + 1) * math.prod(sizes)
    key: Keys = age_years.astype(np.int32 if n_keys <= np.iinfo(np.int32).max else np.int64)
    for field, size in zip(fields, sizes, strict=True):
        key *= size
        key += status[field]
    key, of_row = _compact(key, n_keys)
    columns: dict[str, npt.NDArray[np.uint8]] = {}
    for field, size in zip(reversed(fields), reversed(sizes), strict=True):
        columns[field] = (key % size).astype(np.uint8)
        key = key // size
    return StatusProfiles(of_row, columns | {"age_years": key.astype(np.uint8)})


def _compact(key: Keys, n_keys: int) -> tuple[Keys, npt.NDArray[np.int32]]:
    """Return the distinct keys in order and the position of each row's key among them."""
    if n_keys > _LARGEST_TABLE:
        distinct, of_row = np.unique(key, return_inverse=True)
        return distinct, of_row.astype(np.int32)
    present = np.zeros(n_keys, np.bool_)
    present[key] = True
    distinct = np.flatnonzero(present)
    number = np.zeros(n_keys, np.int32)
    number[distinct] = np.arange(len(distinct), dtype=np.int32)
    return distinct, number[key]


def segment_of_profile(plan: ScoringPlan, profiles: StatusProfiles) -> npt.NDArray[np.int32]:
    """Return the segment (position in ``plan.segments``) that each profile is paid under; -1 where none fits.

    Raises
    ------
    TableError
        Two segments fit one profile: the table breaks the law that segments exclude each other.
    """
    result = np.full(profiles.n_profiles, -1, np.int32)
    scored = plan.model.manifest.scores.fits(profiles.columns)
    for rule in plan.segment_rules:
        fits = rule.condition.fits(profiles.columns) & scored
        number = plan.segments.index(rule.segment)
        if np.any((result[fits] >= 0) & (result[fits] != number)):
            raise TableError(
                f"{plan.model.id}/segments.csv: a member status fits {rule.segment} and another segment."
            )
        result[fits] = number
    return result


def factor_columns_of_profile(plan: ScoringPlan, profiles: StatusProfiles) -> npt.NDArray[np.int32]:
    """Return the factor column that each profile draws on in each segment.

    A segment of one row has one column, whoever is scored under it; otherwise age and dual status choose.

    Returns
    -------
    ndarray of int32, shape (n_profiles, n_segments); -1 where no row of the segment fits
    """
    result = np.full((profiles.n_profiles, len(plan.segments)), -1, np.int32)
    for number, segment in enumerate(plan.segments):
        rules = [rule for rule in plan.segment_rules if rule.segment == segment]
        for rule in rules:
            fits = slice(None) if len(rules) == 1 else rule.choice.fits(profiles.columns)
            result[fits, number] = plan.factor_columns.index(rule.column)
    return result


def demographics_of_profile(plan: ScoringPlan, profiles: StatusProfiles) -> Words:
    """Return what each status says of the variables, as words (uint64, shape (n_profiles, n_words)).

    The bit of a demographic variable is on where the variable is; that of an HCC or group (`plan.may_be_left_out`)
    where the status leaves it out.
    """
    result = np.zeros((profiles.n_profiles, plan.n_words), np.uint64)

    def turn_on(variable: int, fits: npt.NDArray[np.bool_]) -> None:
        result[:, variable >> 6] |= fits * np.uint64(1 << (variable & 63))

    for number, alternatives in enumerate(plan.demographics.values()):
        turn_on(plan.first_demographic + number, _fits_any(alternatives, profiles))
    for variable, condition in plan.left_out:
        turn_on(variable, condition.fits(profiles.columns))
    for variable, alternatives in plan.group_conditions:
        turn_on(variable, ~_fits_any(alternatives, profiles))
    return result


def _fits_any(alternatives: Sequence[Condition], profiles: StatusProfiles) -> npt.NDArray[np.bool_]:
    return np.logical_or.reduce([condition.fits(profiles.columns) for condition in alternatives])


def policy_of_profile(policies: Sequence[Policy], profiles: StatusProfiles) -> npt.NDArray[np.int32]:
    """Return the first payment policy that fits each profile (position in `policies`); -1 where none does."""
    result = np.full(profiles.n_profiles, -1, np.int32)
    for number in reversed(range(len(policies))):
        result[policies[number].when.fits(profiles.columns)] = number
    return result
