"""What people ask of scores, asked of the published HHS-HCC models, whose members take drugs: against plain twins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import riskadj
from tests import cli_runs, naive, naive_gaps
from tests.members import (
    REAL_MAPS,
    Member,
    diagnoses_table,
    drugs_table,
    enrollment_table,
    exact,
    random_members,
    some_drugs,
)
from tests.naive_impact import Side, row_impact

FOLDERS = sorted(path.parent for path in REAL_MAPS.glob("hhs/by*/payment_year.toml"))
OLDER, NEWER = FOLDERS[-2:]
YEAR = int(NEWER.name[2:])
MODEL = next(path for path in NEWER.iterdir() if path.is_dir())
TABLES = naive.read_model(str(MODEL))
DRUGS = [(row["code_system"], row["code"]) for row in TABLES["drug_mappings"]]
HHS = {"payment_year": YEAR, "program": "hhs"}
SCORES = ("marginal_raw_score", "marginal_model_score", "marginal_payment_score")


@lru_cache
def members() -> tuple[Member, ...]:
    """Members of every age and metal level, some of whom take drugs."""
    random = Random(11)
    codes = sorted(TABLES["diagnoses"])
    people = random_members(random, codes[::3], 50)
    return tuple(replace(one, drugs=some_drugs(random, DRUGS)) for one in people)


def score(people: tuple[Member, ...], **options: Any) -> riskadj.Scores:
    tables = (enrollment_table(people), diagnoses_table(people))
    return riskadj.score(*tables, drugs=drugs_table(people), **{**HHS, **options})


def mapped(member: Member, codes: tuple[str, ...] | None = None) -> set[str]:
    given = member.codes if codes is None else codes
    found = naive.mapped_hccs(TABLES, given, member.sex, member.age_years, "default")
    return found | naive.drug_hccs(TABLES, set(member.drugs), member.age_years)


def known(member: Member) -> dict[str, Any]:
    return {"sex": member.sex, "age": member.age_years, "status": member.status}


def paid(member: Member, without: tuple[str, ...] = ()) -> tuple[Any, ...]:
    one = naive.score_member(MODEL, **known(member), codes=member.codes, drugs=member.drugs, without=without)
    both = naive.model_payment_score(NEWER, MODEL.name, one["raw"], segment=one["segment"], **known(member))
    return (
        both["raw"],
        both["payment"],
        naive.rounded(both["payment"], naive.read_payment_year(str(NEWER)), "blend"),
    )


def test_marginal_values_of_hccs_and_of_drug_categories() -> None:
    values = score(members()).marginal().marginal_values.to_pylist()
    engine: dict[str, dict[str, Any]] = {member.member_id: {} for member in members()}
    for row in values:
        engine[row["member_id"]][row["hcc"]] = tuple(exact(round(row[name], 6)) for name in SCORES)
    for member in members():
        whole = paid(member)
        expected = {
            hcc: tuple(ours - theirs for ours, theirs in zip(whole, paid(member, (hcc,)), strict=True))
            for hcc in mapped(member)
        }
        assert engine[member.member_id] == expected, member
    categories = [row for row in values if row["hcc"].startswith("RXC")]
    assert len(categories) > 20
    assert any(row["marginal_payment_score"] > 0 for row in categories)


def test_a_drug_category_rests_on_no_diagnosis() -> None:
    people = members()
    rows = diagnoses_table(people)
    claims = rows.append_column("claim_id", pa.array([f"c{number}" for number in range(rows.num_rows)]))
    scores = riskadj.score(enrollment_table(people), claims, drugs=drugs_table(people), **HHS)
    of_person = {member.member_id: replace(member, drugs=()) for member in people}
    alone = 0
    for row in scores.marginal().marginal_values.to_pylist():
        by_drugs_alone = row["hcc"] not in mapped(of_person[row["member_id"]])
        assert (row["is_single_claim_id"] is None) == by_drugs_alone
        alone += by_drugs_alone
    assert alone > 20


def test_scores_without_some_diagnoses_keep_the_drugs() -> None:
    gone = sorted({naive.clean_code(code) for member in members() for code in member.codes})[::2]
    found = score(members()).without(where={"diagnosis_code": gone}, rate=100.0)
    changed = {row["member_id"]: row for row in found.changed_scores.to_pylist()}
    hccs = {(row["member_id"], row["hcc"]): row for row in found.changed_hccs.to_pylist()}
    for member in members():
        left = tuple(code for code in member.codes if naive.clean_code(code) not in gone)
        after = paid(replace(member, codes=left))[2]
        if member.member_id in changed:
            assert exact(changed[member.member_id]["payment_risk_score_without"]) == after
        else:
            assert paid(member)[2] == after
        for hcc in mapped(member) - mapped(member, left):
            assert hccs[member.member_id, hcc]["effect"] == "lost"
    assert not any(hcc.startswith("RXC") and row["effect"] == "lost" for (_, hcc), row in hccs.items())


def test_gaps_are_worth_what_they_add_beside_the_drugs() -> None:
    people = tuple(member for member in members() if member.codes)
    now = {member.member_id: member.codes[::2] for member in people}
    pairs = [
        (member.member_id, code, date(YEAR - 1 + (position % 2 == 0), 4, 1))
        for member in people
        for position, code in enumerate(member.codes)
    ]
    rows = pa.table(
        {
            name: [pair[at] for pair in pairs]
            for at, name in enumerate(("member_id", "diagnosis_code", "service_date"))
        }
    )
    found = riskadj.gaps(enrollment_table(people), rows, drugs=drugs_table(people), **HHS).gaps.to_pylist()
    person = {member.member_id: member for member in people}
    assert sum(row["status"] == "open" for row in found) > 20
    for row in found:
        member = person[row["member_id"]]
        this_year = [(code, f"{YEAR}-04-01") for code in now[member.member_id]]
        have = naive.mapped_hccs(TABLES, this_year, member.sex, member.age_years, "default")
        have |= naive.drug_hccs(TABLES, set(member.drugs), member.age_years)
        with_it, without_it = (
            naive_gaps.score_of(MODEL, hccs, member.sex, member.age_years, member.status)
            for hccs in (have | {row["hcc"]}, have - {row["hcc"]})
        )
        assert exact(round(row["payment_risk_score_change"], 6)) == with_it - without_it, member
        assert not row["hcc"].startswith("RXC")


def test_impact_of_a_benefit_year_equals_the_twin() -> None:
    """The twin knows no cost sharing: members of variant 1 have a factor of 1."""
    people = tuple(replace(member, csr_indicator="1") for member in members())
    years = {folder: int(folder.name[2:]) for folder in (OLDER, NEWER)}
    result = riskadj.impact(*(score(people, payment_year=year) for year in years.values()))
    moved = 0
    for row, member in zip(result.by_row.to_pylist(), people, strict=True):
        sides = (
            Side(folder, "hhs", member.sex, member.age_years, member.status, member.codes, member.drugs)
            for folder in years
        )
        causes, first, last = row_impact(*sides)
        assert {name: exact(row[name]) for name in causes} == causes, member
        assert (exact(row["payment_risk_score_before"]), exact(row["payment_risk_score_after"])) == (
            first,
            last,
        )
        moved += first != last
    assert moved > 10


def test_drugs_of_one_side_alone_are_a_cause() -> None:
    """Drugs beside the diagnoses are diagnoses that count after and did not before."""
    people = members()
    plain = riskadj.score(enrollment_table(people), diagnoses_table(people), **HHS)
    for row, member in zip(riskadj.impact(plain, score(people)).by_row.to_pylist(), people, strict=True):
        expected = paid(member)[2] - paid(replace(member, drugs=()))[2]
        assert exact(row["diagnoses"]) == expected
        assert exact(row["payment_risk_score_after"]) - exact(row["payment_risk_score_before"]) == expected


def test_newborns_of_a_benefit_year_are_compared_with_the_rules_of_the_year_before() -> None:
    """The population of one year under both years' rules: nobody is left out, and newborns are 0 under both."""
    people = pa.table(
        {
            "member_id": ["newborn", "adult"], "sex": ["F", "M"],
            "birth_date": [date(YEAR, 3, 1), date(YEAR - 40, 3, 1)],
            "metal_level": ["gold", "gold"], "csr_indicator": ["1", "1"],
            "enrollment_start_date": [date(YEAR, 4, 1)] * 2, "enrollment_end_date": [date(YEAR, 12, 31)] * 2,
        }
    )  # fmt: skip
    nothing = pa.table({"member_id": pa.array([], pa.string()), "diagnosis_code": pa.array([], pa.string())})
    options = {"program": "hhs", "collection": f"{YEAR}-01-01:{YEAR}-12-31"}
    before, after = (
        riskadj.score(people, nothing, payment_year=year, **options) for year in (YEAR - 1, YEAR)
    )
    assert (
        before.model_scores["age_years"].to_pylist() == after.model_scores["age_years"].to_pylist() == [0, 40]
    )
    assert riskadj.impact(before, after).run["rows"]["matched"] == 2


def test_every_line_of_explanations_adds_up_to_the_score() -> None:
    scores = score(members())
    rows = {row["member_id"]: row for row in scores.model_scores.to_pylist()}
    for member in members()[:25]:
        lines = scores.explain(member.member_id).lines
        shown = {line.item for line in lines if line.step in ("HCC", "group", "drug category")}
        for hcc in rows[member.member_id]["hccs"]:
            assert hcc in shown
        for system, code in member.drugs:
            assert any(code in line.item for line in lines), (system, code)


def test_summary_by_the_columns_of_the_program() -> None:
    scores = score(members())
    means: dict[str, list[Any]] = {}
    for member in members():
        for group in (member.metal_level, "all"):
            means.setdefault(group, []).append(paid(member)[2])
    frame = scores.summary(by="metal_level")
    paid_rows = frame[frame["model_id"] == frame["model_id"].iloc[-1]]
    shown = dict(zip(paid_rows["metal_level"], paid_rows["mean_payment_risk_score_by_months"], strict=True))
    assert shown == pytest.approx({metal: float(sum(found)) / len(found) for metal, found in means.items()})


COMMANDS = {
    "score": (),
    "marginal": (),
    "without": ("--where", "claim_id=c1"),
    "gaps": (),
    "impact": ("--before", f"payment-year={YEAR - 1}", "--after", f"payment-year={YEAR}"),
    "calibrate": (
        "--amount", "cost", "--models", MODEL.name, "--min-segment-members", "3", "--small-segments", "keep",
        "--collinear", "drop", "--folds", "0",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hhs")
    rows = diagnoses_table(members())
    n_rows = rows.num_rows
    rows = rows.append_column("service_date", pa.array([date(YEAR, 2, 2)] * n_rows))
    rows = rows.append_column("claim_id", pa.array([f"c{number // 2}" for number in range(n_rows)]))
    people = enrollment_table(members())
    costs = pa.table(
        {"member_id": people["member_id"], "cost": [100.0 * (1 + n % 17) for n in range(people.num_rows)]}
    )
    drugs = drugs_table(members())
    drugs = drugs.append_column("fill_date", pa.array([date(YEAR, 3, 3)] * drugs.num_rows))
    tables = {"enrollment": people, "diagnoses": rows, "drugs": drugs, "costs": costs}
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_reads_an_extract_of_the_program(files: Path, tmp_path: Path, command: str) -> None:
    words = [*COMMANDS[command], "--output", tmp_path / "out", "--program", "hhs"]
    if command != "impact":
        words += ["--payment-year", str(YEAR)]
    if command == "calibrate":
        words += ["--costs", files / "costs.parquet"]
    for role in ("enrollment", "diagnoses", "drugs"):
        words += [f"--{role}", files / f"{role}.parquet"]
    run = cli_runs.run(command, *words)
    assert (run.status, run.err) == (0, "")
    if command == "marginal":
        values = pq.read_table(tmp_path / "out" / "marginal_values.parquet")
        assert pc.any(pc.starts_with(values["hcc"].cast(pa.string()), "RXC")).as_py()


def test_explain_prints_the_drugs(files: Path) -> None:
    member = next(one for one in members() if one.drugs and one.age_years >= 21)
    extracts = [
        word
        for role in ("enrollment", "diagnoses", "drugs")
        for word in (f"--{role}", files / f"{role}.parquet")
    ]
    run = cli_runs.run(
        "explain", "--member", member.member_id, "--program", "hhs", "--payment-year", str(YEAR), *extracts
    )
    assert (run.status, run.err) == (0, "")
    assert member.drugs[0][1] in run.out
