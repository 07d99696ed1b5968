"""Work spread over threads: results in order, and no more of them than may stand ready."""

from __future__ import annotations

import pytest

from riskadj.extracts.order import in_order


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
