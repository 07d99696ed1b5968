"""`pricing contracts`: attribute members, settle a contract, score providers, and say what of it is chance."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import Claims, HeaderAmounts, Output, Overwrite, listed, one_or_all, repeating
from pricing.commands.printing import print_result
from pricing.errors import InputError
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.contracts.attribution import Attribution
    from pricing.contracts.chance import ChanceBySize
    from pricing.contracts.scorecard import Scorecards
    from pricing.contracts.settlement import Settlement
    from pricing.contracts.terms import Contract

_MOST_ROWS = 20

ContractFile = Annotated[Path, typer.Option(help="TOML file with one [[contract]] table.", metavar="PATH")]
PanelFile = Annotated[
    list[str],
    typer.Option(
        help="Panel: provider_id, member_id, period, member_months, amount, risk_score; may be repeated.",
        metavar="PATH",
    ),
]
Amount = Annotated[str, typer.Option(help="allowed_amount or paid_amount.", metavar="NAME")]
Period = Annotated[int, typer.Option(help="Performance period, a year of the panel.", metavar="YEAR")]
GroupsFile = Annotated[
    str | None,
    typer.Option(
        help="Groups: provider_id, quality_score, revenue, adjustment_pmpm, paid_on_account.", metavar="PATH"
    ),
]


@guarded
def attribute(
    members: Annotated[str, typer.Option(help="Members: member_id, assigned_provider_id.", metavar="PATH")],
    output: Output,
    visits: Annotated[
        list[str] | None,
        typer.Option(
            help="Claim lines with provider_id: file, directory or quoted glob; may be repeated.",
            metavar="PATH",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="In order: assigned, plurality.", metavar="NAME,...")
    ] = "plurality",
    measure: Annotated[str, typer.Option(help="visits or amount.", metavar="NAME")] = "visits",
    ties: Annotated[
        str, typer.Option(help="What breaks ties, in order.", metavar="NAME,...")
    ] = "amount,most_recent,provider_id",
    minimum_visits: Annotated[int, typer.Option(help="Visits that plurality asks for.", metavar="N")] = 1,
    primary_care: Annotated[
        str | None,
        typer.Option(help="Which lines are primary care: procedure_code, specialty, step.", metavar="PATH"),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Providers taken together: provider_id, group_id.", metavar="PATH")
    ] = None,
    first_day: Annotated[
        str | None, typer.Option(help="Earlier visits do not count.", metavar="DATE")
    ] = None,
    last_day: Annotated[str | None, typer.Option(help="Later visits do not count.", metavar="DATE")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Attribute members to provider groups, by assignment or by the plurality of primary care.

    \b
    pricing contracts attribute --members members.parquet --visits claims.parquet --output attributed
    """
    from pricing.contracts.attribution import attribute as attribute_members

    found = attribute_members(
        members,
        None if not visits else one_or_all(visits),
        methods=listed(method),
        measure=measure,
        ties=listed(ties),
        minimum_visits=minimum_visits,
        primary_care=primary_care,
        groups=groups,
        first_day=_day(first_day, "--first-day"),
        last_day=_day(last_day, "--last-day"),
    )
    found.write(output, overwrite=overwrite)
    _print_attribution(found, output)


@guarded
def panel(
    attributed: Annotated[
        str, typer.Option(help="attributed_members: member_id, provider_id.", metavar="PATH")
    ],
    claims: Claims,
    members: Annotated[
        str,
        typer.Option(
            help="Everybody: member_id, member_months, risk_score, sex, age_years, premium.", metavar="PATH"
        ),
    ],
    period: Period,
    output: Output,
    amount: Amount = "allowed_amount",
    excluded_services: Annotated[
        str,
        typer.Option(help="Service categories left out, such as those under capitation.", metavar="NAME,..."),
    ] = "",
    header_amounts: HeaderAmounts = None,
    overwrite: Overwrite = False,
) -> None:
    """Make the panel of one calendar year from claims; `settle` takes the panels of several years.

    Writes panel, panel_months (Parquet) and run.json, whose dollars add up to those read.

    \b
    pricing contracts panel --attributed attributed_members.parquet --claims claims.parquet --members members.parquet
                            --period 2025 --output panel
    """
    from pricing.contracts.panel_rows import panel_of_claims

    found = panel_of_claims(
        attributed,
        one_or_all(claims),
        members=members,
        period=period,
        first_month=f"{period}-01",
        last_month=f"{period}-12",
        amount=amount,
        excluded_services=listed(excluded_services),
        header_amounts=repeating(header_amounts),
    )
    found.write(output, overwrite=overwrite)
    rows = [
        [name.replace("_", " "), f"{value:,.2f}"] for name, value in found.run.items() if name != "members"
    ]
    _show(f"{found.run['members']:,} members of {period}", ["what", "dollars"], rows, output)


@guarded
def episodes(
    contract: ContractFile,
    claims: Claims,
    last_day: Annotated[str, typer.Option(help="Windows must be over by it.", metavar="DATE")],
    output: Output,
    first_day: Annotated[str | None, typer.Option(help="Of triggers that count.", metavar="DATE")] = None,
    risk_scores: Annotated[str | None, typer.Option(help="member_id, risk_score.", metavar="PATH")] = None,
    amount: Amount = "allowed_amount",
    overwrite: Overwrite = False,
) -> None:
    """Find the episodes of a contract's bundles; `settle --episodes` takes them.

    \b
    pricing contracts episodes --contract contract.toml --claims claims.parquet --last-day 2025-12-31 --output episodes
    """
    from pricing.contracts.episodes import Episodes, find_episodes, put_together

    terms, last = _contract(contract), _day(last_day, "--last-day")
    assert last is not None
    parts: dict[str, Episodes] = {
        bundle.name: find_episodes(
            bundle, one_or_all(claims), last_day=last, first_day=_day(first_day, "--first-day"),
            risk_scores=risk_scores, amount=amount,
        )
        for bundle in terms.bundles
    }  # fmt: skip
    put_together(parts, contract=terms.name).write(output, overwrite=overwrite)
    names = ("triggers", "episodes", "within_another_episode", "not_over")
    rows = [[name, *(f"{part.run[each]:,}" for each in names)] for name, part in parts.items()]
    _show(f"bundles of {terms.name}", ["bundle", *(each.replace("_", " ") for each in names)], rows, output)


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
        _contract(contract),
        one_or_all(panel) if panel else None,
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
        _contract(contract),
        one_or_all(panel),
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
        one_or_all(panel),
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
        year, track=track, minimum_rate=minimum_rate, is_first_agreement=not later_agreement
    )
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


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: no date; write it YYYY-MM-DD.") from None


def _contract(path: Path) -> Contract:
    from pricing.contracts.contract_files import read_contracts

    found = read_contracts(path)
    if len(found) > 1:
        raise InputError(f"{path} holds {len(found)} contracts; give a file for each.")
    return found[0]


def _print_attribution(found: Attribution, output: Path) -> None:
    from riskadj.terminal import count

    run = found.run
    rules = found.groups.group_by("rule").aggregate([("members", "sum")]).sort_by("rule").to_pylist()
    title = f"{run['attributed']:,} of {run['members']:,} members in {run['groups']:,} groups"
    _show(title, ["rule", "members"], [[row["rule"], count(row["members_sum"])] for row in rules], output)


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
    _show(title, [name.replace("_", " ") for name in kept], rows, output)


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
    _show(title, headings, rows, output)


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
    _show(title, headings, rows, output)


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _show(title: str, headings: list[str], rows: list[list[str]], output: Path) -> None:
    """Print a title, the first rows of a table, and the files written."""
    more = len(rows) - _MOST_ROWS
    notes = (f"and {more:,} more",) if more > 0 else ()
    print_result(title, headings, rows[:_MOST_ROWS], output, notes=notes)
