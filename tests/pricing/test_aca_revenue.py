"""ACA revenue by month: plans worked by hand, cents that add up, the bundled market as the formula has it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import riskadj
from pricing.aca.enrollees import enrollees_of_scores
from pricing.aca.market import market_of_enrollees
from pricing.aca.transfer import risk_transfer
from pricing.errors import InputError
from pricing.parameters import load_rates
from pricing.revenue import Assume, Scenario
from pricing.revenue.aca import AcaRevenue, aca_revenue
from pricing.revenue.aca_issuer import COMPONENTS, HighCost, LossRatioInputs, spread_cents
from pricing.revenue.aca_months import PlanMonths, plan_months

DATA = Path(__file__).resolve().parents[2] / "data" / "synthetic_aca"
YEAR = 2026


def enrollee(
    plan: str, *, score: float = 1.0, months: float = 12, begin: date = date(YEAR, 1, 1), **more: Any
) -> dict[str, Any]:
    return {
        "state": "XX", "market": "individual", "issuer_id": plan[:1] * 5, "plan_id": plan, "rating_area": "1",
        "metal_level": "silver", "age_years": 21, "months_enrolled": months, "payment_risk_score": score,
        "premium_pmpm": 400.0, "enrollment_start_date": begin, **more,
    }  # fmt: skip


#: Issuer 11111 has one healthy member; issuer 22222 one twice as sick.
TWO = [enrollee("1a", score=0.8), enrollee("2a", score=1.6)]


def months_of(*rows: dict[str, Any], **options: Any) -> PlanMonths:
    return plan_months(pa.Table.from_pylist(list(rows)), benefit_year=YEAR, **options)


DEARER = Scenario("dearer", (Assume("rate_trend", 0.1),))


def revenue(**options: Any) -> AcaRevenue:
    return aca_revenue(months_of(*TWO), **({"issuer_id": "11111"} | options))


def column(found: AcaRevenue, name: str) -> list[int]:
    return [round(100 * value) for value in found.months[name].to_pylist()]


def test_two_issuers_by_hand():
    found = aca_revenue(months_of(*TWO), issuer_id="11111")
    share = load_rates("aca", YEAR).number("transfer_premium_share")
    # relative risk 0.8 / 1.2 against 1: share x 400 x (2/3 - 1) a month, for 12 months
    expected = share * 400 * (2 / 3 - 1) * 12
    assert sum(column(found, "transfer")) == round(100 * expected)
    assert column(found, "premium") == [40_000] * 12
    assert all(abs(cents - 100 * expected / 12) < 1 for cents in column(found, "transfer"))
    other = aca_revenue(months_of(*TWO), issuer_id="22222")
    assert sum(column(other, "transfer")) == -sum(column(found, "transfer"))


def test_transfers_fall_where_months_are_billed():
    rows = [enrollee("1a", score=0.8, months=3, begin=date(YEAR, 4, 1)), enrollee("2a", score=1.6)]
    found = aca_revenue(months_of(*rows), issuer_id="11111")
    cents = column(found, "transfer")
    assert [bool(value) for value in cents] == [False] * 3 + [True] * 3 + [False] * 6
    assert found.months["billable_member_months"].to_pylist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


def test_high_cost_pool_and_rebate_by_hand():
    pool = {"individual": HighCost(600.0, 0.01)}
    # premium 4,800; 1,000 of it taxes: 3,800. Claims 2,000 less what transfers and the pool (600 - 48) bring.
    ratios = {"individual": LossRatioInputs(2000.0, 100.0, 1000.0, 0.0, 500_000.0, 1_000_000.0, 100_000)}
    found = aca_revenue(months_of(*TWO), issuer_id="11111", high_cost=pool, loss_ratios=ratios)
    transfer = sum(column(found, "transfer")) / 100
    ratio = round((500_000 + 2100 - transfer - 552) / (1_000_000 + 3800), 3)
    assert sum(column(found, "high_cost_payment")) == 60_000
    assert sum(column(found, "high_cost_charge")) == -4_800
    assert found.loss_ratios["XX", "individual"].ratio == ratio
    assert sum(column(found, "mlr_rebate")) == -round(100 * (0.8 - ratio) * 3800)


@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_to_the_cent(seed: int):
    random = np.random.default_rng(seed)
    rows = [
        enrollee(
            f"{1 + number % 3}{'abc'[number % 2]}", score=float(random.gamma(2)), months=int(random.integers(1, 5)),
            begin=date(YEAR, int(random.integers(1, 9)), 1), premium_pmpm=float(np.round(random.uniform(200, 900), 2)),
            age_years=int(random.integers(0, 64)), metal_level=["silver", "gold"][number % 2],
        )
        for number in range(60)
    ]  # fmt: skip
    pool = {"individual": HighCost(1234.56, 0.0031)}
    ratios = {"individual": LossRatioInputs(20_000.0, 10.0, 700.0, 2600.0, 1e6, 2e6, 5000)}
    found = aca_revenue(months_of(*rows), issuer_id="11111", high_cost=pool, loss_ratios=ratios)
    for row in found.months.to_pylist():
        assert sum(round(100 * row[name]) for name in COMPONENTS) == round(100 * row["revenue"])
    for name in ("premium", "transfer"):
        assert round(100 * sum(found.plan_months[name].to_pylist())) == sum(column(found, name))
    plans = found.transfer.plans.to_pylist()
    assert sum(column(found, "transfer")) == round(
        100 * sum(r["transfer"] for r in plans if r["issuer_id"] == "11111")
    )
    settled = {row["component"]: round(100 * row["dollars"]) for row in found.settlement.to_pylist()}
    assert settled == {name: sum(column(found, name)) for name in COMPONENTS if name != "premium"}
    accruals = found.accruals.to_pylist()
    assert accruals[-1]["balance"] == 0
    assert len(accruals) == 21  # January to the September after
    assert round(100 * accruals[11]["balance"]) == sum(settled.values())
    assert sum(column(found, "mlr_rebate")) < 0


def test_nothing_changed_repeats_the_base_month():
    rows = [*TWO, enrollee("1a", score=3.0, months=4, begin=date(YEAR, 1, 1))]
    known = months_of(*rows)
    again = known.projected(base_month=f"{YEAR}-06")
    for name, values in again.measures.items():
        assert (values[:, 6:] == values[:, 5:6]).all(), name
        assert (values[:, :6] == known.measures[name][:, :6]).all(), name
    found = aca_revenue(again, issuer_id="11111")
    assert column(found, "premium")[5:] == [40_000] * 7


def test_a_scenario_moves_members_and_their_risk():
    known = months_of(*[enrollee("1a", score=0.5), enrollee("1a", score=1.5), enrollee("2a", score=1.0)])
    leaving = Scenario(
        "leaving", (Assume("lapse", 0.1, where={"issuer_id": "11111"}), Assume("lapse_score", 0.5))
    )
    found = known.projected(base_month=f"{YEAR}-01", scenario=leaving)
    assert found.measures["members"][0, :3].tolist() == pytest.approx([2, 1.8, 1.62])
    assert found.measures["premium"][0, 1] == pytest.approx(1.8 * 400)
    assert found.measures["age"][0, 1] == pytest.approx(1.8 * known.measures["age"][0, 0] / 2)
    assert found.measures["risk"][0, 1] == pytest.approx(2.0 * (1 - 0.1 * 0.5))
    joining = Scenario(
        "joining", (Assume("new_sales", 4, where={"plan_id": "2a"}), Assume("new_sales_score", 2.0))
    )
    more = known.projected(base_month=f"{YEAR}-11", scenario=joining)
    assert more.measures["members"][1, 10:].tolist() == [1, 5]
    assert more.measures["risk"][1, 11] == pytest.approx(1 + 4 * 2.0)
    assert more.measures["billed"][1, 11] == pytest.approx(5)


@pytest.mark.parametrize(
    ("begin", "months", "expected"),
    [
        (date(YEAR, 3, 1), 2, {2: 1, 3: 1}),
        (date(YEAR, 3, 15), 2, {3: 1, 4: 1}),
        (date(YEAR, 12, 17), 15 / 31, {11: 15 / 31}),
        (date(YEAR, 11, 16), 1.5, {10: 0.5, 11: 1}),
        (date(YEAR, 1, 1), 1.25, {0: 1, 1: 0.25}),
    ],
)
def test_months_of_a_span(begin: date, months: float, expected: dict[int, float]):
    found = months_of(enrollee("1a", months=months, begin=begin)).measures["members"][0]
    assert {place: pytest.approx(value) for place, value in enumerate(found) if value} == expected


def test_incomplete_scores_are_completed():
    whole, part = months_of(*TWO), months_of(*TWO, score_completion=0.8)
    assert part.measures["risk"] == pytest.approx(whole.measures["risk"] / 0.8)
    assert part.measures["billed"].tolist() == whole.measures["billed"].tolist()


def test_competitors_or_state_averages_in_place_of_the_market():
    own = months_of(TWO[0])
    whole = aca_revenue(months_of(*TWO), issuer_id="11111")
    competitor = {
        "state": ["XX"], "market": ["individual"], "issuer_id": ["22222"], "plan_id": ["2a"], "rating_area": ["1"],
        "metal_level": ["silver"], "billable_member_months": [12.0], "plrs": [1.6], "arf": [1.0],
        "premium_pmpm": [400.0],
    }  # fmt: skip
    found = aca_revenue(own, issuer_id="11111", competitors=competitor)
    assert column(found, "transfer") == column(whole, "transfer")
    averages = {"state": ["XX"], "market": ["individual"], "pool": ["metal"], "premium_pmpm": [400.0], "plrs": [1.2],
                "arf": [1.0], "av": [0.7], "idf": [1.03]}  # fmt: skip
    estimated = aca_revenue(
        own, issuer_id="11111", state_averages=averages, geographic_cost_factors={"1": 1.0}
    )
    assert sum(column(estimated, "transfer")) == pytest.approx(sum(column(whole, "transfer")), abs=1)
    assert estimated.run["transfer"] == "estimated from state averages"


@pytest.fixture(scope="module")
def enrollees() -> pa.Table:
    files = {name: DATA / f"{name}.parquet" for name in ("enrollment", "diagnoses", "drugs")}
    scores = riskadj.score(
        files["enrollment"], files["diagnoses"], drugs=files["drugs"], program="hhs", payment_year=YEAR
    )
    return enrollees_of_scores(scores.payment_scores, files["enrollment"], benefit_year=YEAR)


def test_the_bundled_market_has_the_transfers_of_the_formula(enrollees: pa.Table):
    known = plan_months(enrollees, benefit_year=YEAR)
    market = market_of_enrollees(enrollees, benefit_year=YEAR)
    expected = risk_transfer(market, benefit_year=YEAR).plans.to_pylist()
    total = 0
    for issuer in sorted({row["issuer_id"] for row in expected}):
        found = aca_revenue(known, issuer_id=issuer)
        own = sum(round(100 * row["transfer"]) for row in expected if row["issuer_id"] == issuer)
        assert sum(column(found, "transfer")) == own
        total += sum(column(found, "transfer"))
    assert total == 0
    billed = sum(row["billable_member_months"] for row in expected)
    assert known.measures["billed"].sum() == pytest.approx(billed)


def test_cents_are_spread_evenly():
    assert spread_cents(100, np.array([1.0, 1.0, 1.0])).sum() == 100
    assert spread_cents(-7, np.array([0.0, 2.0, 2.0])).tolist() == [0, -4, -3]
    assert spread_cents(5, np.zeros(3)).tolist() == [0, 0, 5]
    assert spread_cents(0, np.ones(4)).tolist() == [0] * 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: months_of(*TWO, score_completion=0), "score_completion must be above 0"),
        (lambda: months_of(enrollee("1a", begin=date(YEAR - 1, 12, 1))), "lies before the benefit year"),
        (lambda: months_of(enrollee("1a", begin=date(YEAR, 6, 1))), "reach beyond the benefit year"),
        (lambda: revenue(issuer_id="11112"), "no plan of issuer 11112; nearest: 11111"),
        (
            lambda: revenue(high_cost={"indvidual": HighCost(0, 0)}),
            "no market 'indvidual'; nearest: individual",
        ),
        (lambda: revenue(geographic_cost_factors={"2": 1.0}), "lack rating area 1"),
        (lambda: HighCost(-1, 0), "pays 0 or more"),
        (lambda: months_of(*TWO).projected(base_month="2031-01"), "is not in benefit year"),
        (
            lambda: months_of(enrollee("1a", months=2)).projected(base_month=f"{YEAR}-06"),
            "nobody is enrolled in",
        ),
        (lambda: months_of(*TWO).projected(base_month=f"{YEAR}-06", scenario=DEARER), "take enrollment only"),
        (lambda: revenue().to_pandas("month"), "nearest: months"),
    ],
)
def test_refusals(call: Any, message: str):
    with pytest.raises(InputError, match=message):
        call()


def test_it_is_written_shown_and_charted(tmp_path: Path):
    found = aca_revenue(months_of(*TWO), issuer_id="11111", high_cost={"individual": HighCost(10, 0.001)})
    target = found.write(tmp_path / "aca", chart=True)
    assert {path.name for path in target.iterdir()} == {
        *(f"{n}.parquet" for n in AcaRevenue.TABLES.values()),
        "run.json",
        "aca_revenue_months.png",
    }
    assert found.summary()["component"].tolist() == [*COMPONENTS, "revenue"]
    assert found.plot().axes[0].get_title() == "Revenue of issuer 11111 by month, as accrued"
    assert any(
        "aca_settlement_month transfer" in name for name in found.assumptions["assumption"].to_pylist()
    )
    assert "issuer 11111, benefit year 2026" in repr(found)
