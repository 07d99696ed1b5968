"""Revenue forecasts: hand-worked plans, the naive twin, and the laws that every forecast keeps."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from pricing.errors import InputError, UnknownRateError
from pricing.medicare import direct_subsidy, part_c_payment
from pricing.revenue import Assume, Scenario, forecast, payment_calendar, simulate_members
from pricing.revenue.factors import COMPONENTS, cents
from tests.pricing.naive_revenue import naive_forecast
from tests.pricing.revenue_members import membership, one_member

NONE_WITHHELD = {("sequestration", month): 0 for month in range(1, 13)}


def dollars(found, name: str, month: int = 0) -> float:
    return found.month_totals[name][month].as_py()


def test_two_members_one_with_another_payer_first():
    members = membership(
        [{"payment_risk_score": 1.0, "is_msp": False}, {"payment_risk_score": 2.0, "is_msp": True}]
    )
    found = forecast(members, {"payment_rate": [1000.0], "rebate_pmpm": [100.0]}, n_months=2)
    # First: 1,000 x 1.000 + 100 = 1,100, less 2 percent = 1,078.00
    # Second: 1,000 x 2.000 = 2,000, of which 0.173 is kept = 346; + 100 = 446, less 2 percent (8.92) = 437.08
    assert dollars(found, "part_c_risk") == 3000.00
    assert dollars(found, "part_c_msp") == -1654.00
    assert dollars(found, "part_c_rebate") == 200.00
    assert dollars(found, "part_c_sequestration") == -30.92
    assert dollars(found, "revenue") == dollars(found, "cms_payment") == 1515.08
    assert found.cohort_months["revenue"].to_pylist()[:2] == [1078.00, 437.08]
    assert found.month_totals["revenue_pmpm"][0].as_py() == pytest.approx(757.54)


def test_scores_of_three_runs_and_when_they_are_settled():
    scenario = Scenario(
        "runs", (Assume("completion_initial", 0.9), Assume("completion_mid_year", 0.95)), scored_as="final"
    )
    found = forecast(
        one_member(), {"payment_rate": [1000.0]}, scenario=scenario, n_months=12, overrides=NONE_WITHHELD
    )
    # Earned 1,000 a month. January to June 900 are paid; July 950 and 6 x 50 for the months before; August to December
    # 950; the last 50 of each month in August 2027.
    payments = found.to_pandas("payments")
    expected = {"prospective": 6 * 900 + 6 * 950, "mid_year_adjustment": 300, "final_settlement": 600}
    assert payments.groupby("kind")["dollars"].sum().to_dict() == expected
    by_month = payments.groupby(pd.to_datetime(payments["month"]))["dollars"].sum()
    assert by_month[pd.Timestamp(2026, 7, 1)] == 1250
    assert by_month[pd.Timestamp(2027, 8, 1)] == 600
    balance = found.accruals["balance"].to_pylist()
    assert balance[5] == 600  # 6 x 100 not yet paid at the end of June
    assert balance[6] == 350  # + 50 - 300
    assert balance[11] == 600  # + 5 x 50
    assert balance[18] == 600  # July 2027
    assert balance[19] == 0
    assert found.accruals["earned"].to_pylist()[11:13] == [1000, 0]


def test_scores_given_as_initial_are_completed():
    scenario = Scenario("early", (Assume("completion_initial", 0.8),), scored_as="initial")
    found = forecast(one_member(0.8), {"payment_rate": [1000.0]}, scenario=scenario, n_months=1)
    assert dollars(found, "part_c_risk") == 1000.00
    assert found.service_months["initial"].to_pylist() == [784.00]  # 800 less 2 percent


def test_the_scores_given_are_as_complete_as_the_base_month():
    # Initial scores of 2026, 80 % complete: 1.0 when complete, in 2027 too, though its initial run will have 90 %.
    rows = (Assume("completion_initial", 0.8), Assume("completion_initial", 0.9, first_month="2027-01"))
    found = forecast(
        one_member(0.8), {"payment_rate": [1000.0]}, scenario=Scenario("later", rows, scored_as="initial"),
        n_months=13, overrides=NONE_WITHHELD,
    )  # fmt: skip
    months = found.service_months.to_pylist()
    assert [(months[place]["initial"], months[place]["final"]) for place in (0, 12)] == [
        (800, 1000),
        (900, 1000),
    ]


def test_what_is_known_late_is_paid_late():
    scenario = Scenario("late", (Assume("retroactive", 0.1),), retroactive_lag_months=2)
    found = forecast(
        one_member(), {"payment_rate": [1000.0]}, scenario=scenario, n_months=3, overrides=NONE_WITHHELD
    )
    # 900 in the month, 100 two months later: 900, 900, 1,000, 100, 100
    assert found.accruals["paid"].to_pylist() == [900, 900, 1000, 100, 100]
    assert found.accruals["balance"].to_pylist() == [100, 200, 200, 100, 0]


def test_the_mid_year_run_may_pay_from_august():
    calendar = payment_calendar([2026], overrides={("pays_from_month", "mid_year"): 8})
    scenario = Scenario("runs", (Assume("completion_initial", 0.9),), scored_as="final")
    found = forecast(
        one_member(), {"payment_rate": [1000.0]}, scenario=scenario, n_months=12, overrides=NONE_WITHHELD,
        calendar=calendar,
    )  # fmt: skip
    assert found.accruals["paid"].to_pylist()[6:8] == [900, 1700]


def test_part_c_is_the_payment_of_each_member():
    rng = random.Random(3)
    rows = [
        {
            "payment_risk_score": round(rng.uniform(0.2, 4), 3),
            "is_msp": rng.random() < 0.3,
            "is_hospice": rng.random() < 0.2,
        }
        for _ in range(60)
    ]
    terms = {
        "payment_rate": [987.65], "rebate_pmpm": [101.23], "basic_member_premium": [12.5], "frailty": [0.1],
    }  # fmt: skip
    found = forecast(membership(rows), terms, n_months=1)
    expected = sum(
        float(
            part_c_payment(
                payment_rate=987.65,
                risk_score=row["payment_risk_score"],
                payment_year=2026,
                month=1,
                rebate=101.23,
                basic_member_premium=12.5,
                frailty=0.1,
                secondary_payer="aged_disabled" if row["is_msp"] else None,
                is_hospice=row["is_hospice"],
            )
        )
        for row in rows
    )
    assert dollars(found, "cms_payment") == pytest.approx(expected, abs=0.005 * 4 * len(found.cohorts))


def test_part_d_is_the_direct_subsidy_of_the_bid():
    scores = {"member_id": ["m0", "m1"], "payment_risk_score": [0.8, 1.4]}
    members = membership(
        [
            {"payment_risk_score": 1.0, "is_low_income": True},
            {"payment_risk_score": 1.0, "is_low_income": False},
        ],
        part_d_scores=scores,
    )
    terms = {
        "payment_rate": [0.0], "part_d_bid": [250.0], "part_d_low_income_pmpm": [30.0],
        "part_d_reinsurance_pmpm": [45.5], "member_premium": [7.0],
    }  # fmt: skip
    found = forecast(members, terms, n_months=1)
    expected = float(direct_subsidy(250.0, risk_score=[0.8, 1.4], payment_year=2026).sum())
    assert dollars(found, "part_d_direct_subsidy") == pytest.approx(expected, abs=0.011)
    assert dollars(found, "part_d_sequestration") == pytest.approx(-0.02 * expected, abs=0.011)
    assert dollars(found, "part_d_low_income") == 30.00  # of the one with the subsidy
    assert dollars(found, "part_d_reinsurance") == 91.00
    # Base premium 38.99 (2026) and 250 less the average bid of 239.27 make 49.72
    assert dollars(found, "part_d_premium") == 99.44
    assert dollars(found, "member_premium") == 14.00
    assert dollars(found, "revenue") == pytest.approx(dollars(found, "cms_payment") + 99.44 + 14.00)


def test_dialysis_is_paid_its_own_rate_and_hospice_the_rebate():
    members = membership(
        [
            {"payment_risk_score": 1.5, "esrd_status": "dialysis", "is_hospice": False},
            {"payment_risk_score": 1.0, "esrd_status": "graft", "is_hospice": False},
            {"payment_risk_score": 3.0, "esrd_status": "none", "is_hospice": True},
        ]
    )
    terms = {"payment_rate": [1000.0], "esrd_payment_rate": [8000.0], "rebate_pmpm": [50.0]}
    found = forecast(members, terms, n_months=1, overrides=NONE_WITHHELD)
    assert dict(zip(found.cohorts.values("status"), found.cohort_months["revenue"].to_pylist(), strict=True)) == {
        "dialysis": 12_050.0, "graft": 1050.0, "hospice": 50.0,
    }  # fmt: skip


STATUSES = ("hospice", "full_dual", "non_dual")


@pytest.mark.parametrize("seed", range(6))
def test_the_naive_twin(seed: int):
    rng = random.Random(seed)
    contracts, counties = ("H1", "H2"), ("10", "20")
    people = [((c, k, s), round(rng.uniform(0.3, 3), 3)) for c in contracts for k in counties for s in STATUSES for _ in range(rng.randint(1, 9))]  # fmt: skip # noqa: E501
    rng.shuffle(people)
    p = {name: rng.uniform(0, 0.05) for name in ("death", "institution", "lapse", "january", "move")}
    sales, death_score, coding, growth = (
        rng.uniform(0, 5),
        rng.uniform(0.5, 2),
        rng.uniform(-0.02, 0.04),
        0.03,
    )
    rates = {(c, k): round(rng.uniform(800, 1300), 2) for c in contracts for k in counties}
    second_year = {place: rate + 25 for place, rate in rates.items()}
    scenario = Scenario(
        "random",
        (
            Assume("death", p["death"]), Assume("death", p["institution"], where={"status": "hospice"}),
            Assume("lapse", p["lapse"]), Assume("lapse", p["january"], calendar_months=(1,)),
            Assume("transition", p["move"], where={"status": ("non_dual", "hospice")}, to={"status": "full_dual"},
                   first_month="2026-03"),
            Assume("new_sales", sales, where={"contract_id": "H2"}), Assume("death_score", death_score),
            Assume("coding_trend", coding), Assume("model_change", 0.97, first_month="2027-01"),
            Assume("rate_trend", growth),
        ),
    )  # fmt: skip
    rows = [
        {"contract_id": c, "county_code": k, "status": s, "payment_risk_score": x} for (c, k, s), x in people
    ]
    keys = list(rates)
    terms = {
        "contract_id": [c for c, _ in keys] * 2, "county_code": [k for _, k in keys] * 2,
        "payment_year": [2026] * len(keys) + [2027] * len(keys),
        "payment_rate": [*rates.values(), *second_year.values()], "rebate_pmpm": [88.8] * 2 * len(keys),
    }  # fmt: skip
    found = forecast(
        membership(rows, by=("contract_id", "county_code", "status")), terms, scenario=scenario, n_months=30
    )
    in_h2 = {cohort: sum(other == cohort for other, _ in people) for cohort, _ in people if cohort[0] == "H2"}
    twin = naive_forecast(
        people,
        rate=lambda cohort, month: (
            rates[cohort[:2]] if month < 12 else second_year[cohort[:2]] * (1 if month < 24 else 1 + growth)
        ),
        rebate=88.8,
        n_months=30,
        death=lambda cohort, month: p["institution"] if cohort[2] == "hospice" else p["death"],
        lapse=lambda cohort, month: p["january"] if month % 12 == 0 else p["lapse"],
        moves=lambda cohort, month: p["move"] if month >= 2 else 0.0,
        joins=lambda cohort, month: sales * in_h2.get(cohort, 0) / sum(in_h2.values()),
        death_score=death_score,
        score_factor=lambda month: (1 + coding) ** (month // 12) * (0.97 if month >= 12 else 1.0),
        withheld=0.02,
    )
    place = {row: number for number, row in enumerate(zip(*(found.cohorts.values(n) for n in found.cohorts.by), strict=True))}  # fmt: skip # noqa: E501
    for (cohort, month), expected in twin.items():
        at = place[cohort], month
        assert found.factors.members[at] == pytest.approx(expected["members"], rel=1e-12)
        assert found.factors.score[at] == pytest.approx(expected["score"], rel=1e-12)
        for name in ("part_c_risk", "part_c_rebate", "part_c_sequestration"):
            assert found.cents[name][at] == expected[name], (cohort, month, name)


def random_scenario() -> Scenario:
    return Scenario(
        "busy",
        (
            Assume("death", 0.004), Assume("death_score", 1.6), Assume("lapse", 0.012),
            Assume("transition", 0.01, to={"status": "full_dual"}),
            Assume("transition", 0.002, to={"status": "institutional"}),
            Assume("new_sales", 6.0), Assume("aging_in", 2.0), Assume("aging_in_score", 0.6),
            Assume("coding_trend", 0.012), Assume("rate_trend", 0.045), Assume("rebate_trend", -0.1),
            Assume("completion_initial", 0.93), Assume("completion_mid_year", 0.97), Assume("retroactive", 0.004),
        ),
        scored_as="mid_year",
    )  # fmt: skip


def random_rows(seed: int, n: int = 80) -> list[dict]:
    rng = random.Random(seed)
    return [
        {
            "member_id": f"{number:03}", "payment_risk_score": round(rng.uniform(0.2, 5), 3),
            "contract_id": rng.choice(["H1", "H2"]), "county_code": rng.choice(["10", "20"]),
            "dual_status_code": rng.choice(["NA", "02", "01"]), "is_msp": rng.random() < 0.05,
        }
        for number in range(n)
    ]  # fmt: skip


TERMS = {"payment_rate": [1043.17], "rebate_pmpm": [77.77], "member_premium": [19.99]}


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_changes_every_month_is_the_base_month(seed: int):
    found = forecast(membership(random_rows(seed)), TERMS, n_months=36)
    for name in COMPONENTS:
        assert (found.cents[name] == found.cents[name][:, :1]).all()
    base = sum(round(100 * part) for part in found.base["dollars"].to_pylist())
    assert {round(100 * month) for month in found.month_totals["revenue"].to_pylist()} == {base}
    assert found.to_pandas("accruals")[["movement", "balance"]].abs().to_numpy().sum() == 0


@pytest.mark.parametrize("seed", range(4))
def test_parts_add_up_to_the_cent(seed: int):
    found = forecast(membership(random_rows(seed)), TERMS, scenario=random_scenario(), n_months=24)
    total = int(found.total_cents.sum())
    assert total == sum(int(found.cents[name].sum()) for name in COMPONENTS)
    for table, column in (("month_totals", "revenue"), ("cohort_months", "revenue")):
        assert sum(round(100 * value) for value in getattr(found, table)[column].to_pylist()) == total
    from_members = sum(int(found.cents[name].sum()) for name in ("member_premium", "part_d_premium"))
    paid = [round(100 * value) for value in found.payments["dollars"].to_pylist()]
    assert sum(paid) == total - from_members
    assert found.accruals["balance"].to_pylist()[-1] == 0
    grouped = found.by_month("contract_id").to_pandas().groupby("month")["revenue"].sum()
    assert np.allclose(grouped, found.to_pandas()["revenue"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_changes_nothing(seed: int):
    rows = random_rows(seed)
    shuffled = rows[:]
    random.Random(99).shuffle(shuffled)
    first, second = (
        forecast(membership(each), TERMS, scenario=random_scenario(), n_months=24)
        for each in (rows, shuffled)
    )
    assert first.cohort_months.equals(second.cohort_months)
    assert first.payments.equals(second.payments)


def test_members_are_conserved():
    found = forecast(membership(random_rows(1)), TERMS, scenario=random_scenario(), n_months=24)
    moves = found.to_pandas("movements")
    closing = (
        moves["opening"] - moves["deaths"] - moves["lapses"] - moves["moved_out"] + moves["moved_in"]
        + moves["new_sales"] + moves["aging_in"]
    )  # fmt: skip
    assert np.allclose(closing, moves["closing"], rtol=1e-12)
    assert np.allclose(moves["moved_in"], moves["moved_out"], rtol=1e-12)
    assert moves["moved_in"].sum() > 1
    assert moves["new_sales"].tolist()[1:] == [pytest.approx(6.0)] * 23
    # Institutional members are none of the base month: their cohort was made for those who move there.
    assert "institutional" in found.cohorts.values("status")


def test_drawn_members_are_whole_and_mean_what_is_expected():
    found = forecast(membership(random_rows(2, n=400)), TERMS, scenario=random_scenario(), n_months=12)
    drawn = simulate_members(found.flows, found.factors.members[:, 0], draws=400, seed=5)
    again = simulate_members(found.flows, found.factors.members[:, 0], draws=400, seed=5)
    assert (drawn == again).all()
    assert drawn.min() >= 0
    totals = drawn.sum(axis=1)
    expected = found.factors.members.sum(axis=0)
    error = totals.std(axis=0) / np.sqrt(400)
    assert (abs(totals.mean(axis=0) - expected)[1:] < 4 * error[1:]).all()
    assert (totals[:, 0] == 400).all()


def test_scores_of_later_years_are_exact():
    rows = [{"member_id": "a", "payment_risk_score": 1.0}, {"member_id": "b", "payment_risk_score": 3.0}]
    later = {2027: {"member_id": ["b", "a"], "payment_risk_score": [2.5, 1.1]}}
    found = forecast(membership(rows, later_scores=later), {"payment_rate": [1000.0]}, n_months=25)
    assert dollars(found, "part_c_risk", 11) == 4000.00
    assert dollars(found, "part_c_risk", 12) == dollars(found, "part_c_risk", 24) == 3600.00


def test_given_members():
    counts = {"month": ["2026-02-01", "2026-03-01"], "members": [200.0, 50.0]}
    rows = [{"payment_risk_score": 1.0, "county_code": "10"}] * 3 + [
        {"payment_risk_score": 2.0, "county_code": "20"}
    ]
    found = forecast(membership(rows), {"payment_rate": [1000.0]}, n_months=3, enrollment=counts)
    assert found.month_totals["members"].to_pylist() == [4.0, 200.0, 50.0]
    # 150 members of 1.000 and 50 of 2.000
    assert dollars(found, "part_c_risk", 1) == 250_000.00
    with pytest.raises(
        InputError, match=r"members are given by enrollment=, so the scenario cannot assume lapse too"
    ):
        forecast(membership(rows), TERMS, enrollment=counts, n_months=3, scenario=Scenario("s", (Assume("lapse", 0.1),)))  # fmt: skip # noqa: E501
    with pytest.raises(InputError, match="enrollment has no members for 1 pairs of cohort and month, the first in 2026-04"):  # fmt: skip # noqa: E501
        forecast(membership(rows), TERMS, enrollment=counts, n_months=4)


def test_explained_to_the_cent():
    found = forecast(membership(random_rows(3)), TERMS, scenario=random_scenario(), n_months=24)
    built = found.explain("2027-11")
    assert np.allclose(built.value * 100, found.total_cents[:, 22], rtol=0, atol=1e-5)
    one = found.explain("2027-11", where={"contract_id": "H1", "county_code": "10", "status": "full_dual", "payer": "primary"})  # fmt: skip # noqa: E501
    assert len(one.labels) == 1
    assert abs(built.table().to_pandas().query("step == 'rounding to cents'")["value"]).max() < 0.06
    with pytest.raises(InputError, match="2029-01 is not in the forecast, which has 2026-01 to 2027-12"):
        found.explain("2029-01")


def test_halves_of_a_cent_go_away_from_zero():
    # 1,234.50 x 1.130 = 1,394.985, which no binary number is
    assert cents(np.array([1234.5 * 1.13, -1234.5 * 1.13, 0.004, 0.0])).tolist() == [139499, -139499, 0, 0]


def test_a_year_beyond_the_law_asks_for_it():
    with pytest.raises(UnknownRateError, match="medicare has no sequestration"):
        forecast(one_member(), {"payment_rate": [1000.0]}, n_months=200)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"rate": [1.0]}, "lacks 'payment_rate'"),
        ({**TERMS, "rebate": [1.0]}, "column 'rebate' is no term and no column of the cohorts"),
        (
            {"payment_rate": [1.0], "plan_id": ["002"]},
            "no terms .* for 1 of 1 cohorts, the first with plan_id 001",
        ),
        ({"payment_rate": [1.0, 2.0]}, "the same payment_year again in 1 of 2 rows"),
        ({"payment_rate": [1.0], "payment_year": [2027]}, "begin with 2027; give terms of 2026"),
        ({"payment_rate": [-1.0]}, "column 'payment_rate': below 0"),
        ({**TERMS, "part_d_bid": [1.0]}, "members have no Part D scores"),
        ({**TERMS, "part_d_low_income_pmpm": [1.0]}, "make cohorts by low_income"),
    ],
)
def test_terms_that_are_refused(terms: dict, message: str):
    with pytest.raises(InputError, match=message):
        forecast(one_member(), terms)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([Assume("lapse", 0.1, where={"county": "1"})], "no column 'county'; nearest: county_code"),
        ([Assume("lapse", 0.1, where={"plan_id": "01"})], "lapse: no cohort has plan_id '01'; nearest: 001"),
        ([Assume("death", 0.6), Assume("death_score", 2.0)], "more score leaves than there is"),
        (
            [Assume("transition", 0.6, to={"status": to}) for to in ("graft", "hospice")],
            "add up to more than 1",
        ),
    ],
)
def test_scenarios_that_do_not_fit(rows: list[Assume], message: str):
    with pytest.raises(InputError, match=message):
        forecast(one_member(), TERMS, scenario=Scenario("s", tuple(rows)))


def test_calls_that_are_refused():
    with pytest.raises(InputError, match="n_months must be at least 1"):
        forecast(one_member(), TERMS, n_months=0)
    with pytest.raises(InputError, match="before the base month, 2026-01"):
        forecast(one_member(), TERMS, first_month="2025-12")
    with pytest.raises(InputError, match="1 cohorts are on dialysis and have no esrd_payment_rate"):
        forecast(one_member(esrd_status="dialysis"), TERMS)
    found = forecast(one_member(), TERMS, n_months=1)
    with pytest.raises(InputError, match="no chart 'pie'"):
        found.plot("pie")
    with pytest.raises(InputError, match="no table 'rows'"):
        found.to_pandas("rows")
