"""Requirements, then hierarchies, on the HCC bits of each row."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Positions, Words
from riskadj.kernels.bits import lowest_bit


@kernel
def apply_requirements(required_hcc: Positions, needs_any: Words, variables: Words) -> None:
    """Drop each HCC that has none of the HCCs it needs.

    Parameters
    ----------
    required_hcc : int32, shape (n_requirements,)
    needs_any : uint64, shape (n_requirements, n_hcc_words)
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for k in range(required_hcc.shape[0]):
            word, bit = required_hcc[k] >> 6, np.uint64(1) << np.uint64(required_hcc[k] & 63)
            if variables[row, word] & bit != np.uint64(0):
                found = np.uint64(0)
                for w in range(needs_any.shape[1]):
                    found |= variables[row, w] & needs_any[k, w]
                if found == np.uint64(0):
                    variables[row, word] &= ~bit


@kernel
def apply_hierarchies(drops: Words, sequential: bool, variables: Words) -> None:
    """Drop the HCCs that a higher one removes.

    Parameters
    ----------
    drops : uint64, shape (64 * n_hcc_words, n_hcc_words)
        What each HCC removes; bits that are no HCC remove nothing.
    sequential : bool
        True: in ascending order, and a removed HCC removes nothing. False: all at once, a removed HCC still removes.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    n_words = drops.shape[1]
    dropped = np.zeros(n_words, np.uint64)
    for row in range(variables.shape[0]):
        dropped[:] = np.uint64(0)
        for w in range(n_words):
            word = variables[row, w]
            while word != np.uint64(0):
                lowest = word & (~word + np.uint64(1))
                if not sequential or dropped[w] & lowest == np.uint64(0):
                    hcc = 64 * w + lowest_bit(word)
                    for v in range(n_words):
                        dropped[v] |= drops[hcc, v]
                word ^= lowest
        for w in range(n_words):
            variables[row, w] &= ~dropped[w]
