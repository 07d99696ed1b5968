"""The complete ICD-10-CM code lists: what tells a valid code that maps to no HCC from one that does not exist."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from riskadj.tables.manifest import read_sources, read_table_entries, read_toml, sealed_content
from riskadj.tables.model import maps_root

FOLDER = "icd10cm"


@lru_cache(maxsize=1)
def load_valid_codes() -> tuple[str, ...]:
    """Return every billable code of the bundled ICD-10-CM lists, undotted, sorted.

    Raises
    ------
    ManifestError, ChecksumError
        The bundled lists are not the sealed ones.
    """
    codes: set[str] = set()
    for path in _sealed_lists():
        codes.update(gzip.decompress(path).decode("ascii").split())
    return tuple(sorted(codes))


def _sealed_lists() -> list[bytes]:
    folder: Path = maps_root() / FOLDER
    path = folder / "manifest.toml"
    document = read_toml(path)
    entries = read_table_entries(document, read_sources(document, path), path)
    return [sealed_content(folder / f"{name}.txt.gz", entry) for name, entry in entries.items()]
