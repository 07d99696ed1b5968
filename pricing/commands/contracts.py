"""`pricing contracts settle | chance | scorecard | program`: what is owed, what of it is chance, who does well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.contract_options import (
    ContractFile,
    GroupsFile,
    PanelFile,
    Period,
    contract_of,
)
from pricing.commands.options import Output, Overwrite, listed, source_of
from pricing.commands.printing import MOST_ROWS, print_result
from pricing.errors import InputError
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.contracts.chance import ChanceBySize
    from pricing.contracts.scorecard import Scorecards
    from pricing.contracts.settlement import Settlement


@guarded
def settle(
    contract: ContractFile,
    period: Period,
    output: Output,
    panel: Annotated[
        list[str] | None,
        typer.Option(
            help="Panels of the period and its baseline; not needed for bundles alone. May be repeated.",
            metavar="PATH",
        ),
    ] = None,
    groups: GroupsFile = None,
    episodes: Annotated[
        str | None,
        typer.Option(help="Episodes of bundles: bundle, provider_id, counted_amount.", metavar="PATH"),
    ] = None,
    unpaid: Annotated[
        str | None,
        typer.Option(help="Claims not yet paid: provider_id, unpaid. Interim settlement.", metavar="PATH"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Settle a contract: what is owed to each provider group, with every step of its statement.

    Writes contract_statements, contract_lines, contract_panel, contract_baseline and assumptions (Parquet), a chart and
    run.json.

    \b
    pricing contracts settle --contract contract.toml --panel panel.parquet --period 2025 --output settled
    """
    from pricing.contracts.settlement import settle as settle_contract

    found = settle_contract(
        contract_of(contract),
        source_of(panel),
        period=period,
        groups=groups,
        episodes=episodes,
        unpaid=unpaid,
    )
    found.write(output, chart=True, overwrite=overwrite)
    _print_settlement(found, output)


@guarded
def chance(
    contract: ContractFile,
    panel: PanelFile,
    period: Period,
    output: Output,
    sizes: Annotated[
        str, typer.Option(help="Members of a group.", metavar="N,...")
    ] = "500,1000,2500,5000,10000,20000",
    true_savings: Annotated[str, typer.Option(help="0.02 = 2 percent.", metavar="RATE,...")] = "0",
    quality_score: Annotated[float, typer.Option(help="Of every group, 0 to 1.", metavar="SCORE")] = 1.0,
    draws: Annotated[int, typer.Option(help="Groups drawn for each size.", metavar="N")] = 2500,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.", metavar="N")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Say what groups of each size are paid by chance, and by true savings.

    \b
    pricing contracts chance --contract contract.toml --panel panel.parquet --period 2025 --output chance
    """
    from pricing.contracts.chance import chance_by_size

    found = chance_by_size(
        contract_of(contract),
        source_of(panel),
        period=period,
        sizes=[int(each) for each in _numbers(sizes, "--sizes")],
        true_savings=_numbers(true_savings, "--true-savings"),
        quality_score=quality_score,
        draws=draws,
        seed=seed,
    )
    found.write(output, chart=True, overwrite=overwrite)
    _print_chance(found, output)


@guarded
def scorecard(
    panel: PanelFile,
    period: Period,
    output: Output,
    groups: GroupsFile = None,
    recapture: Annotated[
        str | None, typer.Option(help="recapture.parquet of riskadj gaps --by provider_id.", metavar="PATH")
    ] = None,
    utilization: Annotated[
        str | None, typer.Option(help="incurred_totals by provider_id.", metavar="PATH")
    ] = None,
    truncation: Annotated[
        float | None, typer.Option(help="What a member's amount of a year counts up to.", metavar="DOLLARS")
    ] = None,
    full_credibility: Annotated[
        float | None, typer.Option(help="Member months that count fully.", metavar="MONTHS")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals, 0 to 1.", metavar="SHARE")] = 0.95,
    overwrite: Overwrite = False,
) -> None:
    """Score provider groups: risk-adjusted PMPM, actual to expected with its interval, recapture.

    \b
    pricing contracts scorecard --panel panel.parquet --period 2025 --output scorecards
    """
    from pricing.contracts.scorecard import scorecards
    from pricing.contracts.terms import Truncation

    found = scorecards(
        source_of(panel),
        period=period,
        truncation=None if truncation is None else Truncation(level=truncation),
        groups=groups,
        utilization=utilization,
        recapture=recapture,
        full_credibility=full_credibility,
        confidence=confidence,
    )
    found.write(output, chart=True, overwrite=overwrite)
    _print_scorecards(found, output)


@guarded
def program(
    year: Annotated[int, typer.Argument(help="Performance year.")],
    track: Annotated[str, typer.Option(help="basic_a to basic_e, or enhanced.", metavar="NAME")],
    minimum_rate: Annotated[
        float | None, typer.Option(help="Minimum rate elected, of two-sided tracks.", metavar="RATE")
    ] = None,
    later_agreement: Annotated[
        bool, typer.Option("--later-agreement", help="The benchmark years weigh alike.")
    ] = False,
    agreement_year: Annotated[
        int | None,
        typer.Option(help="Year the agreement period began, if not the performance year.", metavar="YEAR"),
    ] = None,
) -> None:
    """Print a contract of the Medicare Shared Savings Program as TOML, to settle with or to change.

    \b
    pricing contracts program 2026 --track basic_e --minimum-rate 0.01 > contract.toml
    """
    from pricing.contracts.contract_files import contracts_to_toml
    from pricing.contracts.medicare_shared_savings import PROGRAM, shared_savings_program
    from pricing.parameters import load_rates
    from riskadj.terminal import make_console

    terms = shared_savings_program(
        year, track=track, minimum_rate=minimum_rate, is_first_agreement=not later_agreement,
        agreement_year=agreement_year,
    )  # fmt: skip
    numbers = load_rates(PROGRAM, year).parameters.values()
    unsure = sorted({one.name for one in numbers if not one.verified})
    make_console().print(
        f"# 42 CFR part 425. Not verified against the regulation's own text: {', '.join(unsure)}.\n"
        f"{contracts_to_toml(terms).rstrip()}",
        soft_wrap=True,
    )


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in listed(text)]
    except ValueError:
        raise InputError(f"{option}: give numbers, such as 500,1000.") from None


def _print_settlement(found: Settlement, output: Path) -> None:
    kind = "interim, " if found.run["is_interim"] else ""
    title = f"{found.contract.name}, {kind}{found.period}: {found.total:,.2f} dollars to {found.run['groups']:,} groups"
    columns = {
        "provider_id": "{}", "members": "{:,}", "benchmark_pmpm": "{:,.2f}", "gap_rate": "{:+.1%}",
        "sharing_rate": "{:.1%}", "shared_savings": "{:,.2f}", "payment": "{:,.2f}",
    }  # fmt: skip
    table = found.statements.sort_by([("payment", "descending")])
    kept = {name: form for name, form in columns.items() if name in table.column_names}
    rows = [[form.format(row[name]) for name, form in kept.items()] for row in table.to_pylist()]
    print_result(title, [name.replace("_", " ") for name in kept], rows, output, most_rows=MOST_ROWS)


def _print_chance(found: ChanceBySize, output: Path) -> None:
    title = f"groups drawn from {found.run['members']:,} members, {found.run['draws']:,} of each size"
    rows = [
        [
            f"{row['members']:,}", f"{row['true_savings']:.1%}", f"{row['minimum_rate']:.2%}",
            f"{row['sd_gap_rate']:.2%}", f"{row['p_paid']:.1%}", f"{row['p_owes']:.1%}", f"{row['mean_payment']:+.2%}",
        ]
        for row in found.sizes.to_pylist()
    ]  # fmt: skip
    headings = ["members", "true savings", "minimum rate", "sd of gap", "paid", "owes", "mean payment"]
    print_result(title, headings, rows, output, most_rows=MOST_ROWS)


def _print_scorecards(found: Scorecards, output: Path) -> None:
    title = f"{found.groups.num_rows:,} groups, {found.run['members']:,} members"
    table = found.groups.sort_by([("actual_to_expected", "ascending")])
    rows = [
        [
            row["provider_id"], f"{row['members']:,}", f"{row['risk_score']:.3f}", f"{row['risk_adjusted_pmpm']:,.2f}",
            f"{row['actual_to_expected']:.3f}", _interval(row["low"], row["high"]), row["position"],
        ]
        for row in table.to_pylist()
    ]  # fmt: skip
    headings = ["provider id", "members", "risk score", "risk-adjusted PMPM", "A/E", "interval", "position"]
    print_result(title, headings, rows, output, most_rows=MOST_ROWS)


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"
