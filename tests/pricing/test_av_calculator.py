"""The federal Actuarial Value Calculator: published values, laws, a table worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.benefits.av_calculator import actuarial_value, metal_levels, value_of_tiers
from pricing.benefits.av_designs import actuarial_values
from pricing.benefits.continuance import MAXD, UP_TO, components, continuance_table
from pricing.benefits.design import CostSharing, PlanDesign, design_from_dict, read_designs
from pricing.benefits.solve import frontier, solve_for
from pricing.errors import InputError
from pricing.parameters import load_rates
from tests.pricing.av_tables import federal, needs_tables


def waived(copay):
    return CostSharing(copay=copay, deductible_applies=False)


def standard(name, deductible, maximum, coinsurance, waived_copays, later_copays):
    services = {service: waived(copay) for service, copay in waived_copays.items()}
    services |= {service: CostSharing(copay=copay) for service, copay in later_copays.items()}
    return PlanDesign(name, deductible, maximum, coinsurance, services)


VISITS = ("primary_care", "mental_health", "speech_therapy", "occupational_physical_therapy")
# Standardised plans of the 2026 payment notice; values published in the Plan Attributes file of 2026. Gold's copays,
# which no case gives, are confirmed by the digits of its value.
SILVER = standard(
    "silver", 6000, 8900, 0.40,
    {**dict.fromkeys(VISITS, 40), "specialist": 80, "generic": 20, "preferred_brand": 40},
    {"nonpreferred_brand": 80, "specialty_drug": 350},
)  # fmt: skip
BRONZE = standard(
    "bronze", 7500, 10000, 0.50,
    {**dict.fromkeys(VISITS, 50), "specialist": 100, "generic": 25},
    {"preferred_brand": 50, "nonpreferred_brand": 100, "specialty_drug": 500},
)  # fmt: skip


GOLD = standard(
    "gold", 2000, 8200, 0.25,
    {
        **dict.fromkeys(VISITS, 30), "specialist": 60, "generic": 15, "preferred_brand": 30,
        "nonpreferred_brand": 60, "specialty_drug": 250,
    },
    {},
)  # fmt: skip


@needs_tables
@pytest.mark.parametrize(
    ("level", "design", "published"),
    [("gold", GOLD, 0.7803779227), ("silver", SILVER, 0.700079495), ("bronze", BRONZE, 0.641164683)],
)
def test_published_values_of_standardised_plans(level, design, published):
    found = actuarial_value(federal(level), design, benefit_year=2026)
    assert found.value == pytest.approx(published, abs=1e-6)
    assert f"{'expanded_' if level == 'bronze' else ''}{level}" in found.metal_levels


@needs_tables
@pytest.mark.parametrize(
    ("design", "level", "expected"), [(SILVER, "silver", 0.7078923456), (BRONZE, "bronze", 0.6478957563)]
)
def test_accumulation_before_2023(design, level, expected):
    """avc2026_standard_plans.json, old_2018_accumulation_rule_gives."""
    assert actuarial_value(federal(level), design, benefit_year=2018).value == pytest.approx(
        expected, abs=1e-9
    )


@needs_tables
@pytest.mark.parametrize(
    ("level", "limit", "expected"),
    [
        ("bronze", 7200, 0.6475860686),
        ("bronze", 10600, 0.5845946735),
        ("silver", 4000, 0.7601754496),
        ("gold", 2000, 0.8657584397),
    ],
)
def test_high_deductible_plans_with_preventive_care(level, limit, expected):
    """avc2026_hdhp_derived.json."""
    design = PlanDesign("hdhp", limit, limit, 0.4)
    assert actuarial_value(federal(level), design, benefit_year=2026).value == pytest.approx(
        expected, abs=1e-9
    )


def small_table(**columns):
    """A population worked by hand: half spends nothing, a quarter 100, a quarter 1,000, all on specialists."""
    up_to = [0, 100, 500, 1000, "Unlimited"]
    maxd = [0.0, 50.0, 150.0, 275.0, 275.0]
    headings = [UP_TO, MAXD, "Specialist", "Avg. Specialist Freq", *columns]
    # Below a cap of 100: the quarter with 100 spends 25; below 1,000: all of 275. A visit costs 50.
    specialist = [0.0, 50.0, 150.0, 275.0, 275.0]
    rows = zip(up_to, maxd, specialist, [value / 50 for value in specialist], *columns.values(), strict=True)
    return continuance_table(headings, list(rows), name="small")


def test_deductible_equal_to_maximum_is_read_off_the_table():
    table = small_table()
    for limit in (0.0, 100.0, 300.0, 1000.0):
        found = actuarial_value(table, PlanDesign("d", limit, limit, 0.2), benefit_year=2026)
        assert found.value == pytest.approx(1 - table.capped(limit) / 275)


def test_coinsurance_worked_by_hand():
    """Deductible 100, then 20 % up to a maximum of 180: it is met at 100 + 80 / 0.2 = 500 of spend."""
    found = actuarial_value(small_table(), PlanDesign("d", 100, 180, 0.2), benefit_year=2026)
    assert (found.spend_at_deductible, found.spend_at_maximum) == pytest.approx((100, 500))
    # Between 100 and 500 the population spends 150 - 50 = 100, of which the plan pays 80; above, 275 - 150 = 125.
    assert found.value == pytest.approx((80 + 125) / 275)


def test_copay_without_deductible_worked_by_hand():
    """Visits of 50 at a copay of 10, no limits: members pay a fifth."""
    design = PlanDesign("d", 0, services={"specialist": waived(10)})
    assert actuarial_value(small_table(), design, benefit_year=2026).value == pytest.approx(0.8)


def test_account_contribution_worked_by_hand():
    """Nothing is covered below 1,000; an HRA of 100 pays all spend up to 100: 50 of 275."""
    design = PlanDesign("d", 1000, 1000, account="hra", account_contribution=100)
    found = actuarial_value(small_table(), design, benefit_year=2026)
    assert found.account == pytest.approx(50 / 275)


NOISE = 1e-4  # the published searches stop at 1e-5 of a share of spend

designs = st.builds(
    lambda deductible, room, coinsurance, copay, service: PlanDesign(
        "random", deductible, deductible + room, coinsurance, {service: waived(copay)} if copay else {}
    ),
    st.integers(0, 9000).map(float),
    st.integers(0, 9000).map(float),
    st.integers(0, 10).map(lambda tenths: tenths / 10),
    st.integers(0, 100).map(float),
    st.sampled_from(["primary_care", "specialist", "generic", "emergency_room", "inpatient"]),
)


@needs_tables
@settings(max_examples=40, deadline=None)
@given(design=designs, more=st.integers(100, 3000))
def test_more_cost_sharing_never_raises_the_value(design, more):
    tables = federal("silver")["combined"]
    base = actuarial_value(tables, design, benefit_year=2026).value
    assert 0.0 <= base <= 1.0
    higher = replace(design, out_of_pocket_maximum=design.out_of_pocket_maximum + more)
    assert actuarial_value(tables, higher, benefit_year=2026).value <= base + NOISE
    both = replace(higher, deductible=design.deductible + more)
    assert actuarial_value(tables, both, benefit_year=2026).value <= base + NOISE


@needs_tables
def test_maximum_that_binds_below_the_deductible():
    """Copays alone reach the maximum: members never pay more than it, whatever the deductible."""
    design = PlanDesign("d", 8000, 8000, 0.5, {"inpatient": waived(5000), "specialist": waived(200)})
    found = actuarial_value(federal("silver"), design, benefit_year=2026)
    assert found.plan_pays_between == 0.0
    assert found.spend_at_deductible == found.spend_at_maximum


@needs_tables
def test_separate_drug_limits():
    """With nothing to share apart, separate limits of zero are the same as one."""
    design = PlanDesign("d", 0, 0)
    assert actuarial_value(federal("gold"), design, benefit_year=2026).value == pytest.approx(1.0)
    apart = replace(SILVER, drug_deductible=0.0)
    own = replace(
        SILVER,
        deductible=5000,
        drug_deductible=500,
        out_of_pocket_maximum=7000,
        drug_out_of_pocket_maximum=1900,
    )
    assert actuarial_value(federal("silver"), apart, benefit_year=2026).value > 0.7001
    assert 0.7 < actuarial_value(federal("silver"), own, benefit_year=2026).value < 0.8
    with pytest.raises(InputError, match="needs the 'medical' table"):
        actuarial_value(federal("silver")["combined"], apart, benefit_year=2026)


@needs_tables
def test_two_deductibles_above_the_maximum_are_cut_off_by_it():
    """7,000 and 2,000 under a maximum of 7,000: nobody pays the 9,000, so it is worth more than 9,000 of one kind."""
    apart = PlanDesign("apart", 7000, 7000, 0.5, drug_deductible=2000)
    one = PlanDesign("one", 9000, 9000, 0.5)
    values = [actuarial_value(federal("silver"), design, benefit_year=2026) for design in (apart, one)]
    assert values[0].plan_pays_between == 0.0
    assert values[0].value > values[1].value


@needs_tables
def test_terms_written_out_are_the_plans_own():
    """An outpatient row has nothing of its own if it names the plan's coinsurance, so it prices no other service."""
    names = ("outpatient_facility", "x_ray", "imaging", "laboratory", "generic")
    written = {name: CostSharing(coinsurance=0.4, copay_per="script") for name in names}
    rest = {"specialist": waived(80), "outpatient_professional": CostSharing(coinsurance=0.1)}
    plain, same = (PlanDesign("d", 2000, 8000, 0.4, {**more, **rest}) for more in ({}, written))
    tables = federal("gold")
    found = [actuarial_value(tables, design, benefit_year=2026).value for design in (plain, same)]
    assert found[0] == found[1]


def test_a_range_that_some_services_do_not_reach():
    """Specialists cost nothing more between 100 and 150, and a visit is counted away: members owe 20 % all the same."""
    headings = [UP_TO, MAXD, "Specialist", "Avg. Specialist Freq", "ER", "Avg. ER Freq"]
    rows = [
        [0, 0, 0, 0, 0, 0],
        [100, 100, 60, 2, 40, 1],
        [150, 150, 60, 1, 90, 2],
        [1000, 200, 60, 1, 140, 3],
        ["Unlimited", 200, 60, 1, 140, 3],
    ]
    table = continuance_table(headings, rows, name="small")
    found = actuarial_value(table, PlanDesign("d", 100, 110, 0.2), benefit_year=2026)
    # Members pay 10 more over 50 of spend, in which the population spends 50 and the plan pays 40; above, all of 50.
    assert found.spend_at_maximum == pytest.approx(150)
    assert found.value == pytest.approx((40 + 50) / 200)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (PlanDesign("d", drug_out_of_pocket_maximum=500.0), "drug_out_of_pocket_maximum needs drug_deductible, 0 if"),
        (
            PlanDesign("d", services={"specialist": CostSharing(is_covered=False)}),
            r"every service is covered and counts to the out-of-pocket maximum \(specialist does not\)",
        ),
        (PlanDesign("d", services={"specialist": CostSharing(counts_to_maximum=False)}), r"\(specialist does not\)"),
    ],
)  # fmt: skip
def test_what_the_federal_calculator_cannot_value_is_refused(design, message):
    with pytest.raises(InputError, match=message):
        actuarial_value(small_table(), design, benefit_year=2026)


def test_a_service_that_the_calculator_does_not_have_is_said():
    design = PlanDesign("d", services={"specialst": waived(10), "specialist": waived(20)})
    found = actuarial_values(small_table(), design, benefit_year=2026)
    assert found.warnings == (
        "plan design 'd': the federal calculator has no service 'specialst'; nearest: specialist; its terms change "
        "nothing.",
    )
    assert found.values[0].value == pytest.approx(1 - 20 / 50)


def test_a_deductible_that_is_waived_for_everything_plays_no_part():
    values = [
        actuarial_value(
            small_table(), PlanDesign("d", own, 500, 0.2, {"specialist": waived(10)}), benefit_year=2026
        )
        for own in (0.0, 100.0, 500.0)
    ]
    assert values[0].value == values[1].value == values[2].value
    assert values[0].value == pytest.approx(0.8)  # a copay of 10 on visits of 50; nobody's reach 500


@needs_tables
def test_a_deductible_that_nothing_counts_to_at_first():
    """Nursing alone is not waived, and nobody who spends 100 has any: the deductible is met further up."""
    services = {part.service: waived(10) for part in components() if part.setting != "drug"}
    services |= {"generic": waived(5), "preferred_brand": waived(5), "nonpreferred_brand": waived(5)}
    services |= {"specialty_drug": waived(5), "skilled_nursing": CostSharing()}
    design = PlanDesign("d", 100, 5000, 0.5, services)
    found = actuarial_value(federal("silver"), design, benefit_year=2026)
    assert found.spend_at_deductible > 10_000
    assert 0.9 < found.value < 1.0


def test_a_second_tier_is_not_valued_in_silence():
    design = PlanDesign("d", services={"specialist": waived(10)}, tier_2_services={"specialist": waived(25)})
    first, second = (
        actuarial_value(small_table(), each, benefit_year=2026) for each in (design, design.second_tier)
    )
    assert "the value is of the first tier of its network" in first.warnings[0]
    assert second.warnings == ()
    assert value_of_tiers([(0.8, first), (0.2, second)]) == pytest.approx(
        0.8 * (1 - 10 / 50) + 0.2 * (1 - 25 / 50)
    )


@needs_tables
def test_every_published_table_is_read():
    """The bronze table of 2018 falls from a cap of 1,000,000 to one of 2,000,000, as published."""
    for year in (2018, 2026):
        for level in ("bronze", "silver", "gold", "platinum"):
            assert federal(level, year)["combined"].total > 0
    table = federal("bronze", 2018)["combined"]
    assert table.capped(2000000) < table.capped(1000000)
    assert table.spend_at(table.capped(500000)) == pytest.approx(500000)


@needs_tables
def test_days_and_visits_have_columns_of_their_own():
    tables = federal("silver")
    values = []
    for days in (1, 5, 10):
        terms = {"inpatient": CostSharing(copay=500, copay_per="day", copay_days=days)}
        values.append(actuarial_value(tables, PlanDesign("d", 0, 9000, 0.2, terms), benefit_year=2026).value)
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]
    free = []
    for visits in (1, 3, 10):
        terms = {"primary_care": CostSharing(free_visits=visits)}
        free.append(actuarial_value(tables, PlanDesign("d", 3000, 9000, 0.2, terms), benefit_year=2026).value)
    assert free == sorted(free)
    terms = {"specialist": CostSharing(free_visits=2)}
    with pytest.raises(InputError, match="visits of primary_care only"):
        actuarial_value(tables, PlanDesign("d", 0, 0, services=terms), benefit_year=2026)


@needs_tables
def test_every_column_of_the_federal_tables_belongs_to_a_component():
    table = federal("silver")["combined"]
    total = sum(table.column(part.cost_column)[-1] for part in components() if part.setting != "combined")
    assert total == pytest.approx(table.total, abs=1e-6)


def test_tiers_weigh_by_utilization():
    table = small_table()
    inner = actuarial_value(table, PlanDesign("in", 0, 0), benefit_year=2026)
    outer = actuarial_value(table, PlanDesign("out", 1000, 1000), benefit_year=2026)
    assert value_of_tiers([(0.9, inner), (0.1, outer)]) == pytest.approx(0.9)
    with pytest.raises(InputError, match="add up to 1"):
        value_of_tiers([(0.9, inner)])


@pytest.mark.parametrize(
    ("value", "year", "levels"),
    [
        (0.7201, 2017, ["silver_73"]),
        (0.72, 2017, ["silver", "silver_73"]),
        (0.66, 2018, ["silver"]),
        (0.66, 2024, []),
        (0.645, 2024, ["expanded_bronze"]),
        (0.70, 2024, ["silver", "silver_individual_qhp"]),
        (0.69, 2024, ["silver"]),
        (0.9301, 2022, ["silver_94"]),
        (0.935, 2023, []),
        (0.945, 2024, ["silver_94"]),
        (0.865, 2025, []),
        (0.735, 2025, ["silver_73"]),
        (0.935, 2026, ["silver_94"]),
    ],
)
def test_de_minimis_ranges_by_year(value, year, levels):
    """45 CFR 156.140(c), 156.200(b)(3) and 156.400 as they stood."""
    found = metal_levels(value, rates=load_rates("aca", year))
    assert [level for level in found if level not in ("platinum", "gold", "bronze")] == levels


def test_solved_deductible_reaches_the_target():
    """Nothing is owed above the deductible: 30 % of 275 is 82.50, which members spend below a cap of 230."""
    table, design = small_table(), PlanDesign("d", 0, 1000, 0.0)
    found = solve_for("deductible", 0.7, tables=table, design=design, benefit_year=2026, low=0, high=1000)
    assert found.deductible == 230
    with pytest.raises(InputError, match=r"gives actuarial values from .* 0.9990 is outside"):
        solve_for(
            "deductible",
            0.999,
            tables=table,
            design=PlanDesign("d", 0, 1000, 0.5),
            benefit_year=2026,
            low=0,
            high=900,
        )


@needs_tables
def test_which_deductible_gives_72_percent():
    tables = federal("silver")
    start = replace(SILVER, deductible=0.0)
    design = solve_for(
        "deductible", 0.72, tables=tables, design=start, benefit_year=2026, low=0, high=8900, step=50
    )
    assert design.deductible % 50 == 0
    found = actuarial_value(tables, design, benefit_year=2026).value
    for step in (-50, 50):
        other = replace(design, deductible=design.deductible + step)
        assert abs(actuarial_value(tables, other, benefit_year=2026).value - 0.72) >= abs(found - 0.72) - 1e-5
    points = frontier(
        0.70, tables=tables, design=SILVER, benefit_year=2026, vary={"deductible": [2000, 4000, 8900]},
        solve="out_of_pocket_maximum", low=0, high=12000, step=100,
    ).to_pylist()  # fmt: skip
    maxima = [point["out_of_pocket_maximum"] for point in points]
    assert maxima[0] is None or maxima[0] >= maxima[1]


@pytest.mark.parametrize(
    ("vary", "solve", "message"),
    [
        ({"deductible": [0]}, "coinsurence", "no parameter 'coinsurence'; nearest: coinsurance"),
        ({"generic.copey": [0]}, "coinsurance", "no parameter 'generic.copey'; nearest: copay"),
        ({"deductible": [0], "coinsurance": [0]}, "generic.copay", "vary names 2 parameters; name one"),
    ],
)
def test_a_frontier_of_no_parameter_is_refused(
    vary: dict[str, list[float]], solve: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        frontier(
            0.7,
            tables={},
            design=PlanDesign(),
            benefit_year=2026,
            vary=vary,
            solve=solve,
            low=0,
            high=1,
            step=1,
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"deductible": 5000, "out_of_pocket_maximum": 4000}, "deductible 5,000 is above out_of_pocket_maximum 4,000"),
        ({"coinsurance": 20}, r"coinsurance 20 is not between 0 and 1 \(it is the member's share\)"),
        ({"deductable": 1}, "'deductable' is not known; nearest: deductible"),
        ({"services": {"generic": {"copay": -1}}}, "generic: copay -1 is negative"),
        ({"services": {"generic": {"copay": "10"}}}, "generic: copay must be a number"),
        ({"services": {"inpatient": {"copay": 5, "copay_per": "dya"}}}, "copay_per 'dya' is none of .*; nearest: day"),
        ({"family_deductible": 10, "deductible": 20}, "family_deductible is below deductible"),
        ({"family_drug_deductible": 10}, "family_drug_deductible needs drug_deductible"),
        ({"family_drug_deductible": 5, "drug_deductible": 6}, "family_drug_deductible is below drug_deductible"),
        (
            {"family_drug_out_of_pocket_maximum": 5, "drug_out_of_pocket_maximum": 6},
            "family_drug_out_of_pocket_maximum is below drug_out_of_pocket_maximum",
        ),
        ({"combined_out_of_pocket_maximum": 10}, "combined_out_of_pocket_maximum needs out_of_network"),
        (
            {"combined_out_of_pocket_maximum": 10, "out_of_pocket_maximum": 20, "out_of_network": {}},
            "combined_out_of_pocket_maximum is below out_of_pocket_maximum",
        ),
        (
            {"combined_out_of_pocket_maximum": 10, "deductible": 20, "out_of_network": {}},
            "combined_out_of_pocket_maximum is below deductible",
        ),
        (
            {"out_of_network": {"out_of_network": {}, "combined_out_of_pocket_maximum": 10}},
            "combined_out_of_pocket_maximum stands inside out_of_network; give it to the plan itself",
        ),
        (
            {"family_combined_out_of_pocket_maximum": 10, "out_of_network": {}},
            "family_combined_out_of_pocket_maximum needs combined_out_of_pocket_maximum",
        ),
    ],
)  # fmt: skip
def test_impossible_designs_say_what_is_wrong(values, message):
    with pytest.raises(InputError, match=message):
        design_from_dict(values)


def test_designs_from_toml(tmp_path):
    path = tmp_path / "designs.toml"
    path.write_text(
        '[[design]]\nname = "silver"\ndeductible = 6000\nout_of_pocket_maximum = 8900\ncoinsurance = 0.4\n'
        "[design.services.primary_care]\ncopay = 40\ndeductible_applies = false\n"
    )
    (design,) = read_designs(path)
    assert design.terms("primary_care") == waived(40)
    assert design_from_dict(design.to_dict()) == design
    path.write_text("[[design]")
    with pytest.raises(InputError, match="is not TOML"):
        read_designs(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 0.0], [100, "x"], ["Unlimited", 1.0]], "row 3: a cell is no number"),
        ([[0, 0.0], [100, 2.0], ["Unlimited", 1.0]], "must not fall"),
        ([[0, 0.0], [100, 0.5], [200, 1.0]], "must rise from 0 to Unlimited"),
    ],
)
def test_broken_tables_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        continuance_table([UP_TO, MAXD], rows, name="t")
