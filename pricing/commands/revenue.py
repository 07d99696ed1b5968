"""`pricing revenue forecast | compare | sensitivities`: revenue by month from scored members and scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import Output, Overwrite, Workbook
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
    named,
)
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.revenue import RevenueForecast


@guarded
def forecast(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    output: Output,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    scenarios: Scenarios = None,
    scenario: ScenarioName = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    members: Members = None,
    by: By = None,
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

    inputs = Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, members, by)
    found = inputs.forecast(chosen(scenarios, scenario))
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        write_forecast(found, workbook, overwrite=overwrite)
    _print_years(found, output)


@guarded
def compare(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    scenarios: Annotated[Path, typer.Option(help="TOML file with [[scenario]] tables.", metavar="PATH")],
    before: Annotated[str, typer.Option(help="Scenario of the file to start from.", metavar="NAME")],
    after: Annotated[str, typer.Option(help="Scenario of the file to end with.", metavar="NAME")],
    output: Output,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    members: Members = None,
    by: By = None,
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

    inputs = Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, members, by)
    start = inputs.forecast(named(scenarios, before))
    found = compare_forecasts(start, start.under(named(scenarios, after)))
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [row["step"], "" if place == 0 else f"{row['change']:+,.2f}", f"{row['level']:,.2f}"]
        for place, row in enumerate(found.summary().to_dict("records"))
    ]
    print_result(repr(found)[1:-1], ["step", "change", "revenue"], rows, output)


@guarded
def sensitivities(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    scenarios: Annotated[Path, typer.Option(help="TOML file with [[scenario]] tables.", metavar="PATH")],
    output: Output,
    scenario: ScenarioName = None,
    relative: Annotated[
        float, typer.Option(help="By how much each assumption is set lower and higher.", metavar="SHARE")
    ] = 0.1,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    by: By = None,
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

    inputs = Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, None, by)
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


def _print_years(found: RevenueForecast, output: Path) -> None:
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
    print_result(title, headings, rows, output, notes=[note])
