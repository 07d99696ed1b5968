"""`riskadj summary`: the scores of a directory in few rows, by any columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskadj.commands import options as shared
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from riskadj.results.summary.written_summary import ScoreSummary

_MOST_ROWS = 60
_HEADINGS_WITH_RATES = (
    "raw by months", "payment by months", "raw by revenue", "payment by revenue", "revenue, dollars",
)  # fmt: skip


@guarded
def summary(
    directory: Annotated[Path, typer.Argument(help="What riskadj score wrote.", metavar="SCORES_DIR")],
    output: shared.Output,
    by: Annotated[
        str,
        typer.Option(
            help="Group by segment, age_band, contract_id, plan_id, county_code, or columns of --attributes.",
            metavar="COLUMN,...",
        ),
    ] = "segment",
    min_cell: Annotated[
        int | None, typer.Option(help="Blank numbers of fewer members, such as 11.", metavar="N")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            help="Dollars per member and month at a score of 1.000, or the column of --attributes that holds them: "
            "adds revenue, and means weighted by it.",
            metavar="DOLLARS|COLUMN",
        ),
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(
            help="Table of member_id and any columns, to group by with --by or to take --rate from.",
            metavar="PATH",
        ),
    ] = None,
    maps_dir: shared.MapsDir = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Summarise scores by any columns: members, months, mean scores, prevalence of HCCs.

    Writes summary.parquet, prevalence.parquet, summary.png and run.json into the output directory, and prints mean
    scores. Files are read a row group at a time.

    \b
    riskadj summary scores --by plan_id,age_band --min-cell 11 --output by_plan
    """
    from riskadj.extracts.write import OutputDirectory
    from riskadj.results.summary.written_summary import summarise_directory

    OutputDirectory(output, overwrite=overwrite)  # says at once if it may not be written
    own = shared.source_of(attributes)
    found = summarise_directory(
        directory, by, min_cell=min_cell, rate=shared.parse_rate(rate), attributes=own, maps_dir=maps_dir
    )
    found.write(output, overwrite=overwrite)
    _print(found, output)


def _print(found: ScoreSummary, output: Path) -> None:
    from riskadj.commands.run_summary import print_head, print_written
    from riskadj.results.summary.breakdown import AS_PAID
    from riskadj.terminal import make_console, print_line, print_table

    console, by = make_console(), found.run["summary"]["by"]
    print_head(console, found.run)
    table = found.summary_table.to_pylist()
    if len(table) > _MOST_ROWS:
        table = [row for row in table if row["model_id"] == AS_PAID] or table
    rows = list(_rows(table, by))
    shown = rows[:_MOST_ROWS]
    totals = [number for number, row in enumerate(shown) if "all" in row[1 : 1 + len(by)] or not by]
    with_rates = "revenue" in found.summary_table.column_names
    means = _HEADINGS_WITH_RATES if with_rates else ("raw", "payment")
    headings = (
        "model" if with_rates else "model (means by months)", *(name.replace("_", " ") for name in by),
        "rows", "members", "member months", "new enrollees", *means,
    )  # fmt: skip
    justify = "l" * (1 + len(by)) + "r" * (4 + len(means))
    print_table(console, headings, shown, justify=justify, bold_rows=totals)
    if with_rates:
        print_line(
            console, "by revenue: weighted by months x rate, the revenue at a score of 1.000", hanging=2
        )
    if found.summary_table.num_rows > len(shown):
        print_line(
            console, f"{len(shown):,} of {found.summary_table.num_rows:,} rows of summary.parquet", hanging=2
        )
    if found.run["summary"]["min_cell"] is not None:
        print_line(
            console,
            f"-: not shown, fewer than {found.run['summary']['min_cell']} members, or a number that would tell of them",
            hanging=2,
        )
    print_written(console, output)


def _rows(rows: list[dict[str, Any]], by: list[str]) -> Iterator[tuple[str, ...]]:
    from riskadj.terminal import count, dollars, mean

    for row in rows:
        sizes = (row[name] for name in ("rows", "members", "member_months", "new_enrollees"))
        means = [mean(value) for name, value in row.items() if name.startswith("mean_")]
        cells = ("-" if size is None else count(size) for size in sizes)
        revenue = [dollars(row["revenue"])] if "revenue" in row else []
        yield (row["model_id"], *(row[name] for name in by), *cells, *means, *revenue)
