"""Groups, interactions and payment-HCC counts, switched on in the variable bits of each row."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.bits import lowest_bit


@kernel
def switch_on_groups(group_hccs, first_group, variables):
    """Turn a group on where any of its HCCs is on.

    Parameters
    ----------
    group_hccs : uint64, shape (n_groups, n_hcc_words)
    first_group : int
        Bit of the first group.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for group in range(group_hccs.shape[0]):
            found = np.uint64(0)
            for w in range(group_hccs.shape[1]):
                found |= variables[row, w] & group_hccs[group, w]
            if found != np.uint64(0):
                bit = first_group + group
                variables[row, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@kernel
def switch_on_demographics(profiles, demographics, variables):
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
def switch_on_interactions(terms, first_interaction, variables):
    """Turn an interaction on where all its terms are on; in order, so that a later one may use an earlier one.

    Parameters
    ----------
    terms : uint64, shape (n_interactions, n_variable_words)
    first_interaction : int
        Bit of the first interaction.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        for k in range(terms.shape[0]):
            lacking = np.uint64(0)
            for w in range(terms.shape[1]):
                lacking |= terms[k, w] & ~variables[row, w]
            if lacking == np.uint64(0):
                bit = first_interaction + k
                variables[row, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@kernel
def switch_on_counts(payment_hccs, hccs_min, hccs_max, first_count, variables):
    """Turn on the count variables that the number of payment HCCs falls into.

    Parameters
    ----------
    payment_hccs : uint64, shape (n_hcc_words,)
    hccs_min, hccs_max : int32, shape (n_counts,), inclusive
    first_count : int
        Bit of the first count variable.
    variables : uint64, shape (n_rows, n_variable_words); changed
    """
    for row in range(variables.shape[0]):
        n_hccs = 0
        for w in range(payment_hccs.shape[0]):
            word = variables[row, w] & payment_hccs[w]
            while word != np.uint64(0):
                word &= word - np.uint64(1)
                n_hccs += 1
        for k in range(hccs_min.shape[0]):
            if hccs_min[k] <= n_hccs <= hccs_max[k]:
                bit = first_count + k
                variables[row, bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@kernel
def list_bits(mask, variables, begin, bits):
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
