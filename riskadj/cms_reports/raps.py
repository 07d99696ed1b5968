"""The RAPS return file: which diagnosis clusters CMS stored, and by which error code it refused the others."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.fates import Fates, fates_of, joined, need_columns, submission_days
from riskadj.cms_reports.reading import Paths, load_codes, load_layout, read_all, require_fields
from riskadj.errors import ExtractError
from riskadj.extracts.buffers import from_numpy
from riskadj.extracts.fixed_width import Details

_CODE = "diagnosis_code_"
#: Fields of a cluster beside its code, and those of the record that refuse all its clusters.
_OF_CLUSTER = ("provider_type", "service_start_date", "service_date", "delete", "diagnosis_code")
_CLUSTER_ERRORS = ("cluster_error_1", "cluster_error_2", "risk_assessment_error")
_RECORD_ERRORS = ("sequence_error", "member_error", "birth_date_error")
#: What provider_type means as a claim_type of the diagnoses extract.
_CLAIM_TYPES = {"01": "inpatient", "02": "inpatient", "10": "outpatient", "20": "professional"}
_CLUSTER = ("member_id", "provider_type", "service_start_date", "service_date", "diagnosis_code")
_NEEDED = (*_CLUSTER, "submission_date", "icd_version", "add_or_delete", "status")


def read_raps(paths: Paths, *, layout_file: str | os.PathLike[str] | None = None) -> pa.Table:
    """Return the diagnosis clusters of RAPS return files: one row per cluster, stored or refused.

    Parameters
    ----------
    paths : path or sequence of paths
        Files of 512-character records, AAA to ZZZ.
    layout_file : path, optional
        A layout in the columns of hcc_maps/layouts/raps.csv.

    Returns
    -------
    pyarrow.Table
        member_id, corrected_member_id, contract_id, claim_id (patient control number), submission_date, icd_version,
        provider_type, claim_type, service_start_date, service_date (through date), diagnosis_code, add_or_delete (A,
        D), status (accepted, rejected), error_code (the first that refuses the cluster), error_codes (all of them,
        apart by ``|``), line [line of the file, from 1]. Dates that were submitted wrong are null.

    Raises
    ------
    ExtractError
        A file or record cannot be read; the message names file, line and positions, never what stands there. So does
        an error code of no known range, and a cluster without a date that no code refuses.

    References
    ----------
    .. [1] `raps` and `raps_errors` in hcc_maps/layouts/manifest.toml.
    """
    layout = load_layout("raps", layout_file)
    needed = ("member_id", *_RECORD_ERRORS, *(f"{name}_1" for name in (*_OF_CLUSTER, *_CLUSTER_ERRORS)))
    require_fields(layout, needed, "a RAPS return file")
    return read_all(paths, layout, _rows)


def raps_fates(clusters: pa.Table) -> Fates:
    """Return what became of each row of `read_raps`: see `cms_reports.fates`.

    A deletion that was carried out takes back the same cluster, if it was stored on the same day or before.

    Raises
    ------
    ColumnMissingError
        The table lacks a column of `read_raps`.
    """
    need_columns(clusters, _NEEDED, "RAPS")
    accepted = pc.equal(clusters["status"], "accepted").to_numpy()
    deletion = pc.equal(clusters["add_or_delete"], "D").to_numpy()
    is_icd9 = pc.fill_null(pc.equal(clusters["icd_version"], "ICD9"), False).to_numpy()
    keys = joined(clusters, _CLUSTER)
    return fates_of(
        keys,
        (keys,),
        submission_days(clusters),
        counts=accepted & ~deletion & ~is_icd9,
        deletes=accepted & deletion,
    )


def _rows(details: Details) -> pa.Table:
    """Return one row per cluster that is filled."""
    columns, header = details.columns, details.header
    places = [name.removeprefix(_CODE) for name in columns.schema.names if name.startswith(_CODE)]
    filled = np.column_stack([np.asarray(columns[f"{_CODE}{place}"].is_valid()) for place in places])
    row, place = np.nonzero(filled)
    where = from_numpy(place * len(details.lines) + row, pa.int64())
    taken = columns.take(from_numpy(row, pa.int64()))

    def of_cluster(name: str) -> pa.Array:
        return pa.concat_arrays([columns[f"{name}_{number}"] for number in places]).take(where)

    lines = details.lines[row]
    errors = [taken[name] for name in _RECORD_ERRORS] + [of_cluster(name) for name in _CLUSTER_ERRORS]
    first, every = _judged(errors, lines)
    cluster = {name: of_cluster(name) for name in _OF_CLUSTER}
    _refuse_undated(cluster["service_date"], first, lines)
    said = {name: pa.repeat(pa.scalar(header.get(name), kind), len(row)) for name, kind in _OF_HEADER.items()}
    return pa.table({
        "member_id": taken["member_id"],
        "corrected_member_id": taken["corrected_member_id"],
        "claim_id": taken["claim_id"],
        **said,
        "provider_type": cluster["provider_type"],
        "claim_type": _claim_types(cluster["provider_type"]),
        "service_start_date": cluster["service_start_date"],
        "service_date": cluster["service_date"],
        "diagnosis_code": cluster["diagnosis_code"],
        "add_or_delete": pc.if_else(cluster["delete"].is_valid(), "D", "A"),
        "status": pc.if_else(first.is_valid(), "rejected", "accepted"),
        "error_code": first,
        "error_codes": every,
        "line": from_numpy(lines, pa.int64()),
    })  # fmt: skip


_OF_HEADER = {"contract_id": pa.string(), "submission_date": pa.date32(), "icd_version": pa.string()}


def _claim_types(provider_types: pa.Array) -> pa.Array:
    known = pa.array(list(_CLAIM_TYPES.values()))
    return known.take(pc.index_in(provider_types, pa.array(list(_CLAIM_TYPES))))


def _judged(errors: list[pa.Array], lines: npt.NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
    """Return the first code of each row that refuses its cluster, and all its codes, apart by ``|``."""
    refusing = []
    for column in errors:
        codes = pc.unique(column).drop_null().to_pylist()
        refuses = {code: _refuses(code) for code in codes}
        _refuse_unknown(column, [code for code, answer in refuses.items() if answer is None], lines)
        refusing.append(_only(column, [code for code, answer in refuses.items() if answer]))
    filled = pc.binary_join_element_wise(*(pc.fill_null(column, "") for column in errors), "|")
    every = pc.utf8_trim(pc.replace_substring_regex(filled, r"\|{2,}", "|"), "|")
    return pc.coalesce(*refusing), pc.if_else(pc.equal(every, ""), None, every)


def _refuses(code: str) -> bool | None:
    """Return whether an error code keeps its cluster from being stored; None where no range has it."""
    if not (code.isascii() and code.isdigit()):
        return None
    for span in load_codes("raps_errors"):
        if int(span["first"]) <= int(code) <= int(span["last"]):
            return span["rejects"] == "1"
    return None


def _only(column: pa.Array, codes: list[str]) -> pa.Array:
    """Return a column without what is none of `codes`."""
    return pc.if_else(pc.is_in(column, pa.array(codes, pa.string())), column, pa.scalar(None, pa.string()))


def _refuse_unknown(column: pa.Array, unknown: list[str], lines: npt.NDArray[np.int64]) -> None:
    if unknown:
        spans = ", ".join(f"{span['first']}-{span['last']}" for span in load_codes("raps_errors"))
        bad = pc.is_in(column, pa.array(unknown)).to_numpy(zero_copy_only=False)
        raise ExtractError(
            f"RAPS return file: an error code of no known range in {int(bad.sum()):,} clusters (first lines: "
            f"{_first(lines[bad])}); known: {spans}. Correct the file, or name its layout with layout_file=."
        )


def _refuse_undated(dates: pa.Array, first: pa.Array, lines: npt.NDArray[np.int64]) -> None:
    bad = pc.and_(dates.is_null(), first.is_null()).to_numpy(zero_copy_only=False)
    if bad.any():
        raise ExtractError(
            f"RAPS return file: {int(bad.sum()):,} clusters have no through date that can be read, and no error code "
            f"that refuses them (first lines: {_first(lines[bad])}); correct the file, or name its layout with "
            "layout_file=."
        )


def _first(lines: npt.NDArray[np.int64]) -> str:
    return ", ".join(map(str, lines[:5].tolist()))
