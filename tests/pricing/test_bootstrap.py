"""Members drawn with replacement: the naive twin, the laws of Poisson counts, and the variance of a bootstrap mean."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pricing.errors import InputError
from pricing.revenue.bootstrap import Population, draw_keys, draw_uniforms
from pricing.revenue.distributions import Distribution, correlated, correlation_matrix
from pricing.revenue.draws_kernel import count_of, lookup_of, poisson_thresholds, sum_draws, words_of
from tests.pricing.naive_reconciliation import WORD, naive_count, naive_sums, naive_word

THRESHOLDS = poisson_thresholds()
LOOKUP = lookup_of(THRESHOLDS)


def counts_of(words: np.ndarray) -> list[int]:
    return [count_of(np.uint64(word), THRESHOLDS, LOOKUP) for word in words.tolist()]


def test_words_are_those_of_splitmix64() -> None:
    # first outputs of SplitMix64 seeded with 0 and with 1234567: reference values of Vigna's splitmix64.c
    assert words_of(0x9E3779B97F4A7C15 and 1, 1).tolist() == [0xE220A8397B1DCDAF]
    assert [naive_word(counter) for counter in (1, 2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    assert words_of(2**64 - 2, 5).tolist() == [naive_word((2**64 - 2 + at) % WORD) for at in range(5)]


def test_counts_are_poisson_quantiles() -> None:
    edges = [edge + step for edge in THRESHOLDS.tolist() for step in (-1, 0, 1) if edge + step < WORD]
    words = np.concatenate([np.array([0, WORD - 1, *edges], np.uint64), words_of(7, 500)])
    # a double holds a probability to its last bit only: the twin agrees but within a few words of an edge
    for word, count in zip(words.tolist(), counts_of(words), strict=True):
        near = {naive_count(max(word - 4096, 0)), naive_count(min(word + 4096, WORD - 1))}
        assert min(near) <= count <= max(near)
    assert counts_of(np.array([0, WORD - 1], np.uint64)) == [0, len(THRESHOLDS)]


def test_counts_have_mean_and_variance_one() -> None:
    counts = np.bincount(counts_of(words_of(3, 60_000)), minlength=7)
    expected = [60_000 * math.exp(-1) / math.factorial(count) for count in range(7)]
    squares = [(seen - wanted) ** 2 / wanted for seen, wanted in zip(counts, expected, strict=False)]
    assert sum(squares) < 27.9  # chi-square of 7 degrees of freedom exceeds it once in 4,000


def test_sums_equal_plain_loops() -> None:
    random = np.random.default_rng(5)
    cohorts, values = random.integers(0, 4, 60), random.integers(0, 5000, (60, 2)).astype(np.float64)
    units = random.integers(0, 30, 60)
    population = Population.of(values, cohorts=cohorts, n_cohorts=5, units=units)
    keys = draw_keys(1, "members", 6)
    rows = np.column_stack([np.ones(60), values])
    naive = np.array(naive_sums(keys.tolist(), units.tolist(), cohorts.tolist(), rows.tolist(), 5))
    scale = 60 / naive[:, :, 0].sum(axis=1)
    assert (population.sums(keys) == naive * scale[:, None, None]).all()
    assert population.sums(keys)[:, :, 0].sum(axis=1) == pytest.approx(60)


def test_threads_blocks_and_other_members_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    cohorts, values = random.integers(0, 9, 500), np.rint(random.random((500, 1)) * 1e6)
    population = Population.of(values, cohorts=cohorts, n_cohorts=9)
    keys = draw_keys(2, "members", 40)
    expected = np.array(list(population.drawn(keys, threads=1)))
    assert (np.array(list(population.drawn(keys, threads=3))) == expected).all()
    monkeypatch.setattr("pricing.revenue.bootstrap._BLOCK_BYTES", 300)
    assert (np.array(list(population.drawn(keys, threads=2))) == expected).all()
    assert (np.array(list(population.drawn(keys[:7], threads=2))) == expected[:7]).all()
    order = random.permutation(500)  # in another order, each member with its own number
    shuffled = Population.of(values[order], cohorts=cohorts[order], n_cohorts=9, units=order)
    assert (np.array(list(shuffled.drawn(keys))) == expected).all()
    assert not (np.array(list(population.drawn(draw_keys(3, "members", 40)))) == expected).all()


def test_the_variance_of_a_bootstrap_mean_is_that_of_the_formula() -> None:
    scores = np.random.default_rng(7).gamma(1.5, 0.7, 4000)
    population = Population.of(scores[:, None], cohorts=np.zeros(4000, np.int64), n_cohorts=1)
    draws = 3000
    means = np.array([sums[0, 1] / sums[0, 0] for sums in population.drawn(draw_keys(8, "members", draws))])
    error = scores.std() / math.sqrt(4000)
    assert abs(means.mean() - scores.mean()) < 4 * error / math.sqrt(draws)
    # a sample variance of 3,000 normal draws has a standard error of sqrt(2 / 2,999), 2.6 %
    assert means.var() == pytest.approx(error**2, rel=4 * 0.026)


def test_members_drawn_together_vary_more() -> None:
    scores = np.random.default_rng(9).random(1000)
    pairs = {"cohorts": np.zeros(2000, np.int64), "n_cohorts": 1}
    twice = np.repeat(scores, 2)[:, None]
    keys = draw_keys(1, "members", 1500)
    apart = np.array(list(Population.of(twice, **pairs).drawn(keys)))[:, 0, 1].var()
    together = np.array(list(Population.of(twice, units=np.repeat(np.arange(1000), 2), **pairs).drawn(keys)))[
        :, 0, 1
    ].var()
    assert together / apart == pytest.approx(2.0, rel=0.25)


def test_names_and_seeds_are_streams_of_their_own() -> None:
    streams = [draw_uniforms(seed, name, 4000) for seed in (1, 2) for name in ("members", "coding_trend")]
    for place, one in enumerate(streams):
        assert ((one > 0) & (one < 1)).all()
        assert one.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * 4000))
        for other in streams[place + 1 :]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(4000)
    assert (draw_uniforms(1, "members", 10) == streams[0][:10]).all()


SCRIPT = """
import numba
import numpy as np
from pricing.revenue.bootstrap import Population, draw_keys
assert numba.config.DISABLE_JIT
population = Population.of(np.arange(40.0)[:, None], cohorts=np.arange(40) % 3, n_cohorts=3)
print(population.sums(draw_keys(1, "members", 3)).tolist())
"""


def test_the_kernel_runs_uncompiled() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    population = Population.of(np.arange(40.0)[:, None], cohorts=np.arange(40) % 3, n_cohorts=3)
    assert run.stdout.strip() == str(population.sums(draw_keys(1, "members", 3)).tolist())
    assert callable(sum_draws)


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    [
        (Distribution("normal", (0.02, 0.01)), 0.02, 0.0001),
        (Distribution("uniform", (1.0, 3.0)), 2.0, 4 / 12),
        (Distribution("triangular", (0.0, 1.0, 5.0)), 2.0, (0 + 1 + 25 - 0 - 0 - 5) / 18),
        (Distribution("triangular", (1.0, 1.0, 2.0)), 4 / 3, 1 / 18),
        (
            Distribution("lognormal", (2.0, 0.5)),
            2 * math.exp(0.125),
            4 * math.exp(0.25) * (math.exp(0.25) - 1),
        ),
        (Distribution("values", (3.0, 1.0, 2.0)), 2.0, 2 / 3),
    ],
    ids=lambda value: value.text if isinstance(value, Distribution) else "",
)
def test_distributions_have_their_moments(distribution: Distribution, mean: float, variance: float) -> None:
    shares = (np.arange(200_000) + 0.5) / 200_000
    values = distribution.quantiles(shares)
    assert (np.diff(values) >= 0).all()
    assert values.mean() == pytest.approx(mean, rel=1e-4)
    assert values.var() == pytest.approx(variance, rel=2e-3)


def test_correlated_numbers_are_as_correlated_as_asked() -> None:
    names = ("coding_trend", "lapse", "rate_trend")
    matrix = correlation_matrix(names, {("lapse", "coding_trend"): -0.6})
    apart = np.column_stack([draw_uniforms(4, name, 8000) for name in names])
    together = correlated(apart, matrix)
    rank = np.corrcoef(together.T)
    assert rank[0, 1] == pytest.approx(
        6 / math.pi * math.asin(-0.3), abs=0.04
    )  # of uniforms under a Gaussian copula
    assert abs(rank[0, 2]) < 0.04
    assert (correlated(apart, np.eye(3)) == apart).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Distribution("norml", (0, 1)), "no distribution 'norml'; nearest: normal"),
        (lambda: Distribution("normal", (0, -1)), "takes mean, standard_deviation: standard_deviation >= 0"),
        (lambda: Distribution("triangular", (0, 2, 1)), "low <= mode <= high"),
        (lambda: Distribution("uniform", (0,)), "takes low, high"),
        (lambda: Distribution("values", ()), "at least one value"),
        (lambda: Distribution("normal", (math.inf, 1)), "not a finite number"),
        (lambda: correlation_matrix(("a", "b"), {("a", "c"): 0.1}), "two different names of a, b"),
        (lambda: correlation_matrix(("a", "b"), {("a", "b"): 1.0}), "between -1 and 1"),
        (
            lambda: correlated(
                np.full((2, 3), 0.5),
                correlation_matrix(("a", "b", "c"), {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}),
            ),
            "contradict one another",
        ),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
