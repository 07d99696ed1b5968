"""What the HCCs of a population rest on: which stand on one claim, one record source, one provider alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from riskadj.errors import OptionError, nearest
from riskadj.extracts.contract import names_of
from riskadj.extracts.open import Chunk
from riskadj.extracts.order import in_order
from riskadj.kernels import support
from riskadj.kernels.evidence import number_slots
from riskadj.results.marginal.hashes import hashes_of, labels_of
from riskadj.scoring.counted import CountedReader
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun

#: Columns of the diagnoses that are looked at where the extract has them and nobody says otherwise.
USUAL_COLUMNS = ("claim_id", "record_source")
#: Columns that say nothing of where a diagnosis came from.
_NOT_BEHIND = ("member_id", "diagnosis_code")


@dataclass(frozen=True)
class Support:
    """What each captured condition bit of each member rests on, by columns of the diagnoses.

    Attributes
    ----------
    captured : ndarray of uint64, shape (n_members, n_words)
    begins : ndarray of int64, shape (n_members + 1,)
        See `kernels.evidence.number_slots`.
    values : ndarray of uint64, shape (n_captured_bits, n_columns)
        Hash of the only value of a column behind the bit, or the mark of several.
    labels : tuple of dict of int to str
        The value of each hash, for each column; empty for columns of ids and dates.
    """

    columns: tuple[str, ...]
    captured: Words
    begins: npt.NDArray[np.int64]
    values: Words
    labels: tuple[dict[int, str], ...]

    def of_hccs(
        self, run: ScoringRun, model: ModelRun, rows: npt.NDArray[np.int64], hccs: npt.NDArray[np.int16]
    ) -> Words:
        """Return what each HCC of an enrollment row rests on.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
        hccs : ndarray of int16, shape (n,)

        Returns
        -------
        ndarray of uint64, shape (n, n_columns)
            Hash of the only value of each column, or a mark of `kernels.support`.
        """
        population, bits = run.population, model.plan.bit_columns
        columns = population.profiles.columns
        found = np.empty((len(rows), len(self.columns)), np.uint64)
        support.find_values(
            population.member_of_row[rows],
            population.profiles.of_row[rows],
            hccs,
            columns["age_years"],
            (1 << columns["sex"]).astype(np.uint8),
            *_bits_of_hccs(model.plan),
            bits.sexes,
            bits.age_mins,
            bits.age_maxs,
            model.first_word,
            self.captured,
            self.begins,
            self.values,
            found,
        )
        return found


def is_single(found: Words) -> npt.NDArray[np.bool_]:
    """Return True where one value alone was found."""
    return (found != support.NOTHING) & (found != support.SEVERAL)


def columns_behind(run: ScoringRun, by: Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns of the diagnoses to look at: those asked for, or the usual ones that the extract has.

    Raises
    ------
    OptionError
        A column is no column of the diagnoses that could stand behind one, or the extract lacks it.
    """
    extract = run.extracts[1]
    if by is None:
        return tuple(name for name in USUAL_COLUMNS if name in extract.columns)
    known = [name for name in names_of("diagnoses") if name not in _NOT_BEHIND]
    for name in by:
        if name not in known:
            raise OptionError(
                f"by={name!r} is no column of the diagnoses that says what an HCC rests on{nearest(name, known)}; "
                f"allowed: {', '.join(known)}. Columns of the enrollment: join marginal_values with it, by "
                "member_id and enrollment_start_date."
            )
        if name not in extract.columns:
            raise OptionError(
                f"by={name!r}, but the diagnoses have no such column (they have {', '.join(extract.columns)}); "
                f"map it with columns={{'{name}': ...}} or leave it out."
            )
    return tuple(dict.fromkeys(by))


def find_support(run: ScoringRun, columns: Sequence[str]) -> Support:
    """Read the diagnoses once more and note what every captured condition bit rests on; without columns, read nothing.

    Memory grows with members and their conditions, never with diagnosis rows. Values are told apart by a hash of 64
    bits; blanks of a column count as one value.

    Parameters
    ----------
    run : ScoringRun
    columns : sequence of str
        Columns of the diagnoses extract.
    """
    captured = run.population.captured
    begins = np.zeros(len(captured) + 1, np.int64)
    if columns:
        number_slots(captured, begins)
    values = np.zeros((begins[-1], len(columns)), np.uint64)
    found = Support(tuple(columns), captured, begins, values, tuple({} for _ in columns))
    lock = threading.Lock()

    reader = CountedReader(run, run.extracts[1], run.window)

    def note(chunk: Chunk) -> None:
        for counted in reader.read(chunk):
            order = np.argsort(counted.members)  # one member after another: what is written next lies near
            rows = counted.rows[order]
            hashes = np.stack([hashes_of(name, counted.table[name], rows) for name in columns], axis=1)
            labels = [labels_of(name, counted.table[name]) for name in columns]
            with lock:
                support.note_values(
                    counted.members[order], counted.codes[order], hashes, run.book.bits_begin, run.book.bits,
                    captured, begins, values,
                )  # fmt: skip
                for known, more in zip(found.labels, labels, strict=True):
                    known.update(more)

    chunks = reader.extract.chunks(tuple(dict.fromkeys((*reader.columns, *columns)))) if columns else ()
    for _ in in_order(note, chunks, run.options.threads):
        continue
    return found


@lru_cache(maxsize=32)
def _bits_of_hccs(plan: ScoringPlan) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the condition bits of each HCC: where they begin, and the bits."""
    hcc_ids = plan.bit_columns.hcc_ids
    begins = np.searchsorted(np.sort(hcc_ids), np.arange(plan.n_hccs + 1))
    return begins.astype(np.int32), np.argsort(hcc_ids, kind="stable").astype(np.int32)
