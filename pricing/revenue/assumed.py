"""A scenario laid on cohorts and months: every parameter as an array, moves between cohorts as targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pricing.errors import InputError
from pricing.experience.months import month_of
from pricing.revenue.assumptions import PARAMETERS, WITH_TO, Assume, Scenario
from pricing.revenue.cohorts import Cohorts
from pricing.rows import Integers, Numbers, rows_in_words


@dataclass(frozen=True)
class Transition:
    """A move to cohorts that differ in some columns.

    Attributes
    ----------
    to : mapping of str to str
    target : ndarray of int64, shape (n_cohorts,)
        Cohort that members of each cohort move to.
    probability, score : ndarray of float64, shape (n_cohorts, n_months)
        A month; score times the target's base mean.
    """

    to: Mapping[str, str]
    target: Integers = field(repr=False)
    probability: Numbers = field(repr=False)
    score: Numbers = field(repr=False)


@dataclass(frozen=True)
class Assumed:
    """A scenario on cohorts x months.

    Attributes
    ----------
    months : ndarray of int64, shape (n_months,)
        Months since January 1970; the first is the base month. What is assumed of a month acts between the month
        before and it.
    """

    scenario: Scenario
    cohorts: Cohorts
    months: Integers

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cohorts, number of months."""
        return len(self.cohorts), len(self.months)

    def array(self, parameter: str, *, otherwise: Numbers | None = None) -> Numbers:
        """Return a parameter by cohort and month [its unit]; of rows that fit the last holds.

        Parameters
        ----------
        otherwise : ndarray, optional
            What holds where no row fits; default: the parameter's neutral value.
        """
        neutral = PARAMETERS[parameter].neutral
        start = np.broadcast_to(np.float64(0.0 if neutral is None else neutral), self.shape)
        return self._laid(self.scenario.named(parameter), start if otherwise is None else otherwise)

    def index(self, parameter: str) -> Numbers:
        """Return the growth since the base month of a parameter that grows each January; 1 in the base month."""
        grows = (self.months % 12 == 0) & (np.arange(len(self.months)) > 0)
        if not grows.any() or not self.scenario.named(parameter):
            return np.ones(self.shape)
        result: Numbers = np.cumprod(
            np.where(grows, 1 + self.array(parameter), 1.0), axis=1, dtype=np.float64
        )
        return result

    def spread(self, parameter: str, base_members: Numbers) -> Numbers:
        """Return counts of members, each row's spread over its cohorts as their base members.

        Raises
        ------
        InputError
            A row's cohorts have no base members.
        """
        result = np.zeros(self.shape)
        for row in self.scenario.named(parameter):
            cohorts, months = self._fitted(row)
            weights = np.where(cohorts, base_members, 0.0)
            if not weights.sum() > 0:
                raise InputError(
                    f"{row.text}: no cohort it names has members in the base month to spread it by."
                )
            result = np.where(
                np.outer(cohorts, months), (row.value * weights / weights.sum())[:, None], result
            )
        return result

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Moves between cohorts, one for each `to`.

        Raises
        ------
        InputError
            The probabilities of some cohort and month are above 1 together.
        """
        wanted = {tuple(sorted(row.to.items())): row.to for row in self.scenario.named("transition")}
        found = tuple(self._transition(dict(to)) for to in wanted)
        total = sum((each.probability for each in found), start=np.zeros(self.shape))
        bad = np.asarray((total > 1 + 1e-12).any(axis=1))
        if bad.any():
            raise InputError(
                f"transitions out of a cohort add up to more than 1, as cohorts: {rows_in_words(bad)}; lower them."
            )
        return found

    def _transition(self, to: Mapping[str, str]) -> Transition:
        target = self.cohorts.find(self.cohorts.moved(to))
        rows = {
            name: [row for row in self.scenario.named(name) if dict(row.to) == dict(to)] for name in WITH_TO
        }
        moves = self._laid(rows["transition"], np.zeros(self.shape))
        stays = (target == np.arange(len(target))) | (target < 0)
        score = self._laid(rows["transition_score"], np.ones(self.shape))
        return Transition(to, np.where(target < 0, 0, target), np.where(stays[:, None], 0.0, moves), score)

    def _laid(self, rows: Sequence[Assume], start: Numbers) -> Numbers:
        result = start
        for row in rows:
            cohorts, months = self._fitted(row)
            result = np.where(np.outer(cohorts, months), row.value, result)
        return result

    def _fitted(self, row: Assume) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which cohorts and which months a row is about."""
        self.cohorts.refuse_unless_some_fit(row.where, row.parameter)
        months = np.ones(len(self.months), np.bool_)
        if row.first_month:
            months &= self.months >= month_of(row.first_month)
        if row.last_month:
            months &= self.months <= month_of(row.last_month)
        if row.calendar_months:
            months &= np.isin(self.months % 12 + 1, list(row.calendar_months))
        return self.cohorts.fits(row.where), months


def reached(cohorts: Cohorts, scenario: Scenario) -> Cohorts:
    """Return the cohorts with those added that members can move to."""
    before = -1
    while before != len(cohorts):
        before = len(cohorts)
        for row in scenario.named("transition"):
            cohorts = cohorts.with_rows(cohorts.moved(row.to, cohorts.fits(row.where)))
    return cohorts
