"""`riskadj factors`: what every score is the sum of, a line for each variable that scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.terminal import guarded


@guarded
@reads_extracts()
def factors(
    reading: Reading,
    output: shared.Output,
    segments: shared.Segments = "paid",
    overwrite: shared.Overwrite = False,
) -> None:
    """Write what every score is the sum of: a row for each variable that scored, with its relative factor.

    Writes factors.parquet and run.json into the output directory, and prints how many lines there are. The demographic
    lines of a row of model_scores add up to its demographic_score, the others to its disease_score. Takes the options
    of `riskadj score`.

    \b
    riskadj factors --payment-year 2026 --output factors \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    extracts = reading.extracts
    from riskadj.commands.score import watching
    from riskadj.front_door import factors_to_directory, make_options

    checked = make_options(**reading.scoring, segments=segments)
    with watching() as progress:
        report = factors_to_directory(
            **extracts, output=output, options=checked, overwrite=overwrite, progress=progress
        )
    _print(output, report)


def _print(output: Path, report: dict[str, Any]) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.terminal import count, make_console, print_table

    console = make_console()
    print_head(console, report)
    cells = [
        (line["model_id"], "demographic" if line["is_demographic"] else "disease", count(line["lines"]))
        for line in report["factors"]
    ]
    print_table(console, ("model", "part of the score", "lines"), cells, justify="llr")
    print_notes(console, report)
    print_written(console, output)
