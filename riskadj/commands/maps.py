"""`riskadj maps`: list, check, seal, import and compare model tables."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from riskadj.commands import options as shared
from riskadj.commands.places import folder_of, place_of
from riskadj.errors import OptionError, TableError, nearest
from riskadj.terminal import count, guarded, make_console, print_line, print_table

_FOLDER = "Folder of tables, such as medicare/py<YEAR> or medicare/py<YEAR>/<MODEL>, or a path."
Folder = Annotated[str, typer.Argument(help=_FOLDER)]


@guarded
def list_tables(
    format: Annotated[str, typer.Option(help="How to print it.", metavar="text|markdown")] = "text",
    maps_dir: shared.MapsDir = None,
) -> None:
    """List the models of every payment year.

    Says what each release scores, which members are paid by it, and which of its numbers are not verified.
    """
    from riskadj.commands.coverage import HEADINGS, coverage_markdown, coverage_rows

    check_format(format, ("text", "markdown"))
    if format == "markdown":
        typer.echo(coverage_markdown(maps_dir))
    else:
        print_table(make_console(), HEADINGS, coverage_rows(maps_dir), justify="rlllll")


@guarded
def check(
    folder: Annotated[str | None, typer.Argument(help=f"{_FOLDER} Default: all.")] = None,
    maps_dir: shared.MapsDir = None,
) -> None:
    """Check seals, sources and laws of the tables.

    Every problem is one line; exit status 2 if there is any.
    """
    from riskadj.tables.check import check_all

    root, only = (maps_dir, None) if folder is None else place_of(folder, maps_dir)
    problems = check_all(root, only=only)
    for problem in problems:
        typer.echo(problem)
    sys.stdout.flush()
    if problems:
        n_problems = f"{count(len(problems))} problem{'s' * (len(problems) > 1)}"
        raise TableError(f"{n_problems} in the tables{f' of {folder}' if folder else ''}, listed above.")
    typer.echo(f"no problems in the tables{f' of {folder}' if folder else ''}")


@guarded
def seal(folder: Folder, maps_dir: shared.MapsDir = None) -> None:
    """Write row counts and checksums into manifests.

    Do this after the tables below FOLDER were reviewed, never to silence a ChecksumError.
    """
    from riskadj.extracts.write import output_errors
    from riskadj.tables.seal import seal_folder

    path = folder_of(folder, maps_dir)
    with output_errors(path):
        changed = seal_folder(path)
    for name in changed:
        typer.echo(f"sealed {name}")
    if not changed:
        typer.echo("nothing to seal: every manifest agrees with its tables")


@guarded
def copy(
    source: Annotated[
        str, typer.Argument(help="Folder of a payment year, such as medicare/py<YEAR>, or a path.")
    ],
    target: Annotated[Path, typer.Argument(help="Folder to write, named by its year, such as .../py<YEAR>.")],
    maps_dir: shared.MapsDir = None,
) -> None:
    """Copy a payment year to another year, to be edited.

    Dates move; every number is marked as carried over and not verified.
    """
    from riskadj.extracts.write import output_errors
    from riskadj.tables.copy_year import copy_year

    folder = folder_of(source, maps_dir)
    with output_errors(target):
        manifests = copy_year(folder, target)
    console = make_console()
    print_line(
        console, f"written to {target}: {count(len(manifests) - 1)} models and payment_year.toml", hanging=2
    )
    print_line(
        console,
        "Next: edit tables, titles and payment_year.toml, then `riskadj maps seal` and `riskadj maps check` "
        "(hcc_maps/README.md).",
    )


@guarded
def import_package(
    package: Annotated[
        Path, typer.Argument(help="CMS's model package: folder, zip, or folder of its internal tables.")
    ],
    to: Annotated[Path, typer.Option(help="Release folder to write.", metavar="FOLDER")],
    payment_year: shared.PaymentYear,
    model_id: Annotated[
        str, typer.Option(help="Name under which the model will be loaded.", metavar="MODEL")
    ],
    title: Annotated[str | None, typer.Option(help="Title of the model.", metavar="TEXT")] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(help="Earlier release to take labels and requirements from.", metavar="FOLDER"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the release that is there.")
    ] = False,
) -> None:
    """Make a release folder from a CMS package.

    The release is proposed until its manifest says final.
    """
    from riskadj.tables.importers.cms_package import import_cms_package

    written = import_cms_package(
        package,
        to,
        payment_year=payment_year,
        model_id=model_id,
        title=title,
        labels_from=labels_from,
        overwrite=overwrite,
    )
    console = make_console()
    print_line(console, f"written to {to}: {', '.join(path.name for path in written)}", hanging=2)
    print_line(
        console,
        "Next: review the tables, state the year's numbers in payment_year.toml, run `riskadj maps check`, set status "
        'to "final" in model.toml (hcc_maps/README.md).',
    )


@guarded
def diff(
    old: Annotated[
        str, typer.Argument(help="Earlier release, such as medicare/py<YEAR>/<MODEL>, or a path.")
    ],
    new: Annotated[str, typer.Argument(help="Later release.")],
    most: Annotated[int, typer.Option(help="Most lines of a table; 0: all.", metavar="N")] = 20,
    format: Annotated[str, typer.Option(help="csv: every change.", metavar="text|csv")] = "text",
    maps_dir: shared.MapsDir = None,
) -> None:
    """Show what changed between two releases.

    Compares codes, hierarchies, labels and factors.
    """
    from riskadj.tables.diff import Change, diff_releases
    from riskadj.tables.model import load_folder

    check_format(format, ("text", "csv"))
    found = diff_releases(*(load_folder(folder_of(name, maps_dir)) for name in (old, new)))
    if format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names := list(Change.__dataclass_fields__))
        writer.writerows([getattr(change, name) for name in names] for change in found.changes)
    else:
        typer.echo(found.to_text(most=most or None))


def check_format(word: str, allowed: tuple[str, ...]) -> None:
    """Raise OptionError unless --format is one of the allowed words."""
    if word not in allowed:
        raise OptionError(f"--format {word!r}{nearest(word, allowed)}; allowed: {', '.join(allowed)}.")
