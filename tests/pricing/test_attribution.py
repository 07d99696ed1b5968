"""Attribution: worked by hand, against a plain-loop twin, and always a partition of the members."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.contracts.attribution import attribute
from pricing.errors import InputError
from tests.pricing import naive_contracts as naive

DAY = date(2025, 3, 1)
NAMES = ("member_id", "provider_id", "service_date", "allowed_amount", "step")


def visits(*rows, **extra):
    """Lines of member, provider, day of March, dollars; primary care all of them."""
    columns = list(zip(*rows, strict=True))
    return {
        "member_id": list(columns[0]), "provider_id": list(columns[1]),
        "service_date": [DAY.replace(day=day) for day in columns[2]], "allowed_amount": list(columns[3]),
        "is_primary_care": [True] * len(rows), **extra,
    }  # fmt: skip


def found(attribution):
    table = attribution.members
    return dict(zip(table["member_id"].to_pylist(), zip(table["provider_id"].to_pylist(), table["rule"].to_pylist(), strict=True), strict=True))  # fmt: skip # noqa: E501


def test_plurality_by_hand():
    lines = visits(
        ("a", "P1", 1, 50.0), ("a", "P1", 2, 50.0), ("a", "P2", 3, 500.0),  # two days against one
        ("b", "P1", 1, 40.0), ("b", "P2", 2, 60.0),  # a day each: the dollars
        ("c", "P1", 1, 40.0), ("c", "P2", 2, 40.0),  # a day each, as many dollars: the latest
        ("d", "P2", 1, 40.0), ("d", "P1", 1, 40.0),  # nothing tells them apart: the first id
        ("e", "P1", 1, 40.0), ("e", "P1", 1, -40.0), ("e", "P2", 1, 5.0),  # reversed: no visit
        ("f", "P1", 1, 40.0), ("f", "P1", 1, 40.0), ("f", "P2", 1, 1.0), ("f", "P2", 2, 1.0),  # one day is one visit
    )  # fmt: skip
    result = attribute({"member_id": list("abcdefg")}, lines)
    assert found(result) == {
        "a": ("P1", "plurality"), "b": ("P2", "tie: amount"), "c": ("P2", "tie: most_recent"),
        "d": ("P1", "tie: provider_id"), "e": ("P2", "plurality"), "f": ("P2", "plurality"),
        "g": (None, "no primary care"),
    }  # fmt: skip
    assert (result.run["members"], result.run["attributed"], result.run["unattributed"]) == (7, 6, 1)
    by_amount = attribute({"member_id": ["a"]}, lines, measure="amount", ties=("visits", "provider_id"))
    assert found(by_amount)["a"] == ("P2", "plurality")  # $500 against $100
    row = result.members.slice(0, 1).to_pylist()[0]
    assert (row["visits"], row["amount"], row["last_visit"]) == (2, 100.0, DAY.replace(day=2))


def test_assignment_goes_before_plurality_and_after_it():
    members = {"member_id": ["a", "b"], "assigned_provider_id": ["P9", ""]}
    lines = visits(("a", "P1", 1, 10.0), ("b", "P1", 1, 10.0))
    first = attribute(members, lines, methods=("assigned", "plurality"))
    assert found(first) == {"a": ("P9", "assigned"), "b": ("P1", "plurality")}
    second = attribute(members, lines, methods=("plurality", "assigned"))
    assert found(second)["a"] == ("P1", "plurality")
    alone = attribute(members, methods=("assigned",))
    assert found(alone) == {"a": ("P9", "assigned"), "b": (None, "not assigned")}


def test_codes_specialties_and_steps_say_what_primary_care_is():
    lines = visits(
        ("a", "P1", 1, 10.0), ("a", "P2", 2, 10.0), ("a", "P2", 3, 10.0), ("b", "P2", 1, 10.0), ("c", "P1", 1, 10.0),
        procedure_code=["99213", " 99213 ", "99213", "99213", "27447"], specialty=["08", "06", "06", "06", "08"],
    )  # fmt: skip
    del lines["is_primary_care"]
    table = {"procedure_code": ["99213", "99213"], "specialty": ["08", "06"], "step": [1, 2]}
    result = attribute({"member_id": list("abc")}, lines, primary_care=table)
    # a has been with a primary-care specialty (08): the second step does not count; b has only the second
    assert found(result) == {
        "a": ("P1", "plurality"), "b": ("P2", "plurality"), "c": (None, "no primary care"),
    }  # fmt: skip
    assert (result.run["lines_of_later_steps"], result.run["lines_of_other_care"]) == (2, 1)
    by_code = attribute({"member_id": list("abc")}, lines, primary_care={"procedure_code": ["99213"]})
    assert found(by_code)["a"] == ("P2", "plurality")


def test_a_first_step_that_was_reversed_leaves_the_second():
    lines = visits(
        ("a", "P1", 1, 10.0), ("a", "P1", 1, -10.0), ("a", "P2", 2, 10.0),
        procedure_code=["first", "first", "second"],
    )  # fmt: skip
    del lines["is_primary_care"]
    table = {"procedure_code": ["first", "second"], "step": [1, 2]}
    result = attribute({"member_id": ["a"]}, lines, primary_care=table)
    assert found(result) == {"a": ("P2", "plurality")}
    assert (result.run["lines_of_primary_care"], result.run["lines_of_later_steps"]) == (3, 0)


def test_groups_days_and_a_minimum():
    lines = visits(("a", "P1", 1, 10.0), ("a", "P2", 2, 10.0), ("a", "P3", 3, 30.0), ("b", "P3", 31, 1.0))
    grouped = {"provider_id": ["P1", "P2"], "group_id": ["G", "G"]}
    result = attribute({"member_id": ["a", "b"]}, lines, groups=grouped, last_day=DAY.replace(day=30))
    assert found(result) == {"a": ("G", "plurality"), "b": (None, "no primary care")}
    assert result.run["lines_outside_days"] == 1
    few = attribute({"member_id": ["a", "b"]}, lines, minimum_visits=2)
    assert found(few)["b"] == (None, "too few visits")


LINES = st.lists(
    st.tuples(
        st.sampled_from("abcz"), st.sampled_from(["P1", "P2", "P3"]), st.integers(1, 4),
        st.sampled_from([10.0, 20.0, -10.0, 0.01]), st.integers(0, 2),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    LINES, st.sampled_from(["visits", "amount"]), st.permutations(["visits", "amount", "most_recent"]),
    st.booleans(), st.integers(1, 3), st.randoms(),
)  # fmt: skip
def test_as_the_twin_in_any_order(rows, measure, ties, is_grouped, minimum, random):
    rows = [*rows, ("a", "P1", 1, 10.0, 0)]  # a table has a row
    ties = [*(tie for tie in ties if tie != measure), "provider_id"]
    lines = [
        dict(zip(NAMES, (m, p, DAY.replace(day=d), amount, step), strict=True))
        for m, p, d, amount, step in rows
    ]
    groups = {"P1": "G", "P2": "G"} if is_grouped else {}
    expected = naive.plurality("abc", lines, measure, ties, groups, minimum)
    table = {"procedure_code": ["one", "two"], "step": [1, 2]}
    for _ in range(2):
        columns = {name: [line[name] for line in lines] for name in NAMES[:-1]}
        columns["procedure_code"] = [("none", "one", "two")[line["step"]] for line in lines]
        result = attribute(
            {"member_id": list("abc")}, columns, measure=measure, ties=ties, primary_care=table, minimum_visits=minimum,
            groups={"provider_id": list(groups), "group_id": list(groups.values())} if groups else None,
        )  # fmt: skip
        assert {who: group for who, (group, _) in found(result).items()} == expected
        run = result.run
        assert (
            run["members"]
            == run["attributed"] + run["unattributed"]
            == sum(result.groups["members"].to_pylist())
        )
        parts = [run[name] for name in run if name.startswith("lines_of_") or name == "lines_outside_days"]
        assert sum(parts) == run["lines_read"] == len(lines)
        random.shuffle(lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ties": ("amount",)}, "the last of ties must be provider_id"),
        ({"methods": ("majority",)}, "methods must be some of assigned, plurality"),
        ({"methods": ("assigned",)}, "lacks 'assigned_provider_id'"),
        ({"visits": None}, "'plurality' needs visits"),
        ({"minimum_visits": 0}, "minimum_visits must be at least 1"),
        ({"primary_care": {"step": [1]}}, "neither procedure_code nor specialty"),
        ({"primary_care": {"specialty": ["08"]}}, "lacks 'specialty'"),
        ({"groups": {"provider_id": ["P1", "P1"], "group_id": ["G", "H"]}}, "a provider is in one group"),
        ({"members": {"member_id": ["a", "a"]}}, "give each member one row"),
    ],
)
def test_what_is_refused(change, message):
    call = {"members": {"member_id": ["a"]}, "visits": visits(("a", "P1", 1, 1.0)), **change}
    with pytest.raises(InputError, match=message):
        attribute(call.pop("members"), call.pop("visits"), **call)


def test_summary_and_files(tmp_path):
    result = attribute({"member_id": ["a", "b"]}, visits(("a", "P1", 1, 1.0)))
    assert result.summary().loc["P1", "members"] == 1
    assert result.summary().index[-1] == "(none)"
    names = {path.name for path in result.write(tmp_path / "out").iterdir()}
    assert names == {
        "attributed_members.parquet",
        "attributed_groups.parquet",
        "assumptions.parquet",
        "run.json",
    }
    assert repr(result) == "<Attribution: 1 of 2 members>"
    assert result.plot().axes
