"""Work spread over threads: results in order, and no more of them than may stand ready."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from threading import Barrier
from time import sleep

import pytest

from riskadj.extracts.order import in_order, in_turns


@pytest.mark.parametrize(("threads", "ready"), [(1, 1), (2, 1), (2, 4), (5, 3)])
def test_results_come_in_order_and_few_of_them_before_they_are_asked_for(threads: int, ready: int) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item * item

    for asked, result in enumerate(in_order(work, range(40), threads, ready=ready)):
        assert result == asked * asked
        assert len(begun) <= asked + threads + ready
    assert sorted(begun) == list(range(40))


def test_an_error_comes_where_its_result_would_have() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("third")
        return item

    results = in_order(work, range(40), 2, ready=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="third"):
        next(results)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("sizes", [(), (0,), (7,), (3, 0, 4), (1, 1, 1, 1, 1, 1, 9)])
def test_every_item_of_every_reader_is_worked_on_once(threads: int, sizes: tuple[int, ...]) -> None:
    readers = [zip(repeat(reader), range(size)) for reader, size in enumerate(sizes)]
    found = list(in_turns(lambda item: item, readers, threads))
    assert sorted(found) == [(reader, item) for reader, size in enumerate(sizes) for item in range(size)]


def test_threads_share_the_only_reader_and_never_advance_it_together() -> None:
    both = Barrier(2, timeout=30)

    def items() -> Iterator[int]:
        for item in range(40):
            sleep(0.001)  # a generator that two threads advance together raises ValueError
            yield item

    def work(item: int) -> int:
        both.wait()  # comes back only when another item is in work beside this one
        return item

    assert sorted(in_turns(work, [items()], 2)) == list(range(40))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_error_is_that_of_the_first_reader_that_has_one(threads: int) -> None:
    opened = []

    def reader(number: int) -> Iterator[int]:
        opened.append(number)
        yield from range(number, 3)
        if number in (1, 3):
            raise ValueError(f"reader {number}")

    with pytest.raises(ValueError, match="reader 1"):
        list(in_turns(lambda item: item, map(reader, range(1000)), threads))
    assert len(opened) < 1000


def test_an_error_of_opening_or_working_comes_through() -> None:
    def readers() -> Iterator[Iterator[int]]:
        yield iter([1])
        raise ValueError("opening")

    def work(item: int) -> int:
        raise ValueError("working")

    with pytest.raises(ValueError, match="opening"):
        list(in_turns(lambda item: item, readers(), 2))
    with pytest.raises(ValueError, match="working"):
        list(in_turns(work, [iter([1]), iter([2])], 2))


def test_who_stops_asking_stops_the_reading() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1_000_000):
            taken.append(item)
            yield item

    results = in_turns(lambda item: item, [items()], 2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 1_000_000
