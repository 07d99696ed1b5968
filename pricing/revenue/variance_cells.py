"""Revenue by month and cell, as reconciliations read it; cells of monthly membership reports."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import riskadj
from pricing.errors import InputError, check_choice
from pricing.experience.months import as_dates, month_numbers, name_of
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.revenue.assumptions import VINTAGES
from pricing.revenue.factors import component_cents
from pricing.revenue.revenue_forecast import RevenueForecast
from pricing.revenue.statuses import PAYERS
from riskadj.errors import nearest
from riskadj.tables.record_layouts import load_layout_table

Integers = npt.NDArray[np.int64]

#: Columns by which revenue is explained unless others are asked for.
BY = ("status", "county_code")
#: What a cell holds: member months; dollars at a payment risk score of 1.000; at the scores; and in all.
MEASURES = ("member_months", "rate_dollars", "scored_dollars", "revenue")
CELLS = (
    Column("month", "month"),
    Column("member_months"),
    Column("rate_dollars"),
    Column("scored_dollars"),
    Column("revenue"),
)
HOSPICE = "hospice"
#: Parts of Medicare: what was paid, and the rates and scores that made it.
PARTS = {
    "C": ("ma_payment", (("rate_part_a", "risk_score_part_a"), ("rate_part_b", "risk_score_part_b"))),
    "D": ("part_d_payment", (("rate_part_d", "part_d_risk_score"),)),
}
NONE = "(none)"
NON_DUAL = "non_dual"
DUALS = {"full_dual": ("02", "04", "08"), "partial_dual": ("01", "03", "05", "06")}
#: Components of a forecast that monthly membership reports show; they are before sequestration.
REPORTED = {
    "C": ("part_c_risk", "part_c_premium_offset", "part_c_msp", "part_c_rebate"),
    "D": ("part_d_direct_subsidy", "part_d_low_income", "part_d_reinsurance"),
}
#: The file of a forecast's directory that has its cohorts by month.
COHORT_FILE = f"{RevenueForecast.TABLES['cohort_months']}.parquet"


@dataclass(frozen=True)
class Cells:
    """Revenue by month and some columns.

    Attributes
    ----------
    by : tuple of str
    keys : list of arrays, each of shape (n_rows,)
        Month [months since January 1970], then the columns of `by`.
    measures : float64, shape (4, n_rows)
        In the order of MEASURES [member months; dollars].
    run : dict
        How the cells were made.
    """

    by: tuple[str, ...]
    keys: list[npt.NDArray[Any]] = field(repr=False)
    measures: Numbers = field(repr=False)
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """How many cells there are."""
        return len(self.keys[0])

    @property
    def months(self) -> Integers:
        """The months that have cells, in order."""
        return np.unique(self.keys[0])

    def within(self, months: Integers) -> Cells:
        """Return the cells of some months."""
        kept = np.isin(self.keys[0], months)
        return Cells(self.by, [key[kept] for key in self.keys], self.measures[:, kept], self.run)

    def outside(self, months: Integers) -> dict[str, Any]:
        """Return which other months there are, and their revenue [dollars]."""
        other = ~np.isin(self.keys[0], months)
        return {
            "months_not_compared": [name_of(int(month)) for month in np.unique(self.keys[0][other])],
            "revenue_not_compared": round(float(self.measures[3][other].sum()), 2),
        }

    def table(self) -> pa.Table:
        """Return the cells as an Arrow table of the columns of `CELLS` and `by`."""
        columns: dict[str, Any] = {"month": as_dates(self.keys[0])}
        columns |= {
            name: pa.array(key, pa.string()) for name, key in zip(self.by, self.keys[1:], strict=True)
        }
        return pa.table(
            columns | {name: pa.array(part) for name, part in zip(MEASURES, self.measures, strict=True)}
        )


def read_cells(source: Any, by: Sequence[str], *, role: str) -> Cells:
    """Return cells by just the columns asked for, as they are or from a table; others are added up.

    Parameters
    ----------
    source : Cells, RevenueForecast, path, DataFrame, Arrow table or mapping
        With the columns of `CELLS`, and `by` as text; or a forecast or its directory (Part C, final scores).
    by : sequence of str
    role : str
        What the table is, for messages.

    Raises
    ------
    InputError
        A column is missing or holds impossible values.
    """
    if isinstance(source, RevenueForecast) or (isinstance(source, (str, Path)) and Path(source).is_dir()):
        source = forecast_cells(source, by=by)
    run = source.run if isinstance(source, Cells) else {}
    table = source.table() if isinstance(source, Cells) else source
    columns = read_columns(table, (*CELLS, *(Column(name, "text") for name in by)), role=role)
    return _added(tuple(by), _keys(columns, by), np.array([columns[name] for name in MEASURES]), run)


def forecast_cells(
    forecast: Any, *, by: Sequence[str] = BY, part: str = "C", vintage: str = "final"
) -> Cells:
    """Return what a forecast expects monthly membership reports to show, by month and cell.

    Parameters
    ----------
    forecast : RevenueForecast, or path of what it wrote
        Its directory, or the revenue_cohorts.parquet in it.
    by : sequence of str
        Columns of its cohorts.
    part : {"C", "D"}
    vintage : {"final", "initial", "mid_year"}
        The run of scores: before settlement, reports show an earlier one. A forecast that was written has the final.

    Returns
    -------
    Cells
        Revenue before sequestration and without members' premiums, as reports have it.

    Raises
    ------
    InputError
        `part` or `vintage` is unknown, `by` names no column of the cohorts, or a forecast on disk is asked for another
        run than the final.
    """
    _check_part(part)
    role, prefix = "forecast", f"part_{part.lower()}"
    table = forecast if isinstance(forecast, (str, Path)) else _as_of(forecast, vintage).cohort_months
    if isinstance(forecast, (str, Path)):
        if vintage != "final":
            raise InputError(
                "a forecast that was written has the scores of the final run only; give vintage='final'."
            )
        table = Path(forecast) / COHORT_FILE if Path(forecast).is_dir() else forecast
    numbers = ("members", f"{prefix}_score", f"{prefix}_rate", *REPORTED[part])
    wanted = (
        Column("month", "month"),
        *(Column(name) for name in numbers),
        *(Column(name, "text") for name in by),
    )
    columns = read_columns(table, wanted, role=role)
    rated = columns["members"] * columns[f"{prefix}_rate"]
    revenue = np.sum([columns[name] for name in REPORTED[part]], axis=0)
    measures = np.array([columns["members"], rated, rated * columns[f"{prefix}_score"], revenue])
    return _added(tuple(by), _keys(columns, by), measures, {"part": part, "vintage": vintage})


def _as_of(forecast: RevenueForecast, vintage: str) -> RevenueForecast:
    """Return a forecast as earned by the scores of a run."""
    check_choice("vintage", vintage, VINTAGES)
    scores = forecast.scores
    factors = forecast.priced.factors(
        forecast.projection.members, scores["part_c"], scores.get("part_d"), vintage=vintage
    )
    return replace(forecast, factors=factors, cents=component_cents(factors))


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise InputError(f"part '{part}' is none of Medicare's here; give one of: {', '.join(PARTS)}.")


def _keys(columns: Columns, by: Sequence[str]) -> list[npt.NDArray[Any]]:
    days = columns["month"].astype("datetime64[D]").astype(np.int64)
    return [month_numbers(days), *(columns[name].astype(str) for name in by)]


def mmr_cells(mmr: Any, *, by: Sequence[str] = BY, part: str = "C") -> Cells:
    """Return what CMS paid, by month of service and cell, adjustments included.

    Parameters
    ----------
    mmr : pyarrow.Table, path or sequence of paths
        As `riskadj.read_mmr` reads it: reports of one or several months.
    by : sequence of str
        ``status`` and ``payer`` as cohorts of a forecast have them (`pricing.revenue.statuses`), and columns of
        `riskadj.net_member_months` such as county_code, plan_id, contract_id, ra_factor_type.
    part : {"C", "D"}

    Returns
    -------
    Cells
        Member months are those that stand: a month paid and taken back counts none, and its dollars are netted.
        Months in hospice have neither rate nor score: what is paid for them is no product of the two.

    Raises
    ------
    InputError
        `part` is neither C nor D, or `by` names a column that reports do not have.
    riskadj.errors.RiskAdjError
        The reports cannot be read or netted.
    """
    _check_part(part)
    table = mmr if isinstance(mmr, pa.Table) else riskadj.read_mmr(mmr)
    net = riskadj.net_member_months(table)
    paid, products = PARTS[part]
    lacking = [name for name in (paid, *sum(products, ())) if name not in net.column_names]
    if lacking:
        raise InputError(
            f"the MMR lacks '{lacking[0]}', by which Part {part} is explained; read it with that column."
        )
    stands = ~net["is_taken_back"].to_numpy()
    rated, scored = np.zeros(net.num_rows), np.zeros(net.num_rows)
    for rate, score in products:
        rated += _number(net, rate)
        scored += _number(net, rate) * _number(net, score)
    is_scored = stands & ~_flag(net, "is_hospice")
    months = month_numbers(net["service_month"].cast(pa.int32()).to_numpy())
    keys = [months, *(_labels(net, name) for name in by)]
    measures = np.array([stands, rated * is_scored, scored * is_scored, _number(net, paid)], np.float64)
    run = {"part": part, "mmr_rows": table.num_rows, "member_months": int(stands.sum()),
           "member_months_taken_back": int((~stands).sum())}  # fmt: skip
    return _added(tuple(by), keys, measures, run)


def _labels(net: pa.Table, name: str) -> npt.NDArray[Any]:
    if name in _DERIVED:
        return _DERIVED[name](net)
    if name not in net.column_names:
        known = [*_DERIVED, *net.column_names]
        raise InputError(f"monthly membership reports have no column '{name}'{nearest(name, known)}.")
    return np.array(pc.fill_null(net[name].cast(pa.string()), NONE).to_pylist(), str)


def _status(net: pa.Table) -> npt.NDArray[Any]:
    """Return the status of each member-month: hospice, else that of its RA factor type, else its dual status."""
    by_type = {row["factor_type"]: status_of_factor_type(row) for row in _factor_types()}
    duals = {code: name for name, codes in DUALS.items() for code in codes}
    types, codes = (_texts(net, name) for name in ("ra_factor_type", "dual_status_code"))
    by_code = [duals.get(code, NON_DUAL) for code in codes]
    status = np.array([by_type.get(kind) or code for kind, code in zip(types, by_code, strict=True)], str)
    return np.where(_flag(net, "is_hospice"), HOSPICE, status)


def _payer(net: pa.Table) -> npt.NDArray[Any]:
    return np.where(_flag(net, "is_msp"), *PAYERS[::-1])


_DERIVED = {"status": _status, "payer": _payer}


def _factor_types() -> list[dict[str, str]]:
    return list(csv.DictReader(load_layout_table("factor_types").splitlines()))


def status_of_factor_type(row: Mapping[str, str]) -> str:
    """Return the status that members of an RA factor type have; empty where their dual status decides."""
    if row["is_esrd"] == "1":
        return "graft" if row["segments"].startswith("GRAFT") else "dialysis"
    if row["is_long_term_institutional"] == "1":
        return "institutional"
    if row["is_new_enrollee"] == "1":
        return "new_enrollee"
    return {"full": "full_dual", "partial": "partial_dual", "none": NON_DUAL}.get(row["dual"], "")


def _texts(net: pa.Table, name: str) -> list[str]:
    if name not in net.column_names:
        return [""] * net.num_rows
    return pc.fill_null(net[name].cast(pa.string()), "").to_pylist()


def _flag(net: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    if name not in net.column_names:
        return np.zeros(net.num_rows, np.bool_)
    return pc.fill_null(net[name], False).to_numpy()


def _number(net: pa.Table, name: str) -> Numbers:
    return pc.fill_null(net[name].cast(pa.float64()), 0.0).to_numpy()


def _added(
    by: tuple[str, ...], keys: list[npt.NDArray[Any]], measures: Numbers, run: Mapping[str, Any]
) -> Cells:
    """Return cells with rows of the same key added up."""
    node = numbered(keys)[-1]
    _, first = np.unique(node, return_index=True)
    sums = np.array([np.bincount(node, part, len(first)) for part in measures])
    sums[3] = np.rint(sums[3] * 100) / 100  # cents, whatever adding up has left
    return Cells(by, [key[first] for key in keys], sums, run)


def numbered(keys: Sequence[npt.NDArray[Any]]) -> list[Integers]:
    """Return, for one, two, ... of the keys, the number of each row's combination, in their order."""
    codes, found = np.zeros(len(keys[0]), np.int64), []
    for key in keys:
        _, code = np.unique(key, return_inverse=True)
        _, codes = np.unique(codes * (code.max() + 1) + code, return_inverse=True)
        found.append(codes)
    return found
