"""Model tables: find, load and verify one model release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import hcc_maps
from riskadj.errors import ManifestError, TableError, UnknownModelError, UnknownPaymentYearError, nearest
from riskadj.tables.columns import TABLES, Table, read_table
from riskadj.tables.manifest import ModelManifest, read_model_manifest, sealed_content, short

_YEAR_FOLDER = re.compile(r"[a-z]{2}(\d{4})")


@dataclass(frozen=True)
class ModelRelease:
    """Where one model release stands: program folder, payment (or benefit) year, model id, folder."""

    program: str
    payment_year: int
    model_id: str
    folder: Path


@dataclass(frozen=True)
class ModelTables:
    """One model release: its manifest and its verified tables.

    Attributes
    ----------
    manifest : ModelManifest
    tables : mapping of str to Table
        By table name; optional tables that the folder lacks are absent.
    """

    manifest: ModelManifest
    tables: Mapping[str, Table]

    @property
    def id(self) -> str:
        """Model id, such as the folder's name."""
        return self.manifest.id

    @property
    def payment_year(self) -> int:
        """Payment (or benefit) year of the release."""
        return self.manifest.payment_year

    @property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of every table, by table name."""
        return {name: entry.sha256 for name, entry in self.manifest.tables.items()}

    def records(self, name: str) -> Iterator[dict[str, str]]:
        """Yield the rows of a table as dicts; an optional table that is absent has no rows."""
        return self.tables[name].records() if name in self.tables else iter(())


def maps_root(maps_dir: str | Path | None = None) -> Path:
    """Return the folder of model tables: `maps_dir`, or the one that ships with the package."""
    root = Path(maps_dir) if maps_dir is not None else Path(next(iter(hcc_maps.__path__)))
    if not root.is_dir():
        raise UnknownModelError(
            f"maps_dir {root} is no directory; it must hold <program>/<year>/<model> folders."
        )
    return root


def year_folders(maps_dir: str | Path | None = None) -> Iterator[tuple[str, int, Path]]:
    """Yield (program, year, folder) of every payment-year folder, sorted."""
    for program in sorted(path for path in maps_root(maps_dir).iterdir() if path.is_dir()):
        for folder in sorted(path for path in program.iterdir() if path.is_dir()):
            if match := _YEAR_FOLDER.fullmatch(folder.name):
                yield program.name, int(match.group(1)), folder


def list_models(maps_dir: str | Path | None = None) -> list[ModelRelease]:
    """List every model release that can be loaded.

    Parameters
    ----------
    maps_dir : path, optional
        A folder of the same shape as ``hcc_maps``; default: the tables that ship with riskadj.

    Returns
    -------
    list of ModelRelease
        Sorted by program, year and model id.
    """
    return [
        ModelRelease(program, year, path.parent.name, path.parent)
        for program, year, folder in year_folders(maps_dir)
        for path in sorted(folder.glob("*/model.toml"))
    ]


def load_model(model_id: str, *, payment_year: int, maps_dir: str | Path | None = None) -> ModelTables:
    """Load one model release and verify the checksum of every table.

    Parameters
    ----------
    model_id : str
        Such as ``"cms_hcc_v28"``; `list_models` has them all.
    payment_year : int
        Payment year (Medicare) or benefit year (HHS). There is no default year.
    maps_dir : path, optional
        A folder of the same shape as ``hcc_maps``.

    Returns
    -------
    ModelTables

    Raises
    ------
    UnknownModelError, UnknownPaymentYearError
        No such folder; the message lists what there is.
    ManifestError, TableError, ChecksumError
        The folder is not sound.
    """
    releases = list_models(maps_dir)
    for release in releases:
        if (release.model_id, release.payment_year) == (model_id, payment_year):
            return load_folder(release.folder)
    years = sorted({release.payment_year for release in releases if release.model_id == model_id})
    if years:
        raise UnknownPaymentYearError(
            f"no tables of {model_id} for payment year {payment_year}; known: {_listed(years)}. "
            "To add one see hcc_maps/README.md."
        )
    known = sorted({release.model_id for release in releases})
    raise UnknownModelError(f"no model '{model_id}'{nearest(model_id, known)}; known: {', '.join(known)}.")


def _listed(years: list[int]) -> str:
    return ", ".join(str(year) for year in years)


def load_folder(folder: Path) -> ModelTables:
    """Load the model release in one folder, verified."""
    manifest = read_model_manifest(folder / "model.toml")
    _check_identity(manifest, folder)
    tables: dict[str, Table] = {}
    for name, entry in manifest.tables.items():
        path = folder / f"{name}.csv"
        table = read_table(path, sealed_content(path, entry), TABLES[name])
        if len(table.rows) != entry.rows:
            raise TableError(f"{short(path)} has {len(table.rows)} rows but the manifest says {entry.rows}.")
        tables[name] = table
    return ModelTables(manifest, tables)


def _check_identity(manifest: ModelManifest, folder: Path) -> None:
    year = int(folder.parent.name[2:])
    if (manifest.id, manifest.payment_year, manifest.program) != (
        folder.name,
        year,
        folder.parent.parent.name,
    ):
        raise ManifestError(
            f"{short(manifest.path)} says {manifest.program}/{manifest.payment_year}/{manifest.id}, "
            "which is not the folder it stands in."
        )
    required = {name for name, spec in TABLES.items() if spec.required}
    for name in sorted(required - set(manifest.tables)):
        raise ManifestError(f"{short(manifest.path)} lacks [tables.{name}], which every model needs.")
    for name in sorted(set(manifest.tables) - set(TABLES)):
        raise ManifestError(f"{short(manifest.path)}: no table kind '{name}'; allowed: {', '.join(TABLES)}.")
