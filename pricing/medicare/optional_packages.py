"""Optional supplemental benefits: packages that members may buy, priced on their own (worksheet 7 of the bid tool)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.medicare.bid_checks import Check, check_table
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of packages: one row each. Dollars per member and month of those who buy it.
PACKAGES = (
    Column("plan_id", "text"),
    Column("package_id", "text"),
    Column("member_months", above=0.0),
    Column("allowed", minimum=0.0),
    Column("cost_sharing", default=0.0, minimum=0.0),
    Column("non_benefit", default=0.0, minimum=0.0),
    Column("margin_share"),
)
PARAMETERS = ("premium_rounding", "optional_margin_limit", "optional_retention_limit")


@dataclass(frozen=True)
class OptionalBenefits:
    """Packages of optional supplemental benefits.

    Attributes
    ----------
    packages : Columns
        The inputs.
    numbers : dict of str to ndarray of float64, shape (n_packages,)
        net_medical, required_premium, gain, premium (rounded), gain_share [dollars per member and month; share].
    rates : Rates
    """

    packages: Columns
    numbers: dict[str, Numbers]
    rates: Rates = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "table": "optional_benefits",
        "checks": "optional_checks",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What the premiums were made from: year, rows."""
        return {"payment_year": self.rates.year, "counts": {"packages": self.packages.n_rows}}

    def table(self) -> pa.Table:
        """Return one row per package: inputs and numbers."""
        return self.packages.with_columns(**self.numbers).table()

    def summary(self) -> pd.DataFrame:
        """Return `table` as a pandas DataFrame."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: what each package's premium is made of."""
        from pricing.medicare.side_plots import plot_optional_benefits

        return plot_optional_benefits(self)

    @property
    def checks(self) -> pa.Table:
        """Reviewers' limits on margin and retention, by contract: plan_id (the contract), check, value, limit, ..."""
        contracts, owner = np.unique(
            [plan.split("-")[0] for plan in self.packages["plan_id"]], return_inverse=True
        )
        months = self.packages["member_months"]
        revenue = np.bincount(owner, months * self.numbers["premium"])
        gain = np.bincount(owner, months * self.numbers["gain"])
        retained = gain + np.bincount(owner, months * self.packages["non_benefit"])
        found = []
        for name, dollars in (("margin", gain), ("retention", retained)):
            limit = self.rates.number(f"optional_{name}_limit")
            share = np.divide(dollars, revenue, out=np.zeros_like(dollars), where=revenue > 0)
            message = f"{name} of optional benefits is above the limit; lower premiums or add benefits"
            found.append(
                Check(
                    f"{name} of optional benefits", share, limit, "share of premium", share > limit, message
                )
            )
        return check_table(found, contracts)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)


def optional_benefits(packages: Any, *, payment_year: int, rates: Rates | None = None) -> OptionalBenefits:
    """Return premiums of optional supplemental packages, each with a margin of its own.

    Parameters
    ----------
    packages : path, DataFrame, Arrow table, mapping
        One row per package (`PACKAGES`): allowed cost, cost sharing and non-benefit expense [dollars per member and
        month of those who buy], margin_share (of premium), member_months projected.
    payment_year : int
    rates : Rates, optional

    Returns
    -------
    OptionalBenefits

    Raises
    ------
    InputError
        A column is missing or holds impossible values; cost sharing is above the cost; a margin is 100 percent or more.

    Notes
    -----
    The rebate never pays for these: whoever wants a package pays for it whole.

    References
    ----------
    .. [1] 42 CFR 422.102(b), 422.254; `bpt_instructions` in pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    table = read_columns(packages, PACKAGES, role="packages", key=("plan_id", "package_id"))
    table.refuse(table["cost_sharing"] > table["allowed"], "cost sharing above the cost")
    table.refuse(np.abs(table["margin_share"]) >= 1, "a margin or loss of 100 percent of premium or more")
    net = table["allowed"] - table["cost_sharing"]
    required = (net + table["non_benefit"]) / (1 - table["margin_share"])
    premium = round_to(required, rates.number("premium_rounding", "part_c"))
    gain = premium - net - table["non_benefit"]
    share = np.divide(gain, premium, out=np.zeros_like(gain), where=premium > 0)
    numbers = {
        "net_medical": net, "required_premium": required, "premium": premium, "gain": gain, "gain_share": share,
    }  # fmt: skip
    return OptionalBenefits(table, numbers, rates)
