"""Medicare Advantage benchmarks and bids, Part D: statutory formulas applied by hand, and published averages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import InputError, UnknownRateError
from pricing.medicare.benchmark import bonus_percentage, county_benchmarks, county_quartiles
from pricing.medicare.bid import bid_result, implied_bid, part_c_payment, rebate_percentage, sequestration
from pricing.medicare.part_d import defined_standard, gross_at_threshold
from pricing.medicare.part_d_premiums import (
    base_beneficiary_premium,
    basic_premium,
    direct_subsidy,
    late_enrollment_penalty,
    uncapped_premium,
)
from pricing.medicare.part_d_settlement import part_d_risk_corridor
from pricing.parameters import load_rates

NAN = float("nan")
PAYMENT = {"payment_rate": 900.0, "risk_score": 1.0, "payment_year": 2026, "month": 1}

RATES = load_rates("medicare", 2026)


@pytest.mark.parametrize(
    ("quartile", "stars", "is_qualifying", "base", "cap", "percentage", "benchmark"),
    [
        (1, 4.5, False, 1300, 1500, 1.0, 1300.0),
        (2, 4.0, True, 1100, 1300, 1.1, 1210.0),
        (3, 3.0, False, 1000, 1200, 1.075, 1075.0),
        (4, 5.0, True, 900, 1300, 1.25, 1125.0),
        (4, 5.0, True, 900, 1000, 1.25, 1000.0),
    ],
)
def test_statutory_benchmarks(quartile, stars, is_qualifying, base, cap, percentage, benchmark):
    county = {
        "county_code": ["1"], "ffs_base": [base], "quartile": [quartile], "is_qualifying": [is_qualifying],
        "pre_aca_cap": [cap],
    }  # fmt: skip
    row = county_benchmarks(county, payment_year=2026, stars=stars).to_pylist()[0]
    assert row["applicable_percentage"] == pytest.approx(percentage)
    assert row["benchmark"] == pytest.approx(benchmark)
    assert row["is_capped"] == (base * percentage > cap)


@pytest.mark.parametrize(("quartiles", "percentage"), [((1, 2), 0.975), ((2, 3), 1.0375), ((4, 3), 1.1125)])
def test_change_of_quartile_takes_the_mean(quartiles, percentage):
    county = {
        "county_code": ["1"],
        "ffs_base": [1000],
        "quartile": [quartiles[1]],
        "previous_quartile": [quartiles[0]],
    }
    row = county_benchmarks(county, payment_year=2026, stars=3.0).to_pylist()[0]
    assert row["applicable_percentage"] == pytest.approx(percentage)


@pytest.mark.parametrize(("is_qualifying", "benchmark"), [(False, 1035.0), (True, 1070.0)])
def test_new_plans_have_a_bonus_of_their_own(is_qualifying, benchmark):
    """3.5 percent, twice that in a qualifying county, on fee-for-service cost of the second quartile (100 percent)."""
    county = {"county_code": ["1"], "ffs_base": [1000], "quartile": [2], "is_qualifying": [is_qualifying]}
    found = county_benchmarks(county, payment_year=2026, stars=None, is_new_plan=True)
    assert found["benchmark"].to_pylist() == pytest.approx([benchmark])


def test_quartiles_rank_the_counties_of_states():
    """Nine counties: cut after the third, fifth and seventh; two tie at the first; territories are placed by them."""
    cost = [1000, 950, 900, 850, 800, 750, 700, 650, 900, 899, 640]
    counties = {
        "county_code": [str(each) for each in range(11)], "ffs_base": cost, "is_territory": [False] * 9 + [True] * 2,
    }  # fmt: skip
    assert county_quartiles(counties)["quartile"].to_pylist() == [1, 1, 1, 2, 3, 3, 4, 4, 1, 2, 4]
    with pytest.raises(InputError, match="no county of a State to rank by in 1 of 1 rows"):
        county_quartiles({"county_code": ["a"], "ffs_base": [900], "is_territory": [True]})


@pytest.mark.parametrize(
    ("stars", "rebate"),
    [(2.5, 0.5), (3.0, 0.5), (3.5, 0.65), (4.0, 0.65), (4.5, 0.7), (5.0, 0.7), (None, 0.5)],
)
def test_rebate_percentages(stars, rebate):
    assert rebate_percentage(stars, rates=RATES) == rebate


def test_new_plans_and_impossible_stars():
    assert rebate_percentage(None, rates=RATES, is_new_plan=True) == 0.65
    assert bonus_percentage(None, rates=RATES, is_new_plan=True) == 0.035
    for stars in (7, 0.5, 4.2):
        with pytest.raises(InputError, match="does not exist; ratings run from 1 to 5 in halves"):
            bonus_percentage(stars, rates=RATES)


AREA = {"county_code": ["A", "B", "C"], "member_months": [6000, 3000, 1000], "rate": [1000.0, 1100.0, 900.0]}


def test_bid_below_its_benchmark():
    found = bid_result(AREA, standardised_bid=880.0, projected_risk_score=1.05, stars=4.0, payment_year=2026)
    assert found.standardised_benchmark == pytest.approx(1020.0)
    assert (found.savings, found.rebate) == pytest.approx((147.0, 95.55))
    assert found.counties["isar"].to_pylist() == pytest.approx([1000 / 1020, 1100 / 1020, 900 / 1020])
    rates = found.counties["payment_rate"].to_pylist()
    assert rates == pytest.approx([862.7450980392157, 949.0196078431372, 776.4705882352941])
    payment = part_c_payment(
        payment_rate=rates[1], risk_score=1.237, rebate=found.rebate, payment_year=2026, month=5
    )
    assert float(payment) == pytest.approx(1244.10, abs=0.005)


def test_published_payments_give_the_bid_back():
    """With a rebate the payment is the bid; with a premium the premium is part of it; without either, the bid again."""
    words = {"rebate": [95.55, 0.0, 0.0], "basic_member_premium": [0.0, 40.0, 0.0]}
    assert implied_bid([924.0, 1073.0, 840.0], risk_score=[1.05, 1.05, 0.84], **words).tolist() == [
        880.0,
        1060.0,
        1000.0,
    ]
    with pytest.raises(InputError, match="risk scores must be above 0"):
        implied_bid(900.0, risk_score=0.0)


def test_bid_above_its_benchmark_is_a_premium():
    found = bid_result(AREA, standardised_bid=1060.0, projected_risk_score=1.05, stars=4.0, payment_year=2026)
    assert (found.rebate, found.basic_member_premium) == pytest.approx((0.0, 40.0))


def test_impossible_bids_are_refused():
    with pytest.raises(InputError, match="must be above 0"):
        bid_result(AREA, standardised_bid=-1.0, projected_risk_score=1.0, stars=4.0, payment_year=2026)
    bad = {**AREA, "rate": [1.0, -5.0, 1.0]}
    with pytest.raises(InputError, match=r"column 'rate': not above 0.0 in 1 of 3 rows \(first rows: 2\)"):
        bid_result(bad, standardised_bid=1.0, projected_risk_score=1.0, stars=4.0, payment_year=2026)


def test_sequestration_by_month():
    months = range(1, 13)
    assert sequestration(months, load_rates("medicare", 2022)).tolist() == [0] * 3 + [0.01] * 3 + [0.02] * 6
    assert sequestration(months, load_rates("medicare", 2020)).tolist() == [0.02] * 4 + [0] * 8
    with pytest.raises(InputError, match="from 1 to 12"):
        sequestration(13, RATES)


def test_secondary_payer_and_hospice():
    common = {"payment_rate": 1000.0, "risk_score": 1.0, "rebate": 100.0, "payment_year": 2026, "month": 1}
    assert float(part_c_payment(**common, secondary_payer="aged_disabled")) == pytest.approx(
        (173 + 100) * 0.98
    )
    assert float(part_c_payment(**common, is_hospice=True)) == pytest.approx(98.0)


@pytest.mark.parametrize(
    ("year", "is_applicable", "gross", "expected"),
    [
        (2025, True, 300, {"enrollee": 300.0}),
        (2025, True, 10000, {"enrollee": 2000.0, "plan": 5928.0, "manufacturer": 1318.0, "reinsurance": 754.0}),
        (2025, False, 10000, {"enrollee": 2000.0, "plan": 6492.0, "reinsurance": 1508.0}),
        (2026, True, 10000, {"enrollee": 2100.0, "plan": 5928.0, "manufacturer": 1283.0, "reinsurance": 689.0}),
        (2026, False, 10000, {"enrollee": 2100.0, "plan": 6522.0, "reinsurance": 1378.0}),
        # 2024, brand drugs by hand: deductible 545, initial 4,485, gap (8,000 - 545 - 1,121.25) / 0.95 = 6,667.105..
        (2024, True, 20000, {"enrollee": 545 + 1121.25 + 6667.105263 * 0.25, "manufacturer": 6667.105263 * 0.70,
                             "plan": 0.75 * 4485 + 0.05 * 6667.105263 + 0.2 * 8302.894737,
                             "reinsurance": 0.8 * 8302.894737}),
        (2023, False, 6000, {"enrollee": 505 + 0.25 * 5495, "plan": 0.75 * 5495}),
    ],
)  # fmt: skip
def test_defined_standard(year, is_applicable, gross, expected):
    found = defined_standard(gross, payment_year=year, applicable_share=float(is_applicable))
    for payer, dollars in found.payers.items():
        assert float(dollars[0]) == pytest.approx(expected.get(payer, 0.0), abs=1e-4), payer


@given(
    gross=st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    applicable=st.floats(0, 1),
    selected=st.floats(0, 1),
    year=st.sampled_from([2023, 2024, 2025, 2026]),
    discount=st.sampled_from(["full", "lis", "small"]),
)
def test_payers_add_up_to_gross_and_nobody_is_paid(gross, applicable, selected, year, discount):
    selected = min(selected, 1 - applicable)
    discount = "full" if year < 2025 else discount
    found = defined_standard(
        gross, payment_year=year, applicable_share=applicable, selected_share=selected, discount=discount
    )
    assert sum(found.payers.values()) == pytest.approx(np.array(gross), rel=1e-12, abs=1e-9)
    assert found.gross == pytest.approx(np.array(gross), rel=1e-12, abs=1e-9)
    assert min(values.min() for values in found.payers.values()) >= -1e-9


def test_threshold_in_gross_cost():
    assert gross_at_threshold(payment_year=2025) == 6230.0
    assert gross_at_threshold(payment_year=2026) == 6555.0
    assert gross_at_threshold(payment_year=2027) == 7500.0  # 700 + 1,700 / 25 %
    # 2024 still had a gap: of 8,000 out of pocket 545 + 25 % of (5,030 - 545) are paid before it, and in it 25 % of all
    # and 70 % of what manufacturers discount count
    left = 8000 - 545 - (5030 - 545) / 4
    assert gross_at_threshold(payment_year=2024) == pytest.approx(5030 + left / 0.95)
    assert gross_at_threshold(payment_year=2024, applicable_share=0.5) == pytest.approx(5030 + left / 0.6)


def test_discount_that_is_phased_in_leaves_the_rest_to_the_plan():
    full = defined_standard(10000, payment_year=2026)
    small = defined_standard(10000, payment_year=2026, discount="small")
    # 2 % instead of 10 % of 5,940, and 2 % instead of 20 % of 3,445.
    assert float(small.payers["manufacturer"][0]) == pytest.approx(0.02 * 5940 + 0.02 * 3445)
    moved = full.payers["manufacturer"] - small.payers["manufacturer"]
    assert small.payers["plan"] - full.payers["plan"] == pytest.approx(moved)


def test_published_premiums():
    """CMS releases: base premiums are the year before's plus 6 percent; direct subsidy of the average plan."""
    assert base_beneficiary_premium(payment_year=2024, uncapped=1e9, previous=32.74) == 34.70
    assert base_beneficiary_premium(payment_year=2025, uncapped=55.98, previous=34.70) == 36.78
    assert base_beneficiary_premium(payment_year=2026, uncapped=75.38, previous=36.78) == 38.99
    for year, average, subsidy in ((2025, 179.45, 142.67), (2026, 239.27, 200.28)):
        assert float(direct_subsidy(average, risk_score=1.0, payment_year=year)) == pytest.approx(subsidy)
        # A premium of bid - 142.67 (2025) would be below 0: nobody is paid to enrol, the subsidy takes it up.
        assert basic_premium(100.0, payment_year=year) == 0.0
        assert float(direct_subsidy(100.0, risk_score=1.2, payment_year=year)) == pytest.approx(20 + subsidy)
    assert basic_premium(249.27, payment_year=2026) == pytest.approx(48.99)
    # The uncapped premium of 2025 implies that reinsurance was 18.26 percent of expected cost.
    share = 1 - 0.255 * 179.45 / 55.98
    found = uncapped_premium(payment_year=2025, national_average_bid=179.45, reinsurance=share)
    assert found == pytest.approx(55.98)


def test_late_enrollment_penalty_is_rounded_to_ten_cents():
    assert late_enrollment_penalty(14, payment_year=2025) == 5.1  # 14 % of 36.78 is 5.149


@pytest.mark.parametrize(
    ("cost", "payment"),
    [(800, -105), (880, -41), (900, -25), (925, -12.5), (950, 0), (1000, 0), (1050, 0), (1075, 12.5), (1100, 25),
     (1150, 65), (1300, 185)],
)  # fmt: skip
def test_part_d_risk_corridor(cost, payment):
    assert part_d_risk_corridor(cost, 1000.0, payment_year=2026) == pytest.approx(payment, abs=1e-9)


def test_what_part_d_refuses():
    with pytest.raises(InputError, match="not negative"):
        defined_standard(-1.0, payment_year=2026)
    with pytest.raises(InputError, match="together at most 1"):
        defined_standard(1.0, payment_year=2026, applicable_share=0.7, selected_share=0.4)
    with pytest.raises(UnknownRateError, match="no part_d_deductible for 2019"):
        defined_standard(1.0, payment_year=2019)
    with pytest.raises(InputError, match=r"2024 has no discount that is phased in \(discount 'lis'\)"):
        defined_standard(1.0, payment_year=2024, discount="lis")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: part_c_payment(**PAYMENT | {"payment_rate": NAN}), "cannot be negative or missing"),
        (lambda: part_c_payment(**PAYMENT | {"rebate": [10.0, -1.0]}), "rebates and premiums cannot be negative"),
        (lambda: part_c_payment(**PAYMENT | {"basic_member_premium": -1.0}), "premiums cannot be negative"),
        (lambda: part_c_payment(**PAYMENT | {"frailty": NAN}), "frailty must be a finite number"),
        (lambda: part_c_payment(**PAYMENT | {"month": 1.5}), "months run from 1 to 12"),
        (lambda: part_c_payment(**PAYMENT | {"month": NAN}), "months run from 1 to 12"),
        (lambda: defined_standard(1.0, payment_year=2026, applicable_share=NAN), "must lie between 0 and 1"),
        (lambda: gross_at_threshold(payment_year=2026, applicable_share=1.1), "must lie between 0 and 1"),
        (lambda: base_beneficiary_premium(payment_year=2026, uncapped=NAN, previous=30.0), "base premiums cannot"),
        (lambda: uncapped_premium(payment_year=2026, national_average_bid=NAN, reinsurance=0.1), "bid cannot be neg"),
        (lambda: basic_premium(NAN, payment_year=2026), "bids must be finite"),
        (lambda: direct_subsidy(200.0, risk_score=-1.0, payment_year=2026), "risk scores cannot be negative"),
        (lambda: late_enrollment_penalty(NAN, payment_year=2026), "months without coverage cannot be negative"),
        (lambda: part_d_risk_corridor([90.0, NAN], 100.0, payment_year=2026), "costs that are finite numbers"),
    ],
)  # fmt: skip
def test_missing_and_negative_numbers_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
