"""Bit positions in 64-bit words: the one scalar helper that kernels share."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)


def _positions() -> np.ndarray:
    """Return the table that turns the top six bits of (lowest set bit x De Bruijn number) into its position."""
    table = np.zeros(64, np.int64)
    for position in range(64):
        table[((int(_DE_BRUIJN) << position) & (2**64 - 1)) >> 58] = position
    return table


_POSITION_OF = _positions()


@kernel
def lowest_bit(word: np.uint64) -> np.int64:
    """Return the position (0..63) of the lowest set bit of a word that is not zero."""
    lowest = word & (~word + np.uint64(1))
    return _POSITION_OF[np.int64((lowest * _DE_BRUIJN) >> np.uint64(58))]


@kernel
def count_bits(word: np.uint64) -> np.int64:
    """Return how many bits of a word are on: sums of neighbours, in pairs, fours, bytes, then all bytes at once."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
