"""Remake every CMS-HCC release folder under hcc_maps/medicare from published copies.

Usage: ``python hcc_maps/builders/build_cms_hcc.py --sources WHEELS [--only py<YEAR>/<model_id> ...] [--to
FOLDER]``, where WHEELS is the folder of downloaded wheels (README.md beside this file says how). Rerunning
gives the same bytes.
"""

from __future__ import annotations

import recipes
from building import (
    MANNER_NOTES,
    Build,
    MappingRecipe,
    Row,
    Tables,
    cells,
    join,
    put_edited_mappings,
    put_official_mappings,
    run,
    titles,
)
from copies import Copy, Wheels, check, read_edges, read_factors, read_titles
from recipes import Release, Software

from riskadj.tables.importers import cms_package, cms_tables, part_c, sas_formats

CmsHccBuild = Build[Release]


def _mapping_recipe(release: Release) -> MappingRecipe:
    program = release.program
    return MappingRecipe(
        release.mappings, release.checks, program.edits, program.mce, program.later_codes, note=release.note
    )


def build(release: Release, wheels: Wheels) -> CmsHccBuild:
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


def _official_tables(work: CmsHccBuild, software: Software) -> None:
    files = software.files
    by_name = {copy.file_name: work.wheels.read(copy) for copy in files.values()}
    tables = cms_package.release_tables(by_name)
    if work.release.software_tables:
        put_edited_mappings(work, _mapping_recipe(work.release))
    else:
        put_official_mappings(work, tables["mappings"], files["mappings"], _mapping_recipe(work.release))
    _requirements(work)
    borrowed = "CMS's PY2026 table, taken for this year" if work.release.software_tables else ""
    work.put(
        "hierarchies",
        tables["hierarchies"],
        files["hierarchies"],
        files["hierarchies"].file_name,
        _edge_checks(work, tables["hierarchies"]),
        join(borrowed, MANNER_NOTES[work.release.hierarchy_manner]),
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
        join(borrowed, _zero_note(tables["relative_factors"])),
    )
    _status_tables(work, files["relative_factors"], f"variable names and columns of {factor_files}", tables)


# --- tables of the SAS programs ---


def _program_tables(work: CmsHccBuild) -> None:
    program, text = work.release.program, work.wheels.text
    put_edited_mappings(work, _mapping_recipe(work.release))
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
        join(_rename_note(work), _zero_note(factors)),
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


def _rename_note(work: CmsHccBuild) -> str:
    names = {
        row["variable"]
        for row in sas_formats.read_coefficients(
            work.wheels.text(work.release.program.factors), part_c.SEGMENTS
        )
    }
    renamed = [f"{old} is {new} here" for old, new in work.release.program.renames.items() if old in names]
    return "names as in CMS's later tables: " + ", ".join(renamed) if renamed else ""


# --- tables made the same way for both ---


def _requirements(work: CmsHccBuild) -> None:
    rows = sas_formats.read_requirements(work.wheels.text(work.release.program.main))
    if rows:
        work.put(
            "requirements",
            rows,
            work.release.program.main,
            f"{work.release.program.main.file_name}, 'heart interaction patch'",
            (),
            "CMS's Python program has the same rule in its text" if work.release.software else "",
        )


def _status_tables(work: CmsHccBuild, copy: Copy, where: str, tables: Tables) -> None:
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


def _labels(work: CmsHccBuild) -> None:
    labels = sas_formats.read_labels(work.wheels.text(work.release.program.labels))
    mine = titles(labels)
    checks = [check(copy, mine, titles(printed), "titles") for copy, printed in _printed_labels(work)]
    checks += [
        check(copy, mine, read_titles(work.wheels, copy), "titles")
        for copy in work.release.program.label_checks
    ]
    work.put("labels", labels, work.release.program.labels, work.release.program.labels.file_name, checks)


def _printed_labels(work: CmsHccBuild) -> list[tuple[Copy, list[Row]]]:
    software = work.release.software
    if software is None:
        return []
    files = {c.file_name: work.wheels.read(c) for c in software.files.values()}
    return [(software.files["relative_factors"], cms_package.release_tables(files)["labels"])]


def _edge_checks(work: CmsHccBuild, rows: list[Row]) -> list[str]:
    mine = {(row["hcc"], row["drops"]) for row in rows}
    others = dict.fromkeys(
        (
            *work.release.hierarchy_checks,
            *(() if work.release.software else work.release.program.hierarchy_checks),
        )
    )
    return [check(copy, mine, _edges(work, copy), "edges") for copy in others]


def _edges(work: CmsHccBuild, copy: Copy) -> set[tuple[str, str]]:
    if copy.package is recipes.RISK_COMPOSE:
        rows = cms_tables.read_hierarchies(copy.file_name, work.wheels.read(copy))
        return {(row["hcc"], row["drops"]) for row in rows}
    return read_edges(work.wheels, copy)


def _product_check(work: CmsHccBuild, table: str, rows: list[Row]) -> list[str]:
    """Groups or interactions of the SAS program against those of CMS's package, or the other way round."""
    program = work.release.program
    if program.software is None:
        return []
    if work.release.software is not None:
        copy, other = program.main, _program_products(work, table)
    else:
        copy = program.software.files[table]
        read = cms_tables.read_groups if table == "groups" else cms_tables.read_interactions
        other = read(copy.file_name, work.wheels.read(copy))
    return [check(copy, map(cells, rows), map(cells, other), "rows")]


def _program_products(work: CmsHccBuild, table: str) -> list[Row]:
    groups, interactions = sas_formats.read_products(work.wheels.text(work.release.program.main))
    return groups if table == "groups" else interactions


def _factor_checks(work: CmsHccBuild, rows: list[Row]) -> list[str]:
    mine = {
        (r["segment"], r["variable"].lower(), float(r["factor"])) for r in rows if float(r["factor"]) != 0
    }
    others = dict.fromkeys((*work.release.factor_checks, *work.release.program.factor_checks))
    checks = []
    for copy in others:
        theirs = {
            (*key, factor)
            for key, factor in read_factors(work.wheels, copy, work.release.program.renames).items()
        }
        segments = {segment for segment, *_ in theirs}
        compared = {item for item in mine if item[0] in segments}
        lacking = sorted({s for s, *_ in mine} - segments, key=part_c.SEGMENTS.index)
        without = f" (it lacks {', '.join(lacking)})" if lacking else ""
        checks.append(check(copy, compared, theirs, f"factors other than 0{without}"))
    return checks


if __name__ == "__main__":
    run(__doc__, recipes.RELEASES, build)
