"""`pricing revenue forecast | compare | sensitivities | draws`: revenue by month from scored members and scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import Output, Overwrite, Threads, Workbook
from pricing.commands.printing import print_result
from pricing.commands.revenue_options import Inputs, ScenarioFile, ScenarioName, Scenarios, chosen, named
from riskadj.terminal import guarded, takes

if TYPE_CHECKING:
    from pricing.revenue import RevenueForecast


@guarded
@takes(Inputs, "inputs")
def forecast(
    inputs: Inputs,
    output: Output,
    scenarios: Scenarios = None,
    scenario: ScenarioName = None,
    workbook: Workbook = None,
    overwrite: Overwrite = False,
) -> None:
    """Forecast Part C and Part D revenue by month, with its settlement and accruals.

    Writes revenue_months, revenue_cohorts, revenue_movements, revenue_service_months, revenue_payments,
    revenue_accruals, revenue_calendar, revenue_base and assumptions (Parquet), charts and run.json into the output
    directory, and prints the payment years.

    \b
    pricing revenue forecast --scores scores --enrollment enrollment.parquet --terms terms.csv
                             --base-month 2026-01 --scenarios scenarios.toml --output forecast
    """
    from pricing.worksheets import write_forecast

    found = inputs.forecast(chosen(scenarios, scenario))
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        write_forecast(found, workbook, overwrite=overwrite)
    _print_years(found, output, [workbook])


@guarded
@takes(Inputs, "inputs")
def compare(
    inputs: Inputs,
    scenarios: ScenarioFile,
    before: Annotated[str, typer.Option(help="Scenario of the file to start from.", metavar="NAME")],
    after: Annotated[str, typer.Option(help="Scenario of the file to end with.", metavar="NAME")],
    output: Output,
    overwrite: Overwrite = False,
) -> None:
    """Compare two scenarios: what makes revenue differ, assumption by assumption, adding up to the cent.

    Writes revenue_steps, revenue_step_months, revenue_compared and revenue_assumptions (Parquet), a chart and run.json
    into the output directory, and prints the steps.

    \b
    pricing revenue compare --scores scores --enrollment enrollment.parquet --terms terms.csv --base-month 2026-01
                            --scenarios scenarios.toml --before budget --after latest --output compared
    """
    from pricing.revenue import compare as compare_forecasts

    start = inputs.forecast(named(scenarios, before))
    found = compare_forecasts(start, start.under(named(scenarios, after)))
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [row["step"], "" if place == 0 else f"{row['change']:+,.2f}", f"{row['level']:,.2f}"]
        for place, row in enumerate(found.summary().to_dict("records"))
    ]
    print_result(repr(found)[1:-1], ["step", "change", "revenue"], rows, output)


@guarded
@takes(Inputs, "inputs", without=["members"])
def sensitivities(
    inputs: Inputs,
    scenarios: ScenarioFile,
    output: Output,
    scenario: ScenarioName = None,
    relative: Annotated[
        float, typer.Option(help="By how much each assumption is set lower and higher.", metavar="SHARE")
    ] = 0.1,
    overwrite: Overwrite = False,
) -> None:
    """Set each assumption of a scenario lower and higher: how far revenue moves, as a tornado.

    Writes revenue_sensitivities and assumptions (Parquet), a chart and run.json into the output directory, and prints
    the sensitivities.

    \b
    pricing revenue sensitivities --scores scores --enrollment enrollment.parquet --terms terms.csv
                                  --base-month 2026-01 --scenarios scenarios.toml --output tornado
    """
    from pricing.revenue import around, tornado

    made = inputs.forecast(chosen(scenarios, scenario))
    found = tornado(made, around(made.scenario, relative=relative))
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [
            row["sensitivity"],
            f"{row['change_low']:+,.2f}",
            f"{row['change_high']:+,.2f}",
            f"{row['share_high']:+.2%}",
        ]
        for row in found.bars.to_pylist()
    ]
    print_result(repr(found)[1:-1], ["assumption", "set lower", "set higher", "share"], rows, output)


@guarded
@takes(Inputs, "inputs")
def draws(
    inputs: Inputs,
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
    scenarios: Scenarios = None,
    scenario: ScenarioName = None,
    threads: Threads = None,
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


def _print_years(found: RevenueForecast, output: Path, also: Sequence[Path | None]) -> None:
    headings = [
        "payment year",
        "member months",
        "score",
        "Part C",
        "Part D",
        "revenue",
        "PMPM",
        "settled later",
    ]
    rows = [
        [
            str(year), f"{row['member_months']:,.1f}", f"{row['part_c_score']:.4f}", f"{row['part_c']:,.2f}",
            f"{row['part_d']:,.2f}", f"{row['revenue']:,.2f}", f"{row['revenue_pmpm']:,.2f}",
            f"{row['settled_later']:,.2f}",
        ]
        for year, row in found.summary().iterrows()
    ]  # fmt: skip
    counts = found.membership.counts
    title = f"{counts['members']:,} members of {found.run['base_month']}, scenario {found.scenario.name}"
    note = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    print_result(title, headings, rows, output, notes=[note], also=also)
