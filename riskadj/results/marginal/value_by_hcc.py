"""What each HCC is worth in all, and how much of it rests on one claim or source: totals of marginal values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy, from_strings, is_valid, values_of
from riskadj.scoring.marginal_rows import MarginalRows
from riskadj.scoring.score_rows import ModelRun

#: What adds up, by HCC; for each column behind the diagnoses three more: rows, score_months and dollars of single ones.
_SUMS = ("rows", "rows_kept", "member_months", "scored_months", "score_months", "dollars")

Sums = npt.NDArray[np.float64]


class HccTotals:
    """Totals of marginal values by model and HCC, added up batch by batch.

    Parameters
    ----------
    models : sequence of ModelRun
    behind : sequence of str
        Columns of the diagnoses of which the batches say whether one value stands alone.
    """

    def __init__(self, models: Sequence[ModelRun], behind: Sequence[str]) -> None:
        self.models, self.behind = {model.plan.model.id: model for model in models}, tuple(behind)
        self.n_sums = len(_SUMS) + 3 * len(self.behind)
        self.sums = {name: np.zeros((self.n_sums, model.plan.n_hccs)) for name, model in self.models.items()}
        self.alone: dict[tuple[str, str | None], Sums] = {(column, None): np.zeros(3) for column in behind}
        self.has_dollars = False

    def add(self, found: MarginalRows, batch: pa.RecordBatch) -> None:
        """Add one batch of marginal_values of one model."""
        months = values_of(batch["months_enrolled"]).astype(np.float64)
        scored = is_valid(batch["marginal_payment_score"])
        score_months = np.where(scored, values_of(batch["marginal_payment_score"]), 0.0) * months
        priced = is_valid(batch["dollars"])
        self.has_dollars |= bool(priced.any())
        dollars = np.where(priced, values_of(batch["dollars"]), 0.0)
        kept = found.is_kept.astype(np.float64)
        numbers = [np.ones(len(months)), kept, months, months * scored, score_months, dollars]
        for column in self.behind:
            single = values_of(batch[f"is_single_{column}"]).astype(np.float64)
            numbers += [single, single * score_months, single * dollars]
        for column in self.behind:
            self._add_alone(column, batch, score_months, dollars)
        sums = self.sums[found.model_run.plan.model.id]
        for total, weights in zip(sums, numbers, strict=True):
            total += np.bincount(found.hccs, weights=weights, minlength=sums.shape[1])

    def _add_alone(self, column: str, batch: pa.RecordBatch, score_months: Sums, dollars: Sums) -> None:
        """Add what rests on one value of a column alone: all of it, and for a column of codes each value's part."""
        single = values_of(batch[f"is_single_{column}"])
        self.alone[column, None] += [single.sum(), score_months[single].sum(), dollars[single].sum()]
        if f"only_{column}" in batch.schema.names:
            only = batch[f"only_{column}"]
            known = is_valid(only)
            of_row, words = values_of(only.indices)[known], only.dictionary.to_pylist()
            parts = [
                np.bincount(of_row, weights=weights[known], minlength=len(words))
                for weights in (np.ones(len(single)), score_months, dollars)
            ]
            for word, part in zip(words, np.array(parts).T, strict=True):
                self.alone[column, word] = self.alone.get((column, word), np.zeros(3)) + part

    def value_at_risk(self) -> pa.Table:
        """Return value_at_risk: what rests on one value of a column alone, for all values and for each of its codes."""
        keys = sorted(self.alone, key=lambda key: (self.behind.index(key[0]), key[1] or ""))
        sums = np.array([self.alone[key] for key in keys]).reshape(len(keys), 3).T
        whole = sum(float(sums[4].sum()) for sums in self.sums.values())
        has_dollars = np.full(len(keys), self.has_dollars)
        columns = {
            "column": from_strings([column for column, _ in keys]),
            "only_value": from_strings(["(any)" if value is None else value for _, value in keys]),
            "rows": from_numpy(sums[0].astype(np.int64), pa.int64()),
            "score_months": from_numpy(sums[1], pa.float64()),
            "share_of_score_months": _ratio(sums[1], np.full(len(keys), whole)),
            "dollars": from_numpy(sums[2], pa.float64(), valid=has_dollars),
        }
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))

    def counts(self) -> dict[str, Any]:
        """Return captured HCCs of enrollment rows by model, and how many are left after hierarchies."""
        return {
            name: {"rows": int(sums[0].sum()), "rows_kept": int(sums[1].sum())}
            for name, sums in self.sums.items()
        }

    def by_hcc(self) -> pa.Table:
        """Return value_by_hcc: one row per model and HCC that somebody has."""
        found = [(name, hcc) for name, sums in self.sums.items() for hcc in np.flatnonzero(sums[0]).tolist()]
        sums = np.array([self.sums[name][:, hcc] for name, hcc in found]).reshape(len(found), self.n_sums).T
        columns: dict[str, pa.Array] = {
            "model_id": from_strings([name for name, _ in found]),
            "hcc": from_strings([self.models[name].plan.variables[hcc] for name, hcc in found]),
            "label": from_strings([self._label(name, hcc) for name, hcc in found]),
            **{
                name: from_numpy(sums[position].astype(np.int64), pa.int64())
                for position, name in enumerate(_SUMS[:3])
            },
            "mean_marginal_payment_score": _ratio(sums[4], sums[3]),
            "score_months": from_numpy(sums[4], pa.float64()),
            "dollars": from_numpy(sums[5], pa.float64(), valid=np.full(len(found), self.has_dollars)),
        }
        for number, name in enumerate(self.behind):
            rows, value, dollars = sums[len(_SUMS) + 3 * number :][:3]
            columns[f"rows_single_{name}"] = from_numpy(rows.astype(np.int64), pa.int64())
            columns[f"score_months_single_{name}"] = from_numpy(value, pa.float64())
            columns[f"dollars_single_{name}"] = from_numpy(
                dollars, pa.float64(), valid=np.full(len(found), self.has_dollars)
            )
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))

    def _label(self, model_id: str, hcc: int) -> str:
        return self.models[model_id].plan.model.tables["labels"].column("label")[hcc]


def _ratio(total: Sums, of: Sums) -> pa.Array:
    """Return total / of; null where there is nothing to divide by."""
    has = of > 0
    return from_numpy(np.where(has, total / np.where(has, of, 1.0), 0.0), pa.float64(), valid=has)
