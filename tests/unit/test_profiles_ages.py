"""Ages on a day of one's own, against plain dates."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import numpy as np

from riskadj.scoring.profiles import completed_years_on
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
