"""`pricing revenue aca`: an issuer's premium, transfer and rebate by month."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pricing.commands.options import BenefitYear, Output, Overwrite
from pricing.commands.printing import print_result
from pricing.commands.revenue_options import ScenarioName, Scenarios, chosen
from riskadj.terminal import guarded


@guarded
def aca(
    enrollees: Annotated[
        Path,
        typer.Option(
            help="Scored enrollees: plan, premium_pmpm, payment_risk_score, enrollment_start_date, ...",
            metavar="PATH",
        ),
    ],
    issuer: Annotated[str, typer.Option(help="Issuer whose revenue it is.", metavar="ID")],
    benefit_year: BenefitYear,
    output: Output,
    competitors: Annotated[
        Path | None,
        typer.Option(help="Plans of other issuers, where the enrollees are one's own only.", metavar="PATH"),
    ] = None,
    state_averages: Annotated[
        Path | None, typer.Option(help="Published state averages instead of competitors.", metavar="PATH")
    ] = None,
    settlements: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with [high_cost.MARKET] and [loss_ratio.MARKET] tables.", metavar="PATH"
        ),
    ] = None,
    base_month: Annotated[
        str | None,
        typer.Option(help="Last month that is known, YYYY-MM; later ones are expected.", metavar="MONTH"),
    ] = None,
    scenarios: Scenarios = None,
    scenario: ScenarioName = None,
    score_completion: Annotated[
        float, typer.Option(help="Share of the year's complete scores in those given.", metavar="SHARE")
    ] = 1.0,
    overwrite: Overwrite = False,
) -> None:
    """Accrue an issuer's revenue of a benefit year: premium, risk adjustment transfer, high-cost pool, MLR rebate.

    Writes aca_revenue_months, aca_revenue_plans, aca_revenue_settlement and assumptions (Parquet), a chart and run.json
    into the output directory, and prints the components.

    \b
    pricing revenue aca --enrollees enrollees.parquet --issuer 99101 --benefit-year 2026 --base-month 2026-04
                        --settlements settlements.toml --output aca
    """
    from pricing.errors import InputError
    from pricing.revenue import aca_revenue, plan_months, read_settlements

    plans = plan_months(enrollees, benefit_year=benefit_year, score_completion=score_completion)
    told = chosen(scenarios, scenario)
    if base_month is None and told is not None:
        raise InputError("a scenario says what follows the base month; give --base-month.")
    if base_month is not None:
        plans = plans.projected(base_month=base_month, scenario=told)
    high_cost, loss_ratios = ({}, {}) if settlements is None else read_settlements(settlements)
    found = aca_revenue(
        plans, issuer_id=issuer, competitors=competitors, state_averages=state_averages, high_cost=high_cost,
        loss_ratios=loss_ratios,
    )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [row["component"].replace("_", " "), f"{row['dollars']:,.2f}", f"{row['per_member_month']:,.2f}",
         f"{row['share_of_premium']:.2%}"]
        for row in found.summary().to_dict("records")
    ]  # fmt: skip
    title = f"issuer {issuer}, benefit year {benefit_year}: {found.run['plans_of_the_issuer']} plans and rating areas"
    print_result(title, ["component", "dollars", "per member month", "of premium"], rows, output)
