"""Trend: found again where it was put, worked by hand, and components whose product is the change."""

from __future__ import annotations

from datetime import date
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pricing.errors import InputError
from pricing.experience.trend import fit_trend, leveraged_trend, months_between_midpoints, projection_factor
from pricing.experience.trend_attribution import COMPONENTS, trend_components
from pricing.rows import ALL

SEASON = [0.9, 0.95, 1.05, 1.0, 1.0, 1.0, 0.95, 0.95, 1.0, 1.05, 1.05, 1.1]


def months_of(n, trend=0.07, start=(2022, 4)):
    first = start[0] * 12 + start[1] - 1
    dates = [date((first + i) // 12, (first + i) % 12 + 1, 1) for i in range(n)]
    return {
        "month": dates,
        "pmpm": [400 * SEASON[day.month - 1] * (1 + trend) ** (i / 12) for i, day in enumerate(dates)],
        "member_months": [1000.0 + 10 * i for i in range(n)],
    }


@pytest.mark.parametrize("n", [14, 24, 31])
def test_trend_and_seasonality_are_found_again(n):
    found = fit_trend(months_of(n))
    assert found.annual == pytest.approx(0.07)
    mean = sum(SEASON) / 12
    assert found.seasonality == pytest.approx({i + 1: factor / mean for i, factor in enumerate(SEASON)})
    assert found.months["fitted_pmpm"].to_pylist() == pytest.approx(months_of(n)["pmpm"])
    assert found.factor(18) == pytest.approx(1.07**1.5)


def test_months_that_are_missing_are_said():
    whole = months_of(24)
    assert fit_trend(whole).warnings == ()
    kept = [row for row in range(24) if row not in (3, 15)]
    found = fit_trend(
        {name: [values[row] for row in kept] for name, values in whole.items()}, seasonality=False
    )
    assert "2 months between 2022-04 and 2024-03 are missing (first: 2022-07, 2023-07)" in found.warnings[0]
    assert repr(found).startswith(f"<Trend: {found.annual:+.2%} a year")


def test_order_of_months_does_not_matter():
    months = months_of(20)
    assert fit_trend({name: values[::-1] for name, values in months.items()}).annual == pytest.approx(0.07)


def test_the_interval_is_that_of_a_weighted_line():
    """Slope and interval by the textbook's sums."""
    rng = np.random.default_rng(7)
    months = months_of(24, trend=0.0)
    weight = np.array(months["member_months"])
    noisy = np.exp(rng.normal(0.05 * np.arange(24) / 12, 0.02))
    found = fit_trend({**months, "pmpm": noisy}, seasonality=False, confidence=0.9)
    x, y = np.arange(24) / 12, np.log(noisy)
    mean_x, mean_y = (np.average(each, weights=weight) for each in (x, y))
    squares = (weight * (x - mean_x) ** 2).sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / squares
    residual = y - mean_y - slope * (x - mean_x)
    error = sqrt((weight * residual**2).sum() / 22 / squares)
    half = stats.t.ppf(0.95, 22) * error
    assert (found.annual, found.low, found.high) == pytest.approx(
        (exp(slope) - 1, exp(slope - half) - 1, exp(slope + half) - 1)
    )


@pytest.mark.parametrize(
    ("months", "options", "message"),
    [
        (
            months_of(13),
            {},
            "13 months do not tell trend from the rest: it takes more than thirteen",
        ),
        (months_of(2), {"seasonality": False}, "at least three months"),
        ({**months_of(14), "pmpm": [0.0] * 14}, {}, "not above 0"),
        (
            {**months_of(14), "month": [date(2025, 1, i + 1) for i in range(14)]},
            {},
            "stands twice in 13 of 14",
        ),
        (months_of(14), {"confidence": 1}, "between 0 and 1"),
    ],
)
def test_trend_refused(months, options, message):
    with pytest.raises(InputError, match=message):
        fit_trend(months, **options)


def test_months_that_are_all_alike_have_no_trend_and_nothing_to_explain():
    months = {"month": ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"], "pmpm": [300.0] * 4}
    found = fit_trend(months, seasonality=False)
    assert found.annual == pytest.approx(0, abs=1e-9)
    assert np.isnan(found.r_squared)


def test_projection():
    assert projection_factor(0.08, 18) == pytest.approx(1.08**1.5)
    assert months_between_midpoints(("2024-01", "2024-12"), ("2026-01", "2026-12")) == 24
    assert months_between_midpoints((date(2024, 7, 1), "2024-12"), ("2025-01", "2025-12")) == 9
    with pytest.raises(InputError, match="ends before it begins"):
        months_between_midpoints(("2024-12", "2024-01"), ("2026-01", "2026-12"))


def test_a_deductible_levers_trend():
    claims = [0.0, 500.0, 2000.0, 10_000.0]
    # above 1,000: 1,000 + 9,000 before; 1,200 + 10,000 after 10 %
    assert leveraged_trend(claims, deductible=1000, trend_annual=0.1) == pytest.approx(0.12)
    assert leveraged_trend(claims, deductible=0, trend_annual=0.1) == pytest.approx(0.1)
    weighted = leveraged_trend(claims, deductible=1000, trend_annual=0.1, weights=[1, 1, 0, 1])
    assert weighted == pytest.approx(1 / 9)
    two = leveraged_trend([2000.0], deductible=1000, trend_annual=0.1, years=2)
    assert two == pytest.approx(sqrt(1.42) - 1)
    with pytest.raises(InputError, match="years must be above 0"):
        leveraged_trend(claims, deductible=1000, trend_annual=0.1, years=0)
    with pytest.raises(InputError, match="nobody's claims pass the deductible"):
        leveraged_trend(claims, deductible=20_000, trend_annual=0.1)


def side(rows):
    names = ("service_category", "cell", "utilization_per_1000", "unit_cost")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


BEFORE = side([("visits", "office", 3000, 100), ("visits", "urgent", 1000, 200), ("stays", "", 60, 20_000)])
AFTER = side([("visits", "office", 2800, 110), ("visits", "urgent", 1400, 210), ("stays", "", 63, 21_000)])


def test_components_worked_by_hand():
    rows = {row["service_category"]: row for row in trend_components(BEFORE, AFTER).components.to_pylist()}
    visits = rows["visits"]
    assert visits["pmpm_before"] == pytest.approx(500_000 / 12_000)
    assert visits["utilization_index"] == pytest.approx(4200 / 4000)
    assert visits["mix_index"] == pytest.approx((560_000 / 4200) / (500_000 / 4000))
    assert visits["unit_cost_index"] == pytest.approx((308_000 + 294_000) / 560_000)
    stays = rows["stays"]
    assert (stays["utilization_index"], stays["mix_index"]) == pytest.approx((1.05, 1.0))
    assert stays["unit_cost_annual"] == pytest.approx(0.05)
    change = (63 * 21_000 - 60 * 20_000) / 12_000
    assert stays["utilization_dollars"] == pytest.approx(change / 2)  # two equal factors share alike
    assert rows[ALL]["pmpm_after"] == pytest.approx(visits["pmpm_after"] + stays["pmpm_after"])


numbers = st.floats(0.01, 1e5)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), numbers, numbers, numbers, numbers), min_size=1, max_size=6))
def test_components_multiply_and_add_up(drawn):
    cells = [(category, str(i)) for i, (category, *_) in enumerate(drawn)]
    before = side([(*cell, u, p) for cell, (_, u, p, _, _) in zip(cells, drawn, strict=True)])
    after = side([(*cell, u, p) for cell, (_, _, _, u, p) in zip(cells, drawn, strict=True)][::-1])
    for row in trend_components(before, after, months_between=18).components.to_pylist():
        product = np.prod([row[f"{name}_index"] for name in COMPONENTS])
        assert product == pytest.approx(row["pmpm_index"])
        assert row["pmpm_index"] == pytest.approx(row["pmpm_after"] / row["pmpm_before"])
        dollars = sum(row[f"{name}_dollars"] for name in COMPONENTS)
        assert dollars == pytest.approx(row["change"], rel=1e-6, abs=1e-6 * row["pmpm_before"])
        assert 12 * log(row["pmpm_index"]) / 18 == pytest.approx(log(1 + row["pmpm_annual"]), abs=1e-9)


def test_no_change_has_no_components():
    row = trend_components(BEFORE, BEFORE).components.to_pylist()[-1]
    assert row["change"] == row["utilization_dollars"] == row["mix_dollars"] == row["unit_cost_dollars"] == 0


def test_cells_of_one_period_only_are_refused():
    with pytest.raises(InputError, match="in one period only: cells of stays"):
        trend_components(BEFORE, side([("visits", "office", 1, 1), ("visits", "urgent", 1, 1)]))


def test_written_and_shown(tmp_path):
    found = fit_trend(months_of(24))
    found.write(tmp_path / "trend")
    assert found.summary().loc[0, "months"] == 24
    assert len(found.plot().axes) == 2
    parts = trend_components(BEFORE, AFTER)
    parts.write(tmp_path / "parts")
    assert parts.summary().index.tolist() == ["stays", "visits", ALL]
    assert len(parts.plot().axes) == 2
    assert (tmp_path / "parts" / "trend_components.parquet").exists()
