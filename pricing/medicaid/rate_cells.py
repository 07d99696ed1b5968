"""Rate cells: which cell pays for each enrollee, by age, sex, eligibility category and region; scores by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Column, Columns, read_columns
from pricing.rows import add_up

ALL = "all"
#: Units that a cell pays for: a month of a member, or an event such as a delivery (a kick payment).
MEMBER_MONTH, EVENT = "member_month", "event"

#: What makes a rate cell: one row per cell; a blank sex, category or region stands for every one.
DEFINITIONS = (
    Column("rate_cell", "text"),
    Column("age_min", "integer", default=0, minimum=0),
    Column("age_max", "integer", default=999, minimum=0),
    Column("sex", "text", default=""),
    Column("eligibility_category", "text", default=""),
    Column("region", "text", default=""),
)
#: Enrollees: one row per member and span of constant status.
ENROLLEES = (
    Column("age_years", "integer", minimum=0),
    Column("sex", "text", default=""),
    Column("eligibility_category", "text", default=""),
    Column("region", "text", default=ALL),
)
#: Members whose scores are averaged.
MEMBERS = (
    Column("mco", "text"),
    Column("rate_cell", "text"),
    Column("region", "text", default=ALL),
    Column("member_months", above=0.0),
    Column("risk_score", above=0.0),
)


def rate_cells_of(enrollees: Any, definitions: Any) -> pa.Array:
    """Return the rate cell of each enrollee.

    Parameters
    ----------
    enrollees : path, DataFrame, Arrow table or mapping
        age_years [years], and as the cells ask for them sex, eligibility_category, region.
    definitions : path, DataFrame, Arrow table or mapping
        One row per cell, region and combination: rate_cell, age_min, age_max [years, inclusive], sex,
        eligibility_category, region; a column that is absent, and a blank cell, asks nothing.

    Returns
    -------
    pyarrow.Array of string, shape (n_enrollees,)

    Raises
    ------
    InputError
        An enrollee fits no cell, or two cells of different names.

    Examples
    --------
    >>> cells = {"rate_cell": ["child", "adult"], "age_max": [18, 999], "age_min": [0, 19]}
    >>> rate_cells_of({"age_years": [3, 40]}, cells).to_pylist()
    ['child', 'adult']
    """
    people = read_columns(enrollees, ENROLLEES, role="enrollees")
    cells = read_columns(definitions, DEFINITIONS, role="rate cells")
    cells.refuse(cells["age_max"] < cells["age_min"], "age_max below age_min")
    names = sorted(set(cells["rate_cell"]))
    found = np.full(people.n_rows, -1, np.int64)
    several = np.zeros(people.n_rows, np.bool_)
    for row in range(cells.n_rows):
        fits = _fits(people, cells, row)
        number = names.index(cells["rate_cell"][row])
        several |= fits & (found >= 0) & (found != number)
        found[fits] = number
    people.refuse(found < 0, "no rate cell fits; give one, or leave these enrollees out;")
    people.refuse(several, "several rate cells fit; keep their ages, sexes, categories and regions apart;")
    return pa.array(names, pa.string()).take(pa.array(found))


def _fits(people: Columns, cells: Columns, row: int) -> Any:
    ages = people["age_years"]
    fits = (ages >= cells["age_min"][row]) & (ages <= cells["age_max"][row])
    for name in ("sex", "eligibility_category", "region"):
        wanted = cells[name][row]
        fits &= (people[name] == wanted) | (wanted == "")
    return fits


def average_scores(members: Any) -> pa.Table:
    """Return the mean risk score of each MCO, rate cell and region, weighted by member months.

    Parameters
    ----------
    members : path, DataFrame, Arrow table or mapping
        mco, rate_cell, region (default: all), member_months [months], risk_score [any common scale]: one row per
        scored member and cell, from `riskadj.score` or elsewhere.

    Returns
    -------
    pyarrow.Table
        mco, rate_cell, region, member_months [months], raw_score [the scale of the scores], as
        `risk_adjusted_rates` takes them.

    Raises
    ------
    InputError
        A column is missing or holds impossible values.
    """
    rows = read_columns(members, MEMBERS, role="members")
    keys, group = rows.groups(("mco", "rate_cell", "region"))
    months = add_up(group, rows["member_months"], len(keys))
    scores = add_up(group, rows["member_months"] * rows["risk_score"], len(keys)) / months
    named = {name: [key[place] for key in keys] for place, name in enumerate(("mco", "rate_cell", "region"))}
    return pa.table({**named, "member_months": months, "raw_score": scores})


def label_of(rate_cell: str, region: str) -> str:
    """Return what a cell is called: its name, and its region where there is one."""
    return rate_cell if region == ALL else f"{rate_cell} / {region}"


def places_of(keys: list[tuple[Any, ...]], wanted: Columns, names: tuple[str, ...], role: str) -> Any:
    """Return where each row's key stands among `keys`.

    Raises
    ------
    InputError
        A key is not there.
    """
    number = {key: place for place, key in enumerate(keys)}
    found = np.array(
        [number.get(key, -1) for key in zip(*(wanted[name] for name in names), strict=True)], np.int64
    )
    if (found < 0).any():
        wanted.refuse(found < 0, f"no such {', '.join(names)} in {role}; give it a row;")
    return found


def check_decimals(decimals: int | None) -> None:
    """Raise InputError unless a ratio can be rounded to as many decimals; None: it is not rounded."""
    if decimals is not None and decimals not in range(11):
        raise InputError("decimals must lie between 0 and 10, a whole number.")
