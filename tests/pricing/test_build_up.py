"""Build-ups: levels, exact changes, refusals; the walk of the Unified Rate Review Template on them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.aca.rate_walk import Calibration, PoolAdjustments, csr_load, plan_rates
from pricing.build_up import BuildUp
from pricing.errors import InputError


def price(trend=1.08, z=0.6, retention=0.85, start=500.0):
    return (
        BuildUp("group rate")
        .start("experience", start, source="claims")
        .multiply("trend", trend, source="study")
        .add("pooling charge", 12.0, source="pool")
        .blend("credibility", z, manual=600.0, source="square root")
        .checkpoint("claims cost")
        .divide("retention", retention, source="committee")
    )


def test_levels_worked_by_hand():
    found = price()
    assert float(found.level("pooling charge")[0]) == pytest.approx(552.0)
    assert float(found.level("claims cost")[0]) == pytest.approx(0.6 * 552 + 0.4 * 600)
    assert float(found.value[0]) == pytest.approx(571.2 / 0.85)
    assert found.table().num_rows == 6
    assert "credibility" in repr(found)


numbers = st.floats(0.5, 2.0)


@given(old=st.tuples(numbers, st.floats(0, 1), numbers), new=st.tuples(numbers, st.floats(0, 1), numbers))
def test_changes_add_up_exactly(old, new):
    before, after = price(*old, start=500.0), price(*new, start=620.0)
    changes = after.change_from(before)["change"].to_pylist()
    assert sum(changes) == pytest.approx(float(after.value[0] - before.value[0]), abs=1e-9)


def test_each_change_is_that_of_its_step():
    changes = price(trend=1.10).change_from(price(trend=1.08)).to_pylist()
    assert {row["step"] for row in changes if abs(row["change"]) > 1e-12} == {"trend"}
    only = [row for row in changes if row["step"] == "trend"]
    assert only[0]["change"] == pytest.approx(500 * 0.02 * 0.6 / 0.85)


def test_a_step_that_is_new_is_a_cause_of_its_own():
    before = BuildUp("p").start("base", 100.0, source="s").multiply("trend", 1.1, source="s")
    after = before.multiply("new benefit", 1.05, source="s")
    rows = {row["step"]: row["change"] for row in after.change_from(before).to_pylist()}
    assert rows == pytest.approx({"base": 0.0, "trend": 0.0, "new benefit": 5.5})
    gone = {row["step"]: row["change"] for row in before.change_from(after).to_pylist()}
    assert gone["new benefit"] == pytest.approx(-5.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BuildUp("p").multiply("x", 1.0, source="s"), r"must begin with start\(\)"),
        (lambda: price().start("again", 1.0, source="s"), "has started already, with 'experience'"),
        (lambda: price().multiply("trend", 1.0, source="s"), "has a step 'trend' already"),
        (lambda: price().multiply("x", 1.0, source=""), r"say where the value comes from \(source=\)"),
        (lambda: price().divide("x", 0.0, source="s"), "divisor must be above 0"),
        (lambda: price().blend("x", 1.2, manual=1.0, source="s"), "credibility must lie between 0 and 1"),
        (lambda: price().level("trent"), "has no step 'trent'; nearest: trend"),
        (lambda: price().multiply("x", [1.0, 2.0], source="s"), "one for each of 1 labels"),
        (lambda: price().multiply("x", float("nan"), source="s"), "not a finite number"),
        (lambda: price().multiply("x", "1,05", source="s"), "step 'x': a value is no number"),
        (lambda: price().change_from(BuildUp("p").start("other", 1.0, source="s")), "name them alike"),
    ],
)
def test_what_a_build_up_refuses(make, message):
    with pytest.raises(InputError, match=message):
        make()


PLANS = {
    "plan_id": ["12345XX0010001", "12345XX0010002"],
    "metal_level": ["silver", "gold"],
    "av_and_cost_sharing": [0.72, 0.84],
    "csr_load": [1.12, 1.0],
    "network": [0.98, 1.0],
    "non_ehb": [1.0, 1.01],
    "administrative_share": [0.10, 0.10],
    "taxes_and_fees_share": [0.04, 0.04],
    "profit_and_risk_share": [0.03, 0.03],
}


def test_walk_of_the_rate_review_template():
    """urrt_fields.json: 3.11 = 3.2 x 3.3 x 3.4 x 3.5 x 3.6 / (1 - loads) x 3.10; 3.15 = 3.11 / calibrations."""
    pool = PoolAdjustments(
        risk_adjustment_charge=20.0, reinsurance_recovery=15.0, exchange_fees=11.0, paid_to_allowed=0.8
    )
    walk = plan_rates(PLANS, index_rate=600.0, adjustments=pool, calibration=Calibration(1.6, 1.02, 1.01))
    market = 600 + (20 - 15 + 11) / 0.8
    assert walk.level("market adjusted index rate").tolist() == [market] * 2
    silver, gold = market * 0.72 * 1.12 * 0.98 / 0.83, market * 0.84 * 1.01 / 0.83
    assert walk.level("plan adjusted index rate") == pytest.approx([silver, gold])
    assert walk.value == pytest.approx(np.array([silver, gold]) / (1.6 * 1.02 * 1.01))
    fields = {row["field"] for row in walk.table().to_pylist()}
    assert {"3.2", "3.3", "3.4", "3.5", "3.6", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"} <= fields


def test_csr_load():
    variants = {"standard": (0.4, 0.70), "73": (0.1, 0.73), "87": (0.2, 0.87), "94": (0.3, 0.94)}
    assert csr_load(variants, standard_av=0.70) == pytest.approx((0.28 + 0.073 + 0.174 + 0.282) / 0.70)
    with pytest.raises(InputError, match="add up to 1"):
        csr_load({"standard": (0.4, 0.7)}, standard_av=0.7)


def test_impossible_walks_are_refused():
    with pytest.raises(InputError, match=r"no 14-character HIOS id .* in 1 of 2 rows \(first rows: 2\)"):
        plan_rates({**PLANS, "plan_id": ["12345XX0010001", "12345X"]}, index_rate=600.0)
    with pytest.raises(InputError, match="take the whole premium or more in 1 of 2 rows"):
        plan_rates({**PLANS, "administrative_share": [0.95, 0.1]}, index_rate=600.0)
    with pytest.raises(InputError, match="index_rate must be above 0"):
        plan_rates(PLANS, index_rate=-1.0)
    with pytest.raises(InputError, match="adjustments of the pool take the whole index rate"):
        plan_rates(
            PLANS,
            index_rate=600.0,
            adjustments=PoolAdjustments(reinsurance_recovery=450.0, paid_to_allowed=0.75),
        )


def test_a_chart_of_a_label_that_is_none_is_refused() -> None:
    walk = BuildUp("rate", labels=("gold", "silver")).start("claims", [500.0, 400.0], source="study")
    assert "silver" in walk.plot("silver").axes[0].get_title()
    with pytest.raises(InputError, match="build-up 'rate' has no 'silvr'; nearest: silver"):
        walk.plot("silvr")


def test_a_step_of_nothing_is_not_shown_as_less_than_nothing():
    assert "-0.00" not in repr(BuildUp("x").start("a", 1.0, source="s").add("b", -0.0, source="s"))
