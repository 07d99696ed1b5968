"""What commands print: a title, a table, notes, and which files were written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def print_result(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], output: Path, *, justify: str = "",
    notes: Sequence[str] = (),
) -> None:  # fmt: skip
    """Print a result as a table, notes below it, and the files of the output directory.

    Parameters
    ----------
    justify : str
        l or r for each column; default: the first left, the others right.
    """
    from riskadj.terminal import make_console, print_line, print_table

    console = make_console()
    print_line(console, title, style="bold")
    console.print()
    print_table(console, headings, rows, justify=justify or "l" + "r" * (len(headings) - 1))
    files = ", ".join(sorted(path.name for path in output.iterdir()))
    for note in (*notes, f"written to {output}: {files}"):
        print_line(console, note, hanging=2)
