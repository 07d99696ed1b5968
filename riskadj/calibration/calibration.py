"""The result of a calibration: factors, how well they fit, charts, files, and an export that scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from riskadj.calibration.costs import MONTHS_A_YEAR, RowCosts, read_costs
from riskadj.calibration.design import Design
from riskadj.calibration.export import Provenance, export_model
from riskadj.calibration.fit import ModelFit, fit_model
from riskadj.calibration.options import CalibrationOptions
from riskadj.calibration.tables import ALL, factor_table, fit_table, ratio_table
from riskadj.extracts.open import Extract
from riskadj.extracts.write import write_tables
from riskadj.results import family
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.run_report import run_metadata, run_report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def calibrate_run(run: ScoringRun, costs: Extract, options: CalibrationOptions) -> Calibration:
    """Return the calibration of a run's one model on costs.

    Parameters
    ----------
    run : ScoringRun
        Of the starting model alone, its extracts read.
    costs : Extract
        Of role "claims" or "costs"; what its layout decided is noted in the report.
    options : CalibrationOptions
        Checked.

    Raises
    ------
    ExtractError, CalibrationError, OptionError
        As `costs.read_costs` and `fit.fit_model` say.
    """
    row_costs = read_costs(costs, run, options.amount)
    run.clock.lap("costs")
    fit = fit_model(Design(run.population, run.models[0]), row_costs, options)
    run.clock.lap("fit")
    report = run_report(run)
    report["counts"]["costs"] = row_costs.counts
    report["notes"] = [*report["notes"], *costs.notes]
    return Calibration(fit, report | {"calibration": _report(fit, row_costs, options)})


def _report(fit: ModelFit, costs: RowCosts, options: CalibrationOptions) -> dict[str, Any]:
    """Return what was fitted; the counts of rows add up to the enrollment rows used."""
    observed = fit.observed
    members = fit.design.population.member_of_row[observed.rows]
    names = [segment.name for segment in fit.design.segments]
    return {
        "options": asdict(options),
        "segments_fitted": [names[number] for number in fit.segments],
        "segments_kept": [name for number, name in enumerate(names) if number not in fit.segments],
        "rows_fitted": len(observed.rows),
        "rows_in_segments_kept": int(costs.usable.sum()) - len(observed.rows),
        "rows_without_months": int((costs.months <= 0).sum()),
        "rows_with_negative_cost": int((~costs.usable & (costs.months > 0)).sum()),
        "members_fitted": len(np.unique(members)),
        "member_months_fitted": float(observed.weight.sum() * MONTHS_A_YEAR),
        "dollars_fitted": float(observed.weight @ observed.cost),
        "rows_capped": fit.n_capped,
        "dollars_capped": fit.dollars_capped,
        "denominator_dollars_annual": fit.denominator,
    }


@dataclass(frozen=True)
class Calibration:
    """Relative factors fitted to a population's own costs.

    Attributes
    ----------
    model_fit : ModelFit
    run : dict
        What it was made from: the run report of the scores, with `calibration`: options, counts that add up, and the
        denominator.
    """

    model_fit: ModelFit
    run: Mapping[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {name: name for name in ("factors", "fit", "predictive_ratios")}
    to_pandas = family.to_pandas

    @cached_property
    def factors(self) -> pa.Table:
        """Fitted factors: one row per segment and variable.

        factor, std_error, factor_low, factor_high, starting_factor [1.000 = average of the rows fitted; the starting
        factor's own average], t, p_value, dollars_annual [dollars a year], n_members, status: "estimated", or the
        constraint that holds the factor and why.
        """
        return factor_table(self.model_fit)

    @cached_property
    def fit(self) -> pa.Table:
        """Fit by segment ("all": every row) and prediction: R2, adjusted R2, CPM, mean absolute error. [dollars a year]

        Predictions are "fitted", "cross-validated" (each row by factors fitted without its fold), and "starting model"
        (the starting model's scores, scaled to the mean cost).
        """
        return fit_table(self.model_fit)

    @cached_property
    def predictive_ratios(self) -> pa.Table:
        """Mean actual and predicted costs [dollars a year], and their ratios, by grouping and prediction.

        Groupings: "decile" of the prediction, "age_sex", and "condition" (payment HCC, hierarchies applied).
        """
        return ratio_table(self.model_fit)

    @property
    def denominator(self) -> float:
        """What a factor of 1 is worth: the mean predicted cost of the rows fitted. [dollars a year]"""
        return self.model_fit.denominator

    def summary(self) -> pd.DataFrame:
        """Return the fit over all rows and by segment: members, mean costs [dollars a year], R2, CPM."""
        names = ["segment", "prediction", "n_members", "mean_actual", "predictive_ratio", "r2", "cpm"]
        frame: pd.DataFrame = self.fit.select(names).to_pandas()
        return frame.sort_values("segment", key=lambda names: names != ALL, kind="stable", ignore_index=True)

    def plot(self) -> Figure:
        """Return a figure: predicted against actual costs by decile, A/E by age and sex, factors old and new, R2."""
        from riskadj.results.plots.calibration import plot_calibration

        return plot_calibration(self.factors, self.fit, self.predictive_ratios)

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write factors, fit, predictive_ratios, run.json and, with `chart`, fit.png into `directory`, all or nothing.

        Raises
        ------
        OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        tables = {file: getattr(self, name) for name, file in self.TABLES.items()}
        charts = {"fit": self.plot()} if chart else None
        return write_tables(
            directory,
            tables,
            self.run,
            metadata=run_metadata(dict(self.run)),
            charts=charts,
            overwrite=overwrite,
        )

    def export(self, directory: str | Path, *, model_id: str, decimals: int = 3) -> Path:
        """Write a folder of model tables with these factors; return the folder of the model in it.

        `riskadj.score(maps_dir=directory)` then scores with them: normalization 1, coding intensity 0. `riskadj maps
        check` names a segment in which every demographic factor came out zero.

        Parameters
        ----------
        directory : path
            New or empty.
        model_id : str
            Name of the new model.
        decimals : int
            Decimals of the factors.

        Raises
        ------
        OptionError
            `model_id` or `decimals` is not allowed.
        OutputExistsError, OutputError
            `directory` holds something already, or cannot be written.
        """
        design, made = self.model_fit.design, self.run["calibration"]
        model = design.plan.model
        costs = "member totals of cost"
        if made["options"]["amount"] != "cost":
            costs = f"{made['options']['amount']} of {' to '.join(self.run['months_counted_in'])}"
        where = (
            f"fitted on {made['rows_fitted']:,} enrollment rows of {made['members_fitted']:,} members, {costs}, "
            f"diagnoses of {' to '.join(self.run['collection'])}; divided by the mean predicted cost, "
            f"{self.denominator:.2f} dollars a year"
        )
        carried_by = (
            f"riskadj {self.run['riskadj_version']}, calibration of {model.manifest.program}/{model.payment_year}/"
            f"{model.id}, whose relative_factors have sha256 {model.checksums['relative_factors']}"
        )
        return export_model(
            directory,
            self.factors,
            model=model,
            year=design.population.year,
            program=self.run["program"],
            model_id=model_id,
            decimals=decimals,
            provenance=Provenance(f"{model.manifest.title}, calibrated on own data", carried_by, where),
        )

    def __repr__(self) -> str:
        """Return what was fitted, without any member's data."""
        made = self.run["calibration"]
        n_factors = sum(len(segment.factors) for segment in self.model_fit.segments.values())
        return (
            f"<Calibration: {n_factors:,} factors of {self.model_fit.design.plan.model.id} fitted on "
            f"{made['rows_fitted']:,} enrollment rows, mean cost {self.denominator:,.0f} dollars a year>"
        )
