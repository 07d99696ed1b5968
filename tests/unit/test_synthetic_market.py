"""The invented individual and small-group market: the same everywhere, of every kind, and all of it scores."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

import riskadj
from riskadj.cli import app
from riskadj.errors import OptionError
from riskadj.synthetic import make_market

YEAR, N_MEMBERS = 2026, 4000


@pytest.fixture(scope="module")
def market() -> dict[str, pa.Table]:
    return make_market(N_MEMBERS, seed=7, benefit_year=YEAR)  # type: ignore[return-value]


def test_every_row_scores_and_every_sub_model_is_there(market: dict[str, pa.Table]) -> None:
    scores = riskadj.score(
        market["enrollment"], market["diagnoses"], drugs=market["drugs"], payment_year=YEAR, program="hhs"
    )
    assert scores.rejects.num_rows == 0
    assert scores.run["counts"]["enrollment"]["members"] == N_MEMBERS
    assert scores.run["counts"]["diagnoses"]["rows_unknown"] == 0
    ages = set(scores.model_scores["age_years"].to_pylist())
    assert {0, 1} <= ages
    assert any(2 <= age <= 20 for age in ages)
    assert max(ages) == 64
    assert set(scores.model_scores["segment"].to_pylist()) == {
        "Platinum", "Gold", "Silver", "Bronze", "Catastrophic",
    }  # fmt: skip
    scored = {name for row in scores.model_scores["variables"].to_pylist() for name in row}
    assert {"AGE1_MALE", "RXC_07", "G01", "HCC_ED3"} <= scored


def test_some_change_plans_inside_an_issuer_and_some_leave_it(market: dict[str, pa.Table]) -> None:
    issuers = (
        market["enrollment"]
        .group_by("member_id")
        .aggregate([("issuer_id", "count_distinct"), ("sex", "count")])
    )
    assert issuers.num_rows == N_MEMBERS
    several = issuers.filter(pc.greater(issuers["sex_count"], 1))
    assert set(several["issuer_id_count_distinct"].to_pylist()) == {1, 2}


def test_services_fall_on_days_of_enrollment(market: dict[str, pa.Table]) -> None:
    spans = market["enrollment"].group_by("member_id").aggregate(
        [("enrollment_start_date", "min"), ("enrollment_end_date", "max"), ("birth_date", "min")]
    )  # fmt: skip
    for name, day in (("diagnoses", "service_date"), ("drugs", "fill_date")):
        joined = market[name].join(spans, "member_id")
        assert joined.num_rows == market[name].num_rows > 0
        for early, late in (
            ("enrollment_start_date_min", day), (day, "enrollment_end_date_max"), ("birth_date_min", day),
        ):  # fmt: skip
            assert pc.all(pc.less_equal(joined[early], joined[late])).as_py()


def test_same_seed_same_rows_and_another_seed_others(market: dict[str, pa.Table]) -> None:
    again = make_market(N_MEMBERS, seed=7, benefit_year=YEAR)
    assert all(market[name].equals(again[name]) for name in market)
    other = make_market(N_MEMBERS, seed=8, benefit_year=YEAR)
    assert not other["enrollment"].equals(market["enrollment"])


def test_command_writes_the_extracts(tmp_path: Path) -> None:
    arguments = ["synthetic", "--members", "50", "--seed", "1", "--service-year", "2026", "--program", "hhs"]
    for name in ("one", "two"):
        done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "one").iterdir()
    }
    assert set(files) == {"enrollment.parquet", "diagnoses.parquet", "drugs.parquet"}
    assert files == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "two").iterdir()
    }


def test_wrong_sizes_and_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="0 members"):
        make_market(0, seed=1, benefit_year=YEAR)
    arguments = ["synthetic", "--members", "5", "--seed", "1", "--service-year", "2026", "--program", "hss"]
    done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "x")])
    assert done.exit_code == 2
    assert "nearest: hhs" in done.output
