"""Model tables of one's own, packed to travel with the work and unpacked once by each worker process."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from riskadj.errors import OptionError

#: What a folder of model tables is made of.
SUFFIXES = (".csv", ".toml")


@dataclass(frozen=True)
class ShippedMaps:
    """A folder of model tables: its name and its files, zipped."""

    name: str
    content: bytes


def packed(maps_dir: Path) -> ShippedMaps:
    """Return the tables below `maps_dir`, ready to travel.

    Raises
    ------
    OptionError
        There is no such folder.
    """
    if not maps_dir.is_dir():
        raise OptionError(
            f"maps_dir {maps_dir} is no folder on the machine that calls; give a folder of model tables."
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in maps_dir.rglob("*") if path.suffix in SUFFIXES):
            archive.write(path, path.relative_to(maps_dir).as_posix())
    return ShippedMaps(maps_dir.resolve().name, content.getvalue())


_folders: list[tempfile.TemporaryDirectory[str]] = []


@lru_cache(maxsize=8)
def unpacked(maps: ShippedMaps) -> Path:
    """Return a folder of this process with the tables; it goes when the process ends."""
    _folders.append(tempfile.TemporaryDirectory(prefix="riskadj-maps-"))
    folder = Path(_folders[-1].name) / maps.name
    with zipfile.ZipFile(io.BytesIO(maps.content)) as archive:
        archive.extractall(folder)
    return folder
