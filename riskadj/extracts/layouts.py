"""How a file's own columns become the canonical ones: our own layout, CMS's program input, Tuva's input layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from riskadj.errors import ExtractError, OptionError, nearest
from riskadj.extracts.contract import names_of
from riskadj.terms import LAYOUTS


@dataclass(frozen=True)
class Origin:
    """Where a canonical column comes from: a column of the file, and what is done with it."""

    source: str
    convert: Callable[[pa.Array], pa.Array] | None = None


@dataclass(frozen=True)
class Reading:
    """How one part is read: canonical column -> origin; what was decided on the way."""

    origins: Mapping[str, Origin]
    notes: tuple[str, ...] = ()
    diagnosis_columns: tuple[str, ...] = field(default=())


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


def plan_reading(
    header: tuple[str, ...], role: str, layout: str, columns: Mapping[str, str], label: str
) -> Reading:
    """Return how a part with these column names is read."""
    origins = {name: Origin(name) for name in names_of(role) if name in header}
    return Reading({**origins, **_renamed(header, columns, label)})


def _renamed(header: tuple[str, ...], columns: Mapping[str, str], label: str) -> dict[str, Origin]:
    for name, theirs in columns.items():
        if theirs not in header:
            raise ExtractError(
                f"{label} lacks '{theirs}', which columns= gives for '{name}'{nearest(theirs, header)}."
            )
    return {name: Origin(theirs) for name, theirs in columns.items()}
