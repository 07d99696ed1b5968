"""Plan designs as a workbook: a design in each column, its services in rows; a template to fill, and read back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.worksheets.grids import Book, Grid, Line
from pricing.worksheets.render import write_book

DESIGNS, SERVICES = "Designs", "Services"
#: Columns that say whose terms a row of the services holds.
PLACE = ("design", "network", "service_category")
NO, YES = "no", "yes"
#: Network of a row -> where the design keeps its terms; "out" belongs to the design out of the network.
NETWORKS = {"in": "services", "tier_2": "tier_2_services", "out": "services"}
OUTSIDE = "out_of_network"
_NESTED = {"name", "services", "tier_2_services", OUTSIDE}
#: What a design out of the network has no use for, so that it has no line.
_INSIDE_ONLY = {
    "tier_2_coinsurance", "combined_out_of_pocket_maximum", "family_combined_out_of_pocket_maximum", "account",
    "account_contribution",
}  # fmt: skip
LIMITS = tuple(item.name for item in fields(PlanDesign) if item.name not in _NESTED)
OUTSIDE_LIMITS = ("name", *(name for name in LIMITS if name not in _INSIDE_ONLY))
TERMS = tuple(item.name for item in fields(CostSharing))
#: What each field holds: float, int, bool, str or tuple[str, ...], as the data classes say it.
KINDS = {
    item.name: str(item.type).removesuffix(" | None") for item in (*fields(PlanDesign), *fields(CostSharing))
}
_LOOKS = {"float": "dollars"}
_UNITS = {
    "coinsurance": "member's share, 0 to 1; 0.2 = 20 %",
    "tier_2_coinsurance": "member's share, 0 to 1; blank: as the first tier",
    "family_kind": "embedded or aggregate",
    "drug_services": "service categories, with commas between",
    "name": "text",
    "account": "hsa, hra or blank",
}
_TERM_UNITS = {
    "copay": "dollars per unit",
    "coinsurance": "member's share, 0 to 1",
    "copay_per": "visit, day, stay or script",
    "max_per_unit": "dollars",
    "copay_days": "days of a stay",
    "free_visits": "visits of a year",
    "copay_visits": "visits of a year",
}
_NOTE = "One design in each column; blank limits do not exist. Terms by service stand on the next sheet."
_SERVICES_NOTE = (
    "One row per design, network (in, tier_2, out) and service category; a blank cell is the default."
)
_EXAMPLE = PlanDesign(
    "Plan A", 1500, 8000, 0.2,
    {
        "primary_care": CostSharing(copay=30, deductible_applies=False),
        "specialist": CostSharing(copay=60, deductible_applies=False),
        "inpatient": CostSharing(),
        "generic": CostSharing(copay=10, deductible_applies=False, copay_per="script"),
        "specialty_drug": CostSharing(coinsurance=0.4, copay_per="script", max_per_unit=350),
    },
    family_deductible=3000, family_out_of_pocket_maximum=16_000,
)  # fmt: skip


def write_designs(
    path: str | os.PathLike[str],
    designs: PlanDesign | Iterable[PlanDesign] | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write plan designs as a workbook that people fill in; `read_design_workbook` reads it back.

    Parameters
    ----------
    path, overwrite
        As `pricing.worksheets.render.write_book` takes them.
    designs : PlanDesign or iterable of PlanDesign, optional
        Default: an example, as a template.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Two designs have the same name, or one out of the network has what belongs to the plan itself.
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.
    """
    every = [_EXAMPLE] if designs is None else [designs] if isinstance(designs, PlanDesign) else list(designs)
    names = [design.name for design in every]
    if not every or len(set(names)) < len(names):
        raise InputError("a workbook needs designs, at least one, each with a name of its own.")
    for design in every:
        _check_outside(design)
    rows = [row for design in every for row in _service_rows(design)] or [("", "", "", CostSharing())]
    limits, terms = tuple(_limit_lines(every)), tuple(_term_lines(rows))
    grids = (
        Grid("designs", DESIGNS, "Plan designs", limits, note=_NOTE),
        Grid("services", SERVICES, "Cost sharing by service", terms, is_across=False, note=_SERVICES_NOTE),
    )
    return write_book(Book("Plan designs", grids, {"designs": len(every)}), path, overwrite=overwrite)


def words(name: str) -> str:
    """Return a field's name as the sheets write it."""
    return name.replace("_", " ")


def outside_words(name: str) -> str:
    """Return the name of a limit out of the network as the sheet writes it."""
    return f"out of network: {words(name)}"


def _check_outside(design: PlanDesign) -> None:
    other, plain = design.out_of_network, PlanDesign()
    if other is None:
        return
    for name in (*_INSIDE_ONLY, "tier_2_services", OUTSIDE):
        if getattr(other, name) != getattr(plain, name):
            raise InputError(
                f"plan design '{design.name}': its out_of_network has {name}, for which the workbook has no place."
            )


def _limit_lines(designs: Sequence[PlanDesign]) -> Iterator[Line]:
    yield Line("name", "name", [design.name for design in designs], look="text", is_label=True)
    for name in LIMITS:
        section = "Limits and coinsurance" if name == LIMITS[0] else ""
        yield _line(name, words(name), [getattr(design, name) for design in designs], _UNITS, section)
    others = [design.out_of_network for design in designs]
    for name in OUTSIDE_LIMITS:
        section = "Out of the network (all blank: not covered)" if name == OUTSIDE_LIMITS[0] else ""
        values = [None if other is None else getattr(other, name) for other in others]
        yield _line(f"{OUTSIDE}_{name}", outside_words(name), values, _UNITS, section)


def _service_rows(design: PlanDesign) -> Iterator[tuple[str, str, str, CostSharing]]:
    for network, kept_in in NETWORKS.items():
        of = design.out_of_network if network == "out" else design
        for service, terms in ({} if of is None else getattr(of, kept_in)).items():
            yield design.name, network, service, terms


def _term_lines(rows: Sequence[tuple[str, str, str, CostSharing]]) -> Iterator[Line]:
    for place, name in enumerate(PLACE):
        yield Line(name, words(name), [row[place] for row in rows], look="text", is_label=True)
    plain = CostSharing()
    for name in TERMS:
        values = [getattr(row[-1], name) for row in rows]
        shown = [None if value == getattr(plain, name) else value for value in values]
        yield _line(name, words(name), shown, _TERM_UNITS, "")


def _line(key: str, label: str, values: Sequence[Any], units: dict[str, str], section: str) -> Line:
    name = key.removeprefix(f"{OUTSIDE}_")
    kind = KINDS[name]
    unit = units.get(name, f"{YES} or {NO}" if kind == "bool" else "dollars a year")
    look = "plain" if name.endswith("coinsurance") or kind == "int" else _LOOKS.get(kind, "text")
    return Line(key, label, [_shown(value) for value in values], unit, look=look, section=section)


def _shown(value: Any) -> Any:
    """Return a value as a cell holds it; None: blank."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, tuple):
        return ", ".join(value)
    return None if value == float("inf") else value
