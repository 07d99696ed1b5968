"""What CMS's responses say of our diagnoses: MAO-004, RAPS returns, MAO-002, and the list of what was submitted.

Every source becomes `Answers`: keys of our diagnoses, and the class and reason that the source gives each. The rows of
a report that CMS counts are kept, to find those that stand for no claim of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.fates import DELETION, NOT_TAKEN, STANDS, Fates
from riskadj.cms_reports.mao004 import mao004_fates, read_mao004
from riskadj.cms_reports.raps import raps_fates, read_raps
from riskadj.errors import ExtractError, OptionError, nearest
from riskadj.extracts.buffers import from_numpy, one_chunk
from riskadj.extracts.open import Extract, open_extract, require
from riskadj.extracts.rejects import Rejects
from riskadj.results.marginal.hashes import Hashes, key_hashes

#: What became of a diagnosis of ours, the best first; the last class is CMS's alone.
CLASSES = (
    "accepted_allowed", "deleted", "accepted_not_allowed", "rejected", "no_response", "missing",
    "accepted_without_claim",
)  # fmt: skip
ALLOWED, DELETED, NOT_ALLOWED, REJECTED, NO_RESPONSE, MISSING, WITHOUT_CLAIM = range(len(CLASSES))
MATCHES = ("claim", "date")
MAO004, RAPS, MAO002, SUBMISSIONS = "MAO-004", "RAPS", "MAO-002", "submissions"

#: By which columns a diagnosis of a report is found among ours.
_BY_CLAIM = ("member_id", "claim_id", "diagnosis_code")
_BY_DATE = ("member_id", "diagnosis_code", "service_date")
_CLAIM = ("claim_id",)
#: Columns of a report's row that counts, as a diagnoses extract has them.
STANDING = ("member_id", "claim_id", "diagnosis_code", "service_date", "claim_type")

Classes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Answers:
    """What one source says of our diagnoses.

    Attributes
    ----------
    source : str
    columns : tuple of str
        Columns of the diagnoses that make a key.
    keys : ndarray of uint64, shape (n_keys,)
        Ascending, each once.
    classes : ndarray of int8, shape (n_keys,)
        Positions in `CLASSES`: of several answers to one key, the best.
    reasons : ndarray of int32, shape (n_keys,)
        Positions in `words`.
    words : tuple of str
        Reasons, as the source gives them.
    standing : pyarrow.Table or None
        The rows of a report that CMS counts, in the columns `STANDING`, and perhaps `OTHER_ID`.
    counts : dict of str to int
        What became of the source's rows.
    claims : ndarray of uint64, shape (n_claims,)
        Claims that a report names, where it is matched by claim.
    """

    source: str
    columns: tuple[str, ...]
    keys: Hashes
    classes: Classes
    reasons: npt.NDArray[np.int32]
    words: tuple[str, ...]
    standing: pa.Table | None
    counts: dict[str, int]
    claims: Hashes

    def find(self, table: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the position of each row's key, and whether there is one."""
        hashes = key_hashes(table, self.columns)
        if not len(self.keys):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
        at = np.minimum(np.searchsorted(self.keys, hashes), len(self.keys) - 1)
        return at, self.keys[at] == hashes


@dataclass(frozen=True)
class Given:
    """The responses of a caller, as they were given."""

    mao004: Any = None
    mao002: Any = None
    raps: Any = None
    submissions: Any = None
    match: str | None = None


def read_answers(given: Given, diagnoses: Extract, window: tuple[date, date]) -> tuple[Answers, ...]:
    """Read responses, the most telling source first.

    Parameters
    ----------
    given : Given
    diagnoses : Extract
        Ours, which must have the columns that responses are matched by.
    window : tuple of date
        Rows of reports with a service date outside it are counted and left out.

    Raises
    ------
    OptionError
        No response was given, or `match` is none.
    ColumnMissingError, ExtractError
        A response cannot be read, or the diagnoses lack what it is matched by.
    """
    if all(one is None for one in (given.mao004, given.mao002, given.raps)):
        raise OptionError(
            "no response was given; give mao004=, raps= or mao002= (--mao004, --raps, --mao002)."
        )
    fronts = None if given.mao002 is None else _table_of(given.mao002, "responses")
    match = _match(given, fronts)
    found: list[Answers] = []
    if given.mao004 is not None:
        table = given.mao004 if isinstance(given.mao004, pa.Table) else read_mao004(given.mao004)
        found += _of_mao004(table, window, None if fronts is None else _crosswalk(fronts), match)
    if given.raps is not None:
        table = given.raps if isinstance(given.raps, pa.Table) else read_raps(given.raps)
        found.append(_of_raps(table, window))
    reported = _claims_reported(found)
    if fronts is not None:
        found.append(_of_mao002(fronts, reported, is_alone=not found))
    if given.submissions is not None:
        found.append(_of_submissions(_table_of(given.submissions, "submissions"), reported))
    for one in found:
        require(diagnoses, one.columns)
    return tuple(found)


def _claims_reported(found: Sequence[Answers]) -> Hashes:
    """Return the claims that MAO-004 reports: what became of them is known, whichever diagnoses it leaves out."""
    return np.concatenate([np.zeros(0, np.uint64), *(one.claims for one in found)])


def _match(given: Given, fronts: pa.Table | None) -> str:
    """Return by what MAO-004 is matched: by claim where there is a crosswalk, and otherwise by service date."""
    if given.match is None:
        return "claim" if fronts is not None and "icn" in fronts.column_names else "date"
    if given.match not in MATCHES:
        raise OptionError(
            f"match={given.match!r} is not an option{nearest(given.match, MATCHES)}; allowed: {', '.join(MATCHES)}."
        )
    return given.match


def _table_of(source: Any, role: str) -> pa.Table:
    """Return a table of responses or submissions; rows that cannot be read are refused."""
    extract = open_extract(source, role)
    rejects = Rejects("stop")
    pieces = [_plain(chunk.read(rejects)) for chunk in extract.chunks(extract.columns)]
    rejects.raise_if_stopping()
    table = pa.concat_tables(pieces, promote_options="permissive") if pieces else None
    if table is None or not table.num_rows:
        raise ExtractError(f"{extract.files[0]} has no rows; leave it out.")
    return table


def _plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries, its ids as text."""
    return pa.table(
        {
            name: table[name] if pa.types.is_date(table[name].type) else table[name].cast(pa.string())
            for name in table.column_names
        }
    )


def _answers(
    source: str, columns: tuple[str, ...], table: pa.Table, classes: Classes, reasons: pa.Array, **more: Any
) -> Answers:
    """Return the answers of some rows, the best one of each key; a row that lacks a part of its key answers nothing."""
    filled = np.logical_and.reduce([_is_filled(table[name]) for name in columns])
    counts = {**more.get("counts", {}), "rows_without_key": int((~filled).sum())}
    table, classes = table.select(columns).filter(from_numpy(filled, pa.bool_())), classes[filled]
    reasons = reasons.filter(from_numpy(filled, pa.bool_()))
    encoded = one_chunk(pa.chunked_array([reasons]).dictionary_encode())
    words = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    hashes = key_hashes(table, columns)
    order = np.lexsort((classes, hashes))
    keys, first = np.unique(hashes[order], return_index=True)
    best = order[first]
    return Answers(
        source, columns, keys, classes[best].astype(np.int8), words[best],
        tuple(encoded.dictionary.to_pylist()), more.get("standing"), counts,
        more.get("claims", np.zeros(0, np.uint64)),
    )  # fmt: skip


def _is_filled(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    text = pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")
    filled: npt.NDArray[np.bool_] = np.asarray(pc.not_equal(text, ""))
    return filled


def _of_mao004(
    table: pa.Table, window: tuple[date, date], crosswalk: pa.Table | None, match: str
) -> list[Answers]:
    fates = mao004_fates(table)
    table, fates, counts = _in_window(table, fates, window)
    if crosswalk is not None:
        table = _translated(table, crosswalk)
    reasons = _or_else(fates == NOT_TAKEN, _why_not_taken(table), "deletion", fates != STANDS)
    classes = np.array([ALLOWED, DELETED, NOT_ALLOWED, DELETED], np.int8)[fates]
    columns = _BY_CLAIM if match == "claim" else _BY_DATE
    standing = table.filter(from_numpy(fates == STANDS, pa.bool_())).select(STANDING)
    every, all_classes, all_reasons = table.select(columns), classes, reasons
    if match == "claim":  # a deletion speaks of the claim that it links to, too
        deletes = from_numpy(fates == DELETION, pa.bool_())
        linked = table.filter(deletes)
        linked = linked.set_column(
            linked.schema.get_field_index("claim_id"), "claim_id", linked["linked_claim_id"]
        )
        every = pa.concat_tables([every, linked.select(columns)])
        all_classes = np.concatenate([classes, classes[fates == DELETION]])
        all_reasons = pa.concat_arrays([reasons, reasons.filter(deletes)])
    told = _answers(MAO004, columns, every, all_classes, all_reasons, standing=standing, counts=counts)
    if match == "date":
        return [told]
    reported = table.select(columns[:2])
    silent = pa.repeat(pa.scalar("claim is there without it", pa.string()), len(reported))
    return [
        told,
        _answers(
            MAO004,
            columns[:2],
            reported,
            np.full(len(reported), MISSING, np.int8),
            silent,
            claims=key_hashes(reported, _CLAIM),
        ),
    ]


def _why_not_taken(table: pa.Table) -> pa.Array:
    """Return why the rows of an MAO-004 that do not count do not."""
    given = pc.fill_null(table["reason"], "no reason given")
    is_icd9 = pc.fill_null(pc.equal(table["icd_version"], "9"), False)
    words = pc.if_else(table["allowed"].is_null(), "not applicable", given)
    return one_chunk(pc.if_else(is_icd9, "ICD-9-CM", words))


def _or_else(
    where: npt.NDArray[np.bool_], reasons: pa.Array, otherwise: str, has_reason: npt.NDArray[np.bool_]
) -> pa.Array:
    """Return `reasons` where they are asked for, and `otherwise` where there is another reason."""
    others = pc.if_else(from_numpy(has_reason, pa.bool_()), otherwise, "")
    return one_chunk(pc.if_else(from_numpy(where, pa.bool_()), reasons, others))


def _of_raps(table: pa.Table, window: tuple[date, date]) -> Answers:
    table, fates, counts = _in_window(table, raps_fates(table), window)
    is_rejected = pc.equal(table["status"], "rejected").to_numpy()
    classes = np.array([ALLOWED, DELETED, NOT_ALLOWED, DELETED], np.int8)[fates]
    classes = np.where(is_rejected, REJECTED, classes).astype(np.int8)
    errors = pc.if_else(pc.equal(table["status"], "rejected"), table["error_code"], "ICD-9-CM")
    reasons = _or_else(fates == NOT_TAKEN, one_chunk(errors), "deletion", fates != STANDS)
    standing = table.filter(from_numpy(fates == STANDS, pa.bool_())).select([*STANDING, OTHER_ID])
    speaks = ~(is_rejected & pc.equal(table["add_or_delete"], "D").to_numpy())
    under_other = speaks & np.asarray(
        table[OTHER_ID].is_valid()
    )  # the extract may name the member by either id
    rows = np.concatenate([np.flatnonzero(speaks), np.flatnonzero(under_other)])
    every = pa.concat_tables(
        [
            table.select(_BY_DATE).filter(pa.array(speaks)),
            under_other_id(table).select(_BY_DATE).filter(pa.array(under_other)),
        ]
    )
    counts["rows_with_corrected_member_id"] = int(under_other.sum())
    return _answers(
        RAPS, _BY_DATE, every, classes[rows], reasons.take(from_numpy(rows, pa.int64())),
        standing=standing, counts=counts,
    )  # fmt: skip


#: The id by which CMS knows a member whom a RAPS file names by an older one.
OTHER_ID = "corrected_member_id"


def under_other_id(table: pa.Table) -> pa.Table:
    """Return rows under the member's corrected id, where there is one."""
    place = table.schema.get_field_index("member_id")
    return table.set_column(place, "member_id", pc.coalesce(table[OTHER_ID], table["member_id"]))


def _in_window(
    table: pa.Table, fates: Fates, window: tuple[date, date]
) -> tuple[pa.Table, Fates, dict[str, int]]:
    """Return the rows of a window of service dates; those without a date stay."""
    days = table["service_date"].cast(pa.date32())
    outside = pc.or_(pc.less(days, pa.scalar(window[0])), pc.greater(days, pa.scalar(window[1])))
    kept = pc.invert(pc.fill_null(outside, False))
    counts = {"rows_read": table.num_rows, "rows_outside_window": table.num_rows - pc.sum(kept).as_py()}
    return table.filter(kept), fates[kept.to_numpy()], counts


def _translated(table: pa.Table, crosswalk: pa.Table) -> pa.Table:
    """Return an MAO-004 in which encounters that we know bear our claim ids."""
    for name in ("claim_id", "linked_claim_id"):
        found = pc.take(crosswalk["claim_id"], pc.index_in(table[name], crosswalk["icn"]))
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pc.coalesce(found, table[name]))
    return table


def _crosswalk(fronts: pa.Table) -> pa.Table | None:
    """Return our claim_id of each encounter number (icn), each once.

    Raises
    ------
    ExtractError
        An encounter number belongs to several claims.
    """
    if "icn" not in fronts.column_names:
        return None
    pairs = fronts.select(["icn", "claim_id"]).filter(
        pc.and_(fronts["icn"].is_valid(), fronts["claim_id"].is_valid())
    )
    distinct = pairs.group_by(["icn", "claim_id"]).aggregate([]).combine_chunks()
    several = distinct.num_rows - pc.count_distinct(distinct["icn"]).as_py()
    if several:
        raise ExtractError(
            f"MAO-002: {several:,} encounter numbers (icn) stand beside several claim_ids; each encounter is of one "
            "claim: correct the table."
        )
    return distinct


def _of_mao002(fronts: pa.Table, reported: Hashes, *, is_alone: bool) -> Answers:
    """Return what MAO-002 says of each submission of a claim: rejected as a whole, or every line of it.

    `is_alone`: nothing else tells whether what was accepted is allowed, so it is taken as such.
    """
    is_rejected = _rejections(fronts)
    lines = _text(fronts, "line_number")
    is_whole = np.asarray(pc.equal(pc.utf8_ltrim(lines, "0"), ""))
    codes, submissions = _groups(fronts, [name for name in _SUBMISSION if name in fronts.column_names])
    n_lines, whole_no, lines_no = (
        np.bincount(codes, weights=which, minlength=len(submissions))
        for which in (~is_whole, is_whole & is_rejected, ~is_whole & is_rejected)
    )
    refused = (whole_no > 0) | ((n_lines > 0) & (lines_no == n_lines))
    classes = np.where(refused, REJECTED, ALLOWED if is_alone else NO_RESPONSE).astype(np.int8)
    order = np.lexsort(
        (~is_whole, ~is_rejected, codes)
    )  # the encounter's own error before those of its lines
    first = order[np.searchsorted(codes[order], np.arange(len(submissions)))]
    errors = pc.take(_text(fronts, "error_code"), from_numpy(first, pa.int64()))
    errors = pc.if_else(pc.equal(errors, ""), "no error code", errors)
    accepted = "" if is_alone else "accepted, no report of its diagnoses"
    reasons = one_chunk(pc.if_else(from_numpy(refused, pa.bool_()), errors, accepted))
    counts = {"rows_read": fronts.num_rows, "submissions": len(submissions), "rejected": int(refused.sum())}
    return _unless_reported(MAO002, submissions, classes, reasons, reported, counts)


_SUBMISSION = ("claim_id", "icn", "submission_date")


def _rejections(fronts: pa.Table) -> npt.NDArray[np.bool_]:
    words = pc.utf8_lower(pc.utf8_trim_whitespace(_text(fronts, "status")))
    unknown = np.asarray(pc.invert(pc.is_in(words, pa.array(["accepted", "rejected"]))))
    if unknown.any():
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(unknown)[:5])
        raise ExtractError(
            f"MAO-002, column 'status': another word in {int(unknown.sum()):,} of {len(words):,} rows (first rows: "
            f"{rows}); allowed: accepted, rejected."
        )
    rejected: npt.NDArray[np.bool_] = np.asarray(pc.equal(words, "rejected"))
    return rejected


def _text(table: pa.Table, name: str) -> pa.Array:
    """Return a column as text, blanks for what is not there."""
    if name not in table.column_names:
        return pa.repeat(pa.scalar("", pa.string()), table.num_rows)
    return one_chunk(pc.fill_null(pc.utf8_trim_whitespace(table[name]), ""))


def _groups(table: pa.Table, names: Sequence[str]) -> tuple[npt.NDArray[np.int64], pa.Table]:
    """Return the group of each row by some columns, and the groups."""
    joined = pc.binary_join_element_wise(
        *(pc.fill_null(table[name].cast(pa.string()), "") for name in names), "\t"
    )
    encoded = one_chunk(joined).dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    _, first = np.unique(codes, return_index=True)
    return codes, table.take(from_numpy(first, pa.int64()))


def _of_submissions(table: pa.Table, reported: Hashes) -> Answers:
    n_rows = table.num_rows
    reasons = pa.repeat(pa.scalar("submitted", pa.string()), n_rows)
    classes = np.full(n_rows, NO_RESPONSE, np.int8)
    return _unless_reported(SUBMISSIONS, table, classes, reasons, reported, {"rows_read": n_rows})


def _unless_reported(
    source: str,
    claims: pa.Table,
    classes: Classes,
    reasons: pa.Array,
    reported: Hashes,
    counts: dict[str, int],
) -> Answers:
    """Return answers about claims; a claim that is reported does not wait for a response."""
    waits = (classes == NO_RESPONSE) & np.isin(key_hashes(claims, _CLAIM), reported)
    speaks = from_numpy(~waits, pa.bool_())
    return _answers(
        source, _CLAIM, claims.filter(speaks), classes[~waits], reasons.filter(speaks), counts=counts
    )
