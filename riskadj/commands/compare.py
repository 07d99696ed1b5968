"""`riskadj compare`: scores against CMS's MOR and MMR."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from riskadj.results.compare.compare import Comparison


@guarded
def compare(
    scores: Annotated[Path, typer.Option(help="Directory that `riskadj score` wrote.", metavar="DIR")],
    output: shared.Output,
    mor: Annotated[
        list[Path] | None, typer.Option(help="Model output report (HCCs); may be repeated.", metavar="FILE")
    ] = None,
    mmr: Annotated[
        list[Path] | None,
        typer.Option(help="Monthly membership report (scores, payments); may be repeated.", metavar="FILE"),
    ] = None,
    mor_layout_file: Annotated[
        Path | None, typer.Option(help="Layout of the MOR, where it is not the bundled one.", metavar="CSV")
    ] = None,
    mmr_layout_file: Annotated[
        Path | None, typer.Option(help="Layout of the MMR, likewise.", metavar="CSV")
    ] = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Compare scores with what CMS reports: HCCs (MOR), scores by member-month (MMR).

    Prints how many records differ and why, and writes the differences as tables comparison_<table>.parquet, run.json
    and a chart, comparison_classes.png.

    \b
    riskadj compare --scores scores --mor MOR.txt --mmr MMR.txt --output differences
    """
    from riskadj.results.compare.compare import compare as compare_with

    comparison = compare_with(
        scores,
        mor=mor or None,
        mmr=mmr or None,
        mor_layout_file=mor_layout_file,
        mmr_layout_file=mmr_layout_file,
    )
    comparison.write(output, chart=True, overwrite=overwrite)
    _print(comparison, output)


def _print(comparison: Comparison, output: Path) -> None:
    from riskadj.commands.run_summary import print_written
    from riskadj.terminal import count, make_console, print_line, print_table

    console = make_console()
    print_line(console, repr(comparison).strip("<>"), style="bold")
    console.print()
    headings = ("report", "difference", "rows", "share", "members", "ours", "theirs", "dollars")
    print_table(console, headings, _rows(comparison), justify="llrrrrrr")
    for adjustment in comparison.adjustments.to_pylist():
        code = adjustment["adjustment_reason_code"] or "--"
        size = f"{count(adjustment['n_rows'])} MMR rows, ${adjustment['ma_payment']:,.2f}"
        words = f"{code} {adjustment['title']}: {size}"
        print_line(console, words, hanging=3)
    for note in comparison.run["notes"]:
        print_line(console, f"note: {note}", hanging=2)
    print_written(console, output)


def _rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    from riskadj.terminal import count, mean

    for row in comparison.summary().to_dict("records"):
        scores = (row["our_mean_score"], row["their_mean_score"])
        dollars = row["dollars"]
        yield (
            row["report"], row["difference_class"], count(row["n_rows"]), f"{row['share']:.1%}",
            count(row["n_members"]),
            *(mean(None if isnan(score) else score) for score in scores),
            "-" if isnan(dollars) else f"{dollars:,.0f}",
        )  # fmt: skip
