"""A share of the members, scored as a worker of a distributed engine does it, gives what the whole gives."""

from __future__ import annotations

import datetime as dt
import traceback
from typing import Any

import pyarrow as pa
import pytest

import riskadj
from riskadj.engines import share
from riskadj.engines.shipped_maps import packed, unpacked
from riskadj.errors import CodeNotAllowedError, ExtractError, OptionError, RowsRejectedError
from riskadj.results.summary.summary import SUMS, summarise, summarise_sums
from riskadj.scoring.options import make_options
from tests.members import TOY_MAPS
from tests.shares import (
    aca_sample,
    assert_same_summary,
    in_shares,
    rows_of,
    sample,
    with_faults,
    without_shares,
)

TOY = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}


def locally(
    enrollment: pa.Table, diagnoses: pa.Table, **options: Any
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    scores = riskadj.score(enrollment, diagnoses, **options, threads=1)
    return {name: getattr(scores, name) for name in share.TABLES}, scores.run


def assert_same(enrollment: pa.Table, diagnoses: pa.Table, n_shares: int, **options: Any) -> None:
    ours, report = locally(enrollment, diagnoses, **options)
    tables, joined = in_shares(enrollment, diagnoses, n_shares, **options)
    for name in share.TABLES:
        assert tables[name].column_names == ours[name].column_names
        assert rows_of(tables[name]) == rows_of(ours[name])
    assert without_shares(joined) == without_shares(report)


@pytest.mark.parametrize(
    "options", [{}, {"diagnosis_filter": "cms"}, {"segments": "all", "models": "cms_hcc_v28"}]
)
def test_shares_give_what_the_whole_gives(options: dict[str, Any]) -> None:
    assert_same(
        with_faults(sample("enrollment")),
        sample("diagnoses"),
        3,
        payment_year=2026,
        rejects="write",
        **options,
    )


def test_sums_of_shares_make_the_summary_of_the_whole() -> None:
    """Whole batches, one that cuts a model's rows in two, and one without rows."""
    tables, _ = locally(sample("enrollment"), sample("diagnoses"), payment_year=2026)
    scores = tables["model_scores"]
    (rows,) = scores.combine_chunks().to_batches()
    batches = [rows.slice(0, 700), rows.slice(700, 0), rows.slice(700)]
    sums = pa.Table.from_batches(share.sum_batches(batches), SUMS)
    assert_same_summary(summarise_sums(sums).to_pandas(), summarise(scores).to_pandas())


def test_shares_of_an_hhs_population_give_what_the_whole_gives() -> None:
    """Spans with one issuer make the member's duration: all of them are in the member's share."""
    n_rows = 12
    enrollment = pa.table(
        {
            "member_id": [f"M{number // 2}" for number in range(n_rows)],
            "birth_date": [dt.date(1960 + 5 * (number // 2), 3, 1) for number in range(n_rows)],
            "sex": ["F"] * n_rows,
            "enrollment_start_date": [dt.date(2026, 1 + 6 * (number % 2), 1) for number in range(n_rows)],
            "enrollment_end_date": [dt.date(2026, 5 + 4 * (number % 2), 30) for number in range(n_rows)],
            "metal_level": ["silver", "gold", "bronze"] * (n_rows // 3),
            "csr_indicator": ["1"] * n_rows,
        }
    )
    diagnoses = pa.table(
        {
            "member_id": ["M0", "M1", "M4", "M9"],
            "diagnosis_code": ["E119", "I509", "C50911", "E119"],
            "service_date": [dt.date(2026, 6, 1)] * 4,
        }
    )
    assert_same(enrollment, diagnoses, 3, payment_year=2026, program="hhs", rejects="write")


def test_drugs_travel_with_their_members() -> None:
    """Drug categories of a share are those of the whole; fills of nobody and codes that are none are rejected alike."""
    extracts = {role: aca_sample(role, 300) for role in share.ROLES}
    odd = pa.Table.from_pylist(
        [
            {**extracts["drugs"].slice(0, 1).to_pylist()[0], "member_id": "NOBODY"},
            {**extracts["drugs"].slice(1, 1).to_pylist()[0], "ndc": "12", "hcpcs": None},
        ],
        schema=extracts["drugs"].schema,
    )
    extracts["drugs"] = pa.concat_tables([extracts["drugs"], odd])
    options = {"payment_year": 2026, "program": "hhs", "rejects": "write", "drugs": extracts["drugs"]}
    assert_same(extracts["enrollment"], extracts["diagnoses"], 3, **options)
    tables, report = in_shares(extracts["enrollment"], extracts["diagnoses"], 3, **options)
    assert report["counts"]["rejects"] == {"member_not_enrolled": 1, "ndc_malformed": 1}
    assert {"drugs"} == set(tables["rejects"]["file"].to_pylist())
    assert any("RXC" in name for names in tables["model_scores"]["variables"].to_pylist() for name in names)


def test_bad_drugs_stop_shares_in_the_words_of_the_whole() -> None:
    extracts = {role: aca_sample(role, 20) for role in share.ROLES}
    bad = pa.table({"member_id": ["1", "2"], "ndc": ["12", "13"]})
    options = {"payment_year": 2026, "program": "hhs", "drugs": bad}
    messages = []
    for scored in (locally, lambda *given, **options: in_shares(*given, 3, **options)):
        with pytest.raises(RowsRejectedError) as caught:
            scored(extracts["enrollment"], extracts["diagnoses"], **options)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "ndc" in messages[0]


def toy_enrollment(n_members: int, **columns: list[Any]) -> pa.Table:
    good = {
        "member_id": [f"M{number}" for number in range(n_members)],
        "birth_date": [dt.date(2030, 1, 1)] * n_members,
        "sex": ["F"] * n_members,
        "orec": ["0"] * n_members,
        "dual_status_code": ["00"] * n_members,
    }
    return pa.table({**good, **columns})


def toy_diagnoses(ids: list[str], codes: list[str]) -> pa.Table:
    days = [dt.date(2098, 5, 1)] * len(ids)
    return pa.table(
        {
            "member_id": pa.array(ids, pa.string()),
            "diagnosis_code": pa.array(codes, pa.string()),
            "service_date": pa.array(days, pa.date32()),
        }
    )


def test_more_shares_than_members_leave_some_without_enrollment() -> None:
    """Shares of diagnoses alone reject them as the whole does, and no share's emptiness is noted of the whole."""
    diagnoses = toy_diagnoses(["M0", "M1", "X1", "X2", "X3"], ["Q01", "Q03", "Q01", "Z000", "NONE"])
    assert_same(toy_enrollment(2), diagnoses, 9, **TOY, rejects="write")


def test_a_what_if_counts_months_in_one_window_for_all() -> None:
    """M0's span lies in the payment year, M1's in the window of services: alone, M1 would have twelve months."""
    spans = {
        "enrollment_start_date": [dt.date(2099, 3, 1), dt.date(2050, 1, 1)],
        "enrollment_end_date": [dt.date(2099, 12, 31), dt.date(2050, 12, 31)],
    }
    enrollment = toy_enrollment(2, **spans)
    window = "2050-01-01:2050-12-31"
    tables, report = in_shares(enrollment, toy_diagnoses([], []), 7, **TOY, collection=window)
    months = dict(
        zip(
            *(tables["payment_scores"][name].to_pylist() for name in ("member_id", "months_enrolled")),
            strict=True,
        )
    )
    assert months == {"M0": 10, "M1": 0}
    assert report["months_counted_in"] == ["2099-01-01", "2099-12-31"]


LONG_AGO = [dt.date(2050, 1, 1)] * 4


@pytest.mark.parametrize(
    ("columns", "codes", "error"),
    [
        ({"sex": ["F", "X", "X", "F"]}, ["Q01"] * 4, CodeNotAllowedError),
        ({"orec": ["0", None, "9", None]}, ["Q01"] * 4, RowsRejectedError),
        ({}, ["Q01", "", None, ""], RowsRejectedError),
        ({"enrollment_start_date": LONG_AGO}, ["Q01"] * 4, None),
        ({"enrollment_start_date": LONG_AGO, "enrollment_end_date": LONG_AGO}, ["Q01"] * 4, ExtractError),
        ({"sex": ["X"] * 4}, ["Q01"] * 4, CodeNotAllowedError),
    ],
)
def test_errors_are_those_of_the_whole(
    columns: dict[str, list[Any]], codes: list[str], error: type[Exception] | None
) -> None:
    enrollment, diagnoses = toy_enrollment(4, **columns), toy_diagnoses(["M0", "M1", "M2", "M3"], codes)
    if error is None:
        assert_same(enrollment, diagnoses, 3, **TOY)
        return
    with pytest.raises(error) as whole:
        locally(enrollment, diagnoses, **TOY)
    with pytest.raises(error) as shared:
        in_shares(enrollment, diagnoses, 3, **TOY)
    assert str(shared.value) == str(whole.value)


def test_nobody_to_score_is_told_as_by_the_whole() -> None:
    enrollment, diagnoses = toy_enrollment(3, sex=["X"] * 3), toy_diagnoses([], [])
    for scored in (locally, lambda *tables, **options: in_shares(*tables, 2, **options)):
        with pytest.raises(ExtractError, match="none of the 3 enrollment rows can be scored"):
            scored(enrollment, diagnoses, **TOY, rejects="write")


def test_the_text_of_an_unexpected_error_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines write what a worker raises into their logs."""

    def quote(task: share.Task, part: share.Share) -> None:
        raise ValueError(f"cannot convert {part.enrollment['member_id'][0]}")

    monkeypatch.setattr(share, "score_share", quote)
    task = share.Task(make_options(payment_year=2026), "riskadj", {"enrollment": {}, "diagnoses": {}})
    batches = share.batches_of({"enrollment": toy_enrollment(1), "diagnoses": toy_diagnoses([], [])})
    with pytest.raises(RuntimeError, match="unexpected ValueError in ") as caught:
        list(share.score_batches(task, batches))
    assert "M0" not in "".join(traceback.format_exception(caught.value))


def test_own_tables_travel() -> None:
    maps = packed(TOY_MAPS)
    folder = unpacked(maps)
    assert folder.name == TOY_MAPS.name
    assert riskadj.load_model("toy_hcc_v1", payment_year=2099, maps_dir=folder).id == "toy_hcc_v1"
    assert unpacked(packed(TOY_MAPS)) == folder


def test_own_tables_have_to_be_there() -> None:
    with pytest.raises(OptionError, match="is no folder on the machine that calls"):
        packed(TOY_MAPS / "nowhere")
