"""Large claims apart from the others in a triangle: worked by hand, against a twin, and what must add up."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.experience.development import chain_ladder, mack_range
from pricing.experience.triangles import claim_triangle
from pricing.experience.unpaid_claims import ibnr
from tests.pricing import naive_experience as naive
from tests.pricing.test_ibnr import MARCH, THREE, columns, lines_of

EXPOSURE = [10, 20, 10]
# Two claims beside those of THREE: (month incurred, lag) -> paid. With a threshold of 1,000 they have above it, paid to
# date by lag: the first 0, 200 and 500, the second 100 and 200.
LARGE = {"first": {(0, 0): 600.0, (0, 1): 600.0, (0, 2): 300.0}, "second": {(1, 0): 1100.0, (1, 1): 100.0}}
NAMES = {"large_claim": 1000, "large_part": "excess"}


def with_large():
    rows = lines_of(THREE)
    for claim, payments in LARGE.items():
        for (month, lag), amount in payments.items():
            paid = {"paid_amount": amount, "paid_date": date(2025, 1 + month + lag, 20)}
            rows.append({**rows[0], **paid, "claim_id": claim, "service_date": date(2025, 1 + month, 3)})
    return columns(rows)


def excess():
    return claim_triangle(with_large(), valuation_date=MARCH, **NAMES)


def test_what_claims_have_above_the_threshold_by_hand():
    found = excess()
    assert np.cumsum(found.large_cells, axis=1)[0].tolist() == [0, 200, 500]
    assert np.cumsum(found.large_cells, axis=1)[1, :2].tolist() == [100, 200]
    assert found.large_cells[2, 0] == 0
    assert found.cumulative[0].tolist() == [700, 1160, 1200]  # THREE, and the first up to 1,000
    assert found.large.tolist() == [500, 200, 0]
    rows = found.table().to_pylist()
    assert sum(row["paid"] + row["large_paid"] for row in rows) == sum(with_large()["paid_amount"])
    run = found.run
    # All of the first claim's 300 and of the second's 100 are above.
    assert (run["lines_used"], run["lines_large"], run["large_claims"]) == (9, 2, 2)
    assert run["dollars_used"] + run["dollars_large"] == run["dollars_read"]


def test_large_claims_completed_by_their_own_development_by_hand():
    """Above 1,000: factors (200 + 200) / (0 + 100) = 4 and 500 / 200 = 2.5; completion 0.1, 0.4 and 1."""
    found = ibnr(excess(), EXPOSURE, large_method="development")
    factors = found.factors.to_pydict()
    assert factors["large_age_to_age"] == pytest.approx([4, 2.5, 1])
    assert factors["large_completion"] == pytest.approx([0.1, 0.4, 1])
    months = found.months.to_pylist()
    assert [row["large_method"] for row in months] == ["development", *["bornhuetter_ferguson"] * 2]
    # January has 500 over 10 member months: 50. February lacks 0.6 of 20 x 50, March 0.9 of 10 x 50.
    assert [row["large_unpaid"] for row in months] == pytest.approx([0, 600, 450])
    given_pmpm = ibnr(excess(), EXPOSURE, large_method="development", large_pmpm=7.0)
    assert given_pmpm.months["large_unpaid"].to_pylist() == pytest.approx([0, 0.6 * 140, 0.9 * 70])
    mature = ibnr(excess(), EXPOSURE, large_method="development", min_completion=0.4)
    assert mature.months["large_unpaid"].to_pylist()[:2] == pytest.approx([0, 200 / 0.4 - 200])
    # base months: 500 + 500 over 30 member months
    assert mature.months["large_unpaid"].to_pylist()[2] == pytest.approx(0.9 * 10 * 1000 / 30)
    tail = ibnr(excess(), EXPOSURE, large_method="development", tail=1.25).factors["large_completion"]
    assert tail.to_pylist() == pytest.approx([0.08, 0.32, 0.8])


def test_each_step_from_paid_to_incurred_is_shown():
    options = {"immature": "bornhuetter_ferguson", "min_completion": 0.8, "margin": 0.1}
    found = ibnr(excess(), EXPOSURE, large_method="development", **options)
    steps = {row["step"]: row["dollars"] for row in found.steps.to_pylist()}
    paid = sum(with_large()["paid_amount"])
    assert list(steps) == [
        "paid", "large claims taken out: what claims have above 1,000", "paid, without large claims",
        "not yet paid, by completion", "not yet paid, by Bornhuetter-Ferguson", "ultimate, without large claims",
        "large claims paid", "large claims not yet paid, by their own development",
        "large claims not yet paid, by Bornhuetter-Ferguson", "incurred", "margin", "incurred with margin",
    ]  # fmt: skip
    assert steps["paid"] == paid
    assert steps["paid, without large claims"] == paid - 700
    assert steps["incurred"] == pytest.approx(found.run["incurred"]) == pytest.approx(paid + found.total)
    assert steps["incurred with margin"] == pytest.approx(paid + found.total_with_margin)
    parts = [row["dollars"] for row in found.steps.to_pylist() if not row["is_total"]]
    assert sum(parts) == pytest.approx(steps["incurred with margin"])
    assert found.steps["pmpm"].to_pylist()[0] == pytest.approx(paid / 40)
    frame = found.to_pandas("assumptions").set_index("assumption")
    assert frame.loc["large_claim", ["value", "meaning"]].tolist() == [
        "1000", "left out of the triangle: what a claim has above it",
    ]  # fmt: skip
    assert frame.loc[["large_part", "large_method", "large_pmpm"], "value"].tolist() == [
        "excess",
        "development",
        "50",
    ]
    assert frame.loc["large age-to-age", "meaning"] == "all months, volume-weighted, of 2 large claims"
    assert found.summary()["not_yet_paid"].sum() == pytest.approx(found.total)
    plain = ibnr(claim_triangle(with_large(), valuation_date=MARCH), EXPOSURE, min_completion=0.8)
    assert [row["step"] for row in plain.steps.to_pylist()] == [
        "paid", "not yet paid, by completion", "not yet paid, by expected PMPM", "incurred", "margin",
        "incurred with margin",
    ]  # fmt: skip


def test_large_claims_that_start_late_are_not_complete_at_once():
    """Nothing large is paid in the month of service: no completion there, and expected claims are all added."""
    rows = lines_of(THREE)
    rows.append({**rows[1], "claim_id": "big", "paid_amount": 3000.0})
    rows.append({**rows[4], "claim_id": "huge", "paid_amount": 2000.0})
    triangle = claim_triangle(columns(rows), valuation_date=MARCH, **NAMES)
    found = ibnr(triangle, EXPOSURE, large_method="development")
    assert found.factors["large_age_to_age"].to_pylist() == [np.inf, 1.0, 1.0]
    assert found.factors["large_completion"].to_pylist() == [0.0, 1.0, 1.0]
    assert found.months["large_unpaid"].to_pylist() == pytest.approx([0, 0, 10 * 3000 / 30])


def test_large_claims_taken_back_do_not_develop():
    rows = lines_of(THREE)
    rows.append({**rows[0], "claim_id": "big", "paid_amount": 3000.0})
    rows.append({**rows[1], "claim_id": "big", "paid_amount": -3000.0})
    triangle = claim_triangle(columns(rows), valuation_date=MARCH, **NAMES)
    with pytest.raises(InputError, match="large claims paid within 0 months were taken back by the next"):
        ibnr(triangle, EXPOSURE, large_method="development")
    assert ibnr(triangle, EXPOSURE, large_pmpm="experience").run["large_unpaid"] == 0.0


def test_nothing_large_adds_nothing():
    triangle = claim_triangle(columns(lines_of(THREE)), valuation_date=MARCH, large_claim=10_000)
    for method in ("pmpm", "development"):
        found = ibnr(triangle, EXPOSURE, large_method=method)
        assert found.run["large_unpaid"] == 0.0
        assert found.total == pytest.approx(230)


payments = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.integers(0, 270), st.integers(0, 200), st.integers(-60_000, 200_000)
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(payments, st.integers(1, 2500))
def test_parts_are_those_of_the_twin_and_add_up(drawn, threshold):
    rows = [
        {"claim_id": claim, "member_id": "m", "service_date": date(2024, 1, 1) + timedelta(days=day),
         "paid_date": date(2024, 1, 1) + timedelta(days=day + lag), "paid_amount": cents / 100}
        for claim, day, lag, cents in [*drawn, ("e", 0, 0, 100)]
    ]  # fmt: skip
    below, above = naive.layers(rows, (2024, 9), threshold)
    options = {"valuation_date": date(2024, 9, 30), "first_month": "2024-01"}
    found = claim_triangle(columns(rows), large_claim=threshold, large_part="excess", **options)
    for row in found.table().to_pylist():
        cell = row["month"].year, row["month"].month, row["lag_months"]
        assert row["paid"] == pytest.approx(below.get(cell, 0.0), abs=1e-5)
        assert row["large_paid"] == pytest.approx(above.get(cell, 0.0), abs=1e-5)
    whole = claim_triangle(columns(rows), **options)
    assert np.nansum(found.paid + found.large_cells - whole.paid) == pytest.approx(0.0, abs=1e-4)
    names = ("used", "large", "paid_later", "outside_months")
    assert sum(found.run[f"dollars_{name}"] for name in names) == pytest.approx(
        found.run["dollars_read"], abs=0.03
    )
    assert sum(found.run[f"lines_{name}"] for name in names) == len(rows)
    assert found.run["large_claims"] <= 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"large_part": "some"}, "large_part 'some' is none of whole, excess"),
        ({"large_part": "excess", "large_by": "member_id"}, "large_part='excess' parts claims"),
        ({"large_part": "excess", "large_claim": -1}, "large_claim must be above 0"),
    ],
)
def test_options_of_large_claims_refused(options, message):
    with pytest.raises(InputError, match=message):
        claim_triangle(with_large(), valuation_date=MARCH, **options)


def test_methods_of_large_claims_refused():
    with pytest.raises(InputError, match="large_method 'guess' is none of pmpm, development"):
        ibnr(excess(), EXPOSURE, large_method="guess")
    with pytest.raises(InputError, match="no month reaches min_completion; give large_pmpm in dollars"):
        ibnr(excess(), EXPOSURE, large_method="development", tail=2.0, expected_pmpm=1.0)


def test_months_of_which_nothing_was_paid_at_first_count_in_the_volume():
    """Ages 1 to 2: (160 + 50) / (100 + 0), not 160 / 100: claims of the second period came late, and are claims."""
    nan = np.nan
    triangle = [[100, 160, 200], [0, 50, nan], [10, nan, nan]]
    assert chain_ladder(triangle).factors.tolist() == pytest.approx([2.1, 1.25])
    assert chain_ladder(triangle, average="simple").factors.tolist() == pytest.approx([1.6, 1.25])
    assert chain_ladder(triangle, drop_high=1).factors.tolist() == pytest.approx([1.6, 1.25])
    late = [[0, 160, 200], [0, 50, nan], [0, nan, nan]]
    with pytest.raises(InputError, match="no period is known at ages 1 and 2"):
        chain_ladder(late)
    with pytest.raises(InputError, match="needs claims paid above 0 in every known cell"):
        mack_range(triangle)
    with pytest.raises(InputError, match="claims paid by age 1 were taken back by the next"):
        chain_ladder([[100, -20], [50, nan]])
    with pytest.raises(InputError, match="so they have no geometric factor"):
        chain_ladder([[100, 0, 10], [50, 60, nan], [50, nan, nan]], average="geometric")


def test_months_of_which_nothing_is_ever_paid_at_once_take_what_is_expected():
    cells = [[0, 160, 40], [0, 160], [0]]
    triangle = claim_triangle(
        columns([row for row in lines_of(cells) if row["paid_amount"]]),
        valuation_date=MARCH,
        first_month="2025-01",
    )
    for method in ("pmpm", "bornhuetter_ferguson"):
        found = ibnr(triangle, EXPOSURE, immature=method)
        assert found.months["completion"].to_pylist() == pytest.approx([1, 0.8, 0])
        assert found.months["ultimate"].to_pylist() == pytest.approx([200, 200, 10 * 400 / 30])
    assert found.development.ultimate[:2].tolist() == pytest.approx([200, 200])
    assert np.isnan(found.development.ultimate[2])
    with pytest.raises(InputError, match="the chain ladder cannot complete it"):
        ibnr(triangle, EXPOSURE, immature="chain_ladder")


def test_a_quantile_is_around_the_estimate_that_was_made():
    """The latest ratios and a tail give another estimate than Mack's chain ladder, whose error it takes."""
    from tests.pricing.test_experience import RAA

    cells = [np.diff([0, *row]).tolist() for row in RAA]
    triangle = claim_triangle(columns(lines_of(cells)), valuation_date=date(2025, 10, 31))
    plain, other = (ibnr(triangle, [1.0] * 10, min_completion=0.0, tail=tail) for tail in (1.0, 1.1))
    assert plain.quantile(0.7) == pytest.approx(plain.mack.quantile(0.7))
    # Of a lognormal, quantiles at p and 1 - p multiply to the median squared: mean squared over 1 + cv squared.
    median = other.total / np.sqrt(1 + (other.mack.total / other.total) ** 2)
    assert other.quantile(0.3) * other.quantile(0.7) == pytest.approx(median**2)
