"""Curves given by points: what a quality score earns, which minimum rate a panel's size has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pricing.inputs import Numbers

Points = tuple[tuple[float, float], ...]


def value_at(points: Points, x: Numbers) -> Numbers:
    """Return the height of a curve: linear between points, level outside them.

    Where two points stand at one place the curve jumps, and the place itself has the later height: ``((0.8, 0.0),
    (0.8, 1.0))`` is nothing below 0.8 and everything from 0.8 on.

    Examples
    --------
    >>> value_at(((0.4, 0.0), (0.8, 1.0)), np.array([0.2, 0.5, 0.9])).round(2).tolist()
    [0.0, 0.25, 1.0]
    """
    place, height = np.array(points, np.float64).T
    right = np.searchsorted(place, x, side="right")
    low, high = np.maximum(right - 1, 0), np.minimum(right, len(place) - 1)
    width = place[high] - place[low]
    share = np.clip((x - place[low]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    return height[low] + share * (height[high] - height[low])


def faults_of_curve(name: str, points: Points) -> Iterator[str]:
    """Yield what is wrong with a curve: places must rise, heights lie between 0 and 1."""
    if any(len(point) != 2 for point in points):
        yield f"{name} must be a list of pairs such as [0.8, 1.0]"
        return
    places = [place for place, _ in points]
    if places != sorted(places):
        yield f"the points of {name} must be in rising order"
    if any(not 0 <= height <= 1 for _, height in points):
        yield f"{name} must lie between 0 and 1"
