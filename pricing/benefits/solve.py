"""Which design has the wanted actuarial value: solve for one parameter, or draw the frontier of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import pyarrow as pa

from pricing.benefits.av_calculator import actuarial_value
from pricing.benefits.continuance import ContinuanceTable
from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.parameters import Rates, load_rates
from riskadj.errors import nearest

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
        Actuarial value, 0 to 1 [share of allowed cost].
    tables : ContinuanceTable, or mapping of str to ContinuanceTable
        As `actuarial_value` takes them.
    design : PlanDesign
        Everything but the parameter.
    benefit_year : int
    low, high : float
        Range to search. [the parameter's unit]
    step : float
        The result is a multiple of it: filed designs have round numbers. [the parameter's unit]
    rates : Rates, optional
        Of program "aca"; default: those that ship for the year.

    Returns
    -------
    PlanDesign

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
    target : float
        Actuarial value, 0 to 1 [share of allowed cost].
    tables : ContinuanceTable, or mapping of str to ContinuanceTable
        As `actuarial_value` takes them.
    design : PlanDesign
        Everything but the two parameters.
    benefit_year : int
    vary : mapping with one entry
        Parameter -> values, such as ``{"deductible": range(0, 9001, 500)}``.
    solve : str
        The parameter to solve for, searched from `low` to `high` in multiples of `step`.
    low : float
        Least value of `solve`. [its unit]
    high : float
        Most. [its unit]
    step : float
        Values are multiples of it. [its unit]

    Returns
    -------
    pyarrow.Table
        The varied parameter, the solved one (null where no value in the range reaches the target), actuarial_value.

    Raises
    ------
    InputError
        `vary` names not one parameter, or a name is no parameter's.
    UnknownRateError
        The year has no parameters of actuarial value.
    """
    if len(vary) != 1:
        raise InputError(f"vary names {len(vary)} parameters; name one, and solve for another.")
    ((name, values),) = vary.items()
    for each in (name, solve):
        _place_of(each)  # a name that is none must not look like a target out of reach
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
    service, name = _place_of(parameter)
    if not service:
        return replace(design, **{name: value})  # type: ignore[arg-type]
    terms = replace(design.terms(service), **{name: value})  # type: ignore[arg-type]
    return replace(design, services={**design.services, service: terms})


def parameter_of(design: PlanDesign, parameter: str) -> float:
    """Return one number of a design."""
    service, name = _place_of(parameter)
    return float(getattr(design.terms(service) if service else design, name))


def _place_of(parameter: str) -> tuple[str, str]:
    """Return the service (empty: the design itself) and the name of a parameter.

    Raises
    ------
    InputError
        There is no such parameter.
    """
    service, _, name = parameter.rpartition(".")
    known = [each.name for each in fields(CostSharing if service else PlanDesign)]
    if name not in known:
        raise InputError(
            f"a plan design has no parameter '{parameter}'{nearest(name, known)}; name a number of its own, or a "
            "service's as in primary_care.copay."
        )
    return service, name
