"""RAPS return files written from known values: clusters stored and refused, batches that fit together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

import riskadj
from riskadj.cms_reports.fates import DELETION, NOT_TAKEN, STANDS, TAKEN_BACK
from riskadj.cms_reports.raps import raps_fates
from riskadj.errors import ColumnMissingError, ExtractError
from tests.report_files import raps_lines, write_lines

MAY, JUNE = dt.date(2098, 5, 1), dt.date(2098, 6, 1)


def record(member: str, *clusters: dict, **more) -> dict:
    """Return one CCC record; clusters as `cluster` makes them."""
    values = {"member_id": member, "claim_id": "K1", **more}
    for place, one in enumerate(clusters, start=1):
        values |= {f"{name}_{place}": value for name, value in one.items()}
    return values


def cluster(code: str, *errors: str, day: dt.date = MAY, **more) -> dict:
    named = {f"cluster_error_{n}": error for n, error in enumerate(errors, start=1)}
    given = {"provider_type": "20", "service_start_date": day, "service_date": day, "diagnosis_code": code}
    return {**given, **named, **more}


def read(tmp_path: Path, *batches: list[dict], **header) -> pa.Table:
    return riskadj.read_raps(write_lines(tmp_path / "raps.txt", raps_lines(batches, header)))


def test_fields_stand_where_the_layout_says(tmp_path: Path) -> None:
    """Positions are from the record tables, worked by hand, without the layout table."""

    def line(*cells: tuple[int, str]) -> str:
        text = [" "] * 512
        for start, cell in cells:
            text[start - 1 : start - 1 + len(cell)] = cell
        return "".join(text)

    lines = [
        line((1, "AAA"), (4, "SH9999"), (10, "F1"), (20, "20990302"), (28, "PROD"), (32, "ICD10")),
        line((1, "BBB"), (4, "0000001"), (11, "H9999")),
        line((1, "CCC"), (4, "0000001"), (14, "CLAIM7"), (54, "1AA0A00AA00"), (82, "19400101"), (93, "10"),
             (95, "20980501"), (103, "20980502"), (112, "E119"), (125, "01"), (127, "20981301"), (135, "20981301"),
             (143, "D"), (144, "I10"), (151, "408"), (154, "500"), (413, "1BB0B00BB00")),
        line((1, "YYY"), (4, "0000001"), (11, "H9999"), (16, "0000001")),
        line((1, "ZZZ"), (4, "SH9999"), (10, "F1"), (20, "0000001")),
    ]  # fmt: skip
    found = riskadj.read_raps(write_lines(tmp_path / "raps.txt", lines)).to_pylist()
    record = {
        "member_id": "1AA0A00AA00", "corrected_member_id": "1BB0B00BB00", "claim_id": "CLAIM7", "contract_id": "H9999",
        "submission_date": dt.date(2099, 3, 2), "icd_version": "ICD10", "line": 3,
    }  # fmt: skip
    assert found == [
        record | {"provider_type": "10", "claim_type": "outpatient", "service_start_date": MAY,
                  "service_date": dt.date(2098, 5, 2), "diagnosis_code": "E119", "add_or_delete": "A",
                  "status": "accepted", "error_code": None, "error_codes": None},
        record | {"provider_type": "01", "claim_type": "inpatient", "service_start_date": None, "service_date": None,
                  "diagnosis_code": "I10", "add_or_delete": "D", "status": "rejected", "error_code": "408",
                  "error_codes": "408|500"},
    ]  # fmt: skip


def test_which_codes_refuse_a_cluster(tmp_path: Path) -> None:
    """Codes of the record refuse all its clusters; those from 500 on only inform."""
    rows = read(
        tmp_path,
        [record("A", cluster("E119"), cluster("I10", "450")), record("B", cluster("I10", "501"))],
        [record("C", cluster("I10"), cluster("J449"), member_error="353")],
        [record("D", cluster("I10"), birth_date_error="502", sequence_error="310")],
    ).to_pylist()
    assert [(row["member_id"], row["diagnosis_code"], row["status"], row["error_code"]) for row in rows] == [
        ("A", "E119", "accepted", None), ("A", "I10", "rejected", "450"), ("B", "I10", "accepted", None),
        ("C", "I10", "rejected", "353"), ("C", "J449", "rejected", "353"), ("D", "I10", "rejected", "310"),
    ]  # fmt: skip
    assert [row["error_codes"] for row in rows][2:] == ["501", "353", "353", "310|502"]


def test_fates(tmp_path: Path) -> None:
    """A deletion takes back the same cluster and no other; one that is refused takes back nothing."""
    delete = {"delete": "D"}
    first = read(
        tmp_path,
        [
            record("A", cluster("E119"), cluster("I10"), cluster("I10", day=JUNE), cluster("J449", "450")),
            record("B", cluster("I10"), cluster("E119")),
        ],
    )
    later = read(
        tmp_path,
        [record("A", cluster("I10", **delete)), record("B", cluster("E119", "491", **delete))],
        submission_date=dt.date(2099, 3, 1),
    )
    earlier = read(tmp_path, [record("B", cluster("I10", **delete))], submission_date=dt.date(2099, 1, 1))
    fates = raps_fates(pa.concat_tables([first, later, earlier])).tolist()
    assert fates == [
        STANDS, TAKEN_BACK, STANDS, NOT_TAKEN, STANDS, STANDS, DELETION, NOT_TAKEN, DELETION
    ]  # fmt: skip
    assert raps_fates(read(tmp_path, [record("A", cluster("4019"))], icd_version="ICD9")).tolist() == [
        NOT_TAKEN
    ]
    with pytest.raises(ColumnMissingError, match="RAPS lacks 'status'"):
        raps_fates(first.drop_columns(["status"]))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            cluster("I10", "ABC"),
            r"error code of no known range in 1 clusters \(first lines: 3\); known: 100-199",
        ),
        (cluster("I10", "600"), "error code of no known range"),
        (cluster("I10", service_date="20981301"), r"1 clusters have no through date .*\(first lines: 3\)"),
    ],
)
def test_clusters_that_cannot_be_read(tmp_path: Path, one: dict, words: str) -> None:
    with pytest.raises(ExtractError, match=words) as caught:
        read(tmp_path, [record("SECRET1", one)])
    assert "SECRET1" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[1:], "line 1: a header record where a file_header record belongs"),
        (lambda lines: [lines[0], *lines[2:]], "line 2: a detail record where a header record belongs"),
        (lambda lines: [*lines[:3], lines[4]], "line 4: a file_trailer record where a trailer record belongs"),
        (lambda lines: [*lines[:3], *lines[1:]], "line 4: a header record where a trailer record belongs"),
        (lambda lines: [lines[0], *lines], "line 2: a file_header record where a file_trailer record belongs"),
        (lambda lines: lines[:-1], "ends at line 4 without its file_trailer record"),
        (lambda lines: lines[:3], "ends at line 3 without its trailer record"),
        (lambda lines: [*lines[:4], *lines[1:]], r"line 8, positions 20-26 .* than the 2 batches"),
        (lambda lines: [*lines[:3], *lines[2:]], r"line 5, positions 16-22 .* than the 2 details"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_together(tmp_path: Path, change, words: str) -> None:
    lines = change(raps_lines([[record("A", cluster("I10"))]]))
    with pytest.raises(ExtractError, match=words):
        riskadj.read_raps(write_lines(tmp_path / "raps.txt", lines))
