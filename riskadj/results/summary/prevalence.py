"""Prevalence of payment HCCs: in how many members of each group each HCC is left after hierarchies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings, one_chunk, values_of
from riskadj.results.summary.breakdown import DistinctMembers, Group, Keys
from riskadj.results.summary.groups import Labels, combine, labels_of_column


@dataclass
class Prevalence:
    """Counts members with each HCC, by model and group; every HCC that some row has.

    Attributes
    ----------
    by : tuple of str
    """

    by: tuple[str, ...]
    _groups: dict[Group, int] = field(default_factory=dict)
    _pairs: dict[tuple[int, str], int] = field(default_factory=dict)
    _members: DistinctMembers = field(default_factory=DistinctMembers)
    _with_hcc: DistinctMembers = field(default_factory=DistinctMembers)

    def add(self, model_id: str, labels: dict[str, Labels], members: Keys, hccs: pa.ChunkedArray) -> None:
        """Add rows of model_scores of one model.

        Parameters
        ----------
        members : ndarray of uint64, shape (n_rows,)
        hccs : list column, shape (n_rows,)
        """
        if not len(members):
            return
        codes = np.zeros(len(members), np.int32)
        names: Sequence[tuple[str, ...]] = [()]
        if self.by:
            codes, names = combine(labels)
        numbers = [self._groups.setdefault((model_id, *name), len(self._groups)) for name in names]
        group = np.array(numbers, np.int32)[codes]
        self._members.add(group, members)
        row, found = _flat(hccs)
        key = group[row].astype(np.int64) * len(found.names) + found.codes
        distinct, of_pair = np.unique(key, return_inverse=True)
        of_hcc = [
            self._pairs.setdefault(
                (value // len(found.names), found.names[value % len(found.names)]), len(self._pairs)
            )
            for value in distinct.tolist()
        ]
        self._with_hcc.add(np.array(of_hcc, np.int32)[of_pair], members[row])

    def table(self, min_cell: int | None = None) -> pa.Table:
        """Return one row per model, group and HCC, the most frequent first.

        Parameters
        ----------
        min_cell : int, optional
            HCCs of fewer members are blank, and groups of fewer members whole. [members]
        """
        names = list(self._groups)
        size = self._members.counts(len(names))
        with_hcc = self._with_hcc.counts(len(self._pairs))
        pairs = list(self._pairs)
        of_pair = np.array([group for group, _ in pairs], np.int64)
        total = size[of_pair]
        visible = np.ones(len(pairs), np.bool_)
        if min_cell is not None:
            others = total - with_hcc
            visible = (with_hcc >= min_cell) & ((others >= min_cell) | (others == 0))
        rank = np.where(visible, -with_hcc, 1)  # blank ones by number: their order tells nothing
        order = sorted(range(len(pairs)), key=lambda n: (names[pairs[n][0]], rank[n], _in_order(pairs[n][1])))
        of_group, members, total, shown = of_pair[order], with_hcc[order], total[order], visible[order]
        columns: dict[str, pa.Array] = {
            name: from_strings([names[number][at] for number in of_group.tolist()])
            for at, name in enumerate(("model_id", *self.by))
        }
        columns["hcc"] = from_strings([pairs[n][1] for n in order])
        columns["members_with_hcc"] = from_numpy(members, pa.int64(), valid=shown)
        columns["members"] = from_numpy(total, pa.int64(), valid=shown)
        columns["prevalence"] = from_numpy(members / np.maximum(total, 1), pa.float64(), valid=shown)
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _in_order(hcc: str) -> tuple[int, str]:
    digits = "".join(character for character in hcc if character.isdigit())
    return (int(digits) if digits else 0, hcc)


def _flat(hccs: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], Labels]:
    """Return the row of every list entry, and the entries as labels."""
    lists = one_chunk(hccs)
    lengths = np.diff(values_of(lists.offsets))
    row = np.repeat(np.arange(len(lists)), lengths)
    return row, labels_of_column(lists.flatten())
