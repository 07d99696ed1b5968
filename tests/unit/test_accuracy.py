"""Differences from other scorers are put down to their causes by scoring again: peers invented here, on toy maps.

A peer is the naive scorer under tables that somebody changed, so the cause of every difference is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from benchmarks.accuracy import causes
from benchmarks.accuracy.causes import Cause, explain, ours_of, same
from benchmarks.accuracy.compare import Compared
from benchmarks.accuracy.golden import golden_people
from benchmarks.accuracy.peers import PEERS
from benchmarks.accuracy.population import Person
from benchmarks.accuracy.verdicts import VERDICTS, meanings, verdict_of
from tests import naive
from tests.golden.cases import golden_files
from tests.members import REAL_MAPS
from tests.releases import final_models

FOLDER = REAL_MAPS / "medicare" / "py2026" / "cms_hcc_v28"
MODEL = naive.read_model(str(FOLDER))
Change = Callable[[dict[str, Any]], dict[str, Any]]


def person(*codes: str, **known: Any) -> Person:
    status = naive.PLAIN_STATUS | known.pop("status", {})
    defaults = {"sex": "F", "age": 70, "segment": "CNA"} | known
    return Person("A", codes=codes, drugs=(), status=status, dual_status_code=None, **defaults)


def peer(model: dict[str, Any], **changes: Any) -> causes.Ask:
    """A peer that is the naive scorer under other tables."""
    return lambda people: [ours_of(model, item, **changes) for item in people]


def found(who: Person, ask: causes.Ask) -> list[Cause]:
    theirs = ask([who])
    assert not same(ours_of(MODEL, who), theirs[0])
    (said,) = explain(MODEL, [who], theirs, ask)
    return said


def without_codes(*gone: str) -> dict[str, Any]:
    return MODEL | {
        "diagnoses": defaultdict(list, {k: v for k, v in MODEL["diagnoses"].items() if k not in gone})
    }


def with_factor(name: str, segment: str, value: str) -> dict[str, Any]:
    return MODEL | {"factors": MODEL["factors"] | {(name, segment): Decimal(value)}}


def test_a_code_that_the_peer_lacks() -> None:
    assert found(person("E119", "I5022"), peer(without_codes("E119"))) == [
        Cause("the peer's tables lack the code", "E119")
    ]


def test_mce_edits_that_the_peer_does_not_make() -> None:
    code = next(code for code, rows in MODEL["diagnoses"].items() if rows[0]["mce_age_min"] == "15")
    assert found(person(code, age=9, segment="CND"), peer(MODEL, edits="none")) == [
        Cause("the peer makes no MCE age edit", code)
    ]


def test_age_edits_that_the_peer_does_not_make() -> None:
    plain = MODEL | {
        "diagnoses": MODEL["diagnoses"] | {"J449": [_blank(row) for row in MODEL["diagnoses"]["J449"]]}
    }
    assert found(person("J449", age=9, segment="CND"), peer(plain)) == [
        Cause("the peer makes no age or sex edit of codes", "J449")
    ]


def _blank(row: dict[str, str]) -> dict[str, str]:
    return row | dict.fromkeys(("sex", "age_min", "age_max", "mce_age_min", "mce_age_max"), "")


def test_a_requirement_that_the_peer_lacks() -> None:
    needy = MODEL["requirements"][0]["hcc"]
    code = next(code for code, rows in MODEL["diagnoses"].items() if {row["hcc"] for row in rows} == {needy})
    assert found(person(code), peer(MODEL | {"requirements": []})) == [
        Cause("the peer has no such requirement between HCCs", code)
    ]


def test_a_hierarchy_that_the_peer_lacks() -> None:
    fewer = [row for row in MODEL["hierarchies"] if (row["hcc"], row["drops"]) != ("HCC36", "HCC38")]
    assert found(person("E1010", "E119"), peer(MODEL | {"hierarchies": fewer})) == [
        Cause("the peer's hierarchies lack a row", "HCC36 drops HCC38")
    ]


def test_factors_that_the_peer_lacks_or_has_otherwise() -> None:
    assert found(person("E119"), peer(with_factor("F70_74", "CNA", "0.5"))) == [
        Cause("the peer has another factor", "F70_74")
    ]
    assert found(person("E119"), peer(with_factor("F70_74", "CNA", "0"))) == [
        Cause("the peer lacks a factor", "F70_74")
    ]


def test_codes_and_factors_together() -> None:
    other = with_factor("F70_74", "CNA", "0.5") | {"diagnoses": without_codes("I5022")["diagnoses"]}
    assert found(person("E119", "I5022"), peer(other)) == [
        Cause("the peer's tables lack the code", "I5022"),
        Cause("the peer has another factor", "F70_74"),
    ]


def test_a_score_that_its_factors_do_not_add_up_to_is_unexplained() -> None:
    def odd(people: Sequence[Person]) -> list[causes.Answer]:
        return [answer | {"raw": answer["raw"] + 0.1} for answer in peer(MODEL)(people)]

    assert found(person("E119"), odd) == []


def test_an_error_is_a_cause() -> None:
    def failing(people: Sequence[Person]) -> list[causes.Answer]:
        return [{"error": "KeyError: 'x'"} for _ in people]

    assert found(person("E119"), failing) == [Cause("the peer raises an error", "KeyError: 'x'")]


def test_explanations_come_in_the_order_of_the_people() -> None:
    """An error of one must not shift the causes of the next."""

    def ask(people: Sequence[Person]) -> list[causes.Answer]:
        return [
            {"error": "bad"} if item.age == 80 else ours_of(without_codes("E119"), item) for item in people
        ]

    people = [person("E119"), replace(person("E119"), age=80)]
    assert explain(MODEL, people, ask(people), ask) == [
        [Cause("the peer's tables lack the code", "E119")],
        [Cause("the peer raises an error", "bad")],
    ]


def test_peers_cover_releases_that_exist_and_have_a_worker() -> None:
    for item in PEERS:
        assert set(item.releases) <= set(final_models())
        assert item.worker.exists()


def test_golden_cases_become_people_with_the_segments_that_they_state() -> None:
    file = next(file for file in golden_files() if file.place.startswith("hhs/by2026"))
    people = golden_people(file)
    assert len(people) == sum(len(case["raw"]) for case in file.cases)
    assert {item.segment for item in people} == {"Platinum", "Gold", "Silver", "Bronze", "Catastrophic"}


def test_a_verdict_is_of_the_peer_and_release_that_it_names() -> None:
    cause, place = (
        Cause("only the peer adds a factor", "OriginallyDisabled_Female"),
        "medicare/py2024/cms_hcc_v28",
    )
    assert "OREC 3" in verdict_of("hccpy", place, cause)
    assert verdict_of("hccpy", "hhs/by2022/hhs_hcc_v07", cause) != verdict_of("hccpy", place, cause)
    assert verdict_of("risk-compose", place, cause) == ""
    assert {row["peer"] for row in VERDICTS} <= {"*", *(item.distribution for item in PEERS)}


def test_meanings_count_each_score_once_and_name_what_most_of_them_have() -> None:
    """Twelve scores: ten of two codes and two of one of them; an error of the peer besides."""
    code, other = (Cause("the peer's tables lack the code", name) for name in ("A", "B"))
    error = Cause("the peer raises an error", "KeyError")
    found = meanings([
        Compared("hhs/by2022/m", "hccpy 0.1.9", "random members", 90, 13, {(code, other): 10, (code,): 2, (error,): 1}),
        Compared("hhs/by2023/m", "hccpy 0.1.9", "random members", 90, 1, {(other,): 1}),
    ])  # fmt: skip
    assert [(row["kind"], row["scores"], row["releases"], row["examples"]) for row in found] == [
        ("the peer's tables lack the code", 13, 2, ["A", "B"]),
        ("the peer raises an error", 1, 1, ["KeyError"]),
    ]
