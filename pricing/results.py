"""What every result of pricing can do: give its tables by name to pandas, and write them to a directory.

A result is a frozen dataclass with ``TABLES`` (its tables by attribute, and the file each is written to), ``run`` (what
it was made from) and ``plot``; it takes ``to_pandas`` and ``write`` from here, and ``__repr__``
where it has no better words: a dataclass's own would print the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Numbers
from riskadj.extracts.write import Result, Tables, named_table, write_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def table_of(self: Tables, name: str) -> pa.Table:
    """Return a table by the name of the attribute, or of the method, that gives it."""
    held = getattr(self, name)
    held = held() if callable(held) else held
    return held if isinstance(held, pa.Table) else held.table()


def tables_of(self: Tables) -> dict[str, pa.Table]:
    """Return every table by the file it is written to."""
    return {file: table_of(self, name) for name, file in self.TABLES.items()}


def finite(values: Numbers) -> pa.Array:
    """Return a column of numbers; null where there was nothing to divide by."""
    return pa.array(values, mask=~np.isfinite(values))


def shown(self: Tables) -> str:
    """Return what a result is, for people, without its data: `__repr__` of results that have no better words."""
    held = {name: getattr(self, name) for name in self.TABLES}
    sizes = [
        f"{name} of {table.num_rows:,} rows" for name, table in held.items() if isinstance(table, pa.Table)
    ]
    return f"<{type(self).__name__}: {', '.join(sizes)}>"


def to_pandas(self: Tables, table: str | None = None) -> pd.DataFrame:
    """Return one of `TABLES` as a pandas DataFrame; default: the first.

    Raises
    ------
    InputError
        There is no such table.
    """
    frame: pd.DataFrame = table_of(self, named_table(table, list(self.TABLES), InputError)).to_pandas()
    return frame


def write(self: Result, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
    """Write `TABLES` as Parquet, run.json and, if asked for, the chart under the first table's name, all or nothing.

    Parameters
    ----------
    directory : path
        Made, with its parent if need be.
    chart : bool
        Write the chart too (PNG).
    overwrite : bool
        Replace earlier results; other files are never replaced.

    Raises
    ------
    riskadj.errors.OutputExistsError, OutputError
        The directory is there already (and `overwrite` is False), or cannot be written.
    """
    charts = {next(iter(self.TABLES.values())): self.plot()} if chart else {}
    return write_with(self, directory, charts=charts, overwrite=overwrite)


def write_with(
    self: Result,
    directory: str | Path,
    *,
    charts: Mapping[str, Figure],
    tables: Mapping[str, pa.Table] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write as `write` does, with charts (by file) and perhaps more tables of one's own."""
    every = {**tables_of(self), **(tables or {})}
    return write_tables(directory, every, report_of(self), charts=charts, overwrite=overwrite)


def report_of(self: Result) -> dict[str, Any]:
    """Return `run`, with the result's warnings where it has any."""
    warnings = getattr(self, "warnings", None)
    return dict(self.run) if warnings is None else {**self.run, "warnings": list(warnings)}
