"""Tallies of variables over rows: how many have each, over how many months, and what it is worth to them."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Integers, Positions, Words
from riskadj.kernels.bits import lowest_bit


@kernel
def tally_variables(
    variables: Words,
    segments: Positions,
    factors: Integers,
    weights: Integers,
    rows_out: Integers,
    weights_out: Integers,
    worth_out: Integers,
) -> None:
    """Add up, for each variable, the rows that have it, their weights, and weight times factor.

    Parameters
    ----------
    variables : uint64, shape (n_rows, n_variable_words)
    segments : int32, shape (n_rows,)
        Segment of each row; -1: its factors are left out.
    factors : int64, shape (n_segments, n_variables)
        Relative factors in units of the model's last decimal.
    weights : int64, shape (n_rows,)
        Such as months.
    rows_out, weights_out, worth_out : int64, shape (n_variables,); added to
    """
    for row in range(variables.shape[0]):
        for w in range(variables.shape[1]):
            word = variables[row, w]
            while word != np.uint64(0):
                bit = 64 * w + lowest_bit(word)
                word &= word - np.uint64(1)
                rows_out[bit] += 1
                weights_out[bit] += weights[row]
                if segments[row] >= 0:
                    worth_out[bit] += weights[row] * factors[segments[row], bit]
