"""What the commands of revenue share: options, and the forecast they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.options import listed, payment_scores

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
ScenarioFile = Annotated[Path, typer.Option(help="TOML file with [[scenario]] tables.", metavar="PATH")]
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
ScenarioName = Annotated[
    str | None, typer.Option(help="Scenario of the file. Default: its first.", metavar="NAME")
]


@dataclass(frozen=True)
class Inputs:
    """The options that say what a forecast is made of; each command that makes one takes them all."""

    scores: Scores
    terms: Terms
    base_month: BaseMonth
    enrollment: Enrollment = None
    part_d_scores: PartD = None
    months: Months = 36
    first_month: FirstMonth = None
    members: Members = None
    by: By = None

    def forecast(self, scenario: Scenario | None) -> RevenueForecast:
        """Return the forecast under a scenario."""
        from pricing.revenue import forecast, members_of_scores

        membership = members_of_scores(
            payment_scores(self.scores),
            self.enrollment,
            base_month=self.base_month,
            part_d_scores=None if self.part_d_scores is None else payment_scores(self.part_d_scores),
            by=listed(self.by) or None,
        )
        return forecast(
            membership,
            self.terms,
            scenario=scenario,
            n_months=self.months,
            first_month=self.first_month,
            enrollment=self.members,
        )


def chosen(path: Path | None, name: str | None) -> Scenario | None:
    """Return the scenario of a file by name, or its first; None without a file."""
    from pricing.errors import InputError
    from pricing.revenue import read_scenarios

    if path is None and name is not None:
        raise InputError(f"scenario '{name}' stands in no file; give --scenarios.")
    if path is None:
        return None
    return next(iter(read_scenarios(path).values())) if name is None else named(path, name)


def named(path: Path, name: str) -> Scenario:
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
