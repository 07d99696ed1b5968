"""Manifests: what a model.toml or payment_year.toml says of its tables and numbers, and where each came from."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from riskadj.errors import ChecksumError, ManifestError, TableError
from riskadj.tables.conditions import Condition, parse_condition

HIERARCHY_MANNERS = ("simultaneous", "sequential")
STATUSES = ("final", "proposed")


@dataclass(frozen=True)
class Source:
    """A document or file that numbers were taken from."""

    id: str
    title: str
    publisher: str
    carried_by: str


@dataclass(frozen=True)
class TableEntry:
    """Provenance and seal of one table file; `verified`: it was checked in the official document."""

    name: str
    source: str
    where: str
    rows: int
    sha256: str
    checked_against: str = ""
    note: str = ""
    verified: bool = True


@dataclass(frozen=True)
class ModelManifest:
    """model.toml: identity, provenance and seals of one model release; `scores`: the member statuses it is for."""

    path: Path
    id: str
    title: str
    program: str
    payment_year: int
    status: str
    revision: int
    hierarchy_manner: str
    sources: Mapping[str, Source]
    tables: Mapping[str, TableEntry]
    scores: Condition


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises
    ------
    ManifestError
        The file is missing or is not TOML.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{short(path)} does not exist; every folder of tables has one.") from None
    except OSError as error:
        raise ManifestError(
            f"{short(path)} cannot be read: {error.strerror or 'input/output error'}."
        ) from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, too many digits, too deep
        raise ManifestError(f"{short(path)} is not TOML: {error}.") from None


@lru_cache(maxsize=64)
def _parsed(text: str) -> dict[str, Any]:
    """Parse TOML; the same text is parsed once, and nobody changes what this returns."""
    return tomllib.loads(text)


def short(path: Path) -> str:
    """Return the last parts of a path inside hcc_maps, enough to find the file."""
    return "/".join(path.parts[-4:])


#: What TOML calls the kinds of values.
_KINDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


def require(table: Any, key: str, kind: type, where: str) -> Any:
    """Return ``table[key]``, which must be of `kind`."""
    if not isinstance(table, Mapping) or key not in table:
        raise ManifestError(f"{where} lacks '{key}'.")
    if not isinstance(table[key], kind):
        raise ManifestError(f"{where}: '{key}' must be {_KINDS[kind]}.")
    return table[key]


def require_if_there(table: Mapping[str, Any], key: str, otherwise: Any, where: str) -> Any:
    """Return ``table[key]``, which must be of the kind of `otherwise`; without such a key, `otherwise`."""
    return require(table, key, type(otherwise), where) if key in table else otherwise


def read_sources(document: Mapping[str, Any], path: Path) -> dict[str, Source]:
    """Return the ``[[sources]]`` of a manifest by id."""
    sources: dict[str, Source] = {}
    for entry in document.get("sources", ()):
        where = f"{short(path)}, [[sources]]"
        names = {key: require(entry, key, str, where) for key in ("id", "title", "publisher", "carried_by")}
        sources[names["id"]] = Source(**names)
    return sources


def cited(entry: Mapping[str, Any], sources: Mapping[str, Source], where: str) -> tuple[str, str]:
    """Return (source, where) of a number; a number without a known source does not load."""
    source = require(entry, "source", str, where)
    if source not in sources:
        raise ManifestError(f"{where}: source '{source}' is not among [[sources]] ({', '.join(sources)}).")
    return source, require(entry, "where", str, where)


def read_table_entries(
    document: Mapping[str, Any], sources: Mapping[str, Source], path: Path
) -> dict[str, TableEntry]:
    """Return the ``[tables.NAME]`` entries of a manifest by name."""
    entries: dict[str, TableEntry] = {}
    for name, entry in require_if_there(document, "tables", {}, short(path)).items():
        where = f"{short(path)}, [tables.{name}]"
        source, place = cited(entry, sources, where)
        entries[name] = TableEntry(
            name,
            source,
            place,
            require(entry, "rows", int, where),
            require(entry, "sha256", str, where),
            require_if_there(entry, "checked_against", "", where),
            require_if_there(entry, "note", "", where),
            require_if_there(entry, "verified", True, where),
        )
    return entries


def read_model_manifest(path: Path) -> ModelManifest:
    """Read and check one model.toml.

    Raises
    ------
    ManifestError
        Something is missing, of the wrong type, uncited, or not one of the allowed words.
    """
    document = read_toml(path)
    where = f"{short(path)}, [model]"
    model = require(document, "model", dict, short(path))
    sources = read_sources(document, path)
    for key, allowed in (("status", STATUSES), ("hierarchy_manner", HIERARCHY_MANNERS)):
        if require(model, key, str, where) not in allowed:
            raise ManifestError(f"{where}: {key} = '{model[key]}'; allowed: {', '.join(allowed)}.")
    return ModelManifest(
        path=path,
        id=require(model, "id", str, where),
        title=require(model, "title", str, where),
        program=require(model, "program", str, where),
        payment_year=require(model, "payment_year", int, where),
        status=model["status"],
        revision=require(model, "revision", int, where),
        hierarchy_manner=model["hierarchy_manner"],
        sources=sources,
        tables=read_table_entries(document, sources, path),
        scores=parse_condition(require_if_there(model, "scores", {}, where), where),
    )


def sealed_content(path: Path, entry: TableEntry) -> bytes:
    """Return the bytes of a table file whose checksum is the sealed one.

    Raises
    ------
    ManifestError
        The file is missing.
    ChecksumError
        The file was changed after it was reviewed.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ManifestError(f"{short(path)} is named in the manifest but does not exist.") from None
    digest = sha256_of(content)
    if digest != entry.sha256:
        raise ChecksumError(
            f"{short(path)}: sha256 {digest[:8]}.. but the manifest says {entry.sha256[:8] or '(nothing)'}..; "
            "if the edit was reviewed, run `riskadj maps seal`."
        )
    return content


def sha256_of(content: bytes) -> str:
    """Return the hex SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def csv_lines(content: bytes, label: str) -> list[list[str]]:
    """Return the cells of each line of a CSV table.

    Raises
    ------
    TableError
        The content is no UTF-8, or no CSV.
    """
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(f"{label}, line {line}: not UTF-8; save the table as UTF-8.") from None
    except csv.Error as error:
        raise TableError(f"{label} is no CSV table: {error}.") from None


def replace_seals(text: str, seals: Mapping[str, tuple[int, str]]) -> str:
    """Return manifest text with the rows and sha256 lines of each ``[tables.NAME]`` replaced; the rest untouched."""
    lines, seen = text.split("\n"), set()
    current: str | None = None
    for number, line in enumerate(lines):
        header = re.fullmatch(r"\[tables\.([A-Za-z0-9_]+)\]\s*(#.*)?", line.strip())
        if header or line.strip().startswith("["):
            current = header.group(1) if header else None
        elif current is not None and current in seals and (match := re.match(r"\s*(rows|sha256)\s*=", line)):
            rows, digest = seals[current]
            lines[number] = f"rows = {rows}" if match.group(1) == "rows" else f'sha256 = "{digest}"'
            seen.add((current, match.group(1)))
    lacking = [name for name in seals if not {(name, "rows"), (name, "sha256")} <= seen]
    if lacking:
        raise ManifestError(
            f"[tables.{lacking[0]}] must have a 'rows' and a 'sha256' line before it can be sealed."
        )
    return "\n".join(lines)
