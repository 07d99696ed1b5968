"""Suspected conditions: an input list of members and HCCs or diagnoses, as condition bits of each member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, TableError, nearest
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.open import open_extract
from riskadj.extracts.rejects import Rejects
from riskadj.kernels import capture
from riskadj.results.summary.groups import as_index_ids
from riskadj.scoring.plan import Words
from riskadj.scoring.run import ScoringRun

_COLUMNS = ("member_id", "hcc", "diagnosis_code", "model_id", "reason", "probability")


@dataclass(frozen=True)
class Suspects:
    """Suspected conditions of the members of a run.

    Attributes
    ----------
    captured : ndarray of uint64, shape (n_members, n_words)
        Their condition bits, as diagnoses would set them.
    members, bits : ndarray of int32, shape (n,)
        Every suspicion and condition bit, in order of member and bit, the most probable first.
    reasons : pyarrow.Array of string, shape (n,)
    probabilities : ndarray of float64, shape (n,)
        NaN where none was given.
    counts : dict
        Rows read, of members that are scored, and of these the rows whose condition no model of the run pays for.
    """

    captured: Words
    members: npt.NDArray[np.int32]
    bits: npt.NDArray[np.int32]
    reasons: pa.Array
    probabilities: npt.NDArray[np.float64]
    counts: dict[str, int]

    def of_pairs(
        self,
        members: npt.NDArray[np.int32],
        bits_of_hcc: list[npt.NDArray[np.int32]],
        hccs: npt.NDArray[np.int32],
    ) -> tuple[pa.Array, npt.NDArray[np.float64]]:
        """Return reason and probability of suspected HCCs: those of the suspicion that is most probable.

        Parameters
        ----------
        members, hccs : ndarray of int32, shape (n,)
        bits_of_hcc : list of ndarray
            Condition bits of each HCC, numbered over all models.
        """
        width = 64 * self.captured.shape[1]
        keys = self.members.astype(np.int64) * width + self.bits
        best = np.full(len(members), -1, np.int64)
        for hcc in np.unique(hccs).tolist():
            pairs = np.flatnonzero(hccs == hcc)
            for bit in bits_of_hcc[hcc].tolist():
                best[pairs] = self._better(best[pairs], keys, members[pairs].astype(np.int64) * width + bit)
        found = best >= 0
        reasons = self.reasons.take(pa.array(best, pa.int64(), mask=~found))
        return reasons, np.where(found, self.probabilities[np.maximum(best, 0)], np.nan)

    def _better(
        self, best: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = keys[at] == wanted
        old = np.where(best >= 0, np.nan_to_num(self.probabilities[np.maximum(best, 0)], nan=-1.0), -2.0)
        return np.where(found & (np.nan_to_num(self.probabilities[at], nan=-1.0) > old), at, best)


def read_suspects(run: ScoringRun, source: Any) -> Suspects:
    """Read the suspects extract (EXTRACTS.md) and find its members and conditions in a run.

    Raises
    ------
    ColumnMissingError
        It has neither hcc nor diagnosis_code.
    TableError
        An hcc is none of any model of the run.
    ExtractError
        A probability is not between 0 and 1.
    """
    extract = open_extract(source, "suspects")
    if not {"hcc", "diagnosis_code"} & set(extract.columns):
        raise ColumnMissingError(
            f"{extract.files[0]} has neither 'hcc' nor 'diagnosis_code'; suspects name a condition by one of them."
        )
    tables = [chunk.read(Rejects("write")) for chunk in extract.chunks(_COLUMNS)]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    if not table.num_rows:
        raise ExtractError(f"{extract.files[0]} has no suspects; leave suspects= out.")
    return _suspects(run, table, extract.files[0])


def _suspects(run: ScoringRun, table: pa.Table, label: str) -> Suspects:
    ids = as_index_ids(run, one_chunk(table["member_id"]), "suspects")
    members = run.index.find(ids, np.arange(len(ids)))
    row, bits = _bits_of_rows(run, table, label)
    enrolled = members >= 0
    lacking = enrolled.copy()
    lacking[row] = False
    counts = {
        "rows_read": len(members),
        "rows_of_members_scored": int(enrolled.sum()),
        "rows_without_condition": int(lacking.sum()),
    }
    row, bits = row[enrolled[row]], bits[enrolled[row]]
    probability = _probabilities(table, label)[row]
    order = np.lexsort((-np.nan_to_num(probability, nan=-1.0), bits, members[row]))
    row, bits, probability = row[order], bits[order], probability[order]
    captured = np.zeros((run.index.n_members, run.book.n_words), np.uint64)
    each = np.arange(len(row) + 1)
    capture.set_bits(members[row], each[:-1].astype(np.int32), each, bits, captured)
    return Suspects(captured, members[row], bits, _reasons(table, row), probability, counts)


def _bits_of_rows(
    run: ScoringRun, table: pa.Table, label: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return rows and condition bits, one pair for each bit that a row's HCC or diagnosis sets."""
    pairs = []
    if "hcc" in table.column_names:
        row, bits = _pairs(table["hcc"], _bits_of_names(run, table["hcc"], label))
        of_model = _is_of_model(run, table, row, bits, label)
        pairs.append((row[of_model], bits[of_model]))
    if "diagnosis_code" in table.column_names:
        codes = one_chunk(table["diagnosis_code"])
        numbers = run.book.look_up(codes.dictionary).tolist() if len(codes.dictionary) else []
        begin, bits = run.book.bits_begin, run.book.bits
        pairs.append(
            _pairs(codes, [bits[begin[n] : begin[n + 1]].tolist() if n >= 0 else [] for n in numbers])
        )
    return np.concatenate([row for row, _ in pairs]), np.concatenate([bits for _, bits in pairs])


def _pairs(
    column: pa.Array | pa.ChunkedArray, bits_of_entry: list[list[int]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    codes = one_chunk(column)
    begin = np.concatenate([[0], np.cumsum([len(bits) for bits in (*bits_of_entry, ())])]).astype(np.int64)
    bits = np.array([bit for bits in bits_of_entry for bit in bits], np.int32)
    entry = np.where(is_valid(codes), values_of(codes.indices), len(bits_of_entry))
    n_bits = np.diff(begin)[entry]
    row = np.repeat(np.arange(len(entry)), n_bits)
    within = np.arange(len(row)) - np.repeat(np.cumsum(n_bits) - n_bits, n_bits)
    return row, bits[begin[entry[row]] + within]


def _is_of_model(
    run: ScoringRun, table: pa.Table, row: npt.NDArray[np.int64], bits: npt.NDArray[np.int32], label: str
) -> npt.NDArray[np.bool_]:
    """Return which bits belong to the model that their row names, if it names one: HCC numbers differ by model."""
    if "model_id" not in table.column_names:
        return np.ones(len(row), np.bool_)
    codes = one_chunk(table["model_id"])
    names = [model.plan.model.id for model in run.models]
    known = [name.strip() for name in codes.dictionary.to_pylist()]
    for name in known:
        if name and name not in names:
            raise TableError(
                f"{label}, column 'model_id': '{name}' is no model of this run{nearest(name, names)}; it has: "
                f"{', '.join(names)}."
            )
    numbers = np.array([*(names.index(name) if name else -1 for name in known), -1], np.int64)
    wanted = numbers[np.where(is_valid(codes), values_of(codes.indices), len(known))][row]
    firsts = [64 * model.first_word for model in run.models]
    is_same: npt.NDArray[np.bool_] = np.searchsorted(firsts, bits, side="right") - 1 == wanted
    return is_same | (wanted < 0)


def _bits_of_names(run: ScoringRun, column: pa.ChunkedArray, label: str) -> list[list[int]]:
    """Return the unconditional bits of each HCC that the column names, in every model that has it."""
    known: dict[str, list[int]] = {}
    for model in run.models:
        for number, hcc in enumerate(model.plan.variables[: model.plan.n_hccs]):
            known.setdefault(hcc, []).append(64 * model.first_word + number)
    codes = one_chunk(column)
    names = [name.strip() for name in codes.dictionary.to_pylist()]
    for entry, name in enumerate(names):
        if name and name not in known:
            rows = np.flatnonzero(is_valid(codes) & (values_of(codes.indices) == entry))
            raise TableError(
                f"{label}, column 'hcc': '{name}' in {len(rows):,} rows (row {rows[0] + 1} first) is no HCC of "
                f"{', '.join(model.plan.model.id for model in run.models)}{nearest(name, known)}; write HCCs as the "
                "models' labels do."
            )
    return [known.get(name, []) for name in names]


def _probabilities(table: pa.Table, label: str) -> npt.NDArray[np.float64]:
    if "probability" not in table.column_names:
        return np.full(table.num_rows, np.nan)
    try:
        array = one_chunk(table["probability"]).cast(pa.float64())
    except MemoryError:
        raise
    except pa.ArrowException:
        raise ColumnTypeError(f"{label}, column 'probability': not all cells are numbers.") from None
    values = np.where(is_valid(array), values_of(array), np.nan)
    bad = np.flatnonzero((values < 0) | (values > 1))
    if len(bad):
        rows = ", ".join(str(row + 1) for row in bad[:5])
        raise ExtractError(
            f"{label}, column 'probability': {len(bad):,} values are not between 0 and 1 (first rows: {rows})."
        )
    return values


def _reasons(table: pa.Table, row: npt.NDArray[np.int64]) -> pa.Array:
    if "reason" not in table.column_names:
        return pa.nulls(len(row), pa.string())
    return one_chunk(table["reason"]).cast(pa.string()).take(from_numpy(row, pa.int64()))
