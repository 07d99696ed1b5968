"""Columns of every Arrow type become the few types that are read: ids, codes, dates."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pyarrow as pa
import pytest

from riskadj.errors import ColumnTypeError
from riskadj.extracts.open import open_extract, row_numbers
from riskadj.extracts.rejects import Rejects
from tests.extracts import read_all, refused


def text_of(kind: str) -> pa.Array:
    values = pa.array(["E119", "I10", None, "E119"])
    if kind == "dictionary of large_string":
        return values.cast(pa.large_string()).dictionary_encode()
    if kind == "dictionary with int8 indices":
        return pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), pa.array(["E119", "I10"]))
    if kind == "dictionary with a null entry":
        return pa.DictionaryArray.from_arrays(
            pa.array([0, 1, 2, 0], pa.int8()), pa.array(["E119", "I10", None])
        )
    if kind == "chunks with dictionaries of their own":
        return pa.chunked_array([values[:2].dictionary_encode(), values[2:].dictionary_encode()])
    return values.cast(getattr(pa, kind)())


@pytest.mark.parametrize(
    "kind",
    [
        "string",
        "large_string",
        "string_view",
        "dictionary of large_string",
        "dictionary with int8 indices",
        "dictionary with a null entry",
        "chunks with dictionaries of their own",
    ],
)
def test_codes_of_every_text_type_become_one_dictionary(kind: str) -> None:
    table = pa.table({"member_id": ["a", "b", "c", "d"], "diagnosis_code": text_of(kind)})
    (chunk,) = open_extract(table, "diagnoses").chunks(["diagnosis_code"])
    column = chunk.read().column("diagnosis_code")
    assert column.type == pa.dictionary(pa.int32(), pa.string())
    assert column.num_chunks == 1
    assert column.to_pylist() == ["E119", "I10", None, "E119"]


IDS: dict[str, tuple[pa.Array, pa.DataType, list[Any]]] = {
    "string": (pa.array(["1", None]), pa.string(), ["1", None]),
    "large_string": (pa.array(["1", None], pa.large_string()), pa.large_string(), ["1", None]),
    "string_view": (pa.array(["1", None], pa.string_view()), pa.string(), ["1", None]),
    "int32": (pa.array([1, None], pa.int32()), pa.int64(), [1, None]),
    "uint64": (pa.array([1, None], pa.uint64()), pa.int64(), [1, None]),
    "float": (pa.array([1.0, float("nan")]), pa.int64(), [1, None]),
    "decimal": (pa.array([decimal.Decimal(1), None], pa.decimal128(18, 0)), pa.int64(), [1, None]),
    "binary": (pa.array([b"1", None]), pa.binary(), [b"1", None]),
    "fixed": (pa.array([b"12", None], pa.binary(2)), pa.binary(2), [b"12", None]),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, None], pa.binary(16))),
        pa.binary(16),
        [b"0" * 16, None],
    ),
    "null": (pa.nulls(2), pa.string(), [None, None]),
    "dictionary": (pa.array(["1", None]).dictionary_encode(), pa.dictionary(pa.int32(), pa.string()), ["1", None]),
}  # fmt: skip


@pytest.mark.parametrize("kind", IDS)
def test_ids_of_every_type(kind: str) -> None:
    array, arrow_type, values = IDS[kind]
    extract = open_extract(pa.table({"member_id": array, "diagnosis_code": ["E119", "I10"]}), "diagnoses")
    (chunk,) = extract.chunks(["member_id"])
    column = chunk.read().column("member_id")
    assert (column.type, column.to_pylist()) == (arrow_type, values)


def test_ids_that_are_no_whole_numbers_are_refused_without_being_shown() -> None:
    extract = open_extract(pa.table({"member_id": [1234.5], "diagnosis_code": ["I10"]}), "diagnoses")
    with refused("not whole", ColumnTypeError) as caught:
        read_all(extract, ["member_id"])
    assert "1234" not in str(caught.value)


def test_codes_that_came_as_numbers_keep_their_digits() -> None:
    table = pa.table(
        {"member_id": ["a", "b"], "diagnosis_code": ["I10", "I10"], "procedure_code": [99213.0, None]}
    )
    assert read_all(open_extract(table, "diagnoses"), ["procedure_code"]) == {
        "procedure_code": ["99213", None]
    }


DATES: dict[str, pa.Array] = {
    "date64": pa.array([dt.date(2025, 1, 31), None], pa.date64()),
    "timestamp": pa.array([dt.datetime(2025, 1, 31, 23, 59), None], pa.timestamp("us")),
    "timestamp with zone": pa.array(
        [dt.datetime(2025, 2, 1, 4, 59), None], pa.timestamp("ms", "America/New_York")
    ),
    "iso": pa.array(["2025-01-31", None]),
    "compact": pa.array(["20250131", ""]),
    "american": pa.array(["1/31/2025", " "]),
    "american with zeros": pa.array(["01/31/2025 00:00:00", None]),
    "with time": pa.array(["2025-01-31T12:30:00.000", None]),
    "medicare research file": pa.array(["31-Jan-2025", ""]),
    "SAS": pa.array(["31JAN2025", None]),
    "SAS with time": pa.array(["31JAN2025:12:30:00", None]),
    "number": pa.array([20250131, None]),
    "decimal": pa.array([decimal.Decimal("20250131"), None], pa.decimal128(38, 0)),
    "dictionary": pa.array(["2025-01-31", None]).dictionary_encode(),
    "dictionary of dates": pa.array([dt.date(2025, 1, 31), None]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_of_every_make(kind: str) -> None:
    table = pa.table({"member_id": ["a", "b"], "diagnosis_code": ["I10", "I10"], "service_date": DATES[kind]})
    (chunk,) = open_extract(table, "diagnoses").chunks(["service_date"])
    column = chunk.read().column("service_date")
    assert (column.type, column.to_pylist()) == (pa.date32(), [dt.date(2025, 1, 31), None])


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-30",
        "31/01/2025",
        "2025-1",
        "25-01-31",
        "2025-W05-5",
        "x",
        "2025130",
        "0",
        "31-Foo-2025",
        "31-Feb-2025",
        "31-Jan-25",
        "31Jan-2025",
    ],
)
def test_an_unreadable_date_is_rejected_with_its_row(text: str) -> None:
    dates = ["2025-01-31", text, None, "2025-01-30"]
    table = pa.table({"member_id": list("abcd"), "diagnosis_code": ["I10"] * 4, "service_date": dates})
    (chunk,) = open_extract(table, "diagnoses").chunks(["member_id", "service_date"])
    rejects = Rejects("write")
    read = chunk.read(rejects)
    assert read.column("member_id").to_pylist() == ["a", "c", "d"]
    assert row_numbers(read, chunk.first_row).tolist() == [1, 3, 4]
    assert rejects.table().to_pylist() == [
        {"file": "diagnoses", "row_number": 2, "column": "service_date", "reason": "service_date_unreadable"}
    ]
