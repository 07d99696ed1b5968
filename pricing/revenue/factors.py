"""The factors of revenue by cohort and month, and the dollars they make, component by component, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from pricing.rounding import round_cents
from pricing.rows import Numbers

Cents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Factors:
    """What makes revenue; all arrays have shape (n_cohorts, n_months).

    Attributes
    ----------
    members : member months
    score : Part C payment risk score, mean of the members
    frailty : added to the score (PACE, fully integrated plans)
    rate : dollars a month at a score of 1.000; 0 in hospice
    premium_offset : dollars a month that a bid above its benchmark lowers the payment by; 0 in hospice
    kept : share of the risk-adjusted payment kept: 1, or CMS's factor where Medicare pays second
    rebate : dollars a month
    sequestration : share of CMS's payment withheld
    member_premium : dollars a month that members pay for Part C
    part_d_score : Part D payment risk score, mean of the members
    part_d_bid : dollars a month at a score of 1.000
    part_d_premium : basic premium: lowers the direct subsidy, and is paid by or for the member unless below 0
    part_d_low_income, part_d_reinsurance : prospective payments, dollars a month
    """

    members: Numbers = field(repr=False)
    score: Numbers = field(repr=False)
    frailty: Numbers = field(repr=False)
    rate: Numbers = field(repr=False)
    premium_offset: Numbers = field(repr=False)
    kept: Numbers = field(repr=False)
    rebate: Numbers = field(repr=False)
    sequestration: Numbers = field(repr=False)
    member_premium: Numbers = field(repr=False)
    part_d_score: Numbers = field(repr=False)
    part_d_bid: Numbers = field(repr=False)
    part_d_premium: Numbers = field(repr=False)
    part_d_low_income: Numbers = field(repr=False)
    part_d_reinsurance: Numbers = field(repr=False)

    def months(self, first: int) -> Factors:
        """Return the factors from a column on."""
        return Factors(**{each.name: getattr(self, each.name)[:, first:] for each in fields(self)})


FACTORS = tuple(each.name for each in fields(Factors))
#: Lines of revenue and what each is.
COMPONENTS: Mapping[str, str] = {
    "part_c_risk": "payment rate x (risk score + frailty)",
    "part_c_premium_offset": "less the basic premium of a bid above its benchmark",
    "part_c_msp": "less the share that is not paid where Medicare pays second",
    "part_c_rebate": "rebate",
    "part_c_sequestration": "less sequestration of Part C",
    "member_premium": "Part C premiums of members",
    "part_d_direct_subsidy": "Part D bid x risk score, less the basic premium",
    "part_d_sequestration": "less sequestration of the direct subsidy",
    "part_d_premium": "Part D basic premium, paid by or for members",
    "part_d_low_income": "prospective low-income cost sharing",
    "part_d_reinsurance": "prospective reinsurance",
}
#: Those that CMS pays, and pays again once scores are final; members pay the others.
FROM_MEMBERS = ("member_premium", "part_d_premium")


def component_dollars(factors: Factors) -> dict[str, Numbers]:
    """Return the dollars of each component, unrounded, each of shape (n_cohorts, n_months).

    References
    ----------
    .. [1] 42 CFR 422.304, 422.308, 423.329; `usc1395w24`, `usc1395w115`, `sequestration_law` in
       pricing/rates/medicare/manifest.toml. Member by member `pricing.medicare.bid.part_c_payment` is the same rule.
    """
    n = factors.members
    risk = n * factors.rate * (factors.score + factors.frailty)
    offset = 0.0 - n * factors.premium_offset  # no negative zeros
    msp = (factors.kept - 1) * (risk + offset)
    rebate = n * factors.rebate
    subsidy = n * (factors.part_d_bid * factors.part_d_score - factors.part_d_premium)
    return {
        "part_c_risk": risk,
        "part_c_premium_offset": offset,
        "part_c_msp": msp,
        "part_c_rebate": rebate,
        "part_c_sequestration": -factors.sequestration * (risk + offset + msp + rebate),
        "member_premium": n * factors.member_premium,
        "part_d_direct_subsidy": subsidy,
        "part_d_sequestration": -factors.sequestration * subsidy,
        "part_d_premium": n * np.maximum(factors.part_d_premium, 0.0),
        "part_d_low_income": n * factors.part_d_low_income,
        "part_d_reinsurance": n * factors.part_d_reinsurance,
    }


def component_cents(factors: Factors) -> dict[str, Cents]:
    """Return the cents of each component, each of shape (n_cohorts, n_months); sums of them lose nothing."""
    return {name: cents(dollars) for name, dollars in component_dollars(factors).items()}


def cents(dollars: Numbers) -> Cents:
    """Return whole cents, halves away from zero."""
    return np.rint(np.sign(dollars) * round_cents(np.abs(dollars)) * 100).astype(np.int64)


def dollars_of(amount: npt.NDArray[np.int64]) -> Numbers:
    """Return cents as dollars."""
    return amount / 100
