"""`pricing contracts attribute | panel | episodes`: whose members they are, and what they cost, before a settlement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.contract_options import Amount, ContractFile, Period, contract_of
from pricing.commands.options import (
    ClaimLines,
    Claims,
    Columns,
    Output,
    Overwrite,
    day,
    day_or_none,
    listed,
    renamed,
    source_of,
)
from pricing.commands.printing import print_result
from riskadj.terminal import guarded, takes

if TYPE_CHECKING:
    from pricing.contracts.attribution import Attribution


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
        source_of(visits),
        methods=listed(method),
        measure=measure,
        ties=listed(ties),
        minimum_visits=minimum_visits,
        primary_care=primary_care,
        groups=groups,
        first_day=day_or_none(first_day, "--first-day"),
        last_day=day_or_none(last_day, "--last-day"),
    )
    found.write(output, overwrite=overwrite)
    _print_attribution(found, output)


@guarded
@takes(ClaimLines, "lines")
def panel(
    lines: ClaimLines,
    attributed: Annotated[
        str, typer.Option(help="attributed_members: member_id, provider_id.", metavar="PATH")
    ],
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
        lines.source,
        members=members,
        period=period,
        first_month=f"{period}-01",
        last_month=f"{period}-12",
        amount=amount,
        excluded_services=listed(excluded_services),
        **lines.reading,
    )
    found.write(output, overwrite=overwrite)
    rows = [
        [name.replace("_", " "), f"{value:,.2f}"] for name, value in found.run.items() if name != "members"
    ]
    print_result(f"{found.run['members']:,} members of {period}", ["what", "dollars"], rows, output)


@guarded
def episodes(
    contract: ContractFile,
    claims: Claims,
    last_day: Annotated[str, typer.Option(help="Windows must be over by it.", metavar="DATE")],
    output: Output,
    first_day: Annotated[str | None, typer.Option(help="Of triggers that count.", metavar="DATE")] = None,
    risk_scores: Annotated[str | None, typer.Option(help="member_id, risk_score.", metavar="PATH")] = None,
    amount: Amount = "allowed_amount",
    columns: Columns = None,
    overwrite: Overwrite = False,
) -> None:
    """Find the episodes of a contract's bundles; `settle --episodes` takes them.

    \b
    pricing contracts episodes --contract contract.toml --claims claims.parquet --last-day 2025-12-31 --output episodes
    """
    from pricing.contracts.episodes import Episodes, find_episodes, put_together

    terms, last = contract_of(contract), day(last_day, "--last-day")
    parts: dict[str, Episodes] = {
        bundle.name: find_episodes(
            bundle, source_of(claims), last_day=last, first_day=day_or_none(first_day, "--first-day"),
            risk_scores=risk_scores, amount=amount, columns=renamed(columns),
        )
        for bundle in terms.bundles
    }  # fmt: skip
    put_together(parts, contract=terms.name).write(output, overwrite=overwrite)
    names = ("triggers", "episodes", "within_another_episode", "not_over")
    rows = [[name, *(f"{part.run[each]:,}" for each in names)] for name, part in parts.items()]
    print_result(
        f"bundles of {terms.name}", ["bundle", *(each.replace("_", " ") for each in names)], rows, output
    )


def _print_attribution(found: Attribution, output: Path) -> None:
    from riskadj.terminal import count

    run = found.run
    rules = found.groups.group_by("rule").aggregate([("members", "sum")]).sort_by("rule").to_pylist()
    title = f"{run['attributed']:,} of {run['members']:,} members in {run['groups']:,} groups"
    print_result(
        title, ["rule", "members"], [[row["rule"], count(row["members_sum"])] for row in rules], output
    )
