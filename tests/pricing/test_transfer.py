"""Risk transfers: published examples, zero sums, what-ifs and derivatives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.aca.market import high_cost_pool, is_rated, market_of_enrollees
from pricing.aca.transfer import risk_transfer
from pricing.aca.transfer_formula import INPUTS, METAL_LEVELS
from pricing.errors import InputError, UnknownRateError
from pricing.parameters import load_rates


def two_plans(**columns):
    """A market of two issuers with a plan each."""
    market = {
        "state": ["XX"] * 2,
        "market": ["individual"] * 2,
        "issuer_id": ["11111", "22222"],
        "plan_id": ["a", "b"],
        "rating_area": ["1"] * 2,
        "metal_level": ["silver"] * 2,
        "billable_member_months": [600.0, 600.0],
        "plrs": [4 / 3, 2 / 3],
        "arf": [1.0, 1.0],
        "premium_pmpm": [350.0, 350.0],
    }
    return {**market, **columns}


# Pope et al., MMRR 2014 4(3), Exhibit 4: market premium, scores, levels, transfer per member month.
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"idf": [1.0, 1.0]}, 116.67),
        (
            {
                "plrs": [1.391304347826087, 0.608695652173913],
                "metal_level": ["gold", "silver"],
                "idf": [1.0, 1.0],
                "gcf": [1.0, 1.0],
                "premium_pmpm": [408.89, 357.78],
            },
            124.44,
        ),
    ],
)
def test_published_transfers(columns, expected):
    found = risk_transfer(two_plans(**columns), benefit_year=2016).plans["transfer_pmpm"].to_pylist()
    assert found == pytest.approx([expected, -expected], abs=0.006)


def test_from_2018_on_14_percent_less_is_transferred():
    before = risk_transfer(two_plans(), benefit_year=2017).plans["transfer"].to_pylist()
    after = risk_transfer(two_plans(), benefit_year=2018).plans["transfer"].to_pylist()
    assert before == [70_000.0, -70_000.0]  # 350 x 1/3 x 600
    assert after == [60_200.0, -60_200.0]


def naive_transfers(rows, share):
    """The formula of the module's docstring, pool by pool, with loops."""
    result = {}
    pools = {(row["state"], row["market"], row["metal_level"] == "catastrophic") for row in rows}
    for pool in pools:
        members = [
            row for row in rows if (row["state"], row["market"], row["metal_level"] == "catastrophic") == pool
        ]
        months = sum(row["billable_member_months"] for row in members)
        mean = {"premium": 0.0, "need": 0.0, "allowed": 0.0}
        for row in members:
            weight = row["billable_member_months"] / months
            mean["premium"] += weight * row["premium_pmpm"]
            mean["need"] += weight * row["plrs"] * row["idf"] * row["gcf"]
            mean["allowed"] += weight * row["av"] * row["arf"] * row["idf"] * row["gcf"]
        for row in members:
            need = row["plrs"] * row["idf"] * row["gcf"] / mean["need"]
            allowed = row["av"] * row["arf"] * row["idf"] * row["gcf"] / mean["allowed"]
            result[row["plan_id"]] = share * mean["premium"] * (need - allowed)
    return result


AV = dict(zip(METAL_LEVELS, (0.57, 0.60, 0.70, 0.80, 0.90), strict=True))
IDF = dict(zip(METAL_LEVELS, (1.0, 1.0, 1.03, 1.08, 1.15), strict=True))

plan_rows = st.lists(
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(["XX", "YY"]),
            "market": st.sampled_from(["individual", "small_group"]),
            "issuer_id": st.sampled_from(["11111", "22222", "33333"]),
            "metal_level": st.sampled_from(METAL_LEVELS),
            "billable_member_months": st.integers(1, 5000).map(float),
            "plrs": st.floats(0.1, 5.0),
            "arf": st.floats(0.7, 3.0),
            "premium_pmpm": st.floats(50.0, 2000.0),
            "gcf": st.floats(0.6, 1.5),
        }
    ),
    min_size=1,
    max_size=12,
)


def as_market(rows):
    rows = [{**row, "plan_id": f"p{number}", "rating_area": "1"} for number, row in enumerate(rows)]
    return rows, {name: [row[name] for row in rows] for name in rows[0]}


@settings(max_examples=60, deadline=None)
@given(rows=plan_rows)
def test_transfers_are_the_formulas_and_cancel_to_the_cent(rows):
    rows, market = as_market(rows)
    transfer = risk_transfer(market, benefit_year=2020)
    full = [{**row, "av": AV[row["metal_level"]], "idf": IDF[row["metal_level"]]} for row in rows]
    expected = naive_transfers(full, 0.86)
    for row in transfer.plans.to_pylist():
        assert row["transfer_pmpm"] == pytest.approx(expected[row["plan_id"]], rel=1e-9, abs=1e-7)
        exact = row["transfer_pmpm"] * row["billable_member_months"]
        assert row["transfer"] == pytest.approx(exact, abs=0.01 + 1e-6)
    for net in transfer.pools["net_transfer"].to_pylist():
        assert net == 0.0
    cents = [round(value * 100) for value in transfer.plans["transfer"].to_pylist()]
    assert sum(cents) == 0


@settings(max_examples=25, deadline=None)
@given(rows=plan_rows)
def test_derivatives_are_those_of_small_changes(rows):
    _, market = as_market(rows)
    transfer = risk_transfer(market, benefit_year=2020)
    issuer = market["issuer_id"][0]
    found = transfer.sensitivities(issuer_id=issuer).to_pylist()

    def total(changed):
        plans = risk_transfer(changed, benefit_year=2020).plans.to_pylist()
        return sum(
            p["transfer_pmpm"] * p["billable_member_months"] for p in plans if p["issuer_id"] == issuer
        )

    for row in found:
        place = market["plan_id"].index(row["plan_id"])
        for name in INPUTS:
            step = 1e-5 * market[name][place]
            up, down = ({**market, name: list(market[name])} for _ in range(2))
            up[name][place] += step
            down[name][place] -= step
            expected = (total(up) - total(down)) / (2 * step)
            assert row[f"d_transfer_d_{name}"] == pytest.approx(expected, rel=1e-3, abs=1.0)


def test_geographic_cost_factors_are_age_standardised_silver_premiums():
    market = two_plans(rating_area=["1", "2"], premium_pmpm=[330.0, 480.0], arf=[1.1, 1.2])
    transfer = risk_transfer(market, benefit_year=2020)
    # 330 / 1.1 = 300 and 480 / 1.2 = 400; the state's average is 350.
    assert transfer.plans["gcf"].to_pylist() == pytest.approx([300 / 350, 400 / 350])


def test_area_without_silver_is_refused():
    market = two_plans(rating_area=["1", "2"], metal_level=["silver", "gold"])
    with pytest.raises(
        InputError, match=r"no silver plan .* give the column gcf; in 1 of 2 rows \(first rows: 2\)"
    ):
        risk_transfer(market, benefit_year=2020)


def test_catastrophic_plans_are_a_pool_of_their_own():
    market = two_plans(metal_level=["silver", "catastrophic"])
    transfer = risk_transfer(market, benefit_year=2020)
    assert transfer.plans["transfer"].to_pylist() == [0.0, 0.0]
    assert transfer.pools["pool"].to_pylist() == ["catastrophic", "metal"]


def test_what_if_a_plan_moves_from_gold_to_platinum():
    """45 CFR formula: the move raises a small plan's transfer where PLRS > 2.44286 ARF PLRS_s / (AV_s ARF_s)."""
    big = {"billable_member_months": [1.0, 1e9], "metal_level": ["gold", "silver"], "gcf": [1.0, 1.0]}
    for plrs, rises in ((2.44286 / 0.7 * 1.001, True), (2.44286 / 0.7 * 0.999, False)):
        market = two_plans(**big, plrs=[plrs, 1.0])
        transfer = risk_transfer(market, benefit_year=2017)
        moved = transfer.what_if(where={"plan_id": "a"}, set_to={"metal_level": "platinum"})
        gain = moved.plans["transfer_pmpm"][0].as_py() - transfer.plans["transfer_pmpm"][0].as_py()
        assert (gain > 0) is rises


def test_what_if_names_what_it_does_not_find():
    transfer = risk_transfer(two_plans(), benefit_year=2020)
    with pytest.raises(InputError, match="no row of the market has issuer_id = 99999"):
        transfer.what_if(where={"issuer_id": "99999"}, multiply={"plrs": 1.01})
    with pytest.raises(InputError, match="a market has no column 'score'"):
        transfer.what_if(where={"issuer_id": "11111"}, multiply={"score": 1.01})
    with pytest.raises(InputError, match="'issuer_id' is text; multiply numbers"):
        transfer.what_if(where={"issuer_id": "11111"}, multiply={"issuer_id": 2})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"plrs": [0.0, 1.0]}, r"market, column 'plrs': not above 0.0 in 1 of 2 rows \(first rows: 1\)"),
        ({"metal_level": ["silver", "tin"]}, r"not allowed in 1 of 2 rows .*; allowed: catastrophic, bronze"),
        (
            {"plan_id": ["a", "a"], "issuer_id": ["1", "1"]},
            r"the same state, market, issuer_id, plan_id, rating_area",
        ),
        ({"premium_pmpm": [350.0, None]}, r"column 'premium_pmpm': blank in 1 of 2 rows"),
        ({"arf": ["one", "two"]}, r"column 'arf': no number in 2 of 2 rows"),
    ],
)
def test_impossible_markets_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        risk_transfer(two_plans(**columns), benefit_year=2020)


def test_missing_column_is_named():
    market = two_plans()
    del market["arf"]
    with pytest.raises(InputError, match="market lacks 'arf'"):
        risk_transfer(market, benefit_year=2020)


def test_year_without_parameters_is_refused():
    with pytest.raises(UnknownRateError, match=r"aca has no transfer_av for 2013; it is known for 2014-\d+"):
        risk_transfer(two_plans(), benefit_year=2013)


def test_market_of_enrollees():
    family = {
        "state": ["XX"] * 6,
        "market": ["individual"] * 6,
        "issuer_id": ["11111"] * 6,
        "plan_id": ["a"] * 6,
        "rating_area": ["1"] * 6,
        "metal_level": ["silver"] * 6,
        "age_years": [45, 20, 17, 12, 8, 70],
        "months_enrolled": [12, 12, 12, 12, 12, 6],
        "payment_risk_score": [2.0, 0.5, 0.5, 0.5, 0.5, 4.0],
        "premium_pmpm": [433.2, 291.0, 265.5, 229.5, 0.0, 900.0],
        "family_id": ["f"] * 5 + ["g"],
    }
    row = market_of_enrollees(family, benefit_year=2020).to_pylist()[0]
    assert (row["members"], row["member_months"], row["billable_member_months"]) == (6, 66.0, 54.0)
    assert row["plrs"] == pytest.approx((12 * 4.0 + 6 * 4.0) / 54)
    # Ages 45, 20, 17, 12 for a year and 70 (rated as 64) for half a year: 45 CFR 147.102(e).
    assert row["arf"] == pytest.approx((12 * (1.444 + 0.970 + 0.885 + 0.765) + 6 * 3.0) / 54)
    assert row["premium_pmpm"] == pytest.approx((12 * (433.2 + 291.0 + 265.5 + 229.5) + 6 * 900.0) / 54)


def test_a_child_with_two_spans_is_one_child():
    """Ages 17, 15, 12, 8: the 8-year-old is not charged for, though the 17-year-old has two rows of half a year."""
    family = {
        **{name: [value] * 5 for name, value in (
            ("state", "XX"), ("market", "individual"), ("issuer_id", "11111"), ("plan_id", "a"), ("rating_area", "1"),
            ("metal_level", "silver"), ("payment_risk_score", 1.0), ("premium_pmpm", 200.0), ("family_id", "f"))},
        "member_id": ["q", "r", "q", "s", "t"],
        "age_years": [17, 15, 17, 12, 8],
        "months_enrolled": [6, 12, 6, 12, 12],
    }  # fmt: skip
    (row,) = market_of_enrollees(family, benefit_year=2020).to_pylist()
    assert (row["members"], row["member_months"], row["billable_member_months"]) == (5, 48.0, 36.0)
    assert row["arf"] == pytest.approx((0.885 + 0.833 + 0.765) / 3)
    twice = {name: values for name, values in family.items() if name != "member_id"}
    (row,) = market_of_enrollees(twice, benefit_year=2020).to_pylist()
    assert row["billable_member_months"] == 24.0  # three rows are charged for, two of them of one child
    with pytest.raises(
        InputError, match=r"more than 12 months in a plan in 2 of 5 rows .*; give each span once"
    ):
        market_of_enrollees(family | {"months_enrolled": [7, 12, 6, 12, 12]}, benefit_year=2020)


def test_two_plans_of_a_member_are_rated_apart():
    """The fourth child of plan a is the only child of plan b."""
    family = {
        **{name: [value] * 5 for name, value in (
            ("state", "XX"), ("market", "individual"), ("issuer_id", "11111"), ("rating_area", "1"),
            ("metal_level", "silver"), ("payment_risk_score", 1.0), ("premium_pmpm", 200.0), ("family_id", "f"))},
        "plan_id": ["a", "a", "a", "a", "b"],
        "member_id": ["q", "r", "s", "t", "t"],
        "age_years": [17, 15, 12, 8, 8],
        "months_enrolled": [12, 12, 12, 6, 6],
    }  # fmt: skip
    in_a, in_b = market_of_enrollees(family, benefit_year=2020).to_pylist()
    assert (in_a["billable_member_months"], in_b["billable_member_months"]) == (36.0, 6.0)


def test_three_oldest_children_are_rated():
    rates = load_rates("aca", 2020)
    ages = np.array([45, 43, 20, 17, 12, 8, 5])
    rated = is_rated(ages, np.array(["f"] * 7), rates)
    assert ages[rated].tolist() == [45, 43, 20, 17, 12]


def test_high_cost_pool_is_paid_by_all_premium():
    pool = high_cost_pool(
        {"issuer_id": ["1", "1", "2"], "paid_amount": [1_500_000.0, 900_000.0, 1_100_000.0]},
        {"issuer_id": ["1", "2", "3"], "premium": [10e6, 20e6, 6e6]},
        benefit_year=2020,
    )
    # 60 % of 500,000 and of 100,000; together 360,000 of 36 million premium: 1 %.
    assert pool.charge_rate == pytest.approx(0.01)
    assert pool.issuers["payment"].to_pylist() == [300_000.0, 60_000.0, 0.0]
    assert pool.issuers["charge"].to_pylist() == pytest.approx([100_000.0, 200_000.0, 60_000.0])
    assert sum(pool.issuers["net"].to_pylist()) == pytest.approx(0.0, abs=0.01)
    with pytest.raises(UnknownRateError, match="high_cost_threshold for 2017"):
        high_cost_pool(
            {"issuer_id": ["1"], "paid_amount": [1.0]},
            {"issuer_id": ["1"], "premium": [1.0]},
            benefit_year=2017,
        )


def test_written_and_drawn(tmp_path):
    transfer = risk_transfer(two_plans(), benefit_year=2020)
    transfer.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "assumptions.parquet", "run.json", "transfer_pools.parquet", "transfers.parquet",
    ]  # fmt: skip
    assert transfer.summary()["transfer"].tolist() == [60_200.0, -60_200.0]
    assert len(transfer.plot().axes) == 2
    assert isinstance(transfer.assumptions, pa.Table)
    assert set(transfer.to_pandas("assumptions")["verified"]) == {True, False}


def test_own_plans_against_published_state_averages():
    """With averages that are those of the whole market, an issuer's estimate is its transfer."""
    market = two_plans(gcf=[1.0, 1.0])
    own = {name: values[:1] for name, values in market.items()}
    averages = {"state": ["XX"], "market": ["individual"], "pool": ["metal"], "premium_pmpm": [350.0]}
    averages |= {"plrs": [1.0], "arf": [1.0], "av": [0.7], "idf": [1.03]}
    estimate = risk_transfer(own, benefit_year=2017, state_averages=averages)
    assert estimate.plans["transfer"].to_pylist() == pytest.approx([70_000.0])
    assert estimate.run["averages"] == "published"
    assert estimate.warnings == ()
    averages["state"] = ["YY"]
    with pytest.raises(InputError, match="state_averages has no row for XX, individual, metal"):
        risk_transfer(own, benefit_year=2017, state_averages=averages)


def test_what_ifs_of_an_estimate_keep_the_published_averages():
    """600 months x 350 dollars x (PLRS / 1 - 1): a score of 1.1 is worth 21,000, one of 1.2 twice that."""
    own = {name: values[:1] for name, values in two_plans(gcf=[1.0, 1.0], plrs=[1.1, 1.0]).items()}
    averages = {"state": ["XX"], "market": ["individual"], "pool": ["metal"], "premium_pmpm": [350.0]}
    averages |= {"plrs": [1.0], "arf": [1.0], "av": [0.7], "idf": [1.03]}
    estimate = risk_transfer(own, benefit_year=2017, state_averages=averages)
    assert estimate.plans["transfer"].to_pylist() == pytest.approx([21_000.0])
    changed = estimate.what_if(where={"issuer_id": 11111}, set_to={"plrs": 1.2})
    assert changed.plans["transfer"].to_pylist() == pytest.approx([42_000.0])
    (row,) = estimate.sensitivities(issuer_id="11111").to_pylist()
    assert row["d_transfer_d_plrs"] == pytest.approx(210_000.0)
    assert row["d_transfer_d_arf"] == pytest.approx(-210_000.0)
    assert row["d_transfer_d_premium_pmpm"] == 0
    assert row["d_transfer_d_billable_member_months"] == pytest.approx(35.0)


def test_an_issuer_alone_in_its_pool_is_told():
    own = {name: values[:1] for name, values in two_plans().items()}
    alone = risk_transfer(own, benefit_year=2017)
    assert alone.warnings == (
        "1 of 1 pools have one issuer only (XX individual metal), who pays nobody; give every issuer's plans, or "
        "state_averages",
    )
    assert alone.run["warnings"] == list(alone.warnings)
    assert risk_transfer(two_plans(), benefit_year=2017).warnings == ()
