"""Drug claims under benefit designs, dollar by dollar to the out-of-pocket threshold: the kernel of Part D coverage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Fields of the standard benefit, in `standard`.
N_STANDARD = 4
DEDUCTIBLE, THRESHOLD, COINSURANCE, CATASTROPHIC_ENROLLEE = range(N_STANDARD)
#: What others pay of a claim's cost, in the last axis of `others` (shares).
N_OTHERS = 4
DISCOUNT, SUBSIDY, CATASTROPHIC_DISCOUNT, REINSURED = range(N_OTHERS)
#: Who pays and which phase a claim's dollars are in, in the last axis of the results.
N_PARTS = 9
(ENROLLEE, PLAN, MANUFACTURER, REINSURANCE, SELECTED, IN_DEDUCTIBLE, IN_INITIAL, IN_CATASTROPHIC, INITIAL_PAID) = range(N_PARTS)  # fmt: skip # noqa: E501
#: Less than this of a claim or of room below the threshold is noise [dollars].
TINY = 1e-9


@kernel
def cover_claims(
    starts: Ints,
    cost: Floats,
    scripts: Floats,
    limit: Floats,
    tier: Ints,
    others: Floats,
    copay: Floats,
    coinsurance: Floats,
    is_exempt: Flags,
    deductible: float,
    counts_supplemental: bool,
    standard: Floats,
    parts_out: Floats,
) -> None:
    """Write who pays which part of every claim.

    Parameters
    ----------
    starts : shape (n_enrollees + 1,)
    cost, scripts, limit : shape (n_claims,)
        Gross cost [dollars], scripts, most cost sharing for a script (below 0: none).
    tier : shape (n_claims,)
    others : shape (n_claims, N_OTHERS)
    copay, coinsurance, is_exempt : shape (n_tiers,)
        Dollars a script; share; whether the deductible is waived.
    deductible : float
        Of the design [dollars].
    counts_supplemental : bool
        The higher of the standard's and the design's cost sharing counts toward the threshold.
    standard : shape (N_STANDARD,)
    parts_out : shape (n_claims, N_PARTS)
        Dollars. The standard's deductible decides the phase, and where manufacturers' discounts begin.
    """
    for enrollee in range(len(starts) - 1):
        own_left, standard_left, room = deductible, standard[DEDUCTIBLE], standard[THRESHOLD]
        for claim in range(starts[enrollee], starts[enrollee + 1]):
            parts_out[claim, :] = 0.0
            left = cost[claim]
            is_limited = limit[claim] >= 0
            is_waived = is_exempt[tier[claim]] or is_limited
            after = left if is_waived else left - min(left, own_left)
            paid = copay[tier[claim]] * scripts[claim] + coinsurance[tier[claim]] * after
            if is_limited:
                paid = min(paid, limit[claim] * scripts[claim])
            own_rate = min(paid / after, 1.0) if after > 0 else 0.0
            standard_rate = standard[COINSURANCE]
            if is_limited and left > 0:
                standard_rate = min(standard_rate, limit[claim] * scripts[claim] / left)
            while left > TINY and room > TINY:
                in_own = not is_waived and own_left > 0
                is_before = standard_left > 0
                in_standard = is_before and not is_limited
                piece = left
                if in_own:
                    piece = min(piece, own_left)
                if in_standard:
                    piece = min(piece, standard_left)
                discount = 0.0 if is_before else others[claim, DISCOUNT]
                subsidy = 0.0 if is_before else others[claim, SUBSIDY]
                rate = min(1.0 if in_own else own_rate, 1.0 - discount - subsidy)
                counted = rate
                if counts_supplemental:
                    counted = max(rate, 1.0 if in_standard else standard_rate)
                if counted * piece > room:
                    piece = room / counted
                parts_out[claim, ENROLLEE] += rate * piece
                parts_out[claim, MANUFACTURER] += discount * piece
                parts_out[claim, SELECTED] += subsidy * piece
                parts_out[claim, PLAN] += (1.0 - rate - discount - subsidy) * piece
                if in_standard:
                    parts_out[claim, IN_DEDUCTIBLE] += piece
                    standard_left -= piece
                else:
                    parts_out[claim, IN_INITIAL] += piece
                    parts_out[claim, INITIAL_PAID] += rate * piece
                if in_own:
                    own_left -= piece
                room -= counted * piece
                left -= piece
            if left > TINY:
                enrollee_share = standard[CATASTROPHIC_ENROLLEE]
                discount = others[claim, CATASTROPHIC_DISCOUNT]
                reinsured = others[claim, REINSURED]
                parts_out[claim, ENROLLEE] += enrollee_share * left
                parts_out[claim, MANUFACTURER] += discount * left
                parts_out[claim, REINSURANCE] += reinsured * left
                parts_out[claim, PLAN] += (1.0 - enrollee_share - discount - reinsured) * left
                parts_out[claim, IN_CATASTROPHIC] += left
