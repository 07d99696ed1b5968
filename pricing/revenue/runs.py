"""When CMS pays by which run of risk scores, which months the run pays again, and which diagnoses it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa

import riskadj
from pricing.experience.months import as_dates, month_of
from pricing.parameters import Overrides, Rates, load_rates
from pricing.revenue.assumptions import VINTAGES
from riskadj.errors import UnknownPaymentYearError

PROGRAM = "revenue"
_FRIDAY = 4


@dataclass(frozen=True)
class Run:
    """One run of a payment year's risk scores.

    Attributes
    ----------
    vintage : {"initial", "mid_year", "final"}
    pays_from : int
        Month of the first payment by these scores. [months since January 1970]
    adjusts_from : int
        First month of service that is paid again by them.
    deadline : date
        Last day to submit what they are to count.
    window : tuple of date, or None
        First and last date of the services whose diagnoses count; None where the year's tables are not there yet.
    """

    vintage: str
    payment_year: int
    pays_from: int
    adjusts_from: int
    deadline: date
    window: tuple[date, date] | None


@dataclass(frozen=True)
class PaymentCalendar:
    """The runs of several payment years, and the parameters they follow."""

    runs: Mapping[tuple[int, str], Run]
    rates: tuple[Rates, ...]

    def run(self, payment_year: int, vintage: str) -> Run:
        """Return one run."""
        return self.runs[payment_year, vintage]

    def table(self) -> pa.Table:
        """Return one row per run: payment_year, vintage, service dates, deadline, pays_from, adjusts_from."""
        runs = list(self.runs.values())
        windows = [run.window or (None, None) for run in runs]
        return pa.table(
            {
                "payment_year": pa.array([run.payment_year for run in runs], pa.int16()),
                "vintage": pa.array([run.vintage for run in runs]),
                "service_start": pa.array([start for start, _ in windows], pa.date32()),
                "service_end": pa.array([end for _, end in windows], pa.date32()),
                "deadline": pa.array([run.deadline for run in runs], pa.date32()),
                "pays_from": as_dates(np.array([run.pays_from for run in runs])),
                "adjusts_from": as_dates(np.array([run.adjusts_from for run in runs])),
            }
        )

    def assumptions(self) -> pa.Table:
        """Return the calendar's parameters, with their sources."""
        names = {name for name, _ in self.rates[0].parameters}
        return self.rates[0].assumptions(names)


def payment_calendar(
    payment_years: Iterable[int],
    *,
    overrides: Overrides = None,
) -> PaymentCalendar:
    """Return the runs that pay some payment years.

    Parameters
    ----------
    payment_years : iterable of int
    overrides : path or mapping, optional
        Other months than those of pricing/rates/revenue, such as ``{("pays_from_month", "mid_year"): 8}``.

    Returns
    -------
    PaymentCalendar

    Raises
    ------
    UnknownRateError
        A year's runs are not known, or a name in `overrides` is not.

    References
    ----------
    .. [1] `payment_letters`, `risk_adjustment_deadlines` in pricing/rates/revenue/manifest.toml; windows of service
       from `collection` in hcc_maps/medicare/<year>/payment_year.toml.
    """
    years = sorted(set(payment_years))
    rates = tuple(load_rates(PROGRAM, year, overrides=overrides) for year in years)
    runs = {(own.year, vintage): _run(own, vintage) for own in rates for vintage in VINTAGES}
    return PaymentCalendar(runs, rates)


def _run(rates: Rates, vintage: str) -> Run:
    def number(name: str) -> int:
        return int(rates.number(name, vintage))

    pays = date(rates.year + number("pays_year_after"), number("pays_from_month"), 1)
    adjusts = number("adjusts_from_month") if rates.has("adjusts_from_month", vintage) else pays.month
    return Run(
        vintage,
        rates.year,
        month_of(pays),
        month_of(date(rates.year, adjusts, 1)),
        _deadline(
            rates, vintage, date(rates.year + number("deadline_year_after"), number("deadline_month"), 1)
        ),
        _window(rates.year, vintage),
    )


def _deadline(rates: Rates, vintage: str, first: date) -> date:
    if rates.has("deadline_first_friday", vintage):
        return first + timedelta(days=(_FRIDAY - first.weekday()) % 7)
    return first.replace(day=int(rates.number("deadline_day", vintage)))


@lru_cache(maxsize=256)
def _window(year: int, vintage: str) -> tuple[date, date] | None:
    try:
        return riskadj.load_payment_year("medicare_part_c", year).collections[vintage]
    except UnknownPaymentYearError:
        return None
