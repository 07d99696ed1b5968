"""The member index: member ids of the enrollment -> member numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import id_buffers, is_valid, values_of
from riskadj.kernels import member_index


@dataclass(frozen=True)
class MemberIndex:
    """Finds the member number of an id by its bytes.

    Attributes
    ----------
    member_of_row : ndarray of int32, shape (n_enrollment_rows,)
    first_row : ndarray of int64, shape (n_members,)
        Enrollment row in which each member first appears.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    slots: npt.NDArray[np.uint64]
    first_row: npt.NDArray[np.int64]
    member_of_row: npt.NDArray[np.int32]

    @property
    def n_members(self) -> int:
        """Number of distinct members."""
        return len(self.first_row)

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
