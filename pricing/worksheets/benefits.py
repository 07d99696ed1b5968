"""Plan designs compared, as a workbook: who pays in each, what changes against the base and for whom, and a premium."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.benefits.scenarios import Comparison
from pricing.worksheets.grids import Book, Grid, Line, condition_line, label_line, table_grid
from pricing.worksheets.render import write_book

#: Parts of the allowed amount, in the order in which they are shown.
PARTS = {
    "plan_paid_pmpm": "plan pays",
    "deductible_pmpm": "deductible",
    "copay_pmpm": "copays",
    "coinsurance_pmpm": "coinsurance",
    "not_covered_pmpm": "services not covered",
}
_MEMBER = [name for name in PARTS if name != "plan_paid_pmpm"]
_PMPM = "dollars PMPM"
_NOTE = "Yellow cells are inputs; the others follow from them. The first design is the base of every change."
_READ = "To read; changing it changes nothing else."


def write_comparison(
    comparison: Comparison,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a comparison of plan designs as a workbook: designs, premium, deciles, distribution, use, checks, audit.

    Parameters
    ----------
    comparison : Comparison
        From `pricing.benefits.scenarios.compare`.
    path, run, overwrite
        As `pricing.worksheets.render.write_book` takes them.

    Returns
    -------
    Path

    Raises
    ------
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.

    Notes
    -----
    What claims gave (dollars by part, members by decile) are inputs; actuarial values, changes and premiums follow from
    them. The retention of the premium is a what-if that begins at 0.
    """
    names: list[str] = comparison.designs["design"].to_pylist()
    owners = range(len(names))
    grids = (
        Grid("designs", "Designs", "Who pays, by design", tuple(_designs(comparison)), owners, note=_NOTE),
        _premium(),
        _deciles(comparison, names),
        _distribution(comparison, names),
        table_grid("use", "Use of services", comparison.utilization, _READ),
        Grid("checks", "Checks", "Checks", tuple(_checks(comparison)), owners, note="What must hold."),
        table_grid("assumptions", "Assumptions", comparison.assumptions, _READ),
    )
    told = {name: value for name, value in comparison.run.items() if name != "designs"}
    book = Book(f"Plan designs against {names[0]}", grids, told)
    return write_book(book, path, run=run, overwrite=overwrite)


def _designs(comparison: Comparison) -> Iterator[Line]:
    table = comparison.designs
    yield _names(table)
    for place, (name, label) in enumerate(PARTS.items()):
        section = "" if place else "Allowed amounts, by who pays"
        yield Line(name, label, _numbers(table, name), _PMPM, section=section)
    account = Line("account_pmpm", "of which an account pays", _numbers(table, "account_pmpm"), _PMPM)
    yield _formula("member_paid_pmpm", "members pay", table, "+".join(f"{{{name}}}" for name in _MEMBER))
    yield account
    yield _formula("allowed_pmpm", "allowed", table, "{plan_paid_pmpm}+{member_paid_pmpm}", is_total=True)
    value = "IF({allowed_pmpm}=0,0,({plan_paid_pmpm}+{account_pmpm})/{allowed_pmpm})"
    yield _formula(
        "actuarial_value",
        "actuarial value",
        table,
        value,
        unit="share of allowed",
        look="percent",
        is_total=True,
    )
    base = "INDEX({designs.plan_paid_pmpm:all},1)"
    yield _formula(
        "plan_paid_change", "change of what the plan pays", table, f"{{plan_paid_pmpm}}/{base}-1",
        unit="against the base", look="percent", section="Against the base",
    )  # fmt: skip
    paid = np.array(_numbers(table, "member_paid_pmpm"))
    yield Line(
        "member_paid_change", "change of what members pay", (paid - paid[0]).tolist(), _PMPM,
        formula="{member_paid_pmpm}-INDEX({designs.member_paid_pmpm:all},1)",
    )  # fmt: skip
    plan = np.array(_numbers(table, "plan_paid_pmpm"))
    yield Line(
        "premium_pmpm", "premium", plan.tolist(), _PMPM, formula="{plan_paid_pmpm}/(1-{premium.retention_share})",
        section="Premium", is_total=True,
    )  # fmt: skip
    yield Line(
        "premium_change", "change of the premium", (plan - plan[0]).tolist(), _PMPM,
        formula="{premium_pmpm}-INDEX({designs.premium_pmpm:all},1)",
    )  # fmt: skip


def _premium() -> Grid:
    lines = (
        Line("retention_share", "administration, margin, taxes", [0.0], "share of premium", look="percent"),
    )
    return Grid("premium", "Premium", "Retention of the premium", lines, note="A what-if for all designs.")


def _names(table: pa.Table) -> Line:
    return label_line("design", "design", table["design"].to_pylist())


def _numbers(table: pa.Table, name: str) -> list[float]:
    return [float(value) for value in table[name].to_pylist()]


def _formula(
    key: str, label: str, table: pa.Table, formula: str, *, unit: str = _PMPM, look: str = "dollars",
    section: str = "", is_total: bool = False,
) -> Line:  # fmt: skip
    return Line(
        key, label, _numbers(table, key), unit, formula=formula, look=look, section=section, is_total=is_total
    )


def _deciles(comparison: Comparison, names: list[str]) -> Grid:
    """Return what members of each decile of risk pay, and who is better or worse off."""
    table = comparison.deciles
    members, paid, place = _beside_base(table, names)
    lines = [
        _names(table),
        Line(
            "decile", "decile of risk", table["decile"].to_pylist(), "1: lowest", look="plain", is_label=True
        ),
        place,
        Line("members", "members", table["members"].to_pylist(), "members", look="count"),
        *(
            Line(name, name.replace("_", " "), table[name].to_pylist(), "members", look="count")
            for name in ("better_off", "worse_off", "unchanged")
        ),
        Line("member_paid", "a member pays", paid, "dollars a year"),
        Line("change", "change", _numbers(table, "change"), "dollars a year", formula=_CHANGE % "deciles"),
        _share(table, members, "better_off", "better off"),
        _share(table, members, "worse_off", "worse off"),
    ]
    owners = [names.index(name) for name in table["design"].to_pylist()]
    return Grid("deciles", "Deciles", "Deciles of risk", tuple(lines), owners, is_across=False, note=_NOTE)


#: What a row has more than the row of the base that stands for the same members.
_CHANGE = "{member_paid}-INDEX({%s.member_paid:all},{place})"


def _beside_base(table: pa.Table, names: list[str]) -> tuple[list[int], list[float], Line]:
    """Return members and mean cost of each row, and the row of the base that it is compared with, from 1."""
    n_rows = table["design"].to_pylist().count(names[0])
    places = [1 + number % n_rows for number in range(table.num_rows)]
    place = label_line("place", "row of the base", places, look="plain")
    members = table["members"].to_pylist() if "members" in table.column_names else []
    return members, _numbers(table, "member_paid"), place


def _share(table: pa.Table, members: list[int], name: str, label: str) -> Line:
    shares = [count / of for count, of in zip(table[name].to_pylist(), members, strict=True)]
    formula = f"{{{name}}}/{{members}}"
    return Line(f"{name}_share", label, shares, "share of members", formula=formula, look="percent")


def _distribution(comparison: Comparison, names: list[str]) -> Grid:
    """Return what members at each percentile of cost pay."""
    table = comparison.distribution
    _, paid, place = _beside_base(table, names)
    n_rows = table["design"].to_pylist().count(names[0])
    change = [value - paid[number % n_rows] for number, value in enumerate(paid)]
    lines = (
        _names(table),
        label_line("percentile", "percentile", table["percentile"].to_pylist(), look="plain"),
        place,
        Line("member_paid", "a member pays", paid, "dollars a year"),
        Line("change", "change", change, "dollars a year", formula=_CHANGE % "distribution"),
    )
    owners = [names.index(name) for name in table["design"].to_pylist()]
    title = "What members pay, by percentile of it"
    return Grid("distribution", "Distribution", title, lines, owners, is_across=False, note=_NOTE)


def _checks(comparison: Comparison) -> Iterator[Line]:
    yield _names(comparison.designs)
    within = "{designs.actuarial_value}"
    added = "SUM({deciles.better_off})+SUM({deciles.worse_off})+SUM({deciles.unchanged})"
    conditions = {
        "the actuarial value lies between 0 and 1": f"AND({within}>=0,{within}<=1)",
        "an account pays no more than members owe": "{designs.account_pmpm}<={designs.member_paid_pmpm}+0.5/100",
        "everybody is better off, worse off or neither": f"{added}=SUM({{deciles.members}})",
        "retention leaves something for claims": "{premium.retention_share}<1",
    }
    for number, (words, text) in enumerate(conditions.items()):
        yield condition_line(f"check_{number}", words, text, [True] * comparison.designs.num_rows)
