"""Read CMS's own model packages (the layout used since CMS moved its risk adjustment programs to Python).

The tables lie together in one folder, ``software/<MODEL>/data/input/internal``, those of Part D with a folder of
relative factors in it: the diagnosis mappings with their edit conditions, the relative factors of continuing and of
new enrollees, the diagnostic categories, the interactions, the hierarchies, and for ESRD the scores of transplants
and of the time since. Labels are printed beside the relative factors. Requirements between categories and actuarial
adjustments are written in the program's text, not in its tables, so they come from an earlier release of the same
model.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from riskadj.errors import OutputExistsError, TableError
from riskadj.tables.importers.cms_tables import (
    PrintedFactors,
    read_csv,
    read_groups,
    read_hierarchies,
    read_interactions,
    read_mappings,
    read_printed_factors,
)
from riskadj.tables.importers.conditions import mapping_cells, variable_order
from riskadj.tables.importers.writing import COLUMNS, Manifest, SourceFile, TableOrigin, write_tables

Row = dict[str, str]
Files = Mapping[str, bytes]

#: File name pattern of each table of a package.
PATTERNS: dict[str, str] = {
    "mappings": "ICD10_CC_mappings_*.csv",
    "relative_factors": "*Relative_Factors.csv",
    "scores": "*_Scores.csv",
    "hierarchies": "*HCC_Hierarchies.csv",
    "groups": "*Diagnosis_Categories.csv",
    "interactions": "*Interactions.csv",
}
_REQUIRED = ("mappings", "relative_factors", "hierarchies")
_SEVERAL = ("relative_factors", "scores")
#: Tables that a package does not have: an earlier release lends them.
_LENT = ("requirements", "adjustments")


def import_cms_package(
    package: str | Path,
    to: str | Path,
    *,
    payment_year: int,
    model_id: str,
    title: str | None = None,
    labels_from: str | Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the release folder of a CMS package: every table and a model.toml marked as proposed.

    Parameters
    ----------
    package : path
        The package's folder, its zip file, or the folder of its internal tables.
    to : path
        The release folder to write, such as ``hcc_maps/medicare/py<YEAR>/<model_id>``.
    payment_year : int
    model_id : str
        The name under which the model will be loaded.
    title : str, optional
        Default: the name of the package's diagnosis mapping file.
    labels_from : path, optional
        An existing release folder of the same model (or its labels.csv): labels, requirements and adjustments
        are taken from it. Without it labels are those printed beside the relative factors, and the release has
        no requirements or adjustments.
    overwrite : bool
        Replace the files of an existing release folder.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    TableError
        If the package lacks a table, has one that is not understood, or its tables do not fit together.
    OutputExistsError
        If `to` already holds a release and `overwrite` is not set.
    """
    target = Path(to)
    if (target / "model.toml").exists() and not overwrite:
        raise OutputExistsError(
            f"{target} already holds a release; pass overwrite to replace it, or name another folder."
        )
    files = package_files(Path(package))
    earlier = earlier_release(Path(labels_from)) if labels_from is not None else None
    tables = release_tables(
        files, labels=earlier.labels if earlier else None, lent=earlier.lent if earlier else None
    )
    identity = _Identity(Path(package).name, model_id, payment_year, title or "")
    return write_tables(target, tables, _proposed_manifest(identity, files, tables, earlier))


def package_files(package: Path) -> dict[str, bytes]:
    """The internal tables of a package, by file name: package folder, zip, or the internal folder itself.

    Raises
    ------
    TableError
        If there is no diagnosis mapping in it, or more than one.
    """
    if not package.exists():
        raise TableError(
            f"no such package: {package}; give the package's folder, its zip file or its internal folder."
        )
    contents = _zip_contents(package) if package.is_file() else _folder_contents(package)
    homes = {path.parent for path in contents if fnmatchcase(path.name, PATTERNS["mappings"])}
    if len(homes) != 1:
        raise TableError(
            f"{package} holds {len(homes)} folders with {PATTERNS['mappings']}, where one is needed; "
            "give the folder of one package."
        )
    home = homes.pop()
    return {path.name: data for path, data in sorted(contents.items()) if path.is_relative_to(home)}


def _zip_contents(package: Path) -> dict[PurePosixPath, bytes]:
    try:
        with zipfile.ZipFile(package) as archive:
            names = [n for n in archive.namelist() if n.endswith(".csv") and not n.startswith("__MACOSX/")]
            return {PurePosixPath(name): archive.read(name) for name in names}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        OSError,
    ) as error:  # or damaged, or encrypted
        raise TableError(
            f"{package} is not a zip file that can be read; give the package's folder, its zip file or its internal "
            "folder."
        ) from error


def _folder_contents(package: Path) -> dict[PurePosixPath, bytes]:
    return {
        PurePosixPath(path.relative_to(package).as_posix()): path.read_bytes()
        for path in package.rglob("*.csv")
    }


def release_tables(
    files: Files,
    *,
    labels: Sequence[Row] | None = None,
    lent: Mapping[str, Sequence[Row]] | None = None,
) -> dict[str, list[Row]]:
    """Canonical tables of a package's internal files.

    Parameters
    ----------
    files : mapping of file name to bytes
    labels : rows of a labels table, optional
        Titles to use instead of those printed beside the relative factors.
    lent : mapping of table name to rows, optional
        Tables that the package does not have.

    Raises
    ------
    TableError
        If a file is missing or not understood, or a category of the mappings has no label.
    """
    found = _files_by_table(files)
    printed = printed_factors(files)
    prefix = printed.family.hcc_prefix
    titles = printed.labels | {row["hcc"]: row["label"] for row in labels or ()}
    tables: dict[str, list[Row]] = {
        "mappings": mapping_cells(read_mappings(*_only(files, found["mappings"]), prefix)),
        "hierarchies": read_hierarchies(*_only(files, found["hierarchies"]), prefix),
        "labels": [{"hcc": hcc, "label": titles[hcc], "payment": "1"} for hcc in _hccs(printed)],
    }
    if found["groups"]:
        tables["groups"] = read_groups(*_only(files, found["groups"]))
    if found["interactions"]:
        tables["interactions"] = read_interactions(*_only(files, found["interactions"]))
    tables |= factor_tables(printed, tables.get("interactions", ()))
    tables |= {name: [dict(row) for row in rows] for name, rows in (lent or {}).items() if rows}
    check_fit(tables)
    return tables


def printed_factors(files: Files) -> PrintedFactors:
    """Relative factors and scores of a package's internal files."""
    found = _files_by_table(files)
    return read_printed_factors(*({name: files[name] for name in found[table]} for table in _SEVERAL))


def _hccs(printed: PrintedFactors) -> list[str]:
    prefix = printed.family.hcc_prefix
    hccs = [v for v in printed.labels if v.startswith(prefix) and v.removeprefix(prefix).isdigit()]
    return sorted(hccs, key=variable_order)


def factor_tables(printed: PrintedFactors, interactions: Sequence[Row]) -> dict[str, list[Row]]:
    """The tables that relative factors and the names in them give, apart from labels."""
    family, variables = printed.family, printed.variables
    factors = printed.rows()
    tables = {
        "relative_factors": factors,
        "segments": family.segments(dict.fromkeys(row["segment"] for row in factors)),
    }
    named = family.interactions(variables)
    terms = [row["term"] for row in (*interactions, *named)]
    tables["demographics"] = family.demographics([*variables, *terms])
    return tables | {
        name: rows for name, rows in (("counts", family.counts(variables)), ("interactions", named)) if rows
    }


def _files_by_table(files: Files) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {table: [] for table in PATTERNS}
    for name in files:
        table = next((table for table, pattern in PATTERNS.items() if fnmatchcase(name, pattern)), None)
        if table is None:
            raise TableError(f"package file {name} is not understood; known: {', '.join(PATTERNS.values())}.")
        found[table].append(name)
    for table, names in found.items():
        if (table in _REQUIRED and not names) or (table not in _SEVERAL and len(names) > 1):
            raise TableError(f"package has {len(names)} files {PATTERNS[table]}; one is needed.")
    return found


def _only(files: Files, names: Sequence[str]) -> tuple[str, bytes]:
    return names[0], files[names[0]]


def check_fit(tables: Mapping[str, Sequence[Row]]) -> None:
    """Raise TableError unless every category has a label and every priced variable can be on."""
    labelled = {row["hcc"] for row in tables["labels"]}
    named = {row["hcc"] for name in ("mappings", "hierarchies", "groups") for row in tables.get(name, ())}
    named |= {row["drops"] for row in tables["hierarchies"]}
    for row in tables.get("requirements", ()):
        named |= {row["hcc"], *row["needs_any"].split("|")}
    if missing := sorted(named - labelled, key=variable_order):
        raise TableError(
            f"categories without a label or relative factor: {', '.join(missing[:10])}; check the package."
        )
    known = labelled | {
        row[column]
        for name, column in (
            ("demographics", "variable"),
            ("interactions", "interaction"),
            ("counts", "variable"),
            ("groups", "group"),
        )
        for row in tables.get(name, ())
    }
    used = {row["variable"] for row in tables["relative_factors"]} | {
        row["term"] for row in tables.get("interactions", ())
    }
    if unknown := sorted(used - known):
        raise TableError(
            f"variables that are no category, group, interaction, count or known status: "
            f"{', '.join(unknown[:10])}; check the package."
        )


@dataclass(frozen=True)
class EarlierRelease:
    """What an existing release folder lends to the next one: labels, and the tables that packages lack."""

    folder: Path
    labels: list[Row]
    lent: dict[str, list[Row]]

    def source(self, table: str) -> SourceFile:
        """The manifest's account of one lent table."""
        path = self.folder / f"{table}.csv"
        release = "/".join(self.folder.resolve().parts[-2:])
        return SourceFile(
            id=f"earlier_release_{table}",
            title=f"{table} of an earlier release of the same model",
            publisher="CMS, by way of that release's manifest",
            carried_by=f"release {release}, file {path.name}",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )


def earlier_release(path: Path) -> EarlierRelease:
    """Labels, requirements and adjustments of an existing release folder, or of the folder of a labels.csv.

    Raises
    ------
    TableError
        If there is no labels.csv.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "labels.csv").is_file():
        raise TableError(f"no labels.csv at {path}; give a release folder of the same model.")
    files = {table: folder / f"{table}.csv" for table in _LENT}
    return EarlierRelease(
        folder,
        read_csv("labels.csv", (folder / "labels.csv").read_bytes(), ("hcc", "label")),
        {
            table: read_csv(file.name, file.read_bytes(), COLUMNS[table])
            for table, file in files.items()
            if file.is_file()
        },
    )


@dataclass(frozen=True)
class _Identity:
    """What the caller says of the release: the package cannot."""

    package_name: str
    model_id: str
    payment_year: int
    title: str


def _proposed_manifest(
    identity: _Identity, files: Files, tables: Mapping[str, Sequence[Row]], earlier: EarlierRelease | None
) -> Manifest:
    found = _files_by_table(files)
    ids = {name: PurePosixPath(name).stem.lower() for name in files}
    sources = [_package_source(identity.package_name, name, ids[name], files[name]) for name in files]
    origins = {table: TableOrigin(ids[names[0]], "; ".join(names)) for table, names in found.items() if names}
    factor_files = "; ".join([*found["relative_factors"], *found["scores"]])
    factor_source = ids[found["relative_factors"][0]]
    origins["relative_factors"] = TableOrigin(factor_source, factor_files)
    origins.setdefault("interactions", TableOrigin(factor_source, f"variable names of {factor_files}"))
    for table in ("demographics", "counts", "segments"):
        origins[table] = TableOrigin(factor_source, f"variable names and columns of {factor_files}")
    origins["labels"] = TableOrigin(factor_source, f"variables and labels of {factor_files}")
    for table in ("labels", *_LENT) if earlier else ():
        if table in tables and earlier is not None:
            lent = earlier.source(table)
            sources.append(lent)
            origins[table] = TableOrigin(
                lent.id, f"{table}.csv", note="taken from an earlier release, as the package has none: review"
            )
    return Manifest(
        id=identity.model_id,
        title=identity.title or f"Model of {found['mappings'][0]}",
        payment_year=identity.payment_year,
        status="proposed",
        hierarchy_manner="simultaneous",
        scores=printed_factors(files).family.scores,
        sources=sources,
        tables={table: origin for table, origin in origins.items() if table in tables},
    )


def _package_source(package_name: str, name: str, source_id: str, data: bytes) -> SourceFile:
    return SourceFile(
        id=source_id,
        title=f"CMS package {package_name}, {name}",
        publisher="CMS",
        carried_by=f"{package_name}, file {name}",
        sha256=hashlib.sha256(data).hexdigest(),
    )
