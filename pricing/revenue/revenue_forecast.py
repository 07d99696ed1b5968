"""A revenue forecast: what it holds, its tables and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, parameter_table
from pricing.experience.months import as_dates, month_of, name_of
from pricing.revenue.assumptions import Scenario
from pricing.revenue.build import Priced
from pricing.revenue.cohorts import Cohorts, Where
from pricing.revenue.factors import COMPONENTS, FROM_MEMBERS, Cents, Factors, dollars_of
from pricing.revenue.members import Membership
from pricing.revenue.projection import MOVEMENTS, Flows, Projection
from pricing.revenue.recipe import Recipe
from pricing.revenue.scores import Scores
from pricing.revenue.settlement import Settlement
from pricing.revenue.terms import Terms
from pricing.rows import Numbers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PARAMETERS = ("sequestration", "msp_factor", "part_d_base_premium", "part_d_national_average_bid")


@dataclass(frozen=True)
class RevenueForecast:
    """Revenue by cohort and month under a scenario.

    Arrays have shape (n_cohorts, n_months) over `cohorts` and `months`; column 0 is the base month, whether or not
    the forecast's tables begin with it.

    Attributes
    ----------
    recipe : Recipe
        What it was made from.
    cohorts : Cohorts
        Those of the base month, and those that members can move to.
    months : ndarray of int64
        Months since January 1970; the first is the base month.
    first : int
        Column of the first month that tables show.
    flows : Flows or None
        How members move; None where members were given.
    projection : Projection
    scores : mapping of str to Scores
        "part_c", and "part_d" if there are any.
    priced : Priced
    factors : Factors
        By the scores of the final run: what is earned.
    cents : mapping of str to ndarray of int64
        Each of `pricing.revenue.factors.COMPONENTS` as earned.
    settlement : Settlement
        Of the months that tables show.
    terms : Terms
    """

    recipe: Recipe
    cohorts: Cohorts
    months: npt.NDArray[np.int64]
    first: int
    flows: Flows | None = field(repr=False)
    projection: Projection = field(repr=False)
    scores: Mapping[str, Scores] = field(repr=False)
    priced: Priced = field(repr=False)
    factors: Factors = field(repr=False)
    cents: Mapping[str, Cents] = field(repr=False)
    settlement: Settlement = field(repr=False)
    terms: Terms = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "month_totals": "revenue_months",
        "cohort_months": "revenue_cohorts",
        "movements": "revenue_movements",
        "service_months": "revenue_service_months",
        "payments": "revenue_payments",
        "accruals": "revenue_accruals",
        "calendar": "revenue_calendar",
        "base": "revenue_base",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas

    @property
    def membership(self) -> Membership:
        """The members of the base month."""
        return self.recipe.membership

    @property
    def scenario(self) -> Scenario:
        """What is assumed."""
        return self.recipe.scenario

    def under(self, scenario: Scenario) -> RevenueForecast:
        """Return the same forecast under another scenario."""
        from pricing.revenue.calculation import make

        return make(replace(self.recipe, scenario=scenario))

    @property
    def total_cents(self) -> Cents:
        """Revenue by cohort and month, shape (n_cohorts, n_months); the sum of its components."""
        return np.sum([self.cents[name] for name in COMPONENTS], axis=0)

    def by_month(self, by: str | Sequence[str] = ()) -> pa.Table:
        """Return one row per month and group: month, labels, members, scores, each component, cms_payment, revenue.

        Parameters
        ----------
        by : str or sequence of str
            Columns of the cohorts; default: everybody together.

        Returns
        -------
        pyarrow.Table
            members [member months]; part_c_score, part_d_score (means by members, final run); part_c_rate,
            part_d_rate (means by members) [dollars a month at a score of 1.000]; components,
            cms_payment (what CMS pays), revenue (with members' premiums) [dollars]; revenue_pmpm.
        """
        names = (by,) if isinstance(by, str) else tuple(by)
        group, labels = self.cohorts.groups(names)
        n_groups, months = max(labels.num_rows, 1), self.months[self.first :]
        sums = {name: self._sums(self.cents[name], group, n_groups) for name in COMPONENTS}
        members = self._sums(self.factors.members, group, n_groups)
        columns: dict[str, Any] = {"month": as_dates(np.repeat(months, n_groups))}
        for name in names:
            columns[name] = labels[name].take(pa.array(np.tile(np.arange(n_groups), len(months))))
        columns["members"] = pa.array(members.T.ravel())
        for name, values in (
            ("part_c_score", self.factors.score),
            ("part_d_score", self.factors.part_d_score),
            ("part_c_rate", self.factors.rate),
            ("part_d_rate", self.factors.part_d_bid),
        ):
            total = self._sums(self.factors.members * values, group, n_groups)
            columns[name] = pa.array(_ratio(total, members).T.ravel())
        columns |= {name: pa.array(dollars_of(values.T.ravel())) for name, values in sums.items()}
        all_cents = np.sum([sums[name] for name in COMPONENTS], axis=0)
        cms = all_cents - np.sum([sums[name] for name in FROM_MEMBERS], axis=0)
        columns["cms_payment"] = pa.array(dollars_of(cms.T.ravel()))
        columns["revenue"] = pa.array(dollars_of(all_cents.T.ravel()))
        columns["revenue_pmpm"] = pa.array(_ratio(dollars_of(all_cents), members).T.ravel())
        return pa.table(columns)

    def _sums(
        self, values: npt.NDArray[Any], group: npt.NDArray[np.int64], n_groups: int
    ) -> npt.NDArray[Any]:
        """Return sums over the cohorts of each group, of the months that tables show, shape (n_groups, n_months)."""
        result = np.zeros((n_groups, values.shape[1] - self.first), values.dtype)
        np.add.at(result, group, values[:, self.first :])
        return result

    @property
    def month_totals(self) -> pa.Table:
        """One row per month, as `by_month` says."""
        return self.by_month()

    @property
    def cohort_months(self) -> pa.Table:
        """One row per month and cohort, as `by_month` says."""
        return self.by_month(self.cohorts.by)

    @property
    def movements(self) -> pa.Table:
        """One row per month: opening, deaths, lapses, moved_out, moved_in, new_sales, aging_in, closing [members]."""
        moved = {name: self.projection.movements[name].sum(axis=0)[self.first :] for name in MOVEMENTS}
        closing = self.projection.members.sum(axis=0)
        opening = np.concatenate((closing[:1], closing[:-1]))[self.first :]
        named = {"opening": opening, **moved, "closing": closing[self.first :]}
        return pa.table(
            {"month": as_dates(self.months[self.first :]), **{k: pa.array(v) for k, v in named.items()}}
        )

    @property
    def base(self) -> pa.Table:
        """One row per component of the base month: component, meaning, dollars."""
        dollars = [float(self.cents[name][:, 0].sum()) / 100 for name in COMPONENTS]
        return pa.table(
            {"component": list(COMPONENTS), "meaning": list(COMPONENTS.values()), "dollars": dollars}
        )

    @property
    def service_months(self) -> pa.Table:
        """One row per month of service: CMS's payment by the scores of each run, what is paid then, what is accrued."""
        return self.settlement.service_months()

    @property
    def payments(self) -> pa.Table:
        """One row per month of payment, payment year and kind [dollars]."""
        return self.settlement.payments()

    @property
    def accruals(self) -> pa.Table:
        """One row per month until all is settled: earned, paid, movement, balance [dollars]."""
        return self.settlement.accruals()

    @property
    def calendar(self) -> pa.Table:
        """One row per payment year and run: windows of service, deadline, months of payment."""
        return self.settlement.calendar.table()

    @property
    def assumptions(self) -> pa.Table:
        """Every assumption: the scenario's, the yearly parameters with their sources, and the rules of the forecast."""
        return pa.concat_tables(
            [
                self.scenario.table(),
                parameter_table(self.priced.rates.assumptions(PARAMETERS)),
                parameter_table(self.settlement.calendar.assumptions()),
                assumption_table(_RULES),
            ]
        )

    @property
    def run(self) -> dict[str, Any]:
        """What the forecast was made from, and counts that add up."""
        earned = self.total_cents[:, self.first :]
        return {
            "scenario": self.scenario.name,
            "base_month": name_of(int(self.months[0])),
            "first_month": name_of(int(self.months[self.first])),
            "last_month": name_of(int(self.months[-1])),
            "cohorts": {"columns": list(self.cohorts.by), "n": len(self.cohorts)},
            "counts": dict(self.membership.counts),
            "revenue": int(earned.sum()) / 100,
            "parameters_sha256": self.priced.rates.sha256,
            "terms": {"years": list(self.terms.years), "rows": self.terms.given.num_rows},
        }

    def explain(self, month: date | str, *, where: Where | None = None) -> BuildUp:
        """Return how the revenue of one cohort (or each of several) in a month comes about, step by step.

        Parameters
        ----------
        month : date or str
            The base month, or one of the forecast.
        where : mapping
            Column of the cohorts -> value or values; default: every cohort.

        Returns
        -------
        BuildUp
            One label per cohort; its value is the revenue of the tables, to the cent.

        Raises
        ------
        InputError
            The month is not in the forecast, or no cohort fits.
        """
        from pricing.revenue.explain import build_up

        return build_up(self, self._column(month), where or {})

    def _column(self, month: date | str) -> int:
        found = np.flatnonzero(self.months == month_of(month))
        if not len(found):
            first, last = name_of(int(self.months[0])), name_of(int(self.months[-1]))
            raise InputError(
                f"{name_of(month_of(month))} is not in the forecast, which has {first} to {last}."
            )
        return int(found[0])

    def summary(self) -> pd.DataFrame:
        """Return one row per payment year: member months, scores, revenue by part, what is settled later (pandas)."""
        from pricing.revenue.summaries import yearly

        return yearly(self)

    def plot(self, kind: str = "revenue", **options: Any) -> Figure:
        """Return a figure: "revenue" (what it is made of), "accruals" (what is owed), "members" (who comes and goes).

        Raises
        ------
        InputError
            There is no such chart.
        """
        from pricing.revenue.plots import CHARTS

        if kind not in CHARTS:
            raise InputError(f"no chart '{kind}'; there are: {', '.join(CHARTS)}.")
        return CHARTS[kind](self, **options)

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write `TABLES` as Parquet, run.json and, if asked for, charts into `directory`, all or nothing.

        Raises
        ------
        riskadj.errors.OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        charts = {self.TABLES["month_totals"]: self.plot(), self.TABLES["accruals"]: self.plot("accruals")}
        return results.write_with(self, directory, charts=charts if chart else {}, overwrite=overwrite)

    def __repr__(self) -> str:
        """Return the months and the revenue."""
        run = self.run
        return (
            f"<revenue forecast '{self.scenario.name}': {run['first_month']} to {run['last_month']}, "
            f"${run['revenue']:,.2f}, {len(self.cohorts):,} cohorts>"
        )


_RULES = (
    Assumption("rounding", "cents", "", RULE, "each component of each cohort and month is rounded to the cent"),
    Assumption("members of a month", "first day", "", RULE, "whoever is enrolled on the first day of the month"),
    Assumption("order of a month's moves", "deaths, lapses, moves, joins", "", RULE, "each acts on those still there"),
    Assumption("earned", "final run", "", RULE, "a month's revenue is what the final run of its payment year pays"),
)  # fmt: skip


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)
