"""`pricing medicaid rates`: capitation rates from base data, with their range, and risk adjustment by plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import Output, Overwrite, Parameters
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.medicaid.capitation import CapitationRates
    from pricing.medicaid.risk_adjustment import RiskAdjustedRates

#: Directory of the risk-adjusted rates, inside the output directory's name.
_ADJUSTED = "_risk_adjusted"


@guarded
def rates(
    services: Annotated[
        str,
        typer.Option(
            help="Base data and assumptions by rate cell, region and service category.", metavar="PATH"
        ),
    ],
    cells: Annotated[str, typer.Option(help="Rate cells: units, non-benefit cost, margin.", metavar="PATH")],
    rating_year: Annotated[int, typer.Option(help="Year in which the rating period begins.", metavar="YEAR")],
    trend_months: Annotated[
        float, typer.Option(help="From the middle of the base period to that of rating.", metavar="MONTHS")
    ],
    output: Output,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Scores by mco, rate_cell and region: rates by plan too, in DIR_risk_adjusted.",
            metavar="PATH",
        ),
    ] = None,
    decimals: Annotated[
        int | None, typer.Option(help="Places of relative scores. Default: not rounded.", metavar="N")
    ] = None,
    parameters: Parameters = None,
    overwrite: Overwrite = False,
) -> None:
    """Build Medicaid capitation rates cell by cell, low, best and high, and check them against 42 CFR 438.

    Writes capitation_rates, rate_checks, rate_steps and assumptions (Parquet), a chart and run.json into the output
    directory, and prints the rates; with --scores risk_adjusted_rates and risk_adjustment_pools beside it.

    \b
    pricing medicaid rates --services services.csv --cells cells.csv --rating-year 2026 --trend-months 24 --output rates
    """
    from pricing.medicaid.capitation import capitation_rates
    from pricing.medicaid.risk_adjustment import risk_adjusted_rates

    found = capitation_rates(
        services, cells, rating_year=rating_year, trend_months=trend_months, overrides=parameters
    )
    adjusted = None if scores is None else risk_adjusted_rates(found, scores, decimals=decimals)
    found.write(output, chart=True, overwrite=overwrite)
    _print(found, output)
    if adjusted is not None:
        beside = output.with_name(output.name + _ADJUSTED)
        adjusted.write(beside, chart=True, overwrite=overwrite)
        _print_adjusted(adjusted, beside)


def _print(found: CapitationRates, output: Path) -> None:
    run = found.run
    title = f"{run['cells']:,} rate cells, {run['member_months']:,.0f} member months, ${run['dollars']:,.0f}"
    rows = [
        [
            row["rate_cell"], row["region"], row["unit"].replace("_", " "), f"{row['units']:,.0f}",
            *(f"{row[name]:,.2f}" for name in ("rate_low", "rate", "rate_high")), str(row["checks_failed"]),
        ]
        for row in found.summary().to_dict("records")
    ]  # fmt: skip
    headings = ("rate cell", "region", "unit", "units", "low", "rate", "high", "checks failed")
    failed = [
        f"{row['rate_cell']}, {row['region']}: {row['check']} {row['value']:.4f}, limit {row['limit']:.4f} "
        f"({row['source']})"
        for row in found.checks.to_pylist()
        if not row["passed"]
    ]
    print_result(title, headings, rows, output, justify="lllrrrrr", notes=failed)


def _print_adjusted(found: RiskAdjustedRates, output: Path) -> None:
    rows = [
        [
            row["mco"], f"{row['member_months']:,.0f}", f"{row['mean_factor']:.4f}",
            *(f"{row[name]:,.2f}" for name in ("payment_before", "payment", "change")),
        ]
        for row in found.summary().to_dict("records")
    ]  # fmt: skip
    headings = ("mco", "member months", "mean factor", "payment before", "payment", "change")
    print_result("risk-adjusted rates by plan", headings, rows, output)
