"""High-cost pool and loss ratio of an issuer's markets as a TOML file."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import TypeVar

from pricing.errors import InputError
from pricing.revenue.aca_issuer import HighCost, LossRatioInputs
from pricing.toml_files import check_names, read_document, typed

T = TypeVar("T", HighCost, LossRatioInputs)


def read_settlements(path: str | Path) -> tuple[dict[str, HighCost], dict[str, LossRatioInputs]]:
    """Return what `aca_revenue` takes as `high_cost` and `loss_ratios`: by market, from a TOML file.

    Tables are named after what they hold and the market: ``[high_cost.individual]`` with payment and charge_rate,
    ``[loss_ratio.small_group]`` with the fields of `LossRatioInputs`.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to HighCost, and dict of str to LossRatioInputs
        By market [dollars, and shares of premium].

    Raises
    ------
    InputError
        The file is no TOML, or holds something else or something impossible.
    """
    document = read_document(path, "a TOML file with [high_cost.MARKET] and [loss_ratio.MARKET] tables")
    check_names(document, ("high_cost", "loss_ratio"), (), str(path))
    return _of_markets(document, "high_cost", HighCost, path), _of_markets(
        document, "loss_ratio", LossRatioInputs, path
    )


def _of_markets(document: dict[str, object], name: str, kind: type[T], path: str | Path) -> dict[str, T]:
    known = [item.name for item in fields(kind)]
    needed = [item.name for item in fields(kind) if item.default is MISSING]
    markets = document.get(name, {})
    if not isinstance(markets, dict):
        raise InputError(f"{path}: write [{name}.MARKET] tables.")
    found = {}
    for market, table in markets.items():
        where = f"{path}, {name}.{market}"
        check_names(table, known, needed, where)
        numbers = {
            field: float(typed(value, "a number", f"{where}: {field}")) for field, value in table.items()
        }
        found[market] = kind(**numbers)
    return found
