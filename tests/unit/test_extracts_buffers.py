"""Arrow buffers as NumPy arrays: ids of every type, slices, nulls; the duplicates found are those of a plain search."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskadj.errors import ColumnTypeError
from riskadj.extracts import repeats
from riskadj.extracts.buffers import (
    cast_ids,
    from_numpy,
    from_strings,
    harmonise_ids,
    id_buffers,
    is_valid,
    values_of,
)

TYPES = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(3), pa.int64()]
TEXTS = ["abc", "xyz", "äb", "123"]


def id_array(arrow_type: pa.DataType, values: list[int | None]) -> pa.Array:
    """Return ids of `arrow_type`: TEXTS by position, or the numbers themselves."""
    if pa.types.is_integer(arrow_type):
        return pa.array(values, arrow_type)
    texts = [None if value is None else TEXTS[value] for value in values]
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type):
        return pa.array(texts, arrow_type)
    return pa.array([None if text is None else text.encode() for text in texts], arrow_type)


def bytes_of(array: pa.Array) -> list[bytes]:
    """Return each id's bytes, nothing for null, without buffers."""
    found = []
    for value in array.to_pylist():
        if value is None:
            found.append(b"")
        elif isinstance(value, int):
            found.append(np.int64(value).tobytes())
        else:
            found.append(value if isinstance(value, bytes) else value.encode())
    return found


@given(
    arrow_type=st.sampled_from(TYPES),
    values=st.lists(st.sampled_from([0, 1, 2, 3, None]), max_size=20),
    start=st.integers(0, 5),
    length=st.integers(0, 20),
)
def test_id_buffers_hold_each_id(arrow_type: pa.DataType, values: list[Any], start: int, length: int) -> None:
    array = id_array(arrow_type, values).slice(start, length)
    data, offsets = id_buffers(array)
    width = np.int64 if "large" in str(array.type) else np.int32
    assert (data.dtype, offsets.dtype, offsets.shape) == (np.uint8, width, (len(array) + 1,))
    pieces = [data[begin:end].tobytes() for begin, end in pairwise(offsets)]
    assert pieces == bytes_of(array)


def test_null_ids_have_no_bytes_even_where_their_slot_has_some() -> None:
    offsets = pa.py_buffer(np.array([0, 2, 4, 6], np.int32))
    bitmap = pa.py_buffer(np.packbits([True, False, True], bitorder="little"))
    array = pa.Array.from_buffers(pa.string(), 3, [bitmap, offsets, pa.py_buffer(b"aaXXcc")])
    data, begins = id_buffers(array)
    assert begins.tolist() == [0, 2, 2, 4]
    assert data.tobytes() == b"aacc"


def test_id_buffers_copy_no_text() -> None:
    array = pa.array(["abc"] * 1000)
    data, _ = id_buffers(array)
    assert data.ctypes.data == array.buffers()[2].address


def test_other_types_are_refused() -> None:
    with pytest.raises(ColumnTypeError, match="member ids of type double"):
        id_buffers(pa.array([1.0]))


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=30), st.integers(0, 9))
def test_values_and_validity_of_slices(values: list[int | None], start: int) -> None:
    array = pa.array(values, pa.int32()).slice(start)
    assert is_valid(array).tolist() == [value is not None for value in values[start:]]
    assert values_of(array)[is_valid(array)].tolist() == [
        value for value in values[start:] if value is not None
    ]


@given(st.lists(st.one_of(st.none(), st.booleans()), max_size=30), st.integers(0, 9))
def test_booleans_are_unpacked(values: list[bool | None], start: int) -> None:
    array = pa.array(values, pa.bool_()).slice(start)
    assert values_of(array)[is_valid(array)].tolist() == [
        value for value in values[start:] if value is not None
    ]
    again = from_numpy(values_of(array), pa.bool_(), valid=is_valid(array))
    assert again.to_pylist() == array.to_pylist()


@given(st.lists(st.text(), max_size=20))
def test_strings_go_there_and_back(values: list[str]) -> None:
    assert from_strings(values).to_pylist() == values


@pytest.mark.parametrize(
    ("enrollment", "diagnoses", "meets_as"),
    [
        (pa.int64(), pa.int64(), None),
        (pa.string(), pa.large_string(), None),
        (pa.int64(), pa.string(), pa.string()),
        (pa.large_string(), pa.int64(), pa.string()),
        (pa.int64(), pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.binary(16), pa.binary(16), None),
    ],
)
def test_integers_and_text_meet_as_text(
    enrollment: pa.DataType, diagnoses: pa.DataType, meets_as: pa.DataType
) -> None:
    assert harmonise_ids(enrollment, diagnoses) == meets_as


def test_integers_and_binary_do_not_meet() -> None:
    with pytest.raises(ColumnTypeError, match="member_id is int64 in enrollment and binary in diagnoses"):
        harmonise_ids(pa.int64(), pa.binary())


@pytest.mark.parametrize(
    "array", [pa.array([12, None]), pa.array([12, None]).dictionary_encode(), pa.array(["12", None])]
)
def test_ids_are_cast_to_text(array: pa.Array) -> None:
    assert cast_ids(array, pa.string()).to_pylist() == ["12", None]
    assert cast_ids(array, None) is array


def naive_repeats(ids: list[Any]) -> set[tuple[int, ...]]:
    rows: dict[Any, list[int]] = {}
    for row, member in enumerate(ids):
        rows.setdefault(member, []).append(row)
    return {tuple(found) for found in rows.values() if len(found) > 1}


def groups(found: repeats.Repeats) -> set[tuple[int, ...]]:
    return {tuple(found.rows[found.member == member].tolist()) for member in np.unique(found.member)}


@given(st.lists(st.text("ab", max_size=18), max_size=30))
def test_repeated_members_are_those_of_a_plain_search(ids: list[str]) -> None:
    numbers = repeats.number_members(pa.array(ids, pa.string()))
    assert groups(repeats.repeated_members(numbers)) == naive_repeats(ids)
