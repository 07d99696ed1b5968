"""What cannot be opened or read is refused in one clear sentence that shows no member."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, OptionError
from riskadj.extracts.open import open_extract
from tests.extracts import COLUMNS, DIAGNOSES, csv, parquet, read_all, refused


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
        "enrollment lacks 'sex' (has: member_id, dob, gender). "
        'Map it with columns={"sex": "gender"} (--columns sex=gender).'
    )


@pytest.mark.parametrize(
    "first_line",
    ["1EG4TE5MK73,1941-02-03,SMITH,F", "member_id,birth_date,1EG4TE5MK73,1941-02-03,SMITH1234,F"],
)
def test_the_first_line_of_a_file_without_header_is_not_quoted(tmp_path: Path, first_line: str) -> None:
    """It is a member's; nor are cells that a lost line end brought into the header."""
    path = tmp_path / "enrollment.csv"
    path.write_text(f"{first_line}\n1EG4TE5MK74,1942-02-03,JONES,M\n")
    with pytest.raises(ColumnMissingError) as caught:
        open_extract(path, "enrollment")
    words = str(caught.value)
    assert not [mark for mark in ("1EG4", "1941", "SMITH") if mark in words], words
    assert ("has: member_id, birth_date" in words) == first_line.startswith("member_id")


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
        ({"role": "claim"}, "role 'claim' is not known; allowed: enrollment, diagnoses, drugs, claims"),
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


def test_a_csv_row_with_too_few_columns_is_told_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "dx.csv"
    path.write_text("member_id,diagnosis_code\na,I10\nb,E119\nc\n")
    with refused("dx.csv cannot be read as CSV: row 3 does not have the 2 columns of the header"):
        read_all(open_extract(path, "diagnoses"), ["member_id"])
