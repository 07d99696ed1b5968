"""The rules of a run: the payment year, its policies for the program, and a plan per model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from riskadj.errors import UnknownModelError, UnknownPaymentYearError
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.payment_score import check_rounding, numbers_of_model
from riskadj.scoring.plan import ScoringPlan, make_plan
from riskadj.scoring.profiles import (
    StatusProfiles,
    demographics_of_profile,
    factor_columns_of_profile,
    segment_of_profile,
)
from riskadj.scoring.score_rows import ModelRun
from riskadj.tables.model import load_model
from riskadj.tables.payment_year import PaymentYear, Policy, load_payment_year


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


def uses_model(rules: Rules, plan: ScoringPlan, policies: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return which profiles a model scores, by their payment policy (bool, shape (n_profiles,))."""
    if not rules.policies:
        return np.ones(len(policies), np.bool_)
    users = [n for n, policy in enumerate(rules.policies) if plan.model.id in dict(policy.blend)]
    return np.isin(policies, users)


def rules_in_use(rules: Rules, profiles: StatusProfiles, policies: npt.NDArray[np.int32]) -> Rules:
    """Return the rules without the models that no row needs: their diagnoses need no memory."""
    plans = tuple(plan for plan in rules.plans if uses_model(rules, plan, policies).any())
    return replace(rules, plans=plans)


def model_run(rules: Rules, plan: ScoringPlan, first_word: int, profiles: StatusProfiles) -> ModelRun:
    """Return one model as the run uses it."""
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
