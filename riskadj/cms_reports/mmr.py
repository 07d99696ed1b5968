"""The monthly membership report (MMR): what CMS paid for each member and month, with adjustments of earlier months."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pyarrow as pa

from riskadj.cms_reports.reading import Paths, load_layout, read_all, require_fields
from riskadj.errors import OptionError, nearest
from riskadj.extracts.fixed_width import Details
from riskadj.extracts.record_layout import RecordLayout

#: Fields without which a layout is none of an MMR.
NEEDED = ("member_id", "payment_month")


def read_mmr(
    paths: Paths, *, columns: Sequence[str] | None = None, layout_file: str | os.PathLike[str] | None = None
) -> pa.Table:
    """Return the rows of monthly membership reports: one per member, payment month and adjustment.

    Parameters
    ----------
    paths : path or sequence of paths
        Fixed-width files of 495 characters (trailing filler or not), read one after another.
    columns : sequence of str, optional
        Just these columns; default: all. Names, race and positions 153-170 are never read.
    layout_file : path, optional
        A layout in the columns of hcc_maps/layouts/mmr.csv, for files of other years; default: that of 2015.

    Returns
    -------
    pyarrow.Table
        Columns as hcc_maps/layouts/mmr.csv names them: member_id, contract_id, plan_id, payment_month,
        adjustment_reason_code (null: the prospective payment), adjustment_start_date and _end_date, risk_score_part_a
        and _b [1.000 = average beneficiary], ra_factor_type, flags, amounts [dollars], rates [dollars a month]; and
        line [line of the file, from 1].

    Raises
    ------
    ExtractError
        A file or record cannot be read; the message names file, line and positions, never what stands there.

    References
    ----------
    .. [1] `mmr_2015` in hcc_maps/layouts/manifest.toml.
    """
    layout = load_layout("mmr", layout_file)
    require_fields(layout, NEEDED, "an MMR")
    _check_columns(layout, columns)
    return read_all(paths, layout, _with_lines, columns=columns)


def _check_columns(layout: RecordLayout, columns: Sequence[str] | None) -> None:
    known = [field.name for field in layout.details[0].fields if field.type not in ("skip", "literal")]
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise OptionError(f"{layout.label} has no column '{unknown[0]}'{nearest(unknown[0], known)}.")


def _with_lines(details: Details) -> pa.Table:
    table = pa.Table.from_batches([details.columns])
    return table.append_column(
        "line", pa.Array.from_buffers(pa.int64(), len(details.lines), [None, pa.py_buffer(details.lines)])
    )
