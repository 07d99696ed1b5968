"""How charts of the house look: one palette, plain axes, and the shapes that several charts share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREY, RED, GREEN, AMBER = "#2a6592", "#8a8f94", "#b5483d", "#3d8361", "#c98b2b"
#: Colours of categories, told apart in print and by colour-blind readers.
PALETTE = (BLUE, AMBER, GREEN, RED, "#6f5a91", GREY)


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 11.0, height: float = 4.6, **subplots: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row; sizes in inches.

    It belongs to no window: a notebook shows it, anybody else saves it.

    Parameters
    ----------
    **subplots
        Passed to `matplotlib.figure.Figure.subplots`, such as ``width_ratios``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **subplots).flat)
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.set_prop_cycle(color=PALETTE)
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]  # notebooks look for it
    return figure, axes


def _png(figure: Figure) -> bytes:
    """Return a figure as a PNG picture: what notebooks ask an object for when they show it."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def show_percent(axis: Any) -> None:
    """Write an axis (``axes.xaxis`` or ``axes.yaxis``) in percent, with as many decimals as its ticks need."""
    axis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g}%")


def show_dollars(axis: Any) -> None:
    """Write an axis in whole dollars, thousands apart."""
    axis.set_major_formatter(lambda value, _: f"-${-value:,.0f}" if value < 0 else f"${value:,.0f}")


def show_short_dollars(axis: Any, *, signed: bool = False) -> None:
    """Write an axis in dollars, thousands (K) or millions (M), as each tick needs; `signed`: a plus before gains."""
    axis.set_major_formatter(lambda value, _: short_dollars(value, signed=signed))


def short_dollars(value: float, *, signed: bool = False) -> str:
    """Return dollars in four figures or so.

    Examples
    --------
    >>> [short_dollars(value) for value in (0, 950, -12_500, 7_250_000, 1_500_000_000)]
    ['$0', '$950', '-$12.5K', '$7.25M', '$1,500M']
    """
    unit, letter = next(
        ((unit, letter) for unit, letter in ((1e6, "M"), (1e3, "K")) if abs(value) >= unit), (1.0, "")
    )
    sign = "-" if value < 0 else "+" if signed and value > 0 else ""
    number = f"{abs(value) / unit:,.2f}"
    return f"{sign}${number.rstrip('0').rstrip('.')}{letter}"


def shortened(text: str, most: int = 34) -> str:
    """Return a label of at most `most` characters; what is cut off leaves an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip(" ,") + "…"


def set_bar_room(axes: Axes, n_bars: int) -> None:
    """Leave horizontal bars as thin as if there were four of them, so that one or two do not fill the chart."""
    room = max(4 - n_bars, 0) / 2
    axes.set_ylim(-0.6 - room, n_bars - 0.4 + room)


def draw_bars(axes: Axes, names: Sequence[str], values: Sequence[float], *, color: str = BLUE) -> None:
    """Draw horizontal bars, the first name on top."""
    axes.barh(list(names)[::-1], list(values)[::-1], color=color)


def draw_waterfall(
    axes: Axes,
    names: Sequence[str],
    steps: Sequence[float],
    *,
    start: tuple[str, float],
    end: str,
    decimals: int = 3,
    is_cut: bool = False,
) -> None:
    """Draw steps from a start to its end: rises and falls float between the two bars that stand on the axis.

    Parameters
    ----------
    names, steps : sequences of the same length
        What each step is called, and by how much it moves the level.
    start : tuple of str and float
        Name and level of the first bar.
    end : str
        Name of the last bar; its level is the start plus every step.
    decimals : int
        Of the numbers written at the bars.
    is_cut : bool
        Begin the axis near the lowest level, so that small steps show.
    """
    level, edges = start[1], [start[1]]
    axes.bar(0, start[1], color=GREY)
    for position, step in enumerate(steps, start=1):
        axes.bar(position, step, bottom=level, color=GREEN if step >= 0 else RED)
        axes.plot([position - 1.4, position + 0.4], [level, level], color=GREY, linewidth=0.8)
        level += step
        edges.append(level)
    axes.bar(len(steps) + 1, level, color=BLUE)
    labels = [
        f"{start[1]:,.{decimals}f}",
        *(f"{round(step, decimals) + 0.0:+,.{decimals}f}" for step in steps),  # no negative zeros
        f"{level:,.{decimals}f}",
    ]
    tops = [max(start[1], 0.0), *(max(pair) for pair in pairwise(edges)), max(level, 0.0)]
    for position, (top, label) in enumerate(zip(tops, labels, strict=True)):
        axes.annotate(
            label, (position, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_xticks(range(len(steps) + 2), [start[0], *names, end], rotation=30, ha="right", fontsize=8)
    if is_cut:
        _cut(axes, [edge for edge in edges if not isnan(edge)])
    else:
        bottom, top = axes.get_ylim()
        axes.set_ylim(top=top + 0.06 * (top - bottom))  # room for the numbers above the highest bar


def _cut(axes: Axes, edges: Sequence[float]) -> None:
    """Begin the vertical axis near the lowest of some levels."""
    if edges:
        room = max(max(edges) - min(edges), 0.01)
        axes.set_ylim(max(0.0, min(edges) - 0.6 * room), max(edges) + 0.25 * room)
