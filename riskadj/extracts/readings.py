"""A reading: which columns of a file each canonical column is made of, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.parts import Part


@dataclass(frozen=True)
class Origin:
    """Columns of the file that make a canonical column; `make` takes them in order, None passes the only one on."""

    sources: tuple[str, ...]
    make: Callable[..., pa.Array] | None = None


@dataclass(frozen=True)
class Reading:
    """How one file is read.

    Parameters
    ----------
    origins : mapping
        Canonical column -> origin.
    notes : tuple of str
        What was decided, for the run report.
    diagnosis_columns : tuple of str
        Columns of a wide file that hold one diagnosis each; they become rows.
    code_type_column : str or None
        Column that names the code set of the diagnoses of a row.
    """

    origins: Mapping[str, Origin]
    notes: tuple[str, ...] = ()
    diagnosis_columns: tuple[str, ...] = ()
    code_type_column: str | None = None

    def with_origins(self, origins: Mapping[str, Origin]) -> Reading:
        """Return the reading with some origins replaced; a diagnosis column of one's own makes the file narrow."""
        merged = MappingProxyType({**self.origins, **origins})
        if "diagnosis_code" in origins:
            return replace(self, origins=merged, diagnosis_columns=(), code_type_column=None)
        return replace(self, origins=merged)

    @property
    def columns(self) -> tuple[str, ...]:
        """Canonical columns that the file can give."""
        wide = ("diagnosis_code",) if self.diagnosis_columns else ()
        return (*self.origins, *wide)

    def sources_of(self, names: list[str]) -> list[str]:
        """Return the file's columns needed for the canonical columns `names`."""
        sources = [theirs for name in names if name in self.origins for theirs in self.origins[name].sources]
        if "diagnosis_code" in names and self.diagnosis_columns:
            sources += [*self.diagnosis_columns, *([self.code_type_column] if self.code_type_column else [])]
        return list(dict.fromkeys(sources))


def in_lower_case(part: Part) -> dict[str, str]:
    """Return the columns of `part` by their names in lower case.

    Raises
    ------
    ExtractError
        If two names differ in nothing but case.
    """
    header: dict[str, str] = {}
    for theirs in part.schema.names:
        if theirs.lower() in header:
            raise ExtractError(
                f"{part.label} has several columns named '{theirs.lower()}' in some case; keep one."
            )
        header[theirs.lower()] = theirs
    return header
