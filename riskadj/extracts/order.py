"""Work spread over threads, its results in order: threads and chunks never change a result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

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


def in_turns(work: Callable[[S], T], readers: Iterable[Iterator[S]], threads: int) -> Iterator[T]:
    """Yield ``work(item)`` for every item of every reader, as they come.

    Each thread has a reader of its own. Where none is left to open, threads take turns at one: it reads its next item
    while others work on those before it.

    Parameters
    ----------
    work : callable
        Its results are not None.
    readers : iterable of iterator
        Each is advanced by one thread at a time, whichever comes.
    threads : int
        Items in work at a time.

    Raises
    ------
    Exception
        That of the first reader, in their order, that has one; no reader is opened after it came.
    """
    if threads == 1:
        yield from map(work, chain.from_iterable(readers))
        return
    shelf, results = _Shelf(readers), SimpleQueue[T | None]()

    def work_through() -> None:
        reader: _Reader[S] | None = None
        try:
            while (reader := shelf.pick(reader)) is not None:
                for result in map(work, reader.take()):  # no item is left when the next one is read
                    results.put(result)
        except Exception as error:
            shelf.fail(reader, error)  # the first, in the order of the readers, is what the caller gets
            raise
        finally:
            results.put(None)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for _ in [pool.submit(work_through) for _ in range(threads)]:
                yield from iter(results.get, None)
        finally:
            shelf.close()
    for reader in shelf.opened:
        if reader.error is not None:
            raise reader.error


@dataclass(eq=False)
class _Reader(Generic[S]):
    """An iterator that several threads advance."""

    items: Iterator[S]
    is_spent: bool = False
    error: Exception | None = None
    _lock: Lock = field(default_factory=Lock)

    def take(self) -> Iterator[S]:
        """Return the next item; none where there is no more."""
        with self._lock:
            items = list(islice(self.items, 1))
        self.is_spent = self.is_spent or not items
        return iter(items)


class _Shelf(Generic[S]):
    """Readers in their order, and which of them a thread reads next."""

    def __init__(self, readers: Iterable[Iterator[S]]) -> None:
        self.opened: list[_Reader[S]] = []
        self._closed = map(_Reader, readers)
        self._lock = Lock()

    def pick(self, own: _Reader[S] | None) -> _Reader[S] | None:
        """Return the reader that a thread had, else one that nobody opened yet, else any that is not spent."""
        if own is not None and not own.is_spent:
            return own
        with self._lock:
            self.opened.extend(islice(self._closed, 1))
            return next((reader for reader in reversed(self.opened) if not reader.is_spent), None)

    def fail(self, reader: _Reader[S] | None, error: Exception) -> None:
        """Note the error of a reader, or of opening the first; no other is opened."""
        none: Iterator[S] = iter(())
        reader = reader or _Reader(none)
        with self._lock:
            if reader not in self.opened:
                self.opened.append(reader)
            reader.error, reader.is_spent = reader.error or error, True
            self._closed = map(_Reader, ())

    def close(self) -> None:
        """Let nothing more be read."""
        with self._lock:
            self._closed = map(_Reader, ())
            for reader in self.opened:
                reader.is_spent = True
