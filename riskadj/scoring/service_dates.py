"""When each condition of each member was seen: first and last service dates behind the condition bits of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.dates import days_of
from riskadj.extracts.open import Chunk, Extract, require
from riskadj.extracts.order import in_order
from riskadj.extracts.rejects import Rejects
from riskadj.kernels import evidence
from riskadj.scoring.capture import DIAGNOSES, CaptureCounts, CodeCapture, capture_diagnoses, no_bits
from riskadj.scoring.counted import CountedReader, columns_that_decide, compared_id_type
from riskadj.scoring.eligible_diagnoses import claim_filter, judge_nothing
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.run import ScoringRun

#: Stand for no date; every service date lies between them.
NO_FIRST, NO_LAST = np.iinfo(np.int32).max, np.iinfo(np.int32).min

Days = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Dated = tuple[Days, Days, Days, pa.Table]


@dataclass(frozen=True)
class ServiceDates:
    """Condition bits of one window of service dates, and between which dates each was seen.

    Attributes
    ----------
    window : tuple of date
        First and last service date that count, inclusive.
    captured : ndarray of uint64, shape (n_members, n_words)
    slots_begin : ndarray of int64, shape (n_members + 1,)
    first, last : ndarray of int32, shape (n_slots,)
        One slot for each bit that is on, member after member. [days since 1970-01-01]
    rows_of_month : ndarray of int64, shape (n_months,)
        Diagnoses that count and map to a condition, by month of the window.
    """

    window: tuple[date, date]
    captured: Words
    slots_begin: npt.NDArray[np.int64]
    first: Days
    last: Days
    rows_of_month: npt.NDArray[np.int64]

    def of_hccs(
        self, plan: ScoringPlan, first_word: int, hccs: Days, members: Days, ages: Bytes, sexes: Bytes
    ) -> tuple[Days, Days]:
        """Return first and last service date of HCCs of members; NO_FIRST and NO_LAST where there is no evidence.

        Parameters
        ----------
        plan : ScoringPlan
        first_word : int
            Where the model's words begin.
        hccs, members : ndarray of int32, shape (n,)
        ages, sexes : ndarray of uint8, shape (n,)
            Whole years; sex as 1 (first code) or 2 (second code).
        """
        bits, (begin, order) = plan.bit_columns, _bits_of_hccs(plan)
        first, last = np.full(len(hccs), NO_FIRST, np.int32), np.full(len(hccs), NO_LAST, np.int32)
        evidence.find_dates(
            members, hccs, ages, sexes, self.captured, first_word, begin, order, bits.sexes, bits.age_mins,
            bits.age_maxs, self.slots_begin, self.first, self.last, first, last,
        )  # fmt: skip
        return first, last

    def values_of_hccs(
        self,
        plan: ScoringPlan,
        first_word: int,
        hccs: Days,
        members: Days,
        ages: Bytes,
        sexes: Bytes,
        last_values: Days,
    ) -> Days:
        """Return the values on the last service date of HCCs of members (int32, shape (n, n_columns)).

        Parameters
        ----------
        last_values : ndarray of int32, shape (n_slots, n_columns)
            As `evidence.note_last_values` leaves it; the others are those of `of_hccs`.
        """
        bits, (begin, order) = plan.bit_columns, _bits_of_hccs(plan)
        _, last = self.of_hccs(plan, first_word, hccs, members, ages, sexes)
        found = np.full((len(hccs), last_values.shape[1]), evidence.NO_VALUE, np.int32)
        evidence.find_last_values(
            members, hccs, ages, sexes, self.captured, first_word, begin, order, bits.sexes, bits.age_mins,
            bits.age_maxs, self.slots_begin, self.last, last_values, last, found,
        )  # fmt: skip
        return found


def _bits_of_hccs(plan: ScoringPlan) -> tuple[npt.NDArray[np.int64], Days]:
    """Return the condition bits of each HCC: where they begin, and the bits."""
    hcc_ids = plan.bit_columns.hcc_ids
    order = np.argsort(hcc_ids, kind="stable").astype(np.int32)
    return np.searchsorted(hcc_ids[order], np.arange(plan.n_hccs + 1)).astype(np.int64), order


def capture_window(
    run: ScoringRun, extract: Extract, window: tuple[date, date]
) -> tuple[Words, CaptureCounts, Rejects]:
    """Return the condition bits that the diagnoses of another window give the members of a run.

    The run's own models, code book, claim filter and options apply; rows that cannot be used are returned, not refused.
    """
    columns = columns_that_decide(run, extract)
    which_count = claim_filter(run.options, run.rules.year, columns)
    sink = CodeCapture(
        run.index,
        run.book,
        no_bits(run.index, run.book),
        columns=DIAGNOSES,
        window=window,
        judge=which_count.judge if which_count else judge_nothing,
        id_type=compared_id_type(run, extract),
    )
    rejects = Rejects("write")
    counts = capture_diagnoses(extract, sink, rejects, columns=columns, threads=run.options.threads)
    return sink.captured, counts, rejects


def find_service_dates(
    run: ScoringRun, extract: Extract, window: tuple[date, date], captured: Words
) -> ServiceDates:
    """Read the diagnoses extract once more for the service dates behind the condition bits of a window.

    Parameters
    ----------
    run : ScoringRun
    extract : Extract
        Of role "diagnoses", with service dates.
    window : tuple of date
    captured : ndarray of uint64, shape (n_members, n_words)
        What the diagnoses of the window set, as `capture_window` or the run has it.

    Raises
    ------
    ColumnMissingError
        The extract has no service_date.
    """
    require(extract, ["service_date"])
    slots_begin = np.empty(len(captured) + 1, np.int64)
    evidence.number_slots(captured, slots_begin)
    first = np.full(slots_begin[-1], NO_FIRST, np.int32)
    last = np.full(slots_begin[-1], NO_LAST, np.int32)
    months = month_starts(window)
    rows_of_month = np.zeros(len(months), np.int64)
    for members, codes, dates, _ in dated_diagnoses(run, extract, window):
        evidence.note_dates(
            members, codes, dates, run.book.bits_begin, run.book.bits, captured, slots_begin, first, last
        )
        month = np.searchsorted(months, dates[members >= 0], side="right") - 1
        rows_of_month += np.bincount(month, minlength=len(months))
    return ServiceDates(window, captured, slots_begin, first, last, rows_of_month)


def dated_diagnoses(
    run: ScoringRun, extract: Extract, window: tuple[date, date], columns: Sequence[str] = ()
) -> Iterator[Dated]:
    """Yield the diagnoses of a window that count and map to a condition, a piece of the extract at a time.

    Each piece is member numbers (-1: not scored), code numbers, service dates [days since 1970-01-01], and the table of
    the `columns` asked for, of as many rows.
    """
    reader = CountedReader(run, extract, window)

    def read(chunk: Chunk) -> list[Dated]:
        return [(one.members, one.codes, one.days, one.columns(columns)) for one in reader.read(chunk)]

    wanted = tuple(dict.fromkeys((*reader.columns, *columns)))
    for pieces in in_order(read, extract.chunks(wanted), run.options.threads):
        yield from pieces


def month_starts(window: tuple[date, date]) -> Days:
    """Return the first day of each month of a window [days since 1970-01-01]; the first is the window's own."""
    first, last = window
    n_months = 12 * (last.year - first.year) + last.month - first.month + 1
    later = [first.month - 1 + n for n in range(1, n_months)]
    return np.array(
        [days_of(first), *(days_of(date(first.year + n // 12, n % 12 + 1, 1)) for n in later)], np.int32
    )
