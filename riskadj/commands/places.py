"""Which folder of tables a word of the command line means."""

from __future__ import annotations

import re
from pathlib import Path

from riskadj.errors import UnknownModelError

_YEAR_FOLDER = re.compile(r"[a-z]{2}\d{4}")


def folder_of(name: str, maps_dir: Path | None) -> Path:
    """Return the folder that `name` means: one inside the tables, or else a path.

    Raises
    ------
    UnknownModelError
        There is neither.
    """
    from riskadj.tables.model import maps_root

    root = maps_root(maps_dir)
    for folder in (root / name, Path(name)):
        if folder.is_dir():
            return folder
    raise UnknownModelError(
        f"no folder {name}, neither in {root.name} nor here; `riskadj maps list` shows what there is."
    )


def place_of(name: str, maps_dir: Path | None) -> tuple[Path, str | None]:
    """Return the folder of all tables that `name` is in, and its place below it (None: the whole).

    Raises
    ------
    UnknownModelError
        There is no such folder, or it holds no payment year and is in none.
    """
    folder = folder_of(name, maps_dir).resolve()
    chain = [folder, *folder.parents]
    year = next((path for path in chain if _YEAR_FOLDER.fullmatch(path.name)), None)
    if year is None:
        year = next(
            (path for depth in ("*", "*/*") for path in sorted(folder.glob(depth)) if _is_year(path)), None
        )
    if year is None:
        raise UnknownModelError(
            f"{name} holds no payment year and is in none; tables stand in <program>/py<YEAR>/<model>."
        )
    root = year.parent.parent
    return root, None if root == folder else folder.relative_to(root).as_posix()


def _is_year(path: Path) -> bool:
    return path.is_dir() and _YEAR_FOLDER.fullmatch(path.name) is not None
