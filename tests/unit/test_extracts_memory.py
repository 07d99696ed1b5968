"""The pool that Arrow reads into is exchanged for the time of a reading, and only where nobody chose one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest

from riskadj.extracts.memory import lean_pool

BACKENDS = pa.supported_memory_backends()
POOL = "ARROW_DEFAULT_MEMORY_POOL"


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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep Arrow's own pool")
@pytest.mark.parametrize(("chosen", "used"), [(None, "system"), *((name, name) for name in BACKENDS)])
def test_the_command_line_takes_the_pool_that_holds_least_unless_one_was_chosen(
    chosen: str | None, used: str
) -> None:
    ask = "__import__('pyarrow').default_memory_pool().backend_name"
    code = f"import riskadj.cli as cli; cli.app = lambda: print({ask}); cli.main()"
    others = {name: value for name, value in os.environ.items() if name != POOL}
    environment = others if chosen is None else {**others, POOL: chosen}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == used
