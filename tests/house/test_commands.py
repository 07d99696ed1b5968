"""Laws on the command line: every command that reads extracts takes every option of `riskadj.score`."""

from __future__ import annotations

import inspect

import pytest
import typer
from typer.main import get_command

import riskadj
from riskadj.cli import app
from riskadj.engines import spark

#: What only scoring itself is asked.
OF_SCORE_ALONE = {"segments"}
READERS = {"score", "explain", "factors", "gaps", "calibrate", "marginal", "impact", "without", "encounters"}


def options_of_commands(app: typer.Typer) -> dict[str, set[str]]:
    """Return the names of the parameters of each command."""
    group = get_command(app)
    return {name: {param.name for param in one.params} for name, one in group.commands.items()}  # type: ignore[attr-defined]


def options_missing(app: typer.Typer, wanted: set[str]) -> list[str]:
    """Options that a command which reads an enrollment extract lacks."""
    return [
        f"riskadj {command}: no --{option.replace('_', '-')}"
        for command, options in options_of_commands(app).items()
        if "enrollment" in options
        for option in sorted(wanted - options)
    ]


def test_commands_that_read_extracts_take_every_option_of_score() -> None:
    wanted = set(inspect.signature(riskadj.score).parameters) - OF_SCORE_ALONE
    assert options_missing(app, wanted) == []
    assert {name for name, found in options_of_commands(app).items() if "enrollment" in found} == READERS


def test_a_command_that_misses_an_option_is_found() -> None:
    poor = typer.Typer()

    @poor.command()
    def worth(enrollment: str, diagnoses: str) -> None:
        """Read extracts and ask little."""

    @poor.command()
    def other(directory: str) -> None:
        """Read none."""

    wanted = {"enrollment", "diagnoses", "drugs", "maps_dir"}
    assert options_missing(poor, wanted) == ["riskadj worth: no --drugs", "riskadj worth: no --maps-dir"]


@pytest.mark.parametrize(
    "question", [riskadj.explain, riskadj.gaps, riskadj.encounters, riskadj.calibrate, spark.score]
)
def test_questions_take_the_options_of_score_as_they_are(question) -> None:
    """Each either names an option or passes it on (**options); none of them defaults it to something else."""
    known = inspect.signature(riskadj.score).parameters
    asked = inspect.signature(question).parameters
    assert any(one.kind is inspect.Parameter.VAR_KEYWORD for one in asked.values())
    for name in set(known) & set(asked):
        assert asked[name].default == known[name].default, name
