"""`riskadj explain`: one member's scores line by line."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.errors import OptionError, nearest
from riskadj.terminal import guarded, make_console, print_line, print_table

if TYPE_CHECKING:
    from riskadj.results.explain.explanation import Explanation


@guarded
@reads_extracts(rejects=(shared.RejectsMode, "write"))
def explain(
    reading: Reading,
    member: Annotated[str, typer.Option(help="Member id, exactly as in the extracts.", metavar="ID")],
    format: Annotated[str, typer.Option(help="How to print it.", metavar="text|csv|json|html")] = "text",
) -> None:
    """Explain one member's scores, line by line.

    Prints every diagnosis, HCC and factor of the member, each with its table and source, and the arithmetic from raw to
    payment risk score. Takes the options of `riskadj score`.

    \b
    riskadj explain --member A1 --payment-year 2026 \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    if format not in _PRINT:
        raise OptionError(f"--format {format!r}{nearest(format, _PRINT)}; allowed: {', '.join(_PRINT)}.")
    from riskadj.front_door import explain as explain_member

    explanation = explain_member(**reading.extracts, member_id=member, **reading.scoring)
    _PRINT[format](explanation)


def print_text(explanation: Explanation) -> None:
    """Print a table per enrollment row and model, and the sources as numbered notes below them."""
    console = make_console()
    sources = {line.source: 0 for line in explanation.lines if line.source}
    sources = {source: number for number, source in enumerate(sources, start=1)}
    print_line(console, f"member {explanation.member_id}", style="bold")
    console.print()
    for (row, model_id), shown in explanation.blocks():
        print_line(console, f"enrollment row {row}" + (f", {model_id}" if model_id else ""), style="bold")
        cells = [
            (line.step, line.item, line.value, line.detail, str(sources.get(line.source, "")))
            for line in shown
        ]
        scores = [number for number, line in enumerate(shown) if line.step in ("score", "blend")]
        headings = ("step", "item", "value", "detail", "source")
        print_table(console, headings, cells, justify="llrlr", bold_rows=scores)
    print_line(console, "sources", style="bold")
    for source, number in sources.items():
        print_line(console, f"{number:>3}  {source}", hanging=5)


def print_csv(explanation: Explanation) -> None:
    """Print the lines as CSV, member_id first."""
    from riskadj.results.explain.explanation import Line

    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = [field.name for field in fields(Line)]
    writer.writerow(["member_id", *names])
    writer.writerows(
        [explanation.member_id, *(getattr(line, name) for name in names)] for line in explanation.lines
    )


def print_json(explanation: Explanation) -> None:
    """Print one JSON object: member_id and lines."""
    json.dump(asdict(explanation), sys.stdout, indent=2)
    sys.stdout.write("\n")


def print_html(explanation: Explanation) -> None:
    """Print a page that a browser shows."""
    sys.stdout.write(f'<!doctype html>\n<meta charset="utf-8">\n{explanation._repr_html_()}\n')


_PRINT = {"text": print_text, "csv": print_csv, "json": print_json, "html": print_html}
