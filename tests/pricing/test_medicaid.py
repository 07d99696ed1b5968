"""Medicaid: rates worked by hand and by loops, ranges, checks, budget neutrality to the cent, settlements."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing import medicaid
from pricing.corridor import Band
from pricing.errors import InputError, UnknownRateError
from pricing.mlr import credibility, owed
from pricing.parameters import load_rates
from pricing.rounding import cents_that_add_up
from tests.pricing import naive_medicaid
from tests.pricing.commands import run

YEAR = 2026

#: Two categories of one cell, and a kick payment per delivery.
SERVICES = [
    {"rate_cell": "adult", "region": "north", "service_category": "inpatient", "base_pmpm": 100.0, "completion": 1.02,
     "utilization_trend": 0.01, "unit_cost_trend": 0.04, "program_change": 1.005, "managed_care": 0.98,
     "unit_cost_trend_low": 0.03, "unit_cost_trend_high": 0.05},
    {"rate_cell": "adult", "region": "north", "service_category": "pharmacy", "base_pmpm": 60.0, "completion": 1.0,
     "utilization_trend": 0.02, "unit_cost_trend": 0.06, "program_change": 1.0, "managed_care": 1.0,
     "unit_cost_trend_low": 0.05, "unit_cost_trend_high": 0.07},
    {"rate_cell": "delivery", "region": "north", "service_category": "maternity", "base_pmpm": 8000.0,
     "completion": 1.0, "utilization_trend": 0.0, "unit_cost_trend": 0.03, "program_change": 1.0, "managed_care": 1.0,
     "unit_cost_trend_low": 0.03, "unit_cost_trend_high": 0.03},
]  # fmt: skip
CELLS = [
    {"rate_cell": "adult", "region": "north", "unit": "member_month", "units": 12_000.0, "sex": "F",
     "non_benefit_pmpm": 5.0, "non_benefit_share": 0.08, "margin_share": 0.015, "taxes_share": 0.02,
     "directed_payment_pmpm": 10.0, "withhold_share": 0.02, "withhold_achievable_share": 0.75,
     "certified_rate": 204.0},
    {"rate_cell": "delivery", "region": "north", "unit": "event", "units": 100.0, "sex": "F", "non_benefit_pmpm": 0.0,
     "non_benefit_share": 0.05, "margin_share": 0.01, "taxes_share": 0.0, "directed_payment_pmpm": 0.0,
     "withhold_share": 0.0, "withhold_achievable_share": 1.0, "certified_rate": 9000.0},
]  # fmt: skip


def table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def rates(services=SERVICES, cells=CELLS, **options) -> medicaid.CapitationRates:
    given = {"rating_year": YEAR, "trend_months": 24, **options}
    return medicaid.capitation_rates(table(services), table(cells), **given)


def changed(rows: list[dict], place: int, **values) -> list[dict]:
    return [{**row, **(values if place == number else {})} for number, row in enumerate(rows)]


def test_a_rate_worked_by_hand() -> None:
    """Inpatient 100 x 1.02 x 1.01^2 x 1.04^2 x 1.005 x 0.98; pharmacy 60 x 1.02^2 x 1.06^2; load and directed payment.

    100 x 1.02 = 102; x 1.0201 = 104.0502; x 1.0816 = 112.54069632; x 1.005 = 113.1033998; x 0.98 = 110.8413318.
    60 x 1.0404 = 62.424; x 1.1236 = 70.1396064. Benefits 180.9809382; + 5 = 185.9809382; / 0.905 = 205.5037991;
    + 10 = 215.5037991.
    """
    found = rates()
    adult, delivery = found.rates.to_pylist()
    assert adult["base"] == 160.0
    assert adult["projected_benefit_cost"] == pytest.approx(180.9809382, abs=1e-7)
    assert adult["rate"] == 215.50
    # a loss ratio of (180.98 + 10) over 98 % of the rate; 2 % withheld, a quarter of it not to be earned
    assert adult["projected_loss_ratio"] == pytest.approx(190.9809382 / (215.50 * 0.98), abs=1e-9)
    assert (adult["withhold"], adult["unearned_withhold"]) == pytest.approx((4.31, 1.0775))
    # 8,000 x 1.03^2 = 8,487.20; / 0.94 = 9,028.94
    assert (delivery["rate"], delivery["rate_low"], delivery["dollars"]) == (9028.94, 9028.94, 902_894.0)
    assert adult["sex"] == "F"  # columns of one's own go along
    run = found.run
    assert (run["member_months"], run["events"]) == (12_000.0, 100.0)
    assert run["dollars"] == pytest.approx(215.50 * 12_000 + 902_894.0)


def test_steps_explain_the_rate() -> None:
    build_up = rates().explain("adult", "north")
    assert build_up.labels == ("adult / north",)
    assert [step.name for step in build_up.steps] == [
        "base data", "completion", "utilization trend", "unit cost trend", "program changes",
        "managed care adjustment", "projected benefit cost", "non-benefit cost", "non-benefit share and margin",
        "state directed payments", "capitation rate",
    ]  # fmt: skip
    assert build_up.level("completion")[0] == pytest.approx(162.0)
    assert all("438" in step.source for step in build_up.steps if step.kind != "checkpoint")
    assert rates().explain("adult", "north", scenario="high").value[0] > build_up.value[0]
    with pytest.raises(InputError, match="no 'adults / north'; nearest: adult / north"):
        rates().explain("adults", "north")
    with pytest.raises(InputError, match="scenario 'worst' is none of low, best, high"):
        rates().explain("adult", "north", scenario="worst")


@pytest.mark.parametrize("seed", range(4))
def test_rates_agree_with_plain_loops(seed: int) -> None:
    draw = Random(seed)
    names = [(f"cell{number}", region) for number in range(4) for region in ("north", "south")]
    services = [
        {"rate_cell": cell, "region": region, "service_category": category, "base_pmpm": draw.randint(1, 40_000) / 100,
         "completion": 1 + draw.randint(0, 50) / 1000, "program_change": 1 + draw.randint(-30, 30) / 1000,
         "utilization_trend": draw.randint(-20, 40) / 1000, "managed_care": 1 - draw.randint(0, 60) / 1000,
         "unit_cost_trend": 0.04, "unit_cost_trend_low": 0.02, "unit_cost_trend_high": 0.05}
        for cell, region in names
        for category in ("inpatient", "pharmacy", "other")
    ]  # fmt: skip
    cells = [
        {"rate_cell": cell, "region": region, "units": float(draw.randint(1, 9999)), "margin_share": 0.01,
         "non_benefit_pmpm": draw.randint(0, 900) / 100, "non_benefit_share": 0.06, "margin_share_high": 0.02}
        for cell, region in names
    ]  # fmt: skip
    draw.shuffle(services)
    found = rates(services, cells, trend_months=36).rates.to_pylist()
    for row, cell in zip(found, cells, strict=True):
        for name, scenario in (("rate_low", "low"), ("rate", "best"), ("rate_high", "high")):
            expected = naive_medicaid.capitation_rate(services, cell, scenario, 3)
            assert row[name] == pytest.approx(float(expected), abs=0.00500001)


def test_checks_against_the_regulation() -> None:
    found = rates()
    checks = {(row["rate_cell"], row["check"]): row for row in found.checks.to_pylist()}
    assert len(checks) == found.run["checks"] == 8
    width = checks["adult", "range_width"]
    assert (width["limit"], width["passed"]) == (1.05, True)
    assert width["value"] == pytest.approx(
        found.rates["rate_high"][0].as_py() / found.rates["rate_low"][0].as_py()
    )
    certified = checks["adult", "change_from_certified"]
    assert certified["value"] == pytest.approx(215.50 / 204 - 1)
    assert (certified["limit"], certified["passed"]) == (0.015, False)
    assert checks["delivery", "change_from_certified"]["passed"]  # 9,028.94 is 0.32 % more
    assert found.run["checks_failed"] == 1
    assert found.summary().set_index("rate_cell")["checks_failed"].to_dict() == {"adult": 1, "delivery": 0}


@pytest.mark.parametrize(
    ("cell", "check"),
    [
        ({"non_benefit_share": 0.20}, "projected_loss_ratio"),
        ({"withhold_share": 0.30, "withhold_achievable_share": 0.0}, "rate_less_unearned_withhold"),
        ({"non_benefit_share_high": 0.30}, "range_width"),
    ],
)
def test_checks_that_fail(cell: dict, check: str) -> None:
    every = [{**row, **cell} if "non_benefit_share_high" in cell else row for row in CELLS]
    found = rates(cells=changed(every, 0, **cell))
    failed = {(row["rate_cell"], row["check"]) for row in found.checks.to_pylist() if not row["passed"]}
    assert ("adult", check) in failed


def test_parameters_are_the_callers_to_change() -> None:
    found = rates(overrides={"rate_change_without_certification": 0.06})
    assert found.run["checks_failed"] == 0
    named = {row["assumption"]: row for row in found.assumptions.to_pylist()}
    assert named["rate_change_without_certification"]["value"] == "0.06"
    assert "not verified" not in named["mlr_standard"]["meaning"]
    assert named["unit_cost_trend"]["meaning"] == "range: low and high of its own"
    assert named["trend_months"]["value"] == "24"
    before = rates(rating_year=2020)  # ranges were not certified then
    assert "range_width" not in before.checks["check"].to_pylist()
    with pytest.raises(UnknownRateError, match="no mlr_standard for 2010"):
        rates(rating_year=2010)


@pytest.mark.parametrize(
    ("services", "cells", "words"),
    [
        (SERVICES[:2], CELLS, r"no base cost among the services; give its base_pmpm; in 1 of 2 rows"),
        (SERVICES, CELLS[:1], r"no such rate_cell, region in rate cells; give it a row; in 1 of 3 rows"),
        (changed(SERVICES, 0, unit_cost_trend_low=0.7), CELLS, "low assumptions give more than the best"),
        (SERVICES, changed(CELLS, 0, non_benefit_share=0.99), "the divisor must be above 0"),
        (SERVICES, changed(CELLS, 0, unit="week"), r"not allowed in 1 of 2 rows.*allowed: member_month, event"),
        (SERVICES, [CELLS[0], CELLS[0]], "the same rate_cell, region again"),
        (changed(SERVICES, 1, service_category="inpatient"), CELLS, "the same rate_cell, region, service_category"),
        (changed(SERVICES, 0, utilization_trend=-1.0), CELLS, "not above -1.0"),
    ],
)  # fmt: skip
def test_inputs_that_make_no_rate(services: list[dict], cells: list[dict], words: str) -> None:
    with pytest.raises(InputError, match=words):
        rates(services, cells)


def test_everybody_has_one_rate_cell() -> None:
    cells = {
        "rate_cell": ["child", "woman", "man", "disabled"], "age_min": [0, 19, 19, 0], "age_max": [18, 64, 64, 64],
        "sex": ["", "F", "M", ""], "eligibility_category": ["TANF", "TANF", "TANF", "SSI"],
    }  # fmt: skip
    people = {
        "age_years": [18, 19, 19, 40], "sex": ["F", "F", "M", "M"], "eligibility_category": ["TANF"] * 3 + ["SSI"],
    }  # fmt: skip
    assert medicaid.rate_cells_of(people, cells).to_pylist() == ["child", "woman", "man", "disabled"]
    with pytest.raises(InputError, match=r"no rate cell fits.* in 1 of 4 rows \(first rows: 4\)"):
        medicaid.rate_cells_of({**people, "age_years": [1, 20, 20, 65]}, cells)
    both = {name: [*values, values[0]] for name, values in cells.items()} | {
        "rate_cell": ["a", "b", "c", "d", "e"]
    }
    with pytest.raises(InputError, match=r"several rate cells fit.* in 1 of 4 rows \(first rows: 1\)"):
        medicaid.rate_cells_of(people, both)
    with pytest.raises(InputError, match="age_max below age_min"):
        medicaid.rate_cells_of(people, {**cells, "age_max": [18, 64, 18, 64]})


PLANS = [
    {"mco": "alpha", "rate_cell": "adult", "region": "north", "member_months": 100.0, "raw_score": 1.4},
    {"mco": "beta", "rate_cell": "adult", "region": "north", "member_months": 300.0, "raw_score": 1.0},
]


def test_risk_adjustment_by_hand() -> None:
    """The mean is (140 + 300) / 400 = 1.1; alpha 1.4 / 1.1 = 1.272727, beta 0.909091 of 215.50."""
    found = medicaid.risk_adjusted_rates(rates(), table(PLANS))
    alpha, beta = found.rates.to_pylist()
    assert (alpha["average_score"], alpha["factor"]) == pytest.approx((1.1, 1.4 / 1.1))
    assert (alpha["rate"], beta["rate"]) == pytest.approx((274.2727273, 195.9090909))
    assert (alpha["payment"], beta["payment"]) == (27_427.27, 58_772.73)
    (pool,) = found.pools.to_pylist()
    assert (pool["payment_before"], pool["payment"]) == (86_200.0, 86_200.0)
    assert pool["mean_factor"] == pytest.approx(1.0, abs=1e-12)
    assert found.run["moved"] == 5877.27
    summary = found.summary().set_index("mco")
    assert summary["change"].round(2).to_dict() == {"alpha": 5877.27, "beta": -5877.27}


def test_rounded_scores_are_brought_back_to_one() -> None:
    """1.2727 and 0.9091 mean 1.0000 x (127.27 + 272.73) / 400; at one decimal 1.3 and 0.9 mean exactly 1."""
    found = medicaid.risk_adjusted_rates(rates(), table(PLANS), decimals=1)
    assert found.rates["factor"].to_pylist() == pytest.approx([1.3, 0.9])
    third = changed(
        PLANS, 1, raw_score=1.03
    )  # mean 1.1225: 1.2472 and 0.9176 -> 1.2 and 0.9, whose mean is 0.975
    found = medicaid.risk_adjusted_rates(rates(), table(third), decimals=1)
    assert found.rates["factor"].to_pylist() == pytest.approx([1.2 / 0.975, 0.9 / 0.975])


def test_a_rate_of_no_cent_is_refused() -> None:
    with pytest.raises(InputError, match="the low rate comes to less than half a cent"):
        medicaid.capitation_rates(
            {"rate_cell": ["a"], "base_pmpm": [0.001]}, {"rate_cell": ["a"], "units": [1.0]},
            rating_year=YEAR, trend_months=1,
        )  # fmt: skip


def test_months_of_trend_are_a_number() -> None:
    with pytest.raises(InputError, match="trend_months must be a number of months"):
        rates(trend_months=float("nan"))


def test_relative_scores_are_rounded_halves_up() -> None:
    """1.4, 1.0 and 0.8 for 100 months each mean 3.2 / 3: relative 1.3125, 0.9375 and 0.75."""
    plans = {
        "mco": ["a", "b", "c"], "rate_cell": ["adult"] * 3, "member_months": [100.0] * 3, "raw_score": [1.4, 1.0, 0.8],
    }  # fmt: skip
    found = medicaid.risk_adjusted_rates({"rate_cell": ["adult"], "rate": [400.0]}, plans, decimals=3)
    mean = (1.313 + 0.938 + 0.75) / 3
    assert found.rates["factor"].to_pylist() == pytest.approx([1.313 / mean, 0.938 / mean, 0.75 / mean])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from((None, 2, 4)))
def test_risk_adjustment_is_budget_neutral(seed: int, decimals: int | None) -> None:
    """In every region and cell the payments are those before, to the cent, and the mean factor is 1."""
    draw = Random(seed)
    where = [(cell, region) for cell in ("a", "b", "c") for region in ("north", "south")]
    paid = {key: draw.randint(5_000, 200_000) / 100 for key in where}
    plans = [
        {"mco": f"m{number}", "rate_cell": cell, "region": region, "member_months": draw.randint(1, 10**7) / 100,
         "raw_score": draw.randint(200, 5000) / 1000}
        for cell, region in where
        for number in range(draw.randint(1, 5))
    ]  # fmt: skip
    draw.shuffle(plans)
    given_rates = [
        {"rate_cell": cell, "region": region, "rate": rate} for (cell, region), rate in paid.items()
    ]
    found = medicaid.risk_adjusted_rates(table(given_rates), table(plans), decimals=decimals)
    for pool in found.pools.to_pylist():
        rows = [row for row in found.rates.to_pylist() if (row["rate_cell"], row["region"]) == (pool["rate_cell"], pool["region"])]  # fmt: skip # noqa: E501
        cents = [sum(round(row[name] * 100) for row in rows) for name in ("payment_before", "payment")]
        months = sum(row["member_months"] for row in rows)
        assert cents[0] == cents[1]
        assert cents[0] == pytest.approx(100 * months * paid[pool["rate_cell"], pool["region"]], abs=0.51)
        assert sum(row["factor"] * row["member_months"] for row in rows) / months == pytest.approx(
            1, abs=1e-12
        )
    if decimals is None:
        expected = naive_medicaid.adjusted(paid, plans)
        for row in found.rates.to_pylist():
            rate = float(expected[row["mco"], row["rate_cell"], row["region"]])
            assert row["rate"] == pytest.approx(rate, rel=1e-12)
            assert row["payment"] == pytest.approx(rate * row["member_months"], abs=0.0101)


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        (changed(PLANS, 0, rate_cell="delivery"), r"a kick payment \(unit event\) is not risk adjusted"),
        (changed(PLANS, 0, region="south"), "no such rate_cell, region in rates"),
        (changed(PLANS, 0, mco="beta"), "the same mco, rate_cell, region again"),
        (changed(PLANS, 0, raw_score=0.0), "'raw_score': not above 0.0"),
    ],
)
def test_scores_that_cannot_be_used(plans: list[dict], words: str) -> None:
    with pytest.raises(InputError, match=words):
        medicaid.risk_adjusted_rates(rates(), table(plans))


def test_scores_that_round_to_nothing() -> None:
    few = changed(PLANS, 0, raw_score=0.001)
    with pytest.raises(InputError, match="rounds to nothing at 1 decimals"):
        medicaid.risk_adjusted_rates(rates(), table(few), decimals=1)
    with pytest.raises(InputError, match="decimals must lie between 0 and 10"):
        medicaid.risk_adjusted_rates(rates(), table(PLANS), decimals=-1)


def test_mean_scores_of_members() -> None:
    members = {
        "mco": ["a", "a", "b"], "rate_cell": ["adult"] * 3, "member_months": [6, 12, 12], "risk_score": [2.0, 0.5, 1.0],
    }  # fmt: skip
    assert medicaid.average_scores(members).to_pylist() == [
        {"mco": "a", "rate_cell": "adult", "region": "all", "member_months": 18.0, "raw_score": 1.0},
        {"mco": "b", "rate_cell": "adult", "region": "all", "member_months": 12.0, "raw_score": 1.0},
    ]


def test_odd_cents_go_to_the_largest_remainders() -> None:
    assert cents_that_add_up([0.334, 0.333, 0.333], [0, 0, 0], [1.0]).tolist() == [0.34, 0.33, 0.33]
    assert cents_that_add_up([-0.006, 0.006], [0, 0], [0.0]).tolist() == [-0.01, 0.01]


@pytest.mark.parametrize(
    ("cost", "expected"), [(900, 0.0), (918, 0.0), (936, 9.0), (990, 54.0), (864, -9.0), (800, -63.0)]
)
def test_risk_corridor(cost: float, expected: float) -> None:
    """Target 900: nothing within 18, half of 18 to 45, nine tenths beyond, on both sides.

    936: half of 18 is 9. 990: 13.50 + 0.9 x 45 = 54. 800: 13.50 + 0.9 x 55 = 63.
    """
    bands = [Band(0.02, 0.5), Band(0.05, 0.9)]
    given_plans = {"mco": ["a"], "revenue": [1000.0], "benefit_cost": [float(cost)]}
    found = medicaid.medicaid_risk_corridor(given_plans, bands, target_loss_ratio=0.9)
    (row,) = found.plans.to_pylist()
    assert row["payment"] == pytest.approx(expected, abs=1e-9)
    assert row["benefit_cost_after"] == pytest.approx(cost - expected)
    assert found.run["net"] == pytest.approx(expected, abs=1e-9)


def test_corridor_of_a_table_and_of_none() -> None:
    plans = {"mco": ["a", "b"], "revenue": [1000.0, 1000.0], "benefit_cost": [990.0, 810.0]}
    found = medicaid.medicaid_risk_corridor(plans, {"start": [0.0], "share": [0.5]}, target_loss_ratio=0.9)
    assert (found.run["state_pays"], found.run["plans_pay"]) == pytest.approx((45.0, 45.0))
    assert found.summary()["loss_ratio_after"].tolist() == pytest.approx([0.945, 0.855])
    for bands in ({"start": [0.05, 0.02], "share": [0.5, 0.9]}, []):
        with pytest.raises(InputError, match="rising shares of the target"):
            medicaid.medicaid_risk_corridor(plans, bands, target_loss_ratio=0.9)
    with pytest.raises(InputError, match="target_loss_ratio must be above 0"):
        medicaid.medicaid_risk_corridor(plans, [Band(0.0, 0.5)], target_loss_ratio=0.0)


def test_loss_ratio_by_hand() -> None:
    """Ratio 82 of 100: 36,000 member months lie half way between 24,000 (4.0 %) and 48,000 (2.9 %): 3.45 % is added."""
    plans = {
        "mco": ["few", "some", "many", "none"], "incurred_claims": [80e6] * 4, "quality_improvement": [2e6] * 4,
        "premium_revenue": [103e6] * 4, "taxes_and_fees": [3e6] * 4,
        "member_months": [5_400.0, 36_000.0, 400_000.0, 5_399.0],
    }  # fmt: skip
    found = medicaid.medicaid_loss_ratio(plans, rating_year=YEAR)
    few, some, many, none = found.plans.to_pylist()
    assert [row["credibility"] for row in (few, some, many, none)] == pytest.approx([0.084, 0.0345, 0.0, 0.0])
    assert some["loss_ratio"] == pytest.approx(0.8545)
    assert [row["remittance"] for row in (few, some, many, none)] == pytest.approx(
        [0.0, 0.0, 3e6, 0.0], abs=1e-3
    )
    assert [row["meets_standard"] for row in (few, some, many, none)] == [True, True, False, True]
    assert (many["is_fully_credible"], none["is_credible"]) == (True, False)
    said = {(row["parameter"], row["verified"]) for row in found.assumptions.to_pylist()}
    assert said == {("mlr_standard", True), ("mlr_credibility", False)}
    own = medicaid.medicaid_loss_ratio(plans, rating_year=YEAR, standard=0.88, decimals=2)
    assert own.plans["remittance"].to_pylist() == pytest.approx([0.0, 3e6, 6e6, 0.0], abs=1e-3)
    half = {
        **plans,
        "incurred_claims": [83.45e6] * 4,
        "quality_improvement": [1e6] * 4,
        "fraud_prevention": [0.0] * 4,
    }
    rounded = medicaid.medicaid_loss_ratio(half, rating_year=YEAR, decimals=3).plans["loss_ratio"]
    assert rounded[2].as_py() == pytest.approx(0.845)  # 0.8445: halves up
    with pytest.raises(InputError, match="standard must lie between 0 and 1"):
        medicaid.medicaid_loss_ratio(plans, rating_year=YEAR, standard=85)
    with pytest.raises(InputError, match="decimals must lie between 0 and 10"):
        medicaid.medicaid_loss_ratio(plans, rating_year=YEAR, decimals=-1)
    with pytest.raises(InputError, match="taxes_and_fees take the whole premium_revenue"):
        medicaid.medicaid_loss_ratio({**plans, "taxes_and_fees": [103e6] * 4}, rating_year=YEAR)


def test_credibility_is_one_idea_for_every_program() -> None:
    """The tables differ: HHS's reaches zero at its end, CMS's end above it and drop."""
    aca, own = load_rates("aca", YEAR), load_rates("medicaid", YEAR)
    assert credibility(62_500, aca.by_key("mlr_base_credibility"))[0] == pytest.approx(0.006)
    assert credibility([380_000, 380_001], own.by_key("mlr_credibility"))[0].tolist() == [0.01, 0.0]
    assert owed(0.8, standard=0.85, revenue=100.0, is_credible=[True, False]).tolist() == pytest.approx(
        [5.0, 0.0]
    )


def test_results_are_written_and_drawn(tmp_path: Path) -> None:
    found = rates()
    found.write(tmp_path / "rates", chart=True)
    assert sorted(path.name for path in (tmp_path / "rates").iterdir()) == [
        "assumptions.parquet", "capitation_rates.parquet", "capitation_rates.png", "rate_checks.parquet",
        "rate_steps.parquet", "run.json",
    ]  # fmt: skip
    steps = pq.read_table(tmp_path / "rates" / "rate_steps.parquet")
    assert steps.num_rows == 3 * 2 * 11
    medicaid.risk_adjusted_rates(found, table(PLANS)).write(tmp_path / "adjusted", chart=True)
    plans = {"mco": ["a"], "revenue": [1000.0], "benefit_cost": [990.0]}
    medicaid.medicaid_risk_corridor(plans, [Band(0.0, 0.5)], target_loss_ratio=0.9).write(
        tmp_path / "settled"
    )
    assert (tmp_path / "settled" / "settlement.parquet").exists()


def test_command(tmp_path: Path) -> None:
    for name, rows in (("services", SERVICES), ("cells", CELLS), ("scores", PLANS)):
        pcsv.write_csv(table(rows), tmp_path / f"{name}.csv")
    files = (
        "--services",
        tmp_path / "services.csv",
        "--cells",
        tmp_path / "cells.csv",
        "--rating-year",
        YEAR,
    )
    output = tmp_path / "out"
    words = (*files, "--trend-months", 24, "--output", output)
    status, out, err = run("medicaid", "rates", *words, "--scores", tmp_path / "scores.csv")
    assert (status, err) == (0, "")
    assert "215.50" in out
    assert "change_from_certified" in out
    assert pq.read_table(output / "capitation_rates.parquet")["rate"].to_pylist() == [215.50, 9028.94]
    adjusted = pq.read_table(tmp_path / "out_risk_adjusted" / "risk_adjusted_rates.parquet")
    assert adjusted["payment"].to_pylist() == [27_427.27, 58_772.73]
    status, _, err = run("medicaid", "rates", *words)
    assert (status, err.split(":")[0]) == (2, "OutputExistsError")
