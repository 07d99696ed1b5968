"""Command lines: how a command ends, and tables for people, coloured on a terminal and plain in a pipe."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ParamSpec

from riskadj.errors import RiskAdjError, defect

if TYPE_CHECKING:
    from rich.console import Console

DONE, DEFECT, WRONG, INTERRUPTED = 0, 1, 2, 130

OUT_OF_MEMORY = (
    "MemoryError: not enough memory on this machine; close what else runs, or let `riskadj score --memory SIZE` score "
    "the members a share at a time."
)

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return `command` with its errors turned into a message on stderr and an exit status.

    2 for a deliberate error (the call or the data is wrong), 130 for an interrupt, 1 for anything else. The text of an
    unexpected error may quote a member's data and is left out. A reader that closes the pipe early ends it quietly.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except RiskAdjError as error:
            say(f"{type(error).__name__}: {error}")
            raise SystemExit(WRONG) from error
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(DONE) from error
        except KeyboardInterrupt as error:
            say("interrupted")
            raise SystemExit(INTERRUPTED) from error
        except MemoryError as error:
            say(OUT_OF_MEMORY)
            raise SystemExit(WRONG) from error
        except Exception as error:
            say(defect(error))
            raise SystemExit(DEFECT) from error

    return run


def say(message: str) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"{message}\n")


PLAIN_WIDTH = 120
_JUSTIFY = {"l": "left", "r": "right"}


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that takes every text as it stands."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def print_line(console: Console, text: str = "", *, style: str | None = None, hanging: int = 0) -> None:
    """Print text, wrapped, with every line after the first indented by `hanging` blanks."""
    import textwrap

    lines = textwrap.wrap(text, console.width, subsequent_indent=" " * hanging, break_on_hyphens=False)
    console.print("\n".join(lines), style=style, soft_wrap=True)


def print_table(
    console: Console,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    justify: str,
    bold_rows: Sequence[int] = (),
) -> None:
    """Print a table; `justify` holds l or r for each column. Cells that are too long are folded."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading, side in zip(headings, justify, strict=True):
        table.add_column(heading, justify=_JUSTIFY[side], overflow="fold")  # type: ignore[arg-type]
    for number, row in enumerate(rows):
        table.add_row(*row, style="bold" if number in bold_rows else None)
    console.print(table)
    console.print()


def count(number: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{number:,}"


def mean(score: float | None) -> str:
    """Return a mean score with three decimals, a dash where there is none."""
    return "-" if score is None else f"{score:.3f}"
