"""`riskadj maps codes`: which HCC a diagnosis code gives, in every model and year."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.maps import check_format
from riskadj.errors import OptionError
from riskadj.terminal import guarded, make_console, print_line, print_table

HEADINGS = ("icd10", "payment_year", "model_id", "hcc", "label", "payment", "asks")


@guarded
def codes(
    wanted: Annotated[
        list[str] | None, typer.Argument(help="ICD-10-CM codes, with or without dots.", metavar="CODE...")
    ] = None,
    format: Annotated[
        str,
        typer.Option(help="csv: as a table; without codes every code of every release.", metavar="text|csv"),
    ] = "text",
    maps_dir: shared.MapsDir = None,
) -> None:
    """Show which HCC a diagnosis code gives, in every model and payment year.

    Payment is 1 for a payment HCC; asks is what the mapping asks of age, sex or date of service.

    \b
    riskadj maps codes E11.9 I50.22
    riskadj maps codes --format csv > every_code.csv
    """
    check_format(format, ("text", "csv"))
    asked = {code.replace(".", "").strip().upper(): code for code in wanted or []}
    if not asked and format == "text":
        raise OptionError(
            "maps codes shows no code; name one or more, or write all of them with --format csv."
        )
    rows = mapped_codes(asked, maps_dir)
    if format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(HEADINGS)
        writer.writerows(rows)
        return
    found = sorted(rows, key=lambda row: (row[0], -int(row[1]), row[2]))
    console = make_console()
    print_table(console, [name.replace("_", " ") for name in HEADINGS], found, justify="lrlllrl")
    for code in [code for code in asked if code not in {row[0] for row in found}]:
        print_line(console, f"{asked[code]}: no model has an HCC for it")


def mapped_codes(wanted: Collection[str], maps_dir: Path | None = None) -> Iterator[tuple[str, ...]]:
    """Yield a row per code, release and HCC, as HEADINGS; of every code where none is wanted."""
    from riskadj.tables.model import list_models, load_folder

    for release in list_models(maps_dir):
        model = load_folder(release.folder)
        labels = {row["hcc"]: (row["label"], row["payment"]) for row in model.records("labels")}
        for row in model.records("mappings"):
            code, hcc = row.pop("icd10"), row.pop("hcc")
            if not wanted or code in wanted:
                asks = ", ".join(f"{name} {value}" for name, value in row.items() if value)
                yield code, str(release.payment_year), release.model_id, hcc, *labels[hcc], asks
