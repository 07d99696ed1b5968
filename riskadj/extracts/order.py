"""Work spread over threads, its results in order: threads and chunks never change a result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")


def in_order(work: Callable[[S], T], items: Iterable[S], threads: int, *, ready: int = 1) -> Iterator[T]:
    """Yield ``work(item)`` in the order of `items`.

    Parameters
    ----------
    threads : int
        Items in work at a time; with one thread, each when it is asked for.
    ready : int
        Results that may stand ready besides, until they are asked for.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= threads + ready:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
