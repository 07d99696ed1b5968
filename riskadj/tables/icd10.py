"""The complete ICD-10-CM code lists: what tells a valid code that maps to no HCC from one that does not exist."""

from __future__ import annotations

import gzip
from functools import lru_cache

from riskadj.tables.manifest import read_sources, read_table_entries, read_toml, sealed_content
from riskadj.tables.model import maps_root

FOLDER = "icd10cm"


def load_valid_codes() -> bytes:
    """Return every billable code of the bundled ICD-10-CM lists: undotted ASCII, a newline after each, repeats and all.

    Raises
    ------
    ManifestError, ChecksumError
        The bundled lists are not the sealed ones.
    """
    folder = maps_root() / FOLDER
    path = folder / "manifest.toml"
    document = read_toml(path)
    entries = read_table_entries(document, read_sources(document, path), path)
    lists = [_unpacked(sealed_content(folder / f"{name}.txt.gz", entry)) for name, entry in entries.items()]
    return b"".join(text if text.endswith(b"\n") else text + b"\n" for text in lists)


@lru_cache(maxsize=4)
def _unpacked(content: bytes) -> bytes:
    return gzip.decompress(content)
