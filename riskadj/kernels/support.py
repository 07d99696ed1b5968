"""What captured conditions rest on: whether one value or several stand behind each condition bit of each member.

The condition bits that are captured are numbered member by member, bit by bit; arrays of one slot for each hold a hash
of the only value (a claim, a record source) seen so far, or the mark SEVERAL. Order and repeats cannot matter.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Integers, Positions, ShortIntegers, Words
from riskadj.kernels.bits import count_bits
from riskadj.kernels.evidence import slot_in_word, slot_of

#: What a slot holds before any value was seen, and after two different ones.
NOTHING, SEVERAL = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_BASIS, _PRIME, _SPREAD = (
    np.uint64(0xCBF29CE484222325),
    np.uint64(0x100000001B3),
    np.uint64(0xD6E8FEB86659FD93),
)


@kernel
def hash_values(data: Bytes, offsets: Integers, hashes: Words) -> None:
    """Hash values into words that are no mark.

    Parameters
    ----------
    data : uint8, shape (n_bytes,)
    offsets : int64, shape (n_values + 1,)
        Value ``i`` is the bytes ``data[offsets[i]:offsets[i + 1]]``.
    hashes : uint64, shape (n_values,); written
    """
    for i in range(hashes.shape[0]):
        word = _BASIS
        for at in range(offsets[i], offsets[i + 1]):
            word = (word ^ np.uint64(data[at])) * _PRIME
        word ^= word >> np.uint64(32)
        word *= _SPREAD
        word ^= word >> np.uint64(32)
        hashes[i] = np.uint64(1) if word in (NOTHING, SEVERAL) else word


@kernel
def _joined(one: np.uint64, other: np.uint64) -> np.uint64:
    if one in (NOTHING, other):
        return other
    return one if other == NOTHING else SEVERAL


@kernel
def note_values(
    members: Positions,
    codes: Positions,
    hashes: Words,
    bits_begin: Integers,
    bits: Positions,
    captured: Words,
    begins: Integers,
    values: Words,
) -> None:
    """Note the values behind each diagnosis in the slots of its condition bits.

    Parameters
    ----------
    members, codes : int32, shape (n_diagnoses,)
        Member number (-1: none) and code number of each diagnosis.
    hashes : uint64, shape (n_diagnoses, n_columns)
    bits_begin : int64, shape (n_codes + 1,); bits : int32
        The condition bits of code ``c`` are ``bits[bits_begin[c]:bits_begin[c + 1]]``, in ascending order.
    captured : uint64, shape (n_members, n_words)
    begins : int64, shape (n_members + 1,)
        See `evidence.number_slots`.
    values : uint64, shape (begins[-1], n_columns); changed
    """
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        first, w = begins[member], 0
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            while w < bits[i] >> 6:
                first += count_bits(captured[member, w])
                w += 1
            slot = slot_in_word(captured[member, w], bits[i], first)
            if slot >= 0:
                for c in range(values.shape[1]):
                    values[slot, c] = _joined(values[slot, c], hashes[k, c])


@kernel
def find_values(
    members: Positions,
    profiles: Positions,
    hccs: ShortIntegers,
    age_years: Bytes,
    sexes: Bytes,
    hcc_bits_begin: Positions,
    hcc_bits: Positions,
    bit_sexes: Bytes,
    bit_age_min: Bytes,
    bit_age_max: Bytes,
    first_word: int,
    captured: Words,
    begins: Integers,
    values: Words,
    found: Words,
) -> None:
    """Find the values behind each HCC of a row: those of its condition bits which the row's age and sex meet, joined.

    Parameters
    ----------
    members, profiles : int32, shape (n_items,); hccs : int16, shape (n_items,)
        Member number, status profile and HCC of each item.
    age_years, sexes : uint8, shape (n_profiles,)
        As `capture.resolve_conditions` takes them.
    hcc_bits_begin, hcc_bits : int32
        The condition bits of HCC ``h`` are ``hcc_bits[hcc_bits_begin[h]:hcc_bits_begin[h + 1]]``.
    bit_sexes, bit_age_min, bit_age_max : uint8, shape (n_bits,)
    first_word : int
        Where the model's words begin in `captured`.
    captured, begins, values
        As `note_values` takes them.
    found : uint64, shape (n_items, n_columns); written
        Hash of the only value of each column, or NOTHING or SEVERAL.
    """
    for k in range(hccs.shape[0]):
        age, sex = age_years[profiles[k]], sexes[profiles[k]]
        found[k, :] = NOTHING
        for i in range(hcc_bits_begin[hccs[k]], hcc_bits_begin[hccs[k] + 1]):
            bit = hcc_bits[i]
            if (bit_sexes[bit] & sex) == 0 or age < bit_age_min[bit] or age > bit_age_max[bit]:
                continue
            slot = slot_of(captured, begins, members[k], 64 * first_word + bit)
            if slot >= 0:
                for c in range(values.shape[1]):
                    found[k, c] = _joined(found[k, c], values[slot, c])
