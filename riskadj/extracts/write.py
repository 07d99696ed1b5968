"""Results to disk: written whole or not at all."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.errors import OutputError, OutputExistsError, RiskAdjError, nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The report of a run, the last file of every output directory; it lists the files beside it under "files".
REPORT = "run.json"

#: Rows of a row group: of a table, and the least of one that is written batch by batch.
ROW_GROUP_ROWS, ROW_GROUP_LEAST = 262_144, 131_072
_counter = itertools.count()


class Tables(Protocol):
    """Something with tables by name: their attributes, and the file each is written to."""

    TABLES: ClassVar[Mapping[str, str]]


class Result(Tables, Protocol):
    """A result, of riskadj or pricing, as writing it needs it."""

    @property
    def run(self) -> Mapping[str, Any]:
        """What it was made from; counts add up."""

    def plot(self) -> Figure:
        """Return the chart of its first table."""


def named_table(table: str | None, names: Sequence[str], error: type[RiskAdjError]) -> str:
    """Return the name of the table asked for, the first where none is; one that there is not is an `error`."""
    name = names[0] if table is None else table
    if name not in names:
        raise error(f"no table '{name}'{nearest(name, names)}; there are: {', '.join(names)}.")
    return name


class OutputDirectory:
    """A directory that appears whole, under its name, when the ``with`` block ends without an error.

    Parameters
    ----------
    path : path
        The directory to make; its parent is made if need be.
    overwrite : bool
        Replace earlier results. A directory that holds other files is never replaced.

    Raises
    ------
    OutputExistsError
        At once, if `path` exists and may not be replaced.
    OutputError
        At once, if nothing can be written there; at the end, if the results could not be moved into place.

    Notes
    -----
    Files go to a hidden sibling, ``.NAME.partial-HOST-PID-N``, which is renamed at the end. One left behind by a run
    that was killed is removed by the next run for the same directory.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.path = Path(os.path.abspath(os.fspath(path)))
        self.overwrite = overwrite
        self._partial: Path | None = None
        with output_errors(self.path):
            self._tidy()
            self._check()

    def _check(self) -> None:
        if self.path.is_dir():
            self._check_directory()
        elif os.path.lexists(self.path):
            raise OutputExistsError(
                f"{self.path} exists and is not a directory; choose another output directory."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise OutputError(
                f"{self.path.parent} cannot be written to (permission denied); choose another directory."
            )

    def _check_directory(self) -> None:
        names = sorted(os.listdir(self.path))
        if not names:
            return
        foreign = [name for name in names if name not in _files_listed(self.path)]
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise OutputExistsError(
                f"{self.path} holds files that are no results of a run: {foreign[0]}{more}; choose another directory."
            )
        if not self.overwrite:
            raise OutputExistsError(
                f"{self.path} exists; pass overwrite=True (--overwrite) or choose another directory."
            )

    def __enter__(self) -> Path:
        """Return the directory to write to."""
        self._partial = partial = self._sibling("partial")
        try:
            with output_errors(self.path):
                partial.mkdir()
            return partial
        except BaseException:  # an interrupt here is none of the block's: __exit__ would never hear of it
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Move the results into place, or leave nothing behind."""
        partial, self._partial = self._partial, None
        assert partial is not None
        try:
            if kind is None:
                with output_errors(self.path):
                    _list_files(partial)
                    self._check()
                    self._move_in(partial)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _sibling(self, what: str) -> Path:
        name = f".{self.path.name}.{what}-{socket.gethostname()}-{os.getpid()}-{next(_counter)}"
        return self.path.parent / name

    def _move_in(self, partial: Path) -> None:
        """Rename; earlier results step aside first and come back if the rename fails."""
        if not self.path.is_dir():
            os.rename(partial, self.path)
            return
        old = self._sibling("old")
        os.rename(self.path, old)
        try:
            os.rename(partial, self.path)
        except OSError:
            os.rename(old, self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _tidy(self) -> None:
        """Clear away what killed runs left beside this directory; results they had moved aside come back."""
        for left in self.path.parent.glob(f".{self.path.name}.*-*-*"):
            what = _leftover(left.name.removeprefix(f".{self.path.name}."))
            if what == "old" and not self.path.exists():
                os.rename(left, self.path)
            elif what is not None:
                shutil.rmtree(left, ignore_errors=True)


def _list_files(directory: Path) -> None:
    """Write into a run's report which files are its results: only those may a later run replace."""
    path = directory / REPORT
    if path.exists():
        report = json.loads(path.read_text(encoding="utf-8"))
        write_json(path, {**report, "files": sorted(os.listdir(directory))})


def _files_listed(directory: Path) -> list[str]:
    """Return the files that a directory's run report lists; none where there is no such report."""
    try:
        report = json.loads((directory / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    listed = report.get("files", []) if isinstance(report, dict) else []
    return listed if isinstance(listed, list) else []


def _leftover(name: str) -> str | None:
    """Return "partial" or "old" if `name` belongs to a process of this machine that is gone."""
    match = re.fullmatch(r"(partial|old)-(.+)-(\d+)-\d+", name)
    if match is None or match[2] != socket.gethostname() or _is_running(int(match[3])):
        return None
    return match[1]


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def output_errors(path: Path | str) -> Iterator[None]:
    """Turn an operating-system error of the block into an OutputError that says what and where."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        raise OutputError(f"{path} cannot be written: {words}.") from error


def write_parquet(
    path: Path,
    data: pa.Table | Iterable[pa.RecordBatch | pa.Table],
    *,
    schema: pa.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write a table, or batches as they come, as one Parquet file; return the number of rows.

    Member ids are written plain: they neither repeat nor compress. Labels, scores and names of lists are written as
    dictionaries, compressed with LZ4. Statistics are left out where no reader could use them (ids and lists).

    Parameters
    ----------
    path : Path
    data : Table or iterable of RecordBatch or Table
    schema : Schema
        Needed for batches.
    metadata : mapping of str
        Key-value metadata of the file: model ids, checksums, version.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    tables = [data] if isinstance(data, pa.Table) else data
    schema = data.schema if isinstance(data, pa.Table) else schema
    assert schema is not None
    schema = schema.with_metadata(dict(metadata or {}))
    columns = {_path_of(field): field for field in schema}
    with (
        output_errors(path),
        pq.ParquetWriter(
            path,
            schema,
            use_dictionary=[
                name for name, field in columns.items() if field.name != _ID and _repeats(field.type)
            ],
            compression={name: "none" if field.name == _ID else "lz4" for name, field in columns.items()},
            write_statistics=[name for name, field in columns.items() if name == field.name != _ID],
            store_schema=False,
        ) as writer,
    ):

        def write(table: pa.Table) -> int:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP_ROWS)
            return int(table.num_rows)

        n_rows = sum(
            map(write, _row_groups(tables))
        )  # a loop variable would keep a table until the next one is made
        writer.add_key_value_metadata(dict(metadata or {}))
    return n_rows


def _row_groups(pieces: Iterable[pa.RecordBatch | pa.Table]) -> Iterator[pa.Table]:
    """Yield tables of rows enough for a row group; what came in small batches is put together."""
    waiting: list[pa.Table] = []
    for piece in pieces:
        waiting.append(pa.Table.from_batches([piece]) if isinstance(piece, pa.RecordBatch) else piece)
        if sum(table.num_rows for table in waiting) >= ROW_GROUP_LEAST:
            yield _together(waiting)
    if waiting:
        yield _together(waiting)


def _together(waiting: list[pa.Table]) -> pa.Table:
    """Return the tables as one, and forget them."""
    together = pa.concat_tables(waiting)
    waiting.clear()
    return together


def write_tables(
    directory: str | os.PathLike[str],
    tables: Mapping[str, pa.Table | pa.RecordBatchReader],
    report: Mapping[str, object],
    *,
    metadata: Mapping[str, str] | None = None,
    charts: Mapping[str, Figure] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write tables as ``NAME.parquet`` and the report as ``run.json`` into `directory`, all or nothing.

    Parameters
    ----------
    tables : mapping of str to Table or RecordBatchReader
        By their names; batches of a reader are written as they come.
    report : mapping
        What the tables were made from; written last.
    metadata : mapping of str
        Key-value metadata of every table.
    charts : mapping of str to Figure
        Written as ``NAME.png``, each under the name of a table.

    Raises
    ------
    OutputExistsError, OutputError
        As `OutputDirectory`.
    """
    with OutputDirectory(directory, overwrite=overwrite) as path:
        for name, table in tables.items():
            write_parquet(path / f"{name}.parquet", table, schema=table.schema, metadata=metadata)
        for name, figure in (charts or {}).items():
            with output_errors(path):
                figure.savefig(path / f"{name}.png", dpi=150)
        write_json(path / REPORT, report)
    return Path(directory)


def write_json(path: Path, report: Mapping[str, object]) -> None:
    """Write a report as JSON to read."""
    with output_errors(path):
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


_ID = "member_id"


def _path_of(field: pa.Field) -> str:
    """Return the Parquet path of a column's values."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def _repeats(arrow_type: pa.DataType) -> bool:
    value_type = arrow_type.value_type if pa.types.is_list(arrow_type) else arrow_type
    return pa.types.is_dictionary(value_type) or not _is_text(value_type)


def _is_text(arrow_type: pa.DataType) -> bool:
    return pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type)
