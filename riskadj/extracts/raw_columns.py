"""Any column of an enrollment extract, by the file's own name: what results are grouped by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.errors import OptionError
from riskadj.extracts.buffers import from_numpy, one_chunk
from riskadj.extracts.enrollment import Enrollment
from riskadj.extracts.parts import Part
from riskadj.extracts.sources import open_parts


def column_of_rows(source: Any, name: str, enrollment: Enrollment) -> pa.Array:
    """Return one column of an enrollment extract for the rows that were read from it.

    Parameters
    ----------
    source : path, list of paths, directory, glob, or in-memory table
        What the enrollment was read from.
    name : str
        As the files write it; every file has it.
    enrollment : Enrollment

    Returns
    -------
    pyarrow.Array, shape (n_rows,)

    Raises
    ------
    OptionError
        The source is a stream, which can be read once only.
    """
    parts = open_parts(source, "enrollment")
    if any(part.is_read_once for part in parts):
        raise OptionError(f"column '{name}' cannot be read from a stream again; give a file or a table.")
    pieces = [_read(part, name) for part in parts]
    begins = np.cumsum([0, *(len(piece) for piece in pieces)])
    rows = begins[enrollment.file_id] + enrollment.row_number - 1
    return one_chunk(pa.chunked_array(pieces)).take(from_numpy(rows, pa.int64()))


def _read(part: Part, name: str) -> pa.Array:
    columns = [chunk.read().column(name) for chunk in part.chunks([name], frozenset())]
    return one_chunk(pa.chunked_array([piece for column in columns for piece in column.chunks]))
