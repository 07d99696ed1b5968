"""CSV files: streamed batches; every column arrives as text, so that leading zeros live and nothing is guessed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv as arrow_csv

from riskadj.errors import ExtractError
from riskadj.extracts.parts import Part, RawChunk, held, never

BLOCK_BYTES = 16 << 20
DELIMITERS = (",", "|", "\t", ";")
_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class _CsvFile:
    """A CSV file whose header line has been read."""

    path: str
    label: str
    schema: pa.Schema
    delimiter: str

    def chunks(self, names: Sequence[str], dictionaries: frozenset[str]) -> Iterator[RawChunk]:
        """Yield a chunk per batch of about 16 MB of text."""
        first_row = 1
        for table in self._tables(list(names), dictionaries):
            yield held(table, first_row)
            first_row += table.num_rows

    def _tables(self, names: list[str], dictionaries: frozenset[str]) -> Iterator[pa.Table]:
        try:
            with self._reader(names, dictionaries) as reader:
                for batch in reader:
                    if batch.num_rows:
                        yield pa.Table.from_batches([batch])
        except MemoryError:
            raise
        except pa.ArrowException as error:
            raise self._unreadable(error) from None
        except OSError as error:
            raise ExtractError(f"{self.label} cannot be read: {error.strerror or 'damaged file'}.") from None

    def _reader(self, names: list[str], dictionaries: frozenset[str]) -> arrow_csv.CSVStreamingReader:
        text = pa.dictionary(pa.int32(), pa.string())
        return arrow_csv.open_csv(
            self.path,
            read_options=arrow_csv.ReadOptions(
                column_names=_distinct(self.schema.names),
                skip_rows=1,
                block_size=BLOCK_BYTES,
                use_threads=False,
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=names,
                column_types={name: text if name in dictionaries else pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    def _unreadable(self, error: pa.ArrowException) -> ExtractError:
        """Say which kind of trouble it is; Arrow's own words quote the line, which is a member's data."""
        words = str(error)
        if "Expected" in words and "columns" in words:
            line = re.search(r"Row #(\d+)", words)  # Arrow counts the header as row 1
            which = f"row {int(line[1]) - 1:,}" if line else "a row"
            what = f"{which} does not have the {len(self.schema)} columns of the header"
        elif "UTF8" in words or "utf8" in words:
            what = "it is not UTF-8 text"
        else:
            what = "it cannot be parsed"
        return ExtractError(f"{self.label} cannot be read as CSV: {what}; correct the file or give Parquet.")


def _distinct(names: Sequence[str]) -> list[str]:
    """Return `names` with repeats renamed; a repeated name that is asked for has been refused before."""
    seen: set[str] = set()
    distinct = []
    for index, name in enumerate(names):
        distinct.append(f"{name} ({index})" if name in seen else name)
        seen.add(name)
    return distinct


def open_file(path: str, label: str) -> Part:
    """Return the CSV file at `path`; the delimiter is the one that splits its header most.

    Raises
    ------
    ExtractError
        If the file is not text or has no header.
    """
    header = _header_line(path, label)
    delimiter = max(DELIMITERS, key=header.count)
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(header), delimiter=delimiter), [])]
    except csv.Error:  # a return within the line, or a cell of megabytes
        raise ExtractError(
            f"{label} has no header line; its first line must name the columns, and lines end in LF or CRLF."
        ) from None
    if not any(names):
        raise ExtractError(f"{label} has no header line; its first line must name the columns.")
    opened = _CsvFile(path, label, pa.schema([(name, pa.string()) for name in names]), delimiter)
    return Part(label, opened.schema, None, opened.chunks, never)


def _header_line(path: str, label: str) -> str:
    try:
        with pa.input_stream(path) as stream:
            first = stream.read(_HEADER_BYTES)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        raise ExtractError(f"{label} cannot be read; give a Parquet or CSV file.") from None
    line = first.split(b"\n", 1)[0].rstrip(b"\r")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ExtractError(
            f"{label} is neither Parquet nor UTF-8 text; give a Parquet or CSV file."
        ) from None
    if "\x00" in text:
        raise ExtractError(f"{label} is neither Parquet nor UTF-8 text; give a Parquet or CSV file.")
    return text
