"""What cannot be read or asked for is refused, in words: refusals that no other test looks at, each by one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from riskadj.cms_reports.mao004 import standing_diagnoses
from riskadj.cms_reports.mmr import read_mmr
from riskadj.commands.impact import parse_side
from riskadj.commands.without import parse_where
from riskadj.errors import OutputExistsError, RiskAdjError
from riskadj.extracts.open import open_extract
from riskadj.extracts.output_file import output_file
from riskadj.extracts.record_layout import parse_layout
from tests.members import TOY_MAPS, Member, enrollment_table
from tests.toy_runs import score_toy

LAYOUT = "record,name,start,end,type,allowed,title\n"
MEMBERS = enrollment_table([Member("a")])
SCORES = score_toy([Member("a", codes=("Q01",))])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parse_side("models", "--before"), r"--before 'models' is not KEY=VALUE; write payment-year=YEAR"),
        (lambda: parse_side("models=a,models=b", "--after"), "--after gives 'models' twice; once is enough"),
        (lambda: parse_side("payment-year=202²", "--after"), "--after: payment-year=202² is no year"),
        (lambda: parse_where(["record_source"]), "--where is not COLUMN=VALUE"),
        (lambda: parse_where(["claim_type=inpatient", "claim_type=outpatient"]), "--where gives 'claim_type' twice"),
        (lambda: SCORES.without(), r"either where= \(--where\) or listed= \(--listed\)"),
        (lambda: SCORES.without(where={"diagnosis_code": ["Q01"], "member_id": [str(n) for n in range(1_000_001)]}),
         r"where= means more than 1,000,000 combinations"),
        (lambda: open_extract(MEMBERS, "drugs", layout="tuva"), "layout='tuva' has no drugs extract; it has: "),
        (lambda: open_extract(MEMBERS, "costs", layout="cms"), "layout='cms' has no costs extract; it has: "),
        (lambda: open_extract([MEMBERS], "enrollment"), "the list given for enrollment holds a Table; allowed: paths"),
        (lambda: standing_diagnoses(pa.table({"member_id": ["a"]})), "MAO-004 lacks 'claim_id'; needed: member_id"),
        (lambda: parse_layout(LAYOUT, "own.csv"), "own.csv describes no field"),
        (lambda: parse_layout(f"{LAYOUT}A,day,1,7,date,,\n", "own.csv"), "line 2: a date has 8 or 10 characters"),
        (lambda: parse_layout(f"{LAYOUT}A,a,1,1,text,,\nB,b,1,1,text,,\nA,c,2,2,text,,\n", "own.csv"),
         "own.csv: the fields of one record must stand together"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_asked_for_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(RiskAdjError, match=message):
        call()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"report\.txt is empty"),
        ("A123456789 ".encode("cp037") * 400, r"report\.txt is EBCDIC; have it sent as text"),
    ],
)
def test_reports_that_are_no_text_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(content)
    with pytest.raises(RiskAdjError, match=message):
        read_mmr(report)


def test_a_chronic_list_with_other_columns_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("hcc,chronic\nHCC1,yes\n", encoding="utf-8")
    options = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "chronic": own}
    seen = pa.table({"member_id": ["a"], "diagnosis_code": ["Q01"], "service_date": ["2098-05-01"]})
    with pytest.raises(RiskAdjError, match=r"own\.csv, line 2: a chronic list has columns hcc and chronic"):
        riskadj.gaps(MEMBERS, seen, **options)


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("kept", encoding="utf-8")
    with (
        pytest.raises(OutputExistsError, match=r"report\.html exists; choose another name"),
        output_file(target, overwrite=False),
    ):
        pass
    assert target.read_text(encoding="utf-8") == "kept"
