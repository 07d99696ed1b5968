"""Diagnosis codes as numbers: cleaned and packed into one 64-bit word each, in alphabetical order."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Offsets, Words

#: Longest code, cleaned, that a word holds; a longer one packs to TOO_LONG.
MOST_CHARACTERS = 8
TOO_LONG = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def pack_codes(data: Bytes, offsets: Offsets, packed: Words) -> None:
    """Clean each code (no dots, blanks or control characters; upper case) and pack it, first character highest.

    Parameters
    ----------
    data : uint8, shape (n_bytes,); offsets : int32 or int64, shape (n_codes + 1,)
        Code ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    packed : uint64, shape (n_codes,); written
        0 for a blank code, TOO_LONG for one of more than 8 characters.
    """
    for i in range(offsets.shape[0] - 1):
        word, n_characters = np.uint64(0), 0
        for at in range(offsets[i], offsets[i + 1]):
            character = data[at]
            if character <= 32 or character == 46 or character == 127:
                continue
            if 97 <= character <= 122:
                character -= 32
            n_characters += 1
            if n_characters <= MOST_CHARACTERS:
                word |= np.uint64(character) << np.uint64(64 - 8 * n_characters)
        packed[i] = word if n_characters <= MOST_CHARACTERS else TOO_LONG
