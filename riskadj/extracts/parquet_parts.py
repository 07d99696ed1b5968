"""Parquet files: one chunk per row group, each opened on its own so that threads never share a file handle."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskadj.errors import ExtractError
from riskadj.extracts.buffers import values_of
from riskadj.extracts.parts import Part, RawChunk, held

#: A row group above this many rows is streamed in batches, so that memory stays bounded.
LARGE_ROW_GROUP = 4_000_000
STREAM_BATCH = 1_000_000
#: Rows of a row group that stand in memory at a time where its reader takes it in pieces: smaller ones decode slower.
PIECE_ROWS = 131_072

#: Writers give a dictionary up when it passes a megabyte; then plain values follow, of at least five bytes each, where
#: an index takes at most two and a half. Reading a column with plain pages as a dictionary is twelve times slower,
#: reading one without is four times faster (300,000 ids in a row group of a million).
DICTIONARY_BYTES = 1 << 20
BYTES_PER_INDEX = 2.6

#: What the reader raises on a damaged file; names of columns that are no UTF-8 come as the last.
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


@dataclass(frozen=True)
class _ParquetFile:
    """A Parquet file whose footer has been read."""

    path: str
    label: str
    metadata: pq.FileMetaData
    schema: pa.Schema

    def chunks(self, names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        """Yield a chunk per row group; of large row groups several."""
        first_row = 1
        text = [name for name in dictionaries if _is_stored_text(self.schema.field(name).type)]
        for index in range(self.metadata.num_row_groups):
            n_rows = self.metadata.row_group(index).num_rows
            if n_rows > LARGE_ROW_GROUP:
                yield from self._batches(index, first_row, names, text, STREAM_BATCH)
            elif n_rows:
                read = partial(self._read, index, list(names), text)
                yield RawChunk(
                    first_row, n_rows, read, partial(self._batches, index, first_row, names, text, PIECE_ROWS)
                )
            first_row += n_rows

    def repeats(self, name: str) -> bool:
        """Return True if `name` is dictionary-encoded throughout, so that reading it as a dictionary is cheap."""
        index = self.metadata.schema.to_arrow_schema().get_field_index(name)
        if (
            index < 0
            or self.metadata.num_columns != len(self.schema)
            or not _is_stored_text(self.schema.field(name).type)
        ):
            return False
        groups = (self.metadata.row_group(i).column(index) for i in range(self.metadata.num_row_groups))
        return all(_is_all_dictionary(column) for column in groups)

    def _open(self, text: Sequence[str]) -> pq.ParquetFile:
        return pq.ParquetFile(self.path, metadata=self.metadata, memory_map=True, read_dictionary=list(text))

    def _read(self, index: int, names: list[str], text: Sequence[str]) -> pa.Table:
        try:
            with self._open(text) as file:
                table = file.read_row_group(index, columns=names, use_threads=False).select(names)
        except MemoryError:
            raise
        except UNREADABLE as error:
            raise damaged(self.label, error) from None
        return self._checked(table)

    def _checked(self, table: pa.Table) -> pa.Table:
        """Return the table if its dictionary columns hold what they say; the reader does not look (a damaged file)."""
        for column in table.columns:
            if pa.types.is_dictionary(column.type) and not all(map(_points_inside, column.chunks)):
                raise damaged(self.label, ValueError())
        return table

    def _batches(
        self, index: int, first_row: int, names: Sequence[str], text: Sequence[str], n_rows: int
    ) -> Iterator[RawChunk]:
        def chunk(batch: pa.RecordBatch) -> RawChunk:
            nonlocal first_row
            first_row += batch.num_rows
            table = self._checked(pa.Table.from_batches([batch]).select(list(names)))
            return held(table, first_row - batch.num_rows)

        try:
            with self._open(
                text
            ) as file:  # map forgets a batch while it reads the next: a loop variable would not
                yield from map(
                    chunk, file.iter_batches(n_rows, [index], columns=list(names), use_threads=False)
                )
        except MemoryError:
            raise
        except UNREADABLE as error:
            raise damaged(self.label, error) from None


def _points_inside(array: pa.DictionaryArray) -> bool:
    """Return True if every index names an entry; what stands under a null counts only where it raises a doubt."""
    if not len(array):
        return True
    if pa.types.is_int32(array.indices.type):
        points = values_of(array.indices).view(np.uint32)  # a negative one is a large one
        if points.max() < len(array.dictionary):
            return True
    ends = pc.min_max(array.indices)
    least, most = ends["min"].as_py(), ends["max"].as_py()
    return least is None or (least >= 0 and most < len(array.dictionary))


def _is_stored_text(arrow_type: pa.DataType) -> bool:
    return pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type)


def _is_all_dictionary(column: pq.ColumnChunkMetaData) -> bool:
    if column.num_values == 0:
        return True
    has_dictionary = any(encoding.endswith("_DICTIONARY") for encoding in column.encodings)
    return (
        has_dictionary
        and column.total_uncompressed_size - DICTIONARY_BYTES < BYTES_PER_INDEX * column.num_values
    )


def open_file(path: str, label: str) -> Part:
    """Return the Parquet file at `path`, footer read.

    Raises
    ------
    ExtractError
        If the file is truncated or damaged.
    """
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            opened = _ParquetFile(path, label, file.metadata, file.schema_arrow)
    except MemoryError:
        raise
    except UNREADABLE as error:
        raise damaged(label, error) from None
    return Part(label, opened.schema, int(opened.metadata.num_rows), opened.chunks, opened.repeats)


def damaged(label: str, error: Exception) -> ExtractError:
    """Return the error for a file that Parquet's reader gives up on; its own words may quote data and are left out.

    Raises
    ------
    MemoryError
        It gave up for want of memory: a file that could not be mapped comes as an OSError without a number.
    """
    if os.strerror(errno.ENOMEM) in str(error):
        raise MemoryError from None
    words = error.strerror if isinstance(error, OSError) and error.strerror else "truncated or damaged"
    return ExtractError(f"{label} cannot be read as Parquet ({words}); write it again or leave it out.")
