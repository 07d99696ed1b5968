"""The populations that can be made: what each program's members, conditions and enrollment are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import OptionError, nearest
from riskadj.synthetic.conditions import Histories, draw_conditions, draw_histories
from riskadj.synthetic.coverage import coverage_table, draw_choices
from riskadj.synthetic.enrollment import enrollment_table
from riskadj.synthetic.families import draw_enrollees
from riskadj.synthetic.fills import Fills, draw_fills, draw_treatments, drugs_table
from riskadj.synthetic.market_recipe import FOLDER, Market, load_market
from riskadj.synthetic.members import draw_members
from riskadj.synthetic.randomness import Ints
from riskadj.synthetic.recipe import Recipe, load_recipe

Seed = tuple[int, ...]


class Population(Protocol):
    """What extracts are made of, block by block."""

    has_drugs: ClassVar[bool]

    @property
    def recipe(self) -> Recipe:
        """Tables that claims are drawn from."""

    @property
    def seed(self) -> Seed:
        """What every stream of random bits begins with."""

    def draw_block(self, block: int, n: int) -> tuple[pa.Table, Histories]:
        """Return the enrollment of a block, and what its claims are drawn from."""

    def draw_fills(self, block: int, month: int, histories: Histories, starts: Ints) -> Fills:
        """Return the fills of a block in a month; only where the population has drugs."""

    def drugs_table(self, ids: npt.NDArray[np.void], fills: Fills, rows: Ints) -> pa.Table:
        """Return fills as a drugs extract."""


@dataclass(frozen=True)
class Medicare:
    """Medicare Advantage: diagnoses of one year, enrollment of the next."""

    seed: Seed
    service_year: int
    has_drugs: ClassVar[bool] = False

    @property
    def recipe(self) -> Recipe:
        """Tables that claims are drawn from."""
        return load_recipe("medicare")

    def draw_block(self, block: int, n: int) -> tuple[pa.Table, Histories]:
        """Return the enrollment of a block, and what its claims are drawn from."""
        recipe, seed, year = self.recipe, self.seed, self.service_year + 1
        members = draw_members(recipe, seed, block, n, year)
        present = draw_conditions(recipe, seed, block, members)
        special = np.any(
            [
                has
                for condition, has in zip(recipe.conditions, present, strict=True)
                if condition.special_needs
            ],
            axis=0,
        )
        table = enrollment_table(recipe, seed, block, members, special, year)
        return table, draw_histories(recipe, seed, block, members, present)

    def draw_fills(self, block: int, month: int, histories: Histories, starts: Ints) -> Fills:
        """Refuse: the population has no drugs extract."""
        raise AssertionError("no drugs")

    def drugs_table(self, ids: npt.NDArray[np.void], fills: Fills, rows: Ints) -> pa.Table:
        """Refuse: the population has no drugs extract."""
        raise AssertionError("no drugs")


@dataclass(frozen=True)
class Marketplace:
    """Individual and small-group markets: diagnoses, drugs and enrollment of one benefit year."""

    seed: Seed
    service_year: int
    has_drugs: ClassVar[bool] = True

    @property
    def recipe(self) -> Recipe:
        """Tables that claims are drawn from."""
        return load_recipe(FOLDER)

    @property
    def market(self) -> Market:
        """Plans, areas, families and drugs of the year."""
        return load_market(self.service_year)

    def draw_block(self, block: int, n: int) -> tuple[pa.Table, Histories]:
        """Return the enrollment of a block, and what its claims are drawn from."""
        recipe, market, seed, year = self.recipe, self.market, self.seed, self.service_year
        enrollees = draw_enrollees(recipe, market, seed, block, n, year)
        present = draw_conditions(recipe, seed, block, enrollees)
        burden = np.zeros(n, dtype=np.int64)
        for condition, having in zip(recipe.conditions, present, strict=True):
            burden += having * condition.burden
        choice = draw_choices(recipe, market, seed, block, enrollees, burden)
        names = [condition.name for condition in recipe.conditions]
        histories = replace(
            draw_histories(recipe, seed, block, enrollees, present),
            events=enrollees.events(),
            treatments=draw_treatments(market, seed, block, dict(zip(names, present, strict=True))),
        )
        return coverage_table(recipe, market, seed, enrollees, choice, year), histories

    def draw_fills(self, block: int, month: int, histories: Histories, starts: Ints) -> Fills:
        """Return the fills of a block in a month."""
        return draw_fills(self.recipe.shares["messy_ndc"], self.seed, block, month, histories, starts)

    def drugs_table(self, ids: npt.NDArray[np.void], fills: Fills, rows: Ints) -> pa.Table:
        """Return fills as a drugs extract."""
        return drugs_table(self.market, ids, fills, rows)


#: Programs, and what distinguishes their seeds; Medicare's has nothing, as it was first.
_PROGRAMS: dict[str, tuple[type[Medicare] | type[Marketplace], Seed]] = {
    "medicare_part_c": (Medicare, ()),
    "hhs": (Marketplace, (1,)),
}


def find_population(program: str, seed: int, service_year: int) -> Population:
    """Return the population of a program.

    Raises
    ------
    OptionError
        There is none for the program.
    """
    if program not in _PROGRAMS:
        raise OptionError(
            f"no population of {program!r}{nearest(program, _PROGRAMS)}; allowed: {', '.join(_PROGRAMS)}."
        )
    kind, more = _PROGRAMS[program]
    return kind((seed, service_year, *more), service_year)
