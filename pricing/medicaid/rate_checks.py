"""What 42 CFR 438.4 and 438.7 ask of capitation rates, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.inputs import Numbers
from pricing.parameters import Rates

CHECK_PARAMETERS = ("mlr_standard", "rate_change_without_certification", "rate_range_width")
_SCHEMA = pa.schema([
    ("rate_cell", pa.string()), ("region", pa.string()), ("check", pa.string()), ("value", pa.float64()),
    ("limit", pa.float64()), ("passed", pa.bool_()), ("rule", pa.string()), ("source", pa.string()),
])  # fmt: skip
#: Differences that floating point makes.
_SLACK = 1e-9


def rate_checks(rates: pa.Table, parameters: Rates) -> pa.Table:
    """Return the checks of capitation rates: rate_cell, region, check, value, limit, passed, rule, source.

    Parameters
    ----------
    rates : pyarrow.Table
        As `CapitationRates.rates`; with certified_rate where rates were certified before.
    parameters : Rates
        A rule that did not hold in the year is not checked.
    """
    columns = {name: np.asarray(rates[name]) for name in rates.column_names}
    rows = [
        {
            "rate_cell": cell, "region": region, "check": check, "value": float(value[place]),
            "limit": float(limit[place]), "passed": bool(passed[place]), "rule": rule, "source": source,
        }
        for check, value, limit, passed, rule, source in _checks(columns, parameters)
        for place, (cell, region) in enumerate(zip(columns["rate_cell"], columns["region"], strict=True))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, _SCHEMA)


def _checks(rates: dict[str, Numbers], parameters: Rates) -> Iterator[tuple[Any, ...]]:
    same = np.ones_like(rates["rate"])
    if parameters.has("rate_range_width"):
        most, width = parameters.number("rate_range_width"), rates["rate_high"] / rates["rate_low"]
        rule = "a certified range: the upper bound is at most this times the lower"
        source = _source(parameters, "rate_range_width")
        yield "range_width", width, most * same, width <= most + _SLACK, rule, source
    least, ratio = parameters.number("mlr_standard"), rates["projected_loss_ratio"]
    rule = "the rate is projected to reach this loss ratio"
    yield (
        "projected_loss_ratio",
        ratio,
        least * same,
        ratio >= least - _SLACK,
        rule,
        _source(parameters, "mlr_standard"),
    )
    net, low = rates["rate_less_unearned_withhold"], rates["rate_low"]
    rule = (
        "the rate without the withhold that cannot reasonably be earned is still sound: not below the range"
    )
    yield "rate_less_unearned_withhold", net, low, net >= low - _SLACK, rule, "42 CFR 438.6(b)(3)"
    if "certified_rate" in rates:
        yield from _against_certified(rates, parameters)


def _against_certified(rates: dict[str, Numbers], parameters: Rates) -> Iterator[tuple[Any, ...]]:
    most = parameters.number("rate_change_without_certification")
    change = rates["rate"] / rates["certified_rate"] - 1
    rule = "a change of the certified rate by at most this share, up or down, needs no revised certification"
    source = _source(parameters, "rate_change_without_certification")
    within = np.abs(change) <= most + _SLACK
    yield "change_from_certified", change, most * np.ones_like(change), within, rule, source


def _source(parameters: Rates, name: str) -> str:
    found = parameters.parameter(name)
    return f"{found.source}, {found.where}"
