"""Chart of one member's score: from the demographic score, factor by factor, to the payment risk score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskadj.charts import draw_waterfall, new_figure, shortened
from riskadj.results.explain.explanation import BLEND, RAW, SCORE, Explanation, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEMOGRAPHIC = "demographic"
_MOST_FACTORS = 12


def plot_explanation(explanation: Explanation) -> Figure:
    """Return a figure with a waterfall for each enrollment row and model that has scores."""
    scored = [(key, lines) for key, lines in explanation.blocks() if any(line.item == RAW for line in lines)]
    figure, axes = new_figure(max(len(scored), 1), width=11.0, height=4.2 * max(len(scored), 1))
    for one, ((row, model_id), lines) in zip(axes, scored, strict=False):
        _draw(one, lines)
        one.set_title(f"enrollment row {row}, {model_id}", fontsize=10)
    return figure


def _draw(axes: Axes, lines: list[Line]) -> None:
    factors = [line for line in lines if line.value and line.step not in (SCORE, BLEND, DEMOGRAPHIC)]
    scores = [(line.item, float(line.value)) for line in lines if line.step == SCORE and line.value]
    start = dict(scores)[DEMOGRAPHIC]
    steps = _largest([(_name(line), float(line.value)) for line in factors])
    after_sum = [pair for pair in scores if pair[0] not in (DEMOGRAPHIC, "disease")]
    level = start + sum(step for _, step in steps)
    for (
        name,
        score,
    ) in after_sum:  # rounding, normalization, coding intensity ...: what each does to the score
        if abs(score - level) > _NOTHING:
            steps.append((f"to {name.removesuffix(' risk score')}", score - level))
        level = score
    draw_waterfall(
        axes,
        [name for name, _ in steps],
        [step for _, step in steps],
        start=("demographic", start),
        end=after_sum[-1][0],
    )
    axes.set_ylabel("risk score")
    axes.tick_params(labelsize=8)


_NOTHING = 0.5e-6


def _largest(steps: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the steps, the smallest together as one where there are too many to read."""
    if len(steps) <= _MOST_FACTORS:
        return steps
    kept = sorted(steps, key=lambda pair: -abs(pair[1]))[: _MOST_FACTORS - 1]
    rest = sum(step for name, step in steps) - sum(step for _, step in kept)
    return [*kept, (f"{len(steps) - len(kept)} smaller", rest)]


def _name(line: Line) -> str:
    return shortened(f"{line.item} {line.detail}") if line.step == "HCC" else line.item
