"""An extract with some of its rows only, picked while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import from_numpy
from riskadj.extracts.contract import ROW_NUMBER
from riskadj.extracts.open import Chunk, Extract, row_numbers
from riskadj.extracts.rejects import Rejects


def picked(
    extract: Extract, columns: Sequence[str], stays: Callable[[pa.Table], npt.NDArray[np.bool_]]
) -> Extract:
    """Return the extract with only the rows that stay; they keep their numbers.

    Parameters
    ----------
    extract : Extract
    columns : sequence of str
        Columns that `stays` looks at, beside those that a reader asks for.
    stays : callable
        Tells of the rows of a table which ones stay; called from any thread.
    """

    def chunks(names: Sequence[str]) -> Iterator[Chunk]:
        return (part(chunk) for chunk in extract.chunks(tuple(dict.fromkeys((*names, *columns)))))

    def part(chunk: Chunk) -> Chunk:
        def read(rejects: Rejects | None = None) -> pa.Table:
            table = chunk.read(rejects)
            kept = stays(table)
            if ROW_NUMBER not in table.column_names:
                numbers = from_numpy(row_numbers(table, chunk.first_row), pa.int64())
                table = table.append_column(ROW_NUMBER, numbers)
            return table.filter(from_numpy(kept, pa.bool_()))

        return replace(chunk, read=read, pieces=lambda: (part(piece) for piece in chunk.pieces()))

    return replace(extract, chunks=chunks)
