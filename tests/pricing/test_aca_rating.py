"""ACA premiums, limits, loss ratios and risk corridors against published numbers."""

from __future__ import annotations

import pytest

from pricing.aca.corridor import aca_risk_corridor
from pricing.aca.mlr import loss_ratio
from pricing.aca.rating import (
    high_deductible_limits,
    limit_of_adjustment,
    member_rates,
    out_of_pocket_limit,
    premiums,
)  # fmt: skip
from pricing.corridor import Band, corridor_payment
from pricing.errors import InputError, UnknownRateError
from pricing.parameters import load_rates
from pricing.rounding import round_cents


def test_family_of_seven():
    """45 CFR 147.102(c)(1), (e): base rate 300; the three oldest of five children are rated."""
    ages = [45, 43, 20, 17, 12, 8, 5]
    found = premiums({"family_id": ["f"] * 7, "age_years": ages, "base_rate": [300.0] * 7}, benefit_year=2026)
    assert found.members["rate"].to_pylist() == [433.20, 407.10, 291.00, 265.50, 229.50, 229.50, 229.50]
    assert found.members["premium"].to_pylist()[5:] == [0.0, 0.0]
    assert found.families.to_pylist() == [
        {"family_id": "f", "members": 7, "rated_members": 5, "tier": "", "premium": 1626.30}
    ]


def test_age_curve_of_each_time():
    old, new = load_rates("aca", 2017), load_rates("aca", 2018)
    assert member_rates(100.0, age_years=[0, 20, 21, 64, 90], rates=old).tolist() == [
        63.5,
        63.5,
        100,
        300,
        300,
    ]
    assert member_rates(100.0, age_years=[0, 15, 20, 64], rates=new).tolist() == [76.5, 83.3, 97.0, 300.0]


def test_area_and_tobacco():
    rates = load_rates("aca", 2026)
    assert member_rates(200.0, age_years=40, area_factor=1.1, tobacco_factor=1.5, rates=rates) == 421.74
    with pytest.raises(InputError, match=r"must lie between 1 and 1.5; it does not in 1 of 2 rows"):
        member_rates(200.0, age_years=40, tobacco_factor=[1.0, 1.6], rates=rates)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age_years": -1}, "whole years from 0 up"),  # not the last of the curve, that of 64
        ({"age_years": [30, 30.5]}, "whole years from 0 up"),
        ({"age_years": float("nan")}, "whole years from 0 up"),
        ({"base_rate": -200.0}, "base rates and area factors must be above 0"),
        ({"area_factor": 0.0}, "base rates and area factors must be above 0"),
        ({"tobacco_factor": float("nan")}, "must lie between 1 and 1.5"),
    ],
)
def test_impossible_rates(changes, message):
    given = {"base_rate": 200.0, "age_years": 40} | changes
    with pytest.raises(InputError, match=message):
        member_rates(given.pop("base_rate"), rates=load_rates("aca", 2026), **given)


def test_halves_round_up_on_their_decimal_value():
    assert round_cents([0.005, 1.005, 2.675]).tolist() == [0.01, 1.01, 2.68]
    # Noise of large numbers, and of differences of larger ones, is no part of the decimal value.
    assert round_cents([0.5 * 1_234_567.89, 1020.015 - 1020.0]).tolist() == [617_283.95, 0.02]


def test_less_than_a_half_rounds_down_however_close():
    assert round_cents([99.994999999, 253.7249996]).tolist() == [99.99, 253.72]


def test_loss_ratio_a_tenth_of_a_cent_below_a_half_is_rounded_down():
    """45 CFR 158.221(a): 0.8495 of 2,572,006.24 dollars are 2,184,919.30088, so 2,184,919.30 are 0.849 of them."""
    found = loss_ratio(
        numerator=2_184_919.30, denominator=2_572_006.24, life_years=80_000, average_deductible=0, premium=1e6,
        market="large_group", reporting_year=2024,
    )  # fmt: skip
    assert (found.ratio, found.rebate) == (0.849, pytest.approx(1000.0))


@pytest.mark.parametrize(
    ("year", "limit"), [(2014, 6350), (2018, 7350), (2024, 9450), (2025, 9200), (2026, 10600)]
)
def test_out_of_pocket_limits(year, limit):
    found = out_of_pocket_limit(benefit_year=year)
    assert (found["self_only"], found["family"]) == (limit, 2 * limit)


def test_limits_from_the_premium_adjustment():
    """2026: 1.6002 was published first, 1.6726771319 after the revision."""
    assert limit_of_adjustment(1.6002, benefit_year=2026) == 10150
    assert limit_of_adjustment(1.6726771319, benefit_year=2026) == 10600
    found = out_of_pocket_limit(benefit_year=2026)
    assert (found["csr_100-200"], found["csr_200-250"]) == (3500, 8450)
    before = out_of_pocket_limit(benefit_year=2017)  # HHS, 2017: 2,350 and 5,700
    assert (before["csr_100-200"], before["csr_200-250"]) == (2350, 5700)
    with pytest.raises(
        UnknownRateError, match=r"aca has no moop_self_only for 2028; it is known for 2014-2027"
    ):
        out_of_pocket_limit(benefit_year=2028)


def test_limits_of_2027():
    """HHS, January 29, 2026: 189.16 percent and 12,000 dollars; Rev. Proc. 2026-24: 1,750, 8,700 and 4,500."""
    assert limit_of_adjustment(1.8916224814, benefit_year=2027) == 12_000
    limits = {"self_only": 12_000, "family": 24_000, "csr_100-200": 4_000, "csr_200-250": 9_600}
    assert out_of_pocket_limit(benefit_year=2027) == limits
    assert list(high_deductible_limits(benefit_year=2027).values()) == [1_750, 8_700, 4_500]


# CMS MLR annual reporting forms as filed, Part 3: market, numerator, denominator, life-years, deductible, premium; then
# base credibility, deductible factor, preliminary and adjusted ratio, rebate.
CHESAPEAKE = (
    ("individual", 8484089.544516, 11503100.029788, 3476.25, 0, 102529),
    (0.046142, 1.0, 0.737548, 0.784, None),
)
OPTIMA = (
    ("individual", 56972847.6164, 68200134, 16682.666667, 2548, 67289950),
    (0.021545, 1.16857, 0.835377, 0.861, 0),
)
OPTIMA_SMALL = (
    ("small_group", 510475559.124, 596546399, 152320.583333, 2005.61, 187851673),
    (0, 1.0, 0.855718, 0.856, 0),
)
GIVEN = ("market", "numerator", "denominator", "life_years", "average_deductible", "premium")
FOUND = ("base_credibility", "deductible_factor", "preliminary", "ratio", "rebate")


@pytest.mark.parametrize(("form", "expected"), [CHESAPEAKE, OPTIMA, OPTIMA_SMALL])
def test_filed_loss_ratios(form, expected):
    found = loss_ratio(**dict(zip(GIVEN, form, strict=True)), reporting_year=2015)
    for name, value in zip(FOUND, expected, strict=True):
        assert value is None or getattr(found, name) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize(
    ("numerator", "ratio"), [(79.85, 0.799), (79.75, 0.798), (79.849, 0.798), (82.53, 0.825)]
)
def test_ratios_are_rounded_halves_up(numerator, ratio):
    """45 CFR 158.221(c): three decimals; 82.53 % is its own example."""
    form = {"denominator": 100.0, "premium": 1e6, "life_years": 80_000, "average_deductible": 0}
    found = loss_ratio(numerator=numerator, market="individual", reporting_year=2020, **form)
    assert found.ratio == ratio
    assert found.rebate == pytest.approx(max(0.8 - ratio, 0) * 1e6)


def test_three_years_below_the_standard_take_credibility_away():
    """45 CFR 158.232(d): at 10,000 life-years 2.6 points are added to 78 percent; below three years running, none."""
    form = {"denominator": 100.0, "premium": 1e6, "life_years": 10_000, "average_deductible": 0}
    form |= {"numerator": 78.0, "market": "individual", "reporting_year": 2024}
    assert (loss_ratio(**form).ratio, loss_ratio(**form).rebate) == (0.806, 0.0)
    found = loss_ratio(**form, is_below_three_years=True)
    assert (found.ratio, found.rebate) == (0.78, pytest.approx(20_000.0))


def test_rebate_is_the_shortfall_of_premium():
    form = {"life_years": 80_000, "average_deductible": 0, "market": "individual", "reporting_year": 2020}
    found = loss_ratio(numerator=75.0, denominator=100.0, premium=1_000_000.0, **form)
    assert found.rebate == pytest.approx(50_000.0)
    few = loss_ratio(numerator=10.0, denominator=100.0, premium=1e6, **{**form, "life_years": 999})
    assert (few.is_credible, few.rebate) == (False, 0.0)
    with pytest.raises(InputError, match="must be above 0"):
        loss_ratio(numerator=1.0, denominator=0.0, premium=1.0, **form)
    # Missing life-years are not few life-years, which owe nothing.
    with pytest.raises(InputError, match="cannot be negative or missing"):
        loss_ratio(numerator=10.0, denominator=100.0, premium=1e6, **{**form, "life_years": float("nan")})
    with pytest.raises(InputError, match=r"share of premium, such as 0.8; it is 80"):
        loss_ratio(numerator=10.0, denominator=100.0, premium=1e6, standard=80, **form)


@pytest.mark.parametrize(
    ("cost", "payment"),
    [
        (85, -8.1),
        (92, -2.5),
        (95, -1.0),
        (97, 0.0),
        (100, 0.0),
        (103, 0.0),
        (106, 1.5),
        (108, 2.5),
        (115, 8.1),
    ],
)
def test_statutory_risk_corridor(cost, payment):
    found = float(aca_risk_corridor(cost, 100.0, benefit_year=2015))
    assert found == pytest.approx(payment, abs=1e-12)
    assert str(found) != "-0.0"


def test_corridors_that_make_no_sense():
    with pytest.raises(UnknownRateError, match="no corridor_first for 2017; it is known for 2014-2016"):
        aca_risk_corridor(1.0, 1.0, benefit_year=2017)
    with pytest.raises(InputError, match="rising shares"):
        corridor_payment(1.0, 1.0, bands=[Band(0.08, 0.5), Band(0.03, 0.8)])
    with pytest.raises(InputError, match="shares between 0 and 1"):
        corridor_payment(1.0, 1.0, bands=[Band(0.03, 1.5)])
    with pytest.raises(InputError, match="target above 0"):
        corridor_payment(1.0, 0.0, bands=[Band(0.03, 0.5)])
