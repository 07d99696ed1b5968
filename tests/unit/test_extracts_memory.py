"""The pool that Arrow reads into is exchanged for the time of a reading, and only where nobody chose one."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from riskadj.extracts.memory import lean_pool

BACKENDS = pa.supported_memory_backends()


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    before = pa.default_memory_pool()
    yield
    pa.set_memory_pool(before)


def backend() -> str:
    """Return the name of the pool in use."""
    name: str = pa.default_memory_pool().backend_name
    return name


@pytest.mark.skipif(not {"mimalloc", "jemalloc"} <= set(BACKENDS), reason="this Arrow has but one of them")
def test_the_default_pool_comes_back_even_after_an_error() -> None:
    pa.set_memory_pool(pa.mimalloc_memory_pool())

    @lean_pool()
    def fail() -> None:
        raise ValueError(backend())

    with pytest.raises(ValueError, match="jemalloc"):
        fail()
    assert backend() == "mimalloc"


def test_a_pool_of_ones_own_stays() -> None:
    pa.set_memory_pool(pa.system_memory_pool())
    with lean_pool():
        assert backend() == "system"
    assert backend() == "system"
