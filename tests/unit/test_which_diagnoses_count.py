"""Which diagnoses count: windows of the runs, the claim filter of the year, one's own lists, what was left out."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

import riskadj
from riskadj.errors import ColumnMissingError, ExtractError, OptionError
from riskadj.scoring.procedures import read_procedures
from riskadj.tables.copy_year import copy_year
from tests.cli_runs import run as run_command
from tests.members import REAL_MAPS, TOY_MAPS, Member, enrollment_table

ELIGIBLE, NOT_ELIGIBLE = "99213", "00000"
WOMAN = Member("A", age_years=72)
YEARS = range(2017, 2028)


def lines(*rows: tuple[str | None, ...], sources: list[str | None] | None = None) -> pa.Table:
    """Return diagnoses of member A: code, service date, claim type, bill type, procedure."""
    names = ("diagnosis_code", "service_date", "claim_type", "bill_type_code", "procedure_code")
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    columns["service_date"] = [date.fromisoformat(day or "") for day in columns["service_date"]]
    if sources is not None:
        columns["record_source"] = sources
    return pa.table({"member_id": ["A"] * len(rows), **columns})


def scored(diagnoses: pa.Table, payment_year: int = 2026, **options: object) -> riskadj.Scores:
    words = {"diagnosis_filter": "cms", **options}
    return riskadj.score(
        enrollment=enrollment_table([WOMAN]), diagnoses=diagnoses, payment_year=payment_year, **words
    )


def hccs(scores: riskadj.Scores) -> set[str]:
    return {hcc for row in scores.model_scores.to_pylist() for hcc in row["hccs"]}


# --- none at all ---


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "diagnoses have no rows"),
        ([("E119", "2024-12-31", None, None, None)], "(1 outside the collection window)"),
        ([("Z000", "2025-05-01", None, None, None)], "(1 without an HCC)"),
        ([("4280", "2025-05-01", None, None, None)] * 2 + [("E119", "2026-01-01", None, None, None)],
         "(2 rejected, 1 outside the collection window)"),
    ],
)  # fmt: skip
def test_a_run_that_no_diagnosis_reached_says_so(rows: list[tuple[str | None, ...]], words: str) -> None:
    table = lines(*rows) if rows else lines(("E119", "2025-05-01", None, None, None)).slice(0, 0)
    notes = scored(table, diagnosis_filter="none", rejects="write").run["notes"]
    assert [words in note for note in notes].count(True) == 1, notes


def test_a_run_that_a_diagnosis_reached_says_nothing_of_the_kind() -> None:
    notes = scored(lines(("E119", "2025-05-01", None, None, None)), diagnosis_filter="none").run["notes"]
    assert [note for note in notes if "no diagnosis" in note] == []


# --- windows of the runs ---


@pytest.mark.parametrize("year", YEARS)
def test_windows_of_every_year_are_those_of_its_three_runs(year: int) -> None:
    loaded = riskadj.load_payment_year("medicare_part_c", year)
    before = (date(year - 1, 1, 1), date(year - 1, 12, 31))
    lagged = (date(year - 2, 7, 1), date(year - 1, 6, 30))
    assert dict(loaded.collections) == {"initial": lagged, "mid_year": before, "final": before}
    assert loaded.collection == before
    cited = [loaded.citations[part] for part in ("collection", "collection.initial", "collection.mid_year")]
    assert all(one.verified and one.where.startswith("paragraph (g)") for one in cited)


def test_a_run_counts_the_service_dates_of_its_own_window() -> None:
    days = ("2024-06-30", "2024-07-01", "2024-12-31", "2025-01-01", "2025-06-30", "2025-07-01", "2025-12-31")
    diagnoses = lines(*[("E119", day, "inpatient", "111", None) for day in days])
    counted = {}
    for run in ("initial", "mid_year", "final", None):
        scores = scored(diagnoses, collection=run)
        counted[run] = scores.run["counts"]["diagnoses"]["rows_mapped"]
        assert scores.run["collection_run"] == (run or "final")
    assert counted == {"initial": 4, "mid_year": 4, "final": 4, None: 4}
    lagged = scored(diagnoses, collection="initial")
    assert lagged.run["collection"] == ["2024-07-01", "2025-06-30"]
    assert [row for row in lagged.run["unverified"] if row.startswith("collection")] == []
    assert hccs(scored(lines(("E119", "2024-07-01", "inpatient", "111", None)), collection="initial"))
    assert not hccs(scored(lines(("E119", "2024-07-01", "inpatient", "111", None))))


def test_the_window_that_was_used_is_the_one_said_to_be_unverified(tmp_path: Path) -> None:
    maps = shutil.copytree(TOY_MAPS, tmp_path / "maps")
    copy_year(maps / "atlantis" / "py2099", maps / "atlantis" / "py2103")
    diagnoses = pa.table({"member_id": ["A"], "diagnosis_code": ["Q01"]})
    toy = {"payment_year": 2103, "program": "atlantis", "maps_dir": maps}
    for run, said in (("initial", ["collection.initial"]), ("final", ["collection"])):
        scores = riskadj.score(
            enrollment=enrollment_table([WOMAN]), diagnoses=diagnoses, collection=run, **toy
        )
        assert [row for row in scores.run["unverified"] if row.startswith("collection")] == said


def test_dates_of_ones_own_are_no_run() -> None:
    scores = scored(
        lines(("E119", "2023-05-05", "inpatient", "111", None)), collection="2023-01-01:2023-12-31"
    )
    assert scores.run["collection_run"] is None
    assert scores.run["collection"] == ["2023-01-01", "2023-12-31"]


def test_a_run_that_the_year_has_not_is_refused() -> None:
    toy = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
    diagnoses = pa.table({"member_id": ["A"], "diagnosis_code": ["Q01"]})
    with pytest.raises(
        OptionError, match="2099 has no collection window for the mid_year run; it has: initial, final"
    ):
        riskadj.score(enrollment=enrollment_table([WOMAN]), diagnoses=diagnoses, collection="mid_year", **toy)
    with pytest.raises(OptionError, match="allowed: initial, mid_year, final, or FIRST:LAST"):
        riskadj.score(enrollment=enrollment_table([WOMAN]), diagnoses=diagnoses, collection="middle", **toy)


# --- what was left out, and why ---


def test_rows_left_out_are_counted_by_reason_and_claim_type() -> None:
    day = "2026-03-01"
    scores = scored(
        lines(
            ("E119", day, "dental", "111", ELIGIBLE),
            ("E119", day, None, "111", ELIGIBLE),
            ("E119", day, "inpatient", "181", None),
            ("Z0000", day, "inpatient", "999", None),
            ("E119", day, "outpatient", "0131", NOT_ELIGIBLE),
            ("E119", day, "professional", None, ELIGIBLE),
            ("E119", day, "professional", None, ELIGIBLE),
            ("E119", "2025-12-31", "professional", None, NOT_ELIGIBLE),
            sources=["encounter"] * 6 + ["chart_review_unlinked", "encounter"],
        ),
        payment_year=2027,
    )
    counts = scores.run["counts"]["diagnoses"]
    assert counts["filtered"] == {
        "bill_type_not_eligible": {"inpatient": 2},
        "claim_type_not_eligible": {"missing": 1, "other": 1},
        "no_eligible_procedure": {"outpatient": 1},
        "record_source_excluded": {"professional": 1},
    }
    assert (counts["rows_filtered"], counts["rows_outside_collection"], counts["rows_mapped"]) == (6, 1, 1)
    assert scores.filtered.to_pylist() == [
        {"reason": reason, "claim_type": kind, "bill_type": bill, "rows": 1, "rows_mapped": mapped}
        for reason, kind, bill, mapped in (
            ("bill_type_not_eligible", "inpatient", "18", 1),
            ("bill_type_not_eligible", "inpatient", "99", 0),
            ("claim_type_not_eligible", None, "11", 1),
            ("claim_type_not_eligible", "other", "11", 1),
            ("no_eligible_procedure", "outpatient", "13", 1),
            ("outside_collection", "professional", None, 1),
            ("record_source_excluded", "professional", None, 1),
        )
    ]


def test_unlinked_chart_reviews_count_before_2027() -> None:
    row = ("E119", "2025-03-01", "professional", None, ELIGIBLE)
    assert hccs(scored(lines(row, sources=["chart_review_unlinked"]), payment_year=2026))
    row = ("E119", "2026-03-01", "professional", None, ELIGIBLE)
    assert not hccs(scored(lines(row, sources=["chart_review_unlinked"]), payment_year=2027))
    assert hccs(scored(lines(row, sources=["chart_review_linked"]), payment_year=2027))


def naive_reasons(rows: list[dict[str, object]], folder: Path) -> Counter[tuple[str, str]]:
    """Count (reason, claim type) of rows inside the window, read straight off the tables of a year."""
    with (folder / "eligible_claims.csv").open(encoding="utf-8") as file:
        claims = {row["claim_type"]: row for row in csv.DictReader(file)}
    with (folder / "eligible_procedures.csv").open(encoding="utf-8") as file:
        procedures = {row["procedure_code"] for row in csv.DictReader(file)}
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        kind = str(row["claim_type"] or "missing")
        rule = claims.get(kind)
        bills = rule["bill_types"].split("|") if rule and rule["bill_types"] else []
        if rule is None:
            found["claim_type_not_eligible", kind if kind == "missing" else "other"] += 1
        elif bills and str(row["bill_type_code"] or "").lstrip("0")[:2] not in bills:
            found["bill_type_not_eligible", kind] += 1
        elif rule["needs_procedure"] == "1" and row["procedure_code"] not in procedures:
            found["no_eligible_procedure", kind] += 1
    return found


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_counts_of_a_year_are_those_of_a_naive_reading_of_its_tables(year: int) -> None:
    random = Random(year)
    kinds = ("inpatient", "outpatient", "professional", "dental", None)
    bills = ("111", "0131", "0851", "181", "771", None)
    diagnoses = lines(
        *[
            (
                random.choice(("E119", "I509", "Z0000")),
                f"{year - 1}-0{random.randint(1, 9)}-11",
                random.choice(kinds),
                random.choice(bills),
                random.choice((ELIGIBLE, NOT_ELIGIBLE, "G0439", None)),
            )
            for _ in range(500)
        ]
    )
    expected = naive_reasons(diagnoses.to_pylist(), REAL_MAPS / "medicare" / f"py{year}")
    counts = scored(diagnoses, payment_year=year).run["counts"]["diagnoses"]
    found = {
        (reason, kind): n_rows for reason, rows in counts["filtered"].items() for kind, n_rows in rows.items()
    }
    assert found == dict(expected)
    assert sum(found.values()) == counts["rows_filtered"] > 0


def test_a_diagnosis_counts_through_the_eligible_line_of_its_claim() -> None:
    day = "2025-03-01"
    claim = [
        (code, day, "professional", None, line)
        for code in ("E119", "I509")
        for line in (ELIGIBLE, NOT_ELIGIBLE)
    ]
    both = scored(lines(*claim))
    assert both.run["counts"]["diagnoses"]["rows_filtered"] == 2
    assert hccs(both) == hccs(scored(lines(claim[0], claim[2])))
    assert not hccs(scored(lines(claim[1], claim[3])))


def test_without_a_filter_only_the_window_leaves_rows_out() -> None:
    scores = scored(lines(("E119", "2020-01-01", "dental", None, None)), diagnosis_filter="none")
    assert scores.run["counts"]["diagnoses"]["filtered"] == {}
    assert scores.filtered.to_pylist() == [
        {"reason": "outside_collection", "claim_type": None, "bill_type": None, "rows": 1, "rows_mapped": 1}
    ]


def test_years_without_tables_say_which_years_have_them() -> None:
    row = ("E119", "2019-03-01", "inpatient", "111", None)
    with pytest.raises(
        OptionError, match=r"2020 has no eligible_claims .* years that have it: 2024, 2025, 2026, 2027"
    ):
        scored(lines(row), payment_year=2020)


def test_columns_that_the_filter_reads_must_be_there() -> None:
    diagnoses = lines(("E119", "2025-03-01", "inpatient", "111", None)).drop_columns("bill_type_code")
    with pytest.raises(ColumnMissingError, match="diagnoses lack 'bill_type_code'"):
        scored(diagnoses)


# --- a list of one's own ---


def test_procedures_of_ones_own_take_the_place_of_the_years() -> None:
    rows = [("E119", "2025-03-01", "professional", None, code) for code in (ELIGIBLE, "X1234")]
    scores = scored(lines(*rows), eligible_procedures=["x1234 "])
    assert scores.run["counts"]["diagnoses"]["filtered"] == {"no_eligible_procedure": {"professional": 1}}
    assert scores.run["options"]["eligible_procedures"] == {
        "name": "codes",
        "codes": 1,
        "sha256": hashlib.sha256(b"X1234").hexdigest(),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"99213\ng0438\n\n99213\n",
        b"\xef\xbb\xbf99213\r\nG0438\r\n",
        b"note,procedure_code\na,99213\nb, g0438 \n",
    ],
)
def test_a_list_is_bare_codes_or_a_csv_column(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    found = read_procedures(path)
    assert found.codes == {"99213", "G0438"}
    assert (found.name, found.sha256) == ("own.csv", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("99213\n9921\nvisit, long\n", r"own.csv: no procedure code in 2 of 3 rows \(first at line 2, 3\)"),
        ("procedure_code,note\n99213,a\n992133,b\n", r"1 of 2 rows \(first at line 3\)"),
        ("\n\n", "own.csv holds no procedure code"),
    ],
)
def test_what_is_no_code_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(content)
    with pytest.raises(OptionError, match=message) as caught:
        read_procedures(path)
    assert "visit" not in str(caught.value)


def test_a_list_that_is_not_there_or_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"gone\.csv, given as eligible_procedures, cannot be read"):
        read_procedures(tmp_path / "gone.csv")
    with pytest.raises(OptionError, match="read by the claim filter alone"):
        scored(
            lines(("E119", "2025-03-01", "inpatient", "111", None)),
            diagnosis_filter="none",
            eligible_procedures=["99213"],
        )


def test_the_command_prints_what_was_left_out(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(enrollment_table([WOMAN]), tmp_path / "e.parquet")
    rows = [("E119", "2024-08-01", "professional", None, code) for code in ("X1234", ELIGIBLE)]
    pq.write_table(lines(*rows, ("E119", "2024-08-02", "outpatient", "99", ELIGIBLE)), tmp_path / "d.parquet")
    (tmp_path / "own.txt").write_text("X1234\n")
    done = run_command(
        "score", "--payment-year", "2026", "--enrollment", tmp_path / "e.parquet",
        "--diagnoses", tmp_path / "d.parquet", "--output", tmp_path / "out",
        "--diagnosis-filter", "cms", "--collection", "initial",
        "--eligible-procedures", tmp_path / "own.txt",
    )  # fmt: skip
    assert done.status == 0, done.err
    printed = [line.split() for line in done.out.splitlines()]
    assert ["excluded", "because", "outpatient", "professional", "rows"] in printed
    assert ["bill", "type", "is", "not", "eligible", "1", "0", "1"] in printed
    assert ["no", "eligible", "procedure", "on", "the", "row", "0", "1", "1"] in printed
    assert f"{tmp_path / 'out'}" in done.out
