"""A rate table as a workbook: the build-up of plans, factors of areas and ages, and every rate as a live formula."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pricing.aca.rate_tables import CALIBRATED, RateTable, rates_of
from pricing.aca.state_rating import RatingRules
from pricing.errors import InputError
from pricing.rounding import CENT, DECIMALS_OF_A_UNIT
from pricing.worksheets.audit import assumptions_grid
from pricing.worksheets.grids import Book, Grid, Line, condition_line, label_line, line_key
from pricing.worksheets.lines import rate_cell
from pricing.worksheets.rate_build_up import LEVELS, build_up_grids, with_inputs
from pricing.worksheets.read import read_inputs
from pricing.worksheets.render import write_book

#: Parameters that stand on the sheet of bands, as factors that can be changed.
_ON_BANDS = ("age_factor", "state_age_factor", "family_tier")
_NOTE = "Yellow cells are inputs; rates follow from them, in whole cents. Dollars are per month."


def write_rate_table(
    table: RateTable,
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a rate table as a workbook: build-up, checks, areas, bands, rates, assumptions, audit.

    Parameters
    ----------
    table : RateTable
        From `pricing.aca.rate_tables.rate_table`.
    path, run, overwrite
        As `pricing.worksheets.render.write_book` takes them.

    Returns
    -------
    Path

    Raises
    ------
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.
    """
    used = table.rules.used
    names = {name for name, _ in used.parameters} - set(_ON_BANDS)
    grids = (
        *build_up_grids(table.walk),
        _areas(table),
        _bands(table),
        _rates(table),
        assumptions_grid(used, names),
    )
    book = Book(f"Rates for {used.year}", grids, table.run, used)
    return write_book(book, path, run=run, overwrite=overwrite)


def rate_table_from_workbook(path: str | os.PathLike[str], *, table: RateTable) -> RateTable:
    """Return the library's rates for what the inputs of a workbook hold now.

    Parameters
    ----------
    path : path
        A workbook that `write_rate_table` wrote; a spreadsheet program may have saved it since.
    table : RateTable
        The one that the workbook was written from.

    Returns
    -------
    RateTable

    Raises
    ------
    InputError
        The workbook is of another table, or a factor is not above 0.
    """
    inputs = read_inputs(path)
    walk = with_inputs(table.walk, inputs)
    for name, held, label in (("areas", table.areas, "rating_area"), ("bands", table.bands, "band")):
        if name not in inputs or inputs[name][label].to_pylist() != held[label].to_pylist():
            raise InputError(f"the workbook's {name} are not those of this rate table.")
        for factor in held.column_names[1:]:
            if not (inputs[name][factor].to_numpy() > 0).all():
                raise InputError(f"a {factor} among the workbook's {name} is not above 0.")
    return rates_of(walk, areas=inputs["areas"], bands=inputs["bands"], rules=table.rules)


def _areas(table: RateTable) -> Grid:
    lines = (
        label_line("rating_area", "rating area", table.areas["rating_area"].to_pylist()),
        Line("factor", "factor", table.areas["factor"].to_pylist(), "factor", look="factor"),
    )
    return Grid("areas", "Areas", "Rating areas", lines, is_across=False)


def _bands(table: RateTable) -> Grid:
    rules, tobacco = table.rules, table.bands["tobacco_factor"].to_numpy()
    limit = _limit_cell(rules)
    holds = (tobacco >= 1) & (tobacco <= rules.tobacco_limit)
    condition = f"AND({{tobacco_factor}}>=1,{{tobacco_factor}}<={limit})"
    lines = (
        label_line("band", "family tier" if rules.tiers else "age", table.bands["band"].to_pylist()),
        Line("factor", "factor", table.bands["factor"].to_pylist(), "factor", look="factor"),
        Line("tobacco_factor", "tobacco factor", tobacco.tolist(), "factor", look="factor"),
        condition_line("check_tobacco", "tobacco within its limit", condition, holds),
    )
    title, note = f"Rating factors, {rules.state or 'federal rules'}", f"Factors: {_source(rules)}."
    return Grid("bands", "Factors", title, lines, is_across=False, note=note)


def _rates(table: RateTable) -> Grid:
    columns = {name: table.rates[name].to_pylist() for name in table.rates.column_names}
    base = f"{{{LEVELS}.{line_key(CALIBRATED)}}}*{_looked_up('areas', 'rating_area')}*{_looked_up('bands', 'band')}"
    smoker = f"{base}*{_looked_up('bands', 'band', 'tobacco_factor')}"
    lines = (
        label_line("plan_id", "plan", columns["plan_id"]),
        label_line("rating_area", "rating area", columns["rating_area"]),
        label_line("band", "family tier" if table.rules.tiers else "age", columns["band"]),
        Line("rate", "rate", columns["rate"], "dollars", formula=_cents(base)),
        Line("tobacco_rate", "rate with tobacco", columns["tobacco_rate"], "dollars", formula=_cents(smoker)),
    )
    owners = np.repeat(np.arange(len(table.walk.labels)), table.rates.num_rows // len(table.walk.labels))
    return Grid(
        "rates", "Rates", "Rates by plan, area and age", lines, owners.tolist(), is_across=False, note=_NOTE
    )


def _looked_up(grid: str, key: str, line: str = "factor") -> str:
    """Return the factor of a rate's own area or band."""
    return f"SUMPRODUCT(({{{grid}.{key}}}={{{key}}})*{{{grid}.{line}}})"


def _cents(dollars: str) -> str:
    per_dollar = round(1 / CENT)
    return f"INT(ROUND({dollars}*{per_dollar},{DECIMALS_OF_A_UNIT})+0.5)/{per_dollar}"


def _limit_cell(rules: RatingRules) -> str:
    """Return the name of the parameter that limits tobacco factors: the market's, the State's, or everybody's."""
    for key in (f"{rules.state} {rules.market}", rules.state):
        if rules.used.has("state_tobacco_limit", key):
            return rate_cell("state_tobacco_limit", key)
    return rate_cell("tobacco_limit")


def _source(rules: RatingRules) -> str:
    """Return where the factors of bands come from."""
    found = {
        entry.source + ("" if entry.verified else " (some not verified)")
        for (name, _), entry in rules.used.parameters.items()
        if name in _ON_BANDS
    }
    return max(found, key=len, default="the caller's own curve")
