"""Remake every CMS-HCC release folder under hcc_maps/medicare from published copies.

Usage: ``python hcc_maps/builders/build_cms_hcc.py --sources WHEELS [--only py<YEAR>/<model_id> ...] [--to
FOLDER]``, where WHEELS is the folder of downloaded wheels (README.md beside this file says how). Rerunning
gives the same bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import recipes
from copies import Copy, Wheels, check, read_edges, read_factors, read_pairs, read_titles
from recipes import Program, Release, Software

from riskadj.tables.importers import cms_package, part_c, sas_formats
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


class Build:
    """One release being built: tables, their origins, and the sources they name."""

    def __init__(self, release: Release, wheels: Wheels) -> None:
        self.release = release
        self.program: Program = release.program
        self.wheels = wheels
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
            hierarchy_manner=r.hierarchy_manner,
            sources=list(self.sources.values()),
            tables=self.origins,
        )


def build(release: Release, wheels: Wheels) -> Build:
    """All tables of one release, with their origins."""
    work = Build(release, wheels)
    if release.software is not None:
        _official_tables(work, release.software)
    else:
        _program_tables(work)
    _labels(work)
    cms_package.check_fit(work.tables)
    return work


# --- tables of CMS's own packages ---


def _official_tables(work: Build, software: Software) -> None:
    files = software.files
    by_name = {copy.file_name: work.wheels.read(copy) for copy in files.values()}
    tables = cms_package.release_tables(by_name)
    if work.release.software_tables:
        _edited_mappings(work)
    else:
        _official_mappings(work, tables["mappings"], files["mappings"])
    _requirements(work)
    borrowed = "CMS's PY2026 table, taken for this year" if work.release.software_tables else ""
    work.put(
        "hierarchies",
        tables["hierarchies"],
        files["hierarchies"],
        files["hierarchies"].file_name,
        _edge_checks(work, tables["hierarchies"]),
        _join(borrowed, MANNER_NOTES[work.release.hierarchy_manner]),
    )
    for table in ("groups", "interactions"):
        work.put(
            table,
            tables[table],
            files[table],
            files[table].file_name,
            _product_check(work, table, tables[table]),
            borrowed,
        )
    factor_files = "; ".join(
        files[key].file_name for key in ("relative_factors", "relative_factors_new_enrollees")
    )
    work.cite(files["relative_factors_new_enrollees"])
    work.put(
        "relative_factors",
        tables["relative_factors"],
        files["relative_factors"],
        f"{factor_files} (sources software_relative_factors, software_relative_factors_new_enrollees)",
        _factor_checks(work, tables["relative_factors"]),
        _join(borrowed, _zero_note(tables["relative_factors"])),
    )
    _status_tables(work, files["relative_factors"], f"variable names and columns of {factor_files}", tables)


def _official_mappings(work: Build, rows: list[Row], copy: Copy) -> None:
    mine = _without_mce(rows)
    edits = _edits(work)
    checks = [
        check(
            other,
            mine,
            _without_mce(mapping_cells(sas_formats.apply_edits(_pairs(work, other), edits, {}))),
            "rows, after the mandatory edits and without MCE ages",
        )
        for other in work.release.checks
    ]
    work.put(
        "mappings",
        rows,
        copy,
        f"{copy.file_name}; rows of one code and category joined where their ages meet",
        checks,
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


# --- tables of the SAS programs ---


def _program_tables(work: Build) -> None:
    program, text = work.program, work.wheels.text
    _edited_mappings(work)
    _requirements(work)
    hierarchies = sas_formats.read_hierarchies(text(program.hierarchies))
    work.put(
        "hierarchies",
        hierarchies,
        program.hierarchies,
        f"{program.hierarchies.file_name}, %SET0 lines",
        _edge_checks(work, hierarchies),
        MANNER_NOTES[work.release.hierarchy_manner],
    )
    groups, interactions = sas_formats.read_products(text(program.main))
    for table, rows in (("groups", groups), ("interactions", interactions)):
        work.put(
            table,
            rows,
            program.main,
            f"{program.main.file_name}, step 3.6",
            _product_check(work, table, rows),
        )
    factors = [
        {**row, "variable": program.renames.get(row["variable"], row["variable"])}
        for row in sas_formats.read_coefficients(text(program.factors), part_c.SEGMENTS)
    ]
    work.put(
        "relative_factors",
        factors,
        program.factors,
        program.factors.file_name,
        _factor_checks(work, factors),
        _join(_rename_note(work), _zero_note(factors)),
    )
    variables = list(dict.fromkeys(row["variable"] for row in factors))
    terms = [row["term"] for row in interactions]
    tables = {
        "demographics": part_c.demographics([*variables, *terms]),
        "counts": part_c.counts(variables),
        "segments": part_c.segments(dict.fromkeys(row["segment"] for row in factors)),
    }
    _status_tables(
        work,
        program.main,
        f"variables of {program.main.file_name}, named in {program.factors.file_name}",
        tables,
    )


def _zero_note(factors: list[Row]) -> str:
    return f"{sum(float(row['factor']) == 0 for row in factors)} factors are printed as 0"


def _rename_note(work: Build) -> str:
    names = {
        row["variable"]
        for row in sas_formats.read_coefficients(work.wheels.text(work.program.factors), part_c.SEGMENTS)
    }
    renamed = [f"{old} is {new} here" for old, new in work.program.renames.items() if old in names]
    return "names as in CMS's later tables: " + ", ".join(renamed) if renamed else ""


def _edited_mappings(work: Build) -> None:
    release, program = work.release, work.program
    pairs = _pairs(work, release.mappings)
    edits = _edits(work)
    if orphans := sas_formats.codes_set_without_lookup(
        sas_formats.read_edits(work.wheels.text(program.edits)), pairs
    ):
        raise SystemExit(f"{release.folder}: the edit macro gives a category to codes without one: {orphans}")
    mce = _mce_ages(work)
    rows = mapping_cells(sas_formats.apply_edits(pairs, edits, mce))
    work.cite(program.edits)
    for copy in program.mce:
        work.cite(copy)
    where = (
        f"{release.mappings.file_name}{release.mappings.of_model}; "
        f"mandatory edits of {program.edits.file_name} (source program_edits); "
        f"MCE ages of {_names(program.mce)}"
    )
    checks = [check(other, pairs, _pairs(work, other), "code and category pairs") for other in release.checks]
    codes = {code for code, _ in pairs}
    work.put(
        "mappings",
        rows,
        release.mappings,
        where,
        checks,
        _join(
            f"{len(pairs):,} code and category pairs before edits",
            release.mappings.why,
            _later_codes_note(work, codes),
            CLASS_NOTE,
            BOUNDS_NOTE
            if "(age 14+)" in work.wheels.text(program.edits) and release.payment_year <= 2020
            else "",
            _unclassed_note(work, codes),
            SEX_NOTE if release.hierarchy_manner == "sequential" else "",
            release.note,
        ),
    )


def _names(copies: Iterable[Copy]) -> str:
    return " and ".join(f"{copy.file_name} (source {copy.id})" for copy in copies)


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _pairs(work: Build, copy: Copy) -> list[tuple[str, str]]:
    pairs = read_pairs(work.wheels, copy)
    if len(set(pairs)) != len(pairs):
        raise SystemExit(f"{copy.label}: repeated pairs")
    if missing := set(copy.without_pairs) - set(pairs):
        raise SystemExit(f"{copy.label}: has no {sorted(missing)} to leave out")
    later = _later_codes(work) if copy.without_later_codes else set()
    return [pair for pair in pairs if pair not in copy.without_pairs and pair[0] not in later]


def _later_codes(work: Build) -> set[str]:
    for copy in recipes.CODE_LISTS:
        work.cite(copy)
    older, newer = (_code_list(work, copy) for copy in recipes.CODE_LISTS)
    return newer - older


def _code_list(work: Build, copy: Copy) -> set[str]:
    return {line.strip().replace(".", "") for line in work.wheels.text(copy).splitlines()}


def _edits(work: Build) -> list[Edit]:
    """Edits of the macro, later codes joined to the edit of the older code that they refine."""
    edits = sas_formats.read_edits(work.wheels.text(work.program.edits))
    joined = []
    for edit in edits:
        later = {code for code, like in work.program.later_codes if like in edit.codes}
        joined.append(dataclasses.replace(edit, codes=edit.codes | later))
    return joined


def _later_codes_note(work: Build, codes: set[str]) -> str:
    later = [code for code, _ in work.program.later_codes if code in codes]
    if not later:
        return ""
    return (
        f"{', '.join(later)}, newer than the macro read, share the edit of the codes they refine, "
        "as in CMS's PY2026 tables"
    )


def _official_rows(work: Build, copy: Copy) -> list[MappingRow]:
    return cms_package.read_mappings(copy.file_name, work.wheels.read(copy))


def _mce_ages(work: Build) -> dict[str, AgeRange]:
    ages: dict[str, AgeRange] = {}
    for copy in work.program.mce:
        for row in _official_rows(work, copy):
            if ages.setdefault(row.icd10, row.mce_age) != row.mce_age:
                raise SystemExit(f"{copy.label}: {row.icd10} has two MCE age ranges")
    return {code: age for code, age in ages.items() if age != EVERY_AGE}


def _unclassed_note(work: Build, codes: set[str]) -> str:
    known = {row.icd10 for copy in work.program.mce for row in _official_rows(work, copy)}
    missing = sorted(codes - known)
    if not missing:
        return ""
    shown = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
    return f"{len(missing)} codes are not in those tables and have no MCE age range ({shown})"


# --- tables made the same way for both ---


def _requirements(work: Build) -> None:
    rows = sas_formats.read_requirements(work.wheels.text(work.program.main))
    if rows:
        work.put(
            "requirements",
            rows,
            work.program.main,
            f"{work.program.main.file_name}, 'heart interaction patch'",
            (),
            "CMS's Python program has the same rule in its text" if work.release.software else "",
        )


def _status_tables(work: Build, copy: Copy, where: str, tables: Tables) -> None:
    note = (
        "age bands, orec and Medicaid as in the age and sex macro AGESEXV2; "
        "at 64 with orec 0 a new enrollee counts as 65"
    )
    work.put("demographics", tables["demographics"], copy, where, (), note)
    if tables.get("counts"):
        work.put("counts", tables["counts"], copy, where)
    work.put(
        "segments",
        tables["segments"],
        copy,
        where,
        (),
        "one payment score by the member's status in the month",
    )


def _labels(work: Build) -> None:
    labels = sas_formats.read_labels(work.wheels.text(work.program.labels))
    mine = _titles(labels)
    checks = [check(copy, mine, _titles(printed), "titles") for copy, printed in _printed_labels(work)]
    checks += [
        check(copy, mine, read_titles(work.wheels, copy), "titles") for copy in work.program.label_checks
    ]
    work.put("labels", labels, work.program.labels, work.program.labels.file_name, checks)


def _titles(rows: Iterable[Row]) -> set[tuple[str, str]]:
    return {(row["hcc"], " ".join(row["label"].split())) for row in rows}


def _printed_labels(work: Build) -> list[tuple[Copy, list[Row]]]:
    software = work.release.software
    if software is None:
        return []
    files = {c.file_name: work.wheels.read(c) for c in software.files.values()}
    return [(software.files["relative_factors"], cms_package.release_tables(files)["labels"])]


def _edge_checks(work: Build, rows: list[Row]) -> list[str]:
    mine = {(row["hcc"], row["drops"]) for row in rows}
    others = dict.fromkeys(
        (*work.release.hierarchy_checks, *(() if work.release.software else work.program.hierarchy_checks))
    )
    return [check(copy, mine, _edges(work, copy), "edges") for copy in others]


def _edges(work: Build, copy: Copy) -> set[tuple[str, str]]:
    if copy.package is recipes.RISK_COMPOSE:
        rows = cms_package.read_hierarchies(copy.file_name, work.wheels.read(copy))
        return {(row["hcc"], row["drops"]) for row in rows}
    return read_edges(work.wheels, copy)


def _product_check(work: Build, table: str, rows: list[Row]) -> list[str]:
    """Groups or interactions of the SAS program against those of CMS's package, or the other way round."""
    program = work.program
    if program.software is None:
        return []
    if work.release.software is not None:
        copy, other = program.main, _program_products(work, table)
    else:
        copy = program.software.files[table]
        read = cms_package.read_groups if table == "groups" else cms_package.read_interactions
        other = read(copy.file_name, work.wheels.read(copy))
    return [check(copy, map(_cells, rows), map(_cells, other), "rows")]


def _program_products(work: Build, table: str) -> list[Row]:
    groups, interactions = sas_formats.read_products(work.wheels.text(work.program.main))
    return groups if table == "groups" else interactions


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(row.values())


def _factor_checks(work: Build, rows: list[Row]) -> list[str]:
    mine = {
        (r["segment"], r["variable"].lower(), float(r["factor"])) for r in rows if float(r["factor"]) != 0
    }
    others = dict.fromkeys((*work.release.factor_checks, *work.program.factor_checks))
    checks = []
    for copy in others:
        theirs = {
            (*key, factor) for key, factor in read_factors(work.wheels, copy, work.program.renames).items()
        }
        segments = {segment for segment, *_ in theirs}
        compared = {item for item in mine if item[0] in segments}
        lacking = sorted({s for s, *_ in mine} - segments, key=part_c.SEGMENTS.index)
        without = f" (it lacks {', '.join(lacking)})" if lacking else ""
        checks.append(check(copy, compared, theirs, f"factors other than 0{without}"))
    return checks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the downloaded wheels")
    parser.add_argument(
        "--only", action="append", default=[], help="release folders to build, such as py2026/cms_hcc_v28"
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=Path(__file__).parent.parent / "medicare",
        help="where to write the folders",
    )
    args = parser.parse_args()
    wheels = Wheels(args.sources)
    chosen = [release for release in recipes.RELEASES if not args.only or release.folder in args.only]
    unknown = set(args.only) - {release.folder for release in chosen}
    if unknown:
        raise SystemExit(f"no recipe for {', '.join(sorted(unknown))}")
    for release in chosen:
        work = build(release, wheels)
        write_tables(args.to / release.folder, work.tables, work.manifest())
        print(release.folder, ", ".join(f"{name} {len(rows):,}" for name, rows in work.tables.items()))


if __name__ == "__main__":
    main()
