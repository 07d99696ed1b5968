"""`riskadj score`: extracts in, files of scores out, a summary to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.guard import guarded


@guarded
def score(
    enrollment: shared.Enrollment,
    diagnoses: shared.Diagnoses,
    payment_year: shared.PaymentYear,
    output: Annotated[
        Path, typer.Option(help="Directory to write; appears whole or not at all.", metavar="DIR")
    ],
    program: shared.Program = shared.PROGRAM,
    models: shared.Models = None,
    segments: shared.Segments = "paid",
    diagnosis_filter: shared.DiagnosisFilter = "none",
    edits: shared.Edits = "default",
    rejects: shared.RejectsMode = "stop",
    drugs: shared.Drugs = None,
    collection: shared.Collection = None,
    eligible_procedures: shared.EligibleProcedures = None,
    layout: shared.Layout = "riskadj",
    columns: shared.Columns = None,
    threads: shared.Threads = None,
    memory: Annotated[
        str | None, typer.Option(help="Stay below this memory, such as 4GB.", metavar="SIZE")
    ] = None,
    maps_dir: shared.MapsDir = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Score a population: payment risk scores per enrollment row.

    Writes payment_scores.parquet, model_scores.parquet, rejects.parquet and run.json into the output directory, and
    prints what was read, used and scored.

    \b
    riskadj score --payment-year 2026 --output scores \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    limit = None if memory is None else shared.parse_memory(memory)
    names = shared.parse_columns(columns)
    from riskadj.commands.run_summary import print_summary
    from riskadj.front_door import make_options, score_to_directory

    checked = make_options(
        payment_year=payment_year, program=program, models=models, segments=segments, diagnosis_filter=diagnosis_filter,
        edits=edits, rejects=rejects, collection=collection,
        eligible_procedures=eligible_procedures, threads=threads, maps_dir=maps_dir, memory=limit,
    )  # fmt: skip
    with watching() as progress:
        report = score_to_directory(
            shared.source_of(enrollment), shared.source_of(diagnoses), output, options=checked,
            drugs=shared.source_of(drugs) if drugs else None, layout=layout, columns=names,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
    print_summary(output, report)


@contextmanager
def watching() -> Iterator[Callable[[str, int], None] | None]:
    """Yield a function that shows (phase, rows so far) on stderr; None where stderr is no terminal."""
    from riskadj.commands.printing import make_console

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
