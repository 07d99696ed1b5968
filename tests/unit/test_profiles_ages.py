"""Ages on a day of one's own, against plain dates; profiles of some of the rows."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import numpy as np

from riskadj.scoring.profiles import completed_years_on, find_profiles
from tests import naive

_EPOCH = date(1970, 1, 1)


def test_age_on_a_day_of_ones_own_equals_plain_dates() -> None:
    random = Random(2098)
    births = [random.randrange(-25_000, 20_500) for _ in range(2_000)]
    days = [random.randrange(18_000, 20_500) for _ in range(2_000)]
    leap_day, before, after = (
        (day - _EPOCH).days for day in (date(2004, 2, 29), date(2025, 2, 28), date(2025, 3, 1))
    )
    births, days = [leap_day, leap_day, *births], [before, after, *days]
    ages = completed_years_on(np.array(births, np.int32), np.array(days, np.int32))
    plain = [
        naive.age_on(*(_EPOCH + timedelta(days=n) for n in pair)) for pair in zip(births, days, strict=True)
    ]
    assert ages.tolist() == plain
    assert plain[:2] == [20, 21]


def test_profiles_that_are_kept_are_those_of_the_rows_that_are_left() -> None:
    random = np.random.default_rng(2099)
    ages = random.integers(60, 66, 500).astype(np.uint8)
    sexes, flags = (random.integers(0, 2, 500).astype(np.uint8) for _ in range(2))
    fields = ("sex", "is_pace")
    every = find_profiles(ages, {"sex": sexes, "is_pace": flags}, fields)
    keep = every.columns["age_years"] != 63
    left = keep[every.of_row]
    found = every.kept(keep)
    alone = find_profiles(ages[left], {"sex": sexes[left], "is_pace": flags[left]}, fields)
    assert 0 < alone.n_profiles < every.n_profiles
    assert found.of_row.dtype == np.int32
    assert found.of_row.tolist() == alone.of_row.tolist()
    assert {name: codes.tolist() for name, codes in found.columns.items()} == {
        name: codes.tolist() for name, codes in alone.columns.items()
    }
