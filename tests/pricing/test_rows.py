"""One reader below every input of pricing: the same fault is told in the same words, whoever reads the column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pricing.benefits.claims import read_claims
from pricing.claim_lines import read_claim_lines
from pricing.errors import InputError
from pricing.inputs import Column, read_columns
from pricing.rows import read_rows


def claims(**changes):
    columns = {
        "claim_id": ["a", "b"],
        "member_id": ["M", "N"],
        "service_date": ["2025-01-02", "2025-02-03"],
        "service_category": ["lab", "drug"],
        "allowed_amount": [10.0, 20.0],
    }
    return {**columns, **changes}


def as_table(source):
    """Read claims as a table with declared columns."""
    declared = [
        Column("claim_id", "text"),
        Column("member_id", "text"),
        Column("service_date", "date"),
        Column("service_category", "text"),
        Column("allowed_amount"),
    ]
    return read_columns(source, declared, role="claims")


READERS = (
    read_claims,
    as_table,
    lambda source: read_claim_lines(source, amount="allowed_amount", more=("service_category",)),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"member_id": ["M", None]}, "claims, column 'member_id': blank in 1 of 2 rows (first rows: 2); give every"),
        ({"member_id": ["M", "  "]}, "claims, column 'member_id': blank in 1 of 2 rows (first rows: 2); give every"),
        ({"service_category": ["", "lab"]}, "claims, column 'service_category': blank in 1 of 2 rows (first rows: 1)"),
        ({"service_date": ["2025-01-02", "soon"]}, "claims, column 'service_date': no date (write it YYYY-MM-DD) in 1"),
        ({"service_date": [True, False]}, "claims, column 'service_date' has type bool, or a value that is no date"),
        ({"allowed_amount": ["1", "much"]}, "claims, column 'allowed_amount': no number in 1 of 2 rows (first rows"),
        ({"allowed_amount": [1.0, np.inf]}, "claims, column 'allowed_amount': not a finite number in 1 of 2 rows"),
        ({"allowed_amount": [None, 2.0]}, "claims, column 'allowed_amount': blank in 1 of 2 rows (first rows: 1)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("read", READERS)
def test_a_fault_is_told_in_the_same_words(read, change, message):
    with pytest.raises(InputError) as caught:
        read(claims(**change))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("read", READERS)
def test_a_column_that_is_missing(read):
    source = claims()
    source["claim"] = source.pop("claim_id")
    with pytest.raises(InputError, match=r"claims lacks 'claim_id' \(has: member_id, .*nearest: claim"):
        read(source)


def test_all_columns_that_are_missing_are_named_at_once():
    source = {"plan": ["a"], "stars": [4.0], "risk_score": [1.0]}
    columns = (
        Column("plan_id", "text"),
        Column("stars"),
        Column("projected_risk_score"),
        Column("margin", default=0.0),
    )
    with pytest.raises(InputError) as caught:
        read_columns(source, columns, role="plans")
    assert str(caught.value) == (
        "plans lacks 'plan_id', 'projected_risk_score' (has: plan, stars, risk_score); nearest: plan, risk_score."
    )


@pytest.mark.parametrize("read", READERS)
def test_nothing_to_read(read):
    with pytest.raises(InputError, match="claims has no rows; claims needs at least one"):
        read(pa.table(claims()).slice(0, 0))


def test_text_may_come_as_numbers_dictionaries_and_with_blanks_around_it():
    source = pa.table(
        {
            "plan": pa.array(["b", " a", "b"]).dictionary_encode(),
            "county": pa.array([1001.0, 1003.0, 1001.0]),
            "cell": ["", None, "x"],
        }
    )
    declared = [Column("plan", "text"), Column("county", "text"), Column("cell", "text", default="")]
    read = read_columns(source, declared, role="plans")
    assert [list(read[name]) for name in read] == [["b", "a", "b"], ["1001", "1003", "1001"], ["", "", "x"]]


def test_whole_numbers_and_flags():
    read = read_columns(
        {"age": [1.0, 2.0], "is_new": ["true", "0"]}, [Column("age", "integer"), Column("is_new", "flag")], role="x"
    )  # fmt: skip
    assert read["age"].dtype == np.int64
    assert read["is_new"].tolist() == [True, False]
    for column, values in (
        (Column("age", "integer"), [1.5]),
        (Column("age", "integer"), [None]),
        (Column("age", "flag"), [None]),
    ):
        with pytest.raises(InputError, match="column 'age'"):
            read_columns({"age": values}, [column], role="x")


def test_labels_in_order_and_found_among_other_names():
    labels = read_rows({"plan": ["c", "a", "b", "a"]}, "plans", needed=("plan",)).labels("plan")
    ordered = labels.in_order()
    assert ordered.names.to_pylist() == ["a", "b", "c"]
    assert ordered.codes.tolist() == [2, 0, 1, 0]
    assert labels.places_in(pa.array(["b", "a"])).tolist() == [-1, 1, 0, 1]
