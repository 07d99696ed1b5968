"""What became of a reported diagnosis: it stands, a later deletion took it back, it never counted, or it deletes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ColumnMissingError

#: Fates of a row of a report: an addition that counts; one that a deletion took back; one that CMS does not take; a
#: deletion.
STANDS, TAKEN_BACK, NOT_TAKEN, DELETION = range(4)

Fates = npt.NDArray[np.int8]


def need_columns(table: pa.Table, names: Sequence[str], report: str) -> None:
    """Raise ColumnMissingError if a report's table lacks a column."""
    lacking = [name for name in names if name not in table.column_names]
    if lacking:
        raise ColumnMissingError(f"{report} lacks '{lacking[0]}'; needed: {', '.join(names)}.")


def fates_of(
    keys: pa.ChunkedArray,
    deleted_keys: Sequence[pa.ChunkedArray],
    days: npt.NDArray[np.int64],
    *,
    counts: npt.NDArray[np.bool_],
    deletes: npt.NDArray[np.bool_],
) -> Fates:
    """Return the fate of each row of a report.

    Parameters
    ----------
    keys : pyarrow array of string, shape (n_rows,)
        What a row adds.
    deleted_keys : sequence of pyarrow arrays of string, shape (n_rows,)
        What a row takes back, if it is a deletion.
    days : ndarray of int64, shape (n_rows,)
        Day of submission; a deletion takes back what was added on the same day or before. [days]
    counts, deletes : ndarray of bool, shape (n_rows,)
        Additions that CMS takes, and deletions that it carries out.
    """
    gone = [pc.filter(each, pa.array(deletes)) for each in deleted_keys]
    names = pc.unique(pa.chunked_array([chunk for each in gone for chunk in each.chunks], pa.string()))
    last = np.full(len(names) + 1, np.iinfo(np.int64).min)
    for each in gone:
        np.maximum.at(last, pc.index_in(each, names).to_numpy(), days[deletes])
    at = pc.fill_null(pc.index_in(keys, names), len(names)).to_numpy()
    is_back = (at < len(names)) & (last[at] >= days)
    return np.select([deletes, counts & is_back, counts], [DELETION, TAKEN_BACK, STANDS], NOT_TAKEN).astype(
        np.int8
    )


def joined(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Return several columns as one text a row; blanks are values too."""
    return pc.binary_join_element_wise(
        *(pc.fill_null(table[name].cast(pa.string()), "") for name in names), "\t"
    )


def submission_days(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return days of submission; an unknown one is before every other [days]."""
    return pc.fill_null(table["submission_date"].cast(pa.int32()), -(2**31)).to_numpy().astype(np.int64)
