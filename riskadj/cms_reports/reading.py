"""What the readers of all reports share: their layouts, several files as one, blocks put together."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from riskadj.errors import ExtractError, OptionError
from riskadj.extracts.fixed_width import Details, read_records
from riskadj.extracts.record_layout import RecordLayout, parse_layout
from riskadj.tables.record_layouts import load_layout_table

#: One file, or several that are read one after another.
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def load_layout(name: str, layout_file: str | os.PathLike[str] | None = None) -> RecordLayout:
    """Return the bundled layout of a report, or the one in `layout_file`.

    Raises
    ------
    TableError, OptionError
        The file is no layout, or cannot be read.
    """
    if layout_file is None:
        return parse_layout(load_layout_table(name), f"layout {name}")
    path = Path(layout_file)
    try:
        return parse_layout(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"layout_file {path.name} cannot be read: {type(error).__name__}.") from None


def require_fields(layout: RecordLayout, names: Sequence[str], report: str) -> None:
    """Raise ExtractError if a detail record of the layout lacks a field that the report is read by."""
    for record in layout.details:
        here = {field.name for field in record.fields if field.type != "skip"}
        lacking = [name for name in names if name not in here]
        if lacking:
            raise ExtractError(
                f"{layout.label}, record {record.name} lacks '{lacking[0]}', by which {report} is read; "
                f"needed: {', '.join(names)}."
            )


def read_all(
    paths: Paths,
    layout: RecordLayout,
    table_of: Callable[[Details], pa.Table],
    *,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Return the details of all files as one table; `table_of` makes the rows of a block."""
    tables = [table_of(details) for details in details_of(paths, layout, columns)]
    if not tables:
        raise ExtractError(f"{', '.join(path.name for path in files_of(paths))}: no detail record.")
    return pa.concat_tables(tables).combine_chunks()


def details_of(paths: Paths, layout: RecordLayout, columns: Sequence[str] | None = None) -> Iterator[Details]:
    """Yield the details of all files, block by block."""
    for path in files_of(paths):
        yield from read_records(path, layout, columns=columns)


def files_of(paths: Paths) -> list[Path]:
    """Return the files as a list.

    Raises
    ------
    OptionError
        There is none.
    """
    found = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not found:
        raise OptionError("no file was named; give a path, or a list of paths.")
    return found


def load_codes(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of codes."""
    return list(csv.DictReader(load_layout_table(name).splitlines()))
