"""The synthetic extracts: members block by block, claims month by month, written to Parquet as they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from riskadj.synthetic.conditions import Histories
from riskadj.synthetic.encounters import Claims, Diagnoses, diagnoses_table, draw_month, join_claims
from riskadj.synthetic.fills import Fills, join_fills
from riskadj.synthetic.members import BLOCK_SIZE, ID_LENGTH, member_ids, month_starts
from riskadj.synthetic.populations import Population, Seed, find_population
from riskadj.synthetic.randomness import Bits, Ints, shuffled

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
    fills: Fills | None


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
    program: str = "medicare_part_c",
    directory: str | Path | None = None,
    order: Order = "random",
    rows_per_group: int = 1_000_000,
    claims: bool = True,
) -> dict[str, pa.Table] | dict[str, Path]:
    """Make an invented population: enrollment, diagnoses and claims extracts, and drugs of the ACA's markets.

    The same `n_members`, `seed`, `service_year` and `program` give the same rows on every machine. Members, conditions,
    codes and costs are drawn from the tables of this package; nobody in them exists. Memory grows with members (about
    60 bytes each) and with one month of claims, so any size that fits the disk can be written.

    Parameters
    ----------
    n_members : int
        Number of members. [1 to 655,360,000]
    seed : int
        Any whole number from 0 up.
    service_year : int
        Year of the diagnoses and claims. Enrollment is for the year after it (Medicare), or the same year (HHS, where
        it is the benefit year).
    program : {"medicare_part_c", "hhs"}
        A Medicare Advantage plan, or families in plans of several issuers of individual and small-group markets.
    directory : path, optional
        Folder, made if needed, for enrollment.parquet, diagnoses.parquet, drugs.parquet (HHS) and claims.parquet; files
        of these names are replaced. Without it the tables are returned.
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
        If a number, the order or the program is not one of those allowed.
    UnknownPaymentYearError
        If the year has no HHS-HCC model, whose drugs the members would take.
    """
    _check(n_members, seed, service_year, order, rows_per_group)
    population = find_population(program, seed, service_year)
    names = ["enrollment", "diagnoses"] + ["drugs"] * population.has_drugs + ["claims"] * claims
    folder = None if directory is None else Path(directory)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    paths = {name: None if folder is None else folder / f"{name}.parquet" for name in names}
    sinks = {name: Sink(path, rows_per_group, order == "member") for name, path in paths.items()}
    with ExitStack() as stack:
        for sink in sinks.values():
            stack.callback(sink.abandon)
        _fill(sinks, population, n_members, month_starts(service_year), order)
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


def _fill(sinks: dict[str, Sink], population: Population, n_members: int, starts: Ints, order: Order) -> None:
    ids = np.empty(n_members, dtype=f"V{ID_LENGTH}")
    kept: list[Histories] = []
    for block in range(-(-n_members // BLOCK_SIZE)):
        enrollment, histories = population.draw_block(block, min(BLOCK_SIZE, n_members - block * BLOCK_SIZE))
        sinks["enrollment"].take(enrollment)
        last = histories.first + len(histories.level)
        ids[histories.first : last] = member_ids(population.seed, histories.first, last - histories.first)
        if order == "random":
            kept.append(histories)
        else:
            _put(
                sinks,
                population,
                ids,
                _by_member(population, block, histories, starts, "claims" in sinks),
                None,
            )
    if order == "random":
        least_rows = sinks["diagnoses"].rows_per_group
        for number, batch in enumerate(_by_month(population, kept, starts, "claims" in sinks, least_rows)):
            _put(sinks, population, ids, batch, number)


@dataclass
class _Parts:
    """Blocks and months drawn so far, that are to become one batch."""

    claims: list[Claims] = field(default_factory=list)
    diagnoses: list[Diagnoses] = field(default_factory=list)
    lines: list[Lines] = field(default_factory=list)
    fills: list[Fills] = field(default_factory=list)

    def draw(
        self,
        population: Population,
        block: int,
        month: int,
        histories: Histories,
        starts: Ints,
        with_lines: bool,
    ) -> int:
        """Draw one block in one month; return how many diagnoses it has."""
        recipe, seed = population.recipe, population.seed
        claims, diagnoses = draw_month(recipe, seed, block, month, histories, starts, lines=with_lines)
        self.claims.append(claims)
        self.diagnoses.append(diagnoses)
        if with_lines:
            self.lines.append(draw_lines(recipe, seed, block, month, histories, claims))
        if population.has_drugs:
            self.fills.append(population.draw_fills(block, month, histories, starts))
        return len(diagnoses.claim)

    def batch(self) -> Batch:
        """Return what was drawn as one."""
        before = np.cumsum([0] + [part.n for part in self.claims]).tolist()[:-1]
        return Batch(
            *join_claims(self.claims, self.diagnoses),
            join_lines(self.lines, before) if self.lines else None,
            join_fills(self.fills) if self.fills else None,
        )


def _by_member(
    population: Population, block: int, histories: Histories, starts: Ints, with_lines: bool
) -> Batch:
    parts = _Parts()
    for month in range(1, 13):
        parts.draw(population, block, month, histories, starts, with_lines)
    return parts.batch()


def _by_month(
    population: Population, kept: list[Histories], starts: Ints, with_lines: bool, least_rows: int
) -> Iterator[Batch]:
    """Yield all blocks together, as many months at a time as fill a row group of diagnoses."""
    parts, n_rows = _Parts(), 0
    for month in range(1, 13):
        for block, histories in enumerate(kept):
            n_rows += parts.draw(population, block, month, histories, starts, with_lines)
        if month == 12 or n_rows >= least_rows:
            yield parts.batch()
            parts, n_rows = _Parts(), 0


def _put(
    sinks: dict[str, Sink],
    population: Population,
    ids: npt.NDArray[np.void],
    batch: Batch,
    shuffle: int | None,
) -> None:
    """Write a batch in order: shuffled with the stream of that number, or by member and day."""
    claims, recipe, seed = batch.claims, population.recipe, population.seed

    def put(name: str, stream: int, keys: tuple[np.ndarray, ...], table: Callable[[Ints], pa.Table]) -> None:
        order = _order(seed, keys, None if shuffle is None else (stream, shuffle))
        for rows in _slices(order, sinks[name].rows_per_group):
            sinks[name].take(table(rows))

    def by_claim(claim: npt.NDArray[np.uint32]) -> tuple[np.ndarray, ...]:
        return claim, claims.day[claim], claims.member[claim]

    diagnoses, lines, fills = batch.diagnoses, batch.lines, batch.fills
    put(
        "diagnoses", 7, by_claim(diagnoses.claim),
        lambda rows: diagnoses_table(recipe, ids, claims, diagnoses, rows),
    )  # fmt: skip
    if lines is not None:
        put("claims", 8, by_claim(lines.claim), lambda rows: claims_table(recipe, ids, claims, lines, rows))
    if fills is not None:
        put("drugs", 12, (fills.day, fills.member), lambda rows: population.drugs_table(ids, fills, rows))


def _order(seed: Seed, keys: tuple[np.ndarray, ...], shuffle: tuple[int, int] | None) -> Ints:
    """Return the rows shuffled, or sorted by the last key first."""
    if shuffle is not None:
        return shuffled(Bits(seed, *shuffle), len(keys[0]))
    return np.lexsort(keys)


def _slices(order: Ints, rows_per_group: int) -> list[Ints]:
    """Return the order cut into slices of about one size, none above `rows_per_group`."""
    return np.array_split(order, max(1, -(-len(order) // rows_per_group)))
