"""Service dates behind condition bits: a slot for each bit that a member has, found by counting the bits before it."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Integers, Positions, Words
from riskadj.kernels.bits import count_bits


@kernel
def _slot(captured: Words, slots_begin: Integers, member: int, bit: int) -> int:
    """Return the slot of a bit that the member has."""
    slot = slots_begin[member]
    for w in range(bit >> 6):
        slot += count_bits(captured[member, w])
    below = (np.uint64(1) << np.uint64(bit & 63)) - np.uint64(1)
    return slot + count_bits(captured[member, bit >> 6] & below)


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
        Every bit that the diagnoses set is on.
    slots_begin : int64, shape (n_members + 1,)
    first, last : int32, shape (n_slots,); changed
    """
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            slot = _slot(captured, slots_begin, member, bits[i])
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
            at = 64 * first_word + bit
            if (captured[member, at >> 6] >> np.uint64(at & 63)) & np.uint64(1) == np.uint64(0):
                continue
            if (bit_sexes[bit] & sexes[k]) != 0 and bit_age_min[bit] <= age <= bit_age_max[bit]:
                slot = _slot(captured, slots_begin, member, at)
                first_out[k] = min(first_out[k], first[slot])
                last_out[k] = max(last_out[k], last[slot])
