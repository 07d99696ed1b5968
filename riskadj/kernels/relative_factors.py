"""Sum of relative factors per row, in integers: exact, whatever the order."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Integers, Positions, Words
from riskadj.kernels.bits import lowest_bit


@kernel
def sum_relative_factors(
    variables: Words,
    segments: Positions,
    factors: Integers,
    priced: Words,
    demographic: Words,
    scored: Words,
    demographic_sum: Integers,
    total_sum: Integers,
) -> None:
    """Add up the factors of the variables that are on, in each row's segment.

    Parameters
    ----------
    variables : uint64, shape (n_rows, n_variable_words)
    segments : int32, shape (n_rows,)
        Segment of each row; -1: the row is not scored.
    factors : int64, shape (n_segments, n_variables)
        Relative factors in units of the model's last decimal.
    priced : uint64, shape (n_segments, n_variable_words)
        Variables that carry a factor in the segment.
    demographic : uint64, shape (n_variable_words,)
        Variables that are demographic.
    scored : uint64, shape (n_rows, n_variable_words); written
        Variables that were added up.
    demographic_sum, total_sum : int64, shape (n_rows,); written
        Same unit as `factors`.
    """
    for row in range(variables.shape[0]):
        segment = segments[row]
        demographic_total, total = np.int64(0), np.int64(0)
        for w in range(variables.shape[1]):
            word = np.uint64(0) if segment < 0 else variables[row, w] & priced[segment, w]
            scored[row, w] = word
            while word != np.uint64(0):
                lowest = word & (~word + np.uint64(1))
                factor = factors[segment, 64 * w + lowest_bit(word)]
                total += factor
                if demographic[w] & lowest != np.uint64(0):
                    demographic_total += factor
                word ^= lowest
        demographic_sum[row] = demographic_total
        total_sum[row] = total


@kernel
def multiply_and_round(
    scores: Integers,
    which: Positions,
    numerators: Integers,
    denominators: Integers,
    no_score: int,
    result: Integers,
) -> None:
    """Multiply integer scores by an exact fraction and round halves away from zero.

    Parameters
    ----------
    scores : int64, shape (n_rows,)
    which : int32, shape (n_rows,)
        Fraction of each row; negative: there is none, and the result is `no_score`.
    numerators, denominators : int64, shape (n_fractions,)
    no_score : int64
        Marks a score that is not there; it stays.
    result : int64, shape (n_rows,); written
    """
    for row in range(scores.shape[0]):
        k = which[row]
        if k < 0 or scores[row] == no_score:
            result[row] = no_score
            continue
        size = (2 * abs(scores[row]) * numerators[k] + denominators[k]) // (2 * denominators[k])
        result[row] = size if scores[row] >= 0 else -size
