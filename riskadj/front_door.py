"""The library's front door: score a population, explain a member, ask questions of scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskadj.errors import OptionError
from riskadj.extracts.layouts import columns_of
from riskadj.extracts.open import open_extract
from riskadj.extracts.write import OutputDirectory
from riskadj.results.encounters.encounters import Encounters, encounters_of
from riskadj.results.encounters.responses import Given
from riskadj.results.explain.explain import explain_member
from riskadj.results.explain.explanation import Explanation
from riskadj.results.factor_lines import write_factors
from riskadj.results.gaps.gaps import GapOptions, Gaps, check_gap_options, find_all_gaps
from riskadj.results.marginal.marginal import MarginalTotals, write_marginal_values
from riskadj.results.marginal.without import ScoresWithout, scores_without
from riskadj.results.passes import write_passes
from riskadj.results.scores import Scores, collect
from riskadj.scoring.opening import open_drugs, open_extracts, open_run, roles_beside
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.options import make_options as make_options
from riskadj.scoring.reading import read_run
from riskadj.scoring.rules import collection_window, load_rules
from riskadj.scoring.run import Progress

if TYPE_CHECKING:
    from riskadj.calibration.calibration import Calibration


def score(
    enrollment: Any,
    diagnoses: Any,
    *,
    payment_year: int,
    drugs: Any = None,
    program: str = "medicare_part_c",
    models: Sequence[str] | str | None = None,
    segments: str = "paid",
    diagnosis_filter: str = "none",
    edits: str = "default",
    rejects: str = "stop",
    collection: str | tuple[date, date] | None = None,
    eligible_procedures: str | Path | Sequence[str] | None = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    threads: int | None = None,
    maps_dir: str | Path | None = None,
) -> Scores:
    """Score a population: payment risk scores per enrollment row.

    Parameters
    ----------
    enrollment, diagnoses : path, list of paths, directory, glob, or in-memory table
        Extracts as EXTRACTS.md describes them: Parquet or CSV files, or anything that speaks the Arrow PyCapsule
        interface (pyarrow, pandas, Polars, DuckDB).
    payment_year : int
        Payment year (benefit year for HHS). There is no default.
    drugs : path, list of paths, directory, glob, or in-memory table, optional
        Drugs extract, for models that have drug categories (HHS-HCC). Without it they are off.
    program : str
        "medicare_part_c", "medicare_part_d" or "hhs".
    models : sequence of str or str, optional
        Just these models, unblended. Default: the payment year's own policy decides which models score which rows.
    segments : {"paid", "all"}
        "all" scores every segment for every row, as CMS's own programs do.
    diagnosis_filter : {"none", "cms"}
        "none": the extract is already filtered. "cms": the year's own filter of claim types and procedures.
    edits : {"default", "none"}
        "none" leaves out the plausibility (MCE) edits.
    rejects : {"stop", "write"}
        What to do with rows that cannot be used: stop the run, or list them in `Scores.rejects`.
    collection : {"initial", "mid_year", "final"}, "FIRST:LAST" or pair of dates, optional
        Which run's window of service dates counts (default: the final run's), or dates that replace it (a what-if).
    eligible_procedures : path or sequence of str, optional
        Procedure codes of one's own instead of the year's list, for ``diagnosis_filter="cms"``: bare codes, a file of
        one code per line, or a CSV file with a column procedure_code. "hhs" has no list and always needs one.
    layout : {"riskadj", "tuva", "cms"}
    columns : mapping of str to str, optional
        Canonical column name -> the extract's own name.
    threads : int, optional
        Default: every processor this process may use. Never changes a result.
    maps_dir : path, optional
        A folder of model tables of the same shape as hcc_maps.

    Returns
    -------
    Scores
        Risk scores are relative to 1.000, the average fee-for-service beneficiary.

    Raises
    ------
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, what is allowed and what to do.

    References
    ----------
    .. [1] Model rules: the `software` source of each model's model.toml. Payment rules: payment_year.toml of the year.
    """
    options = make_options(
        payment_year=payment_year, program=program, models=models, segments=segments, diagnosis_filter=diagnosis_filter,
        edits=edits, rejects=rejects, collection=collection,
        eligible_procedures=eligible_procedures, threads=threads, maps_dir=maps_dir,
    )  # fmt: skip
    run = open_run(enrollment, diagnoses, options, layout, columns, drugs=drugs)
    return collect(run, (enrollment, diagnoses))


def gaps(
    enrollment: Any,
    diagnoses: Any,
    *,
    payment_year: int,
    prior_diagnoses: Any = None,
    prior_years: int = 1,
    as_of: date | str | None = None,
    chronic: Any = None,
    suspects: Any = None,
    attributes: Any = None,
    rate: float | str | None = None,
    by: Sequence[str] | str = (),
    drugs: Any = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> Gaps:
    """Find conditions of the prior year(s) that are not yet recaptured, and what each is worth.

    This year is the payment year's own window of service dates, and the prior window the years right before it. Both
    are mapped by this year's models, so that a gap is a payment HCC of today: one that the prior window has (after
    hierarchies) and this year has not, neither itself nor by a more severe HCC that drops it.

    Parameters
    ----------
    enrollment, diagnoses, payment_year, drugs, layout, columns, **options
        As `score` takes them; enrollment is that of the members to work on, diagnoses have service dates.
    prior_diagnoses : path or table, optional
        Diagnoses of the prior years, if `diagnoses` does not hold them.
    prior_years : int
        Length of the prior window. [years]
    as_of : date or str, optional
        Year to date: services after this day do not count.
    chronic : path or mapping of str to bool, optional
        HCC -> whether it is chronic; takes the place of the models' own lists for the HCCs that it names.
    suspects : path or table, optional
        Suspected conditions: member_id, hcc or diagnosis_code, and reason and probability if known.
    attributes : path or table, optional
        One row per member: member_id and any columns to group by, such as the provider a member is attributed to.
    rate : float or str, optional
        Dollars per member and month at a score of 1.000, or the column of `attributes` or of the enrollment extract
        that holds them. Default: the column rate_pmpm of the enrollment extract, if it has one.
    by : sequence of str
        Columns to break recapture down by: segment, policy, age_band, sex, dual, ..., any column of the enrollment
        extract, of the diagnoses (by the last prior service date), or of `attributes`.

    Returns
    -------
    Gaps

    Raises
    ------
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, what is allowed and what to do.
    """
    wanted = GapOptions(
        prior_years,
        chronic,
        suspects,
        attributes,
        rate,
        tuple(by.split(",") if isinstance(by, str) and by else by),
    )
    wanted = check_gap_options(wanted)
    checked = make_options(payment_year=payment_year, **options)
    if as_of is not None:
        checked = replace(checked, collection=_year_to_date(checked, as_of))
    run = open_run(enrollment, diagnoses, checked, layout, columns, drugs=drugs)
    if prior_diagnoses is None:
        return find_all_gaps(run, enrollment, run.extracts[1], wanted)
    names = columns_of("diagnoses", columns, *roles_beside(drugs))
    prior = open_extract(prior_diagnoses, "diagnoses", layout=layout, columns=names)
    return find_all_gaps(run, enrollment, prior, wanted)


def _year_to_date(options: ScoreOptions, as_of: date | str) -> tuple[date, date]:
    """Return the window of service dates up to a day.

    Raises
    ------
    OptionError
        The day is no date, or outside the window.
    """
    first, last = collection_window(options, load_rules(options).year)
    try:
        day = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    except ValueError:
        raise OptionError("as_of is no date; give it as YYYY-MM-DD.") from None
    if not first <= day <= last:
        raise OptionError(f"as_of={day} is outside this year's window of service dates, {first} to {last}.")
    return first, day


def encounters(
    enrollment: Any,
    diagnoses: Any,
    *,
    payment_year: int,
    mao004: Any = None,
    mao002: Any = None,
    raps: Any = None,
    submissions: Any = None,
    match: str | None = None,
    rate: float | str | None = None,
    drugs: Any = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> Encounters:
    """Set diagnoses against what CMS answered: accepted, rejected, missing, by reason, and what is at stake.

    Every distinct diagnosis of the payment year's window (member, claim, code and service date) is in exactly one
    class, and the scores on all of them stand beside the scores on those that CMS accepted and allowed.

    Parameters
    ----------
    enrollment, diagnoses, payment_year, drugs, layout, columns, **options
        As `score` takes them; diagnoses have claim_id or service_date, by which responses are matched.
    mao004 : path, list of paths, or table, optional
        MAO-004 reports, or what `read_mao004` made of them.
    mao002 : path or table, optional
        Answers to submissions: claim_id, status (accepted, rejected), and where known icn (the number that MAO-004
        knows the encounter by), line_number, error_code, submission_date (EXTRACTS.md).
    raps : path, list of paths, or table, optional
        RAPS return files, or what `read_raps` made of them; matched by member, code and through date.
    submissions : path or table, optional
        Claims that were submitted: claim_id. Those without an answer are then no_response, not missing.
    match : {"claim", "date"}, optional
        Find a diagnosis of MAO-004 by member, claim and code, or by member, code and through date. Default: "claim"
        where mao002 has icn, and otherwise "date".
    rate : float or str, optional
        Dollars per member and month at a score of 1.000, or the column of the enrollment extract that holds them.
        Default: its column rate_pmpm, if it has one.

    Returns
    -------
    Encounters

    Raises
    ------
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, what is allowed and what to do.
    """
    checked = make_options(payment_year=payment_year, **options)
    run = open_run(enrollment, diagnoses, checked, layout, columns, drugs=drugs)
    given = Given(mao004, mao002, raps, submissions, match)
    return encounters_of(run, given, rate=rate, source=enrollment)


def explain(
    enrollment: Any,
    diagnoses: Any,
    *,
    member_id: str | int,
    payment_year: int,
    drugs: Any = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> Explanation:
    """Explain one member's scores line by line, reading the extracts but scoring that member only.

    Parameters
    ----------
    enrollment, diagnoses, payment_year, drugs, layout, columns, **options
        As `score` takes them; rows that cannot be used stop nothing unless ``rejects="stop"`` is given.
    member_id : str or int

    Returns
    -------
    Explanation

    Raises
    ------
    UnknownMemberError
        The member is not among the rows that can be scored.
    """
    checked = make_options(payment_year=payment_year, **{"rejects": "write", **options})
    run = open_run(enrollment, diagnoses, checked, layout, columns, drugs=drugs, member_id=member_id)
    return explain_member(run, member_id)


def calibrate(
    enrollment: Any,
    diagnoses: Any,
    *,
    costs: Any,
    payment_year: int,
    model: str,
    drugs: Any = None,
    amount: str = "allowed_amount",
    cost_cap: float | None = None,
    nonnegative: bool = True,
    ordered: bool = True,
    equal: Sequence[Sequence[str]] = (),
    min_members: int = 30,
    rare: str = "pool",
    collinear: str = "stop",
    min_segment_members: int = 500,
    small_segments: str = "stop",
    folds: int = 5,
    seed: int = 0,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> Calibration:
    """Fit a model's relative factors to one's own costs, segment by segment, as CMS fits its own.

    Each enrollment row is an observation: its cost per eligible year, weighted by its eligible fraction of the year
    (members who died included), on the variables that the engine finds for it, hierarchies applied. Diagnoses are those
    of the collection window, costs those of the months of enrollment: the year after, by default.

    Parameters
    ----------
    enrollment, diagnoses, drugs, layout, columns, **options
        As `score` takes them; `program` is that whose payment policy the exported model states.
    costs : path, list of paths, directory, glob, or in-memory table
        Claim lines (EXTRACTS.md, claims), or with ``amount="cost"`` totals by member: member_id, cost and perhaps
        months_enrolled.
    payment_year : int
        Payment year of the starting model. There is no default.
    model : str
        Id of the starting model: its variables, hierarchies and segments are kept, its factors are replaced.
    amount : {"allowed_amount", "paid_amount", "cost"}
        What is added up: a column of claim lines, by service date, or member totals.
    cost_cap : float, optional
        Annualised costs above it count as it. Default: none. [dollars a year]
    nonnegative : bool
        No factor below zero.
    ordered : bool
        No HCC below one that it drops.
    equal : sequence of sequences of str
        Variables that share one factor, such as every diabetes HCC.
    min_members : int
        A variable that fewer members have is rare.
    rare : {"pool", "zero"}
        "pool": a rare variable shares the factor of its nearest relative (hierarchy, age cell, count); without one, and
        with "zero", its factor is zero. Demographic variables are always pooled. The `status` column says which.
    collinear : {"stop", "drop"}
        Variables that the rows cannot tell apart stop the fit, or the later one is held at zero.
    min_segment_members : int
        A segment with fewer members is small.
    small_segments : {"stop", "keep"}
        Small segments stop the fit, or keep the starting factors.
    folds : int
        Folds of members for cross-validated predictions; 0: none.
    seed : int
        Seed of the draw of folds, any whole number from 0.

    Returns
    -------
    Calibration
        Factors are relative to 1.000, the mean predicted cost of the rows fitted.

    Raises
    ------
    CalibrationError
        A segment is too small, or variables cannot be told apart.
    RiskAdjError
        Of the kind that fits; the message says what is wrong, where, what is allowed and what to do.

    References
    ----------
    .. [1] G. C. Pope and others, Risk Adjustment of Medicare Capitation Payments Using the CMS-HCC Model, Health Care
       Financing Review 25 (2004): annualised costs, weights, hierarchies and constrained factors.
    """
    from riskadj.calibration.calibration import calibrate_run
    from riskadj.calibration.options import CalibrationOptions, check_options

    wanted = check_options(
        CalibrationOptions(
            amount=amount, cost_cap=cost_cap, nonnegative=nonnegative, ordered=ordered,
            equal=tuple(tuple(group) for group in equal), min_members=min_members, rare=rare, collinear=collinear,
            min_segment_members=min_segment_members, small_segments=small_segments, folds=folds, seed=seed,
        )
    )  # fmt: skip
    if "models" in options:
        raise OptionError("a calibration starts from one model; name it with model=, not models=.")
    checked = make_options(payment_year=payment_year, models=[model], **options)
    role = "costs" if amount == "cost" else "claims"
    beside = (role, *roles_beside(drugs))
    extracts = open_extracts(enrollment, diagnoses, layout, columns, *beside)
    cost_layout = "riskadj" if role == "costs" else layout
    cost_extract = open_extract(costs, role, layout=cost_layout, columns=columns_of(role, columns, *beside))
    run = read_run(*extracts, checked, drugs=open_drugs(drugs, columns, checked, *beside))
    return calibrate_run(run, cost_extract, wanted)


def score_to_directory(
    enrollment: Any,
    diagnoses: Any,
    output: str | Path,
    *,
    options: ScoreOptions,
    drugs: Any = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    finish: Callable[[Path], None] | None = None,
) -> dict[str, Any]:
    """Score a population straight into files (as `riskadj score` does); return the run report.

    Memory grows with members, never with diagnosis rows or score rows. `finish` is called with the directory before it
    appears under its name, to add files that are made from the scores.
    """
    with OutputDirectory(output, overwrite=overwrite) as path:
        others = roles_beside(drugs)
        extracts = open_extracts(enrollment, diagnoses, layout, columns, *others)
        report = write_passes(*extracts, options, path, progress, open_drugs(drugs, columns, options))
        if finish is not None:
            finish(path)
        return report


def marginal_to_directory(
    enrollment: Any,
    diagnoses: Any,
    output: str | Path,
    *,
    options: ScoreOptions,
    drugs: Any = None,
    rate: float | str | None = None,
    by: Sequence[str] | None = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MarginalTotals:
    """Write what every captured HCC is worth straight into files (as `riskadj marginal` does); return the totals."""
    with OutputDirectory(output, overwrite=overwrite) as path:
        run = open_run(enrollment, diagnoses, options, layout, columns, progress, drugs=drugs)
        return write_marginal_values(run, path, rate=rate, by=by, source=enrollment)


def factors_to_directory(
    enrollment: Any,
    diagnoses: Any,
    output: str | Path,
    *,
    options: ScoreOptions,
    drugs: Any = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write what `Scores.factors` returns straight into a file (as `riskadj factors` does); return the run report."""
    with OutputDirectory(output, overwrite=overwrite) as path:
        run = open_run(enrollment, diagnoses, options, layout, columns, progress, drugs=drugs)
        return write_factors(run, path)


def without(
    enrollment: Any,
    diagnoses: Any,
    *,
    options: ScoreOptions,
    drugs: Any = None,
    where: Mapping[str, Any] | None = None,
    listed: Any = None,
    rate: float | str | None = None,
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ScoresWithout:
    """Score a population with and without some of its diagnoses (as `riskadj without` does); see `Scores.without`."""
    run = open_run(enrollment, diagnoses, options, layout, columns, progress, drugs=drugs)
    return scores_without(run, where=where, listed=listed, rate=rate, source=enrollment)
