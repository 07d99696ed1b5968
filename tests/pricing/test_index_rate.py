"""From experience to the index rate: worked by hand, and the way on to a plan's rate."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.aca.index_rate import Projection, projected_index_rate
from pricing.aca.rate_walk import plan_rates
from pricing.errors import InputError

FACTORS = Projection(trends=(1.07, 1.065), morbidity=1.01, demographic=0.998, plan_design=0.99, other=1.002)


def test_worksheet_1_by_hand():
    walk = projected_index_rate(
        560.0, projection=FACTORS, member_months=30_000, manual_allowed=655.0, benefit_year=2026
    )
    projected = 560 * 1.07 * 1.065 * 1.01 * 0.998 * 0.99 * 1.002
    assert walk.level("projected experience") == pytest.approx([projected])
    # A quarter of 120,000 member months is credible by half.
    assert walk.value == pytest.approx([0.5 * projected + 0.5 * 655])
    names = [step.name for step in walk.steps]
    assert names[:4] == ["experience allowed", "trend, year 1", "trend, year 2", "morbidity"]


def test_experience_that_is_believed_needs_no_manual_rate():
    walk = projected_index_rate(560.0, member_months=120_000, benefit_year=2026)
    assert walk.value.tolist() == [560.0]
    assert projected_index_rate(560.0, benefit_year=2026).value.tolist() == [560.0]


def test_the_index_rate_is_where_plan_rates_start():
    index = float(projected_index_rate(560.0, projection=FACTORS, benefit_year=2026).value[0])
    plans = {"plan_id": ["12345XX0010001"], "metal_level": ["silver"], "av_and_cost_sharing": [0.7]}
    assert plan_rates(plans, index_rate=index).value == pytest.approx([0.7 * index])


def test_the_change_of_a_year_is_told_step_by_step():
    last = projected_index_rate(530.0, projection=Projection(trends=(1.06, 1.06)), benefit_year=2026)
    now = projected_index_rate(560.0, projection=FACTORS, benefit_year=2026)
    changes = now.change_from(last).to_pylist()
    assert sum(row["change"] for row in changes) == pytest.approx(float(now.value[0] - last.value[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projection": Projection(trends=(0.0,))}, "a trend is growth as a factor.*it is 0.0"),
        ({"projection": Projection(morbidity=-1.0)}, "morbidity must be above 0"),
        ({"credibility": 0.5}, "experience has a credibility of 0.500; give manual_allowed"),
        ({"credibility": 0.5, "member_months": 10.0}, "member_months or credibility, not both"),
        ({"credibility": 1.5}, "credibility must lie between 0 and 1; it is 1.5"),
        ({"member_months": 0.0}, "member_months must be above 0"),
    ],
)
def test_impossible_projections(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        projected_index_rate(560.0, benefit_year=2026, **options)
