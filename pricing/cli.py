"""The command line of pricing: `pricing ROOM COMMAND`, a room for each kind of question; exits as `riskadj`."""

from __future__ import annotations

import typer

from pricing.commands import aca, benefits, contracts, medicaid, medicare, revenue

_EPILOG = "Exit status: 0 done, 2 the call or the data is wrong (one message on stderr), 1 anything else."


def _app(text: str, epilog: str | None = None) -> typer.Typer:
    return typer.Typer(
        help=text, epilog=epilog, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
        no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )  # fmt: skip


app = _app("Pricing of US health plans.", _EPILOG)

_aca = _app("Individual and small-group markets: rates, risk transfers.")
_aca.command()(aca.rates)
_aca.command()(aca.transfer)
app.add_typer(_aca, name="aca")

_benefits = _app("Plan designs: compare them on claims.")
_benefits.callback()(lambda: None)  # one command today; without a callback it would lose its name
_benefits.command()(benefits.compare)
app.add_typer(_benefits, name="benefits")

_contracts = _app("Value-based provider contracts: attribute, settle, score, and what of it is chance.")
_contracts.command()(contracts.attribute)
_contracts.command()(contracts.settle)
_contracts.command()(contracts.chance)
_contracts.command()(contracts.scorecard)
_contracts.command()(contracts.program)
app.add_typer(_contracts, name="contracts")

_medicaid = _app("Medicaid managed care: capitation rates.")
_medicaid.callback()(lambda: None)
_medicaid.command()(medicaid.rates)
app.add_typer(_medicaid, name="medicaid")

_medicare = _app("Medicare Advantage and Part D: bids.")
_medicare.command()(medicare.bid)
_medicare.command()(medicare.part_d)
app.add_typer(_medicare, name="medicare")

_revenue = _app("Revenue of Medicare plans by month: forecasts under named scenarios.")
for _command in (revenue.forecast, revenue.compare, revenue.sensitivities):
    _revenue.command()(_command)
app.add_typer(_revenue, name="revenue")


def main() -> None:
    """Run the command line (console entry point)."""
    app()
