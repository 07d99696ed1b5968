"""By what people break results down: a label for each enrollment row, from its status or from columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, nearest
from riskadj.extracts.attributes import read_attributes
from riskadj.extracts.buffers import encoded_strings, is_valid, one_chunk, values_of
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ScoredPopulation
from riskadj.terms import STATUS_FIELDS

#: First age of each band that results are broken down by.
AGE_BANDS = (0, 18, 35, 45, 55, 60, 65, 70, 75, 80, 85, 90, 95)
AGE_BAND, NO_LABEL = "age_band", "(none)"

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Labels:
    """One label for each of some rows: `names` by code.

    Attributes
    ----------
    codes : ndarray of int32, shape (n_rows,)
    names : tuple of str
    """

    codes: Codes
    names: tuple[str, ...]

    def take(self, rows: npt.NDArray[np.int64]) -> Labels:
        """Return the labels of these rows."""
        return Labels(self.codes[rows], self.names)

    def is_name(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which rows have this label."""
        found: npt.NDArray[np.bool_] = self.codes == (self.names.index(name) if name in self.names else -1)
        return found

    def column(self) -> pa.DictionaryArray:
        """Return the labels as an Arrow column."""
        return encoded_strings(self.codes, self.names)


@dataclass(frozen=True)
class Attributes:
    """Columns of the caller's own, found for each enrollment row by its member.

    Attributes
    ----------
    table : pyarrow.Table
    row_of_member : ndarray of int64, shape (n_members,)
        Row of the table; -1 where it lacks the member.
    """

    table: pa.Table
    row_of_member: npt.NDArray[np.int64]


def find_attributes(run: ScoringRun, source: Any) -> Attributes:
    """Read a table of the caller's own and find the members of a run in it.

    Raises
    ------
    ExtractError
        A member stands in it more than once, or none of the run's members does.
    """
    ids, table = read_attributes(source)
    members = run.index.find(as_index_ids(run, ids, "attributes"), np.arange(len(ids)))
    found = members[members >= 0]
    if not len(found):
        raise ExtractError(
            f"none of the {len(ids):,} rows of attributes belongs to a member that is scored; are the ids spelt alike?"
        )
    repeated = np.flatnonzero(np.bincount(found, minlength=run.index.n_members) > 1)
    if len(repeated):
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(np.isin(members, repeated))[:5])
        raise ExtractError(
            f"attributes has several rows for {len(repeated):,} members (first rows: {rows}); give one a member."
        )
    row_of_member = np.full(run.index.n_members, -1, np.int64)
    row_of_member[found] = np.flatnonzero(members >= 0)
    return Attributes(table, row_of_member)


def as_index_ids(run: ScoringRun, ids: pa.Array, role: str) -> pa.Array:
    """Return ids in the type in which a run compares them.

    Raises
    ------
    ColumnTypeError
        They cannot be read so.
    """
    wanted = run.index_id_type
    if pa.types.is_integer(wanted) != pa.types.is_integer(ids.type):
        try:
            return ids.cast(wanted)
        except MemoryError:
            raise
        except pa.ArrowException:
            raise ColumnTypeError(
                f"member_id is {ids.type} in {role} and {wanted} in the other extracts; give all one type."
            ) from None
    return ids


def labels_of(run: ScoringRun, name: str, attributes: Attributes | None = None) -> Labels:
    """Return the label of each enrollment row under one name.

    Parameters
    ----------
    name : str
        "age_band", a member-status field that the year's rules test (sex, dual, orec, ...), a column that the
        enrollment extract carries (contract_id, plan_id, county_code), or a column of `attributes`.

    Raises
    ------
    ColumnMissingError
        There is no such name; the message lists those there are.
    """
    population = run.population
    if attributes is not None and name in attributes.table.column_names:
        rows = attributes.row_of_member[population.member_of_row]
        return _of_column(attributes.table[name], rows)
    if name in population.enrollment.extra:
        return _of_column(population.enrollment.extra[name], np.arange(population.n_rows))
    if name == AGE_BAND:
        ages = population.profiles.columns["age_years"][population.profiles.of_row]
        return age_bands(ages)
    if name in population.profiles.columns and name in STATUS_FIELDS:
        return Labels(
            population.profiles.columns[name].astype(np.int32)[population.profiles.of_row],
            STATUS_FIELDS[name],
        )
    raise ColumnMissingError(_unknown(population, name, attributes))


def _unknown(population: ScoredPopulation, name: str, attributes: Attributes | None) -> str:
    own = [] if attributes is None else attributes.table.column_names
    fields = [field for field in population.profiles.columns if field in STATUS_FIELDS]
    known = [AGE_BAND, *fields, *population.enrollment.extra, *own]
    return (
        f"by='{name}' is no column to group by{nearest(name, known)}; there are: {', '.join(known)}. "
        "Others can come in a table of member_id and any columns (attributes=)."
    )


def labels_of_column(column: pa.Array | pa.ChunkedArray) -> Labels:
    """Return the labels of a column of any type, one for each of its rows, in alphabetical order."""
    return _of_column(column, np.arange(len(column)))


def _of_column(column: pa.Array | pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> Labels:
    array = one_chunk(column.unify_dictionaries() if isinstance(column, pa.ChunkedArray) else column)
    values = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    encoded = values.cast(pa.string()).dictionary_encode()
    entries = encoded.dictionary.to_pylist()
    codes = np.where(is_valid(encoded.indices), values_of(encoded.indices), len(entries)).astype(np.int32)
    return _sorted(np.append(codes, np.int32(len(entries)))[rows], [*entries, NO_LABEL])


def _sorted(codes: Codes, names: Sequence[str]) -> Labels:
    order = sorted(range(len(names)), key=lambda number: (names[number] == NO_LABEL, names[number]))
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return Labels(rank[codes], tuple(names[number] for number in order))


def age_bands(ages: npt.NDArray[np.uint8]) -> Labels:
    """Return the band of each age [whole years]."""
    band = (np.searchsorted(AGE_BANDS, ages, side="right") - 1).astype(np.int32)
    names = [f"{low}-{high - 1}" for low, high in pairwise(AGE_BANDS)]
    return Labels(band, (*names, f"{AGE_BANDS[-1]}+"))


def combine(labels: Mapping[str, Labels]) -> tuple[Codes, list[tuple[str, ...]]]:
    """Return the group of each row under several labels at once, and the names of each group in order.

    Only groups that some row is in are there; without labels all rows are one group.
    """
    columns = list(labels.values())
    if not columns:
        raise ValueError("labels")
    key = np.zeros(len(columns[0].codes), np.int64)
    for column in columns:
        key = key * len(column.names) + column.codes
    distinct, codes = np.unique(key, return_inverse=True)
    groups = []
    for value in distinct.tolist():
        names = []
        for column in reversed(columns):
            value, code = divmod(value, len(column.names))
            names.append(column.names[code])
        groups.append(tuple(reversed(names)))
    return codes.astype(np.int32), groups
