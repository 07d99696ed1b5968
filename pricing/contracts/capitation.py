"""Capitation: a rate for each member and month, by cell of age, sex and risk score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.build_up import BuildUp
from pricing.contracts.groups import Groups
from pricing.contracts.money import to_cents, to_dollars
from pricing.contracts.panel import Panel
from pricing.contracts.terms import CapitationCell
from pricing.errors import InputError
from pricing.rows import Integers, rows_in_words


def cells_of_members(cells: Sequence[CapitationCell], panel: Panel) -> Integers:
    """Return the cell that each row of a panel is in, by its position.

    Raises
    ------
    InputError
        The panel lacks a column that the cells ask for, or a member is in no cell, or in two.
    """
    inside = np.stack([_is_inside(cell, panel) for cell in cells])
    times = inside.sum(axis=0)
    for bad, words in ((times == 0, "in no capitation cell"), (times > 1, "in several capitation cells")):
        if bad.any():
            raise InputError(
                f"{panel.label}: {words} are {rows_in_words(bad)} of the period; cells must hold every member once."
            )
    return inside.argmax(axis=0).astype(np.int64)


def _is_inside(cell: CapitationCell, panel: Panel) -> npt.NDArray[np.bool_]:
    inside = (panel.risk >= cell.risk_from) & (panel.risk < cell.risk_below)
    if cell.sex:
        inside &= _column(panel, "sex") == cell.sex
    if cell.age_from or cell.age_below < np.inf:
        age = _column(panel, "age")
        inside &= (age >= cell.age_from) & (age < cell.age_below)
    return inside


def _column(panel: Panel, name: str) -> npt.NDArray[Any]:
    column: npt.NDArray[Any] | None = getattr(panel, name)
    if column is None:
        raise InputError(
            f"{panel.label} lacks '{'age_years' if name == 'age' else name}', which capitation cells ask for."
        )
    return column


def capitation_of(
    cells: Sequence[CapitationCell], panel: Panel, groups: Groups, *, source: str
) -> tuple[BuildUp, Integers]:
    """Return the capitation of each group, a step for each cell that anybody is in; and its cents.

    Parameters
    ----------
    cells : sequence of CapitationCell
    panel : Panel
        Of the period alone.
    groups : Groups
    source : str
        What the terms are cited as.
    """
    cell_of_row = cells_of_members(cells, panel)
    place = np.searchsorted(panel.providers, groups.labels)
    build_up, total = (
        BuildUp("capitation", unit="dollars", labels=groups.labels),
        np.zeros(groups.n, np.int64),
    )
    for number, cell in enumerate(cells):
        is_in = cell_of_row == number
        if not is_in.any():
            continue
        months = panel.sums(panel.months * is_in)[place]
        cents = to_cents(months * cell.pmpm)
        step = build_up.add if build_up.steps else build_up.start
        build_up = step(
            _name(number, cell),
            to_dollars(cents),
            source=f"{source}: member months of the cell x {cell.pmpm:,.2f}",
        )
        total += cents
    return build_up.checkpoint("capitation"), total


def _name(number: int, cell: CapitationCell) -> str:
    return f"cell {number + 1}: {cell.label}"
