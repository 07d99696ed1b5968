"""A build-up as a workbook: its numbers are inputs, its levels live formulas."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pricing.build_up import BuildUp, Step
from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.parameters import Rates
from pricing.worksheets.audit import assumptions_grid
from pricing.worksheets.grids import Book, Grid, Line, condition_line, label_line, line_key, plain_values
from pricing.worksheets.render import write_book

INPUTS, LEVELS = "inputs", "build_up"
#: What a step does to the level so far.
_FORMULAS = {
    "start": "{inputs.%s}",
    "multiply": "{%s}*{inputs.%s}",
    "divide": "{%s}/{inputs.%s}",
    "add": "{%s}+{inputs.%s}",
    "blend": "{inputs.%s}*{%s}+(1-{inputs.%s})*{inputs.%s}",
    "checkpoint": "{%s}",
}
_WORDS = {
    "start": "starts with",
    "multiply": "multiplied by",
    "divide": "divided by",
    "add": "plus",
    "blend": "blended with manual",
    "checkpoint": "level",
}
_UNITS = {"multiply": "factor", "divide": "divisor", "blend": "credibility"}


def write_rate_build_up(
    walk: BuildUp,
    path: str | os.PathLike[str],
    *,
    rates: Rates | None = None,
    parameters: tuple[str, ...] = (),
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a build-up as a workbook: inputs, levels as formulas, checks, assumptions, audit.

    Parameters
    ----------
    walk : BuildUp
        Such as `pricing.aca.rate_walk.plan_rates` returns; its labels are columns.
    path, run, overwrite
        As `pricing.worksheets.render.write_book` takes them.
    rates : Rates, optional
        Yearly parameters that the walk used; those named in `parameters` stand on the assumptions sheet.
    parameters : tuple of str

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The build-up has no steps, or two of its steps have names that differ in punctuation only.
    riskadj.errors.OutputExistsError, riskadj.errors.OutputError, riskadj.errors.MissingDependencyError
        As `pricing.worksheets.render.write_book` says.
    """
    assumed = () if rates is None else (assumptions_grid(rates, parameters),)
    book = Book(f"{walk.name}: build-up", (*build_up_grids(walk), *assumed), rates=rates)
    return write_book(book, path, run=run, overwrite=overwrite)


def build_up_grids(walk: BuildUp) -> tuple[Grid, ...]:
    """Return a build-up as grids: its inputs, its levels as formulas, and checks."""
    checks = (_checks(walk),) if _check_lines(walk) else ()
    return (_inputs(walk), _levels(walk), *checks)


def with_inputs(walk: BuildUp, inputs: Mapping[str, pa.Table]) -> BuildUp:
    """Return a build-up with the numbers that a workbook's inputs hold now.

    Parameters
    ----------
    walk : BuildUp
        The one that the workbook was written from.
    inputs : mapping of str to pyarrow.Table
        From `pricing.worksheets.read.read_inputs`.

    Returns
    -------
    BuildUp

    Raises
    ------
    InputError
        The workbook is of another build-up; or a number cannot be, such as a credibility above 1.
    """
    table = inputs.get(INPUTS)
    wanted = {"label", *(key for step in walk.steps for key in _input_keys(step))}
    if table is None or set(table.column_names) != wanted or table["label"].to_pylist() != list(walk.labels):
        raise InputError(
            f"the workbook's inputs are not those of build-up '{walk.name}'; labels or steps differ."
        )
    result = BuildUp(walk.name, walk.unit, walk.labels)
    for step in walk.steps:
        result = _again(result, step, table)
    return result


def _again(result: BuildUp, step: Step, table: pa.Table) -> BuildUp:
    if step.kind == "checkpoint":
        return result.checkpoint(step.name, field=step.field)
    values = [table[key].to_numpy() for key in _input_keys(step)]
    more: dict[str, Any] = {"manual": values[1]} if step.kind == "blend" else {}
    return getattr(result, step.kind)(step.name, values[0], source=step.source, field=step.field, **more)


def _input_keys(step: Step) -> tuple[str, ...]:
    key = line_key(step.name)
    return {"checkpoint": (), "blend": (key, f"{key}_manual")}.get(step.kind, (key,))


def _label_line(walk: BuildUp) -> Line:
    labels = [label or walk.name for label in walk.labels]
    return label_line("label", "label", labels)


def _inputs(walk: BuildUp) -> Grid:
    lines = [label_line("label", "label", walk.labels)]
    for step in walk.steps:
        for key, value in zip(_input_keys(step), (step.value, step.other), strict=False):
            lines.append(_input_line(walk, step, key, value))
    return Grid(INPUTS, "Inputs", f"{walk.name}: inputs", tuple(lines), range(len(walk.labels)))


def _input_line(walk: BuildUp, step: Step, key: str, value: Numbers | None) -> Line:
    is_manual = key != line_key(step.name)
    unit = walk.unit if is_manual else _UNITS.get(step.kind, walk.unit)
    look = "dollars" if unit == walk.unit else "factor"
    label = f"{step.name}: manual level" if is_manual else step.name
    return Line(key, label, plain_values(value), unit, step.source, step.field, look=look)


def _levels(walk: BuildUp) -> Grid:
    lines, before = [_label_line(walk)], ""
    for step, level in zip(walk.steps, walk.levels, strict=True):
        key = line_key(step.name)
        label = step.name if step.kind == "checkpoint" else f"{_WORDS[step.kind]} {step.name}"
        formula = _formula(step, before)
        is_total = step.kind == "checkpoint" or step is walk.steps[-1]
        values = plain_values(level)
        lines.append(
            Line(key, label, values, walk.unit, field=step.field, formula=formula, is_total=is_total)
        )
        before = key
    return Grid(LEVELS, "Build-up", f"{walk.name}: build-up", tuple(lines), range(len(walk.labels)))


def _formula(step: Step, before: str) -> str:
    key = line_key(step.name)
    named = {
        "start": (key,),
        "checkpoint": (before,),
        "blend": (key, before, key, f"{key}_manual"),
    }.get(step.kind, (before, key))
    return _FORMULAS[step.kind] % named


def _checks(walk: BuildUp) -> Grid:
    lines = (_label_line(walk), *_check_lines(walk))
    return Grid("checks", "Checks", f"{walk.name}: checks", lines, range(len(walk.labels)))


def _check_lines(walk: BuildUp) -> tuple[Line, ...]:
    """Return what makes an input impossible, as formulas, and that the last level is a price."""
    lines = []
    for step in walk.steps:
        key, cell = f"check_{line_key(step.name)}", f"{{inputs.{line_key(step.name)}}}"
        if step.kind == "divide":
            lines.append(condition_line(key, f"{step.name} is above 0", f"{cell}>0", step.value > 0))
        if step.kind == "blend":
            is_share = (step.value >= 0) & (step.value <= 1)
            lines.append(
                condition_line(
                    key, f"{step.name} lies between 0 and 1", f"AND({cell}>=0,{cell}<=1)", is_share
                )
            )
    last = f"{{{LEVELS}.{line_key(walk.steps[-1].name)}}}>0"
    return (*lines, condition_line("check_last_level", "the last level is above 0", last, walk.value > 0))
