"""What moves a forecast: comparisons that add up, tornadoes, completion of scores from history."""

from __future__ import annotations

import numpy as np
import pytest

from pricing.errors import InputError
from pricing.experience import buhlmann_straub
from pricing.revenue import (
    Assume,
    Scenario,
    Sensitivity,
    around,
    compare,
    forecast,
    score_completion,
    tornado,
)
from tests.pricing.revenue_members import membership, one_member

TERMS = {"payment_rate": [1000.0]}
NONE_WITHHELD = {("sequestration", month): 0 for month in range(1, 13)}


def random_forecast(seed: int, *rows: Assume, **options):
    rng = np.random.default_rng(seed)
    people = [
        {
            "payment_risk_score": float(rng.uniform(0.3, 3)),
            "status": str(rng.choice(["non_dual", "full_dual"])),
        }
        for _ in range(40)
    ]
    scenario = Scenario(f"scenario {seed}", rows, scored_as="initial")
    return forecast(
        membership(people), {"payment_rate": [1000.0 + seed]}, scenario=scenario, n_months=18, **options
    )


BEFORE = (Assume("lapse", 0.01), Assume("rate_trend", 0.04), Assume("completion_initial", 0.95))
AFTER = (
    Assume("lapse", 0.01), Assume("lapse", 0.05, calendar_months=(1,)), Assume("coding_trend", 0.02),
    Assume("transition", 0.03, to={"status": "institutional"}), Assume("completion_initial", 0.9),
)  # fmt: skip


def test_steps_between_two_forecasts_add_up_to_the_cent():
    before, after = random_forecast(1, *BEFORE), random_forecast(2, *AFTER)
    found = compare(before, after)
    assert found.names == (
        "members",
        "terms",
        "lapse",
        "transition",
        "coding_trend",
        "completion",
        "rate_trend",
    )
    for levels, each in ((found.levels[0], before), (found.levels[-1], after)):
        assert (levels == each.total_cents.sum(axis=0)).all()
    changes = [round(100 * change) for change in found.steps["change"].to_pylist()]
    assert sum(changes) == int(after.total_cents.sum() - before.total_cents.sum())
    by_month = found.to_pandas("step_months").groupby("month")["change"].sum()
    assert np.allclose(by_month, found.to_pandas("months")["change"], rtol=0, atol=1e-6)
    assert found.summary()["level"].iloc[-1] == pytest.approx(after.total_cents.sum() / 100)


def test_a_step_is_what_one_assumption_does():
    before = forecast(one_member(), TERMS, n_months=13, overrides=NONE_WITHHELD)
    after = before.under(
        Scenario("after", (Assume("rate_trend", 0.1), Assume("lapse", 0.5, first_month="2027-01")))
    )
    # 13 x 1,000; half a member in January 2027: -500; at 1,100 instead of 1,000: + 50
    steps = compare(before, after).steps.to_pylist()
    assert [(row["step"], row["change"]) for row in steps] == [("lapse", -500.0), ("rate_trend", 50.0)]
    assert compare(before, before).steps.num_rows == 0


def test_comparisons_that_are_refused():
    before = forecast(one_member(), TERMS, n_months=3)
    with pytest.raises(
        InputError, match="forecasts of other months: 2026-01 to 2026-03 and 2026-01 to 2026-04"
    ):
        compare(before, forecast(one_member(), TERMS, n_months=4))
    with pytest.raises(InputError, match="cohorts by other columns"):
        compare(before, forecast(one_member(low_income="yes"), TERMS, n_months=3))
    with pytest.raises(InputError, match="no table 'rows'; there are: steps"):
        compare(before, before).to_pandas("rows")


def test_a_tornado_by_hand():
    scenario = Scenario(
        "s", (Assume("rate_change", 1.1), Assume("lapse", 0.5, first_month="2026-02"), Assume("death", 0.0))
    )
    found = tornado(forecast(one_member(), TERMS, scenario=scenario, n_months=2, overrides=NONE_WITHHELD))
    bars = {row["sensitivity"]: row for row in found.bars.to_pylist()}
    assert set(bars) == {
        "rate_change",
        "lapse, from 2026-02",
    }  # a death of 0 is neutral: there is nothing to vary
    # 1,100 + 550 = 1,650. Rate 1.09 or 1.11: 1.5 x 10 less or more. Lapse 0.45 or 0.55: 0.05 x 1,100 more or less.
    assert (bars["rate_change"]["low"], bars["rate_change"]["high"]) == pytest.approx((1.09, 1.11))
    assert (bars["rate_change"]["change_low"], bars["rate_change"]["change_high"]) == (-15.0, 15.0)
    assert bars["lapse, from 2026-02"]["change_low"] == 55.0
    assert bars["lapse, from 2026-02"]["swing"] == 110.0
    assert bars["lapse, from 2026-02"]["share_high"] == pytest.approx(-55 / 1650)
    assert found.bars["sensitivity"][0].as_py() == "lapse, from 2026-02"


def test_sensitivities_of_ones_own():
    base = forecast(one_member(), TERMS, n_months=2, overrides=NONE_WITHHELD)
    stars = Sensitivity(
        "star rating",
        [Assume("rate_change", 0.95)],
        [Assume("rate_change", 1.0), Assume("rebate_change", 1.1)],
    )
    row = tornado(base, [stars]).bars.to_pylist()[0]
    assert (row["change_low"], row["change_high"], row["low"]) == (-100.0, 0.0, None)
    with pytest.raises(InputError, match="assumes no change to vary; give sensitivities="):
        tornado(base)
    with pytest.raises(InputError, match="two sensitivities are called 'star rating'"):
        tornado(base, [stars, stars])


def test_a_tenth_around_a_value_stays_possible():
    low, high = (
        around(Scenario("s", (Assume("lapse", 1.0),)))[0].low[0],
        around(Scenario("s", (Assume("lapse", 1.0),)))[0].high[0],
    )
    assert (low.value, high.value) == (0.9, 1.0)


HISTORY = {
    "payment_year": [2023, 2024, 2023, 2024],
    "status": ["non_dual", "non_dual", "full_dual", "full_dual"],
    "member_months": [1000.0, 1200.0, 300.0, 200.0],
    "initial_score": [0.95, 0.96, 1.30, 1.35],
    "mid_year_score": [0.98, 0.99, 1.45, 1.46],
    "final_score": [1.00, 1.00, 1.50, 1.50],
}


def test_completion_from_history():
    found = score_completion(HISTORY, by="status")
    # Sums of initial scores: 950 + 1,152 + 390 + 270 = 2,762; of final ones 1,000 + 1,200 + 450 + 300 = 2,950
    assert found.overall["initial"] == pytest.approx(2762 / 2950)
    rows = {(row["status"], row["vintage"]): row for row in found.groups.to_pylist()}
    assert rows["non_dual", "initial"]["observed"] == pytest.approx(2102 / 2200)
    assert rows["full_dual", "mid_year"]["observed"] == pytest.approx((435 + 292) / 750)
    weights = [[1000, 1200], [450, 300]]
    by_rule = buhlmann_straub([[0.95, 0.96], [390 / 450, 270 / 300]], weights)
    at = {name: number for number, name in enumerate(["non_dual", "full_dual"])}
    for status, number in at.items():
        assert rows[status, "initial"]["credibility"] == pytest.approx(by_rule.z[number])
        assert rows[status, "initial"]["completion"] == pytest.approx(by_rule.premiums[number])
    assert found.years.num_rows == 8


def test_completion_goes_into_a_scenario():
    completion = score_completion(HISTORY, by="status")
    member = one_member(0.9, status="full_dual")
    scenario = Scenario("run-out", completion.assume(member), scored_as="initial")
    found = forecast(member, TERMS, scenario=scenario, n_months=1)
    taken = next(
        row["completion"]
        for row in completion.groups.to_pylist()
        if (row["status"], row["vintage"]) == ("full_dual", "initial")
    )
    assert found.factors.score[0, 0] == pytest.approx(0.9 / taken)
    assert [row.where for row in completion.assume(member)] == [{}, {}, *[{"status": "full_dual"}] * 2]
    assert len(completion.assume()) == 6
    names = [row.parameter for row in completion.assume(part_d=True)]
    assert names[:2] == ["part_d_completion_initial", "part_d_completion_mid_year"]


def test_completion_of_one_group_is_that_of_all():
    one_year = {name: values[:1] for name, values in HISTORY.items()}
    found = score_completion(one_year)
    assert found.groups["completion"].to_pylist() == pytest.approx([0.95, 0.98])
    assert [row.value for row in found.assume()] == pytest.approx([0.95, 0.98])
    assert score_completion(HISTORY).overall == score_completion(HISTORY, by="status").overall
    one_year_two_groups = {name: values[::2] for name, values in HISTORY.items()}
    found = score_completion(one_year_two_groups, by="status")
    assert set(found.groups["credibility"].to_pylist()) == {0.0}


def test_history_that_is_refused():
    with pytest.raises(InputError, match="column 'final_score': not above 0 in 1 of 4 rows"):
        score_completion({**HISTORY, "final_score": [0.0, 1, 1, 1]})
    with pytest.raises(InputError, match="column 'member_months': not above 0"):
        score_completion({**HISTORY, "member_months": [0.0, 1, 1, 1]})
    with pytest.raises(InputError, match="lacks 'mid_year_score'"):
        score_completion({name: values for name, values in HISTORY.items() if name != "mid_year_score"})
    with pytest.raises(InputError, match="no table 'rows'"):
        score_completion(HISTORY).to_pandas("rows")


def test_charts_and_tables_are_written(tmp_path):
    before, after = random_forecast(1, *BEFORE), random_forecast(1, *AFTER)
    before.write(tmp_path / "forecast", chart=True)
    compare(before, after).write(tmp_path / "comparison", chart=True)
    tornado(after).write(tmp_path / "tornado", chart=True)
    score_completion(HISTORY, by="status").write(tmp_path / "completion")
    score_completion(HISTORY, by="status").plot()
    score_completion(HISTORY).plot()
    before.plot("members")
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        "revenue_months.png",
        "revenue_accruals.png",
        "revenue_steps.png",
        "revenue_sensitivities.png",
    } <= written
    assert {"revenue_cohorts.parquet", "revenue_step_months.parquet", "completion_years.parquet"} <= written
