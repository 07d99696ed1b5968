"""Who the members are: ids, birth dates, entitlement, Medicaid, nursing homes, kidneys, latent health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.randomness import ONE, Bits, Ints, threshold
from riskadj.synthetic.recipe import Recipe

BLOCK_SIZE = 65_536
"""Members drawn together; a position within a block fits 16 bits."""

GROUPS = (
    "aged",
    "entrant_service_year",
    "entrant_payment_year",
    "entrant_delayed",
    "disabled",
    "disabled_new",
)
LATENT = ("frailty", "metabolic", "vascular", "pulmonary", "behavioral")

#: Characters by place of a member id shaped like a Medicare beneficiary id. CMS never issues an S: it marks the id as
#: invented.
_ALL = b"0123456789ACDEFGHJKMNPQRTUVWXY"
_NUMBER, _LETTER = _ALL[:10], _ALL[10:]
_ID_PLACES = (_NUMBER[1:], b"S", _ALL, _NUMBER, _LETTER, _ALL, _NUMBER, _LETTER, _LETTER, _NUMBER, _NUMBER)
ID_LENGTH = len(_ID_PLACES)
_HALF_BITS = 19

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Members:
    """Members of one block; every array has shape (n,)."""

    first: int  # number of the first member
    birth_day: npt.NDArray[np.int32]  # days since 1970-01-01
    age: npt.NDArray[np.int32]  # whole years on 1 January of the payment year
    female: Flags
    group: npt.NDArray[np.uint8]  # position in GROUPS
    under_65: Flags
    orec: npt.NDArray[np.uint8]
    dual: npt.NDArray[np.uint8]  # 0 none, 1 partial, 2 full; on 1 January
    institutional: Flags
    dialysis: Flags
    graft: Flags
    graft_months: npt.NDArray[np.int32]
    new_enrollee: Flags
    first_month: npt.NDArray[np.uint8]  # of the service year with claims; 13 = none
    entry_month: npt.NDArray[np.uint8]  # of the payment year, 1 unless they turn 65 in it
    latent: dict[str, npt.NDArray[np.int32]]  # z-values in thousandths

    @property
    def n(self) -> int:
        """Number of members."""
        return len(self.age)

    @property
    def last_month(self) -> npt.NDArray[np.uint8]:
        """Last month with claims: who dies before the payment year is not among the members."""
        return np.full(self.n, 12, dtype=np.uint8)

    def features(self) -> dict[str, npt.NDArray[np.int32]]:
        """Return what odds of conditions depend on beside the latent causes, in thousandths."""
        flags = {
            "female": self.female,
            "dual": self.dual > 0,
            "institutional": self.institutional,
            "dialysis": self.dialysis,
            "graft": self.graft,
        }
        features = {name: flag.astype(np.int32) * ONE for name, flag in flags.items()}
        features["age"] = (self.age - 75) * (ONE // 10)
        once_disabled = ~self.under_65 & (self.orec == 1)
        features["disabled"] = (self.under_65 * ONE + once_disabled * (ONE // 2)).astype(np.int32)
        return features

    def groups(self) -> dict[str, Flags]:
        """Return the members that a setting is for, by settings.csv `who`."""
        return {"dialysis": self.dialysis, "long_term_institutional": self.institutional}


def member_ids(seed: tuple[int, ...], first: int, n: int) -> npt.NDArray[np.void]:
    """Return 11-character ids of members `first` to `first + n - 1`: unique, in no order, shape (n,)."""
    keys = [int(word) | 1 for word in Bits(seed, 9).words(4)]
    mask = (1 << _HALF_BITS) - 1
    number = np.arange(first, first + n, dtype=np.uint64)
    left, right = number >> np.uint64(_HALF_BITS), number & np.uint64(mask)
    for key in keys:  # a Feistel network: one to one, whatever the round function
        mixed = (right + np.uint64(key & mask)) * np.uint64(key) + np.uint64(key >> 7)
        left, right = right, left ^ ((mixed ^ (mixed >> np.uint64(13))) >> np.uint64(5)) & np.uint64(mask)
    rest = (left << np.uint64(_HALF_BITS)) | right
    text = np.empty((n, ID_LENGTH), dtype=np.uint8)
    for place, characters in reversed(list(enumerate(_ID_PLACES))):
        base = np.uint64(len(characters))
        text[:, place] = np.frombuffer(characters, dtype=np.uint8)[(rest % base).astype(np.intp)]
        rest = rest // base
    return text.view(f"V{ID_LENGTH}").ravel()


def days(year: int, month: int = 1) -> int:
    """Return the first day of a month as days since 1970-01-01."""
    return int(np.datetime64(f"{year:04d}-{month:02d}-01", "D").astype(np.int64))


def month_starts(year: int) -> Ints:
    """Return the first days of the 12 months and of the next January, shape (13,)."""
    return np.array([days(year, month) for month in range(1, 13)] + [days(year + 1)], dtype=np.int64)


def _birthdays(
    bits: Bits, age: npt.NDArray[np.int32], payment_year: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Return birth dates of people who are `age` on 1 January of the payment year, and their birth months."""
    january = np.array([days(payment_year - 1 - a) for a in range(int(age.max()) + 1)], dtype=np.int64)[age]
    birth_day = january + bits.below(len(age), 365)
    dates = birth_day.astype("datetime64[D]")
    month = (dates.astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.uint8)
    return birth_day.astype(np.int32), month


def draw_members(recipe: Recipe, seed: tuple[int, ...], block: int, n: int, payment_year: int) -> Members:
    """Return the `n` members of a block."""
    share, bits = recipe.shares, Bits(seed, 0, block)
    edges = np.cumsum([round(share[f"share_{group}"] * 2**32) for group in GROUPS])[:-1]
    group = np.searchsorted(edges, bits.words(n), side="right").astype(np.uint8)
    word = bits.halves(n)
    age = np.choose(group, [recipe.ages[name][word] for name in GROUPS]).astype(np.int32)
    birth_day, birth_month = _birthdays(bits, age, payment_year)
    under_65 = _is_group(group, "disabled", "disabled_new")
    female = _draw_female(share, bits, age, under_65)
    institutional = bits.words(n) < _by_band(share, "institutional", age)
    dialysis, graft, graft_months = _draw_kidneys(share, bits, n)
    orec = _draw_orec(share, bits, group, age, dialysis | graft)
    dual = _draw_dual(share, bits, under_65, institutional)
    first_month, entry_month = _first_months(share, bits, group, birth_month)
    return Members(
        first=block * BLOCK_SIZE,
        birth_day=birth_day,
        age=age,
        female=female,
        group=group,
        under_65=under_65,
        orec=orec,
        dual=dual,
        institutional=institutional,
        dialysis=dialysis,
        graft=graft,
        graft_months=graft_months,
        new_enrollee=~_is_group(group, "aged", "disabled") & (first_month > 1),
        first_month=first_month,
        entry_month=entry_month,
        latent={name: bits.normals(n) for name in LATENT},
    )


def _is_group(group: npt.NDArray[np.uint8], *names: str) -> Flags:
    return np.isin(group, [GROUPS.index(name) for name in names])


def _draw_female(
    share: Mapping[str, float], bits: Bits, age: npt.NDArray[np.int32], under_65: Flags
) -> Flags:
    years_above_65 = np.maximum(age.astype(np.int64) - 65, 0)
    women = round(share["female_65"] * 2**32) + round(share["female_per_year"] * 2**32) * years_above_65
    return bits.words(len(age)) < np.where(under_65, round(share["female_under_65"] * 2**32), women)


def _by_band(share: Mapping[str, float], quantity: str, age: npt.NDArray[np.int32]) -> npt.NDArray[np.uint32]:
    """Return the thresholds of a quantity that is given for three age bands."""
    bands = [threshold(share[f"{quantity}_{band}"]) for band in ("under_75", "75_84", "85_up")]
    return np.array(bands, dtype=np.uint32)[np.searchsorted([75, 85], age, side="right")]


def _draw_kidneys(
    share: Mapping[str, float], bits: Bits, n: int
) -> tuple[Flags, Flags, npt.NDArray[np.int32]]:
    """Return who is on dialysis, who has a graft, and the months since a transplant."""
    kidney = bits.words(n)
    dialysis = kidney < threshold(share["dialysis"])
    graft = ~dialysis & (kidney < threshold(share["dialysis"] + share["graft"]))
    fresh = bits.chances(n, share["graft_first_months"])
    months = np.where(fresh, 4 + bits.below(n, 9), 13 + bits.below(n, 120))
    return dialysis, graft, months.astype(np.int32)


def _draw_orec(
    share: Mapping[str, float],
    bits: Bits,
    group: npt.NDArray[np.uint8],
    age: npt.NDArray[np.int32],
    kidney: Flags,
) -> npt.NDArray[np.uint8]:
    """Return the original reason for entitlement; at 65, only the disabled have a full year of Medicare behind them."""
    n, aged, under_65 = len(age), _is_group(group, "aged"), _is_group(group, "disabled", "disabled_new")
    before_65 = np.where(
        age <= 75, threshold(share["originally_disabled_75"]), threshold(share["originally_disabled_76_up"])
    )
    disabled = under_65 | aged & ((bits.words(n) < before_65) | (age == 65))
    by_kidney = under_65 & kidney & bits.chances(n, share["kidney_entitled"])
    return np.where(by_kidney, 2 + bits.chances(n, share["kidney_and_disabled"]), disabled).astype(np.uint8)


def _draw_dual(
    share: Mapping[str, float], bits: Bits, under_65: Flags, institutional: Flags
) -> npt.NDArray[np.uint8]:
    def by_age(benefit: str) -> npt.NDArray[np.int64]:
        kinds = [int(threshold(share[f"{benefit}_dual_{kind}"])) for kind in ("aged", "disabled")]
        return np.array(kinds, dtype=np.int64)[under_65.astype(np.intp)]

    full = np.where(institutional, int(threshold(share["full_dual_institutional"])), by_age("full"))
    word = bits.words(len(under_65)).astype(np.int64)
    return np.where(word < full, 2, word < full + by_age("partial")).astype(np.uint8)


def _first_months(
    share: Mapping[str, float],
    bits: Bits,
    group: npt.NDArray[np.uint8],
    birth_month: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the first month with claims (1 to 13) and the month of the payment year in which coverage starts."""
    n = len(group)
    late, joined = 2 + bits.below(n, 11), 2 + bits.below(n, 12)
    settled = np.where(bits.chances(n, share["joined_plan"]), joined, 1)
    turning = _is_group(group, "entrant_payment_year")
    first = np.where(_is_group(group, "aged", "disabled"), settled, late)
    first = np.where(_is_group(group, "entrant_service_year"), birth_month, first)
    return np.where(turning, 13, first).astype(np.uint8), np.where(turning, birth_month, 1).astype(np.uint8)
