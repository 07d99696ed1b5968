"""Kernels compile where nothing can be kept on disk, or what was kept cannot be read back."""

from __future__ import annotations

import shutil
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from riskadj.jit import kernel


def add_up(values: np.ndarray, total: np.ndarray) -> None:
    for value in values:
        total[0] += value


def test_kernels_compile_where_no_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    total = np.zeros(1)
    kernel(add_up)(np.array([1.0, 2.5]), total)
    assert total[0] == 3.5


def added(compiled) -> float:
    total = np.zeros(1)
    compiled(np.array([1.0, 2.5]), total)
    return total[0]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a first process kept its compiled code."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert added(kernel(add_up)) == 3.5
    (folder,) = tmp_path.iterdir()
    return folder


@pytest.mark.parametrize("content", [b"", b"\x80\x05", b"\x80\x05\x8c\x01xq.garbage", b"no pickle"])
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_costs_a_compilation_and_is_mended(kept: Path, suffix: str, content: bytes) -> None:
    (damaged,) = kept.glob(f"*.{suffix}")
    damaged.write_bytes(content)
    assert added(kernel(add_up)) == 3.5
    again = kernel(add_up)
    assert added(again) == 3.5
    assert again.stats.cache_hits, "the next process still compiles"


def test_a_cache_that_goes_away_costs_a_compilation(kept: Path) -> None:
    compiled = kernel(add_up)
    shutil.rmtree(kept)
    kept.write_text("in its place")
    assert added(compiled) == 3.5


def test_a_cache_that_cannot_be_written_costs_a_compilation(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shutil.rmtree(kept)
    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_data", full)
    assert added(kernel(add_up)) == 3.5
    assert list(kept.glob("*.nbc")) == []
