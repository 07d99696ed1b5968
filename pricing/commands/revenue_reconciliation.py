"""`pricing revenue reconcile`: why revenue is not what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pricing.commands.options import Output, Overwrite, listed
from pricing.commands.printing import print_result
from riskadj.terminal import guarded

_SIDE = (
    "directory that `pricing revenue forecast` wrote, or a table of month, member_months, rate_dollars, ..."
)


@guarded
def reconcile(
    expected: Annotated[Path, typer.Option(help=f"What was expected: {_SIDE}", metavar="PATH")],
    output: Output,
    mmr: Annotated[
        list[Path] | None,
        typer.Option(help="Monthly membership report that was received; may be repeated.", metavar="FILE"),
    ] = None,
    actual: Annotated[Path | None, typer.Option(help=f"Instead of reports: {_SIDE}", metavar="PATH")] = None,
    by: Annotated[
        str, typer.Option(help="Columns in the order in which they explain.", metavar="COLUMN,...")
    ] = "status,county_code",
    part: Annotated[str, typer.Option(help="Part of Medicare: C or D.", metavar="PART")] = "C",
    overwrite: Overwrite = False,
) -> None:
    """Reconcile a forecast with what CMS paid, or with another forecast, month by month and cause by cause.

    Writes variance_months, variance_tree, variance_cells and assumptions (Parquet), a chart and run.json into the
    output directory, and prints the causes: enrollment, mix by each column, score, rate, other.

    \b
    pricing revenue reconcile --expected forecast --mmr mmr_2026_01.txt --mmr mmr_2026_02.txt --output variance
    """
    from pricing.errors import InputError
    from pricing.revenue import mmr_cells
    from pricing.revenue import reconcile as reconcile_cells

    columns = listed(by)
    if bool(mmr) == (actual is not None):
        raise InputError("give either --mmr or --actual, and not both.")
    other = (
        _side(actual, columns, part)
        if actual is not None
        else mmr_cells(list(mmr or []), by=columns, part=part)
    )
    names = ("expected", "actual" if actual is not None else "MMR")
    found = reconcile_cells(_side(expected, columns, part), other, by=columns, names=names)
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [row["step"].replace("_", " "), f"{row['dollars']:,.2f}", f"{row['per_member_month']:,.2f}",
         f"{row['share_of_expected']:+.2%}"]
        for row in found.summary().to_dict("records")
    ]  # fmt: skip
    sides = found.run["sides"].items()
    left = [f"{name}: {len(side['months_not_compared'])} months not compared" for name, side in sides]
    title = f"{found.run['months']} months, {found.run['first_month']} to {found.run['last_month']}"
    print_result(
        title, ["step", "dollars", "per member month", "of expected"], rows, output, notes=[", ".join(left)]
    )


def _side(path: Path, by: tuple[str, ...], part: str) -> Any:
    """Return the cells of a forecast's directory; any other path as it is."""
    from pricing.revenue import forecast_cells

    return forecast_cells(path, by=by, part=part) if path.is_dir() else path
