"""Who is insured in the individual and small-group markets: families of adults, children and newborns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.conditions import Event
from riskadj.synthetic.enrollment import event_month
from riskadj.synthetic.market_recipe import Market
from riskadj.synthetic.members import BLOCK_SIZE, LATENT, Flags, days
from riskadj.synthetic.randomness import ONE, Bits, Ints
from riskadj.synthetic.recipe import Recipe

_MAX_AGE = 74
_ADULT, _FERTILE = 18, (18, 44)


@dataclass(frozen=True)
class Families:
    """Families of one block; arrays of shape (n_families,)."""

    start: Ints  # position of the first member, who is the subscriber
    adults: Ints
    size: Ints
    area: Ints  # position in Market.areas
    joins: Ints  # month
    leaves: Ints  # last month
    born: npt.NDArray[np.int32]  # day on which its newborns are born, whether it has any or not


@dataclass(frozen=True)
class Enrollees:
    """Members of one block; every array has shape (n,)."""

    first: int  # number of the first member
    families: Families
    family: Ints  # position in Families
    age: npt.NDArray[np.int32]  # whole years on 31 December of the benefit year
    birth_day: npt.NDArray[np.int32]  # days since 1970-01-01
    female: Flags
    gives_birth: Flags
    joins: Ints  # first month of coverage, newborns when they are born
    latent: dict[str, npt.NDArray[np.int32]]  # z-values in thousandths

    @property
    def n(self) -> int:
        """Number of members."""
        return len(self.age)

    @property
    def newborn(self) -> Flags:
        """Who is born in the benefit year."""
        return self.age == 0

    @property
    def first_month(self) -> npt.NDArray[np.uint8]:
        """First month with claims of every kind; newborns have their birth before it."""
        return (self.joins + self.newborn).astype(np.uint8)

    @property
    def last_month(self) -> npt.NDArray[np.uint8]:
        """Last month of coverage."""
        return self.families.leaves[self.family].astype(np.uint8)

    def features(self) -> dict[str, npt.NDArray[np.int32]]:
        """Return what odds of conditions depend on beside the latent causes, in thousandths."""
        fertile = self.female & (self.age >= _FERTILE[0]) & (self.age <= _FERTILE[1])
        flags = {
            "female": self.female,
            "child": self.age < _ADULT,
            "newborn": self.newborn,
            "mother": self.gives_birth,
            "fertile": fertile & ~self.gives_birth,
        }
        features = {name: flag.astype(np.int32) * ONE for name, flag in flags.items()}
        features["age"] = (self.age - 40) * (ONE // 10)
        return features

    def groups(self) -> dict[str, Flags]:
        """Return the members that a setting is for, by settings.csv `who`."""
        adult, infant = self.age >= _ADULT, self.age < 2
        return {"adult": adult, "infant": infant, "child": ~adult & ~infant}

    def events(self) -> dict[str, Event]:
        """Return births, as they happen to newborns and to mothers."""
        born = self.families.born[self.family]
        return {
            name: Event(np.flatnonzero(who), born[who])
            for name, who in (("newborn", self.newborn), ("mother", self.gives_birth))
        }


def draw_enrollees(
    recipe: Recipe, market: Market, seed: tuple[int, ...], block: int, n: int, year: int
) -> Enrollees:
    """Return the `n` members of a block, family by family; the last family may be cut short."""
    bits, share = Bits(seed, 0, block), recipe.shares
    families = _draw_families(market, share, bits, n, year)
    family = np.repeat(np.arange(len(families.size)), families.size)
    is_adult = np.arange(n) - families.start[family] < families.adults[family]
    age = _draw_ages(recipe, bits, families, family, is_adult)
    women, girls = bits.chances(n, share["female_adult"]), bits.chances(n, share["female_child"])
    female = np.where(is_adult, women, girls)
    january = np.array([days(year - a) for a in range(int(age.max()) + 1)], dtype=np.int64)[age]
    newborn = age == 0
    birth_day = np.where(newborn, families.born[family], january + bits.below(n, 365)).astype(np.int32)
    families = _whole_year(families, np.unique(family[newborn]))
    return Enrollees(
        first=block * BLOCK_SIZE,
        families=families,
        family=family,
        age=age,
        birth_day=birth_day,
        female=female,
        gives_birth=_mothers(family, is_adult & female & (age <= share["oldest_mother"]), newborn),
        joins=np.where(newborn, month_of(birth_day), families.joins[family]),
        latent={name: bits.normals(n) for name in LATENT},
    )


def month_of(day: npt.NDArray[np.int32]) -> Ints:
    """Return the calendar month, 1 to 12."""
    months: Ints = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return months


def _draw_families(market: Market, share: Mapping[str, float], bits: Bits, n: int, year: int) -> Families:
    """Return as many families as have `n` members."""
    area = market.area_choices[bits.halves(n)].astype(np.int64)
    kind = market.families[market.area_pool[area], bits.halves(n)]
    adults, size = market.adults[kind], market.adults[kind] + market.children[kind]
    ends = np.cumsum(size)
    count = int(np.searchsorted(ends, n)) + 1
    size = np.diff(np.minimum(ends[:count], n), prepend=0)
    joins, leaves = _coverage(market, share, bits, area[:count])
    return Families(
        start=np.cumsum(size) - size,
        adults=np.minimum(adults[:count], size),
        size=size,
        area=area[:count],
        joins=joins,
        leaves=leaves,
        born=(days(year) + bits.below(count, days(year + 1) - days(year))).astype(np.int32),
    )


def _coverage(market: Market, share: Mapping[str, float], bits: Bits, area: Ints) -> tuple[Ints, Ints]:
    """Return the first and the last month of coverage."""
    n = len(area)

    def by_market(quantity: str) -> npt.NDArray[np.float64]:
        return np.array([share[f"{quantity}_{kind}"] for _, kind in market.pools])[market.area_pool[area]]

    late = event_month(bits, by_market("joins_late"), n)
    joins = np.where(late < 99, late, 1)
    early = event_month(bits, by_market("leaves"), n) - 1
    return joins, np.maximum(np.minimum(early, 12), joins)


def _whole_year(families: Families, which: Ints) -> Families:
    """Return the families, some of them covered from January to December."""
    joins, leaves = families.joins.copy(), families.leaves.copy()
    joins[which], leaves[which] = 1, 12
    return Families(**{**vars(families), "joins": joins, "leaves": leaves})


def _draw_ages(
    recipe: Recipe, bits: Bits, families: Families, family: Ints, is_adult: Flags
) -> npt.NDArray[np.int32]:
    """Return ages: couples are of about one age, children young enough to be theirs."""
    n, share, count = len(family), recipe.shares, len(families.size)
    head = recipe.ages["adult"][bits.halves(count)].astype(np.int64)
    alone = recipe.ages["child_alone"][bits.halves(count)].astype(np.int64)
    gap = (round(share["spouse_age_gap"] * ONE) * bits.normals(n).astype(np.int64)) // ONE**2
    is_head = np.arange(n) == families.start[family]
    adult = np.where(is_head, head[family], np.clip(head[family] + gap, 21, _MAX_AGE))
    oldest = np.clip(head - round(share["parent_age"]), 0, round(share["oldest_child"]))[family]
    child = np.where(families.adults[family] == 0, alone[family], bits.below(n, oldest + 1))
    return np.where(is_adult, adult, child).astype(np.int32)


def _mothers(family: Ints, could: Flags, newborn: Flags) -> Flags:
    """Return the mothers of newborns: the first woman of the family who could be."""
    candidates = np.flatnonzero(could & np.isin(family, family[newborn]))
    _, first = np.unique(family[candidates], return_index=True)
    mothers = np.zeros(len(family), dtype=bool)
    mothers[candidates[first]] = True
    return mothers
