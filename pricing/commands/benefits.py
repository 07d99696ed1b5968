"""`pricing benefits compare | adjudicate | av | template`: plan designs on claims and on continuance tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.options import (
    BenefitYear,
    ClaimLines,
    Designs,
    Output,
    Overwrite,
    Parameters,
    Threads,
    Workbook,
)
from pricing.commands.printing import print_result
from riskadj.terminal import guarded, takes

if TYPE_CHECKING:
    from pricing.benefits.adjudication import Adjudication
    from pricing.benefits.av_designs import ActuarialValues
    from pricing.benefits.design import PlanDesign
    from pricing.benefits.scenarios import Comparison

_COUNTS = ("lines_read", "lines_adjudicated", "lines_netted", "lines_of_other_years")
Members = Annotated[
    str | None,
    typer.Option(
        help="Everyone covered in --year: member_id, months_enrolled, family_id, risk_score.", metavar="PATH"
    ),
]
Year = Annotated[
    int | None, typer.Option(help="Only lines with service dates in this calendar year.", metavar="YEAR")
]


@guarded
@takes(ClaimLines, "lines")
def compare(
    lines: ClaimLines,
    designs: Designs,
    output: Output,
    members: Members = None,
    year: Year = None,
    base: Annotated[
        str | None,
        typer.Option(help="Design under which the claims arose. Default: the first.", metavar="NAME"),
    ] = None,
    trend: Annotated[
        float, typer.Option(help="Growth of allowed amounts, 0.07 = 7 percent.", metavar="RATE")
    ] = 0.0,
    induced_demand: Annotated[
        int | None,
        typer.Option(
            help="Use changes with actuarial value as in HHS's risk transfer formula of this benefit year.",
            metavar="YEAR",
        ),
    ] = None,
    threads: Threads = None,
    workbook: Workbook = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare plan designs on a claims extract: cost, actuarial value, winners and losers, trend leverage.

    Writes compared_designs, compared_deciles, compared_distribution, compared_utilization and assumptions (Parquet), a
    chart and run.json into the output directory, and prints the designs.

    \b
    pricing benefits compare --claims claims.parquet --designs designs.toml --output compared
    """
    from pricing.benefits.claims import read_claims
    from pricing.benefits.induced_demand import federal_induced_demand
    from pricing.benefits.scenarios import compare as compare_designs

    every = _designs(designs)
    found = compare_designs(
        every,
        read_claims(lines.source, members=members, year=year, **lines.reading),
        base=base,
        trend=trend,
        induced_demand=None if induced_demand is None else federal_induced_demand(induced_demand),
        threads=threads,
    )
    found.write(output, chart=True, overwrite=overwrite)
    if workbook is not None:
        from pricing.worksheets import write_comparison

        write_comparison(found, workbook, overwrite=overwrite)
    _print(found, output, [workbook])


@guarded
@takes(ClaimLines, "lines")
def adjudicate(
    lines: ClaimLines,
    designs: Designs,
    output: Output,
    members: Members = None,
    year: Year = None,
    keep_lines: Annotated[
        bool, typer.Option("--keep-lines", help="Write what each line comes to, of one design.")
    ] = False,
    threads: Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Adjudicate a claims extract again under plan designs, line by line with every limit, in one pass.

    Writes adjudicated_members (adjudicated_lines with --keep-lines), a chart and run.json into the output directory,
    and prints what each design comes to.

    \b
    pricing benefits adjudicate --claims claims.parquet --designs designs.toml --output adjudicated
    """
    from pricing.benefits.adjudication import adjudicate as run_designs
    from pricing.benefits.claims import read_claims

    every = _designs(designs)
    ready = read_claims(lines.source, members=members, year=year, **lines.reading)
    found = run_designs(ready, every, keep_lines=keep_lines, threads=threads)
    found.write(output, chart=True, overwrite=overwrite)
    _print_adjudication(found, output)


@guarded
def av(
    workbook: Annotated[
        Path,
        typer.Option(help="CMS's Actuarial Value Calculator, the .xlsm file as published.", metavar="PATH"),
    ],
    metal_level: Annotated[
        str,
        typer.Option(help="Whose continuance tables: platinum, gold, silver or bronze.", metavar="LEVEL"),
    ],
    designs: Designs,
    benefit_year: BenefitYear,
    output: Output,
    parameters: Parameters = None,
    overwrite: Overwrite = False,
) -> None:
    """Value plan designs as the federal Actuarial Value Calculator does, with the metal levels they fit.

    Writes actuarial_values and assumptions (Parquet), a chart and run.json into the output directory, and prints the
    values.

    \b
    pricing benefits av --workbook calculator.xlsm --metal-level silver --designs designs.toml
                        --benefit-year 2026 --output values
    """
    from pricing.benefits.av_designs import actuarial_values
    from pricing.benefits.continuance import read_av_workbook
    from pricing.parameters import load_rates

    every, rates = _designs(designs), load_rates("aca", benefit_year, overrides=parameters)
    tables = read_av_workbook(workbook, metal_level=metal_level)
    found = actuarial_values(tables, every, benefit_year=benefit_year, rates=rates)
    found.write(output, chart=True, overwrite=overwrite)
    _print_values(found, output)


@guarded
def template(
    output: Annotated[Path, typer.Option(help="Workbook to write, ending in .xlsx.", metavar="PATH")],
    designs: Annotated[
        Path | None, typer.Option(help="Designs to fill in. Default: an example.", metavar="PATH")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Write a workbook of plan designs to fill in; --designs of the other commands takes it.

    \b
    pricing benefits template --output designs.xlsx
    """
    from pricing.worksheets.designs import write_designs
    from riskadj.terminal import make_console, print_line

    written = write_designs(output, None if designs is None else _designs(designs), overwrite=overwrite)
    print_line(make_console(), f"written to {written}: sheets Designs, Services")


def _designs(path: Path) -> list[PlanDesign]:
    """Return the designs of a TOML file or of a workbook."""
    from pricing.benefits.design import read_designs
    from pricing.worksheets.read_designs import read_design_workbook

    return read_design_workbook(path) if path.suffix.lower() == ".xlsx" else read_designs(path)


def _print(found: Comparison, output: Path, also: Sequence[Path | None]) -> None:
    run = found.run
    title = f"{run['lines_adjudicated']:,} claim lines of {run['members']:,} members, against {run['base']}"
    headings = ["design", "AV", "plan PMPM", "change", "member PMPM", "use", "leverage"]
    rows = [
        [
            row["design"], f"{row['actuarial_value']:.1%}", f"{row['plan_paid_pmpm']:,.2f}",
            f"{row['plan_paid_change']:+.1%}", f"{row['member_paid_pmpm']:,.2f}", f"{row['utilization']:.3f}",
            "-" if row["leverage"] is None else f"{row['leverage']:.2f}",
        ]
        for row in found.designs.to_pylist()
    ]  # fmt: skip
    print_result(title, headings, rows, output, notes=[_counts(run), *run["warnings"]], also=also)


def _counts(run: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {run[name]:,}" for name in _COUNTS)


def _print_adjudication(found: Adjudication, output: Path) -> None:
    title = (
        f"{found.claims.n_lines:,} claim lines of {found.claims.member_years.num_rows:,} members and years"
    )
    amounts = ("allowed", "plan_paid", "deductible", "copay", "coinsurance", "not_covered")
    rows = [
        [row["design"], f"{row['actuarial_value']:.1%}", *(f"{row[name]:,.2f}" for name in amounts)]
        for row in found.summary().to_dict("records")
    ]
    headings = ["design", "plan's share", *(name.replace("_", " ") for name in amounts)]
    print_result(title, headings, rows, output, notes=[_counts(found.claims.counts), *found.notes])


def _print_values(found: ActuarialValues, output: Path) -> None:
    run = found.run
    title = f"actuarial values on {run['table']}, benefit year {run['benefit_year']}"
    rows = [
        [row["design"], f"{row['actuarial_value']:.4%}", row["metal_levels"].replace("_", " ") or "none"]
        for row in found.summary().to_dict("records")
    ]
    unsure = sum(not row["verified"] for row in found.assumptions.to_pylist())
    notes = (
        [f"{unsure} of {found.assumptions.num_rows} parameters are not verified; see assumptions"]
        if unsure
        else []
    )
    headings = ("design", "AV", "metal levels")
    print_result(title, headings, rows, output, justify="lrl", notes=[*notes, *found.warnings])
