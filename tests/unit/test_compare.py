"""Scores against MOR and MMR: classes worked by hand, counts that add up, and a naive twin on random reports."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.cms_reports.reading import load_codes, load_layout
from riskadj.errors import ExtractError, OptionError
from riskadj.results.compare.factor_types import FactorTypes
from tests.cli_runs import run
from tests.report_files import mmr_lines, mor_lines, write_lines

YEAR = 2024
MODEL = "cms_hcc_v24"
HEADER = {"contract_id": "H9999", "payment_month": dt.date(YEAR, 1, 1), "run_date": dt.date(YEAR, 1, 5)}
JANUARY = dt.date(YEAR, 1, 1)


def population(rows: list[dict[str, Any]]) -> pa.Table:
    base = {
        "birth_date": dt.date(1950, 1, 1), "sex": "F", "orec": "0", "dual_status_code": "NA", "is_new_enrollee": False,
        "is_long_term_institutional": False, "enrollment_start_date": dt.date(YEAR, 1, 1),
        "enrollment_end_date": dt.date(YEAR, 12, 31),
    }  # fmt: skip
    return pa.Table.from_pylist([{**base, **row} for row in rows])


def scored(rows: list[dict[str, Any]], codes: dict[str, list[str]], **options: Any) -> riskadj.Scores:
    pairs = [(member, code) for member, found in codes.items() for code in found] or [("nobody", "E119")]
    diagnoses = pa.table({"member_id": [m for m, _ in pairs], "diagnosis_code": [c for _, c in pairs]})
    return riskadj.score(
        population(rows), diagnoses, payment_year=YEAR, **{"models": MODEL, "rejects": "write", **options}
    )


def mor_file(folder: Path, rows: list[tuple[str, dict[str, Any]]], **header: Any) -> Path:
    return write_lines(folder / "mor.txt", mor_lines(rows, {**HEADER, **header}))


def record(member: str, *names: str) -> tuple[str, dict[str, Any]]:
    return "J", {"member_id": member, **dict.fromkeys(names, True)}


def paid(member: str, month: int, score: float, **more: Any) -> dict[str, Any]:
    return {
        "member_id": member, "contract_id": "H9999", "payment_month": dt.date(YEAR, month, 1),
        "risk_score_part_a": score, "ra_factor_type": "CN", "orec": "0", "risk_adjuster_age_group": "7074",
        "rate_part_a": 400.0, "rate_part_b": 600.0,
        "ma_payment": 900.0, **more,
    }  # fmt: skip


def mmr_file(folder: Path, rows: list[dict[str, Any]]) -> Path:
    return write_lines(folder / "mmr.txt", mmr_lines(rows))


def rows_by_class(comparison: riskadj.Comparison, report: str) -> dict[str, int]:
    return {row["difference_class"]: row["n_rows"] for row in comparison.classes.to_pylist()
            if row["report"] == report and row["n_rows"]}  # fmt: skip


# E119 is HCC19, E1140 HCC18 (which drops HCC19), I509 HCC85, J449 HCC111 in this model.
CODES = {
    "EQUAL": ["E119", "I509"], "MORE": ["E119", "J449"], "FEWER": ["E119"], "BOTH": ["E1140"], "OREC": [], "AGE": [],
    "CROSS": ["E119", "I509"], "OURS": [], "NONE": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def mor_comparison(tmp_path_factory: pytest.TempPathFactory) -> riskadj.Comparison:
    scores = scored([{"member_id": member} for member in CODES], CODES)
    rows = [
        record("EQUAL", "F70_74", "HCC19", "HCC85", "DIABETES_CHF"),
        record("MORE", "F70_74", "HCC19"),
        record("FEWER", "F70_74", "HCC19", "HCC85"),
        record("BOTH", "F70_74", "HCC19"),
        record("OREC", "F70_74", "OriginallyDisabled_Female"),
        record("AGE", "F75_79"),
        record("CROSS", "F70_74", "HCC19", "HCC85"),
        record("THEIRS", "F70_74", "HCC19"),
        record("NONE", "F70_74"),
    ]
    return riskadj.compare(scores, mor=mor_file(tmp_path_factory.mktemp("mor"), rows))


def test_mor_classes_by_hand(mor_comparison: riskadj.Comparison) -> None:
    found = {row["member_id"]: row["difference_class"] for row in mor_comparison.members.to_pylist()}
    assert found == {
        "MORE": "hccs_only_ours", "FEWER": "hccs_only_theirs", "BOTH": "hccs_both_ways", "OREC": "orec",
        "AGE": "age_or_sex", "CROSS": "interactions", "OURS": "only_ours", "THEIRS": "only_theirs",
    }  # fmt: skip
    assert rows_by_class(mor_comparison, "mor") == {**dict.fromkeys(found.values(), 1), "equal": 2}


def test_mor_variables_by_hand(mor_comparison: riskadj.Comparison) -> None:
    rows = mor_comparison.variables.to_pylist()
    assert sorted((row["member_id"], row["variable"], row["kind"], row["side"]) for row in rows) == [
        ("AGE", "F70_74", "demographic", "only_ours"), ("AGE", "F75_79", "demographic", "only_theirs"),
        ("BOTH", "HCC18", "hcc", "only_ours"), ("BOTH", "HCC19", "hcc", "only_theirs"),
        ("CROSS", "DIABETES_CHF", "interaction", "only_ours"), ("FEWER", "HCC85", "hcc", "only_theirs"),
        ("MORE", "HCC111", "hcc", "only_ours"), ("OREC", "OriginallyDisabled_Female", "demographic", "only_theirs"),
    ]  # fmt: skip
    counts = {row["variable"]: (row["n_both"], row["n_only_ours"], row["n_only_theirs"])
              for row in mor_comparison.variable_counts.to_pylist()}  # fmt: skip
    assert counts["HCC19"] == (4, 0, 1)
    assert counts["HCC85"] == (2, 0, 1)
    assert counts["F70_74"] == (7, 1, 0)


def test_mor_counts_add_up(mor_comparison: riskadj.Comparison) -> None:
    counts = mor_comparison.run["counts"]["mor"]
    assert (counts["our_records"], counts["their_records"]) == (9, 9)
    assert counts["our_records"] == counts["records_of_both"] + counts["records_only_ours"]
    assert counts["their_records"] == counts["records_of_both"] + counts["records_only_theirs"]
    assert counts["their_records_read"] == counts["their_records"]
    assert counts["models"] == [MODEL]


def test_latest_run_of_a_mor_counts(tmp_path: Path) -> None:
    scores = scored([{"member_id": "A1"}, {"member_id": "A2"}], {"A1": ["E119"]})
    early = write_lines(
        tmp_path / "a.txt", mor_lines([record("A1", "F70_74"), record("A2", "F70_74")], HEADER)
    )
    late = write_lines(
        tmp_path / "b.txt",
        mor_lines([record("A1", "F70_74", "HCC19")], {**HEADER, "payment_month": dt.date(YEAR, 7, 1)}),
    )
    comparison = riskadj.compare(scores, mor=[late, early])
    assert rows_by_class(comparison, "mor") == {"equal": 2}
    counts = comparison.run["counts"]["mor"]
    assert (counts["their_records_read"], counts["their_records"], counts["their_earlier_records"]) == (
        3,
        2,
        1,
    )


def test_models_that_only_one_side_has(tmp_path: Path) -> None:
    path = mor_file(tmp_path, [("K", {"member_id": "A1", "F70_74": True})])
    scores = scored([{"member_id": "A1"}], {})
    with pytest.raises(
        ExtractError, match="the MOR is of cms_hcc_v22 and the scores are of cms_hcc_v24: no model in common"
    ):
        riskadj.compare(scores, mor=path)
    path = mor_file(tmp_path, [("K", {"member_id": "A1"}), record("A1", "F70_74")])
    comparison = riskadj.compare(scores, mor=riskadj.read_mor(path))
    assert comparison.run["counts"]["mor"]["models_not_compared"] == ["cms_hcc_v22"]
    assert rows_by_class(comparison, "mor") == {"equal": 1}


MEMBERS: list[dict[str, Any]] = [
    {"member_id": "EQUAL"}, {"member_id": "ESRD"}, {"member_id": "NEW"}, {"member_id": "INST"}, {"member_id": "DUAL"},
    {"member_id": "HOSPICE"}, {"member_id": "AGE"}, {"member_id": "OREC"}, {"member_id": "FRAIL"},
    {"member_id": "NORM"},
    {"member_id": "CODING"}, {"member_id": "OTHER"}, {"member_id": "OURS"}, {"member_id": "ODD"},
    {"member_id": "PART", "enrollment_start_date": dt.date(YEAR, 1, 2), "enrollment_end_date": dt.date(YEAR, 3, 31)},
]  # fmt: skip


@pytest.fixture(scope="module")
def mmr_comparison(tmp_path_factory: pytest.TempPathFactory) -> riskadj.Comparison:
    scores = scored(MEMBERS, {})
    row = scores.model_scores.to_pylist()[0]
    ours, raw, normalized = (row[f"{name}_risk_score"] for name in ("payment", "raw", "normalized"))
    assert len({ours, raw, normalized}) == 3
    rows = [
        paid("EQUAL", 1, ours), paid("ESRD", 1, 5.0, ra_factor_type="D"), paid("NEW", 1, 0.6, ra_factor_type="E"),
        paid("INST", 1, 1.2, ra_factor_type="I"), paid("DUAL", 1, 0.7, ra_factor_type="CF"),
        paid("HOSPICE", 1, 2.0, is_hospice=True), paid("AGE", 1, 0.5, risk_adjuster_age_group="7579"),
        paid("OREC", 1, 0.5, orec="1"), paid("FRAIL", 1, ours + 0.05, frailty_factor=0.05), paid("NORM", 1, raw),
        paid("CODING", 1, normalized), paid("OTHER", 1, ours + 0.1), paid("THEIRS", 1, 1.0),
        paid("ODD", 1, ours, ra_factor_type="CF"),
        *(paid("PART", month, ours) for month in (1, 2, 4)),
    ]  # fmt: skip
    return riskadj.compare(scores, mmr=mmr_file(tmp_path_factory.mktemp("mmr"), rows))


def test_mmr_classes_by_hand(mmr_comparison: riskadj.Comparison) -> None:
    january = {row["member_id"]: row["difference_class"] for row in mmr_comparison.member_months.to_pylist()
               if row["service_month"] == JANUARY}  # fmt: skip
    assert january == {
        "ESRD": "esrd_status", "NEW": "new_enrollee", "INST": "institutional", "DUAL": "dual_status",
        "HOSPICE": "hospice",
        "AGE": "age", "OREC": "orec", "FRAIL": "frailty", "NORM": "normalization", "CODING": "normalization",
        "OTHER": "unexplained", "OURS": "only_ours", "THEIRS": "only_theirs", "PART": "only_theirs",
    }  # fmt: skip


def test_mmr_months_by_hand(mmr_comparison: riskadj.Comparison) -> None:
    """PART is ours in February and March (months whose first day is covered), theirs in January, February, April."""
    found = {row["service_month"].month: row["difference_class"] for row in mmr_comparison.member_months.to_pylist()
             if row["member_id"] == "PART"}  # fmt: skip
    assert found == {1: "only_theirs", 3: "only_ours", 4: "only_theirs"}
    classes = rows_by_class(mmr_comparison, "mmr")
    assert classes["equal"] == 3
    assert classes["only_ours"] == 13 * 11 + 12 + 1
    counts = mmr_comparison.run["counts"]["mmr"]
    assert counts["our_months"] == 14 * 12 + 2 == counts["months_of_both"] + counts["months_only_ours"]
    assert counts["their_months_compared"] == 17 == counts["months_of_both"] + counts["months_only_theirs"]
    assert (
        sum(classes.values())
        == counts["months_of_both"] + counts["months_only_ours"] + counts["months_only_theirs"]
    )


def test_mmr_dollars_by_hand(mmr_comparison: riskadj.Comparison) -> None:
    """Ours is 0.1 below theirs at rates of 400 + 600 dollars."""
    (row,) = (row for row in mmr_comparison.classes.to_pylist() if row["difference_class"] == "unexplained")
    assert row["dollars"] == pytest.approx(-100.0)
    assert row["their_mean_score"] - row["our_mean_score"] == pytest.approx(0.1)


def test_other_hccs_explain_a_score(tmp_path: Path) -> None:
    scores = scored([{"member_id": "A1"}, {"member_id": "A2"}], {"A1": ["E119"]})
    mor = mor_file(tmp_path, [record("A1", "F70_74"), record("A2", "F70_74")])
    mmr = mmr_file(tmp_path, [paid("A1", 1, 0.123), paid("A2", 1, 0.123)])
    months = riskadj.compare(scores, mor=mor, mmr=mmr).member_months.to_pylist()
    assert [row["difference_class"] for row in months if row["service_month"] == JANUARY] == [
        "hccs",
        "unexplained",
    ]


def test_adjustments_are_netted_before_they_are_compared(tmp_path: Path) -> None:
    """Paid on 0.5 first; in July code 26 pays January on our score instead, and 03 takes February back for good."""
    scores = scored([{"member_id": "A1", "enrollment_end_date": dt.date(YEAR, 2, 28)}], {})
    ours = scores.payment_scores["payment_risk_score"][0].as_py()
    span = {
        "adjustment_start_date": JANUARY,
        "adjustment_end_date": dt.date(YEAR, 1, 31),
        "adjustment_reason_code": "26",
    }
    gone = {
        "adjustment_start_date": dt.date(YEAR, 2, 1),
        "adjustment_end_date": dt.date(YEAR, 2, 29),
        "adjustment_reason_code": "03",
    }
    rows = [
        paid("A1", 1, 0.5), paid("A1", 2, 0.5), paid("A1", 7, 0.5, **span, **{"ma_payment": -900.0}),
        paid("A1", 7, ours, **span), paid("A1", 7, 0.5, **gone, **{"ma_payment": -900.0}),
    ]  # fmt: skip
    comparison = riskadj.compare(scores, mmr=mmr_file(tmp_path, rows))
    assert rows_by_class(comparison, "mmr") == {"equal": 1, "only_ours": 1}
    assert comparison.run["counts"]["mmr"]["their_months_taken_back"] == 1
    codes = {row["adjustment_reason_code"]: row["ma_payment"] for row in comparison.adjustments.to_pylist()}
    assert codes == {None: 1800.0, "03": -900.0, "26": 0.0}


def test_blended_scores_and_two_models(tmp_path: Path) -> None:
    """The year's own policy blends two models; the MOR has one of them, the MMR the blended score."""
    scores = scored([{"member_id": "A1"}], {"A1": ["E119"]}, models=None, segments="all")
    blended = scores.payment_scores["payment_risk_score"][0].as_py()
    mor = mor_file(tmp_path, [record("A1", "F70_74", "HCC19")])
    mmr = mmr_file(tmp_path, [paid("A1", month, blended) for month in range(1, 13)])
    comparison = riskadj.compare(scores, mor=mor, mmr=mmr)
    assert rows_by_class(comparison, "mor") == {"equal": 1}
    assert rows_by_class(comparison, "mmr") == {"equal": 12}
    assert comparison.run["counts"]["mor"]["models_not_compared"] == ["cms_hcc_v28"]
    assert (
        comparison.member_months.num_rows,
        comparison.members.num_rows,
        comparison.variables.num_rows,
    ) == (0, 0, 0)


def test_mmr_of_another_year(tmp_path: Path) -> None:
    other = [paid("A1", 1, 1.0) | {"payment_month": dt.date(YEAR - 1, 1, 1)}]
    with pytest.raises(ExtractError, match="pays no month of the payment year"):
        riskadj.compare(scored([{"member_id": "A1"}], {}), mmr=mmr_file(tmp_path, other))


@pytest.mark.parametrize(
    ("segment", "factor_type", "difference"),
    [
        ("CNA", "CN", None), ("CNA", "C", None), ("CND", "CN", None), ("CNA", "CF", "dual_status"),
        ("CPA", "CN", "dual_status"), ("CNA", "I", "institutional"), ("CNA", "E", "new_enrollee"),
        ("NE", "SE", "segment"),
        ("CNA", "D", "esrd_status"), ("DIAL", "ED", "new_enrollee"), ("DIAL", "C1", "segment"),
        ("TRANSPLANT_3M", "G2", None),
        ("GRAFT_INST_4_9", "C1", "institutional"), ("CNA", "ZZ", None), ("CNA", None, None), ("TIDE", "CN", None),
    ],
)  # fmt: skip
def test_what_segment_and_factor_type_say(
    segment: str, factor_type: str | None, difference: str | None
) -> None:
    assert FactorTypes.load().difference(segment, factor_type) == difference


def test_every_segment_of_part_c_has_a_factor_type() -> None:
    models = [one for one in riskadj.list_models() if one.model_id.startswith(("cms_hcc", "esrd"))]
    tables = [one.folder / "segments.csv" for one in models]
    segments = {
        line.split(",")[0] for path in tables for line in path.read_text(encoding="utf-8").splitlines()[1:]
    }
    assert len(segments) > 15
    assert {segment for segment in segments if not FactorTypes.load().fitting(segment)} == set()


def test_mmr_without_a_score(tmp_path: Path) -> None:
    rows = [paid("A1", 1, 1.0) | {"risk_score_part_a": None}]
    months = riskadj.compare(
        scored([{"member_id": "A1"}], {}), mmr=mmr_file(tmp_path, rows)
    ).member_months.to_pylist()
    assert [row["difference_class"] for row in months if row["service_month"] == JANUARY] == ["no_score"]


def test_mmr_layout_that_lacks_what_is_optional(tmp_path: Path) -> None:
    kept = ("member_id", "payment_month", "adjustment_reason_code", "adjustment_start_date", "adjustment_end_date",
            "risk_score_part_a", "ma_payment")  # fmt: skip
    fields = [f for f in load_layout("mmr").records[0].fields if f.name in kept]
    lines = [
        "record,name,start,end,type,allowed,title",
        *(f"detail,{f.name},{f.start},{f.end},{f.type},," for f in fields),
    ]
    layout = write_lines(tmp_path / "mine.csv", [*lines, "detail,filler,310,545,skip,,"])
    path = mmr_file(tmp_path, [paid("A1", 1, 0.5)])
    comparison = riskadj.compare(scored([{"member_id": "A1"}], {}), mmr=path, mmr_layout_file=layout)
    assert rows_by_class(comparison, "mmr") == {"only_ours": 11, "unexplained": 1}
    assert comparison.member_months["their_factor_type"].null_count == 12
    (row,) = (row for row in comparison.classes.to_pylist() if row["difference_class"] == "unexplained")
    assert row["dollars"] is None


def naive_class(ours: tuple[str, float] | None, theirs: dict[str, Any] | None) -> str:
    """Class of a member-month by plain rules; ours is segment and score."""
    if theirs is None:
        return "only_ours"
    if ours is None:
        return "only_theirs"
    segment, score = ours
    if f"{score:.4f}" == f"{theirs['risk_score_part_a']:.4f}":
        return "equal"
    types = {row["factor_type"]: row for row in load_codes("factor_types")}
    fits = [row for row in types.values() if segment in row["segments"].split("|")]
    row, own = types[theirs["ra_factor_type"]], min(fits, key=lambda one: len(one["segments"]))
    if row not in fits:
        for column, name in (
            ("is_esrd", "esrd_status"),
            ("is_new_enrollee", "new_enrollee"),
            ("is_long_term_institutional", "institutional"),
        ):
            if own[column] != row[column]:
                return name
        return "dual_status" if own["dual"] and row["dual"] and own["dual"] != row["dual"] else "segment"
    return "unexplained"


@pytest.mark.parametrize("seed", range(3))
def test_comparison_agrees_with_a_naive_one(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    members = [f"M{n:03}" for n in range(40)]
    rows = [{"member_id": m, "dual_status_code": draw.choice(["NA", "01", "02"]),
             "is_new_enrollee": draw.random() < 0.2,
             "is_long_term_institutional": draw.random() < 0.1} for m in members[:30]]  # fmt: skip
    for row in rows:
        row["is_long_term_institutional"] &= not row["is_new_enrollee"]
    codes = {
        m: draw.sample(["E119", "E1140", "I509", "J449", "C61", "F200", "N186"], draw.randint(0, 4))
        for m in members
    }
    scores = scored(rows, codes)
    ours = {row["member_id"]: row for row in scores.model_scores.to_pylist()}
    variables = {f.name: f.type for f in load_layout("mor").named("J").variables}
    theirs = {}
    for m in members[10:]:
        same = set(ours[m]["variables"]) & set(variables) if m in ours else set()
        theirs[m] = same | (set(draw.sample(sorted(variables), 3)) if draw.random() < 0.7 else set())
    months = [paid(m, month, draw.choice([0.5, ours[m]["payment_risk_score"] if m in ours else 1.0]),
                   ra_factor_type=draw.choice(["CN", "CF", "CP", "I", "E", "D", "SE", "C"]),
                   risk_adjuster_age_group=None, orec=None)
              for m in members[5:] for month in (1, 2)]  # fmt: skip
    comparison = riskadj.compare(
        scores,
        mor=mor_file(tmp_path, [record(m, *names) for m, names in theirs.items()]),
        mmr=mmr_file(tmp_path, months),
    )
    differences = {
        (row["member_id"], row["variable"], row["side"]) for row in comparison.variables.to_pylist()
    }
    expected = set()
    for member in set(ours) & set(theirs):
        mine = set(ours[member]["hccs"]) | {
            v for v in ours[member]["variables"] if variables.get(v, "hcc") != "hcc"
        }
        expected |= {(member, name, "only_ours") for name in mine - theirs[member]}
        expected |= {(member, name, "only_theirs") for name in theirs[member] - mine}
    assert differences == expected
    their_months = {(row["member_id"], row["payment_month"].month): row for row in months}
    keys = {(m, month) for m in ours for month in range(1, 13)} | set(their_months)
    classes = {}
    for member, month in keys:
        mine = (ours[member]["segment"], ours[member]["payment_risk_score"]) if member in ours else None
        found = naive_class(mine, their_months.get((member, month)))
        hccs_differ = any((member, v, s) in expected and variables[v] == "hcc" for _, v, s in expected)
        classes[member, month] = "hccs" if found == "unexplained" and hccs_differ else found
    shown = {
        (row["member_id"], row["service_month"].month): row["difference_class"]
        for row in comparison.member_months.to_pylist()
    }
    assert shown == {key: name for key, name in classes.items() if name != "equal"}


def test_directory_of_scores_gives_the_same(tmp_path: Path, mor_comparison: riskadj.Comparison) -> None:
    scores = scored([{"member_id": "A1"}, {"member_id": "A2"}], {"A1": ["E119"]})
    folder = scores.write(tmp_path / "scores")
    mor = mor_file(tmp_path, [record("A1", "F70_74"), record("A3", "F70_74")])
    mmr = mmr_file(tmp_path, [paid("A1", 1, 0.5)])
    one, other = (riskadj.compare(each, mor=mor, mmr=mmr) for each in (scores, folder))
    assert one.classes.equals(other.classes)
    assert one.member_months.equals(other.member_months)
    with pytest.raises(ExtractError, match=r"holds no run\.json of a scoring run"):
        riskadj.compare(tmp_path, mor=mor)
    (folder / "model_scores.parquet").unlink()
    with pytest.raises(ExtractError, match=r"holds no model_scores\.parquet"):
        riskadj.compare(folder, mor=mor)


def test_whole_number_ids_meet_text(tmp_path: Path) -> None:
    people = population([{"member_id": 12}])
    none = pa.table({"member_id": pa.array([12], pa.int64()), "diagnosis_code": ["E119"]})
    scores = riskadj.score(people, none, payment_year=YEAR, models=MODEL)
    comparison = riskadj.compare(scores, mor=mor_file(tmp_path, [record("12", "F70_74", "HCC19")]))
    assert rows_by_class(comparison, "mor") == {"equal": 1}


def test_nothing_to_compare_with() -> None:
    with pytest.raises(OptionError, match="give mor=, mmr= or both"):
        riskadj.compare("anywhere")


def test_what_a_comparison_shows(tmp_path: Path, mor_comparison: riskadj.Comparison) -> None:
    summary = mor_comparison.summary()
    assert summary["share"].sum() == pytest.approx(1.0)
    assert "EQUAL" not in repr(mor_comparison)
    assert repr(mor_comparison) == "<Comparison of payment year 2024 with mor: 10 rows>"
    assert len(mor_comparison.to_pandas("members")) == 8
    with pytest.raises(OptionError, match="no table 'member'; nearest: members; there are: classes"):
        mor_comparison.to_pandas("member")
    folder = mor_comparison.write(tmp_path / "out", chart=True)
    assert sorted(path.name for path in folder.iterdir()) == [
        "comparison_classes.parquet", "comparison_classes.png", "comparison_members.parquet",
        "comparison_variable_counts.parquet", "comparison_variables.parquet", "run.json",
    ]  # fmt: skip
    assert pq.read_table(folder / "comparison_members.parquet").num_rows == 8


def test_chart_of_no_differences(tmp_path: Path) -> None:
    scores = scored([{"member_id": "A1"}], {})
    figure = riskadj.compare(scores, mor=mor_file(tmp_path, [record("A1", "F70_74")])).plot()
    assert [axes.get_title() for axes in figure.axes] == [
        "MOR: 100.0% of 1 member records are equal",
        "HCCs that only one side has",
    ]


def test_command_line(tmp_path: Path) -> None:
    scored([{"member_id": "ZQX7A1"}], {"ZQX7A1": ["E119"]}).write(tmp_path / "scores")
    mor = mor_file(tmp_path, [record("ZQX7A1", "F70_74", "HCC85")])
    mmr = mmr_file(tmp_path, [paid("ZQX7A1", 1, 0.5)])
    words = [
        "compare",
        "--scores",
        tmp_path / "scores",
        "--mor",
        mor,
        "--mmr",
        mmr,
        "--output",
        tmp_path / "out",
    ]
    done = run(*words)
    assert done.status == 0, done.err
    assert "ZQX7" not in done.out + done.err
    assert "hccs_both_ways" in done.out
    assert "Prospective payment: 1 MMR rows, $900.00" in done.out
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["reports"] == {"mor": ["mor.txt"], "mmr": ["mmr.txt"]}
    assert run(*words).status == 2
    assert run(*words, "--overwrite").status == 0
    bad = write_lines(tmp_path / "bad.txt", ["ZQX7"])
    refused = run(*words[:3], "--mor", bad, "--output", tmp_path / "new")
    assert refused.status == 2
    assert "bad.txt, line 1, positions 1-1 (record_type): no such record" in refused.err
    assert "ZQX7" not in refused.err
    assert not (tmp_path / "new").exists()
    assert "nothing to compare with" in run("compare", "--scores", tmp_path, "--output", tmp_path / "new").err
