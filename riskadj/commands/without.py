"""`riskadj without`: scores without some of the diagnoses, and which HCCs survive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.errors import OptionError
from riskadj.terminal import dollars, guarded, number

if TYPE_CHECKING:
    from riskadj.results.marginal.without import ScoresWithout

_MOST_HCCS = 15


@guarded
@reads_extracts()
def without(
    reading: Reading,
    output: shared.Output,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Diagnoses that go, such as record_source=chart_review_unlinked; several columns must all agree.",
            metavar="COLUMN=VALUE,...",
        ),
    ] = None,
    listed: Annotated[
        list[str] | None,
        typer.Option(
            help="File of diagnoses that go: rows of claim_id, of member_id and diagnosis_code, or of other columns.",
            metavar="PATH",
        ),
    ] = None,
    rate: shared.Rate = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Score again without some diagnoses (a claim, a record source, a provider): what survives, what it is worth.

    Writes changed_scores.parquet, changed_hccs.parquet, changes_by_hcc.parquet, a chart and run.json into the output
    directory, and prints the totals. Takes the options of `riskadj score`.

    \b
    riskadj without --where record_source=chart_review_unlinked --payment-year 2026 --rate 1000 --output what-if \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    goes = parse_where(where)
    extracts = reading.extracts
    from riskadj.commands.score import watching
    from riskadj.front_door import make_options
    from riskadj.front_door import without as score_without

    checked = make_options(**reading.scoring)
    with watching() as progress:
        found = score_without(
            **extracts, options=checked, where=goes, listed=shared.source_of(listed),
            rate=shared.parse_rate(rate), progress=progress,
        )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    _print(output, found)


def parse_where(texts: list[str] | None) -> dict[str, list[str]] | None:
    """Return column -> values from ``["record_source=encounter", "claim_type=inpatient,outpatient"]``.

    Raises
    ------
    OptionError
        A part is not COLUMN=VALUE, or a column is given twice.
    """
    goes: dict[str, list[str]] = {}
    for text in texts or []:
        column, equals, values = (piece.strip() for piece in text.partition("="))
        if not (column and equals and values):
            raise OptionError("--where is not COLUMN=VALUE; write record_source=chart_review_unlinked.")
        if column in goes:
            raise OptionError(f"--where gives {column!r} twice; write {column}=ONE,OTHER.")
        goes[column] = [value.strip() for value in values.split(",")]
    return goes or None


def _print(output: Path, found: ScoresWithout) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.results.marginal.without import summary_lines
    from riskadj.terminal import count, make_console, print_line, print_table

    console = make_console()
    facts = found.run["without"]
    print_head(console, found.run)
    print_line(console, f"Without {facts['removed']}")
    console.print()
    cells = [
        (name.replace("_", " "), dollars(value) if name == "dollars_change" else number(value))
        for name, value in summary_lines(found.run)
    ]
    print_table(console, ("what", "number"), cells, justify="lr")
    rows = sorted(found.changes_by_hcc.to_pylist(), key=lambda row: -row["rows_lost"])[:_MOST_HCCS]
    kinds = ("rows_lost", "rows_drops_out", "rows_comes_back", "rows_survives")
    hccs = [
        (row["model_id"], row["hcc"], row["label"], *(count(row[kind]) for kind in kinds)) for row in rows
    ]
    if hccs:
        headings = ("model", "hcc", "label", "lost", "drops out", "comes back", "survives")
        print_table(console, headings, hccs, justify="lllrrrr")
    print_notes(console, found.run, [*facts["notes"], f"rate: {found.run['rate']}"])
    print_written(console, output)
