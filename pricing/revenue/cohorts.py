"""Cohorts: members who share plan, county and status, the rows of every table of a forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.errors import InputError
from pricing.rows import Flags, Integers
from riskadj.errors import nearest

#: Column of the cohorts -> value, or several of them.
Where = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Cohorts:
    """The distinct combinations of some columns.

    Attributes
    ----------
    table : pyarrow.Table
        One row per cohort, text columns only.
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def by(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.table.column_names)

    @property
    def labels(self) -> tuple[str, ...]:
        """The values of each cohort in one line."""
        return tuple(" ".join(values) for values in self._rows)

    def values(self, name: str) -> npt.NDArray[Any]:
        """Return a column as an array of str, shape (n_cohorts,).

        Raises
        ------
        InputError
            The cohorts have no such column.
        """
        if name not in self.by:
            raise InputError(
                f"cohorts have no column '{name}'{nearest(name, self.by)}; they have: {', '.join(self.by)}."
            )
        return self._columns[name]

    def fits(self, where: Where) -> Flags:
        """Return which cohorts have the values asked for, shape (n_cohorts,).

        Raises
        ------
        InputError
            A column is unknown.
        """
        result = np.ones(len(self), np.bool_)
        for name, wanted in where.items():
            allowed = _listed(wanted)
            result &= np.array([value in allowed for value in self.values(name)], np.bool_)
        return result

    def refuse_unless_some_fit(self, where: Where, role: str) -> None:
        """Raise InputError, naming the value nobody has, unless some cohort has the values asked for."""
        if self.fits(where).any():
            return
        for name, wanted in where.items():
            known = sorted(set(self.values(name)))
            for value in _listed(wanted):
                if value not in known:
                    raise InputError(
                        f"{role}: no cohort has {name} '{value}'{nearest(value, known)}; "
                        f"there are: {', '.join(known[:20])}."
                    )
        raise InputError(f"{role}: no cohort has all of {dict(where)}.")

    def moved(self, to: Mapping[str, str], fits: Flags | None = None) -> list[tuple[str, ...]]:
        """Return the row of values of each cohort (or of those that fit) once some columns have been replaced."""
        for name in to:
            self.values(name)
        fixed = [to.get(name) for name in self.by]
        rows = self._rows if fits is None else compress(self._rows, fits.tolist())
        return [
            tuple(value if new is None else new for value, new in zip(row, fixed, strict=True))
            for row in rows
        ]

    def find(self, rows: Sequence[tuple[str, ...]]) -> Integers:
        """Return the number of the cohort with each row of values; -1 where there is none."""
        place = {row: number for number, row in enumerate(self._rows)}
        return np.array([place.get(row, -1) for row in rows], np.int64)

    def with_rows(self, rows: Sequence[tuple[str, ...]]) -> Cohorts:
        """Return the cohorts with those of some rows added that are not there yet, in their order."""
        known = set(self._rows)
        added = [row for row in dict.fromkeys(rows) if row not in known]
        if not added:
            return self
        columns = [pa.array(values, pa.string()) for values in zip(*added, strict=True)]
        return Cohorts(pa.concat_tables([self.table, pa.table(columns, names=list(self.by))]))

    def groups(self, by: Sequence[str]) -> tuple[Integers, pa.Table]:
        """Return the group of each cohort by fewer columns, and one row of labels per group, sorted."""
        columns = [self.values(name) for name in by]
        keys = list(zip(*columns, strict=True)) if by else [()] * len(self)
        found = sorted(set(keys))
        place = {key: number for number, key in enumerate(found)}
        labels = {name: pa.array([key[at] for key in found], pa.string()) for at, name in enumerate(by)}
        return np.array([place[key] for key in keys], np.int64), pa.table(labels)

    @cached_property
    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return {name: np.array(self.table[name].to_pylist(), object) for name in self.by}

    @cached_property
    def _rows(self) -> list[tuple[str, ...]]:
        return list(zip(*(self._columns[name].tolist() for name in self.by), strict=True))


def _listed(wanted: str | Sequence[str]) -> tuple[str, ...]:
    return (wanted,) if isinstance(wanted, str) else tuple(wanted)
