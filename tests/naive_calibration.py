"""Plain-Python twins of the calibration: costs by row, fit statistics and groups, in loops."""

from __future__ import annotations

import math


def costs_by_row(spans, lines):
    """Return the cost of each enrollment row: amounts of the member's lines inside its span.

    Parameters
    ----------
    spans : list of (member_id, first day, last day)
    lines : list of (member_id, service date, amount)
    """
    costs = []
    for member, first, last in spans:
        total = 0.0
        for who, day, amount in lines:
            if who == member and first <= day <= last:
                total += amount
        costs.append(total)
    return costs


def weighted_mean(values, weights):
    """Return the weighted mean."""
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def fit(actual, predicted, weights, n_parameters):
    """Return R2, adjusted R2, CPM, mean absolute error and predictive ratio."""
    mean = weighted_mean(actual, weights)
    squared = absolute = squared_from_mean = absolute_from_mean = 0.0
    for cost, expected, weight in zip(actual, predicted, weights, strict=True):
        squared += weight * (cost - expected) ** 2
        absolute += weight * abs(cost - expected)
        squared_from_mean += weight * (cost - mean) ** 2
        absolute_from_mean += weight * abs(cost - mean)
    n = len(actual)
    r2 = 1 - squared / squared_from_mean
    return {
        "r2": r2,
        "adjusted_r2": 1 - (1 - r2) * (n - 1) / (n - n_parameters),
        "cpm": 1 - absolute / absolute_from_mean,
        "mean_absolute_error": absolute / sum(weights),
        "predictive_ratio": weighted_mean(predicted, weights) / mean,
    }


def decile(predicted, weights):
    """Return each row's group, 1 to 10: by the share of weight below its prediction, and half of that at it."""
    whole = sum(weights)
    groups = []
    for own in predicted:
        below = sum(weight for each, weight in zip(predicted, weights, strict=True) if each < own)
        same = sum(weight for each, weight in zip(predicted, weights, strict=True) if each == own)
        groups.append(min(int(10 * (below + same / 2) / whole) + 1, 10))
    return groups


def group_means(groups, actual, predicted, weights):
    """Return, by group: rows, mean actual and predicted cost, and the standard error of the mean actual cost."""
    found = {}
    for group in sorted(set(groups)):
        rows = [number for number, each in enumerate(groups) if each == group]
        years = [weights[number] for number in rows]
        costs = [actual[number] for number in rows]
        mean = weighted_mean(costs, years)
        spread = sum((year * (cost - mean)) ** 2 for year, cost in zip(years, costs, strict=True))
        found[group] = {
            "n_rows": len(rows),
            "mean_actual": mean,
            "mean_predicted": weighted_mean([predicted[number] for number in rows], years),
            "std_error_actual": math.sqrt(spread) / sum(years),
        }
    return found
