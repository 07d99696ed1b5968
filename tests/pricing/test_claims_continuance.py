"""Continuance tables and values from claims: by hand, and against the federal engine where both must agree."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.benefits.av_calculator import actuarial_value
from pricing.benefits.claims_continuance import continuance_of_claims, value_on_claims
from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.parameters import load_rates
from tests.pricing.test_av_calculator import federal, needs_tables

RATES = load_rates("aca", 2025)
ROWS = [  # member, day of January, service, dollars
    ("A", 1, "primary_care", 100), ("A", 2, "inpatient", 900), ("A", 3, "generic", 50),
    ("B", 5, "primary_care", 300), ("B", 5, "generic", -20),
]  # fmt: skip
MEMBERS = {"member_id": ["A", "B", "C", "D"], "months_enrolled": [12] * 4}


def claims(rows=ROWS):
    return pa.table(
        {
            "claim_id": [f"C{number}" for number in range(len(rows))],
            "member_id": [row[0] for row in rows],
            "service_date": [date(2025, 1, row[1]) for row in rows],
            "service_category": [row[2] for row in rows],
            "allowed_amount": [float(row[3]) for row in rows],
        }
    )


def test_a_continuance_table_by_hand():
    table = continuance_of_claims(claims(), members=MEMBERS, year=2025, caps=(0, 200, 1000))
    # Below 200: A 200, B 200. Below 1,000: A 1,000, B 300. No cap: A 1,050, B 300. Of four enrollees.
    assert table.maxd.tolist() == [0, 100, 325, 337.5]
    assert table.column("IP").tolist() == [0, 25, 225, 225]
    assert table.column("Generics").tolist() == [0, 0, 0, 12.5]
    assert table.column("Avg. Primary Care Freq").tolist() == [0, 0.5, 0.5, 0.5]
    assert table.column("Avg. IP Freq").tolist() == [0, 0.25, 0.25, 0.25]


def test_values_by_hand():
    found = value_on_claims(
        claims(ROWS[:4]), PlanDesign("d", 500, coinsurance=0.5), members=MEMBERS, year=2025
    )
    # A owes 500 + half of 550, B 300: 1,075 of 1,350.
    assert (found.plan_paid, found.allowed) == (275, 1350)
    assert found.value == pytest.approx(275 / 1350)
    assert not found.has_minimum_value(rates=RATES)
    with_account = PlanDesign("d", 500, account="hra", account_contribution=500)
    # The account pays A's 500 and B's 300: everything.
    assert value_on_claims(claims(ROWS[:4]), with_account).value == 1


def test_minimum_value_is_sixty_percent_unless_the_caller_says_otherwise():
    exactly = PlanDesign("d", coinsurance=0.4)
    assert value_on_claims(claims([("A", 1, "generic", 100)]), exactly).has_minimum_value(rates=RATES)
    below = PlanDesign("d", coinsurance=0.401)
    assert not value_on_claims(claims([("A", 1, "generic", 100)]), below).has_minimum_value(rates=RATES)
    lower = RATES.with_values({"minimum_value": 0.59})
    assert value_on_claims(claims([("A", 1, "generic", 100)]), below).has_minimum_value(rates=lower)


LINES = st.tuples(
    st.sampled_from("ABC"), st.integers(1, 31), st.sampled_from(["inpatient", "generic", "specialist"]),
    st.integers(1, 2000),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(LINES, min_size=1, max_size=15), st.integers(1, 1500))
def test_both_engines_agree_where_the_deductible_is_the_maximum(rows, deductible):
    """Then the plan pays all above it, so that one is 1 - E[min(spend, deductible)] / E[spend], as is the other."""
    design = PlanDesign("d", deductible, deductible)
    table = continuance_of_claims(claims(rows), caps=(0, deductible, 2 * deductible))
    by_table = actuarial_value(table, design, benefit_year=2026).value
    assert value_on_claims(claims(rows), design).value == pytest.approx(by_table, abs=1e-6)
    spend = {member: sum(row[3] for row in rows if row[0] == member) for member in "ABC"}
    above = sum(max(amount - deductible, 0) for amount in spend.values())
    assert by_table == pytest.approx(above / sum(spend.values()), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.lists(LINES, min_size=1, max_size=15))
def test_tables_from_claims_add_up(rows):
    table = continuance_of_claims(claims(rows), caps=(0, 100, 1000, 5000))
    services = table.column("IP") + table.column("Generics") + table.column("Specialist")
    assert np.allclose(services, table.maxd)
    assert (np.diff(table.maxd) >= 0).all()


def test_what_is_refused():
    odd = claims([("A", 1, "inpatiente", 10)])
    with pytest.raises(
        InputError, match="'inpatiente' of the claims has no component 'inpatiente'; nearest: inpatient"
    ):
        continuance_of_claims(odd)
    assert continuance_of_claims(odd, services={"inpatiente": "inpatient"}).total == 10
    with pytest.raises(InputError, match="must rise from 0"):
        continuance_of_claims(claims(), caps=(100, 50))


def test_copays_are_priced_by_visits_of_the_claims():
    design = PlanDesign("d", services={"primary_care": CostSharing(copay=40, deductible_applies=False)})
    rows = [("A", 1, "primary_care", 100), ("A", 2, "primary_care", 100), ("B", 1, "inpatient", 300)]
    table = continuance_of_claims(claims(rows))
    assert actuarial_value(table, design, benefit_year=2026).value == pytest.approx(1 - 80 / 500)
    assert value_on_claims(claims(rows), design).value == pytest.approx(1 - 80 / 500)


def population_of(table, n_members):
    """Claims of members whose spend is distributed as the table says: one claim each, at one of its caps.

    The capped cost rises between two caps by the share of members who spend more, so that share can be read off it.
    """
    rises = np.diff(table.maxd[:-1]) / np.diff(table.up_to[:-1])
    counts = np.rint(n_members * rises).astype(int)  # who spends more than each cap but the last
    spend = np.zeros(n_members)
    for cap, count in zip(table.up_to[1:-1], counts, strict=True):
        spend[:count] = cap
    last = np.flatnonzero(counts)[-1]  # whoever spends most has all that the table knows above that cap
    spend[: counts[last]] += (table.total - table.maxd[last + 1]) * n_members / counts[last]
    return pa.table(
        {
            "claim_id": [f"C{number}" for number in range(n_members)],
            "member_id": [f"M{number}" for number in range(n_members)],
            "service_date": [date(2025, 1, 1)] * n_members,
            "service_category": ["inpatient"] * n_members,
            "allowed_amount": np.round(spend, 2),
        }
    )


@needs_tables
@pytest.mark.parametrize("limit", [1500, 6000, 9450])
def test_both_engines_agree_on_a_population_drawn_from_the_federal_table(limit):
    table = federal("silver")["combined"]
    design = PlanDesign("d", limit, limit)
    by_claims = value_on_claims(population_of(table, 40_000), design).value
    assert by_claims == pytest.approx(1 - table.capped(limit) / table.total, abs=2e-4)
