"""Scenarios of a revenue forecast: named, frozen rows that say what changes, for whom and when; they diff."""

from __future__ import annotations

from calendar import month_abbr
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import month_of
from pricing.inputs import MOST_RATE
from pricing.revenue.cohorts import Where
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd

#: Runs of risk scores, in the order in which CMS pays by them.
VINTAGES = ("initial", "mid_year", "final")


@dataclass(frozen=True)
class Parameter:
    """What a scenario can say, and what holds where it says nothing.

    Attributes
    ----------
    neutral : float or None
        The value that changes nothing; None: the year's law.
    most : float
        Highest value allowed; the lowest is `least`.
    """

    unit: str
    neutral: float | None
    least: float
    most: float
    meaning: str


_MANY = 1e12
_SHARE = (0.0, 1.0)
#: More growth a year is taken for a factor, or for percent; so is a completion above the most.
_GROWTH = (-0.9, MOST_RATE)
_DONE = (0.01, 2.0)
_FACTOR = (0.01, 100.0)
PARAMETERS: Mapping[str, Parameter] = {
    "death": Parameter("probability a month", 0.0, *_SHARE, "members of the month before who die"),
    "lapse": Parameter("probability a month", 0.0, *_SHARE, "survivors who leave: 1 less persistency"),
    "transition": Parameter("probability a month", 0.0, *_SHARE, "those who stay, but move to the cohort `to`"),
    "new_sales": Parameter("members a month", 0.0, 0.0, _MANY, "join, spread over the cohorts as their base members"),
    "aging_in": Parameter("members a month", 0.0, 0.0, _MANY, "join on reaching 65, spread likewise"),
    "death_score": Parameter("times the cohort's mean", 1.0, 0.0, 100.0, "score of those who die"),
    "lapse_score": Parameter("times the cohort's mean", 1.0, 0.0, 100.0, "score of those who leave"),
    "transition_score": Parameter("times the new cohort's base mean", 1.0, 0.0, 100.0, "score of those who move there"),
    "new_sales_score": Parameter("times the cohort's base mean", 1.0, 0.0, 100.0, "score of those who join"),
    "aging_in_score": Parameter("times the cohort's base mean", 1.0, 0.0, 100.0, "score of those who do"),
    "coding_trend": Parameter("growth a year", 0.0, *_GROWTH, "Part C scores, each January after the base month"),
    "model_change": Parameter("factor", 1.0, *_FACTOR, "Part C scores: another model, against the base month's"),
    "normalization_change": Parameter("factor", 1.0, *_FACTOR, "Part C scores: normalization, coding intensity"),
    "completion_initial": Parameter("share of the complete score", 1.0, *_DONE, "Part C scores of the initial run"),
    "completion_mid_year": Parameter("share of the complete score", 1.0, *_DONE, "Part C scores of the mid-year run"),
    "completion_final": Parameter("share of the complete score", 1.0, *_DONE, "Part C scores of the final run"),
    "rate_trend": Parameter("growth a year", 0.0, *_GROWTH, "payment rates, each January without rates of its own"),
    "rate_change": Parameter("factor", 1.0, *_FACTOR, "payment rates"),
    "rebate_trend": Parameter("growth a year", 0.0, *_GROWTH, "rebates, each January without terms of its own"),
    "rebate_change": Parameter("factor", 1.0, *_FACTOR, "rebates"),
    "sequestration": Parameter("share of payment", None, *_SHARE, "withheld, instead of the law's share"),
    "part_d_coding_trend": Parameter("growth a year", 0.0, *_GROWTH, "Part D scores, each January"),
    "part_d_model_change": Parameter("factor", 1.0, *_FACTOR, "Part D scores: model, normalization"),
    "part_d_completion_initial": Parameter("share of the complete score", 1.0, *_DONE, "Part D scores, initial"),
    "part_d_completion_mid_year": Parameter("share of the complete score", 1.0, *_DONE, "Part D scores, mid-year"),
    "part_d_completion_final": Parameter("share of the complete score", 1.0, *_DONE, "Part D scores, final"),
    "part_d_trend": Parameter("growth a year", 0.0, *_GROWTH, "Part D bid and prospective payments, each January"),
    "retroactive": Parameter("share of payment", 0.0, -1.0, 1.0, "paid late, once a change is known"),
}  # fmt: skip
#: Those that say where members go, and so name it.
WITH_TO = ("transition", "transition_score")
COMPLETIONS = tuple(name for name in PARAMETERS if "completion" in name)

#: What tells one row of a scenario from another: parameter, where, to, months, calendar months.
_Listed = tuple[tuple[str, tuple[str, ...]], ...]
Key = tuple[str, _Listed, tuple[tuple[str, str], ...], str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Assume:
    """One row of a scenario: a parameter has a value, for some cohorts, in some months.

    Parameters
    ----------
    parameter : str
        One of `PARAMETERS`, which says unit and meaning.
    value : float
    where : mapping
        Column of the cohorts -> value or values; default: every cohort.
    to : mapping
        Of transitions: column -> the value that those who move have then.
    first_month, last_month : str
        ``"2027-01"``, both included; blank: from the base month on, to the end.
    calendar_months : sequence of int
        1 to 12: only in these months of each year; default: in all.
    """

    parameter: str
    value: float
    where: Where = field(default_factory=dict)
    to: Mapping[str, str] = field(default_factory=dict)
    first_month: str = ""
    last_month: str = ""
    calendar_months: Sequence[int] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be assumed."""
        rule = _rule(self.parameter)
        if not rule.least <= self.value <= rule.most:
            raise InputError(
                f"{self.parameter} of {self.value:g} is impossible; it runs from {rule.least:g} to {rule.most:g} "
                f"[{rule.unit}]."
            )
        if bool(self.to) != (self.parameter in WITH_TO):
            raise InputError(
                f"{self.parameter}: `to` is given for {' and '.join(WITH_TO)}, and only for them."
            )
        self._check_months()

    def _check_months(self) -> None:
        first, last = (month_of(month) if month else None for month in (self.first_month, self.last_month))
        if first is not None and last is not None and last < first:
            raise InputError(
                f"{self.parameter}: last_month {self.last_month} lies before {self.first_month}."
            )
        if any(month not in range(1, 13) for month in self.calendar_months):
            raise InputError(f"{self.parameter}: calendar_months run from 1 to 12.")

    @property
    def key(self) -> Key:
        """What tells the row from others: everything but its value."""
        where = {
            name: (one,) if isinstance(one, str) else tuple(sorted(one)) for name, one in self.where.items()
        }
        months = tuple(sorted(set(self.calendar_months)))
        return (
            self.parameter, tuple(sorted(where.items())), tuple(sorted(self.to.items())), self.first_month,
            self.last_month, months,
        )  # fmt: skip

    @property
    def text(self) -> str:
        """The row's key in words, such as ``lapse, status full_dual, in Jan``."""
        _, where, to, first, last, months = self.key
        parts = [self.parameter, *(f"{name} {' or '.join(values)}" for name, values in where)]
        parts += [f"to {name} {value}" for name, value in to]
        parts += [f"from {first}"] * bool(first) + [f"until {last}"] * bool(last)
        named = " ".join(month_abbr[month] for month in months)
        return ", ".join(parts + [f"in {named}"] * bool(months))

    def __eq__(self, other: object) -> bool:
        """Return whether two rows say the same."""
        return isinstance(other, Assume) and (self.key, self.value) == (other.key, other.value)

    def __hash__(self) -> int:
        return hash((self.key, self.value))


@dataclass(frozen=True)
class Scenario:
    """A named set of assumptions; where it says nothing, nothing changes.

    Parameters
    ----------
    name : str
    rows : sequence of Assume
        Of rows that fit a cohort and month the last holds, so begin with the general ones.
    scored_as : {"", "initial", "mid_year", "final"}
        Which run the members' scores stand for; needed once a completion is assumed: the complete score is the score
        given, divided by that run's completion in the base month.
    retroactive_lag_months : int
        How many months late the `retroactive` share is paid.

    Examples
    --------
    >>> budget = Scenario("budget", (Assume("lapse", 0.01), Assume("rate_trend", 0.04)))
    >>> latest = budget.plus(Assume("rate_trend", 0.05), name="latest")
    >>> latest.diff(budget).table()["assumption"].to_pylist()
    ['rate_trend']
    """

    name: str
    rows: tuple[Assume, ...] = ()
    scored_as: str = ""
    retroactive_lag_months: int = 3

    def __post_init__(self) -> None:
        """Refuse a scenario that contradicts itself."""
        object.__setattr__(self, "rows", tuple(self.rows))
        keys = [row.key for row in self.rows]
        twice = next((row for row in self.rows if keys.count(row.key) > 1), None)
        if twice is not None:
            raise InputError(f"scenario '{self.name}' says twice: {twice.text}; keep one of them.")
        if self.scored_as not in ("", *VINTAGES):
            raise InputError(f"scored_as '{self.scored_as}' is none of {', '.join(VINTAGES)}.")
        if not self.scored_as and any(row.parameter in COMPLETIONS for row in self.rows):
            raise InputError(
                f"scenario '{self.name}' assumes completion of scores: say which run the members' scores stand for, "
                f"scored_as= one of {', '.join(VINTAGES)}."
            )
        if self.retroactive_lag_months < 1:
            raise InputError("retroactive_lag_months must be at least 1.")

    def plus(self, *rows: Assume, name: str) -> Scenario:
        """Return a scenario with rows added; a row with the key of an earlier one takes its place."""
        new = {row.key: row for row in (*self.rows, *rows)}
        return replace(self, name=name, rows=tuple(new.values()))

    def without(self, *parameters: str, name: str) -> Scenario:
        """Return the scenario without its rows of some parameters."""
        kept = tuple(row for row in self.rows if row.parameter not in parameters)
        return replace(self, name=name, rows=kept)

    def named(self, parameter: str) -> tuple[Assume, ...]:
        """Return the rows of one parameter, in order."""
        return tuple(row for row in self.rows if row.parameter == parameter)

    def diff(self, before: Scenario) -> ScenarioDiff:
        """Return what this scenario says otherwise than an earlier one."""
        return ScenarioDiff(before, self)

    def table(self) -> pa.Table:
        """Return one row per assumption: assumption, value, unit, origin (the scenario), meaning."""
        rows = [
            (row.text, f"{row.value:.10g}", PARAMETERS[row.parameter].unit, PARAMETERS[row.parameter].meaning)
            for row in self.rows
        ]
        rows.append(("scored_as", self.scored_as or "as given", "", "run that the members' scores stand for"))
        texts, values, units, meanings = zip(*rows, strict=True)
        columns = (texts, values, units, [f"scenario {self.name}"] * len(rows), meanings)
        names = ("assumption", "value", "unit", "origin", "meaning")
        return pa.table([pa.array(column, pa.string()) for column in columns], names=list(names))


@dataclass(frozen=True)
class ScenarioDiff:
    """What one scenario says otherwise than an earlier one."""

    before: Scenario
    after: Scenario

    @property
    def removed(self) -> tuple[Assume, ...]:
        """Rows that only the earlier scenario has."""
        kept = {row.key for row in self.after.rows}
        return tuple(row for row in self.before.rows if row.key not in kept)

    @property
    def changed(self) -> tuple[Assume, ...]:
        """Rows that the later scenario adds, or gives another value."""
        old = set(self.before.rows)
        return tuple(row for row in self.after.rows if row not in old)

    def apply(self, scenario: Scenario) -> Scenario:
        """Return a scenario with the same changes made; the earlier one becomes the later one."""
        gone = {row.key for row in self.removed}
        rows = {row.key: row for row in (*scenario.rows, *self.changed) if row.key not in gone}
        order = {row.key: place for place, row in enumerate(self.after.rows)}
        ordered = sorted(rows.values(), key=lambda row: order.get(row.key, -1))
        return replace(self.after, rows=tuple(ordered))

    def table(self) -> pa.Table:
        """Return one row per difference: assumption, before, after (null: not there), unit, meaning."""
        old = {row.key: row for row in self.before.rows}
        rows: list[tuple[Assume, float | None, float | None]] = [
            (row, old[row.key].value if row.key in old else None, row.value) for row in self.changed
        ]
        rows += [(row, row.value, None) for row in self.removed]
        return pa.table(
            {
                "assumption": pa.array([row.text for row, _, _ in rows], pa.string()),
                "before": pa.array([before for _, before, _ in rows], pa.float64()),
                "after": pa.array([after for _, _, after in rows], pa.float64()),
                "unit": pa.array([PARAMETERS[row.parameter].unit for row, _, _ in rows], pa.string()),
                "meaning": pa.array([PARAMETERS[row.parameter].meaning for row, _, _ in rows], pa.string()),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return `table` as a pandas DataFrame."""
        frame: pd.DataFrame = self.table().to_pandas()
        return frame

    def __repr__(self) -> str:
        """Return how much differs."""
        return (
            f"<{self.after.name} against {self.before.name}: {len(self.changed)} assumptions changed or added, "
            f"{len(self.removed)} removed>"
        )


def _rule(parameter: str) -> Parameter:
    if parameter not in PARAMETERS:
        raise InputError(
            f"no parameter '{parameter}'{nearest(parameter, PARAMETERS)}; there are: {', '.join(PARAMETERS)}."
        )
    return PARAMETERS[parameter]


def parameters_table(names: Iterable[str] = PARAMETERS) -> pa.Table:
    """Return what a scenario can say: parameter, unit, neutral (null: the law's), least, most, meaning.

    Parameters
    ----------
    names : iterable of str
        Default: every parameter.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        A name is no parameter's.
    """
    listed = [(name, _rule(name)) for name in names]
    return pa.table(
        {
            "parameter": pa.array([name for name, _ in listed]),
            "unit": pa.array([each.unit for _, each in listed]),
            "neutral": pa.array([each.neutral for _, each in listed], pa.float64()),
            "least": pa.array([each.least for _, each in listed]),
            "most": pa.array([each.most for _, each in listed]),
            "meaning": pa.array([each.meaning for _, each in listed]),
        }
    )
