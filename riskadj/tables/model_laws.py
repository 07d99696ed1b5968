"""Laws of one model release: its tables name one another, resolve, and price every member status once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from riskadj.tables.columns import SEGMENT_NAMES
from riskadj.tables.conditions import Condition, parse_condition
from riskadj.tables.model import ModelTables
from riskadj.terms import AGE_RANGE, STATUS_FIELDS

_AGES = np.arange(121, dtype=np.uint8)
_MOST_PROBLEMS = 20
#: Tables that define variables, and the column that names them.
_HOMES = (
    ("labels", "hcc"),
    ("groups", "group"),
    ("demographics", "variable"),
    ("interactions", "interaction"),
    ("counts", "variable"),
)
#: Tables that name HCCs, and the columns that do.
_HCC_COLUMNS = (
    ("mappings", ("hcc",)),
    ("drug_mappings", ("hcc",)),
    ("hierarchies", ("hcc", "drops")),
    ("exclusions", ("hcc",)),
    ("groups", ("hcc",)),
    ("chronic", ("hcc",)),
)
#: Tables with ranges, and what the columns that hold them begin with.
_RANGES = (
    ("mappings", "age"),
    ("mappings", "mce_age"),
    ("drug_mappings", "age"),
    ("exclusions", "age"),
    ("groups", "age"),
    ("demographics", "age"),
    ("segments", "age"),
)


def check_model(model: ModelTables) -> list[str]:
    """Return every broken law of one model release."""
    return [problem for law in _LAWS for problem in _first(law(model))]


def _first(problems: Iterator[str]) -> Iterator[str]:
    for number, problem in enumerate(problems):
        if number == _MOST_PROBLEMS:
            yield "... and more of the same law"
            return
        yield problem


def _hccs_have_labels(model: ModelTables) -> Iterator[str]:
    """Every HCC named anywhere has a label, and HCCs stand in ascending order."""
    labels = model.tables["labels"].column("hcc")
    known = set(labels)
    for table, columns in _HCC_COLUMNS:
        yield from _unresolved(model, table, columns, known, "has no label")
    for table, row, names in _requirement_names(model):
        if missing := [name for name in names if name not in known]:
            yield f"{model.tables[table].where(row)}: {missing[0]} has no label."
    numbers = [_number_of(name) for name in labels]
    for row in range(1, len(numbers)):
        if numbers[row][0] == numbers[row - 1][0] and numbers[row] <= numbers[row - 1]:
            yield f"{model.tables['labels'].where(row)}: HCCs must stand in ascending order."


def _number_of(hcc: str) -> tuple[str, tuple[int, ...]]:
    """Return what an HCC is called before its number (a drug category has another name), and its number."""
    digits = "".join(character if character.isdigit() else " " for character in hcc).split()
    return hcc.rstrip("0123456789_"), tuple(int(part) for part in digits)


def _requirement_names(model: ModelTables) -> Iterator[tuple[str, int, list[str]]]:
    for row, record in enumerate(model.records("requirements")):
        yield "requirements", row, [record["hcc"], *record["needs_any"].split("|")]


def _unresolved(
    model: ModelTables, table: str, columns: Sequence[str], known: set[str], why: str
) -> Iterator[str]:
    if table in model.tables:
        for column in columns:
            for row, name in enumerate(model.tables[table].column(column)):
                if name not in known:
                    yield f"{model.tables[table].where(row)}: {name} {why}."


def _variables(model: ModelTables) -> dict[str, str]:
    """Return every variable of the model and the table that defines it."""
    return {
        name: table
        for table, column in _HOMES
        if table in model.tables
        for name in model.tables[table].column(column)
    }


def _names_are_unique(model: ModelTables) -> Iterator[str]:
    """No variable is defined by two tables."""
    homes: dict[str, str] = {}
    for table, column in _HOMES:
        for name in dict.fromkeys(model.tables[table].column(column) if table in model.tables else ()):
            if name in homes:
                yield f"{model.id}/{table}.csv: {name} is defined in {homes[name]}.csv already."
            homes[name] = table


def _interactions_are_in_order(model: ModelTables) -> Iterator[str]:
    """Every term resolves, and an interaction that is a term stands earlier."""
    if "interactions" not in model.tables:
        return
    table = model.tables["interactions"]
    later = dict.fromkeys(table.column("interaction"))
    known = {name for name, home in _variables(model).items() if home != "interactions"}
    current = None
    for row, record in enumerate(table.records()):
        if record["interaction"] != current:
            if current is not None:
                known.add(current)
            current = record["interaction"]
        if record["term"] not in known:
            why = (
                "stands later"
                if record["term"] in later
                else "is no HCC, group, demographic, count or interaction"
            )
            yield f"{table.where(row)}: term {record['term']} {why}."


def _factors_resolve(model: ModelTables) -> Iterator[str]:
    """Every relative factor's variable and segment exist."""
    yield from _unresolved(
        model, "relative_factors", ("variable",), set(_variables(model)), "is no variable of the model"
    )
    columns = set(factor_columns(model))
    yield from _unresolved(model, "relative_factors", ("segment",), columns, "is no segment of the model")
    segments = set(model.tables["segments"].column("segment"))
    yield from _unresolved(model, "adjustments", ("segment",), segments, "is no segment of the model")


def factor_columns(model: ModelTables) -> list[str]:
    """Return, for each row of segments.csv, the name under which relative_factors prices it."""
    return [row.get("factor_column") or row["segment"] for row in model.records("segments")]


def _factors_can_be_on(model: ModelTables) -> Iterator[str]:
    """Every HCC with a factor is mapped by some diagnosis or drug."""
    mapped = {row["hcc"] for table in ("mappings", "drug_mappings") for row in model.records(table)}
    hccs = set(model.tables["labels"].column("hcc"))
    table = model.tables["relative_factors"]
    seen: set[str] = set()
    for row, name in enumerate(table.column("variable")):
        if name in hccs and name not in mapped and name not in seen:
            seen.add(name)
            yield f"{table.where(row)}: {name} has a factor, but nothing maps to it."


def _hierarchies_have_no_cycles(model: ModelTables) -> Iterator[str]:
    """No HCC removes itself, directly or through others."""
    table = model.tables["hierarchies"]
    children: dict[str, list[str]] = {}
    for record in table.records():
        children.setdefault(record["hcc"], []).append(record["drops"])
    done: set[str] = set()

    def visit(hcc: str, path: tuple[str, ...]) -> str | None:
        if hcc in path:
            return " -> ".join((*path[path.index(hcc) :], hcc))
        if hcc in done:
            return None
        found = next(
            (cycle for child in children.get(hcc, ()) if (cycle := visit(child, (*path, hcc)))), None
        )
        done.add(hcc)
        return found

    for hcc in children:
        if cycle := visit(hcc, ()):
            yield f"{model.id}/hierarchies.csv: the hierarchy runs in a circle: {cycle}."
            return


def _ages_are_ranges(model: ModelTables) -> Iterator[str]:
    """A lowest age is never above its highest."""
    for name, stem in _RANGES:
        table = model.tables.get(name)
        if table is None or f"{stem}_min" not in table.columns or f"{stem}_max" not in table.columns:
            continue
        for row, (low, high) in enumerate(
            zip(table.column(f"{stem}_min"), table.column(f"{stem}_max"), strict=True)
        ):
            if low and high and int(low) > int(high):
                yield f"{table.where(row)}: {stem}_min {low} is above {stem}_max {high}."


def _counts_are_apart(model: ModelTables) -> Iterator[str]:
    """Count variables with a factor do not overlap; those that are only terms of interactions may."""
    if "counts" not in model.tables:
        return
    table, priced = model.tables["counts"], set(model.tables["relative_factors"].column("variable"))
    ranges = [
        (int(r["hccs_min"]), int(r["hccs_max"] or 9999), row)
        for row, r in enumerate(table.records())
        if r["variable"] in priced
    ]
    for (low, high, row), (next_low, _, next_row) in zip(sorted(ranges), sorted(ranges)[1:], strict=False):
        if next_low <= high or low > high:
            yield f"{table.where(next_row)}: its range of HCCs overlaps that of line {row + 2}."


def _segments_are_exclusive_and_exhaustive(model: ModelTables) -> Iterator[str]:
    """Exactly one segment fits every member status."""
    names, conditions, profiles = _all_profiles(model)
    fits = np.array([condition.fits(profiles) for condition in conditions])
    of_segment = {
        name: np.logical_or.reduce(fits[[n == name for n in names]]) for name in dict.fromkeys(names)
    }
    n_fitting = np.sum(list(of_segment.values()), axis=0)
    scored = model.manifest.scores.fits(profiles) & _can_be(profiles)
    for wrong, words in (
        (scored & (n_fitting == 0), "no segment fits"),
        (n_fitting > 1, "two segments fit"),
    ):
        if wrong.any():
            yield f"{model.id}/segments.csv: {words} a member of {_in_words(profiles, int(np.flatnonzero(wrong)[0]))}."


def _can_be(profiles: Mapping[str, npt.NDArray[np.uint8]]) -> npt.NDArray[np.bool_]:
    """Return which profiles a member can have: a functioning graft has a duration, nobody else has one.

    A graft row without its months fits no segment and is rejected.
    """
    if not {"esrd_status", "graft_duration"} <= profiles.keys():
        return np.ones(len(profiles["age_years"]), np.bool_)
    is_graft = profiles["esrd_status"] == STATUS_FIELDS["esrd_status"].index("graft")
    has_duration = profiles["graft_duration"] != STATUS_FIELDS["graft_duration"].index("none")
    result: npt.NDArray[np.bool_] = is_graft == has_duration
    return result


def _every_status_is_priced(model: ModelTables) -> Iterator[str]:
    """In its segment, every age and sex has a factor without any HCC."""
    names, conditions, profiles = _all_profiles(model, extra=demographic_fields(model))
    names = factor_columns(model)
    segments = list(dict.fromkeys(names))
    segment_of = np.full(len(profiles["age_years"]), -1)
    for name, condition in zip(names, conditions, strict=True):
        segment_of[condition.fits(profiles)] = segments.index(name)
    priced: dict[str, list[int]] = {}
    for record in model.records("relative_factors"):
        if float(record["factor"]) and record["segment"] in segments:
            priced.setdefault(record["variable"], []).append(segments.index(record["segment"]))
    lacking = (segment_of >= 0) & model.manifest.scores.fits(profiles)
    for variable, on in _on_without_hccs(model, profiles).items():
        lacking[on & np.isin(segment_of, priced.get(variable, []))] = False
    if lacking.any():
        row = int(np.flatnonzero(lacking)[0])
        words = f"no factor in {segments[segment_of[row]]}"
        yield f"{model.id}/relative_factors.csv: {words} for a member without HCCs of {_in_words(profiles, row)}."


def _on_without_hccs(
    model: ModelTables, profiles: Mapping[str, npt.NDArray[np.uint8]]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return, by variable, which profiles have it on without any HCC: demographics and what follows from them."""
    nobody = np.zeros(len(profiles["age_years"]), np.bool_)
    on = {
        variable: np.logical_or.reduce([condition.fits(profiles) for condition in alternatives])
        for variable, alternatives in _demographics(model).items()
    }
    on |= {row["variable"]: ~nobody for row in model.records("counts") if row["hccs_min"] == "0"}
    for row in model.records("interactions"):
        term = on.get(row["term"], nobody)
        wanted = ~term if row.get("absent") == "1" else term
        on[row["interaction"]] = on.get(row["interaction"], ~nobody) & wanted
    return on


def _groups_have_one_condition(model: ModelTables) -> Iterator[str]:
    """The HCCs of one group stand under the same ages: a group is there for a status, or it is not."""
    found: dict[str, set[tuple[str, str]]] = {}
    of_hcc: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in model.records("groups"):
        ages = (row.get("age_min", ""), row.get("age_max", ""))
        found.setdefault(row["group"], set()).add(ages)
        of_hcc.setdefault((row["group"], row["hcc"]), set()).add(ages)
    for (group, hcc), found_ages in of_hcc.items():
        if found_ages != found[group]:
            yield f"{model.id}/groups.csv: {hcc} has other ages in {group} than its other HCCs."


def _demographics(model: ModelTables) -> dict[str, list[Condition]]:
    result: dict[str, list[Condition]] = {}
    for record in model.records("demographics"):
        cells = {key: cell for key, cell in record.items() if key != "variable"}
        result.setdefault(record["variable"], []).append(parse_condition(cells))
    return result


def demographic_fields(model: ModelTables) -> tuple[str, ...]:
    """Return the member-status fields that the demographics table asks about, ages and all but blank ones aside."""
    table = model.tables["demographics"]
    return tuple(c for c in table.columns if c not in ("variable", *AGE_RANGE) and any(table.column(c)))


def _all_profiles(
    model: ModelTables, extra: Sequence[str] = ()
) -> tuple[list[str], list[Condition], dict[str, npt.NDArray[np.uint8]]]:
    """Return the segments, their conditions, and every combination of age and of the codes that they test."""
    records = list(model.records("segments"))
    conditions = [parse_condition({k: v for k, v in r.items() if k not in SEGMENT_NAMES}) for r in records]
    asked = [*conditions, model.manifest.scores]
    tested = dict.fromkeys([field for condition in asked for field in condition.fields] + list(extra))
    codes = [np.arange(len(STATUS_FIELDS[field]), dtype=np.uint8) for field in tested]
    grid = [axis.ravel() for axis in np.meshgrid(_AGES, *codes, indexing="ij")]
    profiles = dict(zip(["age_years", *tested], grid, strict=True))
    return [record["segment"] for record in records], conditions, profiles


def _in_words(profiles: Mapping[str, npt.NDArray[np.uint8]], row: int) -> str:
    words = [
        f"{field} {STATUS_FIELDS[field][codes[row]]}"
        for field, codes in profiles.items()
        if field != "age_years"
    ]
    return ", ".join([f"age {profiles['age_years'][row]}", *words])


_LAWS: tuple[Callable[[ModelTables], Iterator[str]], ...] = (
    _hccs_have_labels,
    _names_are_unique,
    _interactions_are_in_order,
    _factors_resolve,
    _factors_can_be_on,
    _hierarchies_have_no_cycles,
    _ages_are_ranges,
    _groups_have_one_condition,
    _counts_are_apart,
    _segments_are_exclusive_and_exhaustive,
    _every_status_is_priced,
)
