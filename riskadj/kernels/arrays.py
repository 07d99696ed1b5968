"""Names of the array types that kernels take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
ShortIntegers = npt.NDArray[np.int16]
Lots = npt.NDArray[np.uint16]
Positions = npt.NDArray[np.int32]
#: Positions that are never negative; the compiler then drops the counting from the end.
PlainPositions = npt.NDArray[np.uint32]
Integers = npt.NDArray[np.int64]
#: Where each of several pieces begins; as Arrow holds it.
Offsets = Positions | Integers
Words = npt.NDArray[np.uint64]


class Ids(NamedTuple):
    """Member ids as bytes.

    Attributes
    ----------
    data : uint8, shape (n_bytes,)
        Bytes of all ids, one after another.
    words : uint64, shape (n_bytes // 8,)
        The same bytes, eight at a time.
    offsets : int32 or int64, shape (n_ids + 1,)
        Where each id begins in `data`.
    """

    data: Bytes
    words: Words
    offsets: Offsets


class Index(NamedTuple):
    """Members by their ids: what `member_index.index_members` made, and the ids it was made from.

    Attributes
    ----------
    ids : Ids
        None where every id stands in its slot.
    slots : uint64, shape (n_slots, 2)
    first_row : int32, shape (n_members,) or (0,)
        Row of `ids` in which each member first appears.
    is_scored : uint8, shape (n_members,)
        0 for a member that is found no more.
    """

    ids: Ids
    slots: Words
    first_row: Positions
    is_scored: Bytes
