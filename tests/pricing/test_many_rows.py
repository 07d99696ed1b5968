"""Millions of rows take kernels of their own: they must give what NumPy, Arrow and plain loops give of a few."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing import sorting
from pricing.benefits.adjudication import adjudicate
from pricing.benefits.claims import read_claims
from pricing.benefits.design import PlanDesign
from pricing.claim_lines import read_claim_lines
from pricing.errors import InputError
from pricing.rows import read_rows
from pricing.sorting import distinct, sorted_rows, stable_order
from pricing.texts import number_column
from tests.pricing.adjudicated import SCHEMA
from tests.pricing.naive_adjudication import adjudicate as naive
from tests.pricing.naive_adjudication import net_lines


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    """Let every row count take the way of many rows."""
    monkeypatch.setattr(sorting, "MANY_ROWS", 1)


NUMBERS = st.lists(
    st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**30), min_size=1, max_size=60
)


@settings(deadline=None)
@given(NUMBERS)
def test_orders_and_distinct_values_of_whole_numbers(numbers):
    key = np.array(numbers, np.int64)
    expected = sorted(range(len(numbers)), key=lambda row: (numbers[row], row))
    assert stable_order(key).tolist() == expected
    assert sorted_rows(key)[0].tolist() == sorted(numbers)
    found, group = distinct(key)
    assert found.tolist() == sorted(set(numbers))
    assert found[group].tolist() == numbers


def test_many_digits_are_ordered_by_the_last_bit_too():
    key = np.random.default_rng(1).permutation(np.arange(5000) * 3_000_017 * 641)
    assert (stable_order(key) == np.argsort(key, kind="stable")).all()


TEXTS = (
    st.none()
    | st.text(max_size=3)
    | st.sampled_from(["C100", "C1000", "a longer id 0001", "a longer id 0002"])
)


@settings(deadline=None)
@given(st.lists(st.lists(TEXTS, max_size=20), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_texts_are_numbered_in_order_of_first_appearance(pieces, is_dictionary, is_large):
    chunks = [pa.array(piece, pa.large_string() if is_large else pa.string()) for piece in pieces]
    column = pa.chunked_array([chunk.dictionary_encode() if is_dictionary else chunk for chunk in chunks])
    codes, names = number_column(column, label="claims", name="claim_id")
    known, expected = {None: -1}, []
    for text in column.to_pylist():
        expected.append(known.setdefault(text, len(known) - 1))
    assert codes.tolist() == expected
    assert names.to_pylist() == [text for text in known if text is not None]
    assert names.type == pa.string()


def test_names_get_more_room_as_they_come():
    texts = [f"id {number * 7919 % 20_000:06}" for number in range(30_000)]
    codes, names = number_column(pa.chunked_array([texts]), label="claims", name="claim_id")
    assert len(names) == 20_000
    assert names.take(pa.array(codes)).to_pylist() == texts


def test_one_text_larger_than_the_room_for_all():
    texts = ["a", "b" * 1_000_000, "a", "b" * 999_999, "b" * 1_000_000]
    codes, _ = number_column(pa.chunked_array([texts]), label="claims", name="claim_id")
    assert codes.tolist() == [0, 1, 0, 2, 1]


def test_whole_numbers_and_slices_are_ids_too():
    column = pa.chunked_array([pa.array([5, -7, 5, None, 12], pa.int16()).slice(1)])
    codes, names = number_column(column, label="claims", name="claim_id")
    assert codes.tolist() == [0, 1, -1, 2]
    assert names.to_pylist() == ["-7", "5", "12"]


def test_entries_of_a_dictionary_that_name_the_same_thing_are_one():
    entries = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 2, 3], pa.int8()), pa.array(["x", "y", "x", None])
    )
    codes, names = number_column(pa.chunked_array([entries]), label="claims", name="claim_id")
    assert codes.tolist() == [0, 1, -1, 0, -1]
    assert names.to_pylist() == ["x", "y"]


def test_blank_is_what_holds_nothing_but_blanks_of_any_kind():
    rows = read_rows(
        {"plan": ["a", " ", "", "\u2003\u00a0", "\u00e9", " b", None]}, "plans", needed=("plan",)
    )
    labels = rows.labels("plan", blank="none")
    assert labels.table_column(labels.codes).to_pylist() == [
        "a",
        "none",
        "none",
        "none",
        "\u00e9",
        " b",
        "none",
    ]


def messy_lines(seed, n_lines=400):
    """Lines of few members and days, so that days, claims and families are shared; reversals and repeats among them."""
    random = np.random.default_rng(seed)
    rows = []
    for paid in random.permutation(n_lines):
        member = int(random.integers(12))
        rows.append(
            {
                "claim_id": f"C{random.integers(150)}", "claim_line_number": int(random.integers(1, 4)),
                "member_id": f"M{member}", "family_id": [None, "", "F0", f"F{member // 3}"][random.integers(4)],
                "service_date": date(2024, 12, 1) + timedelta(days=int(random.integers(60))),
                "paid_date": date(2025, 3, 1) + timedelta(days=int(paid)),
                "service_category": str(random.choice(["lab", "specialist", "x-ray"])),
                "allowed_amount": float(random.choice([100.0, -100.0, 35.5, 0.0, 120.25])),
                "units": 1, "network_tier": "in",
            }
        )  # fmt: skip
    return rows


def lines_in_order(rows):
    """Row numbers by family (who has none: by member, last) and year, date, claim and line; and who is in each."""
    groups = {}
    for line in net_lines(rows):
        family = (0, line["family_id"]) if line["family_id"] else (1, line["member_id"])
        groups.setdefault((family, line["service_date"].year), []).append(line)
    order, people = [], []
    for key in sorted(groups):
        lines = sorted(
            groups[key], key=lambda row: (row["service_date"], row["claim_id"], row["claim_line_number"])
        )
        order += [line["row_number"] for line in lines]
        people += [(member, key[1]) for member in sorted({line["member_id"] for line in lines})]
    return order, people


@pytest.mark.parametrize("seed", range(8))
def test_messy_claims_are_put_in_order_as_by_hand(seed):
    rows = messy_lines(seed)
    order, people = lines_in_order(rows)
    claims = read_claims(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert claims.row_numbers.tolist() == order
    assert (
        list(zip(*claims.member_years.select(["member_id", "year"]).to_pydict().values(), strict=True))
        == people
    )
    who = [rows[number - 1]["member_id"] for number in order]
    assert claims.member_years["member_id"].take(pa.array(claims.member_rows)).to_pylist() == who
    assert claims.counts["lines_read"] == len(order) + claims.counts["lines_netted"]


def test_claims_of_one_line_each_stay_what_they_are():
    rows = [{**row, "claim_id": f"C{number:03}"} for number, row in enumerate(messy_lines(0))]
    claims = read_claims(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert claims.counts["lines_netted"] == 0
    assert claims.allowed.sum() == sum(round(row["allowed_amount"] * 100) for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_messy_claims_come_to_what_the_twin_says(seed):
    rows = messy_lines(seed)
    design = PlanDesign("simple", 150, 400, 0.25, family_deductible=300, family_out_of_pocket_maximum=700)
    expected = naive(rows, design)
    found = adjudicate(pa.Table.from_pylist(rows, schema=SCHEMA), design).totals[0].sum(axis=0)
    assert found.tolist() == [
        sum(parts[name] for parts in expected.values()) for name in expected[min(expected)]
    ]


def test_of_two_faults_the_first_column_s_is_told():
    rows = [{**row, "member_id": None} for row in messy_lines(1)]
    rows[3]["claim_id"] = " "
    with pytest.raises(InputError, match="column 'claim_id': blank in 1 of 400 rows"):
        read_claim_lines(pa.Table.from_pylist(rows, schema=SCHEMA), amount="allowed_amount")
