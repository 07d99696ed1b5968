"""What-ifs of a market: transfers when some enrollees change, and how far chance alone could move them.

A scenario changes some enrollees (their scores, premiums, metal level, plan), or a share of each of them, and the
market is made again, geographic cost factors included. Chance is that of who happens to be enrolled: families are drawn
with replacement, as many as there are, the same draws under every scenario, so that differences between scenarios are
paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.aca.market import ENROLLEES, billable_of
from pricing.aca.market_scenarios import BASE, Scenario, enrollees_under, rows_chosen
from pricing.aca.state_rating import factors_of_states
from pricing.aca.transfer_draws import Layout, PlanSums, transfers_of_draws
from pricing.aca.transfer_formula import KEY, PARAMETERS, PLAN
from pricing.errors import InputError
from pricing.inputs import Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARKET_AND_ISSUER = ("state", "market", "issuer_id")
_PERCENTILES = (5, 50, 95)


@dataclass(frozen=True)
class Simulation:
    """Transfers of a market under scenarios.

    Attributes
    ----------
    issuers : pyarrow.Table
        One row per scenario, state, market and issuer: billable_member_months, premium and transfer [dollars; positive
        = received], transfer_pmpm [dollars per billable month], share_of_premium, change [of the transfer, against the
        market as it is]; with draws also their percentiles, transfer_p5, transfer_p50, transfer_p95, change_p5,
        change_p50, change_p95 [dollars].
    draws : pyarrow.Table
        One row per scenario, issuer and draw: draw [from 1], transfer, change [dollars].
    scenarios : pyarrow.Table
        One row per scenario: enrollees [rows changed], member_months [changed].
    run : dict
        Benefit year, enrollees, units drawn from, draws, seed, checksum of the parameters.
    """

    issuers: pa.Table
    draws: pa.Table
    scenarios: pa.Table
    run: dict[str, Any]
    rates: Rates

    TABLES: ClassVar[Mapping[str, str]] = {
        "issuers": "simulated_transfers",
        "draws": "simulated_draws",
        "scenarios": "scenarios",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rates.assumptions(PARAMETERS)

    def summary(self, *, issuer_id: str | None = None) -> pd.DataFrame:
        """Return transfers by scenario and issuer, or of one issuer alone."""
        frame = self.issuers.to_pandas()
        return frame if issuer_id is None else _of_issuer(frame, issuer_id)

    def plot(self, *, issuer_id: str | None = None) -> Figure:
        """Return how each scenario changes an issuer's transfer, and the range of chance; default: the first issuer."""
        from pricing.aca.simulation_plots import plot_simulation

        issuers, draws = self.to_pandas("issuers"), self.to_pandas("draws")
        issuer = issuers["issuer_id"].iloc[0] if issuer_id is None else issuer_id
        return plot_simulation(_of_issuer(issuers, issuer), draws[draws["issuer_id"] == issuer])

    def write(
        self,
        directory: str | Path,
        *,
        chart: bool = False,
        chart_of: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write `TABLES` as Parquet, run.json and, if asked for, simulated_transfers.png, all or nothing.

        Parameters
        ----------
        directory : path
        chart : bool
            Draw what scenarios change for an issuer: `chart_of`, or else the first.
        chart_of : str, optional
            An issuer's id; asks for the chart.
        overwrite : bool
            Replace earlier results.

        Raises
        ------
        riskadj.errors.OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        is_drawn = chart or chart_of is not None
        charts = {self.TABLES["issuers"]: self.plot(issuer_id=chart_of)} if is_drawn else {}
        return results.write_with(self, directory, charts=charts, overwrite=overwrite)

    def __repr__(self) -> str:
        """Return what was simulated."""
        return (
            f"<Simulation: {self.scenarios.num_rows - 1} scenarios, {self.run['enrollees']:,} enrollees, "
            f"{self.run['draws']:,} draws, benefit year {self.rates.year}>"
        )


def _of_issuer(frame: pd.DataFrame, issuer_id: str) -> pd.DataFrame:
    own = frame[frame["issuer_id"] == issuer_id].reset_index(drop=True)
    if own.empty:
        known = ", ".join(sorted(set(frame["issuer_id"])))
        raise InputError(f"no issuer {issuer_id} in the market; there are: {known}.")
    return own


def simulate(
    enrollees: Any,
    scenarios: Sequence[Scenario],
    *,
    benefit_year: int,
    draws: int = 200,
    seed: int = 0,
    rates: Rates | None = None,
) -> Simulation:
    """Return the transfers of a market as it is and under scenarios, with the range that chance gives each.

    Parameters
    ----------
    enrollees : path, DataFrame or Arrow table
        As for `market_of_enrollees`; `enrollees_of_scores` makes them. Any further columns can name who changes.
    scenarios : sequence of Scenario
    benefit_year : int
    draws : int
        How many times families (members where family_id is not given, rows where neither is) are drawn. 0: no ranges.
    seed : int
        Any whole number from 0 up; the same seed gives the same draws.
    rates : Rates, optional

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        A column is missing or impossible, a scenario changes nobody or leaves a plan with two metal levels, two
        scenarios have one name, or a rating area is left without silver plan.

    References
    ----------
    .. [1] `mmrr2014`, `cfr153_320` in pricing/rates/aca/manifest.toml.
    """
    rates = rates or load_rates("aca", benefit_year)
    columns = read_columns(enrollees, ENROLLEES, role="enrollees", carry=True)
    columns = columns.with_columns(is_billable=billable_of(columns, rates))
    _check_options(scenarios, draws, seed)
    units, n_units = _units(columns)
    every = [Scenario(BASE), *scenarios]
    issuers = _issuers(columns, every)
    found = {
        each.name: _transfers(columns, each, issuers, units, _counts(n_units, draws, seed), rates)
        for each in every
    }
    return Simulation(
        _issuer_table(found, issuers),
        _draw_table(found, issuers, draws),
        _scenario_table(columns, every),
        {
            "benefit_year": rates.year,
            "parameters_sha256": rates.sha256,
            "enrollees": columns.n_rows,
            "units": n_units,
            "draws": draws,
            "seed": seed,
        },
        rates,
    )


def _check_options(scenarios: Sequence[Scenario], draws: int, seed: int) -> None:
    names = [BASE, *(each.name for each in scenarios)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"two scenarios are called '{twice[0]}'; give each a name of its own, other than '{BASE}'."
        )
    if draws < 0 or seed < 0:
        raise InputError(f"draws and seed must be 0 or more; they are {draws} and {seed}.")


def _units(columns: Columns) -> tuple[npt.NDArray[np.int64], int]:
    """Return what is drawn together: family, or member, or row."""
    name = next((name for name in ("family_id", "member_id") if name in columns), None)
    if name is None:
        return np.arange(columns.n_rows), columns.n_rows
    known, units = np.unique(columns[name].astype(str), return_inverse=True)
    return units.astype(np.int64), len(known)


def _counts(n_units: int, draws: int, seed: int) -> Any:
    """Yield how often each unit counts: once in the market that there is, then in each draw."""
    yield np.ones(n_units)
    source = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(source.integers(n_units, size=n_units), minlength=n_units).astype(np.float64)


def _layout(
    arrays: Mapping[str, Any], scenario: Scenario, rates: Rates
) -> tuple[Layout, npt.NDArray[np.int64]]:
    keys = list(zip(*(arrays[name].tolist() for name in PLAN), strict=True))
    names = sorted(set(keys))
    places = [PLAN.index(name) for name in KEY]
    if len({tuple(row[place] for place in places) for row in names}) < len(names):
        raise InputError(
            f"scenario '{scenario.name}' leaves a plan with two metal levels; set metal_level as well."
        )
    position = {name: number for number, name in enumerate(names)}
    layout = Layout.of_plans({name: [row[place] for row in names] for place, name in enumerate(PLAN)}, rates)
    return layout, np.array([position[key] for key in keys], np.int64)


def _transfers(
    columns: Columns,
    scenario: Scenario,
    issuers: Sequence[tuple[str, ...]],
    units: npt.NDArray[np.int64],
    counts: Any,
    rates: Rates,
) -> dict[str, Numbers]:
    """Return billable months, premium and transfer, each of shape (1 + draws, n_issuers)."""
    arrays, row = enrollees_under(columns, scenario)
    layout, plan = _layout(arrays, scenario, rates)
    months = arrays["months_enrolled"].astype(np.float64)
    billed = np.where(arrays["is_billable"], months, 0.0)
    values = (
        billed,
        months * arrays["payment_risk_score"],
        billed * factors_of_states(arrays["age_years"], arrays["state"], arrays["market"], rates),
        billed * arrays["premium_pmpm"],
    )
    unit = units[row]
    sums = np.array(
        [[np.bincount(plan, count[unit] * value, layout.n_plans) for value in values] for count in counts]
    )
    per_plan = PlanSums(*(sums[:, place] for place in range(len(values))))
    transfer = transfers_of_draws(per_plan, layout, rates.number("transfer_premium_share"), scenario.name)
    own = np.array([issuers.index(name) for name in layout.named(MARKET_AND_ISSUER)])
    by_issuer = (own[:, None] == np.arange(len(issuers))).astype(np.float64)
    parts = {"billable_member_months": per_plan.months, "premium": per_plan.premium, "transfer": transfer}
    return {name: part @ by_issuer for name, part in parts.items()}


def _issuers(columns: Columns, scenarios: Sequence[Scenario]) -> list[tuple[str, ...]]:
    """Return every state, market and issuer that has enrollees under some scenario."""
    found: set[tuple[str, ...]] = set()
    for scenario in scenarios:
        arrays, _ = enrollees_under(columns, scenario)
        found |= set(zip(*(arrays[name].tolist() for name in MARKET_AND_ISSUER), strict=True))
    return sorted(found)


def _issuer_table(found: Mapping[str, dict[str, Numbers]], issuers: Sequence[tuple[str, ...]]) -> pa.Table:
    base, tables = found[BASE]["transfer"], []
    for name, parts in found.items():
        months, premium, transfer = (
            parts[part][0] for part in ("billable_member_months", "premium", "transfer")
        )
        columns: dict[str, Any] = {"scenario": [name] * len(issuers), **_key_columns(issuers)}
        columns |= {
            "billable_member_months": months,
            "premium": premium,
            "transfer": np.round(transfer, 2) + 0.0,
        }
        columns["transfer_pmpm"] = _ratio(transfer, months)
        columns["share_of_premium"] = _ratio(transfer, premium)
        columns["change"] = np.round(transfer - base[0], 2) + 0.0
        if len(base) > 1:
            for quantity, values in (("transfer", parts["transfer"]), ("change", parts["transfer"] - base)):
                for percent in _PERCENTILES:
                    columns[f"{quantity}_p{percent}"] = np.percentile(values[1:], percent, axis=0)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def _ratio(part: Numbers, whole: Numbers) -> pa.Array:
    """Return part over whole, null where an issuer has nobody left."""
    none = whole == 0
    return pa.array(part / np.where(none, 1.0, whole), mask=none)


def _key_columns(issuers: Sequence[tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: [key[place] for key in issuers] for place, name in enumerate(MARKET_AND_ISSUER)}


def _draw_table(
    found: Mapping[str, dict[str, Numbers]], issuers: Sequence[tuple[str, ...]], draws: int
) -> pa.Table:
    base, tables = found[BASE]["transfer"], []
    for name, parts in found.items():
        keys = {
            key: [value for value in values for _ in range(draws)]
            for key, values in _key_columns(issuers).items()
        }
        tables.append(
            pa.table(
                {
                    "scenario": pa.array([name] * (len(issuers) * draws), pa.string()),
                    **{key: pa.array(values, pa.string()) for key, values in keys.items()},
                    "draw": pa.array(np.tile(np.arange(1, draws + 1), len(issuers)), pa.int32()),
                    "transfer": parts["transfer"][1:].T.ravel(),
                    "change": (parts["transfer"] - base)[1:].T.ravel(),
                }
            )
        )
    return pa.concat_tables(tables)


def _scenario_table(columns: Columns, scenarios: Sequence[Scenario]) -> pa.Table:
    chosen = [rows_chosen(columns, each) & (each.name != BASE) for each in scenarios]
    months = columns["months_enrolled"]
    return pa.table(
        {
            "scenario": [each.name for each in scenarios],
            "enrollees": pa.array([int(rows.sum()) for rows in chosen]),
            "member_months": [
                float(months[rows].sum() * each.share) for each, rows in zip(scenarios, chosen, strict=True)
            ],
        }
    )
