"""Anything that holds columns can be opened, and read a chunk at a time from any thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.csv import write_csv

from riskadj.extracts import parquet_parts
from riskadj.extracts.open import open_extract, row_numbers
from tests.extracts import DIAGNOSES, EXPECTED, csv, directory, parquet, read_all, refused


class Capsule:
    """An object of which nothing is known but that it speaks the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return DIAGNOSES.__arrow_c_stream__(requested_schema)


def partitioned(tmp_path: Path, *, as_csv: bool = False) -> Path:
    """Write a file for each bill type, in a folder named as Hive and Spark name it; the files lack the column."""
    folders = ("0111", "__HIVE_DEFAULT_PARTITION__", "013", "11")
    for row, value in enumerate(folders):
        folder = tmp_path / "parts" / f"{row}" / f"bill_type_code={value}"
        folder.mkdir(parents=True)
        table = DIAGNOSES.slice(row, 1).drop_columns("bill_type_code")
        if as_csv:
            write_csv(table, folder / "part-0.csv")
        else:
            pq.write_table(table, folder / "part-0.parquet")
    return tmp_path / "parts"


SOURCES: dict[str, Callable[[Path], Any]] = {
    "parquet": parquet,
    "parquet as str": lambda tmp: str(parquet(tmp)),
    "csv": csv,
    "csv with byte-order mark and bars": lambda tmp: csv(tmp, delimiter="|", bom=True, name="dx.txt"),
    "csv with tabs": lambda tmp: csv(tmp, delimiter="\t", name="dx.tsv"),
    "gzipped csv": lambda tmp: csv(tmp, name="dx.csv.gz"),
    "directory": directory,
    "glob": lambda tmp: str(directory(tmp) / "*" / "*.parquet"),
    "partitioned directory": partitioned,
    "partitioned directory of csv": lambda tmp: partitioned(tmp, as_csv=True),
    "columns in another case": lambda tmp: DIAGNOSES.rename_columns(
        [n.upper() for n in DIAGNOSES.column_names]
    ),
    "columns with blanks": lambda tmp: DIAGNOSES.rename_columns([f" {n} " for n in DIAGNOSES.column_names]),
    "list": lambda tmp: sorted(directory(tmp).rglob("*.parquet")),
    "table": lambda tmp: DIAGNOSES,
    "table of many chunks": lambda tmp: pa.concat_tables([DIAGNOSES.slice(i, 1) for i in range(4)]),
    "record batch": lambda tmp: DIAGNOSES.combine_chunks().to_batches()[0],
    "record batch reader": lambda tmp: DIAGNOSES.to_reader(max_chunksize=1),
    "pandas": lambda tmp: DIAGNOSES.to_pandas(),
    "pandas with an index of its own": lambda tmp: DIAGNOSES.to_pandas().set_index(np.array([9, 8, 7, 6])),
    "pandas with member_id as its index": lambda tmp: DIAGNOSES.to_pandas().set_index("member_id"),
    "pandas on arrow": lambda tmp: DIAGNOSES.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda tmp: pl.from_arrow(DIAGNOSES),
    "anything with the capsule interface": lambda tmp: Capsule(),
    "duckdb": lambda tmp: duckdb.sql("select * from DIAGNOSES"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    extract = open_extract(SOURCES[kind](tmp_path), "diagnoses")
    assert extract.columns == ("member_id", "diagnosis_code", "service_date", "bill_type_code")
    assert read_all(extract) == EXPECTED


def test_what_a_file_says_goes_before_the_name_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "bill_type_code=999" / "claim%5Ftype=inpatient"
    folder.mkdir(parents=True)
    pq.write_table(DIAGNOSES, folder / "part-0.parquet")
    extract = open_extract(tmp_path, "diagnoses")
    assert read_all(extract) == EXPECTED
    assert read_all(extract, ["claim_type"]) == {"claim_type": ["inpatient"] * 4}


def test_columns_that_differ_in_case_alone_are_refused() -> None:
    table = DIAGNOSES.rename_columns(["member_id", "Service_Date", "service_date ", "Diagnosis_Code", "note"])
    with refused("several columns named 'service_date' in some case; keep one"):
        open_extract(table, "diagnoses")
    named = {"service_date": "Service_Date", "diagnosis_code": "note"}
    assert "service_date" in open_extract(table, "diagnoses", columns=named).columns


@pytest.mark.parametrize("kind", sorted(set(SOURCES) - {"record batch reader"}))
def test_a_source_can_be_read_twice(kind: str, tmp_path: Path) -> None:
    extract = open_extract(SOURCES[kind](tmp_path), "diagnoses")
    assert read_all(extract) == read_all(extract)


def test_two_relations_of_one_connection_may_be_open_at_once() -> None:
    connection = duckdb.connect()
    connection.register("dx", DIAGNOSES)
    opened = [open_extract(connection.sql("select * from dx"), "diagnoses") for _ in range(2)]
    assert [read_all(extract) for extract in opened] == [EXPECTED, EXPECTED]


def test_a_stream_that_was_read_says_so() -> None:
    extract = open_extract(DIAGNOSES.to_reader(), "diagnoses")
    read_all(extract)
    with refused("has been read already"):
        read_all(extract)


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
