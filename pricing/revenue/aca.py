"""An issuer's ACA revenue by month: premium, risk adjustment transfer, high-cost pool, medical loss ratio rebate.

Premium is earned month by month. The others are settled for the whole benefit year, long after it: here they are
accrued, the transfer of each plan and rating area and what the high-cost pool pays by billed member months, the
pool's charge and the rebate by premium. Everything is in whole cents, and months, plans and components add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.aca.mlr import LossRatio
from pricing.aca.transfer import RiskTransfer, risk_transfer
from pricing.aca.transfer_formula import KEY, MARKET
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, parameter_table
from pricing.experience.months import as_dates, month_range
from pricing.inputs import read_columns
from pricing.parameters import load_rates
from pricing.revenue.aca_issuer import COMPONENTS, HighCost, IssuerMonths, LossRatioInputs, whole_cents
from pricing.revenue.aca_months import MONTHS_OF_A_YEAR, PlanMonths
from pricing.revenue.factors import dollars_of
from pricing.revenue.runs import PROGRAM
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Keys of the parameter that says when components other than premium are settled.
SETTLED_AS = {
    "transfer": "transfer", "high_cost_payment": "transfer", "high_cost_charge": "transfer", "mlr_rebate": "mlr_rebate",
}  # fmt: skip
SETTLEMENT_MONTH = "aca_settlement_month"


@dataclass(frozen=True)
class AcaRevenue:
    """An issuer's revenue of a benefit year.

    Attributes
    ----------
    months : pyarrow.Table
        One row per market and month: state, market, month, member_months, billable_member_months, `COMPONENTS`
        [dollars], revenue [dollars].
    plan_months : pyarrow.Table
        One row per plan, rating area and month: its key, member_months, billable_member_months, risk_score (mean of its
        members), premium and transfer [dollars].
    settlement : pyarrow.Table
        One row per market and component that is settled later: state, market, component, dollars, settled_in.
    transfer : RiskTransfer
        Of the year.
    loss_ratios : mapping of (str, str) to LossRatio
        By state and market.
    run : dict
    """

    months: pa.Table
    plan_months: pa.Table
    settlement: pa.Table
    transfer: RiskTransfer = field(repr=False)
    loss_ratios: Mapping[tuple[str, str], LossRatio] = field(repr=False)
    run: Mapping[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "months": "aca_revenue_months",
        "plan_months": "aca_revenue_plans",
        "settlement": "aca_revenue_settlement",
        "accruals": "aca_revenue_accruals",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    @property
    def accruals(self) -> pa.Table:
        """One row per month until all is settled: month, accrued, settled, balance [dollars; negative: owed].

        Of everything but premium; the balance is what the books carry at the end of the month.
        """
        accrued: dict[Any, int] = {}
        for row in self.months.to_pylist():
            accrued[row["month"]] = accrued.get(row["month"], 0) + whole_cents(
                row["revenue"] - row["premium"]
            )
        settled: dict[Any, int] = {}
        for row in self.settlement.to_pylist():
            settled[row["settled_in"]] = settled.get(row["settled_in"], 0) + whole_cents(row["dollars"])
        months = as_dates(month_range(min(accrued), max(*accrued, *settled)))
        moves = [[side.get(month, 0) for month in months.to_pylist()] for side in (accrued, settled)]
        made, paid = np.array(moves, np.int64)
        columns = {"accrued": made, "settled": paid, "balance": np.cumsum(made - paid)}
        return pa.table(
            {"month": months} | {name: pa.array(dollars_of(values)) for name, values in columns.items()}
        )

    @property
    def assumptions(self) -> pa.Table:
        """Every assumption: rules of accrual, and the yearly parameters with their sources."""
        settled = load_rates(PROGRAM, self.transfer.rates.year).assumptions([SETTLEMENT_MONTH])
        ratios = [each.assumptions for each in self.loss_ratios.values()][:1]
        yearly = [parameter_table(rates) for rates in (self.transfer.assumptions, settled, *ratios)]
        return pa.concat_tables([assumption_table(_RULES), *yearly])

    def summary(self) -> pd.DataFrame:
        """Return one row per component: dollars of the year, per member month, and as a share of premium."""
        import pandas as pd

        frame = self.months.to_pandas()
        dollars = frame[[*COMPONENTS, "revenue"]].sum().round(2)
        table = pd.DataFrame({"component": dollars.index, "dollars": dollars.to_numpy()})
        table["per_member_month"] = table["dollars"] / frame["member_months"].sum()
        table["share_of_premium"] = table["dollars"] / dollars["premium"]
        return table

    def plot(self) -> Figure:
        """Return two charts: revenue by month and component, and each plan's transfer against its premium."""
        from pricing.revenue.aca_plots import plot_aca_revenue

        return plot_aca_revenue(self)

    def __repr__(self) -> str:
        """Return whose revenue it is, and how much."""
        return (
            f"<ACA revenue of issuer {self.run['issuer_id']}, benefit year {self.run['benefit_year']}: "
            f"${self.run['revenue']:,.2f}, {self.run['plans_of_the_issuer']} plans and rating areas>"
        )


_RULES = (
    Assumption("rounding", "cents", "", RULE, "each component of each plan and month is rounded to the cent"),
    Assumption("transfer by month", "billed member months", "", RULE, "of the plan and rating area that it is for"),
    Assumption("high-cost payment by month", "billed member months", "", RULE, "of the market"),
    Assumption("rebate and high-cost charge by month", "premium", "", RULE, "of the market"),
    Assumption("numerator of the loss ratio", "claims and quality less transfers", "", RULE,
               "what risk adjustment and the high-cost pool pay lowers incurred claims: 45 CFR 158.140(b)(4)(ii)"),
)  # fmt: skip


def aca_revenue(
    plans: PlanMonths,
    *,
    issuer_id: str,
    competitors: Any = None,
    state_averages: Any = None,
    geographic_cost_factors: Mapping[str, float] | None = None,
    high_cost: Mapping[str, HighCost] | None = None,
    loss_ratios: Mapping[str, LossRatioInputs] | None = None,
) -> AcaRevenue:
    """Return an issuer's revenue of a benefit year by month.

    Parameters
    ----------
    plans : PlanMonths
        From `plan_months`, perhaps projected: every issuer's plans, or the issuer's own.
    issuer_id : str
    competitors : path, DataFrame, Arrow table or mapping, optional
        Plans of other issuers, a row each as for `risk_transfer` (`pricing.aca.transfer_formula.MARKET`), where `plans`
        has the issuer's own only.
    state_averages : likewise, optional
        Published averages instead of competitors; the transfer is then an estimate, as `risk_transfer` says.
    geographic_cost_factors : mapping of str to float, optional
        By rating area. Default: computed from silver premiums.
    high_cost : mapping of str to HighCost, optional
        By market ("individual", "small_group", "merged"). Default: the pool neither pays nor charges.
    loss_ratios : mapping of str to LossRatioInputs, optional
        By market. Default: no rebate is owed.

    Returns
    -------
    AcaRevenue

    Raises
    ------
    InputError
        The issuer has no plan, a table lacks a column, a market of `high_cost` or `loss_ratios` is not the issuer's, or
        the market cannot be what the transfer formula needs.
    UnknownRateError
        The year lacks a parameter.

    References
    ----------
    .. [1] `mmrr2014`, `cfr153_320`, `cfr158_232` in pricing/rates/aca/manifest.toml.
    """
    own = np.array([name == issuer_id for name in plans.plans["issuer_id"].to_pylist()])
    if not own.any():
        known = sorted(set(plans.plans["issuer_id"].to_pylist()))
        raise InputError(
            f"no plan of issuer {issuer_id}{nearest(issuer_id, known)}; there are: {', '.join(known[:9])}."
        )
    market = _market(plans, competitors, geographic_cost_factors)
    transfer = risk_transfer(
        market, benefit_year=plans.rates.year, state_averages=state_averages, rates=plans.rates
    )
    issuer = IssuerMonths.of(plans, own, transfer)
    _check_markets(issuer, high_cost or {}, loss_ratios or {})
    found = [issuer.market(key, high_cost or {}, loss_ratios or {}) for key in issuer.markets]
    months = pa.concat_tables([table for table, _ in found])
    ratios = {key: ratio for key, (_, ratio) in zip(issuer.markets, found, strict=True) if ratio is not None}
    revenue = sum(whole_cents(value) for value in months["revenue"].to_pylist()) / 100
    run = {
        **plans.run, "issuer_id": issuer_id, "plans_of_the_issuer": int(own.sum()),
        "plans_of_the_market": transfer.plans.num_rows, "revenue": revenue,
        "transfer": "of the whole market" if state_averages is None else "estimated from state averages",
        "parameters_sha256": plans.rates.sha256,
    }  # fmt: skip
    return AcaRevenue(months, issuer.table(), _settlement(months, plans), transfer, ratios, run)


def _market(plans: PlanMonths, competitors: Any, factors: Mapping[str, float] | None) -> pa.Table:
    """Return the year's market: the plans given, and those of competitors."""
    market = plans.market()
    if competitors is not None:
        other = read_columns(competitors, MARKET, role="competitors", key=KEY)
        names = [name for name in market.column_names if name in other]
        market = pa.concat_tables([market, other.table().select(names)])
    if factors is None:
        return market
    areas = market["rating_area"].to_pylist()
    lacking = sorted({area for area in areas if area not in factors})
    if lacking:
        raise InputError(f"geographic_cost_factors lack rating area {lacking[0]}; give one for each.")
    return market.append_column("gcf", pa.array([float(factors[area]) for area in areas]))


def _check_markets(issuer: IssuerMonths, *given: Mapping[str, Any]) -> None:
    known = sorted({market for _, market in issuer.markets})
    for name in (name for mapping in given for name in mapping):
        if name not in known:
            raise InputError(
                f"the issuer has no market '{name}'{nearest(name, known)}; it has: {', '.join(known)}."
            )


def _settlement(months: pa.Table, plans: PlanMonths) -> pa.Table:
    """Return what is settled after the year, by market and component."""
    rows: list[dict[str, Any]] = []
    totals: dict[tuple[str, str, str], int] = {}
    for row in months.to_pylist():
        for name in SETTLED_AS:
            key = (row["state"], row["market"], name)
            totals[key] = totals.get(key, 0) + whole_cents(row[name])
    next_january = plans.first_month + MONTHS_OF_A_YEAR
    calendar = load_rates(PROGRAM, plans.rates.year)
    for (state, market, name), total in totals.items():
        month = next_january + int(calendar.number(SETTLEMENT_MONTH, SETTLED_AS[name])) - 1
        rows.append(
            {"state": state, "market": market, "component": name, "dollars": total / 100,
             "settled_in": as_dates(np.array([month]))[0].as_py()}
        )  # fmt: skip
    return pa.Table.from_pylist(rows)
