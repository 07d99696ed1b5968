"""Shapes that charts share: labels of a waterfall stand beside their bars, bars keep their thickness, one palette."""

from __future__ import annotations

from riskadj.charts import PALETTE, draw_waterfall, new_figure, set_bar_room


def test_labels_of_a_waterfall_stand_above_their_bars():
    _, (axes,) = new_figure()
    draw_waterfall(
        axes, ["losses", "rounding"], [-30.0, -0.001], start=("savings", 10.0), end="in all", decimals=1
    )
    labels = {text.get_text(): text.xy[1] for text in axes.texts}
    assert labels == {"10.0": 10.0, "-30.0": 10.0, "+0.0": -20.0, "-20.0": 0.0}


def test_one_bar_is_no_thicker_than_one_of_four():
    _, (axes,) = new_figure()
    axes.barh(["a"], [1.0])
    set_bar_room(axes, 1)
    low, high = axes.get_ylim()
    assert high - low > 4
    assert low < -0.4 < 0.4 < high


def test_lines_without_a_colour_of_their_own_take_the_palette():
    _, (axes,) = new_figure()
    drawn = [axes.plot([0, 1], [0, 1])[0].get_color() for _ in PALETTE]
    assert drawn == list(PALETTE)
