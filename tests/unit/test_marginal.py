"""Marginal values: worked by hand on the toy models, and against scoring every member again without each HCC."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskadj
from riskadj.errors import ColumnTypeError, ExtractError, OptionError
from riskadj.results.marginal.marginal import MarginalValues, marginal_values
from tests import cli_runs, naive, random_models
from tests.members import (
    REAL_MAPS,
    TOY_MAPS,
    TOY_YEAR,
    Member,
    diagnoses_table,
    enrollment_table,
    exact,
    pairs_table,
    random_members,
)

TOY = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
TOY_CODES = (
    "Q01",
    "Q02",
    "Q03",
    "Q04",
    "Q05",
    "Q06",
    "Q07",
    "Q08",
    "Q09",
    "Q12",
    "Q13",
    "Q20",
    "Q51",
    "Q52",
    "Q53",
)
SCORES = ("marginal_raw_score", "marginal_model_score", "marginal_payment_score")


def marginal_of(members: list[Member], *, rate: float | None = None, **options) -> MarginalValues:
    scores = riskadj.score(enrollment_table(members), diagnoses_table(members), **{**TOY, **options})
    return scores.marginal(rate=rate)


def by_hcc(values: MarginalValues, model_id: str, column: str) -> dict:
    rows = values.marginal_values.to_pylist()
    return {row["hcc"]: row[column] for row in rows if row["model_id"] == model_id}


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_child_that_comes_back() -> None:
    """HCC1 drops HCC2 (v1): without HCC1 its child is back, so HCC1 is worth 1.000 - 0.500 and HCC2 nothing."""
    found = marginal_of([Member("a", codes=("Q01", "Q02"))], models=["toy_hcc_v1"])
    assert by_hcc(found, "toy_hcc_v1", "marginal_raw_score") == {"HCC1": 0.5, "HCC2": 0.0}
    assert by_hcc(found, "toy_hcc_v1", "comes_back") == {"HCC1": ["HCC2"], "HCC2": []}
    assert by_hcc(found, "toy_hcc_v1", "is_kept") == {"HCC1": True, "HCC2": False}


def test_interactions_are_lost_with_either_term() -> None:
    """HCC5 (0.300) and HCC6 (0.600) carry gHEART_HCC5 (0.080): each is worth its factor and the interaction."""
    found = marginal_of([Member("a", codes=("Q05", "Q06"))], models=["toy_hcc_v1"])
    assert by_hcc(found, "toy_hcc_v1", "marginal_raw_score") == {"HCC5": 0.38, "HCC6": 0.68}


def test_a_count_is_lost_with_any_hcc() -> None:
    """TIDE (v2): HCC5 0.310, HCC6 0.500, HCC12 0.150 and N3P 0.050 from three HCCs on; women of 40 get HCC12 of Q12."""
    found = marginal_of([Member("a", age_years=40, codes=("Q05", "Q06", "Q12"))], models=["toy_hcc_v2"])
    expected = {"HCC5": 0.36, "HCC6": 0.55, "HCC12": 0.2}
    assert by_hcc(found, "toy_hcc_v2", "marginal_raw_score") == expected


def test_an_hcc_that_another_requires() -> None:
    """HCC7 counts only with HCC6 or HCC8, and drops HCC8 (v1): HCC8, itself dropped, carries it.

    With both: HCC7 0.450. Without HCC8: nothing is left. Without HCC7: HCC8 0.330.
    """
    found = marginal_of([Member("a", codes=("Q07", "Q08"))], models=["toy_hcc_v1"])
    assert by_hcc(found, "toy_hcc_v1", "marginal_raw_score") == {"HCC7": 0.12, "HCC8": 0.45}
    assert by_hcc(found, "toy_hcc_v1", "is_kept") == {"HCC7": True, "HCC8": False}


def test_one_diagnosis_more_can_lower_a_score() -> None:
    """v2 acts all at once: HCC2, dropped by HCC1, still drops HCC3 (0.240) and HCC4 (0.120).

    Without it three HCCs are left, which adds N3P (0.050) as well: it is worth -0.410.
    """
    found = marginal_of([Member("a", codes=("Q01", "Q02", "Q03", "Q04"))], models=["toy_hcc_v2"])
    assert by_hcc(found, "toy_hcc_v2", "marginal_raw_score")["HCC2"] == -0.41
    assert by_hcc(found, "toy_hcc_v2", "comes_back")["HCC2"] == ["HCC3", "HCC4"]


def test_normalized_blended_and_in_dollars() -> None:
    """A woman of 70 with Q05, at 1,000 dollars for 12 months.

    v1: 0.700 and 0.400 raw; / 1.1 = 0.636 and 0.364; x 0.941 = 0.598 and 0.343 (0.598476, 0.342524). v2: 0.720 and
    0.410; / 2 = 0.360 and 0.205. Blend: 0.25 x 0.598 + 0.75 x 0.360 = 0.4195 = 0.420. Without v1's HCC5:
    0.08575 + 0.27 = 0.356; without v2's: 0.1495 + 0.15375 = 0.303.
    """
    found = marginal_of([Member("a", codes=("Q05",))], rate=1000.0)
    rows = {row["model_id"]: row for row in found.marginal_values.to_pylist()}
    expected = {"toy_hcc_v1": (0.3, 0.255, 0.064, 768.0), "toy_hcc_v2": (0.31, 0.155, 0.117, 1404.0)}
    for model_id, numbers in expected.items():
        assert tuple(rows[model_id][name] for name in (*SCORES, "dollars")) == pytest.approx(
            numbers, abs=1e-12
        )
    assert [rows[model_id]["weight"] for model_id in expected] == [0.25, 0.75]


def test_several_models_unblended_have_no_payment_value() -> None:
    found = marginal_of([Member("a", codes=("Q05",))], models=["toy_hcc_v1", "toy_hcc_v2"], rate=1000.0)
    assert [row["marginal_payment_score"] for row in found.marginal_values.to_pylist()] == [None, None]
    assert found.marginal_values["dollars"].null_count == 2
    assert found.value_by_hcc["mean_marginal_payment_score"].null_count == 2


# --- against the naive scorer ----------------------------------------------------------------------------------------


def naive_values(year_folder: Path, program: str, member: Member) -> dict[tuple[str, str], tuple]:
    """Score a member again and again, each time without one HCC of one model."""
    known = {"sex": member.sex, "age": member.age_years, "status": member.status}
    blend = naive.policy_of(year_folder, program, **known)

    def scored(model_id: str, without: tuple[str, ...] = ()) -> dict:
        one = naive.score_member(year_folder / model_id, **known, codes=member.codes, without=without)
        segment = one["segment"]
        return one | naive.model_payment_score(year_folder, model_id, one["raw"], segment=segment, **known)

    def blended(parts: dict[str, dict]) -> Decimal:
        year = naive.read_payment_year(str(year_folder))
        return naive.rounded(sum(weight * parts[name]["payment"] for name, weight in blend), year, "blend")

    before = {model_id: scored(model_id) for model_id, _ in blend}
    values = {}
    for model_id, _ in blend:
        model = naive.read_model(str(year_folder / model_id))
        for hcc in naive.mapped_hccs(model, member.codes, member.sex, member.age_years, "default"):
            after = before | {model_id: scored(model_id, (hcc,))}
            values[model_id, hcc] = (
                before[model_id]["raw"] - after[model_id]["raw"],
                before[model_id]["payment"] - after[model_id]["payment"],
                blended(before) - blended(after),
            )
    return values


def check_against_naive(year_folder: Path, program: str, members: list[Member], **options) -> int:
    found = marginal_of(members, payment_year=int(year_folder.name[2:]), program=program, **options)
    engine: dict[str, dict] = {member.member_id: {} for member in members}
    for row in found.marginal_values.to_pylist():
        numbers = tuple(exact(round(row[name], 6)) for name in SCORES)
        assert (row["model_id"], row["hcc"]) not in engine[row["member_id"]]
        engine[row["member_id"]][row["model_id"], row["hcc"]] = numbers
    for member in members:
        assert engine[member.member_id] == naive_values(year_folder, program, member), member
    return found.marginal_values.num_rows


def test_toy_models_against_naive() -> None:
    members = random_members(Random(7), TOY_CODES, 80)
    assert check_against_naive(TOY_YEAR, "atlantis", members, maps_dir=TOY_MAPS) > 300


@settings(max_examples=20)
@given(first=random_models.shapes, second=random_models.shapes, seed=st.integers(0, 10**6))
def test_random_models_against_naive(
    first: random_models.Shape, second: random_models.Shape, seed: int
) -> None:
    codes = tuple({*random_models.codes_of(first), *random_models.codes_of(second)})
    members = random_members(Random(seed), sorted(codes), 8)
    with tempfile.TemporaryDirectory() as maps:
        year_folder = random_models.write_year(Path(maps), {"model_a": first, "model_b": second})
        check_against_naive(year_folder, "lemuria", members, maps_dir=maps)


# --- what an HCC rests on --------------------------------------------------------------------------------------------

CLAIMS = [
    # member, code, claim, source: HCC1 of a by two claims, one of them under another code; HCC5 by one claim twice
    ("a", "Q01", "c1", "encounter"),
    ("a", "q51", "c2", "chart_review_linked"),
    ("a", "Q01", "c1", "Encounter "),
    ("a", "Q06", "c3", "chart_review_linked"),
    ("a", "Q06", "c3", "chart_review_linked"),
    ("b", "Q06", "c4", "encounter"),
    ("b", "Q07", "c5", "encounter"),
    ("nobody", "Q06", "c6", "encounter"),
]


def claims_table(rows: list[tuple] = CLAIMS, **more) -> pa.Table:
    names = ("member_id", "diagnosis_code", "claim_id", "record_source")
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)} | more)


def rests_on(diagnoses: pa.Table | Path, column: str, **options) -> dict:
    members = [Member("a"), Member("b")]
    scores = riskadj.score(
        enrollment_table(members), diagnoses, **TOY, models=["toy_hcc_v2"], rejects="write", **options
    )
    rows = scores.marginal().marginal_values.to_pylist()
    return {(row["member_id"], row["hcc"]): row[column] for row in rows}


def test_claims_and_sources_behind_each_hcc() -> None:
    """In v2 Q06 and Q07 both give HCC6, and Q51 gives women HCC1."""
    one_claim = rests_on(claims_table(), "is_single_claim_id")
    assert one_claim == {("a", "HCC1"): False, ("a", "HCC6"): True, ("b", "HCC6"): False}
    sources = rests_on(claims_table(), "only_record_source")
    assert sources == {
        ("a", "HCC1"): None,
        ("a", "HCC6"): "chart_review_linked",
        ("b", "HCC6"): "encounter",
    }


def test_order_files_and_threads_do_not_matter(tmp_path: Path) -> None:
    rows = list(CLAIMS)
    Random(3).shuffle(rows)
    for number, part in enumerate((rows[:3], rows[3:4], rows[4:])):
        pq.write_table(claims_table(part), tmp_path / f"part-{number}.parquet", row_group_size=1)
    for column in ("is_single_claim_id", "only_record_source"):
        assert rests_on(tmp_path, column, threads=2) == rests_on(claims_table(), column)


def test_diagnoses_that_do_not_count_support_nothing() -> None:
    """The second claim of HCC6 lies outside the collection year."""
    days = [date(2098, 5, 1)] * len(CLAIMS)
    days[6] = date(2097, 5, 1)
    found = rests_on(claims_table(service_date=days), "is_single_claim_id")
    assert found["b", "HCC6"] is True


def test_codes_that_are_no_longer_valid_support_nothing() -> None:
    """With a code book in which every code ends on 1 June, the claim after that day is no support."""
    days = [date(2098, 5, 1)] * len(CLAIMS)
    days[6] = date(2098, 6, 1)
    members = enrollment_table([Member("a"), Member("b")])
    scores = riskadj.score(
        members, claims_table(service_date=days), **TOY, models=["toy_hcc_v2"], rejects="write"
    )
    run = scores.scoring_run
    june = (date(2098, 6, 1) - date(1970, 1, 1)).days
    valid = np.array([[True], [False]]).repeat(run.book.n_codes, axis=1)
    book = replace(run.book, period_begins=np.array([june], np.int32), is_valid=valid)
    for used, expected in ((run, False), (replace(run, book=book), True)):
        rows = marginal_values(used).marginal_values.to_pylist()
        assert [row["is_single_claim_id"] for row in rows if row["member_id"] == "b"] == [expected]


def test_naive_support() -> None:
    """Distinct claims and sources by HCC, counted with sets."""
    random = Random(11)
    members = random_members(random, TOY_CODES, 60)
    sources = ("encounter", "chart_review_linked")
    rows = [
        (member.member_id, code, random.choice("xyz") + member.member_id, random.choice(sources))
        for member in members
        for code in member.codes
    ]
    scores = riskadj.score(enrollment_table(members), claims_table(rows), **TOY)
    for row in scores.marginal().marginal_values.to_pylist():
        member = next(one for one in members if one.member_id == row["member_id"])
        model = naive.read_model(str(TOY_YEAR / row["model_id"]))
        behind = [
            one
            for one in rows
            if one[0] == row["member_id"]
            and row["hcc"] in naive.mapped_hccs(model, [one[1]], member.sex, member.age_years, "default")
        ]
        assert row["is_single_claim_id"] == (len({one[2] for one in behind}) == 1)
        found = {one[3] for one in behind}
        assert row["only_record_source"] == (found.pop() if len(found) == 1 else None)


def test_totals_are_those_of_the_rows() -> None:
    members = [Member("a"), Member("b")]
    scores = riskadj.score(enrollment_table(members), claims_table(), **TOY, rejects="write")
    found = scores.marginal(rate=100.0)
    frame = found.to_pandas()
    frame["score_months"] = frame.marginal_payment_score * frame.months_enrolled
    totals = found.summary().set_index(["model_id", "hcc"])
    for key, part in frame.groupby(["model_id", "hcc"], observed=True):
        assert totals.loc[key, "rows"] == len(part)
        assert totals.loc[key, "rows_kept"] == part.is_kept.sum()
        assert totals.loc[key, "score_months"] == pytest.approx(part.score_months.sum())
        assert totals.loc[key, "dollars"] == pytest.approx(part.dollars.sum())
        single = part[part.is_single_claim_id]
        assert totals.loc[key, "dollars_single_claim_id"] == pytest.approx(single.dollars.sum())
    risk = found.to_pandas("value_at_risk").set_index(["column", "only_value"])
    alone = frame[frame.only_record_source == "encounter"]
    assert risk.loc[("record_source", "encounter"), "rows"] == len(alone)
    assert risk.loc[("record_source", "encounter"), "dollars"] == pytest.approx(alone.dollars.sum())
    assert found.run["marginal"]["toy_hcc_v1"]["rows"] == (frame.model_id == "toy_hcc_v1").sum()


def test_nothing_is_said_of_columns_that_are_not_there() -> None:
    found = marginal_of([Member("a", codes=("Q05",))])
    assert [name for name in found.marginal_values.column_names if "single" in name] == []
    assert found.value_at_risk.num_rows == 0
    assert found.run["rests_on"] == []


# --- rates -----------------------------------------------------------------------------------------------------------


def test_rates_of_the_enrollment() -> None:
    """Each row at its own rate; the third row cannot be scored and needs none."""
    members = [Member("a", codes=("Q05",)), Member("b", codes=("Q05",)), Member("c", sex="?")]
    enrollment = enrollment_table(members).append_column("my_rate", pa.array([1000.0, 500.0, None]))
    scores = riskadj.score(
        enrollment, diagnoses_table(members), **TOY, models=["toy_hcc_v2"], rejects="write",
        columns={"rate_pmpm": "my_rate"},
    )  # fmt: skip
    found = scores.marginal()
    assert found.to_pandas().dollars.tolist() == pytest.approx([0.155 * 12_000, 0.155 * 6_000])
    assert found.run["rate"] == "column rate_pmpm of the enrollment extract"
    assert scores.marginal(rate=1).to_pandas().dollars.tolist() == pytest.approx([1.86, 1.86])


def test_no_rate_no_dollars() -> None:
    found = marginal_of([Member("a", codes=("Q05",))])
    assert found.marginal_values["dollars"].null_count == found.marginal_values.num_rows == 2
    assert found.value_by_hcc["dollars"].null_count == 2
    assert "no dollars" in found.run["rate"]


@pytest.mark.parametrize(
    ("rates", "error", "words"),
    [
        ([1000.0, None], ExtractError, r"no rate for 1 of 2 scored rows \(first rows of enrollment: 2\)"),
        ([-1.0, 5.0], ExtractError, r"first rows of enrollment: 1\)"),
        (["1,000", "x"], ColumnTypeError, "holds what is no number"),
    ],
)
def test_rates_that_cannot_be_used(rates: list, error: type[Exception], words: str) -> None:
    members = [Member("a"), Member("b")]
    enrollment = enrollment_table(members).append_column("rate_pmpm", pa.array(rates))
    with pytest.raises(error, match=words):
        riskadj.score(enrollment, pairs_table([]), **TOY).marginal()


@pytest.mark.parametrize("rate", [0, -5.0, float("inf"), float("nan"), True])
def test_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(OptionError, match="is no payment rate"):
        marginal_of([Member("a")], rate=rate)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("record_sorce", "nearest: record_source"),
        ("member_id", "no column of the diagnoses that says what an HCC rests on"),
        ("metal_level", "join marginal_values with it"),
        ("claim_type", "have no such column"),
    ],
)
def test_columns_that_cannot_be_looked_at(by: str, words: str) -> None:
    scores = riskadj.score(
        enrollment_table([Member("a"), Member("b")]), claims_table(), **TOY, rejects="write"
    )
    with pytest.raises(OptionError, match=words):
        scores.marginal(by=[by])


# --- rows, shapes, files ---------------------------------------------------------------------------------------------


def test_every_segment_scored_still_values_the_one_that_pays() -> None:
    members = [Member("a", codes=("Q05",)), Member("b", codes=("Q05",), flags=frozenset({"is_new_enrollee"}))]
    one, every = (marginal_of(members, segments=segments) for segments in ("paid", "all"))
    assert one.marginal_values.equals(every.marginal_values)


def test_members_without_hccs_have_no_rows() -> None:
    found = marginal_of([Member("a"), Member("b", codes=("Z0000",))])
    assert (found.marginal_values.num_rows, found.value_by_hcc.num_rows) == (0, 0)
    assert found.summary().empty
    assert found.plot() is not None
    assert repr(found) == "<MarginalValues: 0 captured HCCs of enrollment rows, 0 different ones>"


def test_ranges_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    members = random_members(Random(5), TOY_CODES, 50)
    whole = marginal_of(members).to_pandas()
    monkeypatch.setattr("riskadj.scoring.marginal_rows.ROWS_PER_RANGE", 7)
    order = ["member_id", "model_id", "hcc"]
    parts = marginal_of(members, threads=2).to_pandas()
    for frame in (whole, parts):
        frame["comes_back"] = frame["comes_back"].map(tuple)
    assert parts.sort_values(order, ignore_index=True).equals(whole.sort_values(order, ignore_index=True))


def test_written_whole(tmp_path: Path) -> None:
    found = marginal_of([Member("a", codes=("Q05", "Q06"))], rate=10.0)
    folder = found.write(tmp_path / "values")
    assert sorted(path.name for path in folder.iterdir()) == [
        "marginal_values.parquet", "run.json", "value_at_risk.parquet", "value_by_hcc.parquet",
    ]  # fmt: skip
    assert pq.read_table(folder / "value_by_hcc.parquet").to_pylist() == found.value_by_hcc.to_pylist()


def test_command(tmp_path: Path) -> None:
    """The command writes what the library returns, and prints it."""
    extracts = cli_runs.Extracts(tmp_path)
    enrolled = extracts.put("enrollment.parquet", cli_runs.enrollment())
    diagnosed = extracts.put("diagnoses.parquet", cli_runs.diagnoses(claim_id=list("uvwxyz")))
    files = ("--enrollment", enrolled, "--diagnoses", diagnosed, "--output", extracts.output)
    done = cli_runs.run("marginal", *cli_runs.TOY, *files, "--rate", "1000")
    assert (done.status, done.err) == (0, "")
    expected = riskadj.score(enrolled, diagnosed, **TOY).marginal(rate=1000)
    written = pq.read_table(extracts.output / "marginal_values.parquet")
    assert written.to_pylist() == expected.marginal_values.to_pylist()
    assert (extracts.output / "marginal_values.png").stat().st_size > 10_000
    assert "HCC1" in done.out
    assert cli_runs.ID_MARK not in done.out
    again = cli_runs.run("marginal", *cli_runs.TOY, *files)
    assert (again.status, again.err.split(":")[0]) == (2, "OutputExistsError")


def test_a_copy_of_a_member_is_worth_the_same() -> None:
    """A member of several rows: each row has its own values, from the same diagnoses."""
    one = Member("a", codes=("Q05", "Q06"))
    spans = [(date(2099, 1, 1), date(2099, 3, 31)), (date(2099, 4, 1), date(2099, 12, 31))]
    names = ("enrollment_start_date", "enrollment_end_date")
    rows = [replace(one, extra=dict(zip(names, span, strict=True))) for span in spans]
    scores = riskadj.score(enrollment_table(rows), diagnoses_table([one]), **TOY)
    frame = scores.marginal(rate=1000).to_pandas()
    first, second = (frame[frame.months_enrolled == months] for months in (3, 9))
    assert first.marginal_payment_score.tolist() == second.marginal_payment_score.tolist()
    assert (first.dollars * 3).tolist() == pytest.approx(second.dollars.tolist())


# --- the models that ship --------------------------------------------------------------------------------------------

YEARS_WITH_POLICIES = sorted(
    (path.parent, program)
    for path in REAL_MAPS.glob("medicare/py*/payment_year.toml")
    for program in {row["program"] for row in naive.read_payment_year(str(path.parent)).get("policy", ())}
)


@pytest.mark.parametrize(
    ("year_folder", "program"), YEARS_WITH_POLICIES, ids=lambda value: getattr(value, "name", value)
)
def test_each_year_against_naive(year_folder: Path, program: str) -> None:
    """Blends, PACE, ESRD and Part D: members of every kind whom some policy of the year fits."""
    models = [path for path in year_folder.iterdir() if path.is_dir()]
    codes = sorted({code for model in models for code in naive.read_model(str(model))["diagnoses"]})
    drawn = random_members(Random(year_folder.name), codes[::5], 40)
    members = [member for member in drawn if _has_policy(year_folder, program, member)]
    assert check_against_naive(year_folder, program, members, maps_dir=None) > 20


def _has_policy(year_folder: Path, program: str, member: Member) -> bool:
    known = {"sex": member.sex, "age": member.age_years, "status": member.status}
    try:
        naive.policy_of(year_folder, program, **known)
    except LookupError:
        return False
    return True
