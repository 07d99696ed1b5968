"""The command line of pricing: `pricing ROOM COMMAND`, a room for each kind of question; exits as `riskadj`."""

from __future__ import annotations

from collections.abc import Callable

from pricing.commands import (
    aca,
    benefits,
    contract_members,
    contracts,
    experience,
    medicaid,
    medicare,
    revenue,
    revenue_aca,
    revenue_reconciliation,
)
from riskadj.terminal import EXIT_STATUSES, make_app

app = make_app("Pricing of US health plans.", epilog=EXIT_STATUSES)


def _room(name: str, text: str, *commands: Callable[..., None]) -> None:
    room = make_app(text)
    room.callback()(lambda: None)  # without a callback the only command of a room would lose its name
    for command in commands:
        room.command()(command)
    app.add_typer(room, name=name)


_room(
    "aca",
    "Individual and small-group markets: rates, risk transfers, what-ifs.",
    aca.rates,
    aca.transfer,
    aca.simulate,
)
_room(
    "benefits",
    "Plan designs: on claims, and as the federal calculator values them.",
    benefits.compare,
    benefits.adjudicate,
    benefits.av,
    benefits.template,
)
_room(
    "contracts",
    "Value-based provider contracts: attribute, settle, score, and what of it is chance.",
    contract_members.attribute,
    contract_members.panel,
    contract_members.episodes,
    contracts.settle,
    contracts.chance,
    contracts.scorecard,
    contracts.program,
)
_room(
    "experience",
    "Claims experience: cost per member, claims not yet paid, trend.",
    experience.pmpm,
    experience.ibnr,
    experience.trend,
)
_room("medicaid", "Medicaid managed care: capitation rates.", medicaid.rates)
_room("medicare", "Medicare Advantage and Part D: bids.", medicare.bid, medicare.part_d)
_room(
    "revenue",
    "Revenue by month: forecasts under named scenarios, what was paid instead, how far it could be off.",
    revenue.forecast,
    revenue.compare,
    revenue.sensitivities,
    revenue.draws,
    revenue_reconciliation.reconcile,
    revenue_aca.aca,
)


def main() -> None:
    """Run the command line (console entry point)."""
    app()
