"""Pooling, stop-loss, and actual to expected: worked by hand, and totals that add up."""

from __future__ import annotations

from datetime import date
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.experience.pooling import claimant_totals, pool_charges, stop_loss
from pricing.experience.risk_adjusted import actual_to_expected

CLAIMANTS = {"member_id": ["a", "b", "c"], "amount": [500.0, 3000.0, 11_000.0]}


def test_claimant_totals():
    claims = {
        "claim_id": ["1", "2", "3", "3", "4"],
        "member_id": ["b", "a", "b", "b", "c"],
        "service_date": [date(2025, 1, 5)] * 4 + [date(2026, 1, 1)],
        "paid_amount": [10.1, 5.0, 7.0, -7.0, 9.0],
    }
    found = claimant_totals(claims, first_month="2025-01", last_month="2025-12")
    assert found.to_pydict() == {"member_id": ["a", "b"], "amount": [5.0, 10.1]}


def test_claimant_totals_read_claims_as_other_questions_do():
    """Both lines of the stay repeat its amount of 100; the office visit's lines are two amounts."""
    claims = {
        "clm": ["1", "1", "2", "2"],
        "claim_line_number": [1, 2, 1, 2],
        "member_id": ["a"] * 4,
        "service_date": [date(2025, 1, 5)] * 4,
        "service_category": ["inpatient", "inpatient", "office", "office"],
        "allowed_amount": [100.0, 100.0, 5.0, 5.0],
    }
    year = {"first_month": "2025-01", "last_month": "2025-12"}
    found = claimant_totals(
        claims, **year, amount="allowed_amount", header_amounts="inpatient", columns={"claim_id": "clm"}
    )
    assert found["amount"].to_pylist() == [110.0]


def test_pool_charges_worked_by_hand():
    found = pool_charges(CLAIMANTS, [10_000, 2000], member_months=100)
    assert found.levels.to_pydict() == {
        "level": [2000, 10_000],
        "members_above": [2, 1],
        "excess": [10_000, 1000],
        "pool_charge_pmpm": [100, 10],
        "capped_pmpm": [45, 135],
        "share_of_claims": pytest.approx([10_000 / 14_500, 1000 / 14_500]),
    }
    assert found.charge(2000) == 100
    up = pool_charges(CLAIMANTS, [10_000], member_months=100, trend_factor=1.1)
    assert up.levels["excess"].to_pylist() == pytest.approx([2100])  # claims up 10 %, the excess 110 %


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.lists(st.floats(1, 1e6), min_size=1, max_size=5)
)
def test_capped_and_pooled_are_everything_and_charges_fall_with_the_level(amounts, levels):
    claimants = {"member_id": [str(i) for i in range(len(amounts))], "amount": amounts}
    table = pool_charges(claimants, levels, member_months=12.0).levels.to_pandas()
    assert np.allclose(table["capped_pmpm"] + table["pool_charge_pmpm"], sum(amounts) / 12)
    assert (np.diff(table["pool_charge_pmpm"]) <= 1e-9).all()


def test_stop_loss_worked_by_hand():
    found = stop_loss(CLAIMANTS, deductible=2000)
    assert (found.specific, found.aggregate, found.net) == (10_000, 0, 4500)
    laser = stop_loss(CLAIMANTS, deductible=2000, lasers={"c": 5000, "z": 9000})
    assert (laser.specific, laser.run["lasers_with_claims"]) == (1000 + 6000, 1)
    assert stop_loss(CLAIMANTS, deductible=2000, maximum=3000).specific == 1000 + 3000
    assert stop_loss(CLAIMANTS, deductible=2000, aggregating_deductible=4000).specific == 6000
    # retained up to 2,000 each: 500 + 2,000 + 2,000; attachment 1.25 x 3,000
    both = stop_loss(CLAIMANTS, deductible=2000, expected_claims=3000)
    assert (both.attachment, both.aggregate) == (3750, 750)
    low = stop_loss(CLAIMANTS, deductible=2000, expected_claims=3000, aggregate_factor=1.1)
    assert (low.attachment, low.aggregate) == (pytest.approx(3300), pytest.approx(1200))
    assert stop_loss(CLAIMANTS, deductible=2000, expected_claims=3000, lasers={"c": 5000}).aggregate == 750
    assert stop_loss(CLAIMANTS, deductible=2000, expected_claims=3000, aggregate_maximum=100).aggregate == 100
    assert both.net == 14_500 - 10_000 - 750
    assert both.claimants["retained"].to_pylist() == [500, 2000, 2000]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pool_charges(CLAIMANTS, [0], member_months=1), "every level must be above 0"),
        (
            lambda: pool_charges(CLAIMANTS, [5], member_months=1).charge(6),
            "no charge was computed for level 6",
        ),
        (lambda: stop_loss(CLAIMANTS, deductible=2000, lasers={"a": 5}), "one of those given is below it"),
        (lambda: stop_loss(CLAIMANTS, deductible=-1), "must not be negative"),
        (lambda: stop_loss(CLAIMANTS, deductible=1, maximum=-1), "maximums and expected_claims must not be"),
        (lambda: stop_loss(CLAIMANTS, deductible=1, expected_claims=-1), "must not be negative"),
        (lambda: stop_loss(CLAIMANTS, deductible=1, aggregate_maximum=-1), "must not be negative"),
        (
            lambda: stop_loss({"member_id": ["s", "s"], "amount": [1.0, 1.0]}, deductible=1),
            "the same member_id again in 1 of 2 rows",
        ),
    ],
)
def test_pooling_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


MEMBERS = {
    "amount": [1000.0, 3000.0, 2000.0, 10_000.0],
    "member_months": [10, 10, 10, 20],
    "risk_score": [0.5, 1.0, 1.0, 1.75],
    "age_years": [30, 45, 64, 65],
    "sex": ["F", "M", "F", None],
}


def test_actual_to_expected_worked_by_hand():
    found = actual_to_expected(MEMBERS, by="age_years", bands={"age_years": [45, 65]}, full_credibility=80)
    rows = found.groups.to_pylist()
    assert [row["age_years"] for row in rows] == ["under 45", "45 to 65", "65 and over"]
    # 16,000 dollars for 5 + 10 + 10 + 35 months of risk 1.0
    each = 16_000 / 60
    middle = rows[1]
    assert middle["expected"] == pytest.approx(20 * each)
    ratio = 5000 / (20 * each)
    assert middle["actual_to_expected"] == pytest.approx(ratio)
    error = sqrt(2 * ((3000 - ratio * 10 * each) ** 2 + (2000 - ratio * 10 * each) ** 2)) / (20 * each)
    assert middle["high"] - ratio == pytest.approx(1.959964 * error, rel=1e-6)
    assert (middle["pmpm"], middle["risk_adjusted_pmpm"]) == (250, 250)
    assert (rows[2]["pmpm"], rows[2]["risk_score"]) == (500, pytest.approx(1.75))
    assert rows[2]["low"] is None
    assert middle["z"] == 0.5
    assert middle["credible_actual_to_expected"] == pytest.approx(0.5 * ratio + 0.5)
    assert found.total == pytest.approx(1)


def test_expected_amounts_of_ones_own():
    rows = {**MEMBERS, "expected": [2000.0, 2000.0, 2000.0, 2000.0]}
    found = actual_to_expected(rows, by=["sex"])
    assert found.total == 2
    groups = {row["sex"]: row for row in found.groups.to_pylist()}
    assert groups["F"]["actual_to_expected"] == 0.75
    assert sorted(groups) == ["(blank)", "F", "M"]
    assert found.run["expected"] == 8000
    assert found.to_pandas("assumptions").loc[0, "origin"] == "given"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e5), st.integers(1, 12), st.floats(0.1, 9), st.sampled_from("xyz")),
        min_size=2,
        max_size=30,
    ).filter(lambda rows: sum(row[0] for row in rows) > 1)
)
def test_groups_add_up_to_everybody(drawn):
    rows = dict(
        zip(
            ("amount", "member_months", "risk_score", "plan"),
            map(list, zip(*drawn, strict=True)),
            strict=True,
        )
    )
    table = actual_to_expected(rows, by="plan").groups.to_pandas()
    assert (
        table["expected"].sum() == pytest.approx(table["amount"].sum()) == pytest.approx(sum(rows["amount"]))
    )
    assert table["member_months"].sum() == sum(rows["member_months"])
    weighted = table["risk_adjusted_pmpm"] * table["risk_score"] * table["member_months"]
    assert weighted.sum() == pytest.approx(sum(rows["amount"]))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"by": "plan"}, "lacks 'plan'; it has"),
        ({}, {"by": "sex", "bands": {"sex": [1]}}, "no number; it has no bands"),
        ({}, {"by": "age_years", "bands": {"age_years": [3, 2]}}, "edges that rise"),
        ({"risk_score": [0, 1, 1, 1]}, {"by": "sex"}, "not above 0"),
        ({"amount": [0, 0, 0, 0]}, {"by": "sex"}, "nothing is expected of anybody"),
    ],
)
def test_actual_to_expected_refused(change, options, message):
    with pytest.raises(InputError, match=message):
        actual_to_expected({**MEMBERS, **change}, **options)


def test_neither_score_nor_expected():
    with pytest.raises(InputError, match="neither 'risk_score' nor 'expected'"):
        actual_to_expected({"amount": [1.0], "member_months": [1], "sex": ["F"]}, by="sex")


def test_written_and_shown(tmp_path):
    pools = pool_charges(CLAIMANTS, [2000, 10_000], member_months=100)
    cover = stop_loss(CLAIMANTS, deductible=2000)
    groups = actual_to_expected(MEMBERS, by=["sex", "age_years"], bands={"age_years": [45, 65]})
    for name, result in (("pools", pools), ("cover", cover), ("groups", groups)):
        result.write(tmp_path / name)
        assert (tmp_path / name / "assumptions.parquet").exists()
        assert len(result.summary())
    assert pools.plot().axes
    shown = [label.get_text() for label in groups.plot().axes[0].get_yticklabels()]
    assert shown == ["(blank), 65 and over", "F, under 45", "F, 45 to 65", "M, 45 to 65"]
    assert "'a'" not in repr(cover)
