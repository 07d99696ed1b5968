"""How far each assumption moves revenue: a tornado."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.revenue.assumptions import PARAMETERS, Assume, Scenario
from pricing.revenue.revenue_forecast import RevenueForecast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sensitivity:
    """An assumption set lower and set higher.

    Parameters
    ----------
    name : str
    low, high : sequence of Assume
        Rows that take the place of the scenario's with the same key, or are added.
    """

    name: str
    low: Sequence[Assume]
    high: Sequence[Assume]


@dataclass(frozen=True)
class Tornado:
    """Revenue of a forecast's months under each sensitivity.

    Attributes
    ----------
    bars : pyarrow.Table
        One row per sensitivity, the widest first: sensitivity, low, high (values where it is one assumption),
        change_low, change_high, swing [dollars], share_low, share_high (of the forecast's revenue).
    """

    forecast: RevenueForecast
    bars: pa.Table = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"bars": "revenue_sensitivities", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def assumptions(self) -> pa.Table:
        """Every assumption of the forecast."""
        return self.forecast.assumptions

    @property
    def run(self) -> dict[str, Any]:
        """The forecast, and how many sensitivities."""
        return {"forecast": self.forecast.run, "sensitivities": self.bars.num_rows}

    def summary(self) -> pd.DataFrame:
        """Return `bars` as a pandas DataFrame."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: by how much each assumption moves revenue, the widest on top."""
        from pricing.revenue.comparison_plots import plot_tornado

        return plot_tornado(self)

    def __repr__(self) -> str:
        """Return how many sensitivities there are, and the widest."""
        widest = self.bars["sensitivity"][0].as_py() if self.bars.num_rows else "none"
        return f"<tornado of '{self.forecast.scenario.name}': {self.bars.num_rows} sensitivities, widest: {widest}>"


def around(scenario: Scenario, *, relative: float = 0.1) -> tuple[Sensitivity, ...]:
    """Return a sensitivity for each row of a scenario: its distance from the neutral value, so much less and more.

    Parameters
    ----------
    scenario : Scenario
    relative : float
        Share of that distance; 0.1: a lapse of 0.010 becomes 0.009 and 0.011, a rate_change of 1.05 becomes 1.045
        and 1.055.

    Returns
    -------
    tuple of Sensitivity
        Rows at their neutral value have none.
    """
    return tuple(
        _around(row, relative) for row in scenario.rows if row.value != PARAMETERS[row.parameter].neutral
    )


def _around(row: Assume, relative: float) -> Sensitivity:
    rule = PARAMETERS[row.parameter]
    neutral = rule.neutral or 0.0
    low, high = (neutral + (row.value - neutral) * (1 + sign * relative) for sign in (-1, 1))
    values = [min(max(value, rule.least), rule.most) for value in (low, high)]
    return Sensitivity(row.text, *((replace(row, value=value),) for value in values))


def tornado(forecast: RevenueForecast, sensitivities: Sequence[Sensitivity] | None = None) -> Tornado:
    """Return how far revenue moves when one assumption at a time is set lower and higher.

    Parameters
    ----------
    forecast : RevenueForecast
    sensitivities : sequence of Sensitivity, optional
        Default: `around` its scenario, a tenth less and more.

    Returns
    -------
    Tornado

    Raises
    ------
    InputError
        There is nothing to vary, two sensitivities have one name, or one does not fit the forecast.
    """
    chosen = around(forecast.scenario) if sensitivities is None else tuple(sensitivities)
    if not chosen:
        raise InputError("the scenario assumes no change to vary; give sensitivities=.")
    names = [each.name for each in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two sensitivities are called '{twice}'; name them apart.")
    rows = sorted(
        (_bar(forecast, each) for each in chosen), key=lambda row: (-row["swing"], row["sensitivity"])
    )
    return Tornado(forecast, pa.Table.from_pylist(rows, _SCHEMA))


_SCHEMA = pa.schema(
    [("sensitivity", pa.string()), ("low", pa.float64()), ("high", pa.float64()), ("change_low", pa.float64()),
     ("change_high", pa.float64()), ("swing", pa.float64()), ("share_low", pa.float64()), ("share_high", pa.float64())]
)  # fmt: skip


def _bar(forecast: RevenueForecast, sensitivity: Sensitivity) -> dict[str, Any]:
    base = _revenue(forecast)
    changes = [
        (_revenue(forecast.under(forecast.scenario.plus(*rows, name=sensitivity.name))) - base) / 100
        for rows in (sensitivity.low, sensitivity.high)
    ]
    one = len(sensitivity.low) == len(sensitivity.high) == 1
    values = [rows[0].value if one else None for rows in (sensitivity.low, sensitivity.high)]
    return {
        "sensitivity": sensitivity.name, "low": values[0], "high": values[1], "change_low": changes[0],
        "change_high": changes[1], "swing": max(0.0, *changes) - min(0.0, *changes),
        "share_low": 100 * changes[0] / base, "share_high": 100 * changes[1] / base,
    }  # fmt: skip


def _revenue(forecast: RevenueForecast) -> int:
    """Return the revenue of the months that tables show [cents]."""
    return int(forecast.total_cents[:, forecast.first :].sum())
