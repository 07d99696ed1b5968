"""Encounter completeness: every diagnosis in one class, counts that add up, and scores that the naive scorer gives."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import ColumnMissingError, ExtractError, OptionError, RiskAdjError
from tests import cli_runs, naive, naive_encounters
from tests.members import TOY_MAPS, TOY_YEAR, Member, enrollment_table, random_members
from tests.report_files import mao004_lines, raps_lines, write_lines

TOY = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
V1 = {**TOY, "models": ["toy_hcc_v1"]}
NAMES = ("member_id", "diagnosis_code", "claim_id", "service_date", "claim_type")


def day(month: int, number: int = 5) -> dt.date:
    return dt.date(2098, month, number)


#: Two women of 70 with sea fever, coral lung and kelp heart; what became of each row is in the test.
OURS = [
    ("a", "Q05", "c1", day(1), "professional"),
    ("a", "q0.5 ", "c1", day(1), "professional"),  # the same again
    ("a", "Q02", "c1", day(1), "professional"),
    ("a", "Q01", "c2", day(2), "inpatient"),
    ("b", "Q06", "c3", day(3), "outpatient"),
    ("b", "Q05", "c4", day(3), "professional"),
    ("b", "Q09", "c5", day(4), "professional"),
    ("b", "Q12", "c6", day(4), "professional"),
    ("b", "Q03", "c7", day(5), None),
    ("b", "Q03", "c8", dt.date(2097, 5, 1), "professional"),  # of another year
]


def ours(rows: list[tuple] = OURS) -> pa.Table:
    return pa.table({name: pa.array([row[place] for row in rows]) for place, name in enumerate(NAMES)})


def reported(member: str, icn: str, codes: str, when: dt.date, sent: int = 1, **more) -> dict:
    """Return a record of an MAO-004; codes as ``Q05-A Q06-D``."""
    pairs = [pair.split("-") for pair in codes.split()]
    places = list(enumerate(pairs, start=1))
    return {
        "member_id": member, "claim_id": icn, "encounter_type": "1", "submission_date": dt.date(2099, 2, sent),
        "service_date": when, "service_type": "P", "allowed": "A", "icd_version": "0",
        **{f"diagnosis_code_{n}": code for n, (code, _) in places},
        **{f"add_or_delete_{n}": flag for n, (_, flag) in places}, **more,
    }  # fmt: skip


MAO004 = [
    reported("a", "N1", "Q05-A", day(1)),
    reported("b", "N3", "Q06-A", day(3)),
    reported("b", "N8", "Q06-D", day(3), 9, encounter_type="7", linked_claim_id="N3"),
    reported("b", "N4", "Q05-A", day(3), allowed="D", reason="H"),
    reported("a", "N9", "Q06-A", day(6)),
    reported("a", "N7", "Q01-A", dt.date(2097, 6, 1)),
]
MAO002 = pa.table({
    "claim_id": ["c1", "c2", "c2", "c3", "c4", "c5"], "icn": ["N1", None, None, "N3", "N4", "N5"],
    "line_number": ["000", "000", "001", "000", "000", "000"],
    "status": ["Accepted", "Rejected", "Rejected", "accepted", "accepted", "accepted"],
    "error_code": [None, "98325", "00265", None, None, None],
})  # fmt: skip


def mao004(tmp_path: Path, rows: list[dict] = MAO004) -> Path:
    return write_lines(tmp_path / "mao004.txt", mao004_lines(rows))


def ask(tmp_path: Path, **options: Any) -> riskadj.Encounters:
    """Set OURS against the responses above."""
    given = {"mao002": MAO002, "submissions": pa.table({"claim_id": ["c6", "c1"]})}
    if "mao004" not in options:
        given["mao004"] = mao004(tmp_path)
    return riskadj.encounters(
        enrollment_table([Member("a"), Member("b")]), ours(), **{**V1, **given, **options}
    )


def rows_of(found: riskadj.Encounters) -> dict:
    return {
        (row["member_id"], row["diagnosis_code"], row["claim_id"]): (
            row["class"],
            row["source"],
            row["reason"],
        )
        for row in found.worklist.to_pylist()
    }


def test_each_diagnosis_is_in_one_class(tmp_path: Path) -> None:
    found = ask(tmp_path)
    assert rows_of(found) == {
        ("a", "Q02", "c1"): ("missing", "MAO-004", "claim is there without it"),
        ("a", "Q01", "c2"): ("rejected", "MAO-002", "98325"),
        ("b", "Q06", "c3"): ("deleted", "MAO-004", "deletion"),
        ("b", "Q05", "c4"): ("accepted_not_allowed", "MAO-004", "H"),
        ("b", "Q09", "c5"): ("no_response", "MAO-002", "accepted, no report of its diagnoses"),
        ("b", "Q12", "c6"): ("no_response", "submissions", "submitted"),
        ("b", "Q03", "c7"): ("missing", None, None),
        ("a", "Q06", "N9"): ("accepted_without_claim", "MAO-004", None),
    }
    facts = found.run["encounters"]
    assert (facts["rows_read"], facts["rows_unusable"]) == (10, 0)
    assert (facts["rows_outside_window"], facts["rows_repeated"], facts["diagnoses"]) == (1, 1, 8)
    counts = dict(zip(*found.classes.select(["class", "diagnoses"]).to_pydict().values(), strict=True))
    assert counts == {
        "accepted_allowed": 1, "deleted": 1, "accepted_not_allowed": 1, "rejected": 1, "no_response": 2, "missing": 2,
        "accepted_without_claim": 1,
    }  # fmt: skip
    assert {name: facts[name] for name in counts} == counts
    # c1 is accepted, as its best diagnosis is
    assert found.classes["claims"].to_pylist() == [1, 1, 1, 1, 2, 1, None]
    assert facts["responses"]["MAO-004"] == {
        "rows_read": 6, "rows_outside_window": 1, "rows_without_key": 0, "keys": 5, "keys_of_ours": 3,
        "accepted_without_claim": 1,
    }  # fmt: skip
    assert facts["responses"]["MAO-002"]["submissions"] == 5


def test_months_and_claim_types_add_up(tmp_path: Path) -> None:
    found = ask(tmp_path)
    months = found.months.to_pylist()
    assert sum(row["diagnoses"] for row in months) == 8
    assert [(row["month"], row["claim_type"], row["class"]) for row in months][:3] == [
        (day(1, 1), "professional", "accepted_allowed"), (day(1, 1), "professional", "missing"),
        (day(2, 1), "inpatient", "rejected"),
    ]  # fmt: skip
    assert months[-1]["claim_type"] == "(none)"
    claims = found.claims.to_pylist()
    assert sum(row["claims"] for row in claims) == 7
    assert claims[0] == {
        "month": day(1, 1),
        "claim_type": "professional",
        "class": "accepted_allowed",
        "claims": 1,
    }


def test_what_is_at_stake(tmp_path: Path) -> None:
    """Worked by hand under toy_hcc_v1, normalization 1.1, coding intensity 5.9 %, 12 months at $1,000.

    a accepted: 0.400 + HCC5 0.300 = 0.700 -> 0.636 -> 0.598. All: HCC1 1.000 drops HCC2 -> 1.700 -> 1.545 -> 1.454.
    With HCC2 alone: 1.200 -> 1.091 -> 1.027. CMS counts HCC6 besides: 0.700 + 0.600 + gHEART_HCC5 0.080 = 1.380 ->
    1.255 -> 1.181. b accepted: 0.400 -> 0.364 -> 0.343.
    """
    found = ask(tmp_path, rate=1000)
    by_reason = {(row["class"], row["reason"]): row for row in found.reasons.to_pylist()}
    dollars = {key: row["dollars_at_stake"] for key, row in by_reason.items()}
    assert dollars["accepted_allowed", None] == 0
    assert dollars["rejected", "98325"] == pytest.approx((1.454 - 0.598) * 12_000)
    assert dollars["missing", "claim is there without it"] == pytest.approx((1.027 - 0.598) * 12_000)
    assert dollars["accepted_without_claim", None] == pytest.approx((1.181 - 0.598) * 12_000)
    # b: HCC6 1.000 -> 0.909 -> 0.855; HCC5 0.700 -> 0.636 -> 0.598
    assert dollars["deleted", "deletion"] == pytest.approx((0.855 - 0.343) * 12_000)
    assert dollars["accepted_not_allowed", "H"] == pytest.approx((0.598 - 0.343) * 12_000)
    (a, b) = found.scores.to_pylist()
    assert (a["payment_risk_score"], a["payment_risk_score_accepted"], a["payment_risk_score_of_cms"]) == (
        1.454, 0.598, 1.181,
    )  # fmt: skip
    assert (a["score_at_stake"], a["score_without_claim"]) == (0.856, 0.583)
    assert a["dollars_without_claim"] == pytest.approx(6996.0)
    assert (b["payment_risk_score_accepted"], b["score_without_claim"]) == (0.343, 0.0)
    facts = found.run["encounters"]
    assert facts["mean_payment_risk_score_accepted"] == pytest.approx((0.598 + 0.343) / 2)
    assert facts["dollars_at_stake"] == pytest.approx((0.856 + b["score_at_stake"]) * 12_000)
    assert facts["dollars_without_claim"] == pytest.approx(6996.0)


def test_matched_by_service_date_and_raps(tmp_path: Path) -> None:
    """Without a crosswalk the ICN says nothing: member, code and through date do, and so for RAPS."""
    cluster = {"provider_type_1": "20", "service_start_date_1": day(2), "service_date_1": day(2)}
    raps = write_lines(tmp_path / "raps.txt", raps_lines([[
        {"member_id": "a", "diagnosis_code_1": "Q01", **cluster},
        {"member_id": "b", "diagnosis_code_1": "Q03", **cluster, "cluster_error_1_1": "408",
         "service_date_1": day(5)},
        {"member_id": "b", "diagnosis_code_1": "Q20", **cluster},
    ]]))  # fmt: skip
    found = ask(tmp_path, mao002=None, submissions=None, raps=raps)
    assert rows_of(found) == {
        ("a", "Q02", "c1"): ("missing", None, None),
        ("b", "Q06", "c3"): ("deleted", "MAO-004", "deletion"),
        ("b", "Q05", "c4"): ("accepted_not_allowed", "MAO-004", "H"),
        ("b", "Q09", "c5"): ("missing", None, None),
        ("b", "Q12", "c6"): ("missing", None, None),
        ("b", "Q03", "c7"): ("rejected", "RAPS", "408"),
        ("a", "Q06", "N9"): ("accepted_without_claim", "MAO-004", None),
        ("b", "Q20", None): ("accepted_without_claim", "RAPS", None),
    }
    assert found.run["encounters"]["matched_by"]["MAO-004"] == ["member_id", "diagnosis_code", "service_date"]


@pytest.mark.parametrize("known_as", ["old", "new"])
def test_a_member_goes_by_the_corrected_id_too(tmp_path: Path, known_as: str) -> None:
    """RAPS answers for the id submitted and for the one that CMS put beside it; what we lack is under the latter."""
    cluster = {"provider_type_1": "20", "service_start_date_1": day(1), "service_date_1": day(1)}
    given = {"member_id": "old", "corrected_member_id": "new", **cluster}
    raps = write_lines(
        tmp_path / "raps.txt",
        raps_lines([[{**given, "diagnosis_code_1": "Q05"}, {**given, "diagnosis_code_1": "Q06"}]]),
    )
    rows = [(known_as, "Q05", "c1", day(1), "professional")]
    found = riskadj.encounters(enrollment_table([Member(known_as)]), ours(rows), **V1, raps=raps)
    assert rows_of(found) == {("new", "Q06", None): ("accepted_without_claim", "RAPS", None)}
    assert found.run["encounters"]["responses"]["RAPS"]["rows_with_corrected_member_id"] == 2


def test_acceptance_alone_counts_as_allowed_and_says_so(tmp_path: Path) -> None:
    found = ask(tmp_path, mao004=None, submissions=None)
    kinds = Counter(row["class"] for row in found.worklist.to_pylist())
    assert kinds == {"rejected": 1, "missing": 2}
    assert found.run["encounters"]["notes"] == [
        "no report says which diagnoses are allowed: what MAO-002 accepts is taken as allowed"
    ]


def test_an_encounter_is_rejected_as_a_whole_or_line_by_line(tmp_path: Path) -> None:
    """c1: one line of two rejected; c2: both; c3: the whole, though a line is not; c4: rejected, then accepted."""
    answers = [
        ("c1", "1", "accepted", None, day(1)), ("c1", "2", "rejected", "E1", day(1)),
        ("c2", "1", "rejected", "E2", day(1)), ("c2", "2", "rejected", "E3", day(1)),
        ("c3", "1", "accepted", None, day(1)), ("c3", "0", "rejected", None, day(1)),
        ("c4", "", "rejected", "E4", day(1)), ("c4", "", "accepted", None, day(2)),
    ]  # fmt: skip
    names = ("claim_id", "line_number", "status", "error_code", "submission_date")
    path = tmp_path / "mao002.csv"
    pcsv.write_csv(
        pa.table({name: [row[place] for row in answers] for place, name in enumerate(names)}), path
    )
    found = ask(tmp_path, mao004=None, mao002=path, submissions=None)
    kinds = {key[2]: value for key, value in rows_of(found).items()}
    assert (kinds["c2"], kinds["c3"]) == (
        ("rejected", "MAO-002", "E2"),
        ("rejected", "MAO-002", "no error code"),
    )
    assert {"c1", "c4"} & set(kinds) == set()


def random_case(random: Random) -> tuple[list[Member], list[tuple], list[dict], list[dict], list[dict]]:
    """Return members, our rows, and MAO-004, MAO-002 and RAPS as the naive twin reads them."""
    codes = ("Q01", "Q02", "Q03", "Q05", "Q06", "Q09", "Q12", "Q13", "Q51")
    members = random_members(random, codes, 40)
    rows = [
        (one.member_id, code, f"{one.member_id}-c{random.randrange(4)}", day(1 + random.randrange(3)), "inpatient")
        for one in members
        for code in naive_codes(one.codes)
    ]  # fmt: skip
    fours, raps = [], []
    for member, code, claim, when, _ in random.sample(rows, len(rows) // 2):
        fate = random.choice(("A", "A", "D", "delete"))
        fours.append({
            "member": member, "claim": claim, "code": code, "day": random.randrange(1, 9), "date": when,
            "counts": fate == "A", "deletes": fate == "delete", "reason": "H", "linked": None,
        })  # fmt: skip
    for member, code, _, when, _ in random.sample(rows, len(rows) // 3):
        fate = random.choice(("A", "A", "rejected", "delete", "refused deletion"))
        raps.append({
            "member": member, "code": code, "date": when, "start": when, "provider": "20", "claim": "",
            "day": random.randrange(1, 9), "counts": fate == "A", "deletes": fate == "delete",
            "was_deletion": "deletion" in fate, "reason": "408",
        })  # fmt: skip
    claims = sorted({row[2] for row in rows})
    twos = [
        {"claim": claim, "error": random.choice(("", "98325"))}
        for claim in random.sample(claims, len(claims) // 2)
    ]
    return members, rows, fours, twos, raps


def naive_codes(codes: tuple[str, ...]) -> list[str]:
    return [code.strip().upper().replace(".", "") for code in codes if code.strip().upper()[:1] == "Q"]


def files_of(tmp_path: Path, fours: list[dict], raps: list[dict]) -> tuple[Path, list[Path]]:
    """Write MAO-004 and, for each day of submission, a RAPS file."""
    records = [
        reported(one["member"], one["claim"], f"{one['code']}-{'D' if one['deletes'] else 'A'}", one["date"],
                 one["day"], **({} if one["counts"] or one["deletes"] else {"allowed": "D", "reason": "H"}))
        for one in fours
    ]  # fmt: skip
    paths = []
    for number in sorted({one["day"] for one in raps}):
        details = [
            {"member_id": one["member"], "diagnosis_code_1": one["code"], "provider_type_1": "20",
             "service_start_date_1": one["start"], "service_date_1": one["date"],
             "delete_1": "D" if one["deletes"] or one["was_deletion"] else None,
             "cluster_error_1_1": None if one["counts"] or one["deletes"] else "408"}
            for one in raps if one["day"] == number
        ]  # fmt: skip
        lines = raps_lines([details], {"submission_date": dt.date(2099, 2, number)})
        paths.append(write_lines(tmp_path / f"raps-{number}.txt", lines))
    return mao004(tmp_path, records), paths


@pytest.mark.parametrize("seed", range(3))
def test_against_the_naive_twin(tmp_path: Path, seed: int) -> None:
    """Classes, counts and every score, on all our diagnoses, on the accepted ones, and on those that CMS counts."""
    random = Random(seed)
    members, rows, fours, twos, raps = random_case(random)
    sent = [row[2] for row in random.sample(rows, 10)]
    report, returns = files_of(tmp_path, fours, raps)
    found = riskadj.encounters(
        enrollment_table(members), ours(rows), **TOY, mao004=report, raps=returns, match="claim",
        mao002=pa.table({"claim_id": [one["claim"] for one in twos], "error_code": [one["error"] for one in twos],
                         "status": ["rejected" if one["error"] else "accepted" for one in twos]}),
        submissions=pa.table({"claim_id": sent}),
    )  # fmt: skip
    named = [dict(zip(("member", "code", "claim", "date", "type"), row, strict=True)) for row in rows]
    expected = naive_encounters.classify(named, mao004=fours, mao002=twos, raps=raps, sent=sent)
    listed = {
        (row["member_id"], row["claim_id"], row["diagnosis_code"], row["service_date"]): (
            row["class"], row["source"], row["reason"] or "",
        )
        for row in found.worklist.to_pylist()
        if row["class"] != "accepted_without_claim"
    }  # fmt: skip
    assert listed == {key: kind for key, kind in expected.items() if kind[0] != "accepted_allowed"}
    counts = Counter(kind for kind, _, _ in expected.values())
    summary = found.summary().set_index("class")
    assert {kind: n for kind, n in summary["diagnoses"].items() if n} == dict(counts)
    assert len(counts) >= 5
    by_month = Counter()
    for row in found.months.to_pylist():
        by_month[row["class"]] += row["diagnoses"]
    assert by_month == counts
    scores = {row["member_id"]: row for row in found.scores.to_pylist()}
    for member in members:
        known = {"sex": member.sex, "age": member.age_years, "status": member.status}
        mine = {key[2]: kind[0] for key, kind in expected.items() if key[0] == member.member_id}
        all_codes = [key[2] for key in expected if key[0] == member.member_id]
        accepted = [key[2] for key, kind in expected.items()
                    if key[0] == member.member_id and kind[0] == "accepted_allowed"]  # fmt: skip
        whole, part = (
            float(naive.payment_score(TOY_YEAR, "atlantis", **known, codes=codes)["payment"])
            for codes in (all_codes, accepted)
        )
        assert len(mine) <= len(all_codes)
        row = scores.get(member.member_id)
        assert (row is not None) or whole == part
        if row is not None:
            assert (row["payment_risk_score"], row["payment_risk_score_accepted"]) == (whole, part)


def test_files_and_threads_do_not_matter(tmp_path: Path) -> None:
    for place, part in enumerate((OURS[:3], OURS[3:])):
        pq.write_table(ours(part), tmp_path / f"part-{place}.parquet", row_group_size=1)
    one = ask(tmp_path, threads=1)
    enrollment = enrollment_table([Member("a"), Member("b")])
    given = {"mao004": riskadj.read_mao004(mao004(tmp_path)), "mao002": MAO002}
    other = riskadj.encounters(
        enrollment, str(tmp_path / "part-*.parquet"), **V1, **given, threads=2,
        submissions=pa.table({"claim_id": ["c6", "c1"]}),
    )  # fmt: skip
    assert (
        one.worklist.sort_by("diagnosis_code").to_pylist()
        == other.worklist.sort_by("diagnosis_code").to_pylist()
    )
    assert one.reasons.to_pylist() == other.reasons.to_pylist()
    assert one.scores.to_pylist() == other.scores.to_pylist()


def test_files_of_different_making(tmp_path: Path) -> None:
    """One file has dictionaries, the other a row whose date cannot be read: rejected, and counted as unusable."""
    encoded = ours(OURS[:4])
    for name in ("member_id", "claim_id"):
        place = encoded.schema.get_field_index(name)
        encoded = encoded.set_column(place, name, encoded[name].dictionary_encode())
    pq.write_table(encoded, tmp_path / "one.parquet")
    rows = [(*row[:3], f"{row[3]}", row[4]) for row in OURS[4:]] + [
        ("a", "Q05", "c9", "no date", "professional")
    ]
    pq.write_table(ours(rows), tmp_path / "two.parquet")
    files = [str(tmp_path / "one.parquet"), str(tmp_path / "two.parquet")]
    found = riskadj.encounters(
        enrollment_table([Member("a"), Member("b")]), files, **V1, mao004=mao004(tmp_path), mao002=MAO002,
        submissions=pa.table({"claim_id": ["c6", "c1"]}), rejects="write",
    )  # fmt: skip
    assert rows_of(found) == rows_of(ask(tmp_path))
    facts = found.run["encounters"]
    assert (facts["rows_read"], facts["rows_unusable"], facts["diagnoses"]) == (11, 1, 8)


def test_diagnoses_without_claims_or_dates(tmp_path: Path) -> None:
    enrollment = enrollment_table([Member("a"), Member("b")])
    bare = ours().select(["member_id", "diagnosis_code", "service_date"])
    found = riskadj.encounters(enrollment, bare, **V1, mao004=mao004(tmp_path))
    assert found.claims.num_rows == 0
    assert found.classes["claims"].null_count == 7
    with pytest.raises(ColumnMissingError, match="lacks 'claim_id'"):
        riskadj.encounters(enrollment, bare, **V1, mao002=MAO002)
    with pytest.raises(ColumnMissingError, match="lacks 'service_date'"):
        riskadj.encounters(enrollment, bare.drop_columns(["service_date"]), **V1, mao004=mao004(tmp_path))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"mao004": None, "mao002": None}, OptionError, r"no response was given; give mao004="),
        ({"match": "clam"}, OptionError, "nearest: claim"),
        ({"mao002": pa.table({"claim_id": ["c1"]})}, ColumnMissingError, "lacks 'status'"),
        ({"mao002": pa.table({"claim_id": ["c1"], "status": ["perhaps"]})}, ExtractError,
         r"another word in 1 of 1 rows \(first rows: 1\); allowed: accepted, rejected"),
        ({"mao002": pa.table({"claim_id": ["c1", "c2"], "icn": ["N1", "N1"], "status": ["accepted"] * 2})},
         ExtractError, "1 encounter numbers .* stand beside several claim_ids"),
        ({"mao002": pa.table({"claim_id": ["c1"], "status": ["accepted"], "submission_date": ["May"]})},
         RiskAdjError, "submission_date"),
        ({"submissions": pa.table({"claim_id": pa.array([], pa.string())})}, ExtractError, "has no rows"),
    ],
)  # fmt: skip
def test_calls_that_cannot_be_answered(tmp_path: Path, options: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        ask(tmp_path, **options)


def test_responses_of_somebody_else_are_noticed(tmp_path: Path) -> None:
    theirs = mao004(tmp_path, [reported("x", "N77", "Q05-A", day(1))])
    found = ask(tmp_path, mao004=theirs, mao002=None, match="claim")
    (note,) = found.run["encounters"]["notes"]
    assert note.startswith("none of our diagnoses is in MAO-004 by member_id, claim_id, diagnosis_code")


def test_reports_of_another_year_say_nothing(tmp_path: Path) -> None:
    found = ask(tmp_path, mao004=mao004(tmp_path, MAO004[-1:]), mao002=None, submissions=None)
    assert {kind for kind, _, _ in rows_of(found).values()} == {"missing"}
    assert found.run["encounters"]["responses"]["MAO-004"]["rows_outside_window"] == 1


def test_claim_ids_of_files_keep_their_zeros(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("claim_id,status\n007,accepted\n", encoding="utf-8")
    rows = [("a", "Q05", claim, day(1), "professional") for claim in ("007", "7")]
    found = riskadj.encounters(enrollment_table([Member("a")]), ours(rows), **V1, mao002=path)
    assert rows_of(found) == {("a", "Q05", "7"): ("missing", None, None)}


def test_a_code_without_hcc_is_worth_nothing() -> None:
    """Nothing is at stake, and every table is there."""
    rows = [("a", "Z0000", "c1", day(1), "professional")]
    found = riskadj.encounters(enrollment_table([Member("a")]), ours(rows), **V1, mao002=MAO002)
    assert found.scores.num_rows == 0
    assert found.run["encounters"]["score_months_at_stake"] == 0.0
    assert found.summary()["diagnoses"].sum() == 1


def test_blank_claims_match_nothing(tmp_path: Path) -> None:
    rows = [("a", "Q05", None, day(1), "professional")]
    blank = pa.table({"claim_id": pa.array([None, "c9"]), "status": ["accepted"] * 2})
    found = riskadj.encounters(enrollment_table([Member("a")]), ours(rows), **V1, mao002=blank)
    assert rows_of(found) == {("a", "Q05", None): ("missing", None, None)}


def test_command(tmp_path: Path) -> None:
    extracts = cli_runs.Extracts(tmp_path)
    enrolled = extracts.put("enrollment.parquet", cli_runs.enrollment())
    claims = [f"c{number}" for number in range(6)]
    diagnosed = extracts.put("diagnoses.parquet", cli_runs.diagnoses(claim_id=claims))
    report = mao004(tmp_path, [reported(cli_runs.member(0), "c0", "Q01-A", day(5, 1))])
    answers = tmp_path / "mao002.csv"
    answers.write_text("claim_id,status,error_code\nc0,accepted,\nc1,rejected,98325\n", encoding="utf-8")
    files = ("--enrollment", enrolled, "--diagnoses", diagnosed, "--output", extracts.output)
    responses = ("--mao004", report, "--mao002", answers, "--match", "claim", "--rate", "900")
    done = cli_runs.run("encounters", *cli_runs.TOY, *files, *responses)
    assert (done.status, done.err) == (0, "")
    assert cli_runs.ID_MARK not in done.out
    assert "98325" in done.out
    assert sorted(path.name for path in extracts.output.iterdir()) == [
        "encounter_claims.parquet", "encounter_classes.parquet", "encounter_classes.png", "encounter_months.parquet",
        "encounter_reasons.parquet", "encounter_scores.parquet", "encounter_worklist.parquet", "run.json",
    ]  # fmt: skip
    kinds = pq.read_table(extracts.output / "encounter_classes.parquet").to_pydict()
    assert dict(zip(kinds["class"], kinds["diagnoses"], strict=True))["rejected"] == 1
    wrong = cli_runs.run("encounters", *cli_runs.TOY, *files, "--overwrite")
    assert (wrong.status, wrong.err.split(":")[0]) == (2, "OptionError")


def test_repr_and_plot(tmp_path: Path) -> None:
    found = ask(tmp_path, rate=1000)
    assert repr(found) == "<Encounters: 1 of 8 diagnoses accepted and allowed>"
    assert found.plot() is not None
    assert list(found.to_pandas("reasons").columns)[:4] == ["class", "source", "reason", "diagnoses"]
