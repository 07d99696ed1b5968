"""Diagnoses taken away in a what-if: which rows of the extract, and the extract without them or with them alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import OptionError, nearest
from riskadj.extracts.contract import ROLES, ROW_NUMBER, names_of
from riskadj.extracts.open import Extract, open_extract
from riskadj.extracts.picked import picked
from riskadj.results.marginal.hashes import Hashes, is_code, key_hashes, labels_of

_MOST_KEYS = 1_000_000


@dataclass
class Tally:
    """What a removal met in an extract.

    Attributes
    ----------
    rows_read, rows_matched : int
    is_found : ndarray of bool, shape (n_keys,)
        Which keys some row agrees with.
    words : dict of str to set of str
        The codes that the columns of codes hold, for messages.
    """

    is_found: npt.NDArray[np.bool_]
    rows_read: int = 0
    rows_matched: int = 0
    words: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Removal:
    """Which diagnoses go: the rows that agree with one of the keys in every column of it.

    Attributes
    ----------
    columns : tuple of str
        Canonical columns of the diagnoses.
    keys : ndarray of uint64, shape (n_keys,)
        Hash of each key, ascending, each once.
    described : str
        What goes, in words that hold no member's data.
    """

    columns: tuple[str, ...]
    keys: Hashes
    described: str

    def tally(self) -> Tally:
        """Return a tally of nothing met yet."""
        return Tally(np.zeros(len(self.keys), np.bool_))

    def matches(self, table: pa.Table) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Return which rows of a table go, and the position of each one's key."""
        hashes = key_hashes(table, self.columns)
        at = np.minimum(np.searchsorted(self.keys, hashes), len(self.keys) - 1)
        return self.keys[at] == hashes, at


def make_removal(extract: Extract, *, where: Mapping[str, Any] | None = None, listed: Any = None) -> Removal:
    """Return the removal that a caller describes.

    Parameters
    ----------
    extract : Extract
        The diagnoses extract that it is for.
    where : mapping of str to value or list of values, optional
        Canonical column -> what it must hold; all columns must agree.
    listed : path or in-memory table, optional
        Rows to remove: its columns, all of them columns of the diagnoses, say what must agree.

    Raises
    ------
    OptionError
        Neither or both are given, a column is not there, or they name no row.
    """
    if (where is None) == (listed is None):
        raise OptionError("say which diagnoses go: either where= (--where) or listed= (--listed).")
    if where is not None:
        return _removal_of_values(extract, where)
    return _removal_of_table(extract, listed)


def split(extract: Extract, removal: Removal, tally: Tally, *, removed: bool) -> Extract:
    """Return the extract with only the rows that go (`removed`), or only those that stay; rows keep their numbers.

    Parameters
    ----------
    tally : Tally
        Added to while the extract is read; safe with several threads.
    """
    lock = threading.Lock()

    def goes(table: pa.Table) -> npt.NDArray[np.bool_]:
        matched, key = removal.matches(table)
        with lock:
            _note(tally, removal, table, matched, key)
        return matched == removed

    return picked(extract, removal.columns, goes)


def _note(
    tally: Tally, removal: Removal, table: pa.Table, goes: npt.NDArray[np.bool_], key: npt.NDArray[np.int64]
) -> None:
    tally.rows_read += table.num_rows
    tally.rows_matched += int(goes.sum())
    tally.is_found[key[goes]] = True
    for name in removal.columns:
        if is_code(name) and name != "diagnosis_code":
            tally.words.setdefault(name, set()).update(labels_of(name, table[name]).values())


def _removal_of_values(extract: Extract, where: Mapping[str, Any]) -> Removal:
    _check_columns(extract, list(where), "where")
    values = [_listed(value) for value in where.values()]
    if not where or not all(values):
        raise OptionError("where= names no column or no value; give a column of the diagnoses and what goes.")
    if np.prod([len(each) for each in values], dtype=np.float64) > _MOST_KEYS:
        raise OptionError(
            f"where= means more than {_MOST_KEYS:,} combinations; give listed= (--listed) instead."
        )
    rows = list(product(*values))
    columns = {name: _array(name, [row[place] for row in rows]) for place, name in enumerate(where)}
    said = [
        f"{name} {', '.join(map(str, each))}" if is_code(name) else f"{len(each):,} of {name}"
        for name, each in zip(where, values, strict=True)
    ]
    return _removal(pa.table(columns), " and ".join(said))


def _removal_of_table(extract: Extract, listed: Any) -> Removal:
    opened = open_extract(listed, "removals")
    _check_columns(extract, opened.columns, "listed")
    if not opened.columns:
        raise OptionError(
            f"listed= has none of the diagnoses' columns; give some of {', '.join(extract.columns)}."
        )
    tables = [_plain(chunk.read()) for chunk in opened.chunks(opened.columns)]
    rows = pa.concat_tables(tables, promote_options="permissive") if tables else None
    if rows is None or not rows.num_rows:
        raise OptionError("listed= has no rows; give the diagnoses that go.")
    return _removal(rows, f"{rows.num_rows:,} rows listed by {', '.join(opened.columns)}")


def _plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries, which chunks need not share."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        is_coded = pa.types.is_dictionary(column.type)
        columns[name] = column.cast(column.type.value_type) if is_coded else column
    return pa.table(columns)


def _removal(rows: pa.Table, described: str) -> Removal:
    columns = tuple(name for name in rows.column_names if name != ROW_NUMBER)
    return Removal(columns, np.unique(key_hashes(rows, columns)), described)


def _check_columns(extract: Extract, names: Sequence[str], option: str) -> None:
    for name in names:
        known = names_of("diagnoses")
        if name not in known:
            raise OptionError(
                f"{option}= names '{name}', no column of diagnoses{nearest(name, known)}; known: {', '.join(known)}."
            )
        if name not in extract.columns:
            raise OptionError(
                f"{option}= names '{name}', but the diagnoses have no such column (they have "
                f"{', '.join(extract.columns)}); map it with columns={{'{name}': ...}}."
            )


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | int | date) else list(value)


def _array(name: str, values: Sequence[Any]) -> pa.Array:
    if ROLES["diagnoses"].get(name) != "date":
        return pa.array([str(value) for value in values], pa.string())
    try:
        days = [value if isinstance(value, date) else date.fromisoformat(str(value)) for value in values]
    except ValueError:
        raise OptionError(f"where= gives {name} a value that is no date; write YYYY-MM-DD.") from None
    return pa.array(days, pa.date32())
