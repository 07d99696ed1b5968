"""Scorecards: worked by hand, with utilization and recapture beside them."""

from __future__ import annotations

from datetime import date
from math import sqrt

import numpy as np
import pytest

from pricing.contracts.panel import read_panel
from pricing.contracts.scorecard import scorecards
from pricing.contracts.terms import Truncation
from pricing.errors import InputError
from pricing.experience.exposure import member_months
from pricing.experience.incurred_claims import incurred
from tests.pricing.contract_data import panel

RECAPTURE = {
    "model_id": ["v"] * 6, "kind": ["chronic"] * 5 + ["acute"], "provider_id": ["A", "A", "B", "B", "Z", "A"],
    "month": ["2025-01", "2025-02"] * 2 + ["2025-02", "2025-02"], "conditions": [10, 10, 4, 4, 9, 7],
    "recaptured_to_date": [1, 6, 0, 4, 9, 7],
}  # fmt: skip


def test_ratios_by_hand():
    found = scorecards(panel(), period=2025, full_credibility=96.0)
    a, b = found.groups.to_pylist()
    # 2025: A 3,300 on 12 x 1.0 + 12 x 1.5 = 30 of risk; B 3,000 on 6 x 2 = 12; everybody 6,300 / 42 = 150
    assert (a["members"], a["member_months"], a["risk_score"]) == (2, 24.0, 1.25)
    assert (a["pmpm"], a["risk_adjusted_pmpm"]) == (137.5, 110.0)
    assert (a["actual_to_expected"], b["actual_to_expected"]) == (
        pytest.approx(3300 / 4500),
        pytest.approx(3000 / 1800),
    )
    # A's members: 1,000 and 2,300 against ratio x 1,800 and x 2,700: residuals -320 and 320
    error = sqrt(2 / 1 * (320**2 + 320**2)) / 4500
    assert a["high"] - a["actual_to_expected"] == pytest.approx(1.959964 * error)
    assert a["z"] == pytest.approx(0.5)
    assert a["credible_actual_to_expected"] == pytest.approx(0.5 * 3300 / 4500 + 0.5)
    # funnel: residuals against 1,800, 2,700 and 1,800 are -800, -400 and 1,200; over what is expected, 6,300
    half = 1.96 * sqrt((800**2 + 400**2 + 1200**2) / 6300 / 4500)
    assert a["funnel_high"] == pytest.approx(1 + half)
    assert found.total == pytest.approx(1.0)


def test_a_group_far_off_is_found_and_others_are_not():
    random = np.random.default_rng(5)
    rows = [
        (f"G{g}", f"m{g}-{i}", 2025, 12.0, 1.0, float(random.gamma(2.0, 1000.0)) * (1.4 if g == 3 else 1.0))
        for g in range(10)
        for i in range(500)
    ]
    found = scorecards(panel(rows), period=2025)
    places = dict(
        zip(found.groups["provider_id"].to_pylist(), found.groups["position"].to_pylist(), strict=True)
    )
    assert places.pop("G3") == "very high"
    assert set(places.values()) <= {"within", "low"}
    assert found.plot().axes


def test_truncation_quality_and_recapture():
    groups = {"provider_id": ["A", "B"], "quality_score": [0.9, 0.4]}
    found = scorecards(
        read_panel(panel()),
        period=2025,
        truncation=Truncation(level=2000.0),
        groups=groups,
        recapture=RECAPTURE,
    )
    a, b = found.groups.to_pylist()
    assert (a["pmpm"], a["quality_score"]) == (125.0, 0.9)  # 1,000 + 2,000
    assert (a["conditions"], a["recapture_rate"], b["recapture_rate"]) == (10, 0.6, 1.0)
    # Wilson, 6 of 10 at 95 %: 0.3127 to 0.8318 (worked: (0.6 + z2 / 20 -+ ...) / (1 + z2 / 10), z2 = 3.8415)
    z2 = 1.959964**2
    half = sqrt(z2 * 0.24 / 10 + z2 * z2 / 400)
    assert a["recapture_low"] == pytest.approx((0.6 + z2 / 20 - half) / (1 + z2 / 10), abs=1e-6)
    assert round(a["recapture_low"], 4) == 0.3127
    assert b["recapture_high"] == pytest.approx(1.0)
    assert "recapture_rate" in found.summary()


def test_utilization_against_everybody():
    spans = {
        "member_id": ["a", "b"], "provider_id": ["A", "B"],
        "enrollment_start_date": [date(2025, 1, 1)] * 2, "enrollment_end_date": [date(2025, 12, 31), date(2025, 6, 30)],
    }  # fmt: skip
    lines = {
        "claim_id": list("1234"), "member_id": list("aaab"), "service_date": [date(2025, 2, 1)] * 4,
        "service_category": ["pro", "pro", "er", "pro"], "allowed_amount": [10.0, 20.0, 100.0, 5.0],
    }  # fmt: skip
    months = member_months(spans, first_month="2025-01", last_month="2025-12", by="provider_id")
    found = scorecards(panel(), period=2025, utilization=incurred(lines, months, utilization="lines"))
    rows = {(row["provider_id"], row["service_category"]): row for row in found.utilization.to_pylist()}
    # visits to "pro": A 2 in 12 months, B 1 in 6: 2,000 a year per 1,000 each, and 3 in 18 of everybody
    assert rows["A", "pro"]["utilization_per_1000"] == pytest.approx(2000.0)
    assert rows["B", "pro"]["relative"] == pytest.approx(1.0)
    # "er": A 1 in 12 months (1,000), everybody 1 in 18 (666.7)
    assert rows["A", "er"]["relative"] == pytest.approx(1.5)
    assert found.plot().axes
    other = member_months(spans, first_month="2025-01", last_month="2025-12")
    with pytest.raises(InputError, match="lacks 'provider_id'"):
        scorecards(panel(), period=2025, utilization=incurred(lines, other, utilization="lines"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cronic"}, "no conditions of kind 'cronic'; nearest: chronic"),
        ({"model_id": ["v", "w"] * 3}, "has several models, whose conditions overlap"),
        ({"recaptured_to_date": [None] * 6}, "has no month that is known"),
    ],
)
def test_recapture_that_is_refused(change, message):
    kind = change.get("kind", "chronic")
    table = {**RECAPTURE, **{name: value for name, value in change.items() if name != "kind"}}
    with pytest.raises(InputError, match=message):
        scorecards(panel(), period=2025, recapture=table, recapture_kind=kind)


def test_files(tmp_path):
    found = scorecards(panel(), period=2025)
    files = {path.name for path in found.write(tmp_path / "out", chart=True).iterdir()}
    names = {"scorecards.parquet", "scorecard_utilization.parquet", "assumptions.parquet"}
    assert files == {*names, "scorecards.png", "run.json"}
    assert repr(found).startswith("<Scorecards of 2 groups")
    assert list(found.summary().index) == ["A", "B"]
