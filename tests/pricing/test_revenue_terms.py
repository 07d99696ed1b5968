"""Terms of plans: from bids and CMS's ratebook, by year, with growth where a year has none; the payment calendar."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

import riskadj
from pricing.errors import InputError
from pricing.revenue import (
    Assume,
    Scenario,
    forecast,
    normalization_of_years,
    payment_calendar,
    terms_of_bids,
)
from tests.pricing.revenue_members import membership, one_member

RATEBOOK = pa.table(
    {
        "county_code": ["01000", "01000", "02000", "02000"],
        "bonus": [0.05, 0.0, 0.05, 0.0],
        "rate": [1100.0, 1000.0, 1300.0, 1200.0],
        "esrd_rate": [9000.0, 9000.0, None, None],
    }
)
PEOPLE = [
    {"payment_risk_score": 1.2, "county_code": "01000"},
    {"payment_risk_score": 1.0, "county_code": "01000"},
    {"payment_risk_score": 0.8, "county_code": "01000"},
    {"payment_risk_score": 1.4, "county_code": "02000"},
]
PLAN = {"contract_id": ["H0001"], "plan_id": ["001"], "stars": [4.0], "standardised_bid": [920.0], "member_premium": [15.0]}  # fmt: skip # noqa: E501


def test_a_bid_below_its_benchmark():
    rows = terms_of_bids(
        PLAN, ratebook=RATEBOOK, membership=membership(PEOPLE), payment_year=2026
    ).to_pylist()
    # Benchmark at 4 stars: (3 x 1,100 + 1,300) / 4 = 1,150; the bid is 0.8 of it, so counties are paid 880 and 1,040.
    # Mean score 1.1: savings 230 x 1.1 = 253, of which 65 percent are rebate: 164.45.
    assert [row["county_code"] for row in rows] == ["01000", "02000"]
    assert [row["payment_rate"] for row in rows] == pytest.approx([880.0, 1040.0])
    assert [row["rebate_pmpm"] for row in rows] == pytest.approx([164.45, 164.45])
    assert [row["basic_member_premium"] for row in rows] == [0.0, 0.0]
    assert [row["esrd_payment_rate"] for row in rows] == [9000.0, 0.0]
    assert [row["member_premium"] for row in rows] == [15.0, 15.0]
    assert {row["payment_year"] for row in rows} == {2026}


def test_stars_lost_and_a_bid_above_its_benchmark():
    plan = {**PLAN, "stars": [3.5], "standardised_bid": [1155.0]}
    rows = terms_of_bids(
        plan, ratebook=RATEBOOK, membership=membership(PEOPLE), payment_year=2026
    ).to_pylist()
    # Without the bonus the benchmark is 1,050: the bid is 1.1 of it, and members pay the 105 above.
    assert [row["payment_rate"] for row in rows] == pytest.approx([1100.0, 1320.0])
    assert [row["basic_member_premium"] for row in rows] == pytest.approx([105.0, 105.0])
    assert {row["rebate_pmpm"] for row in rows} == {0.0}


def test_the_terms_make_a_forecast():
    members = membership(PEOPLE)
    terms = terms_of_bids(PLAN, ratebook=RATEBOOK, membership=members, payment_year=2026)
    found = forecast(members, terms, n_months=1)
    # 880 x 3.0 + 1,040 x 1.4 = 4,096; rebate 4 x 164.45 = 657.80; 98 percent of both = 4,658.72; premiums 60
    assert found.month_totals["cms_payment"][0].as_py() == pytest.approx(4658.72, abs=0.02)
    assert found.month_totals["member_premium"][0].as_py() == 60.0


def test_terms_of_bids_that_are_refused():
    members = membership(PEOPLE)
    with pytest.raises(InputError, match="plan H0001 001 has members, but is not among the plans"):
        terms_of_bids({**PLAN, "plan_id": ["002"]}, ratebook=RATEBOOK, membership=members, payment_year=2026)
    with pytest.raises(InputError, match="the ratebook of 2026 lacks 1 counties with members, such as 02000"):
        terms_of_bids(PLAN, ratebook=RATEBOOK.slice(0, 2), membership=members, payment_year=2026)


def test_each_year_has_its_own_terms_and_grows_from_there():
    terms = {"payment_year": [2026, 2028], "payment_rate": [1000.0, 1200.0], "rebate_pmpm": [0.0, 0.0]}
    scenario = Scenario(
        "growth", (Assume("rate_trend", 0.1), Assume("rate_change", 2.0, first_month="2029-12"))
    )
    found = forecast(one_member(), terms, scenario=scenario, n_months=48)
    rates = found.factors.rate[0]
    assert rates[[0, 11, 12, 23]].tolist() == pytest.approx([1000, 1000, 1100, 1100])
    assert rates[[24, 35, 36, 46, 47]].tolist() == pytest.approx([1200, 1200, 1320, 1320, 2640])


def test_terms_of_pandas_may_have_an_index(tmp_path):
    frame = pd.DataFrame({"payment_year": [2026, 2027], "payment_rate": [1.0, 3.0]}, index=[7, 7])
    frame.to_parquet(tmp_path / "terms.parquet")
    for terms in (frame, tmp_path / "terms.parquet"):
        assert forecast(one_member(), terms, n_months=13).factors.rate[0, [0, 12]].tolist() == [1.0, 3.0]


def test_a_county_may_have_no_new_terms():
    terms = {
        "payment_year": [2026, 2026, 2027], "county_code": ["01000", "02000", "01000"], "payment_rate": [1.0, 2.0, 3.0],
    }  # fmt: skip
    growth = Scenario("growth", (Assume("rate_trend", 0.5),))
    found = forecast(membership(PEOPLE), terms, scenario=growth, n_months=25)
    assert found.factors.rate[:, [0, 12, 24]].tolist() == [[1.0, 3.0, 4.5], [2.0, 3.0, 4.5]]


def test_rebates_and_drug_bids_grow_too():
    members = membership(
        [{"payment_risk_score": 1.0}], part_d_scores={"member_id": ["m0"], "payment_risk_score": [1.0]}
    )
    terms = {
        "payment_rate": [0.0],
        "rebate_pmpm": [100.0],
        "part_d_bid": [200.0],
        "part_d_basic_premium": [40.0],
    }
    rows = (Assume("rebate_trend", -0.5), Assume("rebate_change", 1.1), Assume("part_d_trend", 0.25))
    rows += (Assume("part_d_coding_trend", 0.02), Assume("part_d_model_change", 0.9, first_month="2027-01"))
    found = forecast(members, terms, scenario=Scenario("s", rows), n_months=13)
    assert found.cents["part_c_rebate"][0, [0, 12]].tolist() == [11000, 5500]
    # 250 x 1.02 x 0.9 = 229.50, less the premium of 40
    assert found.cents["part_d_direct_subsidy"][0, [0, 12]].tolist() == [16000, 18950]


def test_sequestration_may_be_assumed():
    scenario = Scenario("no law", (Assume("sequestration", 0.0, first_month="2026-03"),))
    found = forecast(one_member(), {"payment_rate": [1000.0]}, scenario=scenario, n_months=3)
    assert found.month_totals["part_c_sequestration"].to_pylist() == [-20.0, -20.0, 0.0]


def test_the_payment_calendar():
    rows = {row["vintage"]: row for row in payment_calendar([2026]).table().to_pylist()}
    assert rows["initial"]["deadline"] == date(2025, 9, 5)  # the first Friday of September 2025
    assert rows["mid_year"]["deadline"] == date(2026, 3, 6)
    assert rows["final"]["deadline"] == date(2027, 1, 31)
    assert [rows[run]["pays_from"] for run in rows] == [date(2026, 1, 1), date(2026, 7, 1), date(2027, 8, 1)]
    windows = riskadj.load_payment_year("medicare_part_c", 2026).collections
    for run, row in rows.items():
        assert (row["service_start"], row["service_end"]) == windows[run]
    assert payment_calendar([2031]).table()["service_start"].null_count == 3


def test_normalization_of_the_next_year():
    row = normalization_of_years("cms_hcc_v28", before=2026, after=2027, where={"status": "non_dual"})
    # 1.067 in 2026 and 1.079 in 2027; the coding adjustment is 5.9 percent in both
    assert (row.parameter, row.where, row.first_month) == (
        "normalization_change", {"status": "non_dual"}, "2027-01",
    )  # fmt: skip
    assert row.value == pytest.approx(1.067 / 1.079, rel=1e-12)
    graft = normalization_of_years("esrd_v24", before=2026, after=2027, segment="GRAFT_COMM_10PL")
    assert graft.value == pytest.approx(1.104 / 1.119, rel=1e-12)
    with pytest.raises(
        InputError, match="esrd_v24 has 2 numbers of normalization in 2026, by segment; give segment="
    ):
        normalization_of_years("esrd_v24", before=2026, after=2027)
    with pytest.raises(InputError, match="cms_hcc_v29 has no coding intensity in 2026; nearest: cms_hcc_v2"):
        normalization_of_years("cms_hcc_v29", before=2026, after=2027)
    with pytest.raises(InputError, match="esrd_v24, segment CNA, has no"):
        normalization_of_years("esrd_v24", before=2026, after=2027, segment="CNA")
