"""Member months: how long members were covered in each calendar month, split by any columns of the enrollment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.errors import InputError, check_choice
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.experience.months import as_dates, days_in, first_days, month_range, name_of
from pricing.experience.spans import Spans, read_spans
from pricing.inputs import Numbers
from pricing.rows import Integers, add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: How a month that is covered in part counts.
CONVENTIONS = {
    "days": "covered days over days of the month",
    "first_day": "one if covered on the first day of the month, else none",
    "mid_month": "one if covered on the fifteenth, else none",
}
_FIFTEENTH = 14


@dataclass(frozen=True)
class MemberMonths:
    """Exposure of a population.

    Attributes
    ----------
    months : pyarrow.Table
        One row per calendar month and group that has any: month (its first day), the columns of `by`, member_months.
    numbers : ndarray of int64, shape (n_months,)
        Every month of the window, as months since January 1970.
    by : tuple of str
    convention : {"days", "first_day", "mid_month"}
    spans : Spans
        Who is covered when; claims are matched with it.
    """

    months: pa.Table
    numbers: Integers
    by: tuple[str, ...]
    convention: str
    spans: Spans = field(repr=False)
    _grid: Numbers = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"months": "member_months", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def total(self) -> float:
        """Member months of the whole window."""
        return float(self._grid.sum())

    @property
    def by_month(self) -> Numbers:
        """Member months of each month of the window, shape (n_months,)."""
        return self._grid.sum(axis=1)

    @property
    def grid(self) -> Numbers:
        """Member months, shape (n_months, n_groups); groups are rows of ``spans.group_table``."""
        return self._grid

    @property
    def assumptions(self) -> pa.Table:
        """How months were counted."""
        return assumption_table(
            [
                chosen("convention", self.convention, "days", "", CONVENTIONS[self.convention]),
                Assumption(
                    "overlapping spans",
                    "once",
                    "",
                    RULE,
                    "a day of a member counts in the first of its spans",
                ),
                Assumption(
                    "open spans",
                    "covered",
                    "",
                    RULE,
                    "a span without a last day covers all days after its first",
                ),
            ]
        )

    @property
    def run(self) -> dict[str, object]:
        """What was read; spans_read = spans_kept + spans_within_others."""
        window = {"first_month": name_of(int(self.numbers[0])), "last_month": name_of(int(self.numbers[-1]))}
        return {**window, **self.spans.counts, "member_months": round(self.total, 6)}

    def summary(self) -> pd.DataFrame:
        """Return member months by month (rows) and group (columns), with their total."""
        frame = self.months.to_pandas()
        if not self.by:
            return frame.set_index("month")
        wide = frame.pivot_table(index="month", columns=list(self.by), values="member_months", aggfunc="sum")
        return wide.fillna(0.0).assign(total=lambda table: table.sum(axis=1))

    def plot(self) -> Figure:
        """Return a figure: member months by month, stacked by group."""
        from pricing.experience.plots import plot_member_months

        return plot_member_months(self)

    def __repr__(self) -> str:
        """Return what was counted."""
        first, last = name_of(int(self.numbers[0])), name_of(int(self.numbers[-1]))
        return f"<MemberMonths: {self.total:,.1f} from {first} to {last}, {self._grid.shape[1]:,} groups>"


def member_months(
    enrollment: Any,
    *,
    first_month: date | str,
    last_month: date | str,
    by: str | Sequence[str] = (),
    convention: str = "days",
    columns: Mapping[str, str] | None = None,
) -> MemberMonths:
    """Return the member months of enrollment spans.

    Parameters
    ----------
    enrollment : path, list of paths, DataFrame, Arrow table or mapping
        One row per member and span: member_id, enrollment_start_date, enrollment_end_date (blank: open).
    first_month, last_month : date or str
        Window, both months included; ``"2025-01"`` or a date in the month.
    by : str or sequence of str
        Columns to split by, as the extract has them: plan_id, county_code, sex, or member_id itself.
    convention : {"days", "first_day", "mid_month"}
        How a month that is covered in part counts.
    columns : mapping, optional
        Our name -> the extract's, where they differ.

    Returns
    -------
    MemberMonths

    Raises
    ------
    InputError
        A column is missing or blank, a span ends before it begins, or an option is not allowed.

    Examples
    --------
    >>> spans = {"member_id": ["a", "a"], "enrollment_start_date": ["2025-01-16", "2025-01-20"],
    ...          "enrollment_end_date": ["2025-01-31", "2025-02-28"]}
    >>> member_months(spans, first_month="2025-01", last_month="2025-02").by_month.round(4).tolist()
    [0.5161, 1.0]
    """
    check_choice("convention", convention, CONVENTIONS)
    names = (by,) if isinstance(by, str) else tuple(by)
    numbers = month_range(first_month, last_month)
    spans = read_spans(enrollment, by=names, columns=columns)
    grid = np.stack([_month(spans, int(number), convention) for number in numbers])
    if not grid.any():
        raise InputError(
            f"no span covers any day from {name_of(int(numbers[0]))} to {name_of(int(numbers[-1]))}; "
            "choose other months."
        )
    at, group = np.nonzero(grid)
    table = pa.table({"month": as_dates(numbers[at])})
    for name in names:
        table = table.append_column(name, spans.group_table[name].take(pa.array(group)))
    return MemberMonths(
        table.append_column("member_months", pa.array(grid[at, group])),
        numbers,
        names,
        convention,
        spans,
        grid,
    )


def _month(spans: Spans, number: int, convention: str) -> Numbers:
    """Return the member months of one month, by group."""
    covered = _covered(spans, number, convention)
    return add_up(spans.groups, covered, max(spans.group_table.num_rows, 1))


def _covered(spans: Spans, number: int, convention: str) -> npt.NDArray[np.float64]:
    month = np.array([number])
    first, n_days = int(first_days(month)[0]), int(days_in(month)[0])
    if convention == "days":
        last = first + n_days - 1
        days = np.minimum(spans.ends, last) - np.maximum(spans.starts, first) + 1
        return np.maximum(days, 0) / n_days
    day = first if convention == "first_day" else first + _FIFTEENTH
    return ((spans.starts <= day) & (day <= spans.ends)).astype(np.float64)
