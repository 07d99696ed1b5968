"""What every builder does: a release under construction, diagnosis mappings from pairs and edits, notes, the run."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import recipes
from copies import Copy, Pair, Wheels, check, read_pairs

from riskadj.tables.importers import cms_tables, sas_formats
from riskadj.tables.importers.conditions import EVERY_AGE, AgeRange, MappingRow, mapping_cells, merge_mappings
from riskadj.tables.importers.sas_formats import Edit
from riskadj.tables.importers.writing import Manifest, SourceFile, TableOrigin, write_tables

Row = dict[str, str]
Tables = dict[str, list[Row]]

MANNER_NOTES = {
    "sequential": "hierarchies act one after another in ascending order, as the SAS program did",
    "simultaneous": "hierarchies act all at once, as CMS's Python program does",
}
SEX_NOTE = "the MCE sex edits of the SAS years are in no open copy and are left out"
CLASS_NOTE = (
    "MCE age ranges are those of CMS's PY2026 tables on shared codes "
    "(newborn 0, pediatric 0-17, maternity 9-64, adult 15 and over)"
)
BOUNDS_NOTE = (
    "the edit macro's comment names the bounds maternity 12-55 and adult 14 and over, "
    "but the format that held those of the year is in no open copy"
)


class Release(Protocol):
    """What a recipe says of the release that it makes."""

    @property
    def payment_year(self) -> int: ...
    @property
    def model_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def folder(self) -> str: ...
    @property
    def hierarchy_manner(self) -> str: ...
    @property
    def revision(self) -> int: ...


R = TypeVar("R", bound=Release)


class Build(Generic[R]):
    """One release being built: tables, their origins, and the sources they name."""

    def __init__(
        self,
        release: R,
        wheels: Wheels,
        scores: Mapping[str, str] | None = None,
        program: str = "medicare",
    ) -> None:
        self.release = release
        self.program = program
        self.wheels = wheels
        self.scores = scores or {}
        self.tables: Tables = {}
        self.origins: dict[str, TableOrigin] = {}
        self.sources: dict[str, SourceFile] = {}

    def cite(self, copy: Copy) -> str:
        self.sources[copy.id] = self.wheels.source(copy)
        return copy.id

    def put(
        self, table: str, rows: list[Row], copy: Copy, where: str, checks: Iterable[str] = (), note: str = ""
    ) -> None:
        self.tables[table] = rows
        self.origins[table] = TableOrigin(self.cite(copy), where, "; ".join(checks), note)

    def manifest(self) -> Manifest:
        r = self.release
        return Manifest(
            id=r.model_id,
            title=r.title,
            payment_year=r.payment_year,
            program=self.program,
            revision=r.revision,
            hierarchy_manner=r.hierarchy_manner,
            scores=self.scores,
            sources=list(self.sources.values()),
            tables=self.origins,
        )


def join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def titles(rows: Iterable[Row]) -> set[tuple[str, str]]:
    return {(row["hcc"], " ".join(row["label"].split())) for row in rows}


def cells(row: Row) -> tuple[str, ...]:
    return tuple(row.values())


def names(copies: Iterable[Copy]) -> str:
    return " and ".join(f"{copy.file_name} (source {copy.id})" for copy in copies)


# --- diagnosis mappings ---


@dataclass(frozen=True)
class MappingRecipe:
    """How one release's diagnosis mappings are made from code and category pairs."""

    mappings: Copy
    checks: Sequence[Copy]
    edits: Copy | None
    mce: Sequence[Copy]  # CMS's own later mappings, for the MCE age ranges of codes
    later_codes: Sequence[Pair] = ()  # code -> the older code whose edit it shares
    left_out: frozenset[str] = field(default_factory=frozenset)  # categories
    note: str = ""


def put_edited_mappings(work: Build[Any], recipe: MappingRecipe) -> None:
    """Pairs under the mandatory edits of the program and the MCE age ranges of CMS's later tables."""
    pairs = pairs_of(work, recipe.mappings)
    macro = printed_edits(work, recipe.edits)
    if orphans := sas_formats.codes_set_without_lookup(macro, pairs):
        raise SystemExit(
            f"{work.release.folder}: the edit macro gives a category to codes without one: {orphans}"
        )
    edited = sas_formats.apply_edits(pairs, edits_of(work, recipe), mce_ages(work, recipe.mce))
    rows = mapping_cells([row for row in edited if row.hcc not in recipe.left_out])
    for copy in (*((recipe.edits,) if recipe.edits else ()), *recipe.mce):
        work.cite(copy)
    edits_where = (
        f"mandatory edits of {recipe.edits.file_name} (source {recipe.edits.id})" if recipe.edits else ""
    )
    where = join(
        f"{recipe.mappings.file_name}{recipe.mappings.of_model}",
        edits_where,
        f"MCE ages of {names(recipe.mce)}",
    )
    checks = [
        check(other, pairs, pairs_of(work, other), "code and category pairs") for other in recipe.checks
    ]
    work.put("mappings", rows, recipe.mappings, where, checks, _mapping_note(work, recipe, pairs))


def _mapping_note(work: Build[Any], recipe: MappingRecipe, pairs: Sequence[Pair]) -> str:
    codes, year = {code for code, _ in pairs}, work.release.payment_year
    macro = work.wheels.text(recipe.edits) if recipe.edits else ""
    return join(
        f"{len(pairs):,} code and category pairs before edits",
        recipe.mappings.why,
        _later_codes_note(recipe, codes),
        CLASS_NOTE,
        BOUNDS_NOTE if "(age 14+)" in macro and year <= 2020 else "",
        _unclassed_note(work, recipe, codes),
        SEX_NOTE if work.release.hierarchy_manner == "sequential" else "",
        recipe.note,
    )


def put_official_mappings(
    work: Build[Any], rows: list[Row], copy: Copy, recipe: MappingRecipe, note: str = ""
) -> None:
    """CMS's own rows, conditions and all; other copies are compared after the mandatory edits."""
    mine = _without_mce(rows)
    edits = edits_of(work, recipe)
    checks = [
        check(
            other,
            mine,
            _without_mce(mapping_cells(sas_formats.apply_edits(pairs_of(work, other), edits, {}))),
            "rows, after the mandatory edits and without MCE ages" if edits else "rows, without MCE ages",
        )
        for other in recipe.checks
    ]
    work.put(
        "mappings",
        [row for row in rows if row["hcc"] not in recipe.left_out],
        copy,
        f"{copy.file_name}; rows of one code and category joined where their ages meet",
        checks,
        note,
    )


def _without_mce(rows: list[Row]) -> set[tuple[str, ...]]:
    plain = merge_mappings(
        MappingRow(
            r["icd10"],
            r["hcc"],
            r["sex"],
            AgeRange(int(r["age_min"] or 0), int(r["age_max"]) if r["age_max"] else None),
        )
        for r in rows
    )
    return {(row.icd10, row.hcc, row.sex, *row.age.cells) for row in plain}


def pairs_of(work: Build[Any], copy: Copy) -> list[Pair]:
    """Code and category pairs of a copy, less those that its recipe leaves out."""
    pairs = read_pairs(work.wheels, copy)
    if len(set(pairs)) != len(pairs):
        raise SystemExit(f"{copy.label}: repeated pairs")
    if missing := set(copy.without_pairs) - set(pairs):
        raise SystemExit(f"{copy.label}: has no {sorted(missing)} to leave out")
    later = _later_codes(work) if copy.without_later_codes else set()
    return [pair for pair in pairs if pair not in copy.without_pairs and pair[0] not in later]


def _later_codes(work: Build[Any]) -> set[str]:
    for copy in recipes.CODE_LISTS:
        work.cite(copy)
    older, newer = (_code_list(work, copy) for copy in recipes.CODE_LISTS)
    return newer - older


def _code_list(work: Build[Any], copy: Copy) -> set[str]:
    return {line.strip().replace(".", "") for line in work.wheels.text(copy).splitlines()}


def printed_edits(work: Build[Any], copy: Copy | None) -> list[Edit]:
    return sas_formats.read_edits(work.wheels.text(copy)) if copy else []


def edits_of(work: Build[Any], recipe: MappingRecipe) -> list[Edit]:
    """Edits of the macro, later codes joined to the edit of the older code that they refine."""
    joined = []
    for edit in printed_edits(work, recipe.edits):
        later = {code for code, like in recipe.later_codes if like in edit.codes}
        joined.append(dataclasses.replace(edit, codes=edit.codes | later))
    return joined


def _later_codes_note(recipe: MappingRecipe, codes: set[str]) -> str:
    later = [code for code, _ in recipe.later_codes if code in codes]
    if not later:
        return ""
    return (
        f"{', '.join(later)}, newer than the macro read, share the edit of the codes they refine, "
        "as in CMS's PY2026 tables"
    )


def _official_rows(work: Build[Any], copy: Copy) -> list[MappingRow]:
    return cms_tables.read_mappings(copy.file_name, work.wheels.read(copy), copy.prefix)


def mce_ages(work: Build[Any], copies: Iterable[Copy]) -> dict[str, AgeRange]:
    """MCE age range of each code that has one in CMS's own tables."""
    ages: dict[str, AgeRange] = {}
    for copy in copies:
        for row in _official_rows(work, copy):
            if ages.setdefault(row.icd10, row.mce_age) != row.mce_age:
                raise SystemExit(f"{copy.label}: {row.icd10} has two MCE age ranges")
    return {code: age for code, age in ages.items() if age != EVERY_AGE}


def _unclassed_note(work: Build[Any], recipe: MappingRecipe, codes: set[str]) -> str:
    known = {row.icd10 for copy in recipe.mce for row in _official_rows(work, copy)}
    missing = sorted(codes - known)
    if not missing:
        return ""
    shown = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
    return f"{len(missing)} codes are not in those tables and have no MCE age range ({shown})"


# --- the run ---


def run(
    description: str | None,
    releases: Sequence[R],
    build: Callable[[R, Wheels], Build[R]],
    program: str = "medicare",
) -> None:
    """Build the releases that the command line asks for."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0] if description else None)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the downloaded wheels")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        help=f"release folders to build, such as {releases[0].folder}",
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=Path(__file__).parent.parent / program,
        help="where to write the folders",
    )
    args = parser.parse_args()
    wheels = Wheels(args.sources)
    chosen = [release for release in releases if not args.only or release.folder in args.only]
    unknown = set(args.only) - {release.folder for release in chosen}
    if unknown:
        raise SystemExit(f"no recipe for {', '.join(sorted(unknown))}")
    for release in chosen:
        work = build(release, wheels)
        write_tables(args.to / release.folder, work.tables, work.manifest())
        print(release.folder, ", ".join(f"{name} {len(rows):,}" for name, rows in work.tables.items()))
