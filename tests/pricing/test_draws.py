"""Draws of revenue: one draw again as a forecast of its own, closed forms, and what cannot matter."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from pricing.errors import InputError
from pricing.revenue import Assume, Membership, RevenueForecast, Scenario, forecast
from pricing.revenue.bootstrap import draw_keys
from pricing.revenue.distributions import Distribution
from pricing.revenue.draws import TOGETHER, RevenueDraws, Uncertain, draw_revenue
from pricing.revenue.factors import COMPONENTS
from tests.pricing.naive_reconciliation import WORD, naive_count, naive_word
from tests.pricing.revenue_members import membership

NONE_WITHHELD = {("sequestration", month): 0 for month in range(1, 13)}
TERMS = {"payment_rate": [1000.0], "rebate_pmpm": [100.0]}
TREND = Uncertain("coding_trend", Distribution("normal", (0.03, 0.01)))
LAPSE = Uncertain("lapse", Distribution("uniform", (0.01, 0.03)))


def rows_of(n: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """Return members of two counties and three statuses."""
    random = np.random.default_rng(seed)
    scores = np.round(random.gamma(1.5, 0.7, n), 3)
    return [
        {
            "payment_risk_score": float(score), "county_code": f"0{int(random.integers(2))}",
            "dual_status_code": ["00", "02", "01"][int(random.integers(3))],
        }
        for score in scores
    ]  # fmt: skip


def plan(n: int = 60, *rows: Assume, n_months: int = 30, **options: Any) -> RevenueForecast:
    return forecast(
        membership(rows_of(n)),
        TERMS,
        scenario=Scenario("budget", rows),
        n_months=n_months,
        overrides=NONE_WITHHELD,
        **options,
    )


def total_of(found: RevenueDraws, source: str = TOGETHER) -> dict[str, Any]:
    (row,) = [row for row in found.sources.to_pylist() if row["source"] == source]
    return row


def by_draw(found: RevenueDraws) -> np.ndarray:
    return found.draws["revenue"].to_numpy().reshape(found.run["draws"], -1)


@pytest.mark.parametrize("sales", [0, 5])
def test_a_draw_is_the_forecast_of_its_members_under_its_assumptions(sales: int) -> None:
    moves = Assume("transition", 0.02, where={"status": "non_dual"}, to={"status": "full_dual"})
    rows = (
        Assume("lapse", 0.02),
        Assume("death_score", 2.0),
        Assume("death", 0.004),
        Assume("rate_trend", 0.04),
        moves,
    )
    cohort = {"county_code": "00", "status": "non_dual"}
    joins = [Assume("new_sales", sales, where=cohort)] if sales else []
    scenario = Scenario("budget", (*rows, *joins))
    people = rows_of(80)
    base = forecast(membership(people), TERMS, scenario=scenario, n_months=20)
    found = draw_revenue(base, draws=3, seed=5, uncertain=[TREND, LAPSE])
    values = found.parameters["value"].to_numpy().reshape(3, 2)
    for draw, key in enumerate(draw_keys(5, "members", 3).tolist()):
        counts = [naive_count(naive_word((key + unit) % WORD)) for unit in range(len(people))]
        drawn = [row for row, count in zip(people, counts, strict=True) for _ in range(count)]
        scale = len(people) / len(drawn)
        told = scenario.plus(
            Assume("coding_trend", values[draw, 0]), Assume("lapse", values[draw, 1]),
            *(Assume("new_sales", sales / scale, where=cohort) for _ in joins), name="told",
        )  # fmt: skip
        again = forecast(membership(drawn), TERMS, scenario=told, n_months=20)
        expected = again.month_totals["revenue"].to_numpy() * scale
        half_cents = 0.005 * scale * len(COMPONENTS) * len(base.cohorts)
        assert by_draw(found)[draw] == pytest.approx(expected, abs=half_cents)


def test_without_uncertainty_of_effect_a_draw_is_the_forecast() -> None:
    base = plan(60, Assume("coding_trend", 0.05))
    found = draw_revenue(
        base, draws=2, members=False, uncertain=[Uncertain("coding_trend", Distribution("values", (0.05,)))]
    )
    assert by_draw(found)[0] == pytest.approx(base.month_totals["revenue"].to_numpy(), abs=0.5)
    assert total_of(found)["standard_deviation"] == 0


def test_the_variance_of_members_is_that_of_the_formula() -> None:
    base = plan(3000, n_months=12)
    found = draw_revenue(base, draws=2500, seed=2)
    scores = base.membership.scores
    error = 12 * 1000 * scores.std() * math.sqrt(len(scores))
    row = total_of(found)
    assert row["standard_deviation"] == pytest.approx(error, rel=4 / math.sqrt(2 * 2500))
    (whole,) = found.years.filter(pc.equal(found.years["payment_year"], "all")).to_pylist()
    assert abs(whole["mean"] - base.run["revenue"]) < 4 * error / math.sqrt(2500)
    assert whole["p95"] - whole["p50"] == pytest.approx(1.645 * error, rel=0.1)


def test_the_variance_of_an_assumption_is_that_of_the_formula() -> None:
    base = plan(200, n_months=24)  # January 2027 grows once
    found = draw_revenue(base, draws=4000, seed=3, members=False, uncertain=[TREND])
    of_scores = 12 * 1000 * base.membership.scores.sum()
    assert total_of(found)["standard_deviation"] == pytest.approx(0.01 * of_scores, rel=4 / math.sqrt(8000))
    assert by_draw(found)[:, :12].std() == pytest.approx(0, abs=0.01)
    values = found.parameters["value"].to_numpy()
    expected = base.run["revenue"] + of_scores * values
    assert by_draw(found).sum(axis=1) == pytest.approx(expected, abs=1)


def test_the_variance_of_chance_is_binomial() -> None:
    people = membership([{"payment_risk_score": 1.0}] * 4000)
    leaving = Scenario("leaving", (Assume("lapse", 0.1),))
    terms = {"payment_rate": [1000.0]}
    base = forecast(people, terms, scenario=leaving, n_months=2, overrides=NONE_WITHHELD)
    found = draw_revenue(base, draws=2500, seed=4, members=False, chance=True)
    assert total_of(found)["standard_deviation"] == pytest.approx(
        1000 * math.sqrt(4000 * 0.1 * 0.9), rel=4 / math.sqrt(5000)
    )
    assert (by_draw(found)[:, 0] == 4_000_000).all()
    assert by_draw(found)[:, 1].mean() == pytest.approx(3_600_000, abs=4 * 1000 * math.sqrt(360 / 2500))
    assert (by_draw(found) % 1000 == 0).all()  # whole members


def test_the_forecast_beside_the_draws_is_the_forecast_to_the_cent() -> None:
    base = plan(37, Assume("lapse", 0.0123), Assume("rate_trend", 0.0317), n_months=15)
    found = draw_revenue(base, draws=20)
    assert found.quantiles["forecast"].to_pylist() == base.month_totals["revenue"].to_pylist()


def test_sources_alone_are_draws_of_them_alone() -> None:
    base = plan(100, Assume("lapse", 0.02), n_months=15)
    every = draw_revenue(base, draws=200, seed=6, uncertain=[TREND, LAPSE], chance=True)
    for source, alone in (
        ("members", draw_revenue(base, draws=200, seed=6)),
        ("chance", draw_revenue(base, draws=200, seed=6, members=False, chance=True)),
        ("lapse", draw_revenue(base, draws=200, seed=6, members=False, uncertain=[LAPSE])),
    ):
        own = total_of(every, source)
        assert {**own, "share_of_variance": 1.0} == {**total_of(alone, source), "share_of_variance": 1.0}
        assert own["share_of_variance"] == pytest.approx(
            (own["standard_deviation"] / total_of(every)["standard_deviation"]) ** 2
        )
    assert [row["source"] for row in every.sources.to_pylist()] == [
        "members",
        "chance",
        "coding_trend",
        "lapse",
        TOGETHER,
    ]


def test_threads_change_nothing_and_seeds_do() -> None:
    base = plan(80, Assume("lapse", 0.02))
    options: dict[str, Any] = {"draws": 20, "uncertain": [LAPSE], "chance": True}
    one = draw_revenue(base, seed=1, threads=1, **options)
    assert draw_revenue(base, seed=1, threads=3, **options).draws == one.draws
    more = draw_revenue(base, seed=1, **(options | {"draws": 30}))
    assert by_draw(more)[:20].tolist() == by_draw(one).tolist()
    assert draw_revenue(base, seed=2, **options).draws != one.draws


def test_cohorts_asked_for_are_those_of_the_whole() -> None:
    base = plan(80, Assume("lapse", 0.02))
    parts = [draw_revenue(base, draws=10, where={"county_code": code}) for code in ("00", "01")]
    whole = draw_revenue(base, draws=10)
    assert sum(map(by_draw, parts)) == pytest.approx(by_draw(whole), abs=0.011)
    assert parts[0].run["cohorts_asked_for"] + parts[1].run["cohorts_asked_for"] == whole.run["cohorts"]


def test_correlated_assumptions_widen_or_narrow_the_whole() -> None:
    base = plan(50, n_months=24)
    rate = Uncertain("rate_trend", Distribution("normal", (0.03, 0.01)))
    widths = [
        total_of(
            draw_revenue(base, draws=800, members=False, uncertain=[TREND, rate],
                         correlations={("coding_trend", "rate_trend"): correlation})
        )["standard_deviation"]
        for correlation in (-0.9, 0.0, 0.9)
    ]  # fmt: skip
    assert widths == sorted(widths)
    assert widths[2] > 2 * widths[0]


def test_part_d_is_drawn_with_the_same_members() -> None:
    people = membership(rows_of(400))
    drugs = Membership(
        people.base_month,
        people.cohorts,
        people.cohort_of_member,
        people.scores * 0,
        people.scores,
        {},
        people.counts,
    )
    terms = {"payment_rate": [0.0], "rebate_pmpm": [0.0], "part_d_bid": [1000.0]}
    part_d = draw_revenue(forecast(drugs, terms, n_months=3, overrides=NONE_WITHHELD), draws=20)
    part_c = draw_revenue(
        forecast(people, {"payment_rate": [1000.0]}, n_months=3, overrides=NONE_WITHHELD), draws=20
    )
    assert by_draw(part_d) == pytest.approx(by_draw(part_c), abs=0.05)


def test_given_members_can_be_drawn_by_their_scores() -> None:
    given = {"month": ["2026-02-01", "2026-03-01"], "members": [50.0, 40.0]}
    base = forecast(membership(rows_of(60)), TERMS, n_months=3, enrollment=given)
    found = draw_revenue(base, draws=30)
    assert by_draw(found)[:, 2].mean() / by_draw(found)[:, 0].mean() == pytest.approx(40 / 60, rel=0.05)
    with pytest.raises(InputError, match="has given members, so that chance"):
        draw_revenue(base, chance=True)
    with pytest.raises(InputError, match="so that lapse has nothing to move"):
        draw_revenue(base, uncertain=[LAPSE])


def test_rules_of_later_years_stay_as_the_forecast_has_them() -> None:
    people = membership(rows_of(30))
    later = Membership(
        people.base_month, people.cohorts, people.cohort_of_member, people.scores, None, {2027: people.scores * 0.9},
        people.counts,
    )  # fmt: skip
    scenario = Scenario("later", (Assume("coding_trend", 0.05),))
    base = forecast(later, TERMS, scenario=scenario, n_months=20, overrides=NONE_WITHHELD)
    same = Uncertain("coding_trend", Distribution("values", (0.05,)))
    found = draw_revenue(base, draws=2, members=False, uncertain=[same])
    assert by_draw(found)[1] == pytest.approx(base.month_totals["revenue"].to_numpy(), abs=0.5)


def test_a_drawn_price_keeps_the_callers_own_parameters() -> None:
    base = plan(30, Assume("rate_trend", 0.05))  # nothing is withheld
    same = Uncertain("rate_trend", Distribution("values", (0.05,)))
    found = draw_revenue(base, draws=2, members=False, uncertain=[same])
    assert by_draw(found)[0] == pytest.approx(base.month_totals["revenue"].to_numpy(), abs=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": False}, "nothing is uncertain"),
        ({"draws": 1}, "draws must be at least 2"),
        ({"uncertain": [LAPSE, LAPSE]}, "'lapse' is drawn twice"),
        (
            {"uncertain": [Uncertain("lapse", Distribution("normal", (0.01, 0.02)))]},
            "draws of 'lapse' are impossible",
        ),
        (
            {"uncertain": [Uncertain("retroactive", Distribution("uniform", (0, 0.1)))]},
            "not how much is earned",
        ),
        ({"uncertain": [Uncertain("completion_final", Distribution("uniform", (0.9, 1)))]}, "says which run"),
        (
            {
                "uncertain": [
                    Uncertain("transition", Distribution("uniform", (0, 0.1)), to={"status": "hospice"})
                ]
            },
            "moves members where the forecast's scenario moves none",
        ),
        ({"where": {"county_code": "09"}}, "09"),
        (
            {"uncertain": [TREND], "correlations": {("lapse", "coding_trend"): 0.5}},
            "two different names of coding_trend",
        ),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_revenue(plan(), **({"draws": 50} | options))


def test_they_are_written_shown_and_charted(tmp_path: Path) -> None:
    found = draw_revenue(plan(), draws=12, uncertain=[TREND])
    target = found.write(tmp_path / "draws", chart=True)
    names = {path.name for path in target.iterdir()}
    assert names == {
        *(f"{file}.parquet" for file in RevenueDraws.TABLES.values()),
        "run.json",
        "revenue_quantiles.png",
    }
    assert found.summary()["payment_year"].tolist() == ["2026", "2027", "2028", "all"]
    titles = [axes.get_title() for axes in found.plot().axes]
    assert titles[0] == "Revenue by month, 12 draws of scenario budget"
    assert "coding_trend" in found.assumptions["assumption"].to_pylist()
    assert found.to_pandas("draws").shape == (12 * 30, 3)
    with pytest.raises(InputError, match="no table 'quantile'; nearest: quantiles"):
        found.to_pandas("quantile")
    assert "12 draws of 'budget'" in repr(found)
