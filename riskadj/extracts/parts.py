"""A part: one file or one in-memory object, with a header and chunks, before anybody knows what its columns mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from riskadj.errors import ExtractError

#: Rows per chunk of an in-memory object: enough to be worth a thread, few enough to share out.
CHUNK_ROWS = 262_144


@dataclass(frozen=True)
class RawChunk:
    """Some consecutive rows of a part, read when asked for, in the part's own columns.

    `pieces` reads the same rows a few at a time, so that a large chunk never stands in memory whole; None: there
    is only `read`.
    """

    first_row: int
    n_rows: int
    read: Callable[[], pa.Table]
    pieces: Callable[[], Iterator[RawChunk]] | None = None


@dataclass(frozen=True)
class Part:
    """One file or in-memory object.

    `chunks` takes the wanted columns of the part, and those that should arrive as dictionaries where that is cheap.
    `repeats` tells whether a column is stored as a dictionary throughout, so that reading it as one is cheap.
    A stream that can be read only once says so in `is_read_once`.
    """

    label: str
    schema: pa.Schema
    n_rows: int | None
    chunks: Callable[[Sequence[str], frozenset[str]], Iterator[RawChunk]]
    repeats: Callable[[str], bool]
    is_read_once: bool = False


def held(table: pa.Table, first_row: int) -> RawChunk:
    """Return a chunk whose rows are in memory already."""
    return RawChunk(first_row, table.num_rows, partial(_same, table))


def held_slices(table: pa.Table, first_row: int) -> Iterator[RawChunk]:
    """Yield `table` in chunks of CHUNK_ROWS rows, zero copy; one chunk without rows if it has none."""
    for start in range(0, max(table.num_rows, 1), CHUNK_ROWS):
        yield held(table.slice(start, CHUNK_ROWS), first_row + start)


def refuse_repeated(part: Part, names: Sequence[str]) -> None:
    """Raise ExtractError if the part has several columns of one of the names."""
    for name in names:
        if part.schema.names.count(name) > 1:
            raise ExtractError(f"{part.label} has several columns named '{name}'; keep one.")


def whole(parts: Sequence[Part], names: Sequence[str]) -> pa.Table:
    """Return columns of all parts as one table, in the order of `names`; files without rows make an empty one.

    Raises
    ------
    ExtractError
        A file has several columns of one of the names.
    """
    for part in parts:
        refuse_repeated(part, names)
    tables = [chunk.read().select(list(names)) for part in parts for chunk in part.chunks(names, frozenset())]
    none = pa.schema([parts[0].schema.field(name) for name in names]).empty_table()
    return pa.concat_tables(tables or [none], promote_options="permissive")


def never(name: str) -> bool:
    """Answer for parts that cannot tell how a column is stored."""
    return False


def _same(table: pa.Table) -> pa.Table:
    return table
