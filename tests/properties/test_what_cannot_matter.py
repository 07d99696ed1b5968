"""Order, repeats, unmapped codes, other members, row groups, chunks, files and threads: none may change a score."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from tests.members import (
    CODES_WITHOUT_HCC,
    TOY_MAPS,
    Member,
    diagnoses_table,
    enrollment_table,
    pairs_table,
    random_members,
    spelt,
)

N_MEMBERS = 60
CODES = ("Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q51", "Q52", "Q53")


def score(enrollment, diagnoses, **options):
    """Score in the toy year, as paid."""
    known = {"payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS}
    return riskadj.score(enrollment=enrollment, diagnoses=diagnoses, **known, **options)


def payments(scores) -> dict[str, float]:
    return {row["member_id"]: row["payment_risk_score"] for row in scores.payment_scores.to_pylist()}


def model_rows(scores) -> dict[tuple[str, str], dict]:
    return {(row["member_id"], row["model_id"]): row for row in scores.model_scores.to_pylist()}


@pytest.fixture(scope="module")
def members() -> list[Member]:
    return random_members(Random(99), CODES, N_MEMBERS)


@pytest.fixture(scope="module")
def expected(members: list[Member]) -> riskadj.Scores:
    """Scores of the plain call, which other tests compare with the naive scorer."""
    return score(enrollment_table(members), diagnoses_table(members))


@pytest.fixture(scope="module")
def pairs(members: list[Member]) -> list[tuple[str, str]]:
    return [(member.member_id, code) for member in members for code in member.codes]


def check_same(scores, expected) -> None:
    assert payments(scores) == payments(expected)
    assert model_rows(scores) == model_rows(expected)


@pytest.mark.parametrize("seed", range(4))
def test_order_of_diagnoses(members, pairs, expected, seed: int) -> None:
    shuffled = Random(seed).sample(pairs, len(pairs))
    check_same(score(enrollment_table(members), pairs_table(shuffled)), expected)


def test_repeats_and_spelling(members, pairs, expected) -> None:
    random = Random(7)
    repeated = [(member, spelt(random, code.replace(".", "").strip())) for member, code in pairs * 3]
    check_same(score(enrollment_table(members), pairs_table(pairs + repeated)), expected)


def test_codes_without_hcc(members, pairs, expected) -> None:
    extra = [(member.member_id, code) for member in members for code in CODES_WITHOUT_HCC]
    check_same(score(enrollment_table(members), pairs_table(extra + pairs + extra)), expected)


def test_diagnoses_of_people_who_are_not_enrolled(members, pairs, expected) -> None:
    strangers = [
        (f"{member}{suffix}", code)
        for member, code in pairs
        for suffix in ("x", "_0", " stranger of long name")
    ]
    scores = score(enrollment_table(members), pairs_table(strangers + pairs), rejects="write")
    check_same(scores, expected)
    assert 0 < scores.rejects.num_rows <= len(strangers)  # those whose date and code count are listed


@pytest.mark.parametrize("keep", [1, 2, 7])
def test_other_members(members, expected, keep: int) -> None:
    some = members[::keep] if keep > 1 else members[:1]
    ids = {member.member_id for member in some}
    scores = score(enrollment_table(some), diagnoses_table(members), rejects="write")
    assert payments(scores) == {key: value for key, value in payments(expected).items() if key in ids}
    assert model_rows(scores) == {key: row for key, row in model_rows(expected).items() if key[0] in ids}


def test_order_of_members(members, expected) -> None:
    shuffled = Random(3).sample(members, len(members))
    scores = score(enrollment_table(shuffled), diagnoses_table(members))
    assert [row["member_id"] for row in scores.payment_scores.to_pylist()] == [m.member_id for m in shuffled]
    check_same(scores, expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n_rows", [7, 61, 10_000])
def test_row_groups_and_threads(members, expected, tmp_path: Path, threads: int, n_rows: int) -> None:
    paths = tmp_path / "enrollment.parquet", tmp_path / "diagnoses.parquet"
    pq.write_table(enrollment_table(members), paths[0], row_group_size=n_rows)
    pq.write_table(diagnoses_table(members), paths[1], row_group_size=n_rows)
    check_same(score(*paths, threads=threads), expected)


def test_arrow_chunks(members, expected) -> None:
    tables = [enrollment_table(members), diagnoses_table(members)]
    check_same(
        score(*(pa.Table.from_batches(table.to_batches(max_chunksize=5)) for table in tables)), expected
    )


def test_dictionaries_and_other_string_types(members, expected) -> None:
    enrollment, diagnoses = enrollment_table(members), diagnoses_table(members)
    codes = diagnoses["diagnosis_code"].dictionary_encode()
    ids = diagnoses["member_id"].cast(pa.large_string())
    dictionary = pa.table({"member_id": ids, "diagnosis_code": codes})
    check_same(score(enrollment, dictionary), expected)


def test_several_files_and_csv(members, expected, tmp_path: Path) -> None:
    import pyarrow.csv

    diagnoses = diagnoses_table(members)
    folder = tmp_path / "diagnoses"
    folder.mkdir()
    half = diagnoses.num_rows // 2
    pq.write_table(diagnoses.slice(0, half), folder / "b.parquet")
    pq.write_table(diagnoses.slice(half), folder / "a.parquet")
    pyarrow.csv.write_csv(enrollment_table(members), tmp_path / "enrollment.csv")
    check_same(score(tmp_path / "enrollment.csv", folder), expected)


@pytest.mark.parametrize("kind", ["integer", "long", "binary"])
def test_kinds_of_member_ids(members, expected, kind: str) -> None:
    """Ids of every type and length give every member the same score."""
    long = "a member id longer than any slot "
    change = {
        "integer": lambda column: pa.array([int(value[1:]) for value in column.to_pylist()], pa.int64()),
        "long": lambda column: pa.array([long + value for value in column.to_pylist()]),
        "binary": lambda column: pa.array(
            [value.encode().ljust(4) for value in column.to_pylist()], pa.binary(4)
        ),
    }[kind]
    tables = [enrollment_table(members), diagnoses_table(members)]
    scores = score(*(table.set_column(0, "member_id", change(table["member_id"])) for table in tables))
    values = [row["payment_risk_score"] for row in scores.payment_scores.to_pylist()]
    assert values == list(payments(expected).values())
