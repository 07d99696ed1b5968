"""The panel: members by provider group and period, with months, risk scores and amounts. Everything else reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.contracts.money import CENTS, to_cents
from pricing.contracts.terms import Truncation
from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.rows import Integers, Rows, add_up, read_rows
from pricing.sorting import is_repeated

_NEEDED = ("provider_id", "member_id", "period", "member_months", "amount")
_OPTIONAL = ("risk_score", "premium", "sex", "age_years")
_MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Panel:
    """Members of provider groups, a row per member, group and period.

    Attributes
    ----------
    providers : tuple of str
        Groups, in order of their ids.
    provider : ndarray of int64, shape (n_rows,)
        Position in `providers`, from 0. [number of the group]
    period : ndarray of int64, shape (n_rows,)
        Year.
    months, risk : ndarray of float64, shape (n_rows,)
        Member months; risk score (1 where the table has none).
    cents, counted : ndarray of int64, shape (n_rows,)
        Amount of the member in the period [cents]: all of it, and what truncation leaves of it.
    premium : ndarray of int64 or None
        [cents]
    sex : ndarray of str or None
        F or M.
    age : ndarray of float64 or None
        [years]
    """

    label: str
    providers: tuple[str, ...]
    provider: Integers
    period: Integers
    months: Numbers
    risk: Numbers
    cents: Integers
    counted: Integers
    premium: Integers | None = field(default=None, repr=False)
    sex: npt.NDArray[Any] | None = field(default=None, repr=False)
    age: Numbers | None = field(default=None, repr=False)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.provider)

    @property
    def periods(self) -> list[int]:
        """Every period, oldest first."""
        return [int(each) for each in np.unique(self.period)]

    def of(self, period: int) -> Panel:
        """Return the rows of one period; groups keep their positions.

        Raises
        ------
        InputError
            There is no row of the period.
        """
        return self._chosen(self._rows_of(period))

    def up_to(self, period: int) -> Panel:
        """Return the rows of one period and of those before it.

        Raises
        ------
        InputError
            There is no row of the period.
        """
        self._rows_of(period)
        return self._chosen(np.flatnonzero(self.period <= period))

    def _rows_of(self, period: int) -> Integers:
        rows = np.flatnonzero(self.period == period)
        if not len(rows):
            known = ", ".join(map(str, self.periods))
            raise InputError(f"{self.label} has no row of period {period}; it has: {known}.")
        return rows

    def _chosen(self, rows: Integers) -> Panel:
        columns = ("provider", "period", "months", "risk", "cents", "counted", "premium", "sex", "age")
        parts = {name: getattr(self, name) for name in columns}
        taken: dict[str, Any] = {name: None if part is None else part[rows] for name, part in parts.items()}
        return replace(self, **taken)

    def truncated(self, truncation: Truncation) -> Panel:
        """Return the panel with `counted` cut at the level of each member and period."""
        counted = self.cents.copy()
        for period in self.periods:
            rows = np.flatnonzero(self.period == period)
            share = self.months[rows] / _MONTHS_A_YEAR if truncation.is_prorated else np.ones(len(rows))
            level = _level(truncation, self.cents[rows] / share)
            counted[rows] = np.minimum(counted[rows], np.rint(level * share).astype(np.int64))
        return replace(self, counted=counted)

    def sums(self, values: npt.NDArray[Any]) -> Numbers:
        """Return the sum of some values by group, shape (n_groups,)."""
        return add_up(self.provider, values, len(self.providers))

    def cent_sums(self, cents: Integers) -> Integers:
        """Return the sum of cents by group, exactly."""
        total = np.zeros(len(self.providers), np.int64)
        np.add.at(total, self.provider, cents)
        return total

    def table(self) -> pa.Table:
        """Return one row per group and period.

        provider_id, period, members, member_months, risk_score (mean by months), amount, counted_amount (after
        truncation) [dollars], pmpm, counted_pmpm, risk_adjusted_pmpm (counted, at a risk score of 1.000) [dollars].
        """
        parts = [self.of(period)._rows(period) for period in self.periods]
        return pa.concat_tables(parts)

    def _rows(self, period: int) -> pa.Table:
        members = np.bincount(self.provider, minlength=len(self.providers))
        seen = np.flatnonzero(members)
        months, weighted = self.sums(self.months)[seen], self.sums(self.months * self.risk)[seen]
        amount, counted = self.cent_sums(self.cents)[seen] / CENTS, self.cent_sums(self.counted)[seen] / CENTS
        return pa.table(
            {
                "provider_id": pa.array(self.providers, pa.string()).take(pa.array(seen)),
                "period": np.full(len(seen), period, np.int64),
                "members": members[seen].astype(np.int64),
                "member_months": months,
                "risk_score": weighted / months,
                "amount": amount,
                "counted_amount": counted,
                "pmpm": amount / months,
                "counted_pmpm": counted / months,
                "risk_adjusted_pmpm": counted / weighted,
            }
        )

    def __repr__(self) -> str:
        """Return how much there is, without any member's data."""
        return f"<Panel: {self.n_rows:,} rows of {len(self.providers):,} groups, periods {self.periods}>"


#: The table of no panel at all.
NO_PANEL = pa.schema([("provider_id", pa.string()), ("period", pa.int64())]).empty_table()


def _level(truncation: Truncation, yearly: Numbers) -> float:
    """Return the level [cents a year]; infinite where nothing is truncated."""
    if truncation.level is not None:
        return truncation.level * CENTS
    if truncation.percentile is not None:
        return float(np.rint(np.quantile(yearly, truncation.percentile)))
    return float(np.iinfo(np.int64).max >> 8)


def read_panel(
    source: Any, *, truncation: Truncation | None = None, columns: Mapping[str, str] | None = None
) -> Panel:
    """Read a panel.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table or mapping of lists
        One row per member, provider group and period: provider_id, member_id, period (a year), member_months, amount
        [dollars]; risk_score (absent: 1); for a medical-loss target premium [dollars of the period]; for capitation
        sex and age_years. `panel_of_claims` makes it of claims.
    truncation : Truncation, optional
        As in the contract; `settle` truncates by itself.
    columns : mapping, optional
        Our name -> the file's, where they differ.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        A column is missing, blank or of the wrong kind; months or scores are not above 0; a member stands twice in one
        group and period.
    """
    rows = read_rows(source, "panel", needed=_NEEDED, optional=_OPTIONAL, columns=columns)
    members, groups, period = rows.labels("member_id"), rows.labels("provider_id"), rows.numbers("period")
    rows.refuse(period != np.rint(period), "column 'period': no whole year")
    names, place = np.unique(groups.names.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    provider = place[groups.codes].astype(np.int64)
    years = period.astype(np.int64)
    key = (members.codes * len(names) + provider) * (int(np.ptp(years)) + 1) + years - years.min()
    rows.refuse(is_repeated(key), "the same member, provider and period again")
    months = rows.numbers("member_months")
    risk = rows.numbers("risk_score") if rows.has("risk_score") else np.ones(rows.n_rows)
    rows.refuse(~(months > 0), "column 'member_months': not above 0")
    rows.refuse(~(risk > 0), "column 'risk_score': not above 0")
    cents = to_cents(rows.numbers("amount"))
    panel = Panel(
        label=rows.label,
        providers=tuple(names.tolist()),
        provider=provider,
        period=years,
        months=months,
        risk=risk,
        cents=cents,
        counted=cents,
        premium=to_cents(rows.numbers("premium")) if rows.has("premium") else None,
        sex=_sex(rows) if rows.has("sex") else None,
        age=rows.numbers("age_years") if rows.has("age_years") else None,
    )
    return panel if truncation is None else panel.truncated(truncation)


def _sex(rows: Rows) -> npt.NDArray[Any]:
    labels = rows.labels("sex")
    names = np.array([name.strip().upper() for name in labels.names.to_pylist()])
    rows.refuse(~np.isin(names, ("F", "M"))[labels.codes], "column 'sex': neither F nor M")
    return names[labels.codes]
