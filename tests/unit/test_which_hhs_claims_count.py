"""Which claims count for HHS-HCC: type of claim, bill type in all its digits, one's own list of procedures."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import OptionError
from riskadj.scoring.eligible_diagnoses import ClaimRule, CmsFilter, label_of_bill_type
from tests.cli_runs import Run
from tests.cli_runs import run as run_command
from tests.members import REAL_MAPS, Member, enrollment_table

BENEFIT_YEARS = sorted(int(path.name[2:]) for path in REAL_MAPS.glob("hhs/by*"))
LISTED, NOT_LISTED = "99213", "99999"
KINDS = ("inpatient", "outpatient", "professional", "dental", None)
#: As HHS's instructions name them; admit through discharge, and replacement of a prior claim.
INPATIENT = {"111", "117"}
OUTPATIENT = {
    "131", "137", "711", "717", "731", "737", "761", "767", "771", "777", "851", "857", "871", "877"
}  # fmt: skip
#: Another frequency, another facility, no frequency, no bill type.
NEITHER = {
    "110",
    "112",
    "114",
    "118",
    "132",
    "134",
    "141",
    "181",
    "211",
    "721",
    "831",
    "858",
    "11",
    "13",
    "1",
    "abc",
}


def claims_of_every_sort() -> list[tuple[str | None, str | None, str | None]]:
    """Return (claim type, bill type, procedure): each of each."""
    bills = (*sorted(INPATIENT | OUTPATIENT | NEITHER), "0111", "0131", "0114", None)
    return list(product(KINDS, bills, (LISTED, NOT_LISTED, None)))


def reason_by_hand(kind: str | None, bill: str | None, procedure: str | None) -> str:
    """Why the diagnoses of a claim do not count, if they do not."""
    allowed = {"inpatient": INPATIENT, "outpatient": OUTPATIENT}
    if kind not in ("inpatient", "outpatient", "professional"):
        return "claim_type_not_eligible"
    if kind in allowed and (bill or "").removeprefix("0") not in allowed[kind]:
        return "bill_type_not_eligible"
    if kind != "inpatient" and procedure != LISTED:
        return "no_eligible_procedure"
    return "counts"


def extracts(year: int, claims: list[tuple[str | None, ...]]) -> tuple[pa.Table, pa.Table]:
    """Return a member for each claim, who has diabetes by it alone."""
    names = [f"M{number:04}" for number in range(len(claims))]
    kinds, bills, procedures = zip(*claims, strict=True)
    diagnoses = {
        "member_id": names,
        "diagnosis_code": ["E119"] * len(names),
        "service_date": pa.array([f"{year}-03-01"] * len(names)).cast(pa.date32()),
        "claim_type": pa.array(kinds, pa.string()),
        "bill_type_code": pa.array(bills, pa.string()),
        "procedure_code": pa.array(procedures, pa.string()),
    }
    return enrollment_table([Member(name, age_years=40) for name in names]), pa.table(diagnoses)


def scored(year: int, claims: list[tuple[str | None, ...]], **options: Any) -> riskadj.Scores:
    words = {"diagnosis_filter": "cms", "eligible_procedures": [LISTED], **options}
    return riskadj.score(*extracts(year, claims), payment_year=year, program="hhs", **words)


def with_diabetes(scores: riskadj.Scores) -> set[str]:
    return {row["member_id"] for row in scores.model_scores.to_pylist() if "HHS_HCC021" in row["hccs"]}


@pytest.mark.parametrize("year", BENEFIT_YEARS)
def test_every_sort_of_claim_counts_or_not_as_worked_by_hand(year: int) -> None:
    claims = claims_of_every_sort()
    reasons = [reason_by_hand(*claim) for claim in claims]
    scores = scored(year, claims)
    assert with_diabetes(scores) == {
        f"M{number:04}" for number, reason in enumerate(reasons) if reason == "counts"
    }
    found = scores.run["counts"]["diagnoses"]["filtered"]
    assert {reason: sum(kinds.values()) for reason, kinds in found.items()} == {
        reason: n_rows for reason, n_rows in Counter(reasons).items() if reason != "counts"
    }


def test_what_is_left_out_is_told_by_every_digit_of_the_bill_type() -> None:
    claims = [
        ("inpatient", "114", None), ("inpatient", "0114", LISTED), ("inpatient", "11", None),
        ("inpatient", "11A", None), ("inpatient", "111", None), ("outpatient", "131", NOT_LISTED),
    ]  # fmt: skip
    rows = scored(BENEFIT_YEARS[-1], claims).filtered.to_pylist()
    assert [(row["reason"], row["claim_type"], row["bill_type"], row["rows"]) for row in rows] == [
        ("bill_type_not_eligible", "inpatient", "11", 1),
        ("bill_type_not_eligible", "inpatient", "114", 2),
        ("bill_type_not_eligible", "inpatient", "other", 1),
        ("no_eligible_procedure", "outpatient", "131", 1),
    ]


def test_a_diagnosis_counts_through_the_eligible_line_of_its_claim() -> None:
    enrollment, diagnoses = extracts(
        BENEFIT_YEARS[0], [("outpatient", "131", NOT_LISTED), ("outpatient", "131", LISTED)]
    )
    one_member = diagnoses.set_column(0, "member_id", pa.array(["M0000", "M0000"]))
    scores = riskadj.score(
        enrollment, one_member, payment_year=BENEFIT_YEARS[0], program="hhs",
        diagnosis_filter="cms", eligible_procedures=[LISTED],
    )  # fmt: skip
    assert with_diabetes(scores) == {"M0000"}
    assert scores.run["counts"]["diagnoses"]["rows_filtered"] == 1


@pytest.mark.parametrize("year", BENEFIT_YEARS)
def test_without_a_list_the_filter_is_refused_and_says_where_to_find_one(year: int) -> None:
    with pytest.raises(OptionError) as caught:
        scored(year, [("inpatient", "111", None)], eligible_procedures=None)
    said = str(caught.value)
    assert f"payment year {year} of hhs has no eligible_procedures table" in said
    assert "give it as eligible_procedures= (--eligible-procedures FILE)" in said
    assert "Table 2 of its 'Do It Yourself' software tables" in said


def test_a_run_says_that_its_bill_types_were_not_verified() -> None:
    claims = [("inpatient", "111", None)]
    assert "eligible_claims" in scored(BENEFIT_YEARS[-1], claims).run["unverified"]
    unfiltered = scored(BENEFIT_YEARS[-1], claims, diagnosis_filter="none", eligible_procedures=None)
    assert "eligible_claims" not in unfiltered.run["unverified"]


def command(tmp_path: Path, *words: str | Path) -> Run:
    year = BENEFIT_YEARS[-1]
    claims = [("inpatient", "112", None), ("professional", None, LISTED), ("professional", None, NOT_LISTED)]
    enrollment, diagnoses = extracts(year, claims)
    pq.write_table(enrollment, tmp_path / "e.parquet")
    pq.write_table(diagnoses, tmp_path / "d.parquet")
    return run_command(
        "score", "--program", "hhs", "--payment-year", str(year), "--enrollment", tmp_path / "e.parquet",
        "--diagnoses", tmp_path / "d.parquet", "--output", tmp_path / "out", "--diagnosis-filter", "cms", *words,
    )  # fmt: skip


def test_the_command_takes_ones_own_list(tmp_path: Path) -> None:
    (tmp_path / "table_2.csv").write_text(f"procedure_code,description\n{LISTED},visit\n")
    done = command(tmp_path, "--eligible-procedures", tmp_path / "table_2.csv")
    assert done.status == 0, done.err
    printed = [line.split() for line in done.out.splitlines()]
    assert ["bill", "type", "is", "not", "eligible", "1", "0", "1"] in printed
    assert ["no", "eligible", "procedure", "on", "the", "row", "0", "1", "1"] in printed


def test_the_command_without_a_list_is_refused(tmp_path: Path) -> None:
    done = command(tmp_path)
    assert done.status != 0
    assert "--eligible-procedures" in done.err
    assert not (tmp_path / "out").exists()


def test_rules_ask_for_as_many_digits_as_they_name() -> None:
    assert [label_of_bill_type(code, digits=3) for code in ("0131", "131", "13", "1", "13A", "")] == [
        "131", "131", "13", "other", "other", "",
    ]  # fmt: skip
    assert label_of_bill_type("0131") == "13"
    mixed = (ClaimRule("inpatient", frozenset({"11", "181"}), needs_procedure=False),)
    bills = ["111", "114", "181", "182", "11", None]
    table = pa.table({"claim_type": ["inpatient"] * 6, "bill_type_code": bills, "procedure_code": [None] * 6})
    table = table.set_column(2, "procedure_code", pa.array([None] * 6, pa.string()))
    assert CmsFilter(mixed, frozenset(), frozenset())(table).tolist() == [1, 1, 1, 0, 1, 0]
