"""Which design has the wanted actuarial value: solve for one parameter, or draw the frontier of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from pricing.benefits.av_calculator import actuarial_value
from pricing.benefits.continuance import ContinuanceTable
from pricing.benefits.design import PlanDesign
from pricing.errors import InputError
from pricing.parameters import Rates, load_rates

Tables = ContinuanceTable | dict[str, ContinuanceTable]


def solve_for(
    parameter: str,
    target: float,
    *,
    tables: Tables,
    design: PlanDesign,
    benefit_year: int,
    low: float,
    high: float,
    step: float = 1.0,
    rates: Rates | None = None,
) -> PlanDesign:
    """Return the design whose actuarial value comes closest to a target, by changing one parameter.

    Parameters
    ----------
    parameter : str
        A number of the design such as ``"deductible"``, ``"out_of_pocket_maximum"`` or ``"coinsurance"``, or a
        service's, as ``"primary_care.copay"``. A higher value must lower the actuarial value, as all of these do.
    target : float
        Actuarial value, 0 to 1.
    low, high : float
        Range to search, in the parameter's unit.
    step : float
        The result is a multiple of it: filed designs have round numbers.

    Raises
    ------
    InputError
        The target lies outside what the range reaches; the message gives the values at both ends.
    """
    rates = rates or load_rates("aca", benefit_year)

    def value(steps: int) -> float:
        changed = with_parameter(design, parameter, steps * step)
        return actuarial_value(tables, changed, benefit_year=benefit_year, rates=rates).value

    first, last = -int(-low // step), int(high // step)
    ends = value(first), value(last)
    if not ends[1] <= target <= ends[0]:
        raise InputError(
            f"{parameter} from {low:g} to {high:g} gives actuarial values from {ends[1]:.4f} to {ends[0]:.4f}; "
            f"{target:.4f} is outside. Widen the range or change the design."
        )
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if value(middle) >= target else (first, middle)
    best = min((first, last), key=lambda steps: abs(value(steps) - target))
    return with_parameter(design, parameter, best * step)


def frontier(
    target: float,
    *,
    tables: Tables,
    design: PlanDesign,
    benefit_year: int,
    vary: Mapping[str, Sequence[float]],
    solve: str,
    low: float,
    high: float,
    step: float = 1.0,
) -> pa.Table:
    """Return the designs of one actuarial value: for each value of one parameter, the other that reaches the target.

    Parameters
    ----------
    vary : mapping with one entry
        Parameter -> values, such as ``{"deductible": range(0, 9001, 500)}``.
    solve : str
        The parameter to solve for, searched from `low` to `high` in multiples of `step`.

    Returns
    -------
    pyarrow.Table
        The varied parameter, the solved one (null where no value in the range reaches the target), actuarial_value.
    """
    ((name, values),) = vary.items()
    rates = load_rates("aca", benefit_year)
    solved: list[float | None] = []
    found: list[float | None] = []
    for number in values:
        try:
            changed = solve_for(
                solve, target, tables=tables, design=with_parameter(design, name, number), benefit_year=benefit_year,
                low=max(low, number) if solve == "out_of_pocket_maximum" else low, high=high, step=step, rates=rates,
            )  # fmt: skip
        except InputError:
            solved.append(None)
            found.append(None)
            continue
        solved.append(parameter_of(changed, solve))
        found.append(actuarial_value(tables, changed, benefit_year=benefit_year, rates=rates).value)
    return pa.table(
        {
            name: pa.array(list(values), pa.float64()),
            solve: pa.array(solved, pa.float64()),
            "actuarial_value": found,
        }
    )


def with_parameter(design: PlanDesign, parameter: str, value: float) -> PlanDesign:
    """Return the design with one number changed: one of its own, or a service's as ``"primary_care.copay"``.

    Raises
    ------
    InputError
        There is no such parameter, or the design becomes impossible.
    """
    service, dot, name = parameter.rpartition(".")
    try:
        if not dot:
            return replace(design, **{parameter: value})  # type: ignore[arg-type]
        terms = replace(design.terms(service), **{name: value})  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"a plan design has no parameter '{parameter}'.") from None
    return replace(design, services={**design.services, service: terms})


def parameter_of(design: PlanDesign, parameter: str) -> float:
    """Return one number of a design."""
    service, dot, name = parameter.rpartition(".")
    return float(getattr(design.terms(service), name) if dot else getattr(design, parameter))
