"""Tables of the caller's own: one row per member, whatever columns (an attribution to providers, a region, a rate)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from riskadj.errors import ColumnMissingError, ExtractError
from riskadj.extracts.buffers import one_chunk
from riskadj.extracts.normalise import as_ids
from riskadj.extracts.parts import whole
from riskadj.extracts.sources import open_parts

_ID, _ROLE = "member_id", "attributes"


def read_attributes(source: Any) -> tuple[pa.Array, pa.Table]:
    """Return member ids, and the other columns as they stand.

    Parameters
    ----------
    source : path, list of paths, or in-memory table
        With member_id and any other columns; all files have the same.

    Raises
    ------
    ColumnMissingError, ExtractError
        A file lacks member_id, or the files differ in their columns.
    """
    tables = []
    for part in open_parts(source, _ROLE):
        if _ID not in part.schema.names:
            raise ColumnMissingError(
                f"{part.label} lacks '{_ID}'; rename the column of {_ROLE} that holds it to {_ID}."
            )
        tables.append(whole([part], part.schema.names))
    if any(table.column_names != tables[0].column_names for table in tables):
        raise ExtractError(f"the files given for {_ROLE} have different columns; give all the same.")
    table = pa.concat_tables(tables, promote_options="permissive")
    ids = as_ids(table[_ID], keep_dictionary=False, label=_ROLE, name=_ID)
    return one_chunk(ids), table.drop_columns([_ID])
