"""The diagnoses and drugs of a run once more, under other plans: what a model with other tables would capture."""

from __future__ import annotations

from dataclasses import dataclass

from riskadj.extracts.rejects import Rejects
from riskadj.scoring.capture import DIAGNOSES, CodeCapture, capture_diagnoses, no_bits
from riskadj.scoring.codes import make_code_book
from riskadj.scoring.drugs import DRUGS, make_drug_book
from riskadj.scoring.eligible_diagnoses import judge_nothing
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.run import ScoringRun, common_id_type
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
        Its members, extracts, collection window and claim filter are used; its rejects stay as they are.
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
        id_type=common_id_type(enrollment.id_type, diagnoses, run.drugs.extract if run.drugs else None),
    )
    wanted = ("member_id", "diagnosis_code", "service_date", *run.filter_columns)
    columns = tuple(name for name in wanted if name in diagnoses.columns)
    capture_diagnoses(diagnoses, sink, Rejects("write"), columns=columns, threads=run.options.threads)
    if run.drugs is not None:
        drugs = sink.beside(make_drug_book(plans, book.first_words), DRUGS)
        capture_diagnoses(
            run.drugs.extract, drugs, Rejects("write"), columns=(DRUGS.code,), threads=run.options.threads
        )
    return Captured(sink.captured, book.first_words)
