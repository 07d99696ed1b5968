"""What happens to the members in a month: claims by setting, and the diagnoses on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.synthetic.columns import coded, dates, strings
from riskadj.synthetic.conditions import Histories
from riskadj.synthetic.members import BLOCK_SIZE
from riskadj.synthetic.randomness import Bits, Ints
from riskadj.synthetic.recipe import Recipe, Setting

#: Claims of a month, in thousandths of an average month (January to December).
SEASONS = (1030, 990, 1020, 1010, 1000, 985, 965, 980, 985, 1035, 1005, 995)
SPELLINGS = 4
"""Spellings of each code in the dictionary: as published, dotted, in lower case, with a trailing blank."""


@dataclass(frozen=True)
class Claims:
    """Claims of one or more blocks and months; every array has shape (n_claims,)."""

    member: npt.NDArray[np.uint32]
    day: npt.NDArray[np.int32]  # of service, since 1970-01-01
    month: npt.NDArray[np.uint8]
    number: npt.NDArray[np.uint32]  # within block and month
    setting: npt.NDArray[np.uint8]
    procedure: npt.NDArray[np.uint16]
    bill_type: npt.NDArray[np.uint8]

    @property
    def n(self) -> int:
        """Number of claims."""
        return len(self.member)


@dataclass(frozen=True)
class Diagnoses:
    """Diagnoses on claims; every array has shape (n_rows,)."""

    claim: npt.NDArray[np.uint32]  # position in Claims
    code: npt.NDArray[np.uint16]  # position in Recipe.codes x SPELLINGS


def _draw_visits(
    setting: Setting, bits: Bits, histories: Histories, month: int, starts: Ints
) -> tuple[Ints, Ints]:
    """Return member and day of each visit of the month, as many as the members' levels of use make likely."""
    visits = setting.visits[histories.level] * (histories.first_month <= month)
    visits = visits * (histories.last_month >= month)
    if setting.who in histories.groups:
        visits = visits * histories.groups[setting.who]
    cumulative = np.cumsum(visits)
    total = int(cumulative[-1])
    n = (total * SEASONS[month - 1] // 1000 + int(bits.below(1, 1_000_000)[0])) // 1_000_000
    member = np.searchsorted(cumulative, bits.below_total(n, total), side="right")
    return member, starts[month - 1] + bits.below(n, int(starts[month] - starts[month - 1]))


def _draw_claims(
    setting: Setting, position: int, bits: Bits, histories: Histories, month: int, starts: Ints
) -> Claims:
    event = histories.events.get(setting.who)
    if event is None:
        member, day = _draw_visits(setting, bits, histories, month, starts)
    else:
        now = (event.day >= starts[month - 1]) & (event.day < starts[month])
        member, day = event.member[now], event.day[now].astype(np.int64)
    n = len(member)
    return Claims(
        member=(histories.first + member).astype(np.uint32),
        day=day.astype(np.int32),
        month=np.full(n, month, dtype=np.uint8),
        number=np.zeros(n, dtype=np.uint32),
        setting=np.full(n, position, dtype=np.uint8),
        procedure=setting.procedures[bits.halves(n)],
        bill_type=setting.bill_types[bits.halves(n)].astype(np.uint8),
    )


def _outside_year(recipe: Recipe, bits: Bits, claims: Claims, month: int, starts: Ints) -> Claims:
    """Move a few claims of January into the December before, and of December into the January after."""
    if 1 < month < 12:
        return claims
    moved = bits.chances(claims.n, recipe.shares["outside_year"])
    by = 1 + bits.below(claims.n, 20)
    other = starts[0] - by if month == 1 else starts[12] - 1 + by
    return Claims(**{**_arrays(claims), "day": np.where(moved, other, claims.day).astype(np.int32)})


def _draw_diagnoses(
    recipe: Recipe, setting: Setting, bits: Bits, histories: Histories, claims: Claims
) -> Diagnoses:
    """Return the diagnoses of the claims: a run through the member's own codes, or the pool of the setting."""
    per_claim = setting.diagnoses_per_claim[bits.halves(claims.n)].astype(np.int64)
    claim = np.repeat(np.arange(claims.n), per_claim)
    n = len(claim)
    place = np.arange(n) - np.repeat(np.cumsum(per_claim) - per_claim, per_claim)
    who = claims.member.astype(np.int64) - histories.first
    offset, length = histories.offsets[who], np.diff(histories.offsets)[who]
    where = bits.below(claims.n, 32768)
    cubed = (((where * where) >> 15) * where) >> 15  # so that the head of the list comes most often
    begin = (cubed * length) >> 15
    in_list = begin[claim] + place
    row_length = length[claim]
    in_list -= row_length * (in_list >= row_length)
    personal = (place < row_length) & bits.chances(n, setting.personal_share)
    own = histories.codes[np.where(personal, offset[claim] + in_list, 0)]
    code = np.where(personal, own, setting.pool[bits.halves(n)])
    unknown = bits.chances(n, recipe.shares["unknown_code"])
    code = np.where(unknown, recipe.unknown_codes[bits.halves(n)], code).astype(np.uint16)
    messy = bits.chances(n, recipe.shares["messy_spelling"])
    spelling = messy * (1 + bits.below(n, SPELLINGS - 1))
    return Diagnoses(claim.astype(np.uint32), (code * SPELLINGS + spelling).astype(np.uint16))


def draw_month(
    recipe: Recipe,
    seed: tuple[int, ...],
    block: int,
    month: int,
    histories: Histories,
    starts: Ints,
    *,
    lines: bool,
) -> tuple[Claims, Diagnoses]:
    """Return the claims of one block in one month and their diagnoses.

    With ``lines=False`` settings that leave no diagnosis are skipped; the others come out the same.
    """
    all_claims, all_diagnoses = [], []
    for position, setting in enumerate(recipe.settings):
        if not (setting.has_diagnoses or lines):
            continue
        bits = Bits(seed, 5, block, month, position)
        claims = _draw_claims(setting, position, bits, histories, month, starts)
        if setting.has_diagnoses:
            if setting.who not in histories.events:
                claims = _outside_year(recipe, bits, claims, month, starts)
            all_diagnoses.append(_draw_diagnoses(recipe, setting, bits, histories, claims))
        else:
            all_diagnoses.append(Diagnoses(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.uint16)))
        all_claims.append(claims)
    claims, diagnoses = join_claims(all_claims, all_diagnoses)
    numbers = np.arange(claims.n, dtype=np.uint32)
    return Claims(**{**_arrays(claims), "number": numbers}), diagnoses


def _arrays(part: Claims | Diagnoses) -> dict[str, np.ndarray]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def join_claims(claims: Sequence[Claims], diagnoses: Sequence[Diagnoses]) -> tuple[Claims, Diagnoses]:
    """Return several parts as one; claim positions are moved along."""
    before = np.cumsum([0] + [part.n for part in claims])
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in claims]) for field in fields(Claims)
    }
    claim = np.concatenate([part.claim + np.uint32(n) for part, n in zip(diagnoses, before, strict=False)])
    return Claims(**joined), Diagnoses(claim, np.concatenate([part.code for part in diagnoses]))


@cache
def _digits(places: int) -> npt.NDArray[np.void]:
    text = "".join(f"{number:0{places}d}" for number in range(10**places)).encode()
    return np.frombuffer(text, dtype=f"V{places}")


def claim_ids(claims: Claims, rows: Ints) -> npt.NDArray[np.void]:
    """Return 13-character claim ids of the given claims: S, month, block, number within them."""
    two, three = _digits(2), _digits(3)
    block, number = claims.member[rows] // BLOCK_SIZE, claims.number[rows]
    parts = np.empty(
        len(rows),
        dtype=[("s", "V1"), ("month", "V2"), ("b1", "V2"), ("b2", "V2"), ("n1", "V3"), ("n2", "V3")],
    )
    parts["s"] = np.void(b"S")
    parts["month"] = two[claims.month[rows]]
    parts["b1"], parts["b2"] = two[block // 100], two[block % 100]
    parts["n1"], parts["n2"] = three[number // 1000], three[number % 1000]
    return parts.view("V13")


@cache
def spellings(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return each code as published, dotted, in lower case and with a trailing blank."""
    dotted = [f"{code[:3]}.{code[3:]}" if len(code) > 3 else code for code in codes]
    return tuple(
        text
        for code, dot in zip(codes, dotted, strict=True)
        for text in (code, dot, code.lower(), f"{code} ")
    )


def diagnoses_table(
    recipe: Recipe, ids: npt.NDArray[np.void], claims: Claims, diagnoses: Diagnoses, rows: Ints
) -> pa.Table:
    """Return the given rows as a diagnoses extract; `ids` are the ids of all members."""
    claim = diagnoses.claim[rows].astype(np.intp)
    setting = claims.setting[claim]
    return pa.table(
        {
            "member_id": strings(ids[claims.member[claim]]),
            "diagnosis_code": coded(diagnoses.code[rows], spellings(recipe.codes)),
            "service_date": dates(claims.day[claim]),
            "claim_id": strings(claim_ids(claims, claim)),
            "claim_type": coded(setting, tuple(s.claim_type for s in recipe.settings)),
            "bill_type_code": coded(claims.bill_type[claim], recipe.bill_types),
            "procedure_code": coded(claims.procedure[claim], recipe.procedures),
            "record_source": coded(setting, tuple(s.record_source for s in recipe.settings)),
        }
    )
