"""Continuance tables: what a population costs when everyone's spend is capped, and which services are below the cap."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import RATES
from pricing.workbook_files import open_book
from riskadj.tables.manifest import read_sources, read_table_entries, read_toml, sealed_content

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UP_TO, MAXD = "Up To", "Avg. Cost per Enrollee (Max'd)"
_BLANKS = ("", ".")
#: Share of the total by which capped cost may fall from a cap to the next: CMS's own bronze table of 2018 does so once.
_SLIP = 0.01


@dataclass(frozen=True)
class Component:
    """A service's cost in a continuance table: which row of a design prices it, and which columns hold it."""

    component: str
    service: str
    setting: str
    cost_column: str
    frequency_column: str


@dataclass(frozen=True)
class ContinuanceTable:
    """Average spend per enrollee by cap on spend.

    Attributes
    ----------
    name : str
    up_to : ndarray of float64, shape (n_rows,)
        Caps [dollars a year], ascending; the last is infinite (no cap).
    maxd : ndarray of float64, shape (n_rows,)
        Average cost per enrollee with everyone's spend capped [dollars].
    columns : mapping of str to ndarray of float64, shape (n_rows,)
        Cost and number of services of each service accumulated while spend stays below the cap, by normalised heading.
    """

    name: str
    up_to: Numbers
    maxd: Numbers
    columns: Mapping[str, Numbers] = field(repr=False)

    @property
    def total(self) -> float:
        """Average cost per enrollee without a cap [dollars]."""
        return float(self.maxd[-1])

    def capped(self, spend: float) -> float:
        """Return the average cost per enrollee with everyone's spend capped at `spend` [dollars]."""
        return float(interpolate(self.up_to, self.maxd[:, None], spend)[0])

    def spend_at(self, capped: float) -> float:
        """Return the cap at which the average cost per enrollee is `capped`: the inverse of `capped`."""
        if capped >= self.maxd[-2]:
            return float(self.up_to[-2])
        return float(np.interp(capped, np.maximum.accumulate(self.maxd[:-1]), self.up_to[:-1]))

    def has(self, heading: str) -> bool:
        """Return whether the table has a column."""
        return normalised(heading) in self.columns

    def column(self, heading: str) -> Numbers:
        """Return a column by its heading; full stops, blanks and case do not matter.

        Raises
        ------
        InputError
            The table has no such column.
        """
        found = self.columns.get(normalised(heading))
        if found is None:
            raise InputError(f"continuance table {self.name} has no column '{heading}'.")
        return found

    def plot(self) -> Figure:
        """Return a figure: the average cost per enrollee, by cap."""
        from pricing.benefits.plots import plot_continuance

        return plot_continuance(self)

    def __repr__(self) -> str:
        """Return what it is a table of."""
        return (
            f"<ContinuanceTable {self.name}: {self.total:,.2f} dollars an enrollee, {len(self.up_to)} caps>"
        )


def interpolate(up_to: Numbers, values: Numbers, spend: float) -> Numbers:
    """Return the rows of a table at a spend level: linear between caps, the bottom row above the last finite cap.

    Parameters
    ----------
    up_to : ndarray of float64, shape (n_rows,)
    values : ndarray of float64, shape (n_rows, n_columns)
    spend : float

    Returns
    -------
    ndarray of float64, shape (n_columns,)
    """
    if spend > up_to[-2]:
        return values[-1]
    row = min(max(int(np.searchsorted(up_to, spend, side="right")) - 1, 0), len(up_to) - 3)
    share = (spend - up_to[row]) / (up_to[row + 1] - up_to[row])
    result: Numbers = values[row] + share * (values[row + 1] - values[row])
    return result


def normalised(heading: str) -> str:
    """Return a heading in lower case without blanks and full stops, which differ from workbook to workbook."""
    return re.sub(r"[\s.]+", "", heading).lower()


def continuance_table(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], *, name: str
) -> ContinuanceTable:
    """Return the table that rows of cells hold, as a workbook's sheet or an export of it.

    Parameters
    ----------
    headings : sequence of str
        Of the sheet; "Up To" and "Avg. Cost per Enrollee (Max'd)" among them.
    rows : sequence of sequences
        A blank or "." is 0; the last row's "Up To" is "Unlimited".
    name : str
        Of the table, for messages.

    Returns
    -------
    ContinuanceTable
        Costs in dollars per enrollee and year.

    Raises
    ------
    InputError
        A column that every table needs is missing, a cell is no number, or the caps do not rise to "Unlimited".
    """
    place = {normalised(heading): number for number, heading in enumerate(headings)}
    for needed in (UP_TO, MAXD):
        if normalised(needed) not in place:
            raise InputError(f"continuance table {name} lacks the column '{needed}'.")
    numbers = np.array(
        [[_number(cell, name, line) for cell in row] for line, row in enumerate(rows, start=2)]
    )
    if len(numbers) < 3:
        raise InputError(f"continuance table {name} has {len(numbers)} rows; it needs at least three.")
    up_to, maxd = numbers[:, place[normalised(UP_TO)]], numbers[:, place[normalised(MAXD)]]
    if not (np.diff(up_to) > 0).all() or not np.isinf(up_to[-1]) or up_to[0] != 0:
        raise InputError(f"continuance table {name}: 'Up To' must rise from 0 to Unlimited.")
    if not maxd[-1] > 0 or np.diff(maxd).min() < -_SLIP * maxd[-1]:
        raise InputError(f"continuance table {name}: the capped cost must not fall as the cap rises.")
    return ContinuanceTable(name, up_to, maxd, {key: numbers[:, number] for key, number in place.items()})


def _number(cell: Any, name: str, line: int) -> float:
    text = "" if cell is None else str(cell).strip()
    if text in _BLANKS:
        return 0.0
    if text.lower() == "unlimited":
        return float("inf")
    try:
        return float(text)
    except ValueError:
        raise InputError(f"continuance table {name}, row {line}: a cell is no number.") from None


def read_av_workbook(path: str | Path, *, metal_level: str) -> dict[str, ContinuanceTable]:
    """Return the medical, drug and combined tables of a metal level from CMS's Actuarial Value Calculator workbook.

    Parameters
    ----------
    path : path
        The ``.xlsm`` file that CMS publishes.
    metal_level : {"platinum", "gold", "silver", "bronze"}

    Returns
    -------
    dict of str to ContinuanceTable
        "medical", "drugs" and "combined".

    Raises
    ------
    riskadj.errors.MissingDependencyError
        openpyxl is not installed.
    InputError
        The workbook lacks a sheet, or a sheet is no continuance table.
    """
    book = open_book(path, is_calculated=True, is_streamed=True)
    sheets = {normalised(name): name for name in book.sheetnames}
    tables = {}
    for kind, ending in (("medical", "Med"), ("drugs", "Rx"), ("combined", "Combined")):
        name = f"{metal_level.capitalize()}_{ending}"
        if normalised(name) not in sheets:
            raise InputError(f"{Path(path).name} has no sheet '{name}'; is it an AV Calculator workbook?")
        tables[kind] = _table_of_sheet(list(book[sheets[normalised(name)]].iter_rows(values_only=True)), name)
    return tables


def _table_of_sheet(cells: list[tuple[Any, ...]], name: str) -> ContinuanceTable:
    """Find the heading row, then take the rows down to "Unlimited"."""
    start = next((i for i, row in enumerate(cells) if any(_is_up_to(cell) for cell in row)), None)
    if start is None:
        raise InputError(f"sheet {name} has no column '{UP_TO}'.")
    first = next(i for i, cell in enumerate(cells[start]) if _is_up_to(cell))
    headings = [str(cell) for cell in cells[start][first:] if cell is not None]
    rows = []
    for row in cells[start + 1 :]:
        rows.append(row[first : first + len(headings)])
        if str(row[first]).strip().lower() == "unlimited":
            break
    return continuance_table(headings, rows, name=name)


def _is_up_to(cell: Any) -> bool:
    return cell is not None and normalised(str(cell)) == normalised(UP_TO)


@lru_cache(maxsize=1)
def components() -> tuple[Component, ...]:
    """Return the components of the federal calculator's tables, from the sealed table of their columns."""
    folder = RATES / "av_calculator"
    document = read_toml(folder / "manifest.toml")
    sources = read_sources(document, folder / "manifest.toml")
    entry = read_table_entries(document, sources, folder / "manifest.toml")["components"]
    content = sealed_content(folder / "components.csv", entry).decode("utf-8")
    return tuple(Component(**row) for row in csv.DictReader(io.StringIO(content, newline="")))
