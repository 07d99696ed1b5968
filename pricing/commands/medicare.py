"""`pricing medicare bid | part-d`: Medicare Advantage and Part D bids of many plans, from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.options import Output, Overwrite, Parameters, PaymentYear, Workbook, listed
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    import pyarrow as pa


@guarded
def bid(
    plans: Annotated[
        str,
        typer.Option(help="Plans: plan_id, stars, projected_risk_score, margin_share, ...", metavar="PATH"),
    ],
    experience: Annotated[
        str, typer.Option(help="Base experience by plan and service category.", metavar="PATH")
    ],
    service_area: Annotated[
        str, typer.Option(help="Counties by plan: county_code, member_months, rate.", metavar="PATH")
    ],
    payment_year: PaymentYear,
    output: Output,
    rebate_order: Annotated[
        str | None,
        typer.Option(
            help="Uses of the rebate in the order in which it is spent, with commas.", metavar="USES"
        ),
    ] = None,
    parameters: Parameters = None,
    workbook: Workbook = None,
    overwrite: Overwrite = False,
) -> None:
    """Build Medicare Advantage bids: base experience to required revenue, rebate and premium, many plans at once.

    Writes bids, bid_projection, bid_counties, bid_checks and assumptions (Parquet), a chart and run.json into the
    output directory, and prints the bids and what reviewers would flag.

    \b
    pricing medicare bid --plans plans.csv --experience experience.csv --service-area counties.csv
        --payment-year 2026 --output bids
    """
    from pricing.medicare.bid_worksheets import USES, bid_flow
    from pricing.parameters import load_rates
    from pricing.worksheets.bid import write_bid

    order = USES if rebate_order is None else listed(rebate_order)
    found = bid_flow(
        plans, experience=experience, service_area=service_area, payment_year=payment_year, rebate_order=order,
        rates=load_rates("medicare", payment_year, overrides=parameters),
    )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        write_bid(found, workbook, overwrite=overwrite)
    names = ("standardised_bid", "standardised_benchmark", "rebate", "member_premium", "total_margin_share")
    headings = ("plan", "bid", "benchmark", "rebate", "premium", "margin")
    title = f"{found.plans.n_rows:,} bids for {payment_year}"
    _print(title, headings, found.bids, names, found.checks, output, [workbook])


@guarded
def part_d(
    plans: Annotated[
        str,
        typer.Option(
            help="Plans: plan_id, kind, plan_type, base_member_months, projected_risk_score, margin_share, ...",
            metavar="PATH",
        ),
    ],
    claims: Annotated[
        str, typer.Option(help="Drug claims with plan_id: enrollee_id, tier, gross_cost, ...", metavar="PATH")
    ],
    payment_year: PaymentYear,
    output: Output,
    designs: Annotated[
        str | None,
        typer.Option(help="Cost sharing by plan and tier; not of defined standards.", metavar="PATH"),
    ] = None,
    trends: Annotated[
        str | None, typer.Option(help="Projection factors by plan and tier. Default: none.", metavar="PATH")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Of the tests of equivalence, share of the target.", metavar="SHARE")
    ] = None,
    parameters: Parameters = None,
    workbook: Workbook = None,
    overwrite: Overwrite = False,
) -> None:
    """Build Part D bids: drug claims to coverage, equivalence, bid, subsidies and premium, many plans at once.

    Writes part_d_bids, part_d_checks, part_d_coverage, part_d_tiers, part_d_intervals, part_d_tests and assumptions
    (Parquet), a chart and run.json into the output directory, and prints the bids and what reviewers would flag.

    \b
    pricing medicare part-d --plans plans.csv --claims scripts.parquet --designs tiers.csv
        --payment-year 2026 --output bids
    """
    from pricing.medicare.drug_projection import drug_experience
    from pricing.medicare.equivalence import TOLERANCE
    from pricing.medicare.part_d_bid import part_d_bids
    from pricing.parameters import load_rates
    from pricing.worksheets.part_d_bid import write_part_d_bid

    own = load_rates("medicare", payment_year, overrides=parameters)
    covered = drug_experience(
        plans, claims=claims, designs=designs, trends=trends, payment_year=payment_year, rates=own,
        tolerance=TOLERANCE if tolerance is None else tolerance,
    )  # fmt: skip
    found = part_d_bids(plans, coverage=covered, payment_year=payment_year, rates=own)
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        write_part_d_bid(found, workbook, overwrite=overwrite)
    names = ("standardised_bid", "direct_subsidy", "reinsurance", "total_premium", "margin")
    headings = ("plan", "bid", "direct subsidy", "reinsurance", "premium", "margin")
    title = f"{found.plans.n_rows:,} Part D bids for {payment_year}"
    _print(title, headings, found.bids, names, found.checks, output, [workbook])


def _print(
    title: str,
    headings: tuple[str, ...],
    bids: pa.Table,
    names: tuple[str, ...],
    checks: pa.Table,
    output: Path,
    also: Sequence[Path | None],
) -> None:
    rows = [[row["plan_id"], *(_shown(name, row[name]) for name in names)] for row in bids.to_pylist()]
    flags = [
        f"{row['plan_id']}: {row['check']}: {row['message']}"
        for row in checks.to_pylist()
        if row["is_flagged"]
    ]
    print_result(title, headings, rows, output, notes=flags, also=also)


def _shown(name: str, value: Any) -> str:
    return f"{value:.1%}" if "margin" in name else f"{value:,.2f}"
