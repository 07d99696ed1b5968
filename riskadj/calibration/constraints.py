"""Constraints on the factors of a segment: variables that share a parameter; parameters bounded or ordered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from riskadj.calibration.options import CalibrationOptions
from riskadj.calibration.pooling import demographics_of, relatives_of
from riskadj.tables.model import ModelTables

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

#: In place of a parameter: the factor is held at zero.
ZERO = -1

#: What is said of a variable's factor.
ESTIMATED = "estimated"
EQUAL = "equal: as asked"
ORDERED = "equal: hierarchy order binds"
AT_ZERO = "zero: would be negative"
RARE = "zero: rare"
POOLED = "pooled: rare, shares the factor of"
NEGATIVE = "pooled: would be negative, shares the factor of"
COLLINEAR = "zero: collinear"


@dataclass(frozen=True)
class Ties:
    """Which variables share a parameter.

    Attributes
    ----------
    parameter : ndarray of int64, shape (n_variables,)
        Parameter of each variable, numbered from 0 without gaps; ZERO: held at zero.
    status : tuple of str
        What holds each variable's factor, and why.
    """

    parameter: Positions
    status: tuple[str, ...]

    @classmethod
    def free(cls, n_variables: int) -> Ties:
        """Return a parameter for each variable."""
        return cls(np.arange(n_variables), (ESTIMATED,) * n_variables)

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""
        return int(self.parameter.max(initial=ZERO)) + 1

    def matrix(self) -> Floats:
        """Return S, shape (n_variables, n_parameters), of 0 and 1: factors = S @ parameters."""
        result: Floats = np.equal.outer(self.parameter, np.arange(self.n_parameters)).astype(np.float64)
        return result

    def joined(self, pairs: Iterable[tuple[int, int]]) -> Ties:
        """Return the ties with both parameters of each pair made one; joined with ZERO, they are zero."""
        label = np.arange(self.n_parameters + 1)  # ZERO is the last label, and stays the highest
        for pair in pairs:
            low, high = sorted(label[list(pair)])
            label[label == low] = high
        kept, parameter = np.unique(np.r_[label[self.parameter], self.n_parameters], return_inverse=True)
        return replace(self, parameter=np.where(parameter == len(kept) - 1, ZERO, parameter)[:-1])

    def said(self, status: str, variables: Iterable[int]) -> Ties:
        """Return the ties with this status for those of `variables` that were simply estimated so far."""
        words = list(self.status)
        for variable in variables:
            words[variable] = status if words[variable] == ESTIMATED else words[variable]
        return replace(self, status=tuple(words))


def tie_variables(
    model: ModelTables, names: Sequence[str], n_members: Positions, options: CalibrationOptions
) -> Ties:
    """Return the ties of a segment's variables before any is fitted: equal groups, and what becomes of rare variables.

    Parameters
    ----------
    model : ModelTables
        The starting model.
    names : sequence of str, length n_variables
    n_members : ndarray of int64, shape (n_variables,)
        Members that each variable is on for.
    options : CalibrationOptions
    """
    ties = _equal_groups(names, options.equal)
    least = max(options.min_members, 1)
    relatives, demographics = relatives_of(model, names), demographics_of(model)
    position = {name: number for number, name in enumerate(names)}

    def members(variable: int) -> int:
        return int(n_members[ties.parameter == ties.parameter[variable]].sum())

    for name, variable in position.items():
        pooled = options.rare == "pool" or name in demographics
        while pooled and members(variable) < least:
            others = [position[relative] for relative in relatives[name]]
            others = [other for other in others if ties.parameter[other] != ties.parameter[variable]]
            if not others:
                break
            other = next((each for each in others if members(each) >= least), others[0])
            both = [variable] if members(other) >= least else [variable, other]
            ties = ties.said(f"{POOLED} {names[other]}", both[:1]).said(f"{POOLED} {name}", both[1:])
            ties = ties.joined([(int(ties.parameter[variable]), int(ties.parameter[other]))])
    return _without_rare(
        ties, [members(variable) for variable in position.values()], least, names, demographics
    )


def _without_rare(
    ties: Ties, members: Sequence[int], least: int, names: Sequence[str], demographics: Collection[str]
) -> Ties:
    """Return the ties with what is still rare held at zero, but for demographic variables that somebody has."""
    rare = [
        variable
        for variable, name in enumerate(names)
        if members[variable] < (1 if name in demographics else least)
    ]
    return ties.joined([(int(ties.parameter[variable]), ZERO) for variable in rare]).said(RARE, rare)


def pool_negative_cells(model: ModelTables, names: Sequence[str], ties: Ties, held: Ties) -> Ties | None:
    """Return the ties with every demographic variable that was held at zero pooled with a cell that was not.

    Parameters
    ----------
    ties, held : Ties
        Before and after the inequalities that bind were made ties.

    Returns
    -------
    Ties or None
        None: there is nothing to pool.
    """
    above_zero = {name for name, parameter in zip(names, held.parameter, strict=True) if parameter != ZERO}
    relatives, demographics = relatives_of(model, names), demographics_of(model)
    pairs, result = [], ties
    for variable in np.flatnonzero((held.parameter == ZERO) & (ties.parameter != ZERO)).tolist():
        partner = next((name for name in relatives[names[variable]] if name in above_zero), None)
        if partner is not None and names[variable] in demographics:
            pairs.append((int(ties.parameter[variable]), int(ties.parameter[names.index(partner)])))
            result = result.said(f"{NEGATIVE} {partner}", [variable])
    return result.joined(pairs) if pairs else None


def _equal_groups(names: Sequence[str], groups: Sequence[Sequence[str]]) -> Ties:
    ties, pairs = Ties.free(len(names)), []
    for group in groups:
        here = [names.index(name) for name in group if name in names]
        if len(here) > 1:
            pairs += [(here[0], other) for other in here[1:]]
            ties = ties.said(EQUAL, here)
    return ties.joined(pairs)


#: (above, below): parameter `above` is at least parameter `below`, or at least zero (ZERO).
Inequality = tuple[int, int]


def inequalities(
    model: ModelTables, names: Sequence[str], ties: Ties, options: CalibrationOptions
) -> tuple[Inequality, ...]:
    """Return the inequalities between parameters: not negative, and ordered within hierarchies.

    An HCC whose factor is held at zero is in no inequality of its own; an HCC that drops it is at least zero.
    """
    parameter = dict(zip(names, ties.parameter.tolist(), strict=True))
    pairs: list[Inequality] = []
    if options.ordered:
        pairs += [
            (parameter[row["hcc"]], parameter[row["drops"]])
            for row in model.records("hierarchies")
            if row["hcc"] in parameter and row["drops"] in parameter
        ]
    if options.nonnegative:
        pairs += [(number, ZERO) for number in range(ties.n_parameters)]
    return tuple(dict.fromkeys((above, below) for above, below in pairs if above not in (ZERO, below)))


def rows_of(constraints: Sequence[Inequality], n_parameters: int) -> Floats:
    """Return G, shape (n_constraints, n_parameters): the constraints are G @ parameters >= 0."""
    result = np.zeros((len(constraints), n_parameters))
    for number, (above, below) in enumerate(constraints):
        result[number, above] = 1.0
        if below != ZERO:
            result[number, below] = -1.0
    return result


def bound(ties: Ties, binding: Sequence[Inequality]) -> Ties:
    """Return the ties with every binding inequality made an equality."""
    result = ties.joined(binding)
    became_zero = (result.parameter == ZERO) & (ties.parameter != ZERO)
    named = np.isin(ties.parameter, [number for pair in binding for number in pair if number != ZERO])
    return result.said(AT_ZERO, np.flatnonzero(became_zero)).said(
        ORDERED, np.flatnonzero(named & ~became_zero)
    )
