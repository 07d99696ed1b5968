"""Member months: worked by hand, against a twin that walks day by day, and over any split."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.experience.exposure import CONVENTIONS, member_months
from tests.pricing import naive_experience as naive

FIRST = date(2024, 12, 1)
spans_drawn = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 130), st.integers(0, 100), st.sampled_from("xyz")),
    min_size=1,
    max_size=8,
)


def extract(spans):
    columns = ("member_id", "enrollment_start_date", "enrollment_end_date", "plan_id")
    return {name: [span[i] for span in spans] for i, name in enumerate(columns)}


def spans_of(drawn):
    return [
        (member, FIRST + timedelta(days=start), FIRST + timedelta(days=start + length), group)
        for member, start, length, group in drawn
    ]


def test_days_worked_by_hand():
    spans = [
        ("a", date(2025, 1, 11), date(2025, 2, 14), "p"),  # 21 of 31 days, 14 of 28
        ("a", date(2025, 2, 10), date(2025, 3, 31), "q"),  # overlaps five days, then 14 of 28, 31 of 31
    ]
    found = member_months(extract(spans), first_month="2025-01", last_month="2025-03", by="plan_id")
    assert found.months.column_names == ["month", "plan_id", "member_months"]
    rows = {(row["month"].month, row["plan_id"]): row["member_months"] for row in found.months.to_pylist()}
    assert rows == pytest.approx({(1, "p"): 21 / 31, (2, "p"): 0.5, (2, "q"): 0.5, (3, "q"): 1.0})
    assert found.run["days_counted_once"] == 5
    assert found.run["spans_read"] == 2


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("first_day", [0, 1, 1]), ("mid_month", [1, 1, 0]), ("days", [21 / 31, 1, 14 / 31])],
)
def test_conventions(convention, expected):
    spans = [("a", date(2025, 1, 11), date(2025, 3, 14), "p")]
    found = member_months(extract(spans), first_month="2025-01", last_month="2025-03", convention=convention)
    assert found.by_month.tolist() == pytest.approx(expected)
    assert found.to_pandas("assumptions").loc[0, "meaning"] == CONVENTIONS[convention]


@settings(max_examples=60, deadline=None)
@given(spans_drawn, st.sampled_from(sorted(CONVENTIONS)))
def test_the_twin_that_walks_day_by_day_agrees(drawn, convention):
    spans = spans_of(drawn)
    months = [(2024, 12), *((2025, month) for month in range(1, 8))]
    expected = naive.member_months(spans, months, convention)
    options = {"first_month": "2024-12", "last_month": "2025-07", "convention": convention}
    if not expected:
        with pytest.raises(InputError, match="no span covers any day"):
            member_months(extract(spans), **options)
        return
    split = member_months(extract(spans), by="plan_id", **options)
    found = {
        (r["month"].year, r["month"].month, r["plan_id"]): r["member_months"]
        for r in split.months.to_pylist()
    }
    assert found == pytest.approx(expected)
    whole = member_months(extract(spans), **options)
    assert whole.by_month == pytest.approx(split.by_month)  # months add up over any split
    by_member = member_months(extract(spans), by=["member_id", "plan_id"], **options)
    assert by_member.total == pytest.approx(whole.total)
    counts = split.run
    assert counts["spans_read"] == counts["spans_kept"] + counts["spans_within_others"] == len(spans)


@settings(max_examples=40, deadline=None)
@given(spans_drawn, st.integers(0, 250))
def test_the_span_of_a_day(drawn, offset):
    spans = spans_of(drawn)
    day = FIRST + timedelta(days=offset)
    found = member_months(
        extract([*spans, ("z", FIRST, FIRST, "x")]), first_month=FIRST, last_month=FIRST, by="plan_id"
    )
    from pricing.rows import Labels

    members = Labels(np.arange(4), pa.array(["a", "b", "c", "nobody"]))
    rows = found.spans.find(members, np.full(4, (day - date(1970, 1, 1)).days))
    names = found.spans.group_table["plan_id"].to_pylist()
    expected = naive.group_of_day(spans, date(2026, 1, 1))
    groups = [names[found.spans.groups[row]] if row >= 0 else None for row in rows]
    assert groups == [expected.get((member, day)) for member in "abc"] + [None]


def test_open_spans_ids_as_numbers_and_text_dates():
    table = pa.table(
        {
            "id": [7, 7],
            "from": ["2024-01-01", "1/1/2023"],
            "to": pa.array([None, "20230131"]),
            "plan_id": ["p", None],
        }
    )
    columns = {"member_id": "id", "enrollment_start_date": "from", "enrollment_end_date": "to"}
    found = member_months(table, first_month="2023-01", last_month="2024-12", by="plan_id", columns=columns)
    assert found.total == 13.0
    assert found.summary()["(blank)"].sum() == 1.0


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_spans_that_begin_together_the_longest_has_the_days(order):
    first, spans = date(2025, 1, 1), [("a", 10, "short"), ("a", 31, "long"), ("a", 20, "middle")]
    drawn = [(member, first, date(2025, 1, days), group) for member, days, group in spans]
    found = member_months(
        extract([drawn[i] for i in order]), first_month=first, last_month=first, by="plan_id"
    )
    assert {row["plan_id"]: row["member_months"] for row in found.months.to_pylist()} == {"long": 1.0}
    assert found.run["spans_within_others"] == 2


def test_a_dictionary_that_names_a_member_twice():
    """Entries of a dictionary need not be distinct, and one may be null."""
    members = pa.DictionaryArray.from_arrays(pa.array([0, 1, 3], pa.int32()), pa.array(["x", "x", None, "y"]))
    days = {"enrollment_start_date": [date(2025, 1, 1)] * 3, "enrollment_end_date": [date(2025, 1, 31)] * 3}
    found = member_months(
        pa.table({"member_id": members, **days}), first_month="2025-01", last_month="2025-01"
    )
    assert found.total == 2.0
    assert found.run["members"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"enrollment_end_date": [date(2024, 1, 1)]},
            r"before enrollment_start_date in 1 of 1 rows \(first rows: 1\)",
        ),
        ({"enrollment_start_date": [None]}, "column 'enrollment_start_date': blank in 1 of 1 rows"),
        ({"enrollment_start_date": ["soon"]}, "no date"),
        ({"member_id": [" "]}, "column 'member_id': blank"),
    ],
)
def test_spans_refused(change, message):
    spans = {**extract([("secret", date(2025, 1, 1), date(2025, 2, 1), "p")]), **change}
    with pytest.raises(InputError, match=message) as caught:
        member_months(spans, first_month="2025-01", last_month="2025-01")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"last_month": "2024-12"}, "lies before"),
        ({"last_month": "2025-13"}, "is no month"),
        ({"convention": "weeks"}, "none of days, first_day, mid_month"),
        ({"by": "plan"}, "lacks 'plan'.*nearest: plan_id"),
    ],
)
def test_options_refused(options, message):
    spans = extract([("a", date(2025, 1, 1), date(2025, 2, 1), "p")])
    with pytest.raises(InputError, match=message):
        member_months(spans, **{"first_month": "2025-01", "last_month": "2025-01", **options})


def test_written_and_shown(tmp_path):
    spans = [(f"m{i}", date(2025, 1, 1), date(2025, 2, 28), f"p{i}") for i in range(9)]
    found = member_months(extract(spans), first_month="2025-01", last_month="2025-03", by="plan_id")
    assert repr(found) == "<MemberMonths: 18.0 from 2025-01 to 2025-03, 9 groups>"
    assert [text.get_text() for text in found.plot().axes[0].get_legend().get_texts()][-1] == "4 others"
    found.write(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "member_months.parquet",
        "assumptions.parquet",
        "run.json",
    }
