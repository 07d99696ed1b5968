"""The rules of a run: the payment year, its policies for the program, and a plan per model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from riskadj.errors import OptionError, UnknownModelError, UnknownPaymentYearError
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.payment_score import check_rounding, numbers_of_model
from riskadj.scoring.plan import ScoringPlan, fields_of, make_plan
from riskadj.scoring.profiles import (
    StatusProfiles,
    demographics_of_profile,
    factor_columns_of_profile,
    segment_of_profile,
)
from riskadj.scoring.score_rows import ModelRun
from riskadj.tables.conditions import Condition
from riskadj.tables.model import ModelTables, load_model
from riskadj.tables.payment_year import PaymentYear, Policy, load_payment_year


@dataclass(frozen=True)
class Rules:
    """What a run scores by: the payment year, its policies for the program, and the models.

    Attributes
    ----------
    models : tuple of ModelTables
        Those that the policies name, or the caller; `in_use` leaves out those that no row needs.
    edits : {"default", "none"}
    """

    year: PaymentYear
    policies: tuple[Policy, ...]
    models: tuple[ModelTables, ...]
    edits: str

    @cached_property
    def plans(self) -> tuple[ScoringPlan, ...]:
        """The plan of each model, made when first asked for: a model that no row needs costs no plan."""
        return tuple(_planned(_PlanKey.of(model, self.edits)) for model in self.models)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Status fields that any rule tests."""
        models = {model.id for model in self.models}
        numbers = (*self.year.normalization, *self.year.coding_intensity, *self.year.cost_sharing)
        conditions = [policy.when for policy in self.policies]
        conditions += [number.when for number in numbers if number.model_id in models]
        names = ["sex", *(name for model in self.models for name in fields_of(model))]
        return tuple(dict.fromkeys([*names, *(name for item in conditions for name in item.fields)]))

    def in_use(self, policies: npt.NDArray[np.int32]) -> Rules:
        """Return the rules with just the models that some profile's policy names."""
        used = tuple(model for model in self.models if uses_model(self, model, policies).any())
        return self if used == self.models else replace(self, models=used)

    def restricted_to(self, model_ids: Collection[str]) -> Rules:
        """Return the rules with just these models."""
        return replace(self, models=tuple(model for model in self.models if model.id in model_ids))


@dataclass(frozen=True)
class _PlanKey:
    """What a plan depends on; the tables themselves are known by their checksums."""

    path: Path
    hierarchy_manner: str
    scores: Condition
    checksums: tuple[tuple[str, str], ...]
    edits: str
    model: ModelTables = field(compare=False)

    @classmethod
    def of(cls, model: ModelTables, edits: str) -> _PlanKey:
        manifest = model.manifest
        checksums = tuple(sorted(model.checksums.items()))
        return cls(manifest.path, manifest.hierarchy_manner, manifest.scores, checksums, edits, model)


@lru_cache(maxsize=32)
def _planned(key: _PlanKey) -> ScoringPlan:
    """Return the plan of a model; what-ifs score the same tables again and again."""
    return make_plan(key.model, edits=key.edits)


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
    for model in models:
        if model.manifest.program != year.program:
            raise UnknownModelError(
                f"{model.id} is a model of {model.manifest.program}, not of {options.program}; "
                "give the program that it belongs to (--program)."
            )
    proposed = [model.id for model in models if model.manifest.status != "final"]
    if proposed and options.models is None:
        raise UnknownModelError(
            f"{proposed[0]} of {year.year} is only proposed; ask for it by name with models=."
        )
    return Rules(year, policies, tuple(models), options.edits)


def require_drug_models(rules: Rules, options: ScoreOptions) -> None:
    """Raise OptionError unless some model of the run has drug categories."""
    if not any("drug_mappings" in model.tables for model in rules.models):
        raise OptionError(
            f"no model of {options.program} reads drugs; leave the drugs extract out (--drugs)."
        )


def uses_model(rules: Rules, model: ModelTables, policies: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return which profiles a model scores, by their payment policy (bool, shape (n_profiles,))."""
    if not rules.policies:
        return np.ones(len(policies), np.bool_)
    users = [n for n, policy in enumerate(rules.policies) if model.id in dict(policy.blend)]
    return np.isin(policies, users)


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
        cost_sharing=numbers_of_model(rules.year.cost_sharing, name, plan.segments, profiles),
        weights=weights,
    )


def collection_window(options: ScoreOptions, year: PaymentYear) -> tuple[date, date]:
    """Return the first and last service date that count: the caller's dates, or those of the run that was asked for.

    Raises
    ------
    OptionError
        The year has no window for that run.
    """
    if options.collection is not None:
        return options.collection
    if options.collection_run not in year.collections:
        raise OptionError(
            f"payment year {year.year} has no collection window for the {options.collection_run} run; "
            f"it has: {', '.join(year.collections)}. Give the dates as collection='FIRST:LAST'."
        )
    return year.collections[options.collection_run]
