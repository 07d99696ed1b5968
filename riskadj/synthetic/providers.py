"""Who gave the care: invented providers and groups for a claims extract, the same on every machine.

Each member has a primary-care provider whom they mostly see; now and then they see another. Nothing else depends on it:
no group is better than another, so that whatever differs between them is chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import OptionError
from riskadj.synthetic.randomness import Bits, Ints

PROVIDERS_A_GROUP = 4
#: Shares: of professional claims, primary care; of that, with the own provider; of the rest, with another of its group.
_PRIMARY, _OWN, _OWN_GROUP = 0.65, 0.80, 0.50
_SPECIALTIES = ("primary_care", "specialist", "facility", "pharmacy")
_FACILITIES = ("inpatient", "outpatient", "emergency", "skilled_nursing", "dialysis", "home_health")


def with_providers(claims: pa.Table, *, seed: int, n_groups: int = 12) -> dict[str, pa.Table]:
    """Return a claims extract with the provider of each claim, and the groups that providers belong to.

    Parameters
    ----------
    claims : Table
        claim_id, member_id, service_category.
    seed : int
        Any whole number from 0 up.
    n_groups : int
        Provider groups; the first has three times the members of the last.

    Returns
    -------
    dict
        claims : the rows given with provider_id and specialty (primary_care, specialist, facility, pharmacy), the same
        on every line of a claim. providers : provider_id, group_id.

    Raises
    ------
    OptionError
        There is no group, or the seed is negative.
    """
    if n_groups < 1 or seed < 0:
        raise OptionError(
            f"n_groups is {n_groups} and seed {seed}; there must be a group, and no negative seed."
        )
    member, home = _drawn(claims["member_id"], seed, 1)
    claim, _ = _drawn(claims["claim_id"], seed, 2)
    first = np.unique(claim, return_index=True)[1]
    category = claims["service_category"].take(pa.array(first)).to_pylist()
    chance = [Bits((seed,), 2, stream) for stream in range(4)]
    is_primary = (np.array(category) == "professional") & chance[0].chances(len(first), _PRIMARY)
    own = _own_provider(home, n_groups)[member[first]]
    is_own, in_group = chance[1].chances(len(first), _OWN), chance[2].chances(len(first), _OWN_GROUP)
    every = n_groups * PROVIDERS_A_GROUP
    other = np.where(
        in_group, own - own % PROVIDERS_A_GROUP + chance[3].below(len(first), PROVIDERS_A_GROUP),
        chance[3].below(len(first), every),
    )  # fmt: skip
    seen = np.where(is_own, own, other)
    kind = np.array([_kind(name) for name in category])
    kind = np.where(is_primary, 0, kind)
    names = np.array([f"P{number + 1:03}" for number in range(every)], object)
    of_kind = np.array(["", "SPEC", "HOSP", "RX"], object)[kind]
    provider = np.where(kind == 0, names[seen], of_kind)[claim]
    groups = [f"group {number // PROVIDERS_A_GROUP + 1:02}" for number in range(every)]
    specialty = np.array(_SPECIALTIES, object)[kind][claim]
    table = claims.append_column("provider_id", pa.array(provider, pa.string()))
    return {
        "claims": table.append_column("specialty", pa.array(specialty, pa.string())),
        "providers": pa.table({"provider_id": names.tolist(), "group_id": groups}),
    }


def _drawn(column: pa.ChunkedArray, seed: int, stream: int) -> tuple[Ints, npt.NDArray[np.uint32]]:
    """Return the place of each row's id among the ids in their order, and a random word for each id."""
    ids = pc.unique(column).sort()
    place = pc.index_in(column, value_set=ids).to_numpy().astype(np.int64)
    return place, Bits((seed,), stream).words(len(ids))


def _own_provider(words: npt.NDArray[np.uint32], n_groups: int) -> Ints:
    """Return the provider of each member: earlier groups have more members."""
    weight = np.linspace(3.0, 1.0, n_groups)
    edges = np.cumsum(weight) / weight.sum() * 2.0**32
    group = np.minimum(np.searchsorted(edges, words.astype(np.float64), side="right"), n_groups - 1)
    return group * PROVIDERS_A_GROUP + words.astype(np.int64) % PROVIDERS_A_GROUP


def _kind(category: str) -> int:
    return 3 if category == "pharmacy" else 2 if category in _FACILITIES else 1
