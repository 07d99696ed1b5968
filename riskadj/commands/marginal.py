"""`riskadj marginal`: what every captured HCC is worth to its member, and what it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from riskadj.results.marginal.marginal import MarginalTotals

_MOST_HCCS = 15


@guarded
@reads_extracts()
def marginal(
    reading: Reading,
    output: shared.Output,
    rate: shared.Rate = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of the diagnoses to look behind each HCC; may be repeated. Default: claim_id, record_source.",
            metavar="COLUMN",
        ),
    ] = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Value every captured HCC: the score with it minus the score without it.

    Hierarchies, interactions and counts are worked out anew for each. Writes marginal_values.parquet,
    value_by_hcc.parquet, value_at_risk.parquet, a chart and run.json into the output directory, and prints what is
    worth most and how much of it rests on one claim or one record source alone. Takes the options of `riskadj score`.

    \b
    riskadj marginal --payment-year 2026 --rate 1000 --output values \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    extracts = reading.extracts
    from riskadj.commands.score import watching
    from riskadj.front_door import make_options, marginal_to_directory

    checked = make_options(**reading.scoring)
    with watching() as progress:
        totals = marginal_to_directory(
            **extracts, output=output, options=checked, rate=shared.parse_rate(rate), by=by, overwrite=overwrite,
            progress=progress,
        )  # fmt: skip
    _print(output, totals)


def _print(output: Path, totals: MarginalTotals) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.terminal import count, dollars, make_console, mean, print_table

    console = make_console()
    print_head(console, totals.run)
    rows = sorted(totals.value_by_hcc.to_pylist(), key=lambda row: -row["score_months"])
    cells = [
        (
            row["model_id"], row["hcc"], row["label"], count(row["rows"]), mean(row["mean_marginal_payment_score"]),
            f"{row['score_months']:,.0f}", dollars(row["dollars"]),
        )
        for row in rows[:_MOST_HCCS]
    ]  # fmt: skip
    headings = ("model", "hcc", "label", "rows", "mean value", "score months", "dollars")
    print_table(console, headings, cells, justify="lllrrrr")
    risks = [
        (
            row["column"], row["only_value"], count(row["rows"]), f"{row['share_of_score_months'] or 0:.1%}",
            dollars(row["dollars"]),
        )
        for row in totals.value_at_risk.to_pylist()
    ]  # fmt: skip
    if risks:
        print_table(
            console, ("rests on one", "value", "rows", "share of value", "dollars"), risks, justify="llrrr"
        )
    print_notes(console, totals.run, [f"rate: {totals.run['rate']}"])
    print_written(console, output)
