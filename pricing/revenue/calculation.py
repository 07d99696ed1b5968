"""Part C and Part D revenue by month, from scored members, terms of the plans and a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.experience.months import years_of
from pricing.parameters import Overrides
from pricing.revenue.assumed import Assumed, reached
from pricing.revenue.assumptions import COMPLETIONS, VINTAGES, Scenario
from pricing.revenue.build import price
from pricing.revenue.factors import (
    COMPONENTS,
    FROM_MEMBERS,
    Cents,
    cents,
    component_cents,
    dollars_of,
)
from pricing.revenue.members import Membership
from pricing.revenue.projection import (
    ENROLLMENT,
    Flows,
    Projection,
    flows_of,
    given_members,
    project,
    with_members,
)
from pricing.revenue.recipe import Recipe
from pricing.revenue.revenue_forecast import RevenueForecast
from pricing.revenue.runs import PaymentCalendar, payment_calendar
from pricing.revenue.scores import PARTS, base_means, scores_of
from pricing.revenue.settlement import Settlement
from pricing.revenue.terms import Terms, read_terms


def forecast(
    membership: Membership,
    terms: Any,
    *,
    scenario: Scenario | None = None,
    n_months: int = 36,
    first_month: date | str | None = None,
    enrollment: Any = None,
    overrides: Overrides = None,
    calendar: PaymentCalendar | None = None,
) -> RevenueForecast:
    """Return revenue by month under a scenario.

    Parameters
    ----------
    membership : Membership
        From `pricing.revenue.members_of_scores`.
    terms : path, DataFrame, Arrow table or mapping
        What plans are paid and charge, as `pricing.revenue.terms.read_terms` says: ``{"payment_rate": [1_050.0],
        "rebate_pmpm": [110.0]}``, or a row for each plan, county and year (`pricing.revenue.terms_of_bids`).
    scenario : Scenario, optional
        Default: nothing changes, and every month repeats the base month.
    n_months : int
        How many months tables show.
    first_month : date or str, optional
        The first of them; default: the base month.
    enrollment : path, DataFrame, Arrow table or mapping, optional
        Given members instead of expected ones: month, members, and any columns of the cohorts.
    overrides : path or mapping, optional
        Yearly parameters of your own, as for `pricing.load_rates`.
    calendar : PaymentCalendar, optional
        When CMS pays by which run; default: `pricing.revenue.payment_calendar` of the forecast's years.

    Returns
    -------
    RevenueForecast

    Raises
    ------
    InputError
        Terms, scenario or enrollment do not fit the members; the message says how.
    UnknownRateError
        A yearly parameter is not known for a month's year.

    Notes
    -----
    Each component of a cohort and month is rounded to the cent once; CMS rounds each member's payment, so that its
    reports differ by up to half a cent a member. Members keep the score they have: what a year adds to it is for
    `coding_trend` or later scores to say. Settlements of months before the first one are not in the tables.

    References
    ----------
    .. [1] 42 CFR 422.304-422.310, 423.329; pricing/rates/medicare/manifest.toml, pricing/rates/revenue/manifest.toml.
    """
    return make(
        Recipe(
            membership, terms, scenario or Scenario("base"), n_months, first_month, enrollment, overrides, calendar
        )
    )  # fmt: skip


def make(recipe: Recipe) -> RevenueForecast:
    """Return the forecast of a recipe."""
    membership, scenario, first = recipe.membership, recipe.scenario, recipe.first
    months = np.arange(membership.base_month, membership.base_month + first + recipe.n_months)
    cohorts = reached(membership.cohorts, scenario)
    assumed = Assumed(scenario, cohorts, months)
    terms = read_terms(
        recipe.terms, cohorts, base_year=int(years_of(months[:1])[0]), overrides=recipe.overrides
    )
    _check_part_d(membership, terms)
    flows, projection = _projection(membership, assumed, recipe.enrollment)
    scores = {part: scores_of(part, projection, assumed, membership) for part in projection.scores}
    priced = price(assumed, terms, overrides=recipe.overrides)
    factors = {
        run: priced.factors(projection.members, scores["part_c"], scores.get("part_d"), vintage=run)
        for run in (VINTAGES if _has_completion(scenario) else ("final",))
    }
    earned = component_cents(factors["final"])
    others = {run: component_cents(factors[run]) for run in factors if run != "final"}
    paid = {run: _of_cms(others.get(run, earned)) for run in VINTAGES}
    calendar = recipe.calendar or payment_calendar(years_of(months[first:]).tolist())
    settlement = _settlement(paid, assumed, calendar, first)
    return RevenueForecast(
        recipe, cohorts, months, first, flows, projection, scores, priced, factors["final"], earned, settlement, terms
    )  # fmt: skip


def _has_completion(scenario: Scenario) -> bool:
    """Return whether the runs' scores may differ."""
    return any(row.parameter in COMPLETIONS for row in scenario.rows)


def _check_part_d(membership: Membership, terms: Terms) -> None:
    if membership.part_d_scores is None and terms.has("part_d_bid"):
        raise InputError("terms have a part_d_bid, but members have no Part D scores; give part_d_scores=.")


def _projection(membership: Membership, assumed: Assumed, enrollment: Any) -> tuple[Flows | None, Projection]:
    cohorts = assumed.cohorts
    extra = (0, len(cohorts) - len(membership.cohorts))
    members = np.pad(membership.members, extra)
    given = {"part_c": membership.scores, "part_d": membership.part_d_scores}
    totals = {
        part: np.pad(membership.total(scores), extra) for part in PARTS if (scores := given[part]) is not None
    }
    means = {part: base_means(cohorts, members, total) for part, total in totals.items()}
    if enrollment is None:
        flows = flows_of(assumed, members)
        return flows, project(flows, members, scores=totals, means=means)
    both = [name for name in ENROLLMENT if assumed.scenario.named(name)]
    if both:
        raise InputError(f"members are given by enrollment=, so the scenario cannot assume {both[0]} too.")
    return None, with_members(given_members(enrollment, cohorts, assumed.months, base_members=members), means)


def _of_cms(found: Mapping[str, Cents]) -> Cents:
    """Return what CMS pays, by cohort and month [cents]."""
    return np.asarray(np.sum([found[name] for name in COMPONENTS if name not in FROM_MEMBERS], axis=0))


def _settlement(
    paid: Mapping[str, Cents], assumed: Assumed, calendar: PaymentCalendar, first: int
) -> Settlement:
    """Return when what CMS pays by each run's scores is paid, from the first month that tables show."""
    months, lag = assumed.months[first:], assumed.scenario.retroactive_lag_months
    by_vintage = {run: amounts[:, first:].sum(axis=0) for run, amounts in paid.items()}
    prompt = Settlement(months, by_vintage, np.zeros(len(months), np.int64), lag, calendar)
    if not assumed.scenario.named("retroactive"):
        return prompt
    prospective = np.where(prompt.is_mid_year, paid["mid_year"][:, first:], paid["initial"][:, first:])
    late = cents(dollars_of(prospective) * assumed.array("retroactive")[:, first:]).sum(axis=0)
    return replace(prompt, late=late)
