"""Rows of anything that pricing reads, as NumPy columns: labels as numbers, dates as days, amounts.

Every reader of pricing stands on this one: `inputs` checks tables of plans or counties column by column, `claim_lines`
knows the amounts of claims, `experience.spans` the days of enrollment. Only the columns that are asked for are read;
text is turned into numbers once for each distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing import sorting
from pricing.errors import InputError
from pricing.written_numbers import FORMS, read_written
from riskadj.errors import columns_in_words, nearest
from riskadj.extracts.buffers import id_buffers, is_valid, one_chunk, values_of
from riskadj.extracts.contract import is_text
from riskadj.extracts.dates import MISSING_DATE, to_days
from riskadj.extracts.normalise import as_codes
from riskadj.extracts.parts import whole
from riskadj.extracts.sources import open_parts

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BLANK = "(blank)"
ALL = "(all)"
_FIRST_ROWS = 5
#: Bytes from here on belong to letters (and blanks) beyond ASCII.
_NOT_ASCII = 0x80
_MONTH = r"^(\d{4})-?(\d{2})$"
#: What pandas calls an index without a name when it hands over or writes a table.
_PANDAS_INDEX = "__index_level_"


def rows_in_words(bad: Flags) -> str:
    """Return ``"14 of 20,000 rows (first rows: 3, 91)"``; the first data row is 1."""
    numbers = (np.flatnonzero(bad)[:_FIRST_ROWS] + 1).tolist()
    return f"{int(bad.sum()):,} of {len(bad):,} rows (first rows: {', '.join(map(str, numbers))})"


@dataclass(frozen=True)
class Labels:
    """A text column: the label of row i is ``names[codes[i]]``.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_rows,)
    names : pyarrow.Array of string
        Distinct.
    """

    codes: Integers
    names: pa.Array

    def table_column(self, codes: Integers) -> pa.Array:
        """Return the labels of some codes."""
        return self.names.take(pa.array(codes, pa.int64()))

    def in_order(self) -> Labels:
        """Return the same labels with names in order, so that codes sort as their names do."""
        order = pc.sort_indices(self.names).to_numpy().astype(np.int64)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return Labels(rank[self.codes], self.names.take(pa.array(order)))

    def places_in(self, names: pa.Array) -> Integers:
        """Return where each row's label stands among other names, shape (n_rows,); -1 where it does not."""
        at = pc.index_in(self.names, value_set=names.cast(self.names.type))
        return at.fill_null(-1).to_numpy().astype(np.int64)[self.codes]


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """Return what the calls return, each on a thread of its own; of several that fail, the first raises."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def one_label(n_rows: int, name: str = ALL) -> Labels:
    """Return the column in which every row has the same label."""
    return Labels(np.zeros(n_rows, np.int64), pa.array([name]))


def add_up(codes: Integers, weights: npt.NDArray[Any], n: int) -> Numbers:
    """Return the sum of the weights of each code below `n`."""
    return np.bincount(codes, weights=weights, minlength=n).astype(np.float64)


def combined(columns: Sequence[Labels], n_rows: int) -> tuple[Integers, Integers]:
    """Number the combinations of several columns.

    Returns
    -------
    group : ndarray of int64, shape (n_rows,)
    codes : ndarray of int64, shape (n_groups, n_columns)
        Of each combination, in order of the columns' codes.
    """
    return numbered([column.codes for column in columns], [len(column.names) for column in columns], n_rows)


def numbered(codes: Sequence[Integers], sizes: Sequence[int], n_rows: int) -> tuple[Integers, Integers]:
    """Number the combinations of codes, each below its size; as `combined` returns them."""
    key = np.zeros(n_rows, np.int64)
    for code, size in zip(codes, sizes, strict=True):
        key = key * size + code
    found, group = sorting.distinct(key)
    parts = np.empty((len(found), len(sizes)), np.int64)
    rest = found
    for position in range(len(sizes) - 1, -1, -1):
        rest, parts[:, position] = np.divmod(rest, sizes[position])
    return group, parts


@dataclass(frozen=True)
class Rows:
    """The columns read, under our names; each is turned into numbers when asked for.

    Attributes
    ----------
    not_read : tuple of str
        Columns of the source that nobody asked for, under its own names; an index of pandas is none.
    """

    label: str
    table: pa.Table = field(repr=False)
    not_read: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows read."""
        return self.table.num_rows

    def has(self, name: str) -> bool:
        """Return whether the column is there."""
        return name in self.table.column_names

    def labels(self, name: str, *, blank: str | None = None) -> Labels:
        """Return a column of text or whole numbers; `blank` is what stands for nothing.

        Raises
        ------
        InputError
            A row is blank, and no `blank` is given.
        """
        codes, names = self._numbered(name)
        is_blank = _is_blank(names)
        missing = codes < 0
        if is_blank.any():
            missing |= is_blank[codes]
        if not missing.any():
            return Labels(codes, names)
        if blank is None:
            raise self._blank(name, missing)
        return Labels(
            np.where(missing, len(names), codes), pa.concat_arrays([names, pa.array([blank], names.type)])
        )

    def _numbered(self, name: str) -> tuple[Integers, pa.Array]:
        """Return the number of each row's value, -1 for null, and the distinct values as text."""
        column = self.table[name]
        try:
            if len(column) >= sorting.MANY_ROWS and _is_text_or_whole(column.type):
                from pricing.texts import number_column

                return number_column(column, label=self.label, name=name)
            encoded = as_codes(column, label=self.label, name=name)
        except MemoryError:
            raise
        except pa.ArrowException:
            raise self._wrong_kind(name, column.type, "text") from None
        names = encoded.dictionary
        codes = np.where(is_valid(encoded), values_of(encoded.indices), -1).astype(np.int64)
        if pa.types.is_dictionary(column.type):  # one of the source's own may name the same thing twice
            names = pc.unique(names)
            if len(names) < len(encoded.dictionary):
                places = pc.index_in(encoded.dictionary, value_set=names).to_numpy().astype(np.int64)
                codes = np.where(codes < 0, -1, places[codes])
        return codes, names

    def days(self, name: str, *, blank: int | None = None) -> Integers:
        """Return a column of dates [days since 1970-01-01]; `blank` is what stands for none.

        Raises
        ------
        InputError
            A row is blank (and no `blank` is given), or holds no date.
        """
        return self._days(name, self.table[name], "date", form="YYYY-MM-DD", blank=blank)

    def months(self, name: str) -> Integers:
        """Return a day in each month of a column: dates, or YYYY-MM or YYYYMM [days since 1970-01-01].

        Raises
        ------
        InputError
            A row is blank, or holds no month.
        """
        return self._days(name, _with_first_day(self.table[name]), "month", form="YYYY-MM", blank=None)

    def _days(
        self, name: str, column: pa.Array | pa.ChunkedArray, word: str, *, form: str, blank: int | None
    ) -> Integers:
        try:
            days, is_unreadable = to_days(column)
        except MemoryError:
            raise
        except pa.ArrowException:
            raise self._wrong_kind(name, column.type, word) from None
        self.refuse(is_unreadable, f"column '{name}': no {word} (write it {form})")
        missing = days == MISSING_DATE
        if missing.any() and blank is None:
            raise self._blank(name, missing)
        return np.where(missing, 0 if blank is None else blank, days).astype(np.int64)

    def numbers(self, name: str, *, where: Flags | None = None) -> Numbers:
        """Return a column of numbers; outside the rows `where` one may be blank, and is NaN.

        Raises
        ------
        InputError
            A row is blank that may not be, or holds no finite number.
        """
        values, missing = self._cast(name, pa.float64(), "number")
        refused = missing if where is None else missing & where
        if refused.any():
            raise self._blank(name, refused)
        numbers = np.where(missing, np.nan, values)
        self.refuse(~np.isfinite(numbers) & ~missing, f"column '{name}': not a finite number")
        return numbers

    def integers(self, name: str) -> Integers:
        """Return a column of whole numbers.

        Raises
        ------
        InputError
            A row is blank, or holds no whole number.
        """
        values, missing = self._cast(name, pa.int64(), "integer")
        if missing.any():
            raise self._blank(name, missing)
        return values.astype(np.int64, copy=False)

    def flags(self, name: str) -> Flags:
        """Return a column of true and false.

        Raises
        ------
        InputError
            A row is blank, or holds neither.
        """
        values, missing = self._cast(name, pa.bool_(), "flag")
        if missing.any():
            raise self._blank(name, missing)
        return values.astype(np.bool_, copy=False)

    def _cast(self, name: str, kind: pa.DataType, word: str) -> tuple[npt.NDArray[Any], Flags]:
        """Return a column's values as `kind`, and which are blank."""
        column = one_chunk(self.table[name])
        plain = _without_blanks(column)
        try:
            cast = plain.cast(kind)
        except MemoryError:
            raise
        except pa.ArrowException:
            if not is_text(plain.type) or pa.types.is_boolean(kind):
                raise self._wrong_kind(name, column.type, word) from None
            cast = self._as_written(name, plain, kind, word)
        return values_of(cast), ~is_valid(cast)

    def _as_written(self, name: str, texts: pa.Array, kind: pa.DataType, word: str) -> pa.Array:
        """Return texts as `kind` that a spreadsheet wrote with dollar signs, commas or percent signs."""
        numbers = read_written(texts)
        if pa.types.is_integer(kind):
            numbers = pc.if_else(pc.equal(pc.floor(numbers), numbers), numbers, None)
        bad = is_valid(texts) & ~is_valid(numbers)
        self.refuse(bad, f"column '{name}': no {word}", remedy=f"write it as {FORMS}")
        return numbers.cast(kind)

    def refuse(self, bad: Flags, what: str, *, remedy: str = "") -> None:
        """Raise InputError if any row is bad; `what` says which rule they break, `remedy` what is allowed or to do."""
        if bad.any():
            ending = f"; {remedy}" if remedy else ""
            raise InputError(f"{self.label}, {what} in {rows_in_words(bad)}{ending}.")

    def _wrong_kind(self, name: str, found: pa.DataType, word: str) -> InputError:
        return InputError(
            f"{self.label}, column '{name}' has type {found}, or a value that is no {word}; give {word}s."
        )

    def _blank(self, name: str, missing: Flags) -> InputError:
        return InputError(
            f"{self.label}, column '{name}': blank in {rows_in_words(missing)}; give every row a value."
        )


def _is_blank(names: pa.Array) -> Flags:
    """Return True for names of nothing but blanks; one entry at least, for columns of nulls only."""
    if not len(names):
        return np.ones(1, np.bool_)
    data, offsets = id_buffers(names)
    begins = data[np.minimum(offsets[:-1], len(data) - 1)] if len(data) else np.zeros(len(names), np.uint8)
    perhaps = np.flatnonzero((np.diff(offsets) == 0) | (begins <= ord(" ")) | (begins >= _NOT_ASCII))
    result = np.zeros(len(names), np.bool_)
    if len(perhaps):
        is_empty = pc.equal(pc.utf8_trim_whitespace(names.take(pa.array(perhaps))), "")
        result[perhaps] = values_of(pc.fill_null(is_empty, True))
    return result


def _is_text_or_whole(kind: pa.DataType) -> bool:
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return is_text(values) or pa.types.is_integer(values)


def _with_first_day(column: pa.ChunkedArray) -> pa.Array:
    """Return months written YYYY-MM or YYYYMM as the first day of each; anything else as it is."""
    months = _without_blanks(one_chunk(column))
    if pa.types.is_integer(months.type):
        months = months.cast(pa.string())
    return pc.replace_substring_regex(months, _MONTH, r"\1-\2-01") if is_text(months.type) else months


def _without_blanks(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        return column
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), None, text)


def read_rows(
    source: Any,
    role: str,
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    carry: bool = False,
) -> Rows:
    """Read the columns that are asked for.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table, mapping of lists, or Rows
    role : {"enrollment", "claims", "plans", ...}
        What the rows are, for messages.
    needed, optional : sequence of str
        Our names; optional ones are left out where the source lacks them.
    columns : mapping, optional
        Our name -> the source's, where they differ.
    carry : bool
        Read the other columns too, under their own names.

    Raises
    ------
    InputError
        A column is missing, `columns` names one that is not asked for, or there are no rows.
    riskadj.errors.ExtractError
        The source cannot be read.
    """
    renamed = dict(columns or {})
    known = (*needed, *optional)
    for name in renamed:
        if name not in known:
            raise InputError(f"columns= names '{name}', which is not read here{nearest(name, known)}.")
    wanted = {name: renamed.get(name, name) for name in dict.fromkeys(known)}
    header, label, read = _opened(source, role)
    required = [theirs for name, theirs in wanted.items() if name in needed or name in renamed]
    lacking = [theirs for theirs in required if theirs not in header]
    if lacking:
        quoted = ", ".join(f"'{theirs}'" for theirs in lacking)
        has = columns_in_words(header, wanted.values())
        raise InputError(f"{label} lacks {quoted} ({has}){nearest(lacking, header)}.")
    present = {name: theirs for name, theirs in wanted.items() if theirs in header}
    if carry:
        present |= {name: name for name in header if name not in present.values()}
    table = read(list(dict.fromkeys(present.values())))
    if not table.num_rows:
        raise InputError(f"{label} has no rows; {role} needs at least one.")
    asked = set(present.values())
    not_read = tuple(name for name in header if name not in asked and not name.startswith(_PANDAS_INDEX))
    return Rows(label, pa.table({name: table[theirs] for name, theirs in present.items()}), not_read)


def _opened(source: Any, role: str) -> tuple[list[str], str, Any]:
    """Return the column names of a source, its label, and how to read some columns of it."""
    if isinstance(source, Rows):
        return source.table.column_names, source.label, source.table.select
    if isinstance(source, Mapping):
        table = pa.table({name: pa.array(list(values)) for name, values in source.items()})
        return table.column_names, role, table.select
    parts = open_parts(source, role)
    return list(parts[0].schema.names), parts[0].label, partial(whole, parts)
