"""A price as a sequence of named, cited steps: it prints, charts, and tells what made it change.

The one idea behind ACA rates, Medicare bids and group prices: start from a number, then multiply, divide, add, blend
with credibility, and mark the levels that a form asks for. Values may be arrays, one element for each plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.errors import InputError
from pricing.inputs import Numbers
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KINDS = ("start", "multiply", "divide", "add", "blend", "checkpoint")
#: The value of a step that changes nothing.
_NEUTRAL = {"multiply": 1.0, "divide": 1.0, "add": 0.0, "blend": 0.0, "checkpoint": 0.0}


@dataclass(frozen=True)
class Step:
    """One step of a build-up.

    Attributes
    ----------
    name : str
        Unique within the build-up.
    kind : {"start", "multiply", "divide", "add", "blend", "checkpoint"}
    value : ndarray of float64, shape (n,)
        The start, factor, divisor, amount, or for a blend the credibility of the level so far.
    other : ndarray of float64, shape (n,), optional
        What a blend blends with. [the level's unit]
    source : str
        Where the value comes from: a document, a table, a person's judgement.
    field : str
        The field of the form that the level after the step fills, such as "3.2".
    """

    name: str
    kind: str
    value: Numbers
    other: Numbers | None = None
    source: str = ""
    field: str = ""

    def apply(self, level: Numbers) -> Numbers:
        """Return the level after the step."""
        if self.kind == "start":
            return self.value
        if self.kind == "multiply":
            return level * self.value
        if self.kind == "divide":
            return level / self.value
        if self.kind == "add":
            return level + self.value
        if self.kind == "blend" and self.other is not None:
            return self.value * level + (1 - self.value) * self.other
        return level


@dataclass(frozen=True)
class BuildUp:
    """A price step by step; every method that adds a step returns a new build-up.

    Examples
    --------
    >>> price = (
    ...     BuildUp("group rate", unit="dollars a month")
    ...     .start("experience", 500.0, source="claims of the base year")
    ...     .multiply("trend", 1.08, source="trend study")
    ...     .blend("credibility", 0.6, manual=560.0, source="square-root rule")
    ...     .divide("retention", 0.85, source="pricing committee"))
    >>> round(float(price.value[0]), 2)
    644.71
    """

    name: str
    unit: str = "dollars per member and month"
    labels: tuple[str, ...] = ("",)
    steps: tuple[Step, ...] = ()

    TABLES: ClassVar[Mapping[str, str]] = {"table": "build_up"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def run(self) -> dict[str, Any]:
        """Its name, unit and labels."""
        return {"name": self.name, "unit": self.unit, "labels": list(self.labels)}

    def start(self, name: str, value: Any, *, source: str, field: str = "") -> BuildUp:
        """Begin with a level [unit]."""
        if self.steps:
            raise InputError(f"build-up '{self.name}' has started already, with '{self.steps[0].name}'.")
        return self._with(name, "start", value, source, field)

    def multiply(self, name: str, factor: Any, *, source: str, field: str = "") -> BuildUp:
        """Multiply the level by a factor."""
        return self._with(name, "multiply", factor, source, field)

    def divide(self, name: str, divisor: Any, *, source: str, field: str = "") -> BuildUp:
        """Divide the level, such as by 1 less the share of premium that loads take.

        Raises
        ------
        InputError
            A divisor is not above 0: loads take the whole premium, or more.
        """
        if not (np.asarray(divisor, np.float64) > 0).all():
            raise InputError(f"build-up '{self.name}', step '{name}': the divisor must be above 0.")
        return self._with(name, "divide", divisor, source, field)

    def add(self, name: str, amount: Any, *, source: str, field: str = "") -> BuildUp:
        """Add an amount [unit]; a negative one lowers the level."""
        return self._with(name, "add", amount, source, field)

    def blend(self, name: str, credibility: Any, *, manual: Any, source: str, field: str = "") -> BuildUp:
        """Blend: credibility x the level + (1 - credibility) x the manual level [unit].

        Raises
        ------
        InputError
            A credibility lies outside 0 to 1.
        """
        z = np.asarray(credibility, np.float64)
        if not ((z >= 0) & (z <= 1)).all():
            raise InputError(f"build-up '{self.name}', step '{name}': credibility must lie between 0 and 1.")
        return self._with(name, "blend", credibility, source, field, manual)

    def checkpoint(self, name: str, *, field: str = "") -> BuildUp:
        """Name the level reached, such as "plan adjusted index rate"."""
        return self._with(name, "checkpoint", 0.0, "", field)

    @property
    def levels(self) -> list[Numbers]:
        """The level after each step, each of shape (n,). [unit]"""
        return list(_levels(self.steps))

    @property
    def value(self) -> Numbers:
        """The level after the last step, shape (n,). [unit]"""
        if not self.steps:
            raise InputError(f"build-up '{self.name}' has no steps; begin with start().")
        return self.levels[-1]

    def level(self, name: str) -> Numbers:
        """Return the level after the step of a name [unit].

        Raises
        ------
        InputError
            There is no such step.
        """
        names = [step.name for step in self.steps]
        if name not in names:
            raise InputError(f"build-up '{self.name}' has no step '{name}'{nearest(name, names)}.")
        return self.levels[names.index(name)]

    def only(self, label: str) -> BuildUp:
        """Return the build-up of one label.

        Raises
        ------
        InputError
            There is no such label.
        """
        if label not in self.labels:
            raise InputError(f"build-up '{self.name}' has no '{label}'{nearest(label, self.labels)}.")
        place = slice(self.labels.index(label), self.labels.index(label) + 1)
        steps = tuple(
            replace(step, value=step.value[place], other=None if step.other is None else step.other[place])
            for step in self.steps
        )
        return replace(self, labels=(label,), steps=steps)

    def table(self) -> pa.Table:
        """Return one row per label and step: label, step, kind, value, other, level [unit], source, field."""
        rows = [
            {
                "label": label, "step": step.name, "kind": step.kind, "value": float(step.value[place]),
                "other": None if step.other is None else float(step.other[place]), "level": float(level[place]),
                "source": step.source, "field": step.field,
            }
            for place, label in enumerate(self.labels)
            for step, level in zip(self.steps, self.levels, strict=True)
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, _SCHEMA)

    def summary(self) -> pd.DataFrame:
        """Return the steps as rows and the levels of each label as columns (pandas)."""
        import pandas as pd

        frame = pd.DataFrame({label or "level": column for label, column in zip(self.labels, np.array(self.levels).T, strict=True)})  # fmt: skip # noqa: E501
        frame.insert(0, "step", [step.name for step in self.steps])
        return frame

    def plot(self, label: str | None = None) -> Figure:
        """Return a waterfall of one label's levels (default: the first); steps that changed nothing are left out.

        Raises
        ------
        InputError
            There is no such label.
        """
        from riskadj.charts import draw_waterfall, new_figure

        own = self.only(self.labels[0] if label is None else label)
        levels = [float(level[0]) for level in own.levels]
        pairs = zip(self.steps[1:], levels, levels[1:], strict=False)
        steps = [(step.name, after - before) for step, before, after in pairs if after != before]
        figure, (axes,) = new_figure(height=4.8)
        draw_waterfall(
            axes, [name for name, _ in steps], [change for _, change in steps],
            start=(self.steps[0].name, levels[0]), end=self.name, decimals=2,
        )  # fmt: skip
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_ylabel(self.unit)
        axes.set_title(" ".join(filter(None, [self.name, *own.labels])), fontsize=10)
        return figure

    def change_from(self, before: BuildUp) -> pa.Table:
        """Return what made the value change from an earlier build-up, step by step; the changes add up exactly.

        The earlier build-up is turned into this one a step at a time, in this one's order; a step's change is what
        the value moves when its numbers replace the earlier ones. A step that only one of them has is there with the
        number that changes nothing.

        Returns
        -------
        pyarrow.Table
            label, step, before, after, change [unit], share (of the earlier value).

        Raises
        ------
        InputError
            The labels differ, or a step of one name is of two kinds.
        """
        if self.labels != before.labels:
            raise InputError("two build-ups can be compared only if they have the same labels.")
        old, new = _aligned(before, self)
        values = [_last(new[:count] + old[count:]) for count in range(len(new) + 1)]
        rows = [
            {
                "label": label, "step": step.name, "before": float(low[place]), "after": float(high[place]),
                "change": float(high[place] - low[place]),
                "share": float((high[place] - low[place]) / values[0][place]),
            }
            for place, label in enumerate(self.labels)
            for step, low, high in zip(new, values, values[1:], strict=False)
            if step.kind != "checkpoint"
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, _CHANGES)

    def _with(self, name: str, kind: str, value: Any, source: str, field: str, other: Any = None) -> BuildUp:
        if kind != "start" and not self.steps:
            raise InputError(f"build-up '{self.name}' must begin with start(), not {kind}().")
        if any(step.name == name for step in self.steps):
            raise InputError(f"build-up '{self.name}' has a step '{name}' already; give each its own name.")
        if kind != "checkpoint" and not source:
            raise InputError(
                f"build-up '{self.name}', step '{name}': say where the value comes from (source=)."
            )
        step = Step(
            name,
            kind,
            self._array(value, name),
            None if other is None else self._array(other, name),
            source,
            field,
        )
        return replace(self, steps=(*self.steps, step))

    def _array(self, value: Any, name: str) -> Numbers:
        try:
            array = np.asarray(value, np.float64) + 0.0  # no negative zeros
        except (TypeError, ValueError):
            raise InputError(f"build-up '{self.name}', step '{name}': a value is no number.") from None
        if array.ndim > 1 or (array.ndim and len(array) != len(self.labels)):
            raise InputError(
                f"build-up '{self.name}', step '{name}': give one number, or one for each of {len(self.labels)} labels."
            )
        if not np.isfinite(array).all():
            raise InputError(f"build-up '{self.name}', step '{name}': a value is not a finite number.")
        return np.broadcast_to(array, (len(self.labels),)).copy()

    def __repr__(self) -> str:
        """Return the steps and the level after each, of one label."""
        lines = [f"{self.name} [{self.unit}]"]
        for step, level in zip(self.steps, self.levels, strict=True):
            lines.append(f"  {step.name:<40} {step.kind:<10} {_shown(step):>12}  {level[0]:>14,.4f}")
        return "\n".join(lines + ([f"  ... and {len(self.labels) - 1} more"] if len(self.labels) > 1 else []))


_SCHEMA = pa.schema(
    [("label", pa.string()), ("step", pa.string()), ("kind", pa.string()), ("value", pa.float64()),
     ("other", pa.float64()), ("level", pa.float64()), ("source", pa.string()), ("field", pa.string())]
)  # fmt: skip
_CHANGES = pa.schema(
    [("label", pa.string()), ("step", pa.string()), ("before", pa.float64()), ("after", pa.float64()),
     ("change", pa.float64()), ("share", pa.float64())]
)  # fmt: skip


def _shown(step: Step) -> str:
    return "" if step.kind == "checkpoint" else f"{step.value[0]:,.4f}"


def _levels(steps: tuple[Step, ...]) -> Iterator[Numbers]:
    level = np.zeros(0)
    for step in steps:
        level = step.apply(level)
        yield level


def _last(steps: tuple[Step, ...]) -> Numbers:
    return list(_levels(steps))[-1]


def _aligned(before: BuildUp, after: BuildUp) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return both build-ups with the same steps in the same order: the later one's, and the earlier one's own last."""
    old = {step.name: step for step in before.steps}
    new = {step.name: step for step in after.steps}
    for name in old.keys() & new.keys():
        if old[name].kind != new[name].kind:
            raise InputError(
                f"step '{name}' is {old[name].kind} in one build-up and {new[name].kind} in the other."
            )
    if before.steps[:1] and after.steps[:1] and before.steps[0].name != after.steps[0].name:
        raise InputError(
            f"the build-ups start with '{before.steps[0].name}' and '{after.steps[0].name}'; name them alike."
        )
    names = _merged([step.name for step in before.steps], [step.name for step in after.steps])
    return (
        tuple(old[name] if name in old else _neutral(new[name]) for name in names),
        tuple(new[name] if name in new else _neutral(old[name]) for name in names),
    )


def _merged(old: list[str], new: list[str]) -> list[str]:
    """Return the names of both in the later one's order; a name of the earlier one alone keeps its predecessor."""
    result = list(new)
    for place, name in enumerate(old):
        if name not in result:
            before = [other for other in old[:place] if other in result]
            result.insert(result.index(before[-1]) + 1 if before else 0, name)
    return result


def _neutral(step: Step) -> Step:
    """Return the step with a number that changes nothing; a blend then believes the level alone."""
    value = 1.0 if step.kind == "blend" else _NEUTRAL[step.kind]
    return replace(step, value=np.full_like(step.value, value))
