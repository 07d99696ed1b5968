"""What-ifs of a market: twins of single transfers, hand-worked changes, draws."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pricing.aca.market import market_of_enrollees
from pricing.aca.market_scenarios import BASE, Scenario
from pricing.aca.simulation import simulate
from pricing.aca.transfer import risk_transfer
from pricing.aca.transfer_formula import METAL_LEVELS
from pricing.errors import InputError

YEAR = 2026
SILVER = {"metal_level": "silver"}


def random_enrollees(seed: int, n: int = 400) -> dict[str, list[object]]:
    """Families of one or two in plans of three issuers, two States and two areas; every area has silver members."""
    source = np.random.default_rng(seed)
    issuer = source.integers(3, size=n)
    metal = source.choice(len(METAL_LEVELS), size=n, p=[0.05, 0.25, 0.5, 0.15, 0.05])
    state = source.choice(["XX", "YY"], size=n)
    return {
        "state": state.tolist(),
        "market": ["individual"] * n,
        "issuer_id": [f"{number}{number}" for number in issuer],
        "plan_id": [f"{s}{i}{m}" for s, i, m in zip(state, issuer, metal, strict=True)],
        "rating_area": source.choice(["1", "2"], size=n).tolist(),
        "metal_level": [METAL_LEVELS[number] for number in metal],
        "age_years": source.integers(0, 65, size=n).tolist(),
        "months_enrolled": source.integers(1, 13, size=n).tolist(),
        "payment_risk_score": source.gamma(1.0, 1.0, size=n).tolist(),
        "premium_pmpm": source.uniform(200, 900, size=n).tolist(),
        "family_id": [f"f{number // 2}" for number in range(n)],
        "is_billable": [True] * n,
    }


def transfers(enrollees: dict[str, list[object]]) -> dict[tuple[str, str], float]:
    """Transfers by State and issuer of the whole way, plan averages first."""
    plans = risk_transfer(market_of_enrollees(enrollees, benefit_year=YEAR), benefit_year=YEAR).plans
    found: dict[tuple[str, str], float] = {}
    for row in plans.to_pylist():
        key = row["state"], row["issuer_id"]
        found[key] = found.get(key, 0.0) + row["transfer"]
    return found


def of_scenario(simulation, name: str) -> dict[tuple[str, str], float]:
    rows = [row for row in simulation.issuers.to_pylist() if row["scenario"] == name]
    return {
        (row["state"], row["issuer_id"]): row["transfer"] for row in rows if row["billable_member_months"]
    }


@pytest.mark.parametrize("seed", range(4))
def test_each_scenario_is_the_transfer_of_the_changed_market(seed: int) -> None:
    enrollees = random_enrollees(seed)
    coded = {**enrollees, "payment_risk_score": [
        score * (1.1 if issuer == "00" else 1.0)
        for score, issuer in zip(enrollees["payment_risk_score"], enrollees["issuer_id"], strict=True)
    ]}  # fmt: skip
    is_silver = [
        (metal, issuer) == ("silver", "11")
        for metal, issuer in zip(enrollees["metal_level"], enrollees["issuer_id"], strict=True)
    ]
    moved = {
        **enrollees,
        "metal_level": [
            "gold" if yes else m for yes, m in zip(is_silver, enrollees["metal_level"], strict=True)
        ],
        "plan_id": ["new" if yes else p for yes, p in zip(is_silver, enrollees["plan_id"], strict=True)],
    }
    simulation = simulate(
        enrollees,
        [
            Scenario("coding", where={"issuer_id": "00"}, multiply={"payment_risk_score": 1.1}),
            Scenario(
                "gold", where={"issuer_id": "11", "metal_level": "silver"},
                set_to={"metal_level": "gold", "plan_id": "new"},
            ),
        ],
        benefit_year=YEAR,
        draws=0,
    )  # fmt: skip
    for name, changed in ((BASE, enrollees), ("coding", coded), ("gold", moved)):
        assert of_scenario(simulation, name) == pytest.approx(transfers(changed), abs=0.15)
    assert simulation.draws.num_rows == 0


def test_a_share_moves_that_part_of_every_member() -> None:
    """Moving a quarter of the months is a quarter of each member in one plan, three quarters in the other."""
    enrollees = random_enrollees(9)
    rows = range(len(enrollees["state"]))
    mine = [
        row
        for row in rows
        if enrollees["issuer_id"][row] == "22" and enrollees["metal_level"][row] == "silver"
    ]
    split = {name: [*values, *(values[row] for row in mine)] for name, values in enrollees.items()}
    for row in mine:
        split["months_enrolled"][row] *= 0.75
    for place in range(len(rows), len(split["state"])):
        split["months_enrolled"][place] *= 0.25
        split["plan_id"][place], split["metal_level"][place] = f"{split['state'][place]}bronze", "bronze"
        split["premium_pmpm"][place] *= 0.8
    simulation = simulate(
        enrollees,
        [
            Scenario(
                "down",
                where={"issuer_id": "22", "metal_level": "silver"},
                set_to={"plan_id": "bronze", "metal_level": "bronze"},
                multiply={"premium_pmpm": 0.8},
                share=0.25,
            )
        ],
        benefit_year=YEAR,
        draws=0,
    )
    assert of_scenario(simulation, "down") == pytest.approx(transfers(split), abs=0.15)
    months = sum(enrollees["months_enrolled"][row] for row in mine) * 0.25
    assert simulation.scenarios.to_pylist()[1] == {
        "scenario": "down", "enrollees": len(mine), "member_months": pytest.approx(months),
    }  # fmt: skip


def test_a_draw_is_the_transfer_of_the_families_drawn() -> None:
    enrollees = random_enrollees(3)
    simulation = simulate(enrollees, [], benefit_year=YEAR, draws=3, seed=12)
    names = sorted(set(enrollees["family_id"]))
    source = np.random.default_rng(12)
    for draw in (1, 2, 3):
        drawn = [names[place] for place in source.integers(len(names), size=len(names))]
        rows = [row for family in drawn for row, name in enumerate(enrollees["family_id"]) if name == family]
        again = {name: [values[row] for row in rows] for name, values in enrollees.items()}
        found = [row for row in simulation.draws.to_pylist() if row["draw"] == draw]
        for key, value in transfers(again).items():
            (own,) = [row["transfer"] for row in found if (row["state"], row["issuer_id"]) == key]
            assert own == pytest.approx(value, abs=0.15)


def test_draws_are_seeded_paired_and_cancel() -> None:
    enrollees = random_enrollees(5)
    nothing = [Scenario("nothing", multiply={"payment_risk_score": 1.0})]
    one, again = (simulate(enrollees, nothing, benefit_year=YEAR, draws=20, seed=4) for _ in range(2))
    other = simulate(enrollees, nothing, benefit_year=YEAR, draws=20, seed=5)
    assert one.issuers.equals(again.issuers)
    assert one.draws.equals(again.draws)
    assert not one.draws.equals(other.draws)
    frame = one.to_pandas("draws")
    assert frame["change"].abs().max() == pytest.approx(0.0, abs=1e-6)
    assert frame.groupby(["scenario", "state", "draw"])["transfer"].sum().abs().max() < 1e-6
    own = frame[(frame["scenario"] == BASE) & (frame["state"] == "XX") & (frame["issuer_id"] == "11")][
        "transfer"
    ]
    row = one.summary(issuer_id="11").iloc[0]
    assert (row["scenario"], row["state"]) == (BASE, "XX")
    assert row[["transfer_p5", "transfer_p95"]].tolist() == pytest.approx(
        np.percentile(own, [5, 95]).tolist()
    )
    assert row["transfer_p5"] < row["transfer_p50"] < row["transfer_p95"]


def test_better_coding_is_paid_by_the_others() -> None:
    simulation = simulate(
        random_enrollees(7),
        [Scenario("coding", where={"issuer_id": "00"}, multiply={"payment_risk_score": 1.05})],
        benefit_year=YEAR,
        draws=0,
    )
    frame = simulation.to_pandas()
    changes = frame[frame["scenario"] == "coding"].groupby("issuer_id")["change"].sum()
    assert changes["00"] > 0 > max(changes["11"], changes["22"])
    assert changes.sum() == pytest.approx(0.0, abs=0.05)


def test_an_issuer_that_enters_or_empties_has_its_row() -> None:
    enter = Scenario("enter", where={"issuer_id": "22"}, set_to={"issuer_id": "99"})
    frame = simulate(random_enrollees(2), [enter], benefit_year=YEAR, draws=0).to_pandas()
    by = frame.groupby(["scenario", "issuer_id"])["billable_member_months"].sum()
    assert by["enter", "99"] == by[BASE, "22"] > 0 == by["enter", "22"] == by[BASE, "99"]
    assert frame.loc[frame["billable_member_months"] == 0, "transfer_pmpm"].isna().all()


@pytest.mark.parametrize(
    ("scenarios", "message"),
    [
        ([Scenario("a", where={"issuer_id": "7"})], "scenario 'a' changes nobody"),
        ([Scenario("a", where={"isuer": "00"})], "enrollees have no column 'isuer'; they have: state"),
        ([Scenario(BASE)], "two scenarios are called 'as it is'"),
        ([Scenario("a", where=SILVER, set_to={"metal_level": "gold"}, share=0.5)], "two metal levels"),
        ([Scenario("a", where=SILVER, set_to={"metal_level": "bronze", "plan_id": "b"})], "silver plan"),
    ],
)  # fmt: skip
def test_impossible_scenarios_are_refused(scenarios: list[Scenario], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate(random_enrollees(1), scenarios, benefit_year=YEAR, draws=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"multiply": {"age_years": 2.0}},
            "scenario 'a' cannot change 'age_years'; multiply payment_risk_score",
        ),
        ({"set_to": {"payment_risk_score": "1"}}, "cannot change 'payment_risk_score'"),
        ({"share": 0.0}, "has share 0; give one above 0 and up to 1"),
        ({"multiply": {"premium_pmpm": -1.0}}, "multiplies by what is negative or no finite number"),
        ({"multiply": {"payment_risk_score": float("nan")}}, "negative or no finite number"),
    ],
)
def test_what_cannot_be_changed_is_refused_at_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Scenario("a", **options)  # type: ignore[arg-type]


def test_written_shown_and_drawn(tmp_path) -> None:
    scenario = Scenario("coding", where={"issuer_id": "00"}, multiply={"payment_risk_score": 1.05})
    simulation = simulate(random_enrollees(6), [scenario], benefit_year=YEAR, draws=8)
    simulation.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "assumptions.parquet", "run.json", "scenarios.parquet", "simulated_draws.parquet",
        "simulated_transfers.parquet",
    ]  # fmt: skip
    assert repr(simulation) == "<Simulation: 1 scenarios, 400 enrollees, 8 draws, benefit year 2026>"
    assert isinstance(simulation.assumptions, pa.Table)
    left, right = simulation.plot(issuer_id="00").axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["coding", BASE]
    assert "00" in left.get_title()
    assert right.get_title()
    with pytest.raises(InputError, match="no issuer 77 in the market; there are: 00, 11, 22"):
        simulation.plot(issuer_id="77")
