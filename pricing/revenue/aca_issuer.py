"""An issuer's part of a market: premium, transfer, high-cost pool and rebate by month, in whole cents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricing.aca.mlr import LossRatio, loss_ratio
from pricing.aca.transfer import RiskTransfer
from pricing.aca.transfer_formula import KEY
from pricing.errors import InputError
from pricing.experience.months import as_dates
from pricing.inputs import Numbers
from pricing.revenue.aca_months import MONTHS_OF_A_YEAR, PlanMonths
from pricing.revenue.factors import Cents, cents, dollars_of

#: Lines of revenue and what each is.
COMPONENTS: Mapping[str, str] = {
    "premium": "premiums of the members billed for",
    "transfer": "risk adjustment transfer, positive if received",
    "high_cost_payment": "received from the high-cost risk pool",
    "high_cost_charge": "less the charge for the high-cost risk pool",
    "mlr_rebate": "less the rebate owed to members under the medical loss ratio rule",
}


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
class IssuerMonths:
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
    def of(cls, plans: PlanMonths, own: npt.NDArray[np.bool_], transfer: RiskTransfer) -> IssuerMonths:
        """Return the issuer's part of all plans, each plan's transfer spread over its billed months."""
        table = plans.plans.filter(pa.array(own))
        measures = {name: values[own] for name, values in plans.measures.items()}
        rows = [tuple(row[name] for name in KEY) for row in transfer.plans.select(KEY).to_pylist()]
        dollars = dict(zip(rows, transfer.plans["transfer"].to_pylist(), strict=True))
        whole = [whole_cents(dollars.get(tuple(row[name] for name in KEY), 0.0)) for row in table.to_pylist()]
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
            "high_cost_payment": spread_cents(whole_cents(pool.payment), billed),
            "high_cost_charge": -spread_cents(whole_cents(pool.charge_rate * premium.sum() / 100), premium),
        }
        ratio = None
        if key[1] in inputs:
            net = sum(int(values.sum()) for name, values in found.items() if name != "premium") / 100
            ratio = self._loss_ratio(
                key[1], inputs[key[1]], float(premium.sum()) / 100, net, float(billed.sum())
            )
        found["mlr_rebate"] = -spread_cents(0 if ratio is None else whole_cents(ratio.rebate), premium)
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


def whole_cents(dollars: float) -> int:
    """Return dollars in cents."""
    return int(cents(np.array([dollars]))[0])
