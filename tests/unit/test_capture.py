"""Rows of coded extracts -> condition bits: which rows are picked, what becomes of the others, threads side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from riskadj.kernels import capture, claims
from riskadj.scoring.eligible_diagnoses import REASONS, ClaimRule, CmsFilter, judge_nothing

RULES = (
    ClaimRule("inpatient", frozenset({"11", "41"}), needs_procedure=False),
    ClaimRule("outpatient", frozenset({"13", "85"}), needs_procedure=True),
    ClaimRule("professional", frozenset(), needs_procedure=True),
)
FILTER = CmsFilter(RULES, frozenset({"99213", "G0438"}), frozenset({"chart_review_unlinked"}))

CLAIM_TYPES = (None, "", "inpatient", "Inpatient ", "outpatient", "professional", "dental")
BILL_TYPES = (None, "", "111", "0111", "0131", "85", "99", "x")
PROCEDURES = (None, "", "99213", "g0438", " G0438", "00000")
SOURCES = (None, "encounter", "chart_review_unlinked")


def naive_verdict(
    claim_type: str | None, bill_type: str | None, procedure: str | None, source: str | None
) -> tuple[str, str, str]:
    """Return the reason, claim type and bill type of one row, read off the rules one after another."""
    kind = (claim_type or "").strip().lower()
    bill = (bill_type or "").strip().removeprefix("0")[:2]
    kinds = {"inpatient": ("11", "41"), "outpatient": ("13", "85"), "professional": None}
    reported = (
        kind if kind in kinds or not kind else "other",
        bill if bill.isdigit() or not bill else "other",
    )
    if kind not in kinds:
        return ("claim_type_not_eligible", *reported)
    if kinds[kind] is not None and bill not in kinds[kind]:
        return ("bill_type_not_eligible", *reported)
    if kind != "inpatient" and (procedure or "").strip().upper() not in ("99213", "G0438"):
        return ("no_eligible_procedure", *reported)
    if source == "chart_review_unlinked":
        return ("record_source_excluded", *reported)
    return ("counts", *reported)


def claim_lines(n_rows: int, *, seed: int) -> pa.Table:
    random = Random(seed)
    columns = {
        "claim_type": CLAIM_TYPES,
        "bill_type_code": BILL_TYPES,
        "procedure_code": PROCEDURES,
        "record_source": SOURCES,
    }
    return pa.table({name: [random.choice(words) for _ in range(n_rows)] for name, words in columns.items()})


def test_each_claim_line_is_judged_by_the_first_rule_that_it_fails() -> None:
    lines = claim_lines(4000, seed=3)
    judgement = FILTER.judge(lines)
    found = [
        (REASONS[lot // judgement.n_groups], *judgement.groups[lot % judgement.n_groups])
        for lot in judgement.lots.tolist()
    ]
    expected = [naive_verdict(*row.values()) for row in lines.to_pylist()]
    assert found == expected
    assert {verdict[0] for verdict in expected} == set(REASONS) - {"outside_collection"}
    assert FILTER(lines).tolist() == [int(verdict[0] == "counts") for verdict in expected]


def test_reasons_are_numbered_as_the_kernel_numbers_them() -> None:
    assert len(REASONS) == claims.N_REASONS
    assert REASONS[claims.OUTSIDE_COLLECTION] == "outside_collection"
    assert REASONS[claims.RECORD_SOURCE] == "record_source_excluded"


def test_without_a_filter_every_row_counts() -> None:
    judgement = judge_nothing(claim_lines(5, seed=1))
    assert judgement.lots.tolist() == [0] * 5
    assert judgement.groups == ((None, None),)


def selected(
    entries: list[int], days: list[int], lots: list[int], codes: list[list[int]], boundaries: list[int]
) -> tuple[list[tuple[int, int]], list[list[int]], list[list[int]]]:
    """Return (row, code) of the rows picked between day 10 and day 29, the rows by period and entry, and by lot."""
    n, n_groups = len(entries), 2
    rows, picked = np.zeros(n, np.int64), np.zeros(n, np.int32)
    rows_of_entry = np.zeros((len(codes), len(codes[0])), np.int64)
    rows_of_lot = np.zeros((claims.N_REASONS * n_groups, 2), np.int64)
    count = np.zeros(1, np.int64)
    capture.select_rows(
        0, n, np.array(entries, np.int32), np.array(days, np.int32), 10, 29, np.array(lots, np.uint16), n_groups,
        np.array(boundaries, np.int32), np.array(codes, np.int32), rows_of_entry, rows_of_lot, rows, picked, count,
    )  # fmt: skip
    pairs = list(zip(rows[: count[0]].tolist(), picked[: count[0]].tolist(), strict=True))
    return pairs, rows_of_entry.tolist(), rows_of_lot.tolist()


def test_a_code_may_mean_another_thing_from_a_date_on() -> None:
    pairs, rows_of_entry, _ = selected(
        entries=[0, 0, 1, 1], days=[19, 20, 19, 20], lots=[0] * 4, codes=[[7, -1], [8, 9]], boundaries=[20]
    )
    assert pairs == [(0, 7), (1, 8), (3, 9)]
    assert rows_of_entry == [[1, 1], [1, 1]]


def test_rows_that_do_not_count_are_added_up_by_lot_and_by_whether_they_map() -> None:
    procedure_lot = claims.PROCEDURE * 2
    pairs, rows_of_entry, rows_of_lot = selected(
        entries=[0, 1, 0, 0, -1],
        days=[9, 30, 15, 9, 15],
        lots=[1, 0, procedure_lot + 1, procedure_lot + 1, 0],
        codes=[[7, -1]],
        boundaries=[],
    )
    assert pairs == []
    assert rows_of_entry == [[0, 0]]
    outside = claims.OUTSIDE_COLLECTION * 2
    expected = [[0, 0] for _ in rows_of_lot]
    expected[outside + 1] = [0, 2]  # outside the window comes before every reason of the claim
    expected[outside] = [1, 0]
    expected[procedure_lot + 1] = [0, 1]
    assert rows_of_lot == expected


@pytest.mark.parametrize("n_threads", [1, 4])
def test_threads_that_set_bits_of_the_same_words_lose_none(n_threads: int) -> None:
    n_members, n_codes = 50, 64
    captured = np.zeros((n_members, 1), np.uint64)
    members = np.tile(np.arange(n_members, dtype=np.int32), 200)
    begins, bits = np.arange(n_codes + 1, dtype=np.int64), np.arange(n_codes, dtype=np.int32)

    def work(code: int) -> None:
        capture.set_bits(members, np.full(len(members), code, np.int32), begins, bits, captured)

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, range(n_codes)))
    assert (captured == np.uint64(2**64 - 1)).all()
