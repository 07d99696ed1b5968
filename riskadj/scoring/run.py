"""One scoring run from extracts to scores: what to load, in which order, and what to count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ExtractError, UnknownMemberError, UnknownModelError, UnknownPaymentYearError
from riskadj.extracts.buffers import cast_ids, from_numpy, from_strings, harmonise_ids, values_of
from riskadj.extracts.enrollment import Enrollment, read_enrollment
from riskadj.extracts.open import Extract
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.capture import CaptureCounts, ClaimFilter, DiagnosisCapture, capture_diagnoses, in_order
from riskadj.scoring.codes import CodeBook, make_code_book, pack_lines
from riskadj.scoring.eligible_diagnoses import claim_filter, columns_of_filter
from riskadj.scoring.members import MemberIndex, MemberPass, index_members
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.payment_score import NO_SCORE, Scores, blend, check_rounding, numbers_of_model
from riskadj.scoring.plan import ScoringPlan, make_plan
from riskadj.scoring.profiles import (
    StatusProfiles,
    completed_years,
    demographics_of_profile,
    factor_columns_of_profile,
    find_profiles,
    policy_of_profile,
    segment_of_profile,
)
from riskadj.scoring.score_rows import (
    ModelRun,
    ScoredPopulation,
    labels,
    model_score_batch,
    score_column,
    score_range,
    span_columns,
)
from riskadj.tables.icd10 import load_valid_codes
from riskadj.tables.model import load_model
from riskadj.tables.payment_year import PaymentYear, Policy, load_payment_year

Progress = Callable[[str, int], None]


@dataclass
class Clock:
    """Seconds spent by phase."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to `phase`."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True)
class Rules:
    """What a run scores by: the payment year, its policies for the program, and a plan per model."""

    year: PaymentYear
    policies: tuple[Policy, ...]
    plans: tuple[ScoringPlan, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Status fields that any rule tests."""
        conditions = [policy.when for policy in self.policies]
        conditions += [number.when for number in (*self.year.normalization, *self.year.coding_intensity)]
        names = ["sex", *(name for plan in self.plans for name in plan.fields)]
        return tuple(dict.fromkeys([*names, *(name for item in conditions for name in item.fields)]))


def load_rules(options: ScoreOptions) -> Rules:
    """Load the payment year and the models that the options ask for.

    Raises
    ------
    UnknownProgramError, UnknownPaymentYearError, UnknownModelError
        The message lists what there is.
    """
    year = load_payment_year(options.program, options.payment_year, maps_dir=options.maps_dir)
    check_rounding(year)
    policies = tuple(policy for policy in year.policies if policy.program == options.program)
    if options.models is None and not policies:
        raise UnknownPaymentYearError(
            f"payment year {year.year} has tables but no payment policy for {options.program} "
            "(hcc_maps/README.md says why); name models= (--models) to score them unblended."
        )
    if options.models is None:
        wanted = tuple(dict.fromkeys(model_id for policy in policies for model_id, _ in policy.blend))
    else:
        wanted, policies = options.models, ()
    models = [load_model(name, payment_year=year.year, maps_dir=options.maps_dir) for name in wanted]
    proposed = [model.id for model in models if model.manifest.status != "final"]
    if proposed and options.models is None:
        raise UnknownModelError(
            f"{proposed[0]} of {year.year} is only proposed; ask for it by name with models=."
        )
    return Rules(year, policies, tuple(make_plan(model, edits=options.edits) for model in models))


@dataclass(frozen=True)
class ScoringRun:
    """A run whose extracts have been read: everything that scores, reports and explanations are made from."""

    options: ScoreOptions
    rules: Rules
    population: ScoredPopulation
    models: tuple[ModelRun, ...]
    index: MemberIndex
    book: CodeBook
    counts: CaptureCounts
    rejects: Rejects
    extracts: tuple[Extract, Extract]
    window: tuple[date, date]
    claim_filter: ClaimFilter | None
    clock: Clock

    @property
    def index_id_type(self) -> pa.DataType:
        """Type in which member ids of both extracts are compared."""
        id_type = harmonise_ids(self.population.enrollment.member_id.type, self.extracts[1].id_type)
        return id_type or self.population.enrollment.member_id.type

    @property
    def filter_columns(self) -> tuple[str, ...]:
        """Columns of the diagnoses extract that the claim filter reads."""
        return columns_of_filter(self.options.diagnosis_filter, self.rules.year)

    def model_scores(
        self, payments: list[Scores], when_paid: Callable[[slice], None] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield model_scores, model after model.

        Parameters
        ----------
        payments : list of ndarray of int64
            Filled: payment scores of each model, shape (n_rows,); `empty_payments` makes them.
        when_paid : callable, optional
            Told each range of rows whose payment scores are there for every model.
        """
        last = len(self.models) - 1
        for position, model in enumerate(self.models):
            for rows, batches in self._scores_of(model, payments[position]):
                yield from batches
                if when_paid and position == last:
                    when_paid(rows)

    def _scores_of(self, model: ModelRun, payment: Scores) -> Iterator[tuple[slice, list[pa.RecordBatch]]]:
        every = self.options.segments == "all"

        def work(rows: tuple[int, int]) -> tuple[slice, list[pa.RecordBatch]]:
            batches = []
            for scored in score_range(self.population, model, *rows, every_segment=every):
                profile = self.population.profiles.of_row[scored.rows]
                paid = scored.segments == model.segment_of_profile[profile]
                payment[scored.rows[paid]] = scored.payment[paid]  # each range has rows of its own
                batches.append(model_score_batch(self.population, model, scored))
            return slice(*rows), batches

        return in_order(work, self.population.ranges(), self.options.threads)

    def empty_payments(self) -> list[Scores]:
        """Return one array per model for `model_scores` to fill."""
        return [np.full(self.population.n_rows, NO_SCORE, np.int64) for _ in self.models]

    def payment_scores(self, payments: list[Scores], rows: slice | None = None) -> pa.Table:
        """Return payment_scores: the blend of each row's models, as paid; of all rows, or of a range of them."""
        population, year = self.population, self.rules.year
        begin, end, _ = (rows or slice(None)).indices(population.n_rows)
        n_rows = end - begin
        columns = {
            **dict(
                zip(
                    ("member_id", "enrollment_start_date", "enrollment_end_date"),
                    span_columns(population.enrollment, np.arange(begin, end)),
                    strict=True,
                )
            ),
            "months_enrolled": from_numpy(population.enrollment.months_enrolled[begin:end], pa.int16()),
            "program": labels(np.zeros(n_rows, np.int8), [self.options.program]),
            "payment_year": from_numpy(np.full(n_rows, year.year, np.int16), pa.int16()),
            "payment_risk_score": score_column(self.blended(payments, begin, end), year.decimals),
            **{name: column.slice(begin, n_rows) for name, column in population.enrollment.extra.items()},
        }
        return pa.table(columns)

    def blended(self, payments: list[Scores], begin: int = 0, end: int | None = None) -> Scores:
        """Return the payment risk score of rows `begin` to `end` [units of the year's last decimal]."""
        population = self.population
        profiles = population.profiles.of_row[begin:end]
        if not population.policies:
            return (
                payments[0][begin:end] if len(payments) == 1 else np.full(len(profiles), NO_SCORE, np.int64)
            )
        position = {model.plan.model.id: number for number, model in enumerate(self.models)}
        policy_of_row = population.policy_of_profile[profiles]
        result = np.full(len(profiles), NO_SCORE, np.int64)
        for number, policy in enumerate(population.policies):
            rows = policy_of_row == number
            if rows.any():
                result[rows] = blend(
                    [(payments[position[name]][begin:end][rows], w) for name, w in policy.blend]
                )
        return result


def read_run(
    enrollment: Extract,
    diagnoses: Extract,
    options: ScoreOptions,
    *,
    progress: Progress | None = None,
    member_id: str | int | None = None,
    member_pass: MemberPass | None = None,
) -> ScoringRun:
    """Read both extracts and capture every diagnosis; scores are made from what this returns.

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

    Raises
    ------
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, and what to do.
    """
    clock = Clock()
    rules = load_rules(options)
    clock.lap("tables")
    rejects = Rejects(options.rejects)
    numbering = _Numbering(harmonise_ids(enrollment.id_type, diagnoses.id_type))
    rows = read_enrollment(
        enrollment,
        payment_year=rules.year.year,
        fields=rules.fields,
        rejects=rejects,
        coverage_override=options.collection,
        threads=options.threads,
        member_numbers=numbering,
        keeps=member_pass.keeps if member_pass else None,
    )
    if member_id is not None:
        rows = _keep(rows, rows_of_member(rows, member_id))
    rows, profiles, policies = _rows_with_policy(rows, rules, rejects)
    if not rows.n_rows:
        raise ExtractError(
            f"none of the {rows.rows_read:,} enrollment rows can be scored in {rules.year.title}: "
            f"{_listed(rejects.counts())}."
        )
    if member_pass is None:  # every pass has the same models, so that their counts add up
        rules = _rules_in_use(rules, profiles, policies)
    clock.lap("enrollment")
    columns = (
        "member_id",
        "diagnosis_code",
        "service_date",
        *columns_of_filter(options.diagnosis_filter, rules.year),
    )
    present = tuple(name for name in columns if name in diagnoses.columns)
    index = numbering.index.of_rows(rows.member)
    book = make_code_book(rules.plans, pack_lines(load_valid_codes()))
    clock.lap("index")
    window = options.collection or rules.year.collection
    which_count = claim_filter(options.diagnosis_filter, rules.year, present)
    sink = DiagnosisCapture(
        index,
        book,
        window=window,
        claim_filter=which_count,
        id_type=numbering.id_type,
        member_pass=member_pass,
    )
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
    population = ScoredPopulation(
        rows, index.member_of_row, profiles, rules.policies, policies, sink.captured, rules.year
    )
    models = tuple(
        _model_run(rules, plan, first_word, profiles)
        for plan, first_word in zip(rules.plans, book.first_words, strict=True)
    )
    return ScoringRun(
        options=options,
        rules=rules,
        population=population,
        models=models,
        index=index,
        book=book,
        counts=counts,
        rejects=rejects,
        extracts=(enrollment, diagnoses),
        window=window,
        claim_filter=which_count,
        clock=clock,
    )


class _Numbering:
    """Numbers members while the enrollment is read, and keeps the index: it serves the diagnoses too."""

    def __init__(self, id_type: pa.DataType | None) -> None:
        self.id_type = id_type
        self.index = index_members(from_strings([]))

    def __call__(self, ids: pa.Array) -> npt.NDArray[np.int32]:
        self.index = index_members(cast_ids(ids, self.id_type))
        return self.index.member_of_row


def _ages(rows: Enrollment, year: PaymentYear) -> npt.NDArray[np.uint8]:
    ages = completed_years(rows.birth_date, year.age_as_of)
    given = rows.age_years >= 0
    return np.where(given, rows.age_years, ages).astype(np.uint8) if given.any() else ages


def _rows_with_policy(
    rows: Enrollment, rules: Rules, rejects: Rejects
) -> tuple[Enrollment, StatusProfiles, npt.NDArray[np.int32]]:
    """Set aside the rows that no policy or no segment fits; return the rest, their profiles and policies."""
    profiles = find_profiles(_ages(rows, rules.year), rows.status, rules.fields)
    policies = policy_of_profile(rules.policies, profiles)
    lacks_policy = (policies < 0) & bool(rules.policies)
    lacks_segment = _lacks_segment(rules, profiles, policies) & ~lacks_policy
    for reason, lacking in (("no_payment_policy", lacks_policy), ("no_segment", lacks_segment)):
        if lacking.any():
            _reject(rows, lacking[profiles.of_row], reason, rejects)
    lacking = lacks_policy | lacks_segment
    if lacking.any():
        rejects.raise_if_stopping(rows.rows_read)
        rows = _keep(rows, ~lacking[profiles.of_row])
        profiles = find_profiles(_ages(rows, rules.year), rows.status, rules.fields)
        policies = policy_of_profile(rules.policies, profiles)
    return rows, profiles, policies


def _keep(rows: Enrollment, wanted: npt.NDArray[np.bool_]) -> Enrollment:
    """Return the wanted rows; the others count as rejected."""
    arrow = from_numpy(wanted, pa.bool_())
    arrays = (
        "member",
        "file_id",
        "row_number",
        "birth_date",
        "age_years",
        "start_date",
        "end_date",
        "months_enrolled",
    )
    return replace(
        rows,
        member_id=rows.member_id.filter(arrow),
        **{name: getattr(rows, name)[wanted] for name in arrays},
        status={name: codes[wanted] for name, codes in rows.status.items()},
        extra={name: column.filter(arrow) for name, column in rows.extra.items()},
        rows_rejected=rows.rows_rejected + int((~wanted).sum()),
    )


def rows_of_member(rows: Enrollment, member_id: str | int) -> npt.NDArray[np.bool_]:
    """Return which rows belong to a member (bool, shape (n_rows,)).

    Raises
    ------
    UnknownMemberError
        None does.
    """
    ids = rows.member_id.cast(pa.string()) if not pa.types.is_string(rows.member_id.type) else rows.member_id
    found = values_of(pc.equal(ids, str(member_id)))
    if not found.any():
        raise UnknownMemberError(
            "no enrollment row that can be scored has this member_id; ids are compared exactly."
        )
    return found


def _reject(rows: Enrollment, bad: npt.NDArray[np.bool_], reason: str, rejects: Rejects) -> None:
    for file_id in np.unique(rows.file_id[bad]):
        numbers = rows.row_number[bad & (rows.file_id == file_id)]
        rejects.add(rows.files[file_id], numbers, "", reason)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {n_rows:,}" for reason, n_rows in counts.items())


def _lacks_segment(
    rules: Rules, profiles: StatusProfiles, policies: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    result = np.zeros(profiles.n_profiles, np.bool_)
    for plan in rules.plans:
        result |= (segment_of_profile(plan, profiles) < 0) & _uses(rules, plan, policies)
    return result


def _uses(rules: Rules, plan: ScoringPlan, policies: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    if not rules.policies:
        return np.ones(len(policies), np.bool_)
    users = [n for n, policy in enumerate(rules.policies) if plan.model.id in dict(policy.blend)]
    return np.isin(policies, users)


def _rules_in_use(rules: Rules, profiles: StatusProfiles, policies: npt.NDArray[np.int32]) -> Rules:
    """Return the rules without the models that no row needs: their diagnoses need no memory."""
    plans = tuple(plan for plan in rules.plans if _uses(rules, plan, policies).any())
    return replace(rules, plans=plans)


def _model_run(rules: Rules, plan: ScoringPlan, first_word: int, profiles: StatusProfiles) -> ModelRun:
    name = plan.model.id
    weights: tuple[Decimal | None, ...] = tuple(dict(policy.blend).get(name) for policy in rules.policies)
    return ModelRun(
        plan=plan,
        first_word=first_word,
        segment_of_profile=segment_of_profile(plan, profiles),
        factor_columns=factor_columns_of_profile(plan, profiles),
        demographics=demographics_of_profile(plan, profiles),
        normalization=numbers_of_model(rules.year.normalization, name, plan.segments, profiles),
        coding_intensity=numbers_of_model(rules.year.coding_intensity, name, plan.segments, profiles),
        weights=weights,
    )
