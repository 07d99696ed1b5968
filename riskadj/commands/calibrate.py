"""`riskadj calibrate`: fit a model's relative factors to one's own costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.reading import Reading, reads_extracts
from riskadj.errors import OptionError
from riskadj.terminal import REQUIRED, guarded

if TYPE_CHECKING:
    from riskadj.calibration.calibration import Calibration


_MODEL = Annotated[str, typer.Option(help="The starting model.", metavar="MODEL")]


@guarded
@reads_extracts(models=(_MODEL, REQUIRED))
def calibrate(
    reading: Reading,
    costs: Annotated[
        list[str],
        typer.Option(
            help="Claims extract, or with --amount cost totals by member: member_id, cost, perhaps months_enrolled.",
            metavar="PATH",
        ),
    ],
    output: shared.Output,
    amount: Annotated[
        str, typer.Option(help="What is added up.", metavar="allowed_amount|paid_amount|cost")
    ] = "allowed_amount",
    cost_cap: Annotated[
        float | None, typer.Option(help="Annualised costs above it count as it.", metavar="DOLLARS")
    ] = None,
    negative: Annotated[bool, typer.Option("--negative", help="Allow factors below zero.")] = False,
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Allow an HCC below one that it drops.")
    ] = False,
    equal: Annotated[
        list[str] | None,
        typer.Option(help="Variables that share one factor; may be repeated.", metavar="NAME,NAME,..."),
    ] = None,
    min_members: Annotated[int, typer.Option(help="Fewer make a variable rare.", metavar="N")] = 30,
    rare: Annotated[
        str, typer.Option(help="Rare variables share a relative's factor, or are zero.", metavar="pool|zero")
    ] = "pool",
    collinear: Annotated[
        str, typer.Option(help="What the rows cannot tell apart stops, or is zero.", metavar="stop|drop")
    ] = "stop",
    min_segment_members: Annotated[int, typer.Option(help="Fewer make a segment small.", metavar="N")] = 500,
    small_segments: Annotated[
        str, typer.Option(help="Small segments stop, or keep the starting factors.", metavar="stop|keep")
    ] = "stop",
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation; 0: none.", metavar="K")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the folds.", metavar="S")] = 0,
    export: Annotated[
        Path | None,
        typer.Option(help="New folder of model tables that `riskadj score --maps-dir` takes.", metavar="DIR"),
    ] = None,
    model_id: Annotated[str | None, typer.Option(help="Name of the exported model.", metavar="MODEL")] = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Fit relative factors to your own costs.

    Starts from a model's variables, hierarchies and segments; diagnoses of the collection year, costs of the months
    enrolled. Writes factors, fit, predictive_ratios, run.json and a chart into the output directory.

    \b
    riskadj calibrate --payment-year 2026 --models cms_hcc_v28 --output fitted --costs claims.parquet \\
        --enrollment enrollment.parquet --diagnoses diagnoses.parquet --export own_maps --model-id own_model
    """
    if (export is None) != (model_id is None):
        raise OptionError(
            "--export and --model-id belong together: a folder, and the name of the model in it."
        )
    from riskadj.front_door import calibrate as fit

    scoring = {("model" if name == "models" else name): given for name, given in reading.scoring.items()}
    fitted = fit(
        **reading.extracts, **scoring, costs=shared.source_of(costs), amount=amount, cost_cap=cost_cap,
        nonnegative=not negative, ordered=not unordered, equal=[_names(group) for group in equal or ()],
        min_members=min_members, rare=rare, collinear=collinear, min_segment_members=min_segment_members,
        small_segments=small_segments, folds=folds, seed=seed,
    )  # fmt: skip
    fitted.write(output, chart=True, overwrite=overwrite)
    if export is not None and model_id is not None:
        fitted.export(export, model_id=model_id)
    _print(fitted, output, export)


def _names(group: str) -> list[str]:
    return [name.strip() for name in group.split(",")]


def _print(fitted: Calibration, output: Path, export: Path | None) -> None:
    from riskadj.commands.run_summary import print_head, print_notes, print_written
    from riskadj.terminal import count, make_console, print_line, print_table

    console, made = make_console(), fitted.run["calibration"]
    print_head(console, fitted.run)
    head = f"{made['rows_fitted']:,} enrollment rows of {made['members_fitted']:,} members fitted; "
    head += f"a factor of 1 is worth {fitted.denominator:,.2f} dollars a year"
    print_line(console, head)
    console.print()
    rows = [
        (
            row["segment"], row["prediction"], count(row["n_members"]), f"{row['mean_actual']:,.0f}",
            *(_decimals(row[name]) for name in ("predictive_ratio", "r2", "cpm")),
        )
        for row in fitted.fit.to_pylist()
    ]  # fmt: skip
    headings = ("segment", "prediction", "members", "mean cost", "predictive ratio", "R2", "CPM")
    print_table(console, headings, rows, justify="llrrrrr")
    held = sum(status != "estimated" for status in fitted.factors["status"].to_pylist())
    print_line(
        console,
        f"{held:,} of {fitted.factors.num_rows:,} factors are held by a constraint; `status` says which.",
    )
    if made["segments_kept"]:
        print_line(
            console, f"segments that keep the starting factors: {', '.join(made['segments_kept'])}", hanging=2
        )
    print_notes(console, fitted.run)
    print_written(console, output)
    if export is not None:
        print_line(console, f"model tables written to {export}", hanging=2)


def _decimals(number: float | None) -> str:
    return "-" if number is None else f"{number:.3f}"
