"""The rate table of a filing: premiums by plan, rating area, and age or family tier, to the cent."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.aca.state_rating import RatingRules
from pricing.build_up import BuildUp
from pricing.errors import InputError
from pricing.inputs import Column, Numbers, read_columns
from pricing.rounding import round_cents
from riskadj.extracts.output_file import output_file

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns of rating areas: one row each.
AREAS = (Column("rating_area", "text"), Column("factor", above=0.0))
CALIBRATED = "calibrated plan adjusted index rate"
#: Ages below this are one line of the federal rate template, where a curve makes no difference among them.
_CHILDREN = 15
#: Ages marked on the axis of a chart.
_TICK = 10
_SHOWN = ("0-14", "21", "40", "64 and over")


@dataclass(frozen=True)
class RateTable:
    """Premiums of every plan, area, and age or tier.

    Attributes
    ----------
    rates : pyarrow.Table
        plan_id, rating_area, band (age, such as "0-14", "21", "64 and over"; or family tier), factor, rate,
        tobacco_rate [dollars a month, whole cents; the rate where tobacco makes no difference].
    areas : pyarrow.Table
        rating_area, factor.
    bands : pyarrow.Table
        band, factor, tobacco_factor.
    walk : BuildUp
        That the base rates come from.
    rules : RatingRules
        Of the State.
    """

    rates: pa.Table
    areas: pa.Table
    bands: pa.Table
    walk: BuildUp
    rules: RatingRules

    TABLES: ClassVar[Mapping[str, str]] = {"rates": "rates", "walk": "build_up", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.rules.assumptions

    @property
    def run(self) -> dict[str, Any]:
        """What the rates were made from: year, State, market, checksum of the parameters, counts."""
        counts = {"plans": len(self.walk.labels), "rates": self.rates.num_rows}
        counts["rating_areas"] = len(set(self.rates["rating_area"].to_pylist()))
        return {
            "benefit_year": self.rules.rates.year,
            "state": self.rules.state or "federal rules",
            "market": self.rules.market,
            "parameters_sha256": self.rules.rates.sha256,
            "counts": counts,
        }

    def summary(self) -> pd.DataFrame:
        """Return the rates of a few ages, or of every tier, as columns: one row per plan and area (pandas)."""
        frame = self.to_pandas()
        wide = frame.pivot(index=["plan_id", "rating_area"], columns="band", values="rate")
        shown = list(dict.fromkeys(self.rules.tiers or frame["band"]))
        few: pd.DataFrame = wide[[band for band in shown if self.rules.tiers or band in _SHOWN]]
        return few.reset_index()

    def explain(self, plan_id: str) -> BuildUp:
        """Return one plan's way to its calibrated rate, step by step, to print, plot or compare.

        Raises
        ------
        InputError
            There is no such plan.
        """
        return self.walk.only(plan_id)

    def plot(self, rating_area: str | None = None) -> Figure:
        """Return rates by age, or by tier, a line for each plan, in one area; default: the first."""
        from riskadj.charts import new_figure, show_dollars

        frame = self.to_pandas()
        area = frame["rating_area"].iloc[0] if rating_area is None else rating_area
        figure, (axes,) = new_figure(height=4.2)
        look: dict[str, Any] = {"marker": "o", "linestyle": ""} if self.rules.tiers else {}
        for plan, rows in frame[frame["rating_area"] == area].groupby("plan_id", sort=False):
            axes.plot(rows["band"].str.replace("_", " "), rows["rate"], label=plan, **look)
        if not self.rules.tiers:
            bands = frame["band"].drop_duplicates()
            axes.set_xticks([band for band in bands if not band.isdigit() or int(band) % _TICK == 0])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("family tier" if self.rules.tiers else "age")
        axes.set_ylabel("rate a month")
        axes.set_title(f"Rates in area {area}", fontsize=10)
        show_dollars(axes.yaxis)
        axes.legend(frameon=False, fontsize=8)
        return figure

    def write_csv(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the rates as one CSV file, dollars with two decimals, and return its path.

        Raises
        ------
        riskadj.errors.OutputExistsError, riskadj.errors.OutputError
            The file exists (and `overwrite` is False), or cannot be written.
        """
        with (
            output_file(path, overwrite=overwrite) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.rates.column_names)
            for row in self.rates.to_pylist():
                dollars = (f"{row['rate']:.2f}", f"{row['tobacco_rate']:.2f}")
                writer.writerow([*list(row.values())[: -len(dollars)], *dollars])
        return Path(path)

    def __repr__(self) -> str:
        """Return how many rates there are."""
        return (
            f"<{self.rates.num_rows:,} rates of {len(self.walk.labels):,} plans for {self.rules.rates.year}>"
        )


def rate_table(
    walk: BuildUp,
    *,
    area_factors: Mapping[str, float],
    rules: RatingRules,
    tobacco_factor: float | Mapping[int, float] = 1.0,
) -> RateTable:
    """Return premiums by plan, area and age (or tier): calibrated rate x area factor x age factor, to the cent.

    Parameters
    ----------
    walk : BuildUp
        As `plan_rates` returns it.
    area_factors : mapping of str to float
        Rating area -> factor.
    rules : RatingRules
        Of the State: ``rating_rules("MA", benefit_year=2026)``.
    tobacco_factor : float or mapping of int to float
        For everybody who may use tobacco, or by age (ages left out: 1).

    Returns
    -------
    RateTable

    Raises
    ------
    InputError
        There is no area; a factor is not above 0; the tobacco factor is below 1 or above the State's limit.

    References
    ----------
    .. [1] `cfr147_102`, `state_ratings` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> from pricing.aca.rate_walk import plan_rates
    >>> from pricing.aca.state_rating import rating_rules
    >>> walk = plan_rates(
    ...     {"plan_id": ["12345NY0010001"], "metal_level": ["silver"], "av_and_cost_sharing": [0.7]}, index_rate=500.0)
    >>> found = rate_table(walk, area_factors={"1": 1.1}, rules=rating_rules("NY", benefit_year=2026))
    >>> dict(zip(found.rates["band"].to_pylist(), found.rates["rate"].to_pylist()))["two_adults_and_children"]
    1097.25
    """
    if not area_factors or not all(factor > 0 for factor in area_factors.values()):
        raise InputError("area_factors must name at least one rating area, each with a factor above 0.")
    areas = pa.table(
        {"rating_area": list(area_factors), "factor": pa.array(area_factors.values(), pa.float64())}
    )
    return rates_of(walk, areas=areas, bands=_bands(rules, tobacco_factor), rules=rules)


def rates_of(walk: BuildUp, *, areas: pa.Table, bands: pa.Table, rules: RatingRules) -> RateTable:
    """Return the rate table of a walk with given factors of areas and bands (`RateTable` says which columns)."""
    area, factor, tobacco = (
        table[name].to_numpy()
        for table, name in ((areas, "factor"), (bands, "factor"), (bands, "tobacco_factor"))
    )
    base = walk.level(CALIBRATED)[:, None, None] * area[None, :, None]
    n_plans, n_areas, n_bands = len(walk.labels), len(area), len(factor)
    columns = {
        "plan_id": np.repeat(np.array(walk.labels, object), n_areas * n_bands),
        "rating_area": np.tile(
            np.repeat(np.array(areas["rating_area"].to_pylist(), object), n_bands), n_plans
        ),
        "band": np.tile(np.array(bands["band"].to_pylist(), object), n_plans * n_areas),
        "factor": np.tile(factor, n_plans * n_areas),
        "rate": round_cents(base * factor).ravel(),
        "tobacco_rate": round_cents(base * factor * tobacco).ravel(),
    }
    rates = pa.table({name: pa.array(values) for name, values in columns.items()})
    return RateTable(rates, areas, bands, walk, rules)


def read_areas(source: Any) -> dict[str, float]:
    """Return the factor of each rating area: one row per area (`AREAS`), from anything that can be read as a table.

    Raises
    ------
    InputError
        A column is missing, a factor is not above 0, or an area stands there twice.
    """
    table = read_columns(source, AREAS, role="rating areas", key=("rating_area",))
    return {
        str(area): float(factor) for area, factor in zip(table["rating_area"], table["factor"], strict=True)
    }


def _bands(rules: RatingRules, tobacco: float | Mapping[int, float]) -> pa.Table:
    """Return the lines of a rate table: band, factor, tobacco_factor."""
    if rules.tiers:
        rules.check_tobacco(list(tobacco.values()) if isinstance(tobacco, Mapping) else tobacco, age_years=0)
        return _band_table(list(rules.tiers), np.array(list(rules.tiers.values())), np.ones(len(rules.tiers)))
    oldest = len(rules.curve) - 1
    first = _CHILDREN - 1 if len(set(rules.curve[:_CHILDREN].tolist())) == 1 else 0
    ages = range(first, oldest + 1)
    names = [str(age) for age in ages]
    names[0] = f"0-{first}" if first else "0"
    names[-1] = f"{oldest} and over"
    legal = rules.rates.number("tobacco_age")
    by_age = tobacco if isinstance(tobacco, Mapping) else {age: tobacco for age in ages if age >= legal}
    rules.check_tobacco(list(by_age.values()), age_years=list(by_age))
    return _band_table(names, rules.curve[first:], np.array([by_age.get(age, 1.0) for age in ages]))


def _band_table(names: list[str], factors: Numbers, tobacco: Numbers) -> pa.Table:
    return pa.table({"band": names, "factor": factors, "tobacco_factor": tobacco})
