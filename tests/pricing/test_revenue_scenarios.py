"""Scenarios: what they may say, how they differ, and as TOML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.errors import InputError
from pricing.revenue import Assume, Scenario, forecast, parameters_table, read_scenarios, scenarios_to_toml
from pricing.revenue.assumptions import PARAMETERS, WITH_TO
from tests.pricing.revenue_members import one_member

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
_VALUES = st.lists(_WORDS, min_size=1, max_size=3, unique=True)


@st.composite
def assumptions(draw) -> Assume:
    name = draw(st.sampled_from(list(PARAMETERS)))
    rule = PARAMETERS[name]
    return Assume(
        name,
        draw(st.floats(rule.least, rule.most)),
        where=draw(st.dictionaries(_WORDS, st.one_of(_WORDS, _VALUES), max_size=2)),
        to=draw(st.dictionaries(_WORDS, _WORDS, min_size=1, max_size=2)) if name in WITH_TO else {},
        first_month=draw(st.sampled_from(["", "2026-01"])),
        last_month=draw(st.sampled_from(["", "2027-12"])),
        calendar_months=draw(st.lists(st.integers(1, 12), max_size=3, unique=True)),
    )


@st.composite
def scenarios(draw) -> Scenario:
    rows = draw(st.lists(assumptions(), max_size=6, unique_by=lambda row: row.key))
    return Scenario(
        draw(_WORDS), tuple(rows), scored_as="final", retroactive_lag_months=draw(st.integers(1, 9))
    )


@settings(max_examples=40)
@given(scenarios(), scenarios(), st.data())
def test_a_diff_turns_one_scenario_into_the_other(before: Scenario, other: Scenario, data):
    kept = data.draw(st.permutations(before.rows))[: data.draw(st.integers(0, 6))]
    after = other.plus(*kept, name="after")
    diff = after.diff(before)
    assert diff.apply(before) == after
    assert before.diff(before).table().num_rows == 0
    assert diff.table().num_rows == len(diff.changed) + len(diff.removed)


@settings(max_examples=40)
@given(st.lists(scenarios(), min_size=1, max_size=3, unique_by=lambda each: each.name))
def test_toml_gives_scenarios_back(tmp_path_factory, every: list[Scenario]):
    path = tmp_path_factory.mktemp("scenarios") / "scenarios.toml"
    path.write_text(scenarios_to_toml(every), encoding="utf-8")
    assert list(read_scenarios(path).values()) == every


def test_a_diff_in_words():
    in_january = Assume("lapse", 0.04, calendar_months=(1,))
    before = Scenario("budget", (Assume("lapse", 0.01), in_january, Assume("death", 0.003)))
    faster = Assume("rate_trend", 0.05, where={"contract_id": ["H2", "H1"]}, first_month="2027-01")
    after = before.without("death", name="latest").plus(Assume("lapse", 0.02), faster, name="latest")
    rows = after.diff(before).table().to_pylist()
    assert [(row["assumption"], row["before"], row["after"]) for row in rows] == [
        ("lapse", 0.01, 0.02),
        ("rate_trend, contract_id H1 or H2, from 2027-01", None, 0.05),
        ("death", 0.003, None),
    ]
    assert "2 assumptions changed or added, 1 removed" in repr(after.diff(before))


def test_where_several_rows_fit_the_last_holds():
    in_february = Assume("lapse", 0.25, calendar_months=(2,))
    rows = (Assume("lapse", 0.5), in_february, Assume("lapse", 0.1, first_month="2026-03"))
    found = forecast(one_member(), {"payment_rate": [1000.0]}, scenario=Scenario("s", rows), n_months=4)
    assert found.month_totals["members"].to_pylist() == pytest.approx([1, 0.75, 0.75 * 0.9, 0.75 * 0.9 * 0.9])


def test_what_a_scenario_can_say():
    table = parameters_table().to_pylist()
    with pytest.raises(InputError, match="no parameter 'laps'; nearest: lapse"):
        parameters_table(["laps"])
    assert {row["parameter"] for row in table} == set(PARAMETERS)
    assert all(row["neutral"] is None or row["least"] <= row["neutral"] <= row["most"] for row in table)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Assume("laps", 0.1), "no parameter 'laps'; nearest: lapse; there are: death, lapse"),
        (
            lambda: Assume("lapse", 1.5),
            r"lapse of 1.5 is impossible; it runs from 0 to 1 \[probability a month\]",
        ),
        (lambda: Assume("lapse", float("nan")), "lapse of nan is impossible"),
        (
            lambda: Assume("transition", 0.1),
            "`to` is given for transition and transition_score, and only for them",
        ),
        (lambda: Assume("lapse", 0.1, to={"status": "graft"}), "`to` is given for"),
        (lambda: Assume("lapse", 0.1, first_month="2026-13"), "'2026-13' is no month"),
        (
            lambda: Assume("lapse", 0.1, first_month="2026-03", last_month="2026-01"),
            "last_month 2026-01 lies before",
        ),
        (lambda: Assume("lapse", 0.1, calendar_months=(0,)), "calendar_months run from 1 to 12"),
        (
            lambda: Scenario("s", (Assume("lapse", 0.1), Assume("lapse", 0.2))),
            "scenario 's' says twice: lapse; keep one",
        ),
        (lambda: Scenario("s", scored_as="early"), "scored_as 'early' is none of initial, mid_year, final"),
        (
            lambda: Scenario("s", (Assume("completion_final", 0.9),)),
            "say which run the members' scores stand for",
        ),
        (lambda: Scenario("s", retroactive_lag_months=0), "retroactive_lag_months must be at least 1"),
    ],
)
def test_what_a_scenario_cannot_say(make, message: str):
    with pytest.raises(InputError, match=message):
        make()


_ROW = "[[scenario]]\nname = 'a'\n[[scenario.assume]]\nparameter = 'lapse'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'", r"holds no \[\[scenario\]\] table"),
        ("[[scenario]\n", "is not TOML"),
        ("[[scenario]]\nname = 1\n", "scenario 1: name must be text"),
        ("[[scenario]]\n", "scenario 1 lacks 'name'"),
        ("[[scenario]]\nname = 'a'\nscoredas = 'final'\n", "has no 'scoredas'; nearest: scored_as"),
        ("[[scenario]]\nname = 'a'\n[[scenario]]\nname = 'a'\n", "two scenarios are called 'a'"),
        ("[[scenario]]\nname = 'a'\nassume = 3\n", r"write each row as a \[\[scenario.assume\]\] table"),
        ("[[scenario]]\nname = 'a'\nassume = [3]\n", "assumption 1 is no table"),
        (_ROW, "assumption 1 lacks 'value'"),
        (_ROW + "value = '1'\n", "value must be a number"),
        (_ROW + "value = true\n", "value must be a number"),
        (_ROW + "value = 0\nwhere = {a = 1}\n", "where must be a table of texts"),
        (_ROW + "value = 0\ncalendar_months = [1.5]\n", "a list of whole numbers"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "scenarios.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_scenarios(path)


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="does not exist; give a TOML file with"):
        read_scenarios(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_scenarios(tmp_path)
