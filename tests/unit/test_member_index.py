"""Members found by their ids, plain or as entries of a dictionary of which a piece may use any part."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from riskadj.scoring.members import dictionary_entries, index_members

IDS = [f"m{number}" for number in range(8)]
OTHERS = ["", "m", "m10", "another id that is longer than a slot"]
NUMBER = {member: number for number, member in enumerate(IDS)}


@given(
    st.permutations(IDS + OTHERS),
    st.lists(st.none() | st.integers(0, len(IDS + OTHERS) - 1)),
    st.integers(0, 3),
)
def test_entries_that_a_piece_has_are_found(entries: list[str], rows: list[int | None], skipped: int) -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32()), pa.array(entries)).slice(skipped)
    found = index_members(pa.array(IDS)).find_entries(ids)[dictionary_entries(ids)]
    wanted = [-1 if row is None else NUMBER.get(entries[row], -1) for row in rows[skipped:]]
    assert found.dtype == np.int32
    assert found.tolist() == wanted


def test_a_member_who_is_not_scored_is_found_no_more() -> None:
    index = index_members(pa.array(IDS)).of_rows(np.array([0, 2, 3], np.int32))
    ids = pa.array(["m1", "m2", "m3"])
    assert index.find(ids, np.arange(3)).tolist() == [-1, 2, 3]
    assert index.find_entries(ids.dictionary_encode()).tolist() == [-1, 2, 3, -1]
