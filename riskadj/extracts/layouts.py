"""How a file's own columns become the canonical ones: our own layout, CMS's program input, Tuva's input layer."""

from __future__ import annotations

from collections.abc import Mapping

from riskadj.errors import ExtractError, OptionError, nearest
from riskadj.extracts import layout_tuva
from riskadj.extracts.contract import names_of
from riskadj.extracts.parts import Part
from riskadj.extracts.readings import Origin, Reading, in_lower_case
from riskadj.terms import LAYOUTS

#: Input files of CMS's own programs: canonical column -> their names, in any case.
CMS_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "enrollment": {
        "member_id": ("id",),
        "birth_date": ("dob",),
        "sex": ("sex",),
        "orec": ("orec",),
        "ltimcaid": ("ltimcaid",),
        "nemcaid": ("nemcaid",),
        "mcaid": ("mcaid",),
        "is_esrd": ("esrd",),
    },
    "diagnoses": {"member_id": ("id",), "diagnosis_code": ("icd10", "diag")},
}


def check_options(role: str, layout: str, columns: Mapping[str, str]) -> None:
    """Raise OptionError for an unknown layout or an unknown canonical name in `columns`."""
    if layout not in LAYOUTS:
        raise OptionError(
            f"layout={layout!r} is not known; allowed: {', '.join(LAYOUTS)}{nearest(layout, LAYOUTS)}."
        )
    known = names_of(role)
    for name in columns:
        if name not in known:
            raise OptionError(f"columns= names '{name}', which {role} does not have{nearest(name, known)}.")


def columns_of(role: str, columns: Mapping[str, str] | None, *others: str) -> dict[str, str]:
    """Return those of a run's `columns` that `role` has.

    Raises
    ------
    OptionError
        A name is of neither the enrollment nor the diagnoses nor of one of the roles `others`.
    """
    known = {name for other in ("enrollment", "diagnoses", *others) for name in names_of(other)}
    for name in columns or {}:
        if name not in known:
            raise OptionError(f"columns= names '{name}', which no extract has{nearest(name, known)}.")
    return {name: theirs for name, theirs in (columns or {}).items() if name in names_of(role)}


def plan_reading(part: Part, role: str, layout: str, columns: Mapping[str, str]) -> Reading:
    """Return how `part` is read.

    Raises
    ------
    ExtractError
        If it lacks a column that `columns` names, or `layout` has no such extract.
    """
    given = _renamed(part, columns)
    if layout == "riskadj":
        found = {name: _own(part, name) for name in names_of(role) if name not in given}
        return Reading({**{name: Origin((theirs,)) for name, theirs in found.items() if theirs}, **given})
    reading = _cms(part, role) if layout == "cms" else layout_tuva.plan(part, role, frozenset(given))
    return reading.with_origins(given)


def _own(part: Part, name: str) -> str | None:
    """Return the part's column of that name: exactly, or else in another case or with blanks around it."""
    header = part.schema.names
    alike = [name] if name in header else [theirs for theirs in header if theirs.strip().lower() == name]
    if len(alike) > 1:
        raise ExtractError(f"{part.label} has several columns named '{name}' in some case; keep one.")
    return alike[0] if alike else None


def _renamed(part: Part, columns: Mapping[str, str]) -> dict[str, Origin]:
    header = part.schema.names
    for name, theirs in columns.items():
        if theirs not in header:
            hint = nearest(theirs, header)
            raise ExtractError(f"{part.label} lacks '{theirs}', which columns= gives for '{name}'{hint}.")
    return {name: Origin((theirs,)) for name, theirs in columns.items()}


def _cms(part: Part, role: str) -> Reading:
    if role not in CMS_NAMES:
        raise ExtractError(f"layout='cms' has no {role} extract; it has: {', '.join(CMS_NAMES)}.")
    header = in_lower_case(part)
    found = {}
    for name, others in CMS_NAMES[role].items():
        theirs = next((header[other] for other in others if other in header), None)
        if theirs is not None:
            found[name] = Origin((theirs,))
    return Reading(found)
