"""What millions of rows need: ids numbered by a hash table, whole numbers put in order digit by digit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint32]
#: Where texts begin, as Arrow holds it.
Offsets = npt.NDArray[np.int32] | Integers

#: Rows looked up side by side, so that their fetches from memory overlap.
BLOCK = 64
_NUMBER = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)


class Names(NamedTuple):
    """The texts seen so far, each once.

    Attributes
    ----------
    slots : uint64, shape (a power of two,)
        Open addressing: the upper half of a text's hash, and its number plus 1; 0 where nothing is.
    data : uint8, shape (room for bytes,)
    offsets : int64, shape (room for names + 1,)
        Name ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    n_names : int64, shape (1,)
    """

    slots: Words
    data: Bytes
    offsets: Integers
    n_names: Integers


@kernel
def _hash(data: Bytes, begin: int, end: int) -> np.uint64:
    value = np.uint64(0x9E3779B97F4A7C15)
    for at in range(np.uint64(begin), np.uint64(end)):
        value = (value ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
    value ^= value >> _HALF
    value *= np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> _HALF)


@kernel
def _same(data: Bytes, begin: int, held: Bytes, own: int, size: int) -> bool:
    at, end = np.uint64(0), np.uint64(size)
    while at < end and data[np.uint64(begin) + at] == held[np.uint64(own) + at]:
        at += _ONE
    return at == end


@kernel
def number_texts(data: Bytes, offsets: Offsets, first_row: int, names: Names, codes: Integers) -> int:
    """Number texts for as long as the names have room, and return the row to go on from.

    Parameters
    ----------
    data : uint8, shape (n_bytes,)
    offsets : int32 or int64, shape (n_rows + 1,)
        Text ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    first_row : int
    names : Names; written
    codes : int64, shape (n_rows,); written
    """
    slots, held, ends, n_rows = names.slots, names.data, names.offsets, len(codes)
    mask, count = np.uint64(len(slots) - 1), names.n_names[0]
    hashes, near = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    for first in range(first_row, n_rows, BLOCK):
        size = min(BLOCK, n_rows - first)
        n_bytes = np.int64(offsets[first + size]) - np.int64(offsets[first])
        if count + size >= len(ends) or ends[count] + n_bytes >= len(held):
            names.n_names[0] = count
            return first
        for i in range(size):
            hashes[i] = _hash(data, offsets[first + i], offsets[first + i + 1])
        # Each row's slot, then the name that it points to: loads that wait for nothing overlap.
        for i in range(size):
            near[i] = slots[hashes[i] & mask] & _NUMBER
        for i in range(size):
            near[i] = ends[near[i]]
        for i in range(size):
            near[i] = held[near[i]]
        for i in range(size):
            begin = np.int64(offsets[first + i])
            length = np.int64(offsets[first + i + 1]) - begin
            half, at = hashes[i] >> _HALF, hashes[i] & mask
            while True:
                found = slots[at]
                if found == 0:
                    own = ends[count]
                    for byte in range(length):
                        held[own + byte] = data[begin + byte]
                    codes[first + i] = count
                    count += 1
                    ends[count] = own + length
                    slots[at] = (half << _HALF) | np.uint64(count)
                    break
                if found >> _HALF == half:
                    number = found & _NUMBER
                    own = ends[number - _ONE]
                    if ends[number] - own == length and _same(data, int(begin), held, int(own), int(length)):
                        codes[first + i] = np.int64(number) - 1
                        break
                at = (at + _ONE) & mask
    names.n_names[0] = count
    return n_rows


@kernel
def place_names(names: Names) -> None:
    """Fill empty slots from the names, as after they have got more room.

    Parameters
    ----------
    names : Names; its slots are written
    """
    slots, mask = names.slots, np.uint64(len(names.slots) - 1)
    for name in range(names.n_names[0]):
        value = _hash(names.data, names.offsets[name], names.offsets[name + 1])
        at = value & mask
        while slots[at] != 0:
            at = (at + _ONE) & mask
        slots[at] = (value >> _HALF << _HALF) | np.uint64(name + 1)


@kernel
def sort_by_digit(keys: Words, rows: Rows, shift: int, width: int, keys_out: Words, rows_out: Rows) -> None:
    """Put keys, and the rows they belong to, in order of one digit; equal digits keep their order.

    Parameters
    ----------
    keys : uint64, shape (n_rows,)
    rows : uint32, shape (n_rows,)
    shift, width : int
        The digit: `width` bits above the lowest `shift`.
    keys_out, rows_out : as `keys` and `rows`; written
    """
    mask, by = (np.uint64(1) << np.uint64(width)) - np.uint64(1), np.uint64(shift)
    places = np.zeros((1 << width) + 1, np.int64)
    for key in keys:
        places[np.int64((key >> by) & mask) + 1] += 1
    for digit in range(1 << width):
        places[digit + 1] += places[digit]
    for i in range(len(keys)):
        digit = (keys[i] >> by) & mask
        place = np.uint64(places[digit])
        keys_out[place], rows_out[place] = keys[i], rows[i]
        places[digit] += 1
