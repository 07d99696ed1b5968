"""Claim lines, read once for every question of cost: who, when, what for and how much, each amount counted once.

Some extracts repeat the amount of a whole claim on every line of it (institutional claims of CCLF and of CMS's research
files do). Added up by line they cost many times what was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pricing.errors import InputError, check_choice
from pricing.inputs import Numbers
from pricing.rows import ALL, BLANK, Flags, Integers, Labels, Rows, add_up, one_label, read_rows, side_by_side
from pricing.sorting import distinct, stable_order

AMOUNTS = ("paid_amount", "allowed_amount")
#: A category's amounts look repeated if this share of its claims of several lines have the same amount on each.
LOOKS_REPEATED = 0.9
#: Fewer claims of several lines than this tell nothing.
LEAST_CLAIMS = 5
_HALF_A_CENT = 0.005


@dataclass(frozen=True)
class ClaimLines:
    """Claim lines, in the order of the extract.

    Attributes
    ----------
    amounts : ndarray of float64, shape (n_lines,)
        Dollars; 0 on lines that repeat their claim's amount.
    is_reversal : ndarray of bool, shape (n_lines,)
        Lines whose amount is negative.
    warnings : tuple of str
        What looks wrong with the amounts, in words.
    counts : mapping
        lines_read; lines_repeating: whose amount was not counted again.
    """

    rows: Rows = field(repr=False)
    members: Labels = field(repr=False)
    claims: Labels = field(repr=False)
    categories: Labels = field(repr=False)
    days: Integers
    amounts: Numbers
    is_reversal: Flags
    warnings: tuple[str, ...]
    counts: Mapping[str, int | float]


def read_claim_lines(
    source: Any,
    *,
    amount: str,
    header_amounts: bool | str | Iterable[str] = False,
    more: Sequence[str] = (),
    optional: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> ClaimLines:
    """Read a claims extract.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line: claim_id, member_id, service_date and `amount`; service_category (a blank one is
        "(blank)") and claim_line_number if there are any.
    amount : {"paid_amount", "allowed_amount"}
    header_amounts : bool, str or iterable of str
        True, or the service categories, where every line repeats the amount of its claim: it counts on the claim's
        first line only (its lowest claim_line_number), reversals and corrections of that line included.
    more, optional : sequence of str
        Other columns to read; optional ones if they are there. A service_category in `more` may not be blank.
    columns : mapping, optional
        Our name -> the extract's.

    Raises
    ------
    InputError
        A column is missing or blank, or amounts said to be the claim's differ between its lines.
    """
    check_choice("amount", amount, AMOUNTS)
    listed = header_names(header_amounts)
    needed = (
        "claim_id",
        "member_id",
        "service_date",
        amount,
        *more,
        *(("claim_line_number",) if listed else ()),
    )
    rows = read_rows(
        source,
        "claims",
        needed=needed,
        optional=("service_category", "claim_line_number", *optional),
        columns=columns,
    )
    categories = one_label(rows.n_rows, ALL)
    if rows.has("service_category"):
        blank = None if "service_category" in more else BLANK
        categories = rows.labels("service_category", blank=blank)
    (claims, amounts, kept, warnings), members = side_by_side(
        lambda: _counted_once(rows, categories, amount, listed), lambda: rows.labels("member_id")
    )
    return ClaimLines(
        rows=rows,
        members=members,
        claims=claims,
        categories=categories,
        days=rows.days("service_date"),
        amounts=np.where(kept, amounts, 0.0),
        is_reversal=amounts < 0,
        warnings=warnings,
        counts={"lines_read": rows.n_rows, "lines_repeating": int((~kept).sum())},
    )


def _counted_once(
    rows: Rows, categories: Labels, amount: str, listed: bool | tuple[str, ...]
) -> tuple[Labels, Numbers, Flags, tuple[str, ...]]:
    """Return claims, amounts, whether each line's amount counts, and warnings of those that look repeated."""
    claims, amounts = rows.labels("claim_id"), rows.numbers(amount)
    kept = np.ones(rows.n_rows, np.bool_)
    is_header = _header_rows(categories, listed)
    if not rows.has("claim_line_number"):
        return claims, amounts, kept, ()
    lines = rows.labels("claim_line_number", blank=BLANK).codes
    if is_header.any():
        kept[is_header] = _first_lines(
            claims.codes[is_header],
            rows.numbers("claim_line_number", where=is_header)[is_header],
            amounts[is_header],
            rows.label,
        )
    return claims, amounts, kept, _look_repeated(categories, claims.codes, lines, amounts, ~is_header)


def header_names(header_amounts: bool | str | Iterable[str]) -> bool | tuple[str, ...]:
    """Return the service categories whose amounts are the claim's; True for all of them, False for none."""
    if isinstance(header_amounts, bool):
        return header_amounts
    return (header_amounts,) if isinstance(header_amounts, str) else tuple(header_amounts)


def _header_rows(categories: Labels, listed: bool | tuple[str, ...]) -> Flags:
    if isinstance(listed, bool):
        return np.full(len(categories.codes), listed)
    names = categories.names.to_pylist()
    unknown = [name for name in listed if name not in names]
    if unknown:
        raise InputError(
            f"header_amounts= names '{unknown[0]}', which no claim has as service_category; "
            f"there are: {', '.join(sorted(names)[:20])}."
        )
    return np.isin(names, listed)[categories.codes]


@dataclass(frozen=True)
class _LineSums:
    """Net amount of each line of each claim (reversals netted), in order of claim and line."""

    claims: Integers
    amounts: Numbers
    first: Integers
    line_of_row: Integers

    @property
    def is_same(self) -> Flags:
        """Whether all lines of a claim have the same net amount, by claim."""
        low, high = (each.reduceat(self.amounts, self.first) for each in (np.minimum, np.maximum))
        return (high - low) < _HALF_A_CENT

    @property
    def n_lines(self) -> Integers:
        """Number of lines of each claim."""
        return np.diff(np.append(self.first, len(self.claims)))


def _line_sums(claims: Integers, lines: Integers, amounts: Numbers) -> _LineSums:
    """Add up by claim and line, each a number from 0."""
    n_lines = int(lines.max(initial=0)) + 1
    keys, line_of_row = distinct(claims * n_lines + lines)
    owner = keys // n_lines
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    return _LineSums(owner, add_up(line_of_row, amounts, len(keys)), first, line_of_row)


def _first_lines(claims: Integers, lines: Numbers, amounts: Numbers, label: str) -> Flags:
    """Return True on rows of each claim's first line; refuse claims whose lines carry different amounts."""
    sums = _line_sums(claims, np.unique(lines, return_inverse=True)[1], amounts)
    differing = int((~sums.is_same).sum())
    if differing:
        raise InputError(
            f"{label}: header_amounts says that lines repeat their claim's amount, but in {differing:,} of "
            f"{len(sums.first):,} claims they differ; name only the service categories where they repeat it."
        )
    return np.isin(sums.line_of_row, sums.first)


def _look_repeated(
    categories: Labels, claims: Integers, lines: Integers, amounts: Numbers, asked: Flags
) -> tuple[str, ...]:
    """Return a warning for each service category whose claims mostly have the same amount on all of several lines."""
    asked = asked & (amounts != 0)
    rows = rows_of_several(claims, asked)
    rows = rows[stable_order(categories.codes[rows])]
    ends = np.cumsum(np.bincount(categories.codes[rows], minlength=len(categories.names)))
    warnings = []
    for code, several in enumerate(np.split(rows, ends[:-1])):
        sums = _line_sums(claims[several], lines[several], amounts[several])
        repeats = sums.is_same[sums.n_lines > 1]
        if len(repeats) >= LEAST_CLAIMS and repeats.mean() >= LOOKS_REPEATED:
            own = np.flatnonzero(asked & (categories.codes == code))
            sums = _line_sums(claims[own], lines[own], amounts[own])
            warnings.append(_repeated_in_words(categories.names[code], repeats, sums, amounts[own]))
    return tuple(warnings)


def rows_of_several(claims: Integers, asked: Flags | None = None) -> Integers:
    """Return the rows whose claim has several of the rows asked for; the others need not be put in order."""
    rows = np.arange(len(claims)) if asked is None else np.flatnonzero(asked)
    has_several = np.bincount(claims[rows]) > 1
    return rows[has_several[claims[rows]]]


def _repeated_in_words(name: object, repeats: Flags, sums: _LineSums, amounts: Numbers) -> str:
    share = np.where(sums.is_same, 1 / sums.n_lines, 1.0)  # a repeated amount counts once
    by_claim = (np.add.reduceat(sums.amounts, sums.first) * share).sum()
    return (
        f"service category '{name}': {int(repeats.sum()):,} of {len(repeats):,} claims of several lines have "
        f"the same amount on each, {amounts.sum():,.0f} dollars by line and {by_claim:,.0f} by claim; "
        "if it is the claim's amount repeated, name the category in header_amounts=."
    )
