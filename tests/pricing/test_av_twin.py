"""The Actuarial Value Calculator against its naive twin: random designs on the federal tables and on invented ones."""

from __future__ import annotations

import math
from functools import cache

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from pricing.benefits.av_calculator import actuarial_value
from pricing.benefits.continuance import MAXD, UP_TO, components, continuance_table
from pricing.benefits.design import CostSharing, PlanDesign
from tests.pricing import naive_av
from tests.pricing.av_tables import federal, needs_tables

ACCURACY = 1e-9
SERVICES = sorted({part.service for part in components()} - {"preventive"})
CAPS = [0.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0, 50000.0, 200000.0, 1000000.0]


def spread(cost, per_service, scale):
    """Cost and number of services below each cap, of a service that gathers on `scale` dollars."""
    share = [1 - math.exp(-cap / scale) for cap in CAPS] + [1.0]
    return [cost * part for part in share], [cost / per_service * part for part in share]


@cache
def invented():
    """Three tables with every column of the federal ones; the numbers mean nothing."""
    columns = {}
    for number, part in enumerate(components()):
        cost, count = spread(40.0 + 35.0 * number, 50.0 + 90.0 * (number % 5), 1500.0 + 700.0 * number)
        columns[part.cost_column], columns[part.frequency_column] = cost, count
    columns["Avg. IP Days"] = [4 * stays for stays in columns["Avg. IP Freq"]]
    columns["Avg. SNF Days"] = [9 * stays for stays in columns["Avg. SNF Freq."]]
    for n in range(1, 11):
        columns[f"IP Max Days - {n}"] = [(4 - 3 / n) * stays for stays in columns["Avg. IP Freq"]]
        s = "s" if n > 1 else ""
        for ending, whole in (("", "Primary Care"), (" Freq.", "Avg. Primary Care Freq")):
            columns[f"Primary Care >{n} Visit{s}{ending}"] = [each * 0.8**n for each in columns[whole]]
    drugs = {part.cost_column for part in components() if part.setting == "drug"}
    medical = {part.cost_column for part in components() if part.setting not in ("drug", "combined")}
    return {
        kind: table_of(columns, drugs, medical, kind, costs)
        for kind, costs in (("medical", medical), ("drugs", drugs), ("combined", medical | drugs))
    }


def table_of(columns, drugs, medical, name, costs):
    scripts = {part.frequency_column for part in components() if part.setting == "drug"}
    if name == "drugs":
        held = {heading: columns[heading] for heading in drugs | scripts}
    else:
        held = {
            heading: column
            for heading, column in columns.items()
            if name == "combined" or heading not in drugs | scripts
        }
    maxd = [1.3 * sum(columns[cost][row] for cost in costs) for row in range(len(CAPS))]
    maxd.append(maxd[-1] + 50.0)
    rows = zip([*CAPS, "Unlimited"], maxd, *held.values(), strict=True)
    return continuance_table([UP_TO, MAXD, *held], [list(row) for row in rows], name=name)


dollars = st.sampled_from([0.0, 5.0, 20.0, 45.0, 80.0, 300.0, 1200.0, 5000.0])
shares = st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.5, 1.0])
waived, any_order = st.booleans(), st.booleans()
TERMS = st.one_of(
    st.builds(lambda copay, deductible: CostSharing(copay=copay, deductible_applies=deductible), dollars, waived),
    st.builds(lambda copay: CostSharing(copay=copay, copay_before_deductible=True), dollars),
    st.builds(
        lambda share, deductible: CostSharing(coinsurance=share, deductible_applies=deductible), shares, waived
    ),
    st.builds(
        lambda copay, share, before: CostSharing(copay=copay, coinsurance=share, copay_before_deductible=before),
        dollars, shares, any_order,
    ),
)  # fmt: skip
SPECIAL = {
    "inpatient": st.builds(
        lambda days, deductible: CostSharing(
            copay=300.0, copay_per="day", copay_days=days, deductible_applies=deductible
        ),
        st.sampled_from([None, 1, 3, 10]),
        waived,
    ),
    "skilled_nursing": st.just(CostSharing(copay=150.0, copay_per="day")),
    "primary_care": st.builds(
        lambda free, copays, deductible, share: CostSharing(
            copay=35.0 if copays else 0.0, free_visits=free, copay_visits=copays, deductible_applies=deductible,
            coinsurance=share,
        ),
        st.sampled_from([0, 1, 4]), st.sampled_from([0, 1, 3, 10]), waived, st.sampled_from([None, 0.3]),
    ),
    "specialty_drug": st.builds(
        lambda share, most: CostSharing(coinsurance=share, max_per_unit=most), shares, st.sampled_from([50.0, 400.0])
    ),
}  # fmt: skip


@st.composite
def designs(draw):
    services = {}
    for service in draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=10)):
        is_special = service in SPECIAL and draw(st.booleans())
        services[service] = draw(SPECIAL[service] if is_special else TERMS)
    deductible = draw(st.sampled_from([0.0, 250.0, 1000.0, 3000.0, 6000.0, 9000.0]))
    room = draw(st.sampled_from([0.0, 10.0, 500.0, 2000.0, 6000.0, math.inf]))
    drugs = draw(st.sampled_from([{}, {"drug_deductible": 0.0}, {"drug_deductible": 400.0}]))
    if drugs and draw(st.booleans()):
        drugs = {**drugs, "drug_out_of_pocket_maximum": draw(st.sampled_from([400.0, 2500.0]))}
    account = draw(st.sampled_from([0.0, 0.0, 250.0]))
    return PlanDesign(
        "random", deductible, deductible + room, draw(shares), services, **drugs,
        account="hra" if account else None, account_contribution=account,
    )  # fmt: skip


def check(tables, design, year):
    found = actuarial_value(tables, design, benefit_year=year).value
    try:
        expected = naive_av.value(tables, design, is_new_rule=year >= 2023)
    except naive_av.UnsettledError:
        reject()
    assert found == pytest.approx(expected, abs=ACCURACY)


@settings(max_examples=60, deadline=None)
@given(design=designs(), year=st.sampled_from([2018, 2026]))
def test_random_designs_on_invented_tables(design, year):
    check(invented(), design, year)


@needs_tables
@settings(max_examples=60, deadline=None)
@given(
    design=designs(),
    year=st.sampled_from([2018, 2026]),
    level=st.sampled_from(["bronze", "silver", "gold", "platinum"]),
)
def test_random_designs_on_the_federal_tables(design, year, level):
    check(federal(level, year), design, year)
