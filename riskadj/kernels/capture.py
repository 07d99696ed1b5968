"""Diagnosis codes -> condition bits of members.

A condition bit is one HCC under one age and sex condition. Setting it needs to know nothing of the member, so
diagnoses stream through in any order; `resolve_conditions` asks age and sex later, once per enrollment row.
"""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel, or_shared
from riskadj.kernels.arrays import Bytes, Ids, Index, Integers, Lots, Positions, Words
from riskadj.kernels.bits import lowest_bit
from riskadj.kernels.claims import OUTSIDE_COLLECTION
from riskadj.kernels.member_index import find_members

#: Slots of the `counts` array that `capture_rows` fills.
N_COUNTS = 2
SELECTED, LOST = 0, 1
#: Rows that go through selection, look-up and capture together: few enough for the processor's first cache.
_BLOCK = 1024


@kernel
def capture_rows(
    entries: Positions,
    dates: Positions,
    first_day: int,
    last_day: int,
    lots: Lots,
    n_groups: int,
    period_begins: Positions,
    code_of_entry: Positions,
    ids: Ids,
    id_entries: Positions,
    member_of_id: Positions,
    index: Index,
    bits_begin: Integers,
    bits: Positions,
    captured: Words,
    rows_of_entry: Integers,
    rows_of_lot: Integers,
    lost_rows: Integers,
    lost_codes: Positions,
    counts: Integers,
) -> None:
    """Set the condition bits of the rows that count, a block at a time; other threads may do the same beside it.

    Parameters
    ----------
    entries, dates, first_day, last_day, lots, n_groups, period_begins, code_of_entry, rows_of_entry, rows_of_lot
        See `select_rows`.
    ids : Ids
        Of the rows; not read where `id_entries` is given.
    id_entries : int32, shape (n_rows,) or (0,)
        Dictionary entry of each row's member id; negative: null.
    member_of_id : int32, shape (n_ids + 1,) or (0,)
        Member number of each dictionary entry; the last is for null.
    index : Index
    bits_begin, bits, captured
        See `set_bits`.
    lost_rows, lost_codes : int64 and int32, shape (n_rows,); written
        Rows that count and map but whose member the index has not, and their codes.
    counts : int64, shape (2,); written
        Rows selected, rows lost.
    """
    rows, codes = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int32)
    members, in_block = np.empty(_BLOCK, np.int32), np.zeros(1, np.int64)
    n_all, n_selected, n_lost = entries.shape[0], 0, 0
    for first in range(0, n_all, _BLOCK):
        select_rows(
            first, min(first + _BLOCK, n_all), entries, dates, first_day, last_day, lots, n_groups, period_begins,
            code_of_entry, rows_of_entry, rows_of_lot, rows, codes, in_block,
        )  # fmt: skip
        n = in_block[0]
        if id_entries.shape[0] > 0:
            for k in range(n):
                members[k] = member_of_id[id_entries[rows[k]]]
        else:
            find_members(ids, rows[:n], index, members)
        set_bits(members[:n], codes, bits_begin, bits, captured)
        for k in range(n):
            if members[k] < 0:
                lost_rows[n_lost], lost_codes[n_lost] = rows[k], codes[k]
                n_lost += 1
        n_selected += n
    counts[0], counts[1] = n_selected, n_lost


@kernel
def select_rows(
    first: int,
    last: int,
    entries: Positions,
    dates: Positions,
    first_day: int,
    last_day: int,
    lots: Lots,
    n_groups: int,
    period_begins: Positions,
    code_of_entry: Positions,
    rows_of_entry: Integers,
    rows_of_lot: Integers,
    rows: Integers,
    codes: Positions,
    n_selected: Integers,
) -> None:
    """Pick the rows whose diagnosis counts and maps to a condition bit.

    Parameters
    ----------
    first, last : int
        Rows to look at, the last one not included.
    entries : int32, shape (n_rows,)
        Dictionary entry of each row's code; negative where the row was rejected already.
    dates : int32, shape (n_rows,) or (0,)
        Service dates [days since 1970-01-01]; empty: every date counts.
    first_day, last_day : int
        Service dates that count, inclusive.
    lots : uint16, shape (n_rows,)
        Lot of each row (`kernels.claims`); below `n_groups` where its claim counts.
    n_groups : int
    period_begins : int32, shape (n_periods - 1,)
        First day of each period but the first; a code may mean another thing in each [days since 1970-01-01].
    code_of_entry : int32, shape (n_periods, n_entries)
        Code number of each dictionary entry; negative where it maps to nothing.
    rows_of_entry : int64, shape (n_periods, n_entries); added to
        How many rows that count hold each entry.
    rows_of_lot : int64, shape (n_reasons * n_groups, 2); added to
        How many rows that do not count are in each lot: of codes that map to nothing, and of codes that map.
    rows, codes : int64 and int32, shape (last - first,); written
        Row and code number of the rows picked.
    n_selected : int64, shape (1,); written
    """
    has_dates, n = dates.shape[0] > 0, 0
    for row in range(first, last):  # sums, not branches: nobody could guess which way the next row goes
        entry = max(entries[row], 0)
        day = dates[row] if has_dates else first_day
        period = 0
        for k in range(period_begins.shape[0]):
            period += day >= period_begins[k]
        code = code_of_entry[period, entry]
        lot = np.int64(lots[row])
        outside = day < first_day or day > last_day
        lot = OUTSIDE_COLLECTION * n_groups + lot % n_groups if outside else lot
        usable = entries[row] >= 0
        is_mapped, counts = np.int64(code >= 0), lot < n_groups
        counted = np.int64(usable & counts)
        rows_of_lot[lot, is_mapped] += np.int64(usable) - counted
        rows_of_entry[period, entry] += counted
        rows[n], codes[n] = row, code
        n += int(counted & is_mapped)
    n_selected[0] = n


@kernel
def set_bits(
    members: Positions, codes: Positions, bits_begin: Integers, bits: Positions, captured: Words
) -> None:
    """Set the condition bits of each diagnosis in its member's words (OR: order and repeats cannot matter).

    Parameters
    ----------
    members : int32, shape (n_selected,); codes : int32, as many or more
        Member number (-1: none) and code number of each diagnosis.
    bits_begin : int64, shape (n_codes + 1,); bits : int32
        The condition bits of code ``c`` are ``bits[bits_begin[c]:bits_begin[c + 1]]``.
    captured : uint64, shape (n_members, n_words); changed, by other threads too
    """
    touched, last = np.empty(members.shape[0], np.uint64), captured.shape[1] - 1
    for k in range(members.shape[0]):  # loads that wait for nothing: the memory fetches overlap
        member = max(members[k], 0)
        touched[k] = captured[member, 0] ^ captured[member, last]
    for k in range(members.shape[0]):
        member = members[k]
        if member < 0:
            continue
        for i in range(bits_begin[codes[k]], bits_begin[codes[k] + 1]):
            or_shared(captured, member, bits[i] >> 6, np.uint64(1) << np.uint64(bits[i] & 63))


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
