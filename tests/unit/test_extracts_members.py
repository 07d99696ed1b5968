"""Rows of one member: used or rejected exactly as a plain reading of the rules says."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskadj.extracts.enrollment import read_enrollment
from riskadj.extracts.open import open_extract
from riskadj.extracts.rejects import Rejects
from tests.extracts import FIELDS, YEAR, faults, read, rows


def test_rows_of_one_member_that_contradict_each_other() -> None:
    jan_may = {"enrollment_start_date": dt.date(YEAR, 1, 1), "enrollment_end_date": dt.date(YEAR, 5, 31)}
    jun_dec = {"enrollment_start_date": dt.date(YEAR, 6, 1), "enrollment_end_date": dt.date(YEAR, 12, 31)}
    may_jul = {"enrollment_start_date": dt.date(YEAR, 5, 31), "enrollment_end_date": dt.date(YEAR, 7, 31)}
    one = {"member_id": "one"}
    enrollment, rejects = read(
        rows(
            {**one, **jun_dec}, {**one, **jan_may}, {**one, **jun_dec, "orec": "1"}, {**one, **may_jul},
            {**one, **jan_may, "sex": "M"}, {**one, **jan_may, "birth_date": dt.date(1950, 6, 2), "sex": "M"}, jan_may,
        )
    )  # fmt: skip
    assert faults(rejects) == {
        3: ("enrollment_start_date", "duplicate_span"),
        4: ("enrollment_start_date", "overlapping_span"),
        5: ("sex", "sex_conflict"),
        6: ("birth_date", "birth_date_conflict"),
    }
    assert enrollment.rows_rejected == 4


def test_without_dates_a_member_has_one_row_unless_months_are_given() -> None:
    two = [{"member_id": "one"}, {"member_id": "one"}, {"member_id": "one", "orec": "1"}]
    _, rejects = read(rows(*two))
    assert faults(rejects) == {2: ("member_id", "duplicate_span"), 3: ("member_id", "overlapping_span")}
    enrollment, rejects = read(rows(*({**row, "months_enrolled": 4} for row in two)))
    assert (enrollment.n_rows, len(rejects)) == (3, 0)


def naive_faults(records: list[dict[str, Any]]) -> dict[int, str]:
    """Return row number -> reason, row by row and member by member, as EXTRACTS.md and REASONS say it."""
    found: dict[int, str] = {}
    for number, row in enumerate(records, start=1):
        checks = [
            ("member_id_missing", not row["member_id"]),
            ("birth_date_missing", row["birth_date"] is None),
            ("birth_date_in_future", row["birth_date"] is not None and row["birth_date"].year > YEAR),
            ("sex_missing", row["sex"] is None),
            ("sex_not_allowed", row["sex"] == "U"),
            ("orec_missing", row["orec"] is None),
            ("orec_not_allowed", row["orec"] == "7"),
            ("span_start_missing", row["enrollment_start_date"] is None),
            ("span_end_before_start", _is_backwards(row)),
        ]
        reason = next((reason for reason, holds in checks if holds), None)
        if reason:
            found[number] = reason
    members = defaultdict(list)
    for number, row in enumerate(records, start=1):
        if number not in found:
            members[row["member_id"]].append((number, row))
    for own in members.values():
        found |= _naive_contradictions(own)
    return found


def _is_backwards(row: dict[str, Any]) -> bool:
    start, end = row["enrollment_start_date"], row["enrollment_end_date"]
    return start is not None and end is not None and end < start


def _naive_contradictions(own: list[tuple[int, dict[str, Any]]]) -> dict[int, str]:
    found: dict[int, str] = {}
    first = own[0][1]
    for name in ("birth_date", "sex"):
        for number, row in own:
            if number not in found and row[name] != first[name]:
                found[number] = f"{name}_conflict"
    spans: set[tuple[dt.date, dt.date]] = set()
    for number, row in own:
        this = (row["enrollment_start_date"], row["enrollment_end_date"] or dt.date.max)
        if number not in found and this in spans:
            found[number] = "duplicate_span"
        if number not in found:
            spans.add(this)
    taken: list[tuple[dt.date, dt.date]] = []
    left = [
        (row["enrollment_start_date"], number, row["enrollment_end_date"] or dt.date.max)
        for number, row in own
    ]
    for start, number, end in sorted(item for item in left if item[1] not in found):
        if any(start <= last and first_day <= end for first_day, last in taken):
            found[number] = "overlapping_span"
        else:
            taken.append((start, end))
    return found


DAYS = [dt.date(YEAR, 1, 1) + dt.timedelta(days=days) for days in (0, 1, 20, 31, 59, 120, 200)]
RECORD = st.fixed_dictionaries(
    {
        "member_id": st.sampled_from(["a", "b", "long member id", None, ""]),
        "birth_date": st.sampled_from(
            [dt.date(1950, 1, 1)] * 4 + [dt.date(1950, 1, 2), dt.date(YEAR + 1, 1, 1), None]
        ),
        "sex": st.sampled_from(["F"] * 5 + ["M", "U", None]),
        "orec": st.sampled_from(["0"] * 5 + ["1", "7", None]),
        "dual_status_code": st.none(),
        "enrollment_start_date": st.sampled_from([*DAYS, None]),
        "enrollment_end_date": st.sampled_from([*DAYS, None]),
    }
)
TYPES = {"birth_date": pa.date32(), "enrollment_start_date": pa.date32(), "enrollment_end_date": pa.date32()}


def table_of(records: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {name: pa.array([row[name] for row in records], TYPES.get(name, pa.string())) for name in records[0]}
    )


@given(st.lists(RECORD, min_size=1, max_size=24))
def test_the_reasons_are_those_of_a_plain_reading(records: list[dict[str, Any]]) -> None:
    enrollment, rejects = read(table_of(records), fields=("sex", "orec"))
    expected = naive_faults(records)
    assert {row: reason for row, (_, reason) in faults(rejects).items()} == expected
    used = [number for number in range(1, len(records) + 1) if number not in expected]
    assert enrollment.row_number.tolist() == used
    assert enrollment.rows_read == len(records) == enrollment.n_rows + enrollment.rows_rejected
    assert len(rejects) == enrollment.rows_rejected
    assert enrollment.member_id.to_pylist() == [records[number - 1]["member_id"] for number in used]


@given(st.lists(RECORD, min_size=2, max_size=24), st.integers(1, 5), st.randoms(use_true_random=False))
def test_row_groups_files_and_threads_change_nothing(
    records: list[dict[str, Any]], size: int, chance: random.Random
) -> None:
    table = table_of(records)
    whole, _ = read(table)
    for threads in (1, 2):
        pieces = pa.Table.from_batches(table.to_batches(max_chunksize=size), table.schema)
        rejects = Rejects("write")
        extract = open_extract(pieces.to_reader(max_chunksize=size), "enrollment")
        again = read_enrollment(extract, payment_year=YEAR, fields=FIELDS, rejects=rejects, threads=threads)
        assert again.row_number.tolist() == whole.row_number.tolist()
        assert again.birth_date.tolist() == whole.birth_date.tolist()


def test_files_keep_their_own_row_numbers(tmp_path: Any) -> None:
    pq.write_table(rows({}, {"sex": "U"}), tmp_path / "a.parquet")
    pq.write_table(
        rows({"member_id": "x", "sex": "M"}, {"member_id": "m0", "sex": "M"}), tmp_path / "b.parquet"
    )
    enrollment, rejects = read(tmp_path)
    assert rejects.table().to_pylist() == [
        {"file": "a.parquet", "row_number": 2, "column": "sex", "reason": "sex_not_allowed"},
        {"file": "b.parquet", "row_number": 2, "column": "sex", "reason": "sex_conflict"},
    ]
    assert enrollment.file_id.tolist() == [0, 1]
    assert enrollment.row_number.tolist() == [1, 1]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([7, 7, 8]),
        pa.array([b"77", b"77", b"88"], pa.binary(2)),
        pa.array([b"7", b"7", b"8"]),
        pa.array(["7", "7", "8"], pa.large_string()),
        pa.array(["7", "7", "8"]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_members_of_every_id_type_are_told_apart(ids: pa.Array) -> None:
    table = rows({}, {}, {}).set_column(0, "member_id", ids)
    enrollment, rejects = read(table)
    assert faults(rejects) == {2: ("member_id", "duplicate_span")}
    assert enrollment.n_rows == 2


def test_a_missing_integer_id_is_rejected() -> None:
    table = rows({}, {}).set_column(0, "member_id", pa.array([None, 8]))
    _, rejects = read(table)
    assert faults(rejects) == {1: ("member_id", "member_id_missing")}
