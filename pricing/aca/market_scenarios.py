"""Scenarios of a market: which enrollees change, and how; from TOML files or made in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.aca.transfer_formula import PLAN
from pricing.errors import InputError
from pricing.inputs import Columns
from pricing.toml_files import check_names, read_tables, typed

BASE = "as it is"
#: Columns that scenarios can multiply.
FACTORS = ("payment_risk_score", "premium_pmpm", "months_enrolled")


@dataclass(frozen=True)
class Scenario:
    """What changes, for whom.

    Parameters
    ----------
    name : str
    where : mapping
        Column of the enrollees -> value or values: who changes; any column, also one of your own. Default: everybody.
    multiply : mapping
        payment_risk_score, premium_pmpm or months_enrolled -> factor.
    set_to : mapping
        state, market, issuer_id, plan_id, rating_area or metal_level -> new value. Who moves to another plan takes the
        own premium along; `multiply` it by what the plans' base rates differ.
    share : float
        The share of each such enrollee's months that changes, above 0 and up to 1: 0.1 moves a tenth of them,
        sick and healthy alike.
    """

    name: str
    where: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    multiply: Mapping[str, float] = field(default_factory=dict)
    set_to: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be changed."""
        for names, allowed in ((self.multiply, FACTORS), (self.set_to, PLAN)):
            for name in names:
                if name not in allowed:
                    raise InputError(
                        f"scenario '{self.name}' cannot change '{name}'; multiply {', '.join(FACTORS)}, "
                        f"or set {', '.join(PLAN)}."
                    )
        if not all(0 <= factor < np.inf for factor in self.multiply.values()):
            raise InputError(f"scenario '{self.name}' multiplies by what is negative or no finite number.")
        if not 0 < self.share <= 1:
            raise InputError(
                f"scenario '{self.name}' has share {self.share:g}; give one above 0 and up to 1."
            )


#: What each value of a scenario must be, where it is read from a file.
_KINDS = {
    "name": "text",
    "where": "a table of texts",
    "multiply": "a table of numbers",
    "set_to": "a table with one text each",
    "share": "a number",
}


def read_scenarios(path: str | Path) -> list[Scenario]:
    """Return the scenarios of a TOML file, in order: ``[[scenario]]`` tables of what `Scenario` takes.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of Scenario

    Raises
    ------
    InputError
        The file is no TOML, holds no scenario, or one that lacks a name or has what a scenario does not take.
    """
    scenarios = []
    for number, table in enumerate(read_tables(path, "scenario"), start=1):
        where = f"{path}, scenario {number}"
        check_names(table, tuple(_KINDS), ("name",), where)
        values = {name: typed(value, _KINDS[name], f"{where}: {name}") for name, value in table.items()}
        scenarios.append(Scenario(**values))
    return scenarios


def rows_chosen(columns: Columns, scenario: Scenario) -> npt.NDArray[np.bool_]:
    """Return which enrollees a scenario changes, shape (n_rows,).

    Raises
    ------
    InputError
        A column of its `where` is not there, or it changes nobody.
    """
    chosen = np.ones(columns.n_rows, np.bool_)
    for name, values in scenario.where.items():
        if name not in columns:
            raise InputError(
                f"scenario '{scenario.name}': enrollees have no column '{name}'; they have: {', '.join(columns)}."
            )
        chosen &= columns.holds(name, values)
    if not chosen.any():
        raise InputError(f"scenario '{scenario.name}' changes nobody; mend its `where`.")
    return chosen


def enrollees_under(columns: Columns, scenario: Scenario) -> tuple[dict[str, Any], npt.NDArray[np.int64]]:
    """Return the enrollees of a scenario and which of the given ones each is; a share splits an enrollee in two."""
    chosen = rows_chosen(columns, scenario)
    row = np.concatenate([np.arange(columns.n_rows), np.flatnonzero(chosen)])
    is_new = np.arange(len(row)) >= columns.n_rows
    arrays = {name: columns[name][row] for name in (*PLAN, *FACTORS, "age_years", "is_billable")}
    weight = np.where(is_new, scenario.share, np.where(chosen[row], 1 - scenario.share, 1.0))
    arrays["months_enrolled"] = arrays["months_enrolled"] * weight
    for name, factor in scenario.multiply.items():
        arrays[name] = np.where(is_new, arrays[name] * factor, arrays[name])
    for name, value in scenario.set_to.items():
        arrays[name] = np.where(is_new, value, arrays[name].astype(str))
    kept = weight > 0
    return {name: values[kept] for name, values in arrays.items()}, row[kept]
