"""The model output report (MOR): which HCCs and other variables CMS's model run found for each member."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa

from riskadj.cms_reports.reading import Paths, load_layout, read_all, require_fields
from riskadj.errors import ExtractError
from riskadj.extracts.buffers import encoded_strings, from_numpy, from_strings, values_of
from riskadj.extracts.fixed_width import Details
from riskadj.extracts.record_layout import RecordLayout


def read_mor(paths: Paths, *, layout_file: str | os.PathLike[str] | None = None) -> pa.Table:
    """Return what model output reports say of each member: one row per record and variable that is on.

    Parameters
    ----------
    paths : path or sequence of paths
        Part C files of 200-character records (types B, D, E, G, H, I, J, K), header and trailer included.
    layout_file : path, optional
        A layout in the columns of hcc_maps/layouts/mor.csv, for record types that it lacks.

    Returns
    -------
    pyarrow.Table
        member_id, contract_id, payment_month, run_date, record_type, model_id, birth_date, kind (hcc, demographic or
        interaction), variable (``HCC85``, named as in the model's tables), line [line of the file, from 1]. A record
        with nothing on has one row whose kind and variable are null.

    Raises
    ------
    ExtractError
        A file or record cannot be read; the message names file, line and positions, never what stands there.

    References
    ----------
    .. [1] `mor` in hcc_maps/layouts/manifest.toml.
    """
    return read_all(paths, mor_layout(layout_file), _rows)


def mor_layout(layout_file: str | os.PathLike[str] | None = None) -> RecordLayout:
    """Return the layout of model output reports, checked.

    Raises
    ------
    ExtractError
        A record lacks member_id, or its model.
    """
    layout = load_layout("mor", layout_file)
    require_fields(layout, ("member_id", "record_type"), "a MOR")
    for record in layout.details:
        if not record.model_id:
            raise ExtractError(f"{layout.label}, record {record.name} names no model_id.")
    return layout


def variables_of_models(layout: RecordLayout) -> dict[str, dict[str, str]]:
    """Return, by model, the variables that its records can report -> their kind."""
    found: dict[str, dict[str, str]] = {}
    for record in layout.details:
        named = {field.name: field.type for field in record.variables}
        found[str(record.model_id)] = found.get(str(record.model_id), {}) | named
    return found


def _rows(details: Details) -> pa.Table:
    """Return one row per variable that is on."""
    variables = details.record.variables
    on = np.column_stack([
        (values_of(details.columns[field.name]) & np.asarray(details.columns[field.name].is_valid()))
        for field in variables
    ]) if variables else np.zeros((len(details.lines), 0), np.bool_)  # fmt: skip
    nothing = ~on.any(axis=1)
    row, column = np.nonzero(np.column_stack([on, nothing]))
    has_variable = column < len(variables)
    taken = details.columns.take(from_numpy(row, pa.int64()))
    n_rows, header = len(row), details.header
    kinds, names = ([*values, ""] for values in ([f.type for f in variables], [f.name for f in variables]))
    constant = {"contract_id": pa.string(), "payment_month": pa.date32(), "run_date": pa.date32()}
    columns = {
        "member_id": taken["member_id"],
        **{name: pa.repeat(pa.scalar(header.get(name), kind), n_rows) for name, kind in constant.items()},
        "record_type": taken["record_type"],
        "model_id": encoded_strings(np.zeros(n_rows, np.int32), [str(details.record.model_id)]).cast(
            pa.string()
        ),
        "birth_date": taken["birth_date"]
        if "birth_date" in taken.schema.names
        else pa.nulls(n_rows, pa.date32()),
        "kind": _named(column, kinds, has_variable),
        "variable": _named(column, names, has_variable),
        "line": from_numpy(details.lines[row], pa.int64()),
    }
    return pa.table(columns)


def _named(column: np.ndarray, names: list[str], valid: np.ndarray) -> pa.Array:
    indices = from_numpy(column.astype(np.int32), pa.int32(), valid=valid)
    return pa.DictionaryArray.from_arrays(indices, from_strings(names)).cast(pa.string())
