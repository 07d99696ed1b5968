"""Members drawn with replacement, many times over: how often each counts, and what cohorts then add up to.

Counts are Poisson with mean 1, read off a counter-based generator: the count of a member in a draw is a function of
seed, draw and member alone, so that threads, chunks and the order of rows cannot change it, and nothing is stored.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: SplitMix64: the step of the counter, and the two multipliers that mix its bits.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_WORD = 1 << 64
#: Leading bits by which a count is looked up at once; few of their values need a search.
_BITS = 12
_SHIFT = np.uint64(64 - _BITS)
_SEARCH = 255


@kernel
def mix(counter: np.uint64) -> np.uint64:
    """Return the SplitMix64 word of a counter: every bit depends on every bit of it.

    References
    ----------
    .. [1] Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    word = counter * _STEP
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@kernel
def fill_words(key: np.uint64, words: Words) -> None:
    """Fill `words` with those of the counters from `key` on."""
    for place in range(len(words)):
        words[place] = mix(key + np.uint64(place))


def words_of(key: int, n: int) -> Words:
    """Return `n` words of a key: word `i` is the same whatever `n`."""
    words = np.empty(n, np.uint64)
    with np.errstate(over="ignore"):  # where kernels run uncompiled
        fill_words(np.uint64(key % _WORD), words)
    return words


def uniforms(key: int, n: int) -> Numbers:
    """Return `n` numbers between 0 and 1, both excluded, of a key: number `i` is the same whatever `n`."""
    return (np.right_shift(words_of(key, n), np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def poisson_thresholds() -> Words:
    """Return where the count of a word rises by one: a word at or above n of them counts n times."""
    thresholds: list[int] = []
    total, term, count = 0.0, math.exp(-1.0), 0
    while True:
        total += term
        threshold = round(total * _WORD)
        if threshold >= _WORD or (thresholds and threshold <= thresholds[-1]):
            return np.array(thresholds, np.uint64)
        thresholds.append(threshold)
        count += 1
        term /= count


def lookup_of(thresholds: Words) -> npt.NDArray[np.uint8]:
    """Return the count of each value of a word's leading bits; 255 where the other bits decide."""
    starts = np.arange(1 << _BITS, dtype=np.uint64) << _SHIFT
    low = np.searchsorted(thresholds, starts, side="right")
    high = np.searchsorted(thresholds, starts | ((np.uint64(1) << _SHIFT) - np.uint64(1)), side="right")
    return np.where(low == high, low, _SEARCH).astype(np.uint8)


@kernel
def count_of(word: np.uint64, thresholds: Words, lookup: npt.NDArray[np.uint8]) -> int:
    """Return how often a member counts whose word this is."""
    count = lookup[word >> _SHIFT]
    if count < _SEARCH:
        return int(count)
    found = 0
    while found < len(thresholds) and word >= thresholds[found]:
        found += 1
    return found


@kernel
def sum_draws(
    keys: Words,
    units: Words,
    begins: Integers,
    values: Numbers,
    thresholds: Words,
    lookup: npt.NDArray[np.uint8],
    sums: Numbers,
) -> None:
    """Add up what members bring to their cohorts, each as often as the draw counts it.

    Parameters
    ----------
    keys : uint64, shape (n_draws,)
    units : uint64, shape (n_rows,)
        Who is drawn together: rows of one member have one number.
    begins : int64, shape (n_cohorts + 1,)
        Where the rows of each cohort begin; rows are in the order of their cohorts.
    values : float64, shape (n_rows, n_values)
    thresholds, lookup
        Of `poisson_thresholds` and `lookup_of`.
    sums : float64, shape (n_draws, n_cohorts, n_values); changed
    """
    for draw in range(len(keys)):
        key = keys[draw]
        for cohort in range(len(begins) - 1):
            for row in range(begins[cohort], begins[cohort + 1]):
                count = count_of(mix(key + units[row]), thresholds, lookup)
                if count > 0:
                    for value in range(values.shape[1]):
                        sums[draw, cohort, value] += count * values[row, value]
