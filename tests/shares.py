"""Populations cut into shares, as a distributed engine does it, and tables compared to the last bit."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskadj.engines import share
from riskadj.engines.shipped_maps import packed
from riskadj.scoring.options import make_options
from riskadj.scoring.shares import Survey, whole_of
from riskadj.tables.payment_year import load_payment_year

DATA = Path(__file__).parents[1] / "data" / "synthetic"
ACA_DATA = DATA.with_name("synthetic_aca")


def sample(role: str) -> pa.Table:
    """Return an extract of the synthetic population."""
    return pq.read_table(DATA / f"{role}.parquet")


def aca_sample(role: str, n_members: int) -> pa.Table:
    """Return the first members of an extract of the synthetic ACA population."""
    ids = pq.read_table(ACA_DATA / "enrollment.parquet", columns=["member_id"])["member_id"].unique()
    table = pq.read_table(ACA_DATA / f"{role}.parquet")
    return table.filter(pc.is_in(table["member_id"], ids.slice(0, n_members)))


def with_faults(enrollment: pa.Table) -> pa.Table:
    """Return the enrollment with a row of no sex, one without a member, and a first row that comes once more."""
    first, second = enrollment.slice(0, 1).to_pylist()[0], enrollment.slice(1, 1).to_pylist()[0]
    bad = [
        {**first, "sex": "X", "member_id": "NOSEX"},
        {**second, "member_id": None},
        {**first, "sex": None},
        first,
    ]
    return pa.concat_tables([enrollment, pa.Table.from_pylist(bad, schema=enrollment.schema)])


def in_shares(
    enrollment: pa.Table, diagnoses: pa.Table, n_shares: int, *, drugs: pa.Table | None = None, **options: Any
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Score in shares of the members, rows of each as Spark hands them over; return the tables and the report."""
    maps = packed(options["maps_dir"]) if "maps_dir" in options else None
    task = share.Task(make_options(**options), "riskadj", {role: {} for role in share.ROLES}, maps)
    extracts = {"enrollment": enrollment, "diagnoses": diagnoses} | (
        {} if drugs is None else {"drugs": drugs}
    )
    parts = [list(batches) for batches in cut(extracts, n_shares)]
    surveys = [
        Survey.from_dict(report) for part in parts for report in reports(share.survey_batches(task, part))
    ]
    year = load_payment_year(task.options.program, task.options.payment_year, maps_dir=task.options.maps_dir)
    whole = whole_of(surveys, task.options, year, ("enrollment",))
    task = replace(task, whole=whole)
    headers = {role: table.slice(0, 0) for role, table in extracts.items()}
    empty = share.score_share(task, share.Share(share.batches_of(headers)))
    task = replace(task, schemas={name: table.schema for name, table in empty.tables.items()})
    out = pa.Table.from_batches([batch for part in parts for batch in share.score_batches(task, part)])
    found = reports([out])
    share.raise_first_error(found)
    return {name: unstructured(out[name]) for name in share.TABLES}, share.joined_shares(found, task.options)


def cut(extracts: dict[str, pa.Table], n_shares: int) -> list[list[pa.RecordBatch]]:
    """Return the batches of each share: rows keep the numbers they had in the whole."""
    shares = []
    whole = [pa.Table.from_batches([batch]) for batch in share.batches_of(extracts)]
    for number in range(n_shares):
        batches = []
        for table in whole:
            role = next(role for role in share.ROLES if role in extracts and table[role].null_count == 0)
            ids = pc.struct_field(table[role], "member_id").to_pylist()
            mine = np.array([zlib.crc32(str(name).encode()) % n_shares == number for name in ids], np.bool_)
            batches += table.filter(pa.array(mine)).to_batches(max_chunksize=1_000)
        shares.append(batches)
    return shares


def reports(batches: Any) -> list[dict[str, Any]]:
    """Return the reports among batches."""
    return [
        json.loads(text)
        for batch in batches
        for text in batch.column(share.REPORT).to_pylist()
        if text is not None
    ]


def unstructured(column: pa.ChunkedArray) -> pa.Table:
    """Return the structs of a column that are not null as a table."""
    return pa.Table.from_struct_array(pc.drop_null(column).combine_chunks())


def rows_of(table: pa.Table) -> list[str]:
    """Return the rows of a table as text, sorted; floats with all their bits."""
    plain = share.plain(table)
    floats = [field.name for field in plain.schema if pa.types.is_float64(field.type)]
    return sorted(
        repr(
            {name: cell.hex() if name in floats and cell is not None else cell for name, cell in row.items()}
        )
        for row in plain.to_pylist()
    )


def without_shares(report: dict[str, Any]) -> dict[str, Any]:
    """Return what a run report says of the population: not how long it took, or in how many shares."""
    notes = [note for note in report["notes"] if "shares" not in note]
    rest = {key: value for key, value in report.items() if key not in ("seconds", "notes")}
    return {**rest, "notes": notes}


def assert_same_summary(found: Any, expected: Any) -> None:
    """Means may differ in their last bit: sums of floats know the order of their rows."""
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        values = expected[name].tolist()
        assert found[name].tolist() == (pytest.approx(values, nan_ok=True) if "mean" in name else values)
