"""Out-of-pocket cost spread over the year: by hand, and that everybody pays what they incurred."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.medicare.smoothing import smoothed_payments


def test_five_hundred_dollars_a_month_by_hand():
    paid = smoothed_payments([500.0] * 4 + [0.0] * 8, payment_year=2025)[0]
    first = 2000 / 12
    second = (500 - first + 500) / 11
    third = (1000 - first - second + 500) / 10
    rest = (1500 - first - second - third + 500) / 9
    assert paid == pytest.approx([first, second, third, *[rest] * 9])


def test_an_election_in_the_middle_of_the_year():
    cost = np.zeros(12)
    cost[[0, 5, 11]] = 400.0, 900.0, 120.0
    paid = smoothed_payments(cost, payment_year=2025, first_month=6)[0]
    # June: at most (2,000 - 400) / 7; then what is owed over six months; in December all that is left.
    june = 1600 / 7
    assert paid[:5].tolist() == [400.0, 0, 0, 0, 0]
    assert paid[5:11] == pytest.approx([june, *[(900 - june) / 6] * 5])
    assert paid[11] == pytest.approx((900 - june) / 6 + 120.0)


def test_a_small_first_month_is_paid_whole():
    assert smoothed_payments([50.0] + [0.0] * 11, payment_year=2026)[0].tolist() == [50.0] + [0.0] * 11


@given(cost=st.lists(st.floats(0, 170), min_size=12, max_size=12), first=st.integers(1, 12))
def test_over_the_year_everybody_pays_what_they_incurred(cost, first):
    paid = smoothed_payments([cost, cost[::-1]], payment_year=2026, first_month=[first, 1])
    assert paid.sum(axis=1) == pytest.approx([sum(cost)] * 2, abs=1e-9)
    assert (paid >= -1e-9).all()
    assert (np.cumsum(paid, axis=1) <= np.cumsum([cost, cost[::-1]], axis=1) + 1e-9).all()


@pytest.mark.parametrize(
    ("cost", "first", "message"),
    [
        ([-1.0] + [0.0] * 11, 1, "not negative"),
        ([500.0] * 12, 1, "above the threshold of 2,100.00"),
        ([1.0] * 11, 1, "for each of 12 months"),
        ([1.0] * 12, 13, "from 1 to 12"),
    ],
)
def test_what_cannot_be_spread(cost, first, message):
    with pytest.raises(InputError, match=message):
        smoothed_payments(cost, payment_year=2026, first_month=first)


def test_years_before_costs_could_be_spread_are_refused():
    """42 USC 1395w-102(b)(2)(E): plan years from 2025 on."""
    with pytest.raises(InputError, match="2024 has a coverage gap"):
        smoothed_payments([0.0] * 12, payment_year=2024)
