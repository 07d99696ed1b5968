"""Random draws that come out the same on every machine and NumPy version.

Only the raw words of PCG64 and whole-number arithmetic are used: the streams of NumPy's distributions may change
between versions, and the last bit of `exp` and `log` differs between processors. Normal deviates, probabilities and
exponentials are looked up in tables of rounded whole numbers instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

ONE = 1000
"""Fixed-point one: z-values, log odds and logarithms are held in thousandths."""

EXP_ONE = 1_000_000
"""Fixed-point one of exponentials."""

_LOG_LIMIT = 12 * ONE
_LOG_STEP = 10

Ints = npt.NDArray[np.int64]


class Bits:
    """One stream of random bits, named by a seed and a key of whole numbers; different keys are independent."""

    def __init__(self, seed: Sequence[int], *key: int) -> None:
        self._source = np.random.PCG64(np.random.SeedSequence(list(seed), spawn_key=key))

    def words(self, n: int) -> npt.NDArray[np.uint32]:
        """Return `n` uniform 32-bit words."""
        raw = np.asarray(self._source.random_raw((n + 1) // 2), dtype="<u8")
        return raw.view("<u4")[:n]

    def halves(self, n: int) -> npt.NDArray[np.uint16]:
        """Return `n` uniform 16-bit words."""
        raw = np.asarray(self._source.random_raw((n + 3) // 4), dtype="<u8")
        return raw.view("<u2")[:n]

    def below(self, n: int, limit: int | npt.NDArray[np.integer]) -> Ints:
        """Return `n` whole numbers from 0 to `limit` - 1; `limit` stays under 2**31."""
        return (self.words(n).astype(np.int64) * limit) >> 32

    def below_total(self, n: int, total: int) -> Ints:
        """Return `n` whole numbers from 0 to `total` - 1 for totals up to 2**52."""
        fraction = np.asarray(self._source.random_raw(n), dtype=np.uint64) >> np.uint64(11)
        return (fraction.astype(np.float64) * 2.0**-53 * total).astype(np.int64)

    def normals(self, n: int) -> npt.NDArray[np.int32]:
        """Return `n` standard normal deviates in thousandths."""
        return normal_table()[self.halves(n)]

    def chances(self, n: int, share: float) -> npt.NDArray[np.bool_]:
        """Return `n` flags, each true with probability `share`."""
        return self.words(n) < threshold(share)


def threshold(share: float) -> np.uint32:
    """Return the 32-bit word below which a uniform word falls with probability `share`."""
    return np.uint32(min(round(share * 2**32), 2**32 - 1))


@cache
def normal_table() -> npt.NDArray[np.int32]:
    """Return the 65,536 equally likely values of a standard normal deviate, in thousandths."""
    normal = NormalDist()
    half = [round(ONE * normal.inv_cdf((i + 0.5) / 65536)) for i in range(32768, 65536)]
    return np.array([-z for z in reversed(half)] + half, dtype=np.int32)


@cache
def _odds_table() -> npt.NDArray[np.uint32]:
    steps = range(-_LOG_LIMIT, _LOG_LIMIT + 1, _LOG_STEP)
    return np.array([round(2**32 / (1 + math.exp(-x / ONE))) for x in steps], dtype=np.uint32)


def odds_threshold(log_odds: npt.NDArray[np.int32]) -> npt.NDArray[np.uint32]:
    """Return, for log odds in thousandths, the word below which a uniform word falls with that probability."""
    return _odds_table()[(np.clip(log_odds, -_LOG_LIMIT, _LOG_LIMIT) + _LOG_LIMIT) // _LOG_STEP]


@cache
def _exp_table() -> Ints:
    return np.array(
        [round(EXP_ONE * math.exp(x / ONE)) for x in range(-8 * ONE, 8 * ONE + 1)], dtype=np.int64
    )


def exp_fixed(log_values: npt.NDArray[np.integer]) -> Ints:
    """Return exp of logarithms in thousandths (kept within -8 and 8), in millionths."""
    places: Ints = np.clip(log_values, -8 * ONE, 8 * ONE).astype(np.int64) + 8 * ONE
    return _exp_table()[places]


def spread(weights: Sequence[float]) -> npt.NDArray[np.uint16]:
    """Return 65,536 choices in proportion to `weights`: indexing it with a uniform 16-bit word draws one choice."""
    edges = np.cumsum([round(w * 1000) for w in weights])
    cuts = (edges * 65536 + edges[-1] // 2) // edges[-1]
    return np.repeat(np.arange(len(weights)), np.diff(cuts, prepend=0)).astype(np.uint16)


def shuffled(bits: Bits, n: int) -> Ints:
    """Return 0 to `n` - 1 in random order."""
    keys = (bits.words(n).astype(np.uint64) << np.uint64(32)) | np.arange(n, dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
