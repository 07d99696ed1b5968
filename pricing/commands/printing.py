"""What commands print: a title, a table, notes, and which files were written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

#: Rows that are shown of a table that may be long.
MOST_ROWS = 20


def print_result(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], output: Path, *, justify: str = "",
    notes: Sequence[str] = (), most_rows: int | None = None, also: Sequence[Path | None] = (),
) -> None:  # fmt: skip
    """Print a result as a table, notes below it, and the files of the output directory.

    Parameters
    ----------
    justify : str
        l or r for each column; default: the first left, the others right.
    most_rows : int, optional
        So many rows are shown, and how many more there are; default: all.
    also : sequence of Path or None
        Files written elsewhere, such as a workbook; None is one that nobody asked for.
    """
    from riskadj.terminal import make_console, print_line, print_table

    console, every = make_console(), list(rows)
    more = 0 if most_rows is None else len(every) - most_rows
    print_line(console, title, style="bold")
    console.print()
    print_table(console, headings, every[:most_rows], justify=justify or "l" + "r" * (len(headings) - 1))
    files = ", ".join(sorted(path.name for path in output.iterdir()))
    written = "; ".join([f"written to {output}: {files}", *(str(path) for path in also if path is not None)])
    for note in (*([f"and {more:,} more"] if more > 0 else []), *notes, written):
        print_line(console, note, hanging=2)
