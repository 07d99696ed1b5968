"""A summary of written scores: the tables of `Scores.summary` and `Scores.prevalence`, without the scores in memory.

Files are read a row group at a time; what is kept of an enrollment row is a hash, its group, its age and a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, ColumnTypeError, ExtractError, nearest
from riskadj.extracts.attributes import read_attributes
from riskadj.extracts.buffers import one_chunk, values_of
from riskadj.extracts.write import write_tables
from riskadj.results.rates import checked_rate, numbers_of_rates
from riskadj.results.summary.breakdown import AS_PAID, Breakdown, Part
from riskadj.results.summary.groups import AGE_BAND, NO_LABEL, Labels, age_bands, labels_of_column
from riskadj.results.summary.prevalence import Prevalence
from riskadj.results.summary.score_groups import SEGMENT, names_of_groups, new_segments
from riskadj.results.summary.suppression import check_min_cell
from riskadj.results.summary.written import Floats, Keys, WrittenScores, floats_of, member_keys, row_keys

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of payment_scores that are no groups.
_NO_GROUPS = (
    "member_id", "enrollment_start_date", "enrollment_end_date", "months_enrolled", "payment_risk_score",
)  # fmt: skip
_NO_AGE = 255


@dataclass(frozen=True)
class ScoreSummary:
    """Scores in few rows.

    Attributes
    ----------
    summary_table : pyarrow.Table
        One row per model and group, and as paid, as `Scores.summary` returns them.
    prevalence : pyarrow.Table
        One row per model, group and payment HCC, as `Scores.prevalence` returns them.
    run : dict
        The run report of the scores, and what was asked under "summary".
    """

    summary_table: pa.Table
    prevalence: pa.Table
    run: dict[str, Any]

    def summary(self) -> pd.DataFrame:
        """Return members, months and mean scores by model and group."""
        frame: pd.DataFrame = self.summary_table.to_pandas()
        return frame

    def to_pandas(self, table: str = "summary") -> pd.DataFrame:
        """Return one of the tables as a pandas DataFrame: "summary" or "prevalence"."""
        return self.summary() if table == "summary" else self.prevalence.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: the mean payment risk score of each group."""
        from riskadj.results.plots.summary import plot_summary

        return plot_summary(self.summary_table, self.run["summary"]["by"])

    def write(self, directory: str | Path, *, overwrite: bool = False) -> Path:
        """Write summary, prevalence, summary.png and run.json into `directory`, all or nothing.

        Raises
        ------
        OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        tables = {"summary": self.summary_table, "prevalence": self.prevalence}
        charts = {"summary": self.plot()}
        return write_tables(directory, tables, self.run, charts=charts, overwrite=overwrite)

    def __repr__(self) -> str:
        """Return what was summarised, without any member's data."""
        by = ", ".join(self.run["summary"]["by"]) or "model"
        return f"<ScoreSummary: payment year {self.run['payment_year']}, by {by}>"


def summarise_directory(
    directory: str | Path,
    by: Sequence[str] | str = (SEGMENT,),
    *,
    min_cell: int | None = None,
    rate: float | str | None = None,
    attributes: Any = None,
    maps_dir: str | Path | None = None,
) -> ScoreSummary:
    """Return a summary of the scores in a directory that `riskadj score` wrote.

    Parameters
    ----------
    by : sequence of str or str
        Any of segment, age_band, columns of payment_scores (contract_id, plan_id, county_code), and columns of
        `attributes`.
    min_cell : int, optional
        Blank numbers of groups of fewer members, and of others where a total would tell them. [members]
    rate : float or str, optional
        Dollars per member and month at a score of 1.000, or the column of `attributes` that holds them: adds revenue,
        and means weighted by revenue at a score of 1.000 beside those weighted by months.
    attributes : path or table, optional
        One row per member: member_id and any columns.
    maps_dir : path, optional
        The tables that the scores were made with, if not those that ship.

    Raises
    ------
    ExtractError, ManifestError
        The directory holds no scores, or they were made with other tables.
    ColumnMissingError
        A name is no column to group by, or `rate` no column of `attributes`.
    """
    by = names_of_groups(by)
    check_min_cell(min_cell)
    written = WrittenScores.of(directory, maps_dir=maps_dir)
    rows = _Rows.of(written, by, attributes, rate)
    breakdown, prevalence = Breakdown(by), Prevalence(by)
    for model_id, part, hccs in _model_parts(written, by, rows):
        breakdown.add(part)
        prevalence.add(model_id, part.labels, part.members, hccs)
    if SEGMENT not in by:
        for part in _paid_parts(written, by, rows):
            breakdown.add(part)
    asked = {"scores": str(directory), "by": list(by), "min_cell": min_cell, "rate": rate}
    table = breakdown.table(min_cell, with_rates=rate is not None)
    return ScoreSummary(table, prevalence.table(min_cell), written.run | {"summary": asked})


@dataclass
class _Rows:
    """What is known of the rows of payment_scores: labels from there, and age and status from model_scores.

    Attributes
    ----------
    keys : ndarray of uint64, shape (n_rows,)
        Hash of member and start, ascending; `order` holds the row of each.
    labels : dict of str to Labels, each of shape (n_rows,)
    rates : ndarray of float64, shape (n_rows,)
        Monthly payment at a score of 1.000; NaN where none is asked for. [dollars]
    ages : ndarray of uint8, shape (n_rows,)
    is_new : ndarray of bool, shape (n_rows,)
    """

    keys: Keys
    order: npt.NDArray[np.int64]
    labels: dict[str, Labels]
    rates: Floats
    ages: npt.NDArray[np.uint8]
    is_new: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, written: WrittenScores, by: Sequence[str], attributes: Any, rate: float | str | None
    ) -> _Rows:
        own = None if attributes is None else _Attributes.of(attributes, written.id_type())
        _check_names(written, by, own)
        keys, rates = [np.zeros(0, np.uint64)], [np.zeros(0)]
        pieces = {name: _Growing() for name in by if name not in (SEGMENT, AGE_BAND)}
        for table in written.payments(("member_id", "enrollment_start_date", *pieces)):
            members = member_keys(table["member_id"])
            keys.append(row_keys(table, members))
            rates.append(_rates(rate, own, members))
            for name, piece in pieces.items():
                given = own is not None and name in own.table.column_names
                piece.add(own.labels_of(name, members) if own and given else labels_of_column(table[name]))
        every = np.concatenate(keys)
        order = np.argsort(every, kind="stable")
        ages, is_new = np.full(len(every), _NO_AGE, np.uint8), np.zeros(len(every), np.bool_)
        labels = {name: piece.labels() for name, piece in pieces.items()}
        return cls(every[order], order, labels, np.concatenate(rates), ages, is_new)

    def find(self, keys: Keys) -> npt.NDArray[np.int64]:
        """Return the row of payment_scores of each row of model_scores."""
        return self.order[np.searchsorted(self.keys, keys)]

    def take(
        self, by: Sequence[str], at: npt.NDArray[np.int64], known: dict[str, Labels]
    ) -> dict[str, Labels]:
        """Return the labels of some rows, in the order of `by`."""
        found = known | {name: labels.take(at) for name, labels in self.labels.items()}
        return {name: found[name] for name in by}


def _check_names(written: WrittenScores, by: Sequence[str], own: _Attributes | None) -> None:
    columns = [name for name in written.payment_columns() if name not in _NO_GROUPS]
    known = [SEGMENT, AGE_BAND, *columns, *([] if own is None else own.table.column_names)]
    for name in by:
        if name not in known:
            raise ColumnMissingError(
                f"by='{name}' is no column to group written scores by{nearest(name, known)}; there are: "
                f"{', '.join(known)}. Others can come in a table of member_id and any columns (attributes=)."
            )


def _rates(rate: float | str | None, own: _Attributes | None, members: Keys) -> Floats:
    """Return the rate of each of some rows: one for everybody, or that of the member in the attributes."""
    if rate is None:
        return np.full(len(members), np.nan)
    if not isinstance(rate, str):
        return np.full(len(members), checked_rate(rate))
    known = [] if own is None else own.table.column_names
    if own is None or rate not in known:
        raise ColumnMissingError(
            f"rate='{rate}' is no column of attributes{nearest(rate, known)}; there are: {', '.join(known) or 'none'}. "
            "Give one of them, or dollars per member and month for everybody."
        )
    return own.rates_of(rate, members)


@dataclass
class _Growing:
    """Labels of rows that come in pieces, each with names of its own."""

    def __post_init__(self) -> None:
        self._names: dict[str, int] = {}
        self._codes = [np.zeros(0, np.int32)]

    def add(self, labels: Labels) -> None:
        used, of_row = np.unique(labels.codes, return_inverse=True)
        numbers = [self._names.setdefault(labels.names[code], len(self._names)) for code in used.tolist()]
        self._codes.append(np.array(numbers, np.int32)[of_row])

    def labels(self) -> Labels:
        return Labels(np.concatenate(self._codes), tuple(self._names))


@dataclass(frozen=True)
class _Attributes:
    """A table of the caller's own, its rows found by hashes of member ids."""

    table: pa.Table
    keys: Keys
    order: npt.NDArray[np.int64]

    @classmethod
    def of(cls, source: Any, id_type: pa.DataType) -> _Attributes:
        ids, table = read_attributes(source)
        try:
            ids = ids.cast(id_type)
        except MemoryError:
            raise
        except pa.ArrowException:
            raise ColumnTypeError(
                f"member_id is {ids.type} in attributes and {id_type} in the scores; give both one type."
            ) from None
        keys = member_keys(pa.chunked_array([ids]))
        order = np.argsort(keys, kind="stable")
        repeats = np.unique(keys[order][1:][np.diff(keys[order]) == 0])
        if len(repeats):
            raise ExtractError(
                f"attributes has several rows for {len(repeats):,} members; give one a member."
            )
        return cls(table, keys[order], order)

    def labels_of(self, name: str, members: Keys) -> Labels:
        """Return the labels of members; those who are not there have none."""
        labels = labels_of_column(self.table[name])
        rows, found = self._find(members)
        names = (*labels.names, NO_LABEL)
        return Labels(np.where(found, labels.codes[rows], len(labels.names)).astype(np.int32), names)

    def rates_of(self, name: str, members: Keys) -> Floats:
        """Return the rates of members, from 0.

        Raises
        ------
        ColumnTypeError, ExtractError
            The column is not made of numbers, or members have none.
        """
        rates = numbers_of_rates(self.table[name], "attributes", name)
        rows, found = self._find(members)
        of_rows: Floats = np.where(found, rates[rows], np.nan)
        n_lacking = int((~(of_rows >= 0)).sum())
        if n_lacking:
            raise ExtractError(
                f"attributes, column '{name}': no rate for {n_lacking:,} of {len(members):,} scored rows; give each "
                "member its dollars per member and month, or pass one rate for everybody."
            )
        return of_rows

    def _find(self, members: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the row of each member, and whether there is one."""
        at = np.minimum(np.searchsorted(self.keys, members), len(self.keys) - 1)
        return self.order[at], self.keys[at] == members


def _model_parts(
    written: WrittenScores, by: Sequence[str], rows: _Rows
) -> Iterator[tuple[str, Part, pa.ChunkedArray]]:
    columns = (
        "member_id", "enrollment_start_date", "segment", "months_enrolled", "age_years", "raw_risk_score",
        "payment_risk_score", "hccs",
    )  # fmt: skip
    new = {name: new_segments(model) for name, model in written.models.items()}
    for model_id, table in written.model_rows(columns):
        members, segment = member_keys(table["member_id"]), labels_of_column(table["segment"])
        at = rows.find(row_keys(table, members))
        ages = values_of(one_chunk(table["age_years"]))
        is_new = np.isin(np.array(segment.names)[segment.codes], new[model_id])
        rows.ages[at] = ages
        rows.is_new[at] |= is_new
        known = {SEGMENT: segment, AGE_BAND: age_bands(ages)}
        part = Part(
            model_id=model_id,
            labels=rows.take(by, at, known),
            members=members,
            months=floats_of(table["months_enrolled"]),
            raw=floats_of(table["raw_risk_score"]),
            payment=floats_of(table["payment_risk_score"]),
            rates=rows.rates[at],
            is_new=is_new,
        )
        yield model_id, part, table["hccs"]


def _paid_parts(written: WrittenScores, by: Sequence[str], rows: _Rows) -> Iterator[Part]:
    """Yield what is paid, all models blended; the ages are those that the models noted."""
    begin = 0
    for table in written.payments(("member_id", "months_enrolled", "payment_risk_score")):
        at = np.arange(begin, begin + table.num_rows)
        begin += table.num_rows
        yield Part(
            model_id=AS_PAID,
            labels=rows.take(by, at, {AGE_BAND: _bands(rows.ages[at])}),
            members=member_keys(table["member_id"]),
            months=floats_of(table["months_enrolled"]),
            raw=np.full(table.num_rows, np.nan),
            payment=floats_of(table["payment_risk_score"]),
            rates=rows.rates[at],
            is_new=rows.is_new[at],
        )


def _bands(ages: npt.NDArray[np.uint8]) -> Labels:
    """Return the band of each age; rows that no model scores have none."""
    bands = age_bands(ages)
    codes = np.where(ages == _NO_AGE, len(bands.names), bands.codes).astype(np.int32)
    return Labels(codes, (*bands.names, NO_LABEL))
