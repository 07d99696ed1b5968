"""Kernels compile where nothing can be kept on disk."""

from __future__ import annotations

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
