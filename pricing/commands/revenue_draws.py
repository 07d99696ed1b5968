"""`pricing revenue draws`: how far revenue could be from its forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pricing.commands.options import Output, Overwrite
from pricing.commands.printing import print_result
from pricing.commands.revenue_options import (
    BaseMonth,
    By,
    Enrollment,
    FirstMonth,
    Inputs,
    Members,
    Months,
    PartD,
    ScenarioName,
    Scenarios,
    Scores,
    Terms,
    chosen,
)
from riskadj.terminal import guarded


@guarded
def draws(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    output: Output,
    uncertain: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with [[uncertain]] tables: assumptions and their distributions.", metavar="PATH"
        ),
    ] = None,
    n_draws: Annotated[int, typer.Option("--draws", help="How many draws.", metavar="N")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same draws.", metavar="N")] = 0,
    draw_members: Annotated[bool, typer.Option(help="Draw the members with replacement.")] = True,
    chance: Annotated[bool, typer.Option("--chance", help="Draw who comes and goes.")] = False,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    scenarios: Scenarios = None,
    scenario: ScenarioName = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    members: Members = None,
    by: By = None,
    threads: Annotated[
        int | None, typer.Option(help="Default: every processor. Never changes a result.", metavar="N")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw the revenue of a forecast again and again: quantiles by month and year, and what each source adds.

    Writes revenue_quantiles, revenue_quantiles_years, revenue_sources, revenue_draws, revenue_drawn_parameters and
    assumptions (Parquet), a fan chart and run.json into the output directory, and prints the payment years.

    \b
    pricing revenue draws --scores scores --enrollment enrollment.parquet --terms terms.csv --base-month 2026-01
                          --scenarios scenarios.toml --uncertain uncertain.toml --chance --output draws
    """
    from pricing.revenue import draw_revenue, read_uncertain

    inputs = Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, members, by)
    drawn, correlations = ((), {}) if uncertain is None else read_uncertain(uncertain)
    made = inputs.forecast(chosen(scenarios, scenario))
    found = draw_revenue(
        made, draws=n_draws, seed=seed, uncertain=drawn, correlations=correlations, members=draw_members,
        chance=chance, threads=threads,
    )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    columns = ("forecast", "mean", "standard_deviation", "p5", "p50", "p95")
    rows = [
        [row["payment_year"], *(f"{row[name]:,.2f}" for name in columns)] for row in found.years.to_pylist()
    ]
    title = (
        f"{found.run['draws']:,} draws of {found.run['members']:,} members, scenario {found.run['scenario']}"
    )
    spread = [f"{row['source']} {row['share_of_variance']:.1%}" for row in found.sources.to_pylist()[:-1]]
    headings = ["payment year", "forecast", "mean", "st. dev.", "5 %", "median", "95 %"]
    print_result(title, headings, rows, output, notes=[f"variance of each source alone: {', '.join(spread)}"])
