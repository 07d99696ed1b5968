"""Claims adjudicated again: random designs against a naive twin, and laws that hold for every design."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.benefits.adjudication import adjudicate
from pricing.benefits.design import CostSharing, PlanDesign
from tests.pricing.adjudicated import extract, line
from tests.pricing.naive_adjudication import PARTS
from tests.pricing.naive_adjudication import adjudicate as naive

DOLLARS = st.integers(0, 400)
MAYBE = st.none() | DOLLARS
SERVICES = ("primary_care", "inpatient", "generic")


@st.composite
def terms(draw):
    copay_per = draw(st.sampled_from(["visit", "day", "stay", "script"]))
    copay = draw(st.integers(0, 60))
    counts = copay_per != "script"
    return CostSharing(
        copay=copay,
        coinsurance=draw(st.none() | st.sampled_from([0.0, 0.125, 0.3, 1.0])),
        deductible_applies=draw(st.booleans()),
        copay_before_deductible=draw(st.booleans()),
        copay_per=copay_per,
        copay_days=draw(st.none() | st.integers(1, 3)) if copay_per == "day" else None,
        free_visits=draw(st.integers(0, 2)) if counts else 0,
        copay_visits=draw(st.integers(0, 2)) if counts and copay else 0,
        max_per_unit=draw(st.none() | st.integers(0, 80)),
        counts_to_maximum=draw(st.booleans()),
        is_covered=draw(st.integers(0, 5)) > 0,
    )


def above(least):
    """Limits of at least so much, or none."""
    if least is None or least == float("inf"):
        return st.none()
    return st.none() | st.integers(int(least), int(least) + 700)


@st.composite
def designs(draw, outside=True):
    deductible, drug_deductible, drug_maximum = draw(DOLLARS), draw(MAYBE), draw(MAYBE)
    maximum = draw(st.just(float("inf")) | st.integers(deductible, 900))
    other = draw(st.none() | designs(outside=False)) if outside else None
    combined = None
    if other is not None:
        combined = draw(above(deductible if maximum == float("inf") else maximum))
    return PlanDesign(
        "random",
        deductible,
        maximum,
        draw(st.sampled_from([0.0, 0.2, 1 / 3])),
        draw(st.dictionaries(st.sampled_from(SERVICES), terms())),
        family_deductible=draw(above(deductible)),
        family_out_of_pocket_maximum=draw(above(maximum)),
        family_kind=draw(st.sampled_from(["embedded", "aggregate"])),
        drug_deductible=drug_deductible,
        drug_out_of_pocket_maximum=drug_maximum,
        family_drug_deductible=draw(above(drug_deductible)),
        family_drug_out_of_pocket_maximum=draw(above(drug_maximum)),
        tier_2_services=draw(st.dictionaries(st.sampled_from(SERVICES), terms(), max_size=1)),
        tier_2_coinsurance=draw(st.none() | st.just(0.4)),
        out_of_network=other,
        combined_out_of_pocket_maximum=combined,
        family_combined_out_of_pocket_maximum=draw(above(combined)),
    )


LINES = st.builds(
    line,
    st.integers(-3000, 40_000).map(lambda cents: cents / 100),
    st.integers(1, 400) | st.integers(1, 5),
    st.sampled_from(SERVICES),
    st.sampled_from("ABCD"),
    claim_id=st.sampled_from([f"C{number}" for number in range(9)]),
    claim_line_number=st.integers(1, 4),
    units=st.integers(-1, 4),
    network_tier=st.sampled_from(["in", "tier_2", "out"]),
    family_id=st.sampled_from([None, "F"]),
)
EXTRACTS = st.lists(LINES, min_size=1, max_size=25, unique_by=lambda row: tuple(map(str, row.values())))


def cents_by_row(found):
    table = found.lines.to_pandas()
    names = list(PARTS)
    return {
        int(row["row_number"]): {name: round(row[name] * 100) for name in names}
        for _, row in table.iterrows()
    }


@settings(deadline=None, max_examples=300)
@given(EXTRACTS, designs())
def test_equal_to_the_naive_twin(lines, design):
    rows, table = extract(lines)
    expected = naive(rows, design)
    assert cents_by_row(adjudicate(table, design, keep_lines=True)) == expected


SIMPLE = st.builds(
    CostSharing,
    coinsurance=st.none() | st.sampled_from([0.0, 0.125, 1.0]),
    deductible_applies=st.booleans(),
    counts_to_maximum=st.booleans(),
    is_covered=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(EXTRACTS, st.tuples(DOLLARS, DOLLARS), st.dictionaries(st.sampled_from(SERVICES), SIMPLE))
def test_totals_of_simple_designs_are_the_twin_s(lines, limits, services):
    """Totals of such designs do not come from the kernel that keeps lines."""
    design = PlanDesign("simple", min(limits), max(limits), 0.3, services)
    rows, table = extract(lines)
    expected = naive(rows, design)
    found = adjudicate(table, [design, replace(design, coinsurance=0.1)]).totals[0].sum(axis=0)
    assert found.tolist() == [sum(parts[name] for parts in expected.values()) for name in PARTS]


@settings(deadline=None, max_examples=100)
@given(
    EXTRACTS,
    st.lists(
        st.tuples(DOLLARS, DOLLARS, st.dictionaries(st.sampled_from(SERVICES), SIMPLE)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([8, 31, 32, 33, 70]),
)
def test_many_simple_designs_together_are_the_twin_s_each(lines, terms, n_designs):
    """From eight on, simple designs are done side by side in vectors; blocks may be full or not."""
    alone = [{**row, "family_id": None} for row in lines]
    rows, table = extract(alone)
    many = [
        PlanDesign(f"design {number}", min(low, high), max(low, high), number / 100, services)
        for number, (low, high, services) in zip(range(n_designs), cycle(terms), strict=False)
    ]
    found = adjudicate(table, many, threads=2).totals.sum(axis=1)
    for number in {0, n_designs // 2, n_designs - 1}:
        expected = naive(rows, many[number])
        assert found[number].tolist() == [sum(parts[name] for parts in expected.values()) for name in PARTS]


def totals_of_both(amounts, shares):
    """What designs of nothing but coinsurance come to, in vectors and by hand; a member for each amount [cents]."""
    rows, table = extract([line(cents / 100, member=f"M{number:02}") for number, cents in enumerate(amounts)])
    many = [PlanDesign(f"design {number}", 0, inf, share) for number, share in enumerate(shares)]
    expected = [
        [[parts[name] for name in PARTS] for _, parts in sorted(naive(rows, design).items())]
        for design in many
    ]
    return adjudicate(table, many).totals.tolist(), expected


def test_amounts_at_the_edge_of_what_is_exact_in_vectors():
    """From a cent to the largest line that vectors are trusted with, a millionth of a cent below a half and at it."""
    amounts = [1, 2, 3, 5, 333_333, 500_001, 1_500_001, 4_294_967_295, 4_500_500_000, 4_500_500_001]
    found, expected = totals_of_both(amounts, [0.999999, 0.5, *(number / 41 for number in range(40))])
    assert found == expected


def test_amounts_too_large_for_vectors_are_exact_too():
    """A millionth of a cent below half a cent, which float64 would round to a cent more."""
    found, expected = totals_of_both([34_400_500_001, 500_001], [0.999999] * 9)
    assert found == expected


@settings(deadline=None, max_examples=60)
@given(EXTRACTS, st.lists(designs(), min_size=1, max_size=4), st.randoms())
def test_order_threads_and_other_designs_change_nothing(lines, many, random):
    _, table = extract(lines)
    together = adjudicate(table, many, threads=3)
    shuffled = table.take(random.sample(range(len(lines)), len(lines)))
    assert adjudicate(shuffled, many, threads=1).members.equals(together.members)
    for number, design in enumerate(many):
        assert (adjudicate(table, design).totals[0] == together.totals[number]).all()


@settings(deadline=None, max_examples=100)
@given(EXTRACTS, designs())
def test_every_cent_has_a_payer_and_no_limit_is_passed(lines, design):
    rows, table = extract(lines)
    found = adjudicate(table, design)
    assert found.totals.sum() == sum(round(row["allowed_amount"] * 100) for row in rows)
    assert (found.totals[:, :, 1:4] >= 0).all()
    counting = {name: replace(each, counts_to_maximum=True) for name, each in design.services.items()}
    plain = replace(
        design, services=counting, tier_2_services={}, out_of_network=None, drug_out_of_pocket_maximum=None,
        family_drug_out_of_pocket_maximum=None, combined_out_of_pocket_maximum=None,
        family_combined_out_of_pocket_maximum=None,
    )  # fmt: skip
    owed = adjudicate(table, plain).totals[0, :, 1:4].sum(axis=1)
    assert (owed <= plain.out_of_pocket_maximum * 100).all()


NUMBERS = st.tuples(
    st.integers(0, 900), st.integers(900, 2000), st.sampled_from([0.0, 0.1, 0.25, 1.0]), DOLLARS
)


@settings(deadline=None, max_examples=200)
@given(EXTRACTS, NUMBERS, NUMBERS)
def test_a_richer_design_never_costs_a_person_more(lines, first, second):
    """Of one person, where services fall under deductible and coinsurance or have it waived in both designs."""
    lines = [{**row, "family_id": None} for row in lines]
    richer, poorer = (tuple(each(pair) for pair in zip(first, second, strict=True)) for each in (min, max))

    def design(deductible, maximum, coinsurance, copay):
        services = {"primary_care": CostSharing(copay=copay, deductible_applies=False)}
        return PlanDesign("d", deductible, maximum, coinsurance, services)

    found = adjudicate(extract(lines)[1], [design(*richer), design(*poorer)]).totals
    assert (found[0, :, 1:4].sum(axis=1) <= found[1, :, 1:4].sum(axis=1)).all()
