"""Settlements: worked by hand, against exact fractions, and laws that hold whatever the numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.build_up import BuildUp
from pricing.contracts.contract_files import contract_from_dict, contracts_to_toml, read_contracts
from pricing.contracts.curves import value_at
from pricing.contracts.panel import read_panel
from pricing.contracts.settlement import settle
from pricing.contracts.sharing import share_steps
from pricing.contracts.terms import (
    Benchmark,
    Bundle,
    CapitationCell,
    Contract,
    QualityBonus,
    Sharing,
    Truncation,
    Withhold,
)
from pricing.errors import InputError
from tests.pricing import naive_contracts as naive
from tests.pricing.contract_data import ROWS, contract, panel


def statement(settlement, provider_id):
    rows = {row["provider_id"]: row for row in settlement.statements.to_pylist()}
    return rows[provider_id]


def test_shared_savings_by_hand():
    found = settle(contract(), panel(), period=2025)
    # A: 3,600 / 24 months at risk 1.000 = 150; x 1.05 = 157.50; risk of 2025 (12 + 18) / 24 = 1.25: 196.875 PMPM
    # benchmark 196.875 x 24 = 4,725; claims 3,300; gap 1,425 = 30.2 %; half of it 712.50; cap 10 % = 472.50
    a = statement(found, "A")
    assert (a["benchmark_pmpm"], a["benchmark"], a["expenditure"], a["gap"]) == (
        196.875,
        4725.0,
        3300.0,
        1425.0,
    )
    assert (a["shared_savings"], a["cap_change"]) == (472.5, pytest.approx(472.5 - 712.5))
    # B: 4,800 / (12 x 2) = 200; x 1.05 = 210; x 2 = 420; x 6 months = 2,520; claims 3,000; loss 480 = 19.0 %
    # 40 % of it 192; cap 5 % of 2,520 = 126
    b = statement(found, "B")
    assert (b["benchmark"], b["gap"], b["shared_savings"], b["payment"]) == (2520.0, -480.0, -126.0, -126.0)
    assert found.total == 472.5 - 126.0
    assert found.baseline.to_pylist()[1] == {
        "provider_id": "B", "period": 2024, "members": 1, "member_months": 12.0, "risk_score": 2.0,
        "counted_amount": 4800.0, "rate": 200.0, "trend_factor": 1.05, "weight": 1.0, "contribution": 210.0,
    }  # fmt: skip


def test_the_statement_shows_every_step():
    page = settle(contract(), panel(), period=2025).explain("A")
    levels = dict(zip(page.to_pandas()["step"], page.to_pandas()["level"], strict=True))
    assert (levels["baseline 2024"], levels["risk score"], levels["gap"]) == (157.5, 196.875, 1425.0)
    assert (levels["sharing rate"], levels["cap"], page.payment) == (712.5, 472.5, 472.5)
    text = repr(page)
    assert text.startswith("Statement of A, 2025, contract 'two-sided'")
    assert "contract 'two-sided': savings to 10.00% of the target, losses to 5.00% of the target" in text
    assert (
        page.to_pandas()["source"].str.len().gt(0).sum() == (page.to_pandas()["kind"] != "checkpoint").sum()
    )
    assert page.plot("shared savings").axes


def test_a_gap_below_the_minimum_rate_is_not_shared_and_one_on_it_is():
    rows = [(*row[:5], 4725.0 * (1 - 0.02) - 1000.0) if row[:3] == ("A", "a2", 2025) else row for row in ROWS]
    on_it = settle(contract(), panel(rows), period=2025)  # the gap is 94.50, 2 % of 4,725 to the cent
    assert statement(on_it, "A")["shared_savings"] == 47.25
    above = settle(contract(minimum_savings_rate=0.0201), panel(rows), period=2025)
    assert (statement(above, "A")["shared_savings"], statement(above, "A")["is_minimum_reached"]) == (
        0.0,
        False,
    )
    beyond = settle(contract(is_first_dollar=False, minimum_savings_rate=0.01), panel(rows), period=2025)
    assert statement(beyond, "A")["shared_savings"] == 23.63  # (94.50 - 47.25) / 2 = 23.625


def test_quality_and_loss_rates_from_it():
    # enhanced shape: 75 % x score of savings; losses 1 - that, from 40 to 75 %
    terms = contract(
        sharing_rate=0.75, loss_rate=0.0, is_loss_rate_from_quality=True, loss_rate_limits=(0.4, 0.75),
        quality=((0.0, 0.0), (1.0, 1.0)), savings_cap=None, loss_cap=None,
    )  # fmt: skip
    groups = {"provider_id": ["B", "A"], "quality_score": [0.6, 0.8]}
    found = settle(terms, panel(), period=2025, groups=groups)
    assert statement(found, "A")["shared_savings"] == 855.0  # 1,425 x 0.75 x 0.8
    assert statement(found, "B")["shared_savings"] == -264.0  # 480 x (1 - 0.75 x 0.6 = 0.55)
    perfect = settle(terms, panel(), period=2025, groups={**groups, "quality_score": [1.0, 1.0]})
    assert statement(perfect, "B")["shared_savings"] == -192.0  # 0.25 is below the least, 40 %
    with pytest.raises(InputError, match="shared savings depends on quality; give groups="):
        settle(terms, panel(), period=2025)


def test_the_smaller_loss_cap_holds():
    terms = contract(loss_cap=0.05, loss_cap_revenue=0.02)
    groups = {"provider_id": ["A", "B"], "revenue": [1e6, 5000.0]}
    assert statement(settle(terms, panel(), period=2025, groups=groups), "B")["shared_savings"] == -100.0
    groups["revenue"][1] = 1e6
    assert statement(settle(terms, panel(), period=2025, groups=groups), "B")["shared_savings"] == -126.0
    with pytest.raises(InputError, match="loss_cap_revenue is a share of revenue"):
        settle(terms, panel(), period=2025)


def test_corridors():
    # 100 % of the first 10 % of 4,725, 50 % beyond: 472.50 + (1,425 - 472.50) / 2 = 948.75
    bands = contract(
        bands=((0.0, 1.0), (0.1, 0.5)), minimum_savings_rate=0.0, savings_cap=None, loss_cap=None
    )
    assert statement(settle(bands, panel(), period=2025), "A")["shared_savings"] == 948.75
    assert statement(settle(bands, panel(), period=2025), "B")["shared_savings"] == -366.0  # 252 + 228 / 2


def test_baseline_years_weights_trend_and_risk_limits():
    rows = [("A", "a1", 2023, 12.0, 1.0, 1000.0), *ROWS]
    terms = Contract("w", Benchmark(weights=(1.0, 3.0), trend_annual=0.1, risk_growth_limit=0.03), Sharing())
    found = settle(terms, panel(rows), period=2025)
    # A: 2023: 83.333 x 1.21 x 1/4 = 25.2083; 2024: 150 x 1.1 x 3/4 = 123.75; risk 1.25 held at 1.03 x 1.000
    assert statement(found, "A")["benchmark_pmpm"] == pytest.approx((1000 / 12 * 1.21 / 4 + 123.75) * 1.03)
    # B has 2024 only, at full weight: 200 x 1.1, risk 2.0 as before
    assert statement(found, "B")["benchmark_pmpm"] == pytest.approx(440.0)
    flat = Contract("flat", Benchmark(trend_factors=(1.5,), is_risk_adjusted=False), Sharing())
    assert statement(settle(flat, panel(), period=2025), "A")["benchmark_pmpm"] == pytest.approx(225.0)


def test_risk_scores_may_grow_beyond_the_demographic_ones():
    terms = replace(
        contract(),
        benchmark=Benchmark(trend_annual=0.05, risk_growth_limit=0.03, is_limit_above_demographic=True),
    )
    rows = [(*row[:4], 1.9, row[5]) if row[:3] == ("B", "b1", 2025) else row for row in ROWS]

    def pmpm(a, b):
        groups = {"provider_id": ["B", "A"], "demographic_growth": [b, a]}
        found = settle(terms, panel(rows), period=2025, groups=groups)
        return [statement(found, label)["benchmark_pmpm"] for label in "AB"]

    # at a risk score of 1.000: A 157.50, B 210. A's score grew from 1.000 to 1.250, B's fell from 2.000 to 1.900
    assert pmpm(0.10, 0.0) == pytest.approx([157.5 * 1.13, 399.0])
    assert pmpm(-0.01, -0.01) == pytest.approx([157.5 * 1.02, 399.0])
    assert pmpm(0.25, 0.0) == pytest.approx([157.5 * 1.25, 399.0])  # the limit, 28 %, is not reached
    assert pmpm(-0.10, -0.10) == pytest.approx(
        [157.5, 399.0]
    )  # growth is taken away, a decline is left alone
    with pytest.raises(InputError, match=r"give groups= with demographic_growth \(0.01 is 1 percent"):
        settle(terms, panel(rows), period=2025)
    with pytest.raises(InputError, match=r"demographic_growth.*not above -1"):
        pmpm(-1.0, 0.0)


def test_small_panels_are_blended_with_everybody():
    limited = Benchmark(credibility="limited_fluctuation", full_credibility=96.0)
    found = settle(Contract("z", limited, Sharing()), panel(), period=2025)
    # all groups: (3,600 + 4,800) / (24 + 24) = 175; A: z = sqrt(24 / 96) = 0.5: 162.50; x risk 1.25
    assert statement(found, "A")["benchmark_pmpm"] == pytest.approx(162.5 * 1.25)
    # B: z = sqrt(12 / 96): 175 + z x 25
    assert statement(found, "B")["benchmark_pmpm"] == pytest.approx((175 + 25 * np.sqrt(12 / 96)) * 2)
    new = [*ROWS, ("C", "c1", 2025, 12.0, 1.0, 900.0)]
    grown = settle(Contract("z", limited, Sharing()), panel(new), period=2025)
    assert statement(grown, "C")["benchmark_pmpm"] == pytest.approx(175.0)  # no history of its own
    with pytest.raises(InputError, match="1 of 3 groups have no members before the performance period"):
        settle(contract(), panel(new), period=2025)


def test_buhlmann_straub_takes_credibility_from_the_data():
    rows = [(*row[:2], 2023, *row[3:5], row[5] * 1.1) for row in ROWS if row[2] == 2024] + ROWS
    terms = Contract("b", Benchmark(credibility="buhlmann_straub", weights=(1.0, 1.0)), Sharing())
    found = settle(terms, panel(rows), period=2025)
    # ratios A 165, 150 and B 220, 200 with exposure 24 each: within = (7.5^2 x 2 x 24 + 10^2 x 2 x 24) / 2 = 3,750
    # between = [48 (157.5 - 183.75)^2 x 2 - 3,750] / (96 - 48) = (66,150 - 3,750) / 48 = 1,300
    z = 48 * 1300 / (48 * 1300 + 3750)
    pmpm = z * 157.5 + (1 - z) * 183.75
    assert statement(found, "A")["benchmark_pmpm"] == pytest.approx(pmpm * 1.25)


def test_loss_target_and_contract_rate():
    premium = [0.0, 0.0, 0.0, 2000.0, 3000.0, 4000.0]
    target = Contract("mlr", Benchmark("loss_ratio", loss_ratio=0.85), Sharing(loss_rate=0.5))
    found = settle(target, panel(premium=premium), period=2025)
    assert statement(found, "A")["shared_savings"] == 475.0  # (5,000 x 0.85 - 3,300) / 2
    assert statement(found, "B")["shared_savings"] == 200.0  # (3,400 - 3,000) / 2
    with pytest.raises(InputError, match="needs a premium"):
        settle(target, panel(), period=2025)
    rate = Contract("rate", Benchmark("pmpm", pmpm=120.0, discount=0.1), Sharing())
    assert statement(settle(rate, panel(), period=2025), "A")["benchmark"] == 3240.0  # 120 x 1.25 x 0.9 x 24


def test_capitation_withhold_bonus_and_money_on_account():
    terms = Contract(
        "all", Benchmark("pmpm", pmpm=200.0), Sharing(loss_rate=0.5),
        capitation=(
            CapitationCell(10.0, "F", age_below=65), CapitationCell(20.0, "F", age_from=65), CapitationCell(15.55, "M"),
        ),
        withhold=Withhold(0.02, quality=((0.5, 0.0), (1.0, 1.0))),
        quality_bonus=QualityBonus(2.0, quality=((0.8, 0.0), (0.8, 1.0))),
    )  # fmt: skip
    more = {"sex": ["F", "M", "F", "f", "M", "F"], "age_years": [60, 70, 64.9, 61, 71, 65]}
    groups = {"provider_id": ["A", "B"], "quality_score": [0.8, 0.75], "paid_on_account": [400.0, 0.0]}
    found = settle(terms, panel(**more), period=2025, groups=groups)
    a, b = statement(found, "A"), statement(found, "B")
    assert (a["capitation"], b["capitation"]) == (12 * 10 + 12 * 15.55, 6 * 20)
    # A: 200 x 1.25 x 24 = 6,000 less claims 3,300 less capitation 306.60 = 2,393.40, half
    assert (a["expenditure"], a["shared_savings"]) == (3606.6, 1196.7)
    assert (a["withhold"], b["withhold"]) == (39.6, 30.0)  # 66 x 0.6; 60 x 0.5
    assert (a["quality_bonus"], b["quality_bonus"]) == (48.0, 0.0)  # on the jump; below it
    assert a["payment"] == round(306.6 + 1196.7 + 39.6 + 48.0 - 400.0, 2)
    assert found.run["payment"] == pytest.approx(sum(found.statements["payment"].to_pylist()))
    with pytest.raises(InputError, match=r"in several capitation cells are 1 of 3 rows \(first rows: 2\)"):
        settle(replace(terms, capitation=(*terms.capitation, CapitationCell(1.0, "M", age_from=71))), panel(**more), period=2025, groups=groups)  # fmt: skip # noqa: E501
    with pytest.raises(InputError, match="in no capitation cell are 2 of 3 rows"):
        settle(replace(terms, capitation=terms.capitation[1:]), panel(**{**more, "sex": ["F"] * 6, "age_years": [60] * 4 + [70, 60]}), period=2025, groups=groups)  # fmt: skip # noqa: E501
    with pytest.raises(InputError, match="lacks 'sex', which capitation cells ask for"):
        settle(terms, panel(), period=2025, groups=groups)


def test_bundles_with_truncation_and_stop_loss():
    knee = Bundle(
        "knee",
        ("K",),
        1000.0,
        discount=0.1,
        sharing=Sharing(1.0, loss_rate=1.0, savings_cap=0.2, loss_cap=0.1),
    )
    episodes = {
        "bundle": ["knee", "knee", "knee", "hip"], "provider_id": ["X", "X", "Y", "Y"],
        "counted_amount": [500.0, 700.0, 1500.0, 9.0],
    }  # fmt: skip
    found = settle(Contract("b", bundles=(knee,)), period=2025, episodes=episodes)
    # X: 2 x 900 - 1,200 = 600, at most 20 % of 1,800; Y: 900 - 1,500 = -600, at most 10 % of 900
    assert (statement(found, "X")["payment"], statement(found, "Y")["payment"]) == (360.0, -90.0)
    risky = replace(knee, is_risk_adjusted=True, discount=0.0)
    scores = {**episodes, "risk_score": [1.5, 0.5, 2.0, 1.0]}
    found = settle(Contract("b", bundles=(risky,)), period=2025, episodes=scores)
    assert (statement(found, "X")["payment"], statement(found, "Y")["payment"]) == (400.0, 400.0)
    with pytest.raises(InputError, match="has bundles; give episodes="):
        settle(Contract("b", bundles=(knee,)), period=2025)
    beside = Contract("b", Benchmark(), Sharing(), bundles=(knee,))
    with pytest.raises(
        InputError, match=r"a group that is not in the panel in 3 of 4 rows \(first rows: 1, 2, 3\)"
    ):
        settle(beside, panel(), period=2025, episodes=episodes)


def test_a_panel_under_other_names_is_the_same():
    names = {"amount": "allowed", "member_months": "mm"}
    theirs = {names.get(name, name): values for name, values in panel().items()}
    found, ours = read_panel(theirs, columns=names), read_panel(panel())
    assert (found.cents.tolist(), found.months.tolist()) == (ours.cents.tolist(), ours.months.tolist())


def test_truncation_by_level_and_percentile():
    read = read_panel(panel(), truncation=Truncation(level=2000.0))
    assert read.counted.tolist() == [
        120000,
        200000,
        200000,
        100000,
        200000,
        100000,
    ]  # half a year, half the level
    whole = read_panel(panel(), truncation=Truncation(level=2000.0, is_prorated=False))
    assert whole.counted.tolist()[-1] == 200000
    # yearly amounts of 2025: 1,000, 2,300, 6,000; of 2024: 1,200, 2,400, 4,800: medians 2,300 and 2,400
    half = read_panel(panel(), truncation=Truncation(percentile=0.5))
    assert half.counted.tolist() == [120000, 240000, 240000, 100000, 230000, 115000]


def test_interim_settlements_say_so():
    found = settle(
        contract(), panel(), period=2025, unpaid={"provider_id": ["A", "(none)"], "unpaid": [1000.0, 7.0]}
    )
    assert (statement(found, "A")["gap"], statement(found, "A")["shared_savings"]) == (425.0, 212.5)
    assert repr(found.explain("A")).startswith("Interim statement of A")
    assert found.run["is_interim"]
    with pytest.raises(InputError, match="no group of the period in 1 of 1 rows"):
        settle(contract(), panel(), period=2025, unpaid={"provider_id": ["Z"], "unpaid": [1.0]})


TERMS = st.fixed_dictionaries(
    {
        "sharing_rate": st.sampled_from([0.0, 0.4, 0.5, 0.75]), "loss_rate": st.sampled_from([0.0, 0.3, 0.5]),
        "minimum_savings_rate": st.sampled_from([0.0, 0.02, 0.031]), "minimum_loss_rate": st.sampled_from([0.0, 0.02]),
        "savings_cap": st.sampled_from([0.05, 0.1]), "loss_cap": st.sampled_from([0.04, 0.15]),
        "is_first_dollar": st.booleans(),
        "quality": st.sampled_from([(), ((0.0, 0.0), (1.0, 1.0)), ((0.3, 0.0), (0.3, 0.5), (0.9, 1.0))]),
    }
)  # fmt: skip
GAPS = st.lists(
    st.tuples(st.integers(1, 10**9), st.floats(0.7, 1.3), st.integers(0, 10)), min_size=1, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(TERMS, GAPS)
def test_shares_are_those_of_exact_fractions(terms, gaps):
    target = np.array([each for each, _, _ in gaps])
    actual = np.rint(target * [share for _, share, _ in gaps]).astype(np.int64)
    quality = np.array([score / 10 for _, _, score in gaps])
    start = BuildUp("gap", labels=tuple(map(str, range(len(gaps))))).start(
        "gap", (target - actual) / 100, source="x"
    )
    _, cents, _ = share_steps(
        start, target / 100, Sharing(**terms), members=np.ones(len(gaps)), quality=quality, revenue=None, source="x",
        name="shared",
    )  # fmt: skip
    for got, goal, came, score in zip(
        cents.tolist(), target.tolist(), actual.tolist(), quality.tolist(), strict=True
    ):
        expected = naive.shared_cents(goal, came, terms, 1, score)
        assert got == expected


@settings(max_examples=100, deadline=None)
@given(GAPS, st.sampled_from([0.0, 0.02]), st.sampled_from([0.3, 0.5]), st.sampled_from([0.05, 0.1]))
def test_two_sided_terms_treat_both_sides_alike_and_caps_bind(gaps, minimum, rate, cap):
    target = np.array([each for each, _, _ in gaps]) / 100
    gap = np.round(target * [share - 1 for _, share, _ in gaps], 2)
    terms = Sharing(rate, loss_rate=rate, minimum_savings_rate=minimum, savings_cap=cap, loss_cap=cap)
    both = []
    for side in (1, -1):
        start = BuildUp("gap", labels=tuple(map(str, range(len(gaps))))).start("gap", side * gap, source="x")
        _, cents, _ = share_steps(
            start,
            target,
            terms,
            members=np.ones(len(gap)),
            quality=None,
            revenue=None,
            source="x",
            name="shared",
        )
        both.append(cents)
    assert (both[0] == -both[1]).all()
    assert (np.abs(both[0]) <= cap * target * 100 + 0.51).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(1, 12), st.floats(0.2, 4), *2 * [st.integers(0, 10**6)]),
        min_size=2, max_size=12,
    ),
    st.randoms(),
)  # fmt: skip
def test_statements_add_up_in_any_order_and_benchmarks_are_those_of_the_twin(members, random):
    rows = [
        (group, f"m{number}", year, float(months), risk, cents / 100)
        for number, (group, months, risk, before, now) in enumerate(members)
        for year, cents in ((2023, before + 1), (2024, before // 2 + 1), (2025, now))
    ]
    terms = replace(contract(), benchmark=Benchmark(weights=(0.3, 0.7), trend_annual=0.04))
    found = settle(terms, panel(rows), period=2025)
    random.shuffle(rows)
    again = settle(terms, panel(rows), period=2025)
    assert found.statements["shared_savings"].equals(again.statements["shared_savings"])
    payments = found.statements["payment"].to_numpy()
    assert round(100 * found.total) == sum(round(100 * each) for each in payments)
    listed = [dict(zip(panel(rows), row, strict=True)) for row in rows]
    for row in found.statements.to_pylist():
        pmpm = naive.benchmark_pmpm(listed, row["provider_id"], 2025, (0.3, 0.7), 0.04)
        assert row["benchmark_pmpm"] == pytest.approx(pmpm)
    ends = [line for line in found.lines.to_pylist() if line["arrangement"] == line["step"] == "payment"]
    assert [round(100 * line["level"]) for line in ends] == [round(100 * each) for each in payments]


def test_curves():
    points = ((0.4, 0.0), (0.8, 0.5), (0.8, 0.8), (1.0, 1.0))
    at = [0.0, 0.4, 0.6, 0.799999, 0.8, 0.9, 2.0]
    assert value_at(points, np.array(at)) == pytest.approx([float(naive.curve(points, x)) for x in at])
    assert value_at(points, np.array([0.8]))[0] == 0.8


def test_contracts_there_and_back(tmp_path):
    full = Contract(
        "x \"y\"", Benchmark(weights=(0.1, 0.9), risk_growth_limit=0.03, is_limit_above_demographic=True),
        Sharing(0.4, loss_cap=0.1, minimum_rate_by_members=((5000.0, 0.039), (60000.0, 0.02)), quality=((0.0, 1.0),)),
        Truncation(percentile=0.99), (CapitationCell(10.5, "F", 0, 65),), Withhold(0.02), QualityBonus(1.0),
        (Bundle("knee", ("a", "b"), 20_000.0, excluded_services=("pharmacy",), sharing=Sharing(loss_rate=0.5)),),
    )  # fmt: skip
    path = tmp_path / "contracts.toml"
    path.write_text(contracts_to_toml([full, contract()]))
    assert read_contracts(path) == [full, contract()]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sharing": {"sharing_rat": 1.0}}, "contract 'c', sharing: 'sharing_rat' is not known; nearest: sharing_rate"),
        ({"sharing": {"sharing_rate": "half"}}, "sharing, sharing_rate must be a number"),
        ({"sharing": {"loss_rate_limits": [0.1]}}, "give a list of 2"),
        ({"sharing": {}}, "benchmark and sharing belong together"),
        ({"benchmark": {"basis": "histry"}, "sharing": {}}, "'histry' is none of .*; nearest: history"),
        ({"benchmark": {"basis": "pmpm"}, "sharing": {}}, "basis 'pmpm', and no other, needs a pmpm above 0"),
        ({"benchmark": {}, "sharing": {"sharing_rate": 1.5}}, "sharing_rate must lie between 0 and 1"),
        ({"benchmark": {}, "sharing": {"quality": [[1.0, 1.0], [0.0, 0.0]]}}, "quality must be in rising order"),
        ({"withhold": {}}, "withhold: rate is missing"),
        ({"truncation": {"level": 1.0, "percentile": 0.5}, "withhold": {"rate": 0.1}}, "level or percentile, not both"),
        ({"benchmark": {"is_limit_above_demographic": True}, "sharing": {}}, "and a risk_growth_limit"),
        ({}, "it has no arrangement"),
        ({"bundles": [{"name": "k", "trigger": [], "target_price": 1.0}]}, "bundle 'k' has no trigger"),
        ({"capitation": [{"pmpm": 1.0, "age_from": 65, "age_below": 65}]}, "holds nobody"),
        ({"benchmark": {"credibility": "limited_fluctuation"}, "sharing": {}}, "needs full_credibility"),
        ({"bundles": {"name": "k"}}, "bundles: give a list"),
    ],
)  # fmt: skip
def test_impossible_contracts_are_refused(values, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        contract_from_dict(values, name="c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period": 2030}, "has no row of period 2030; it has: 2024, 2025"),
        ({"period": 2024}, "no period before 2024 to take a benchmark from"),
        ({"panel": panel([*ROWS, ROWS[0]])}, r"provider and period again in 1 of 7 rows \(first rows: 7\)"),
        ({"panel": panel([(*ROWS[0][:3], 0.0, 1.0, 1.0)])}, "column 'member_months': not above 0"),
        ({"panel": None}, "has more than bundles; give a panel"),
        ({"groups": {"provider_id": ["A"], "quality_score": [1.0]}}, "lacks 1 of 2 groups of the period, such as 'B'"),
        ({"groups": {"provider_id": ["A", "B"], "quality_score": [1.0, 80.0]}}, "above 1 in 1 of 2 rows"),
        ({"contract": Contract("c", Benchmark(weights=(1.0, 2.0)), Sharing())}, "weights has 2 numbers"),
    ],
)  # fmt: skip
def test_what_is_refused(change, message):
    call = {"contract": contract(), "panel": panel(), "period": 2025, **change}
    with pytest.raises(InputError, match=message):
        settle(call.pop("contract"), call.pop("panel"), **call)


def test_family_of_results(tmp_path):
    found = settle(contract(), panel(), period=2025)
    assert found.summary().index.tolist() == ["A", "B"]
    assert found.plot().axes
    directory = found.write(tmp_path / "out", chart=True)
    assert {path.name for path in directory.iterdir()} == {
        "contract_statements.parquet", "contract_lines.parquet", "contract_panel.parquet", "contract_baseline.parquet",
        "assumptions.parquet", "contract_statements.png", "run.json",
    }  # fmt: skip
    assert json.loads((directory / "run.json").read_text())["payment"] == 346.5
    assert pq.read_table(directory / "contract_statements.parquet").num_rows == 2
    assert repr(found) == "<Settlement of 2025: 346.50 dollars to 2 groups>"
    with pytest.raises(InputError, match="there is no statement of 'AA'; nearest: A"):
        found.explain("AA")
    bundles = settle(
        Contract("b", bundles=(Bundle("k", ("x",), 5.0),)), period=2025,
        episodes={"bundle": ["k"], "provider_id": ["X"], "counted_amount": [4.0]},
    )  # fmt: skip
    assert bundles.plot().axes
    bundles.write(tmp_path / "bundles")
