"""What a forecast was made from, so that it can be made again under another scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pricing.errors import InputError
from pricing.experience.months import month_of, name_of
from pricing.parameters import Overrides
from pricing.revenue.assumptions import Scenario
from pricing.revenue.members import Membership
from pricing.revenue.runs import PaymentCalendar


@dataclass(frozen=True)
class Recipe:
    """The call that made a forecast; see `pricing.revenue.forecast` for its parts."""

    membership: Membership
    terms: Any = field(repr=False)
    scenario: Scenario
    n_months: int
    first_month: date | str | None
    enrollment: Any = field(repr=False)
    overrides: Overrides = field(repr=False)
    calendar: PaymentCalendar | None = field(repr=False)

    @property
    def first(self) -> int:
        """How many months after the base month the first one lies.

        Raises
        ------
        InputError
            It lies before the base month, or there are no months.
        """
        if self.n_months < 1:
            raise InputError("n_months must be at least 1.")
        base = self.membership.base_month
        first = 0 if self.first_month is None else month_of(self.first_month) - base
        if first < 0:
            raise InputError(f"first_month lies before the base month, {name_of(base)}; give a later one.")
        return first
