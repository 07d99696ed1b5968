"""What a caller hands over, as parts: files on disk and Arrow objects in memory, each with a header and chunks.

A part knows its own column names only; what they mean is decided in `layouts`.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riskadj.errors import ExtractError
from riskadj.extracts import arrow_parts, csv_parts, parquet_parts
from riskadj.extracts.partitions import columns_of_path, with_columns
from riskadj.extracts.parts import Part

PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")
CSV_SUFFIXES = (".csv", ".txt", ".psv", ".tsv", ".csv.gz", ".txt.gz", ".csv.bz2", ".csv.zst")
_GLOB_CHARACTERS = frozenset("*?[")


def open_parts(source: Any, role: str) -> tuple[Part, ...]:
    """Return the parts of `source`: files in name order, or the one in-memory object.

    Raises
    ------
    ExtractError
        If nothing is there, a file is empty, truncated or not readable, or the object is of no known kind.
    """
    if isinstance(source, (str, os.PathLike)):
        return _open_files(_expand(os.fspath(source), role))
    if isinstance(source, (list, tuple)):
        return _open_files(_expand_list(source, role))
    return (arrow_parts.open_object(source, role),)


def _expand_list(sources: Sequence[Any], role: str) -> list[str]:
    if not sources:
        raise ExtractError(f"no files were given for {role}; give at least one path.")
    for source in sources:
        if not isinstance(source, (str, os.PathLike)):
            raise ExtractError(f"the list given for {role} holds a {type(source).__name__}; allowed: paths.")
    return [path for source in sources for path in _expand(os.fspath(source), role)]


def _expand(path: str, role: str) -> list[str]:
    """Return the files that `path` means: itself, those in it, or those it matches."""
    if os.path.isdir(path):
        return _files_in(path, role)
    if os.path.exists(path):
        return [path]
    if _GLOB_CHARACTERS.intersection(path):
        return _files_matching(path, role)
    raise ExtractError(f"{path} does not exist; give {role} as a file, a directory, a glob or a table.")


def _files_matching(pattern: str, role: str) -> list[str]:
    found = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not found:
        raise ExtractError(f"no file matches {pattern}, given for {role}.")
    return found


def _files_in(directory: str, role: str) -> list[str]:
    """Return the Parquet or CSV files below `directory`; names starting with . or _ are other programs' bookkeeping."""
    paths = sorted(
        path
        for path in Path(directory).rglob("*")
        if path.is_file()
        and not any(piece.startswith((".", "_")) for piece in path.relative_to(directory).parts)
    )
    parquet = [str(path) for path in paths if path.name.lower().endswith(PARQUET_SUFFIXES)]
    csv = [str(path) for path in paths if path.name.lower().endswith(CSV_SUFFIXES)]
    if parquet and csv:
        raise ExtractError(
            f"{directory} holds both Parquet and CSV files; give {role} as a glob that picks one kind."
        )
    if not parquet and not csv:
        raise ExtractError(f"{directory} holds no Parquet or CSV files for {role}.")
    return parquet or csv


def _open_files(paths: Sequence[str]) -> tuple[Part, ...]:
    return tuple(_open_file(path, label) for path, label in zip(paths, _labels(paths), strict=True))


def _labels(paths: Sequence[str]) -> list[str]:
    """Return file names for messages, with as much of the path as tells equal names apart."""
    names = [os.path.basename(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    common = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    return [Path(os.path.relpath(os.path.abspath(path), common)).as_posix() for path in paths]


def _open_file(path: str, label: str) -> Part:
    return with_columns(_open_alone(path, label), columns_of_path(path))


def _open_alone(path: str, label: str) -> Part:
    first_bytes = _first_bytes(path, label)
    if not first_bytes:
        raise ExtractError(f"{label} is empty (0 bytes); give a Parquet or CSV file.")
    if first_bytes == b"PAR1":
        return parquet_parts.open_file(path, label)
    if path.lower().endswith(PARQUET_SUFFIXES):
        raise ExtractError(f"{label} is not a Parquet file although its name says so; write it again.")
    return csv_parts.open_file(path, label)


def _first_bytes(path: str, label: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4)
    except OSError as error:
        raise ExtractError(f"{label} cannot be opened: {error.strerror}.") from None
