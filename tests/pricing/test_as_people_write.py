"""Tables as people have them: dollars and percent from spreadsheets, months as YYYY-MM, rates taken for factors."""

from __future__ import annotations

import pandas as pd
import pytest

from pricing import aca, medicaid
from pricing.benefits import PlanDesign, compare
from pricing.contracts import Benchmark, Contract
from pricing.errors import InputError
from pricing.experience import fit_trend
from pricing.inputs import Column, read_columns
from pricing.medicare import bid_flow
from pricing.revenue import Assume
from tests.pricing.bids import HAND


def read(values, column):
    return read_columns({"x": values}, [column], role="plans")["x"].tolist()


def test_numbers_as_a_spreadsheet_writes_them():
    written = ["$1,234.50", " (1,000) ", "-$2", "$-2.5", "5%", ".5", "12,345,678", "7", "($1.25)"]
    assert read(written, Column("x")) == [1234.5, -1000, -2, -2.5, 0.05, 0.5, 12345678, 7, -1.25]
    assert read(["6,000", "12"], Column("x", "integer")) == [6000, 12]


@pytest.mark.parametrize(
    "bad", ["12,34", "1.234,50", "$", "(5", "5)", "n/a", "1,2345", "5%%", "--5", "$5 each"]
)
def test_what_is_no_number_is_refused_with_its_row(bad):
    with pytest.raises(InputError) as caught:
        read(["1", bad, "3"], Column("x"))
    assert str(caught.value) == (
        "plans, column 'x': no number in 1 of 3 rows (first rows: 2); write it as 1234.5, $1,234.50, (1,234.50) for "
        "less than 0, or 5% for 0.05."
    )


def test_a_part_is_no_whole_number():
    with pytest.raises(InputError, match=r"column 'x': no integer in 1 of 2 rows \(first rows: 1\)"):
        read(["1,000.5", "2"], Column("x", "integer"))


def test_blanks_stay_blank_beside_dollars():
    with pytest.raises(InputError, match=r"column 'x': blank in 1 of 2 rows \(first rows: 2\)"):
        read(["$1", " "], Column("x"))


MONTHS = pd.period_range("2023-01", "2025-12", freq="M")


@pytest.mark.parametrize(
    "month",
    [
        MONTHS.astype(str).to_list(),
        MONTHS.strftime("%Y%m").astype(int).to_list(),
        MONTHS.strftime("%Y-%m-17").to_list(),
        MONTHS.to_timestamp(),
        pd.Categorical(MONTHS.astype(str)),
    ],
    ids=["YYYY-MM", "YYYYMM", "a day", "timestamps", "categories"],
)
def test_months_are_read_however_they_are_written(month):
    frame = pd.DataFrame({"month": month, "pmpm": [400 * 1.01**n for n in range(36)]})
    assert fit_trend(frame, value="pmpm").annual == pytest.approx(1.01**12 - 1)


def test_what_is_no_month():
    with pytest.raises(InputError, match=r"column 'month': no month \(write it YYYY-MM\) in 1 of 2 rows"):
        fit_trend({"month": ["2025-13", "2025-01"], "pmpm": [1.0, 2.0]}, value="pmpm")


def test_a_share_written_in_percent_is_told_how_to_write_it():
    plans = {"plan_id": ["12345XX0010001"], "metal_level": ["silver"], "av_and_cost_sharing": [0.7]}
    with pytest.raises(
        InputError, match=r"above 1.0 in 1 of 1 rows \(first rows: 1\); write a share: 0.05 for 5 p"
    ):
        aca.plan_rates(plans | {"administrative_share": [11]}, index_rate=600.0)


def test_a_trend_of_a_bid_is_a_factor():
    """0.03 for 3 percent would bid a thirtieth of the cost."""
    with pytest.raises(
        InputError, match=r"'unit_cost_trend': below 0.5 .*; write growth as a factor: 1.05 for 5"
    ):
        bid_flow(
            **{**HAND, "experience": HAND["experience"] | {"unit_cost_trend": [0.03] * 3}}, payment_year=2026
        )


def test_a_trend_of_the_index_rate_is_a_factor():
    with pytest.raises(InputError, match=r"growth as a factor: 1.05 for 5 percent; it is 0.07"):
        aca.projected_index_rate(500.0, projection=aca.Projection(trends=(0.07,)), benefit_year=2026)


@pytest.mark.parametrize("name", ["unit_cost_trend", "utilization_trend_high"])
def test_a_trend_of_a_rate_cell_is_a_rate(name):
    """1.04 for 4 percent would more than double the rate every year."""
    services = {"rate_cell": ["adult"], "base_pmpm": [100.0], name: [1.04]}
    with pytest.raises(
        InputError, match=f"'{name}': above 0.8 .*; write growth as a rate: 0.05 for 5 percent"
    ):
        medicaid.capitation_rates(
            services, {"rate_cell": ["adult"], "units": [1000]}, rating_year=2026, trend_months=24
        )


@pytest.mark.parametrize(("parameter", "value"), [("coding_trend", 1.015), ("completion_initial", 95.5)])
def test_an_assumption_of_revenue_in_percent_or_as_a_factor(parameter, value):
    with pytest.raises(InputError, match=f"{parameter} of {value} is impossible; it runs from"):
        Assume(parameter, value)


def test_a_trend_of_a_contract_is_a_rate():
    with pytest.raises(InputError, match=r"trend_annual must be growth as a rate: 0.05 for 5 percent"):
        Contract("c", Benchmark(trend_annual=5.0))


def test_a_trend_of_claims_is_a_rate():
    claims = {
        "claim_id": ["c"], "member_id": ["m"], "service_date": ["2025-01-02"], "service_category": ["lab"],
        "allowed_amount": ["$100.00"],
    }  # fmt: skip
    assert compare([PlanDesign("a", 10, 50)], claims).summary()["allowed_pmpm"].tolist()
    with pytest.raises(InputError, match=r"trend must lie above -1, and not above 1; 0.07 means"):
        compare([PlanDesign("a", 10, 50)], claims, trend=7)


def test_plans_pay_a_share_of_allowed_cost():
    plans = {"plan_id": ["12345XX0010001"], "metal_level": ["silver"], "av_and_cost_sharing": [0.7]}
    with pytest.raises(
        InputError, match=r"paid_to_allowed is 76.0; plans pay a share of allowed cost: 0.76 for 76"
    ):
        aca.plan_rates(plans, index_rate=600.0, adjustments=aca.PoolAdjustments(paid_to_allowed=76.0))
