"""From claims to contracts: panel rows, episodes and unpaid claims; by hand, against twins, and reconciled."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.contracts.episodes import find_episodes
from pricing.contracts.interim import unpaid_by_group
from pricing.contracts.panel import read_panel
from pricing.contracts.panel_rows import panel_of_claims
from pricing.contracts.settlement import settle
from pricing.contracts.terms import Bundle, Contract
from pricing.errors import InputError
from pricing.experience.triangles import claim_triangle
from pricing.experience.unpaid_claims import ibnr
from tests.pricing import naive_contracts as naive

CLAIMS = {
    "claim_id": ["1", "2", "3", "3", "4", "5", "6", "7"],
    "member_id": ["a", "a", "b", "b", "c", "z", "b", "d"],  # d is of group P and has no months
    "service_date": [date(2025, 1, 5)] * 5 + [date(2025, 2, 5), date(2026, 1, 1), date(2025, 1, 5)],
    "service_category": ["pro", "rx", "pro", "pro", "pro", "pro", "pro", "pro"],
    "allowed_amount": [10.1, 5.0, 7.0, -7.0, 9.0, 3.0, 100.0, 4.0],
}
MEMBERS = {
    "member_id": ["a", "b", "c", "d"],
    "member_months": [12.0, 6.0, 12.0, 0.0],
    "risk_score": [1.0, 2.0, 1.5, 1.0],
}
ATTRIBUTED = {"member_id": ["a", "b", "c", "d"], "provider_id": ["P", "Q", "", "P"]}
YEAR = {"period": 2025, "first_month": "2025-01", "last_month": "2025-12"}


def test_panel_rows_of_claims():
    found = panel_of_claims(ATTRIBUTED, CLAIMS, members=MEMBERS, excluded_services=["rx"], **YEAR)
    assert found.table.to_pydict() == {
        "provider_id": ["P", "Q"], "member_id": ["a", "b"], "period": [2025, 2025], "member_months": [12.0, 6.0],
        "risk_score": [1.0, 2.0], "amount": [10.1, 0.0],
    }  # fmt: skip
    assert found.run == {
        "dollars_read": 131.1, "dollars_outside_months": 100.0, "dollars_services_left_out": 5.0,
        "dollars_of_members_not_listed": 3.0, "dollars_of_no_group": 13.0, "dollars_in_panel": 10.1, "members": 2,
    }  # fmt: skip
    parts = sum(
        value for name, value in found.run.items() if name.startswith("dollars_") and name != "dollars_read"
    )
    assert parts == pytest.approx(found.run["dollars_read"])
    months = found.months.to_pydict()
    assert (months["provider_id"], months["amount"]) == (["P", "Q", "(none)"], [10.1, 0.0, 13.0])
    assert read_panel(found.table).n_rows == 2
    with pytest.raises(InputError, match="excluded_services names 'dental', which no claim has"):
        panel_of_claims(ATTRIBUTED, CLAIMS, members=MEMBERS, excluded_services=["dental"], **YEAR)
    with pytest.raises(InputError, match="the same member_id again"):
        panel_of_claims({"member_id": ["a", "a"], "provider_id": ["P", "Q"]}, CLAIMS, members=MEMBERS, **YEAR)


DAY = date(2025, 1, 1)
LINES = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from("XY"), st.integers(0, 60), st.sampled_from(["K", "K", "O"]),
        st.integers(1, 10**4),
    ),
    min_size=1, max_size=20, unique_by=lambda row: row[4],
)  # fmt: skip


def lines_of(rows):
    """Claim lines of member, provider, days after DAY, procedure, cents; a claim each."""
    names = ("member_id", "provider_id", "service_date", "procedure_code", "allowed_amount")
    lines = [
        dict(zip(names, (m, p, DAY + timedelta(days=d), code, cents / 100), strict=True))
        for m, p, d, code, cents in rows
    ]
    return [line | {"claim_id": str(number)} for number, line in enumerate(lines)]


def columns_of(lines):
    return {name: [line[name] for line in lines] for name in lines[0]}


@settings(max_examples=150, deadline=None)
@given(LINES, st.integers(0, 5), st.integers(0, 20), st.randoms())
def test_episodes_are_those_of_the_twin_in_any_order(rows, before, after, random):
    lines, last = lines_of(rows), DAY + timedelta(days=60)
    expected = naive.episodes(lines, "K", before, after, last)
    random.shuffle(lines)
    bundle = Bundle("knee", ("k ",), 1.0, days_before=before, days_after=after)
    found = find_episodes(bundle, columns_of(lines), last_day=last)
    table = found.table.to_pydict()
    days = [day + timedelta(days=before) for day in table["first_day"]]
    got = list(zip(table["member_id"], table["provider_id"], days, [round(100 * each) for each in table["amount"]], strict=True))  # fmt: skip # noqa: E501
    assert sorted(got) == sorted(expected)
    run = found.run
    assert run["triggers"] == run["episodes"] + run["within_another_episode"] + run["not_over"]


def test_episodes_by_hand():
    lines = lines_of([
        ("a", "X", 0, "K", 100_00), ("a", "Y", 5, "O", 50_00), ("a", "Y", 9, "K", 70_00), ("a", "X", 11, "O", 1_00),
        ("a", "Y", 30, "K", 20_00), ("b", "X", 3, "K", 5_00), ("b", "X", 3, "K", -5_00),
    ])  # fmt: skip
    lines[6]["claim_id"] = lines[5]["claim_id"]  # b's trigger is reversed
    bundle = Bundle("knee", ("K",), 1.0, days_after=10, truncation=150.0)
    found = find_episodes(bundle, columns_of(lines), last_day=DAY + timedelta(days=39))
    assert found.table.to_pydict() == {
        "bundle": ["knee"], "provider_id": ["X"], "member_id": ["a"], "first_day": [DAY],
        "last_day": [DAY + timedelta(days=10)], "amount": [220.0], "counted_amount": [150.0], "risk_score": [1.0],
    }  # fmt: skip
    assert found.run == {
        "triggers": 3, "episodes": 1, "within_another_episode": 1, "not_over": 1, "dollars": 220.0,
        "dollars_truncated": 70.0,
    }  # fmt: skip
    settled = settle(Contract("b", bundles=(bundle,)), period=2025, episodes=found.table)
    assert settled.total == 1.0 - 150.0
    risky = Bundle("knee", ("K",), 1.0, days_after=10, is_risk_adjusted=True)
    with pytest.raises(InputError, match="is risk-adjusted; give risk_scores="):
        find_episodes(risky, columns_of(lines), last_day=DAY)
    scored = find_episodes(risky, columns_of(lines), last_day=DAY + timedelta(days=39), risk_scores={"member_id": ["a"], "risk_score": [1.7]})  # fmt: skip # noqa: E501
    assert scored.table["risk_score"].to_pylist() == [1.7]
    with pytest.raises(InputError, match="lacks the members of 1 of 1 episodes"):
        find_episodes(risky, columns_of(lines), last_day=DAY + timedelta(days=39), risk_scores={"member_id": ["b"], "risk_score": [1.7]})  # fmt: skip # noqa: E501
    services = columns_of([line | {"service_category": "rx" if line["procedure_code"] == "O" else "pro"} for line in lines])  # fmt: skip # noqa: E501
    plain = find_episodes(Bundle("k", ("pro",), 1.0, "service_category", days_after=10, excluded_services=("rx",)), services, last_day=DAY + timedelta(days=39))  # fmt: skip # noqa: E501
    assert plain.table["amount"].to_pylist() == [170.0]
    with pytest.raises(
        InputError, match=r"'k': trigger is one text; write \('K',\); bundle 'k': days must not be"
    ):
        find_episodes(Bundle("k", "K", 1.0, days_after=-1), services, last_day=DAY)
    with pytest.raises(InputError, match="leaves out service 'dental', which no claim has"):
        find_episodes(Bundle("k", ("K",), 1.0, excluded_services=("dental",)), services, last_day=DAY + timedelta(days=100))  # fmt: skip # noqa: E501


def estimate():
    """A triangle of three months: January complete, February half paid, March not mature."""
    paid = [(1, 0, 60.0), (1, 1, 40.0), (2, 0, 60.0), (2, 1, 40.0), (3, 0, 30.0)]
    rows = [
        (f"c{number}", "m", date(2025, month, 10), date(2025, month + lag, 20), dollars)
        for number, (month, lag, dollars) in enumerate(paid)
    ]
    names = ("claim_id", "member_id", "service_date", "paid_date", "paid_amount")
    triangle = claim_triangle(
        dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), valuation_date=date(2025, 3, 31)
    )
    return ibnr(triangle, [10.0, 10.0, 10.0], min_completion=0.65)


def test_unpaid_claims_are_spread_over_groups():
    months = {
        "provider_id": ["P", "Q", "P", "Q"], "month": ["2025-02-01", "2025-02-01", "2025-03-01", "2025-03-01"],
        "amount": [75.0, 25.0, 30.0, 0.0],
    }  # fmt: skip
    made = estimate()
    rows = {row["month"].month: row for row in made.months.to_pylist()}
    assert (rows[3]["method"], rows[3]["ultimate"]) == (
        "pmpm",
        pytest.approx(100.0),
    )  # base: 200 / 20 a member
    found = unpaid_by_group(made, months, exposure={"provider_id": ["P", "Q"], "exposure": [1.0, 3.0]})
    # February is complete; March lacks 70, spread by exposure 1 : 3
    assert found.to_pydict() == {"provider_id": ["P", "Q"], "unpaid": [17.5, 52.5]}
    by_paid = ibnr(made.triangle, [10.0, 10.0, 10.0], immature="chain_ladder")
    again = unpaid_by_group(by_paid, months, exposure={"provider_id": ["P", "Q"], "exposure": [1.0, 3.0]})
    assert again["unpaid"].to_pylist() == [20.0, 0.0]  # 30 / 0.6 - 30, all of it P's
    with pytest.raises(InputError, match="lacks the exposure of 1 of 2 groups"):
        unpaid_by_group(made, months, exposure={"provider_id": ["P"], "exposure": [1.0]})
    with pytest.raises(
        InputError, match="there are claims of 2025-04, a month that the estimate does not have"
    ):
        unpaid_by_group(
            made,
            {**months, "month": ["2025-04-01"] * 4},
            exposure={"provider_id": ["P", "Q"], "exposure": [1.0, 3.0]},
        )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_unpaid_claims_add_up_to_the_estimate(exposure):
    names = [f"P{number}" for number in range(len(exposure))]
    months = {"provider_id": names, "month": ["2025-03-01"] * len(names), "amount": [1.0] * len(names)}
    made = estimate()
    found = unpaid_by_group(made, months, exposure={"provider_id": names, "exposure": exposure})
    assert round(100 * float(np.sum(found["unpaid"].to_numpy()))) == 7000


def test_tables_of_two_years_make_a_panel():
    one, two = (
        panel_of_claims(ATTRIBUTED, CLAIMS, members=MEMBERS, **{**YEAR, "period": year}).table
        for year in (2024, 2025)
    )
    assert read_panel(pa.concat_tables([one, two])).periods == [2024, 2025]
