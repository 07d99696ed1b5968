"""Write the tables and the manifest of one model release, always in the same bytes for the same content."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from riskadj.errors import OutputError, TableError

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]

#: Tables in the order of the manifest, each with the columns that it always has, in order.
COLUMNS: dict[str, tuple[str, ...]] = {
    "mappings": ("icd10", "hcc", "sex", "age_min", "age_max", "mce_age_min", "mce_age_max"),
    "drug_mappings": ("code_system", "code", "hcc", "age_min", "age_max"),
    "requirements": ("hcc", "needs_any"),
    "hierarchies": ("hcc", "drops"),
    "exclusions": ("hcc",),
    "labels": ("hcc", "label", "payment"),
    "groups": ("group", "hcc"),
    "demographics": ("variable", "sex", "age_min", "age_max", "orec"),
    "interactions": ("interaction", "term"),
    "counts": ("variable", "hccs_min", "hccs_max"),
    "segments": ("segment",),
    "adjustments": ("segment", "divisor"),
    "relative_factors": ("variable", "segment", "factor"),
}
#: Columns that follow where a row uses them.
STATUS_COLUMNS: dict[str, tuple[str, ...]] = {
    "mappings": ("valid_from", "valid_to"),
    "exclusions": ("age_min", "age_max"),
    "labels": ("counted",),
    "groups": ("age_min", "age_max", "counted"),
    "interactions": ("absent",),
    "demographics": (
        "ltimcaid", "nemcaid", "mcaid", "dual", "is_long_term_institutional", "is_esrd", "enrollment_duration",
    ),
    "segments": (
        "factor_column", "esrd_status", "graft_duration", "is_new_enrollee", "is_long_term_institutional",
        "is_low_income", "is_c_snp", "dual", "metal_level", "age_min", "age_max",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """One published file and the copy of it that was read."""

    id: str
    title: str
    publisher: str
    carried_by: str
    sha256: str


@dataclass(frozen=True)
class TableOrigin:
    """Where one table comes from: `where` names the file or place inside `source`."""

    source: str
    where: str
    checked_against: str = ""
    note: str = ""


@dataclass(frozen=True)
class Manifest:
    """What model.toml says, row counts and checksums apart; `scores`: the member statuses it is for."""

    id: str
    title: str
    payment_year: int
    hierarchy_manner: str
    program: str = "medicare"
    status: str = "final"
    revision: int = 1
    scores: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[SourceFile] = ()
    tables: Mapping[str, TableOrigin] = field(default_factory=dict)


def write_tables(folder: Path, tables: Tables, manifest: Manifest) -> list[Path]:
    """Write each table as CSV and the manifest as model.toml; return the files written.

    Tables that the folder had and the release has not are removed.

    Raises
    ------
    TableError
        If a table or column is unknown, a table has no origin in the manifest, or an origin has no source.
    OutputError
        If the folder cannot be written.
    """
    _check_origins(tables, manifest)
    texts = {name: table_text(name, tables[name]) for name in COLUMNS if name in tables}
    contents = {f"{name}.csv": text for name, text in texts.items()}
    contents["model.toml"] = manifest_text(manifest, texts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in COLUMNS.keys() - texts.keys():
            (folder / f"{stale}.csv").unlink(missing_ok=True)
        for name, text in contents.items():
            (folder / name).write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise OutputError(
            f"cannot write tables to {folder}: {error.strerror}; choose a folder you may write to."
        ) from error
    return [folder / name for name in contents]


def _check_origins(tables: Tables, manifest: Manifest) -> None:
    unknown = [name for name in tables if name not in COLUMNS]
    if unknown:
        raise TableError(f"unknown table {', '.join(unknown)}; known: {', '.join(COLUMNS)}.")
    source_ids = {source.id for source in manifest.sources}
    for name in tables:
        origin = manifest.tables.get(name)
        if origin is None or origin.source not in source_ids:
            raise TableError(f"table {name} of {manifest.id} names no known source; every table needs one.")


def table_text(name: str, rows: Sequence[Row]) -> str:
    """The CSV text of a table: header, ``\\n``, quotes only where needed, blank where nothing is asked.

    Raises
    ------
    TableError
        If the table is unknown or a row has a column that the table does not.
    """
    known = COLUMNS[name] + STATUS_COLUMNS.get(name, ())
    for row in rows:
        extra = [column for column in row if column not in known]
        if extra:
            raise TableError(f"table {name} has no column {', '.join(extra)}; it has: {', '.join(known)}.")
    columns = _columns(name, rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue()


def _columns(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    used = {column for row in rows for column, cell in row.items() if cell}
    return COLUMNS[name] + tuple(column for column in STATUS_COLUMNS.get(name, ()) if column in used)


def manifest_text(manifest: Manifest, texts: Mapping[str, str]) -> str:
    """The text of model.toml for tables whose CSV texts are given."""
    lines = [
        "[model]",
        *(
            f"{key} = {toml_value(value)}"
            for key, value in (
                ("id", manifest.id), ("title", manifest.title), ("program", manifest.program),
                ("payment_year", manifest.payment_year), ("status", manifest.status),
                ("revision", manifest.revision), ("hierarchy_manner", manifest.hierarchy_manner),
            )
        ),
    ]  # fmt: skip
    if manifest.scores:
        codes = ", ".join(f"{name} = {toml_value(value)}" for name, value in manifest.scores.items())
        lines.append(f"scores = {{ {codes} }}")
    for source in manifest.sources:
        lines += ["", "[[sources]]", *_pairs(vars(source))]
    for name, text in texts.items():
        lines += ["", f"[tables.{name}]", *_pairs(vars(manifest.tables[name]))]
        lines += [f"rows = {_n_rows(text)}", f'sha256 = "{hashlib.sha256(text.encode("utf-8")).hexdigest()}"']
    return "\n".join(lines) + "\n"


def _n_rows(text: str) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f"{key} = {toml_value(value)}" for key, value in values.items() if value != ""]


def toml_value(value: str | int) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
