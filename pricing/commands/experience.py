"""`pricing experience pmpm | ibnr | trend`: what claims cost per member, what is not yet paid, how fast it grows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.options import ClaimLines, Enrollment, Output, Overwrite, day, listed
from pricing.commands.printing import MOST_ROWS, print_result
from riskadj.terminal import guarded, takes

if TYPE_CHECKING:
    from pricing.experience.incurred_claims import Incurred
    from pricing.experience.trend import Trend
    from pricing.experience.unpaid_claims import Ibnr


@guarded
@takes(ClaimLines, "lines")
def pmpm(
    lines: ClaimLines,
    enrollment: Enrollment,
    first_month: Annotated[str, typer.Option(help="First month incurred, YYYY-MM.", metavar="MONTH")],
    last_month: Annotated[str, typer.Option(help="Last month incurred, YYYY-MM.", metavar="MONTH")],
    output: Output,
    by: Annotated[
        str | None, typer.Option(help="Columns of the enrollment to split by.", metavar="COLUMN,...")
    ] = None,
    amount: Annotated[
        str, typer.Option(help="allowed_amount or paid_amount.", metavar="COLUMN")
    ] = "allowed_amount",
    utilization: Annotated[
        str, typer.Option(help="What is counted: units, claims or lines.", metavar="WHAT")
    ] = "units",
    convention: Annotated[
        str,
        typer.Option(
            help="How a month covered in part counts: days, first_day or mid_month.", metavar="RULE"
        ),
    ] = "days",
    overwrite: Overwrite = False,
) -> None:
    """PMPM, utilization per 1,000 and unit cost by month and service category.

    Writes incurred_services, incurred_totals and assumptions (Parquet), a chart and run.json into the output directory,
    and prints the totals.

    \b
    pricing experience pmpm --claims claims.parquet --enrollment enrollment.parquet
                            --first-month 2025-01 --last-month 2025-12 --output pmpm
    """
    from pricing.experience.exposure import member_months
    from pricing.experience.incurred_claims import incurred

    months = member_months(
        enrollment, first_month=first_month, last_month=last_month, by=listed(by), convention=convention
    )
    found = incurred(lines.source, months, amount=amount, utilization=utilization, **lines.reading)
    found.write(output, chart=True, overwrite=overwrite)
    _print_pmpm(found, output)


@guarded
@takes(ClaimLines, "lines")
def ibnr(
    lines: ClaimLines,
    enrollment: Enrollment,
    valuation_date: Annotated[
        str, typer.Option(help="Last day of a month, YYYY-MM-DD: what was paid by then.", metavar="DATE")
    ],
    output: Output,
    first_month: Annotated[
        str | None,
        typer.Option(help="First month incurred. Default: the first that has a claim.", metavar="MONTH"),
    ] = None,
    amount: Annotated[
        str, typer.Option(help="paid_amount or allowed_amount.", metavar="COLUMN")
    ] = "paid_amount",
    average: Annotated[
        str, typer.Option(help="How age-to-age ratios are averaged.", metavar="NAME")
    ] = "volume",
    last: Annotated[
        int | None, typer.Option(help="Latest ratios of each lag used. Default: all.", metavar="N")
    ] = None,
    tail: Annotated[float, typer.Option(help="From the last lag to ultimate.", metavar="FACTOR")] = 1.0,
    min_completion: Annotated[
        float | None,
        typer.Option(
            help="Months less complete take the method of immature months. Default: 0.65.", metavar="SHARE"
        ),
    ] = None,
    immature: Annotated[
        str, typer.Option(help="pmpm, bornhuetter_ferguson or chain_ladder.", metavar="METHOD")
    ] = "pmpm",
    expected_pmpm: Annotated[
        float | None, typer.Option(help="Of immature months. Default: from the latest mature ones.")
    ] = None,
    trend: Annotated[
        float, typer.Option(help="Of expected PMPM a year, 0.06 = 6 percent.", metavar="RATE")
    ] = 0.0,
    large_claim: Annotated[
        float | None, typer.Option(help="Claims above it are left out of the triangle.", metavar="DOLLARS")
    ] = None,
    large_by: Annotated[str, typer.Option(help="claim_id or member_id.", metavar="COLUMN")] = "claim_id",
    large_part: Annotated[
        str,
        typer.Option(help="What of a large claim is left out: whole, or its excess.", metavar="PART"),
    ] = "whole",
    large_method: Annotated[
        str,
        typer.Option(
            help="How large claims are completed: pmpm, or by their own development.", metavar="METHOD"
        ),
    ] = "pmpm",
    large_pmpm: Annotated[
        str | None,
        typer.Option(
            help="Large claims expected per member and month: dollars, or 'experience'.", metavar="DOLLARS"
        ),
    ] = None,
    margin: Annotated[
        float, typer.Option(help="Explicit provision, share of the estimate.", metavar="SHARE")
    ] = 0.0,
    working_days: Annotated[
        bool, typer.Option("--working-days", help="Payments and services move with working days.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Claims incurred and not yet paid by month, with completion factors and the range of the estimate.

    Writes ibnr_months, ibnr_steps, completion_factors, claim_triangle and assumptions (Parquet), a chart and run.json
    into the output directory, and prints the months that are not complete.

    \b
    pricing experience ibnr --claims claims.parquet --enrollment enrollment.parquet
                            --valuation-date 2025-12-31 --output ibnr
    """
    from pricing.experience.expected_claims import MIN_COMPLETION
    from pricing.experience.exposure import member_months
    from pricing.experience.months import name_of
    from pricing.experience.triangles import claim_triangle
    from pricing.experience.unpaid_claims import ibnr as estimate

    triangle = claim_triangle(
        lines.source,
        valuation_date=day(valuation_date, "--valuation-date"),
        first_month=first_month,
        amount=amount,
        large_claim=large_claim,
        large_by=large_by,
        large_part=large_part,
        use_working_days=working_days,
        **lines.reading,
    )
    window = [name_of(int(triangle.months[place])) for place in (0, -1)]
    found = estimate(
        triangle,
        member_months(enrollment, first_month=window[0], last_month=window[1]),
        average=average,
        last=last,
        tail=tail,
        min_completion=MIN_COMPLETION if min_completion is None else min_completion,
        immature=immature,
        expected_pmpm=expected_pmpm,
        trend_annual=trend,
        use_working_days=working_days,
        large_method=large_method,
        large_pmpm=None if large_pmpm is None else _dollars_or_word(large_pmpm),
        margin=margin,
    )
    found.write(output, chart=True, overwrite=overwrite)
    _print_ibnr(found, output)


@guarded
def trend(
    months: Annotated[
        Path,
        typer.Option(
            help="One row per month: month, the value, member_months if known; such as ibnr_months.parquet.",
            metavar="PATH",
        ),
    ],
    output: Output,
    value: Annotated[
        str, typer.Option(help="Column whose trend is asked for; incurred_pmpm of IBNR.", metavar="COLUMN")
    ] = "pmpm",
    no_seasonality: Annotated[
        bool, typer.Option("--no-seasonality", help="No factor for each calendar month.")
    ] = False,
    confidence: Annotated[float, typer.Option(help="Of the interval.", metavar="SHARE")] = 0.95,
    overwrite: Overwrite = False,
) -> None:
    """Log-linear trend of PMPM a year, with seasonality and its confidence interval.

    Writes trend_months and assumptions (Parquet), a chart and run.json into the output directory, and prints the trend.

    \b
    pricing experience trend --months ibnr/ibnr_months.parquet --value incurred_pmpm --output trend
    """
    from pricing.experience.trend import fit_trend

    found = fit_trend(months, value=value, seasonality=not no_seasonality, confidence=confidence)
    found.write(output, chart=True, overwrite=overwrite)
    _print_trend(found, output)


def _dollars_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _print_pmpm(found: Incurred, output: Path) -> None:
    from pricing.rows import ALL

    run = found.run
    title = f"{run['lines_used']:,} claim lines, {found.exposure.total:,.0f} member months, {found.amount}"
    frame = found.summary()
    is_mixed = found.utilization == "units" and frame["service_category"].nunique() > 1
    rows = [
        [
            *(str(row[name]) for name in (*found.by, "service_category")),
            f"{row['pmpm']:,.2f}",
            *_use_and_price(row, is_mixed=is_mixed and row["service_category"] == ALL),
        ]
        for row in frame.to_dict("records")
    ]
    headings = (*found.by, "service category", "PMPM", f"{found.utilization} per 1,000", "unit cost")
    counts = ", ".join(
        f"{name.replace('_', ' ')} {run[name]:,}"
        for name in ("lines_read", "lines_used", "lines_not_covered", "lines_outside_months")
    )
    print_result(title, headings, rows, output, notes=[counts, *found.warnings], most_rows=MOST_ROWS)


def _use_and_price(row: Mapping[str, Any], *, is_mixed: bool) -> tuple[str, str]:
    """Return utilization and unit cost as text; units of different services (days, scripts) are no sum to show."""
    if is_mixed:
        return "-", "-"
    price = "-" if row["unit_cost"] != row["unit_cost"] else f"{row['unit_cost']:,.2f}"
    return f"{row['utilization_per_1000']:,.2f}", price


def _print_ibnr(found: Ibnr, output: Path) -> None:
    from pricing.experience.unpaid_tables import METHOD_WORDS

    title = f"{found.total:,.0f} dollars not yet paid at {found.triangle.valuation_date}"
    if found.run["margin"]:
        title += f", {found.total_with_margin:,.0f} with margin"
    rows = [
        [
            f"{row['month']:%Y-%m}", f"{row['paid']:,.0f}", f"{row['completion']:.1%}",
            METHOD_WORDS[row["method"]], f"{row['not_yet_paid']:,.0f}", f"{row['incurred_pmpm']:,.2f}",
        ]
        for row in found.summary().reset_index().to_dict("records")
    ]  # fmt: skip
    notes = [*_steps_of_large(found), *found.warnings]
    if found.mack is not None:
        error = found.mack.total
        notes.append(f"standard error of the months by completion (Mack): {error:,.0f} dollars")
    headings = ("month", "paid", "completion", "method", "not yet paid", "incurred PMPM")
    print_result(title, headings, rows, output, justify="lrrlrr", notes=notes)


def _steps_of_large(found: Ibnr) -> list[str]:
    """Return what large claims add to the others, in words; nothing if none are apart."""
    return [
        f"{row['step']}: {row['dollars']:,.0f} dollars"
        for row in found.steps.to_pylist()
        if row["step"].startswith("large claims")
    ]


def _print_trend(found: Trend, output: Path) -> None:
    run = found.run
    title = f"{run['value']} of {run['months']} months, {run['first_month']} to {run['last_month']}"
    rows = [
        [
            f"{found.annual:+.2%}",
            f"{found.low:+.2%} to {found.high:+.2%}",
            f"{found.confidence:.0%}",
            f"{found.r_squared:.3f}",
        ]
    ]
    headings = ("trend a year", "interval", "confidence", "R squared")
    print_result(title, headings, rows, output, notes=found.warnings)
