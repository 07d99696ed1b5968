"""`riskadj encounters`: our diagnoses against what CMS accepted of them, and what the others are worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.terminal import guarded, number

if TYPE_CHECKING:
    from riskadj.results.encounters.encounters import Encounters

_MOST_REASONS = 15


def _file(text: str) -> Any:
    return typer.Option(help=f"{text}; may be repeated.", metavar="FILE")


@guarded
@reads_extracts()
def encounters(
    reading: Reading,
    output: shared.Output,
    mao004: Annotated[list[str] | None, _file("MAO-004 report: which diagnoses CMS allowed")] = None,
    mao002: Annotated[
        list[str] | None,
        _file("Answers to submissions, CSV or Parquet: claim_id, status, and icn, line_number, error_code"),
    ] = None,
    raps: Annotated[list[str] | None, _file("RAPS return file: clusters stored and refused")] = None,
    submissions: Annotated[list[str] | None, _file("What was submitted, CSV or Parquet: claim_id")] = None,
    match: Annotated[
        str | None,
        typer.Option(
            help="Find MAO-004 diagnoses by claim or by service date. Default: claim, if MAO-002 has icn.",
            metavar="claim|date",
        ),
    ] = None,
    rate: shared.Rate = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Set our diagnoses against CMS's responses: accepted, rejected, missing, by reason, and what is at stake.

    Writes tables encounter_<table>.parquet (classes, reasons, months, claims, worklist, scores), a chart and run.json
    into the output directory, and prints the classes and reasons. Takes the options of `riskadj score`.

    \b
    riskadj encounters --mao004 MAO004.txt --mao002 mao002.csv --rate 1000 --output completeness \\
        --payment-year 2026 --enrollment enrollment.parquet --diagnoses diagnoses.parquet
    """
    from riskadj.front_door import encounters as set_against

    mao_4, mao_2, returns, sent = (shared.source_of(paths) for paths in (mao004, mao002, raps, submissions))
    found = set_against(
        **reading.extracts, **reading.scoring, mao004=mao_4, mao002=mao_2, raps=returns, submissions=sent,
        match=match, rate=shared.parse_rate(rate),
    )  # fmt: skip
    found.write(output, chart=True, overwrite=overwrite)
    _print(found, output)


def _print(found: Encounters, output: Path) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.results.encounters.encounters import TOTALS
    from riskadj.terminal import make_console, print_table

    console = make_console()
    print_head(console, found.run)
    facts = found.run["encounters"]
    worth = ("rows changed", "at stake: score x months", "at stake: dollars")
    print_table(
        console, ("class", "diagnoses", "share", "claims", *worth), _classes(found), justify="lrrrrrr"
    )
    print_table(
        console, ("class", "source", "reason", "diagnoses", *worth), _reasons(found), justify="lllrrrr"
    )
    totals = [(name.replace("_", " "), number(facts[name])) for name in TOTALS]
    print_table(console, ("what", "number"), totals, justify="lr")
    print_notes(console, found.run, [*facts["notes"], f"rate: {found.run['rate']}"])
    print_written(console, output)


def _classes(found: Encounters) -> Iterator[tuple[str, ...]]:
    for row in found.classes.to_pylist():
        share = "-" if row["share"] is None else f"{row['share']:.1%}"
        yield (row["class"], number(row["diagnoses"]), share, number(row["claims"]), *_worth(row))


def _reasons(found: Encounters) -> Iterator[tuple[str, ...]]:
    rows = found.reasons.slice(0, _MOST_REASONS).to_pylist()
    for row in rows:
        yield (
            row["class"],
            row["source"] or "-",
            row["reason"] or "-",
            number(row["diagnoses"]),
            *_worth(row),
        )


def _worth(row: dict[str, Any]) -> tuple[str, ...]:
    names = ("rows_changed", "score_months_at_stake", "dollars_at_stake")
    return tuple(number(row[name]) for name in names)
