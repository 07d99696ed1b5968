"""Enrollment with one issuer: HIOS ids, and each member's duration and last day with the issuer of a row.

A member who changes plans inside an issuer stays enrolled; one who changes issuers is a new enrollee of the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from riskadj.extracts.dates import MISSING_DATE, days_of
from riskadj.extracts.spans import Coverage

#: Stands where a row names no issuer: all such rows of a member count as one issuer's.
NO_ISSUER = -1

#: HIOS ids: issuer (5 digits), state, product (3), plan (4), and perhaps the variant of cost sharing (2).
_PLAN = re.compile(r"(\d{5})[a-z]{2}\d{7}(-?\d{2})?")
_ISSUER = re.compile(r"\d{1,5}")


def find_issuer(word: str) -> int | None:
    """Return an issuer_id (cleaned) as a number; None if it is none."""
    return int(word) if _ISSUER.fullmatch(word) else None


def find_issuer_of_plan(word: str) -> int | None:
    """Return the issuer in a HIOS plan id (cleaned) of 14 or 16 characters; None if it is none."""
    match = _PLAN.fullmatch(word)
    return int(match[1]) if match else None


#: Columns that name the issuer, and how each is read.
ISSUER_COLUMNS: dict[str, Callable[[str], int | None]] = {
    "plan_id": find_issuer_of_plan,
    "issuer_id": find_issuer,
}


@dataclass(frozen=True)
class IssuerSpans:
    """For each enrollment row, its member's enrollment with its issuer; arrays of shape (n_rows,).

    Parameters
    ----------
    months : ndarray of uint8
        Enrollment duration. [months, 0 to 12]
    last_day : ndarray of int32
        Last day of enrollment inside the window. [days since 1970-01-01]
    """

    months: np.ndarray
    last_day: np.ndarray


def issuer_spans(
    arrays: dict[str, np.ndarray], coverage: Coverage, months_given: np.ndarray, last_days: Sequence[int]
) -> IssuerSpans:
    """Add up the days (or the months given) that each member has with each issuer.

    Parameters
    ----------
    arrays : dict of ndarray
        member, issuer, start_date, end_date; shape (n_rows,). Spans of one member do not overlap.
    coverage : Coverage
        The benefit year.
    months_given : ndarray of int16
        Months as given; negative where they follow from the span.
    last_days : sequence of int
        Last day that still counts as 1, 2, ... months.
    """
    first, last = days_of(coverage.start), days_of(coverage.end)
    starts, ends = arrays["start_date"], arrays["end_date"]
    undated = starts == MISSING_DATE
    starts = np.where(undated, first, np.maximum(starts, first))
    ends = np.where(undated, last, np.minimum(ends, last)).astype(np.int32)
    days = np.maximum(ends - starts + 1, 0)
    group = _member_and_issuer(arrays["member"], arrays["issuer"])
    n_groups = int(group.max(initial=-1)) + 1
    counted = _months_of(np.bincount(group, weights=days, minlength=n_groups).astype(np.int64), last_days)
    given = np.bincount(group, weights=np.maximum(months_given, 0), minlength=n_groups)
    is_given = np.bincount(group, weights=months_given < 0, minlength=n_groups) == 0
    months = np.where(is_given, np.minimum(given, len(last_days)), counted).astype(np.uint8)
    latest = np.full(n_groups, first, np.int32)
    np.maximum.at(latest, group, ends)
    return IssuerSpans(months[group], latest[group])


def _months_of(days: np.ndarray, last_days: Sequence[int]) -> np.ndarray:
    months = np.searchsorted(np.array(last_days), days, side="left") + 1
    return np.where(days == 0, 0, np.minimum(months, len(last_days)))


def _member_and_issuer(member: np.ndarray, issuer: np.ndarray) -> np.ndarray:
    """Return a number for each distinct (member, issuer), from 0."""
    if len(member) == int(member.max(initial=-1)) + 1:
        return member  # nobody stands twice
    key = member.astype(np.int64) * 1_000_000 + issuer
    return np.unique(key, return_inverse=True)[1]
