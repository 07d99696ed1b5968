"""`riskadj impact`: one population scored twice, and the change attributed cause by cause."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.errors import OptionError, nearest
from riskadj.terminal import count, dollars, guarded, make_console, print_line, print_table

if TYPE_CHECKING:
    from riskadj.results.impact.impact import Impact
    from riskadj.results.scores import Scores

#: What a side may say for itself: options of `riskadj score`.
_KEYS = (
    "payment-year", "program", "models", "diagnosis-filter", "eligible-procedures", "edits", "collection", "maps-dir",
    "enrollment", "diagnoses", "drugs",
)  # fmt: skip
_SIDE_HELP = "{}: where the sides differ, any of " + ", ".join(_KEYS) + "."
_YEAR_OF_BOTH = Annotated[
    int | None, typer.Option(help="Payment year of both, where the sides name none.", metavar="YEAR")
]


@guarded
@reads_extracts(payment_year=(_YEAR_OF_BOTH, None))
def impact(
    reading: Reading,
    before: Annotated[str, typer.Option(help=_SIDE_HELP.format("Run before"), metavar="KEY=VALUE,...")],
    after: Annotated[str, typer.Option(help=_SIDE_HELP.format("Run after"), metavar="KEY=VALUE,...")],
    output: shared.Output,
    by: Annotated[
        str,
        typer.Option(
            help="Group by segment, policy, age_band, a status field, or columns of the enrollment extract.",
            metavar="COLUMN,...",
        ),
    ] = "segment",
    rate: shared.Rate = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(help="Table of member_id and any columns, to group by with --by.", metavar="PATH"),
    ] = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Attribute the change of payment risk scores between two runs, cause by cause.

    Scores the same enrollment twice and writes impact_causes, impact_groups, impact_hccs and impact_rows (and
    impact_revenue with --rate), a chart and run.json. Options outside --before and --after hold for both.

    \b
    V24 -> V28, the services of 2025 under both:
    riskadj impact --enrollment enrollment.parquet --diagnoses diagnoses.parquet --output impact \\
        --before payment-year=2025,models=cms_hcc_v24 --after payment-year=2026,models=cms_hcc_v28 \\
        --collection 2025-01-01:2025-12-31
    PY2026 -> PY2027, as each year pays:
    riskadj impact --enrollment enrollment.parquet --diagnoses diagnoses.parquet --output impact \\
        --before payment-year=2026 --after payment-year=2027 --collection 2025-01-01:2025-12-31
    """
    common = reading.extracts | reading.scoring
    sides = [_side(common, text, name) for text, name in ((before, "--before"), (after, "--after"))]
    from riskadj.extracts.write import OutputDirectory
    from riskadj.results.impact.impact import impact as attribute

    OutputDirectory(output, overwrite=overwrite)  # says at once if it may not be written
    names = [name.strip() for name in by.split(",") if name.strip()]
    own = shared.source_of(attributes)
    result = attribute(
        _score(sides[0]), _score(sides[1]), by=names, rate=shared.parse_rate(rate), attributes=own
    )
    result.write(output, overwrite=overwrite)
    print_impact(result, output)


def parse_side(text: str, option: str) -> dict[str, Any]:
    """Return the options of one run from ``payment-year=2026,models=cms_hcc_v28``.

    Raises
    ------
    OptionError
        A part is not KEY=VALUE, a key is unknown or stands twice, or a year is no number.
    """
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise OptionError(f"{option} {part!r} is not KEY=VALUE; write payment-year=YEAR,models=MODEL.")
        if key not in _KEYS:
            raise OptionError(f"{option}: no key '{key}'{nearest(key, _KEYS)}; allowed: {', '.join(_KEYS)}.")
        if key.replace("-", "_") in found:
            raise OptionError(f"{option} gives '{key}' twice; once is enough.")
        found[key.replace("-", "_")] = value
    if "payment_year" in found:
        found["payment_year"] = _year(found["payment_year"], option)
    return found


def _year(text: str, option: str) -> int:
    if not text.isdecimal():
        raise OptionError(f"{option}: payment-year={text} is no year; give it as a whole number.")
    return int(text)


def _side(common: dict[str, Any], text: str, option: str) -> dict[str, Any]:
    """Return the options of one run: what both have, and what it says for itself.

    Raises
    ------
    OptionError
        As `parse_side`, or neither names a payment year.
    """
    side = common | parse_side(text, option)
    if side["payment_year"] is None:
        raise OptionError(
            f"{option} lacks payment-year=YEAR, and there is no --payment-year for both; no year is a default."
        )
    return side


def _score(options: dict[str, Any]) -> Scores:
    from riskadj.front_door import score

    sources = (options.pop("enrollment"), options.pop("diagnoses"))
    return score(*sources, **options)


def print_impact(result: Impact, output: Path) -> None:
    """Print the walk from mean to mean, and from revenue to revenue where there are rates."""
    from riskadj.commands.run_summary import print_notes, print_written

    console = make_console()
    rows = result.run["rows"]
    sides = [f"{side}: {result.run[side]['name']}" for side in ("before", "after")]
    for text in sides:
        print_line(console, text, style="bold")
    print_line(
        console,
        f"{count(rows['matched'])} enrollment rows in both, {count(rows['only_before'])} only before, "
        f"{count(rows['only_after'])} only after; means weighted by {result.run['weights']}",
    )
    console.print()
    lines = result.summary().to_dict("records")
    (first, *_), (*_, last) = result.causes["level"].to_pylist(), result.causes["level"].to_pylist()
    start = first - result.causes["change"][0].as_py()
    table = [
        ("before", "", f"{start:.4f}", "", *_revenue(result, "revenue_before")),
        *(_line(line) for line in lines),
        ("after", "", f"{last:.4f}", "", *_revenue(result, "revenue_after")),
    ]
    headings = ["cause", "change", "mean payment score", "rows changed"]
    headings += [] if result.revenue is None else ["dollars"]
    print_table(
        console, headings, table, justify="l" + "r" * (len(headings) - 1), bold_rows=(0, len(table) - 1)
    )
    print_notes(console, _of_both(result.run), [f"rate: {result.run['rate']}"])
    print_written(console, output)


def _line(line: dict[str, Any]) -> tuple[str, ...]:
    cells = (line["cause"], f"{line['change']:+.4f}", f"{line['level']:.4f}", count(line["rows_changed"]))
    return (*cells, f"{line['revenue_change']:+,.0f}") if "revenue_change" in line else cells


def _revenue(result: Impact, name: str) -> tuple[str, ...]:
    """Return a cell of the revenue of all groups; none where there are no rates."""
    return () if result.revenue is None else (dollars(sum(result.revenue[name].to_pylist())),)


def _of_both(run: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is not verified and the notes of the two runs, each once."""
    sides = (run["before"], run["after"])
    return {
        name: list(dict.fromkeys(chain(*(side[name] for side in sides)))) for name in ("unverified", "notes")
    }
