"""Member id -> member number: an open-addressing hash index over the ids' bytes.

A slot is 16 bytes. Ids of up to 12 bytes (MBI and HICN among them) are held in the slot itself, so that a look-up
touches one cache line; longer ids are held as a 64-bit hash and verified against the enrollment's own bytes.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Ids, Index, Integers, Positions, Words

#: Longest id that stands in its slot. [bytes]
MOST_IN_SLOT = 12
#: Most members that one index can number.
MAX_MEMBERS = 0x0FFFFFFF - 1
#: Rows looked up side by side.
_BLOCK = 64


def n_slots(n_members: int) -> int:
    """Return the number of slots (a power of two) that keeps an index of `n_members` at most half full."""
    return 1 << max(4, (2 * n_members - 1).bit_length())


@kernel
def _mix(value: np.uint64) -> np.uint64:
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    value ^= value >> np.uint64(32)
    return value


@kernel
def _short_key(
    first: np.uint64, second: np.uint64, third: np.uint64, begin: int, size: int
) -> tuple[np.uint64, np.uint64]:
    """Return an id of at most 12 bytes as two words: its first 8 bytes; its next 4 bytes and its length.

    The id begins at byte ``begin % 8`` of the three words. They come as numbers: a helper that takes arrays,
    row by row, costs more than the look-up.
    """
    shift = np.uint64((begin & 7) * 8)
    low, high = first >> shift, second >> shift
    if shift != np.uint64(0):
        low |= second << (np.uint64(64) - shift)
        high |= third << (np.uint64(64) - shift)
    if size < 8:
        low &= (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
        high = np.uint64(0)
    else:
        high &= (np.uint64(1) << np.uint64(8 * (size - 8))) - np.uint64(1)
    return low, (high << np.uint64(32)) | (np.uint64(size) << np.uint64(28))


@kernel
def _last_key(data: Bytes, begin: int, size: int) -> tuple[np.uint64, np.uint64]:
    """Return what `_short_key` does, byte by byte: for the last ids, whose words may be left out."""
    low, high = np.uint64(0), np.uint64(0)
    for i in range(min(size, 8)):
        low |= np.uint64(data[begin + i]) << np.uint64(8 * i)
    for i in range(8, size):
        high |= np.uint64(data[begin + i]) << np.uint64(8 * (i - 8))
    return low, (high << np.uint64(32)) | (np.uint64(size) << np.uint64(28))


@kernel
def _long_key(data: Bytes, begin: int, size: int) -> tuple[np.uint64, np.uint64]:
    """Return a longer id as two words: a hash of its bytes; its length and the mark of a long id."""
    low = np.uint64(0x9E3779B97F4A7C15)
    for i in range(begin, begin + size):
        low = (low ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
    return low, (np.uint64(size & 0xFFFFFFFF) << np.uint64(32)) | (np.uint64(13) << np.uint64(28))


@kernel
def _same_bytes(data: Bytes, begin: int, other: Bytes, other_begin: int, size: int) -> bool:
    at = 0
    while at < size and data[begin + at] == other[other_begin + at]:
        at += 1
    return at == size


@kernel
def index_members(
    ids: Ids, slots: Words, first_row: Positions, member_of_row: Positions, n_members: Integers
) -> None:
    """Number the members in order of first appearance.

    Parameters
    ----------
    ids : Ids
        Of all rows.
    slots : uint64, shape (n_slots, 2), all zero; written
    first_row : int32, shape (n_rows,); written
        Row in which each member first appears.
    member_of_row : int32, shape (n_rows,); written
    n_members : int64, shape (1,); written
    """
    data, words, offsets = ids.data, ids.words, ids.offsets
    mask = np.int64(slots.shape[0] - 1)
    count = np.int64(0)
    n_all = offsets.shape[0] - 1
    lows, highs = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    starts, touched = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.uint64)
    for first in range(0, n_all, _BLOCK):
        n_rows = min(_BLOCK, n_all - first)
        for j in range(n_rows):
            begin = offsets[first + j]
            size = offsets[first + j + 1] - begin
            word = begin >> 3
            if size > MOST_IN_SLOT:
                lows[j], highs[j] = _long_key(data, begin, size)
            elif word + 2 < words.shape[0]:
                lows[j], highs[j] = _short_key(words[word], words[word + 1], words[word + 2], begin, size)
            else:
                lows[j], highs[j] = _last_key(data, begin, size)
            starts[j] = np.int64(_mix(lows[j] ^ (highs[j] * np.uint64(0x9E3779B97F4A7C15)))) & mask
        # One load per row and nothing that waits for it: the memory fetches of a block overlap.
        for j in range(n_rows):
            touched[j] = slots[starts[j], 1]
        for j in range(n_rows):
            row, low, high, at = first + j, lows[j], highs[j], starts[j]
            begin = offsets[row]
            size = offsets[row + 1] - begin
            while True:
                held = slots[at, 1]
                if held == np.uint64(0):
                    slots[at, 0] = low
                    slots[at, 1] = high | np.uint64(count + 1)
                    first_row[count] = row
                    member_of_row[row] = count
                    count += 1
                    break
                if slots[at, 0] == low and (held & ~np.uint64(0x0FFFFFFF)) == high:
                    member = np.int64(held & np.uint64(0x0FFFFFFF)) - 1
                    if size <= MOST_IN_SLOT or _same_bytes(
                        data, begin, data, offsets[first_row[member]], size
                    ):
                        member_of_row[row] = member
                        break
                at = (at + 1) & mask
    n_members[0] = count


@kernel
def find_members(ids: Ids, rows: Integers, index: Index, members: Positions) -> None:
    """Look up the member number of each wanted row.

    Parameters
    ----------
    ids : Ids
    rows : int64, shape (n_wanted,)
        Which of the `ids` to look up.
    index : Index
    members : int32, shape (n_wanted,); written
        Member number, or -1 where the index has no such member.
    """
    data, words, offsets = ids.data, ids.words, ids.offsets
    slots, is_scored = index.slots, index.is_scored
    mask = np.uint64(slots.shape[0] - 1)
    lows, highs = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    starts, touched = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for first in range(0, rows.shape[0], _BLOCK):
        n_rows = min(_BLOCK, rows.shape[0] - first)
        for j in range(n_rows):
            begin = offsets[rows[first + j]]
            size = offsets[rows[first + j] + 1] - begin
            word = begin >> 3
            if size > MOST_IN_SLOT:
                lows[j], highs[j] = _long_key(data, begin, size)
            elif word + 2 < words.shape[0]:
                lows[j], highs[j] = _short_key(words[word], words[word + 1], words[word + 2], begin, size)
            else:
                lows[j], highs[j] = _last_key(data, begin, size)
            starts[j] = _mix(lows[j] ^ (highs[j] * np.uint64(0x9E3779B97F4A7C15))) & mask
        # One load per row and nothing that waits for it: the memory fetches of a block overlap.
        for j in range(n_rows):
            touched[j] = slots[starts[j], 1]
        for j in range(n_rows):
            low, high, at, held = lows[j], highs[j], starts[j], touched[j]
            members[first + j] = -1
            while held != np.uint64(0):
                if slots[at, 0] == low and (held & ~np.uint64(0x0FFFFFFF)) == high:
                    member = np.int64(held & np.uint64(0x0FFFFFFF)) - 1
                    begin = offsets[rows[first + j]]
                    size = offsets[rows[first + j] + 1] - begin
                    if size <= MOST_IN_SLOT or _same_bytes(
                        data, begin, index.ids.data, index.ids.offsets[index.first_row[member]], size
                    ):
                        members[first + j] = member if is_scored[member] != 0 else -1
                        break
                at = (at + np.uint64(1)) & mask
                held = slots[at, 1]


@kernel
def assign_passes(ids: Ids, n_passes: int, pass_of_row: Positions) -> None:
    """Spread ids over passes by their hash: the same id always falls into the same pass.

    Parameters
    ----------
    ids : Ids
    n_passes : int
    pass_of_row : int32, shape (n_rows,); written
        From 0 to ``n_passes - 1``.
    """
    data, words, offsets = ids.data, ids.words, ids.offsets
    for row in range(offsets.shape[0] - 1):
        begin = offsets[row]
        size = offsets[row + 1] - begin
        word = begin >> 3
        if size > MOST_IN_SLOT:
            low, high = _long_key(data, begin, size)
        elif word + 2 < words.shape[0]:
            low, high = _short_key(words[word], words[word + 1], words[word + 2], begin, size)
        else:
            low, high = _last_key(data, begin, size)
        pass_of_row[row] = np.int64(_mix(low + high) >> np.uint64(33)) % n_passes
