"""What a user of the command line is told about bad data: exit status 2, one sentence, no member's data."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.cli_runs import BIRTH_MARK, ID_MARK, TOY, Extracts, Run, diagnoses, enrollment, member, run
from tests.members import TOY_MAPS

MEMBERS = [member(number) for number in range(6)]
#: The first two rows are one member's.
TWICE = {
    "member_id": [MEMBERS[0], *MEMBERS[:1], *MEMBERS[2:]],
    "sex": ["F"] * 6,
    "birth_date": [date(int(BIRTH_MARK), 1, 1)] * 6,
}


def first(value: Any, *others: Any) -> list[Any]:
    """Return a column of six whose first value is bad."""
    return [value, *others * 5] if len(others) == 1 else [value, *others]


def spans(*pairs: tuple[str, str], year: int = 2099) -> dict[str, list[date]]:
    starts, ends = zip(*pairs, strict=True)
    return {
        "enrollment_start_date": [date.fromisoformat(f"{year}-{day}") for day in starts],
        "enrollment_end_date": [date.fromisoformat(f"{year}-{day}") for day in ends],
    }


def renamed(table: pa.Table, **names: str) -> pa.Table:
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def assert_refused(done: Run, *words: str) -> None:
    """Exit status 2, nothing on stdout, one line on stderr with these words and nothing of a member."""
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert [word for word in words if word not in done.err] == [], done.err
    for mark in (ID_MARK, BIRTH_MARK, "Traceback"):
        assert mark not in done.err


@pytest.fixture
def extracts(tmp_path: Path) -> Extracts:
    return Extracts(tmp_path)


WHOLE_YEAR = ("01-01", "12-31")

BAD_TABLES: dict[str, tuple[dict[str, pa.Table], tuple[str, ...]]] = {
    "misnamed birth date": (
        {"enrollment": renamed(enrollment(), birth_date="dob")},
        ("ColumnMissingError: enrollment.parquet lacks 'birth_date'", "dob", 'columns={"birth_date": "dob"}'),
    ),
    "misspelt sex": ({"enrollment": renamed(enrollment(), sex="sexo")}, ("lacks 'sex'", "sexo")),
    "no orec": ({"enrollment": enrollment(orec=None)}, ("ColumnMissingError", "lacks 'orec'")),
    "no dual status": ({"enrollment": enrollment(dual_status_code=None)}, ("lacks 'dual_status_code'",)),
    "no diagnosis code": (
        {"diagnoses": diagnoses(diagnosis_code=None)},
        ("ColumnMissingError: diagnoses.parquet lacks 'diagnosis_code'",),
    ),
    "misnamed member id": (
        {"diagnoses": renamed(diagnoses(), member_id="person_id")},
        ("lacks 'member_id'", "person_id"),
    ),
    "a column twice": (
        {"enrollment": enrollment().append_column("sex", pa.array(["F"] * 6))},
        ("several columns named 'sex'",),
    ),
    "birth date a number": (
        {"enrollment": enrollment(birth_date=[1.5] * 6)},
        ("ColumnTypeError: enrollment.parquet, column 'birth_date'", "double", "YYYY-MM-DD"),
    ),
    "birth date a flag": ({"enrollment": enrollment(birth_date=[True] * 6)}, ("ColumnTypeError", "bool")),
    "member id a flag": ({"enrollment": enrollment(member_id=[True] * 6)}, ("ColumnTypeError", "'member_id'")),
    "codes in lists": (
        {"diagnoses": diagnoses(diagnosis_code=[["Q01"]] * 6)},
        ("ColumnTypeError: diagnoses.parquet, column 'diagnosis_code'", "list"),
    ),
    "service date a number": ({"diagnoses": diagnoses(service_date=[1.5] * 6)}, ("ColumnTypeError", "'service_date'")),
    "null member id": (
        {"enrollment": enrollment(member_id=first(None, *MEMBERS[1:]))},
        ("RowsRejectedError: enrollment.parquet", "member_id is missing in 1 of 6 rows (row 1)", "--rejects write"),
    ),
    "null birth date": (
        {"enrollment": enrollment(birth_date=pa.array([None] * 3 + [date(int(BIRTH_MARK), 1, 1)] * 3))},
        ("birth_date is missing in 3 of 6 rows (first rows: 1, 2, 3)",),
    ),
    "null sex": ({"enrollment": enrollment(sex=first(None, "F"))}, ("sex is missing in 1 of 6", "allowed: M, F")),
    "null orec": ({"enrollment": enrollment(orec=first(None, "0"))}, ("orec is missing", "allowed: 0, 1, 2, 3")),
    "null code": ({"diagnoses": diagnoses(diagnosis_code=first(None, "Q01"))}, ("diagnosis_code is missing",)),
    "blank code": ({"diagnoses": diagnoses(diagnosis_code=first(" ", "Q01"))}, ("diagnosis_code is missing",)),
    "null member id of a diagnosis": (
        {"diagnoses": diagnoses(member_id=first(None, *MEMBERS[1:]))},
        ("diagnoses.parquet, column 'member_id': member_id is missing in 1 of 6 rows",),
    ),
    "unknown sex": (
        {"enrollment": enrollment(sex=first("U", "F"))},
        ("CodeNotAllowedError: enrollment.parquet, column 'sex': 'U' in 1 of 6 rows (row 1); allowed: M, F",),
    ),
    "unknown orec": ({"enrollment": enrollment(orec=first("7", "0"))}, ("CodeNotAllowedError", "'7'", "0, 1, 2, 3")),
    "unknown dual status": (
        {"enrollment": enrollment(dual_status_code=first("99", "00"))},
        ("CodeNotAllowedError", "'dual_status_code'", "'99'", "allowed: 00, 01"),
    ),
    "flag neither true nor false": (
        {"enrollment": enrollment(is_pace=first("maybe", "N"))},
        ("CodeNotAllowedError", "'is_pace'", "neither true nor false"),
    ),
    "birth date in the future": (
        {"enrollment": enrollment(birth_date=first(date(2100, 1, 1), date(int(BIRTH_MARK), 1, 1)))},
        ("RowsRejectedError", "birth_date lies after the payment year in 1 of 6 rows"),
    ),
    "birth date no date": (
        {"enrollment": enrollment(birth_date=first(f"{BIRTH_MARK}-13-45", f"{BIRTH_MARK}-01-01"))},
        ("birth_date is not a date (YYYY-MM-DD, ", ") in 1 of 6 rows"),
    ),
    "older than anybody": (
        {"enrollment": enrollment(birth_date=first(date(1900, 1, 1), date(int(BIRTH_MARK), 1, 1)))},
        ("older than 120",),
    ),
    "age above any": (
        {"enrollment": enrollment(birth_date=None, age_years=first(130, 70))},
        ("'age_years'", "whole number from 0 to 120"),
    ),
    "thirteen months": ({"enrollment": enrollment(months_enrolled=first(13, 12))}, ("'months_enrolled'", "0 to 12")),
    "diagnoses of nobody": (
        {"enrollment": enrollment(4)},
        ("diagnoses.parquet, column 'member_id'", "no enrollment row", "in 1 of 6 rows (row 6)"),
    ),
    "duplicate span": (
        {"enrollment": enrollment(**TWICE)},
        ("the member has this span already in 1 of 6 rows (row 2)",),
    ),
    "overlapping spans": (
        {"enrollment": enrollment(**TWICE, **spans(("01-01", "06-30"), ("05-01", "12-31"), *[WHOLE_YEAR] * 4))},
        ("'enrollment_start_date'", "overlaps another span of the member in 1 of 6 rows (row 2)"),
    ),
    "sex changes": (
        {
            "enrollment": enrollment(
                **{**TWICE, "sex": first("M", "F")},
                **spans(("01-01", "06-30"), ("07-01", "12-31"), *[WHOLE_YEAR] * 4),
            )
        },
        ("sex differs from the member's first row",),
    ),
    "span ends before it starts": (
        {"enrollment": enrollment(**spans(*[("06-01", "05-01")] * 6))},
        ("enrollment_end_date lies before enrollment_start_date in 6 of 6 rows (first rows: 1, 2, 3, 4, 5)",),
    ),
    "spans of another year": (
        {"enrollment": enrollment(**spans(*[WHOLE_YEAR] * 6, year=2097))},
        ("no enrollment span overlaps payment year 2099", "2097-01", "--collection"),
    ),
    "ICD-9": (
        {"diagnoses": diagnoses(diagnosis_code=["250.00", "4280", "V4581", "Q01", "Q01", "Q01"])},
        ("ICD-9-CM, which no table maps in 3 of 6 rows (first rows: 1, 2, 3)",),
    ),
    "nobody enrolled": ({"enrollment": enrollment().slice(0, 0)}, ("ExtractError", "has no enrollment rows")),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_refused(extracts: Extracts, case: str) -> None:
    tables, words = BAD_TABLES[case]
    assert_refused(extracts.score(**tables), *words)
    assert not extracts.output.exists()


def test_rows_that_cannot_be_used_are_listed_on_request(extracts: Extracts) -> None:
    bad = {
        "enrollment": enrollment(sex=first("U", "F")),
        "diagnoses": diagnoses(diagnosis_code=first("4280", "Q01")),
    }
    done = extracts.score("--rejects", "write", **bad)
    assert done.status == 0, done.err
    assert "sex is not an allowed code" in done.out
    assert "coded in ICD-9-CM" in done.out
    assert ID_MARK not in done.out + done.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero.parquet", ("ExtractError: zero.parquet is empty (0 bytes)",)),
        ("blank.csv", ("blank.csv has no header line",)),
        ("short.parquet", ("short.parquet cannot be read as Parquet", "truncated or damaged")),
        ("cut.parquet", ("cut.parquet cannot be read as Parquet", "truncated or damaged")),
        ("holed.parquet", ("holed.parquet cannot be read as Parquet", "truncated or damaged")),
        ("noise.parquet", ("noise.parquet is not a Parquet file although its name says so",)),
        ("noise.csv", ("noise.csv is neither Parquet nor UTF-8 text",)),
        ("absent.parquet", ("absent.parquet does not exist", "enrollment")),
        ("absent-*.parquet", ("no file matches", "absent-*.parquet")),
    ],
)
@pytest.mark.parametrize("role", ["enrollment", "diagnoses"])
def test_bad_files_are_refused(extracts: Extracts, name: str, words: tuple[str, ...], role: str) -> None:
    tables = {"enrollment": enrollment(), "diagnoses": diagnoses()}
    files = {kind: extracts.put(f"{kind}.parquet", table) for kind, table in tables.items()}
    content = files[role].read_bytes()
    bad = {
        "zero.parquet": b"",
        "blank.csv": b"\n",
        "short.parquet": content[:200],
        "cut.parquet": content[:-30],
        "holed.parquet": content[:4] + bytes(150) + content[154:],
        "noise.parquet": b"\xff\xfe" + bytes(range(256)),
        "noise.csv": b"\xff\xfe" + bytes(range(256)),
    }
    path = extracts.folder / name
    if name in bad:
        path.write_bytes(bad[name])
    files[role] = path
    done = extracts.score_files(files["enrollment"], files["diagnoses"])
    assert_refused(done, *(word.replace("enrollment", role) for word in words))


def test_an_extract_without_rows_is_empty(extracts: Extracts) -> None:
    header = extracts.folder / "header.csv"
    header.write_text("member_id,birth_date,sex,orec,dual_status_code\n", encoding="utf-8")
    done = extracts.score_files(header, extracts.put("diagnoses.parquet", diagnoses()))
    assert_refused(done, "header.csv has no enrollment rows")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (enrollment(orec=None), ("b.parquet lacks 'orec', which a.parquet has",)),
        (enrollment(birth_date=[1.5] * 6), ("b.parquet, column 'birth_date' is of type double",)),
        (renamed(enrollment(), member_id="id"), ("b.parquet", "member_id")),
    ],
)
def test_a_directory_of_mixed_schemas_is_refused(
    extracts: Extracts, other: pa.Table, words: tuple[str, ...]
) -> None:
    extracts.put("enrolled/a.parquet", enrollment())
    extracts.put("enrolled/b.parquet", other)
    done = extracts.score_files(extracts.folder / "enrolled", extracts.put("diagnoses.parquet", diagnoses()))
    assert_refused(done, *words)


def test_a_directory_of_two_kinds_and_an_empty_one_are_refused(extracts: Extracts) -> None:
    extracts.put("both/a.parquet", diagnoses())
    (extracts.folder / "both" / "b.csv").write_text("member_id,diagnosis_code\n", encoding="utf-8")
    (extracts.folder / "none").mkdir()
    enrolled = extracts.put("enrollment.parquet", enrollment())
    assert_refused(extracts.score_files(enrolled, extracts.folder / "both"), "both Parquet and CSV")
    assert_refused(
        extracts.score_files(enrolled, extracts.folder / "none"), "no Parquet or CSV files for diagnoses"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--payment-year", "2098"),
            ("UnknownPaymentYearError", "2098", "known: 2099", "hcc_maps/README.md"),
        ),
        (("--program", "atlantiss"), ("UnknownProgramError", "'atlantiss'", "nearest: atlantis")),
        (("--models", "toy_hcc_v3"), ("UnknownModelError", "'toy_hcc_v3'", "nearest: toy_hcc_v2")),
        (("--models", "toy_hcc_v1,tyo"), ("UnknownModelError", "'tyo'")),
        (("--segments", "al"), ("OptionError", "'al'", "allowed: paid, all")),
        (("--diagnosis-filter", "CMS"), ("OptionError", "'CMS'", "allowed: none, cms")),
        (("--edits", "no"), ("OptionError", "allowed: default, none")),
        (("--rejects", "keep"), ("OptionError", "allowed: stop, write")),
        (("--layout", "tuv"), ("OptionError", "nearest: tuva")),
        (("--columns", "birth_date"), ("OptionError", "OURS=THEIRS")),
        (("--columns", "sex=a,sex=b"), ("OptionError", "'sex' twice")),
        (("--columns", "birt_date=dob"), ("OptionError", "'birt_date'", "nearest: birth_date")),
        (("--columns", "birth_date=dob"), ("enrollment.parquet lacks 'dob'",)),
        (("--collection", "2018"), ("OptionError", "FIRST:LAST")),
        (("--collection", "2018-02-30:2018-03-01"), ("OptionError", "FIRST:LAST")),
        (("--collection", "2018-12-31:2018-01-01"), ("OptionError", "begins after it ends")),
        (("--threads", "0"), ("OptionError", "at least 1")),
        (("--memory", "4 gigs"), ("OptionError", "--memory", "4GB")),
        (("--memory", "0MB"), ("OptionError", "--memory")),
        (("--drugs", "drugs.parquet"), ("OptionError", "no model of atlantis reads drugs", "--drugs")),
        (("--maps-dir", "nowhere"), ("UnknownModelError", "nowhere")),
    ],
    ids=lambda words: " ".join(words[:2]) if words[0].startswith("--") else "",
)
def test_options_that_are_wrong_are_refused(
    extracts: Extracts, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    assert_refused(extracts.score(*words), *said)
    assert not extracts.output.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("score", "--payment-year", "2099"), "Missing option"),
        (("score", "--payment-year", "soon"), "--payment-year"),
        (("score", "--enrolment", "x"), "--enrolment"),
        (("scores",), "scores"),
        (("maps", "lst"), "lst"),
    ],
)
def test_a_call_that_is_wrong_is_refused(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_edited_table_is_not_scored_with(extracts: Extracts) -> None:
    maps = shutil.copytree(TOY_MAPS, extracts.folder / "maps")
    factors = maps / "atlantis" / "py2099" / "toy_hcc_v1" / "relative_factors.csv"
    factors.write_text(factors.read_text(encoding="utf-8").replace("HCC1,", "HCC2,", 1), encoding="utf-8")
    done = extracts.score("--maps-dir", maps)
    assert_refused(done, "ChecksumError", "toy_hcc_v1/relative_factors.csv: sha256", "riskadj maps seal")


def test_nobody_left_to_score_says_why_in_words(extracts: Extracts) -> None:
    done = extracts.score("--rejects", "write", enrollment=enrollment(sex=["U"] * 3 + [None] * 3))
    assert_refused(
        done, "none of the 6 enrollment rows", "sex is missing: 3", "sex is not an allowed code: 3"
    )


def test_a_status_that_fits_no_segment_names_columns_that_an_extract_has(extracts: Extracts) -> None:
    grafts = enrollment(birth_date=[date(1951, 1, 1)] * 6, esrd_status=["graft"] * 6)
    enrolled = extracts.put("enrollment.parquet", grafts)
    diagnosed = extracts.put("diagnoses.parquet", diagnoses())
    done = run(
        "score", "--payment-year", "2026", "--enrollment", enrolled, "--diagnoses", diagnosed,
        "--output", extracts.output, "--rejects", "stop",
    )  # fmt: skip
    assert_refused(done, "no segment of the model fits", "graft_months", "dual_status_code")
    assert "graft_duration" not in done.err


def test_a_member_who_is_not_there_is_not_named(extracts: Extracts) -> None:
    enrolled, diagnosed = extracts.put("e.parquet", enrollment()), extracts.put("d.parquet", diagnoses())
    done = run("explain", *TOY, "--enrollment", enrolled, "--diagnoses", diagnosed, "--member", member(99))
    assert_refused(done, "UnknownMemberError")
