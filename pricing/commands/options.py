"""Options that commands of pricing share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[Path, typer.Option(help="Directory to write; appears whole or not at all.", metavar="DIR")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")]
Workbook = Annotated[
    Path | None,
    typer.Option(help="Also write a workbook with live formulas, ending in .xlsx.", metavar="PATH"),
]
Parameters = Annotated[
    Path | None, typer.Option(help="Parameters of your own, CSV of the table's columns.", metavar="PATH")
]
BenefitYear = Annotated[int, typer.Option(help="Benefit year, whose parameters hold.", metavar="YEAR")]
PaymentYear = Annotated[int, typer.Option(help="Payment year, whose parameters hold.", metavar="YEAR")]
