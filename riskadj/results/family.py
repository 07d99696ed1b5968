"""What every result of riskadj can do: give its tables by name to pandas, and write them to a directory.

A result is a frozen dataclass with ``TABLES`` (its tables by attribute, and the file each is written to), ``run`` (the
report of what it was made from), ``summary`` and ``plot``; it takes ``to_pandas`` from here, and ``write`` unless it
writes otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from riskadj.errors import OptionError
from riskadj.extracts.write import Result, Tables, named_table, write_tables
from riskadj.scoring.run_report import run_metadata

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(self: Tables, table: str | None = None) -> pd.DataFrame:
    """Return one of `TABLES` as a pandas DataFrame; default: the first.

    Raises
    ------
    OptionError
        There is no such table.
    """
    held = [name for name in self.TABLES if getattr(self, name) is not None]
    frame: pd.DataFrame = getattr(self, named_table(table, held, OptionError)).to_pandas()
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
    OutputExistsError, OutputError
        The directory is there already (and `overwrite` is False), or cannot be written.
    """
    tables = {file: getattr(self, name) for name, file in self.TABLES.items()}
    charts = {next(iter(tables)): self.plot()} if chart else {}
    return write_tables(
        directory, tables, self.run, metadata=run_metadata(dict(self.run)), charts=charts, overwrite=overwrite
    )
