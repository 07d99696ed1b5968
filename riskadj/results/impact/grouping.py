"""Labels of the enrollment rows of two runs: segment, policy, or what `groups` knows, or any column of the extract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError
from riskadj.extracts.buffers import from_strings
from riskadj.extracts.raw_columns import column_of_rows
from riskadj.results.summary.groups import NO_LABEL, Attributes, Labels, combine, labels_of, labels_of_column
from riskadj.scoring.run import ScoringRun

Codes = npt.NDArray[np.int32]
#: Labels of profiles, and their names.
_OfProfiles = tuple[Codes, tuple[str, ...]]


def row_labels(run: ScoringRun, source: Any, name: str, attributes: Attributes | None = None) -> Labels:
    """Return the labels of a run's enrollment rows.

    Parameters
    ----------
    run : ScoringRun
    source : path, list of paths, directory, glob, or in-memory table
        What its enrollment was read from.
    name : str
        "segment" (of the model that weighs most), "policy", what `labels_of` knows, or a column of the enrollment
        extract under the file's own name.

    Raises
    ------
    ColumnMissingError
        There is no such column; the message lists what there is.
    """
    if name in _BY_PROFILE:
        codes, names = _BY_PROFILE[name](run)
        return Labels(codes[run.population.profiles.of_row], names)
    try:
        return labels_of(run, name, attributes)
    except ColumnMissingError:
        if not all(name in header for header in run.extracts[0].headers):
            raise
    return labels_of_column(column_of_rows(source, name, run.population.enrollment))


def _segments(run: ScoringRun) -> _OfProfiles:
    policies = run.population.policy_of_profile
    positions = {model.plan.model.id: position for position, model in enumerate(run.models)}
    heaviest = [max(policy.blend, key=lambda part: part[1])[0] for policy in run.rules.policies]
    model_of_policy = np.array([*(positions.get(name, 0) for name in heaviest), 0])
    names = tuple(dict.fromkeys(name for model in run.models for name in (*model.plan.segments, NO_LABEL)))
    result = np.empty(len(policies), np.int32)
    for position, model in enumerate(run.models):
        numbers = np.array([names.index(name) for name in (*model.plan.segments, NO_LABEL)], np.int32)
        scored = model_of_policy[policies] == position
        result[scored] = numbers[model.segment_of_profile[scored]]
    return result, names


def _policies(run: ScoringRun) -> _OfProfiles:
    names = (*(policy.name for policy in run.rules.policies), NO_LABEL)
    return run.population.policy_of_profile % np.int32(len(names)), names


_BY_PROFILE: dict[str, Callable[[ScoringRun], _OfProfiles]] = {"segment": _segments, "policy": _policies}


def joined(pieces: Sequence[Labels]) -> Labels:
    """Return the labels of several sets of rows, one after the other, under one list of names."""
    names = tuple(dict.fromkeys(name for piece in pieces for name in piece.names))
    position = {name: number for number, name in enumerate(names)}
    codes = [
        np.array([position[name] for name in piece.names], np.int32)[piece.codes]
        for piece in pieces
        if len(piece.codes)
    ]
    return Labels(np.concatenate(codes), names)


@dataclass(frozen=True)
class Groups:
    """Rows in groups: the combinations of labels that occur.

    Attributes
    ----------
    of_row : ndarray of int32, shape (n_rows,)
    columns : dict of pyarrow.Array, each of shape (n_groups,)
        The label of each group, by name.
    """

    of_row: Codes
    columns: dict[str, pa.Array]
    n_groups: int


def group_rows(labels: dict[str, Labels], n_rows: int) -> Groups:
    """Return the groups of rows; without labels one group of all."""
    if not labels:
        return Groups(np.zeros(n_rows, np.int32), {}, 1)
    of_row, names = combine(labels)
    columns = {name: from_strings([group[at] for group in names]) for at, name in enumerate(labels)}
    return Groups(of_row, columns, len(names))
