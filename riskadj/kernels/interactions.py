"""Groups, interactions and payment-HCC counts, switched on in the variable bits of each row."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Integers, Positions, ShortIntegers, Words
from riskadj.kernels.bits import lowest_bit


@kernel
def switch_on_groups(groups_of_hcc: Words, n_hcc_words: int, variables: Words) -> None:
    """Turn a group on where any of its HCCs is on.

    Parameters
    ----------
    groups_of_hcc : uint64, shape (64 * n_hcc_words, n_variable_words)
        The groups that each HCC turns on; other bits of the HCC words turn on none.
    n_hcc_words : int
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for w in range(n_hcc_words):
            word = variables[row, w]
            while word != np.uint64(0):
                hcc = 64 * w + lowest_bit(word)
                word &= word - np.uint64(1)
                for v in range(groups_of_hcc.shape[1]):
                    variables[row, v] |= groups_of_hcc[hcc, v]


@kernel
def leave_out(profiles: Positions, left_out: Words, variables: Words) -> None:
    """Turn off the HCCs and groups that each row's status profile leaves out.

    Parameters
    ----------
    profiles : int32, shape (n_rows,)
    left_out : uint64, shape (n_profiles, n_variable_words)
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for w in range(variables.shape[1]):
            variables[row, w] &= ~left_out[profiles[row], w]


@kernel
def switch_on_demographics(profiles: Positions, demographics: Words, variables: Words) -> None:
    """Turn on the demographic variables of each row's status profile.

    Parameters
    ----------
    profiles : int32, shape (n_rows,)
    demographics : uint64, shape (n_profiles, n_variable_words)
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for w in range(variables.shape[1]):
            variables[row, w] |= demographics[profiles[row], w]


@kernel
def switch_on_interactions(
    terms_begin: Integers, terms: Positions, wanted: Words, first_interaction: int, variables: Words
) -> None:
    """Turn an interaction on where its terms are on, or off as wanted; in order: a later one may use an earlier one.

    Parameters
    ----------
    terms_begin : int64, shape (n_interactions + 1,); terms : int32
        The terms of interaction ``k`` are the bits ``terms[terms_begin[k]:terms_begin[k + 1]]``.
    wanted : uint64, shape (n_terms,)
        1 where the term must be on, 0 where it must be off.
    first_interaction : int
        Bit of the first interaction.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for k in range(terms_begin.shape[0] - 1):
            every = True
            for i in range(terms_begin[k], terms_begin[k + 1]):
                if (variables[row, terms[i] >> 6] >> np.uint64(terms[i] & 63)) & np.uint64(1) != wanted[i]:
                    every = False
                    break
            if every:
                bit = first_interaction + k
                variables[row, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@kernel
def switch_on_counts(counted: Words, counted_in: Words, counts_of_number: Words, variables: Words) -> None:
    """Turn on the count variables that the number of counted HCCs and groups falls into.

    Parameters
    ----------
    counted : uint64, shape (n_variable_words,)
        HCCs and groups that count.
    counted_in : uint64, shape (64 * n_hcc_words, n_variable_words) or (0, n_variable_words)
        Groups that count in place of each HCC, where they are on; empty: there are none.
    counts_of_number : uint64, shape (n_hccs + n_groups + 1, n_variable_words)
        The count variables that are on with 0, 1, 2, ... of them.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        number = 0
        for w in range(counted.shape[0]):
            word = variables[row, w] & counted[w]
            while word != np.uint64(0):
                bit = 64 * w + lowest_bit(word)
                word &= word - np.uint64(1)
                number += 1
                if bit < counted_in.shape[0]:
                    for v in range(counted_in.shape[1]):
                        if variables[row, v] & counted_in[bit, v] != np.uint64(0):
                            number -= 1
                            break
        for w in range(counts_of_number.shape[1]):
            variables[row, w] |= counts_of_number[number, w]


@kernel
def list_bits(mask: Words, variables: Words, begin: Positions, bits: ShortIntegers) -> None:
    """List the bits that are on, row after row: first call with an empty `bits` to count, then again to fill.

    Parameters
    ----------
    mask : uint64, shape (n_variable_words,)
        Which bits to list.
    variables : uint64, shape (n_rows, n_variable_words)
    begin : int32, shape (n_rows + 1,); written when `bits` is empty
    bits : int16, shape (begin[-1],) or (0,); written
    """
    at = 0
    fill = bits.shape[0] > 0
    for row in range(variables.shape[0]):
        if not fill:
            begin[row] = at
        for w in range(mask.shape[0]):
            word = variables[row, w] & mask[w]
            while word != np.uint64(0):
                if fill:
                    bits[at] = 64 * w + lowest_bit(word)
                at += 1
                word &= word - np.uint64(1)
    if not fill:
        begin[variables.shape[0]] = at
