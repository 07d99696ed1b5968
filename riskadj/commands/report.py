"""`riskadj report`: one page of HTML on the scores of a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.errors import OutputExistsError
from riskadj.terminal import guarded


@guarded
def report(
    directory: Annotated[Path, typer.Argument(help="What riskadj score wrote.", metavar="SCORES_DIR")],
    output: Annotated[Path, typer.Option(help="HTML file to write.", metavar="FILE")],
    min_cell: Annotated[
        int | None, typer.Option(help="Blank numbers of fewer members, such as 11.", metavar="N")
    ] = None,
    impact: Annotated[
        Path | None, typer.Option(help="What riskadj impact wrote, of these scores.", metavar="DIR")
    ] = None,
    gaps: Annotated[
        Path | None, typer.Option(help="What riskadj gaps wrote, of the same population.", metavar="DIR")
    ] = None,
    marginal: Annotated[
        Path | None, typer.Option(help="What riskadj marginal wrote, of the same population.", metavar="DIR")
    ] = None,
    maps_dir: shared.MapsDir = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Write a report on scores: one HTML file that stands alone.

    Scores by segment, age and plan, their distribution, the most frequent HCCs, what was read and rejected, and the
    tables behind it, with checksums. With --impact, --gaps and --marginal also the shift between two models and its
    causes, the recapture of conditions, and the value at risk.

    \b
    riskadj report scores --output report.html --min-cell 11
    """
    from riskadj.results.summary.page import write_report
    from riskadj.results.summary.report import read_report
    from riskadj.terminal import make_console, print_line

    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists; pass --overwrite or choose another file.")
    found = read_report(
        directory, min_cell=min_cell, maps_dir=maps_dir, impact=impact, gaps=gaps, marginal=marginal
    )
    write_report(found, output)
    print_line(make_console(), f"written to {output}", hanging=2)
