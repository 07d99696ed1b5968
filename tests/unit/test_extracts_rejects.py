"""Rejected rows are counted, listed in order, and said in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskadj.errors import CodeNotAllowedError, OptionError, RowsRejectedError
from riskadj.extracts.rejects import REASONS, Rejects

ENTRY = st.tuples(
    st.sampled_from(["a.parquet", "b.parquet"]),
    st.lists(st.integers(1, 50), max_size=5),
    st.sampled_from(["sex", "orec"]),
    st.sampled_from(["sex_not_allowed", "orec_missing", "member_id_missing"]),
)


@given(st.lists(ENTRY, max_size=10))
def test_every_row_is_listed_once_in_order(entries: list[tuple[str, list[int], str, str]]) -> None:
    rejects = Rejects("write")
    for file, rows, column, reason in entries:
        rejects.add(file, np.array(rows, dtype=np.int64), column, reason)
    expected = [(file, row, column, reason) for file, rows, column, reason in entries for row in rows]
    table = rejects.table()
    found = [tuple(row.values()) for row in table.to_pylist()]
    assert sorted(found) == sorted(expected)
    assert [row[:2] for row in found] == sorted(row[:2] for row in found)
    assert len(rejects) == len(expected) == sum(rejects.counts().values())
    rejects.raise_if_stopping()


@given(st.lists(ENTRY, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_adding_changes_nothing(
    entries: list[tuple[str, list[int], str, str]], chance: object
) -> None:
    tables = []
    for order in (entries, list(reversed(entries))):
        rejects = Rejects("write")
        for file, rows, column, reason in order:
            part = Rejects("write")
            part.add(file, np.array(rows, dtype=np.int64), column, reason)
            rejects.merge(part)
        tables.append(rejects.table().to_pylist())
    assert tables[0] == tables[1]


def test_an_empty_table_has_its_columns() -> None:
    table = Rejects("write").table()
    assert (table.num_rows, table.column_names) == (0, ["file", "row_number", "column", "reason"])


def test_the_most_frequent_reason_is_said_and_the_rest_counted() -> None:
    rejects = Rejects("stop")
    rejects.add("e.parquet", np.array([4, 2]), "orec", "orec_missing")
    rejects.add(
        "e.parquet", np.array([9, 1, 5]), "sex", "sex_not_allowed", allowed=("M", "F"), found=["U", "unknown"]
    )
    with pytest.raises(CodeNotAllowedError) as caught:
        rejects.raise_if_stopping(20_000)
    assert str(caught.value) == (
        "e.parquet, column 'sex': 'U' and longer codes in 3 of 20,000 rows (first rows: 1, 5, 9); allowed: M, F. "
        "2 rows have other reasons. "
        'Correct them, or pass rejects="write" (--rejects write) to score the rest and list these.'
    )


def test_a_reason_without_column_is_said_without_one() -> None:
    rejects = Rejects("stop")
    rejects.add("e.parquet", np.array([4]), "", "no_segment")
    with pytest.raises(
        RowsRejectedError, match=r"^e\.parquet: no segment of the model fits the row's status in 1 row"
    ):
        rejects.raise_if_stopping()


def test_unknown_words_are_refused() -> None:
    with pytest.raises(OptionError, match="rejects='skip' is not an option; allowed: stop, write"):
        Rejects("skip")
    with pytest.raises(KeyError):
        Rejects("write").add("a", np.array([1]), "sex", "whatever")


def test_memory_is_that_of_the_row_numbers() -> None:
    rejects = Rejects("write")
    rows = np.arange(1_000_000)
    rejects.add("a.parquet", rows, "sex", "sex_missing")
    assert rejects.table().nbytes < 40_000_000
    assert len(REASONS) < 100
