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
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing import results
from pricing.aca.mlr import LossRatio, loss_ratio
from pricing.aca.transfer import RiskTransfer, risk_transfer
from pricing.aca.transfer_formula import KEY, MARKET
from pricing.errors import InputError
from pricing.experience.assumptions import RULE, Assumption, assumption_table, parameter_table
from pricing.experience.months import as_dates, month_range
from pricing.inputs import Numbers, read_columns
from pricing.parameters import load_rates
from pricing.revenue.aca_months import MONTHS_OF_A_YEAR, PlanMonths
from pricing.revenue.factors import Cents, cents, dollars_of
from pricing.revenue.runs import PROGRAM
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Lines of revenue and what each is.
COMPONENTS: Mapping[str, str] = {
    "premium": "premiums of the members billed for",
    "transfer": "risk adjustment transfer, positive if received",
    "high_cost_payment": "received from the high-cost risk pool",
    "high_cost_charge": "less the charge for the high-cost risk pool",
    "mlr_rebate": "less the rebate owed to members under the medical loss ratio rule",
}
#: Keys of the parameter that says when components other than premium are settled.
SETTLED_AS = {
    "transfer": "transfer", "high_cost_payment": "transfer", "high_cost_charge": "transfer", "mlr_rebate": "mlr_rebate",
}  # fmt: skip
SETTLEMENT_MONTH = "aca_settlement_month"


@dataclass(frozen=True)
class HighCost:
    """What the high-cost risk pool does to an issuer's market.

    Parameters
    ----------
    payment : float
        Received for the year [dollars]; `pricing.aca.high_cost_pool` computes it.
    charge_rate : float
        Charge as a share of premium; the pool's own.
    """

    payment: float
    charge_rate: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not self.payment >= 0 or not 0 <= self.charge_rate < 1:
            raise InputError(
                "a high-cost pool pays 0 or more, and charges a share of premium from 0 to below 1."
            )


@dataclass(frozen=True)
class LossRatioInputs:
    """What the medical loss ratio of a market is made of besides premium and transfers.

    Parameters
    ----------
    claims, quality : float
        Incurred claims and quality improvement of the benefit year [dollars].
    taxes_and_fees : float
        Of the benefit year [dollars]; premium is counted net of them.
    average_deductible : float
        Dollars per person.
    prior_numerator, prior_denominator, prior_life_years : float
        Of the two years before, as filed [dollars; life-years].
    """

    claims: float
    quality: float
    taxes_and_fees: float
    average_deductible: float
    prior_numerator: float = 0.0
    prior_denominator: float = 0.0
    prior_life_years: float = 0.0


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
            accrued[row["month"]] = accrued.get(row["month"], 0) + _cents(row["revenue"] - row["premium"])
        settled: dict[Any, int] = {}
        for row in self.settlement.to_pylist():
            settled[row["settled_in"]] = settled.get(row["settled_in"], 0) + _cents(row["dollars"])
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
    issuer = _Issuer.of(plans, own, transfer)
    _check_markets(issuer, high_cost or {}, loss_ratios or {})
    found = [issuer.market(key, high_cost or {}, loss_ratios or {}) for key in issuer.markets]
    months = pa.concat_tables([table for table, _ in found])
    ratios = {key: ratio for key, (_, ratio) in zip(issuer.markets, found, strict=True) if ratio is not None}
    revenue = sum(_cents(value) for value in months["revenue"].to_pylist()) / 100
    run = {
        **plans.run, "issuer_id": issuer_id, "plans_of_the_issuer": int(own.sum()),
        "plans_of_the_market": transfer.plans.num_rows, "revenue": revenue,
        "transfer": "of the whole market" if state_averages is None else "estimated from state averages",
        "parameters_sha256": plans.rates.sha256,
    }  # fmt: skip
    return AcaRevenue(months, issuer.table(), _settlement(months, plans), transfer, ratios, run)


@dataclass(frozen=True)
class _Issuer:
    """An issuer's plans; arrays of shape (n_plans, 12)."""

    plans: pa.Table
    january: int
    members: Numbers
    billed: Numbers
    risk: Numbers
    premium: Cents
    transfer: Cents
    rates: Any

    @classmethod
    def of(cls, plans: PlanMonths, own: npt.NDArray[np.bool_], transfer: RiskTransfer) -> _Issuer:
        """Return the issuer's part of all plans, each plan's transfer spread over its billed months."""
        table = plans.plans.filter(pa.array(own))
        measures = {name: values[own] for name, values in plans.measures.items()}
        rows = [tuple(row[name] for name in KEY) for row in transfer.plans.select(KEY).to_pylist()]
        dollars = dict(zip(rows, transfer.plans["transfer"].to_pylist(), strict=True))
        whole = [_cents(dollars.get(tuple(row[name] for name in KEY), 0.0)) for row in table.to_pylist()]
        spread = [
            spread_cents(total, weights) for total, weights in zip(whole, measures["billed"], strict=True)
        ]
        return cls(
            table, plans.first_month, measures["members"], measures["billed"], measures["risk"],
            cents(measures["premium"]), np.array(spread), plans.rates,
        )  # fmt: skip

    @property
    def markets(self) -> list[tuple[str, str]]:
        """State and market of each of the issuer's pools."""
        rows = self.plans.select(["state", "market"]).to_pylist()
        return sorted({(row["state"], row["market"]) for row in rows})

    @property
    def _months(self) -> npt.NDArray[np.int64]:
        return self.january + np.arange(MONTHS_OF_A_YEAR)

    def market(
        self, key: tuple[str, str], high_cost: Mapping[str, HighCost], inputs: Mapping[str, LossRatioInputs]
    ) -> tuple[pa.Table, LossRatio | None]:
        """Return a market's revenue by month, and its loss ratio if asked for."""
        rows = pc.and_(
            pc.equal(self.plans["state"], key[0]), pc.equal(self.plans["market"], key[1])
        ).to_numpy()
        premium, billed = self.premium[rows].sum(axis=0), self.billed[rows].sum(axis=0)
        pool = high_cost.get(key[1], HighCost(0.0, 0.0))
        found = {
            "premium": premium,
            "transfer": self.transfer[rows].sum(axis=0),
            "high_cost_payment": spread_cents(_cents(pool.payment), billed),
            "high_cost_charge": -spread_cents(_cents(pool.charge_rate * premium.sum() / 100), premium),
        }
        ratio = None
        if key[1] in inputs:
            net = sum(int(values.sum()) for name, values in found.items() if name != "premium") / 100
            ratio = self._loss_ratio(
                key[1], inputs[key[1]], float(premium.sum()) / 100, net, float(billed.sum())
            )
        found["mlr_rebate"] = -spread_cents(0 if ratio is None else _cents(ratio.rebate), premium)
        columns: dict[str, Any] = {
            "state": pa.array([key[0]] * MONTHS_OF_A_YEAR),
            "market": pa.array([key[1]] * MONTHS_OF_A_YEAR),
            "month": as_dates(self._months),
            "member_months": pa.array(self.members[rows].sum(axis=0)),
            "billable_member_months": pa.array(billed),
        }
        columns |= {name: pa.array(dollars_of(found[name])) for name in COMPONENTS}
        total = np.sum([found[name] for name in COMPONENTS], axis=0)
        return pa.table(columns | {"revenue": pa.array(dollars_of(total))}), ratio

    def _loss_ratio(
        self, market: str, given: LossRatioInputs, premium: float, transfers: float, billed: float
    ) -> LossRatio:
        net_premium = premium - given.taxes_and_fees
        return loss_ratio(
            numerator=given.prior_numerator + given.claims + given.quality - transfers,
            denominator=given.prior_denominator + net_premium,
            life_years=given.prior_life_years + billed / MONTHS_OF_A_YEAR,
            average_deductible=given.average_deductible, premium=net_premium, market=market,
            reporting_year=self.rates.year, rates=self.rates,
        )  # fmt: skip

    def table(self) -> pa.Table:
        """Return one row per plan, rating area and month."""
        repeated = self.plans.take(pa.array(np.repeat(np.arange(len(self.members)), MONTHS_OF_A_YEAR)))
        flat = {"member_months": self.members.ravel(), "billable_member_months": self.billed.ravel()}
        people = flat["member_months"]
        score = np.divide(self.risk.ravel(), people, out=np.zeros_like(people), where=people > 0)
        columns: dict[str, Any] = {name: repeated[name] for name in repeated.column_names}
        columns["month"] = as_dates(np.tile(self._months, len(self.members)))
        columns |= {name: pa.array(values) for name, values in flat.items()}
        columns["risk_score"] = pa.array(score, mask=people == 0)
        columns |= {
            n: pa.array(dollars_of(v.ravel()))
            for n, v in (("premium", self.premium), ("transfer", self.transfer))
        }
        return pa.table(columns)


def spread_cents(total: int, weights: npt.NDArray[Any]) -> Cents:
    """Return whole cents that add up to a total, as even to the weights as rounding lets them be.

    Parameters
    ----------
    total : int
        Cents, also below 0.
    weights : array of shape (n,)
        0 or more. Where all are 0, all is in the last.

    Examples
    --------
    >>> spread_cents(100, np.array([1.0, 1.0, 1.0])).tolist()
    [33, 34, 33]
    """
    whole = float(np.sum(weights))
    if whole == 0:
        return np.array([0] * (len(weights) - 1) + [total], np.int64)
    upto = np.rint(total * np.cumsum(weights) / whole).astype(np.int64)
    upto[-1] = total
    return np.diff(upto, prepend=0)


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


def _check_markets(issuer: _Issuer, *given: Mapping[str, Any]) -> None:
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
            totals[key] = totals.get(key, 0) + _cents(row[name])
    next_january = plans.first_month + MONTHS_OF_A_YEAR
    calendar = load_rates(PROGRAM, plans.rates.year)
    for (state, market, name), total in totals.items():
        month = next_january + int(calendar.number(SETTLEMENT_MONTH, SETTLED_AS[name])) - 1
        rows.append(
            {"state": state, "market": market, "component": name, "dollars": total / 100,
             "settled_in": as_dates(np.array([month]))[0].as_py()}
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _cents(dollars: float) -> int:
    return int(cents(np.array([dollars]))[0])
