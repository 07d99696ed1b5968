"""What the members have: chronic conditions drawn from latent health, and the codes they are recorded under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.members import Flags
from riskadj.synthetic.randomness import ONE, Bits, Ints, odds_threshold
from riskadj.synthetic.recipe import N_LEVELS, Condition, Recipe

_BASE_LEVEL = 300


class People(Protocol):
    """Who conditions are drawn for; every array has shape (n,)."""

    @property
    def n(self) -> int:
        """Number of people."""

    @property
    def first(self) -> int:
        """Number of the first."""

    @property
    def latent(self) -> Mapping[str, npt.NDArray[np.int32]]:
        """Latent causes as z-values in thousandths."""

    @property
    def first_month(self) -> npt.NDArray[np.uint8]:
        """First month with claims, 1 to 13."""

    @property
    def last_month(self) -> npt.NDArray[np.uint8]:
        """Last month with claims, 1 to 12."""

    def features(self) -> dict[str, npt.NDArray[np.int32]]:
        """What odds of conditions depend on beside the latent causes, in thousandths."""

    def groups(self) -> dict[str, Flags]:
        """Members that a setting is for, by settings.csv `who`."""


@dataclass(frozen=True)
class Event:
    """Something that happens to some members of a block on a day."""

    member: Ints  # position within the block
    day: npt.NDArray[np.int32]  # since 1970-01-01


@dataclass(frozen=True)
class Treatments:
    """Drugs that members of a block take; every array has shape (n_treatments,)."""

    member: npt.NDArray[np.uint16]  # position within the block
    drug: npt.NDArray[np.uint16]  # position in the recipe's drugs
    monthly: npt.NDArray[np.uint32]  # word below which a month has a fill


@dataclass(frozen=True)
class Histories:
    """What is needed to draw claims of the members of one block."""

    first: int  # number of the first member
    first_month: npt.NDArray[np.uint8]
    last_month: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint16]  # of use, in hundredths of a logarithm
    groups: dict[str, Flags]  # settings.csv `who` -> members
    offsets: Ints  # shape (n + 1,): personal codes of member i are codes[offsets[i]:offsets[i + 1]]
    codes: npt.NDArray[np.uint16]  # positions in Recipe.codes, most burdensome condition first
    events: dict[str, Event] = field(default_factory=dict)  # settings.csv `who` -> what happens once
    treatments: Treatments | None = None


def draw_conditions(recipe: Recipe, seed: tuple[int, ...], block: int, people: People) -> list[Flags]:
    """Return who has each condition: one array of shape (n,) per condition of the recipe."""
    bits, features, present = Bits(seed, 1, block), people.features() | dict(people.latent), list[Flags]()
    for condition in recipe.conditions:
        present.append(_draw_condition(condition, bits, features, present, people.n))
    return present


def _draw_condition(
    condition: Condition, bits: Bits, features: dict[str, npt.NDArray[np.int32]], present: list[Flags], n: int
) -> Flags:
    log_odds = np.full(n, condition.log_odds * ONE, dtype=np.int32)
    for feature, slope in condition.slopes:
        log_odds += features[feature] * np.int32(slope)
    for earlier, by in condition.raised_by:
        log_odds += present[earlier] * np.int32(by * ONE)
    return bits.words(n) < odds_threshold(log_odds // ONE)


def _personal_codes(
    recipe: Recipe, bits: Bits, present: list[Flags], n: int
) -> tuple[Ints, npt.NDArray[np.uint16]]:
    """Return the personal code lists: one or two codes of each condition, most burdensome condition first."""
    who, codes = [], []
    for index in sorted(range(len(present)), key=lambda i: -recipe.conditions[i].burden):
        having = np.flatnonzero(present[index]).astype(np.uint16)
        choices = recipe.conditions[index].codes
        one, other = choices[bits.halves(len(having))], choices[bits.halves(len(having))]
        second = (one != other) & bits.chances(len(having), recipe.shares["second_code"])
        who += [having, having[second]]
        codes += [one, other[second]]
    members, flat = np.concatenate(who), np.concatenate(codes)
    order = np.argsort(members, kind="stable")
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(members, minlength=n), out=offsets[1:])
    return offsets, np.append(flat[order], np.uint16(0))  # one to spare, so that every offset is a position


def draw_histories(
    recipe: Recipe, seed: tuple[int, ...], block: int, people: People, present: list[Flags]
) -> Histories:
    """Return the personal codes and the level of use that follow from the conditions."""
    bits, share = Bits(seed, 2, block), recipe.shares
    level = np.full(people.n, _BASE_LEVEL, dtype=np.int32)
    for condition, having in zip(recipe.conditions, present, strict=True):
        level += having * np.int32(condition.burden)
    frailty = round(share["frailty_to_utilization"] * 100) * people.latent["frailty"]
    noise = round(share["noise_to_utilization"] * 100) * bits.normals(people.n)
    level += (frailty + noise) // ONE
    offsets, codes = _personal_codes(recipe, bits, present, people.n)
    levels = np.clip(level, 0, N_LEVELS - 1).astype(np.uint16)
    return Histories(
        people.first, people.first_month, people.last_month, levels, people.groups(), offsets, codes
    )
