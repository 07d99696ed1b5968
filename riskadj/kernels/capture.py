"""Diagnosis codes -> condition bits of members.

A condition bit is one HCC under one age and sex condition. Setting it needs to know nothing of the member, so
diagnoses stream through in any order; `resolve_conditions` asks age and sex later, once per enrollment row.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Bytes, Integers, Positions, Words
from riskadj.kernels.bits import lowest_bit

#: Slots of the `counts` array that `select_rows` fills.
N_COUNTS = 3
OUTSIDE_DATES, FILTERED, SELECTED = 0, 1, 2


@kernel
def select_rows(
    entries: Positions,
    dates: Positions,
    first_day: int,
    last_day: int,
    eligible: Bytes,
    code_of_entry: Positions,
    rows_of_entry: Integers,
    rows: Integers,
    codes: Positions,
    counts: Integers,
) -> None:
    """Pick the rows whose diagnosis counts and maps to a condition bit.

    Parameters
    ----------
    entries : int32, shape (n_rows,)
        Dictionary entry of each row's code; -1 where the row was rejected already.
    dates : int32, shape (n_rows,) or (0,)
        Service dates [days since 1970-01-01]; empty: every date counts.
    first_day, last_day : int
        Service dates that count, inclusive.
    eligible : uint8, shape (n_rows,) or (0,)
        0 where the claim filter excludes the row; empty: no filter.
    code_of_entry : int32, shape (n_entries,)
        Code number of each dictionary entry; negative where it maps to nothing.
    rows_of_entry : int64, shape (n_entries,); added to
        How many rows that count hold each entry.
    rows, codes : int64 and int32, shape (n_rows,); written
        Row and code number of the rows picked.
    counts : int64, shape (3,); written
        Rows outside the dates, filtered out, picked.
    """
    has_dates, has_filter = dates.shape[0] > 0, eligible.shape[0] > 0
    n_outside, n_filtered, n_selected = 0, 0, 0
    for row in range(entries.shape[0]):
        entry = entries[row]
        if entry < 0:
            continue
        if has_dates and (dates[row] < first_day or dates[row] > last_day):
            n_outside += 1
            continue
        if has_filter and eligible[row] == 0:
            n_filtered += 1
            continue
        rows_of_entry[entry] += 1
        code = code_of_entry[entry]
        if code >= 0:
            rows[n_selected] = row
            codes[n_selected] = code
            n_selected += 1
    counts[0], counts[1], counts[2] = n_outside, n_filtered, n_selected


@kernel
def set_bits(
    members: Positions, codes: Positions, bits_begin: Integers, bits: Positions, captured: Words
) -> None:
    """Set the condition bits of each diagnosis in its member's words (OR: order and repeats cannot matter).

    Parameters
    ----------
    members, codes : int32, shape (n_selected,)
        Member number (-1: none) and code number of each diagnosis.
    bits_begin : int64, shape (n_codes + 1,); bits : int32
        The condition bits of code ``c`` are ``bits[bits_begin[c]:bits_begin[c + 1]]``.
    captured : uint64, shape (n_members, n_words); written
    """
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            captured[member, bits[i] >> 6] |= np.uint64(1) << np.uint64(bits[i] & 63)


@kernel
def resolve_conditions(
    captured: Words,
    first_word: int,
    members: Positions,
    profiles: Positions,
    age_years: Bytes,
    sexes: Bytes,
    n_hccs: int,
    bit_hcc: Positions,
    bit_sexes: Bytes,
    bit_age_min: Bytes,
    bit_age_max: Bytes,
    variables: Words,
) -> None:
    """Turn condition bits into HCC bits by each row's own age and sex.

    Parameters
    ----------
    captured : uint64, shape (n_members, n_words)
    first_word : int
        Where this model's words begin in `captured`.
    members, profiles : int32, shape (n_rows,)
        Member number and status profile of each row.
    age_years, sexes : uint8, shape (n_profiles,)
        Whole years; sex as 1 (first code) or 2 (second code).
    n_hccs : int
        Bits below it are unconditional: bit ``i`` is HCC ``i``.
    bit_hcc : int32; bit_sexes, bit_age_min, bit_age_max : uint8, shape (n_bits,)
        What each condition bit gives and asks (sexes: 1, 2, or 3 for both; ages inclusive).
    variables : uint64, shape (n_rows, n_variable_words), all zero; written
    """
    n_bits = bit_hcc.shape[0]
    n_words = (n_bits + 63) >> 6
    for row in range(members.shape[0]):
        age, sex = age_years[profiles[row]], sexes[profiles[row]]
        for w in range(n_words):
            word = captured[members[row], first_word + w]
            below = min(max(n_hccs - 64 * w, 0), 64)
            if below == 64:
                variables[row, w] = word
                continue
            if below > 0:
                mask = (np.uint64(1) << np.uint64(below)) - np.uint64(1)
                variables[row, w] |= word & mask
                word &= ~mask
            while word != np.uint64(0):
                bit = 64 * w + lowest_bit(word)
                word &= word - np.uint64(1)
                if (bit_sexes[bit] & sex) != 0 and bit_age_min[bit] <= age <= bit_age_max[bit]:
                    hcc = bit_hcc[bit]
                    variables[row, hcc >> 6] |= np.uint64(1) << np.uint64(hcc & 63)
