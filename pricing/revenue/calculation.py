"""Part C and Part D revenue by month, from scored members, terms of the plans and a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from pricing.errors import InputError
from pricing.experience.months import years_of
from pricing.revenue.assumed import Assumed, reached
from pricing.revenue.assumptions import VINTAGES, Scenario
from pricing.revenue.build import price
from pricing.revenue.factors import (
    COMPONENTS,
    FROM_MEMBERS,
    Cents,
    Factors,
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
from pricing.revenue.recipe import Overrides, Recipe
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
    terms = read_terms(recipe.terms, cohorts, base_year=int(years_of(months[:1])[0]))
    _check_part_d(membership, terms)
    flows, projection = _projection(membership, assumed, recipe.enrollment)
    scores = {part: scores_of(part, projection, assumed, membership) for part in projection.scores}
    priced = price(assumed, terms, overrides=recipe.overrides)
    by_run = {
        run: priced.factors(projection.members, scores["part_c"], scores.get("part_d"), vintage=run)
        for run in VINTAGES
    }
    earned = component_cents(by_run["final"])
    calendar = recipe.calendar or payment_calendar(years_of(months[first:]).tolist())
    settlement = _settlement(by_run, earned, assumed, calendar, first)
    return RevenueForecast(
        recipe,
        cohorts,
        months,
        first,
        flows,
        projection,
        scores,
        priced,
        by_run["final"],
        earned,
        settlement,
        terms,
    )


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


def _settlement(
    by_run: Mapping[str, Factors],
    earned: Mapping[str, Cents],
    assumed: Assumed,
    calendar: PaymentCalendar,
    first: int,
) -> Settlement:
    cms = [name for name in COMPONENTS if name not in FROM_MEMBERS]
    of_cohorts: dict[str, Cents] = {}
    for run in VINTAGES:
        found = earned if run == "final" else component_cents(by_run[run])
        of_cohorts[run] = np.sum([found[name] for name in cms], axis=0)[:, first:]
    by_vintage = {run: amounts.sum(axis=0) for run, amounts in of_cohorts.items()}
    draft = Settlement(assumed.months[first:], by_vintage, np.zeros(1, np.int64), 0, calendar)
    paid = np.where(draft.is_mid_year, of_cohorts["mid_year"], of_cohorts["initial"])
    late = cents(dollars_of(paid) * assumed.array("retroactive")[:, first:]).sum(axis=0)
    return Settlement(
        assumed.months[first:], by_vintage, late, assumed.scenario.retroactive_lag_months, calendar
    )
