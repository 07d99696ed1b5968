"""Tables of encounter completeness: classes and reasons with what is at stake, months, claims, the worklist, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.cms_reports.keys import first_days
from riskadj.extracts.buffers import encoded_strings, from_numpy, one_chunk
from riskadj.results.encounters.classify import (
    CLASS,
    REASON,
    TYPES,
    Classified,
    Judge,
    claim_classes,
    distinct,
)
from riskadj.results.encounters.responses import ALLOWED, CLASSES, STANDING, WITHOUT_CLAIM
from riskadj.results.encounters.stake import Stakes, Worth, bits_of
from riskadj.scoring.marginal_rows import difference
from riskadj.scoring.payment_score import Scores, to_float
from riskadj.scoring.plan import Words
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import score_column, span_columns
from riskadj.terms import SPAN

Numbers = npt.NDArray[np.int64]


def class_table(stakes: Stakes, found: Classified, alone: Mapping[str, Alone]) -> pa.Table:
    """Return `Encounters.classes`: every class, those without a diagnosis too."""
    counts = np.bincount(found.classes, minlength=len(CLASSES))
    claims = np.bincount(claim_classes(found)[0], minlength=len(CLASSES)) if len(found.claims) else None
    rows = []
    for number, name in enumerate(CLASSES[:WITHOUT_CLAIM]):
        group = _of(found.rest, number)
        rows.append({
            "class": name, "diagnoses": int(counts[number]),
            "share": counts[number] / len(found.classes) if len(found.classes) else None,
            "claims": None if claims is None else int(claims[number]),
            **_worth(stakes, None if number == ALLOWED else bits_of(stakes.run, group)),
        })  # fmt: skip
    lone = {"class": CLASSES[WITHOUT_CLAIM], "diagnoses": sum(one.rows.num_rows for one in alone.values())}
    return pa.Table.from_pylist([*rows, {**lone, **_worth(stakes, all_bits(stakes, alone))}], _CLASS_SCHEMA)


@dataclass(frozen=True)
class Alone:
    """Diagnoses of one source that CMS counts without a claim of ours, and their condition bits."""

    rows: pa.Table
    bits: Words


def all_bits(stakes: Stakes, alone: Mapping[str, Alone]) -> Words:
    """Return the condition bits of the diagnoses of all sources."""
    return np.bitwise_or.reduce([np.zeros_like(stakes.accepted), *(one.bits for one in alone.values())])


_AT_STAKE = [
    ("rows_changed", pa.int64()),
    ("score_months_at_stake", pa.float64()),
    ("dollars_at_stake", pa.float64()),
]
_CLASS_SCHEMA = pa.schema([
    ("class", pa.string()), ("diagnoses", pa.int64()), ("share", pa.float64()), ("claims", pa.int64()), *_AT_STAKE,
])  # fmt: skip
_REASON_SCHEMA = pa.schema([
    ("class", pa.string()), ("source", pa.string()), ("reason", pa.string()), ("diagnoses", pa.int64()), *_AT_STAKE,
])  # fmt: skip


def _of(rest: pa.Table, number: int) -> pa.Table:
    return rest.filter(pc.equal(rest[CLASS], number))


def _worth(stakes: Stakes, bits: Words | None) -> dict[str, Any]:
    """Return what is at stake by some condition bits; nothing where there are none."""
    none = Worth(0, 0.0, None if stakes.rates is None else 0.0)
    worth = none if bits is None or not bits.any() else stakes.worth(stakes.with_more(bits))
    return {
        "rows_changed": worth.rows_changed,
        "score_months_at_stake": worth.score_months,
        "dollars_at_stake": worth.dollars,
    }


def reason_table(stakes: Stakes, judge: Judge, found: Classified, alone: Mapping[str, Alone]) -> pa.Table:
    """Return `Encounters.reasons`, in order of class, the most diagnoses first."""
    codes = found.reasons.astype(np.int64) * len(CLASSES) + found.classes
    rows = []
    for code, n_diagnoses in zip(
        *(each.tolist() for each in np.unique(codes, return_counts=True)), strict=True
    ):
        reason, number = divmod(code, len(CLASSES))
        source, word = judge.reasons[reason]
        group = found.rest.filter(
            pc.and_(pc.equal(found.rest[CLASS], number), pc.equal(found.rest[REASON], reason))
        )
        bits = None if number == ALLOWED else bits_of(stakes.run, group)
        rows.append((number, -n_diagnoses, source, word, _worth(stakes, bits)))
    rows += [
        (WITHOUT_CLAIM, -one.rows.num_rows, source, "", _worth(stakes, one.bits))
        for source, one in alone.items()
        if one.rows.num_rows
    ]
    rows.sort(key=lambda row: row[:2])
    return pa.Table.from_pylist(
        [
            {"class": CLASSES[number], "source": source, "reason": word or None, "diagnoses": -less, **worth}
            for number, less, source, word, worth in rows
        ],
        _REASON_SCHEMA,
    )


def month_table(judge: Judge, found: Classified) -> pa.Table:
    """Return `Encounters.months`."""
    (months, types, classes, reasons), counts = _counted(
        found.months, found.types, found.classes, found.reasons
    )
    sources, words = _reason_columns(judge)
    return pa.table({
        "month": _month_column(months), "claim_type": encoded_strings(types, TYPES),
        "class": encoded_strings(classes, CLASSES),
        "source": sources.take(from_numpy(reasons, pa.int64())),
        "reason": words.take(from_numpy(reasons, pa.int64())),
        "diagnoses": from_numpy(counts, pa.int64()),
    })  # fmt: skip


def _reason_columns(judge: Judge) -> tuple[pa.Array, pa.Array]:
    """Return source and reason by reason code."""
    sources = pa.array([source for source, _ in judge.reasons], pa.string())
    return sources, pa.array([word or None for _, word in judge.reasons], pa.string())


def claim_table(found: Classified) -> pa.Table:
    """Return `Encounters.claims`."""
    classes, first = claim_classes(found)
    (months, types, numbers), counts = _counted(found.months[first], found.types[first], classes)
    return pa.table({
        "month": _month_column(months), "claim_type": encoded_strings(types, TYPES),
        "class": encoded_strings(numbers, CLASSES), "claims": from_numpy(counts, pa.int64()),
    })  # fmt: skip


def _month_column(months: Numbers) -> pa.Array:
    days = first_days(np.maximum(months, 0))
    return pc.if_else(from_numpy(months >= 0, pa.bool_()), days, pa.scalar(None, pa.date32()))


def _counted(*columns: npt.NDArray[Any]) -> tuple[list[Numbers], Numbers]:
    """Return the distinct combinations of some columns of whole numbers, in order, and how many rows have each."""
    sizes = [int(column.max(initial=-1)) + 2 for column in columns]  # -1 stands for none
    keys = np.zeros(len(columns[0]), np.int64)
    for column, size in zip(columns, sizes, strict=True):
        keys = keys * size + column + 1
    found, counts = np.unique(keys, return_counts=True)
    parts = []
    for size in reversed(sizes):
        found, part = np.divmod(found, size)
        parts.append(part - 1)
    return parts[::-1], counts.astype(np.int64)


def worklist(run: ScoringRun, judge: Judge, found: Classified, alone: Mapping[str, Alone]) -> pa.Table:
    """Return `Encounters.worklist`: has_hcc says whether a model of the run maps the code."""
    ours = distinct(found.rest)
    sources, words = (column.take(ours[REASON]) for column in _reason_columns(judge))
    listed = _listed(run, ours, ours[CLASS].to_numpy(), sources, words)
    theirs = [
        _listed(
            run,
            one.rows,
            np.full(n_rows, WITHOUT_CLAIM),
            pa.repeat(source, n_rows),
            pa.nulls(n_rows, pa.string()),
        )
        for source, one in alone.items()
        for n_rows in [one.rows.num_rows]
    ]
    return pa.concat_tables([listed, *theirs])


def _listed(
    run: ScoringRun,
    rows: pa.Table,
    classes: Numbers,
    sources: Sequence[str | None],
    reasons: Sequence[str | None],
) -> pa.Table:
    columns = dict(_as_text(rows))
    encoded = one_chunk(columns["diagnosis_code"].dictionary_encode())
    numbers = run.book.look_up(encoded.dictionary) if len(encoded.dictionary) else np.zeros(0, np.int32)
    maps = run.book.is_mapped[np.maximum(numbers, 0)] & (numbers >= 0)
    return pa.table({
        **columns,
        "class": encoded_strings(classes, CLASSES).cast(pa.string()),
        "source": sources, "reason": reasons,
        "has_hcc": from_numpy(maps[encoded.indices.to_numpy()], pa.bool_()),
    })  # fmt: skip


def _as_text(rows: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Yield the columns of a diagnosis, those that are lacking as nulls."""
    for name in STANDING:
        kind = pa.date32() if name == "service_date" else pa.string()
        given = name in rows.column_names
        yield name, rows[name].cast(kind) if given else pa.chunked_array([pa.nulls(rows.num_rows, kind)])


def score_table(stakes: Stakes, ours: Scores, of_cms: Scores) -> pa.Table:
    """Return `Encounters.scores`."""
    population, decimals = stakes.run.population, stakes.run.population.year.decimals
    at_stake, lone = difference(ours, stakes.scores), difference(of_cms, stakes.scores)
    rows = np.flatnonzero((at_stake != 0) | (lone != 0))
    months = population.enrollment.months_enrolled[rows]
    columns = {
        **dict(zip(SPAN, span_columns(population.enrollment, rows), strict=True)),
        "months_enrolled": from_numpy(months, pa.int16()),
        "payment_risk_score": score_column(ours[rows], decimals),
        "payment_risk_score_accepted": score_column(stakes.scores[rows], decimals),
        "payment_risk_score_of_cms": score_column(of_cms[rows], decimals),
        "score_at_stake": score_column(at_stake[rows], decimals),
        "score_without_claim": score_column(lone[rows], decimals),
        "dollars_at_stake": _dollars(stakes, rows, at_stake),
        "dollars_without_claim": _dollars(stakes, rows, lone),
    }
    return pa.table(columns)


def _dollars(stakes: Stakes, rows: Numbers, change: Scores) -> pa.Array:
    points, lacking = to_float(change[rows], stakes.run.population.year.decimals)
    if stakes.rates is None:
        return pa.nulls(len(rows), pa.float64())
    dollars = points * stakes.run.population.enrollment.months_enrolled[rows] * stakes.rates[rows]
    return from_numpy(dollars, pa.float64(), valid=~lacking)
