"""Member id -> member number: an open-addressing hash index over the ids' bytes.

A slot is 16 bytes. Ids of up to 12 bytes (MBI and HICN among them) are held in the slot itself, so that a look-up
touches one cache line; longer ids are held as a 64-bit hash and verified against the enrollment's own bytes.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel

#: Longest id that a slot holds whole.
SHORT_ID_BYTES = 12
MAX_MEMBERS = 0x0FFFFFFF - 1


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
def index_members(data, offsets, slots, first_row, member_of_row, n_members):
    """Number the members in order of first appearance.

    Parameters
    ----------
    data : uint8, shape (n_bytes,)
        Bytes of all ids, one after another.
    offsets : int64, shape (n_rows + 1,)
        Where each row's id begins in `data`.
    slots : uint64, shape (n_slots, 2), all zero; written
    first_row : int64, shape (n_rows,); written
        Row in which each member first appears.
    member_of_row : int32, shape (n_rows,); written
    n_members : int64, shape (1,); written
    """
    mask = np.int64(slots.shape[0] - 1)
    count = np.int64(0)
    for row in range(offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        size = end - begin
        low, high = np.uint64(0), np.uint64(0)
        if size <= 12:
            for i in range(min(size, 8)):
                low |= np.uint64(data[begin + i]) << np.uint64(8 * i)
            for i in range(8, size):
                high |= np.uint64(data[begin + i]) << np.uint64(8 * (i - 8))
            high = (high << np.uint64(32)) | (np.uint64(size) << np.uint64(28))
        else:
            low = np.uint64(0x9E3779B97F4A7C15)
            for i in range(begin, end):
                low = (low ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
            high = (np.uint64(size & 0xFFFFFFFF) << np.uint64(32)) | (np.uint64(13) << np.uint64(28))
        at = np.int64(_mix(low ^ (high * np.uint64(0x9E3779B97F4A7C15)))) & mask
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
                same = True
                if size > 12:
                    start = offsets[first_row[member]]
                    for i in range(size):
                        if data[start + i] != data[begin + i]:
                            same = False
                            break
                if same:
                    member_of_row[row] = member
                    break
            at = (at + 1) & mask
    n_members[0] = count


@kernel
def find_members(data, offsets, rows, slots, index_data, index_offsets, first_row, members):
    """Look up the member number of each wanted row.

    Parameters
    ----------
    data, offsets
        Ids of the rows looked up, as in `index_members`.
    rows : int64, shape (n_wanted,)
        Which rows of `offsets` to look up.
    slots, index_data, index_offsets, first_row
        The index, and the ids it was built from.
    members : int32, shape (n_wanted,); written
        Member number, or -1 where the index has no such id.
    """
    mask = np.int64(slots.shape[0] - 1)
    last_low, last_high, last_member, last_begin = np.uint64(0), np.uint64(0), np.int64(-2), np.int64(0)
    for k in range(rows.shape[0]):
        begin = offsets[rows[k]]
        size = offsets[rows[k] + 1] - begin
        low, high = np.uint64(0), np.uint64(0)
        if size <= 12:
            for i in range(min(size, 8)):
                low |= np.uint64(data[begin + i]) << np.uint64(8 * i)
            for i in range(8, size):
                high |= np.uint64(data[begin + i]) << np.uint64(8 * (i - 8))
            high = (high << np.uint64(32)) | (np.uint64(size) << np.uint64(28))
        else:
            low = np.uint64(0x9E3779B97F4A7C15)
            for i in range(begin, begin + size):
                low = (low ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
            high = (np.uint64(size & 0xFFFFFFFF) << np.uint64(32)) | (np.uint64(13) << np.uint64(28))
        if last_member != -2 and low == last_low and high == last_high:
            same = True
            if size > 12:
                for i in range(size):
                    if data[last_begin + i] != data[begin + i]:
                        same = False
                        break
            if same:
                members[k] = last_member
                continue
        at = np.int64(_mix(low ^ (high * np.uint64(0x9E3779B97F4A7C15)))) & mask
        member = np.int64(-1)
        while True:
            held = slots[at, 1]
            if held == np.uint64(0):
                break
            if slots[at, 0] == low and (held & ~np.uint64(0x0FFFFFFF)) == high:
                candidate = np.int64(held & np.uint64(0x0FFFFFFF)) - 1
                same = True
                if size > 12:
                    start = index_offsets[first_row[candidate]]
                    for i in range(size):
                        if index_data[start + i] != data[begin + i]:
                            same = False
                            break
                if same:
                    member = candidate
                    break
            at = (at + 1) & mask
        members[k] = member
        last_low, last_high, last_member, last_begin = low, high, member, begin
