"""The diagnoses of a run once more, under other plans: what a model with other tables would have captured."""

from __future__ import annotations

from dataclasses import dataclass

from riskadj.extracts.buffers import harmonise_ids
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.capture import DIAGNOSES, CodeCapture, capture_diagnoses, no_bits
from riskadj.scoring.codes import make_code_book
from riskadj.scoring.eligible_diagnoses import judge_nothing
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.run import ScoringRun
from riskadj.tables.icd10 import load_valid_codes


@dataclass(frozen=True)
class Captured:
    """Condition bits of a run's members under some plans.

    Attributes
    ----------
    words : ndarray of uint64, shape (n_members, n_words)
    first_words : tuple of int
        Where the words of each plan begin, in the order of the plans.
    """

    words: Words
    first_words: tuple[int, ...]


def recapture(run: ScoringRun, plans: tuple[ScoringPlan, ...]) -> Captured:
    """Read the diagnoses of a run again and return what `plans` capture of them.

    Parameters
    ----------
    run : ScoringRun
        Its members, diagnoses extract, collection window and claim filter are used; its rejects stay as they are.
    plans : tuple of ScoringPlan
        Any, one or more.
    """
    enrollment, diagnoses = run.extracts
    book = make_code_book(plans, load_valid_codes())
    sink = CodeCapture(
        run.index,
        book,
        no_bits(run.index, book),
        columns=DIAGNOSES,
        window=run.window,
        judge=run.claim_filter.judge if run.claim_filter else judge_nothing,
        id_type=harmonise_ids(enrollment.id_type, diagnoses.id_type),
    )
    wanted = ("member_id", "diagnosis_code", "service_date", *run.filter_columns)
    columns = tuple(name for name in wanted if name in diagnoses.columns)
    capture_diagnoses(diagnoses, sink, Rejects("write"), columns=columns, threads=run.options.threads)
    return Captured(sink.captured, book.first_words)
