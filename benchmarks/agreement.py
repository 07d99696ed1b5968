"""Do contestants give the same scores? Asked of every row before anything is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TOLERANCE = 0.0005
KEYS = ["member_id", "enrollment_start_date"]


class DisagreementError(ValueError):
    """A contestant's scores differ from riskadj's."""


def check(ours: Path, theirs: Path, *, title: str) -> int:
    """Compare payment scores and each model's raw, normalized and payment scores; return the rows compared.

    Raises
    ------
    DisagreementError
        Rows or scores differ; the message counts them.
    """
    paid, other = sorted_rows(read(ours / "payment_scores.parquet")), sorted_rows(read(theirs))
    check_same_rows(paid, other, title)
    compare(paid, "payment_risk_score", other, "payment_risk_score", title)
    scores = read(ours / "model_scores.parquet")
    for model_id in scores["model_id"].unique().to_pylist():
        part = sorted_rows(scores.filter(pc.equal(scores["model_id"], model_id)))
        check_same_rows(part, other, f"{title}, {model_id}")
        for column in ("raw", "normalized", "payment"):
            compare(part, f"{column}_risk_score", other, f"{column}_{model_id}", title)
    return paid.num_rows  # type: ignore[no-any-return]


def read(path: Path, *, lists: bool = False) -> pa.Table:
    """Return a Parquet file with text as plain strings, with or without its lists."""
    with pq.ParquetFile(path) as file:
        names = [field.name for field in file.schema_arrow if lists or not pa.types.is_list(field.type)]
        table = file.read().select(names) if lists else file.read(columns=names)
    for field in table.schema:
        if pa.types.is_dictionary(field.type) or field.type == pa.large_string():
            place = table.schema.get_field_index(field.name)
            table = table.set_column(place, field.name, table[field.name].cast(pa.string()))
    return table


def sorted_rows(table: pa.Table) -> pa.Table:
    """Return rows in the order of member and span."""
    return table.sort_by([(name, "ascending") for name in KEYS])


def check_same_rows(ours: pa.Table, theirs: pa.Table, title: str) -> None:
    """Raise DisagreementError unless both have the same members and spans."""
    if ours.num_rows != theirs.num_rows or not all(ours[name].equals(theirs[name]) for name in KEYS):
        raise DisagreementError(
            f"{title} has {theirs.num_rows:,} rows where riskadj has {ours.num_rows:,}, or others"
        )


def compare(ours: pa.Table, our_column: str, theirs: pa.Table, their_column: str, title: str) -> None:
    """Raise DisagreementError if any score differs by more than the tolerance."""
    wrong = differences(ours[our_column].to_numpy(), theirs[their_column].to_numpy())
    if wrong.any():
        raise DisagreementError(f"{title}: {their_column} differs in {wrong.sum():,} of {len(wrong):,} rows")


def differences(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return True where scores differ by more than the tolerance; a score that is missing on one side differs."""
    both_missing = np.isnan(ours) & np.isnan(theirs)
    return ~((np.abs(ours - theirs) <= TOLERANCE) | both_missing)
