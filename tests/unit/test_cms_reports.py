"""MMR, MOR and MAO-004 files written from known values: one clear row each, adjustments netted to the cent."""

from __future__ import annotations

import datetime as dt
import random
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

import riskadj
from riskadj.cms_reports.keys import number_ids
from riskadj.cms_reports.mao004 import standing_diagnoses
from riskadj.cms_reports.net import adjustments_by_reason, net_member_months
from riskadj.cms_reports.reading import load_layout
from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, OptionError
from tests.report_files import line_of, mao004_lines, mmr_lines, mor_lines, naive_cells, write_lines

JAN, FEB, MAR, JUL = (dt.date(2099, month, 1) for month in (1, 2, 3, 7))
REALDATA = Path(__file__).resolve().parents[2].parent / "shared" / "realdata" / "bcda_cclf"


def paid(member: str, month: dt.date, amount: float, score: float = 1.0, **more) -> dict:
    return {
        "member_id": member, "contract_id": "H9999", "payment_month": month, "risk_score_part_a": score,
        "ra_factor_type": "CN", "ma_payment": amount, **more,
    }  # fmt: skip


def adjusted(
    member: str, month: dt.date, amount: float, code: str, first: dt.date, last: dt.date, **more
) -> dict:
    span = {"adjustment_reason_code": code, "adjustment_start_date": first, "adjustment_end_date": last}
    return paid(member, month, amount, **{**span, **more})


def mmr(tmp_path: Path, rows: list[dict], **options) -> pa.Table:
    return riskadj.read_mmr(write_lines(tmp_path / "mmr.txt", mmr_lines(rows)), **options)


def test_mmr_fields_stand_where_the_layout_says(tmp_path: Path) -> None:
    """Positions are from the published record, worked by hand, without the layout table."""
    line = list(" " * 495)
    for start, text in ((1, "H9999"), (14, "209901"), (20, "1AA0A00AA00 "), (41, "20310101"), (62, "Y"),
                        (72, "01.2345"),
                        (90, "26"), (92, "20980101"), (100, "20980630"), (172, "6569"), (189, "CN"),
                        (299, "-0000123.45"),
                        (412, "00.0500"), (459, "000812.25")):  # fmt: skip
        line[start - 1 : start - 1 + len(text)] = text
    path = write_lines(tmp_path / "mmr.txt", ["".join(line)])
    (row,) = riskadj.read_mmr(path).to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        "contract_id": "H9999", "payment_month": JAN, "member_id": "1AA0A00AA00", "birth_date": dt.date(2031, 1, 1),
        "is_esrd": True, "risk_score_part_a": 1.2345, "adjustment_reason_code": "26",
        "adjustment_start_date": dt.date(2098, 1, 1), "adjustment_end_date": dt.date(2098, 6, 30),
        "risk_adjuster_age_group": "6569", "ra_factor_type": "CN", "ma_payment": -123.45, "frailty_factor": 0.05,
        "rate_part_a": 812.25, "line": 1,
    }  # fmt: skip


def test_mmr_reads_what_was_written(tmp_path: Path) -> None:
    rows = [
        paid("A1", JAN, 800.0),
        adjusted("A1", JUL, -12.34, "26", JAN, dt.date(2099, 6, 30), is_hospice=True),
    ]
    found = mmr(tmp_path, rows).to_pylist()
    for written, row in zip(rows, found, strict=True):
        assert {name: row[name] for name in written} == written
    text = (tmp_path / "mmr.txt").read_text()
    naive = naive_cells(text, load_layout("mmr").records[0])
    assert [(cells["member_id"], cells["ra_factor_type"]) for cells in naive] == [("A1", "CN")] * 2


def test_mmr_never_reads_names_or_race(tmp_path: Path) -> None:
    table = mmr(tmp_path, [paid("A1", JAN, 1.0)])
    assert not {"surname", "first_initial", "race_code", "not_read"} & set(table.column_names)


def test_mmr_columns_and_several_files(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "a.txt", mmr_lines([paid("A1", JAN, 1.0)]), "\r\n")
    two = write_lines(tmp_path / "b.txt", mmr_lines([paid("A2", FEB, 1.0)]))
    table = riskadj.read_mmr([one, two], columns=["member_id"])
    assert table.to_pydict() == {"member_id": ["A1", "A2"], "line": [1, 1]}
    with pytest.raises(OptionError, match="no column 'membr'; nearest: member_id"):
        riskadj.read_mmr(one, columns=["membr"])
    with pytest.raises(OptionError, match="no file was named"):
        riskadj.read_mmr([])


def test_mmr_by_a_layout_of_ones_own(tmp_path: Path) -> None:
    table = "record,name,start,end,type,allowed,title\ndetail,payment_month,1,6,month,,\ndetail,member_id,7,10,text,,\n"
    layout = tmp_path / "mine.csv"
    layout.write_text(table)
    path = write_lines(tmp_path / "mmr.txt", ["209901A1  "])
    assert riskadj.read_mmr(path, layout_file=layout).to_pylist() == [
        {"payment_month": JAN, "member_id": "A1", "line": 1}
    ]
    layout.write_text(table.replace("member_id", "who"))
    with pytest.raises(
        ExtractError, match=r"mine\.csv, record detail lacks 'member_id', by which an MMR is read"
    ):
        riskadj.read_mmr(path, layout_file=layout)
    with pytest.raises(OptionError, match=r"layout_file none\.csv cannot be read: FileNotFoundError"):
        riskadj.read_mmr(path, layout_file=tmp_path / "none.csv")


def test_mid_year_adjustment_nets_to_the_cent(tmp_path: Path) -> None:
    """Score 1.0 paid 800.00 for January to March; in July code 26 takes that back and pays 900.10 for score 1.1."""
    end = dt.date(2099, 3, 31)
    rows = [paid("A1", month, 800.0) for month in (JAN, FEB, MAR)] + [
        adjusted("A1", JUL, 900.10, "26", JAN, end, risk_score_part_a=1.1),
        adjusted("A1", JUL, -800.00, "26", JAN, end),
        paid("A1", JUL, 300.0, 1.1),
    ]
    months = net_member_months(mmr(tmp_path, rows)).to_pylist()
    assert [(row["service_month"], row["ma_payment"], row["risk_score_part_a"]) for row in months] == [
        (JAN, 833.37, 1.1), (FEB, 833.36, 1.1), (MAR, 833.37, 1.1), (JUL, 300.0, 1.1),
    ]  # fmt: skip
    # January: 800.00 + 300.04 - 266.67; 900.10 is 300.04 and 300.03 twice, 800.00 is 266.67 twice and 266.66.
    assert [(row["n_rows"], row["n_adjustments"], row["adjustment_reason_codes"]) for row in months] == [
        (3, 2, ["26"]), (3, 2, ["26"]), (3, 2, ["26"]), (1, 0, []),
    ]  # fmt: skip
    reasons = adjustments_by_reason(mmr(tmp_path, rows)).to_pylist()
    assert [(row["adjustment_reason_code"], row["n_rows"], row["n_months"], row["ma_payment"]) for row in reasons] == [
        (None, 4, 4, 2700.0), ("26", 2, 6, 100.1),
    ]  # fmt: skip


def test_month_that_was_taken_back(tmp_path: Path) -> None:
    rows = [
        paid("A1", JAN, 800.0),
        paid("A1", FEB, 800.0),
        adjusted("A1", MAR, -800.0, "03", FEB, dt.date(2099, 2, 28)),
    ]
    months = net_member_months(mmr(tmp_path, rows)).to_pylist()
    assert [(row["ma_payment"], row["is_taken_back"]) for row in months] == [(800.0, False), (0.0, True)]


def naive_net(rows: list[dict]) -> dict[tuple[str, int], Fraction]:
    """Months and dollars by plain loops: spread evenly, exactly."""
    net: dict[tuple[str, int], Fraction] = {}
    for row in rows:
        first = row.get("adjustment_start_date") or row["payment_month"]
        last = row.get("adjustment_end_date") or first
        months = list(range(first.year * 12 + first.month, last.year * 12 + last.month + 1))
        for month in months:
            key = (row["member_id"], month)
            net[key] = net.get(key, Fraction(0)) + Fraction(round(row["ma_payment"] * 100), len(months))
    return net


@pytest.mark.parametrize("seed", range(5))
def test_netting_agrees_with_plain_loops(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    rows = []
    for _ in range(60):
        first, n_months = draw.randint(1, 9), draw.randint(1, 3)
        span = (
            dt.date(2099, first, draw.randint(1, 28)),
            dt.date(2099, first + n_months, draw.randint(1, 28)),
        )
        amount = draw.randint(-99_999, 99_999) / 100
        member = f"A{draw.randint(1, 8)}"
        is_adjustment = draw.random() < 0.5
        rows.append(
            adjusted(member, JUL, amount, "25", *span)
            if is_adjustment
            else paid(member, span[0].replace(day=1), amount)
        )
    months = net_member_months(mmr(tmp_path, rows)).to_pylist()
    found = {
        (row["member_id"], row["service_month"].year * 12 + row["service_month"].month): row for row in months
    }
    naive = naive_net(rows)
    assert found.keys() == naive.keys()
    assert all(abs(found[key]["ma_payment"] * 100 - float(cents)) < len(rows) for key, cents in naive.items())
    assert round(sum(row["ma_payment"] for row in months) * 100) == sum(
        round(row["ma_payment"] * 100) for row in rows
    )
    assert sum(row["n_rows"] for row in months) == sum(
        1
        if "adjustment_start_date" not in row
        else row["adjustment_end_date"].month - row["adjustment_start_date"].month + 1
        for row in rows
    )


def test_months_that_end_before_they_begin(tmp_path: Path) -> None:
    table = mmr(tmp_path, [paid("A1", JAN, 1.0), adjusted("A1", JAN, 1.0, "25", FEB, dt.date(2099, 1, 31))])
    with pytest.raises(ExtractError, match=r"months of 1 rows end before they begin.*first rows: 2"):
        net_member_months(table)
    with pytest.raises(ColumnMissingError, match="MMR lacks 'payment_month'"):
        net_member_months(table.drop_columns(["payment_month"]))


def test_mor_has_one_row_per_variable_that_is_on(tmp_path: Path) -> None:
    lines = mor_lines([
        ("J", {"member_id": "A1", "birth_date": JAN, "F65_69": True, "HCC18": True, "HCC85": True,
               "DIABETES_CHF": True}),
        ("K", {"member_id": "A1", "HCC19": True, "HCC18": False}),
        ("J", {"member_id": "A2"}),
    ])  # fmt: skip
    table = riskadj.read_mor(write_lines(tmp_path / "mor.txt", lines))
    assert [(row["member_id"], row["model_id"], row["kind"], row["variable"]) for row in table.to_pylist()] == [
        ("A1", "cms_hcc_v24", "demographic", "F65_69"), ("A1", "cms_hcc_v24", "hcc", "HCC18"),
        ("A1", "cms_hcc_v24", "hcc", "HCC85"), ("A1", "cms_hcc_v24", "interaction", "DIABETES_CHF"),
        ("A2", "cms_hcc_v24", None, None), ("A1", "cms_hcc_v22", "hcc", "HCC19"),
    ]  # fmt: skip
    first = table.to_pylist()[0]
    assert (first["contract_id"], first["payment_month"], first["record_type"], first["line"]) == (
        "H9999",
        JAN,
        "J",
        2,
    )
    assert first["birth_date"] == JAN


@pytest.mark.parametrize(
    ("record", "year", "model_id"),
    [("BEG", 2024, "esrd_v21"), ("DH", 2024, "cms_hcc_v22"), ("K", 2024, "cms_hcc_v22"), ("I", 2019, "cms_hcc_v23"),
     ("J", 2024, "cms_hcc_v24")],
)  # fmt: skip
def test_mor_variables_are_those_of_the_model(record: str, year: int, model_id: str) -> None:
    layout = load_layout("mor").named(record)
    assert layout is not None
    assert layout.model_id == model_id
    folder = Path(riskadj.load_model(model_id, payment_year=year).manifest.path).parent
    first = {name: {line.split(",")[0] for line in (folder / f"{name}.csv").read_text().splitlines()[1:]}
             for name in ("demographics", "interactions")}  # fmt: skip
    payment = {
        line.split(",")[0]
        for line in (folder / "labels.csv").read_text().splitlines()[1:]
        if line.endswith(",1")
    }
    named = {
        kind: {f.name for f in layout.variables if f.type == kind}
        for kind in ("hcc", "demographic", "interaction")
    }
    assert named["hcc"] == payment
    assert named["demographic"] <= first["demographics"]
    assert named["interaction"] <= first["interactions"]


def dx(member: str, claim: str, codes: str, day: int = 1, **more) -> dict:
    pairs = [pair.split("-") for pair in codes.split()]
    filled = {f"diagnosis_code_{n}": code for n, (code, _) in enumerate(pairs, start=1)}
    flags = {f"add_or_delete_{n}": flag for n, (_, flag) in enumerate(pairs, start=1)}
    return {
        "member_id": member, "claim_id": claim, "encounter_type": "1", "submission_date": dt.date(2099, 2, day),
        "service_date": JAN, "service_type": "P", "allowed": "A", "icd_version": "0", **filled, **flags, **more,
    }  # fmt: skip


def mao004(tmp_path: Path, rows: list[dict]) -> pa.Table:
    return riskadj.read_mao004(write_lines(tmp_path / "mao004.txt", mao004_lines(rows)))


def test_mao004_has_one_row_per_diagnosis(tmp_path: Path) -> None:
    rows = [
        dx("A1", "C1", "E119-A I10-D"),
        dx("A2", "C2", "", service_type="N", allowed="D"),
        dx("A2", "C3", "E119-A", encounter_type="4", service_type="I"),
        dx("A2", "C4", "E119-A", encounter_type="4", linked_claim_id="C3", service_type="O"),
    ]
    found = mao004(tmp_path, rows).sort_by("line").to_pylist()
    names = (
        "member_id",
        "claim_id",
        "diagnosis_code",
        "add_or_delete",
        "claim_type",
        "record_source",
        "line",
    )
    assert [tuple(row[name] for name in names) for row in found] == [
        ("A1", "C1", "E119", "A", "professional", "encounter", 2),
        ("A1", "C1", "I10", "D", "professional", "encounter", 2),
        ("A2", "C3", "E119", "A", "inpatient", "chart_review_unlinked", 4),
        ("A2", "C4", "E119", "A", "outpatient", "chart_review_linked", 5),
    ]  # fmt: skip
    assert found[0]["service_date"] == JAN


def test_standing_diagnoses(tmp_path: Path) -> None:
    rows = [
        dx("A1", "C1", "E119-A I10-A"),  # I10 is deleted later by a linked record
        dx("A1", "C2", "I10-D", day=5, linked_claim_id="C1", encounter_type="7", allowed=None),
        dx("A1", "C3", "C50-A", allowed="D"),  # disallowed
        dx("A1", "C4", "4280-A", icd_version="9"),  # ICD-9-CM
        dx("A2", "C1", "I10-A"),  # another member's claim of the same number
        dx("A1", "C5", "J449-D", day=2),
        dx("A1", "C5", "J449-A", day=3),  # added again after the deletion
        dx("A2", "C1", "I10-A", day=9),  # once more
    ]
    standing = standing_diagnoses(mao004(tmp_path, rows))
    assert sorted((row["member_id"], row["diagnosis_code"]) for row in standing.to_pylist()) == [
        ("A1", "E119"), ("A1", "J449"), ("A2", "I10"),
    ]  # fmt: skip
    (blank,) = standing_diagnoses(mao004(tmp_path, [dx("A1", "C1", "E119-")])).to_pylist()
    assert (blank["diagnosis_code"], blank["add_or_delete"]) == (
        "E119",
        None,
    )  # allowed and blank is eligible
    none = standing_diagnoses(mao004(tmp_path, rows).slice(0, 0))
    assert none.num_rows == 0


def test_standing_diagnoses_are_an_extract_that_scores(tmp_path: Path) -> None:
    standing = standing_diagnoses(
        mao004(tmp_path, [dx("A1", "C1", "E119-A", service_date=dt.date(2023, 5, 1))])
    )
    member = {
        "member_id": ["A1"],
        "birth_date": [dt.date(1950, 1, 1)],
        "sex": ["F"],
        "orec": ["0"],
        "dual_status_code": ["00"],
    }
    scores = riskadj.score(pa.table(member), standing, payment_year=2024, models="cms_hcc_v24")
    assert scores.model_scores["hccs"].to_pylist() == [["HCC19"]]


def test_reports_without_details_or_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"mor\.txt: no detail record"):
        riskadj.read_mor(write_lines(tmp_path / "mor.txt", mor_lines([])))
    lines = mor_lines([("J", {"member_id": "A1"})])
    with pytest.raises(
        ExtractError,
        match=r"line 2, positions 1-1 \(record_type\): no such record in layout mor; known: 1, B, E",
    ):
        riskadj.read_mor(write_lines(tmp_path / "mor.txt", [lines[0], "Q" + lines[1][1:], lines[2]]))
    with pytest.raises(
        ExtractError,
        match=r"mor\.txt, line 1: 200 characters, but a detail record of layout mmr has 495 to 545",
    ):
        riskadj.read_mmr(tmp_path / "mor.txt")


def test_ids_that_cannot_be_compared() -> None:
    with pytest.raises(ColumnTypeError, match="member_id of type binary"):
        number_ids(pa.chunked_array([pa.array([b"a"])]))
    (one, two), names = number_ids(pa.chunked_array([[1, 2]]), pa.chunked_array([["2", "x"], ["1"]]))
    assert [names[n].as_py() for n in (*one, *two)] == ["1", "2", "2", "x", "1"]


@pytest.mark.skipif(not REALDATA.exists(), reason="real CCLF files are not beside the project")
def test_real_beneficiary_file_reads(tmp_path: Path) -> None:
    import zipfile

    from riskadj.extracts.fixed_width import read_records

    with zipfile.ZipFile(REALDATA / "archive_valid.zip") as packed:
        (name,) = (one for one in packed.namelist() if ".ZC8" in one)
        packed.extract(name, tmp_path)
    layout = load_layout("cclf8")
    (details,) = read_records(tmp_path / name, layout)
    naive = naive_cells((tmp_path / name).read_text(), layout.records[0])
    rows = details.columns.to_pylist()
    assert len(rows) == 7
    for row, cells in zip(rows, naive, strict=True):
        assert row == {k: _as_read(row[k], v) for k, v in cells.items() if k in row}
    assert all(row["birth_date"] for row in rows)


def _as_read(read, text):
    """Return the text in the type that was read; a date of zeros is none."""
    if isinstance(read, dt.date):
        return dt.date.fromisoformat(text)
    return int(text) if isinstance(read, int) else text


def test_line_of_a_test_is_as_long_as_its_record() -> None:
    record = load_layout("mmr").records[0]
    assert len(line_of(record, {})) == record.length
