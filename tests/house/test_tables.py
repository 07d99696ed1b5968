"""Laws on the tables: every one sealed, every number cited.

The seals are checked here without the library's own loader, so that a hole in the loader cannot hide one.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import laws

MAPS = laws.ROOT / "hcc_maps"
MANIFESTS = sorted(path for path in MAPS.rglob("*.toml"))
RELEASES = [path for path in MANIFESTS if path.name == "model.toml"]
NUMBERS = (
    "age_as_of",
    "collection",
    "rounding",
    "enrollment_duration",
    "normalization",
    "coding_intensity",
    "cost_sharing",
    "policy",
    "diagnosis_sources",
    "eligible_procedures",
)
NEEDED_NUMBERS = ("age_as_of", "collection", "rounding")


def label(path: Path) -> str:
    return str(path.parent.relative_to(MAPS))


def parsed(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def table_files(folder: Path) -> dict[str, Path]:
    return {
        path.name.split(".")[0]: path for suffix in ("csv", "txt.gz") for path in folder.glob(f"*.{suffix}")
    }


def rows_in(path: Path) -> int:
    if path.suffix == ".gz":
        return len(gzip.decompress(path.read_bytes()).decode("utf-8").splitlines())
    with path.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1


def seal_violations(manifest: Path) -> list[str]:
    """Tables beside a manifest that it does not name, that are not there, or that are not what it sealed."""
    entries, files = parsed(manifest).get("tables", {}), table_files(manifest.parent)
    violations = [
        f"{name}: in only one of folder and manifest" for name in sorted(entries.keys() ^ files.keys())
    ]
    for name in sorted(entries.keys() & files.keys()):
        if hashlib.sha256(files[name].read_bytes()).hexdigest() != entries[name].get("sha256"):
            violations.append(f"{name}: not the table that was sealed")
        if rows_in(files[name]) != entries[name].get("rows"):
            violations.append(f"{name}: {rows_in(files[name])} rows, not {entries[name].get('rows')}")
    return violations


def cited_entries(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, entry) of everything in a manifest that has to name its source."""
    yield from ((f"tables.{name}", entry) for name, entry in document.get("tables", {}).items())
    for name in NUMBERS:
        entries = document.get(name, [])
        yield from ((name, entry) for entry in (entries if isinstance(entries, list) else [entries]))


def citation_violations(document: dict[str, Any]) -> list[str]:
    """Entries without a source, or with one that the manifest does not describe."""
    sources = {source.get("id"): source for source in document.get("sources", [])}
    violations = [
        f"source {name}: lacks {key}"
        for name, source in sources.items()
        for key in ("id", "title", "publisher", "carried_by")
        if not source.get(key)
    ]
    for name, entry in cited_entries(document):
        if entry.get("source") not in sources or not entry.get("where"):
            violations.append(f"{name}: no source and place among [[sources]]")
    return violations


def test_there_are_tables() -> None:
    assert RELEASES


@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_every_table_is_sealed(manifest: Path) -> None:
    assert seal_violations(manifest) == []


def test_no_table_stands_outside_a_manifest() -> None:
    folders = {path.parent for path in MANIFESTS}
    strays = [
        path for suffix in ("csv", "gz") for path in MAPS.rglob(f"*.{suffix}") if path.parent not in folders
    ]
    assert strays == []


@pytest.mark.parametrize("manifest", MANIFESTS, ids=label)
def test_every_number_is_cited(manifest: Path) -> None:
    document = parsed(manifest)
    assert list(cited_entries(document))
    assert citation_violations(document) == []


@pytest.mark.parametrize(
    "manifest",
    [path for path in MANIFESTS if path.name == "payment_year.toml"],
    ids=lambda path: path.parent.name,
)
def test_every_payment_year_states_its_numbers_as_exact_decimals(manifest: Path) -> None:
    document = parsed(manifest)
    assert [name for name in NEEDED_NUMBERS if name not in document] == []
    factors = [
        entry["value"] for name in ("normalization", "coding_intensity") for entry in document.get(name, [])
    ]
    weights = [part["weight"] for policy in document.get("policy", []) for part in policy["blend"]]
    assert [value for value in factors + weights if not isinstance(value, str)] == []


def test_seal_law_sees_a_changed_and_a_stray_table(tmp_path: Path) -> None:
    table = b"hcc,drops\nHCC1,HCC2\n"
    seal = f'[tables.hierarchies]\nrows = 1\nsha256 = "{hashlib.sha256(table).hexdigest()}"\n'
    manifest = tmp_path / "model.toml"
    manifest.write_text(seal, encoding="utf-8")
    (tmp_path / "hierarchies.csv").write_bytes(table)
    assert seal_violations(manifest) == []
    (tmp_path / "hierarchies.csv").write_bytes(table + b"HCC2,HCC3\n")
    (tmp_path / "labels.csv").write_bytes(b"hcc,label,payment\n")
    assert seal_violations(manifest) == [
        "labels: in only one of folder and manifest",
        "hierarchies: not the table that was sealed",
        "hierarchies: 2 rows, not 1",
    ]


def test_citation_law_sees_a_number_without_source() -> None:
    source = {
        "id": "announcement",
        "title": "Rate announcement",
        "publisher": "CMS",
        "carried_by": "the document",
    }
    cited = {"model": "m", "value": "1.067", "source": "announcement", "where": "page 3"}
    assert citation_violations({"sources": [source], "normalization": [cited]}) == []
    uncited = {**cited, "source": "hearsay"}
    assert citation_violations({"sources": [source], "normalization": [cited, uncited]}) == [
        "normalization: no source and place among [[sources]]"
    ]
    assert citation_violations({"sources": [{**source, "carried_by": ""}], "rounding": cited}) == [
        "source announcement: lacks carried_by"
    ]
