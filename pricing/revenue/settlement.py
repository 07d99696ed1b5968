"""What is paid when: by the scores known then, adjusted later, and what is accrued meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing.experience.months import as_dates, years_of
from pricing.revenue.assumptions import VINTAGES
from pricing.revenue.factors import dollars_of
from pricing.revenue.runs import PaymentCalendar

Cents = npt.NDArray[np.int64]
#: What a payment is; in this order.
KINDS = ("prospective", "retroactive", "mid_year_adjustment", "final_settlement")
#: Kind of payment -> the run that makes it.
ADJUSTMENTS = {"mid_year_adjustment": "mid_year", "final_settlement": "final"}


@dataclass(frozen=True)
class Settlement:
    """Payments for the months of a forecast.

    Attributes
    ----------
    months : ndarray of int64, shape (n_months,)
        Of service.
    by_vintage : mapping of str to ndarray of int64, shape (n_months,)
        What CMS pays of each month by the scores of each run [cents]; the final run's is what is earned.
    late : ndarray of int64, shape (n_months,)
        Of the prospective payment, what comes late because enrollment or status were not known [cents].
    late_months : int
    """

    months: Cents
    by_vintage: Mapping[str, Cents] = field(repr=False)
    late: Cents = field(repr=False)
    late_months: int
    calendar: PaymentCalendar = field(repr=False)

    @property
    def prospective(self) -> Cents:
        """What each month is paid by the scores known then [cents], late payments included."""
        return np.where(self.is_mid_year, self.by_vintage["mid_year"], self.by_vintage["initial"])

    @property
    def is_mid_year(self) -> npt.NDArray[np.bool_]:
        """Which months of service are first paid by mid-year scores."""
        starts = [self.calendar.run(int(year), "mid_year").pays_from for year in years_of(self.months)]
        return self.months >= np.array(starts, np.int64)

    def service_months(self) -> pa.Table:
        """Return one row per month of service: month, initial, mid_year, final, paid, late, accrued [dollars].

        Paid is what is paid in the month itself; accrued, the final revenue less what is paid, is what the month's
        books carry until it is settled.
        """
        paid = self.prospective - self.late
        columns = {vintage: self.by_vintage[vintage] for vintage in VINTAGES}
        columns |= {"paid": paid, "late": self.late, "accrued": self.by_vintage["final"] - paid}
        named = {name: pa.array(dollars_of(values)) for name, values in columns.items()}
        return pa.table({"month": as_dates(self.months), **named})

    def payments(self) -> pa.Table:
        """Return one row per month of payment, payment year and kind: their dollars; they add up to what is earned."""
        found: dict[tuple[int, int, str], int] = {}
        for paid_in, year, kind, amount in self._each():
            key = (paid_in, year, kind)
            found[key] = found.get(key, 0) + amount
        keys = sorted(found, key=lambda key: (key[0], key[1], KINDS.index(key[2])))
        return pa.table(
            {
                "month": as_dates(np.array([month for month, _, _ in keys], np.int64)),
                "payment_year": pa.array([year for _, year, _ in keys], pa.int16()),
                "kind": pa.array([kind for _, _, kind in keys], pa.string()),
                "dollars": pa.array([found[key] / 100 for key in keys], pa.float64()),
            }
        )

    def accruals(self) -> pa.Table:
        """Return one row per month, until all is settled: month, earned, paid, movement, balance [dollars].

        The balance is what CMS still owes at the end of the month for the forecast's months (negative: is owed).
        """
        payments = [(month, amount) for month, _, _, amount in self._each()]
        last = max(int(self.months[-1]), *(month for month, _ in payments))
        months = np.arange(int(self.months[0]), last + 1)
        earned, paid = np.zeros(len(months), np.int64), np.zeros(len(months), np.int64)
        earned[: len(self.months)] = self.by_vintage["final"]
        for month, amount in payments:
            paid[month - months[0]] += amount
        columns = {
            "earned": earned, "paid": paid, "movement": earned - paid, "balance": np.cumsum(earned - paid),
        }  # fmt: skip
        named = {name: pa.array(dollars_of(values)) for name, values in columns.items()}
        return pa.table({"month": as_dates(months), **named})

    def _each(self) -> Iterator[tuple[int, int, str, int]]:
        """Yield month of payment, payment year, kind and cents of all payments; of adjustments those that are not 0."""
        prospective, is_mid_year = self.prospective, self.is_mid_year
        for at, (month, year) in enumerate(
            zip(self.months.tolist(), years_of(self.months).tolist(), strict=True)
        ):
            paid, late = int(prospective[at]), int(self.late[at])
            yield month, year, "prospective", paid - late
            if late:
                yield month + self.late_months, year, "retroactive", late
            for kind, vintage in ADJUSTMENTS.items():
                run, due = self.calendar.run(year, vintage), int(self.by_vintage[vintage][at])
                is_adjusted = month >= run.adjusts_from and not (vintage == "mid_year" and is_mid_year[at])
                if is_adjusted and due != paid:
                    yield run.pays_from, year, kind, due - paid
                    paid = due
