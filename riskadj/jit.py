"""The one Numba decorator of the house: compiled once, cached on disk, without the GIL, exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function` (arrays in, arrays out). No fast-math: scores are the same on every machine."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function)
    return cast(F, compiled)
