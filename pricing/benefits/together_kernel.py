"""Claim lines of one person under many simple designs at once: a processor's vector holds the same step of several.

The rule is that of `adjudication_kernel.adjudicate_persons`. Amounts are whole cents in float64, as vectors have no
whole division. Below 2**52 that is exact. Cents times millionths are a whole number p = 1,000,000 q + r; its product
with the float64 nearest to a millionth rounds to q at least (it lies nearer to q than half a step below) and to less
than q + 1 (q is less than 2**33, where steps are finer than a millionth).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pricing.benefits.adjudication_kernel import (
    COINSURANCE_PAID,
    DEDUCTIBLE_PAID,
    MILLION,
    NOT_COVERED,
    PLAN_PAID,
    Cents,
    Positions,
)
from riskadj.jit import kernel

Numbers = npt.NDArray[np.float64]

#: Designs side by side. Known to the compiler, with where each field lies: else it makes no vectors of the loops.
LANES = 32
#: Fields of a slot's terms, each of LANES numbers: coinsurance in millionths; 1 where the deductible applies; 0 where
#: the maximum holds, else room for all; 1 where it is covered.
N_TERMS = 4
SHARE, APPLIES, UNLIMITED, IS_COVERED = (np.uint64(LANES * field) for field in range(N_TERMS))
#: What is left of the limits (the fields of `limits`), then what has been paid.
N_LIMITS, N_SUMS = 2, 5
DEDUCTIBLE, MAXIMUM, DEDUCTIBLES, COINSURANCES, OTHERS = (np.uint64(LANES * field) for field in range(N_SUMS))
#: Amounts times a million, and what a family's lines come to, must stay below it. [cents]
MOST = 2**52
_PART, _HALF = 1.0 / MILLION, float(MILLION // 2)


@kernel
def adjudicate_together(
    first_family: int,
    last_family: int,
    families: Cents,
    allowed: Cents,
    slots: Positions,
    first_member: Cents,
    limits: Numbers,
    terms: Numbers,
    designs: Cents,
    totals: Cents,
) -> None:
    """Adjudicate families of one under blocks of LANES designs, each as `adjudicate_persons` does.

    Parameters
    ----------
    first_family, last_family, families, allowed, slots, first_member
        As in `adjudication_kernel.adjudicate`.
    limits : float64, flat of shape (n_blocks, N_LIMITS, LANES)
        Deductible and maximum [cents].
    terms : float64, flat of shape (n_blocks, n_slots, N_TERMS, LANES)
    designs : int64, shape (n_designs,)
        The design of each lane, block after block; lanes of the last block that are over have none.
    totals : int64, shape (n_members, n_designs, N_PARTS); written
    """
    of_limits, of_slot = np.uint64(N_LIMITS * LANES), np.uint64(N_TERMS * LANES)
    n_blocks = len(limits) // (N_LIMITS * LANES)
    of_block = np.uint64(len(terms) // n_blocks)
    state = np.empty(N_SUMS * LANES, np.float64)
    for family in range(first_family, last_family):
        begin, end, row = families[family], families[family + 1], first_member[family]
        if begin == end or first_member[family + 1] - row > 1:
            continue
        for number in range(n_blocks):
            block = np.uint64(number)
            for each in range(np.uint64(0), of_limits):
                state[each] = limits[block * of_limits + each]
            state[N_LIMITS * LANES :] = 0.0
            total = 0.0
            for line in range(np.uint64(begin), np.uint64(end)):
                amount = float(allowed[line])
                total += amount
                payable, at = max(amount, 0.0), block * of_block + np.uint64(slots[line]) * of_slot
                for lane in range(np.uint64(0), np.uint64(LANES)):
                    covered, unlimited = terms[at + IS_COVERED + lane], terms[at + UNLIMITED + lane]
                    deductible_left, maximum_left = state[DEDUCTIBLE + lane], state[MAXIMUM + lane]
                    owed = payable * covered
                    deductible = min(deductible_left * terms[at + APPLIES + lane], owed)
                    coinsurance = np.floor(((owed - deductible) * terms[at + SHARE + lane] + _HALF) * _PART)
                    room = max(maximum_left, unlimited)
                    deductible = min(deductible, room)
                    coinsurance = min(coinsurance, room - deductible)
                    counted = 1.0 if unlimited == 0.0 else 0.0
                    state[DEDUCTIBLE + lane] = deductible_left - deductible
                    state[MAXIMUM + lane] = maximum_left - (deductible + coinsurance) * counted
                    state[DEDUCTIBLES + lane] += deductible
                    state[COINSURANCES + lane] += coinsurance
                    state[OTHERS + lane] += amount - amount * covered
            first = number * LANES
            for place in range(min(LANES, len(designs) - first)):
                at, design = np.uint64(place), designs[first + place]
                deductible, coinsurance = state[DEDUCTIBLES + at], state[COINSURANCES + at]
                other = state[OTHERS + at]
                totals[row, design, PLAN_PAID] = np.int64(total - deductible - coinsurance - other)
                totals[row, design, DEDUCTIBLE_PAID] = np.int64(deductible)
                totals[row, design, COINSURANCE_PAID] = np.int64(coinsurance)
                totals[row, design, NOT_COVERED] = np.int64(other)
