"""Cohorts made of members drawn with replacement, as many draws as asked for, a few at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pricing.inputs import Numbers
from pricing.revenue.draws_kernel import (
    Integers,
    Words,
    lookup_of,
    poisson_thresholds,
    sum_draws,
    uniforms,
    words_of,
)
from riskadj.extracts.order import in_order

#: Most that the sums of the draws under way may take [bytes, each thread].
_BLOCK_BYTES = 32_000_000
_MOST_DRAWS = 16


@dataclass(frozen=True)
class Population:
    """Members in the order of their cohorts.

    Attributes
    ----------
    units : uint64, shape (n_rows,)
        Who is drawn together.
    begins : int64, shape (n_cohorts + 1,)
        Where the rows of each cohort begin.
    values : float64, shape (n_rows, 1 + n_values)
        1 for each row, and what is added up; whole numbers are added up exactly.
    """

    units: Words = field(repr=False)
    begins: Integers = field(repr=False)
    values: Numbers = field(repr=False)

    @classmethod
    def of(
        cls, values: Numbers, *, cohorts: Integers, n_cohorts: int, units: npt.ArrayLike | None = None
    ) -> Population:
        """Return members ready to be drawn.

        Parameters
        ----------
        values : float64, shape (n_rows, n_values)
        cohorts : int64, shape (n_rows,)
        n_cohorts : int
        units : int, shape (n_rows,), optional
            Rows of the same number are drawn together. Default: each row by itself.
        """
        order = np.argsort(cohorts, kind="stable")
        numbers = np.arange(len(cohorts)) if units is None else np.asarray(units)
        counted = np.column_stack([np.ones(len(cohorts)), values])
        begins = np.searchsorted(cohorts[order], np.arange(n_cohorts + 1)).astype(np.int64)
        return cls(numbers[order].astype(np.uint64), begins, np.ascontiguousarray(counted[order]))

    @property
    def n_cohorts(self) -> int:
        """How many cohorts there are."""
        return len(self.begins) - 1

    def sums(self, keys: Words) -> Numbers:
        """Return rows and values by draw and cohort, scaled so that every draw has as many rows as there are.

        Parameters
        ----------
        keys : uint64, shape (n_draws,)

        Returns
        -------
        float64, shape (n_draws, n_cohorts, 1 + n_values)
        """
        sums = np.zeros((len(keys), self.n_cohorts, self.values.shape[1]))
        thresholds = poisson_thresholds()
        with np.errstate(over="ignore"):  # where kernels run uncompiled
            sum_draws(keys, self.units, self.begins, self.values, thresholds, lookup_of(thresholds), sums)
        drawn = sums[:, :, :1].sum(axis=1, keepdims=True)
        result: Numbers = sums * np.divide(len(self.units), drawn, out=np.zeros_like(drawn), where=drawn > 0)
        return result

    def drawn(self, keys: Words, *, threads: int | None = None) -> Iterator[Numbers]:
        """Yield `sums` of each draw in order, shape (n_cohorts, 1 + n_values); memory does not grow with draws.

        Parameters
        ----------
        threads : int, optional
            Default: every processor. Never changes a result.
        """
        size = int(np.clip(_BLOCK_BYTES // (8 * self.n_cohorts * self.values.shape[1] + 1), 1, _MOST_DRAWS))
        blocks = [keys[at : at + size] for at in range(0, len(keys), size)]
        for sums in in_order(self.sums, blocks, threads or os.cpu_count() or 1):
            yield from sums


def key_of(seed: int, name: str) -> int:
    """Return the word that a named source of chance begins with: each name and seed has a stream of its own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "little")


def draw_keys(seed: int, name: str, draws: int) -> Words:
    """Return one word for each draw of a named source, shape (draws,)."""
    return words_of(key_of(seed, name), draws)


def draw_uniforms(seed: int, name: str, draws: int) -> Numbers:
    """Return one number between 0 and 1 for each draw of a named source, shape (draws,)."""
    return uniforms(key_of(seed, name), draws)
