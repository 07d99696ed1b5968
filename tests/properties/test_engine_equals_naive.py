"""The engine against the naive scorer: random members in the toy models, in random models and as each year pays."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskadj
from riskadj.errors import UnknownPaymentYearError
from tests import naive, random_models
from tests.members import (
    DUAL_STATUS_CODES,
    FLAGS,
    REAL_MAPS,
    TELLING_AGES,
    TOY_MAPS,
    TOY_YEAR,
    Member,
    diagnoses_table,
    engine_model_row,
    enrollment_table,
    exact,
    naive_model_row,
    random_members,
)

TOY_CODES = (
    "Q01", "Q02", "Q03", "Q04", "Q05", "Q0501", "Q06", "Q07", "Q08", "Q09", "Q12", "Q13", "Q20", "Q51", "Q52", "Q53",
    "q0.1", " Q12 ", "q05.01", "Z0000", "QQQ",
)  # fmt: skip


def members_with(codes: tuple[str, ...]) -> st.SearchStrategy[list[Member]]:
    """Return lists of members, one row each."""
    member = st.builds(
        Member,
        st.just(""),
        sex=st.sampled_from("MF"),
        age_years=st.sampled_from(TELLING_AGES),
        codes=st.lists(st.sampled_from(codes), max_size=8).map(tuple),
        orec=st.sampled_from("0123"),
        dual_status_code=st.sampled_from(DUAL_STATUS_CODES),
        flags=st.frozensets(st.sampled_from(FLAGS)),
        ltimcaid=st.sampled_from((None, True, False)),
        nemcaid=st.sampled_from((None, True, False)),
    )
    return st.lists(member, min_size=1, max_size=12).map(
        lambda members: [Member(f"M{n}", **_all_but_id(member)) for n, member in enumerate(members)]
    )


def _all_but_id(member: Member) -> dict:
    return {name: value for name, value in vars(member).items() if name != "member_id"}


def check_every_segment(
    year_folder: Path, members: list[Member], *, edits: str = "default", **options
) -> None:
    """Compare every row of model_scores with segments="all"."""
    models = sorted(path.name for path in year_folder.iterdir() if path.is_dir())
    scores = riskadj.score(
        enrollment=enrollment_table(members),
        diagnoses=diagnoses_table(members),
        payment_year=int(year_folder.name[2:]),
        models=models,
        segments="all",
        edits=edits,
        **options,
    )
    of_member = {member.member_id: member for member in members}
    rows = scores.model_scores.to_pylist()
    assert len(rows) == len(members) * sum(len(naive.segments_of(year_folder / model)) for model in models)
    for row in rows:
        member = of_member[row["member_id"]]
        expected = naive_model_row(year_folder, row["model_id"], member, row["segment"], edits)
        assert engine_model_row(row) == expected, (row["model_id"], member)


def check_as_paid(year_folder: Path, program: str, members: list[Member], **options) -> None:
    """Compare payment scores, and each model's part in them, with the year's own policy; no policy, no score."""
    scores = riskadj.score(
        enrollment=enrollment_table(members),
        diagnoses=diagnoses_table(members),
        payment_year=int(year_folder.name[2:]),
        program=program,
        rejects="write",
        **options,
    )
    expected = expected_payments(year_folder, program, members)
    paid = scores.payment_scores.to_pylist()
    assert [row["member_id"] for row in paid] == list(expected)
    rejected = [row for row in scores.rejects.to_pylist() if row["file"] == "enrollment"]
    assert {row["row_number"] - 1 for row in rejected} == {
        number for number, member in enumerate(members) if member.member_id not in expected
    }
    parts = {(row["member_id"], row["model_id"]): row for row in scores.model_scores.to_pylist()}
    n_parts = 0
    for row in paid:
        member, payment = expected[row["member_id"]]
        assert exact(row["payment_risk_score"]) == payment["payment"], member
        for model_id, part in payment["models"].items():
            engine = parts[member.member_id, model_id]
            assert exact(engine["weight"]) == part["weight"]
            assert engine_model_row(engine) == naive_model_row(
                year_folder, model_id, member, part["segment"], "default"
            )
            n_parts += 1
    assert n_parts == len(parts) == scores.model_scores.num_rows


def expected_payments(
    year_folder: Path, program: str, members: list[Member]
) -> dict[str, tuple[Member, dict]]:
    """Return the naive scorer's payment scores of the members that a policy of the year fits."""
    expected = {}
    for member in members:
        known = {"sex": member.sex, "age": member.age_years, "status": member.status}
        try:
            naive.policy_of(year_folder, program, **known)
        except LookupError:
            continue
        payment = naive.payment_score(year_folder, program, **known, codes=member.codes)
        expected[member.member_id] = (member, payment)
    return expected


@given(members=members_with(TOY_CODES), edits=st.sampled_from(("default", "none")))
def test_toy_models_every_segment(members: list[Member], edits: str) -> None:
    check_every_segment(TOY_YEAR, members, edits=edits, program="atlantis", maps_dir=TOY_MAPS)


@given(members=members_with(TOY_CODES))
def test_toy_models_as_paid(members: list[Member]) -> None:
    check_as_paid(TOY_YEAR, "atlantis", members, maps_dir=TOY_MAPS)


@pytest.mark.parametrize("n_rows", [2, 5])
def test_members_with_several_rows(n_rows: int) -> None:
    """Each row is scored on its own status, with all diagnoses of its member, and none is added or lost."""
    random = Random(n_rows)
    rows: list[Member] = []
    for person in random_members(random, TOY_CODES, 40):
        same = {"sex": person.sex, "age_years": person.age_years, "codes": person.codes, "orec": person.orec}
        for month, other in enumerate(random_members(random, TOY_CODES, n_rows), start=1):
            days = date(2099, month, 1), date(2099, month, 28)
            span = dict(zip(("enrollment_start_date", "enrollment_end_date"), days, strict=True))
            rows.append(Member(person.member_id, **(_all_but_id(other) | same | {"extra": span})))
    random.shuffle(rows)
    scores = riskadj.score(
        enrollment=enrollment_table(rows),
        diagnoses=diagnoses_table({row.member_id: row for row in rows}.values()),
        payment_year=2099,
        program="atlantis",
        maps_dir=TOY_MAPS,
    )
    paid = scores.payment_scores.to_pylist()
    assert [row["member_id"] for row in paid] == [row.member_id for row in rows]
    for row, engine in zip(rows, paid, strict=True):
        known = {"sex": row.sex, "age": row.age_years, "status": row.status, "codes": row.codes}
        assert (
            exact(engine["payment_risk_score"])
            == naive.payment_score(TOY_YEAR, "atlantis", **known)["payment"]
        )


@given(first=random_models.shapes, second=random_models.shapes, seed=st.integers(0, 10**6))
def test_random_models(first: random_models.Shape, second: random_models.Shape, seed: int) -> None:
    codes = tuple({*random_models.codes_of(first), *random_models.codes_of(second)})
    members = random_members(Random(seed), sorted(codes), 12)
    with tempfile.TemporaryDirectory() as maps:
        year_folder = random_models.write_year(Path(maps), {"model_a": first, "model_b": second})
        check_every_segment(year_folder, members, program="lemuria", maps_dir=maps)
        check_as_paid(year_folder, "lemuria", members, maps_dir=maps)


YEARS_WITH_NUMBERS = sorted(path.parent for path in REAL_MAPS.glob("medicare/py*/payment_year.toml"))


@pytest.mark.parametrize("year_folder", YEARS_WITH_NUMBERS, ids=lambda folder: folder.name)
def test_each_year_as_paid(year_folder: Path) -> None:
    """Policy, segments, blend and rounding of each payment year, on members of every kind."""
    models = [path for path in year_folder.iterdir() if path.is_dir()]
    codes = sorted({code for model in models for code in naive.read_model(str(model))["diagnoses"]})
    members = random_members(Random(year_folder.name), codes[::5], 200)
    if not naive.read_payment_year(str(year_folder)).get("policy"):
        with pytest.raises(UnknownPaymentYearError, match="no payment policy"):
            check_as_paid(year_folder, "medicare_part_c", members)
    else:
        check_as_paid(year_folder, "medicare_part_c", members)
