"""Partitioned directories: columns that stand in the names of folders, ``claim_type=inpatient/part-0.parquet``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from urllib.parse import unquote

import pyarrow as pa

from riskadj.extracts.parts import Part, RawChunk

#: What Hive and Spark call the folder of rows without a value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def columns_of_path(path: str) -> dict[str, str | None]:
    """Return the columns that the folders of a path name, and the value of each."""
    pairs = (folder.partition("=") for folder in PurePath(path).parts[:-1] if "=" in folder)
    return {unquote(name): None if value == _NO_VALUE else unquote(value) for name, _, value in pairs}


def with_columns(part: Part, columns: Mapping[str, str | None]) -> Part:
    """Return a file with columns of one value each; columns of its own of these names stay."""
    added = {name: value for name, value in columns.items() if name not in part.schema.names}
    if not added:
        return part
    schema = part.schema
    for name in added:
        schema = schema.append(pa.field(name, pa.string()))
    return replace(part, schema=schema, chunks=partial(_chunks, part, added))


def _chunks(
    part: Part, added: Mapping[str, str | None], names: Sequence[str], dictionaries: frozenset[str]
) -> Iterator[RawChunk]:
    own = [name for name in names if name not in added]
    filled = partial(_filled, {name: added[name] for name in names if name in added}, list(names))
    return map(filled, part.chunks(own, dictionaries - added.keys()))


def _filled(added: Mapping[str, str | None], names: Sequence[str], raw: RawChunk) -> RawChunk:
    def read() -> pa.Table:
        table = raw.read()
        for name, value in added.items():
            table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), raw.n_rows))
        return table.select(list(names))

    def pieces() -> Iterator[RawChunk]:
        assert raw.pieces is not None
        return map(partial(_filled, added, names), raw.pieces())

    return replace(raw, read=read, pieces=None if raw.pieces is None else pieces)
