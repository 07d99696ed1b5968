"""Read the text of CMS's SAS programs: formats, edit macros, hierarchies, labels, products and coefficients.

Only facts are read (which code, which category, which number); the text is never run.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskadj.errors import TableError
from riskadj.tables.importers.conditions import (
    EVERY_AGE,
    SEXES,
    AgeRange,
    MappingRow,
    merge_mappings,
)

Row = dict[str, str]

_HIERARCHY = re.compile(r"%SET0\(\s*CC\s*=\s*(\d+)\s*,\s*HIER\s*=\s*%STR\(([^)]*)\)\s*\)", re.IGNORECASE)
_LABEL = re.compile(r"^\s*HCC(\d+)\s*=\s*\"([^\"]*)\"", re.MULTILINE)
_REQUIREMENT = re.compile(
    r"IF\s+CC(\d+)\s*=\s*1\s+AND\s+MAX\(([^)]*)\)\s*=\s*0\s+THEN\s+CC(\d+)\s*=\s*0", re.IGNORECASE
)
_EDIT = re.compile(r"IF\s+(?P<condition>[^;]*?)\s+THEN\s+CC\s*=\s*\"(?P<cc>[^\"]+)\"\s*;", re.IGNORECASE)
_CODES = re.compile(r"&ICD10\s*(?:IN\s*\((?P<list>[^)]*)\)|=\s*(?P<one>\"[^\"]+\"))", re.IGNORECASE)
_SEX_TEST = re.compile(r"&SEX\s*=\s*\"([12])\"", re.IGNORECASE)
_AGE_TEST = re.compile(r"&AGE\s*(<=|>=|<|>)\s*(\d+)", re.IGNORECASE)
_AGE_ALTERNATIVES = re.compile(r"\(([^()]*&AGE[^()]*\bOR\b[^()]*)\)", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*(MAX\(([^)]*)\)|[\w\s*()]+)\s*;", re.IGNORECASE)
_YOUNGER = re.compile(r"(\w+)\s*=\s*\(\s*AGEF\s*<\s*\d+\s*&\s*(\w+)\s*>\s*0\s*\)\s*;", re.IGNORECASE)
_COEFFICIENT = re.compile(r"([A-Z]+)_(.+)")
_DROPPED = "-1.0"


@dataclass(frozen=True)
class Edit:
    """One mandatory edit: for these codes, sex and ages (any of them), this category replaces the look-up.

    `hcc` is empty where the edit drops the diagnosis.
    """

    codes: frozenset[str]
    sex: str
    ages: tuple[AgeRange, ...]
    hcc: str

    def fits(self, sex: str, age: int) -> bool:
        """Whether the edit acts on this sex and age."""
        return self.sex in ("", sex) and any(
            a.low <= age and (a.high is None or age <= a.high) for a in self.ages
        )


def read_format(text: str, prefix: str = "HCC") -> list[tuple[str, str]]:
    """(code, category variable) pairs of a format file; a line is: code, category, flag of second categories.

    Raises
    ------
    TableError
        If a line has another form.
    """
    pairs = []
    for line, content in enumerate(text.splitlines(), start=1):
        cells = content.split()
        if not cells:
            continue
        if len(cells) not in (2, 3) or not cells[1].isdigit() or cells[2:] not in ([], ["D"]):
            raise TableError(f"format line {line} is not 'code category [D]'; check the file.")
        pairs.append((cells[0], f"{prefix}{cells[1]}"))
    return pairs


def read_hierarchies(text: str) -> list[Row]:
    """Hierarchy edges of a hierarchy macro, in numeric order."""
    edges = {
        (int(parent), int(child))
        for parent, children in _HIERARCHY.findall(text)
        for child in children.split(",")
    }
    if not edges:
        raise TableError("no %SET0 line in the hierarchy macro; check the file.")
    return [{"hcc": f"HCC{parent}", "drops": f"HCC{child}"} for parent, child in sorted(edges)]


def read_labels(text: str) -> list[Row]:
    """Labels of payment categories, in numeric order."""
    labels = {int(number): label.strip() for number, label in _LABEL.findall(text)}
    if not labels:
        raise TableError("no label in the label macro; check the file.")
    return [{"hcc": f"HCC{number}", "label": labels[number], "payment": "1"} for number in sorted(labels)]


def read_requirements(text: str) -> list[Row]:
    """Requirements of a main macro: categories set to 0 unless one of others is on (before hierarchies)."""
    return [
        {"hcc": f"HCC{tested}", "needs_any": "|".join(f"HCC{n}" for n in re.findall(r"CC(\d+)", needed))}
        for tested, needed, zeroed in _REQUIREMENT.findall(text)
        if tested == zeroed
    ]


def read_edits(text: str) -> list[Edit]:
    """Mandatory edits of an edit macro, in the order in which they are tried (the first that fits acts).

    Raises
    ------
    TableError
        If a condition is not understood.
    """
    body = re.sub(r"%\*.*?;", "", text, flags=re.DOTALL)
    return [_edit(match["condition"], match["cc"]) for match in _EDIT.finditer(body)]


def _edit(condition: str, cc: str) -> Edit:
    codes = _CODES.search(condition)
    if codes is None:
        raise TableError(f"edit condition {condition!r} names no codes.")
    tests = condition.replace(codes[0], "")
    sex = _SEX_TEST.search(tests)
    ages = _age_ranges(tests)
    if _leftover(tests):
        raise TableError(f"edit condition {' '.join(condition.split())!r} is not understood.")
    return Edit(
        codes=frozenset(re.findall(r"\"([^\"]+)\"", codes[0])),
        sex="" if sex is None else {"1": "M", "2": "F"}[sex[1]],
        ages=ages,
        hcc="" if cc == _DROPPED else f"HCC{int(cc)}",
    )


def _age_ranges(tests: str) -> tuple[AgeRange, ...]:
    found = [_age_range(operator, int(age)) for operator, age in _AGE_TEST.findall(tests)]
    if len(found) > 1 and not _AGE_ALTERNATIVES.search(tests):
        raise TableError(f"edit condition {' '.join(tests.split())!r} tests age twice without OR.")
    return tuple(found) or (EVERY_AGE,)


def _age_range(operator: str, age: int) -> AgeRange:
    return {"<": AgeRange(0, age - 1), "<=": AgeRange(0, age), ">": AgeRange(age + 1), ">=": AgeRange(age)}[
        operator
    ]


def _leftover(tests: str) -> str:
    rest = _AGE_TEST.sub("", _SEX_TEST.sub("", tests))
    return re.sub(r"\b(AND|OR)\b|[()\s]", "", rest, flags=re.IGNORECASE)


def apply_edits(
    pairs: Iterable[tuple[str, str]],
    edits: Sequence[Edit],
    mce_ages: Mapping[str, AgeRange],
) -> list[MappingRow]:
    """Mapping rows of looked-up pairs under the mandatory edits and the MCE age ranges of codes.

    An edit that fits replaces every look-up of its code; codes that no edit names keep all their categories.
    """
    hccs: dict[str, list[str]] = {}
    for code, hcc in pairs:
        hccs.setdefault(code, []).append(hcc)
    rows = [
        row
        for code, found in hccs.items()
        for row in _edited(code, found, edits, mce_ages.get(code, EVERY_AGE))
    ]
    return merge_mappings(rows)


def _edited(code: str, hccs: Sequence[str], edits: Sequence[Edit], mce_age: AgeRange) -> list[MappingRow]:
    relevant = [edit for edit in edits if code in edit.codes]
    bounds = sorted(
        {
            0,
            *(a.low for e in relevant for a in e.ages),
            *(a.high + 1 for e in relevant for a in e.ages if a.high is not None),
        }
    )
    pieces = [AgeRange(low, high - 1) for low, high in itertools.pairwise(bounds)] + [AgeRange(bounds[-1])]
    return [
        MappingRow(code, hcc, sex, piece, mce_age)
        for sex in SEXES
        for piece in pieces
        for hcc in _resolve(hccs, relevant, sex, piece.low)
    ]


def _resolve(hccs: Sequence[str], edits: Sequence[Edit], sex: str, age: int) -> Sequence[str]:
    acting = next((edit for edit in edits if edit.fits(sex, age)), None)
    if acting is None:
        return hccs
    return [acting.hcc] if acting.hcc else []


def codes_set_without_lookup(edits: Sequence[Edit], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Codes to which an edit gives a category although the look-up has none."""
    known = {code for code, _ in pairs}
    return sorted({code for edit in edits if edit.hcc for code in edit.codes} - known)


def read_products(text: str) -> tuple[list[Row], list[Row]]:
    """Groups (``X = MAX(a, b);``) and interactions (``Y = X*c;``) of a main macro, in program order.

    Names differ in case inside the macro; the spelling at the place of definition is kept.

    Raises
    ------
    TableError
        If the section of diagnostic categories is not found, or a statement in it is not understood.
    """
    section = re.search(
        r"%\*[^;]*\bdiagnostic categories;(.*?)there are some diagnoses",
        text,
        flags=re.DOTALL | re.IGNORECASE,
    )
    if section is None:
        raise TableError("no section 'diagnostic categories' in the main macro; check the file.")
    body = re.sub(r"%\*[^;]*;|/\*.*?\*/|\bEND;[^;]*$", "", section[1], flags=re.DOTALL)
    younger = {match[1]: match[2] for match in _YOUNGER.finditer(body)}
    spelling: dict[str, str] = {}
    groups: list[Row] = []
    interactions: list[Row] = []
    plain = _YOUNGER.sub("", body)
    if unread := _ASSIGNMENT.sub("", plain).replace(";", "").strip():
        raise TableError(f"statement {unread.splitlines()[0]!r} of the main macro is not understood.")
    for match in _ASSIGNMENT.finditer(plain):
        name, value = match[1], match[2]
        spelling[name.lower()] = name
        terms = [spelling.get(term.lower(), term) for term in re.findall(r"\w+", match[3] or value)]
        if match[3] is not None or len(terms) == 1:
            groups += [{"group": name, "hcc": term} for term in terms]
        else:
            interactions += [{"interaction": name, "term": term} for term in terms]
    for name, term in younger.items():
        interactions += [
            {"interaction": name, "term": "NonAged"},
            {"interaction": name, "term": spelling.get(term.lower(), term)},
        ]
    return groups, interactions


def read_coefficients(text: str, segments: Sequence[str]) -> list[Row]:
    """Relative factors of a coefficient file (a line of names SEGMENT_variable, one of values), by segment.

    Raises
    ------
    TableError
        If a name has no known segment, a name is repeated, or names and values do not pair up.
    """
    lines = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(lines) != 2 or len(lines[0]) != len(lines[1]) or len(set(lines[0])) != len(lines[0]):
        raise TableError("the coefficient file is not one line of distinct names and one of as many values.")
    rows = []
    for name, factor in zip(*lines, strict=True):
        match = _COEFFICIENT.fullmatch(name)
        if match is None or match[1] not in segments:
            raise TableError(f"coefficient {name!r} names no known segment; known: {', '.join(segments)}.")
        rows.append({"variable": match[2], "segment": match[1], "factor": factor.strip()})
    return sorted(rows, key=lambda row: segments.index(row["segment"]))
