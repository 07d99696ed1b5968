"""Claim lines in the order of adjudication: ties of a day settled by claim and line, members numbered by family."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Positions = npt.NDArray[np.uint32]


@kernel
def _is_after(
    row: int, other: int, claims: Integers, line_numbers: Integers, data: Bytes, offsets: Integers
) -> bool:
    """Return whether a row's claim id, or with the same claim its line number, comes after another's."""
    claim, other_claim = claims[row], claims[other]
    if claim == other_claim:
        return line_numbers[row] > line_numbers[other]
    begin, other_begin = offsets[claim], offsets[other_claim]
    size, other_size = offsets[claim + 1] - begin, offsets[other_claim + 1] - other_begin
    for at in range(min(size, other_size)):
        if data[begin + at] != data[other_begin + at]:
            return data[begin + at] > data[other_begin + at]
    return size > other_size


@kernel
def order_ties(
    keys: Integers, rows: Integers, claims: Integers, line_numbers: Integers, data: Bytes, offsets: Integers
) -> None:
    """Put rows of the same key in order of claim id (by its bytes) and line number; what is equal stays as it was.

    Parameters
    ----------
    keys : int64, shape (n_rows,)
        In order.
    rows : int64, shape (n_rows,); changed
        The row of each key.
    claims, line_numbers : int64, shape (n_all_rows,)
    data : uint8, shape (n_bytes,)
    offsets : int64, shape (n_claims + 1,)
        Id of claim ``c``: ``data[offsets[c]:offsets[c + 1]]``.
    """
    merged = np.empty(1, np.int64)
    begin = 0
    while begin < len(keys):
        end = begin + 1
        while end < len(keys) and keys[end] == keys[begin]:
            end += 1
        if end - begin > len(merged):
            merged = np.empty(2 * (end - begin), np.int64)
        width = 1
        while width < end - begin:
            for low in range(begin, end, 2 * width):
                middle, high = min(low + width, end), min(low + 2 * width, end)
                left, right = low, middle
                for at in range(high - low):
                    takes_left = left < middle and (
                        right >= high
                        or not _is_after(rows[left], rows[right], claims, line_numbers, data, offsets)
                    )
                    merged[at] = rows[left] if takes_left else rows[right]
                    left, right = (left + 1, right) if takes_left else (left, right + 1)
                rows[low:high] = merged[: high - low]
            width *= 2
        begin = end


@kernel
def number_members(
    families: Integers,
    members: Integers,
    latest: Integers,
    persons: Integers,
    first_member: Integers,
    numbers: Positions,
) -> None:
    """Number the members of each family, in order of their own numbers.

    Parameters
    ----------
    families : int64, shape (n_families + 1,)
        Lines of family ``f``: ``families[f]`` to ``families[f + 1]``.
    members : int64, shape (n_lines,)
    latest : int64, shape (n_members, 2), all -1; changed
        The latest family that a member was seen in, and the number there.
    persons : int64, shape (n_lines,); written
        Members of the first family, then of the second, and so on; what is left over at the end stays as it was.
    first_member : int64, shape (n_families + 1,); written
        Where the members of each family begin in `persons`.
    numbers : uint32, shape (n_lines,); written
        Number of each line's member in the family.
    """
    count = 0
    for family in range(len(families) - 1):
        first_member[family] = count
        for line in range(families[family], families[family + 1]):
            if latest[members[line], 0] != family:
                latest[members[line], 0] = family
                persons[count] = members[line]
                count += 1
        if count - first_member[family] > 1:
            persons[first_member[family] : count].sort()
        for place in range(first_member[family], count):
            latest[persons[place], 1] = place - first_member[family]
        for line in range(families[family], families[family + 1]):
            numbers[line] = latest[members[line], 1]
    first_member[len(families) - 1] = count
