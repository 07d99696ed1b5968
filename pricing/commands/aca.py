"""`pricing aca rates | transfer`: rate tables of a filing, and risk transfers of a market, from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import BenefitYear, Output, Overwrite, Parameters, Workbook
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.aca.rate_tables import RateTable
    from pricing.aca.transfer import RiskTransfer

Dollars = Annotated[
    float, typer.Option(help="Dollars per member and month of paid claims.", metavar="DOLLARS")
]
Factor = Annotated[float, typer.Option(help="The pool's average factor.", metavar="FACTOR")]


@guarded
def rates(
    plans: Annotated[
        str,
        typer.Option(
            help="Plans of the pool: plan_id, metal_level, av_and_cost_sharing, ...", metavar="PATH"
        ),
    ],
    areas: Annotated[str, typer.Option(help="Rating areas: rating_area, factor.", metavar="PATH")],
    index_rate: Annotated[
        float,
        typer.Option(
            help="Allowed essential health benefits, dollars per member and month.", metavar="DOLLARS"
        ),
    ],
    benefit_year: BenefitYear,
    output: Output,
    state: Annotated[
        str, typer.Option(help="Whose age curve or tiers. Default: the federal rules.", metavar="XX")
    ] = "",
    market: Annotated[
        str, typer.Option(help="individual, small_group or merged.", metavar="NAME")
    ] = "individual",
    age_curve: Annotated[
        str | None, typer.Option(help="An age curve of your own: age_years, factor.", metavar="PATH")
    ] = None,
    risk_adjustment_charge: Dollars = 0.0,
    reinsurance_recovery: Dollars = 0.0,
    exchange_fees: Dollars = 0.0,
    paid_to_allowed: Annotated[float, typer.Option(help="Of the pool.", metavar="RATIO")] = 1.0,
    age_calibration: Factor = 1.0,
    area_calibration: Factor = 1.0,
    tobacco_calibration: Factor = 1.0,
    tobacco_factor: Annotated[float, typer.Option(help="For who may use tobacco.", metavar="FACTOR")] = 1.0,
    parameters: Parameters = None,
    workbook: Workbook = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the rates as one CSV file.", metavar="PATH")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Build rates from the index rate of a pool: every plan, rating area, and age or family tier, to the cent.

    Writes rates, build_up and assumptions (Parquet), a chart and run.json into the output directory, and prints rates
    of a few ages.

    \b
    pricing aca rates --plans plans.csv --areas areas.csv --index-rate 648.20 --benefit-year 2026 --output rates
    """
    from pricing.aca.rate_tables import rate_table, read_areas
    from pricing.aca.rate_walk import Calibration, PoolAdjustments, plan_rates
    from pricing.aca.state_rating import rating_rules
    from pricing.parameters import load_rates
    from pricing.worksheets.rate_table import write_rate_table

    own = load_rates("aca", benefit_year, overrides=parameters)
    rules = rating_rules(state, market=market, age_curve=age_curve, rates=own)
    walk = plan_rates(
        plans,
        index_rate=index_rate,
        adjustments=PoolAdjustments(
            risk_adjustment_charge, reinsurance_recovery, exchange_fees, paid_to_allowed
        ),
        calibration=Calibration(age_calibration, area_calibration, tobacco_calibration),
    )
    found = rate_table(walk, area_factors=read_areas(areas), rules=rules, tobacco_factor=tobacco_factor)
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        write_rate_table(found, workbook, overwrite=overwrite)
    if csv is not None:
        found.write_csv(csv, overwrite=overwrite)
    _print_rates(found, output)


def _print_rates(found: RateTable, output: Path) -> None:
    frame = found.summary()
    bands = list(frame.columns[2:])
    rows = [
        [row["plan_id"], row["rating_area"], *(f"{row[band]:,.2f}" for band in bands)]
        for row in frame.to_dict("records")
    ]
    counts = found.run["counts"]
    title = f"{counts['rates']:,} rates of {counts['plans']:,} plans, {found.run['state']}, {found.run['benefit_year']}"
    headings = ["plan", "area", *(band.replace("_", " ") for band in bands)]
    print_result(title, headings, rows, output, justify="ll" + "r" * len(bands))


@guarded
def transfer(
    benefit_year: BenefitYear,
    output: Output,
    market: Annotated[
        str | None,
        typer.Option(help="Plans by rating area, with plrs, arf, premium_pmpm, ...", metavar="PATH"),
    ] = None,
    enrollees: Annotated[
        str | None, typer.Option(help="Or enrollees with their scores and plans.", metavar="PATH")
    ] = None,
    state_averages: Annotated[
        str | None, typer.Option(help="Published averages, where only some plans are known.", metavar="PATH")
    ] = None,
    parameters: Parameters = None,
    overwrite: Overwrite = False,
) -> None:
    """Compute the risk adjustment transfers between the plans of a market, zero-sum to the cent.

    Writes transfers, transfer_pools and assumptions (Parquet), a chart and run.json into the output directory, and
    prints issuers.

    \b
    pricing aca transfer --market market.csv --benefit-year 2026 --output transfers
    """
    from pricing.aca.market import market_of_enrollees
    from pricing.aca.transfer import risk_transfer
    from pricing.errors import InputError
    from pricing.parameters import load_rates

    if (market is None) == (enrollees is None):
        raise InputError("give either --market or --enrollees.")
    own = load_rates("aca", benefit_year, overrides=parameters)
    plans = (
        market if enrollees is None else market_of_enrollees(enrollees, benefit_year=benefit_year, rates=own)
    )
    found = risk_transfer(plans, benefit_year=benefit_year, state_averages=state_averages, rates=own)
    found.write(output, chart=True, overwrite=overwrite)
    _print_transfers(found, output)


def _print_transfers(found: RiskTransfer, output: Path) -> None:
    rows = [
        [
            row["state"], row["market"], row["pool"], row["issuer_id"], f"{row['billable_member_months']:,.0f}",
            f"{row['transfer']:,.2f}", f"{row['transfer_pmpm']:,.2f}", f"{row['share_of_premium']:+.1%}",
        ]
        for row in found.summary().to_dict("records")
    ]  # fmt: skip
    headings = ("state", "market", "pool", "issuer", "billable months", "transfer", "PMPM", "of premium")
    title = f"transfers of {found.plans.num_rows:,} plans and areas in {found.pools.num_rows:,} pools"
    print_result(title, headings, rows, output, justify="llllrrrr")
