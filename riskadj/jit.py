"""The one Numba decorator of the house: compiled once, cached on disk, without the GIL, exact arithmetic."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.core import cgutils
from numba.extending import intrinsic, overload

F = TypeVar("F", bound=Callable[..., Any])
_EXACT: dict[str, Any] = {"nogil": True, "fastmath": False, "error_model": "numpy"}


def kernel(function: F) -> F:
    """Compile `function` (arrays in, arrays out). No fast-math: scores are the same on every machine.

    Compiled code is kept on disk; on a machine with no place for it (a worker of a locked-down cluster) each process
    compiles for itself.
    """
    try:
        compiled = numba.njit(cache=True, **_EXACT)(function)
    except RuntimeError:  # what Numba raises where it finds no folder that it may write to
        return cast(F, numba.njit(**_EXACT)(function))
    if hasattr(compiled, "_cache"):  # not where NUMBA_DISABLE_JIT is set
        _forgive(compiled._cache)
    return cast(F, compiled)


#: What Numba lets through where a kept file cannot be written (a full disk), opened, or read to its end.
_NOT_KEPT = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, LookupError, ValueError)


def _forgive(cache: Any) -> None:
    """Let code that cannot be kept, or read back, cost a compilation and not the run."""
    load, save = cache.load_overload, cache.save_overload

    def load_overload(*given: Any) -> Any:
        with suppress(*_NOT_KEPT):
            return load(*given)
        with suppress(OSError):
            cache.flush()  # else a damaged index would stay for ever
        return None

    def save_overload(*given: Any) -> None:
        with suppress(*_NOT_KEPT):
            save(*given)

    cache.load_overload, cache.save_overload = load_overload, save_overload


def cache_folder() -> Path | None:
    """Return the folder in which compiled code is kept on this machine, None if there is no place for it."""
    compiled = kernel(or_shared)
    kept = getattr(compiled, "_cache", None)
    path = getattr(kept, "cache_path", None)
    return None if path is None else Path(path)


def or_shared(words: npt.NDArray[np.uint64], row: int, word: int, bits: np.uint64) -> None:
    """OR `bits` into ``words[row, word]`` while other threads do the same: no bit is lost, whatever the order.

    Compiled, the word is read and changed atomically, and changed only where a bit is new: most are there already.

    Parameters
    ----------
    words : uint64, shape (n_rows, n_words); changed
    row, word : int
    bits : uint64
    """
    words[row, word] |= bits


_item_pointer = cast(Callable[..., Any], cgutils.get_item_pointer)


@intrinsic
def _or_atomically(typing: Any, words: Any, row: Any, word: Any, bits: Any) -> Any:
    """Emit the atomic OR of `or_shared`."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        array = context.make_array(array_type)(context, builder, arguments[0])
        place = _item_pointer(context, builder, array_type, array, list(arguments[1:3]))
        held = builder.load_atomic(place, "monotonic", align=8)
        is_new = builder.icmp_unsigned("!=", builder.and_(held, arguments[3]), arguments[3])
        with builder.if_then(is_new):
            builder.atomic_rmw("or", place, arguments[3], "monotonic")
        return context.get_dummy_value()

    return numba.types.void(words, numba.types.intp, numba.types.intp, numba.types.uint64), emit


_emit_or = cast(Callable[..., None], _or_atomically)


@overload(or_shared, inline="always")
def _or_shared_compiled(words: Any, row: Any, word: Any, bits: Any) -> Any:
    """Return what a kernel calls instead of `or_shared`."""

    def compiled(words: Any, row: Any, word: Any, bits: Any) -> None:
        _emit_or(words, row, word, bits)

    return compiled
