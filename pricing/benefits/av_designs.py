"""Many designs through the federal Actuarial Value Calculator: their values and metal levels in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pricing import results
from pricing.benefits.av_calculator import PARAMETERS, ActuarialValue, actuarial_value
from pricing.benefits.continuance import ContinuanceTable
from pricing.benefits.design import PlanDesign
from pricing.errors import InputError
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NUMBERS = (
    "plan_pays_below", "plan_pays_between", "plan_pays_above", "total", "spend_at_deductible", "spend_at_maximum",
    "account",
)  # fmt: skip


@dataclass(frozen=True)
class ActuarialValues:
    """Actuarial values of several designs on the same continuance tables.

    Attributes
    ----------
    values : tuple of ActuarialValue
    designs : pyarrow.Table
        One row per design: design, table (of continuance), benefit_year, actuarial_value [share of allowed cost],
        metal_levels (those whose de minimis range holds it, with ", " between; empty: none), plan_pays_below,
        plan_pays_between, plan_pays_above, total, spend_at_deductible, spend_at_maximum [dollars per enrollee], account
        [share of allowed cost].
    assumptions : pyarrow.Table
        Yearly parameters used: parameter, key, year, value, unit, source, where, verified.
    run : dict
    """

    values: tuple[ActuarialValue, ...]
    designs: pa.Table
    assumptions: pa.Table
    run: Mapping[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"designs": "actuarial_values", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the values, as each `ActuarialValue` says it."""
        return tuple(warning for value in self.values for warning in value.warnings)

    def summary(self) -> pd.DataFrame:
        """Return design, actuarial_value and metal_levels, the richest first."""
        frame = self.to_pandas()[["design", "actuarial_value", "metal_levels"]]
        return frame.sort_values("actuarial_value", ascending=False, ignore_index=True)

    def plot(self) -> Figure:
        """Return a figure: the value of each design over the de minimis ranges of the metal levels."""
        from pricing.benefits.plots import plot_actuarial_values

        return plot_actuarial_values(self)

    def __repr__(self) -> str:
        """Return what was valued on which table."""
        return f"<ActuarialValues: {len(self.values)} designs on {self.values[0].table}>"


def actuarial_values(
    tables: ContinuanceTable | dict[str, ContinuanceTable],
    designs: PlanDesign | Sequence[PlanDesign],
    *,
    benefit_year: int,
    rates: Rates | None = None,
) -> ActuarialValues:
    """Return the actuarial values of designs, each as `actuarial_value` says.

    Parameters
    ----------
    tables : ContinuanceTable, or dict with "combined" and, for separate drug limits, "medical" and "drugs"
        Of one metal level, such as `read_av_workbook` returns.
    designs : PlanDesign or sequence of PlanDesign
        Names must differ.
    benefit_year : int
    rates : Rates, optional
        With numbers of the caller's own, such as other de minimis ranges.

    Returns
    -------
    ActuarialValues

    Raises
    ------
    InputError
        There is no design, two have the same name, or one cannot be valued on these tables.
    """
    every = [designs] if isinstance(designs, PlanDesign) else list(designs)
    names = [design.name for design in every]
    if not every or len(set(names)) < len(names):
        raise InputError("actuarial_values needs designs, at least one, each with a name of its own.")
    held = rates or load_rates("aca", benefit_year)
    values = tuple(actuarial_value(tables, design, benefit_year=benefit_year, rates=held) for design in every)
    return ActuarialValues(
        values,
        pa.table(
            {
                "design": names,
                "table": [value.table for value in values],
                "benefit_year": pa.array([benefit_year] * len(values), pa.int16()),
                "actuarial_value": [value.value for value in values],
                "metal_levels": [", ".join(value.metal_levels) for value in values],
                **{name: [float(getattr(value, name)) for value in values] for name in _NUMBERS},
            }
        ),
        held.assumptions(PARAMETERS),
        {
            "question": "actuarial values of plan designs",
            "table": values[0].table,
            "benefit_year": benefit_year,
            "designs": [design.to_dict() for design in every],
        },
    )
