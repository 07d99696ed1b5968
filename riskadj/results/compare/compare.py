"""Our scores against what CMS reports: HCCs (MOR) and scores by member-month (MMR), each difference in its class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from riskadj.cms_reports.mmr import read_mmr
from riskadj.cms_reports.mor import mor_layout, read_mor, variables_of_models
from riskadj.cms_reports.net import adjustments_by_reason
from riskadj.cms_reports.reading import files_of, load_layout
from riskadj.errors import OptionError
from riskadj.extracts.write import write_tables
from riskadj.results import family
from riskadj.results.compare.mmr import MMR_COLUMNS, compare_mmr
from riskadj.results.compare.mor import compare_mor
from riskadj.results.compare.scored import Scored
from riskadj.results.scores import Scores
from riskadj.scoring.run_report import run_metadata

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_CLASSES = pa.schema([
    ("report", pa.string()), ("difference_class", pa.string()), ("n_rows", pa.int64()), ("n_members", pa.int64()),
    ("our_mean_score", pa.float64()), ("their_mean_score", pa.float64()), ("dollars", pa.float64()),
])  # fmt: skip
_NOTES = {
    "mor": "MOR layouts are of record types B, D, E, G, H, I, J, K; none was opened in its official document",
    "mmr": "the MMR layout was not opened in its official document; dollars take rate_part_a + rate_part_b as the "
    "monthly rate of a score of 1.000",
}


@dataclass(frozen=True)
class Comparison:
    """What our scores and CMS's reports say differently, classified.

    Attributes
    ----------
    classes : pyarrow.Table
        One row per report and class: rows (MOR: records of a member and model; MMR: member-months), members,
        mean scores of both sides [1.000 = average beneficiary], ours minus theirs at the MMR's rates [dollars].
    members : pyarrow.Table
        MOR: one row per member and model that differs, with HCCs of both, of ours only and of theirs only.
    variables : pyarrow.Table
        MOR: one row per member, model and variable (HCC, demographic, interaction) that only one side has.
    variable_counts : pyarrow.Table
        MOR: one row per model and variable: members for whom both sides have it, and either alone.
    member_months : pyarrow.Table
        MMR: one row per member-month that differs: both scores, our segment, their RA factor type, dollars [dollars].
    adjustments : pyarrow.Table
        MMR: rows, member months and dollars by adjustment reason code [dollars].
    run : dict
        What was compared; on each side, rows = rows of both + rows that it alone has.
    """

    classes: pa.Table
    members: pa.Table
    variables: pa.Table
    variable_counts: pa.Table
    member_months: pa.Table
    adjustments: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        name: f"comparison_{name}"
        for name in ("classes", "members", "variables", "variable_counts", "member_months", "adjustments")
    }
    to_pandas = family.to_pandas

    def summary(self) -> pd.DataFrame:
        """Return the classes that have rows, with their share of the report's rows."""
        frame: pd.DataFrame = self.classes.to_pandas()
        frame.insert(3, "share", frame["n_rows"] / frame.groupby("report")["n_rows"].transform("sum"))
        return frame[frame["n_rows"] > 0].reset_index(drop=True)

    def plot(self) -> Figure:
        """Return a figure: how many rows of each report differ, and how; and the HCCs that differ most often."""
        from riskadj.results.plots.compare import plot_comparison

        return plot_comparison(self.classes, self.variable_counts)

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write the tables as comparison_<table>.parquet, run.json and, with `chart`, comparison_classes.png.

        All or nothing; tables of a report that was not given are left out.

        Raises
        ------
        OutputExistsError, OutputError
            The directory is there already (and `overwrite` is False), or cannot be written.
        """
        tables = {
            file: table for name, file in self.TABLES.items() if (table := getattr(self, name)).num_columns
        }
        charts = {"comparison_classes": self.plot()} if chart else None
        metadata = self.run["scores"]
        return write_tables(
            directory, tables, self.run, metadata=metadata, charts=charts, overwrite=overwrite
        )

    def __repr__(self) -> str:
        """Return what was compared, without any member's data."""
        counts = ", ".join(f"{report}: {sum(self._rows(report)):,} rows" for report in self.run["reports"])
        return f"<Comparison of payment year {self.run['payment_year']} with {counts}>"

    def _rows(self, report: str) -> list[int]:
        return [row["n_rows"] for row in self.classes.to_pylist() if row["report"] == report]


def compare(
    scores: Scores | str | os.PathLike[str],
    *,
    mor: Any = None,
    mmr: Any = None,
    mor_layout_file: str | os.PathLike[str] | None = None,
    mmr_layout_file: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Compare scores with CMS's model output report, monthly membership report, or both.

    Parameters
    ----------
    scores : Scores or path
        What `riskadj.score` returned, or a directory that `riskadj score` wrote.
    mor : path, sequence of paths, or pyarrow.Table, optional
        MOR files, or what `riskadj.read_mor` returned. Each member's latest run counts.
    mmr : path, sequence of paths, or pyarrow.Table, optional
        MMR files, or what `riskadj.read_mmr` returned. Adjustments are netted per member and month of service.
    mor_layout_file, mmr_layout_file : path, optional
        Layouts for files of other years (see EXTRACTS.md).

    Returns
    -------
    Comparison

    Raises
    ------
    OptionError
        Neither report is given.
    ExtractError
        A report or the scores cannot be read, or they have no model or no month in common.

    References
    ----------
    .. [1] `hcc_maps/layouts/manifest.toml`: layouts, adjustment reasons, RA factor types; none of them verified.
    """
    if mor is None and mmr is None:
        raise OptionError("nothing to compare with: give mor=, mmr= or both.")
    scored = Scored.of(scores)
    with_mor = None if mor is None else compare_mor(
        scored, mor if isinstance(mor, pa.Table) else read_mor(mor, layout_file=mor_layout_file),
        variables_of_models(mor_layout(mor_layout_file)),
    )  # fmt: skip
    months = None if mmr is None else _mmr_table(mmr, mmr_layout_file)
    ids = None if with_mor is None else with_mor.ids_with_other_hccs
    with_mmr = None if months is None else compare_mmr(scored, months, ids)
    parts = {name: part for name, part in (("mor", with_mor), ("mmr", with_mmr)) if part is not None}
    return Comparison(
        classes=pa.concat_tables([_classes(name, part.classes) for name, part in parts.items()]),
        members=pa.table({}) if with_mor is None else with_mor.members,
        variables=pa.table({}) if with_mor is None else with_mor.variables,
        variable_counts=pa.table({}) if with_mor is None else with_mor.variable_counts,
        member_months=pa.table({}) if with_mmr is None else with_mmr.member_months,
        adjustments=pa.table({}) if months is None else adjustments_by_reason(months),
        run=_report(scored, {"mor": mor, "mmr": mmr}, {name: part.counts for name, part in parts.items()}),
    )


def _mmr_table(mmr: Any, layout_file: str | os.PathLike[str] | None) -> pa.Table:
    if isinstance(mmr, pa.Table):
        return mmr
    fields = {field.name for record in load_layout("mmr", layout_file).details for field in record.fields}
    columns = [name for name in MMR_COLUMNS if name in fields]
    return read_mmr(mmr, columns=columns, layout_file=layout_file)


def _classes(report: str, classes: pa.Table) -> pa.Table:
    columns = {
        field.name: classes[field.name]
        if field.name in classes.column_names
        else pa.nulls(classes.num_rows, field.type)
        for field in _CLASSES
    }
    return (
        pa.table({**columns, "report": pa.array([report] * classes.num_rows)})
        .select(_CLASSES.names)
        .cast(_CLASSES)
    )


def _report(scored: Scored, reports: dict[str, Any], counts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "riskadj_version": scored.run["riskadj_version"],
        "program": scored.run["program"],
        "payment_year": scored.run["payment_year"],
        "reports": {name: _names(reports[name]) for name in counts},
        "counts": counts,
        "notes": [_NOTES[name] for name in counts],
        "scores": run_metadata(scored.run),
    }


def _names(report: Any) -> list[str]:
    return ["a table in memory"] if isinstance(report, pa.Table) else [path.name for path in files_of(report)]
