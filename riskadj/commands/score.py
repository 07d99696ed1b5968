"""`riskadj score`: extracts in, files of scores out, a summary to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.errors import OptionError
from riskadj.terminal import guarded


@guarded
@reads_extracts()
def score(
    reading: Reading,
    output: shared.Output,
    segments: shared.Segments = "paid",
    memory: Annotated[
        str | None, typer.Option(help="Stay below this memory, such as 4GB.", metavar="SIZE")
    ] = None,
    no_lists: Annotated[
        bool,
        typer.Option(
            "--no-lists", help="Leave the lists of HCCs and variables out of model_scores: quicker, smaller."
        ),
    ] = False,
    overwrite: shared.Overwrite = False,
) -> None:
    """Score a population: payment risk scores per enrollment row.

    Writes payment_scores.parquet, model_scores.parquet, rejects.parquet and run.json into the output directory, and
    prints what was read, used and scored.

    \b
    riskadj score --payment-year 2026 --output scores \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet

    Several programs (--program medicare_part_c,medicare_part_d) are scored in one pass, each into a directory of its
    name below the output directory.
    """
    limit = None if memory is None else shared.parse_memory(memory)
    extracts = reading.extracts
    from riskadj.commands.run_summary import print_summary
    from riskadj.front_door import make_options, score_to_directory

    if "," in str(reading.scoring["program"]):
        score_programs(
            reading, output, segments=segments, memory=limit, lists=not no_lists, overwrite=overwrite
        )
        return
    checked = make_options(**reading.scoring, segments=segments, memory=limit, lists=not no_lists)
    with watching() as progress:
        report = score_to_directory(
            **extracts, output=output, options=checked, overwrite=overwrite, progress=progress
        )
    print_summary(output, report)


def score_programs(
    reading: Reading, output: Path, *, segments: str, memory: int | None, lists: bool, overwrite: bool
) -> None:
    """Score several programs in one pass, and print what each came to."""
    from riskadj.commands.run_summary import print_summary
    from riskadj.programs import options_of_programs, score_programs_to_directory

    scoring, extracts = dict(reading.scoring), dict(reading.extracts)
    programs = [name.strip() for name in str(scoring.pop("program")).split(",")]
    if extracts.pop("drugs") is not None:
        raise OptionError("drugs are for one program at a time; score the programs one by one.")
    every = options_of_programs(programs, **scoring, segments=segments, memory=memory, lists=lists)
    with watching() as progress:
        reports = score_programs_to_directory(
            **extracts, output=output, every=every, overwrite=overwrite, progress=progress
        )
    for program, report in reports.items():
        print_summary(output / program, report)


@contextmanager
def watching() -> Iterator[Callable[[str, int], None] | None]:
    """Yield a function that shows (phase, rows so far) on stderr; None where stderr is no terminal."""
    from riskadj.terminal import make_console

    console = make_console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description} {task.completed:,} rows")
    with Progress(SpinnerColumn(), words, TimeElapsedColumn(), console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(phase: str, n_rows: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=None)
            bars.update(tasks[phase], completed=n_rows)

        yield show
