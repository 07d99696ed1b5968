"""Small extracts in every shape, and rows of enrollment to break: what the tests of extracts share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import ExtractError
from riskadj.extracts.enrollment import Enrollment, read_enrollment
from riskadj.extracts.open import Extract, open_extract
from riskadj.extracts.rejects import Rejects
from riskadj.terms import STATUS_FIELDS

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


YEAR = 2030
FIELDS = ("sex", "orec", "dual", "ltimcaid", "nemcaid", "mcaid", "is_pace", "is_esrd", "esrd_status")
GOOD: dict[str, Any] = {
    "member_id": "a",
    "birth_date": dt.date(1950, 6, 1),
    "sex": "F",
    "orec": "0",
    "dual_status_code": "02",
}


def rows(*changes: dict[str, Any]) -> pa.Table:
    """Return one row per change, each of a member of its own unless the change says otherwise."""
    names = dict.fromkeys([*GOOD, *(name for change in changes for name in change)])
    records = [{**GOOD, "member_id": f"m{i}", **change} for i, change in enumerate(changes)]
    return pa.table({name: pa.array([record.get(name) for record in records]) for name in names})


def read(
    source: Any, *, fields: tuple[str, ...] = FIELDS, mode: str = "write", **options: Any
) -> tuple[Enrollment, Rejects]:
    rejects = Rejects(mode)
    extract = open_extract(source, "enrollment", layout=options.pop("layout", "riskadj"))
    return read_enrollment(extract, payment_year=YEAR, fields=fields, rejects=rejects, **options), rejects


def faults(rejects: Rejects) -> dict[int, tuple[str, str]]:
    return {row["row_number"]: (row["column"], row["reason"]) for row in rejects.table().to_pylist()}


def status(enrollment: Enrollment, name: str) -> list[str]:
    return [STATUS_FIELDS[name][code] for code in enrollment.status[name]]
