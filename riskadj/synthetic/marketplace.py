"""An invented individual and small-group market: adults, children and infants of several issuers, for HHS-HCC.

Everything is drawn from the `market_` tables of this package; nobody in them exists. Whole extracts are made in memory.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.errors import OptionError
from riskadj.synthetic.columns import coded, dates, strings
from riskadj.synthetic.randomness import Bits, Ints, spread, threshold

#: Columns of market_conditions.csv with rates per thousand, and the lowest age at the end of the year of each.
RATES = (("infants", 0), ("children", 2), ("young_adults", 21), ("older_adults", 45))
MOST_MEMBERS = 20_000_000
_EPOCH = date(1970, 1, 1)
#: Thousandths of the members who join late, leave early, change plans, change issuers.
_JOIN, _LEAVE, _CHANGE = 150, 120, 70
_VISITS, _FILLS = 3, 6


@dataclass(frozen=True)
class Market:
    """Members of the market; arrays of shape (n,). Days are days since 1970-01-01."""

    ids: npt.NDArray[np.void]
    age_years: Ints
    birth: Ints
    start: Ints
    end: Ints


def make_market(
    n_members: int, *, seed: int, benefit_year: int, directory: str | Path | None = None
) -> dict[str, pa.Table] | dict[str, Path]:
    """Make an invented population of one benefit year: enrollment, diagnoses and drugs extracts.

    Parameters
    ----------
    n_members : int
    seed : int
        The same seed gives the same rows on every machine.
    benefit_year : int
    directory : path, optional
        Where to write ``enrollment.parquet``, ``diagnoses.parquet`` and ``drugs.parquet``.

    Returns
    -------
    dict
        Extract -> table, or the file that was written.

    Raises
    ------
    OptionError
        Too few or too many members.
    """
    if not 0 < n_members <= MOST_MEMBERS:
        raise OptionError(f"{n_members:,} members; allowed: 1 to {MOST_MEMBERS:,}.")
    market = _draw_members(n_members, seed, benefit_year)
    tables = {"enrollment": _enrollment(market, seed), **_services(market, seed)}
    if directory is None:
        return tables
    paths = {name: Path(directory) / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        pq.write_table(table, paths[name], compression="zstd")
    return paths


def _rows(name: str) -> list[dict[str, str]]:
    text = files("riskadj.synthetic").joinpath("tables", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _draw_members(n: int, seed: int, year: int) -> Market:
    bits = Bits((seed, year), 1)
    bands = _rows("market_ages")
    band = spread([float(row["weight"]) for row in bands])[bits.halves(n)]
    low, high = (np.array([int(row[name]) for row in bands])[band] for name in ("age_min", "age_max"))
    age = low + bits.below(n, high - low + 1)
    first, last = ((day - _EPOCH).days for day in (date(year, 1, 1), date(year, 12, 31)))
    birthdays = np.array([(_same_day(date(year, 12, 31), years) - _EPOCH).days for years in range(121)])
    birth = birthdays[age] - bits.below(n, 365)
    start = np.where(bits.below(n, 1000) < _JOIN, first + bits.below(n, 300), first)
    end = np.where(bits.below(n, 1000) < _LEAVE, last - bits.below(n, 300), last)
    end = np.where(end < np.maximum(start, birth), last, end)
    return Market(_member_ids(n), age, birth, np.maximum(start, birth), end)


def _same_day(day: date, years: int) -> date:
    return day.replace(year=day.year - years)


def _member_ids(n: int) -> npt.NDArray[np.void]:
    digits = np.arange(n)[:, None] // 10 ** np.arange(7, -1, -1) % 10 + ord("0")
    letters = np.concatenate([np.full((n, 1), ord("H")), digits], axis=1).astype(np.uint8)
    return np.ascontiguousarray(letters).view("V9").ravel()


def _enrollment(market: Market, seed: int) -> pa.Table:
    """Return the spans; some members change plans once, at the beginning of a later day."""
    n, bits, plans = len(market.ids), Bits((seed,), 2), _rows("market_plans")
    pick = spread([float(row["weight"]) for row in plans])
    plan, later = pick[bits.halves(n)], pick[bits.halves(n)]
    days = market.end - market.start
    changes = (bits.below(n, 1000) < _CHANGE) & (days > 1)
    day = market.start + 1 + bits.below(n, np.maximum(days - 1, 1))
    member = np.concatenate([np.arange(n), np.flatnonzero(changes)])
    second = np.arange(len(member)) >= n
    chosen = np.where(second, later[member], plan[member])
    sex = bits.below(n, 2)
    return pa.table(
        {
            "member_id": strings(market.ids[member]),
            "birth_date": dates(market.birth[member]),
            "sex": coded(sex[member], ("M", "F")),
            "enrollment_start_date": dates(np.where(second, day[member], market.start[member])),
            "enrollment_end_date": dates(
                np.where(changes[member] & ~second, day[member] - 1, market.end[member])
            ),
            "plan_id": coded(chosen, [row["plan_id"] for row in plans]),
            "issuer_id": coded(chosen, [row["plan_id"][:5] for row in plans]),
            "metal_level": coded(chosen, [row["metal_level"] for row in plans]),
            "csr_indicator": coded(chosen, [row["csr_indicator"] for row in plans]),
        }
    )


def _services(market: Market, seed: int) -> dict[str, pa.Table]:
    """Return diagnoses and drugs: each condition's rows, one after another."""
    diagnoses: list[tuple[Ints, Ints, pa.Array]] = []
    drugs: list[tuple[Ints, Ints, Ints, list[str]]] = []
    for number, row in enumerate(_rows("market_conditions")):
        bits = Bits((seed,), 3, number)
        who = np.flatnonzero(bits.words(len(market.ids)) < _chances(row, market.age_years))
        codes, weights = _choices(row["codes"])
        rows = np.repeat(who, 1 + bits.below(len(who), _VISITS))
        picked = spread(weights)[bits.halves(len(rows))]
        diagnoses.append((rows, _days(market, rows, bits), coded(picked, codes)))
        if row["drugs"]:
            treated = who[bits.chances(len(who), int(row["treated"]) / 1000)]
            names, shares = _choices(row["drugs"])
            fills = np.repeat(treated, 1 + bits.below(len(treated), _FILLS))
            chosen = spread(shares)[bits.halves(len(fills))].astype(np.int64)
            drugs.append((fills, _days(market, fills, bits), chosen, names))
    return {"diagnoses": _diagnoses_table(market, diagnoses), "drugs": _drugs_table(market, drugs)}


def _chances(row: dict[str, str], age_years: Ints) -> npt.NDArray[np.uint32]:
    group = np.searchsorted([low for _, low in RATES], age_years, side="right") - 1
    return np.array([threshold(int(row[name]) / 1000) for name, _ in RATES], np.uint32)[group]


def _choices(cell: str) -> tuple[list[str], list[float]]:
    """Return the words and weights of a cell such as ``E119:55|E1165:30``."""
    pairs = [part.rpartition(":") for part in cell.split("|")]
    return [word for word, _, _ in pairs], [float(weight) for _, _, weight in pairs]


def _days(market: Market, rows: Ints, bits: Bits) -> Ints:
    """Return days on which the members of the rows are enrolled."""
    start, end = market.start[rows], market.end[rows]
    return start + bits.below(len(rows), end - start + 1)


def _diagnoses_table(market: Market, parts: list[tuple[Ints, Ints, pa.Array]]) -> pa.Table:
    rows, days = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    codes = pa.chunked_array([part[2].cast(pa.string()) for part in parts])
    return pa.table(
        {"member_id": strings(market.ids[rows]), "diagnosis_code": codes, "service_date": dates(days)}
    )


def _drugs_table(market: Market, parts: list[tuple[Ints, Ints, Ints, list[str]]]) -> pa.Table:
    rows, days = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    columns = {
        system: pa.chunked_array(
            [coded(chosen, _of_system(names, system)).cast(pa.string()) for _, _, chosen, names in parts]
        )
        for system in ("ndc", "hcpcs")
    }
    return pa.table({"member_id": strings(market.ids[rows]), **columns, "fill_date": dates(days)})


def _of_system(names: list[str], system: str) -> list[str | None]:
    """Return the codes of one code set; None for those of the other."""
    pairs = [name.split("-", 1) for name in names]
    return [code if of == system else None for of, code in pairs]
