"""The bundled ACA extract from enrollment to transfers: scores, enrollees, plan averages, zero sums."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from pricing.aca.enrollees import enrollees_of_scores, market_of_scores
from pricing.aca.market import market_of_enrollees
from pricing.aca.transfer import risk_transfer
from pricing.errors import InputError
from pricing.parameters import load_rates
from tests.pricing.test_transfer import naive_transfers

DATA = Path(__file__).resolve().parents[2] / "data" / "synthetic_aca"
YEAR = 2026
PLAN = ("state", "market", "issuer_id", "plan_id", "rating_area", "metal_level")


@pytest.fixture(scope="module")
def scores() -> riskadj.Scores:
    return riskadj.score(
        DATA / "enrollment.parquet",
        DATA / "diagnoses.parquet",
        drugs=DATA / "drugs.parquet",
        program="hhs",
        payment_year=YEAR,
    )


@pytest.fixture(scope="module")
def enrollees(scores: riskadj.Scores) -> pa.Table:
    return enrollees_of_scores(scores.payment_scores, DATA / "enrollment.parquet", benefit_year=YEAR)


def naive_averages(scores: riskadj.Scores) -> dict[tuple[str, ...], dict[str, float]]:
    """Plan averages with loops over rows: who is billed, at which age, and each sum."""
    rates, first_day = load_rates("aca", YEAR), {}
    rows = pq.read_table(DATA / "enrollment.parquet").to_pylist()
    for row in rows:
        key = row["member_id"], row["plan_id"]
        first_day[key] = min(first_day.get(key, date.max), row["enrollment_start_date"])
    ages, children = {}, defaultdict(list)
    for row in rows:
        key, birth = (row["member_id"], row["plan_id"]), row["birth_date"]
        if key not in ages:
            day = first_day[key]
            ages[key] = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
            if ages[key] < 21:
                children[row["family_id"], row["plan_id"]].append((-ages[key], len(ages), key))
    unbilled = {key for family in children.values() for _, _, key in sorted(family)[3:]}
    sums: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row, score in zip(rows, scores.payment_scores.to_pylist(), strict=True):
        assert row["member_id"] == score["member_id"]
        key, plan = (row["member_id"], row["plan_id"]), sums[tuple(row[name] for name in PLAN)]
        plan["risk"] += score["months_enrolled"] * score["payment_risk_score"]
        if key not in unbilled:
            plan["months"] += score["months_enrolled"]
            plan["age"] += score["months_enrolled"] * rates.number("age_factor", min(ages[key], 64))
            plan["premium"] += score["months_enrolled"] * row["premium_pmpm"]
    return sums


def test_rows_of_every_step_reconcile(scores: riskadj.Scores, enrollees: pa.Table) -> None:
    counts = scores.run["counts"]
    enrollment = pq.read_table(DATA / "enrollment.parquet")
    assert counts["enrollment"]["rows_used"] == enrollment.num_rows == scores.payment_scores.num_rows
    for name in ("diagnoses", "drugs"):
        found = counts[name]
        assert found["rows_read"] == pq.read_metadata(DATA / f"{name}.parquet").num_rows
        assert found["rows_read"] == found["rows_used"] + found["rows_rejected"]
        parts = ("rows_mapped", "rows_unmapped", "rows_unknown", "rows_outside_collection")
        assert found["rows_used"] == sum(found[part] for part in parts)
        assert found["rows_mapped"] > 0
    with_months = [m for m in scores.payment_scores["months_enrolled"].to_pylist() if m]
    assert enrollees.num_rows == len(with_months)
    market = market_of_enrollees(enrollees, benefit_year=YEAR)
    assert sum(market["members"].to_pylist()) == enrollees.num_rows
    assert sum(market["member_months"].to_pylist()) == sum(with_months)


def test_plan_averages_are_those_of_plain_loops(scores: riskadj.Scores, enrollees: pa.Table) -> None:
    expected = naive_averages(scores)
    market = market_of_enrollees(enrollees, benefit_year=YEAR).to_pylist()
    assert {tuple(row[name] for name in PLAN) for row in market} == set(expected)
    for row in market:
        plan = expected[tuple(row[name] for name in PLAN)]
        assert row["billable_member_months"] == pytest.approx(plan["months"])
        assert row["plrs"] == pytest.approx(plan["risk"] / plan["months"])
        assert row["arf"] == pytest.approx(plan["age"] / plan["months"])
        assert row["premium_pmpm"] == pytest.approx(plan["premium"] / plan["months"])


def test_transfers_are_those_of_the_formula_and_cancel(enrollees: pa.Table) -> None:
    transfer = risk_transfer(market_of_enrollees(enrollees, benefit_year=YEAR), benefit_year=YEAR)
    rows = transfer.plans.to_pylist()
    naive = naive_transfers(
        [{**row, "plan_id": (row["plan_id"], row["rating_area"])} for row in rows],
        load_rates("aca", YEAR).number("transfer_premium_share"),
    )
    for row in rows:
        assert row["transfer_pmpm"] == pytest.approx(naive[row["plan_id"], row["rating_area"]])
    by_pool: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        by_pool[row["state"], row["market"], row["pool"]] += round(row["transfer"] * 100)
    assert len(by_pool) == 5  # metal pools of three markets, catastrophic ones of the individual markets
    assert set(by_pool.values()) == {0}
    issuers = transfer.summary().set_index(["state", "market", "pool", "issuer_id"])["transfer"]
    assert issuers["FL", "individual", "metal", "99101"] > 0 > issuers["FL", "individual", "metal", "99102"]


def one(**columns: list[object]) -> pa.Table:
    """An enrollment row, or more."""
    row = {
        "member_id": ["a"], "birth_date": [date(2000, 2, 29)], "enrollment_start_date": [date(YEAR, 2, 28)],
        "state": ["XX"], "market": ["individual"], "issuer_id": ["1"], "plan_id": ["p"], "rating_area": ["1"],
        "metal_level": ["silver"], "premium_pmpm": [100.0],
    }  # fmt: skip
    return pa.table({**row, **columns})


def scored(**columns: list[object]) -> pa.Table:
    row = {"member_id": ["a"], "enrollment_start_date": [date(YEAR, 2, 28)]}
    return pa.table({**row, "months_enrolled": [10], "payment_risk_score": [1.0], **columns})


@pytest.mark.parametrize(
    ("birth", "age"),
    [(date(2000, 2, 29), 25), (date(2000, 2, 28), 26), (date(2026, 2, 28), 0), (date(2000, 3, 1), 25)],
)
def test_age_is_that_of_the_first_day(birth: date, age: int) -> None:
    found = enrollees_of_scores(scored(), one(birth_date=[birth]), benefit_year=YEAR)
    assert found["age_years"].to_pylist() == [age]
    assert found["is_billable"].to_pylist() == [True]


def test_a_child_whose_span_is_cut_counts_once() -> None:
    """Three children, the eldest with two spans in the plan: all three are rated, and keep the age of the first."""
    days = [date(YEAR, 1, 1), date(YEAR, 1, 1), date(YEAR, 1, 1), date(YEAR, 7, 1)]
    births = [date(2010, 5, 1), date(2012, 5, 1), date(2014, 5, 1), date(2010, 5, 1)]
    members = ["a", "b", "c", "a"]
    base = {name: values * 4 for name, values in one().to_pydict().items()}
    found = enrollees_of_scores(
        {
            "member_id": members, "enrollment_start_date": days, "months_enrolled": [6, 12, 12, 6],
            "payment_risk_score": [1.0] * 4,
        },
        {**base, "member_id": members, "birth_date": births, "enrollment_start_date": days, "family_id": ["f"] * 4},
        benefit_year=YEAR,
    )  # fmt: skip
    assert found["is_billable"].to_pylist() == [True] * 4
    assert found["age_years"].to_pylist() == [15, 13, 11, 15]


def test_scores_of_another_extract_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"a member and first day that enrollment lacks.* in 1 of 1 rows"
    ) as error:
        enrollees_of_scores(scored(member_id=["b"]), one(), benefit_year=YEAR)
    assert "'b'" not in str(error.value)


def test_two_calls_lead_from_scores_to_transfers(scores: riskadj.Scores, enrollees: pa.Table) -> None:
    market = market_of_scores(scores.payment_scores, DATA / "enrollment.parquet", benefit_year=YEAR)
    assert market.equals(market_of_enrollees(enrollees, benefit_year=YEAR))
    assert risk_transfer(market, benefit_year=YEAR).plans.num_rows == market.num_rows


def test_enrollees_without_their_flag_are_billed_alike(enrollees: pa.Table) -> None:
    """market_of_enrollees finds the children who are charged for as enrollees_of_scores does."""
    found = market_of_enrollees(enrollees.drop_columns(["is_billable"]), benefit_year=YEAR)
    assert found.equals(market_of_enrollees(enrollees, benefit_year=YEAR))
