"""Drugs that the members take: who takes which, and a fill a month or every few months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.synthetic.columns import coded, dates, strings
from riskadj.synthetic.conditions import Histories, Treatments
from riskadj.synthetic.market_recipe import Market
from riskadj.synthetic.members import Flags
from riskadj.synthetic.randomness import Bits, Ints, threshold

SPELLINGS = 2
"""Spellings of each drug code: eleven characters, and an NDC with its hyphens."""


@dataclass(frozen=True)
class Fills:
    """Fills of one or more blocks and months; every array has shape (n_fills,)."""

    member: npt.NDArray[np.uint32]
    drug: npt.NDArray[np.uint16]  # position in Market.drugs x SPELLINGS
    day: npt.NDArray[np.int32]  # since 1970-01-01


def draw_treatments(
    market: Market, seed: tuple[int, ...], block: int, present: Mapping[str, Flags]
) -> Treatments:
    """Return who takes which drug, from the conditions that members of a block have."""
    bits, member, drug, monthly = Bits(seed, 10, block), [], [], []
    for treatment in market.treatments:
        having = np.flatnonzero(present[treatment.condition])
        takes = having[bits.chances(len(having), treatment.share)]
        member.append(takes.astype(np.uint16))
        drug.append(treatment.drugs[bits.halves(len(takes))])
        monthly.append(np.full(len(takes), threshold(treatment.monthly), dtype=np.uint32))
    return Treatments(np.concatenate(member), np.concatenate(drug), np.concatenate(monthly))


def draw_fills(
    messy_share: float,
    seed: tuple[int, ...],
    block: int,
    month: int,
    histories: Histories,
    starts: Ints,
) -> Fills:
    """Return the fills of one block in one month; nobody fills before coverage begins or after it ends."""
    bits, treatments = Bits(seed, 11, block, month), histories.treatments
    assert treatments is not None
    covered = (histories.first_month <= month) & (histories.last_month >= month)
    filled = bits.words(len(treatments.member)) < treatments.monthly
    which = np.flatnonzero(filled & covered[treatments.member])
    n = len(which)
    day = starts[month - 1] + bits.below(n, int(starts[month] - starts[month - 1]))
    return Fills(
        member=(histories.first + treatments.member[which].astype(np.int64)).astype(np.uint32),
        drug=(treatments.drug[which] * SPELLINGS + bits.chances(n, messy_share)).astype(np.uint16),
        day=day.astype(np.int32),
    )


def join_fills(parts: Sequence[Fills]) -> Fills:
    """Return several parts as one."""
    return Fills(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Fills)
        }
    )


def _spellings(drugs: Sequence[tuple[str, str]], system: str) -> tuple[str | None, ...]:
    """Return the codes of one system in their spellings, None for those of the other."""
    return tuple(
        text if of == system else None
        for of, code in drugs
        for text in (code, f"{code[:5]}-{code[5:9]}-{code[9:]}" if of == "ndc" else code)
    )


def drugs_table(market: Market, ids: npt.NDArray[np.void], fills: Fills, rows: Ints) -> pa.Table:
    """Return the given fills as a drugs extract; `ids` are the ids of all members."""
    return pa.table(
        {
            "member_id": strings(ids[fills.member[rows]]),
            "ndc": coded(fills.drug[rows], _spellings(market.drugs, "ndc")),
            "hcpcs": coded(fills.drug[rows], _spellings(market.drugs, "hcpcs")),
            "fill_date": dates(fills.day[rows]),
        }
    )
