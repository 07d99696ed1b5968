"""The synthetic extracts: members block by block, claims month by month, written to Parquet as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.errors import OptionError
from riskadj.synthetic.claim_lines import Lines, claims_table, draw_lines, join_lines
from riskadj.synthetic.columns import plain
from riskadj.synthetic.conditions import Histories, draw_conditions, draw_histories
from riskadj.synthetic.encounters import Claims, Diagnoses, diagnoses_table, draw_month, join_claims
from riskadj.synthetic.enrollment import enrollment_table
from riskadj.synthetic.members import BLOCK_SIZE, ID_LENGTH, draw_members, member_ids, month_starts
from riskadj.synthetic.randomness import Bits, Ints, shuffled
from riskadj.synthetic.recipe import Recipe, load_recipe

Order = Literal["random", "member"]
ORDERS = ("random", "member")
MAX_MEMBERS = 10_000 * BLOCK_SIZE
UNIQUE_COLUMNS = ("claim_id", "allowed_amount", "paid_amount")
"""Columns that a dictionary would not make smaller."""


@dataclass(frozen=True)
class Batch:
    """Claims of several blocks or months that are put in order and written together."""

    claims: Claims
    diagnoses: Diagnoses
    lines: Lines | None


@dataclass
class Sink:
    """Takes the tables of one extract: collects them, or writes them as row groups."""

    path: Path | None
    rows_per_group: int
    dictionary_ids: bool
    tables: list[pa.Table] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None

    def take(self, table: pa.Table) -> None:
        """Take the next table of the extract; small ones wait for their neighbours to make a row group."""
        if self.path is None:
            self.tables.append(plain(table))
            return
        if table.num_rows + sum(waiting.num_rows for waiting in self.tables) > self.rows_per_group:
            self._write()
        self.tables.append(table)

    def _write(self) -> None:
        if not self.tables or self.path is None:
            return
        table = self.result()
        self.tables.clear()
        if self._writer is None:
            dictionaries = [
                name
                for name in table.column_names
                if name not in UNIQUE_COLUMNS and (name != "member_id" or self.dictionary_ids)
            ]
            self._writer = pq.ParquetWriter(
                self._unfinished,
                table.schema,
                compression="zstd",
                use_dictionary=dictionaries,
                store_schema=False,
            )
        self._writer.write_table(table, row_group_size=self.rows_per_group)

    @property
    def _unfinished(self) -> Path:
        assert self.path is not None
        return self.path.with_suffix(".unfinished")

    def finish(self) -> None:
        """Write what waits and give the file its name: a file that is there is whole."""
        self._write()
        if self._writer is not None and self.path is not None:
            self._writer.close()
            self._unfinished.replace(self.path)
            self._writer = None

    def abandon(self) -> None:
        """Remove a file that did not get finished."""
        if self._writer is not None:
            self._writer.close()
            self._unfinished.unlink(missing_ok=True)

    def result(self) -> pa.Table:
        """Return the collected tables as one."""
        return pa.concat_tables(self.tables)


def make_synthetic(
    n_members: int,
    *,
    seed: int,
    service_year: int,
    directory: str | Path | None = None,
    order: Order = "random",
    rows_per_group: int = 1_000_000,
    claims: bool = True,
) -> dict[str, pa.Table] | dict[str, Path]:
    """Make an invented Medicare Advantage population: enrollment, diagnoses and claims extracts.

    The same `n_members`, `seed` and `service_year` give the same rows on every machine. Members, conditions, codes and
    costs are drawn from the tables of this package; nobody in them exists. Memory grows with members (about 60 bytes
    each) and with one month of claims, so any size that fits the disk can be written.

    Parameters
    ----------
    n_members : int
        Number of members. [1 to 655,360,000]
    seed : int
        Any whole number from 0 up.
    service_year : int
        Year of the diagnoses and claims; enrollment is for the year after it.
    directory : path, optional
        Folder, made if needed, for enrollment.parquet, diagnoses.parquet and claims.parquet; files of these names are
        replaced. Without it the tables are returned.
    order : {"random", "member"}
        "random": rows of all members mixed, a slice of the year after another, so that every row group holds members of
        the whole population. "member": all rows of a member together. The rows are the same.
    rows_per_group : int
        Most rows in a Parquet row group.
    claims : bool
        Whether to make the claims extract; enrollment and diagnoses are the same either way.

    Returns
    -------
    dict
        Extract name -> path of the file written, or Arrow table with plain columns.

    Raises
    ------
    OptionError
        If a number or the order is not one of those allowed.
    """
    _check(n_members, seed, service_year, order, rows_per_group)
    names = ["enrollment", "diagnoses"] + ["claims"] * claims
    folder = None if directory is None else Path(directory)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    paths = {name: None if folder is None else folder / f"{name}.parquet" for name in names}
    sinks = {name: Sink(path, rows_per_group, order == "member") for name, path in paths.items()}
    with ExitStack() as stack:
        for sink in sinks.values():
            stack.callback(sink.abandon)
        _fill(sinks, n_members, (seed, service_year), service_year, order)
        for sink in sinks.values():
            sink.finish()
    if folder is None:
        return {name: sink.result() for name, sink in sinks.items()}
    return {name: path for name, path in paths.items() if path is not None}


def _check(n_members: int, seed: int, service_year: int, order: str, rows_per_group: int) -> None:
    for name, number, low, high in (
        ("n_members", n_members, 1, MAX_MEMBERS),
        ("seed", seed, 0, None),
        ("service_year", service_year, 1900, 9000),
        ("rows_per_group", rows_per_group, 1, None),
    ):
        if number < low or (high is not None and number > high):
            allowed = f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
            raise OptionError(f"{name} is {number:,}; allowed: {allowed}.")
    if order not in ORDERS:
        raise OptionError(f"order is {order!r}; allowed: {', '.join(ORDERS)}.")


def _fill(
    sinks: dict[str, Sink], n_members: int, seed: tuple[int, int], service_year: int, order: Order
) -> None:
    recipe, starts = load_recipe(), month_starts(service_year)
    ids = np.empty(n_members, dtype=f"V{ID_LENGTH}")
    kept: list[Histories] = []
    for block in range(-(-n_members // BLOCK_SIZE)):
        histories = _draw_block(sinks["enrollment"], recipe, seed, block, n_members, service_year + 1)
        last = histories.first + len(histories.level)
        ids[histories.first : last] = member_ids(seed, histories.first, last - histories.first)
        if order == "random":
            kept.append(histories)
        else:
            _put(
                sinks,
                recipe,
                seed,
                ids,
                _by_member(recipe, seed, block, histories, starts, "claims" in sinks),
                None,
            )
    if order == "random":
        least_rows = sinks["diagnoses"].rows_per_group
        for number, batch in enumerate(_by_month(recipe, seed, kept, starts, "claims" in sinks, least_rows)):
            _put(sinks, recipe, seed, ids, batch, number)


def _draw_block(
    sink: Sink, recipe: Recipe, seed: tuple[int, int], block: int, n_members: int, payment_year: int
) -> Histories:
    n = min(BLOCK_SIZE, n_members - block * BLOCK_SIZE)
    members = draw_members(recipe, seed, block, n, payment_year)
    present = draw_conditions(recipe, seed, block, members)
    special = np.any(
        [has for condition, has in zip(recipe.conditions, present, strict=True) if condition.special_needs],
        axis=0,
    )
    sink.take(enrollment_table(recipe, seed, block, members, special, payment_year))
    return draw_histories(recipe, seed, block, members, present)


def _batch(claims: list[Claims], diagnoses: list[Diagnoses], lines: list[Lines]) -> Batch:
    before = np.cumsum([0] + [part.n for part in claims]).tolist()[:-1]
    joined = join_claims(claims, diagnoses)
    return Batch(*joined, join_lines(lines, before) if lines else None)


def _by_member(
    recipe: Recipe, seed: tuple[int, int], block: int, histories: Histories, starts: Ints, with_lines: bool
) -> Batch:
    claims, diagnoses, lines = [], [], []
    for month in range(1, 13):
        part, codes = draw_month(recipe, seed, block, month, histories, starts, lines=with_lines)
        claims.append(part)
        diagnoses.append(codes)
        if with_lines:
            lines.append(draw_lines(recipe, seed, block, month, histories, part))
    return _batch(claims, diagnoses, lines)


def _by_month(
    recipe: Recipe,
    seed: tuple[int, int],
    kept: list[Histories],
    starts: Ints,
    with_lines: bool,
    least_rows: int,
) -> Iterator[Batch]:
    """Yield all blocks together, as many months at a time as fill a row group of diagnoses."""
    claims, diagnoses, lines, n_rows = list[Claims](), list[Diagnoses](), list[Lines](), 0
    for month in range(1, 13):
        for block, histories in enumerate(kept):
            part, codes = draw_month(recipe, seed, block, month, histories, starts, lines=with_lines)
            claims.append(part)
            diagnoses.append(codes)
            n_rows += len(codes.claim)
            if with_lines:
                lines.append(draw_lines(recipe, seed, block, month, histories, part))
        if month == 12 or n_rows >= least_rows:
            yield _batch(claims, diagnoses, lines)
            claims, diagnoses, lines, n_rows = [], [], [], 0


def _put(
    sinks: dict[str, Sink],
    recipe: Recipe,
    seed: tuple[int, int],
    ids: npt.NDArray[np.void],
    batch: Batch,
    shuffle: int | None,
) -> None:
    """Write a batch in order: shuffled with the stream of that number, or by member and day."""
    claims = batch.claims
    order = _order(seed, claims, batch.diagnoses.claim, None if shuffle is None else (7, shuffle))
    for rows in _slices(order, sinks["diagnoses"].rows_per_group):
        sinks["diagnoses"].take(diagnoses_table(recipe, ids, claims, batch.diagnoses, rows))
    if batch.lines is not None:
        order = _order(seed, claims, batch.lines.claim, None if shuffle is None else (8, shuffle))
        for rows in _slices(order, sinks["claims"].rows_per_group):
            sinks["claims"].take(claims_table(recipe, ids, claims, batch.lines, rows))


def _order(
    seed: tuple[int, int], claims: Claims, claim: npt.NDArray[np.uint32], shuffle: tuple[int, int] | None
) -> Ints:
    if shuffle is not None:
        return shuffled(Bits(seed, *shuffle), len(claim))
    return np.lexsort((claim, claims.day[claim], claims.member[claim]))


def _slices(order: Ints, rows_per_group: int) -> list[Ints]:
    """Return the order cut into slices of about one size, none above `rows_per_group`."""
    return np.array_split(order, max(1, -(-len(order) // rows_per_group)))
