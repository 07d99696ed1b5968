"""Age curves of States, family tiers, and rate tables: CMS's published values, and premiums worked by hand."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pricing.aca.market import market_of_enrollees
from pricing.aca.rate_tables import rate_table
from pricing.aca.rate_walk import Calibration, plan_rates
from pricing.aca.rating import member_rates, premiums
from pricing.aca.state_rating import rating_rules
from pricing.errors import InputError
from pricing.parameters import load_rates
from riskadj.errors import OutputExistsError

RATES = load_rates("aca", 2026)
CURVES = ("AL", "DC", "MA", "MN", "MS", "OR", "UT")


@pytest.mark.parametrize(
    ("state", "child", "adult"),
    [("AL", 0.635, 1.0), ("MS", 0.635, 1.0), ("OR", 0.635, 1.0), ("MN", 0.89, 1.0), ("UT", 0.793, 1.0),
     ("DC", 0.654, 0.727), ("MA", 0.751, 1.183), ("TX", 0.765, 1.0), ("", 0.765, 1.0)],
)  # fmt: skip
def test_published_curves_of_states(state: str, child: float, adult: float):
    rules = rating_rules(state, rates=RATES)
    assert rules.factors([0, 14, 21]).tolist() == [child, child, adult]
    if state not in ("", "TX"):
        assert rules.factors(20) == child, "flat for children: no bands from 15 on"


@pytest.mark.parametrize("state", CURVES)
def test_every_curve_held_keeps_the_law(state: str):
    """42 USC 300gg(a)(1)(A)(iii): adults vary by at most 3 to 1; no curve falls with age."""
    curve = rating_rules(state, rates=RATES).curve
    assert len(curve) == 65
    assert all(older >= younger for younger, older in pairwise(curve))
    assert curve[64] / curve[21] <= 3.0 + 1e-9
    if state == "MA":
        assert curve[64] / curve[21] <= 2.0  # CMS's list: Massachusetts rates 2 to 1


def test_a_state_whose_curve_is_not_held_is_refused():
    assert rating_rules("NJ", rates=RATES).factors(40) == 1.278
    message = (
        r"NJ has an age curve of its own for the small_group market of 2026, which is not held entirely "
        r"\(65 of 65 ages missing\); bring it with age_curve="
    )
    with pytest.raises(InputError, match=message):
        rating_rules("NJ", rates=RATES, market="small_group")
    with pytest.raises(InputError, match="MA has an age curve of its own for the individual market of 2017"):
        rating_rules("MA", benefit_year=2017)
    holed = load_rates("aca", 2026)
    del holed.parameters["state_age_factor", "UT 44"]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="1 of 65 ages missing"):
        rating_rules("UT", rates=holed)


def test_a_curve_of_ones_own(tmp_path: Path):
    path = tmp_path / "curve.csv"
    rows = [(age, 1 + age / 100) for age in reversed(range(65))]
    path.write_text("age_years,factor\n" + "".join(f"{age},{factor}\n" for age, factor in rows))
    rules = rating_rules("NJ", rates=RATES, market="small_group", age_curve=path)
    assert rules.factors([0, 40, 99]) == pytest.approx([1.0, 1.4, 1.64])
    assert not {"age_factor", "state_age_factor"} & set(rules.assumptions["parameter"].to_pylist())
    short = {"age_years": list(range(64)), "factor": [1.0] * 64}
    with pytest.raises(InputError, match="needs one row for each age from 0 to 64, and none above"):
        rating_rules("NJ", rates=RATES, age_curve=short)
    with pytest.raises(InputError, match="NY rates by family tiers; leave out age_curve"):
        rating_rules("NY", rates=RATES, age_curve=path)


def test_what_a_curve_comes_from_is_said():
    said = rating_rules("MA", rates=RATES).assumptions.to_pylist()
    factors = {row["key"]: row for row in said if row["parameter"] == "state_age_factor"}
    assert len(factors) == 65
    assert all(row["verified"] for row in factors.values())
    assert "age_factor" not in {row["parameter"] for row in said}
    assert {row["key"] for row in said if row["parameter"] == "state_tobacco_limit"} == {"MA"}


def family(ages: list[int], name: str = "f", **columns: object) -> dict[str, object]:
    n = len(ages)
    return {"family_id": [name] * n, "age_years": ages, "base_rate": [500.0] * n, **columns}


@pytest.mark.parametrize(
    ("state", "ages", "tier", "premium"),
    [
        ("NY", [30], "one_adult", 500.0),
        ("NY", [24], "one_adult", 500.0),
        ("NY", [60, 58], "two_adults", 1000.0),
        ("NY", [33, 4], "one_adult_and_children", 850.0),
        ("NY", [33, 4, 2, 1], "one_adult_and_children", 850.0),
        ("NY", [41, 39, 16, 13, 9, 4], "two_adults_and_children", 1425.0),
        ("NY", [7], "child_only", 206.0),
        ("NY", [7, 5], "child_only", 412.0),
        ("VT", [33, 4], "one_adult_and_children", 965.0),
        ("VT", [41, 39, 16], "two_adults_and_children", 1405.0),
    ],
)
def test_family_tiers(state: str, ages: list[int], tier: str, premium: float):
    found = premiums(family(ages), benefit_year=2026, rules=rating_rules(state, rates=RATES))
    (row,) = found.families.to_pylist()
    assert (row["tier"], row["premium"], row["rated_members"]) == (tier, premium, len(ages))
    assert sum(found.members["premium"].to_pylist()) == premium
    assert set(found.members["age_factor"].to_pylist()) == {1.0}


def test_a_tier_in_an_area_is_rounded_once():
    # 333.33 x 1.07 = 356.6631; x 2.85 = 1016.489835, not 356.66 x 2.85 = 1016.481.
    members = {**family([40, 38, 3]), "base_rate": [333.33] * 3, "area_factor": [1.07] * 3}
    found = premiums(members, benefit_year=2026, rules=rating_rules("NY", rates=RATES))
    assert found.families["premium"].to_pylist() == [1016.49]


def test_grown_children_and_spouses():
    rules = rating_rules("NY", rates=RATES)
    with pytest.raises(
        InputError, match=r"tell a grown child from a spouse; give is_child .* in 1 of 3 rows"
    ):
        premiums(family([50, 48, 23]), benefit_year=2026, rules=rules)
    said = premiums(
        family([50, 48, 23], is_child=[False, False, True]), benefit_year=2026, rules=rules
    ).families.to_pylist()[0]
    assert said["tier"] == "two_adults_and_children"
    couple = premiums(family([27, 23], is_child=[False, False]), benefit_year=2026, rules=rules)
    assert couple.families["tier"].to_pylist() == ["two_adults"]


def test_families_that_no_tier_fits():
    with pytest.raises(InputError, match="more than 2 adults"):
        premiums(family([50, 48, 70]), benefit_year=2026, rules=rating_rules("NY", rates=RATES))
    with pytest.raises(InputError, match=r"a tier that VT has no ratio for \(child_only\)"):
        premiums(family([7]), benefit_year=2026, rules=rating_rules("VT", rates=RATES))
    members = {**family([50, 48]), "base_rate": [500.0, 400.0]}
    with pytest.raises(InputError, match="different base rates or areas in 1 of 2 rows"):
        premiums(members, benefit_year=2026, rules=rating_rules("VT", rates=RATES))


@pytest.mark.parametrize("state", ["New York", "N", "12"])
def test_a_state_is_written_in_two_letters(state: str):
    """New York has tiers; by its name it would be rated by the federal curve."""
    with pytest.raises(InputError, match="not written in two letters"):
        rating_rules(state, rates=RATES)


def test_tobacco_by_state_and_age():
    kinds = {"CA": 1.0, "AR": 1.2, "CT": 1.5, "": 1.5, "TX": 1.5}
    assert {state: rating_rules(state, rates=RATES).tobacco_limit for state in kinds} == kinds
    assert rating_rules("CT", rates=RATES, market="small_group").tobacco_limit == 1.0
    with pytest.raises(InputError, match="must lie between 1 and 1 in CA; it does not in 1 of 1 rows"):
        member_rates(100.0, age_years=40, tobacco_factor=1.1, rules=rating_rules("CA", rates=RATES))
    with pytest.raises(InputError, match="for ages below 21, who may not use tobacco, in 1 of 2 rows"):
        member_rates(100.0, age_years=[20, 21], tobacco_factor=1.2, rates=RATES)


PLANS = {
    "plan_id": ["12345XX0010001", "12345XX0010002"],
    "metal_level": ["silver", "gold"],
    "av_and_cost_sharing": [0.72, 0.84],
}
WALK = plan_rates(PLANS, index_rate=600.0, calibration=Calibration(age=1.5))


def test_rate_table_is_what_each_member_is_charged():
    table = rate_table(
        WALK, area_factors={"1": 1.0, "2": 0.9}, rules=rating_rules(rates=RATES), tobacco_factor=1.25
    )
    rows = table.rates.to_pylist()
    assert len(rows) == 2 * 2 * 51  # 0-14, then each age from 15 on
    assert [row["band"] for row in rows[:2]] + [rows[50]["band"]] == ["0-14", "15", "64 and over"]
    for row in rows:
        age = int(row["band"].split("-")[0].split(" ")[0])
        base = float(WALK.value[PLANS["plan_id"].index(row["plan_id"])])
        area = {"1": 1.0, "2": 0.9}[row["rating_area"]]
        tobacco = 1.25 if age >= 21 else 1.0
        factor = RATES.number("age_factor", age)
        assert row["rate"] == pytest.approx(base * area * factor, abs=0.005001)
        assert row["tobacco_rate"] == pytest.approx(base * area * factor * tobacco, abs=0.005001)
    own = member_rates(WALK.value[1], age_years=45, area_factor=0.9, tobacco_factor=1.25, rates=RATES)
    place = {(row["plan_id"], row["rating_area"], row["band"]): row["tobacco_rate"] for row in rows}
    assert place[PLANS["plan_id"][1], "2", "45"] == float(own)
    assert table.explain(PLANS["plan_id"][1]).value == WALK.value[1:]


def test_rate_table_of_tiers_and_of_a_curve_that_differs_among_children(tmp_path: Path):
    tiers = rate_table(WALK, area_factors={"1": 1.0}, rules=rating_rules("VT", rates=RATES))
    assert tiers.rates["band"].to_pylist()[:4] == [
        "one_adult", "two_adults", "one_adult_and_children", "two_adults_and_children"
    ]  # fmt: skip
    base = float(WALK.value[0])
    assert tiers.rates["rate"].to_pylist()[2] == pytest.approx(base * 1.93, abs=0.005)
    assert list(tiers.summary().columns[2:]) == tiers.rates["band"].to_pylist()[:4]
    rising = {"age_years": list(range(65)), "factor": np.linspace(0.5, 3, 65).tolist()}
    rules = rating_rules("NJ", rates=RATES, market="small_group", age_curve=rising)
    assert rate_table(WALK, area_factors={"1": 1.0}, rules=rules).rates.num_rows == 2 * 65


def test_rate_table_written(tmp_path: Path):
    table = rate_table(WALK, area_factors={"1": 1.0, "2": 0.9}, rules=rating_rules("MA", rates=RATES))
    table.write(tmp_path / "out", chart=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "rates.parquet", "rates.png", "build_up.parquet", "assumptions.parquet", "run.json"
    }  # fmt: skip
    assert pq.read_table(tmp_path / "out" / "rates.parquet").num_rows == table.run["counts"]["rates"] == 204
    table.write_csv(tmp_path / "rates.csv")
    with (tmp_path / "rates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["rate"]) for row in rows] == table.rates["rate"].to_pylist()
    with pytest.raises(OutputExistsError, match="exists"):
        table.write_csv(tmp_path / "rates.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"area_factors": {}}, "at least one rating area"),
        ({"area_factors": {"1": 0.0}}, "factor above 0"),
        ({"tobacco_factor": 1.6}, "between 1 and 1.5"),
        ({"tobacco_factor": {18: 1.1}}, "ages below 21"),
        ({"tobacco_factor": 1.1, "rules": rating_rules("NY", rates=RATES)}, "between 1 and 1 in NY"),
    ],
)
def test_impossible_rate_tables(options: dict[str, object], message: str):
    with pytest.raises(InputError, match=message):
        rate_table(WALK, **{"area_factors": {"1": 1.0}, "rules": rating_rules(rates=RATES), **options})


def test_the_risk_transfer_reads_each_states_curve():
    """A plan's allowable rating factor: Massachusetts by its own curve, New York 1, Texas federal."""
    n = 3
    enrollees = {
        "state": ["MA", "NY", "TX"], "market": ["individual"] * n, "issuer_id": ["1"] * n, "plan_id": ["a"] * n,
        "rating_area": ["1"] * n, "metal_level": ["silver"] * n, "age_years": [45] * n, "months_enrolled": [12] * n,
        "payment_risk_score": [1.0] * n, "premium_pmpm": [400.0] * n,
    }  # fmt: skip
    market = market_of_enrollees(enrollees, benefit_year=2026).to_pylist()
    assert {row["state"]: row["arf"] for row in market} == {"MA": 1.511, "NY": 1.0, "TX": 1.444}
