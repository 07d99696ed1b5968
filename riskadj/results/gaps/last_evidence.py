"""Columns of the diagnoses to break recapture down by: a condition belongs to the values on its last service date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.extracts.contract import names_of
from riskadj.extracts.open import Extract, require
from riskadj.kernels.evidence import NO_VALUE, SEVERAL_VALUES, note_last_values
from riskadj.results.gaps.rows import GapRows
from riskadj.results.marginal.hashes import is_code
from riskadj.results.summary.groups import NO_LABEL, Labels
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun
from riskadj.scoring.service_dates import ServiceDates, dated_diagnoses

#: Label of a condition that diagnoses of different values stand behind on its last service date.
SEVERAL = "(several)"
#: Columns of the diagnoses that conditions can be attributed by.
ATTRIBUTED = tuple(
    name
    for name in names_of("diagnoses")
    if name not in ("member_id", "diagnosis_code", "service_date", "claim_id")
)

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LastEvidence:
    """Values of columns of the diagnoses on the last service date of every condition bit of a window.

    Attributes
    ----------
    dates : ServiceDates
    values : ndarray of int32, shape (n_slots, n_columns)
        Number of a name, NO_VALUE or SEVERAL_VALUES.
    names : dict of str to list of str
        Names of each column's values, by number.
    """

    dates: ServiceDates
    values: Codes
    names: dict[str, list[str]]

    def labels_of(self, run: ScoringRun, model: ModelRun, gaps: GapRows) -> dict[str, Labels]:
        """Return the labels of each gap, by column; a suspect without evidence has none."""
        columns = run.population.profiles.columns
        profile = run.population.profiles.of_row[gaps.rows]
        found = self.dates.values_of_hccs(
            model.plan,
            model.first_word,
            gaps.hccs,
            run.population.member_of_row[gaps.rows],
            columns["age_years"][profile],
            (1 << columns["sex"][profile]).astype(np.uint8),
            self.values,
        )
        return {name: _labels(found[:, at], names) for at, (name, names) in enumerate(self.names.items())}


def find_last_evidence(
    run: ScoringRun, extract: Extract, dates: ServiceDates, columns: Sequence[str]
) -> LastEvidence:
    """Read the diagnoses of a window once more for what stands on the last service date of each condition.

    Memory grows with conditions of members and different values, never with diagnosis rows. Codes are compared whatever
    their case.

    Raises
    ------
    ColumnMissingError
        The extract lacks a column.
    """
    require(extract, list(columns))
    numbers = {name: _Numbers(is_code=is_code(name)) for name in columns}
    found = np.full((len(dates.first), len(columns)), NO_VALUE, np.int32)
    for members, codes, days, table in (
        dated_diagnoses(run, extract, dates.window, columns) if columns else ()
    ):
        values = np.stack([numbers[name].of(table[name]) for name in columns], axis=1)
        note_last_values(
            members, codes, days, values, run.book.bits_begin, run.book.bits, dates.captured, dates.slots_begin,
            dates.last, found,
        )  # fmt: skip
    return LastEvidence(dates, found, {name: list(numbers[name].known) for name in columns})


@dataclass
class _Numbers:
    """Numbers the different values of a column as they come."""

    is_code: bool
    known: dict[str, int] = field(default_factory=dict)

    def of(self, column: pa.ChunkedArray) -> Codes:
        array = one_chunk(column.unify_dictionaries())
        if not pa.types.is_dictionary(array.type):
            array = array.cast(pa.string()).dictionary_encode()
        names = [self._name(word) for word in array.dictionary.cast(pa.string()).to_pylist()] + [NO_LABEL]
        entries = np.where(is_valid(array), values_of(array.indices), len(names) - 1)
        used, of_row = np.unique(entries, return_inverse=True)
        numbers = [self.known.setdefault(names[entry], len(self.known)) for entry in used.tolist()]
        return np.array(numbers, np.int32)[of_row]

    def _name(self, word: str | None) -> str:
        text = (word or "").strip()
        return (text.lower() if self.is_code else text) or NO_LABEL


def _labels(values: Codes, names: Sequence[str]) -> Labels:
    """Return values as labels in alphabetical order, the marks last."""
    marks = (SEVERAL, NO_LABEL)
    ordered = (*sorted(set(names) - set(marks)), *marks)
    position = {name: number for number, name in enumerate(ordered)}
    table = np.array([*(position[name] for name in names), position[SEVERAL], position[NO_LABEL]], np.int32)
    assert (SEVERAL_VALUES, NO_VALUE) == (-2, -1)  # the last two entries of the table
    return Labels(table[values], ordered)
