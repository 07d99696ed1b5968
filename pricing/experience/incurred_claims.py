"""Claims against member months: PMPM, utilization per 1,000 and unit cost by service category and month incurred.

For every cell, PMPM = utilization per 1,000 / 12,000 x unit cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.claim_lines import ClaimLines, header_names, read_claim_lines
from pricing.errors import InputError, check_choice
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.experience.exposure import MemberMonths
from pricing.experience.months import PER_1000, as_dates, month_numbers
from pricing.inputs import Numbers
from pricing.rows import ALL, Integers, add_up, numbered

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

UTILIZATIONS = ("units", "claims", "lines")
#: Sums of dollars and cents are kept to this many decimals, so that a reversal leaves zero and no dust.
_DECIMALS = 6


@dataclass(frozen=True)
class Incurred:
    """Incurred claims of a population.

    Attributes
    ----------
    services : pyarrow.Table
        One row per month incurred, group of the member months, and service category that has claims: month, the columns
        of `by`, service_category, claims, lines, units (where they are the utilization), amount [dollars],
        member_months (of the month and group), pmpm [dollars], utilization_per_1000 [a year], unit_cost [dollars].
    totals : pyarrow.Table
        The same by service category and group over all months; rows whose service_category is "(all)" add up a group.
    utilization : str
        What is counted as utilization: units, claims or lines.
    warnings : tuple of str
        Amounts that look repeated on every line of a claim. Read them before the numbers.
    run : dict
        Lines and dollars read = in the months and covered + not covered + outside the months.
    """

    services: pa.Table
    totals: pa.Table
    amount: str
    utilization: str
    by: tuple[str, ...]
    warnings: tuple[str, ...]
    assumptions: pa.Table
    run: dict[str, Any]
    exposure: MemberMonths = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "services": "incurred_services",
        "totals": "incurred_totals",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return totals by service category, all of them first and then the largest PMPM."""
        frame = self.totals.to_pandas()
        frame["is_part"] = frame["service_category"] != ALL
        order = {**dict.fromkeys((*self.by, "is_part"), True), "pmpm": False}
        ordered = frame.sort_values(list(order), ascending=list(order.values()), ignore_index=True)
        return ordered.drop(columns="is_part")

    def plot(self) -> Figure:
        """Return a figure: PMPM by month, stacked by service category, and utilization against unit cost."""
        from pricing.experience.plots import plot_incurred

        return plot_incurred(self)

    def __repr__(self) -> str:
        """Return what was counted."""
        words = f", {len(self.warnings)} warnings" if self.warnings else ""
        dollars = f"{self.run['dollars_used']:,.0f} dollars ({self.amount})"
        return f"<Incurred: {dollars}, {self.services.num_rows:,} cells{words}>"


def incurred(
    claims: Any,
    member_months: MemberMonths,
    *,
    amount: str = "allowed_amount",
    utilization: str = "units",
    header_amounts: bool | str | Iterable[str] = False,
    columns: Mapping[str, str] | None = None,
) -> Incurred:
    """Return PMPM, utilization and unit cost of claims, by the months and groups of member months.

    Parameters
    ----------
    claims : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line: claim_id, member_id, service_date, `amount`; units where they are the utilization;
        service_category and claim_line_number if there are any.
    member_months : MemberMonths
        A line counts in the group of the span that holds its service date; lines of nobody covered that day are left
        out and counted in ``run``.
    amount : {"allowed_amount", "paid_amount"}
    utilization : {"units", "claims", "lines"}
        What is counted: sums of units, claims, or lines; each net of reversals.
    header_amounts : bool, str or iterable of str
        True, or the service categories, where every line repeats the amount of its claim: it is counted once.
    columns : mapping, optional
        Our name -> the extract's.

    Returns
    -------
    Incurred

    Raises
    ------
    InputError
        A column is missing or blank, or an option is not allowed.

    Notes
    -----
    A reversal is a line with a negative amount: its amount nets by addition, and it takes one line and its units away,
    also where the extract writes those above 0. A claim whose lines are all reversed is not counted. A claim with lines
    in several months or categories counts in each.
    """
    check_choice("utilization", utilization, UTILIZATIONS)
    headers = header_names(header_amounts)
    lines = read_claim_lines(
        claims,
        amount=amount,
        header_amounts=headers,
        more=("units",) if utilization == "units" else (),
        columns=columns,
    )
    span = member_months.spans.find(lines.members, lines.days)
    month = month_numbers(lines.days) - member_months.numbers[0]
    inside = (month >= 0) & (month < len(member_months.numbers))
    used = np.flatnonzero(inside & (span >= 0))
    if not len(used):
        raise InputError(
            f"{lines.rows.label}: none of {lines.rows.n_rows:,} lines is of a member covered on its service date in "
            "the months given; do ids and dates of the two extracts belong together?"
        )
    counted = _Counted.of(lines, used, month[used], member_months.spans.groups[span[used]])
    services, totals = (counted.table(member_months, utilization, keep) for keep in (True, False))
    return Incurred(
        services=services,
        totals=totals,
        amount=amount,
        utilization=utilization,
        by=member_months.by,
        warnings=lines.warnings,
        assumptions=_assumptions(amount, utilization, headers, member_months.convention),
        run=_run(lines, inside, span >= 0),
        exposure=member_months,
    )


@dataclass(frozen=True)
class _Counted:
    """Sums of the lines that count, by cell of month, group and service category."""

    cells: Integers  # month, group, category: shape (n_cells, 3)
    categories: pa.Array
    amounts: Numbers
    claims: Numbers
    lines: Numbers
    units: Numbers | None

    @classmethod
    def of(cls, lines: ClaimLines, used: Integers, month: Integers, group: Integers) -> _Counted:
        codes = (month, group, lines.categories.codes[used])
        cell, cells = numbered(codes, [int(each.max()) + 1 for each in codes], len(used))
        n_cells = len(cells)
        signs = np.where(lines.is_reversal[used], -1.0, 1.0)
        units = _units(lines)[used] if lines.rows.has("units") else None
        return cls(
            cells,
            lines.categories.names,
            add_up(cell, lines.amounts[used], n_cells),
            _standing_claims(cell, lines.claims.codes[used], signs, n_cells),
            add_up(cell, signs, n_cells),
            None if units is None else add_up(cell, units, n_cells),
        )

    def table(self, exposure: MemberMonths, utilization: str, by_month: bool) -> pa.Table:
        """Return the cells by month, group and category; or by group and category, with a total for each group."""
        if by_month:
            return self._rows(exposure, utilization, self.cells, np.arange(len(self.cells)), self.categories)
        names = pa.concat_arrays([self.categories, pa.array([ALL], self.categories.type)])
        everything = np.tile(self.cells, (2, 1))
        everything[:, 0] = -1
        everything[len(self.cells) :, 2] = len(self.categories)
        cells, place = np.unique(everything, axis=0, return_inverse=True)
        return self._rows(exposure, utilization, cells, place.reshape(-1), names)

    def _rows(
        self, exposure: MemberMonths, utilization: str, cells: Integers, place: Integers, names: pa.Array
    ) -> pa.Table:
        def total(values: Numbers) -> Numbers:
            repeated = np.tile(values, len(place) // max(len(values), 1))
            return np.round(add_up(place, repeated, len(cells)), _DECIMALS)

        month, group, category = cells.T
        months = exposure.grid[month, group] if (month >= 0).all() else exposure.grid.sum(axis=0)[group]
        counts = {"claims": total(self.claims), "lines": total(self.lines)}
        if self.units is not None:
            counts["units"] = total(self.units)
        amounts = total(self.amounts)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = {
                "pmpm": amounts / months,
                "utilization_per_1000": counts[utilization] / months * PER_1000,
                "unit_cost": amounts / counts[utilization],
            }
        columns: dict[str, Any] = {}
        if (month >= 0).all():
            columns["month"] = as_dates(exposure.numbers[month])
        for name in exposure.by:
            columns[name] = exposure.spans.group_table[name].take(pa.array(group))
        columns["service_category"] = names.take(pa.array(category))
        columns |= {name: pa.array(values) for name, values in counts.items()}
        columns |= {"amount": pa.array(amounts), "member_months": pa.array(months)}
        columns |= {name: results.finite(values) for name, values in rates.items()}
        return pa.table(columns)


def _units(lines: ClaimLines) -> Numbers:
    """Return the units of each line; a reversal takes them away, whichever sign it writes them with."""
    try:
        units = lines.rows.numbers("units")
    except InputError as error:
        raise InputError(f"{error} Or count something else: utilization='claims' or 'lines'.") from None
    return np.where(lines.is_reversal, -np.abs(units), units)


def _standing_claims(cell: Integers, claims: Integers, signs: Numbers, n_cells: int) -> Numbers:
    """Return by cell the claims that have more lines than reversed lines."""
    n_claims = int(claims.max()) + 1 if len(claims) else 1
    keys, place = np.unique(cell * n_claims + claims, return_inverse=True)
    stands = add_up(place, signs, len(keys)) > 0
    return np.bincount(keys[stands] // n_claims, minlength=n_cells).astype(np.float64)


def _run(lines: ClaimLines, inside: Any, covered: Any) -> dict[str, Any]:
    parts = {"used": inside & covered, "not_covered": inside & ~covered, "outside_months": ~inside}
    report: dict[str, Any] = {**lines.counts, "dollars_read": round(float(lines.amounts.sum()), 2)}
    for name, rows in parts.items():
        report |= {
            f"lines_{name}": int(rows.sum()),
            f"dollars_{name}": round(float(lines.amounts[rows].sum()), 2),
        }
    return report


def _assumptions(amount: str, utilization: str, header: bool | tuple[str, ...], convention: str) -> pa.Table:
    words = header if isinstance(header, bool) else ", ".join(header)
    return assumption_table(
        [
            chosen("amount", amount, "allowed_amount", "dollars", "the amount added up"),
            chosen("utilization", utilization, "units", "", "what is counted, net of reversals"),
            chosen(
                "header_amounts",
                words,
                False,
                "",
                "where lines repeat the amount of their claim: counted once",
            ),
            Assumption("convention", convention, "", RULE, "how member months were counted"),
            Assumption(
                "members not covered", "left out", "", RULE, "claims on a day without coverage; see run"
            ),
            Assumption(
                "completion", "none", "", RULE, "claims not yet paid are not in these numbers; see ibnr"
            ),
        ]
    )
