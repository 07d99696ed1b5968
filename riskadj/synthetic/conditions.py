"""What the members have: chronic conditions drawn from latent health, and the codes they are recorded under."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.members import Flags, Members
from riskadj.synthetic.randomness import ONE, Bits, Ints, odds_threshold
from riskadj.synthetic.recipe import N_LEVELS, Condition, Recipe

_BASE_LEVEL = 300


@dataclass(frozen=True)
class Histories:
    """What is needed to draw claims of the members of one block."""

    first: int  # number of the first member
    first_month: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint16]  # of use, in hundredths of a logarithm
    groups: dict[str, Flags]  # settings.csv `who` -> members
    offsets: Ints  # shape (n + 1,): personal codes of member i are codes[offsets[i]:offsets[i + 1]]
    codes: npt.NDArray[np.uint16]  # positions in Recipe.codes, most burdensome condition first


def _features(members: Members) -> dict[str, npt.NDArray[np.int32]]:
    flags = {
        "female": members.female,
        "dual": members.dual > 0,
        "institutional": members.institutional,
        "dialysis": members.dialysis,
        "graft": members.graft,
    }
    features = {name: flag.astype(np.int32) * ONE for name, flag in flags.items()}
    features["age"] = (members.age - 75) * (ONE // 10)
    once_disabled = ~members.under_65 & (members.orec == 1)
    features["disabled"] = (members.under_65 * ONE + once_disabled * (ONE // 2)).astype(np.int32)
    return features | members.latent


def draw_conditions(recipe: Recipe, seed: tuple[int, ...], block: int, members: Members) -> list[Flags]:
    """Return who has each condition: one array of shape (n,) per condition of the recipe."""
    bits, features, present = Bits(seed, 1, block), _features(members), list[Flags]()
    for condition in recipe.conditions:
        present.append(_draw_condition(condition, bits, features, present, members.n))
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
    recipe: Recipe, seed: tuple[int, ...], block: int, members: Members, present: list[Flags]
) -> Histories:
    """Return the personal codes and the level of use that follow from the conditions."""
    bits, share = Bits(seed, 2, block), recipe.shares
    level = np.full(members.n, _BASE_LEVEL, dtype=np.int32)
    for condition, having in zip(recipe.conditions, present, strict=True):
        level += having * np.int32(condition.burden)
    frailty = round(share["frailty_to_utilization"] * 100) * members.latent["frailty"]
    noise = round(share["noise_to_utilization"] * 100) * bits.normals(members.n)
    level += (frailty + noise) // ONE
    offsets, codes = _personal_codes(recipe, bits, present, members.n)
    groups = {"dialysis": members.dialysis, "long_term_institutional": members.institutional}
    levels = np.clip(level, 0, N_LEVELS - 1).astype(np.uint16)
    return Histories(members.first, members.first_month, levels, groups, offsets, codes)
