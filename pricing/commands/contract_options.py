"""What the commands of provider contracts share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.errors import InputError

if TYPE_CHECKING:
    from pricing.contracts.terms import Contract

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
        help="Groups: provider_id, quality_score, revenue, adjustment_pmpm, demographic_growth, paid_on_account.",
        metavar="PATH",
    ),
]


def contract_of(path: Path) -> Contract:
    """Return the one contract of a file.

    Raises
    ------
    InputError
        The file holds several.
    """
    from pricing.contracts.contract_files import read_contracts

    found = read_contracts(path)
    if len(found) > 1:
        raise InputError(f"{path} holds {len(found)} contracts; give a file for each.")
    return found[0]
