"""The MAO-004 report: which diagnoses of submitted encounters CMS allowed for risk adjustment."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.fates import STANDS, Fates, fates_of, joined, need_columns, submission_days
from riskadj.cms_reports.reading import Paths, load_layout, read_all, require_fields
from riskadj.extracts.buffers import from_numpy
from riskadj.extracts.fixed_width import Details

_CODE, _FLAG = "diagnosis_code_", "add_or_delete_"
#: Columns by which additions and deletions are told.
_NEEDED = (
    "member_id", "claim_id", "linked_claim_id", "submission_date", "allowed", "icd_version", "diagnosis_code",
    "add_or_delete",
)  # fmt: skip
#: What service_type means as a claim_type of the diagnoses extract.
_CLAIM_TYPES = {"P": "professional", "I": "inpatient", "O": "outpatient"}
#: encounter_type of chart reviews; the others are encounters.
_CHART_REVIEWS = ("4", "5", "6", "7", "8", "9")


def read_mao004(paths: Paths, *, layout_file: str | os.PathLike[str] | None = None) -> pa.Table:
    """Return the diagnoses of MAO-004 reports: one row per encounter and diagnosis.

    Parameters
    ----------
    paths : path or sequence of paths
        Files of 500-character records, header and trailer included (phase III).
    layout_file : path, optional
        A layout in the columns of hcc_maps/layouts/mao004.csv.

    Returns
    -------
    pyarrow.Table
        member_id, contract_id, claim_id (encounter ICN), encounter_type, linked_claim_id, submission_date,
        service_start_date, service_date (through date), claim_type, record_source, allowed (A, D, null: not
        applicable), reason, icd_version, diagnosis_code, add_or_delete (A, D), line [line of the file, from 1].
        `standing_diagnoses` makes a diagnoses extract of it.

    Raises
    ------
    ExtractError
        A file or record cannot be read; the message names file, line and positions, never what stands there.

    References
    ----------
    .. [1] `mao004` in hcc_maps/layouts/manifest.toml.
    """
    layout = load_layout("mao004", layout_file)
    require_fields(layout, ("member_id", "claim_id", "allowed", f"{_CODE}1", f"{_FLAG}1"), "an MAO-004")
    return read_all(paths, layout, _rows)


def standing_diagnoses(diagnoses: pa.Table) -> pa.Table:
    """Return the diagnoses that stand: allowed, in ICD-10-CM, and not deleted by a later report of the claim.

    Parameters
    ----------
    diagnoses : pyarrow.Table
        As `read_mao004` returns it; reports of several months together.

    Returns
    -------
    pyarrow.Table
        Rows of `diagnoses`, each member, claim and code once: a diagnoses extract that `score` takes as it is.

    Raises
    ------
    ColumnMissingError
        The table lacks a column of `read_mao004`.

    Notes
    -----
    A deletion takes back the code on the claim it links to and on its own claim, if it was submitted on the same day
    or later. The encounter that a replacement adds to is its own claim.
    """
    standing = diagnoses.filter(from_numpy(mao004_fates(diagnoses) == STANDS, pa.bool_()))
    return standing.take(_first_of_each(standing))


def mao004_fates(diagnoses: pa.Table) -> Fates:
    """Return what became of each row of `read_mao004`: see `cms_reports.fates`.

    Raises
    ------
    ColumnMissingError
        The table lacks a column of `read_mao004`.

    Notes
    -----
    A diagnosis that is allowed counts where its flag says add, and where it says nothing.

    References
    ----------
    .. [1] CSSC Operations, Encounter and Risk Adjustment Program (Part C), FAQs, of the user group of January 19, 2017:
       diagnoses "marked as allowed and either add or blank" are eligible.
    """
    need_columns(diagnoses, _NEEDED, "MAO-004")
    deletes = _is(diagnoses["add_or_delete"], "D")
    counts = _is(diagnoses["allowed"], "A") & ~_is(diagnoses["icd_version"], "9") & ~deletes
    own, linked = (
        joined(diagnoses, ("member_id", claim, "diagnosis_code")) for claim in ("claim_id", "linked_claim_id")
    )
    return fates_of(own, (own, linked), submission_days(diagnoses), counts=counts, deletes=deletes)


def _is(column: pa.ChunkedArray, value: str) -> npt.NDArray[np.bool_]:
    return pc.fill_null(pc.equal(column, value), False).to_numpy()


def _first_of_each(table: pa.Table) -> pa.Array:
    keys = joined(table, ("member_id", "claim_id", "diagnosis_code"))
    _, first = np.unique(pc.index_in(keys, pc.unique(keys)).to_numpy(), return_index=True)
    return from_numpy(np.sort(first), pa.int64())


def _rows(details: Details) -> pa.Table:
    """Return one row per diagnosis that is filled."""
    columns = details.columns
    places = [name.removeprefix(_CODE) for name in columns.schema.names if name.startswith(_CODE)]
    codes = [columns[f"{_CODE}{place}"] for place in places]
    row, place = np.nonzero(np.column_stack([np.asarray(code.is_valid()) for code in codes]))
    where = from_numpy(place * len(details.lines) + row, pa.int64())
    flags = [columns[f"{_FLAG}{number}"] for number in places]
    exploded = [name for name in columns.schema.names if name.startswith((_CODE, _FLAG))]
    kept = [name for name in columns.schema.names if name not in (*exploded, "record_type", "linked_allowed")]
    table = pa.Table.from_batches([columns]).select(kept).take(from_numpy(row, pa.int64()))
    new = {
        "claim_type": _recoded(table["service_type"], _CLAIM_TYPES),
        "record_source": _record_source(table),
        "diagnosis_code": pa.concat_arrays(codes).take(where),
        "add_or_delete": pa.concat_arrays(flags).take(where),
        "line": from_numpy(details.lines[row], pa.int64()),
    }
    for name, values in new.items():
        table = table.append_column(name, values)
    return table.drop_columns(["service_type"])


def _recoded(column: pa.ChunkedArray, meaning: dict[str, str]) -> pa.ChunkedArray:
    position = pc.index_in(column, pa.array(list(meaning)))
    return pa.chunked_array(
        [pa.array(list(meaning.values())).take(chunk) for chunk in position.chunks], pa.string()
    )


def _record_source(table: pa.Table) -> pa.ChunkedArray:
    is_chart_review = pc.is_in(table["encounter_type"], pa.array(_CHART_REVIEWS))
    linked = pc.if_else(table["linked_claim_id"].is_valid(), "chart_review_linked", "chart_review_unlinked")
    return pc.if_else(is_chart_review, linked, "encounter")
