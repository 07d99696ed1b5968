"""What the claims cost: lines with allowed and paid amounts, payment lags, reversals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.synthetic.columns import coded, dates, dollars, strings, whole_numbers
from riskadj.synthetic.conditions import Histories
from riskadj.synthetic.encounters import Claims, claim_ids
from riskadj.synthetic.randomness import EXP_ONE, ONE, Bits, Ints, exp_fixed
from riskadj.synthetic.recipe import REFERENCE_LEVEL, Recipe, Setting

NETWORK_TIERS = ("tier_1", "tier_2", "out_of_network")
N_DRUGS = 400
#: Labeler 00000 is issued to nobody: these drug codes have the shape of an NDC and name no product.
DRUGS = (None, *(f"00000{number:04d}{10 + number % 3}" for number in range(1, N_DRUGS + 1)))
_SEVERITY = 180  # thousandths of a logarithm of cost per unit of log use
_LAG_SPREAD = 700


@dataclass(frozen=True)
class Lines:
    """Claim lines; every array has shape (n_lines,)."""

    claim: npt.NDArray[np.uint32]  # position in Claims
    number: npt.NDArray[np.uint8]
    allowed_cents: npt.NDArray[np.int64]
    paid_cents: npt.NDArray[np.int64]
    units: npt.NDArray[np.int16]
    paid_day: npt.NDArray[np.int32]
    tier: npt.NDArray[np.uint8]
    drug: npt.NDArray[np.uint16]  # position in DRUGS


def _arrays(lines: Lines) -> dict[str, np.ndarray]:
    return {field.name: getattr(lines, field.name) for field in fields(Lines)}


def _draw_setting(
    recipe: Recipe, setting: Setting, bits: Bits, histories: Histories, claims: Claims, which: Ints
) -> Lines:
    per_claim = setting.lines_per_claim[bits.halves(len(which))].astype(np.int64)
    claim = np.repeat(which, per_claim)
    n = len(claim)
    number = np.arange(n) - np.repeat(np.cumsum(per_claim) - per_claim, per_claim) + 1
    level = histories.level[claims.member[claim].astype(np.int64) - histories.first].astype(np.int64)
    log_cost = (setting.log_spread * bits.normals(n).astype(np.int64)) // ONE
    log_cost += (level - REFERENCE_LEVEL) * 10 * _SEVERITY // ONE - 500 * (number > 1)
    allowed = setting.allowed_cents * exp_fixed(log_cost) // EXP_ONE
    share = setting.copay_cents * (number == 1) + allowed * setting.coinsurance // ONE
    lag = setting.paid_lag_days * exp_fixed(_LAG_SPREAD * bits.normals(n) // ONE) // EXP_ONE + 3
    word = bits.words(n)
    out, second = recipe.shares["out_of_network"], recipe.shares["second_tier"]
    tier = np.searchsorted([round((1 - out - second) * 2**32), round((1 - out) * 2**32)], word, side="right")
    is_drug = not setting.has_diagnoses
    popular = bits.below(n, 32768)
    return Lines(
        claim=claim.astype(np.uint32),
        number=number.astype(np.uint8),
        allowed_cents=allowed,
        paid_cents=np.maximum(allowed - share, 0),
        units=(np.where(bits.chances(n, 0.4), 90, 30) if is_drug else 1 + (bits.below(n, 8) == 0)).astype(
            np.int16
        ),
        paid_day=(claims.day[claim] + np.minimum(lag, 700)).astype(np.int32),
        tier=tier.astype(np.uint8),
        drug=((1 + ((popular * popular >> 15) * N_DRUGS >> 15)) * is_drug).astype(np.uint16),
    )


def _with_reversals(recipe: Recipe, bits: Bits, lines: Lines) -> Lines:
    """Return the lines, a few of them followed by their reversal and some of those by a corrected line."""
    n = len(lines.claim)
    reversed_ = np.flatnonzero(bits.chances(n, recipe.shares["reversal"]))
    rebilled = reversed_[bits.chances(len(reversed_), recipe.shares["rebilled"])]
    later = (10 + bits.below(n, 60)).astype(np.int32)
    arrays = {}
    for name, values in _arrays(lines).items():
        back, again = values[reversed_], values[rebilled]
        if name in ("allowed_cents", "paid_cents", "units"):
            back = -back
        if name in ("allowed_cents", "paid_cents"):
            again = again * 9 // 10
        if name == "paid_day":
            back, again = back + later[reversed_], again + later[rebilled] + 14
        arrays[name] = np.concatenate([values, back, again])
    return Lines(**arrays)


def draw_lines(
    recipe: Recipe, seed: tuple[int, ...], block: int, month: int, histories: Histories, claims: Claims
) -> Lines:
    """Return the lines of the claims of one block in one month."""
    parts = []
    for position, setting in enumerate(recipe.settings):
        if setting.has_lines:
            bits = Bits(seed, 6, block, month, position)
            which = np.flatnonzero(claims.setting == position)
            lines = _draw_setting(recipe, setting, bits, histories, claims, which)
            parts.append(_with_reversals(recipe, bits, lines))
    return join_lines(parts, [0] * len(parts))


def join_lines(parts: Sequence[Lines], claims_before: Sequence[int]) -> Lines:
    """Return several parts as one; claim positions of each part are moved by `claims_before`."""
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Lines)
    }
    moved = [part.claim + np.uint32(n) for part, n in zip(parts, claims_before, strict=True)]
    return Lines(**{**joined, "claim": np.concatenate(moved)})


def claims_table(
    recipe: Recipe, ids: npt.NDArray[np.void], claims: Claims, lines: Lines, rows: Ints
) -> pa.Table:
    """Return the given lines as a claims extract; `ids` are the ids of all members."""
    claim = lines.claim[rows].astype(np.intp)
    return pa.table(
        {
            "claim_id": strings(claim_ids(claims, claim)),
            "claim_line_number": whole_numbers(lines.number[rows], np.int16),
            "member_id": strings(ids[claims.member[claim]]),
            "service_date": dates(claims.day[claim]),
            "paid_date": dates(lines.paid_day[rows]),
            "service_category": coded(
                claims.setting[claim], tuple(s.service_category for s in recipe.settings)
            ),
            "allowed_amount": dollars(lines.allowed_cents[rows]),
            "paid_amount": dollars(lines.paid_cents[rows]),
            "units": whole_numbers(lines.units[rows], np.int16),
            "ndc": coded(lines.drug[rows], DRUGS),
            "network_tier": coded(lines.tier[rows], NETWORK_TIERS),
        }
    )
