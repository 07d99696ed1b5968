"""Our diagnoses, each in one class: the extract is read once, a piece at a time, and each diagnosis counts once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.cms_reports.keys import months_of
from riskadj.extracts.buffers import from_numpy, is_valid, one_chunk, values_of
from riskadj.extracts.contract import ROW_NUMBER
from riskadj.extracts.dates import days_of
from riskadj.extracts.open import Chunk
from riskadj.extracts.order import in_order
from riskadj.extracts.rejects import Rejects
from riskadj.results.encounters.responses import (
    ALLOWED,
    MISSING,
    OTHER_ID,
    STANDING,
    Answers,
    Classes,
    under_other_id,
)
from riskadj.results.marginal.hashes import Hashes, key_hashes
from riskadj.scoring.counted import columns_that_decide
from riskadj.scoring.run import ScoringRun
from riskadj.terms import CLAIM_TYPES

#: Claim types by position; the last two stand for any other word and for none.
TYPES = (*CLAIM_TYPES, "other", "(none)")
#: Columns that tell diagnoses apart, those of them that the extract has.
_IDENTITY = ("member_id", "claim_id", "diagnosis_code", "service_date")
CLASS, REASON, HASH = "class_code", "reason_code", "hash"

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judge:
    """Tells the class of diagnoses by what every source says of them.

    Attributes
    ----------
    answers : tuple of Answers
        The most telling source first: of equal classes it gives the reason.
    """

    answers: tuple[Answers, ...]

    @property
    def reasons(self) -> list[tuple[str | None, str]]:
        """Source and reason by reason code; the first is that of a diagnosis of which nobody says anything."""
        return [(None, ""), *((one.source, word) for one in self.answers for word in one.words)]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the diagnoses that it looks at."""
        return tuple(dict.fromkeys(name for one in self.answers for name in one.columns))

    def judge(self, table: pa.Table) -> tuple[Classes, Codes, list[Numbers]]:
        """Return class and reason code of each row, and for each source the positions of the keys that were met."""
        classes, reasons = np.full(table.num_rows, MISSING, np.int8), np.zeros(table.num_rows, np.int32)
        met, first_code = [], 1
        for one in self.answers:
            at, found = one.find(table)
            met.append(at[found])
            if found.any():
                theirs = one.classes[at]
                better = found & ((theirs < classes) | ((theirs == classes) & (reasons == 0)))
                classes[better] = theirs[better]
                reasons[better] = first_code + one.reasons[at][better]
            first_code += len(one.words)
        return classes, reasons, met

    def is_allowed(self, table: pa.Table) -> Flags:
        """Return which rows are accepted and allowed."""
        allowed: Flags = self.judge(table)[0] == ALLOWED
        return allowed


@dataclass(frozen=True)
class Classified:
    """Distinct diagnoses of the window; arrays of shape (n_diagnoses,).

    Attributes
    ----------
    classes, reasons : ndarray of int8, int32
    months : ndarray of int64
        Months since year 0; -1 where there is no date. [months]
    types : ndarray of int8
        Positions in `TYPES`.
    claims : ndarray of uint64
        Hash of member and claim; of shape (0,) where the extract has no claim_id.
    rest : pyarrow.Table
        Every row of the extract that is not accepted and allowed, with its class, reason and hash.
    met : tuple of ndarray of bool
        Which keys of each source some diagnosis of ours has.
    counts : dict of str to int
        Rows read = unusable + outside the window + repeated + diagnoses.
    """

    classes: Classes
    reasons: Codes
    months: Numbers
    types: Classes
    claims: Hashes
    rest: pa.Table
    met: tuple[Flags, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class _Piece:
    hashes: Hashes
    classes: Classes
    reasons: Codes
    months: Numbers
    types: Classes
    claims: Hashes
    rest: pa.Table
    met: list[Numbers]
    n_read: int
    n_unusable: int
    n_outside: int


def classify(run: ScoringRun, judge: Judge) -> Classified:
    """Read the diagnoses of a run once more and tell the class of each.

    Memory grows with the distinct diagnoses (some 30 bytes each) and with the rows that are not accepted and allowed.
    """
    extract = run.extracts[1]
    columns = tuple(
        dict.fromkeys((*_shown(extract.columns), *judge.columns, *columns_that_decide(run, extract)))
    )

    def read(chunk: Chunk) -> list[_Piece]:
        return [_piece(piece, judge, run.window) for piece in chunk.pieces()]

    met = tuple(np.zeros(len(one.keys), np.bool_) for one in judge.answers)
    pieces: list[_Piece] = []
    for several in in_order(read, extract.chunks(columns), run.options.threads):
        for piece in several:
            pieces.append(piece)
            for flags, positions in zip(met, piece.met, strict=True):
                flags[positions] = True
    return _together(pieces, met)


def _shown(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of an extract that tell diagnoses apart or are shown."""
    return tuple(name for name in STANDING if name in columns)


def _piece(chunk: Chunk, judge: Judge, window: tuple[date, date]) -> _Piece:
    rejects = Rejects("write")
    table = chunk.read(rejects)
    usable, inside = _usable(table), _inside(table, window)
    kept = table.filter(from_numpy(usable & inside, pa.bool_()))
    classes, reasons, met = judge.judge(kept)
    hashes = key_hashes(kept, [name for name in _IDENTITY if name in kept.column_names])
    has_claims = "claim_id" in kept.column_names
    rest = _without_encoding(kept).append_column(CLASS, from_numpy(classes, pa.int8()))
    rest = rest.append_column(REASON, from_numpy(reasons, pa.int32()))
    rest = rest.append_column(HASH, from_numpy(hashes, pa.uint64()))
    return _Piece(
        hashes, classes, reasons, _months(kept), _types(kept),
        key_hashes(kept, ("member_id", "claim_id")) if has_claims else np.zeros(0, np.uint64),
        rest.filter(from_numpy(classes != ALLOWED, pa.bool_())), met,
        table.num_rows + len(rejects), len(rejects) + int((~usable).sum()), int((usable & ~inside).sum()),
    )  # fmt: skip


def _without_encoding(table: pa.Table) -> pa.Table:
    """Return a table as any other chunk has it: ids without dictionaries, claim ids as text, no row numbers."""
    if ROW_NUMBER in table.column_names:
        table = table.drop_columns([ROW_NUMBER])
    for name in ("member_id", "claim_id"):
        if name in table.column_names:
            column = table[name]
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            wanted = pa.string() if name == "claim_id" and pa.types.is_integer(kind) else kind
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, column.cast(kind).cast(wanted))
    return table


def _usable(table: pa.Table) -> Flags:
    codes = one_chunk(table["diagnosis_code"])
    entries = [bool((text or "").strip()) for text in codes.dictionary.to_pylist()]
    filled = np.array([*entries, False])[np.where(is_valid(codes), values_of(codes.indices), len(entries))]
    usable: Flags = filled & is_valid(one_chunk(table["member_id"]))
    return usable


def _inside(table: pa.Table, window: tuple[date, date]) -> Flags:
    if "service_date" not in table.column_names:
        return np.ones(table.num_rows, np.bool_)
    dates = one_chunk(table["service_date"])
    days = values_of(dates)
    inside: Flags = is_valid(dates) & (days >= days_of(window[0])) & (days <= days_of(window[1]))
    return inside


def _months(table: pa.Table) -> Numbers:
    if "service_date" not in table.column_names:
        return np.full(table.num_rows, -1)
    return months_of(table["service_date"])


def _types(table: pa.Table) -> Classes:
    none = len(TYPES) - 1
    if "claim_type" not in table.column_names:
        return np.full(table.num_rows, none, np.int8)
    codes = one_chunk(table["claim_type"])
    words = [(word or "").strip().lower() for word in codes.dictionary.to_pylist()]
    places = [TYPES.index(word) if word in CLAIM_TYPES else none - bool(word) for word in words]
    entry = np.where(is_valid(codes), values_of(codes.indices), len(places))
    return np.array([*places, none], np.int8)[entry]


def _together(pieces: list[_Piece], met: tuple[Flags, ...]) -> Classified:
    def whole(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(piece, name) for piece in pieces])

    hashes = whole("hashes")
    _, first = np.unique(hashes, return_index=True)
    first.sort()
    claims = whole("claims")
    rest = pa.concat_tables([piece.rest for piece in pieces]).unify_dictionaries()
    counts = {
        "rows_read": sum(piece.n_read for piece in pieces),
        "rows_unusable": sum(piece.n_unusable for piece in pieces),
        "rows_outside_window": sum(piece.n_outside for piece in pieces),
        "rows_repeated": len(hashes) - len(first),
        "diagnoses": len(first),
    }
    return Classified(
        whole("classes")[first], whole("reasons")[first], whole("months")[first], whole("types")[first],
        claims[first] if len(claims) else claims, rest, met, counts,
    )  # fmt: skip


def distinct(rest: pa.Table) -> pa.Table:
    """Return the first row of each diagnosis."""
    _, first = np.unique(rest[HASH].to_numpy(), return_index=True)
    return rest.take(from_numpy(np.sort(first), pa.int64()))


def claim_classes(found: Classified) -> tuple[Classes, Numbers]:
    """Return the class of each claim, the best of its diagnoses', and the place of its first diagnosis."""
    if not len(found.claims):
        return np.zeros(0, np.int8), np.zeros(0, np.int64)
    names, first, claim = np.unique(found.claims, return_index=True, return_inverse=True)
    best = np.full(len(names), MISSING, np.int8)
    np.minimum.at(best, claim, found.classes)
    return best, first


def without_claim(judge: Judge, met: Sequence[Flags]) -> Iterator[tuple[str, pa.Table]]:
    """Yield, for each report, the distinct diagnoses that CMS counts and that no row of ours has."""
    for one, flags in zip(judge.answers, met, strict=True):
        if one.standing is None:
            continue
        at, found = one.find(one.standing)
        is_ours = found & _at(flags, at)
        rows = one.standing
        if OTHER_ID in rows.column_names:
            rows = under_other_id(rows)
            other, there = one.find(rows)
            is_ours |= there & _at(flags, other)
        alone = np.flatnonzero(found & ~is_ours)
        _, first = np.unique(at[alone], return_index=True)
        yield one.source, rows.select(STANDING).take(from_numpy(np.sort(alone[first]), pa.int64()))


def _at(flags: Flags, positions: Numbers) -> Flags:
    """Return the flags at some positions; of no flags, none is set."""
    return flags[positions] if len(flags) else np.zeros(len(positions), np.bool_)
