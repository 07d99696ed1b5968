"""The diagnoses and drugs of one member, found again in the extracts: what an explanation rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import cast_ids, from_numpy, from_strings, one_chunk
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.codes import pack, unpack
from riskadj.scoring.drugs import DRUGS, read_drug_code
from riskadj.scoring.members import MemberIndex, index_members
from riskadj.scoring.run import ScoringRun


@dataclass
class CodeEvidence:
    """One diagnosis or drug code of one member: how often it counts, and between which service dates.

    Attributes
    ----------
    n_counted, n_outside, n_filtered : int
        Rows that count, rows outside the collection window, rows that the claim filter excludes.
    first, last : date or None
        First and last service date among the rows that count.
    days : set of date
        Service dates of the rows that count; empty where the extract has none.
    claims : set of (str, str)
        Service date (blank where there is none) and claim of the rows that count; empty where none is named.
    """

    code: str
    n_counted: int = 0
    n_outside: int = 0
    n_filtered: int = 0
    first: date | None = None
    last: date | None = None
    days: set[date] = field(default_factory=set)
    claims: set[tuple[str, str]] = field(default_factory=set)


def find_evidence(run: ScoringRun, member_id: str | int) -> dict[str, CodeEvidence]:
    """Return the member's diagnoses by code (cleaned), in order of code; reads the diagnoses extract once."""
    extract = run.extracts[1]
    wanted = ("member_id", "diagnosis_code", "service_date", "claim_id", *run.filter_columns)
    columns = tuple(name for name in dict.fromkeys(wanted) if name in extract.columns)
    index = _index_of(run, member_id)
    found: dict[str, CodeEvidence] = {}
    for chunk in extract.chunks(columns):
        for row in _rows(chunk.read(Rejects("write")), index, run):
            _add(found, row, run.window)
    return dict(sorted(found.items()))


def find_drug_evidence(run: ScoringRun, member_id: str | int) -> dict[tuple[str, str], CodeEvidence]:
    """Return the member's drugs by (code system, code), in order of code; reads the drugs extract once."""
    if run.drugs is None:
        return {}
    extract, index = run.drugs.extract, _index_of(run, member_id)
    dated = DRUGS.day in extract.columns
    found: dict[str, CodeEvidence] = {}
    for chunk in extract.chunks((DRUGS.code,)):
        table = chunk.read(Rejects("write"))
        ids = cast_ids(one_chunk(table["member_id"]), run.index_id_type)
        chosen = from_numpy(np.flatnonzero(index.find(ids, np.arange(len(ids))) == 0), pa.int64())
        codes = table[DRUGS.code].take(chosen).to_pylist()
        days = table[DRUGS.day].take(chosen).to_pylist() if dated else [None] * len(codes)
        for text, day in zip(codes, days, strict=True):
            if code := read_drug_code(text or ""):
                row = {"code": ":".join(code), "date": day, "dated": dated, "eligible": True, "claim": None}
                _add(found, row, run.window)
    return {(text.partition(":")[0], text.partition(":")[2]): item for text, item in sorted(found.items())}


def _index_of(run: ScoringRun, member_id: str | int) -> MemberIndex:
    ids = from_strings([str(member_id)])
    return index_members(ids.cast(run.index_id_type) if run.index_id_type != pa.string() else ids)


def _rows(table: pa.Table, index: MemberIndex, run: ScoringRun) -> Iterator[dict[str, object]]:
    ids = cast_ids(one_chunk(table["member_id"]), run.index_id_type)
    rows = np.flatnonzero(index.find(ids, np.arange(len(ids))) == 0)
    if len(rows):
        eligible = run.claim_filter(table) if run.claim_filter else np.ones(len(ids), np.uint8)
        chosen = from_numpy(rows, pa.int64())
        codes = [
            unpack(code) for code in pack(one_chunk(table["diagnosis_code"]).take(chosen).cast(pa.string()))
        ]
        dated = "service_date" in table.column_names
        dates, claims = (
            table[name].take(chosen).to_pylist() if name in table.column_names else [None] * len(rows)
            for name in ("service_date", "claim_id")
        )
        for code, day, claim, counts in zip(codes, dates, claims, eligible[rows].tolist(), strict=True):
            if code:
                yield {"code": code, "date": day, "dated": dated, "eligible": bool(counts), "claim": claim}


def _add(found: dict[str, CodeEvidence], row: dict[str, object], window: tuple[date, date]) -> None:
    item = found.setdefault(str(row["code"]), CodeEvidence(str(row["code"])))
    day = row["date"]
    if row["dated"] and not (isinstance(day, date) and window[0] <= day <= window[1]):
        item.n_outside += 1
    elif not row["eligible"]:
        item.n_filtered += 1
    else:
        item.n_counted += 1
        if row["claim"] is not None:
            item.claims.add(("" if day is None else str(day), _written(row["claim"])))
        if isinstance(day, date):
            item.days.add(day)
            item.first = day if item.first is None else min(item.first, day)
            item.last = day if item.last is None else max(item.last, day)


def _written(claim: object) -> str:
    return claim.decode("utf-8", "replace") if isinstance(claim, bytes) else str(claim)
