"""PMPM, utilization and unit cost: worked by hand; amounts repeated on every line; data that others made."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.experience.exposure import member_months
from pricing.experience.incurred_claims import incurred
from tests.pricing import naive_experience as naive

REAL = Path(__file__).parents[3] / "shared" / "realdata"
real = pytest.mark.skipif(not REAL.is_dir(), reason="shared/realdata is not beside the project")

TEN = {
    "member_id": [f"m{i}" for i in range(10)],
    "enrollment_start_date": [date(2025, 1, 1)] * 10,
    "enrollment_end_date": [date(2025, 2, 28)] * 10,
    "plan_id": ["p"] * 6 + ["q"] * 4,
}
COLUMNS = (
    "claim_id",
    "claim_line_number",
    "member_id",
    "service_date",
    "service_category",
    "paid_amount",
    "units",
)
JAN, FEB = date(2025, 1, 9), date(2025, 2, 9)
LINES = [
    ("1", 1, "m0", JAN, "lab", 30.0, 1),
    ("1", 2, "m0", JAN, "lab", 20.1, 2),
    ("2", 1, "m1", JAN, "lab", 50.0, 1),  # reversed ...
    ("2", 1, "m1", JAN, "lab", -50.0, -1),
    ("3", 1, "m2", JAN, "lab", 40.0, 1),  # ... reversed and corrected
    ("3", 1, "m2", JAN, "lab", -40.0, -1),
    ("3", 1, "m2", JAN, "lab", 45.0, 1),
    ("4", 1, "m9", FEB, "lab", 10.0, 1),
    ("5", 1, "m9", FEB, "drug", 6.0, 30),
    ("6", 1, "m9", date(2025, 3, 1), "drug", 7.0, 30),  # after the months
    ("7", 1, "nobody", FEB, "drug", 8.0, 30),  # not covered
]


def exposure(by=()):
    return member_months(TEN, first_month="2025-01", last_month="2025-02", by=by)


def extract(lines):
    return {name: [line[i] for line in lines] for i, name in enumerate(COLUMNS)}


def test_worked_by_hand():
    found = incurred(extract(LINES), exposure(), amount="paid_amount", utilization="claims")
    cells = {(row["month"].month, row["service_category"]): row for row in found.services.to_pylist()}
    january = cells[1, "lab"]
    assert (january["claims"], january["lines"]) == (2, 3)
    assert (january["amount"], january["member_months"]) == (pytest.approx(95.1), 10)
    assert january["pmpm"] == pytest.approx(9.51)
    assert january["utilization_per_1000"] == pytest.approx(
        2400
    )  # 2 claims in 10 member months, a year of 1,000
    assert january["unit_cost"] == pytest.approx(47.55)
    assert cells[2, "drug"]["pmpm"] == pytest.approx(0.6)
    assert sorted(cells) == [(1, "lab"), (2, "drug"), (2, "lab")]
    totals = {row["service_category"]: row for row in found.totals.to_pylist()}
    assert totals["(all)"]["amount"] == pytest.approx(111.1)
    assert totals["(all)"]["member_months"] == totals["drug"]["member_months"] == 20
    assert found.run == {
        "lines_read": 11, "lines_repeating": 0, "dollars_read": 126.1,
        "lines_used": 9, "dollars_used": 111.1,
        "lines_not_covered": 1, "dollars_not_covered": 8.0,
        "lines_outside_months": 1, "dollars_outside_months": 7.0,
    }  # fmt: skip


@pytest.mark.parametrize("utilization", ["units", "claims", "lines"])
def test_pmpm_is_utilization_times_unit_cost(utilization):
    found = incurred(extract(LINES), exposure("plan_id"), amount="paid_amount", utilization=utilization)
    for row in [*found.services.to_pylist(), *found.totals.to_pylist()]:
        if row[utilization]:
            assert row["pmpm"] == pytest.approx(row["utilization_per_1000"] / 12_000 * row["unit_cost"])


lines_drawn = st.lists(
    st.tuples(
        st.sampled_from("1234"), st.integers(1, 2), st.sampled_from(["m0", "m7", "nobody"]), st.integers(0, 80),
        st.sampled_from(["lab", "drug"]), st.sampled_from([-5.0, 0.0, 5.0, 7.5]), st.integers(-3, 3),
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(lines_drawn)
def test_the_twin_that_counts_line_by_line_agrees(drawn):
    lines = [(*line[:3], date(2024, 12, 20) + timedelta(days=line[3]), *line[4:]) for line in drawn]
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in lines]
    plans = dict(zip(TEN["member_id"], TEN["plan_id"], strict=True))
    expected = naive.incurred(rows, plans, date(2025, 1, 1), date(2025, 2, 28))
    if not expected:
        with pytest.raises(InputError, match="covered on its service date"):
            incurred(extract(lines), exposure("plan_id"), amount="paid_amount")
        return
    found = incurred(extract(lines), exposure("plan_id"), amount="paid_amount").services.to_pylist()
    cells = {
        (row["month"].month, row["plan_id"], row["service_category"]): (
            row["amount"], row["lines"], row["claims"], row["units"]
        )
        for row in found
    }  # fmt: skip
    assert cells == expected  # halves of dollars are exact


def test_a_split_by_plan_adds_up():
    whole = incurred(extract(LINES), exposure(), amount="paid_amount").totals.to_pandas()
    split = incurred(extract(LINES), exposure("plan_id"), amount="paid_amount").totals.to_pandas()
    added = split.groupby("service_category")[["claims", "lines", "units", "amount"]].sum()
    assert added["amount"].to_dict() == pytest.approx(whole.set_index("service_category")["amount"].to_dict())
    assert split.query("plan_id == 'p' and service_category == '(all)'")["member_months"].tolist() == [12]


def test_a_claim_reversed_leaves_no_unit_cost():
    found = incurred(extract(LINES[2:4]), exposure(), amount="paid_amount").services.to_pylist()[0]
    assert (found["claims"], found["amount"], found["unit_cost"]) == (0, 0, None)


HEADERS = [
    ("h1", 1, "m0", JAN, "hospital", 900.0, 1),
    ("h1", 2, "m0", JAN, "hospital", 900.0, 1),
    ("h1", 3, "m0", JAN, "hospital", 900.0, 1),
    ("h1", 1, "m0", JAN, "hospital", -900.0, -1),
    ("h1", 2, "m0", JAN, "hospital", -900.0, -1),
    ("h1", 3, "m0", JAN, "hospital", -900.0, -1),
    ("h1", 2, "m0", JAN, "hospital", 800.0, 1),
    ("h1", 1, "m0", JAN, "hospital", 800.0, 1),
    ("h1", 3, "m0", JAN, "hospital", 800.0, 1),
    ("h2", 7, "m1", JAN, "hospital", 100.0, 1),
    *LINES,
]


@pytest.mark.parametrize("lines", [HEADERS, HEADERS[::-1]])
def test_amounts_of_a_claim_repeated_on_its_lines_count_once(lines):
    found = incurred(extract(lines), exposure(), amount="paid_amount", header_amounts="hospital")
    totals = {row["service_category"]: row for row in found.totals.to_pylist()}
    assert totals["hospital"]["amount"] == pytest.approx(900.0)  # 800 as corrected, and 100
    assert totals["hospital"]["units"] == 4
    assert totals["lab"]["amount"] == pytest.approx(105.1)
    assert found.run["lines_repeating"] == 6


def test_line_numbers_are_asked_of_header_claims_only():
    blank = [(*line[:1], None, *line[2:]) if line[4] == "drug" else line for line in HEADERS]
    found = incurred(extract(blank), exposure(), amount="paid_amount", header_amounts="hospital")
    assert found.run["lines_repeating"] == 6
    words = r"blank in 3 of 21 rows \(first rows: 19, 20, 21\)"  # the three drug lines come last
    with pytest.raises(InputError, match=f"column 'claim_line_number': {words}"):
        incurred(extract(blank), exposure(), amount="paid_amount", header_amounts="drug")


def test_lines_that_differ_are_no_header_amounts():
    with pytest.raises(InputError, match="in 1 of 7 claims they differ; name only the service categories"):
        incurred(extract(LINES), exposure(), amount="paid_amount", header_amounts=True)
    with pytest.raises(
        InputError, match="'ward', which no claim has as service_category; there are: drug, lab"
    ):
        incurred(extract(LINES), exposure(), amount="paid_amount", header_amounts=["ward"])


def test_amounts_that_look_repeated_are_warned_of():
    stays = [(f"c{i}", line, "m0", JAN, "hospital", 100.0 + i, 1) for i in range(6) for line in (1, 2, 3)]
    found = incurred(extract([*stays, *LINES]), exposure(), amount="paid_amount")
    assert len(found.warnings) == 1
    assert "6 of 6 claims" in found.warnings[0]
    assert "1,845 dollars by line and 615 by claim" in found.warnings[0]
    assert "1 warnings" in repr(found)
    assert incurred(extract(stays), exposure(), amount="paid_amount", header_amounts=True).warnings == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amount": "charges"}, "none of paid_amount, allowed_amount"),
        ({"amount": "allowed_amount"}, "lacks 'allowed_amount'"),
        ({"utilization": "days"}, "none of units, claims, lines"),
        ({"columns": {"cost": "x"}}, "names 'cost', which is not read here"),
    ],
)
def test_options_refused(options, message):
    with pytest.raises(InputError, match=message):
        incurred(extract(LINES), exposure(), **{"amount": "paid_amount", **options})


def test_extracts_that_do_not_belong_together():
    with pytest.raises(InputError, match="none of 1 lines is of a member covered on its service date"):
        incurred(extract(LINES[-1:]), exposure(), amount="paid_amount")


def test_written_and_shown(tmp_path):
    found = incurred(extract(LINES), exposure("plan_id"), amount="paid_amount")
    found.write(tmp_path / "out")
    assert (tmp_path / "out" / "incurred_totals.parquet").exists()
    assert found.summary()["service_category"].tolist()[0] == "(all)"
    assert len(found.plot().axes) == 2


def rows_of(name, delimiter=","):
    with (REAL / name).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@real
def test_institutional_claims_of_the_tuva_demo():
    """By line the institutional claims come to 3,743,038 dollars; they cost 289,025."""
    path = REAL / "tuva_demo" / "medical_claim.csv"
    lines = rows_of("tuva_demo/medical_claim.csv")
    institutional = [line for line in lines if line["claim_type"] == "institutional"]
    assert round(sum(float(line["paid_amount"]) for line in institutional)) == 3_743_038
    assert round(naive.by_claim(institutional, "paid_amount")) == 289_025
    everyone = {
        "member_id": sorted({line["patient_id"] for line in lines}),
        "enrollment_start_date": ["2016-01-01"] * len({line["patient_id"] for line in lines}),
        "enrollment_end_date": ["2018-12-31"] * len({line["patient_id"] for line in lines}),
    }
    months = member_months(everyone, first_month="2016-01", last_month="2018-12")
    columns = {
        "member_id": "patient_id",
        "service_date": "claim_start_date",
        "service_category": "claim_type",
    }
    options = {"amount": "paid_amount", "utilization": "claims", "columns": columns}
    blind = incurred(path, months, **options)
    assert "'institutional': " in blind.warnings[0]
    assert "3,743,038 dollars by line and 289,025 by claim" in blind.warnings[0]
    assert len(blind.warnings) == 1  # professional lines carry their own amounts
    found = incurred(path, months, header_amounts=["institutional"], **options)
    totals = {row["service_category"]: row for row in found.totals.to_pylist()}
    assert totals["institutional"]["amount"] == pytest.approx(289_024.62)
    assert totals["institutional"]["claims"] == 237 - 1  # one is a credit, all its lines negative
    assert totals["professional"]["amount"] == pytest.approx(227_236.83)
    assert found.warnings == ()


@real
def test_skilled_nursing_claims_of_the_research_files():
    lines = rows_of("bfd_rif_synthea/snf.csv", "|")
    assert round(sum(float(line["CLM_PMT_AMT"]) for line in lines)) == 63_421_451
    expected = naive.by_claim([{"claim_id": x["CLM_ID"], "paid": x["CLM_PMT_AMT"]} for x in lines], "paid")
    days = [datetime.strptime(line["CLM_THRU_DT"], "%d-%b-%Y").date() for line in lines]
    claims = {
        "claim_id": [line["CLM_ID"] for line in lines],
        "claim_line_number": [line["CLM_LINE_NUM"] for line in lines],
        "member_id": [line["BENE_ID"] for line in lines],
        "service_date": days,
        "paid_amount": [float(line["CLM_PMT_AMT"]) for line in lines],
    }
    members = sorted(set(claims["member_id"]))
    spans = {
        "member_id": members,
        "enrollment_start_date": [min(days)] * len(members),
        "enrollment_end_date": [None] * len(members),
    }
    months = member_months(spans, first_month=min(days), last_month=max(days))
    found = incurred(claims, months, amount="paid_amount", utilization="claims", header_amounts=True)
    assert found.run["dollars_used"] == pytest.approx(expected)
    assert round(expected) == 279_305


@real
def test_members_of_the_tuva_demo():
    path = REAL / "tuva_demo" / "eligibility_21635.csv"
    spans = [
        (
            line["patient_id"],
            date.fromisoformat(line["enrollment_start_date"]),
            date.fromisoformat(line["enrollment_end_date"]),
            "all",
        )
        for line in rows_of("tuva_demo/eligibility_21635.csv")
    ]
    window = [(year, month) for year in (2016, 2017, 2018) for month in range(1, 13)]
    for convention in ("days", "first_day"):
        expected = naive.member_months(spans, window, convention)
        found = member_months(
            path,
            first_month="2016-01",
            last_month="2018-12",
            convention=convention,
            columns={"member_id": "patient_id"},
        )
        assert found.total == pytest.approx(sum(expected.values()))
