"""`pricing experience`: what the commands print and write is what the library calls return."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricing.experience.exposure import member_months
from pricing.experience.incurred_claims import incurred
from pricing.experience.triangles import claim_triangle
from pricing.experience.unpaid_claims import ibnr
from tests.pricing.commands import run

MONTHS = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(18)]
LAST = date(2025, 6, 30)
ENROLLMENT = {
    "member_id": ["A", "B", "C"],
    "enrollment_start_date": [date(2024, 1, 1), date(2024, 1, 1), date(2024, 7, 1)],
    "enrollment_end_date": [None, date(2025, 3, 31), None],
    "plan_id": ["gold", "gold", "silver"],
}


def claims():
    """Three lines a month of each member, paid after 10, 40 and 70 days; a large one in June 2024."""
    rows = []
    for number, month in enumerate(MONTHS):
        for lag in (10, 40, 70):
            for place, (member, start, end, _) in enumerate(zip(*ENROLLMENT.values(), strict=True)):
                if month < start or (end is not None and month > end):
                    continue
                rows.append(
                    {"claim_id": f"{member}{number}-{lag}", "claim_line_number": 1, "member_id": member,
                     "service_date": month + timedelta(days=4), "paid_date": month + timedelta(days=4 + lag),
                     "service_category": "inpatient" if lag == 70 else "office",
                     "allowed_amount": 100.0 + 7 * number + lag + place, "units": 1}
                )  # fmt: skip
    rows.append({**rows[20], "claim_id": "large", "allowed_amount": 40_000.0})
    return [{**row, "paid_amount": row["allowed_amount"] * 0.8} for row in rows]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experience")
    pq.write_table(pa.Table.from_pylist(claims()), folder / "claims.parquet")
    pq.write_table(pa.table(ENROLLMENT), folder / "enrollment.parquet")
    return folder


def read(files):
    return ("--claims", files / "claims.parquet", "--enrollment", files / "enrollment.parquet")


def test_pmpm(files, tmp_path):
    words = (
        "--first-month",
        "2024-01",
        "--last-month",
        "2024-12",
        "--by",
        "plan_id",
        "--output",
        tmp_path / "out",
    )
    status, out, err = run("experience", "pmpm", *read(files), *words)
    assert (status, err) == (0, "")
    months = member_months(
        files / "enrollment.parquet", first_month="2024-01", last_month="2024-12", by="plan_id"
    )
    expected = incurred(files / "claims.parquet", months)
    assert pq.read_table(tmp_path / "out" / "incurred_services.parquet").equals(expected.services)
    assert "30 member months, allowed_amount" in out
    assert f"{expected.totals['pmpm'][0].as_py():,.2f}" in out
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {
        "incurred_services.parquet", "incurred_totals.parquet", "assumptions.parquet", "incurred_services.png",
        "run.json",
    }  # fmt: skip
    status, _, err = run("experience", "pmpm", *read(files), *words)
    assert (status, "OutputExistsError" in err) == (2, True)


@pytest.mark.parametrize(("utilization", "is_added_up"), [("units", False), ("claims", True)])
def test_units_of_different_services_are_not_added_up_on_the_screen(
    files, tmp_path, utilization, is_added_up
):
    """Days of a stay and prescriptions are no sum; claims are."""
    words = ("--first-month", "2024-01", "--last-month", "2024-12", "--utilization", utilization)
    status, out, _ = run("experience", "pmpm", *read(files), *words, "--output", tmp_path / "out")
    (total,) = (line.split() for line in out.splitlines() if line.startswith("(all)"))
    assert (status, total[2:] != ["-", "-"]) == (0, is_added_up)


def test_ibnr_and_its_trend(files, tmp_path):
    status, out, err = run(
        "experience", "ibnr", *read(files), "--valuation-date", LAST, "--large-claim", "10000",
        "--large-pmpm", "experience", "--margin", "0.05", "--min-completion", "0.5",
        "--immature", "bornhuetter_ferguson", "--output", tmp_path / "ibnr",
    )  # fmt: skip
    assert (status, err) == (0, "")
    triangle = claim_triangle(files / "claims.parquet", valuation_date=LAST, large_claim=10_000)
    months = member_months(files / "enrollment.parquet", first_month="2024-01", last_month="2025-06")
    expected = ibnr(
        triangle, months, large_pmpm="experience", margin=0.05, min_completion=0.5, immature="bornhuetter_ferguson"
    )  # fmt: skip
    assert pq.read_table(tmp_path / "ibnr" / "ibnr_months.parquet").equals(expected.months)
    assert f"{expected.total:,.0f} dollars not yet paid at 2025-06-30" in out
    assert f"{expected.total_with_margin:,.0f} with margin" in out
    assert json.loads((tmp_path / "ibnr" / "run.json").read_text())["large_claims"] == 1
    assert (tmp_path / "ibnr" / "ibnr_months.png").stat().st_size > 10_000
    source = tmp_path / "ibnr" / "ibnr_months.parquet"
    status, out, err = run(
        "experience", "trend", "--months", source, "--value", "incurred_pmpm", "--output", tmp_path / "trend"
    )
    assert (status, err) == (0, "")
    assert "incurred_pmpm of 18 months, 2024-01 to 2025-06" in out
    assert (tmp_path / "trend" / "trend_months.png").exists()


def test_large_claims_on_their_own(files, tmp_path):
    status, out, err = run(
        "experience", "ibnr", *read(files), "--valuation-date", LAST, "--large-claim", "10000",
        "--large-part", "excess", "--large-method", "development", "--output", tmp_path / "ibnr",
    )  # fmt: skip
    assert (status, err) == (0, "")
    triangle = claim_triangle(
        files / "claims.parquet", valuation_date=LAST, large_claim=10_000, large_part="excess"
    )
    months = member_months(files / "enrollment.parquet", first_month="2024-01", last_month="2025-06")
    expected = ibnr(triangle, months, large_method="development")
    assert pq.read_table(tmp_path / "ibnr" / "ibnr_steps.parquet").equals(expected.steps)
    # The large claim: 80 % of 40,000, of which 10,000 stay with the others.
    assert "large claims taken out: what claims have above 10,000: -22,000 dollars" in out
    assert "large claims not yet paid, by their own development" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ibnr", "--valuation-date", "June"), "--valuation-date 'June' is no date; write it YYYY-MM-DD."),
        (
            ("ibnr", "--valuation-date", LAST, "--large-pmpm", "some"),
            "large_pmpm must be dollars, not negative, or",
        ),
        (
            ("ibnr", "--valuation-date", LAST, "--columns", "paid"),
            "'paid' is not NAME=COLUMN, such as claim_id=clm_id",
        ),
        (("ibnr", "--valuation-date", LAST, "--columns", "paid_date=posted"), "lacks 'posted'"),
        (
            ("pmpm", "--first-month", "2024-01", "--last-month", "2024-02", "--header-amounts", "ward"),
            "header_amounts= names 'ward', which no claim has",
        ),
    ],
)
def test_calls_that_are_refused(files, tmp_path, words, message):
    status, _, err = run("experience", *words, *read(files), "--output", tmp_path / "out")
    assert (status, message in err) == (2, True), err
    assert not (tmp_path / "out").exists()
