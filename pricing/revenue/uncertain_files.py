"""Uncertain assumptions as a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pricing.errors import InputError
from pricing.revenue.distributions import Distribution
from pricing.revenue.draws import Uncertain
from pricing.toml_files import check_names, read_tables, typed

_KINDS = {
    "parameter": "text", "distribution": "text", "values": "a list of numbers", "where": "a table of texts",
    "to": "a table of texts", "first_month": "text", "last_month": "text", "calendar_months": "a list of whole numbers",
}  # fmt: skip
_NEEDED = ("parameter", "distribution", "values")
_PAIR = {"pair": "a list of texts", "value": "a number"}


def read_uncertain(path: str | Path) -> tuple[tuple[Uncertain, ...], dict[tuple[str, str], float]]:
    """Return the uncertain assumptions of a TOML file, and their correlations, as `draw_revenue` takes them.

    An ``[[uncertain]]`` table has parameter, distribution (normal, lognormal, uniform, triangular, values), values (the
    distribution's parameters) and perhaps where, to and months, as a row of a scenario; a ``[[correlation]]`` table has
    pair (two assumptions by name) and value.

    Parameters
    ----------
    path : path

    Returns
    -------
    tuple of Uncertain, and dict of (str, str) to float
        What is drawn; correlations of normal scores [-1 to 1] by pair of names.

    Raises
    ------
    InputError
        The file is no TOML, holds no ``[[uncertain]]`` table, or one that is impossible.
    """
    found = [
        _uncertain(table, f"{path}, uncertain {number}")
        for number, table in enumerate(read_tables(path, "uncertain"), start=1)
    ]
    correlations: dict[tuple[str, str], float] = {}
    for number, table in enumerate(read_tables(path, "correlation", is_needed=False), start=1):
        values = _typed_values(table, _PAIR, tuple(_PAIR), f"{path}, correlation {number}")
        if len(values["pair"]) != 2:
            raise InputError(f"{path}, correlation {number}: pair must name two assumptions.")
        correlations[values["pair"][0], values["pair"][1]] = float(values["value"])
    return tuple(found), correlations


def _uncertain(table: Mapping[str, Any], where: str) -> Uncertain:
    values = _typed_values(table, _KINDS, _NEEDED, where)
    distribution = Distribution(values.pop("distribution"), tuple(values.pop("values")))
    return Uncertain(distribution=distribution, **values)


def _typed_values(
    table: Mapping[str, Any], kinds: Mapping[str, str], needed: tuple[str, ...], where: str
) -> dict[str, Any]:
    check_names(table, tuple(kinds), needed, where)
    return {name: typed(value, kinds[name], f"{where}: {name}") for name, value in table.items()}
