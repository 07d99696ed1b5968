"""Scores broken down by columns, and the report: every number counted again from the tables by plain loops."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import riskadj
from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, OptionError
from riskadj.results.plots.scores import plot_scores
from riskadj.results.summary.breakdown import AS_PAID, DistinctMembers
from riskadj.results.summary.page import report_page
from riskadj.results.summary.related import BIN_WIDTH, N_BINS
from riskadj.results.summary.report import read_report
from riskadj.results.summary.suppression import hidden_cells
from riskadj.results.summary.written_summary import summarise_directory
from tests.cli_runs import run
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table, random_members
from tests.pages import Cells

ATLANTIS: dict[str, Any] = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
CODES = ("Q01", "Q02", "Q03", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q20", "Q51", "Q52")
SPANS = (("2099-01-01", "2099-04-30", 4), ("2099-05-01", "2099-12-31", 8))


@pytest.fixture(scope="module")
def people() -> list[Member]:
    return random_members(Random(7), CODES, 80)


@pytest.fixture(scope="module")
def enrollment(people: list[Member]) -> pa.Table:
    """Two spans for every third member, in different plans."""
    rows, spans, plans = [], [], []
    for number, member in enumerate(people):
        for start, end, _ in SPANS if number % 3 == 0 else SPANS[1:]:
            rows.append(member)
            spans.append((date.fromisoformat(start), date.fromisoformat(end)))
            plans.append("p1" if start == SPANS[0][0] else ("p2", "p3")[number % 2] if number < 76 else None)
    table = enrollment_table(rows)
    table = table.append_column("enrollment_start_date", pa.array([span[0] for span in spans]))
    table = table.append_column("enrollment_end_date", pa.array([span[1] for span in spans]))
    return table.append_column("plan_id", pa.array(plans, pa.string()))


@pytest.fixture(scope="module")
def scores(people: list[Member], enrollment: pa.Table) -> riskadj.Scores:
    return riskadj.score(enrollment, diagnoses_table(people), rejects="write", **ATLANTIS)


def counted(rows: list[dict[str, Any]], keys: tuple[str, ...], score: str) -> dict[tuple[str, ...], Any]:
    """Return members, months and the mean of a score by plain loops."""
    found: dict[tuple[str, ...], Any] = defaultdict(
        lambda: {"members": set(), "months": 0, "sum": 0.0, "of": 0}
    )
    for row in rows:
        one = found[tuple(row[key] if row[key] is not None else "(none)" for key in keys)]
        one["members"].add(row["member_id"])
        one["months"] += row["months_enrolled"]
        if row[score] is not None:
            one["sum"] += row[score] * row["months_enrolled"]
            one["of"] += row["months_enrolled"]
    return {
        key: (len(one["members"]), one["months"], one["sum"] / one["of"] if one["of"] else None)
        for key, one in found.items()
    }


def test_by_plan_as_paid(scores: riskadj.Scores) -> None:
    expected = counted(scores.payment_scores.to_pylist(), ("plan_id",), "payment_risk_score")
    frame = scores.summary(by="plan_id")
    frame = frame[frame["model_id"] == AS_PAID]
    found = {row["plan_id"]: row for row in frame.to_dict("records")}
    assert found.keys() == {name for (name,) in expected} | {"all"}
    for (name,), (members, months, mean) in expected.items():
        assert (found[name]["members"], found[name]["member_months"]) == (members, months)
        assert found[name]["mean_payment_risk_score_by_months"] == pytest.approx(mean, abs=1e-12)
    assert found["all"]["members"] == len(set(scores.payment_scores["member_id"].to_pylist()))


def test_by_model_segment_and_status(scores: riskadj.Scores, people: list[Member]) -> None:
    sex = {member.member_id: member.sex for member in people}
    rows = [row | {"sex": sex[row["member_id"]]} for row in scores.model_scores.to_pylist()]
    expected = counted(rows, ("model_id", "segment", "sex"), "raw_risk_score")
    frame = scores.summary(by=["segment", "sex"])
    assert AS_PAID not in set(frame["model_id"])  # what is paid has no segment
    found = {
        (row["model_id"], row["segment"], row["sex"]): row
        for row in frame.to_dict("records")
        if row["segment"] != "all"
    }
    assert found.keys() == expected.keys()
    for key, (members, months, mean) in expected.items():
        assert (found[key]["members"], found[key]["member_months"]) == (members, months)
        assert found[key]["mean_raw_risk_score_by_months"] == pytest.approx(mean, abs=1e-12)
        assert found[key]["new_enrollees"] == (members if key[1] == "NEW" else 0)


def test_by_a_column_that_only_the_file_knows(people: list[Member], enrollment: pa.Table) -> None:
    team = pa.array(["red", "blue"] * (enrollment.num_rows // 2) + ["red"] * (enrollment.num_rows % 2))
    scores = riskadj.score(enrollment.append_column("Care Team", team), diagnoses_table(people), **ATLANTIS)
    frame = scores.summary(by="Care Team")
    rows = frame[frame["model_id"] == AS_PAID].set_index("Care Team")["rows"]
    assert rows.to_dict() == {
        "blue": team.to_pylist().count("blue"),
        "red": team.to_pylist().count("red"),
        "all": len(team),
    }


def test_every_segment_scored_changes_no_summary(people: list[Member], enrollment: pa.Table) -> None:
    options = ATLANTIS | {"rejects": "write", "models": "toy_hcc_v1"}
    paid, every = (
        riskadj.score(enrollment, diagnoses_table(people), segments=which, **options)
        for which in ("paid", "all")
    )
    assert_frame_equal(every.summary(by="plan_id,segment"), paid.summary(by="plan_id,segment"))
    assert_frame_equal(every.prevalence(), paid.prevalence())


def test_means_by_revenue_pay_the_revenue(scores: riskadj.Scores) -> None:
    """Two members: 4 months at $500 and a low score weigh less than 12 months at $1,000."""
    members = sorted(set(scores.payment_scores["member_id"].to_pylist()))
    own = pa.table({"member_id": members, "dollars": [500.0 + 10 * number for number in range(len(members))]})
    rate = dict(zip(own["member_id"].to_pylist(), own["dollars"].to_pylist(), strict=True))
    revenue = base = 0.0
    for row in scores.payment_scores.to_pylist():
        if row["payment_risk_score"] is not None:
            base += rate[row["member_id"]] * row["months_enrolled"]
            revenue += rate[row["member_id"]] * row["months_enrolled"] * row["payment_risk_score"]
    frame = scores.summary(by=(), rate="dollars", attributes=own)
    (total,) = frame[frame["model_id"] == AS_PAID].to_dict("records")
    assert total["revenue"] == pytest.approx(revenue)
    assert total["mean_payment_risk_score_by_revenue"] == pytest.approx(revenue / base)
    assert total["mean_payment_risk_score_by_revenue"] != pytest.approx(
        total["mean_payment_risk_score_by_months"]
    )


def test_prevalence(scores: riskadj.Scores) -> None:
    plan = {}
    for row in scores.payment_scores.to_pylist():
        plan[row["member_id"], row["enrollment_start_date"]] = row["plan_id"] or "(none)"
    members, having = defaultdict(set), defaultdict(set)
    for row in scores.model_scores.to_pylist():
        group = row["model_id"], plan[row["member_id"], row["enrollment_start_date"]]
        members[group].add(row["member_id"])
        for hcc in row["hccs"]:
            having[(*group, hcc)].add(row["member_id"])
    found = {
        (row["model_id"], row["plan_id"], row["hcc"]): (
            row["members_with_hcc"],
            row["members"],
            row["prevalence"],
        )
        for row in scores.prevalence(by="plan_id").to_dict("records")
    }
    assert found == {
        key: (len(them), len(members[key[:2]]), len(them) / len(members[key[:2]]))
        for key, them in having.items()
    }


def test_prevalence_by_a_column_of_ones_own(scores: riskadj.Scores) -> None:
    members = sorted(set(scores.model_scores["member_id"].to_pylist()))
    team = {member: f"team {number % 3}" for number, member in enumerate(members)}
    having = defaultdict(set)
    for row in scores.model_scores.to_pylist():
        for hcc in row["hccs"]:
            having[row["model_id"], team[row["member_id"]], hcc].add(row["member_id"])
    own = pa.table({"member_id": list(team), "team": list(team.values())})
    found = scores.prevalence(by="team", attributes=own).to_dict("records")
    counted = {(row["model_id"], row["team"], row["hcc"]): row["members_with_hcc"] for row in found}
    assert counted == {key: len(them) for key, them in having.items()}


@pytest.mark.parametrize("by", ["segment", "plan_id", "age_band", "plan_id,age_band", "segment,plan_id", ""])
@pytest.mark.parametrize("min_cell", [None, 11])
def test_written_scores_are_summarised_alike(
    scores: riskadj.Scores, tmp_path: Path, by: str, min_cell: int | None
) -> None:
    """The tables of a directory are those of the scores in memory."""
    written = scores.write(tmp_path / "scores")
    found = summarise_directory(written, by, min_cell=min_cell, maps_dir=TOY_MAPS)
    names = [name for name in by.split(",") if name]
    assert_frame_equal(found.summary(), scores.summary(by=names, min_cell=min_cell))
    assert_frame_equal(found.to_pandas("prevalence"), scores.prevalence(by=names, min_cell=min_cell))


def test_written_scores_by_attributes(scores: riskadj.Scores, tmp_path: Path) -> None:
    members = sorted(set(scores.payment_scores["member_id"].to_pylist()))[3:]
    own = pa.table({"member_id": members, "team": [("x", "y")[number % 2] for number in range(len(members))]})
    written = scores.write(tmp_path / "scores")
    found = summarise_directory(written, "team", attributes=own, maps_dir=TOY_MAPS)
    assert_frame_equal(found.summary(), scores.summary(by="team", attributes=own))
    twice = pa.concat_tables([own, own.slice(0, 1)])
    with pytest.raises(ExtractError, match="several rows for 1 members"):
        summarise_directory(written, "team", attributes=twice, maps_dir=TOY_MAPS)
    with pytest.raises(ColumnMissingError, match="'sex' is no column to group written scores by"):
        summarise_directory(written, "sex", maps_dir=TOY_MAPS)


def test_the_summary_command_writes_what_the_library_finds(scores: riskadj.Scores, tmp_path: Path) -> None:
    written = scores.write(tmp_path / "scores")
    call = (
        "summary",
        written,
        "--by",
        "plan_id",
        "--min-cell",
        "11",
        "--maps-dir",
        TOY_MAPS,
        "--output",
        tmp_path / "out",
    )
    done = run(*call)
    assert (done.status, done.err) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "prevalence.parquet", "run.json", "summary.parquet", "summary.png",
    ]  # fmt: skip
    expected = scores.summary(by="plan_id", min_cell=11)
    assert_frame_equal(pq.read_table(tmp_path / "out" / "summary.parquet").to_pandas(), expected)
    total = expected[(expected["model_id"] == AS_PAID) & (expected["plan_id"] == "all")]
    (line,) = (
        line.split() for line in done.out.splitlines() if line.startswith(f"{AS_PAID} ") and " all " in line
    )
    assert line[-1] == f"{total['mean_payment_risk_score_by_months'].item():.3f}"
    assert run(*call).status == 2


@pytest.mark.parametrize("by", ["segment", "plan_id", "age_band,plan_id"])
def test_written_scores_weigh_by_revenue_alike(scores: riskadj.Scores, tmp_path: Path, by: str) -> None:
    members = sorted(set(scores.payment_scores["member_id"].to_pylist()))
    own = pa.table(
        {"member_id": members[::-1], "dollars": [500 + 10 * number for number in range(len(members))]}
    )
    written = scores.write(tmp_path / "scores")
    for rate in ("dollars", 800.0):
        found = summarise_directory(written, by, rate=rate, attributes=own, maps_dir=TOY_MAPS)
        assert_frame_equal(found.summary(), scores.summary(by=by, rate=rate, attributes=own))


def test_the_command_weighs_by_revenue(scores: riskadj.Scores, tmp_path: Path) -> None:
    written = scores.write(tmp_path / "scores")
    call = [
        "summary",
        str(written),
        "--by",
        "plan_id",
        "--output",
        str(tmp_path / "out"),
        "--maps-dir",
        str(TOY_MAPS),
    ]
    done = run(*call, "--rate", "1000")
    assert (done.status, done.err) == (0, "")
    table = scores.summary(by="plan_id", rate=1000.0)
    total = table[(table["model_id"] == AS_PAID) & (table["plan_id"] == "all")]
    (line,) = (line for line in done.out.splitlines() if line.startswith("as paid") and " all " in line)
    assert line.split()[-1] == f"{total['revenue'].item():,.0f}"
    refused = run(*call, "--overwrite", "--rate", "dollars")
    assert refused.status == 2
    assert "rate='dollars' is no column of attributes" in refused.err


@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [
        ([1000.0, None], ExtractError, "attributes, column 'rate': no rate for "),
        ([1000.0, -1.0], ExtractError, "attributes, column 'rate': no rate for "),
        (["a", "b"], ColumnTypeError, "attributes, column 'rate' holds what is no number"),
    ],
)
def test_rates_of_attributes_that_cannot_be(
    scores: riskadj.Scores, tmp_path: Path, column: list[Any], kind: type[Exception], words: str
) -> None:
    members = sorted(set(scores.payment_scores["member_id"].to_pylist()))
    own = pa.table({"member_id": members, "rate": (column * len(members))[: len(members)]})
    with pytest.raises(kind, match=words):
        summarise_directory(scores.write(tmp_path / "scores"), rate="rate", attributes=own, maps_dir=TOY_MAPS)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 60, 70], []),
        ([0, 60, 70], []),
        ([5, 60, 70], [0, 1]),  # alone, 5 would be the total less 130
        ([5, 8, 70], [0, 1]),  # 13 together tell of neither
        ([1, 2, 70, 90], [0, 1, 2]),  # 3 together would be a small cell
        ([5], [0]),
        ([10, 11], [0, 1]),
    ],
)
def test_small_cells_hide_others(counts: list[int], hidden: list[int]) -> None:
    assert np.flatnonzero(hidden_cells(np.array(counts), 11)).tolist() == hidden


def test_suppressed_numbers_cannot_be_worked_out(scores: riskadj.Scores) -> None:
    for by in ("plan_id", "age_band", "segment", "plan_id,sex"):
        open_frame, frame = scores.summary(by=by), scores.summary(by=by, min_cell=11)
        names = by.split(",")
        for model_id in set(frame["model_id"]):
            rows = (frame["model_id"] == model_id).to_numpy()
            total = (frame[names] == "all").all(axis=1).to_numpy() & rows
            parts = rows & ~total
            blank = frame["members"].isna().to_numpy()
            assert not ((open_frame["members"] < 11).to_numpy() & (open_frame["members"] > 0) & ~blank)[
                rows
            ].any()
            if (blank & parts).any() and not blank[total].any():
                assert (blank & parts).sum() >= 2 or (parts.sum() == 1)
                assert open_frame["members"][blank & parts].sum() >= 11
            assert frame.loc[blank, frame.columns[len(names) + 1 :]].isna().all().all()
            shown = frame.loc[rows & ~blank, ["new_enrollees", "members"]].dropna()
            for number in (shown["new_enrollees"], shown["members"] - shown["new_enrollees"]):
                assert not ((number > 0) & (number < 11)).any()
    hccs = scores.prevalence(min_cell=11).dropna()
    assert (hccs["members_with_hcc"] >= 11).all()
    assert len(hccs) < len(scores.prevalence())


def test_distinct_members_are_counted_over_parts() -> None:
    seen = DistinctMembers()
    seen.add(np.array([0, 0, 1], np.int32), np.array([5, 5, 5], np.uint64))
    seen.add(np.array([0, 2], np.int32), np.array([5, 9], np.uint64))
    assert seen.counts(4).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"by": "plan"}, ColumnMissingError, "by='plan' is no column to group by; nearest: plan_id"),
        ({"by": ["sex", "sex"]}, OptionError, "names a column twice"),
        (
            {"by": "sex", "min_cell": 1},
            OptionError,
            "min_cell=1; give the smallest number of members to show",
        ),
    ],
)
def test_refused(scores: riskadj.Scores, options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        scores.summary(**options)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["member_id", "team"])
def test_attributes_with_two_columns_of_one_name_are_refused(scores: riskadj.Scores, name: str) -> None:
    columns = {"member_id": ["a"], "team": ["x"]}
    table = pa.table([*columns.values(), columns[name]], names=[*columns, name])
    with pytest.raises(ExtractError, match=f"attributes has several columns named '{name}'; keep one"):
        scores.summary(by="team", attributes=table)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("run.json", r"run\.json is damaged; run riskadj score again"),
        ("payment_scores.parquet", r"payment_scores\.parquet cannot be read as Parquet"),
        ("model_scores.parquet", r"model_scores\.parquet cannot be read as Parquet"),
    ],
)
def test_a_report_on_damaged_scores_is_refused(
    scores: riskadj.Scores, tmp_path: Path, file: str, words: str
) -> None:
    folder = scores.write(tmp_path / "scores")
    content = (folder / file).read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"\xff" * 50, b"[1, 2]"):
        (folder / file).write_bytes(damaged)
        with pytest.raises(ExtractError, match=words):
            read_report(folder, maps_dir=TOY_MAPS)


def test_every_number_of_the_page_is_in_the_tables(scores: riskadj.Scores, tmp_path: Path) -> None:
    """The tables of the report against plain loops over the files, and the page against the tables."""
    folder = scores.write(tmp_path / "scores")
    report = read_report(folder, maps_dir=TOY_MAPS)
    models = pq.read_table(folder / "model_scores.parquet").to_pylist()
    paid = pq.read_table(folder / "payment_scores.parquet").to_pylist()
    blended = [row | {"model_id": AS_PAID} for row in paid]
    for rows, keys, table, score in (
        (models, ("model_id", "segment"), report.by_segment, "raw"),
        (blended, ("model_id", "plan_id"), report.by_column["plan_id"], "payment"),
    ):
        expected = counted(rows, keys, f"{score}_risk_score")
        found = {tuple(row[key] for key in keys): row for row in table if row[keys[1]] != "all"}
        assert found.keys() == expected.keys()
        for key, (members, months, mean) in expected.items():
            assert (found[key]["members"], found[key]["member_months"]) == (members, months)
            assert found[key][f"mean_{score}_risk_score_by_months"] == pytest.approx(mean, abs=1e-12)
    scored = [row["payment_risk_score"] for row in paid if row["payment_risk_score"] is not None]
    bins = [0] * N_BINS
    for value in scored:
        bins[min(max(int(value / BIN_WIDTH), 0), N_BINS - 1)] += 1
    assert [row["rows"] for row in report.distribution] == bins
    first = "toy_hcc_v1"
    by_age = [row for row in report.by_age if row["model_id"] == first and row["age_band"] != "all"]
    assert sum(row["members"] for row in by_age) == len(
        {row["member_id"] for row in models if row["model_id"] == first}
    )
    page = Cells()
    page.feed(report_page(report))
    tables = [*report.by_segment, *report.by_age, *report.by_column["plan_id"], *report.prevalence]
    tables += [*report.counts, *report.rejects]
    tables += [{"revision": model["revision"]} for model in report.run["models"]]
    counts = report.run["counts"]["enrollment"]
    figures = {
        "members": counts["members"],
        "member months": counts["months_enrolled"],
        "mean payment risk score": report.mean_payment_risk_score,
    }
    known = [set(row.items()) for row in tables if row] + [{item} for item in figures.items()]
    shown = [row for row in page.rows if row]
    assert len(shown) == len(tables) + len(figures)
    assert all(any(set(row.items()) <= one for one in known) for row in shown)
    assert all(text.startswith("data:image/png;base64,") for text in page.outside)


def test_scores_report_themselves(scores: riskadj.Scores, tmp_path: Path) -> None:
    direct = scores.report(tmp_path / "direct.html").read_text(encoding="utf-8")
    assert direct == report_page(read_report(scores.write(tmp_path / "scores"), maps_dir=TOY_MAPS))
    assert "Sea fever, severe" in direct


def test_text_of_the_page_is_escaped(scores: riskadj.Scores, tmp_path: Path) -> None:
    folder = scores.write(tmp_path / "scores")
    facts = json.loads((folder / "run.json").read_text())
    facts["notes"].append("<script>alert(1)</script>")
    (folder / "run.json").write_text(json.dumps(facts))
    page = report_page(read_report(folder, maps_dir=TOY_MAPS, min_cell=11))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Numbers of fewer than 11 members are blank" in page


def test_the_command(scores: riskadj.Scores, tmp_path: Path) -> None:
    folder = scores.write(tmp_path / "scores")
    call = ("report", folder, "--maps-dir", TOY_MAPS, "--output", tmp_path / "report.html")
    done = run(*call)
    assert (done.status, done.err) == (0, "")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "--overwrite" in run(*call).err
    lacking = run("report", tmp_path, "--output", tmp_path / "other.html")
    assert lacking.status == 2
    assert "has no run.json" in lacking.err
    other = json.loads((folder / "run.json").read_text())
    other["models"][0]["sha256"]["labels"] = "0" * 64
    (folder / "run.json").write_text(json.dumps(other))
    changed = run(*call, "--overwrite")
    assert changed.status == 2
    assert "checksums differ" in changed.err


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"has no run\.json"):
        read_report(tmp_path)


def test_the_chart_of_scores_shows_the_largest_model(scores: riskadj.Scores) -> None:
    rows = scores.model_scores["model_id"].to_pylist()
    largest = max(dict.fromkeys(rows), key=rows.count)
    first = scores.model_scores.filter(pa.array([name == largest for name in rows]))
    few = scores.model_scores.filter(pa.array([name != largest for name in rows])).slice(0, 3)
    for tables in ([first, few], [few, first]):
        figure = plot_scores(scores.payment_scores, pa.concat_tables(tables))
        assert figure.axes[1].get_title() == f"Most frequent payment HCCs, {largest}"


@pytest.mark.parametrize(("contracts", "is_said"), [(["H1", "H2"], True), (["H1", "H1"], False)])
def test_plan_numbers_of_several_contracts_are_said_to_be_together(
    tmp_path: Path, contracts: list[str], is_said: bool
) -> None:
    people = enrollment_table([Member("A"), Member("B")])
    for name, values in (("contract_id", contracts), ("plan_id", ["001", "001"])):
        people = people.append_column(name, pa.array(values))
    folder = riskadj.score(people, diagnoses_table([]), **ATLANTIS).write(tmp_path / "scores")
    page = report_page(read_report(folder, maps_dir=TOY_MAPS))
    assert ("riskadj summary --by contract_id,plan_id tells them apart" in page) is is_said
