"""Tables for people, in terminals of any width."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console

from riskadj.terminal import print_table

HEADINGS = ("model (means by months)", "segment", "member months", "payment")
ROWS = [("cms_hcc_v28", "GRAFT_COMM_10PL", "57,600", "1.045"), ("as paid (blended)", "", "57,600", "1.045")]


def printed(width: int) -> list[str]:
    out = io.StringIO()
    print_table(Console(file=out, width=width), HEADINGS, ROWS, justify="llrr")
    return out.getvalue().splitlines()


def test_a_wide_terminal_shows_each_row_on_a_line() -> None:
    assert [line.split() for line in printed(120)[2:4]] == [
        ["cms_hcc_v28", "GRAFT_COMM_10PL", "57,600", "1.045"],
        ["as", "paid", "(blended)", "57,600", "1.045"],
    ]


#: From the letters of the longest words of the columns, 11 + 15 + 6 + 7, and three blanks.
@pytest.mark.parametrize("width", range(42, 70))
def test_no_word_is_split_where_the_longest_of_each_column_fit(width: int) -> None:
    lines = printed(width)
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert {"cms_hcc_v28", "GRAFT_COMM_10PL", "57,600", "1.045", "(blended)", "payment", "months"} <= words


def test_words_that_do_not_fit_are_folded_and_nothing_is_lost() -> None:
    lines = printed(30)
    assert max(map(len, lines)) <= 30
    given = "".join(cell for row in (HEADINGS, *ROWS) for cell in row)
    shown = "".join(lines).replace("─", "")
    assert Counter(shown.replace(" ", "")) == Counter(given.replace(" ", ""))
