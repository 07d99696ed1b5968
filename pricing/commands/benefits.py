"""`pricing benefits compare`: plan designs of a TOML file side by side on a claims extract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import Workbook
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.benefits.scenarios import Comparison


@guarded
def compare(
    claims: Annotated[
        list[str],
        typer.Option(help="Claims extract: file, directory or quoted glob; may be repeated.", metavar="PATH"),
    ],
    designs: Annotated[Path, typer.Option(help="TOML file with [[design]] tables.", metavar="PATH")],
    output: Annotated[
        Path, typer.Option(help="Directory to write; appears whole or not at all.", metavar="DIR")
    ],
    members: Annotated[
        str | None,
        typer.Option(
            help="Everyone covered in --year: member_id, months_enrolled, family_id, risk_score.",
            metavar="PATH",
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option(help="Only lines with service dates in this calendar year.", metavar="YEAR")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Design under which the claims arose. Default: the first.", metavar="NAME"),
    ] = None,
    trend: Annotated[
        float, typer.Option(help="Growth of allowed amounts, 0.07 = 7 percent.", metavar="RATE")
    ] = 0.0,
    induced_demand: Annotated[
        int | None,
        typer.Option(
            help="Use changes with actuarial value as in HHS's risk transfer formula of this benefit year.",
            metavar="YEAR",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Default: every processor. Never changes a result.", metavar="N")
    ] = None,
    workbook: Workbook = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")
    ] = False,
) -> None:
    """Compare plan designs on a claims extract: cost, actuarial value, winners and losers, trend leverage.

    Writes compared_designs, compared_deciles, compared_distribution, compared_utilization and assumptions (Parquet), a
    chart and run.json into the output directory, and prints the designs.

    \b
    pricing benefits compare --claims claims.parquet --designs designs.toml --output compared
    """
    from pricing.benefits.design import read_designs
    from pricing.benefits.induced_demand import federal_induced_demand
    from pricing.benefits.scenarios import compare as compare_designs

    found = compare_designs(
        read_designs(designs),
        claims[0] if len(claims) == 1 else claims,
        members=members,
        year=year,
        base=base,
        trend=trend,
        induced_demand=None if induced_demand is None else federal_induced_demand(induced_demand),
        threads=threads,
    )
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        from pricing.worksheets import write_comparison

        write_comparison(found, workbook, overwrite=overwrite)
    _print(found, output)


def _print(found: Comparison, output: Path) -> None:
    run = found.run
    title = f"{run['lines_adjudicated']:,} claim lines of {run['members']:,} members, against {run['base']}"
    headings = ["design", "AV", "plan PMPM", "change", "member PMPM", "use", "leverage"]
    rows = [
        [
            row["design"], f"{row['actuarial_value']:.1%}", f"{row['plan_paid_pmpm']:,.2f}",
            f"{row['plan_paid_change']:+.1%}", f"{row['member_paid_pmpm']:,.2f}", f"{row['utilization']:.3f}",
            "-" if row["leverage"] is None else f"{row['leverage']:.2f}",
        ]
        for row in found.designs.to_pylist()
    ]  # fmt: skip
    names = ("lines_read", "lines_adjudicated", "lines_netted", "lines_of_other_years")
    counts = ", ".join(f"{name.replace('_', ' ')} {run[name]:,}" for name in names)
    print_result(title, headings, rows, output, notes=[counts, *run["warnings"]])
