"""The synthetic population of the individual and small-group markets: the same everywhere, and believable."""

from __future__ import annotations

import csv
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import riskadj
from pricing.aca.rating import premiums
from riskadj.cli import app
from riskadj.errors import OptionError, UnknownPaymentYearError
from riskadj.synthetic import make_synthetic
from riskadj.synthetic.market_recipe import products
from riskadj.synthetic.recipe import load_recipe
from tests.unit.test_synthetic import sorted_rows, table_hash

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "data" / "synthetic_aca"
TABLES = ROOT / "riskadj" / "synthetic" / "tables" / "hhs"
YEAR = 2026
SMALL = {"n_members": 300, "seed": 11, "service_year": YEAR, "program": "hhs"}
JANUARY, DECEMBER = pd.Timestamp(YEAR, 1, 1), pd.Timestamp(YEAR, 12, 31)


def rows_of(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return make_synthetic(12_000, seed=5, service_year=YEAR, program="hhs")


@pytest.fixture(scope="module")
def enrollment(tables: dict[str, pa.Table]) -> pd.DataFrame:
    frame = tables["enrollment"].to_pandas(date_as_object=False)
    start, birth = frame["enrollment_start_date"], frame["birth_date"]
    return frame.assign(age_end=YEAR - birth.dt.year, previous=frame["member_id"].shift(), day=start)


@pytest.fixture(scope="module")
def claims(tables: dict[str, pa.Table]) -> pd.DataFrame:
    return tables["claims"].to_pandas(date_as_object=False)


@pytest.fixture(scope="module")
def diagnoses(tables: dict[str, pa.Table]) -> pd.DataFrame:
    frame = tables["diagnoses"].to_pandas(date_as_object=False)
    return frame.assign(code=frame["diagnosis_code"].str.upper().str.replace(".", "").str.strip())


def test_the_same_on_every_machine() -> None:
    made = make_synthetic(**SMALL)
    assert {name: table_hash(table) for name, table in made.items()} == {
        "enrollment": "16b1ee20137f5ad6",
        "diagnoses": "1df285d69ec52ac8",
        "drugs": "59cca3dd18101de2",
        "claims": "3c884a88719af301",
    }


def test_bundled_extracts_are_those_of_the_script() -> None:
    made = make_synthetic(5000, seed=20260101, service_year=YEAR, program="hhs")
    assert set(made) == {path.stem for path in BUNDLED.glob("*.parquet")}
    for name, table in made.items():
        assert pq.ParquetFile(BUNDLED / f"{name}.parquet").read().equals(table)


def test_order_and_row_groups_change_no_row(tmp_path: Path) -> None:
    made = make_synthetic(**SMALL)
    make_synthetic(**SMALL, order="member", rows_per_group=200, directory=tmp_path)
    for name, table in made.items():
        written = pq.ParquetFile(tmp_path / f"{name}.parquet").read()
        pd.testing.assert_frame_equal(sorted_rows(written), sorted_rows(table))
    lean = make_synthetic(**SMALL, claims=False)
    assert set(lean) == {"enrollment", "diagnoses", "drugs"}
    assert all(table.equals(made[name]) for name, table in lean.items())


def test_one_member_is_enough() -> None:
    for seed in range(5):
        assert make_synthetic(1, seed=seed, service_year=YEAR, program="hhs")["enrollment"].num_rows >= 1


def test_programs_and_years_that_there_are_none_of_are_refused() -> None:
    with pytest.raises(OptionError, match=r"no population of 'hss'.*; allowed: medicare_part_c, hhs\."):
        make_synthetic(**{**SMALL, "program": "hss"})
    with pytest.raises(UnknownPaymentYearError):
        make_synthetic(**{**SMALL, "service_year": 1999})


def test_codes_are_in_the_published_lists() -> None:
    published = set()
    for path in (ROOT / "hcc_maps" / "icd10cm").glob("codes_*.txt.gz"):
        published |= set(gzip.decompress(path.read_bytes()).decode().split())
    recipe = load_recipe("hhs")
    invented = {recipe.codes[i] for i in set(recipe.unknown_codes.tolist())}
    assert set(recipe.codes) - invented <= published
    assert not invented & published


@pytest.mark.parametrize(
    "year", sorted({m.payment_year for m in riskadj.list_models() if m.model_id.startswith("hhs_")})
)
def test_every_benefit_year_scores_every_row(year: int) -> None:
    """Cost-sharing indicators are those of the year's own numbering, and allowed for the metal level."""
    made = make_synthetic(3_000, seed=3, service_year=year, program="hhs", claims=False)
    scores = riskadj.score(
        made["enrollment"], made["diagnoses"], program="hhs", payment_year=year, drugs=made["drugs"]
    )
    counts = scores.run["counts"]
    assert counts["enrollment"]["rows_used"] == made["enrollment"].num_rows
    assert counts["drugs"]["rows_mapped"] > 200
    values = scores.to_pandas("model_scores")
    raised = values["payment_risk_score"] > values["raw_risk_score"]
    assert raised[values["segment"] == "Silver"].mean() > 0.2


def test_families(enrollment: pd.DataFrame) -> None:
    members = enrollment.drop_duplicates("member_id")
    families = members.groupby("family_id")
    subscriber = members[members["member_id"] == members["family_id"]]
    assert len(subscriber) == families.ngroups
    assert members["family_id"].isin(members["member_id"]).all()
    assert members.groupby("family_id")["state"].nunique().max() == 1
    assert (subscriber["age_end"] >= 18).mean() > 0.97
    shares = {
        "infants": (members["age_end"] < 2).mean(),
        "children": members["age_end"].between(2, 17).mean(),
        "over_64": (members["age_end"] > 64).mean(),
        "alone": (families.size() == 1).mean(),
    }
    assert shares == {
        "infants": pytest.approx(0.03, abs=0.02),
        "children": pytest.approx(0.2, abs=0.08),
        "over_64": pytest.approx(0.02, abs=0.015),
        "alone": pytest.approx(0.5, abs=0.1),
    }


def test_newborns_are_covered_from_birth_and_born_of_a_mother(
    enrollment: pd.DataFrame, diagnoses: pd.DataFrame
) -> None:
    newborns = enrollment[enrollment["age_end"] == 0].drop_duplicates("member_id")
    assert len(newborns) > 50
    assert (newborns["enrollment_start_date"] == newborns["birth_date"]).all()
    stays = diagnoses[diagnoses["bill_type_code"].isin(["111", "117"])]
    born = stays.merge(newborns[["member_id", "birth_date", "family_id"]], on="member_id")
    assert set(born["member_id"]) == set(newborns["member_id"])
    first = born.groupby("member_id")["service_date"].min()
    assert (first == newborns.set_index("member_id")["birth_date"].reindex(first.index)).all()
    assert diagnoses["service_date"][diagnoses["member_id"].isin(newborns["member_id"])].min() >= JANUARY
    deliveries = stays[stays["code"] == "Z370"].merge(
        enrollment[["member_id", "family_id"]].drop_duplicates(), on="member_id"
    )
    same_day = deliveries.merge(
        newborns, left_on=["family_id", "service_date"], right_on=["family_id", "birth_date"]
    )
    assert len(deliveries) > 20
    assert set(same_day["member_id_x"]) == set(deliveries["member_id"])


def test_spans_are_whole_months_without_overlap_or_gap(enrollment: pd.DataFrame) -> None:
    start, end = enrollment["enrollment_start_date"], enrollment["enrollment_end_date"]
    assert ((start.dt.day == 1) | (start == enrollment["birth_date"])).all()
    assert end.dt.is_month_end.all()
    assert start.min() == JANUARY
    assert end.max() == DECEMBER
    again = enrollment["member_id"] == enrollment["previous"]
    assert (start[again] == end.shift()[again] + np.timedelta64(1, "D")).all()
    before = enrollment.shift()
    changed = {
        name: (enrollment[name] != before[name])[again] for name in ("plan_id", "issuer_id", "csr_indicator")
    }
    inside, across = changed["plan_id"] & ~changed["issuer_id"], changed["issuer_id"]
    cost_sharing_only = ~changed["plan_id"] & changed["csr_indicator"]
    assert min(inside.sum(), across.sum(), cost_sharing_only.sum()) > 20
    assert (inside | across | cost_sharing_only).all()
    members = enrollment.groupby("member_id")
    assert 0.08 < (members["enrollment_start_date"].min() > JANUARY).mean() < 0.3
    assert 0.08 < (members["enrollment_end_date"].max() < DECEMBER).mean() < 0.3


def test_plans_are_those_of_the_table(enrollment: pd.DataFrame) -> None:
    plans = {row["plan_id"]: row for row in rows_of("plans")}
    for name in ("issuer_id", "state", "market", "metal_level"):
        assert (
            enrollment["plan_id"].map({plan: row[name] for plan, row in plans.items()}) == enrollment[name]
        ).all()
    assert set(enrollment["plan_id"]) == set(plans)
    assert (enrollment["plan_id"].str[:5] == enrollment["issuer_id"]).all()
    catastrophic = enrollment[enrollment["metal_level"] == "catastrophic"]
    assert len(catastrophic)
    assert catastrophic["age_end"].max() <= 30


def test_premiums_are_base_rate_times_area_and_federal_age_factor(enrollment: pd.DataFrame) -> None:
    """Against the pricing package, which has rules and age curve of its own."""
    base = {row["plan_id"]: float(row["base_rate"]) for row in rows_of("plans")}
    area = {
        (row["state"], row["market"], row["rating_area"]): float(row["area_factor"])
        for row in rows_of("areas")
    }
    first = enrollment.drop_duplicates(["member_id", "plan_id"])
    start, birth = first["enrollment_start_date"], first["birth_date"]
    not_yet = (birth.dt.month > start.dt.month) | (
        (birth.dt.month == start.dt.month) & (birth.dt.day > start.dt.day)
    )
    keys = zip(first["state"], first["market"], first["rating_area"], strict=True)
    expected = premiums(
        {
            "family_id": (first["family_id"] + first["plan_id"]).tolist(),
            "age_years": (start.dt.year - birth.dt.year - not_yet).tolist(),
            "base_rate": first["plan_id"].map(base).tolist(),
            "area_factor": [area[key] for key in keys],
        },
        benefit_year=YEAR,
    ).members["premium"]
    np.testing.assert_allclose(first["premium_pmpm"], expected.to_numpy(), atol=0.011)
    assert (first["premium_pmpm"] == 0).sum() > 5
    constant = enrollment.groupby(["member_id", "plan_id"])["premium_pmpm"].nunique()
    assert constant.max() == 1


def test_the_sick_choose_richer_plans_and_the_broad_network(tables: dict[str, pa.Table]) -> None:
    scores = riskadj.score(
        tables["enrollment"], tables["diagnoses"], program="hhs", payment_year=YEAR, drugs=tables["drugs"],
        models=["hhs_hcc_v08"],
    ).to_pandas("model_scores")  # fmt: skip
    frame = tables["enrollment"].to_pandas()
    has = (scores["hccs"].map(len) > 0).to_numpy()
    by_metal = pd.Series(has).groupby(frame["metal_level"]).mean()
    assert by_metal["platinum"] > by_metal["gold"] > by_metal["silver"] > by_metal["bronze"]
    florida = (frame["state"] == "FL") & (frame["market"] == "individual")
    by_issuer = pd.Series(has)[florida].groupby(frame["issuer_id"][florida]).mean()
    assert by_issuer["99101"] > by_issuer["99103"] > by_issuer["99102"]


def test_drugs_are_of_the_model_or_of_no_product(tables: dict[str, pa.Table]) -> None:
    drugs = tables["drugs"].to_pandas(date_as_object=False)
    assert (drugs["ndc"].notna() ^ drugs["hcpcs"].notna()).all()
    known = products(YEAR)
    ndcs = {code for (_, system), codes in known.items() if system == "ndc" for code in codes}
    hcpcs = {code for (_, system), codes in known.items() if system == "hcpcs" for code in codes}
    written = drugs["ndc"].dropna()
    plain = written.str.replace("-", "")
    assert 0.01 < (written != plain).mean() < 0.03
    assert ((plain.isin(ndcs)) ^ plain.str.startswith("00000")).all()
    assert drugs["hcpcs"].dropna().isin(hcpcs).all()
    assert drugs["hcpcs"].notna().sum() > 10
    assert drugs["fill_date"].between(JANUARY, DECEMBER).all()


def test_nobody_is_treated_outside_the_coverage(
    tables: dict[str, pa.Table], enrollment: pd.DataFrame, claims: pd.DataFrame
) -> None:
    members = enrollment.groupby("member_id")
    begin, end = members["enrollment_start_date"].min(), members["enrollment_end_date"].max()
    drugs = tables["drugs"].to_pandas(date_as_object=False).rename(columns={"fill_date": "service_date"})
    for frame in (claims[claims["service_date"].between(JANUARY, DECEMBER)], drugs):
        assert (frame["service_date"] >= frame["member_id"].map(begin)).all()
        assert (frame["service_date"] <= frame["member_id"].map(end)).all()


def test_services_go_on_after_the_fiscal_year(diagnoses: pd.DataFrame) -> None:
    late = diagnoses["service_date"] >= pd.Timestamp(YEAR, 10, 1)
    assert 0.2 < late.mean() < 0.3
    outside = ~diagnoses["service_date"].between(JANUARY, DECEMBER)
    assert 0.001 < outside.mean() < 0.02


def test_costs_rise_with_risk(
    tables: dict[str, pa.Table], enrollment: pd.DataFrame, claims: pd.DataFrame
) -> None:
    scores = riskadj.score(
        tables["enrollment"], tables["diagnoses"], program="hhs", payment_year=YEAR, drugs=tables["drugs"]
    ).to_pandas()
    months = scores.groupby("member_id")["months_enrolled"].sum()
    score = scores.groupby("member_id")["payment_risk_score"].mean()
    allowed = claims.groupby("member_id")["allowed_amount"].sum().reindex(months.index, fill_value=0.0)
    quintile = pd.qcut(score.rank(method="first"), 5, labels=False)
    by_quintile = allowed.groupby(quintile).sum() / months.groupby(quintile).sum()
    assert by_quintile[4] > 2 * by_quintile[3] > 2 * by_quintile[0]
    assert 400 < allowed.sum() / months.sum() < 650
    premium = (enrollment["premium_pmpm"].to_numpy() * scores["months_enrolled"]).sum()
    assert 0.65 < claims["paid_amount"].sum() / premium < 0.95


def test_command_writes_the_extracts_of_a_market(tmp_path: Path) -> None:
    arguments = ["synthetic", "--members", "50", "--seed", "1", "--service-year", "2026", "--program", "hhs"]
    for name in ("one", "two"):
        done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "one").iterdir()
    }
    assert set(files) == {"enrollment.parquet", "diagnoses.parquet", "drugs.parquet", "claims.parquet"}
    assert files == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "two").iterdir()
    }


def test_command_refuses_another_program(tmp_path: Path) -> None:
    arguments = ["synthetic", "--members", "5", "--seed", "1", "--service-year", "2026", "--program", "hss"]
    done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "x")])
    assert done.exit_code == 2
    assert "nearest: hhs" in done.output


def test_every_sub_model_and_kind_of_variable_scores() -> None:
    scores = riskadj.score(
        BUNDLED / "enrollment.parquet", BUNDLED / "diagnoses.parquet", drugs=BUNDLED / "drugs.parquet",
        program="hhs", payment_year=YEAR,
    ).model_scores  # fmt: skip
    assert {0, 1, 10, 40, 64} <= set(scores["age_years"].to_pylist())
    assert set(scores["segment"].to_pylist()) == {"Platinum", "Gold", "Silver", "Bronze", "Catastrophic"}
    scored = {name for row in scores["variables"].to_pylist() for name in row}
    assert {"AGE1_MALE", "RXC_07", "G01", "HCC_ED3"} <= scored
