"""The synthetic population: the same on every machine, and believable."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import OptionError
from riskadj.synthetic import extracts, make_synthetic
from riskadj.synthetic.members import member_ids
from riskadj.synthetic.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "data" / "synthetic"
SERVICE_YEAR = 2025
SMALL = {"n_members": 300, "seed": 11, "service_year": SERVICE_YEAR}


def table_hash(table: pa.Table) -> str:
    """Return a hash of names and values, whatever the encoding."""
    digest = hashlib.sha256("|".join(table.column_names).encode())
    for column in table.columns:
        digest.update(repr(column.to_pylist()).encode())
    return digest.hexdigest()[:16]


def sorted_rows(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    return frame.sort_values(list(frame.columns), ignore_index=True)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return make_synthetic(20_000, seed=5, service_year=SERVICE_YEAR)


@pytest.fixture(scope="module")
def enrollment(tables: dict[str, pa.Table]) -> pd.DataFrame:
    return tables["enrollment"].to_pandas(date_as_object=False)


@pytest.fixture(scope="module")
def january(enrollment: pd.DataFrame) -> pd.DataFrame:
    """First row of each member."""
    first = enrollment.drop_duplicates("member_id").set_index("member_id")
    days = pd.Timestamp(SERVICE_YEAR + 1, 1, 1) - first["birth_date"]
    return first.assign(age=days.dt.days / 365.25)


@pytest.fixture(scope="module")
def diagnoses(tables: dict[str, pa.Table]) -> pd.DataFrame:
    frame = tables["diagnoses"].to_pandas(date_as_object=False)
    return frame.assign(code=frame["diagnosis_code"].str.upper().str.replace(".", "").str.strip())


def test_the_same_on_every_machine() -> None:
    made = make_synthetic(**SMALL)
    assert {name: table_hash(table) for name, table in made.items()} == {
        "enrollment": "934807198b4a4620",
        "diagnoses": "36de991bd63231ba",
        "claims": "811c0ab83c4fa1ba",
    }


def test_bundled_extracts_are_those_of_the_script() -> None:
    made = make_synthetic(5000, seed=20260101, service_year=SERVICE_YEAR)
    for name, table in made.items():
        assert pq.ParquetFile(BUNDLED / f"{name}.parquet").read().equals(table)


@pytest.mark.parametrize("change", [{"seed": 12}, {"service_year": 2024}])
def test_another_seed_or_year_gives_another_population(change: dict[str, int]) -> None:
    one, other = make_synthetic(**SMALL), make_synthetic(**{**SMALL, **change})
    for name in one:
        assert table_hash(one[name]) != table_hash(other[name])


def test_order_row_groups_and_claims_change_no_row(tmp_path: Path) -> None:
    made = make_synthetic(**SMALL)
    make_synthetic(**SMALL, order="member", rows_per_group=700, directory=tmp_path)
    lean = make_synthetic(**SMALL, claims=False)
    assert set(lean) == {"enrollment", "diagnoses"}
    for name, table in made.items():
        written = pq.ParquetFile(tmp_path / f"{name}.parquet").read()
        pd.testing.assert_frame_equal(sorted_rows(written), sorted_rows(table))
    for name, table in lean.items():
        assert table.equals(made[name])


def test_member_order_keeps_members_together() -> None:
    ids = make_synthetic(**SMALL, order="member")["diagnoses"]["member_id"].to_pandas()
    assert (ids != ids.shift()).sum() == ids.nunique()


def test_random_order_spreads_members_over_every_row_group(tmp_path: Path) -> None:
    n = 70_000  # two blocks
    paths = make_synthetic(
        n, seed=2, service_year=SERVICE_YEAR, directory=tmp_path, rows_per_group=100_000, claims=False
    )
    place = pd.Series(np.arange(n), index=member_ids((2, SERVICE_YEAR), 0, n).view("S11").astype(str))
    file = pq.ParquetFile(paths["diagnoses"])
    assert file.num_row_groups > 10
    for group in range(file.num_row_groups):
        rows = file.read_row_group(group, ["member_id"])["member_id"].to_pandas()
        assert len(rows) <= 100_000
        assert np.quantile(place[rows], [0.25, 0.5, 0.75]) == pytest.approx(
            [n / 4, n / 2, 3 * n / 4], abs=n / 25
        )


def test_files_are_plain_strings_under_zstd(tmp_path: Path) -> None:
    paths = make_synthetic(**SMALL, directory=tmp_path)
    file = pq.ParquetFile(paths["diagnoses"])
    columns = {
        file.metadata.row_group(0).column(i).path_in_schema: file.metadata.row_group(0).column(i)
        for i in range(file.metadata.num_columns)
    }
    assert file.schema_arrow.field("member_id").type == pa.string()
    assert file.schema_arrow.field("diagnosis_code").type == pa.string()
    assert file.schema_arrow.field("service_date").type == pa.date32()
    assert not columns["member_id"].has_dictionary_page
    assert columns["diagnosis_code"].has_dictionary_page
    assert {column.compression for column in columns.values()} == {"ZSTD"}


def test_one_member_is_enough(tmp_path: Path) -> None:
    for seed in range(5):
        made = make_synthetic(1, seed=seed, service_year=SERVICE_YEAR)
        paths = make_synthetic(1, seed=seed, service_year=SERVICE_YEAR, directory=tmp_path)
        assert made["enrollment"].num_rows >= 1
        for name, path in paths.items():
            assert pq.ParquetFile(path).read().equals(made[name])


def test_nothing_is_left_of_a_run_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(extracts, "claims_table", fail)
    with pytest.raises(KeyboardInterrupt):
        make_synthetic(**{**SMALL, "rows_per_group": 100}, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_members": 0}, "n_members is 0; allowed: 1 to 655,360,000."),
        ({"seed": -1}, "seed is -1; allowed: 0 or more."),
        ({"order": "sideways"}, "order is 'sideways'; allowed: random, member."),
        ({"rows_per_group": 0}, "rows_per_group is 0; allowed: 1 or more."),
    ],
)
def test_wrong_options_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as error:
        make_synthetic(**{**SMALL, **change})
    assert str(error.value) == message


def test_member_ids_are_unique_and_could_not_be_real() -> None:
    ids = member_ids((1, 2), 0, 300_000).view("S11").astype(str)
    assert len(set(ids)) == len(ids)
    assert {text[1] for text in ids} == {"S"}
    assert sorted(ids) != list(ids)


def test_codes_are_in_the_published_lists() -> None:
    published = set()
    for path in (ROOT / "hcc_maps" / "icd10cm").glob("codes_*.txt.gz"):
        published |= set(gzip.decompress(path.read_bytes()).decode().split())
    recipe = load_recipe("medicare")
    invented = {recipe.codes[i] for i in set(recipe.unknown_codes.tolist())}
    assert set(recipe.codes) - invented <= published
    assert not invented & published


def test_shares_of_the_population(january: pd.DataFrame) -> None:
    dual = january["dual_status_code"].isin(["01", "02", "03", "04", "05", "06", "08"])
    shares = {
        "aged": (january["age"] >= 64).mean(),
        "dual": dual.mean(),
        "institutional": january["is_long_term_institutional"].mean(),
        "new_enrollee": january["is_new_enrollee"].mean(),
        "esrd": (january["esrd_status"] != "none").mean(),
        "originally_disabled": (january.loc[january["age"] > 66, "orec"] == "1").mean(),
        "women": (january["sex"] == "F").mean(),
        "pace": january["is_pace"].mean(),
    }
    expected = {
        "aged": 0.86,
        "dual": 0.19,
        "institutional": 0.02,
        "new_enrollee": 0.06,
        "esrd": 0.009,
        "originally_disabled": 0.10,
        "women": 0.57,
        "pace": 0.003,
    }
    assert shares == pytest.approx(expected, rel=0.2)
    assert dual[january["age"] < 64].mean() > 2 * dual[january["age"] > 66].mean()


def test_status_agrees_with_age(january: pd.DataFrame) -> None:
    new, orec, age = january["is_new_enrollee"], january["orec"], january["age"]
    assert set(january.loc[age < 63.9, "orec"]) == {"1", "2", "3"}
    assert age[new & (orec == "0")].between(63.9, 74).all()
    turning_65 = january[(age < 65) & (orec == "0")]
    assert turning_65["is_new_enrollee"].all()
    assert (turning_65["enrollment_start_date"].dt.month == turning_65["birth_date"].dt.month).all()


def test_spans_are_whole_months_that_do_not_overlap(enrollment: pd.DataFrame) -> None:
    start, end = enrollment["enrollment_start_date"], enrollment["enrollment_end_date"]
    assert (start.dt.day == 1).all()
    assert end.dt.is_month_end.all()
    assert {*start.dt.year, *end.dt.year} == {SERVICE_YEAR + 1}
    assert (start <= end).all()
    same = enrollment["member_id"] == enrollment["member_id"].shift()
    assert (start[same] > end.shift()[same]).all()
    several = enrollment["member_id"].value_counts().value_counts(normalize=True)
    assert 0.01 < several.loc[2:].sum() < 0.1


def test_transplant_months_follow_each_other(enrollment: pd.DataFrame) -> None:
    graft = enrollment["graft_months"]
    assert (graft.notna() == (enrollment["esrd_status"] == "graft")).all()
    assert (graft.dropna() >= 4).all()
    transplanted = enrollment[enrollment["esrd_status"] == "transplant_1"]
    assert len(transplanted)
    for member in transplanted["member_id"]:
        months = enrollment[enrollment["member_id"] == member]["esrd_status"].tolist()
        known = ["dialysis", "transplant_1", "transplant_2", "transplant_3", "graft"]
        assert [status for status in known if status in months] == list(dict.fromkeys(months))


def test_diagnosis_counts_have_a_long_tail(january: pd.DataFrame, diagnoses: pd.DataFrame) -> None:
    counts = diagnoses["member_id"].value_counts().reindex(january.index, fill_value=0)
    assert counts.mean() == pytest.approx(16.5, abs=2)
    assert 0.04 < (counts == 0).mean() < 0.12
    assert counts.var() > 20 * counts.mean()
    assert counts.max() >= 300
    assert (counts[(january["orec"] == "0") & (january["age"] < 65)] == 0).all()


def test_codes_repeat_and_conditions_go_together(january: pd.DataFrame, diagnoses: pd.DataFrame) -> None:
    pairs = diagnoses[["member_id", "code"]].drop_duplicates()
    assert 0.5 < len(pairs) / len(diagnoses) < 0.75

    def having(*starts: str) -> pd.Series:
        members = diagnoses.loc[diagnoses["code"].str.startswith(starts), "member_id"]
        return pd.Series(january.index.isin(members), index=january.index)

    diabetes, kidney, heart_failure = having("E11"), having("N18"), having("I50")
    lungs, tobacco = having("J44"), having("F172", "Z87891")
    assert 0.2 < diabetes.mean() < 0.35
    assert kidney[diabetes].mean() > 1.8 * kidney[~diabetes].mean()
    assert heart_failure[kidney].mean() > 2.5 * heart_failure[~kidney].mean()
    assert tobacco[lungs].mean() > 1.5 * tobacco[~lungs].mean()
    in_home = january["is_long_term_institutional"]
    dementia = having("F01", "F02", "F03", "G30")
    assert dementia[in_home].mean() > 5 * dementia[~in_home].mean()
    dialysis = january["esrd_status"] == "dialysis"
    assert having("N186", "Z992")[dialysis].mean() > 0.6


def test_messy_and_unknown_codes_are_few(diagnoses: pd.DataFrame) -> None:
    spelling = diagnoses["diagnosis_code"]
    assert 0.005 < (spelling != diagnoses["code"]).mean() < 0.02
    for pattern in (r"\.", r"[a-z]", r" $"):
        assert spelling.str.contains(pattern).any()
    recipe = load_recipe("medicare")
    unknown = {recipe.codes[i] for i in set(recipe.unknown_codes.tolist())}
    assert 0 < diagnoses["code"].isin(unknown).mean() < 0.002


def test_claim_lines_of_diagnoses_are_coherent(diagnoses: pd.DataFrame) -> None:
    outside = diagnoses["service_date"].dt.year != SERVICE_YEAR
    assert 0.001 < outside.mean() < 0.02
    assert set(diagnoses["claim_type"]) == {"inpatient", "outpatient", "professional"}
    assert diagnoses.loc[diagnoses["claim_type"] == "professional", "bill_type_code"].isna().all()
    assert diagnoses.loc[diagnoses["claim_type"] != "professional", "bill_type_code"].notna().all()
    assert set(diagnoses["record_source"]) == {"encounter", "chart_review_linked", "chart_review_unlinked"}
    fields = ["member_id", "service_date", "claim_type", "procedure_code", "bill_type_code"]
    assert (diagnoses.groupby("claim_id")[fields].nunique() <= 1).all().all()


def test_costs_rise_with_risk(tables: dict[str, pa.Table], diagnoses: pd.DataFrame) -> None:
    claims = tables["claims"].to_pandas(date_as_object=False)
    n = tables["enrollment"]["member_id"].to_pandas().nunique()
    assert claims["allowed_amount"].sum() / n / 12 == pytest.approx(1000, rel=0.15)
    assert (claims["paid_amount"].abs() <= claims["allowed_amount"].abs()).all()
    assert (claims["paid_date"] >= claims["service_date"]).all()
    reversals = claims["allowed_amount"] < 0
    assert 0.002 < reversals.mean() < 0.02
    # Distinct chronic codes (three characters) stand in for risk here; scores are compared elsewhere.
    chronic = diagnoses[
        diagnoses["code"].str[:3].isin(["E11", "I50", "J44", "N18", "I48", "C34", "F03", "F33"])
    ]
    burden = chronic.assign(kind=chronic["code"].str[:3]).groupby("member_id")["kind"].nunique()
    cost = claims.groupby("member_id")["allowed_amount"].sum()
    by_burden = cost.groupby(burden.reindex(cost.index, fill_value=0).clip(upper=4)).mean()
    assert by_burden.is_monotonic_increasing
    assert by_burden.loc[4] > 4 * by_burden.loc[0]
    dear = cost.sort_values(ascending=False)
    assert 0.35 < dear.iloc[: n // 20].sum() / dear.sum() < 0.6


def test_reversals_undo_a_line(tables: dict[str, pa.Table]) -> None:
    claims = tables["claims"].to_pandas(date_as_object=False)
    line = ["claim_id", "claim_line_number"]
    back = claims[claims["allowed_amount"] < 0].merge(claims, on=line, suffixes=("", "_of"))
    undone = back[back["allowed_amount_of"] == -back["allowed_amount"]]
    assert (back["allowed_amount"] < 0).sum() > 0
    assert len(undone.drop_duplicates(line)) == (claims["allowed_amount"] < 0).sum()
    assert (undone["paid_date"] > undone["paid_date_of"]).all()


def test_claims_and_diagnoses_share_claim_ids(tables: dict[str, pa.Table], diagnoses: pd.DataFrame) -> None:
    claims = tables["claims"].to_pandas(date_as_object=False)
    by_claim = claims.drop_duplicates("claim_id").set_index("claim_id")
    encounters = diagnoses[diagnoses["record_source"] == "encounter"].drop_duplicates("claim_id")
    found = by_claim.loc[encounters["claim_id"]]
    assert (found["member_id"].to_numpy() == encounters["member_id"].to_numpy()).all()
    assert (found["service_date"].to_numpy() == encounters["service_date"].to_numpy()).all()
