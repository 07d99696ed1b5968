"""In-memory objects: pyarrow tables and readers, and whatever speaks the Arrow PyCapsule interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.parts import CHUNK_ROWS, Part, RawChunk, held_slices, never

#: Rows of a data frame from which its types are told.
TYPE_ROWS = 1_000


def open_object(source: Any, role: str) -> Part:
    """Return `source` as a part labelled with its role.

    Raises
    ------
    ExtractError
        If it is no table, or cannot be turned into Arrow.
    """
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return Part(role, source.schema, source.num_rows, partial(_table_chunks, source), never)
    if isinstance(source, pa.RecordBatchReader):
        return _open_reader(source, role)
    if _is_frame(source):
        return _open_frame(source, role)
    if type(source).__name__ == "DuckDBPyRelation":
        return _open_relation(source, role)
    if hasattr(source, "__arrow_c_stream__"):
        return _open_capsule(source, role)
    raise ExtractError(
        f"a {type(source).__name__} was given for {role}; allowed: a path, a list of paths, a pyarrow Table or "
        "RecordBatchReader, a pandas or Polars DataFrame, a DuckDB relation."
    )


def _table_chunks(table: pa.Table, names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
    return held_slices(table.select(list(names)), 1)


def _open_reader(reader: pa.RecordBatchReader, role: str) -> Part:
    """Take a stream that can be read once; a second reading is refused rather than answered with nothing."""
    waiting = [reader]

    def chunks(names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        if not waiting:
            raise ExtractError(
                f"the RecordBatchReader given for {role} has been read already; give a table or a file."
            )
        return _reader_chunks(waiting.pop(), names, role)

    return Part(role, reader.schema, None, chunks, never, is_read_once=True)


def _open_relation(relation: Any, role: str) -> Part:
    """Take a DuckDB relation; it is run when it is read, for the asked-for columns, and holds nothing open before."""
    schema = _stream(relation.limit(0), role).read_all().schema

    def chunks(names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        quoted = ['"' + name.replace('"', '""') + '"' for name in names]
        return _reader_chunks(_stream(relation.select(*quoted), role), names, role)

    return Part(role, schema, None, chunks, never)


def _open_capsule(source: Any, role: str) -> Part:
    """Take an object that makes a stream whenever asked; its first stream, opened for the header, is not wasted."""
    first = _stream(source, role)
    schema, waiting = first.schema, [first]

    def chunks(names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        return _reader_chunks(waiting.pop() if waiting else _stream(source, role), names, role)

    return Part(role, schema, None, chunks, never)


def _reader_chunks(reader: pa.RecordBatchReader, names: Sequence[str], role: str) -> Iterator[RawChunk]:
    """Yield chunks of about CHUNK_ROWS rows, whatever the size of the batches."""
    first_row, waiting, n_waiting = 1, [], 0
    for batch in _batches(reader, role):
        waiting.append(batch.select(list(names)))
        n_waiting += batch.num_rows
        if n_waiting >= CHUNK_ROWS:
            yield from held_slices(pa.Table.from_batches(waiting), first_row)
            first_row, waiting, n_waiting = first_row + n_waiting, [], 0
    if n_waiting:
        yield from held_slices(pa.Table.from_batches(waiting), first_row)


def _batches(reader: pa.RecordBatchReader, role: str) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        raise ExtractError(f"the stream given for {role} broke off while it was read.") from None


def _stream(source: Any, role: str) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(source)
    except Exception as error:  # noqa: BLE001 - an exporter may raise anything, and its words may quote data
        raise _not_arrow(source, role, error) from None


def _not_arrow(source: Any, role: str, error: Exception) -> ExtractError:
    return ExtractError(
        f"the {type(source).__name__} given for {role} cannot be turned into Arrow ({type(error).__name__}); "
        "give each column one type."
    )


def _is_frame(source: Any) -> bool:
    module = type(source).__module__.split(".")[0]
    return module in ("pandas", "polars") and type(source).__name__ == "DataFrame"


def _open_frame(frame: Any, role: str) -> Part:
    """Take a pandas or Polars frame; only the asked-for columns are converted, when they are asked for.

    The types are those of the first rows: a pandas column of Python objects shows its type only when it is converted.
    """
    frame = _with_index(frame)
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ExtractError(
            f"the DataFrame given for {role} has several columns named {', '.join(repeated)}; rename them."
        )

    def chunks(names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        return _reader_chunks(_frame_stream(frame[list(names)], role), names, role)

    return Part(role, _frame_stream(frame.head(TYPE_ROWS), role).schema, len(frame), chunks, never)


def _with_index(frame: Any) -> Any:
    """Return a frame in which the named levels of a pandas index are columns like the others."""
    levels = [name for name in getattr(getattr(frame, "index", None), "names", ()) if name is not None]
    levels = [name for name in levels if name not in frame.columns]
    return frame.reset_index(level=levels) if levels else frame


def _frame_stream(frame: Any, role: str) -> pa.RecordBatchReader:
    if hasattr(frame, "__arrow_c_stream__"):
        return _stream(frame, role)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).to_reader()
    except Exception as error:  # noqa: BLE001 - a frame may hold anything, and the words may quote it
        raise _not_arrow(frame, role, error) from None
