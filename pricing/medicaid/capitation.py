"""Capitation rates of Medicaid managed care: base data to rate, cell by cell, with an actuarially sound range.

Each rate is a build-up of the steps that 42 CFR 438.5(b) asks for, under low, best and high assumptions. Categories of
service have assumptions of their own; a step of the build-up is what it does to their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.build_up import BuildUp
from pricing.errors import InputError, check_choice
from pricing.experience.assumptions import DEFAULT, GIVEN, Assumption, assumption_table
from pricing.experience.trend import projection_factor
from pricing.inputs import AS_RATE, MOST_RATE, Column, Columns, Numbers, read_columns
from pricing.medicaid.rate_cells import ALL, EVENT, MEMBER_MONTH, label_of, places_of
from pricing.medicaid.rate_checks import CHECK_PARAMETERS, rate_checks
from pricing.parameters import Rates, load_rates
from pricing.rounding import round_cents

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCENARIOS = ("low", "best", "high")
CELL = ("rate_cell", "region")

#: Assumptions of a category of service; ``<name>_low`` and ``<name>_high`` may stand beside each.
SERVICE_ASSUMPTIONS = (
    Column("completion", default=1.0, above=0.0),
    Column("utilization_trend", default=0.0, maximum=MOST_RATE, above=-1.0, written=AS_RATE),
    Column("unit_cost_trend", default=0.0, maximum=MOST_RATE, above=-1.0, written=AS_RATE),
    Column("program_change", default=1.0, above=0.0),
    Column("managed_care", default=1.0, above=0.0),
)
#: Assumptions of a rate cell, likewise.
CELL_ASSUMPTIONS = (
    Column("non_benefit_pmpm", default=0.0, minimum=0.0),
    Column("non_benefit_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("margin_share", default=0.0, minimum=-1.0, maximum=1.0),
)


def _with_range(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return columns and their low and high ones, which need not be there."""
    return tuple(
        replace(one, name=f"{one.name}{end}", default=... if end else one.default)
        for one in columns
        for end in ("", "_low", "_high")
    )


#: One row per rate cell, region and category of service.
SERVICES = (
    Column("rate_cell", "text"),
    Column("region", "text", default=ALL),
    Column("service_category", "text", default=ALL),
    Column("base_pmpm", minimum=0.0),
    *_with_range(SERVICE_ASSUMPTIONS),
)
#: One row per rate cell and region; columns beside these (age, sex, eligibility category) are carried along.
CELLS = (
    Column("rate_cell", "text"),
    Column("region", "text", default=ALL),
    Column("unit", "text", default=MEMBER_MONTH, allowed=(MEMBER_MONTH, EVENT)),
    Column("units", above=0.0),
    *_with_range(CELL_ASSUMPTIONS),
    Column("taxes_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("directed_payment_pmpm", default=0.0, minimum=0.0),
    Column("withhold_share", default=0.0, minimum=0.0, maximum=1.0),
    Column("withhold_achievable_share", default=1.0, minimum=0.0, maximum=1.0),
    Column("certified_rate", default=..., above=0.0),
)


@dataclass(frozen=True)
class CapitationRates:
    """Capitation rates of every rate cell and region.

    Attributes
    ----------
    rates : pyarrow.Table
        One row per cell: unit (member_month, or event for a kick payment), units, base and projected benefit cost,
        rate_low, rate, rate_high [dollars per unit, whole cents], range_width (high / low - 1), dollars (units x rate),
        withhold and unearned_withhold, rate_less_unearned_withhold [dollars per unit], projected_loss_ratio.
    checks : pyarrow.Table
        One row per cell and rule of 42 CFR 438.4 and 438.7: check, value, limit, passed, rule, source.
    steps : pyarrow.Table
        One row per scenario (low, best, high), cell and step, as `BuildUp.table`. [dollars per unit]
    assumptions : pyarrow.Table
        What was assumed for the whole, and the parameters of the regulation with their sources.
    build_ups : dict of str to BuildUp
        By scenario.
    run : dict
        Counts and totals. [dollars]
    """

    rates: pa.Table
    checks: pa.Table
    steps: pa.Table
    assumptions: pa.Table
    build_ups: dict[str, BuildUp]
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "rates": "capitation_rates",
        "checks": "rate_checks",
        "steps": "rate_steps",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    def explain(self, rate_cell: str, region: str = ALL, *, scenario: str = "best") -> BuildUp:
        """Return the build-up of one cell: every step with its source, to print, plot or compare.

        Raises
        ------
        InputError
            There is no such cell or scenario.
        """
        check_choice("scenario", scenario, self.build_ups)
        return self.build_ups[scenario].only(label_of(rate_cell, region))

    def summary(self) -> pd.DataFrame:
        """Return the cells: units, low, best and high rate, dollars, and how many checks fail."""
        frame = self.to_pandas("rates")[[*CELL, "unit", "units", "rate_low", "rate", "rate_high", "dollars"]]
        checks = self.to_pandas("checks")
        failed = checks[~checks.passed].groupby(list(CELL)).size()
        counts = [int(failed.get(key, 0)) for key in zip(frame.rate_cell, frame.region, strict=True)]
        return frame.assign(checks_failed=counts)

    def plot(self) -> Figure:
        """Return a figure: the range of each cell's rate, and its best estimate."""
        from pricing.medicaid.plots import plot_ranges

        return plot_ranges(self.rates)


def capitation_rates(
    services: Any,
    cells: Any,
    *,
    rating_year: int,
    trend_months: float,
    overrides: Any = None,
) -> CapitationRates:
    """Return capitation rates from base data, cell by cell, with their range.

    Parameters
    ----------
    services : path, DataFrame, Arrow table or mapping
        Base data by rate_cell, region and service_category: base_pmpm [dollars per unit of the cell], completion
        [factor], utilization_trend and unit_cost_trend [a year], program_change and managed_care [factors], and where
        the range differs from the best estimate the same with ``_low`` and ``_high`` behind the name.
    cells : path, DataFrame, Arrow table or mapping
        One row per rate_cell and region: units (projected member months, or events such as deliveries),
        non_benefit_pmpm [dollars per unit], non_benefit_share and margin_share [of the rate before directed payments],
        all with ``_low`` and ``_high``; taxes_share [of the rate, inside non_benefit_share], directed_payment_pmpm
        [dollars per unit], withhold_share and withhold_achievable_share, and certified_rate [dollars per unit], if
        there is one.
    rating_year : int
        Year in which the rating period begins: whose rules hold.
    trend_months : float
        From the middle of the base period to the middle of the rating period
        (`pricing.experience.months_between_midpoints`). [months]
    overrides : path or mapping, optional
        Parameters of one's own, as `pricing.load_rates` takes them.

    Returns
    -------
    CapitationRates

    Raises
    ------
    InputError
        A cell lacks base data or is not described, a number is not allowed, or the low assumptions of a cell give a
        higher rate than the best ones.

    References
    ----------
    .. [1] 42 CFR 438.5(b)-(f): base data, trend, non-benefit component, adjustments. 438.6(b)(3): withholds; 438.6(c):
       State directed payments. Parameters: pricing/rates/medicaid/manifest.toml.
    """
    if not np.isfinite(trend_months):
        raise InputError("trend_months must be a number of months.")
    rates = load_rates("medicaid", rating_year, overrides=overrides)
    base = read_columns(services, SERVICES, role="services", key=(*CELL, "service_category"))
    described = read_columns(cells, CELLS, role="rate cells", key=CELL, carry=True)
    keys = list(zip(*(described[name] for name in CELL), strict=True))
    group = places_of(keys, base, CELL, described.label)
    _refuse_costless(described, base, group)
    labels = tuple(label_of(*key) for key in keys)
    build_ups = {name: _build_up(name, labels, base, described, group, trend_months) for name in SCENARIOS}
    _refuse_crossed(described, build_ups)
    table = _rate_table(described, build_ups)
    checks = rate_checks(table, rates)
    run = _run(table, checks, base, rating_year)
    return CapitationRates(
        table, checks, _steps(build_ups), _assumptions(trend_months, rates, base, described), build_ups, run
    )


def _refuse_costless(cells: Columns, base: Columns, group: npt.NDArray[np.int64]) -> None:
    totals = np.bincount(group, base["base_pmpm"], cells.n_rows)
    cells.refuse(totals <= 0, "no base cost among the services; give its base_pmpm;")


def _refuse_crossed(cells: Columns, build_ups: dict[str, BuildUp]) -> None:
    low, best, high = (np.round(build_ups[name].value, 6) for name in SCENARIOS)
    cells.refuse(
        (low > best) | (best > high),
        "the low assumptions give more than the best, or the best more than the high; exchange them;",
    )


def _value(rows: Columns, name: str, scenario: str) -> Numbers:
    """Return a column under a scenario: its own low or high column where there is one."""
    own = f"{name}_{scenario}"
    values: Numbers = rows[own] if own in rows else rows[name]
    return values


def _build_up(
    scenario: str,
    labels: tuple[str, ...],
    base: Columns,
    cells: Columns,
    group: npt.NDArray[np.int64],
    trend_months: float,
) -> BuildUp:
    def trended(name: str) -> Numbers:
        annual = _value(base, name, scenario)
        return np.array([projection_factor(float(each), trend_months) for each in annual])

    level, total = base["base_pmpm"], np.bincount(group, base["base_pmpm"], len(labels))
    price = BuildUp("capitation rate", unit="dollars per member month or event", labels=labels)
    price = price.start("base data", total, source="42 CFR 438.5(b)(1), (c)")
    for step, factor, source in (
        ("completion", _value(base, "completion", scenario), "42 CFR 438.5(f): claims incurred and not paid"),
        ("utilization trend", trended("utilization_trend"), "42 CFR 438.5(b)(2), (d)"),
        ("unit cost trend", trended("unit_cost_trend"), "42 CFR 438.5(b)(2), (d)"),
        ("program changes", _value(base, "program_change", scenario), "42 CFR 438.5(b)(4), (f)"),
        ("managed care adjustment", _value(base, "managed_care", scenario), "42 CFR 438.5(b)(4), (f)"),
    ):
        level = level * factor
        after = np.bincount(group, level, len(labels))
        price = price.multiply(step, after / total, source=source)
        total = after
    shares = _value(cells, "non_benefit_share", scenario) + _value(cells, "margin_share", scenario)
    return (
        price.checkpoint("projected benefit cost")
        .add(
            "non-benefit cost", _value(cells, "non_benefit_pmpm", scenario), source="42 CFR 438.5(b)(3), (e)"
        )
        .divide("non-benefit share and margin", 1 - shares, source="42 CFR 438.5(b)(3), (e)")
        .add("state directed payments", cells["directed_payment_pmpm"], source="42 CFR 438.6(c)")
        .checkpoint("capitation rate")
    )


def _rate_table(cells: Columns, build_ups: dict[str, BuildUp]) -> pa.Table:
    known = {column.name for column in CELLS} - {*CELL, "unit", "units", "certified_rate"}
    kept = {name: pa.array(array) for name, array in cells.arrays.items() if name not in known}
    low, best, high = (round_cents(build_ups[name].value) for name in SCENARIOS)
    cells.refuse(low <= 0, "the low rate comes to less than half a cent; give base_pmpm in dollars per unit;")
    benefits = build_ups["best"].level("projected benefit cost")
    withhold = best * cells["withhold_share"]
    unearned = withhold * (1 - cells["withhold_achievable_share"])
    columns = {
        "base": build_ups["best"].level("base data"),
        "projected_benefit_cost": benefits,
        "rate_low": low, "rate": best, "rate_high": high, "range_width": high / low - 1,
        "dollars": cells["units"] * best,
        "withhold": withhold, "unearned_withhold": unearned, "rate_less_unearned_withhold": best - unearned,
        "projected_loss_ratio": (benefits + cells["directed_payment_pmpm"]) / (best * (1 - cells["taxes_share"])),
    }  # fmt: skip
    return pa.table({**kept, **columns})


def _steps(build_ups: dict[str, BuildUp]) -> pa.Table:
    tables = []
    for name, build_up in build_ups.items():
        table = build_up.table()
        tables.append(table.add_column(0, "scenario", pa.array([name] * table.num_rows)))
    return pa.concat_tables(tables)


def _assumptions(trend_months: float, rates: Rates, base: Columns, cells: Columns) -> pa.Table:
    middle = "from the middle of the base period to the middle of the rating period"
    given = [Assumption("trend_months", trend_months, "months", GIVEN, middle)]
    for rows, columns in ((base, SERVICE_ASSUMPTIONS), (cells, CELL_ASSUMPTIONS)):
        for column in columns:
            ranges = [end for end in ("low", "high") if f"{column.name}_{end}" in rows]
            is_default = bool((rows[column.name] == column.default).all()) and not ranges
            words = (
                f"range: {' and '.join(ranges)} of its own" if ranges else "the same in low, best and high"
            )
            mean = float(np.mean(rows[column.name]))
            given.append(
                Assumption(column.name, mean, "mean of rows", DEFAULT if is_default else GIVEN, words)
            )
    return pa.concat_tables([assumption_table(given), _parameters(rates)])


def _parameters(rates: Rates) -> pa.Table:
    """Return the parameters of the checks as assumptions."""
    meaning: Callable[[dict[str, Any]], str] = lambda row: (  # noqa: E731
        f"{row['source']}, {row['where']}{'' if row['verified'] else '; not verified'}"
    )
    rows = rates.assumptions(CHECK_PARAMETERS).to_pylist()
    return assumption_table(
        Assumption(row["parameter"], row["value"], row["unit"], "parameter", meaning(row)) for row in rows
    )


def _run(rates: pa.Table, checks: pa.Table, base: Columns, rating_year: int) -> dict[str, Any]:
    dollars = rates["dollars"].to_numpy()
    is_event = np.array(rates["unit"].to_pylist()) == EVENT
    units = rates["units"].to_numpy()
    passed = np.asarray(checks["passed"])
    return {
        "rating_year": rating_year,
        "cells": rates.num_rows,
        "service_rows": base.n_rows,
        "member_months": float(units[~is_event].sum()),
        "events": float(units[is_event].sum()),
        "dollars": float(dollars.sum()),
        "dollars_kick_payments": float(dollars[is_event].sum()),
        "dollars_low": float((units * rates["rate_low"].to_numpy()).sum()),
        "dollars_high": float((units * rates["rate_high"].to_numpy()).sum()),
        "checks": checks.num_rows,
        "checks_failed": int((~passed).sum()),
    }
