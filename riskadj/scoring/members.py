"""The member index: member ids of the enrollment -> member numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import cast_ids, id_buffers, is_valid, values_of
from riskadj.kernels import member_index

#: Member number of an id that the index does not have.
NOT_FOUND = -1


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
        data, offsets = id_buffers(ids)
        pass_of_row = np.empty(len(ids), np.int32)
        member_index.assign_passes(data, words_of(data), offsets, self.n_passes, pass_of_row)
        return pass_of_row == self.number


@dataclass(frozen=True)
class MemberIndex:
    """Finds the member number of an id by its bytes.

    Attributes
    ----------
    member_of_row : ndarray of int32, shape (n_enrollment_rows,)
    first_row : ndarray of int64, shape (n_members,)
        Row in which each member first appears, among the rows that the index was built from.
    is_scored : ndarray of bool, shape (n_members,), or None
        Which members still have a row; None: all.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    slots: npt.NDArray[np.uint64]
    first_row: npt.NDArray[np.int64]
    member_of_row: npt.NDArray[np.int32]
    is_scored: npt.NDArray[np.bool_] | None = None

    @property
    def n_members(self) -> int:
        """Number of members that have a number, scored or not."""
        return len(self.first_row)

    @property
    def n_scored(self) -> int:
        """Number of members with a row that is scored."""
        return self.n_members if self.is_scored is None else int(self.is_scored.sum())

    def of_rows(self, member_of_row: npt.NDArray[np.int32]) -> MemberIndex:
        """Return the index for rows of these members alone: a member without any row is found no more."""
        if len(member_of_row) == len(self.member_of_row):
            return self
        is_scored = np.zeros(self.n_members, np.bool_)
        is_scored[member_of_row] = True
        return replace(self, member_of_row=member_of_row, is_scored=is_scored)

    def find(self, ids: pa.Array, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the member number of ``ids[rows]`` (int32, -1 where the enrollment has no such member)."""
        if pa.types.is_dictionary(ids.type):
            entries = np.append(self.find(ids.dictionary, np.arange(len(ids.dictionary))), np.int32(-1))
            return entries[np.where(is_valid(ids.indices), values_of(ids.indices), -1)[rows]]
        data, offsets = id_buffers(ids)
        members = np.empty(len(rows), np.int32)
        member_index.find_members(
            data, words_of(data), offsets, rows, self.slots, self.data, self.offsets, self.first_row, members
        )
        if self.is_scored is not None:
            members[~self.is_scored[members]] = NOT_FOUND
        return members


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
    data, offsets = id_buffers(ids)
    slots = np.zeros((member_index.n_slots(len(ids)), 2), np.uint64)
    first_row = np.empty(len(ids), np.int64)
    member_of_row = np.empty(len(ids), np.int32)
    n_members = np.zeros(1, np.int64)
    member_index.index_members(data, words_of(data), offsets, slots, first_row, member_of_row, n_members)
    return MemberIndex(data, offsets, slots, first_row[: n_members[0]].copy(), member_of_row)


def words_of(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return bytes eight at a time, without a copy; the last few bytes may be left out."""
    return data[: len(data) // 8 * 8].view("<u8")
