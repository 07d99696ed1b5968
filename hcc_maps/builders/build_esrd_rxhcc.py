"""Remake every ESRD and RxHCC release folder under hcc_maps/medicare from published copies.

Usage: ``python hcc_maps/builders/build_esrd_rxhcc.py --sources WHEELS [--only py<YEAR>/<model_id> ...] [--to
FOLDER]``, where WHEELS is the folder of downloaded wheels (README.md beside this file says how). Rerunning
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

import factor_copies
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
from copies import Copy, Wheels, check, read_edges, read_titles
from recipes_esrd_rxhcc import RELEASES, SEGMENT_NOTE, SLASHES, Release, later

from riskadj.tables.importers import cms_package, sas_formats
from riskadj.tables.importers.cms_tables import PrintedFactors
from riskadj.tables.importers.conditions import variable_order
from riskadj.tables.importers.esrd import FAMILY as ESRD

Work = Build[Release]


def build(release: Release, wheels: Wheels) -> Work:
    """All tables of one release, with their origins."""
    files = release.model.package.files
    by_name = {copy.file_name: wheels.read(copy) for copy in files.values()}
    factors = cms_package.printed_factors(by_name)
    work = Build(release, wheels, factors.family.scores)
    package = cms_package.release_tables(by_name)
    tables = _without(package, release.model.left_out)
    _mappings(work, package["mappings"])
    _hierarchies(work, tables["hierarchies"], package["hierarchies"])
    if "groups" in files:
        for table in ("groups", "interactions"):
            _products(work, table, tables[table], package[table])
    if release.factors is None:
        _package_factors(work, tables["relative_factors"], factors)
        named = tables
    else:
        factors = _copied_factors(work, release.factors, factors)
        named = cms_package.factor_tables(factors, ())
    _status_tables(work, named)
    _labels(work, tables["labels"], titles(package["labels"]))
    _adjustments(work)
    cms_package.check_fit(work.tables)
    return work


def _without(tables: Tables, left_out: Iterable[str]) -> Tables:
    """The tables without these categories, and without groups and interactions that have nothing else."""
    gone = set(left_out)
    groups = {row["group"] for row in tables.get("groups", ())}
    kept = {name: [row for row in rows if not gone & set(row.values())] for name, rows in tables.items()}
    gone |= groups - {row["group"] for row in kept.get("groups", ())}
    gone |= {row["interaction"] for row in kept.get("interactions", ()) if row["term"] in gone}
    return {name: [row for row in rows if not gone & set(row.values())] for name, rows in kept.items()}


def _mappings(work: Work, rows: list[Row]) -> None:
    release, model = work.release, work.release.model
    official = model.package.files["mappings"]
    recipe = MappingRecipe(
        release.mappings or official,
        release.mapping_checks,
        model.edits,
        (official,),
        model.later_codes,
        frozenset(model.left_out),
        join(model.edits_note, model.left_out_note),
    )
    if release.mappings is None:
        put_official_mappings(work, rows, official, recipe, model.left_out_note)
    else:
        put_edited_mappings(work, recipe)


def _note(work: Work, *notes: str) -> str:
    left_out = "without HCC134 to HCC138, as in mappings" if work.release.model.left_out else ""
    return join(work.release.borrowed, *notes, left_out)


def _hierarchies(work: Work, rows: list[Row], printed: list[Row]) -> None:
    model, copy = work.release.model, work.release.model.package.files["hierarchies"]
    edges = {(row["hcc"], row["drops"]) for row in printed}
    checks = [
        check(other, edges, read_edges(work.wheels, other), "edges")
        for other in (*work.release.hierarchy_checks, *model.hierarchy_checks)
    ]
    manner = MANNER_NOTES[work.release.hierarchy_manner]
    work.put("hierarchies", rows, copy, copy.file_name, checks, _note(work, manner))


def _products(work: Work, table: str, rows: list[Row], printed: list[Row]) -> None:
    model, copy = work.release.model, work.release.model.package.files[table]
    checks = []
    if model.products_check is not None:
        groups, interactions = sas_formats.read_products(work.wheels.text(model.products_check))
        other = groups if table == "groups" else interactions
        checks.append(check(model.products_check, map(cells, printed), map(cells, other), "rows"))
    work.put(table, rows, copy, copy.file_name, checks, _note(work))


def _factor_files(work: Work) -> list[Copy]:
    tables = ("mappings", "hierarchies", "groups", "interactions")
    return [copy for key, copy in work.release.model.package.files.items() if key not in tables]


def _package_factors(work: Work, rows: list[Row], factors: PrintedFactors) -> None:
    model, copies = work.release.model, _factor_files(work)
    for copy in copies:
        work.cite(copy)
    mine = factor_copies.printed(factors)
    what = "factors and scores other than 0" if factors.scores else "factors other than 0"
    checks = [_factor_check(work, mine, (copy,), what) for copy in model.factor_checks]
    if others := work.release.factor_checks:
        checks.append(_factor_check(work, mine, others, what))
    where = "; ".join(f"{copy.file_name} (source {copy.id})" for copy in copies)
    zeros = sum(float(row["factor"]) == 0 for row in rows)
    note = _note(
        work,
        _expansion_note(factors),
        work.release.note,
        f"{zeros} factors are printed as 0" if zeros else "",
    )
    work.put("relative_factors", rows, copies[0], where, checks, note)


def _expansion_note(factors: PrintedFactors) -> str:
    if factors.family is not ESRD:
        return ""
    return (
        "graft factors stand twice, for 4-9 months and for 10 or more; new enrollees have variables of their own for "
        "the duration (NE_), as at 64 with orec 0 they count as aged"
    )


def _factor_check(work: Work, mine: set[factor_copies.Factor], others: tuple[Copy, ...], what: str) -> str:
    model = work.release.model
    theirs = factor_copies.read_copies(work.wheels, others, model.factor_renames)
    adjustments = {(factor_copies.SCORE.lower(), name.lower()) for name in model.adjustments.values()}
    theirs = {item for item in theirs if item[:2] not in adjustments}
    files = ", ".join(copy.file_name for copy in others[1:])
    return check(others[0], mine, theirs, what).replace(": ", f" with {files}: " if files else ": ", 1)


def _copied_factors(work: Work, copy: Copy, package: PrintedFactors) -> PrintedFactors:
    """Factors of another copy, under the names of the package and in its order."""
    columns = {column.lower(): column for column in package.family.columns}
    found = {
        (columns[column.lower()], variable): cell
        for column, variable, cell in factor_copies.weights(work.wheels.text(copy))
        if float(cell)
    }
    order = list(package.labels)
    if unknown := {variable for _, variable in found} - set(order):
        raise SystemExit(f"{copy.label}: variables that the package does not have: {sorted(unknown)}")
    ordered = sorted(found, key=lambda key: (order.index(key[1]), list(columns.values()).index(key[0])))
    factors = PrintedFactors(package.family, {key: found[key] for key in ordered}, package.labels)
    left_out = sorted({v for v in order if v not in {variable for _, variable in found}}, key=variable_order)
    note = join(
        "that copy is a full matrix in which 0 stands for no factor as well: factors of 0 are left out",
        f"no factor other than 0 for {', '.join(left_out)}",
    )
    work.put("relative_factors", factors.rows(), copy, copy.file_name, (), note)
    return PrintedFactors(
        package.family, factors.factors, {v: t for v, t in package.labels.items() if v not in left_out}
    )


def _status_tables(work: Work, tables: Tables) -> None:
    release, model = work.release, work.release.model
    copy = release.factors or _factor_files(work)[0]
    where = f"variable names and columns of {'; '.join(c.file_name for c in _factor_files(work))}"
    if release.factors is not None:
        where = f"variable names and columns of {release.factors.file_name}"
    work.put("demographics", tables["demographics"], copy, where, (), model.status_note)
    if "groups" not in work.tables:
        work.put("interactions", tables["interactions"], copy, where, (), "the name gives the two terms")
    note = "one payment score by the member's status in the month"
    esrd = "DIAL" in {row["segment"] for row in tables["segments"]}
    work.put("segments", tables["segments"], copy, where, (), SEGMENT_NOTE if esrd else note)


def _labels(work: Work, printed: list[Row], all_titles: set[tuple[str, str]]) -> None:
    release, model = work.release, work.release.model
    official = _factor_files(work)[0]
    others = (*release.label_checks, *model.label_checks)
    if model.labels is None:
        checks = [check(copy, all_titles, read_titles(work.wheels, copy), "titles") for copy in others]
        work.put("labels", printed, official, f"{official.file_name}, column Label", checks, _note(work))
        return
    rows = sas_formats.read_labels(work.wheels.text(model.labels))
    mine = titles(rows)
    checks = [check(later(official, SLASHES), mine, all_titles, "titles")]
    checks += [check(copy, mine, read_titles(work.wheels, copy), "titles") for copy in others]
    kept = [row for row in rows if row["hcc"] not in model.left_out]
    note = "without HCC134 to HCC138, as in mappings" if model.left_out else ""
    work.put("labels", kept, model.labels, model.labels.file_name, checks, note)


def _adjustments(work: Work) -> None:
    copy, names = work.release.adjustments, work.release.model.adjustments
    if copy is None:
        return
    found = factor_copies.adjustment_values(work.wheels, copy)
    rows = [{"segment": segment, "divisor": found[name]} for segment, name in names.items()]
    checks = [
        check(other, found.items(), factor_copies.adjustment_values(work.wheels, other).items(), "divisors")
        for other in work.release.adjustment_checks
    ]
    note = (
        "actuarial adjustment of new enrollees with a graft: in the text of CMS's program, not in its tables"
    )
    work.put(
        "adjustments",
        rows,
        copy,
        f"{copy.file_name}{copy.of_model}, {', '.join(names.values())}",
        checks,
        note,
    )


if __name__ == "__main__":
    run(__doc__, RELEASES, build)
