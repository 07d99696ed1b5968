"""Enrollment rows: spellings, defaults, months; a row that cannot be used has its reason."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskadj.errors import CodeNotAllowedError, ColumnMissingError, ExtractError, RowsRejectedError
from riskadj.extracts.dates import MISSING_DATE
from riskadj.extracts.rejects import REASONS
from riskadj.extracts.spans import OPEN_END
from tests.extracts import YEAR, faults, read, rows, status

# --- one row at a time ---


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"member_id": None}, "member_id", "member_id_missing"),
        ({"member_id": ""}, "member_id", "member_id_missing"),
        ({"member_id": "   "}, "member_id", "member_id_missing"),
        ({"birth_date": None}, "birth_date", "birth_date_missing"),
        ({"birth_date": dt.date(YEAR + 1, 1, 1)}, "birth_date", "birth_date_in_future"),
        ({"birth_date": dt.date(YEAR - 121, 12, 31)}, "birth_date", "age_above_120"),
        ({"sex": None}, "sex", "sex_missing"),
        ({"sex": " "}, "sex", "sex_missing"),
        ({"sex": "U"}, "sex", "sex_not_allowed"),
        ({"sex": "unknown"}, "sex", "sex_not_allowed"),
        ({"orec": None}, "orec", "orec_missing"),
        ({"orec": "4"}, "orec", "orec_not_allowed"),
        ({"dual_status_code": "07"}, "dual_status_code", "dual_status_code_not_allowed"),
        ({"dual_status_code": "99"}, "dual_status_code", "dual_status_code_not_allowed"),
        ({"dual_status_code": "~"}, "dual_status_code", "dual_status_code_not_allowed"),
        ({"esrd_status": "yes"}, "esrd_status", "esrd_status_not_allowed"),
        ({"is_pace": "maybe"}, "is_pace", "flag_not_allowed"),
        ({"enrollment_start_date": None}, "enrollment_start_date", "span_start_missing"),
        ({"enrollment_start_date": dt.date(YEAR, 2, 1), "enrollment_end_date": dt.date(YEAR, 1, 31)},
         "enrollment_end_date", "span_end_before_start"),
        ({"months_enrolled": 13}, "months_enrolled", "months_not_allowed"),
        ({"months_enrolled": -1}, "months_enrolled", "months_not_allowed"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_has_its_reason(change: dict[str, Any], column: str, reason: str) -> None:
    spans = {"enrollment_start_date": dt.date(YEAR, 1, 1)} if "enrollment_start_date" in change else {}
    enrollment, rejects = read(rows(spans, change, spans))
    assert faults(rejects) == {2: (column, reason)}
    assert enrollment.row_number.tolist() == [1, 3]
    assert (enrollment.rows_read, enrollment.rows_rejected, enrollment.n_rows) == (3, 1, 2)


def test_a_what_if_reads_members_born_until_its_window_ends() -> None:
    """Services of the year after under this year's rules: those born in it count, those born later do not."""
    born = rows({"birth_date": dt.date(YEAR + 1, 6, 1)}, {"birth_date": dt.date(YEAR + 2, 1, 1)})
    window = (dt.date(YEAR + 1, 1, 1), dt.date(YEAR + 1, 12, 31))
    enrollment, rejects = read(born, coverage_override=window)
    assert faults(rejects) == {2: ("birth_date", "birth_date_in_future")}
    assert enrollment.row_number.tolist() == [1]


@pytest.mark.parametrize("text", ["1950-13-01", "soon", "19500230"])
def test_text_that_is_no_birth_date(text: str) -> None:
    table = rows({}, {}).set_column(1, "birth_date", pa.array(["1950-06-01", text]))
    _, rejects = read(table)
    assert faults(rejects) == {2: ("birth_date", "birth_date_unreadable")}


def test_the_first_reason_of_the_list_counts() -> None:
    _, rejects = read(rows({}, {"member_id": None, "sex": "U", "orec": "9"}, {"sex": "U", "orec": "9"}))
    assert faults(rejects) == {2: ("member_id", "member_id_missing"), 3: ("sex", "sex_not_allowed")}


def test_only_columns_of_the_fields_are_needed_and_checked() -> None:
    table = rows({"orec": "9", "is_pace": "maybe"}).drop_columns("dual_status_code")
    enrollment, rejects = read(table, fields=("sex",))
    assert (enrollment.n_rows, len(rejects)) == (1, 0)
    assert set(enrollment.status) == {"sex"}


@pytest.mark.parametrize(
    ("column", "fields"),
    [("orec", ("orec",)), ("dual_status_code", ("dual",)), ("dual_status_code", ("ltimcaid",)), ("birth_date", ()),
     ("part_d_plan_type", ("part_d_plan_type",))],
)  # fmt: skip
def test_a_needed_column_that_is_missing_is_named(column: str, fields: tuple[str, ...]) -> None:
    table = rows({})
    if column in table.column_names:
        table = table.drop_columns(column)
    with pytest.raises(ColumnMissingError, match=f"enrollment lacks '{column}'"):
        read(table, fields=fields)


def test_an_end_without_a_start_column_is_refused() -> None:
    with pytest.raises(ColumnMissingError, match="lacks 'enrollment_start_date'"):
        read(rows({"enrollment_end_date": dt.date(YEAR, 3, 1)}))


SEX = {"M": "M", "f": "F", " Male ": "M", "FEMALE": "F", "1": "M", "2": "F", "2.0": "F"}
OREC = {"0": "0", " 1": "1", "2.0": "2", "3": "3"}
NOT_DUAL = ("00", "0", "09", " na ", "NA", "", None)
PARTIAL, FULL = ("1", "01", "03", "05", "06"), ("2", "02", "2.0", "04", "8")
DUAL = dict.fromkeys(NOT_DUAL, "none") | dict.fromkeys(PARTIAL, "partial") | dict.fromkeys(FULL, "full")


@pytest.mark.parametrize(
    ("column", "field", "spellings"),
    [("sex", "sex", SEX), ("orec", "orec", OREC), ("dual_status_code", "dual", DUAL)],
)
def test_spellings(column: str, field: str, spellings: dict[Any, str]) -> None:
    enrollment, rejects = read(rows(*({column: text} for text in spellings)))
    assert len(rejects) == 0
    assert status(enrollment, field) == list(spellings.values())


@pytest.mark.parametrize(
    "arrow_type", [pa.int8(), pa.int64(), pa.float64(), pa.decimal128(19, 0), pa.string(), pa.large_string()]
)
def test_codes_may_be_numbers(arrow_type: pa.DataType) -> None:
    table = rows({}, {}, {})
    for name, values in (("sex", [1, 2, 2]), ("orec", [0, 3, 1]), ("dual_status_code", [2, None, 6])):
        column = pa.array(values, pa.int64()).cast(arrow_type)
        table = table.set_column(table.column_names.index(name), name, column)
    enrollment, rejects = read(table)
    assert len(rejects) == 0
    assert [status(enrollment, name) for name in ("sex", "orec", "dual")] == [
        ["M", "F", "F"], ["0", "3", "1"], ["full", "none", "partial"],
    ]  # fmt: skip


FLAGS = {
    "bool": pa.array([True, False, None]),
    "int": pa.array([1, 0, None], pa.int8()),
    "float": pa.array([1.0, 0.0, float("nan")]),
    "digit": pa.array(["1", "0", ""]),
    "letter": pa.array([" Y", "n", " "]),
    "word": pa.array(["yes", "NO", None]),
    "truth": pa.array(["True", "false", None], pa.large_string()),
    "dictionary": pa.array(["T", "F", None]).dictionary_encode(),
    "bool dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None], pa.int8()), pa.array([True, False])
    ),
    "null": pa.nulls(3),
}


@pytest.mark.parametrize("kind", FLAGS)
def test_flags_are_lenient(kind: str) -> None:
    enrollment, rejects = read(rows({}, {}, {}).append_column("is_pace", FLAGS[kind]))
    assert len(rejects) == 0
    assert enrollment.status["is_pace"].tolist() == [int(kind != "null"), 0, 0]


def test_absent_columns_have_their_defaults() -> None:
    enrollment, _ = read(rows({"dual_status_code": "01"}, {"dual_status_code": None}))
    assert {name: codes.tolist() for name, codes in enrollment.status.items()} == {
        "sex": [1, 1], "orec": [0, 0], "dual": [1, 0], "ltimcaid": [1, 0], "nemcaid": [1, 0], "mcaid": [1, 0],
        "is_pace": [0, 0], "is_esrd": [0, 0], "esrd_status": [0, 0],
    }  # fmt: skip


def test_overrides_win_where_they_are_given() -> None:
    table = rows(
        {"dual_status_code": "02", "ltimcaid": 0, "is_esrd": None, "esrd_status": "Dialysis"},
        {"dual_status_code": None, "ltimcaid": 1, "is_esrd": 1, "esrd_status": None},
        {"dual_status_code": "08", "ltimcaid": None, "is_esrd": 0, "esrd_status": "graft"},
    )
    enrollment, _ = read(table)
    assert enrollment.status["ltimcaid"].tolist() == [0, 1, 1]
    assert enrollment.status["nemcaid"].tolist() == [1, 0, 1]
    assert enrollment.status["is_esrd"].tolist() == [1, 1, 0]
    assert status(enrollment, "esrd_status") == ["dialysis", "none", "graft"]


def test_months_since_a_graft_are_asked_for_where_they_choose_a_segment() -> None:
    table = rows({"esrd_status": "graft", "graft_months": None})
    enrollment, rejects = read(table, fields=("is_esrd",))
    assert (enrollment.status["is_esrd"].tolist(), len(rejects)) == ([1], 0)
    _, rejects = read(table, fields=("esrd_status", "graft_duration"))
    assert faults(rejects) == {1: ("graft_months", "graft_months_not_allowed")}


def test_a_pace_member_needs_no_part_d_plan_type() -> None:
    table = rows(
        {"is_pace": 1, "part_d_plan_type": None},
        {"is_pace": 0, "part_d_plan_type": None},
        {"is_pace": None, "part_d_plan_type": None},
        {"is_pace": 0, "part_d_plan_type": "pdp"},
    )
    enrollment, rejects = read(table, fields=("is_pace", "part_d_plan_type"))
    reason = ("part_d_plan_type", "part_d_plan_type_missing")
    assert (enrollment.row_number.tolist(), faults(rejects)) == ([1, 4], {2: reason, 3: reason})


def test_cms_own_medicaid_flags_stand_in_for_the_dual_code() -> None:
    table = rows({"ltimcaid": 1, "nemcaid": 0}).drop_columns("dual_status_code")
    enrollment, _ = read(table)
    assert (status(enrollment, "dual"), enrollment.status["ltimcaid"].tolist()) == (["none"], [1])
    assert "dual_status_code is absent" in enrollment.notes[0]


def test_age_years_stand_where_there_is_no_birth_date() -> None:
    table = rows({"age_years": 70}, {"age_years": 70, "birth_date": None}, {"age_years": 121, "birth_date": None},
                 {"age_years": None, "birth_date": None}, {"age_years": 0, "birth_date": None})  # fmt: skip
    enrollment, rejects = read(table)
    assert enrollment.age_years.tolist() == [-1, 70, 0]
    assert (enrollment.birth_date == MISSING_DATE).tolist() == [False, True, True]
    assert faults(rejects) == {3: ("age_years", "age_not_allowed"), 4: ("birth_date", "birth_date_missing")}


def test_ages_without_any_birth_date_column() -> None:
    table = rows({}, {}).drop_columns("birth_date").append_column("age_years", pa.array(["70", "70.5"]))
    enrollment, rejects = read(table)
    assert enrollment.age_years.tolist() == [70]
    assert faults(rejects) == {2: ("age_years", "age_not_allowed")}


def test_carried_columns_come_along() -> None:
    enrollment, _ = read(rows({"contract_id": "H0001", "sex": "U"}, {"contract_id": "H0002"}))
    assert {name: column.to_pylist() for name, column in enrollment.extra.items()} == {
        "contract_id": ["H0002"]
    }


# --- months ---


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31), 12),
        (dt.date(YEAR, 1, 1), dt.date(YEAR, 5, 31), 5),
        (dt.date(YEAR, 6, 1), None, 7),
        (dt.date(YEAR, 6, 2), dt.date(YEAR, 8, 15), 2),
        (dt.date(YEAR, 6, 2), dt.date(YEAR, 6, 30), 0),
        (dt.date(YEAR - 3, 6, 2), dt.date(YEAR, 1, 1), 1),
        (dt.date(YEAR, 12, 2), dt.date(YEAR + 1, 5, 1), 0),
        (dt.date(YEAR, 1, 1), dt.date(9999, 12, 31), 12),
    ],
)
def test_a_month_counts_if_its_first_day_is_covered(start: dt.date, end: dt.date | None, months: int) -> None:
    everyone = {"enrollment_start_date": dt.date(YEAR, 1, 1), "enrollment_end_date": dt.date(YEAR, 12, 31)}
    enrollment, rejects = read(rows(everyone, {"enrollment_start_date": start, "enrollment_end_date": end}))
    assert len(rejects) == 0
    assert enrollment.months_enrolled.tolist() == [12, months]
    assert enrollment.end_date[1] == ((end - dt.date(1970, 1, 1)).days if end else OPEN_END)


@given(st.dates(dt.date(YEAR - 1, 1, 1), dt.date(YEAR + 1, 12, 31)), st.integers(0, 800))
def test_months_are_counted_day_by_day(start: dt.date, days: int) -> None:
    end = start + dt.timedelta(days=days)
    everyone = {"enrollment_start_date": dt.date(YEAR, 1, 1), "enrollment_end_date": dt.date(YEAR, 12, 31)}
    enrollment, _ = read(rows(everyone, {"enrollment_start_date": start, "enrollment_end_date": end}))
    all_days = [start + dt.timedelta(days=day) for day in range(days + 1)]
    assert enrollment.months_enrolled[1] == sum(day.day == 1 and day.year == YEAR for day in all_days)
    assert enrollment.rows_outside_coverage == (not any(day.year == YEAR for day in all_days))


def test_months_given_win_and_absent_dates_mean_the_whole_year() -> None:
    enrollment, _ = read(rows({"months_enrolled": 3}, {"months_enrolled": 0}, {"months_enrolled": None}))
    assert enrollment.months_enrolled.tolist() == [3, 0, 12]
    assert (enrollment.start_date == MISSING_DATE).all()


def span(first: int, last: int, **more: Any) -> dict[str, Any]:
    return {
        "enrollment_start_date": dt.date(first, 1, 1),
        "enrollment_end_date": dt.date(last, 12, 31),
        **more,
    }


def test_statuses_that_nobody_can_have_are_named() -> None:
    enrollment, _ = read(rows({"esrd_status": "none"}))
    assert enrollment.notes == ("the enrollment has no is_pace: no, or none, for everybody",)
    everything, _ = read(rows({"IS_PACE": "Y", "Esrd_Status": "dialysis"}))
    assert everything.notes == ()
    assert (status(everything, "is_pace"), status(everything, "esrd_status")) == (["1"], ["dialysis"])


def test_a_column_that_may_be_meant_for_a_status_is_named() -> None:
    enrollment, _ = read(rows({"esrd": "dialysis", "is_pace": False}))
    assert enrollment.notes == (
        "the enrollment has no esrd_status: no, or none, for everybody",
        "the enrollment's column 'esrd' is not read; if it is esrd_status, say so with "
        'columns={"esrd_status": "esrd"} (--columns esrd_status=esrd)',
    )


def test_spans_of_other_years_need_a_window_of_their_own() -> None:
    table = rows(span(2016, 2018), span(2017, 2017))
    with pytest.raises(ExtractError) as caught:
        read(table)
    assert "no enrollment span overlaps payment year 2030 (spans run from 2016-01 to 2018-12)" in str(
        caught.value
    )
    window = (dt.date(2018, 1, 1), dt.date(2018, 12, 31))
    enrollment, _ = read(table, coverage_override=window)
    assert enrollment.coverage == window
    assert enrollment.months_enrolled.tolist() == [12, 0]
    assert enrollment.rows_outside_coverage == 1
    assert "months are counted in 2018-01-01 to 2018-12-31" in enrollment.notes[-1]
    elsewhere, _ = read(table, coverage_override=(dt.date(2020, 1, 1), dt.date(2020, 12, 31)))
    assert elsewhere.coverage == (dt.date(2017, 1, 1), dt.date(2017, 12, 31))
    assert elsewhere.months_enrolled.tolist() == [12, 12]


def test_a_span_in_the_payment_year_keeps_its_calendar_year() -> None:
    window = (dt.date(2018, 1, 1), dt.date(2018, 12, 31))
    enrollment, _ = read(rows(span(2016, 2018), span(YEAR, YEAR)), coverage_override=window)
    assert enrollment.coverage == (dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31))
    assert enrollment.months_enrolled.tolist() == [0, 12]


# --- messages ---


def test_stopping_names_code_count_rows_and_what_is_allowed() -> None:
    changes: list[dict[str, Any]] = [{} for _ in range(1000)]
    for row in (3, 91, 240, 377, 912, 1000):
        changes[row - 1] = {"sex": "U"}
    changes[6] = {"orec": None}
    with pytest.raises(CodeNotAllowedError) as caught:
        read(rows(*changes), mode="stop")
    assert str(caught.value) == (
        "enrollment, column 'sex': 'U' in 6 of 1,000 rows (first rows: 3, 91, 240, 377, 912); allowed: M, F. "
        "1 row has another reason. "
        'Correct them, or pass rejects="write" (--rejects write) to score the rest and list these.'
    )


def test_stopping_for_other_reasons_says_the_reason() -> None:
    with pytest.raises(RowsRejectedError) as caught:
        read(rows({}, {"birth_date": None}), mode="stop")
    assert type(caught.value) is RowsRejectedError
    assert "enrollment, column 'birth_date': birth_date is missing in 1 of 2 rows (row 2)." in str(
        caught.value
    )


def test_messages_show_no_long_value() -> None:
    with pytest.raises(CodeNotAllowedError) as caught:
        read(rows({"sex": "SECRET"}), mode="stop")
    assert "SECRET" not in str(caught.value)
    assert "sex is not an allowed code in 1 of 1 rows" in str(caught.value)


def test_an_enrollment_without_rows_is_refused() -> None:
    with pytest.raises(ExtractError, match="enrollment has no enrollment rows"):
        read(rows({}).slice(0, 0))


def test_every_reason_has_a_sentence_and_a_stable_name() -> None:
    assert all(reason == reason.lower() and " " not in reason for reason in REASONS)
    assert len(set(REASONS.values())) == len(REASONS)


def test_many_garbage_rows_stay_cheap() -> None:
    n_rows = 200_000
    table = pa.table(
        {
            "member_id": ["same"] * n_rows,
            "birth_date": pa.array(np.full(n_rows, -7000, np.int32), pa.date32()),
            "sex": ["F"] * n_rows,
            "enrollment_start_date": pa.array(np.arange(n_rows, dtype=np.int32), pa.date32()),
            "enrollment_end_date": pa.array(np.arange(n_rows, dtype=np.int32) + 30, pa.date32()),
        }
    )
    enrollment, rejects = read(table, fields=("sex",))
    assert enrollment.n_rows == -(-n_rows // 31)
    assert rejects.counts() == {"overlapping_span": n_rows - enrollment.n_rows}
