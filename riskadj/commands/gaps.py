"""`riskadj gaps`: conditions seen before and not yet this year, and what each is worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from riskadj.results.gaps.gaps import Gaps


@guarded
@reads_extracts()
def gaps(
    reading: Reading,
    output: shared.Output,
    prior_diagnoses: Annotated[
        list[str] | None,
        typer.Option(help="Diagnoses of the prior years, if not in --diagnoses.", metavar="PATH"),
    ] = None,
    prior_years: Annotated[int, typer.Option(help="Years to look back.", metavar="N")] = 1,
    as_of: Annotated[
        str | None, typer.Option(help="Year to date: later services do not count.", metavar="YYYY-MM-DD")
    ] = None,
    chronic: Annotated[
        Path | None,
        typer.Option(help="Your own list of chronic HCCs, CSV: hcc, chronic (1 or 0).", metavar="PATH"),
    ] = None,
    suspects: Annotated[
        list[str] | None,
        typer.Option(help="Suspected conditions: member_id, hcc or diagnosis_code.", metavar="PATH"),
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(
            help="One row per member, any columns to group by, such as its provider.", metavar="PATH"
        ),
    ] = None,
    rate: shared.Rate = None,
    by: Annotated[
        str,
        typer.Option(
            help="Columns to break recapture down by, such as plan_id or provider_id.", metavar="COLUMN,..."
        ),
    ] = "",
    overwrite: shared.Overwrite = False,
) -> None:
    """Find conditions of the prior year not yet recaptured, and what each is worth.

    This year is the payment year's window of service dates. Writes gaps.parquet, recapture.parquet,
    recapture_prior_year.parquet, potential.parquet, gaps.png and run.json into the output directory, and prints
    recapture rates.

    \b
    riskadj gaps --payment-year 2026 --as-of 2025-09-30 --output gaps \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    from riskadj.front_door import gaps as find_gaps

    found = find_gaps(
        **reading.extracts, **reading.scoring,
        prior_diagnoses=shared.source_of(prior_diagnoses), prior_years=prior_years, as_of=as_of, chronic=chronic,
        suspects=shared.source_of(suspects), attributes=shared.source_of(attributes),
        rate=shared.parse_rate(rate), by=by,
    )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    _print(found, output)


def _print(found: Gaps, output: Path) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.terminal import make_console, print_line, print_table

    console = make_console()
    print_head(console, found.run)
    facts = found.run["gaps"]
    window, before = " to ".join(facts["window"]), " to ".join(facts["prior_window"])
    print_line(console, f"Conditions of {before}, seen again in {window}")
    console.print()
    rows = list(_rows(found))
    headings = ["model", "kind", "conditions", "recaptured", "superseded", "open", "rate", "open: score"]
    headings += ["open: dollars"] if "revenue_change" in found.gaps.column_names else []
    print_table(console, headings, rows, justify="ll" + "r" * (len(headings) - 2))
    counts = ", ".join(f"{status.replace('_', ' ')} {number:,}" for status, number in facts["status"].items())
    print_line(console, f"{facts['rows']:,} rows of gaps.parquet: {counts}", hanging=2)
    print_notes(console, found.run, [*facts["notes"], f"rate: {facts['rate']}"])
    print_written(console, output)


def _rows(found: Gaps) -> Iterator[list[str]]:
    for row in found.summary_table().to_pylist():
        rate = "-" if row["recapture_rate"] is None else f"{row['recapture_rate']:.1%}"
        sizes = [f"{row[name]:,}" for name in ("conditions", "closed", "superseded", "open")]
        cells = [row["model_id"], row["kind"], *sizes, rate, f"{row['open_payment_risk_score_change']:,.3f}"]
        yield cells + ([f"{row['open_revenue_change']:,.0f}"] if "open_revenue_change" in row else [])
