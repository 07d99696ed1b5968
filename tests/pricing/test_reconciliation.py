"""Reconciliations: causes by hand and by a naive twin, to the cent; cells of monthly membership reports."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from pricing.errors import InputError
from pricing.revenue import Assume, Membership, Scenario, forecast
from pricing.revenue.variance import reconcile
from pricing.revenue.variance_cells import BY, forecast_cells, mmr_cells, status_of_factor_type
from riskadj.errors import OutputExistsError
from tests.pricing.naive_reconciliation import naive_reconciliation
from tests.pricing.revenue_members import membership
from tests.report_files import mmr_lines, write_lines

JAN, FEB, MAR = (dt.date(2099, month, 1) for month in (1, 2, 3))
CAUSES = ("enrollment", "status_mix", "county_code_mix", "score", "rate", "other")


def row(
    month: dt.date, status: str, county: str, *, months: float, rate: float, score: float, other: float = 0.0
) -> dict[str, Any]:
    return {
        "month": month,
        "status": status,
        "county_code": county,
        "months": months,
        "rate": rate,
        "score": score,
        "other": other,
    }


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows of means as cells."""
    cells = []
    for each in rows:
        rated = each["months"] * each["rate"]
        scored = rated * each["score"]
        cells.append(
            {name: each[name] for name in ("month", *BY)}
            | {"member_months": each["months"], "rate_dollars": rated, "scored_dollars": scored,
               "revenue": scored + each["months"] * each["other"]}
        )  # fmt: skip
    return pa.Table.from_pylist(
        [{name: float(v) if isinstance(v, Fraction) else v for name, v in cell.items()} for cell in cells]
    )


#: Two statuses and two counties; everything changes at once.
BEFORE = [
    row(JAN, "non_dual", "A", months=100, rate=1000, score=1.0, other=50),
    row(JAN, "non_dual", "B", months=50, rate=800, score=1.0, other=50),
    row(JAN, "full_dual", "A", months=50, rate=1000, score=2.0, other=50),
]
AFTER = [
    row(JAN, "non_dual", "A", months=90, rate=1010, score=1.1, other=50),
    row(JAN, "non_dual", "B", months=70, rate=800, score=1.0, other=40),
    row(JAN, "full_dual", "A", months=60, rate=1000, score=2.0, other=50),
]


def test_causes_by_hand():
    found = reconcile(table(BEFORE), table(AFTER))
    (month,) = found.months.to_pylist()
    # expected: 100 x 1,050 + 50 x 850 + 50 x 2,050 = 250,000 of 200 months: 1,250 a month
    assert month["expected"] == 250_000
    assert month["enrollment"] == 20 * 1250
    # non-dual: 147,500 of 150 months; full dual: 2,050
    non_dual = 147_500 / 150
    assert month["status_mix"] == pytest.approx(10 * (non_dual - 1250) + 10 * (2050 - 1250), abs=0.01)
    assert month["county_code_mix"] == pytest.approx(
        -10 * (1050 - non_dual) + 20 * (850 - non_dual), abs=0.01
    )
    assert month["score"] == 90 * 0.1 * 1000
    assert month["rate"] == 90 * 11
    assert month["other"] == 70 * -10
    assert month["actual"] == 90 * (1111 + 50) + 70 * 840 + 60 * 2050
    assert (month["member_months_expected"], month["member_months_actual"]) == (200, 220)
    assert month["rate_expected"] == (100 * 1000 + 50 * 800 + 50 * 1000) / 200
    assert month["risk_score_actual"] == pytest.approx(
        (90 * 1010 * 1.1 + 70 * 800 + 60 * 2000) / (90 * 1010 + 70 * 800 + 60 * 1000)
    )


def random_side(random: Random, *, share: float) -> list[dict[str, Any]]:
    """Return cells of three months, some of them missing, with revenue in whole cents."""
    rows = []
    for month in (JAN, FEB, MAR):
        for status in ("non_dual", "full_dual", "hospice"):
            for county in "ABC":
                if random.random() < share:
                    is_hospice = status == "hospice"
                    rows.append(
                        row(
                            month, status, county, months=random.randint(1, 900),
                            rate=0 if is_hospice else 10 * random.randint(70, 130),
                            score=0 if is_hospice else Fraction(random.randint(300, 4000), 1000),
                            other=Fraction(random.randint(-2000, 9000), 100),
                        )
                    )  # fmt: skip
    return rows


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("by", [BY, BY[::-1], ("county_code",)], ids=" ".join)
def test_causes_are_those_of_plain_loops_and_add_up_to_the_cent(seed: int, by: tuple[str, ...]):
    random = Random(seed)
    before, after = (random_side(random, share=share) for share in (0.7, 0.8))
    if len(by) == 1:
        before, after = (merged(side) for side in (before, after))
    expected = naive_reconciliation(before, after, by)
    found = reconcile(table(before), table(after), by=by)
    cells = {(each["month"], *(each[name] for name in by)): each for each in found.cells.to_pylist()}
    assert set(cells) == set(expected)
    for key, cents in expected.items():
        for name, value in cents.items():
            assert round(100 * cells[key][name]) == pytest.approx(value, abs=1), (
                key,
                name,
            )  # floats round a half either way
    for each in (*cells.values(), *found.months.to_pylist()):
        parts = [round(100 * each[name]) for name in ("expected", *found.causes)]
        assert sum(parts) == round(100 * each["actual"])


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per month and county: the naive twin adds nothing up."""
    kept = {}
    for each in rows:
        kept[each["month"], each["county_code"]] = each
    return list(kept.values())


def test_children_of_every_node_add_up_to_it():
    random = Random(50)
    found = reconcile(table(random_side(random, share=0.8)), table(random_side(random, share=0.8)))
    rows = [{**each, "cents": round(100 * each["change"])} for each in found.tree.to_pylist()]
    (whole,) = [each for each in rows if each["depth"] == 0]
    assert whole["cents"] == sum(each["cents"] for each in rows if each["depth"] == 1)
    for parent in rows:
        if 0 < parent["depth"] < 3:
            labels = BY[: parent["depth"] - 1]
            children = [
                each["cents"] for each in rows
                if each["depth"] == parent["depth"] + 1 and each["cause"] == parent["cause"]
                and all(each[name] == parent[name] for name in labels)
            ]  # fmt: skip
            assert children
            assert sum(children) == parent["cents"]
    months = found.months.to_pylist()
    assert whole["cents"] == sum(
        round(100 * each["actual"]) - round(100 * each["expected"]) for each in months
    )


def test_nothing_changed_has_no_causes():
    found = reconcile(table(BEFORE), table(BEFORE))
    assert all(each[cause] == 0 for each in found.cells.to_pylist() for cause in CAUSES)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"months": 10}, "enrollment"),
        ({"score": 1.01}, "score"),
        ({"rate": 1001}, "rate"),
        ({"other": 51}, "other"),
    ],
)
def test_one_change_in_a_homogeneous_plan_has_one_cause(change: dict[str, float], cause: str):
    plain = {"months": 7, "rate": 1000, "score": 1.0, "other": 50}
    before = [row(JAN, status, county, **plain) for status in ("non_dual", "full_dual") for county in "AB"]
    found = reconcile(table(before), table([{**each, **change} for each in before]))
    (month,) = found.months.to_pylist()
    assert {name for name in CAUSES if month[name]} == {cause}


def test_only_common_months_are_compared_and_the_others_told():
    later = [{**each, "month": FEB} for each in BEFORE]
    found = reconcile(table([*BEFORE, *later]), table(AFTER), names=("budget", "MMR"))
    assert found.months.num_rows == 1
    assert found.run["sides"]["budget"]["months_not_compared"] == ["2099-02"]
    assert found.run["sides"]["budget"]["revenue_not_compared"] == 250_000
    assert found.run["sides"]["MMR"]["months_not_compared"] == []


def test_what_was_not_expected_has_the_prices_of_the_whole():
    new = row(JAN, "dialysis", "C", months=10, rate=9000, score=1.2, other=0)
    month = reconcile(table(BEFORE), table([*BEFORE, new])).months.to_pylist()[0]
    assert month["enrollment"] == 10 * 1250
    assert month["status_mix"] == month["county_code_mix"] == 0
    rate, score = 950, 1.2
    expected_score = 240_000 / 190_000
    assert month["score"] == pytest.approx(10 * rate * (score - expected_score), abs=0.01)
    assert month["rate"] == pytest.approx(10 * score * (9000 - rate), abs=0.01)
    assert month["other"] == -10 * 50


def paid(member: str, month: dt.date, amount: float, **more: Any) -> dict[str, Any]:
    return {
        "member_id": member, "contract_id": "H9999", "payment_month": month, "county_code": "01000",
        "ra_factor_type": "CN", "risk_score_part_a": 1.0, "risk_score_part_b": 1.2, "rate_part_a": 400.0,
        "rate_part_b": 500.0, "ma_payment": amount, **more,
    }  # fmt: skip


def test_cells_of_an_mmr(tmp_path: Path):
    adjusted = {"adjustment_reason_code": "26", "adjustment_start_date": JAN, "adjustment_end_date": JAN}
    lines = mmr_lines(
        [
            paid("A1", JAN, 1050.0), paid("A1", FEB, 1070.0), paid("A2", JAN, 1000.0, is_msp=True, ra_factor_type="CF"),
            paid("A3", JAN, 60.0, is_hospice=True, ra_factor_type="D"), paid("A4", JAN, 1000.0),
            paid("A1", FEB, -1050.0, **adjusted),
            paid("A1", FEB, 1140.0, risk_score_part_a=1.1, **adjusted),
            paid("A4", FEB, -1000.0, **(adjusted | {"adjustment_reason_code": "03"})),
        ]
    )  # fmt: skip
    path = write_lines(tmp_path / "mmr.txt", lines)
    cells = mmr_cells(path, by=("status", "payer", "county_code"))
    rows = {(each["month"], each["status"], each["payer"]): each for each in cells.table().to_pylist()}
    assert set(rows) == {
        (JAN, "non_dual", "primary"), (FEB, "non_dual", "primary"), (JAN, "full_dual", "secondary"),
        (JAN, "hospice", "primary"),
    }  # fmt: skip
    january = rows[JAN, "non_dual", "primary"]  # A1 by the later score; A4 was taken back
    assert (january["member_months"], january["revenue"], january["rate_dollars"]) == (1, 1140, 900)
    assert january["scored_dollars"] == pytest.approx(400 * 1.1 + 500 * 1.2)
    hospice = rows[JAN, "hospice", "primary"]
    assert (
        hospice["member_months"],
        hospice["rate_dollars"],
        hospice["scored_dollars"],
        hospice["revenue"],
    ) == (1, 0, 0, 60)
    assert cells.run == {"part": "C", "mmr_rows": 8, "member_months": 4, "member_months_taken_back": 1}
    assert (
        sum(each["revenue"] for each in rows.values()) == 1050 + 1070 + 1000 + 60 + 1000 - 1050 + 1140 - 1000
    )


def test_cells_of_part_d(tmp_path: Path):
    drug = {"part_d_payment": 90.0, "rate_part_d": 80.0, "part_d_risk_score": 1.1}
    path = write_lines(
        tmp_path / "mmr.txt", mmr_lines([paid("A1", JAN, 1.0, **drug), paid("A2", JAN, 1.0, **drug)])
    )
    (cell,) = mmr_cells(path, by=("contract_id",), part="D").table().to_pylist()
    assert (cell["member_months"], cell["rate_dollars"], cell["revenue"]) == (2, 160, 180)
    assert cell["scored_dollars"] == pytest.approx(176)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"segments": "DIAL"}, "dialysis"), ({"segments": "TRANSPLANT_1M"}, "dialysis"),
        ({"segments": "GRAFT_NE_4_9"}, "graft"),
        ({"is_esrd": "0", "is_long_term_institutional": "1"}, "institutional"),
        ({"is_esrd": "0", "is_new_enrollee": "1"}, "new_enrollee"),
        ({"is_esrd": "0", "dual": "partial"}, "partial_dual"),
        ({"is_esrd": "0"}, ""),
    ],
)  # fmt: skip
def test_statuses_of_factor_types(row: dict[str, str], status: str):
    blank = {
        "segments": "CNA",
        "is_esrd": "1",
        "is_long_term_institutional": "0",
        "is_new_enrollee": "0",
        "dual": "",
    }
    assert status_of_factor_type(blank | row) == status


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reconcile(table(BEFORE), table(AFTER), by=()), "`by` must name at least one column"),
        (lambda: reconcile(table(BEFORE), table(AFTER), by=("plan",)), "lacks 'plan'"),
        (
            lambda: reconcile(table(BEFORE), table([{**each, "month": FEB} for each in AFTER])),
            "no month in common",
        ),
        (
            lambda: reconcile(table([{**each, "months": 0} for each in BEFORE]), table(AFTER)),
            "no member months",
        ),
        (
            lambda: reconcile(
                table([BEFORE[0] | {"months": -100}, *BEFORE[1:]]), table(AFTER)
            ),  # 100 less 100
            "no member months",
        ),
        (lambda: reconcile(table(BEFORE), table(AFTER)).to_pandas("tre"), "no table 'tre'; nearest: tree"),
    ],
)
def test_refusals(call: Any, message: str):
    with pytest.raises(InputError, match=message):
        call()


def test_mmr_refusals(tmp_path: Path):
    path = write_lines(tmp_path / "mmr.txt", mmr_lines([paid("A1", JAN, 1.0)]))
    with pytest.raises(InputError, match="part 'B' is none"):
        mmr_cells(path, part="B")
    with pytest.raises(InputError, match="no column 'county'; nearest: county_code"):
        mmr_cells(path, by=("county",))


def test_it_is_written_shown_and_charted(tmp_path: Path):
    found = reconcile(table(BEFORE), table(AFTER), names=("forecast", "MMR"))
    assert found.summary()["dollars"].iloc[[0, -1]].tolist() == [250_000, found.months["actual"][0].as_py()]
    assert found.summary()["dollars"].iloc[:-1].sum() == pytest.approx(found.summary()["dollars"].iloc[-1])
    target = found.write(tmp_path / "out", chart=True)
    assert sorted(path.name for path in target.iterdir()) == [
        "assumptions.parquet", "run.json", "variance_cells.parquet", "variance_months.parquet", "variance_tree.parquet",
        "variance_tree.png",
    ]  # fmt: skip
    with pytest.raises(OutputExistsError):
        found.write(tmp_path / "out")
    titles = [axes.get_title() for axes in found.plot().axes]
    assert titles == ["From forecast to MMR", "MMR less forecast, by month and cause"]
    assert "1 months" in repr(found) or "1 month" in repr(found)


def people(**more: Any) -> Membership:
    rows = [
        {"payment_risk_score": 1.0, "status": "non_dual"},
        {"payment_risk_score": 2.0, "status": "full_dual"},
    ]
    return membership(rows, **more)


def test_a_forecast_is_reconciled_as_reports_have_it():
    terms = {"payment_rate": [1000.0], "rebate_pmpm": [50.0], "member_premium": [20.0], "frailty": [0.1]}
    before = forecast(people(), terms, n_months=2)
    cells = forecast_cells(before).table().to_pylist()
    # before sequestration, without the members' premiums; frailty is neither rate nor score
    assert [cell["revenue"] for cell in cells] == [2150.0, 1150.0] * 2
    assert [(cell["rate_dollars"], cell["scored_dollars"]) for cell in cells] == [
        (1000, 2000),
        (1000, 1000),
    ] * 2
    dearer = forecast(people(), terms, scenario=Scenario("dearer", (Assume("rate_change", 1.1),)), n_months=2)
    found = reconcile(before, dearer)
    assert found.months["rate"].to_pylist() == [300.0, 300.0]
    assert found.months["other"].to_pylist() == [20.0, 20.0]  # frailty, paid at the rate


def test_a_forecast_by_the_scores_of_another_run():
    early = Scenario("early", (Assume("completion_initial", 0.9),), scored_as="final")
    found = forecast(people(), {"payment_rate": [1000.0]}, scenario=early, n_months=1)
    final, initial = (forecast_cells(found, vintage=run) for run in ("final", "initial"))
    assert final.measures[3].sum() == 3000
    assert initial.measures[3].sum() == 2700
    assert reconcile(final, initial).months["score"].to_pylist() == [-300.0]


def test_part_d_of_a_forecast():
    base = people()
    drugs = Membership(
        base.base_month, base.cohorts, base.cohort_of_member, base.scores, base.scores, {}, base.counts
    )
    terms = {"payment_rate": [1000.0], "part_d_bid": [80.0], "part_d_basic_premium": [30.0]}
    cells = forecast_cells(forecast(drugs, terms, n_months=1), part="D").table().to_pylist()
    assert [(cell["rate_dollars"], cell["scored_dollars"], cell["revenue"]) for cell in cells] == [
        (80, 160, 130), (80, 80, 50),
    ]  # fmt: skip


def test_forecast_refusals(tmp_path: Path):
    found = forecast(people(), {"payment_rate": [1000.0]}, n_months=1)
    target = found.write(tmp_path / "forecast")
    with pytest.raises(InputError, match="final run only"):
        forecast_cells(target, vintage="initial")
    with pytest.raises(InputError, match="vintage 'late' is none of initial"):
        forecast_cells(found, vintage="late")
    with pytest.raises(InputError, match="lacks 'stars'"):
        forecast_cells(target, by=("stars",))
    assert forecast_cells(target).table() == forecast_cells(found).table()
