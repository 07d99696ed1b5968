"""Command lines: how a command ends, options that all share or in groups, and tables for people."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, get_type_hints

import typer

from riskadj.errors import RiskAdjError, defect

if TYPE_CHECKING:
    from rich.console import Console

DONE, DEFECT, WRONG, INTERRUPTED = 0, 1, 2, 130

OUT_OF_MEMORY = (
    "MemoryError: not enough memory on this machine; close what else runs, or let `riskadj score --memory SIZE` score "
    "the members a share at a time."
)

EXIT_STATUSES = (
    "Exit status: 0 done, 2 the call or the data is wrong (one message on stderr), 1 anything else."
)

Output = Annotated[Path, typer.Option(help="Directory to write; appears whole or not at all.", metavar="DIR")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")]
Threads = Annotated[
    int | None, typer.Option(help="Default: every processor. Never changes a result.", metavar="N")
]

P = ParamSpec("P")


def make_app(text: str | None = None, *, epilog: str | None = None) -> typer.Typer:
    """Return a command line, or a group of commands, that shows its help as all do."""
    return typer.Typer(
        help=text, epilog=epilog, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
        no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )  # fmt: skip


def source_of(paths: Sequence[str] | None) -> Any:
    """Return what an option named as a source: one path may be a directory or a glob; None where it was left out."""
    if not paths:
        return None
    return paths[0] if len(paths) == 1 else list(paths)


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


#: In place of a default: the option must be given.
REQUIRED = inspect.Parameter.empty


def takes(
    group: type, parameter: str, *, without: Sequence[str] = (), others: Mapping[str, tuple[Any, Any]] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:  # fmt: skip
    """Give a command every option of a group, in place of one of its parameters.

    Parameters
    ----------
    group : type
        A dataclass, a field for each option.
    parameter : str
        Of the command; it is given the group with the options as they were typed.
    without : sequence of str
        Options that this command does not have; they stay at their default.
    others : mapping of str to (annotation, default), optional
        Options that mean something of their own in this command; default REQUIRED: must be given.
    """
    asked_of = [one for one in _parameters(group, others or {}) if one.name not in without]

    def expand(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        asked = [*asked_of, *(one for one in own if one.name != parameter)]
        asked.sort(key=lambda one: one.default is not REQUIRED)  # what must be given comes first

        @functools.wraps(command)
        def run(**given: Any) -> None:
            options = group(**{one.name: given.pop(one.name) for one in asked_of})
            command(**{parameter: options}, **given)

        run.__signature__ = inspect.Signature([one.replace(kind=one.KEYWORD_ONLY) for one in asked])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in asked}
        return run

    return expand


def _parameters(group: type, others: Mapping[str, tuple[Any, Any]]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = REQUIRED if field.default is MISSING else field.default
        annotation, default = others.get(field.name, (hints[field.name], default))
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )


def say(message: str) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"{message}\n")


PLAIN_WIDTH = 120
#: Blanks between two columns -> blanks above, right of, below and left of a cell; the rule between columns is one more.
_PADDING = {3: (0, 1, 0, 1), 2: (0, 1, 0, 0), 1: (0, 0, 0, 0)}
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
    """Print a table; `justify` holds l or r for each column.

    Where the terminal is narrow, columns first wrap between words, then move closer; a word that is still too long is
    folded.
    """
    from rich import box
    from rich.table import Table

    shown = [tuple(row) for row in rows]
    gap, widths = _fit([headings, *shown], console.width)
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=_PADDING[gap]
    )
    for heading, side, width in zip(headings, justify, widths, strict=True):
        table.add_column(heading, justify=_JUSTIFY[side], overflow="fold", max_width=width)  # type: ignore[arg-type]
    for number, row in enumerate(shown):
        table.add_row(*row, style="bold" if number in bold_rows else None)
    console.print(table)
    console.print()


def _fit(rows: Sequence[Sequence[str]], room: int) -> tuple[int, list[int]]:
    """Return the gap between columns and the width of each, so that a table takes `room` without a split word."""
    columns = list(zip(*rows, strict=True))
    words = [max(len(word) for cell in column for word in (cell.split() or [""])) for column in columns]
    widths = [max(map(len, column)) for column in columns]
    gap = next((gap for gap in _PADDING if sum(words) + gap * (len(columns) - 1) <= room), min(_PADDING))
    too_much = sum(widths) + gap * (len(columns) - 1) - room
    while too_much > 0 and widths != words:
        widest = max((at for at in range(len(widths)) if widths[at] > words[at]), key=widths.__getitem__)
        widths[widest] -= 1
        too_much -= 1
    return gap, widths


def count(number: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{number:,}"


def number(value: float | None) -> str:
    """Return a whole number with thousands separators, any other with four decimals too, a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def mean(score: float | None) -> str:
    """Return a mean score with three decimals, a dash where there is none."""
    return "-" if score is None else f"{score:.3f}"


def dollars(amount: float | None) -> str:
    """Return whole dollars with thousands separators, a dash where there are none."""
    return "-" if amount is None else f"{amount:,.0f}"
