"""Service dates behind condition bits: a slot for each bit that a member has, found by counting the bits before it.

Values of the diagnoses on the last of these dates (who gave them) are kept in the same slots.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Integers, Positions, Words
from riskadj.kernels.bits import count_bits

#: What is kept of a value on the last date: no diagnosis seen, or different values on that day.
NO_VALUE, SEVERAL_VALUES = -1, -2


@kernel
def slot_in_word(word: np.uint64, bit: int, first: int) -> np.int64:
    """Return the slot of a bit, given that of the first one in its word; -1 if the bit is not on."""
    mask = np.uint64(1) << np.uint64(bit & 63)
    if word & mask == np.uint64(0):
        return np.int64(-1)
    return np.int64(first) + count_bits(word & (mask - np.uint64(1)))


@kernel
def slot_of(captured: Words, slots_begin: Integers, member: int, bit: int) -> np.int64:
    """Return the slot of a bit of a member; -1 if the bit is not on."""
    first, last = slots_begin[member], bit >> 6
    for w in range(last):
        first += count_bits(captured[member, w])
    return slot_in_word(captured[member, last], bit, first)


@kernel
def number_slots(captured: Words, slots_begin: Integers) -> None:
    """Number the bits that are on, member after member.

    Parameters
    ----------
    captured : uint64, shape (n_members, n_words)
    slots_begin : int64, shape (n_members + 1,); written
        Slot of each member's lowest bit.
    """
    slots_begin[0] = 0
    for member in range(captured.shape[0]):
        n_bits = np.int64(0)
        for w in range(captured.shape[1]):
            n_bits += count_bits(captured[member, w])
        slots_begin[member + 1] = slots_begin[member] + n_bits


@kernel
def note_dates(
    members: Positions,
    codes: Positions,
    dates: Positions,
    bits_begin: Integers,
    bits: Positions,
    captured: Words,
    slots_begin: Integers,
    first: Positions,
    last: Positions,
) -> None:
    """Widen the first and last service date of each condition bit that a diagnosis sets.

    Parameters
    ----------
    members, codes, dates : int32, shape (n_selected,)
        Member number (-1: none), code number and service date [days since 1970-01-01] of each diagnosis.
    bits_begin, bits
        Condition bits of each code, as in `capture.set_bits`.
    captured : uint64, shape (n_members, n_words)
        Bits that are not on have no dates.
    slots_begin : int64, shape (n_members + 1,)
    first, last : int32, shape (n_slots,); changed
    """
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            slot = slot_of(captured, slots_begin, member, bits[i])
            if slot >= 0:
                first[slot] = min(first[slot], dates[k])
                last[slot] = max(last[slot], dates[k])


@kernel
def find_dates(
    members: Positions,
    hccs: Positions,
    age_years: Bytes,
    sexes: Bytes,
    captured: Words,
    first_word: int,
    bits_begin: Integers,
    bits: Positions,
    bit_sexes: Bytes,
    bit_age_min: Bytes,
    bit_age_max: Bytes,
    slots_begin: Integers,
    first: Positions,
    last: Positions,
    first_out: Positions,
    last_out: Positions,
) -> None:
    """Find the first and last service date of HCCs, over those of their condition bits that the member's status allows.

    Parameters
    ----------
    members, hccs : int32, shape (n,)
    age_years, sexes : uint8, shape (n,)
        Of the row in question; sex as 1 (first code) or 2 (second code).
    captured, first_word
        As in `capture.resolve_conditions`.
    bits_begin : int64, shape (n_hccs + 1,); bits : int32
        Condition bits of HCC ``h``: ``bits[bits_begin[h]:bits_begin[h + 1]]``, numbered within the model.
    bit_sexes, bit_age_min, bit_age_max : uint8, shape (n_bits,)
    slots_begin, first, last
        As in `note_dates`.
    first_out, last_out : int32, shape (n,); changed where there is evidence
    """
    for k in range(members.shape[0]):
        member, age = members[k], age_years[k]
        for i in range(bits_begin[hccs[k]], bits_begin[hccs[k] + 1]):
            bit = bits[i]
            if (bit_sexes[bit] & sexes[k]) != 0 and bit_age_min[bit] <= age <= bit_age_max[bit]:
                slot = slot_of(captured, slots_begin, member, 64 * first_word + bit)
                if slot >= 0:
                    first_out[k] = min(first_out[k], first[slot])
                    last_out[k] = max(last_out[k], last[slot])


@kernel
def _joined(one: int, other: int) -> int:
    if one == NO_VALUE or one == other:  # noqa: SIM109 (Numba has no `in` for integers of two widths)
        return other
    return one if other == NO_VALUE else SEVERAL_VALUES


@kernel
def note_last_values(
    members: Positions,
    codes: Positions,
    dates: Positions,
    values: Positions,
    bits_begin: Integers,
    bits: Positions,
    captured: Words,
    slots_begin: Integers,
    last: Positions,
    last_values: Positions,
) -> None:
    """Note the values of diagnoses that stand on the last service date of a condition bit they set.

    Parameters
    ----------
    members, codes, dates, bits_begin, bits, captured, slots_begin
        As in `note_dates`.
    values : int32, shape (n_selected, n_columns)
        Number of each diagnosis's value of each column, from 0.
    last : int32, shape (n_slots,)
        As `note_dates` leaves it.
    last_values : int32, shape (n_slots, n_columns); changed
        A value, NO_VALUE or SEVERAL_VALUES.
    """
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            slot = slot_of(captured, slots_begin, member, bits[i])
            if slot >= 0 and last[slot] == dates[k]:
                for c in range(values.shape[1]):
                    last_values[slot, c] = _joined(last_values[slot, c], values[k, c])


@kernel
def find_last_values(
    members: Positions,
    hccs: Positions,
    age_years: Bytes,
    sexes: Bytes,
    captured: Words,
    first_word: int,
    bits_begin: Integers,
    bits: Positions,
    bit_sexes: Bytes,
    bit_age_min: Bytes,
    bit_age_max: Bytes,
    slots_begin: Integers,
    last: Positions,
    last_values: Positions,
    hcc_last: Positions,
    values_out: Positions,
) -> None:
    """Find the values on the last service date of HCCs, over those of their condition bits that `find_dates` takes.

    Parameters
    ----------
    hcc_last : int32, shape (n,)
        Last service date of each HCC, as `find_dates` gives it.
    last_values : int32, shape (n_slots, n_columns)
        As `note_last_values` leaves it.
    values_out : int32, shape (n, n_columns); changed where there is evidence
    """
    for k in range(members.shape[0]):
        member, age = members[k], age_years[k]
        for i in range(bits_begin[hccs[k]], bits_begin[hccs[k] + 1]):
            bit = bits[i]
            if (bit_sexes[bit] & sexes[k]) != 0 and bit_age_min[bit] <= age <= bit_age_max[bit]:
                slot = slot_of(captured, slots_begin, member, 64 * first_word + bit)
                if slot >= 0 and last[slot] == hcc_last[k]:
                    for c in range(last_values.shape[1]):
                        values_out[k, c] = _joined(values_out[k, c], last_values[slot, c])
