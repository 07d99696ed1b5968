"""Which tier a family is rated in, where a State rates by family tiers and not by age (45 CFR 147.102(c)(2))."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pricing.aca.state_rating import RatingRules
from pricing.inputs import Array, Columns

#: Adults (0 to 2) and whether there are children -> tier.
TIERS = {
    (1, False): "one_adult",
    (2, False): "two_adults",
    (1, True): "one_adult_and_children",
    (2, True): "two_adults_and_children",
    (0, True): "child_only",
}
MOST_ADULTS = 2

Flags = npt.NDArray[np.bool_]


def tiers_of_families(members: Columns, family: Array, rules: RatingRules) -> tuple[list[str], Array, Array]:
    """Return the tier of each family, and how many adults and children it has.

    Parameters
    ----------
    members : Columns
        age_years, and is_child where it is known.
    family : ndarray of int, shape (n_members,)
        Number of each member's family, from 0.
    rules : RatingRules
        Of a State that has tiers.

    Raises
    ------
    InputError
        Ages do not tell who is a child; a family has more than two adults; or the State has no tier for it.
    """
    child = children_of(members, family, rules)
    adults = np.bincount(family, ~child).astype(np.int64)
    children = np.bincount(family, child).astype(np.int64)
    members.refuse(
        (adults > MOST_ADULTS)[family],
        f"families of more than {MOST_ADULTS} adults; rate further adults as families of their own",
    )
    names = [TIERS[int(grown), bool(small)] for grown, small in zip(adults, children, strict=True)]
    unknown = np.array([name not in rules.tiers for name in names])
    missing = ", ".join(sorted({name for name in names if name not in rules.tiers}))
    members.refuse(
        unknown[family], f"families in a tier that {rules.state} has no ratio for ({missing}); give it with overrides="
    )  # fmt: skip
    return names, adults, children


def children_of(members: Columns, family: Array, rules: RatingRules) -> Flags:
    """Return who is a child: as is_child says, else by age where ages tell it.

    Below 21 a member is a child; from the age at which dependents leave, or alone, an adult. Between the two, with
    others in the family, it may be a child or a spouse.
    """
    if "is_child" in members:
        return members["is_child"].astype(np.bool_)
    age: npt.NDArray[Any] = members["age_years"]
    small = age < rules.rates.number("first_adult_age")
    between = ~small & (age < rules.rates.number("tier_child_age"))
    alone = np.bincount(family)[family] == 1
    members.refuse(
        between & ~alone, "ages that do not tell a grown child from a spouse; give is_child (true or false)"
    )
    result: Flags = small
    return result
