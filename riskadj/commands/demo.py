"""`riskadj demo`: score an invented population and show what comes out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.errors import UnknownPaymentYearError
from riskadj.terminal import guarded

CHART = "scores.png"
_MEMBERS, _SEED = 5_000, 1


@guarded
def demo(
    output: shared.Output = Path("riskadj-demo"),
    members: Annotated[int | None, typer.Option(help="Make a population of this size.", metavar="N")] = None,
    payment_year: Annotated[
        int | None,
        typer.Option(
            help="Default: the year of the bundled extract, or the latest there is.", metavar="YEAR"
        ),
    ] = None,
    overwrite: shared.Overwrite = False,
) -> None:
    """Score an invented population and show the results.

    Writes the files of `riskadj score` and a chart, scores.png, and prints the summary. Takes the extract in
    data/synthetic where riskadj runs from its source tree, and makes one otherwise. Nobody in it exists.
    """
    from riskadj.commands.run_summary import print_summary
    from riskadj.commands.score import watching
    from riskadj.front_door import make_options, score_to_directory

    with ExitStack() as stack:
        folder, year = find_extract(members, payment_year, stack)
        progress = stack.enter_context(watching())
        report = score_to_directory(
            folder / "enrollment.parquet", folder / "diagnoses.parquet", output,
            options=make_options(payment_year=year, program=shared.PROGRAM, rejects="write"),
            overwrite=overwrite, progress=progress, finish=draw_chart,
        )  # fmt: skip
    print_summary(output, report)


def find_extract(members: int | None, payment_year: int | None, stack: ExitStack) -> tuple[Path, int]:
    """Return the folder of an invented extract and the payment year that it is for.

    The bundled extract serves if it is there, its year is the one asked for, and no size was asked for; otherwise an
    extract is made in a folder that `stack` removes.
    """
    bundled = bundled_extract()
    if bundled is not None and members is None and payment_year in (None, bundled[1]):
        return bundled
    from riskadj.synthetic import make_synthetic
    from riskadj.tables.payment_year import load_payment_year

    year = load_payment_year(shared.PROGRAM, payment_year or latest_payment_year())
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="riskadj-demo-")))
    n_members = _MEMBERS if members is None else members
    make_synthetic(
        n_members, seed=_SEED, service_year=year.collection[0].year, directory=folder, claims=False
    )
    return folder, year.year


def bundled_extract() -> tuple[Path, int] | None:
    """Return the extract beside the package in a source tree and its payment year; None where there is none."""
    import pyarrow.parquet as pq

    folder = Path(__file__).resolve().parents[2] / "data" / "synthetic"
    if not all((folder / f"{name}.parquet").is_file() for name in ("enrollment", "diagnoses")):
        return None
    metadata = pq.read_metadata(folder / "enrollment.parquet")
    names = metadata.schema.names
    start = metadata.row_group(0).column(names.index("enrollment_start_date")).statistics.max
    return folder, start.year


def latest_payment_year() -> int:
    """Return the latest year that has a payment policy for the program and only final models in it."""
    from riskadj.tables.manifest import read_model_manifest
    from riskadj.tables.model import year_folders
    from riskadj.tables.payment_year import read_payment_year

    for _, year, folder in sorted(year_folders(), key=lambda found: -found[1]):
        if not (folder / "payment_year.toml").exists():
            continue
        policies = [
            p for p in read_payment_year(folder / "payment_year.toml").policies if p.program == shared.PROGRAM
        ]
        models = {model_id for policy in policies for model_id, _ in policy.blend}
        if models and all(
            read_model_manifest(folder / name / "model.toml").status == "final" for name in models
        ):
            return year
    raise UnknownPaymentYearError(f"no payment year has a policy for {shared.PROGRAM} with final models.")


def draw_chart(folder: Path) -> None:
    """Draw the distribution of scores and the most frequent HCCs into scores.png."""
    import pyarrow.parquet as pq

    from riskadj.extracts.write import output_errors
    from riskadj.results.plots.scores import plot_scores
    from riskadj.results.scores import MODEL_SCORES, PAYMENT_SCORES

    tables = []
    for name in (PAYMENT_SCORES, MODEL_SCORES):
        with pq.ParquetFile(folder / name) as file:
            tables.append(
                file.read(columns=["model_id", "hccs"] if name == MODEL_SCORES else ["payment_risk_score"])
            )
    with output_errors(folder / CHART):
        plot_scores(*tables).savefig(folder / CHART, dpi=150)
