"""What a worker does with its share of the members: rows of both extracts in, rows of scores out, as Arrow batches.

Nothing here knows which engine it works for. A batch that comes in has a struct column for each extract that is read
and the position of the row; all structs but one are null in each row, and extracts come in the order of `ROLES`. What
goes out has one struct per output table and a report, of which each row has one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj import errors
from riskadj.engines.shipped_maps import ShippedMaps, unpacked
from riskadj.errors import RiskAdjError, defect
from riskadj.extracts.open import Extract, open_extract
from riskadj.extracts.rejects import Rejects
from riskadj.results.passes import joined_report
from riskadj.results.scores import collect
from riskadj.results.summary.summary import sums_of
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.reading import read_run, survey_share
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_report
from riskadj.scoring.shares import Whole

#: Extracts, in the order in which their rows come in; each is a column of a batch. Drugs need not be there.
ENROLLMENT, DRUGS, DIAGNOSES = ROLES = ("enrollment", "drugs", "diagnoses")
#: Column of a batch that numbers the rows of each extract.
POSITION = "position"
#: Columns of a batch that goes out.
TABLES = ("payment_scores", "model_scores", "rejects")
REPORT = "report"
#: Rows of a batch that goes out.
ROWS_PER_BATCH = 1 << 16


@dataclass(frozen=True)
class Task:
    """What every worker is told.

    Attributes
    ----------
    options : ScoreOptions
        Rejected rows are always written: whoever sees all shares decides whether they stop the run.
    layout : str
    columns : mapping of str to mapping
        Role -> canonical column name -> the extract's own name.
    maps : ShippedMaps or None
        Model tables that do not come with the package.
    whole : Whole or None
        What all shares are scored by; None for the survey that finds it.
    schemas : mapping of str to Schema
        Of each output table.
    notes : tuple of str
        What the columns of the whole enrollment tell: a worker is sent those that scores need, and no others.
    """

    options: ScoreOptions
    layout: str
    columns: Mapping[str, Mapping[str, str]]
    maps: ShippedMaps | None = None
    whole: Whole | None = None
    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def worker_options(self) -> ScoreOptions:
        """The options as a worker uses them: one thread, and tables where it finds them."""
        maps_dir = None if self.maps is None else unpacked(self.maps)
        return replace(self.options, rejects="write", threads=1, maps_dir=maps_dir)

    def open(self, source: Any, role: str) -> Extract:
        """Open one extract of the share."""
        return open_extract(source, role, layout=self.layout, columns=self.columns[role])


@dataclass(frozen=True)
class ShareScores:
    """Scores of a share: its tables by name, and its report."""

    tables: Mapping[str, pa.Table]
    report: dict[str, Any]


def survey_batches(task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield what a share's enrollment tells of the whole, as one row of one column."""
    share = Share(batches)
    if share.is_there:
        with _reporting() as report:
            report |= _survey(task, share)
        yield pa.record_batch([pa.array([json.dumps(report)])], names=[REPORT])


def score_batches(task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the scores of a share, table after table, and its report as the last row."""
    share = Share(batches)
    if not share.is_there:
        return
    tables: dict[str, pa.Table] = {}
    with _reporting() as report:
        scores = score_share(task, share)
        tables |= scores.tables
        report |= scores.report
    for name, table in tables.items():
        for batch in table.combine_chunks().to_batches(max_chunksize=ROWS_PER_BATCH):
            yield _batch_out(task.schemas, name, batch.to_struct_array())
    yield _batch_out(task.schemas, REPORT, pa.array([json.dumps(report)]))


@contextmanager
def _reporting() -> Iterator[dict[str, Any]]:
    """Yield a report to fill; a deliberate error of the block goes into it, for an engine's own would bury it.

    The text of any other error may quote a member's data, and engines log what they are told: only its place goes on.
    """
    report: dict[str, Any] = {}
    try:
        yield report
    except RiskAdjError as error:
        report["error"] = [type(error).__name__, str(error)]
    except Exception as error:  # noqa: BLE001 - it is raised again, without what may be data
        raise RuntimeError(defect(error)) from None


class Share:
    """The rows of a share as they come in: the enrollment and the drugs at once, the diagnoses a batch at a time."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._rest = iter(batches)
        first = next(self._rest, None)
        self.is_there = first is not None
        self.positions: dict[str, list[npt.NDArray[np.int64]]] = {role: [] for role in ROLES}
        if first is None:
            return
        self._rest, self._schema = chain([first], self._rest), first.schema
        self.enrollment = self._table(ENROLLMENT)
        self.drugs = self._table(DRUGS) if DRUGS in self._schema.names else None

    @property
    def diagnoses(self) -> pa.RecordBatchReader:
        """The diagnoses; read once."""
        return pa.RecordBatchReader.from_batches(
            self._schema_of(DIAGNOSES), (self._rows(batch, DIAGNOSES) for batch in self._rest)
        )

    def _table(self, role: str) -> pa.Table:
        """Return all rows of an extract; the batch in which the next extract begins is left for it."""
        found = []
        for batch in self._rest:
            found.append(self._rows(batch, role))
            if batch.num_rows and not batch.column(role)[-1].is_valid:
                self._rest = chain([batch], self._rest)
                break
        return pa.Table.from_batches(found, self._schema_of(role))

    def _schema_of(self, role: str) -> pa.Schema:
        return pa.schema(list(self._schema.field(role).type))

    def numbers(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return the positions of the rows read so far, by role."""
        none = np.empty(0, np.int64)
        return {role: np.concatenate([none, *found]) for role, found in self.positions.items()}

    def _rows(self, batch: pa.RecordBatch, role: str) -> pa.RecordBatch:
        """Return the rows of one extract in a batch, and note where they stood."""
        rows = batch.filter(batch.column(role).is_valid())
        self.positions[role].append(rows.column(POSITION).to_numpy())
        return pa.RecordBatch.from_struct_array(rows.column(role))


def batches_of(extracts: Mapping[str, pa.Table]) -> Iterator[pa.RecordBatch]:
    """Yield the extracts, by role, as the batches of one share, each row numbered as it stands."""
    tables = {role: extracts[role] for role in ROLES if role in extracts}
    types = {role: pa.struct(list(table.schema.remove_metadata())) for role, table in tables.items()}
    for role, table in tables.items():
        n_rows = table.num_rows
        rows = table.to_struct_array().cast(types[role])
        columns = [rows if name == role else pa.nulls(n_rows, types[name]) for name in types]
        position = pa.chunked_array([pa.array(np.arange(1, n_rows + 1), pa.int64())])
        chunks = pa.table([*columns, position], names=[*types, POSITION])
        empty = pa.RecordBatch.from_pylist([], schema=chunks.schema)
        yield from chunks.to_batches() or [empty]


def score_share(task: Task, share: Share) -> ShareScores:
    """Score a share as the local engine does."""
    extracts = task.open(share.enrollment, ENROLLMENT), task.open(share.diagnoses, DIAGNOSES)
    drugs = None if share.drugs is None else task.open(share.drugs, DRUGS)
    run = read_run(*extracts, task.worker_options, whole=task.whole, drugs=drugs)
    scores = collect(run, (None, None))
    rejects = run.rejects.renumbered(share.numbers())
    tables = dict(zip(TABLES, (scores.payment_scores, scores.model_scores, rejects.table()), strict=True))
    report = {"run": run_report(run), "codes": _codes(run), "rejects": rejects.brief().as_dict()}
    return ShareScores({name: plain(table) for name, table in tables.items()}, report)


def sum_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield what batches of model_scores add up to, for a summary of all."""
    for batch in batches:
        yield from sums_of(pa.Table.from_batches([batch])).to_batches()


def _survey(task: Task, share: Share) -> dict[str, Any]:
    survey = survey_share(task.open(share.enrollment, ENROLLMENT), task.worker_options)
    numbers = share.numbers()
    return replace(
        survey, faults=survey.faults.renumbered(numbers), misfits=survey.misfits.renumbered(numbers)
    ).as_dict()


def _codes(run: ScoringRun) -> dict[str, Any]:
    """Return which codes of the book were seen in rows that count, as bits, and the codes that are in no table."""
    seen = run.counts.rows_of_code > 0
    return {
        "mapped": _packed(seen & run.book.is_mapped),
        "unmapped": _packed(seen & ~run.book.is_mapped),
        "unknown": sorted(run.counts.unknown_codes),
    }


def _packed(flags: npt.NDArray[np.bool_]) -> str:
    return base64.b64encode(np.packbits(flags).tobytes()).decode("ascii")


def _joined_codes(reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many different codes all shares saw together, and how many of them are known."""
    shares = [report["codes"] for report in reports]
    counts = {kind: _n_in_any([share[kind] for share in shares]) for kind in ("mapped", "unmapped")}
    unknown = len(set().union(*(share["unknown"] for share in shares)))
    return {"seen": sum(counts.values()) + unknown, **counts, "unknown": unknown}


def _n_in_any(packed: Iterable[str]) -> int:
    bits = [np.frombuffer(base64.b64decode(text), np.uint8) for text in packed]
    return int(np.unpackbits(np.bitwise_or.reduce(bits)).sum())


def plain(table: pa.Table) -> pa.Table:
    """Return a table in types that every engine has: labels as text, and the age as a signed number."""
    schema = pa.schema([(field.name, plain_type(field.type)) for field in table.schema])
    columns = [_plain_column(table[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def plain_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type that stands for an Arrow type outside of Arrow."""
    if pa.types.is_dictionary(arrow_type):
        return plain_type(arrow_type.value_type)
    if pa.types.is_list(arrow_type):
        return pa.list_(plain_type(arrow_type.value_type))
    if pa.types.is_large_string(arrow_type):
        return pa.string()
    return pa.int16() if pa.types.is_uint8(arrow_type) else arrow_type


def _plain_column(column: pa.ChunkedArray, arrow_type: pa.DataType) -> pa.ChunkedArray:
    if not pa.types.is_list(arrow_type):
        return column.cast(arrow_type)
    chunks = [
        pa.ListArray.from_arrays(chunk.offsets, chunk.values.cast(arrow_type.value_type))
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, type=arrow_type)


def _batch_out(schemas: Mapping[str, pa.Schema], name: str, rows: pa.Array) -> pa.RecordBatch:
    """Return rows of one output table, or the report, as a batch in which the columns of the others are null."""
    types = {**{table: pa.struct(list(schema)) for table, schema in schemas.items()}, REPORT: pa.string()}
    columns = [rows if column == name else pa.nulls(len(rows), types[column]) for column in types]
    return pa.RecordBatch.from_arrays(columns, names=list(types))


def raise_first_error(reports: Iterable[Mapping[str, Any]]) -> None:
    """Raise the deliberate error that ended a share, if one did.

    Raises
    ------
    RiskAdjError
        Of the kind it was, in its words.
    """
    for report in reports:
        if "error" in report:
            kind, message = report["error"]
            raise getattr(errors, kind)(message)


def joined_shares(reports: Sequence[Mapping[str, Any]], options: ScoreOptions) -> dict[str, Any]:
    """Return the run report of the whole from the reports of its shares.

    Raises
    ------
    RowsRejectedError
        Rows of diagnoses or drugs cannot be used, and the options say that this stops the run.
    """
    joined = joined_report([report["run"] for report in reports], _joined_codes(reports))
    joined["options"]["rejects"] = options.rejects
    rejects = Rejects(options.rejects)
    for report in reports:
        rejects.merge(Rejects.from_dict(report["rejects"]))
    for role in (DIAGNOSES, DRUGS):  # one after the other, as the local engine reads them
        if role in joined["counts"]:
            rejects.of_file(role).raise_if_stopping(joined["counts"][role]["rows_read"])
    return joined
