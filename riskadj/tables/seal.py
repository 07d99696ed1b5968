"""Seals: write row counts and checksums into manifests after a review."""

from __future__ import annotations

from pathlib import Path

from riskadj.errors import ManifestError
from riskadj.tables.manifest import csv_lines, replace_seals, sha256_of, short

#: Manifests whose tables are CSV files beside them: of a model, of a payment year, of pricing's yearly parameters.
MANIFESTS = ("model.toml", "payment_year.toml", "manifest.toml")


def seal_folder(folder: str | Path) -> list[str]:
    """Write rows and sha256 of every table into the manifests below `folder`.

    Parameters
    ----------
    folder : path
        A model folder, a payment-year folder, or any folder above them.

    Returns
    -------
    list of str
        The manifests that changed.

    Raises
    ------
    ManifestError
        A manifest names a table that does not exist, or there is no manifest at all.
    """
    changed = _resealed(Path(folder))
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    return [short(path) for path in changed]


def broken_seals(folder: str | Path) -> list[str]:
    """Return the manifests below `folder` that do not agree with the tables beside them.

    Raises
    ------
    ManifestError
        A manifest names a table that does not exist, or there is no manifest at all.
    """
    return [short(path) for path in _resealed(Path(folder))]


def _resealed(root: Path) -> dict[Path, str]:
    """Return the manifests that do not agree with their tables, with the text that would."""
    manifests = sorted(path for name in MANIFESTS for path in root.rglob(name))
    if not manifests:
        raise ManifestError(f"{root} holds no {', '.join(MANIFESTS)} to seal.")
    texts = {path: path.read_text(encoding="utf-8") for path in manifests}
    sealed = {path: _sealed(path, text) for path, text in texts.items()}
    return {path: text for path, text in sealed.items() if text != texts[path]}


def _sealed(path: Path, text: str) -> str:
    names = [line.strip()[8:-1] for line in text.split("\n") if line.strip().startswith("[tables.")]
    if path.name == "manifest.toml" and not all((path.parent / f"{name}.csv").exists() for name in names):
        return text  # lists of codes have manifests too; they are compressed, and their builder seals them
    return replace_seals(text, {name: _seal_of(path.parent / f"{name}.csv") for name in names})


def _seal_of(path: Path) -> tuple[int, str]:
    if not path.exists():
        raise ManifestError(f"{short(path)} is named in the manifest but does not exist.")
    content = path.read_bytes()
    return len(csv_lines(content, short(path))) - 1, sha256_of(content)
