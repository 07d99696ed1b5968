"""Chance in settlements: the simulation against plain loops and the normal approximation; the MSSP's numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pricing.contracts.chance import chance_by_group, chance_by_size
from pricing.contracts.medicare_shared_savings import shared_savings_program
from pricing.contracts.panel import read_panel
from pricing.contracts.resample_kernel import sum_picks
from pricing.contracts.resampling import Pool
from pricing.contracts.settlement import settle
from pricing.contracts.terms import Benchmark, Contract, Sharing
from pricing.errors import InputError
from pricing.parameters import load_rates

TERMS = Contract(
    "chance", Benchmark(weights=(0.3, 0.7)), Sharing(0.5, loss_rate=0.5, minimum_savings_rate=0.02)
)


def members(n_groups=30, size=60, saving=0.0, seed=3):
    """Panel of groups that all cost the same, but for chance; the first half saves `saving` in the last year."""
    random = np.random.default_rng(seed)
    rows = []
    for year in (2023, 2024, 2025):
        amounts = random.gamma(2.0, 1000.0, (n_groups, size))
        if year == 2025:
            amounts[: n_groups // 2] *= 1 - saving
        rows += [
            (f"G{g:02}", f"m{g}-{i}", year, 12.0, round(float(amounts[g, i]), 2))
            for g in range(n_groups)
            for i in range(size)
        ]
    names = ("provider_id", "member_id", "period", "member_months", "amount")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def test_sums_of_picks_as_plain_loops():
    words = np.random.PCG64(1).random_raw(60).view("<u4")
    amounts, expected = np.arange(7.0), np.arange(7.0) ** 2
    out = np.empty(12), np.empty(12)
    sum_picks(words, amounts, expected, 10, *out)
    for draw in range(12):
        picks = [int(word) * 7 >> 32 for word in words[10 * draw : 10 * draw + 10].tolist()]
        assert out[0][draw] == sum(float(pick) for pick in picks)
        assert out[1][draw] == sum(float(pick) ** 2 for pick in picks)


def test_draws_have_the_mean_and_spread_of_the_pool():
    pool = Pool.of(read_panel(members()), TERMS.benchmark, period=2025)
    assert pool.amounts.sum() == pytest.approx(pool.expected.sum())
    # gamma of shape 2: the coefficient of variation is 1 / sqrt(2)
    assert pool.deviation == pytest.approx(0.7071, rel=0.05)
    ratios = pool.ratios(400, draws=4000, seed=1)
    assert ratios.mean() == pytest.approx(1.0, abs=4 * pool.deviation / np.sqrt(400 * 4000))
    assert ratios.std() == pytest.approx(pool.deviation / 20, rel=0.05)
    assert (ratios == pool.ratios(400, draws=4000, seed=1)).all()
    assert (ratios != pool.ratios(400, draws=4000, seed=2)).any()
    # weights 0.3 and 0.7: variance 1 + 0.09 + 0.49
    assert pool.gap_deviation(400) == pytest.approx(pool.deviation / 20 * np.sqrt(1.58))


def test_probability_of_being_paid_for_nothing_falls_with_size():
    found = chance_by_size(TERMS, members(), period=2025, sizes=(100, 1000, 4000), true_savings=(0.0, 0.04))
    rows = {(row["members"], row["true_savings"]): row for row in found.sizes.to_pylist()}
    for row in rows.values():
        assert row["sd_gap_rate"] == pytest.approx(row["normal_sd_gap_rate"], rel=0.08)
        error = np.sqrt(row["p_paid"] * (1 - row["p_paid"]) / 2000) + 0.001
        assert row["p_paid"] == pytest.approx(row["normal_p_paid"], abs=4 * error + 0.01)
    assert rows[100, 0.0]["p_paid"] > rows[1000, 0.0]["p_paid"] > rows[4000, 0.0]["p_paid"]
    assert rows[100, 0.04]["p_paid"] < rows[4000, 0.04]["p_paid"]
    assert rows[4000, 0.0]["p_owes"] == pytest.approx(rows[4000, 0.0]["p_paid"], abs=0.04)  # both sides alike
    assert found.summary().loc[100, 0.0] == rows[100, 0.0]["p_paid"]
    one_thread = chance_by_size(TERMS, members(), period=2025, sizes=(100,), threads=1)
    assert one_thread.sizes.to_pylist()[0] == rows[100, 0.0]


def test_a_contract_rate_has_no_chance_in_it_and_belief_halves_that_of_history():
    flat = Contract("flat", Benchmark("pmpm", pmpm=100.0, discount=0.03), Sharing())
    found = chance_by_size(flat, members(), period=2025, sizes=(500,)).sizes.to_pylist()[0]
    pool = Pool.of(read_panel(members()), flat.benchmark, period=2025)
    # a discount of 3 %: the benchmark is 0.97 of what is expected
    assert found["sd_gap_rate"] == pytest.approx(pool.deviation / np.sqrt(500) / 0.97, rel=0.08)
    assert found["p_paid"] < 0.3
    half = Benchmark(credibility="limited_fluctuation", full_credibility=4 * 24 * 500.0)
    believed = Pool.of(read_panel(members()), half, period=2025)
    assert believed.believed(500) == pytest.approx(0.5)
    assert believed.gap_deviation(500) == pytest.approx(
        pool.deviation / np.sqrt(500) * np.sqrt(1 + 0.25 * 0.5), rel=0.01
    )


def test_groups_that_save_nothing_look_like_chance():
    panel = members()
    settlement = settle(TERMS, panel, period=2025)
    found = chance_by_group(settlement, panel, draws=400)
    likely = found.groups["chance_of_as_much"].to_numpy()
    assert 0.25 < likely.mean() < 0.75
    assert likely.min() > 0.001
    run = found.run
    assert run["groups_paid_by_chance_alone"] == pytest.approx(run["groups_paid"], abs=3 * np.sqrt(30 / 4))
    assert found.groups["z"].null_count == 30  # no more different than chance makes them


def test_groups_that_save_much_do_not():
    panel = members(size=400, saving=0.25)
    found = chance_by_group(settle(TERMS, panel, period=2025), panel, draws=400)
    rows = found.groups.to_pandas()
    saving, others = rows[rows["provider_id"] < "G15"], rows[rows["provider_id"] >= "G15"]
    assert (saving["chance_of_as_much"] < 0.01).mean() > 0.9
    assert saving["probability_no_savings"].max() < 0.01
    assert others["probability_no_savings"].mean() > 0.25  # drawn towards the mean of all, who save
    assert (rows["credible_gap_rate"].abs() <= rows["gap_rate"].abs() + 0.1).all()
    assert found.summary()["chance_of_as_much"].is_monotonic_decreasing


def test_draws_are_those_of_the_seed_on_any_number_of_threads():
    panel = members(n_groups=4)
    settlement = settle(TERMS, panel, period=2025)
    one, other, again = (
        chance_by_group(settlement, panel, draws=50, seed=seed, threads=threads).groups
        for seed, threads in ((1, 1), (2, 1), (1, 2))
    )
    assert one.equals(again)
    assert not one.equals(other)


def test_no_group_is_paid_where_none_meets_the_quality_standard():
    """The program shares by the quality score."""
    panel = members(n_groups=4, saving=0.5)
    contract = replace(TERMS, sharing=shared_savings_program(2026, track="basic_b").sharing)
    groups = {"provider_id": [f"G{number:02}" for number in range(4)], "quality_score": [1.0] * 4}
    settlement = settle(contract, panel, period=2025, groups=groups)
    found = [chance_by_group(settlement, panel, draws=50, quality_score=score).groups for score in (0.0, 1.0)]
    paid = [sum(groups["chance_of_payment"].to_pylist()) for groups in found]
    assert paid[0] == 0 < paid[1]


def test_files_and_refusals(tmp_path):
    panel = members(n_groups=4)
    by_size = chance_by_size(TERMS, panel, period=2025, sizes=(50,), draws=50)
    by_group = chance_by_group(settle(TERMS, panel, period=2025), panel, draws=50)
    for result, name in ((by_size, "chance_by_size"), (by_group, "chance_by_group")):
        files = {path.name for path in result.write(tmp_path / name, chart=True).iterdir()}
        assert files == {f"{name}.parquet", f"{name}.png", "assumptions.parquet", "run.json"}
        assert json.loads((tmp_path / name / "run.json").read_text())["draws"] == 50
    with pytest.raises(InputError, match="sizes and draws must be 2 at least"):
        chance_by_size(TERMS, panel, period=2025, sizes=(1,))
    with pytest.raises(InputError, match="true_savings must lie between -1 and 1"):
        chance_by_size(TERMS, panel, period=2025, true_savings=(5.0,))
    with pytest.raises(InputError, match="shares no gap with a benchmark"):
        chance_by_size(Contract("w", withhold=TERMS.withhold, capitation=(_cell(),)), panel, period=2025)


def _cell():
    from pricing.contracts.terms import CapitationCell

    return CapitationCell(1.0)


def test_minimum_rates_of_the_program():
    from pricing.contracts.curves import value_at

    terms = shared_savings_program(2026, track="basic_b").sharing
    sizes = np.array([100, 500, 5000, 5500, 5999, 6000, 12_500, 60_000, 10**6])
    # between 5,000 (3.9 %) and 5,999 (3.6 %); between 10,000 (3.0 %) and 14,999 (2.7 %)
    middle, other = 0.039 - 0.003 * 500 / 999, 0.030 - 0.003 * 2500 / 4999
    expected = [0.122, 0.122, 0.039, middle, 0.036, 0.036, other, 0.02, 0.02]
    assert value_at(terms.minimum_rate_by_members, sizes) == pytest.approx(expected)
    assert (terms.sharing_rate, terms.loss_rate, terms.savings_cap, terms.loss_cap) == (0.4, 0.0, 0.1, None)


def test_two_sided_tracks_of_the_program():
    e = shared_savings_program(2026, track="basic_e", minimum_rate=0.01).sharing
    assert (e.sharing_rate, e.loss_rate, e.loss_cap, e.loss_cap_revenue, e.minimum_savings_rate) == (0.5, 0.3, 0.04, 0.08, 0.01)  # fmt: skip # noqa: E501
    enhanced = shared_savings_program(2026, track="enhanced", is_first_agreement=False)
    sharing = enhanced.sharing
    assert (sharing.sharing_rate, sharing.is_loss_rate_from_quality, sharing.loss_rate_limits) == (
        0.75,
        True,
        (0.4, 0.75),
    )
    assert (sharing.savings_cap, sharing.loss_cap, enhanced.benchmark.weights) == (0.2, 0.15, (1.0, 1.0, 1.0))
    assert (enhanced.benchmark.risk_growth_limit, enhanced.truncation.percentile) == (0.03, 0.99)
    with pytest.raises(InputError, match=r"is one of 0, 0.005, 0.01, 0.015, 0.02"):
        shared_savings_program(2026, track="basic_e", minimum_rate=0.03)
    with pytest.raises(InputError, match="elected by two-sided tracks"):
        shared_savings_program(2026, track="basic_a", minimum_rate=0.0)
    with pytest.raises(InputError, match="track 'basic_f' is none of"):
        shared_savings_program(2026, track="basic_f")
    read = load_rates("mssp", 2026)
    assert read.parameter("loss_cap", "enhanced").verified
    assert not read.parameter("minimum_savings_rate", "500").verified


@pytest.mark.parametrize(
    ("year", "agreement_year", "is_above"),
    [(2023, None, False), (2024, None, True), (2024, 2023, False), (2026, 2023, False), (2026, 2024, True)],
)
def test_the_year_of_the_agreement_says_what_limits_risk_scores(year, agreement_year, is_above):
    terms = shared_savings_program(year, track="enhanced", agreement_year=agreement_year).benchmark
    assert (terms.risk_growth_limit, terms.is_limit_above_demographic) == (0.03, is_above)


def test_an_agreement_begins_before_it_is_settled():
    with pytest.raises(InputError, match="begins in 2027, after the performance year 2026"):
        shared_savings_program(2026, track="basic_e", agreement_year=2027)


def test_history_without_a_baseline_is_not_taken_for_certain():
    rows = members(n_groups=4)
    last = {name: [each for each, year in zip(column, rows["period"], strict=True) if year == 2025] for name, column in rows.items()}  # fmt: skip # noqa: E501
    plain = Contract("plain", Benchmark(), Sharing())
    with pytest.raises(InputError, match="how much chance its history has cannot be"):
        chance_by_size(plain, last, period=2025, sizes=(50,), draws=20)
    weighted = chance_by_size(TERMS, last, period=2025, sizes=(50,), draws=20)
    assert weighted.sizes.equals(chance_by_size(TERMS, rows, period=2025, sizes=(50,), draws=20).sizes)
