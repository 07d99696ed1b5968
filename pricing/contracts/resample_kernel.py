"""Sums over members drawn at random, with replacement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel


@kernel
def sum_picks(
    words: npt.NDArray[np.uint32],
    amounts: npt.NDArray[np.float64],
    expected: npt.NDArray[np.float64],
    n_picks: int,
    amount_out: npt.NDArray[np.float64],
    expected_out: npt.NDArray[np.float64],
) -> None:
    """Add up `n_picks` members for each draw; a random word picks a member.

    Parameters
    ----------
    words : uint32, shape (n_draws * n_picks,)
    amounts, expected : float64, shape (n_members,)
    amount_out, expected_out : float64, shape (n_draws,)
    """
    n_members = np.int64(len(amounts))
    for draw in range(len(amount_out)):
        amount, usual = 0.0, 0.0
        for pick in range(draw * n_picks, (draw + 1) * n_picks):
            member = (np.int64(words[pick]) * n_members) >> 32
            amount += amounts[member]
            usual += expected[member]
        amount_out[draw] = amount
        expected_out[draw] = usual
