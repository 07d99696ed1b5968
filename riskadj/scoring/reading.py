"""Read the extracts of a run, or of several programs at once: rows numbered, diagnoses and drugs captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import OptionError
from riskadj.extracts.buffers import cast_ids, from_strings
from riskadj.extracts.enrollment import Enrollment, read_enrollment
from riskadj.extracts.open import Extract
from riskadj.extracts.rejects import Rejects
from riskadj.extracts.spans import Coverage, calendar_year
from riskadj.scoring.capture import DIAGNOSES, CaptureCounts, CodeCapture, capture_diagnoses, no_bits
from riskadj.scoring.codes import CodeBook, make_code_book
from riskadj.scoring.drugs import DRUGS, DrugBook, make_drug_book, one_code_a_row
from riskadj.scoring.eligible_diagnoses import CmsFilter, claim_filter, columns_of_filter, judge_nothing
from riskadj.scoring.members import MemberIndex, MemberPass, index_members
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.plan import Words
from riskadj.scoring.profiles import StatusProfiles
from riskadj.scoring.rows import keep_rows, rows_of_member, rows_with_policy
from riskadj.scoring.rules import Rules, collection_window, load_rules, model_run, require_drug_models
from riskadj.scoring.run import Clock, Drugs, Progress, ScoringRun, common_id_type
from riskadj.scoring.score_rows import (
    ScoredPopulation,
)
from riskadj.scoring.shares import Survey, Whole, nobody_scored, survey_rows
from riskadj.tables.icd10 import load_valid_codes
from riskadj.tables.payment_year import PaymentYear


def read_run(
    enrollment: Extract,
    diagnoses: Extract,
    options: ScoreOptions,
    *,
    progress: Progress | None = None,
    member_id: str | int | None = None,
    member_pass: MemberPass | None = None,
    whole: Whole | None = None,
    drugs: Extract | None = None,
) -> ScoringRun:
    """Read the extracts and capture every diagnosis and drug; scores are made from what this returns.

    Parameters
    ----------
    enrollment, diagnoses : Extract
    options : ScoreOptions
    progress : callable, optional
        Told (phase, rows so far).
    member_id : str or int, optional
        Keep this member only (to explain one).
    member_pass : MemberPass, optional
        Keep the members of this pass only.
    whole : Whole, optional
        What a share is scored by, be it that of a pass or of another machine; a share may be empty. Default: these
        extracts are the whole.
    drugs : Extract, optional
        Of role "drugs", for models that have drug categories.

    Raises
    ------
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, and what to do.
    """
    (run,) = read_runs(
        enrollment, diagnoses, (options,), progress=progress, member_id=member_id, member_pass=member_pass, whole=whole,
        drugs=drugs,
    )  # fmt: skip
    return run


def read_runs(
    enrollment: Extract,
    diagnoses: Extract,
    every: Sequence[ScoreOptions],
    *,
    progress: Progress | None = None,
    member_id: str | int | None = None,
    member_pass: MemberPass | None = None,
    whole: Whole | None = None,
    drugs: Extract | None = None,
) -> tuple[ScoringRun, ...]:
    """Read the extracts once for several runs that differ in their program alone; parameters as of `read_run`.

    Each run has its own rows, models and rejects, as if it had been read by itself; what is captured is shared. A
    diagnosis of a member whom any of the programs scores is looked at in all of them.

    Raises
    ------
    OptionError
        The programs do not share the tables of a payment year.
    """
    clock, options = Clock(), every[0]
    rules = tuple(load_rules(each) for each in every)
    together = _together(rules)
    if drugs is not None:
        require_drug_models(together, options)
    clock.lap("tables")
    rejects = Rejects(options.rejects)
    numbering = _Numbering(common_id_type(enrollment.id_type, diagnoses, drugs))
    coverage = None if whole is None else whole.coverage
    rows = _read_rows(enrollment, together, options, rejects, numbering, member_pass, coverage)
    if member_id is not None:
        rows = keep_rows(rows, rows_of_member(rows, member_id))
    parts = [
        _part_of(rows, own, each, rejects if len(every) == 1 else _copy(rejects), whole)
        for own, each in zip(rules, every, strict=True)
    ]
    together = together.restricted_to({model.id for part in parts for model in part.rules.models})
    members = numbering.members_of(parts)
    del (
        rows,
        numbering,
    )  # each part keeps the rows that it scores: the others need not stand beside the diagnoses
    clock.lap("enrollment")
    found = _capture(parts, together, options, diagnoses, drugs, members, member_pass, clock, progress)
    return tuple(
        _run_of(part, each, found, (enrollment, diagnoses), clock)
        for part, each in zip(parts, every, strict=True)
    )


@dataclass(frozen=True)
class _Captured:
    """What the diagnoses and drugs of all programs left behind."""

    index: MemberIndex
    book: CodeBook
    first_words: dict[str, int]
    bits: Words
    counts: CaptureCounts
    drugs: Drugs | None
    rejects: Rejects
    window: tuple[date, date]
    claim_filter: CmsFilter | None


def _capture(
    parts: Sequence[_Part],
    rules: Rules,
    options: ScoreOptions,
    diagnoses: Extract,
    drugs: Extract | None,
    members: _Members,
    member_pass: MemberPass | None,
    clock: Clock,
    progress: Progress | None,
) -> _Captured:
    """Capture diagnoses and drugs for the models of all programs."""
    present = tuple(name for name in diagnosis_columns(options, rules.year) if name in diagnoses.columns)
    book = make_code_book(rules.plans, load_valid_codes())
    clock.lap("index")
    window = collection_window(options, rules.year)
    which_count = claim_filter(options, rules.year, present)
    sink = CodeCapture(
        members.index,
        book,
        no_bits(members.index, book),
        columns=DIAGNOSES,
        window=window,
        judge=which_count.judge if which_count else judge_nothing,
        id_type=members.id_type,
        member_pass=member_pass,
    )
    rejects = parts[0].rejects if len(parts) == 1 else Rejects(options.rejects)
    counts = capture_diagnoses(
        diagnoses,
        sink,
        rejects,
        columns=present,
        threads=options.threads,
        progress=(lambda n_rows: progress("diagnoses", n_rows)) if progress else None,
    )
    rejects.raise_if_stopping(counts.rows_read)
    clock.lap("diagnoses")
    captured_drugs = None
    if drugs is not None:
        drug_book = make_drug_book(rules.plans, book.first_words)
        captured_drugs = _capture_drugs(drugs, sink, drug_book, rejects, options.threads, progress)
        clock.lap("drugs")
    first_words = dict(zip((model.id for model in rules.models), book.first_words, strict=True))
    return _Captured(
        members.index, book, first_words, sink.captured, counts, captured_drugs, rejects, window, which_count
    )


def _run_of(
    part: _Part, options: ScoreOptions, found: _Captured, extracts: tuple[Extract, Extract], clock: Clock
) -> ScoringRun:
    """Return the run of one program: its own rows and models, on what was captured for all."""
    if part.rejects is not found.rejects:
        part.rejects.merge(found.rejects)
    rules, index = part.rules, found.index.of_rows(part.rows.member)
    return ScoringRun(
        options=options,
        rules=rules,
        population=ScoredPopulation(
            part.rows,
            index.member_of_row,
            part.profiles,
            rules.policies,
            part.policies,
            found.bits,
            rules.year,
        ),
        models=tuple(
            model_run(rules, plan, found.first_words[plan.model.id], part.profiles) for plan in rules.plans
        ),
        index=index,
        book=found.book,
        counts=found.counts,
        rejects=part.rejects,
        extracts=extracts,
        drugs=found.drugs,
        window=found.window,
        claim_filter=found.claim_filter,
        clock=clock,
    )


def _members_of(parts: Sequence[_Part]) -> npt.NDArray[np.int32]:
    """Return the member of every row that any of the programs scores."""
    return parts[0].rows.member if len(parts) == 1 else np.concatenate([part.rows.member for part in parts])


def _copy(rejects: Rejects) -> Rejects:
    result = Rejects(rejects.mode)
    result.merge(rejects)
    return result


@dataclass(frozen=True)
class _Part:
    """The rows that one run scores, the rules that they need, and the rows that it rejects."""

    rows: Enrollment
    rules: Rules
    profiles: StatusProfiles
    policies: npt.NDArray[np.int32]
    rejects: Rejects


def _part_of(
    rows: Enrollment, rules: Rules, options: ScoreOptions, rejects: Rejects, whole: Whole | None
) -> _Part:
    rows, rules, profiles, policies = rows_with_policy(
        rows,
        rules,
        rejects,
        need_segment=options.segments == "paid",
        models=None if whole is None else whole.models,
    )
    if not rows.n_rows and whole is None:
        raise nobody_scored(rows.rows_read, rules.year, rejects)
    return _Part(rows, rules, profiles, policies, rejects)


def _together(rules: Sequence[Rules]) -> Rules:
    """Return the rules of several programs as one: what to read, and which models to capture for."""
    if len({each.year.folder for each in rules}) > 1:
        raise OptionError(
            "programs that are scored in one pass must share a payment year's tables; score them one by one."
        )
    policies = tuple(policy for each in rules for policy in each.policies)
    models = {model.id: model for each in rules for model in each.models}
    return replace(rules[0], policies=policies, models=tuple(models.values()))


def diagnosis_columns(options: ScoreOptions, year: PaymentYear) -> tuple[str, ...]:
    """Return the canonical columns of the diagnoses that a run reads where they are there."""
    filtered = columns_of_filter(options.diagnosis_filter, year)
    return ("member_id", "diagnosis_code", "service_date", *filtered)


def _capture_drugs(
    drugs: Extract,
    diagnoses: CodeCapture,
    book: DrugBook,
    rejects: Rejects,
    threads: int,
    progress: Progress | None,
) -> Drugs:
    """Capture the drugs beside the diagnoses, into the same bits."""
    extract, n_before = one_code_a_row(drugs), len(rejects)
    counts = capture_diagnoses(
        extract,
        diagnoses.beside(book, DRUGS),
        rejects,
        columns=(DRUGS.code,),
        threads=threads,
        progress=(lambda n_rows: progress("drugs", n_rows)) if progress else None,
    )
    if len(rejects) > n_before:
        rejects.raise_if_stopping(counts.rows_read)
    return Drugs(extract, book, counts)


class _Numbering:
    """Numbers members while the enrollment is read, and keeps the index: it serves the diagnoses too."""

    def __init__(self, id_type: pa.DataType | None) -> None:
        self.id_type = id_type
        self.index = index_members(from_strings([]))

    def __call__(self, ids: pa.Array) -> npt.NDArray[np.int32]:
        self.index = index_members(cast_ids(ids, self.id_type))
        return self.index.member_of_row

    def members_of(self, parts: Sequence[_Part]) -> _Members:
        """Return the index of the members whom any of the programs scores."""
        return _Members(self.id_type, self.index.of_rows(_members_of(parts)))


@dataclass(frozen=True)
class _Members:
    """The members that are scored, and the type to which ids are cast before they are looked up."""

    id_type: pa.DataType | None
    index: MemberIndex


def _read_rows(
    enrollment: Extract,
    rules: Rules,
    options: ScoreOptions,
    rejects: Rejects,
    numbering: _Numbering,
    member_pass: MemberPass | None,
    coverage: Coverage | None,
) -> Enrollment:
    return read_enrollment(
        enrollment,
        payment_year=rules.year.year,
        fields=rules.fields,
        rejects=rejects,
        coverage_override=options.collection,
        threads=options.threads,
        member_numbers=numbering,
        keeps=member_pass.keeps if member_pass else None,
        coverage=coverage,
        duration_last_days=rules.year.duration_last_days,
    )


def survey_share(enrollment: Extract, options: ScoreOptions, member_pass: MemberPass | None = None) -> Survey:
    """Read the enrollment of one share, and say what it tells of the whole; rejected rows stop nothing yet."""
    rules, faults, misfits = load_rules(options), Rejects("write"), Rejects("write")
    numbering = _Numbering(None if member_pass is None else member_pass.id_type)
    window = calendar_year(rules.year.year)
    rows = _read_rows(enrollment, rules, options, faults, numbering, member_pass, window)
    used = rows_with_policy(rows, rules, misfits, need_segment=options.segments == "paid")[1]
    return survey_rows(rows, used, options, faults, misfits)
