"""Triangles and IBNR by month: worked by hand, against a twin, and what must hold whatever the claims."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.experience.exposure import member_months
from pricing.experience.trend import fit_trend
from pricing.experience.triangles import claim_triangle
from pricing.experience.unpaid_claims import ibnr
from tests.pricing import naive_experience as naive

MARCH = date(2025, 3, 31)


def lines_of(cells, first=(2025, 1)):
    """One claim line for each cell of a table of increments (rows: months incurred, columns: lags)."""
    rows = []
    for month, increments in enumerate(cells):
        for lag, amount in enumerate(increments):
            service, paid = month_after(first, month), month_after(first, month + lag)
            rows.append(
                {"claim_id": f"{month}-{lag}", "member_id": f"m{month}", "service_date": service.replace(day=3),
                 "paid_date": paid.replace(day=20), "paid_amount": float(amount)}
            )  # fmt: skip
    return rows


def month_after(first, months):
    total = first[0] * 12 + first[1] - 1 + months
    return date(total // 12, total % 12 + 1, 1)


def columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


THREE = [[100, 60, 40], [200, 120], [50]]  # factors 480/300 and 200/160: 1.6 and 1.25


def test_a_triangle_worked_by_hand():
    found = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    assert found.cumulative[0].tolist() == [100, 160, 200]
    assert found.total.tolist() == [200, 320, 50]
    assert np.isnan(found.paid[1, 2])
    assert found.table().num_rows == 6
    assert found.summary().index.tolist() == ["2025-01", "2025-02", "2025-03"]


def test_ibnr_worked_by_hand():
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    found = ibnr(triangle, [10, 20, 10])  # completion 1, 0.8, 0.5
    rows = found.months.to_pylist()
    assert [row["completion"] for row in rows] == pytest.approx([1, 0.8, 0.5])
    assert [row["method"] for row in rows] == ["completion", "completion", "pmpm"]
    # (200 + 400) / 30 member months = 20 PMPM
    assert [row["ultimate"] for row in rows] == pytest.approx([200, 400, 200])
    assert [row["expected_pmpm"] for row in rows] == [None, None, pytest.approx(20)]
    assert found.total == pytest.approx(230)
    other = {"bornhuetter_ferguson": 50 + 0.5 * 200, "chain_ladder": 100}
    for method, ultimate in other.items():
        last = ibnr(triangle, [10, 20, 10], immature=method).months.to_pylist()[2]
        assert (last["method"], last["ultimate"]) == (method, pytest.approx(ultimate))
    assert ibnr(triangle, [10, 20, 10], min_completion=0.5).months["ultimate"].to_pylist()[
        2
    ] == pytest.approx(100)


def test_expected_pmpm_moves_with_trend_season_and_working_days():
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)

    def expected(**options):
        return ibnr(triangle, [10, 20, 10], **options).months["expected_pmpm"].to_pylist()[2]

    up = 1.21 ** (1 / 12)
    assert expected(trend_annual=0.21) == pytest.approx(600 / (10 / up**2 + 20 / up))
    season = dict.fromkeys(range(1, 13), 1.0) | {1: 0.5, 3: 1.5}
    assert expected(seasonality=season) == pytest.approx(600 / (5 + 20) * 1.5)
    assert expected(use_working_days=True) == pytest.approx(600 / (10 * 23 + 20 * 20) * 21)
    latest = ibnr(triangle, [10, 25, 10], base_months=1).months["expected_pmpm"].to_pylist()
    assert latest[2] == pytest.approx(400 / 25)
    assert expected(expected_pmpm=33.0) == 33.0
    assert expected(expected_pmpm={"2025-03": 34.0}, trend_annual=0.5) == 34.0
    with pytest.raises(InputError, match=r"expected_pmpm lacks 2025-03"):
        expected(expected_pmpm={"2025-02": 34.0})


def test_margin_and_large_claims_are_shown_beside_the_estimate():
    rows = lines_of(THREE)
    rows.append({**rows[0], "claim_id": "big", "member_id": "x", "paid_amount": 5000.0})
    blind = ibnr(claim_triangle(columns(rows), valuation_date=MARCH), [10, 20, 10])
    triangle = claim_triangle(columns(rows), valuation_date=MARCH, large_claim=1000)
    assert triangle.large.tolist() == [5000, 0, 0]
    assert (triangle.run["lines_large"], triangle.run["large_claims"], triangle.run["dollars_large"]) == (
        1,
        1,
        5000,
    )
    found = ibnr(triangle, [10, 20, 10], margin=0.1, large_pmpm=2.0)
    assert found.months["ibnr"].to_pylist() == pytest.approx([0, 80, 150])
    assert found.months["large_unpaid"].to_pylist() == pytest.approx([0, 2 * 20 * 0.2, 2 * 10 * 0.5])
    assert found.total == pytest.approx(230 + 18)
    assert found.total_with_margin == pytest.approx(248 * 1.1)
    run = found.run
    parts = run["paid"] + run["large_paid"] + run["ibnr"] + run["large_unpaid"]
    assert run["incurred"] == pytest.approx(parts)
    assert blind.total != pytest.approx(found.total)
    by_member = claim_triangle(columns(rows), valuation_date=MARCH, large_claim=190, large_by="member_id")
    assert by_member.total.tolist() == [0, 0, 50]


def test_large_claims_not_yet_paid_from_the_base_months():
    rows = lines_of(THREE)
    rows += [{**rows[0], "claim_id": "big", "member_id": "b", "paid_amount": 5000.0}]
    rows += [{**rows[3], "claim_id": "huge", "member_id": "h", "paid_amount": 2900.0}]
    triangle = claim_triangle(columns(rows), valuation_date=MARCH, large_claim=1000)
    found = ibnr(triangle, [10, 20, 10], large_pmpm="experience")
    # Completion 1, 0.8 and 0.5; the third month is not mature. 7,900 over 10 + 20 x 0.8 member months.
    expected = 7900 / 26
    assert found.months["large_unpaid"].to_pylist() == pytest.approx([0, expected * 4, expected * 5])
    assert not found.warnings[1:]  # the first: no Mack range of three months
    row = next(row for row in found.assumptions.to_pylist() if row["assumption"] == "large_pmpm")
    assert (row["origin"], float(row["value"])) == ("from the data", pytest.approx(expected))
    latest = ibnr(triangle, [10, 20, 10], large_pmpm="experience", base_months=1)
    assert latest.run["large_unpaid"] == pytest.approx(2900 / 16 * 9)
    nothing = ibnr(triangle, [10, 20, 10])
    assert "large claims of 7,900 dollars are left out of the triangle" in nothing.warnings[-1]
    for wrong in (-1.0, "some"):
        with pytest.raises(InputError, match="large_pmpm must be dollars, not negative, or 'experience'"):
            ibnr(triangle, [10, 20, 10], large_pmpm=wrong)


def test_a_claim_is_large_by_what_was_paid_by_the_valuation_date():
    rows = lines_of(THREE)
    rows.append(
        {**rows[0], "paid_date": date(2025, 4, 2), "paid_amount": 5000.0}
    )  # the same claim, paid later
    triangle = claim_triangle(columns(rows), valuation_date=MARCH, large_claim=1000)
    assert triangle.large.tolist() == [0, 0, 0]
    assert triangle.run["dollars_paid_later"] == 5000


def test_seasonality_of_a_fitted_trend_is_taken_as_it_is():
    months = [month_after((2023, 1), i) for i in range(24)]
    season = dict.fromkeys(range(1, 13), 1.0) | {1: 0.5, 3: 1.5}
    history = {"month": months, "incurred_pmpm": [season[month.month] for month in months]}
    fitted = fit_trend(history, value="incurred_pmpm")
    assert fitted.annual == pytest.approx(0)
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    found = ibnr(triangle, [10, 20, 10], seasonality=fitted.seasonality)
    assert found.months["expected_pmpm"].to_pylist()[2] == pytest.approx(600 / (5 + 20) * 1.5)


def test_working_days_of_payment_change_factors_and_no_total():
    rows = columns(lines_of(THREE))
    triangle = claim_triangle(rows, valuation_date=MARCH, use_working_days=True)
    days = np.array([23, 20, 21])  # January to March 2025
    scale = days.mean() / days
    first = 100 * scale[0], 200 * scale[1]
    second = 60 * scale[1], 120 * scale[2]
    factor = 1 + sum(second) / sum(first)
    found = ibnr(triangle, [10, 20, 10])
    assert found.factors["age_to_age"].to_pylist()[0] == pytest.approx(factor)
    assert triangle.total.tolist() == [200, 320, 50]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(-2000, 5000)), min_size=1, max_size=30
    )
)
def test_cells_are_those_of_the_twin_and_add_up(drawn):
    rows = [
        {"claim_id": str(i % 7), "member_id": "m", "service_date": date(2024, 1, 1) + timedelta(days=day),
         "paid_date": date(2024, 1, 1) + timedelta(days=day + lag), "paid_amount": cents / 100}
        for i, (day, lag, cents) in enumerate(drawn)
    ]  # fmt: skip
    expected = naive.triangle(rows, (2024, 9))
    if not any(row["paid_date"] <= date(2024, 9, 30) for row in rows):
        with pytest.raises(InputError, match="nothing was paid by 2024-09"):
            claim_triangle(columns(rows), valuation_date=date(2024, 9, 30), first_month="2024-01")
        return
    found = claim_triangle(columns(rows), valuation_date=date(2024, 9, 30), first_month="2024-01")
    cells = {
        (row["month"].year, row["month"].month, row["lag_months"]): row["paid"]
        for row in found.table().to_pylist()
    }
    assert len(cells) == 9 * 10 / 2
    for cell, amount in cells.items():
        assert amount == pytest.approx(expected.get(cell, 0.0), abs=1e-6)
    run = found.run
    parts = [run[f"dollars_{name}"] for name in ("used", "large", "paid_later", "outside_months")]
    assert sum(parts) == pytest.approx(run["dollars_read"], abs=0.03)
    assert sum(run[f"lines_{name}"] for name in ("used", "large", "paid_later", "outside_months")) == len(
        rows
    )


increments = st.lists(st.integers(1, 1000), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(increments, min_size=4, max_size=4), st.floats(1, 500), st.floats(0.01, 1))
def test_bornhuetter_ferguson_lies_between_expected_and_chain_ladder(cells, pmpm, threshold):
    rows = [row[: 4 - month] for month, row in enumerate(cells)]
    triangle = claim_triangle(columns(lines_of(rows)), valuation_date=date(2025, 4, 30))
    options = {"expected_pmpm": pmpm, "min_completion": threshold}
    names = ("pmpm", "bornhuetter_ferguson", "chain_ladder")
    expected, blended, developed = (
        ibnr(triangle, [5.0] * 4, immature=name, **options).months["ultimate"].to_numpy() for name in names
    )
    assert (blended >= np.minimum(expected, developed) - 1e-6).all()
    assert (blended <= np.maximum(expected, developed) + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=4, max_size=7))
def test_complete_months_have_no_ibnr(paid):
    """Everything is paid in the month of service."""
    rows = [[amount] + [0] * (len(paid) - 1 - month) for month, amount in enumerate(paid)]
    last = month_after((2025, 1), len(paid)) - timedelta(days=1)
    found = ibnr(claim_triangle(columns(lines_of(rows)), valuation_date=last), [1.0] * len(paid))
    assert found.months["ibnr"].to_pylist() == [0.0] * len(paid)
    assert found.mack is not None
    assert found.mack.total == 0
    assert found.summary().empty


def test_factors_and_range_are_those_of_the_published_triangle():
    """RAA of Mack 1994 as months: a threshold of 0 makes every month a chain-ladder month."""
    from tests.pricing.test_experience import RAA

    cells = [np.diff([0, *row]).tolist() for row in RAA]
    triangle = claim_triangle(columns(lines_of(cells)), valuation_date=date(2025, 10, 31))
    found = ibnr(triangle, [1.0] * 10, min_completion=0.0)
    assert found.total == pytest.approx(52135.23, abs=0.005)
    assert found.mack.total == pytest.approx(26909.01, abs=0.005)
    assert found.months["standard_error"].to_pylist()[1] == pytest.approx(206.2200594, abs=1e-6)
    # The last months fall away; the range of the others does not know them.
    mature = ibnr(triangle, [1.0] * 10, min_completion=0.5)
    kept = [row for row in mature.months.to_pylist() if row["method"] == "completion"]
    assert len(kept) == 8
    assert [row["standard_error"] for row in kept] == pytest.approx(found.mack.standard_error[:8].tolist())
    assert mature.quantile(0.5) < mature.quantile(0.9)


def test_what_looks_wrong_is_said():
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    found = ibnr(triangle, [10, 20, 10], expected_pmpm=1.0)
    assert "it takes 4 months, 3 of them mature" in found.warnings[0]
    assert "less than what is paid already in 2025-03" in found.warnings[1]
    with pytest.raises(InputError, match="no Mack range"):
        found.quantile(0.9)


def test_exposure_from_member_months():
    spans = {
        "member_id": ["a"],
        "enrollment_start_date": ["2025-01-01"],
        "enrollment_end_date": ["2025-12-31"],
    }
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    months = member_months(spans, first_month="2025-01", last_month="2025-04")
    found = ibnr(triangle, months)
    assert found.months["member_months"].to_pylist() == [1, 1, 1]
    with pytest.raises(InputError, match="run from 2025-02 to 2025-04, the triangle from 2025-01 to 2025-03"):
        ibnr(triangle, member_months(spans, first_month="2025-02", last_month="2025-04"))
    with pytest.raises(InputError, match="3 numbers above 0"):
        ibnr(triangle, [1, 2])
    with pytest.raises(
        InputError, match="months without member months: 2025-01, 2025-03; give enrollment of these"
    ):
        ibnr(triangle, [0, 10, 0])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"margin": 5}, "margin of 5 is none; write a share of the estimate: 0.05 for 5 percent"),
        (
            {"trend_annual": 1.06},
            "trend_annual of 1.06 is impossible; write growth as a rate: 0.05 for 5 percent",
        ),
        ({"base_months": 0}, "base_months must be at least 1"),
    ],
)
def test_options_written_in_percent_or_as_factors(option, message):
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    with pytest.raises(InputError, match=message):
        ibnr(triangle, [10, 20, 10], **option)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paid_date": [None] * 6}, "column 'paid_date': blank in 6 of 6 rows.*when each line was paid"),
        ({"paid_date": [date(2024, 12, 31)] * 6}, "in a month before the service .* in 6 of 6 rows"),
        ({"paid_amount": [None] * 6}, "column 'paid_amount': blank"),
        ({"paid_amount": ["much"] * 6}, "no number in 6 of 6 rows"),
    ],
)
def test_claims_refused(change, message):
    with pytest.raises(InputError, match=message):
        claim_triangle({**columns(lines_of(THREE)), **change}, valuation_date=MARCH)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valuation_date": date(2025, 3, 30)}, "last day of a month"),
        ({"large_claim": 0}, "above 0"),
        ({"large_by": "family"}, "none of claim_id, member_id"),
    ],
)
def test_triangle_options_refused(options, message):
    with pytest.raises(InputError, match=message):
        claim_triangle(columns(lines_of(THREE)), **{"valuation_date": MARCH, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"immature": "guess"}, "none of pmpm, bornhuetter_ferguson, chain_ladder"),
        ({"min_completion": 1.5}, "between 0 and 1"),
        ({"margin": -0.1}, "margin of -0.1 is none"),
        ({"seasonality": {1: 1.0}}, "each calendar month"),
        ({"min_completion": 1.0, "tail": 1.1}, "no month reaches min_completion"),
    ],
)
def test_ibnr_options_refused(options, message):
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH)
    with pytest.raises(InputError, match=message):
        ibnr(triangle, [10, 20, 10], **options)


def test_written_and_shown(tmp_path):
    found = ibnr(claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH), [10, 20, 10])
    found.write(tmp_path / "out")
    assert (tmp_path / "out" / "completion_factors.parquet").exists()
    assert found.to_pandas("assumptions").set_index("assumption").loc["min_completion", "value"] == "0.65"
    assert len(found.plot().axes) == 2
    assert repr(found) == "<Ibnr: 230 dollars not yet paid at 2025-03-31, 3 months>"
