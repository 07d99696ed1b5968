"""Read CMS's own model packages (the layout used since CMS moved its risk adjustment programs to Python).

The tables lie together in one folder, ``software/<MODEL>/data/input/internal``: the diagnosis mappings with
their edit conditions, the relative factors of continuing and of new enrollees, the diagnostic categories, the
interactions and the hierarchies. Labels are printed beside the relative factors. Requirements between
categories are written in the program's text, not in its tables, so they come from an earlier release of the
same model.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from riskadj.errors import OutputExistsError, TableError
from riskadj.tables.importers import part_c
from riskadj.tables.importers.conditions import (
    MappingRow,
    mapping_cells,
    merge_mappings,
    parse_age_condition,
    parse_sex_condition,
    variable_order,
)
from riskadj.tables.importers.writing import Manifest, SourceFile, TableOrigin, write_tables

Row = dict[str, str]
Files = Mapping[str, bytes]

#: File name patterns of a package: table, pattern, and whether one file is required.
PATTERNS: dict[str, str] = {
    "mappings": "ICD10_CC_mappings_*.csv",
    "relative_factors": "*Relative_Factors.csv",
    "hierarchies": "*HCC_Hierarchies.csv",
    "groups": "*Diagnosis_Categories.csv",
    "interactions": "*Interactions.csv",
}
_REQUIRED = ("mappings", "relative_factors", "hierarchies")
_CONDITION_COLUMNS = ("MCE_AGE_CONDITION", "AGE_EDIT_CONDITION", "SEX_EDIT_CONDITION")
_NOT_SEGMENTS = ("Variable", "Label", "New Enrollees")


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
        An existing release folder of the same model (or its labels.csv): labels and requirements are taken
        from it. Without it labels are those printed beside the relative factors, and the release has no
        requirements.
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
        files,
        labels=earlier.labels if earlier else None,
        requirements=earlier.requirements if earlier else None,
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
    return {path.name: data for path, data in sorted(contents.items()) if path.parent == home}


def _zip_contents(package: Path) -> dict[PurePosixPath, bytes]:
    try:
        with zipfile.ZipFile(package) as archive:
            names = [n for n in archive.namelist() if n.endswith(".csv") and not n.startswith("__MACOSX/")]
            return {PurePosixPath(name): archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise TableError(
            f"{package} is not a zip file; give the package's folder, its zip file or its internal folder."
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
    requirements: Sequence[Row] | None = None,
) -> dict[str, list[Row]]:
    """Canonical tables of a package's internal files.

    Parameters
    ----------
    files : mapping of file name to bytes
    labels : rows of a labels table, optional
        Titles to use instead of those printed beside the relative factors.
    requirements : rows of a requirements table, optional

    Raises
    ------
    TableError
        If a file is missing or not understood, or a category of the mappings has no label.
    """
    found = _files_by_table(files)
    factors, printed_labels, variables = read_relative_factors(
        {n: files[n] for n in found["relative_factors"]}
    )
    hccs = [variable for variable in variables if variable.startswith("HCC") and variable[3:].isdigit()]
    titles = {row["hcc"]: row["label"] for row in labels or ()}
    tables: dict[str, list[Row]] = {
        "mappings": mapping_cells(read_mappings(*_only(files, found["mappings"]))),
        "hierarchies": read_hierarchies(*_only(files, found["hierarchies"])),
        "labels": [
            {"hcc": hcc, "label": titles.get(hcc, printed_labels[hcc]), "payment": "1"}
            for hcc in sorted(hccs, key=variable_order)
        ],
        "segments": part_c.segments(dict.fromkeys(row["segment"] for row in factors)),
        "relative_factors": factors,
    }
    if found["groups"]:
        tables["groups"] = read_groups(*_only(files, found["groups"]))
    if found["interactions"]:
        tables["interactions"] = read_interactions(*_only(files, found["interactions"]))
    terms = [row["term"] for row in tables.get("interactions", ())]
    tables["demographics"] = part_c.demographics([*variables, *terms])
    if count_rows := part_c.counts(variables):
        tables["counts"] = count_rows
    if requirements:
        tables["requirements"] = [dict(row) for row in requirements]
    check_fit(tables)
    return tables


def _files_by_table(files: Files) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {table: [] for table in PATTERNS}
    for name in files:
        table = next((table for table, pattern in PATTERNS.items() if fnmatchcase(name, pattern)), None)
        if table is None:
            raise TableError(f"package file {name} is not understood; known: {', '.join(PATTERNS.values())}.")
        found[table].append(name)
    for table, names in found.items():
        if (table in _REQUIRED and not names) or (table != "relative_factors" and len(names) > 1):
            raise TableError(f"package has {len(names)} files {PATTERNS[table]}; one is needed.")
    return found


def _only(files: Files, names: Sequence[str]) -> tuple[str, bytes]:
    return names[0], files[names[0]]


def read_csv(name: str, data: bytes, required: Sequence[str]) -> list[Row]:
    """Rows of a published CSV file, cells and headers stripped of blanks.

    Raises
    ------
    TableError
        If the file is not UTF-8, lacks a column, has no rows, or a row longer than its header.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{name} is not UTF-8 text; save it as UTF-8 CSV.") from error
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    header = rows[0] if rows else []
    missing = [column for column in required if column not in header]
    if missing:
        raise TableError(f"{name} lacks column {', '.join(missing)} (has: {', '.join(header)}).")
    if len(rows) < 2:
        raise TableError(f"{name} has no rows.")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) > len(header):
            raise TableError(f"{name} line {line}: {len(row)} cells under {len(header)} columns.")
    return [dict(zip(header, row + [""] * (len(header) - len(row)), strict=True)) for row in rows[1:]]


def hcc_variable(cc: str, where: str) -> str:
    """Category variable (``HCC`` and a number) for a printed category such as ``7``, ``7.0`` or ``CC7``.

    Raises
    ------
    TableError
        If no category number is printed.
    """
    number = cc.removeprefix("HCC").removeprefix("CC").removesuffix(".0")
    if not number.isdigit():
        raise TableError(f"{where}: category {cc!r} is not a number.")
    return f"HCC{int(number)}"


def read_mappings(name: str, data: bytes) -> list[MappingRow]:
    """Diagnosis mappings with their MCE age, age and sex conditions, in canonical form.

    Raises
    ------
    TableError
        If a condition is not understood, or the file has a condition column that is not known.
    """
    rows = read_csv(name, data, ("ICD10", "CC"))
    unknown = [column for column in rows[0] if column not in ("ICD10", "CC", *_CONDITION_COLUMNS)]
    if unknown:
        raise TableError(f"{name} has column {', '.join(unknown)}, which is not understood.")
    return merge_mappings(_mapping_row(row, f"{name} line {line}") for line, row in enumerate(rows, start=2))


def _mapping_row(row: Row, where: str) -> MappingRow:
    try:
        return MappingRow(
            icd10=row["ICD10"].replace(".", "").upper(),
            hcc=hcc_variable(row["CC"], where),
            sex=parse_sex_condition(row.get("SEX_EDIT_CONDITION", "")),
            age=parse_age_condition(row.get("AGE_EDIT_CONDITION", "")),
            mce_age=parse_age_condition(row.get("MCE_AGE_CONDITION", "")),
        )
    except TableError as error:
        raise TableError(f"{where}: {error}") from error


def read_hierarchies(name: str, data: bytes) -> list[Row]:
    """Hierarchy edges, in numeric order."""
    edges = {
        (row["HCC"], dropped)
        for row in read_csv(name, data, ("HCC",))
        for column, dropped in row.items()
        if column != "HCC" and dropped
    }
    return [
        {"hcc": h, "drops": d}
        for h, d in sorted(edges, key=lambda e: (variable_order(e[0]), variable_order(e[1])))
    ]


def read_groups(name: str, data: bytes) -> list[Row]:
    """Memberships of diagnostic categories, in published order."""
    return [
        {"group": row["diag_category"], "hcc": hcc}
        for row in read_csv(name, data, ("diag_category",))
        for column, hcc in row.items()
        if column != "diag_category" and hcc
    ]


def read_interactions(name: str, data: bytes) -> list[Row]:
    """Terms of interactions, in published order."""
    return [
        {"interaction": row["interaction"], "term": term}
        for row in read_csv(name, data, ("interaction",))
        for column, term in row.items()
        if column != "interaction" and term
    ]


def read_relative_factors(files: Files) -> tuple[list[Row], dict[str, str], list[str]]:
    """Relative factors by segment, the labels printed beside them, and every variable, in published order.

    Raises
    ------
    TableError
        If a column is not a known segment or a factor is not a number.
    """
    factors: list[Row] = []
    labels: dict[str, str] = {}
    variables: list[str] = []
    for name, data in files.items():
        rows = read_csv(name, data, ("Variable",))
        columns = [column for column in rows[0] if column not in _NOT_SEGMENTS]
        unknown = [column for column in columns if column not in part_c.SEGMENT_OF_COLUMN]
        if unknown:
            raise TableError(
                f"{name}: column {', '.join(unknown)} is no known segment; "
                f"known: {', '.join(part_c.SEGMENT_OF_COLUMN)}."
            )
        for row in rows:
            variables.append(row["Variable"])
            labels[row["Variable"]] = row.get("Label", "")
            factors.extend(
                {
                    "variable": row["Variable"],
                    "segment": part_c.SEGMENT_OF_COLUMN[c],
                    "factor": _factor(row[c], name),
                }
                for c in columns
                if row[c]
            )
    factors.sort(key=lambda row: part_c.SEGMENTS.index(row["segment"]))
    return factors, labels, variables


def _factor(cell: str, name: str) -> str:
    try:
        float(cell)
    except ValueError:
        raise TableError(f"{name}: relative factor {cell!r} is not a number.") from None
    return cell


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
    """What an existing release folder lends to the next one: labels and requirements, with the file they are in."""

    folder: Path
    labels: list[Row]
    requirements: list[Row]

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
    """Labels and requirements of an existing release folder, or of the folder of a labels.csv.

    Raises
    ------
    TableError
        If there is no labels.csv.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "labels.csv").is_file():
        raise TableError(f"no labels.csv at {path}; give a release folder of the same model.")
    requirements = folder / "requirements.csv"
    return EarlierRelease(
        folder,
        read_csv("labels.csv", (folder / "labels.csv").read_bytes(), ("hcc", "label")),
        read_csv(requirements.name, requirements.read_bytes(), ("hcc", "needs_any"))
        if requirements.is_file()
        else [],
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
    factor_files = "; ".join(found["relative_factors"])
    factor_source = ids[found["relative_factors"][0]]
    for table in ("demographics", "counts", "segments"):
        origins[table] = TableOrigin(factor_source, f"variable names and columns of {factor_files}")
    origins["labels"] = TableOrigin(factor_source, f"variables and labels of {factor_files}")
    for table in ("labels", "requirements") if earlier else ():
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
