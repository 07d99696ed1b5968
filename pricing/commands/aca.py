"""`pricing aca rates | transfer | simulate`: rate tables of a filing, risk transfers of a market, what-ifs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import BenefitYear, Output, Overwrite, Parameters, Workbook, payment_scores
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    import pyarrow as pa

    from pricing.aca.rate_tables import RateTable
    from pricing.aca.simulation import Simulation
    from pricing.aca.transfer import RiskTransfer
    from pricing.parameters import Rates

Dollars = Annotated[
    float, typer.Option(help="Dollars per member and month of paid claims.", metavar="DOLLARS")
]
Factor = Annotated[float, typer.Option(help="The pool's average factor.", metavar="FACTOR")]
Enrollees = Annotated[str | None, typer.Option(help="Enrollees with their scores and plans.", metavar="PATH")]
Scores = Annotated[
    Path | None,
    typer.Option(help="Or what `riskadj score --program hhs` wrote, with --enrollment.", metavar="PATH"),
]
Enrollment = Annotated[
    str | None, typer.Option(help="The enrollment that was scored, with plans and premiums.", metavar="PATH")
]


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
    _print_rates(found, output, [workbook, csv])


def _print_rates(found: RateTable, output: Path, also: Sequence[Path | None]) -> None:
    frame = found.summary()
    bands = list(frame.columns[2:])
    rows = [
        [row["plan_id"], row["rating_area"], *(f"{row[band]:,.2f}" for band in bands)]
        for row in frame.to_dict("records")
    ]
    counts = found.run["counts"]
    title = f"{counts['rates']:,} rates of {counts['plans']:,} plans, {found.run['state']}, {found.run['benefit_year']}"
    headings = ["plan", "area", *(band.replace("_", " ") for band in bands)]
    print_result(title, headings, rows, output, justify="ll" + "r" * len(bands), also=also)


@guarded
def transfer(
    benefit_year: BenefitYear,
    output: Output,
    market: Annotated[
        str | None,
        typer.Option(help="Plans by rating area, with plrs, arf, premium_pmpm, ...", metavar="PATH"),
    ] = None,
    enrollees: Enrollees = None,
    scores: Scores = None,
    enrollment: Enrollment = None,
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

    if sum(given is not None for given in (market, enrollees, scores)) != 1:
        raise InputError("give one of --market, --enrollees, and --scores with --enrollment.")
    own = load_rates("aca", benefit_year, overrides=parameters)
    if market is None:
        people = _enrollees(enrollees, scores, enrollment, own)
        plans = market_of_enrollees(people, benefit_year=benefit_year, rates=own)
    found = risk_transfer(
        plans if market is None else market,
        benefit_year=benefit_year,
        state_averages=state_averages,
        rates=own,
    )
    found.write(output, chart=True, overwrite=overwrite)
    _print_transfers(found, output)


def _enrollees(
    enrollees: str | None, scores: Path | None, enrollment: str | None, rates: Rates
) -> str | pa.Table:
    """Return the enrollees that a command was given, or that its scores and enrollment make."""
    from pricing.aca.enrollees import enrollees_of_scores
    from pricing.errors import InputError

    if scores is not None and enrollment is not None and enrollees is None:
        return enrollees_of_scores(payment_scores(scores), enrollment, benefit_year=rates.year, rates=rates)
    if enrollees is not None and scores is None and enrollment is None:
        return enrollees
    raise InputError("give either --enrollees, or --scores and --enrollment.")


@guarded
def simulate(
    benefit_year: BenefitYear,
    output: Output,
    scenarios: Annotated[
        str,
        typer.Option(
            help="TOML of [[scenario]] tables: name, where, multiply, set_to, share.", metavar="PATH"
        ),
    ],
    enrollees: Enrollees = None,
    scores: Scores = None,
    enrollment: Enrollment = None,
    issuer: Annotated[
        str | None, typer.Option(help="Draw and print this issuer alone.", metavar="ID")
    ] = None,
    draws: Annotated[int, typer.Option(help="How many times families are drawn; 0: no ranges.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same draws.")] = 0,
    parameters: Parameters = None,
    overwrite: Overwrite = False,
) -> None:
    """Simulate risk transfers of a market as it is and under scenarios, with the range that chance gives each.

    Writes simulated_transfers, simulated_draws, scenarios and assumptions (Parquet) and run.json into the output
    directory, with --issuer also a chart, and prints each scenario's transfers.

    \b
    pricing aca simulate --scores scores --enrollment enrollment.parquet
        --scenarios scenarios.toml --issuer 11111 --benefit-year 2026 --output simulated
    """
    from pricing.aca.market_scenarios import read_scenarios
    from pricing.aca.simulation import simulate as simulation
    from pricing.parameters import load_rates

    own = load_rates("aca", benefit_year, overrides=parameters)
    changes = read_scenarios(scenarios)
    people = _enrollees(enrollees, scores, enrollment, own)
    found = simulation(people, changes, benefit_year=benefit_year, draws=draws, seed=seed, rates=own)
    found.write(output, chart_of=issuer, overwrite=overwrite)
    _print_simulation(found, issuer, output)


def _print_simulation(found: Simulation, issuer: str | None, output: Path) -> None:
    frame = found.summary(issuer_id=issuer)
    ranges = [name for name in ("change_p5", "change_p95") if name in frame]
    rows = [
        [
            row["scenario"], row["state"], row["market"], row["issuer_id"], f"{row['transfer']:,.2f}",
            f"{row['change']:+,.2f}", *(f"{row[name]:+,.0f}" for name in ranges),
        ]
        for row in frame.to_dict("records")
    ]  # fmt: skip
    headings = [
        "scenario",
        "state",
        "market",
        "issuer",
        "transfer",
        "change",
        *("5 %", "95 %")[: len(ranges)],
    ]
    print_result(repr(found).strip("<>"), headings, rows, output, justify="llll" + "r" * (2 + len(ranges)))


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
    print_result(title, headings, rows, output, justify="llllrrrr", notes=found.warnings)
