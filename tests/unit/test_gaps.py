"""Gaps by hand on the toy models: what became of prior conditions, their worth, who counts, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import (
    ColumnMissingError,
    ColumnTypeError,
    ExtractError,
    OptionError,
    OutputExistsError,
    RiskAdjError,
    TableError,
)
from riskadj.extracts.dates import EPOCH
from riskadj.scoring.codes import make_code_book, unpack
from riskadj.scoring.plan import make_plan
from riskadj.tables.icd10 import load_valid_codes
from riskadj.tables.model import ModelTables
from tests.cli_runs import TOY, run
from tests.members import TOY_MAPS, Member, enrollment_table

V1: dict[str, Any] = {
    "payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "models": "toy_hcc_v1",
}  # fmt: skip


def diagnoses(*rows: tuple[str, str, str]) -> pa.Table:
    """Return diagnoses: member id, code, service date."""
    return pa.table(
        {
            "member_id": [row[0] for row in rows],
            "diagnosis_code": [row[1] for row in rows],
            "service_date": [date.fromisoformat(row[2]) for row in rows],
        }
    )


ONE = enrollment_table([Member("a")])  # a woman of 70: F65_GT 0.400 in SHORE_AGED
TWO_YEARS = diagnoses(
    ("a", "Q02", "2097-02-01"), ("a", "Q02", "2097-11-05"), ("a", "Q05", "2097-05-01"), ("a", "Q01", "2098-03-10"),
    ("a", "Q01", "2098-06-01"),
)  # fmt: skip


def found(gaps: riskadj.Gaps) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["member_id"], row["hcc"]): row for row in gaps.gaps.to_pylist()}


def test_a_gap_a_condition_superseded_and_what_each_is_worth() -> None:
    """Now 0.400 + HCC1 1.000: 1.400 / 1.1 = 1.273, x 0.941 = 1.198. With HCC5, 1.700: 1.545, then 1.454."""
    gaps = riskadj.gaps(ONE, TWO_YEARS, rate=1000.0, **V1)
    open_gap, superseded = found(gaps)["a", "HCC5"], found(gaps)["a", "HCC2"]
    assert (open_gap["status"], open_gap["recaptured_on"]) == ("open", None)
    assert open_gap["payment_risk_score_change"] == pytest.approx(0.256, abs=1e-12)
    assert open_gap["revenue_change"] == pytest.approx(12 * 256)
    assert (superseded["status"], superseded["recaptured_on"]) == ("superseded", date(2098, 3, 10))
    assert (superseded["recapture_month"], superseded["payment_risk_score_change"]) == ("2098-03", 0.0)
    assert superseded["first_prior_service_date"] == date(2097, 2, 1)
    assert superseded["last_prior_service_date"] == date(2097, 11, 5)
    (row,) = gaps.potential.to_pylist()
    assert (row["payment_risk_score"], row["payment_risk_score_if_closed"]) == (1.198, 1.454)
    assert gaps.run["gaps"]["status"] == {
        "open": 1, "closed": 0, "superseded": 1, "suspect": 0, "not_applicable": 0,
    }  # fmt: skip
    assert gaps.run["gaps"]["new_conditions"] == {"toy_hcc_v1": 1}  # HCC1


def test_year_to_date_leaves_later_services_out() -> None:
    gaps = riskadj.gaps(ONE, TWO_YEARS, as_of="2098-02-28", **V1)
    assert {row["status"] for row in gaps.gaps.to_pylist()} == {"open"}
    rows = gaps.recapture.to_pylist()
    assert [row["month"] for row in rows] == ["2098-01", "2098-02"]
    assert [row["diagnoses"] for row in rows] == [0, 0]
    assert [row["recapture_rate"] for row in rows] == [None, None]  # no data is no rate of 0


def test_months_without_data_show() -> None:
    rows = riskadj.gaps(ONE, TWO_YEARS, **V1).recapture.to_pylist()
    assert [row["diagnoses"] for row in rows] == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert [row["recapture_rate"] for row in rows] == [0, 0, 0.5, 0.5, 0.5, 0.5] + [None] * 6
    assert {row["conditions"] for row in rows} == {2}


def test_a_closed_condition_is_worth_what_its_loss_would_cost() -> None:
    """0.400 + HCC5 0.300: 0.636, then 0.598. Without it 0.400: 0.364, then 0.343."""
    gaps = riskadj.gaps(ONE, diagnoses(("a", "Q05", "2097-12-31"), ("a", "Q0501", "2098-01-01")), **V1)
    closed = found(gaps)["a", "HCC5"]
    assert (closed["status"], closed["recapture_month"]) == ("closed", "2098-01")
    assert closed["payment_risk_score_change"] == pytest.approx(0.255, abs=1e-12)
    assert not gaps.potential.num_rows


def test_prior_diagnoses_may_be_an_extract_of_their_own() -> None:
    both = riskadj.gaps(ONE, TWO_YEARS, **V1)
    apart = riskadj.gaps(ONE, TWO_YEARS.slice(3), prior_diagnoses=TWO_YEARS.slice(0, 3), **V1)
    assert apart.gaps.equals(both.gaps)
    assert apart.recapture.equals(both.recapture)


def test_prior_years_are_pooled() -> None:
    older = diagnoses(("a", "Q12", "2096-07-01"), ("a", "Q05", "2098-07-01"))
    assert not riskadj.gaps(ONE, older, **V1).gaps.num_rows
    gaps = riskadj.gaps(ONE, older, prior_years=2, **V1)
    assert {name: row["status"] for (_, name), row in found(gaps).items()} == {"HCC13": "open"}
    assert gaps.run["gaps"]["prior_window"] == ["2096-01-01", "2097-12-31"]


def test_prior_members_who_left_are_counted_and_not_refused() -> None:
    prior = diagnoses(("a", "Q05", "2097-01-01"), ("gone", "Q05", "2097-01-01"))
    now = diagnoses(("a", "Q05", "2098-01-01"))
    gaps = riskadj.gaps(ONE, now, prior_diagnoses=prior, **V1)
    assert gaps.run["gaps"]["prior_diagnoses"]["rejects"] == {"member_not_enrolled": 1}
    assert gaps.gaps.num_rows == 1


def test_who_cannot_be_recaptured_is_not_applicable() -> None:
    """A new enrollee's segment prices no HCC; a member whose last span ended has left."""
    members = [Member("a"), Member("new", flags=frozenset({"is_new_enrollee"})), Member("left")]
    enrollment = enrollment_table(members)
    for name, days in (
        ("enrollment_start_date", ("2099-01-01", "2099-01-01", "2098-01-01")),
        ("enrollment_end_date", ("2099-12-31", "2099-12-31", "2098-11-30")),
    ):
        enrollment = enrollment.append_column(name, pa.array([date.fromisoformat(day) for day in days]))
    prior = diagnoses(*((name, "Q05", "2097-01-01") for name in ("a", "new", "left")))
    gaps = riskadj.gaps(enrollment, prior, **V1)
    assert {name: row["status"] for (name, _), row in found(gaps).items()} == {
        "a": "open", "new": "not_applicable", "left": "not_applicable",
    }  # fmt: skip
    assert {row["conditions"] for row in gaps.recapture.to_pylist()} == {1}
    assert gaps.run["gaps"]["members_gone"] == 1


def test_members_of_several_spans_count_once() -> None:
    spans = pa.concat_tables([ONE, ONE])
    starts, ends = ("2099-01-01", "2099-06-01"), ("2099-05-31", "2099-12-31")
    for name, days in (("enrollment_start_date", starts), ("enrollment_end_date", ends)):
        spans = spans.append_column(name, pa.array([date.fromisoformat(day) for day in days]))
    gaps = riskadj.gaps(spans, TWO_YEARS, rate=1000.0, **V1)
    rows = [row for row in gaps.gaps.to_pylist() if row["hcc"] == "HCC5"]
    assert [(row["months_enrolled"], row["is_last_span"]) for row in rows] == [(5, False), (7, True)]
    assert sum(row["revenue_change"] for row in rows) == pytest.approx(12 * 256)
    assert {row["conditions"] for row in gaps.recapture.to_pylist()} == {2}
    assert gaps.summary()["open"].tolist() == [1]


def test_the_blend_weighs_each_models_gaps() -> None:
    """Policy: a quarter of version 1, where HCC5 is worth 0.255 to a woman with nothing else this year."""
    policy = {name: value for name, value in V1.items() if name != "models"}
    prior = diagnoses(("a", "Q05", "2097-01-01"), ("a", "Z0000", "2098-01-01"))
    rows = riskadj.gaps(ONE, prior, **policy).gaps.to_pylist()
    (first,) = (row for row in rows if row["model_id"] == "toy_hcc_v1")
    assert first["payment_risk_score_change"] == pytest.approx(0.25 * 0.255, abs=1e-12)


def test_chronic_lists_can_be_overridden(tmp_path: Path) -> None:
    unknown = riskadj.gaps(ONE, TWO_YEARS, **V1)
    assert {row["kind"] for row in unknown.recapture.to_pylist()} == {"unknown"}
    assert "toy_hcc_v1 has no list of chronic HCCs: every condition counts" in unknown.run["gaps"]["notes"]
    own = tmp_path / "own.csv"
    own.write_text("hcc,chronic\nHCC2,1\nHCC5,0\n")
    for chronic in (own, {"HCC2": True, "HCC5": False}):
        gaps = riskadj.gaps(ONE, TWO_YEARS, chronic=chronic, **V1)
        rates = {
            row["kind"]: row["recapture_rate"]
            for row in gaps.recapture.to_pylist()
            if row["month"] == "2098-06"
        }
        assert rates == {"acute": 0.0, "chronic": 1.0}
        assert not gaps.potential.num_rows  # an acute condition is nothing to close
        assert found(gaps)["a", "HCC5"]["is_chronic"] is False


def test_suspects_are_gaps_of_their_own() -> None:
    """HCC12 0.1405 on 1.400: 1.5405, rounded 1.541; / 1.1 = 1.401; x 0.941 = 1.318: 0.120 more than 1.198."""
    suspects = pa.table(
        {
            "member_id": ["a", "a", "a", "a", "nobody"],
            "hcc": ["HCC12", "HCC12", None, "HCC1", "HCC12"],
            "diagnosis_code": [None, None, "Q05", None, None],
            "reason": ["labs", "drug", "chart", "chart", "labs"],
            "probability": [0.2, 0.7, 0.5, None, 0.5],
        }
    )
    gaps = riskadj.gaps(ONE, TWO_YEARS, suspects=suspects, **V1)
    rows = {name: (row["origin"], row["status"]) for (_, name), row in found(gaps).items()}
    assert rows == {
        "HCC1": ("suspect", "closed"), "HCC2": ("prior", "superseded"), "HCC5": ("prior", "open"),
        "HCC12": ("suspect", "suspect"),
    }  # fmt: skip
    row = found(gaps)["a", "HCC12"]
    assert row["payment_risk_score_change"] == pytest.approx(0.120, abs=1e-12)
    assert (row["suspect_reason"], row["suspect_probability"]) == ("drug", 0.7)
    assert found(gaps)["a", "HCC5"]["suspect_reason"] == "chart"
    assert found(gaps)["a", "HCC2"]["suspect_reason"] is None
    assert {row["conditions"] for row in gaps.recapture.to_pylist()} == {2}
    assert gaps.run["gaps"]["suspects"] == {
        "rows_read": 5, "rows_of_members_scored": 4, "rows_without_condition": 0,
    }  # fmt: skip


def test_a_suspected_hcc_may_name_its_model() -> None:
    """HCC12 is in both toy models, HCC13 in the first alone."""
    both = {name: value for name, value in V1.items() if name != "models"}
    for model_id, expected in ((None, {"toy_hcc_v1", "toy_hcc_v2"}), ("toy_hcc_v2", {"toy_hcc_v2"})):
        suspects = pa.table(
            {"member_id": ["a"], "hcc": ["HCC12"], "model_id": pa.array([model_id], pa.string())}
        )
        rows = riskadj.gaps(ONE, TWO_YEARS, suspects=suspects, **both).gaps.to_pylist()
        assert {row["model_id"] for row in rows if row["origin"] == "suspect"} == expected
    unknown = pa.table({"member_id": ["a"], "hcc": ["HCC12"], "model_id": ["toy_hcc_v9"]})
    with pytest.raises(TableError, match="'toy_hcc_v9' is no model of this run; nearest: toy_hcc_v"):
        riskadj.gaps(ONE, TWO_YEARS, suspects=unknown, **both)


def test_rates_by_a_column_that_only_the_file_knows() -> None:
    enrollment = ONE.append_column("Care Team", pa.array(["blue"]))
    rows = riskadj.gaps(enrollment, TWO_YEARS, by=["Care Team", "segment"], **V1).recapture.to_pylist()
    assert {(row["Care Team"], row["segment"], row["conditions"]) for row in rows} == {
        ("blue", "SHORE_AGED", 2)
    }


def test_rates_by_any_column() -> None:
    enrollment = enrollment_table([Member("a"), Member("b", sex="M"), Member("c")])
    enrollment = enrollment.append_column("plan_id", pa.array(["p1", "p2", None]))
    rows = diagnoses(
        ("a", "Q05", "2097-01-01"), ("b", "Q05", "2097-01-01"), ("c", "Q05", "2097-01-01"), ("b", "Q05", "2098-01-01"),
    )  # fmt: skip
    own = pa.table({"member_id": ["c", "b"], "provider": ["Smith", "Jones"], "dollars": [900, 1000]})
    gaps = riskadj.gaps(enrollment, rows, by=["plan_id", "provider"], attributes=own, **V1)
    shown = {
        (row["plan_id"], row["provider"]): row["recapture_rate"]
        for row in gaps.recapture.to_pylist()
        if row["month"] == "2098-01"
    }
    assert shown == {("p1", "(none)"): 0.0, ("p2", "Jones"): 1.0, ("(none)", "Smith"): 0.0}
    with pytest.raises(
        ExtractError, match=r"'dollars': no rate for 1 of 3 scored rows \(first rows of enrollment: 1\)"
    ):
        riskadj.gaps(enrollment, rows, attributes=own, rate="dollars", **V1)
    by_sex = riskadj.gaps(enrollment, rows, by="sex,age_band", **V1).recapture.to_pylist()
    assert {(row["sex"], row["age_band"], row["conditions"]) for row in by_sex} == {
        ("F", "70-74", 2), ("M", "70-74", 1),
    }  # fmt: skip


def test_rates_by_a_column_of_the_diagnoses() -> None:
    """HCC5 of a: last seen by Jones; of b: by two on the same day; of c: by nobody known. Jones recaptured it."""
    members = enrollment_table([Member("a"), Member("b"), Member("c")])
    rows = diagnoses(
        ("a", "Q05", "2097-01-01"), ("a", "Q05", "2097-09-01"), ("b", "Q05", "2097-03-01"), ("b", "Q05", "2097-03-01"),
        ("c", "Q05", "2097-01-01"), ("a", "Q05", "2098-02-01"),
    )  # fmt: skip
    providers = pa.array(["Smith", "Jones", "Smith", "Jones", None, "Smith"])
    sources = pa.array(["encounter", "Encounter "] * 3)
    rows = rows.append_column("provider_id", providers).append_column("record_source", sources)
    gaps = riskadj.gaps(members, rows, by="provider_id,record_source", **V1)
    shown = {
        (row["provider_id"], row["record_source"], row["conditions"]): row["recapture_rate"]
        for row in gaps.recapture.to_pylist()
        if row["month"] == "2098-02"
    }
    assert shown == {
        ("Jones", "encounter", 1): 1.0, ("(several)", "encounter", 1): 0.0, ("(none)", "encounter", 1): 0.0,
    }  # fmt: skip
    own = pa.table({"member_id": ["a", "b", "c"], "provider_id": ["X", "X", "Y"]})
    attributed = riskadj.gaps(
        members, rows, by="provider_id", attributes=own, **V1
    )  # the caller's own comes first
    assert {row["provider_id"] for row in attributed.recapture.to_pylist()} == {"X", "Y"}


def test_the_prior_years_own_curve() -> None:
    """HCC5 and HCC13 of 2096: HCC5 seen again in May 2097. Of the prior year's own two conditions HCC1 comes back."""
    older = diagnoses(("a", "Q05", "2096-02-01"), ("a", "Q12", "2096-02-01"))
    gaps = riskadj.gaps(ONE, pa.concat_tables([older, TWO_YEARS]), as_of="2098-03-31", **V1)
    rows = gaps.recapture_prior_year.to_pylist()
    assert [row["month"] for row in rows] == [
        f"2097-{month:02}" for month in range(1, 13)
    ]  # all of that year
    assert [row["recaptured_to_date"] for row in rows] == [0] * 4 + [1] * 7 + [None]
    assert {row["conditions"] for row in rows} == {2}
    assert gaps.run["gaps"]["prior_year_curve"] == {
        "prior_window": ["2096-01-01", "2096-12-31"], "window": ["2097-01-01", "2097-12-31"],
    }  # fmt: skip
    (axes, _) = gaps.plot().axes
    assert [line.get_label() for line in axes.get_lines()] == [
        "toy_hcc_v1, 2098: 50.0% of 2", "toy_hcc_v1, 2097: 50.0% of 2",
    ]  # fmt: skip
    assert riskadj.gaps(ONE, TWO_YEARS, **V1).run["gaps"]["prior_year_curve"] is None
    pooled = riskadj.gaps(ONE, pa.concat_tables([older, TWO_YEARS]), prior_years=2, **V1)
    assert not pooled.recapture_prior_year.num_rows  # 2095 has no diagnoses


REFUSED: list[tuple[dict[str, Any], type[RiskAdjError], str]] = [
    ({"prior_years": 0}, OptionError, "prior_years=0; it takes a whole number from 1 to 10"),
    ({"rate": -1.0}, OptionError, "rate=-1.0 is no payment rate"),
    ({"rate": "dollars"}, ColumnMissingError, "rate='dollars' is no column of the enrollment; there are: member_id"),
    ({"as_of": "2099-03-01"}, OptionError, "outside this year's window of service dates, 2098-01-01 to 2098-12-31"),
    ({"as_of": "March"}, OptionError, "give it as YYYY-MM-DD"),
    ({"by": "plan"}, ColumnMissingError, "by='plan' is no column to group by"),
    ({"by": "provider"}, ColumnMissingError, "Of the diagnoses: provider_id, claim_type"),
    ({"by": "provider_id"}, ColumnMissingError, "lacks 'provider_id'"),
    ({"by": ["sex", "sex"]}, OptionError, "names a column twice"),
    ({"chronic": {"HCC99": True}}, TableError, "chronic= names 'HCC99', which no model of this run has"),
    ({"chronic": 3}, OptionError, "give a mapping of HCC to bool, or a CSV file"),
    ({"chronic": "nowhere.csv"}, OptionError, "nowhere.csv cannot be read as CSV"),
    ({"suspects": pa.table({"member_id": ["a"]})}, ColumnMissingError, "neither 'hcc' nor 'diagnosis_code'"),
    (
        {"suspects": pa.table({"member_id": ["a", "a"], "hcc": ["HCC5", "HCC4"]})},
        TableError, "'HCC4' in 1 rows (row 2 first) is no HCC of toy_hcc_v1",
    ),
    (
        {"suspects": pa.table({"member_id": ["a"], "hcc": ["HCC5"], "probability": [3.0]})},
        ExtractError, "1 values are not between 0 and 1 (first rows: 1)",
    ),
    (
        {"suspects": pa.table({"member_id": ["a"], "hcc": ["HCC5"], "probability": ["high"]})},
        ColumnTypeError, "not all cells are numbers",
    ),
    ({"attributes": pa.table({"member": ["a"]})}, ColumnMissingError, "lacks 'member_id'"),
    ({"attributes": pa.table({"member_id": ["zz"]})}, ExtractError, "none of the 1 rows of attributes belongs"),
    (
        {"attributes": pa.table({"member_id": ["a", "zz", "a"], "x": [1, 2, 3]})},
        ExtractError, "several rows for 1 members (first rows: 1, 3)",
    ),
    (
        {"attributes": pa.table({"member_id": ["a"], "x": [1]}), "rate": "y"},
        ColumnMissingError, "rate='y' is no column of the enrollment or of attributes; there are: x, member_id",
    ),
    ({"prior_diagnoses": TWO_YEARS.drop_columns(["service_date"])}, ColumnMissingError, "service_date"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
def test_refused(options: dict[str, Any], kind: type[RiskAdjError], words: str) -> None:
    with pytest.raises(kind) as caught:
        riskadj.gaps(ONE, TWO_YEARS, **V1, **options)
    assert words in str(caught.value)


def test_ids_of_whole_numbers_meet_text() -> None:
    enrollment = ONE.set_column(0, "member_id", pa.array([12]))
    rows = TWO_YEARS.set_column(0, "member_id", pa.array([12] * 5))
    suspects = pa.table({"member_id": ["12"], "hcc": ["HCC12"]})
    assert riskadj.gaps(enrollment, rows, suspects=suspects, **V1).gaps.num_rows == 3
    with pytest.raises(ColumnTypeError, match="give all one type"):
        riskadj.gaps(enrollment, rows, prior_diagnoses=TWO_YEARS, **V1)


def test_the_command_writes_what_the_library_finds(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("enrollment.parquet", "diagnoses.parquet", "suspects.csv")]
    pq.write_table(ONE, paths[0])
    pq.write_table(TWO_YEARS, paths[1])
    paths[2].write_text("member_id,hcc\na,HCC12\n")
    words = ("--models", "toy_hcc_v1", "--rate", "1000", "--by", "sex", "--suspects", paths[2])
    call = (
        "gaps",
        *TOY,
        "--enrollment",
        paths[0],
        "--diagnoses",
        paths[1],
        "--output",
        tmp_path / "out",
        *words,
    )
    done = run(*call)
    assert (done.status, done.err) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gaps.parquet", "gaps.png", "potential.parquet", "recapture.parquet", "recapture_prior_year.parquet",
        "run.json",
    ]  # fmt: skip
    expected = riskadj.gaps(ONE, TWO_YEARS, rate=1000.0, by="sex", suspects=paths[2], **V1)
    assert pq.read_table(tmp_path / "out" / "gaps.parquet").to_pylist() == expected.gaps.to_pylist()
    (line,) = (line.split() for line in done.out.splitlines() if line.startswith("toy_hcc_v1 "))
    assert line == ["toy_hcc_v1", "unknown", "2", "0", "1", "1", "50.0%", "0.256", "3,072"]
    again = run(*call)
    assert again.status == 2
    assert "--overwrite" in again.err


def test_what_is_shown_holds_no_member(tmp_path: Path) -> None:
    gaps = riskadj.gaps(ONE, TWO_YEARS, **V1)
    assert repr(gaps) == "<Gaps: payment year 2099, 1 open, 1 superseded>"
    gaps.write(tmp_path / "out")
    with pytest.raises(OutputExistsError):
        gaps.write(tmp_path / "out")
    titles = [axes.get_title() for axes in gaps.plot().axes]
    assert titles == [
        "Recapture of chronic conditions, year to date",
        "Open gaps worth most, without acute conditions",
    ]
    acute = riskadj.gaps(ONE, TWO_YEARS, chronic={"HCC2": False, "HCC5": False}, **V1)
    assert [axes.get_title() for axes in acute.plot().axes] == ["No conditions to recapture", "No open gaps"]
    nothing = riskadj.gaps(ONE, diagnoses(("a", "Z0000", "2098-01-01")), **V1)
    assert [axes.get_title() for axes in nothing.plot().axes] == [
        "No conditions to recapture",
        "No open gaps",
    ]
    assert nothing.summary().empty


def test_models_that_ship_have_a_list_of_chronic_conditions() -> None:
    """Every CMS-HCC and ESRD release says of each payment HCC whether it is chronic; sepsis is not, diabetes is."""
    seen = 0
    for release in riskadj.list_models():
        model = riskadj.load_model(release.model_id, payment_year=release.payment_year)
        flags = {row["hcc"]: row["chronic"] for row in model.records("chronic")}
        labels = {row["hcc"]: row["label"] for row in model.records("labels") if row["payment"] == "1"}
        if "chronic" in model.tables:
            seen += 1
            assert labels.keys() <= flags.keys()
            assert {flags[hcc] for hcc, label in labels.items() if label.startswith("Septicemia")} == {"0"}
            assert {flags[hcc] for hcc, label in labels.items() if label.startswith("Diabetes with")} == {"1"}
    assert seen


def test_codes_count_on_days_on_which_they_are_valid() -> None:
    """HHS-HCC: a code of a later fiscal year recaptures nothing before its first day."""
    year, model = _hhs_year_with_new_codes()
    plan = make_plan(model)
    book = make_code_book((plan,), load_valid_codes())
    begin = EPOCH + timedelta(days=int(book.period_begins[-1]))
    names = [unpack(word) for word in book.packed]
    new = next(n for n in np.flatnonzero(book.is_mapped & ~book.is_valid[-2] & book.is_valid[-1]))
    hccs = plan.bits_of_code[names[new]]
    always = np.flatnonzero(book.is_mapped & book.is_valid.all(axis=0))
    old = next(n for n in always if plan.bits_of_code[names[n]] == hccs)
    enrollment = pa.table(
        {
            "member_id": ["a"],
            "age_years": [40],
            "sex": ["F"],
            "metal_level": ["silver"],
            "csr_indicator": ["1"],
        }
    )
    last_year, before = begin - timedelta(days=300), begin - timedelta(days=1)
    early = ("a", names[old], last_year.isoformat()), ("a", names[new], before.isoformat())
    for more, seen in (((), {None}), ((("a", names[new], begin.isoformat()),), {begin})):
        rows = diagnoses(*early, *more)
        gaps = riskadj.gaps(enrollment, rows, payment_year=year, program="hhs", rejects="write")
        assert {row["recaptured_on"] for row in gaps.gaps.to_pylist()} == seen
        assert {row["last_prior_service_date"] for row in gaps.gaps.to_pylist()} == {last_year}


def _hhs_year_with_new_codes() -> tuple[int, ModelTables]:
    for release in riskadj.list_models():
        model = riskadj.load_model(release.model_id, payment_year=release.payment_year)
        if release.program == "hhs":
            book = make_code_book((make_plan(model),), load_valid_codes())
            if (book.is_mapped & ~book.is_valid[-2] & book.is_valid[-1]).any():
                return release.payment_year, model
    raise LookupError("no HHS benefit year has a code of the later fiscal year")


def test_no_diagnoses_of_the_prior_years_is_said() -> None:
    this_year = diagnoses(("a", "Q05", "2098-02-01"))
    gaps = riskadj.gaps(ONE, this_year, **V1)
    (note,) = [note for note in gaps.run["gaps"]["notes"] if "prior" in note]
    assert note.startswith("no diagnosis of 2097-01-01 to 2097-12-31 gives anybody a condition")
    assert not any(
        "--prior-diagnoses" in note for note in riskadj.gaps(ONE, TWO_YEARS, **V1).run["gaps"]["notes"]
    )
