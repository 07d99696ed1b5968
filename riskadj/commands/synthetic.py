"""`riskadj synthetic`: an invented population to play and measure with."""

from __future__ import annotations

from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.terminal import guarded


@guarded
def synthetic(
    members: Annotated[int, typer.Option(help="Number of members.", metavar="N")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same population.", metavar="S")],
    service_year: Annotated[
        int,
        typer.Option(
            help="Year of diagnoses and claims; enrollment is for the year after, for hhs of the same.",
            metavar="YEAR",
        ),
    ],
    output: shared.Output,
    program: Annotated[
        str, typer.Option(help="Whose population: Medicare, or the ACA markets.", metavar="PROGRAM")
    ] = shared.PROGRAM,
    order: Annotated[
        str, typer.Option(help="Rows of all members mixed, or member by member.", metavar="random|member")
    ] = "random",
) -> None:
    """Make an invented population to play with.

    Writes enrollment, diagnoses and claims (for hhs also drugs) extracts of people who do not exist. The same numbers
    give the same rows on every machine.
    """
    from riskadj.extracts.write import OutputDirectory
    from riskadj.synthetic import make_synthetic
    from riskadj.terminal import count, make_console, print_line

    with OutputDirectory(output) as path:
        written = make_synthetic(
            members,
            seed=seed,
            service_year=service_year,
            program=program,
            directory=path,
            order=order,  # type: ignore[arg-type]
        )
    files = ", ".join(f"{name}.parquet" for name in written)
    print_line(make_console(), f"{count(members)} invented members written to {output}: {files}", hanging=2)
