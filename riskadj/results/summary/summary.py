"""Summaries of scores: member months and mean scores by model and segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.extracts.buffers import from_numpy, from_strings, is_valid, one_chunk, values_of

_SCORES = ("demographic_score", "disease_score", "raw_risk_score", "payment_risk_score")
#: Columns of model_scores that a summary reads.
READ = ("model_id", "segment", "weight", "months_enrolled", *_SCORES)
#: What rows of model_scores add up to, in a form that travels: one row per group.
SUMS = pa.schema(
    [
        ("model_id", pa.string()),
        ("segment", pa.string()),
        ("pays", pa.bool_()),
        ("sums", pa.list_(pa.float64())),
    ]
)
_ALL = "all"


class _Group(NamedTuple):
    """Which rows are added up together."""

    model_id: str
    segment: str
    pays: bool


#: Of a group: rows, months, and for each score its sum and its rows, both plain and weighted by months.
_Sums = dict[_Group, npt.NDArray[np.float64]]


def summarise(model_scores: pa.Table) -> pa.Table:
    """Return one row per model and segment, then one per model over the segments that pay.

    Parameters
    ----------
    model_scores : pyarrow.Table
        With model_id, segment, weight, months_enrolled and the scores.

    Returns
    -------
    pyarrow.Table
        model_id, segment ("all" for the model's total), rows, member_months, and the means of the scores weighted by
        months enrolled [1.000 = average beneficiary]; with no months at all, plain means. Rows without a score are in
        no mean, and rows of segments that do not pay (weight 0) are in no total.
    """
    return _means([_sums(model_scores)])


def sums_of(model_scores: pa.Table) -> pa.Table:
    """Return what some rows of model_scores add up to, as `SUMS`; `summarise_sums` goes on from there."""
    sums = _sums(model_scores)
    columns = [[group[place] for group in sums] for place in range(len(_Group._fields))]
    arrays = [*columns, [row.tolist() for row in sums.values()]]
    return pa.Table.from_arrays(
        [pa.array(values, kind) for values, kind in zip(arrays, SUMS.types, strict=True)], schema=SUMS
    )


def summarise_sums(sums: pa.Table) -> pa.Table:
    """Return what `summarise` returns of all rows that `sums_of` has added up, a piece at a time, in `SUMS`."""
    rows = sums.to_pylist()
    return _means(
        {_Group(row["model_id"], row["segment"], row["pays"]): np.array(row["sums"])} for row in rows
    )


def summarise_file(model_scores: Path) -> pa.Table:
    """Return what `summarise` returns of a model_scores file, read a row group at a time."""
    return _means(_sums(part) for part in _row_groups(model_scores, READ))


def mean_payment_score(payment_scores: Path) -> tuple[int, int, float | None]:
    """Return rows, member months and the mean payment risk score of a payment_scores file, read a row group at a time.

    The mean is weighted by months enrolled [1.000 = average beneficiary]; None where no row has a score.
    """
    sums = np.zeros(6)
    for part in _row_groups(payment_scores, ("months_enrolled", "payment_risk_score")):
        sums += _numbers(part, ("payment_risk_score",)).sum(axis=1)
    mean = _mean(sums[2:])
    return int(sums[0]), int(sums[1]), None if np.isnan(mean) else float(mean)


def _row_groups(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for index in range(file.num_row_groups):
            yield file.read_row_group(index, columns=list(columns), use_threads=False)


def _numbers(table: pa.Table, scores: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return what adds up, shape (2 + 4 * n_scores, n_rows)."""
    months = values_of(one_chunk(table["months_enrolled"])).astype(np.float64)
    numbers = [np.ones(len(months)), months]
    for name in scores:
        array = one_chunk(table[name])
        has = is_valid(array).astype(np.float64)
        score = np.where(has, values_of(array), 0.0)
        numbers += [score * months, has * months, score, has]
    return np.array(numbers)


def _sums(table: pa.Table) -> _Sums:
    models, model_of = _encoded(table["model_id"])
    segments, segment_of = _encoded(table["segment"])
    pays = values_of(one_chunk(table["weight"])) != 0.0
    group_of = (model_of * len(segments) + segment_of) * 2 + pays
    numbers = _numbers(table, _SCORES)
    n_groups = 2 * len(models) * len(segments)
    sums = np.array([np.bincount(group_of, weights=row, minlength=n_groups) for row in numbers])
    return {
        _Group(
            models[group // 2 // len(segments)], segments[group // 2 % len(segments)], bool(group % 2)
        ): sums[:, group]
        for group in np.flatnonzero(sums[0]).tolist()
    }


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    array = one_chunk(column)
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    return encoded.dictionary.to_pylist(), values_of(encoded.indices).astype(np.int64)


def _means(parts: Iterable[_Sums]) -> pa.Table:
    total: dict[tuple[str, bool, str], npt.NDArray[np.float64]] = {}
    for part in parts:
        for group, sums in part.items():
            keys = [(group.model_id, False, group.segment)] + [(group.model_id, True, _ALL)] * group.pays
            for key in keys:
                total[key] = total[key] + sums if key in total else sums
    keys = sorted(total)
    sums = np.array([total[key] for key in keys]).reshape(len(keys), -1)
    columns = {
        "model_id": from_strings([model_id for model_id, _, _ in keys]),
        "segment": from_strings([segment for _, _, segment in keys]),
        "rows": from_numpy(sums[:, 0].astype(np.int64), pa.int64()),
        "member_months": from_numpy(sums[:, 1].astype(np.int64), pa.int64()),
    }
    for number, name in enumerate(_SCORES):
        means = np.array([_mean(row[2 + 4 * number :][:4]) for row in sums])
        columns[f"mean_{name}"] = from_numpy(means, pa.float64(), valid=~np.isnan(means))
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _mean(sums: npt.NDArray[np.float64]) -> np.float64:
    """Return the mean of one score: weighted by months, plain without months, NaN where no row has a score."""
    weighted, months, plain, rows = sums
    if months:
        return np.float64(weighted / months)
    return np.float64(plain / rows if rows else np.nan)
