"""Laws across tables: a release and a year that keep them, and each law broken by one edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from riskadj.tables.check import check_payment_year
from riskadj.tables.columns import Table
from riskadj.tables.model import ModelTables, load_folder
from riskadj.tables.model_laws import check_model
from riskadj.tables.payment_year import ModelNumber, PaymentYear, Policy, read_payment_year
from tests.members import TOY_MAPS

FOLDER = TOY_MAPS / "atlantis" / "py2099"
YEAR = read_payment_year(FOLDER / "payment_year.toml")
MODELS = {name: load_folder(FOLDER / name) for name in ("toy_hcc_v1", "toy_hcc_v2")}
MODEL = MODELS["toy_hcc_v1"]

Records = list[dict[str, str]]


def edited(table: str, change: Callable[[Records], Records]) -> ModelTables:
    """Return the toy model with the rows of one table changed; a table that it lacks begins empty."""
    held = MODEL.tables.get(table)
    rows = change([] if held is None else list(held.records()))
    path = FOLDER / "toy_hcc_v1" / f"{table}.csv"
    made = Table(path, tuple(rows[0]), tuple(tuple(row.values()) for row in rows))
    return replace(MODEL, tables={**MODEL.tables, table: made})


def added(**row: str) -> Callable[[Records], Records]:
    return lambda rows: [*rows, {**dict.fromkeys(rows[0] if rows else row, ""), **row}]


def without(**cells: str) -> Callable[[Records], Records]:
    return lambda rows: [row for row in rows if not cells.items() <= row.items()]


def changed(where: Mapping[str, str], to: Mapping[str, str]) -> Callable[[Records], Records]:
    return lambda rows: [row | to if where.items() <= row.items() else row for row in rows]


def test_the_toy_models_keep_every_law() -> None:
    assert [check_model(model) for model in MODELS.values()] == [[], []]
    assert check_payment_year(YEAR, MODELS) == []


@pytest.mark.parametrize(
    ("table", "change", "problem"),
    [
        ("mappings", added(icd10="Q99", hcc="HCC99"), "mappings.csv, line 20: HCC99 has no label."),
        ("requirements", added(hcc="HCC8", needs_any="HCC6|HCC99"), "requirements.csv, line 3: HCC99 has no label."),
        ("labels", lambda rows: [rows[1], rows[0], *rows[2:]],
         "labels.csv, line 3: HCCs must stand in ascending order."),
        ("groups", added(group="gHEART_HCC5", hcc="HCC5"),
         "interactions.csv: gHEART_HCC5 is defined in groups.csv already."),
        ("interactions", lambda rows: [*rows[2:], *rows[:2]],
         "interactions.csv, line 3: term gHEART_HCC5 stands later."),
        ("interactions", added(interaction="COLD", term="gCOLD"),
         "interactions.csv, line 9: term gCOLD is no HCC, group, demographic, count or interaction."),
        ("relative_factors", added(variable="gCOLD", segment="NEW", factor="0.1"),
         "relative_factors.csv, line 53: gCOLD is no variable of the model."),
        ("relative_factors", added(variable="HCC1", segment="MOON", factor="0.1"),
         "relative_factors.csv, line 53: MOON is no segment of the model."),
        ("adjustments", added(segment="MOON", divisor="1.1"),
         "adjustments.csv, line 2: MOON is no segment of the model."),
        ("mappings", without(hcc="HCC9"),
         "relative_factors.csv, line 13: HCC9 has a factor, but nothing maps to it."),
        ("hierarchies", added(hcc="HCC9", drops="HCC6"),
         "hierarchies.csv: the hierarchy runs in a circle: HCC6 -> HCC7 -> HCC8 -> HCC9 -> HCC6."),
        ("mappings", added(icd10="Q98", hcc="HCC1", age_min="50", age_max="49"),
         "mappings.csv, line 20: age_min 50 is above age_max 49."),
        ("counts", changed({"variable": "N4P"}, {"hccs_min": "3"}),
         "counts.csv, line 3: its range of HCCs overlaps that of line 2."),
        ("segments", changed({"segment": "SHORE_YOUNG"}, {"age_max": "63"}),
         "segments.csv: no segment fits a member of age 64, is_new_enrollee 0, is_long_term_institutional 0."),
        ("segments", lambda rows: [{**rows[-1], "segment": "COVE"}, *rows],
         "segments.csv: two segments fit a member of age 0, is_new_enrollee 1, is_long_term_institutional 0."),
        ("relative_factors", without(variable="F65_GT", segment="DEEP"),
         "relative_factors.csv: no factor in DEEP for a member without HCCs of age 65, "),
    ],
)  # fmt: skip
def test_each_law_of_a_model_is_broken_by_one_edit(
    table: str, change: Callable[[Records], Records], problem: str
) -> None:
    expected = f"toy_hcc_v1/{problem}"
    assert [each[: len(expected)] for each in check_model(edited(table, change))] == [expected]


def test_hccs_of_a_group_stand_under_the_same_ages() -> None:
    aged = edited("groups", lambda rows: [{**row, "age_min": "65" * (row["hcc"] == "HCC2")} for row in rows])
    assert check_model(aged) == [
        f"toy_hcc_v1/groups.csv: HCC{number} has other ages in gFEVER than its other HCCs."
        for number in (1, 2, 3)
    ]


def test_many_problems_of_one_law_are_cut() -> None:
    found = check_model(
        edited("hierarchies", lambda rows: [*rows, *[{"hcc": "HCC99", "drops": "HCC98"}] * 30])
    )
    assert len(found) == 21
    assert found[-1] == "... and more of the same law"


def number(model_id: str, value: str, *segments: str) -> ModelNumber:
    return replace(YEAR.normalization[0], model_id=model_id, value=Decimal(value), segments=segments)


def blended(*blend: tuple[str, str]) -> tuple[Policy, ...]:
    return (replace(YEAR.policies[0], blend=tuple((name, Decimal(weight)) for name, weight in blend)),)


@pytest.mark.parametrize(
    ("year", "problems"),
    [
        (replace(YEAR, normalization=(*YEAR.normalization, number("moon", "1"))),
         ["a number names moon, which has no folder in this year."]),
        (replace(YEAR, normalization=(*YEAR.normalization, number("toy_hcc_v1", "1", "REEF"))),
         ["a number of toy_hcc_v1 names a segment that the model lacks."]),
        (replace(YEAR, normalization=(*YEAR.normalization, number("toy_hcc_v1", "0"))),
         ["toy_hcc_v1 has the number 0; it must be above 0."]),
        (replace(YEAR, coding_intensity=(*YEAR.coding_intensity, number("toy_hcc_v1", "0"))), []),
        (replace(YEAR, normalization=YEAR.normalization[1:]),
         ["policy 'Divers' names toy_hcc_v1, which has no normalization.",
          "policy 'Everybody else' names toy_hcc_v1, which has no normalization."]),
        (replace(YEAR, coding_intensity=YEAR.coding_intensity[:1]),
         ["policy 'Everybody else' names toy_hcc_v2, which has no coding intensity; 0 says that it is not adjusted."]),
        (replace(YEAR, policies=blended(("toy_hcc_v1", "1"), ("toy_hcc_v2", "0"))),
         ["policy 'Divers' gives toy_hcc_v2 the weight 0."]),
        (replace(YEAR, policies=blended(("moon", "1"))),
         [f"policy 'Divers' names moon, which has no {what}" for what in
          ("folder in this year.", "normalization.", "coding intensity; 0 says that it is not adjusted.")]),
    ],
)  # fmt: skip
def test_each_law_of_a_payment_year_is_broken_by_one_edit(year: PaymentYear, problems: list[str]) -> None:
    assert check_payment_year(year, MODELS) == [
        f"atlantis/py2099/payment_year.toml: {each}" for each in problems
    ]


def test_a_year_that_pays_by_a_proposed_model_is_told_so() -> None:
    proposed = replace(MODEL, manifest=replace(MODEL.manifest, status="proposed"))
    assert check_payment_year(YEAR, {**MODELS, "toy_hcc_v1": proposed}) == [
        f"atlantis/py2099/payment_year.toml: policy '{name}' names toy_hcc_v1, which is only proposed."
        for name in ("Divers", "Everybody else")
    ]


def test_a_model_asks_the_year_for_what_it_reads() -> None:
    lasting = edited("demographics", lambda rows: [{**row, "enrollment_duration": "1"} for row in rows])
    assert check_payment_year(YEAR, {**MODELS, "toy_hcc_v1": lasting}) == [
        "atlantis/py2099/payment_year.toml: toy_hcc_v1 asks for enrollment_duration; "
        "[enrollment_duration] is missing."
    ]
    divided = edited("adjustments", added(segment="NEW", divisor="1.1"))
    shared = replace(YEAR, cost_sharing=(number("toy_hcc_v1", "1"),))
    assert check_payment_year(shared, {**MODELS, "toy_hcc_v1": divided}) == [
        "atlantis/py2099/payment_year.toml: toy_hcc_v1 has adjustments; with cost sharing there can be none."
    ]


def test_a_table_of_the_year_that_was_edited_is_told() -> None:
    entry = YEAR.tables["eligible_procedures"]
    found = check_payment_year(
        replace(YEAR, tables={"eligible_procedures": replace(entry, sha256="0" * 64)}), MODELS
    )
    assert [each.partition(":")[0] for each in found] == ["ChecksumError"]
