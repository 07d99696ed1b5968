"""Medical loss ratio of Medicare Advantage and Part D contracts, and what is owed below it (42 CFR 422.2410)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import check_choice
from pricing.inputs import Column, Columns, read_columns
from pricing.mlr import credibility, owed
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of contracts: one row each. Dollars of the contract year.
CONTRACTS = (
    Column("contract_id", "text"),
    Column("member_months", above=0.0),
    Column("incurred_claims", minimum=0.0),
    Column("quality_improvement", default=0.0, minimum=0.0),
    Column("revenue", above=0.0),
    Column("taxes_and_fees", default=0.0, minimum=0.0),
    Column("years_below_before", "integer", default=0, minimum=0),
)
PARTS = ("part_c", "part_d")
PARAMETERS = ("mlr_standard", "mlr_freeze_years", "mlr_termination_years")


@dataclass(frozen=True)
class ContractLossRatios:
    """Loss ratios of contracts.

    Attributes
    ----------
    contracts : pyarrow.Table
        One row per contract: contract_id, preliminary, credibility (added), loss_ratio [shares], is_credible,
        remittance [dollars], years_below [running], sanction ("", "no new enrollment", "termination").
    part : {"part_c", "part_d"}
    """

    contracts: pa.Table
    part: str
    rates: Rates = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"contracts": "contract_loss_ratios", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What the ratios were made from, and what is owed."""
        return {
            "payment_year": self.rates.year,
            "part": self.part,
            "contracts": self.contracts.num_rows,
            "remittance": float(self.contracts["remittance"].to_numpy().sum()),
        }

    def summary(self) -> pd.DataFrame:
        """Return the contracts, the lowest loss ratio first."""
        return self.to_pandas().sort_values("loss_ratio", ignore_index=True)

    def plot(self) -> Figure:
        """Return a figure: each contract's loss ratio with its credibility, against the standard."""
        from pricing.medicare.side_plots import plot_loss_ratios

        return plot_loss_ratios(self)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions((*PARAMETERS, f"mlr_credibility_{self.part}"))


def contract_loss_ratios(
    contracts: Any, *, payment_year: int, part: str = "part_c", rates: Rates | None = None
) -> ContractLossRatios:
    """Return loss ratios, remittances and sanctions of contracts.

    Parameters
    ----------
    contracts : path, DataFrame, Arrow table, mapping
        One row per contract (`CONTRACTS`): incurred claims and quality improvement over revenue less taxes and fees;
        years_below_before, how many years running the ratio was below the standard.
    payment_year : int
    part : {"part_c", "part_d"}
        Whose table of credibility holds: of contracts with medical benefits, or with drug benefits alone.
    rates : Rates, optional

    Returns
    -------
    ContractLossRatios

    Raises
    ------
    InputError
        There is no such part; a column is missing or holds impossible values; taxes take the whole revenue.

    References
    ----------
    .. [1] `cfr422_2410` in pricing/rates/medicare/manifest.toml: 422.2410(b)-(d), 422.2420, 422.2440, 423.2410.
    """
    check_choice("part", part, PARTS)
    rates = rates or load_rates("medicare", payment_year)
    rows = read_columns(contracts, CONTRACTS, role="contracts", key=("contract_id",))
    denominator = rows["revenue"] - rows["taxes_and_fees"]
    rows.refuse(denominator <= 0, "taxes_and_fees take the whole revenue")
    preliminary = (rows["incurred_claims"] + rows["quality_improvement"]) / denominator
    added, is_credible = credibility(rows["member_months"], rates.by_key(f"mlr_credibility_{part}"))
    ratio = preliminary + added
    standard = rates.number("mlr_standard")
    below = is_credible & (ratio < standard)
    years = np.where(below, rows["years_below_before"] + 1, 0)
    table = pa.table(
        {
            "contract_id": pa.array(rows["contract_id"]),
            "preliminary": pa.array(preliminary),
            "credibility": pa.array(added),
            "loss_ratio": pa.array(ratio),
            "is_credible": pa.array(is_credible),
            "remittance": pa.array(
                owed(ratio, standard=standard, revenue=denominator, is_credible=is_credible)
            ),
            "years_below": pa.array(years),
            "sanction": pa.array(_sanctions(years, rows, rates), pa.string()),
        }
    )
    return ContractLossRatios(table, part, rates)


def _sanctions(years: Any, rows: Columns, rates: Rates) -> list[str]:
    freeze, termination = (rates.number(f"mlr_{name}_years") for name in ("freeze", "termination"))
    found = np.full(rows.n_rows, "", object)
    found[years >= freeze] = "no new enrollment"
    found[years >= termination] = "termination"
    return list(found)
