"""`pricing aca` and `pricing medicare`: from files to tables, a chart, a workbook, and what is printed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from pricing.aca.enrollees import market_of_scores
from pricing.aca.market_scenarios import read_scenarios
from pricing.aca.rate_tables import rate_table
from pricing.aca.rate_walk import Calibration, PoolAdjustments, plan_rates
from pricing.aca.state_rating import rating_rules
from pricing.aca.transfer import risk_transfer
from pricing.errors import InputError
from pricing.medicare.bid_worksheets import bid_flow
from pricing.medicare.drug_projection import drug_experience
from pricing.medicare.part_d_bid import part_d_bids
from pricing.worksheets.bid import bid_from_workbook
from pricing.worksheets.part_d_bid import part_d_bid_from_workbook
from tests.pricing.bids import random_bids
from tests.pricing.commands import run
from tests.pricing.part_d_plans import CLAIMS, DESIGNS, KINDS, PLANS


def to_csv(path: Path, table: dict[str, list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


POOL = {
    "plan_id": ["12345XX0010001", "12345XX0010002"], "metal_level": ["silver", "gold"],
    "av_and_cost_sharing": [0.72, 0.84], "administrative_share": [0.1, 0.1],
}  # fmt: skip


@pytest.mark.parametrize("state", ["", "MA", "VT"])
def test_aca_rates(tmp_path: Path, state: str):
    plans = to_csv(tmp_path / "plans.csv", POOL)
    areas = to_csv(tmp_path / "areas.csv", {"rating_area": ["1", "2"], "factor": [1.0, 1.1]})
    words = [
        "aca",
        "rates",
        "--plans",
        plans,
        "--areas",
        areas,
        "--index-rate",
        "600",
        "--benefit-year",
        2026,
    ]
    words += [
        "--output",
        tmp_path / "out",
        "--exchange-fees",
        "12",
        "--paid-to-allowed",
        "0.8",
        "--age-calibration",
        "1.5",
    ]
    words += ["--workbook", tmp_path / "filing.xlsx", "--csv", tmp_path / "rates.csv", "--state", state]
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "rates of 2 plans" in out
    walk = plan_rates(
        POOL, index_rate=600.0, adjustments=PoolAdjustments(exchange_fees=12.0, paid_to_allowed=0.8),
        calibration=Calibration(age=1.5),
    )  # fmt: skip
    expected = rate_table(
        walk, area_factors={"1": 1.0, "2": 1.1}, rules=rating_rules(state, benefit_year=2026)
    )
    assert pq.read_table(tmp_path / "out" / "rates.parquet")["rate"].equals(expected.rates["rate"])
    assert names(tmp_path / "out") == {
        "rates.parquet", "rates.png", "build_up.parquet", "assumptions.parquet", "run.json"
    }  # fmt: skip
    assert (tmp_path / "filing.xlsx").stat().st_size > 5_000
    assert len((tmp_path / "rates.csv").read_text().splitlines()) == expected.rates.num_rows + 1
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["counts"]["rates"] == expected.rates.num_rows


def test_aca_rates_refused(tmp_path: Path):
    plans = to_csv(tmp_path / "plans.csv", POOL)
    areas = to_csv(tmp_path / "areas.csv", {"rating_area": ["1"], "factor": [1.0]})
    words = [
        "aca",
        "rates",
        "--plans",
        plans,
        "--areas",
        areas,
        "--index-rate",
        "600",
        "--benefit-year",
        2026,
    ]
    words += ["--output", tmp_path / "out"]
    status, _, err = run(*words, "--state", "NJ", "--market", "small_group")
    assert status == 2
    assert err.startswith("InputError: NJ has an age curve of its own")
    curve = to_csv(tmp_path / "curve.csv", {"age_years": list(range(65)), "factor": [1.0] * 65})
    assert run(*words, "--state", "NJ", "--market", "small_group", "--age-curve", curve)[0] == 0
    status, _, err = run(*words)
    assert (status, err.startswith("OutputExistsError")) == (2, True)


MARKET = {
    "state": ["XX"] * 2, "market": ["individual"] * 2, "issuer_id": ["1", "2"], "plan_id": ["a", "b"],
    "rating_area": ["1"] * 2, "metal_level": ["silver"] * 2, "billable_member_months": [600, 600],
    "plrs": [4 / 3, 2 / 3], "arf": [1, 1], "premium_pmpm": [350, 350],
}  # fmt: skip


def test_aca_transfer(tmp_path: Path):
    pq.write_table(pa.table(MARKET), tmp_path / "market.parquet")
    words = ["aca", "transfer", "--benefit-year", 2016, "--output", tmp_path / "out"]
    status, out, err = run(*words, "--market", tmp_path / "market.parquet")
    assert (status, err) == (0, "")
    assert "70,000.00" in out  # 116.67 dollars of 600 months
    assert names(tmp_path / "out") >= {"transfers.parquet", "transfers.png", "transfer_pools.parquet"}
    enrollees = {
        "state": ["XX"] * 2, "market": ["individual"] * 2, "issuer_id": ["1", "2"], "plan_id": ["a", "b"],
        "rating_area": ["1"] * 2, "metal_level": ["silver"] * 2, "age_years": [40, 40], "months_enrolled": [12.0, 12.0],
        "payment_risk_score": [4 / 3, 2 / 3], "premium_pmpm": [350.0, 350.0],
    }  # fmt: skip
    pq.write_table(pa.table(enrollees), tmp_path / "enrollees.parquet")
    status, out, err = run(*words, "--enrollees", tmp_path / "enrollees.parquet", "--overwrite")
    assert (status, "1,400.00" in out) == (0, True)
    status, _, err = run(*words)
    assert (status, err) == (
        2,
        "InputError: give one of --market, --enrollees, and --scores with --enrollment.\n",
    )


def test_medicare_bid(tmp_path: Path):
    tables = random_bids(31, n_plans=4)
    files = {name: to_csv(tmp_path / f"{name}.csv", table) for name, table in tables.items()}
    own = tmp_path / "own.csv"
    own.write_text(
        "parameter,key,first_year,last_year,value,unit,source,where,verified\n"
        "bid_full_credibility_member_months,,2026,2026,36000,member months,our study,page 1,yes\n"
    )
    words = ["medicare", "bid", "--payment-year", 2026, "--output", tmp_path / "out", "--parameters", own]
    for name, path in files.items():
        words += [f"--{name.replace('_', '-')}", path]
    order = "part_b,supplemental,cost_sharing,part_d_basic,part_d_supplemental"
    status, out, err = run(*words, "--workbook", tmp_path / "bids.xlsx", "--rebate-order", order)
    assert (status, err) == (0, "")
    assert "4 bids for 2026" in out
    written = pq.read_table(tmp_path / "out" / "bids.parquet")
    again = bid_from_workbook(tmp_path / "bids.xlsx", payment_year=2026, rebate_order=tuple(order.split(",")))
    assert written["member_premium"].to_pylist() == pytest.approx(again.numbers["member_premium"])
    usual = bid_flow(
        tables["plans"],
        experience=tables["experience"],
        service_area=tables["service_area"],
        payment_year=2026,
    )
    assert written["credibility"].to_pylist() != pytest.approx(usual.numbers["credibility"])
    assert names(tmp_path / "out") >= {"bids.png", "bid_checks.parquet", "run.json"}
    status, _, err = run(*words, "--overwrite", "--rebate-order", "part_b")
    assert (status, err.startswith("InputError: rebate_order must name each of")) == (2, True)


def test_medicare_part_d(tmp_path: Path):
    tables = {"plans": {**KINDS, **PLANS}, "claims": CLAIMS, "designs": DESIGNS}
    words: list[object] = ["medicare", "part-d", "--payment-year", 2026, "--output", tmp_path / "out"]
    for name, table in tables.items():
        words += [f"--{name}", to_csv(tmp_path / f"{name}.csv", table)]
    status, out, err = run(*words, "--workbook", tmp_path / "bids.xlsx")
    assert (status, err) == (0, "")
    assert "3 Part D bids for 2026" in out
    assert "S: basic premium is not negative" in out
    found = drug_experience(KINDS, claims=CLAIMS, designs=DESIGNS, payment_year=2026)
    expected = part_d_bids(PLANS, coverage=found, payment_year=2026)
    assert pq.read_table(tmp_path / "out" / "part_d_bids.parquet").equals(expected.bids)
    again = part_d_bid_from_workbook(tmp_path / "bids.xlsx", payment_year=2026)
    assert again.numbers["total_premium"] == pytest.approx(expected.numbers["total_premium"])
    status, _, err = run(*words[:4], "--output", tmp_path / "b", "--plans", tmp_path / "plans.csv",
                         "--claims", tmp_path / "claims.csv")  # fmt: skip
    assert (status, err.startswith("InputError: plan 'B' is no defined standard")) == (2, True)
    assert not (tmp_path / "b").exists()


DATA = Path(__file__).parents[2] / "data" / "synthetic_aca"


def test_aca_from_scores_to_transfers_and_scenarios(tmp_path: Path):
    """The files of `riskadj score` lead to transfers and what-ifs: those that the library gives."""
    scores = riskadj.score(
        DATA / "enrollment.parquet",
        DATA / "diagnoses.parquet",
        drugs=DATA / "drugs.parquet",
        program="hhs",
        payment_year=2026,
    )
    scores.write(tmp_path / "scores")
    pq.write_table(scores.payment_scores, tmp_path / "scores.parquet")
    market = market_of_scores(scores.payment_scores, DATA / "enrollment.parquet", benefit_year=2026)
    expected = risk_transfer(market, benefit_year=2026).summary()
    words = ["--benefit-year", 2026, "--enrollment", DATA / "enrollment.parquet"]
    status, out, err = run(
        "aca", "transfer", *words, "--scores", tmp_path / "scores.parquet", "--output", tmp_path / "transfers"
    )
    assert (status, err) == (0, "")
    assert all(f"{transfer:,.2f}" in out for transfer in expected["transfer"])
    issuer = expected["issuer_id"][0]
    (tmp_path / "scenarios.toml").write_text(
        f'[[scenario]]\nname = "coding"\nwhere = {{ issuer_id = "{issuer}" }}\n'
        "multiply = { payment_risk_score = 1.02 }\n",
        encoding="utf-8",
    )
    words += ["--scores", tmp_path / "scores"]  # the directory
    words += ["--scenarios", tmp_path / "scenarios.toml", "--issuer", issuer, "--draws", 3]
    status, out, err = run("aca", "simulate", *words, "--output", tmp_path / "simulated")
    assert (status, err) == (0, "")
    assert "coding" in out
    assert names(tmp_path / "simulated") >= {
        "simulated_transfers.parquet",
        "simulated_transfers.png",
        "scenarios.parquet",
    }
    table = pq.read_table(tmp_path / "simulated" / "simulated_transfers.parquet").to_pandas()
    base = table[(table["scenario"] == "as it is") & (table["issuer_id"] == issuer)]["transfer"]
    own = expected[expected["issuer_id"] == issuer][
        "transfer"
    ]  # one row per pool; the simulation adds them up
    assert base.sum() == pytest.approx(own.sum(), abs=0.02)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[scenario]]\nshare = 0.5\n", "scenario 1 lacks 'name'"),
        (
            '[[scenario]]\nname = "a"\nscale = 2\n',
            "scenario 1 has no 'scale'; nearest: share; known: name, where",
        ),
        ("x = 1\n", "holds no [[scenario]] table"),
    ],
)
def test_scenarios_that_cannot_be_read(tmp_path: Path, text: str, words: str):
    (tmp_path / "scenarios.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_scenarios(tmp_path / "scenarios.toml")
    assert words in str(caught.value)


def test_enrollees_come_from_one_place(tmp_path: Path):
    words = [
        "aca",
        "simulate",
        "--benefit-year",
        2026,
        "--scenarios",
        "none.toml",
        "--output",
        tmp_path / "out",
    ]
    (tmp_path / "s.toml").write_text('[[scenario]]\nname = "a"\n', encoding="utf-8")
    words[5] = tmp_path / "s.toml"
    for given in ([], ["--scores", "s.parquet"], ["--enrollees", "e", "--scores", "s", "--enrollment", "f"]):
        status, _, err = run(*words, *given)
        assert (status, "give either --enrollees, or --scores and --enrollment." in err) == (2, True)
