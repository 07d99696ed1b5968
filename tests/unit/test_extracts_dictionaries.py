"""What a dictionary means is worked out once, and never mistaken for what another means."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from riskadj.extracts.dictionaries import OncePerDictionary


def counted() -> tuple[OncePerDictionary[list[str]], list[list[str]]]:
    """Return one that answers with the words themselves, and the list of what it was asked to make."""
    asked: list[list[str]] = []

    def make(entries: pa.Array) -> list[str]:
        asked.append([word or "" for word in entries.to_pylist()])
        return asked[-1]

    return OncePerDictionary(make), asked


def test_the_same_words_are_made_once_wherever_they_lie() -> None:
    once, asked = counted()
    whole = pa.array(["x", "E119", "I50", "y"])
    assert once(whole.slice(1, 2)) == once(pa.array(["E119", "I50"])) == ["E119", "I50"]
    assert asked == [["E119", "I50"]]


def test_words_cut_otherwise_or_in_another_order_are_other_dictionaries() -> None:
    once, _ = counted()
    for words in (["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], [], ["", "abc"], ["abc", ""]):
        assert once(pa.array(words, pa.string())) == words


def test_a_null_means_what_a_blank_means() -> None:
    once, asked = counted()
    assert once(pa.array(["a", None])) == once(pa.array(["a", ""])) == ["a", ""]
    assert len(asked) == 1


def test_many_dictionaries_from_many_threads() -> None:
    once, _ = counted()
    wanted = [[str(number), str(number + 1)] for number in range(100)] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda words: once(pa.array(words)), wanted)) == wanted
