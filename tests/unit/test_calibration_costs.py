"""Costs of a calibration: read, attributed to enrollment rows, and refused; and the command line."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import CalibrationError, ColumnTypeError, OptionError, RiskAdjError
from riskadj.extracts.open import open_extract
from tests import naive_calibration
from tests.calibration_data import BASE, YEAR, population
from tests.cli_runs import run
from tests.members import TOY_MAPS

PEOPLE = population(300, seed=11)
OPTIONS: dict[str, Any] = YEAR | {
    "model": "toy_hcc_v1", "min_segment_members": 1, "min_members": 0, "folds": 0, "collinear": "drop",
}  # fmt: skip
JANUARY, DECEMBER = date(2099, 1, 1), date(2099, 12, 31)


def calibrate(costs: Any, enrollment: pa.Table = PEOPLE.enrollment, **options: Any) -> riskadj.Calibration:
    return riskadj.calibrate(enrollment, PEOPLE.diagnoses, costs=costs, **OPTIONS | options)


def claims(lines: list[tuple[str, date | None, float | None]]) -> pa.Table:
    members, days, amounts = zip(*lines, strict=True)
    return pa.table(
        {"member_id": members, "service_date": pa.array(days, pa.date32()), "allowed_amount": amounts}
    )


def random_lines(seed: int, n_lines: int) -> list[tuple[str, date, float]]:
    random = Random(seed)
    members = [member.member_id for member in PEOPLE.members]
    return [
        (
            random.choice(members),
            JANUARY + timedelta(days=random.randrange(-60, 430)),
            random.randrange(1, 10**6) / 100,
        )
        for _ in range(n_lines)
    ]


def test_claims_go_to_the_row_whose_span_holds_them() -> None:
    """Two spans a member with a gap between; days in the gap and outside the year count nowhere."""
    spans = [(date(2098, 11, 1), date(2099, 5, 15)), (date(2099, 7, 1), date(2100, 3, 31))]
    rows = [
        member.row | {"enrollment_start_date": first, "enrollment_end_date": last}
        for member in PEOPLE.members
        for first, last in spans
    ]
    lines = random_lines(12, 5000)
    fitted = calibrate(claims(lines), pa.Table.from_pylist(rows))
    windows = [(JANUARY, date(2099, 5, 15)), (date(2099, 7, 1), DECEMBER)]
    expected = naive_calibration.costs_by_row(
        [(member.member_id, *window) for member in PEOPLE.members for window in windows], lines
    )
    observed = fitted.model_fit.observed
    found = [0.0] * len(rows)
    for row, cost, weight in zip(observed.rows, observed.cost, observed.weight, strict=True):
        assert weight * 12 == (5, 6)[row % 2]
        found[row] = cost * weight
    assert found == pytest.approx(expected)
    counts = fitted.run["counts"]["costs"]
    assert counts["rows_read"] == 5000 == counts["rows_used"] + counts["rows_outside_coverage"]
    assert 0 < counts["rows_outside_coverage"] < 2000
    assert counts["dollars_used"] == pytest.approx(sum(expected), abs=0.01)


def test_reversals_cancel() -> None:
    lines = random_lines(13, 900)
    back = [(member, day, -amount) for member, day, amount in lines]
    plain = calibrate(claims(lines))
    again = calibrate(claims([*lines, *back, *lines]))
    assert again.fit["mean_actual"].to_pylist() == pytest.approx(plain.fit["mean_actual"].to_pylist())


def test_totals_are_spread_over_the_rows_of_a_member_by_months() -> None:
    """A total of 1,200 over rows of 3 and 9 months is 300 and 900; months of the totals replace the enrollment's."""
    spans = ((3, JANUARY, date(2099, 3, 31)), (9, date(2099, 4, 1), DECEMBER))
    halves = [
        member.row | {"months_enrolled": months, "enrollment_start_date": first, "enrollment_end_date": last}
        for member in PEOPLE.members
        for months, first, last in spans
    ]
    ids = [member.member_id for member in PEOPLE.members]
    totals = pa.table({"member_id": ids, "cost": [1200.0] * 300})
    fitted = calibrate(totals, pa.Table.from_pylist(halves), amount="cost")
    assert set(fitted.model_fit.observed.cost.tolist()) == {1200.0}
    assert sorted(set(fitted.model_fit.observed.weight.tolist())) == [0.25, 0.75]
    with_months = totals.append_column("months_enrolled", pa.array([6] * 300)).slice(0, 200)
    fitted = calibrate(with_months, pa.Table.from_pylist(halves), amount="cost")
    assert set(fitted.model_fit.observed.cost.tolist()) == {2400.0}
    assert len(fitted.model_fit.observed.rows) == 400  # a member without months is not fitted
    assert fitted.run["counts"]["costs"]["enrollment_rows_without_months"] == 200


FIRST = PEOPLE.members[0].member_id


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (("ZQX7nobody", JANUARY, 5.0), "the cost counts, but its member has no enrollment row"),
        ((FIRST, None, 5.0), "service_date is missing"),
        ((FIRST, JANUARY, None), "the amount is missing"),
        ((FIRST, JANUARY, float("nan")), "the amount is missing"),
        ((FIRST, JANUARY, -(10.0**9)), "add up to less than zero"),
    ],
)
def test_rows_that_cannot_be_used(line: tuple[str, date | None, float | None], reason: str) -> None:
    lines = claims([*random_lines(14, 900), line])
    with pytest.raises(RiskAdjError) as error:
        calibrate(lines)
    assert reason in str(error.value)
    assert "ZQX7" not in str(error.value)
    counts = calibrate(lines, rejects="write").run["counts"]
    assert sum(counts["rejects"].values()) == 1
    costs = counts["costs"]
    fitted = calibrate(lines, rejects="write").run["calibration"]
    assert fitted["rows_with_negative_cost"] == int("less than zero" in reason)
    names = ("rows_fitted", "rows_in_segments_kept", "rows_without_months", "rows_with_negative_cost")
    assert sum(fitted[name] for name in names) == counts["enrollment"]["rows_used"]
    assert (
        costs["rows_read"]
        == 901
        == costs["rows_used"] + costs["rows_outside_coverage"] + costs["rows_rejected"]
    )


def test_costs_without_months_are_refused() -> None:
    rows = [member.row | {"months_enrolled": int(member.member_id != FIRST)} for member in PEOPLE.members]
    totals = PEOPLE.costs(PEOPLE.truth)
    with pytest.raises(RiskAdjError, match="the row has costs and no months"):
        calibrate(totals, pa.Table.from_pylist(rows), amount="cost")


def test_totals_twice_or_with_impossible_months_are_refused() -> None:
    totals = PEOPLE.costs(PEOPLE.truth)
    with pytest.raises(RiskAdjError, match="the member's total stands on an earlier row"):
        calibrate(pa.concat_tables([totals, totals.slice(0, 1)]), amount="cost")
    months = totals.append_column("months_enrolled", pa.array([13] + [12] * 299))
    with pytest.raises(RiskAdjError, match="months_enrolled is not a whole number from 0 to 12"):
        calibrate(months, amount="cost")


def test_costs_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(RiskAdjError, match="costs lacks 'cost'"):
        calibrate(claims(random_lines(15, 5)), amount="cost")
    with pytest.raises(RiskAdjError, match="claims lacks 'paid_amount'"):
        calibrate(claims(random_lines(15, 5)), amount="paid_amount")
    ids = [member.member_id for member in PEOPLE.members]
    with pytest.raises(ColumnTypeError, match="'cost' holds text that is no number"):
        calibrate(pa.table({"member_id": ids, "cost": ["12.5"] * 299 + ["much"]}), amount="cost")
    late = claims([(FIRST, date(2101, 1, 1), 5.0)])
    with pytest.raises(CalibrationError, match="no enrollment row that can be fitted has any cost"):
        calibrate(late)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"amount": "allowed"}, "amount='allowed'; nearest: allowed_amount; allowed:"),
        ({"rare": "drop"}, "rare='drop'"),
        ({"folds": 1}, "folds=1; it takes 2 or more, or 0"),
        ({"cost_cap": -1.0}, "cost_cap must be above 0"),
        ({"min_members": -1}, "min_members=-1"),
        ({"equal": [("HCC1", "HCC22")]}, "equal= names 'HCC22'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError) as error:
        calibrate(PEOPLE.costs(PEOPLE.truth), **{"amount": "cost"} | options)
    assert words in str(error.value)


def test_one_model_is_fitted_at_a_time() -> None:
    with pytest.raises(RiskAdjError, match="no model 'toy_hcc_v1,toy_hcc_v2'"):
        calibrate(PEOPLE.costs(PEOPLE.truth), amount="cost", model="toy_hcc_v1,toy_hcc_v2")


def test_member_ids_are_compared_as_the_run_compares_them() -> None:
    """Whole numbers here and text there are one member; text that is no number cannot meet whole numbers."""
    numbers = {member.member_id: number for number, member in enumerate(PEOPLE.members)}

    def numbered(table: pa.Table, arrow_type: pa.DataType) -> pa.Table:
        ids = pa.array([numbers[name] for name in table["member_id"].to_pylist()], pa.int64()).cast(
            arrow_type
        )
        return table.set_column(table.column_names.index("member_id"), "member_id", ids)

    def fit(of_diagnoses: pa.DataType, of_costs: pa.DataType) -> riskadj.Calibration:
        enrollment, diagnoses = (
            numbered(PEOPLE.enrollment, pa.int64()),
            numbered(PEOPLE.diagnoses, of_diagnoses),
        )
        return riskadj.calibrate(
            enrollment, diagnoses, costs=numbered(totals, of_costs), **OPTIONS, amount="cost"
        )

    totals = PEOPLE.costs(PEOPLE.truth)
    expected = calibrate(totals, amount="cost").factors
    assert fit(pa.int64(), pa.int32()).factors.equals(expected)
    assert fit(pa.string(), pa.int64()).factors.equals(expected)
    assert fit(pa.string(), pa.string()).factors.equals(expected)
    with pytest.raises(ColumnTypeError, match="but whole numbers in the enrollment and the diagnoses"):
        fit(pa.int64(), pa.string())


def test_claims_of_the_tuva_layer() -> None:
    """Medical claims by the date of the line, pharmacy claims by the date of the fill; ids under Tuva's name."""
    ids = ["a", "b"]
    medical = {"person_id": ids, "claim_start_date": [JANUARY] * 2, "claim_line_start_date": [DECEMBER] * 2,
               "allowed_amount": [1.0, 2.0]}  # fmt: skip
    pharmacy = {"person_id": ids, "dispensing_date": [JANUARY] * 2, "paid_amount": [3.0, 4.0]}
    for columns, day, amount in ((medical, DECEMBER, "allowed_amount"), (pharmacy, JANUARY, "paid_amount")):
        extract = open_extract(pa.table(columns), "claims", layout="tuva")
        (chunk,) = extract.chunks(("member_id", "service_date", amount))
        table = chunk.read()
        assert table["member_id"].to_pylist() == ids
        assert table["service_date"].to_pylist() == [day] * 2
        assert table[amount].to_pylist() == columns[amount]


def test_small_segments_and_collinear_variables_stop_the_fit() -> None:
    totals = PEOPLE.costs(PEOPLE.truth)
    with pytest.raises(
        CalibrationError, match=r"segments with fewer than 90 members: (\w+ \d+, )*\w+ \d+; give more"
    ):
        calibrate(totals, amount="cost", min_segment_members=90)
    with pytest.raises(
        CalibrationError,
        match=r"segments with fewer than 9,999 members: .*; no segment has enough, so give more members or lower",
    ):
        calibrate(totals, amount="cost", min_segment_members=9999, small_segments="keep")
    # Every new enrollee of this model has Medicaid or has it not: the last two variables add up to the cells.
    with pytest.raises(
        CalibrationError, match=r"segment NEW: NEW_NMCAID is a sum of .*NEW_MCAID in these rows"
    ):
        calibrate(totals, amount="cost", model="toy_hcc_v2", collinear="stop", min_members=1)


def test_export_names_are_checked(tmp_path: Path) -> None:
    fitted = calibrate(PEOPLE.costs(PEOPLE.truth), amount="cost")
    with pytest.raises(OptionError, match="model_id='Own Model' is no model id"):
        fitted.export(tmp_path / "maps", model_id="Own Model")
    with pytest.raises(OptionError, match="decimals=9"):
        fitted.export(tmp_path / "maps", model_id="own", decimals=9)
    assert not (tmp_path / "maps").exists()


def test_command_fits_writes_and_exports(tmp_path: Path) -> None:
    files = {
        "enrollment": PEOPLE.enrollment,
        "diagnoses": PEOPLE.diagnoses,
        "costs": claims(random_lines(16, 9000)),
    }
    for name, table in files.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    words = [word for name in files for word in (f"--{name}", tmp_path / f"{name}.parquet")]
    words += [
        "--payment-year",
        "2099",
        "--program",
        "atlantis",
        "--maps-dir",
        TOY_MAPS,
        "--models",
        "toy_hcc_v1",
    ]
    words += ["--min-segment-members", "1", "--min-members", "3", "--collinear", "drop", "--folds", "3"]
    done = run("calibrate", *words, "--equal", "HCC6,HCC7", "--output", tmp_path / "fit", "--export", tmp_path / "maps",
               "--model-id", "own")  # fmt: skip
    assert (done.status, done.err) == (0, "")
    assert "300 members fitted; a factor of 1 is worth" in done.out
    assert "cross-validated" in done.out
    assert "ZQX7" not in done.out
    names = ["factors.parquet", "fit.parquet", "fit.png", "predictive_ratios.parquet", "run.json"]
    assert sorted(path.name for path in (tmp_path / "fit").iterdir()) == names
    report = json.loads((tmp_path / "fit" / "run.json").read_text())
    assert report["calibration"]["options"]["equal"] == [["HCC6", "HCC7"]]
    assert report["calibration"]["dollars_fitted"] == pytest.approx(report["counts"]["costs"]["dollars_used"])
    score = [
        "score",
        *words[:4],
        *words[6:10],
        "--maps-dir",
        tmp_path / "maps",
        "--output",
        tmp_path / "scores",
    ]
    assert run(*score).status == 0
    again = run("calibrate", *words, "--output", tmp_path / "fit")
    assert (again.status, "pass overwrite=True" in again.err) == (2, True)
    half = run("calibrate", *words, "--output", tmp_path / "other", "--model-id", "own")
    assert (half.status, "belong together" in half.err) == (2, True)


def test_the_factor_of_the_exported_model_is_worth_the_base() -> None:
    fitted = calibrate(PEOPLE.costs(PEOPLE.truth), amount="cost", nonnegative=False, ordered=False)
    mean = naive_calibration.weighted_mean(PEOPLE.truth, PEOPLE.months)
    assert fitted.denominator == pytest.approx(mean)
    assert fitted.denominator < 3 * BASE


def test_a_calibration_takes_the_options_of_score_but_one_model() -> None:
    totals = PEOPLE.costs(PEOPLE.truth)
    with pytest.raises(OptionError, match="starts from one model; name it with model="):
        calibrate(totals, amount="cost", models=["toy_hcc_v1"])
    with pytest.raises(OptionError, match="eligible_procedures is read by the claim filter alone"):
        calibrate(totals, amount="cost", eligible_procedures=["99213"])
    with pytest.raises(OptionError, match="no model of atlantis reads drugs"):
        calibrate(totals, amount="cost", drugs=pa.table({"member_id": ["a"], "ndc": ["00012345678"]}))
