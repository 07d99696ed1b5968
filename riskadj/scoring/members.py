"""The member index: member ids of the enrollment -> member numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import cast_ids, id_buffers, is_valid, values_of
from riskadj.kernels import member_index
from riskadj.kernels.arrays import Ids, Index


@dataclass(frozen=True)
class MemberPass:
    """One of several passes over the extracts, each of which scores the members whose ids hash to it.

    Attributes
    ----------
    number : int
        From 0.
    n_passes : int
    id_type : pyarrow.DataType or None
        Type that ids are compared in.
    """

    number: int
    n_passes: int
    id_type: pa.DataType | None

    def keeps(self, ids: pa.Array) -> npt.NDArray[np.bool_]:
        """Return which ids belong to this pass (bool, shape (len(ids),))."""
        ids = cast_ids(ids, self.id_type)
        if pa.types.is_dictionary(ids.type):
            ids = ids.dictionary_decode()
        pass_of_row = np.empty(len(ids), np.int32)
        member_index.assign_passes(bytes_of(ids), self.n_passes, pass_of_row)
        return pass_of_row == self.number


@dataclass(frozen=True)
class MemberIndex:
    """Finds the member number of an id by its bytes.

    Attributes
    ----------
    arrays : Index
        What the kernels look members up in.
    member_of_row : ndarray of int32, shape (n_enrollment_rows,)
    """

    arrays: Index
    member_of_row: npt.NDArray[np.int32]

    @property
    def n_members(self) -> int:
        """Number of members that have a number, scored or not."""
        return len(self.arrays.is_scored)

    @property
    def n_scored(self) -> int:
        """Number of members with a row that is scored."""
        return int(np.count_nonzero(self.arrays.is_scored))

    def of_rows(self, member_of_row: npt.NDArray[np.int32]) -> MemberIndex:
        """Return the index for rows of these members alone: a member without any row is found no more."""
        if np.array_equal(member_of_row, self.member_of_row):
            return self
        is_scored = np.zeros(self.n_members, np.uint8)
        is_scored[member_of_row] = 1
        return MemberIndex(self.arrays._replace(is_scored=is_scored), member_of_row)

    def without_ids(self) -> MemberIndex:
        """Return the same members where nobody looks for an id any more: the slots are most of the index."""
        arrays = self.arrays._replace(ids=no_ids(), slots=np.zeros((1, 2), np.uint64))
        return MemberIndex(arrays, self.member_of_row)

    def find(self, ids: pa.Array, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the member number of ``ids[rows]`` (int32, -1 where the enrollment has no such member)."""
        if pa.types.is_dictionary(ids.type):
            return self.find_entries(ids)[dictionary_entries(ids)[rows]]
        members = np.empty(len(rows), np.int32)
        member_index.find_members(bytes_of(ids), rows, self.arrays, members)
        return members

    def find_entries(self, ids: pa.DictionaryArray) -> npt.NDArray[np.int32]:
        """Return the member number of each dictionary entry, and -1 at the end for null.

        Entries before the first and after the last that `ids` has are not looked up (-1): where the rows of a member
        stand together, a piece of a row group has few of its entries.
        """
        entries, n_entries = dictionary_entries(ids), len(ids.dictionary)
        first, last = max(entries.min(initial=n_entries), 0), entries.max(initial=-1)
        members = np.full(n_entries + 1, -1, np.int32)
        members[first : last + 1] = self.find(ids.dictionary, np.arange(first, last + 1))
        return members


def dictionary_entries(ids: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Return the dictionary entry of each row, -1 for null (int32)."""
    if ids.null_count == 0:
        return values_of(ids.indices)
    return np.where(is_valid(ids.indices), values_of(ids.indices), np.int32(-1))


def index_members(ids: pa.Array) -> MemberIndex:
    """Build the index over the member ids of the enrollment rows.

    Parameters
    ----------
    ids : pyarrow array of strings, integers or binary, shape (n_rows,)

    Raises
    ------
    ExtractError
        More members than one index can number.
    """
    if len(ids) > member_index.MAX_MEMBERS:
        raise ExtractError(
            f"enrollment has {len(ids):,} rows; one pass holds {member_index.MAX_MEMBERS:,}. "
            "Split the extract by member."
        )
    as_bytes = bytes_of(ids)
    slots = np.zeros((member_index.n_slots(len(ids)), 2), np.uint64)
    first_row = np.empty(len(ids), np.int32)
    member_of_row = np.empty(len(ids), np.int32)
    n_members = np.zeros(1, np.int64)
    member_index.index_members(as_bytes, slots, first_row, member_of_row, n_members)
    is_scored = np.ones(n_members[0], np.uint8)
    if np.diff(as_bytes.offsets).max(initial=0) <= member_index.MOST_IN_SLOT:  # nobody asks for the ids again
        return MemberIndex(Index(no_ids(), slots, np.empty(0, np.int32), is_scored), member_of_row)
    return MemberIndex(Index(as_bytes, slots, first_row[: n_members[0]].copy(), is_scored), member_of_row)


def no_ids() -> Ids:
    """Return no ids, where a kernel asks for some that it does not need."""
    return Ids(np.empty(0, np.uint8), np.empty(0, np.uint64), np.zeros(1, np.int32))


def bytes_of(ids: pa.Array) -> Ids:
    """Return ids as kernels read them; bytes are not copied, the last few may be left out of the words."""
    data, offsets = id_buffers(ids)
    return Ids(data, data[: len(data) // 8 * 8].view("<u8"), offsets)
