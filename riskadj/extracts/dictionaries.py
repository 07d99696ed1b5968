"""What a code column's dictionary means, worked out once: the pieces of a row group share one dictionary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import pyarrow as pa

from riskadj.extracts.buffers import id_buffers

T = TypeVar("T")

#: Dictionaries kept in mind: a few for each thread.
_MOST = 16


class OncePerDictionary(Generic[T]):
    """Keeps what `make` made of the last few dictionaries, by their contents; safe to call from any thread.

    Parameters
    ----------
    make : callable
        Takes the entries (an array of strings) and returns what is kept; null and "" must mean the same to it.
    """

    def __init__(self, make: Callable[[pa.Array], T]) -> None:
        self._make = make
        self._made: dict[tuple[bytes, bytes], T] = {}

    def __call__(self, entries: pa.Array) -> T:
        """Return what was made of these entries."""
        data, offsets = id_buffers(entries)
        key = data[offsets[0] : offsets[-1]].tobytes(), (offsets - offsets[0]).tobytes()
        found = self._made.get(key)
        if found is None:
            found = self._make(entries)
            if len(self._made) >= _MOST:
                self._made = {}
            self._made[key] = found
        return found
