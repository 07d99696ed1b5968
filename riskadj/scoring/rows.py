"""Which enrollment rows a run scores: those that a payment policy and a segment fit; the others are rejected."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import UnknownMemberError
from riskadj.extracts.buffers import from_numpy, values_of
from riskadj.extracts.enrollment import SOURCE_COLUMNS, Enrollment
from riskadj.extracts.rejects import Rejects
from riskadj.scoring.payment_score import numbers_of_model
from riskadj.scoring.profiles import (
    StatusProfiles,
    completed_years,
    completed_years_on,
    find_profiles,
    policy_of_profile,
    segment_of_profile,
)
from riskadj.scoring.rules import Rules, uses_model
from riskadj.tables.payment_year import PaymentYear


def _ages(rows: Enrollment, year: PaymentYear) -> npt.NDArray[np.uint8]:
    if year.age_at_end_of_enrollment:
        ages = completed_years_on(rows.birth_date, rows.last_day)
    else:
        ages = completed_years(rows.birth_date, year.age_as_of)
    given = rows.age_years >= 0
    return np.where(given, rows.age_years, ages).astype(np.uint8) if given.any() else ages


def rows_with_policy(
    rows: Enrollment,
    rules: Rules,
    rejects: Rejects,
    *,
    need_segment: bool,
    models: Collection[str] | None = None,
) -> tuple[Enrollment, Rules, StatusProfiles, npt.NDArray[np.int32]]:
    """Set aside the rows that no policy or (`need_segment`) no segment fits.

    Parameters
    ----------
    models : collection of str, optional
        Models that the rules returned have, where the rows are a share of a whole; default: those that the rows need.

    Returns
    -------
    tuple
        The rows that are left (their status is in the profiles alone), the rules that they need, their profiles, and
        the policy of each profile.
    """
    every_rule = rules
    profiles = find_profiles(_ages(rows, rules.year), rows.status, every_rule.fields)
    rows = replace(rows, status={})  # the profiles have it now, each combination once
    policies = policy_of_profile(rules.policies, profiles)
    rules = rules.in_use(policies)
    lacks_policy = (policies < 0) & bool(rules.policies)
    lacks_segment = _lacks_segment(rules, profiles, policies) & ~lacks_policy & need_segment
    lacks_factor = _lacks_cost_sharing(rules, profiles) & ~(lacks_policy | lacks_segment)
    for reason, lacking, fields in (
        (
            "no_payment_policy",
            lacks_policy,
            [name for policy in rules.policies for name in policy.when.fields],
        ),
        *_without_segment(rules, lacks_segment, policies),
        (
            "no_cost_sharing_factor",
            lacks_factor,
            [name for number in rules.year.cost_sharing for name in number.when.fields],
        ),
    ):
        if lacking.any():
            columns = dict.fromkeys(SOURCE_COLUMNS.get(name, name) for name in fields)
            _reject(rows, lacking[profiles.of_row], ", ".join(columns), reason, rejects)
    lacking = lacks_policy | lacks_segment | lacks_factor
    if lacking.any():
        rejects.raise_if_stopping(rows.rows_read)
        rows, profiles = keep_rows(rows, ~lacking[profiles.of_row]), profiles.kept(~lacking)
        rules = rules.in_use(policies[~lacking])
    if models is not None:
        rules = every_rule.restricted_to(models)
    return rows, rules, profiles, policy_of_profile(rules.policies, profiles)


def keep_rows(rows: Enrollment, wanted: npt.NDArray[np.bool_]) -> Enrollment:
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
        last_day=rows.last_day[wanted] if len(rows.last_day) else rows.last_day,
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


def _without_segment(
    rules: Rules, lacking: npt.NDArray[np.bool_], policies: npt.NDArray[np.int32]
) -> Iterator[tuple[str, npt.NDArray[np.bool_], list[str]]]:
    """Yield reason, profiles and fields, by policy: the fields that choose a segment in the models of the policy."""
    for policy in np.unique(policies[lacking]):
        of_policy = np.array([policy], np.int32)
        plans = [plan for plan in rules.plans if uses_model(rules, plan.model, of_policy).all()]
        fields = [name for plan in plans for name in plan.segment_fields]
        yield "no_segment", lacking & (policies == policy), fields


def _reject(rows: Enrollment, bad: npt.NDArray[np.bool_], column: str, reason: str, rejects: Rejects) -> None:
    for file_id in np.unique(rows.file_id[bad]):
        numbers = rows.row_number[bad & (rows.file_id == file_id)]
        rejects.add(rows.files[file_id], numbers, column, reason)


def _lacks_cost_sharing(rules: Rules, profiles: StatusProfiles) -> npt.NDArray[np.bool_]:
    """Return the profiles whose segment cannot have their cost-sharing variant."""
    result = np.zeros(profiles.n_profiles, np.bool_)
    for plan in rules.plans:
        segments = segment_of_profile(plan, profiles)
        numbers = numbers_of_model(rules.year.cost_sharing, plan.model.id, plan.segments, profiles)
        if numbers.entries:
            result |= (segments >= 0) & (numbers.of[np.arange(profiles.n_profiles), segments] < 0)
    return result


def _lacks_segment(
    rules: Rules, profiles: StatusProfiles, policies: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    result = np.zeros(profiles.n_profiles, np.bool_)
    for plan in rules.plans:
        result |= (segment_of_profile(plan, profiles) < 0) & uses_model(rules, plan.model, policies)
    return result
