"""`pricing revenue forecast | compare | sensitivities`: revenue by month from scored members and scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.printing import print_result
from riskadj.terminal import guarded

if TYPE_CHECKING:
    from pricing.revenue import RevenueForecast, Scenario

Scores = Annotated[
    Path,
    typer.Option(
        help="Scored members: what `riskadj score` wrote, or a file of member_id and payment_risk_score.",
        metavar="PATH",
    ),
]
Terms = Annotated[
    Path,
    typer.Option(
        help="What plans are paid: payment_rate, rebate_pmpm, ..., by plan, county, year.",
        metavar="PATH",
    ),
]
BaseMonth = Annotated[
    str, typer.Option(help="Month whose members the forecast starts from, YYYY-MM.", metavar="MONTH")
]
Output = Annotated[Path, typer.Option(help="Directory to write; appears whole or not at all.", metavar="DIR")]
Enrollment = Annotated[
    Path | None,
    typer.Option(
        help="Enrollment extract that was scored. Default: the scores have its columns.", metavar="PATH"
    ),
]
PartD = Annotated[
    Path | None, typer.Option(help="Part D scores of the same members, likewise.", metavar="PATH")
]
Scenarios = Annotated[
    Path | None,
    typer.Option(help="TOML file with [[scenario]] tables. Default: nothing changes.", metavar="PATH"),
]
Months = Annotated[int, typer.Option(help="How many months to forecast.", metavar="N")]
FirstMonth = Annotated[
    str | None, typer.Option(help="The first of them, YYYY-MM. Default: the base month.", metavar="MONTH")
]
Members = Annotated[
    Path | None,
    typer.Option(
        help="Given members instead of expected ones: month, members, columns of cohorts.", metavar="PATH"
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        help="Columns that make a cohort. Default: plan, county, status and the like.", metavar="COLUMN,..."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")]


@guarded
def forecast(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    output: Output,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    scenarios: Scenarios = None,
    scenario: Annotated[
        str | None, typer.Option(help="Scenario of the file. Default: its first.", metavar="NAME")
    ] = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    members: Members = None,
    by: By = None,
    overwrite: Overwrite = False,
) -> None:
    """Forecast Part C and Part D revenue by month, with its settlement and accruals.

    Writes revenue_months, revenue_cohorts, revenue_movements, revenue_service_months, revenue_payments,
    revenue_accruals, revenue_calendar, revenue_base and assumptions (Parquet), charts and run.json into the output
    directory, and prints the payment years.

    \b
    pricing revenue forecast --scores scores --enrollment enrollment.parquet --terms terms.csv
                             --base-month 2026-01 --scenarios scenarios.toml --output forecast
    """
    inputs = _Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, members, by)
    found = inputs.forecast(_chosen(scenarios, scenario))
    found.write(output, chart=True, overwrite=overwrite)
    _print_years(found, output)


@guarded
def compare(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    scenarios: Annotated[Path, typer.Option(help="TOML file with [[scenario]] tables.", metavar="PATH")],
    before: Annotated[str, typer.Option(help="Scenario of the file to start from.", metavar="NAME")],
    after: Annotated[str, typer.Option(help="Scenario of the file to end with.", metavar="NAME")],
    output: Output,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    members: Members = None,
    by: By = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare two scenarios: what makes revenue differ, assumption by assumption, adding up to the cent.

    Writes revenue_steps, revenue_step_months, revenue_compared and revenue_assumptions (Parquet), a chart and run.json
    into the output directory, and prints the steps.

    \b
    pricing revenue compare --scores scores --enrollment enrollment.parquet --terms terms.csv --base-month 2026-01
                            --scenarios scenarios.toml --before budget --after latest --output compared
    """
    from pricing.revenue import compare as compare_forecasts

    inputs = _Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, members, by)
    start = inputs.forecast(_named(scenarios, before))
    found = compare_forecasts(start, start.under(_named(scenarios, after)))
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [row["step"], "" if place == 0 else f"{row['change']:+,.2f}", f"{row['level']:,.2f}"]
        for place, row in enumerate(found.summary().to_dict("records"))
    ]
    print_result(repr(found)[1:-1], ["step", "change", "revenue"], rows, output)


@guarded
def sensitivities(
    scores: Scores,
    terms: Terms,
    base_month: BaseMonth,
    scenarios: Annotated[Path, typer.Option(help="TOML file with [[scenario]] tables.", metavar="PATH")],
    output: Output,
    scenario: Annotated[
        str | None, typer.Option(help="Scenario of the file. Default: its first.", metavar="NAME")
    ] = None,
    relative: Annotated[
        float, typer.Option(help="By how much each assumption is set lower and higher.", metavar="SHARE")
    ] = 0.1,
    enrollment: Enrollment = None,
    part_d_scores: PartD = None,
    months: Months = 36,
    first_month: FirstMonth = None,
    by: By = None,
    overwrite: Overwrite = False,
) -> None:
    """Set each assumption of a scenario lower and higher: how far revenue moves, as a tornado.

    Writes revenue_sensitivities and assumptions (Parquet), a chart and run.json into the output directory, and prints
    the sensitivities.

    \b
    pricing revenue sensitivities --scores scores --enrollment enrollment.parquet --terms terms.csv
                                  --base-month 2026-01 --scenarios scenarios.toml --output tornado
    """
    from pricing.revenue import around, tornado

    inputs = _Inputs(scores, terms, base_month, enrollment, part_d_scores, months, first_month, None, by)
    made = inputs.forecast(_chosen(scenarios, scenario))
    found = tornado(made, around(made.scenario, relative=relative))
    found.write(output, chart=True, overwrite=overwrite)
    rows = [
        [
            row["sensitivity"],
            f"{row['change_low']:+,.2f}",
            f"{row['change_high']:+,.2f}",
            f"{row['share_high']:+.2%}",
        ]
        for row in found.bars.to_pylist()
    ]
    print_result(repr(found)[1:-1], ["assumption", "set lower", "set higher", "share"], rows, output)


@dataclass(frozen=True)
class _Inputs:
    """The options that say what a forecast is made of."""

    scores: Path
    terms: Path
    base_month: str
    enrollment: Path | None
    part_d_scores: Path | None
    months: int
    first_month: str | None
    members: Path | None
    by: str | None

    def forecast(self, scenario: Scenario | None) -> RevenueForecast:
        from pricing.revenue import forecast, members_of_scores

        membership = members_of_scores(
            _payment_scores(self.scores),
            self.enrollment,
            base_month=self.base_month,
            part_d_scores=None if self.part_d_scores is None else _payment_scores(self.part_d_scores),
            by=None if self.by is None else [name.strip() for name in self.by.split(",")],
        )
        return forecast(
            membership,
            self.terms,
            scenario=scenario,
            n_months=self.months,
            first_month=self.first_month,
            enrollment=self.members,
        )


def _payment_scores(path: Path) -> Path:
    """Return the file of payment scores in a directory that `riskadj score` wrote; any other path as it is."""
    written = path / "payment_scores.parquet"
    return written if written.exists() else path


def _chosen(path: Path | None, name: str | None) -> Scenario | None:
    """Return the scenario of a file by name, or its first; None without a file."""
    from pricing.errors import InputError
    from pricing.revenue import read_scenarios

    if path is None and name is not None:
        raise InputError(f"scenario '{name}' stands in no file; give --scenarios.")
    if path is None:
        return None
    return next(iter(read_scenarios(path).values())) if name is None else _named(path, name)


def _named(path: Path, name: str) -> Scenario:
    """Return the scenario of a file that has a name."""
    from pricing.errors import InputError
    from pricing.revenue import read_scenarios
    from riskadj.errors import nearest

    found = read_scenarios(path)
    if name not in found:
        raise InputError(
            f"{path} has no scenario '{name}'{nearest(name, found)}; it has: {', '.join(found)}."
        )
    return found[name]


def _print_years(found: RevenueForecast, output: Path) -> None:
    headings = [
        "payment year",
        "member months",
        "score",
        "Part C",
        "Part D",
        "revenue",
        "PMPM",
        "settled later",
    ]
    rows = [
        [
            str(year), f"{row['member_months']:,.1f}", f"{row['part_c_score']:.4f}", f"{row['part_c']:,.2f}",
            f"{row['part_d']:,.2f}", f"{row['revenue']:,.2f}", f"{row['revenue_pmpm']:,.2f}",
            f"{row['settled_later']:,.2f}",
        ]
        for year, row in found.summary().iterrows()
    ]  # fmt: skip
    counts = found.membership.counts
    title = f"{counts['members']:,} members of {found.run['base_month']}, scenario {found.scenario.name}"
    note = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    print_result(title, headings, rows, output, notes=[note])
