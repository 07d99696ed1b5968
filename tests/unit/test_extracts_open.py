"""Anything that holds columns can be opened, and what cannot be is refused in one clear sentence."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, OptionError
from riskadj.extracts import parquet_parts
from riskadj.extracts.open import Extract, open_extract, row_numbers
from riskadj.extracts.rejects import Rejects

DIAGNOSES = pa.table(
    {
        "member_id": ["007", "007", "010", None],
        "diagnosis_code": ["E11.9", "i10", "0123", "C50"],
        "service_date": [dt.date(2025, 1, 31), dt.date(2025, 2, 1), None, dt.date(2025, 12, 31)],
        "bill_type_code": ["0111", None, "013", "11"],
        "note": ["a", "b", "c", "d"],
    }
)
COLUMNS = ["member_id", "diagnosis_code", "service_date", "bill_type_code"]


@contextmanager
def refused(words: str, error: type[Exception] = ExtractError) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Expect `error`, with `words` in its message."""
    with pytest.raises(error) as caught:
        yield caught
    assert words in str(caught.value)


def read_all(extract: Extract, names: list[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of all chunks as lists."""
    tables = [chunk.read() for chunk in extract.chunks(names or COLUMNS)]
    return {
        name: [value for table in tables for value in table.column(name).to_pylist()]
        for name in tables[0].column_names
    }


EXPECTED = {name: DIAGNOSES.column(name).to_pylist() for name in COLUMNS}


def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "dx.parquet"
    pq.write_table(DIAGNOSES, path, row_group_size=2)
    return path


def csv(tmp_path: Path, *, delimiter: str = ",", bom: bool = False, name: str = "dx.csv") -> Path:
    path = tmp_path / name
    DIAGNOSES.to_pandas().to_csv(path, index=False, sep=delimiter, encoding="utf-8-sig" if bom else "utf-8")
    return path


def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "dx" / "month=1"
    folder.mkdir(parents=True)
    pq.write_table(DIAGNOSES.slice(0, 2), folder / "a.parquet")
    pq.write_table(DIAGNOSES.slice(2), folder / "b.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".a.parquet.crc").touch()
    return tmp_path / "dx"


SOURCES: dict[str, Callable[[Path], Any]] = {
    "parquet": parquet,
    "parquet as str": lambda tmp: str(parquet(tmp)),
    "csv": csv,
    "csv with byte-order mark and bars": lambda tmp: csv(tmp, delimiter="|", bom=True, name="dx.txt"),
    "csv with tabs": lambda tmp: csv(tmp, delimiter="\t", name="dx.tsv"),
    "gzipped csv": lambda tmp: csv(tmp, name="dx.csv.gz"),
    "directory": directory,
    "glob": lambda tmp: str(directory(tmp) / "*" / "*.parquet"),
    "list": lambda tmp: sorted(directory(tmp).rglob("*.parquet")),
    "table": lambda tmp: DIAGNOSES,
    "table of many chunks": lambda tmp: pa.concat_tables([DIAGNOSES.slice(i, 1) for i in range(4)]),
    "record batch": lambda tmp: DIAGNOSES.combine_chunks().to_batches()[0],
    "record batch reader": lambda tmp: DIAGNOSES.to_reader(max_chunksize=1),
    "pandas": lambda tmp: DIAGNOSES.to_pandas(),
    "pandas with an index of its own": lambda tmp: DIAGNOSES.to_pandas().set_index(np.array([9, 8, 7, 6])),
    "pandas on arrow": lambda tmp: DIAGNOSES.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda tmp: pl.from_arrow(DIAGNOSES),
    "duckdb": lambda tmp: duckdb.sql("select * from DIAGNOSES"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    extract = open_extract(SOURCES[kind](tmp_path), "diagnoses")
    assert extract.columns == ("member_id", "diagnosis_code", "service_date", "bill_type_code")
    assert read_all(extract) == EXPECTED


@pytest.mark.parametrize("kind", sorted(set(SOURCES) - {"record batch reader"}))
def test_a_source_can_be_read_twice(kind: str, tmp_path: Path) -> None:
    extract = open_extract(SOURCES[kind](tmp_path), "diagnoses")
    assert read_all(extract) == read_all(extract)


def test_a_stream_that_was_read_says_so() -> None:
    extract = open_extract(DIAGNOSES.to_reader(), "diagnoses")
    read_all(extract)
    with refused("has been read already"):
        read_all(extract)


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
    "number": pa.array([20250131, None]),
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
    "text", ["2025-02-30", "31/01/2025", "2025-1", "25-01-31", "2025-W05-5", "x", "2025130", "0"]
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


def test_a_chunk_is_a_row_group_and_knows_its_first_row(tmp_path: Path) -> None:
    extract = open_extract(parquet(tmp_path), "diagnoses")
    assert [(c.file, c.first_row, c.n_rows) for c in extract.chunks(["member_id"])] == [
        ("dx.parquet", 1, 2),
        ("dx.parquet", 3, 2),
    ]
    assert extract.n_rows == 4


def test_large_row_groups_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_parts, "LARGE_ROW_GROUP", 1)
    monkeypatch.setattr(parquet_parts, "STREAM_BATCH", 1)
    extract = open_extract(parquet(tmp_path), "diagnoses")
    assert [c.first_row for c in extract.chunks(["member_id"])] == [1, 2, 3, 4]
    assert read_all(extract) == EXPECTED


def test_csv_batches_number_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskadj.extracts.csv_parts.BLOCK_BYTES", 120)
    path = tmp_path / "dx.csv"
    rows = [f"m{i},I10,2025-01-{i % 28 + 1:02d}" for i in range(100)]
    path.write_text("member_id,diagnosis_code,service_date\n" + "\n".join(rows) + "\n")
    chunks = list(open_extract(path, "diagnoses").chunks(["member_id"]))
    assert len(chunks) > 5
    numbers = np.concatenate([row_numbers(chunk.read(), chunk.first_row) for chunk in chunks])
    assert numbers.tolist() == list(range(1, 101))
    assert [v for c in chunks for v in c.read().column("member_id").to_pylist()] == [
        f"m{i}" for i in range(100)
    ]


def test_chunks_may_be_read_from_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "dx.parquet"
    table = pa.table({"member_id": [f"m{i}" for i in range(20_000)], "diagnosis_code": ["I10"] * 20_000})
    pq.write_table(table, path, row_group_size=100)
    chunks = list(open_extract(path, "diagnoses").chunks(["member_id"]))
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(lambda chunk: chunk.read(), chunks))
    assert pa.concat_tables(tables).column("member_id").to_pylist() == table.column("member_id").to_pylist()


@pytest.mark.parametrize("version", ["1.0", "2.6"])
@pytest.mark.parametrize(("order", "is_dictionary"), [("sorted", True), ("random", False)])
def test_ids_are_read_as_dictionary_only_where_the_file_repeats_them(
    tmp_path: Path, version: str, order: str, is_dictionary: bool
) -> None:
    names = [f"member-number-{i:07d}" for i in range(60_000)]
    ids = np.repeat(names, 5)
    if order == "random":
        ids = np.random.default_rng(0).permutation(ids)
    path = tmp_path / "dx.parquet"
    table = pa.table({"member_id": ids.tolist(), "diagnosis_code": ["I10"] * len(ids)})
    rows = 100_000 if is_dictionary else len(ids)
    pq.write_table(table, path, row_group_size=rows, version=version)
    chunk = next(open_extract(path, "diagnoses").chunks(["member_id"]))
    assert pa.types.is_dictionary(chunk.read().column("member_id").type) is is_dictionary


def test_files_whose_ids_differ_in_type_meet_as_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"member_id": [1, 2], "diagnosis_code": ["I10", "I10"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"member_id": ["3"], "diagnosis_code": ["I10"]}), tmp_path / "b.parquet")
    extract = open_extract(tmp_path, "diagnoses")
    assert extract.id_type == pa.string()
    assert read_all(extract, ["member_id"]) == {"member_id": ["1", "2", "3"]}


def test_equal_file_names_are_told_apart(tmp_path: Path) -> None:
    for month in ("01", "02"):
        (tmp_path / month).mkdir()
        pq.write_table(DIAGNOSES, tmp_path / month / "part.parquet")
    assert open_extract(tmp_path, "diagnoses").files == ("01/part.parquet", "02/part.parquet")


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    table = DIAGNOSES.rename_columns(["bene", "dx", "thru", "tob", "note"])
    names = {"member_id": "bene", "diagnosis_code": "dx", "service_date": "thru", "bill_type_code": "tob"}
    assert read_all(open_extract(table, "diagnoses", columns=names)) == EXPECTED


# --- what cannot be opened ---


def damage(path: Path, how: str) -> Path:
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "not parquet":
        path.write_bytes(b"member_id,diagnosis_code\n")
    return path


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", "dx.parquet cannot be read as Parquet"),
        ("empty", "dx.parquet is empty"),
        ("not parquet", "dx.parquet is not a Parquet file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, how: str, words: str) -> None:
    with refused(words):
        open_extract(damage(parquet(tmp_path), how), "diagnoses")


def test_a_file_damaged_inside_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dx.parquet"
    table = pa.table({"member_id": [f"m{i}" for i in range(5000)], "diagnosis_code": ["I10"] * 5000})
    pq.write_table(table, path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:400] = os.urandom(396)
    path.write_bytes(bytes(content))
    extract = open_extract(path, "diagnoses")
    with refused("dx.parquet cannot be read as Parquet"):
        read_all(extract, ["member_id", "diagnosis_code"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.parquet", "nowhere.parquet does not exist"),
        ("none-*.parquet", "no file matches"),
        ([], "no files were given"),
        ([DIAGNOSES], "holds a Table"),
        ({"member_id": [1]}, "a dict was given for diagnoses"),
        (pl.LazyFrame({"member_id": [1]}), "a LazyFrame was given"),
    ],
)
def test_what_is_no_source(source: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(words):
        open_extract(source, "diagnoses")


def test_a_directory_without_data_or_with_both_kinds(tmp_path: Path) -> None:
    with refused("holds no Parquet or CSV"):
        open_extract(tmp_path, "diagnoses")
    csv(tmp_path)
    parquet(tmp_path)
    with refused("both Parquet and CSV"):
        open_extract(tmp_path, "diagnoses")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    path.chmod(0)
    with refused("dx.parquet cannot be opened: Permission denied"):
        open_extract(path, "diagnoses")


def test_an_operating_system_error_is_worded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with refused("dx.parquet cannot be opened: Permission denied"):
        open_extract(parquet(tmp_path), "diagnoses")


def test_a_missing_column_is_named_with_what_there_is() -> None:
    table = pa.table({"member_id": ["a"], "dob": [dt.date(1950, 1, 1)], "gender": ["F"]})
    with pytest.raises(ColumnMissingError) as caught:
        open_extract(table, "enrollment")
    assert str(caught.value) == (
        'enrollment lacks \'sex\' (has: member_id, dob, gender). Map it with columns={"sex": "gender"}.'
    )


def test_a_column_missing_in_one_file_names_that_file(tmp_path: Path) -> None:
    pq.write_table(DIAGNOSES, tmp_path / "a.parquet")
    pq.write_table(DIAGNOSES.drop_columns("diagnosis_code"), tmp_path / "b.parquet")
    with refused("b.parquet lacks 'diagnosis_code'", ColumnMissingError):
        open_extract(tmp_path, "diagnoses")


def test_a_column_only_some_files_have_is_refused(tmp_path: Path) -> None:
    pq.write_table(DIAGNOSES, tmp_path / "a.parquet")
    pq.write_table(DIAGNOSES.drop_columns("service_date"), tmp_path / "b.parquet")
    with refused("b.parquet lacks 'service_date', which a.parquet has"):
        open_extract(tmp_path, "diagnoses")


def test_types_that_cannot_hold_the_column_are_refused(tmp_path: Path) -> None:
    pq.write_table(DIAGNOSES, tmp_path / "a.parquet")
    wrong = DIAGNOSES.set_column(2, "service_date", pa.array([1.5, 2.5, 3.5, 4.5]))
    pq.write_table(wrong, tmp_path / "b.parquet")
    with refused("b.parquet, column 'service_date' is of type double; allowed: dates", ColumnTypeError):
        open_extract(tmp_path, "diagnoses")


def test_repeated_column_names_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["member_id", "diagnosis_code", "member_id"])
    with refused("several columns named 'member_id'"):
        open_extract(table, "diagnoses")
    path = tmp_path / "dx.csv"
    path.write_text("member_id,diagnosis_code,member_id\na,I10,b\n")
    with refused("several columns named 'member_id'"):
        open_extract(path, "diagnoses")
    with refused("several columns named member_id"):
        open_extract(
            pd.DataFrame([["a", "I10", "b"]], columns=["member_id", "diagnosis_code", "member_id"]),
            "diagnoses",
        )


def test_repeated_names_of_columns_not_in_use_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "dx.csv"
    path.write_text("member_id,x,diagnosis_code,x\na,1,I10,2\n")
    assert read_all(open_extract(path, "diagnoses"), ["member_id", "diagnosis_code"]) == {
        "member_id": ["a"],
        "diagnosis_code": ["I10"],
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"role": "claim"}, "role 'claim' is not known; allowed: enrollment, diagnoses, drugs, claims; nearest: cl"),
        ({"layout": "tuba"}, "layout='tuba' is not known; allowed: riskadj, tuva, cms; nearest: tuva"),
        ({"columns": {"diagnosis": "note"}}, "'diagnosis', which diagnoses does not have; nearest: diagnosis_code"),
    ],
)  # fmt: skip
def test_unknown_options_get_the_nearest_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_extract(DIAGNOSES, **{"role": "diagnoses", **arguments})
    assert words in str(caught.value)


def test_a_mapped_column_that_is_not_there_gets_the_nearest_name() -> None:
    with refused("lacks 'notes', which columns= gives for 'claim_id'; nearest: note"):
        open_extract(DIAGNOSES, "diagnoses", columns={"claim_id": "notes"})


@pytest.mark.parametrize("content", [b"a,b\nSECRET1,2,3\n", b"member_id,diagnosis_code\nSECRET1,I10\nSECRET2\n",
                                     b"member_id,diagnosis_code\nSECRET\xff,I10\n"])  # fmt: skip
def test_csv_errors_quote_no_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dx.csv"
    path.write_bytes(content)
    with pytest.raises(ExtractError) as caught:
        read_all(open_extract(path, "diagnoses"), ["member_id", "diagnosis_code"])
    assert "dx.csv" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_pandas_errors_quote_no_value() -> None:
    frame = pd.DataFrame({"member_id": ["SECRET", 12, dt.date(2025, 1, 1)], "diagnosis_code": ["I10"] * 3})
    with pytest.raises(ExtractError) as caught:
        read_all(open_extract(frame, "diagnoses"), ["member_id"])
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_csv_quoting_and_line_breaks_in_values(tmp_path: Path) -> None:
    path = tmp_path / "dx.csv"
    path.write_bytes(
        b'"member_id","diagnosis_code","note"\r\n"a","I10","one\r\ntwo, three"\r\n"b","E119",""\r\n'
    )
    assert read_all(open_extract(path, "diagnoses"), ["member_id", "diagnosis_code"]) == {
        "member_id": ["a", "b"],
        "diagnosis_code": ["I10", "E119"],
    }


def test_reading_parquet_imports_neither_pandas_nor_datasets(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from riskadj.extracts.open import open_extract\n"
        f"[c.read() for c in open_extract({str(parquet(tmp_path))!r}, 'diagnoses').chunks({COLUMNS!r})]\n"
        "print(sorted({'pandas', 'pyarrow.dataset', 'numba'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
