"""Open anything as an extract: canonical columns, read a chunk at a time."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from riskadj.errors import ColumnMissingError, ExtractError, OptionError, columns_in_words, nearest
from riskadj.extracts.buffers import harmonise_ids
from riskadj.extracts.contract import OTHER_NAMES, REQUIRED, ROLES, names_of
from riskadj.extracts.layouts import check_options, plan_reading
from riskadj.extracts.normalise import check_type, read_id_type
from riskadj.extracts.parts import Part, RawChunk, refuse_repeated
from riskadj.extracts.read import ChunkReader, row_numbers
from riskadj.extracts.readings import Reading
from riskadj.extracts.sources import open_parts

__all__ = ["Chunk", "Extract", "candidate_for", "missing_column", "open_extract", "require", "row_numbers"]


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one file, read when asked for.

    Parameters
    ----------
    file : str
        Label for messages and rejects: the file's name, or the role of an in-memory object.
    first_row : int
        Number within the file of the first data row; the first row of a file is 1.
    n_rows : int or None
        Rows of the file in this chunk. A layout that writes several diagnoses in a row reads more rows than this.
    read : callable
        ``read(rejects=None)`` returns the canonical columns asked for and present; rows it cannot use go to `rejects`
        and are left out. Safe to call from any thread.
    pieces : callable
        ``pieces()`` yields the same rows as smaller chunks, in order, for a reader that needs a few rows at a time;
        safe to call from any thread, and to be advanced by several, one at a time.
    """

    file: str
    first_row: int
    n_rows: int | None
    read: Callable[..., pa.Table]
    pieces: Callable[[], Iterator[Chunk]]


@dataclass(frozen=True)
class Extract:
    """An extract whose columns are known and whose rows are read a chunk at a time.

    Parameters
    ----------
    role : "enrollment", "diagnoses", "drugs" or "claims"
    columns : tuple of str
        Canonical columns present in every file.
    n_rows : int or None
        Rows of all files; None where only reading tells.
    files : tuple of str
        Labels, in reading order.
    chunks : callable
        ``chunks(names)`` yields chunks with these canonical columns (those present).
    notes : tuple of str
        What the layout decided, for the run report.
    headers : tuple of tuple of str
        The files' own column names, for messages.
    id_type : pyarrow.DataType
        Type in which every chunk's member ids come: string, int64 or some binary type.
    """

    role: str
    columns: tuple[str, ...]
    n_rows: int | None
    files: tuple[str, ...]
    chunks: Callable[[Sequence[str]], Iterator[Chunk]]
    notes: tuple[str, ...]
    headers: tuple[tuple[str, ...], ...]
    id_type: pa.DataType


def open_extract(
    source: Any, role: str, *, layout: str = "riskadj", columns: Mapping[str, str] | None = None
) -> Extract:
    """Open `source` as an extract of `role`.

    Parameters
    ----------
    source : path, list of paths, directory, glob, or in-memory table
        Parquet or CSV files; a pyarrow Table, RecordBatch or RecordBatchReader; a pandas or Polars DataFrame; anything
        else that speaks the Arrow PyCapsule interface, such as a DuckDB relation.
    role : "enrollment", "diagnoses", "drugs" or "claims"
    layout : "riskadj", "tuva" or "cms"
        Which names the files use.
    columns : mapping, optional
        Canonical name -> the files' name, where they differ.

    Returns
    -------
    Extract

    Raises
    ------
    ColumnMissingError
        If a column that every extract of the role needs is not there.
    ColumnTypeError
        If a column cannot hold what it means.
    ExtractError
        If the source is missing, empty, truncated, or its files contradict each other.
    OptionError
        If `role`, `layout` or a name in `columns` is not known.
    """
    if role not in ROLES:
        raise OptionError(f"role {role!r} is not known; allowed: {', '.join(ROLES)}{nearest(role, ROLES)}.")
    columns = dict(columns or {})
    check_options(role, layout, columns)
    parts = open_parts(source, role)
    readings = [plan_reading(part, role, layout, columns) for part in parts]
    extract = _extract(role, parts, readings)
    require(extract, REQUIRED[role])
    return extract


def _extract(role: str, parts: Sequence[Part], readings: Sequence[Reading]) -> Extract:
    _check_same_columns(role, parts, readings)
    present = tuple(name for name in names_of(role) if all(name in reading.columns for reading in readings))
    for part, reading in zip(parts, readings, strict=True):
        _check_part(role, part, reading, present)
    rows = [part.n_rows for part in parts]
    id_type = _id_type(parts, readings)
    return Extract(
        role=role,
        columns=present,
        n_rows=None if None in rows else sum(n for n in rows if n is not None),
        files=tuple(part.label for part in parts),
        chunks=partial(_chunks, role, parts, readings, present, id_type),
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
        headers=tuple(tuple(part.schema.names) for part in parts),
        id_type=id_type,
    )


def _check_same_columns(role: str, parts: Sequence[Part], readings: Sequence[Reading]) -> None:
    """Refuse files of which one lacks what another has: leaving the column out would change scores in silence."""
    for name in names_of(role):
        having = [
            part.label for part, reading in zip(parts, readings, strict=True) if name in reading.columns
        ]
        lacking = [
            part.label for part, reading in zip(parts, readings, strict=True) if name not in reading.columns
        ]
        if having and lacking and name not in REQUIRED[role]:
            raise ExtractError(
                f"{lacking[0]} lacks '{name}', which {having[0]} has ({len(lacking):,} of {len(parts):,} lack it); "
                "give all files the same columns."
            )


def _check_part(role: str, part: Part, reading: Reading, present: Sequence[str]) -> None:
    """Check types and unique names of the columns in use, before any row is read."""
    refuse_repeated(part, reading.sources_of(list(present)))
    for name in present:
        if name in reading.origins and reading.origins[name].make is None:
            theirs = reading.origins[name].sources[0]
            check_type(ROLES[role][name], part.schema.field(theirs).type, label=part.label, name=theirs)


def _id_type(parts: Sequence[Part], readings: Sequence[Reading]) -> pa.DataType:
    """Return the type in which the member ids of all files can be compared; files that disagree meet as text."""
    found = None
    for part, reading in zip(parts, readings, strict=True):
        if "member_id" in reading.origins:
            id_type = read_id_type(part.schema.field(reading.origins["member_id"].sources[0]).type)
            found = id_type if found is None else harmonise_ids(found, id_type) or found
    return pa.string() if found is None else found


def require(extract: Extract, names: Sequence[str]) -> None:
    """Raise ColumnMissingError unless every file of `extract` has the canonical columns `names`."""
    for name in names:
        if name not in extract.columns:
            raise missing_column(extract, name)


def missing_column(extract: Extract, name: str) -> ColumnMissingError:
    """Return the error for a missing column: which file, what it has, how to map it."""
    lacking = [i for i, header in enumerate(extract.headers) if name not in header]
    index = lacking[0] if lacking else 0
    header = extract.headers[index]
    candidate = candidate_for(name, header)
    lacks = f"{extract.files[index]} lacks '{name}'"
    if candidate == name:
        return ColumnMissingError(
            f'{lacks} in this layout, but has it by that name; read it with layout="riskadj".'
        )
    theirs = candidate or "..."
    return ColumnMissingError(
        f"{lacks} ({columns_in_words(header, _known(extract.role))}). "
        f'Map it with columns={{"{name}": "{theirs}"}} (--columns {name}={theirs}).'
    )


def _known(role: str) -> Iterator[str]:
    """Yield the names under which columns of a role are known, ours and those of others."""
    for name in names_of(role):
        yield from (name, *OTHER_NAMES.get(name, ()))


def candidate_for(name: str, header: Sequence[str]) -> str | None:
    """Return the column of `header` that probably means `name`, or None."""
    lower = {theirs.lower().strip().replace(" ", "_"): theirs for theirs in header}
    for other in (name, *OTHER_NAMES.get(name, ())):
        if other in lower:
            return lower[other]
    close = difflib.get_close_matches(name, list(lower), n=1, cutoff=0.75)
    return lower[close[0]] if close else None


def _chunks(
    role: str,
    parts: Sequence[Part],
    readings: Sequence[Reading],
    present: Sequence[str],
    id_type: pa.DataType,
    names: Sequence[str],
) -> Iterator[Chunk]:
    wanted = tuple(name for name in names if name in present)
    for part, reading in zip(parts, readings, strict=True):
        reader = ChunkReader(role, part, reading, wanted, id_type)
        for raw in reader.raw_chunks():
            yield _chunk(reader, raw)


def _chunk(reader: ChunkReader, raw: RawChunk) -> Chunk:
    read = partial(reader.read, raw)
    return Chunk(reader.part.label, raw.first_row, raw.n_rows, read, partial(_pieces, reader, raw))


def _pieces(reader: ChunkReader, raw: RawChunk) -> Iterator[Chunk]:
    pieces = (raw,) if raw.pieces is None else raw.pieces()
    return map(partial(_chunk, reader), pieces)
