"""The delete what-if: scores without some diagnoses are those of the extract from which the rows were deleted."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import OptionError, RiskAdjError
from riskadj.results.marginal.without import ScoresWithout
from tests import cli_runs, naive
from tests.members import TOY_MAPS, TOY_YEAR, Member, enrollment_table, random_members

TOY = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
NAMES = ("member_id", "diagnosis_code", "claim_id", "record_source", "provider_id", "service_date")
TOY_CODES = ("Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q51", "Q52")

#: Two women of 70; a: sea fever and coral lung, b: kelp heart twice.
ROWS = [
    ("a", "Q01", "c1", "chart_review_unlinked", "p1"),
    ("a", "Q02", "c2", "encounter", "p2"),
    ("a", "Q05", "c2", "encounter", "p2"),
    ("b", "Q06", "c3", "chart_review_unlinked", "p1"),
    ("b", "Q06", "c4", "encounter", "p3"),
]


def diagnoses_of(rows: list[tuple]) -> pa.Table:
    """Return an extract of rows, each with a service date in the collection year."""
    dated = [(*row, date(2098, 1 + place % 12, 3)) for place, row in enumerate(rows)]
    return pa.table({name: pa.array([row[place] for row in dated]) for place, name in enumerate(NAMES)})


def without(rows: list[tuple] = ROWS, *, members: list[Member] | None = None, rate=None, models=None, **goes):
    members = members or [Member("a"), Member("b")]
    scores = riskadj.score(enrollment_table(members), diagnoses_of(rows), **TOY, models=models)
    return scores.without(rate=rate, **goes)


def effects(found: ScoresWithout, model_id: str = "toy_hcc_v1") -> dict:
    rows = found.changed_hccs.to_pylist()
    return {(row["member_id"], row["hcc"]): row["effect"] for row in rows if row["model_id"] == model_id}


def test_what_is_lost_what_survives_and_what_comes_back() -> None:
    """Without the unlinked charts a loses HCC1, so HCC2 comes back, and b keeps HCC6 by its encounter.

    v1: a 0.400 + 1.000 + 0.300 = 1.700 before, 0.400 + 0.500 + 0.300 = 1.200 after; b is the same.
    """
    found = without(where={"record_source": "chart_review_unlinked"}, models=["toy_hcc_v1"], rate=1000)
    assert effects(found) == {("a", "HCC1"): "lost", ("a", "HCC2"): "comes_back", ("b", "HCC6"): "survives"}
    rows = found.changed_scores.to_pylist()
    # 1.7 / 1.1 = 1.545, x 0.941 = 1.454 (1.453845); 1.2 / 1.1 = 1.091, x 0.941 = 1.027 (1.026631)
    assert [row["payment_risk_score"] for row in rows] == [1.454, rows[1]["payment_risk_score_without"]]
    assert rows[0]["payment_risk_score_without"] == 1.027
    assert [row["dollars_change"] for row in rows] == pytest.approx([-0.427 * 12_000, 0.0])
    facts = found.run["without"]
    assert (facts["rows_read"], facts["rows_removed"], facts["rows_left"]) == (5, 2, 3)
    assert (facts["members_touched"], facts["enrollment_rows_changed"]) == (2, 1)
    assert facts["dollars_change"] == pytest.approx(-5124.0)


def test_an_hcc_that_lacks_what_it_requires_drops_out() -> None:
    """HCC7 counts only with HCC6 or HCC8 (v1): without the claim of HCC8 it is mapped still, and left out."""
    rows = [("a", "Q07", "c1", "encounter", "p"), ("a", "Q08", "c2", "encounter", "p")]
    found = without(rows, members=[Member("a")], where={"claim_id": "c2"}, models=["toy_hcc_v1"])
    assert effects(found) == {("a", "HCC7"): "drops_out", ("a", "HCC8"): "lost"}
    kept = {row["hcc"]: (row["was_kept"], row["is_kept"]) for row in found.changed_hccs.to_pylist()}
    assert kept == {"HCC7": (True, False), "HCC8": (False, False)}


@pytest.mark.parametrize(
    "goes",
    [
        {"where": {"claim_id": ["c1", "c3", "no such claim"]}},
        {"where": {"provider_id": "p1"}},
        {"where": {"record_source": " Chart_Review_Unlinked "}},
        {"where": {"diagnosis_code": ["q0.1", "Q06"], "record_source": "chart_review_unlinked"}},
        {"where": {"service_date": [date(2098, 1, 3), "2098-04-03"]}},
        {"listed": pa.table({"claim_id": ["c1", "c3"]})},
        {"listed": pa.table({"member_id": ["a", "b"], "diagnosis_code": ["Q.01", "q06"], "claim_id": ["c1", "c3"]})},
        {"listed": pa.table({"claim_id": pa.array(["c1", "c3", "c3"]).dictionary_encode(), "note": ["x", "y", "z"]})},
    ],
)  # fmt: skip
def test_ways_to_say_what_goes(goes: dict) -> None:
    """All of them mean the first and the fourth row."""
    found = without(**goes)
    assert found.run["without"]["rows_removed"] == 2
    assert effects(found)["a", "HCC1"] == "lost"


def test_listed_files(tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("claim_id\nc1\nc3\nnowhere\n", encoding="utf-8")
    found = without(listed=tmp_path / "claims.csv")
    facts = found.run["without"]
    assert (facts["rows_removed"], facts["keys"], facts["keys_not_found"]) == (2, 3, 1)


def test_values_beside_each_other_do_not_mix() -> None:
    """Member a of claim c4 and member b of claim c1 are nobody's."""
    found = without(listed=pa.table({"member_id": ["a", "b"], "claim_id": ["c4", "c1"]}))
    assert found.run["without"]["rows_removed"] == 0


def test_nothing_matches() -> None:
    found = without(where={"record_source": "chart_review"})
    facts = found.run["without"]
    assert (facts["rows_removed"], facts["rows_left"], facts["keys_not_found"]) == (0, 5, 1)
    assert (found.changed_scores.num_rows, found.changed_hccs.num_rows) == (0, 0)
    assert facts["mean_payment_risk_score"] == facts["mean_payment_risk_score_without"]
    assert facts["notes"] == [
        "no diagnosis row matches record_source chart_review, so nothing changes; in the extract record_source has "
        "chart_review_unlinked, encounter"
    ]
    assert found.plot() is not None


def test_against_scoring_the_extract_without_the_rows() -> None:
    """Random members: every score, every HCC, and the totals, against the naive scorer with the rows deleted."""
    random = Random(29)
    members = random_members(random, TOY_CODES, 80)
    sources = ("encounter", "chart_review_linked", "chart_review_unlinked")
    rows = [
        (member.member_id, code, f"c{random.randrange(50)}", random.choice(sources), "p")
        for member in members
        for code in member.codes
    ]
    gone = {f"c{number}" for number in range(20)}
    found = without(rows, members=members, where={"claim_id": sorted(gone)}, rate=500.0)
    changed = {row["member_id"]: row for row in found.changed_scores.to_pylist()}
    hccs = {(row["member_id"], row["model_id"], row["hcc"]): row for row in found.changed_hccs.to_pylist()}
    n_hccs, dollars = 0, 0.0
    for member in members:
        known = {"sex": member.sex, "age": member.age_years, "status": member.status}
        left = [row[1] for row in rows if row[0] == member.member_id and row[2] not in gone]
        before = naive.payment_score(TOY_YEAR, "atlantis", **known, codes=member.codes)
        after = naive.payment_score(TOY_YEAR, "atlantis", **known, codes=left)
        change = float(after["payment"] - before["payment"])
        if member.member_id in changed:
            row = changed[member.member_id]
            assert row["payment_risk_score"] == float(before["payment"])
            assert row["payment_risk_score_without"] == float(after["payment"])
            assert row["change"] == pytest.approx(change, abs=1e-12)
        else:
            assert change == 0
        dollars += change * 12 * 500
        for model_id in before["models"]:
            model = naive.read_model(str(TOY_YEAR / model_id))
            mapped, mapped_after, removed = (
                naive.mapped_hccs(model, codes, member.sex, member.age_years, "default")
                for codes in (
                    member.codes,
                    left,
                    [row[1] for row in rows if row[0] == member.member_id and row[2] in gone],
                )
            )
            for hcc in removed:
                row = hccs[member.member_id, model_id, hcc]
                assert (row["effect"] == "lost") == (hcc not in mapped_after)
                n_hccs += 1
            assert mapped - mapped_after <= removed
    assert n_hccs > 100
    others = [row for row in hccs.values() if row["effect"] in ("comes_back", "drops_out")]
    assert len(others) > 10
    assert all(row["was_kept"] != row["is_kept"] for row in others)
    assert found.run["without"]["dollars_change"] == pytest.approx(dollars)
    totals = found.to_pandas("changes_by_hcc")
    assert totals.rows_lost.sum() == sum(row["effect"] == "lost" for row in hccs.values())


def test_files_threads_and_filters_do_not_matter(tmp_path: Path) -> None:
    for place, part in enumerate((ROWS[:2], ROWS[2:])):
        pq.write_table(diagnoses_of(part), tmp_path / f"part-{place}.parquet", row_group_size=1)
    members = enrollment_table([Member("a"), Member("b")])
    scores = riskadj.score(members, tmp_path, **TOY, threads=2)
    found = scores.without(where={"record_source": "encounter"})
    expected = without(where={"record_source": "encounter"})
    assert found.changed_scores.to_pylist() == expected.changed_scores.to_pylist()
    assert found.changed_hccs.to_pylist() == expected.changed_hccs.to_pylist()


def test_an_extract_that_changed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "diagnoses.csv"
    diagnoses_of(ROWS).to_pandas().to_csv(path, index=False)
    scores = riskadj.score(enrollment_table([Member("a"), Member("b")]), path, **TOY)
    diagnoses_of(ROWS[1:]).to_pandas().to_csv(path, index=False)
    with pytest.raises(RiskAdjError, match="not the one that was scored"):
        scores.without(where={"claim_id": "c2"})


@pytest.mark.parametrize(
    ("goes", "words"),
    [
        ({}, "either where= .* or listed="),
        ({"where": {"claim_id": "c1"}, "listed": pa.table({"claim_id": ["c1"]})}, "either where="),
        ({"where": {}}, "names no column or no value"),
        ({"where": {"claim_id": []}}, "names no column or no value"),
        ({"where": {"clam_id": "c1"}}, "nearest: claim_id"),
        ({"where": {"claim_type": "inpatient"}}, "have no such column"),
        ({"where": {"service_date": "May"}}, "is no date"),
        ({"listed": pa.table({"claim": ["c1"]})}, "none of the diagnoses' columns"),
        ({"listed": pa.table({"claim_id": pa.array([], pa.string())})}, "has no rows"),
    ],
)
def test_calls_that_say_nothing(goes: dict, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        without(**goes)


def test_command(tmp_path: Path) -> None:
    extracts = cli_runs.Extracts(tmp_path)
    enrolled = extracts.put("enrollment.parquet", cli_runs.enrollment())
    source = ["encounter"] * 5 + ["chart_review_unlinked"]
    diagnosed = extracts.put("diagnoses.parquet", cli_runs.diagnoses(record_source=source))
    files = ("--enrollment", enrolled, "--diagnoses", diagnosed, "--output", extracts.output)
    done = cli_runs.run(
        "without", *cli_runs.TOY, *files, "--where", "record_source=encounter", "--rate", "900"
    )
    assert (done.status, done.err) == (0, "")
    assert cli_runs.ID_MARK not in done.out
    assert sorted(path.name for path in extracts.output.iterdir()) == [
        "changed_hccs.parquet", "changed_scores.parquet", "changed_scores.png", "changes_by_hcc.parquet", "run.json",
    ]  # fmt: skip
    expected = riskadj.score(enrolled, diagnosed, **TOY).without(
        where={"record_source": "encounter"}, rate=900
    )
    written = pq.read_table(extracts.output / "changed_scores.parquet")
    assert written.to_pylist() == expected.changed_scores.to_pylist()
    dollars = sum(row["dollars_change"] for row in written.to_pylist())
    (line,) = (line for line in done.out.splitlines() if line.startswith("dollars change"))
    assert line.split()[-1] == f"{dollars:,.0f}"
    for words in (["--where", "record_source"], ["--where", "a=b", "--where", "a=c"], []):
        wrong = cli_runs.run("without", *cli_runs.TOY, *files, *words, "--overwrite")
        assert (wrong.status, wrong.err.split(":")[0]) == (2, "OptionError")


def test_summary_and_repr() -> None:
    found = without(where={"claim_id": "c1"})
    lines = found.summary().set_index("what")["number"]
    assert (lines["rows_removed"], lines["rows_left"]) == (1, 4)
    assert repr(found) == "<ScoresWithout 1 of claim_id: 1 of 5 diagnoses>"
