"""Run the kernels: condition bits of members -> variables and raw risk scores of enrollment rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.kernels import capture, hierarchies, interactions, relative_factors
from riskadj.scoring.plan import ScoringPlan, Words
from riskadj.scoring.profiles import StatusProfiles


@dataclass(frozen=True)
class RowSums:
    """What one segment's relative factors make of each row.

    Attributes
    ----------
    scored : ndarray of uint64, shape (n_rows, n_words)
        Variables that were added up.
    demographic, total : ndarray of int64, shape (n_rows,)
        Sums of relative factors [units of ``10 ** -plan.decimals``].
    """

    scored: Words
    demographic: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]


def find_variables(
    plan: ScoringPlan,
    captured: Words,
    first_word: int,
    members: npt.NDArray[np.int32],
    profile_of_row: npt.NDArray[np.int32],
    profiles: StatusProfiles,
    demographics: Words,
) -> Words:
    """Return every variable that is on for each row, hierarchies applied.

    Parameters
    ----------
    plan : ScoringPlan
    captured : ndarray of uint64, shape (n_members, n_captured_words)
    first_word : int
        Where the plan's words begin in `captured`.
    members, profile_of_row : ndarray of int32, shape (n_rows,)
    profiles : StatusProfiles
    demographics : ndarray of uint64, shape (n_profiles, plan.n_words)
        As `profiles.demographics_of_profile` gives them.

    Returns
    -------
    ndarray of uint64, shape (n_rows, plan.n_words)
    """
    variables = find_hccs(plan, captured, first_word, members, profile_of_row, profiles)
    switch_on_variables(plan, profile_of_row, demographics, variables)
    return variables


def find_hccs(
    plan: ScoringPlan,
    captured: Words,
    first_word: int,
    members: npt.NDArray[np.int32],
    profile_of_row: npt.NDArray[np.int32],
    profiles: StatusProfiles,
) -> Words:
    """Return the HCCs that the diagnoses give each row by its age and sex, before requirements and hierarchies.

    Takes what `find_variables` takes.
    """
    variables = np.zeros((len(members), plan.n_words), np.uint64)
    bits = plan.bit_columns
    capture.resolve_conditions(
        captured,
        first_word,
        members,
        profile_of_row,
        profiles.columns["age_years"],
        (1 << profiles.columns["sex"]).astype(np.uint8),
        plan.n_hccs,
        bits.hcc_ids,
        bits.sexes,
        bits.age_mins,
        bits.age_maxs,
        variables,
    )
    return variables


def switch_on_variables(
    plan: ScoringPlan, profile_of_row: npt.NDArray[np.int32], demographics: Words, variables: Words
) -> None:
    """Apply requirements and hierarchies to the HCCs of each row, then turn on every variable that follows from them.

    Parameters
    ----------
    profile_of_row : ndarray of int32, shape (n_rows,)
    demographics : ndarray of uint64, shape (n_profiles, plan.n_words)
    variables : ndarray of uint64, shape (n_rows, plan.n_words); changed
        HCCs as `find_hccs` returns them.
    """
    hierarchies.apply_requirements(plan.required_hcc, plan.needs_any, variables)
    hierarchies.apply_hierarchies(plan.drops, plan.sequential, variables)
    left_out = demographics & plan.may_be_left_out
    if plan.may_be_left_out.any():
        interactions.leave_out(profile_of_row, left_out, variables)
    interactions.switch_on_groups(plan.groups_of_hcc, plan.n_hcc_words, variables)
    if plan.may_be_left_out.any():
        interactions.leave_out(profile_of_row, left_out, variables)
    interactions.switch_on_counts(plan.counted, plan.counted_in, plan.counts_of_number, variables)
    interactions.switch_on_demographics(profile_of_row, demographics & ~plan.may_be_left_out, variables)
    interactions.switch_on_interactions(
        plan.terms_begin, plan.terms, plan.terms_wanted, plan.first_interaction, variables
    )


def sum_factors(plan: ScoringPlan, variables: Words, columns: npt.NDArray[np.int32]) -> RowSums:
    """Return the sums of relative factors of each row in its factor column.

    Parameters
    ----------
    variables : ndarray of uint64, shape (n_rows, plan.n_words)
    columns : ndarray of int32, shape (n_rows,)
        Position in ``plan.factor_columns``.
    """
    n_rows = len(variables)
    sums = RowSums(np.empty_like(variables), np.empty(n_rows, np.int64), np.empty(n_rows, np.int64))
    relative_factors.sum_relative_factors(
        variables, columns, plan.factors, plan.priced, plan.demographic_mask, sums.scored, sums.demographic, sums.total
    )  # fmt: skip
    return sums
