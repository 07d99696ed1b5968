"""Columns of a claims extract as numbers: opened, checked, text coded in its order, dollars in cents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.errors import InputError
from pricing.inputs import rows_in_words
from riskadj.errors import nearest
from riskadj.extracts.sources import open_parts

REQUIRED = ("claim_id", "member_id", "service_date", "service_category", "allowed_amount")
OPTIONAL = ("claim_line_number", "family_id", "units", "network_tier", "paid_date")
MAY_BE_BLANK = ("family_id", "network_tier")
#: What a tier of the network may be called; blank is the first.
TIERS = (
    ("", "in", "in_network", "tier_1", "1"),
    ("tier_2", "2"),
    ("out", "out_of_network"),
)


@dataclass(frozen=True)
class ClaimColumns:
    """The columns of a claims extract under our names."""

    table: pa.Table = field(repr=False)
    label: str

    @property
    def n_rows(self) -> int:
        """Number of lines."""
        return int(self.table.num_rows)

    def has(self, name: str) -> bool:
        """Return whether the extract has an optional column."""
        return name in self.table.column_names

    def array(self, name: str) -> pa.Array:
        """Return a column in one piece."""
        column = self.table[name].combine_chunks()
        return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column

    def codes(self, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
        """Return each line's position among the distinct values of a text column, and those values in order."""
        column = self.array(name)
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        values = column.dictionary.cast(pa.string())
        order = pc.sort_indices(values).to_numpy()
        rank = np.zeros(max(len(order), 1), np.int64)  # a blank line counts as the first
        rank[order] = np.arange(len(order))
        codes = pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)
        return rank[codes], values.take(pa.array(order))

    def days(self, name: str) -> npt.NDArray[np.int64]:
        """Return dates as days since 1970."""
        dates = self._cast(name, pa.date32(), "date; write YYYY-MM-DD")
        return dates.cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)

    def cents(self) -> npt.NDArray[np.int64]:
        """Return allowed amounts in whole cents."""
        dollars = self._cast("allowed_amount", pa.float64(), "number").to_numpy(zero_copy_only=False)
        bad = ~np.isfinite(dollars)
        if bad.any():
            raise InputError(
                f"{self.label}, column 'allowed_amount': not a finite number in {rows_in_words(bad)}."
            )
        return np.rint(dollars * 100).astype(np.int64)

    def integers(self, name: str, *, default: int) -> npt.NDArray[np.int64]:
        """Return whole numbers, or the default everywhere if the extract has no such column."""
        if not self.has(name):
            return np.full(self.n_rows, default, np.int64)
        numbers = self._cast(name, pa.float64(), "number").to_numpy(zero_copy_only=False)
        bad = ~(np.abs(numbers) < 2**31)  # also what is not finite
        if bad.any():
            raise InputError(
                f"{self.label}, column '{name}': no number of that size in {rows_in_words(bad)}."
            )
        return np.rint(numbers).astype(np.int64)

    def tiers(self) -> npt.NDArray[np.int64]:
        """Return tiers of the network: 0 first, 1 second, 2 outside."""
        if not self.has("network_tier"):
            return np.zeros(self.n_rows, np.int64)
        codes, names = self.codes("network_tier")
        cleaned = [(name or "").strip().lower() for name in names.to_pylist()]
        known = {name: tier for tier, every in enumerate(TIERS) for name in every}
        numbers = np.array([known.get(name, -1) for name in cleaned], np.int64)
        result = np.where(self.blank("network_tier"), 0, numbers[codes] if len(numbers) else 0)
        if (result < 0).any():
            allowed = ", ".join(name for every in TIERS for name in every if name)
            raise InputError(
                f"{self.label}, column 'network_tier': not allowed in {rows_in_words(result < 0)}; allowed: {allowed}."
            )
        return result

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which lines have no value in a column."""
        return pc.is_null(self.array(name)).to_numpy(zero_copy_only=False).astype(np.bool_)

    def _cast(self, name: str, kind: pa.DataType, words: str) -> pa.Array:
        try:
            return self.array(name).cast(kind)
        except pa.ArrowException:
            raise InputError(f"{self.label}, column '{name}' holds a value that is no {words}.") from None


def open_claims(source: Any, columns: dict[str, str]) -> ClaimColumns:
    """Open a claims extract and take the columns that adjudication reads.

    Raises
    ------
    InputError
        A column is missing, or blank in some rows; `columns` names one that claims do not have; there are no lines.
    """
    parts = open_parts(source, "claims")
    label, names = parts[0].label, parts[0].schema.names
    wanted = {name: columns.get(name, name) for name in (*REQUIRED, *OPTIONAL)}
    _check_columns(columns, wanted, names, label)
    present = {name: theirs for name, theirs in wanted.items() if theirs in names}
    tables = [
        chunk.read().select(list(present.values()))
        for part in parts
        for chunk in part.chunks(list(present.values()), frozenset())
    ]
    if not sum(table.num_rows for table in tables):
        raise InputError(f"{label} has no claim lines.")
    result = ClaimColumns(pa.concat_tables(tables).rename_columns(list(present)), label)
    for name in present:
        if result.table[name].null_count and name not in MAY_BE_BLANK:
            bad = rows_in_words(result.blank(name))
            raise InputError(f"{label}, column '{wanted[name]}': blank in {bad}; every line needs one.")
    return result


def _check_columns(columns: dict[str, str], wanted: dict[str, str], names: list[str], label: str) -> None:
    for name in columns:
        if name not in wanted:
            raise InputError(f"columns= names '{name}', which claims do not have{nearest(name, wanted)}.")
    for name in REQUIRED:
        if wanted[name] not in names:
            has = ", ".join(names[:20])
            raise InputError(f"{label} lacks '{wanted[name]}' (has: {has}){nearest(name, names)}.")
