"""The command line: `riskadj score | explain | impact | ...`. See EXTRACTS.md for its contract."""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from riskadj.commands import maps
from riskadj.commands.calibrate import calibrate
from riskadj.commands.codes import codes
from riskadj.commands.compare import compare
from riskadj.commands.demo import demo
from riskadj.commands.doctor import doctor
from riskadj.commands.encounters import encounters
from riskadj.commands.explain import explain
from riskadj.commands.factors import factors
from riskadj.commands.gaps import gaps
from riskadj.commands.impact import impact
from riskadj.commands.marginal import marginal
from riskadj.commands.report import report
from riskadj.commands.score import score
from riskadj.commands.summary import summary
from riskadj.commands.synthetic import synthetic
from riskadj.commands.without import without
from riskadj.terminal import EXIT_STATUSES, make_app

app = make_app(epilog=EXIT_STATUSES)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"riskadj {version('riskadj')}")
        raise typer.Exit


@app.callback()
def _riskadj(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Risk adjustment scoring for Medicare Advantage, Part D and ACA plans."""


app.command()(score)
app.command()(explain)
app.command()(factors)
app.command()(gaps)
app.command()(calibrate)
app.command()(marginal)
app.command()(impact)
app.command()(compare)
app.command()(encounters)
app.command()(without)
app.command()(summary)
app.command()(report)
app.command()(demo)
app.command()(synthetic)
app.command()(doctor)

_maps = make_app("Model tables: list, look codes up, check, seal, copy, import, compare.")
_maps.command("list")(maps.list_tables)
_maps.command()(codes)
_maps.command()(maps.check)
_maps.command()(maps.seal)
_maps.command()(maps.copy)
_maps.command("import")(maps.import_package)
_maps.command()(maps.diff)
app.add_typer(_maps, name="maps")


def main() -> None:
    """Run the command line (console entry point)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Arrow's own pool holds more of what it has freed; the choice is read when Arrow is imported, which it is not yet.
    if sys.platform == "linux":
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    app()
