"""CMS's ratebook: county rates of a payment year by quality bonus, from CountyRateYYYY.csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from pricing.errors import InputError
from pricing.medicare.benchmark import bonus_percentage
from pricing.parameters import Rates, load_rates

#: Title lines stand above the header; it begins with the code of the Social Security Administration.
_HEADER_WITHIN = 12
_CODE = re.compile(r"(ssa )?(state county )?code", re.IGNORECASE)
_BONUS = re.compile(r"(?<![0-9.])([0-9]+(?:\.[0-9]+)?)% bonus", re.IGNORECASE)
_ESRD = re.compile(r"\besrd\b", re.IGNORECASE)
_YEAR = re.compile(r"\b20[0-9]{2}\b")
_COUNTY_CODE = re.compile(r"[0-9]{5}")
_BLANK = ("", "#N/A", "N/A")


def read_ratebook(path: str | Path, *, payment_year: int) -> pa.Table:
    """Return the county rates of a CMS ratebook, one row per county and bonus.

    Parameters
    ----------
    path : path
        CountyRateYYYY.csv as CMS publishes it: title lines, a header, one line per county.
    payment_year : int
        The year that the header must name.

    Returns
    -------
    pyarrow.Table
        county_code (5 digits, of the Social Security Administration), state, county, bonus (added to the applicable
        percentage: 0.05, ...), rate [dollars a month at a risk score of 1.000], esrd_rate [same; null where CMS prints
        none].

    Raises
    ------
    InputError
        The file is no ratebook or one of another year; a line lacks cells, repeats a county, or holds no positive rate.

    References
    ----------
    .. [1] Medicare Advantage ratebooks, CMS, yearly; layout since payment year 2015.
    """
    name = Path(path).name
    lines = _lines(Path(path))
    start = _header(lines, name)
    bonuses, esrd = _columns(lines[start], name, payment_year)
    rows: list[dict[str, Any]] = []
    first_line: dict[str, int] = {}
    for number, cells in enumerate(lines[start + 1 :], start=start + 2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{name}, line {number}"
        code = _county_code(cells, len(lines[start]), where)
        if first_line.setdefault(code, number) != number:
            raise InputError(
                f"{where}: the county of line {first_line[code]} again; give each county one line."
            )
        rows.extend(_rows(cells, code, bonuses, esrd, where))
    if not rows:
        raise InputError(f"{name} has no counties below its header.")
    return pa.Table.from_pylist(rows, _SCHEMA)


_SCHEMA = pa.schema(
    [("county_code", pa.string()), ("state", pa.string()), ("county", pa.string()), ("bonus", pa.float64()),
     ("rate", pa.float64()), ("esrd_rate", pa.float64())]
)  # fmt: skip


def county_rates(
    ratebook: pa.Table,
    *,
    payment_year: int,
    stars: float | None,
    is_new_plan: bool = False,
    rates: Rates | None = None,
) -> dict[str, float]:
    """Return the rate of each county at a contract's bonus: county code -> dollars a month at 1.000.

    Parameters
    ----------
    ratebook : pyarrow.Table
        From `read_ratebook`; qualifying counties are doubled in it already.
    payment_year : int
    stars : float or None
    is_new_plan : bool
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.

    Returns
    -------
    dict of str to float [dollars a month]

    Raises
    ------
    InputError
        The rating is impossible, or the ratebook has no rates at its bonus.
    """
    rates = rates or load_rates("medicare", payment_year)
    bonus = bonus_percentage(stars, rates=rates, is_new_plan=is_new_plan)
    rows = [row for row in ratebook.to_pylist() if abs(row["bonus"] - bonus) < 1e-9]
    if not rows:
        raise InputError(f"the ratebook has no rates at a bonus of {bonus:.1%}.")
    return {row["county_code"]: row["rate"] for row in rows}


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as problem:
        raise InputError(f"{path.name} cannot be read: {problem.strerror or 'input/output error'}.") from None
    try:
        return list(csv.reader(text.splitlines()))
    except csv.Error as problem:
        raise InputError(f"{path.name} cannot be read as CSV: {problem}.") from None


def _header(lines: list[list[str]], name: str) -> int:
    for place, cells in enumerate(lines[:_HEADER_WITHIN]):
        if cells and _CODE.fullmatch(cells[0].strip()):
            return place
    raise InputError(
        f"{name} is no ratebook: none of its first {_HEADER_WITHIN} lines begins with 'Code'; give CMS's file."
    )


def _columns(header: list[str], name: str, payment_year: int) -> tuple[dict[int, float], int | None]:
    """Return which column holds the rates of which bonus, and which the ESRD rates."""
    bonuses = {
        place: float(Decimal(match[1]) / 100)
        for place, cell in enumerate(header)
        if (match := _BONUS.search(cell))
    }
    if not bonuses:
        raise InputError(
            f"{name}: its header names no bonus; give a ratebook that lists rates by quality bonus."
        )
    years = {int(year) for cell in header for year in _YEAR.findall(cell)}
    if years - {payment_year}:
        raise InputError(
            f"{name} is the ratebook of {', '.join(map(str, sorted(years)))}, not of {payment_year}."
        )
    esrd = next((place for place, cell in enumerate(header) if _ESRD.search(cell)), None)
    return bonuses, esrd


def _county_code(cells: list[str], n_columns: int, where: str) -> str:
    if len(cells) < n_columns or any(cell.strip() for cell in cells[n_columns:]):
        raise InputError(f"{where}: {len(cells)} cells where the header has {n_columns}.")
    code = cells[0].strip().zfill(5)
    if not _COUNTY_CODE.fullmatch(code):
        raise InputError(f"{where}: '{cells[0].strip()}' is no county code of 5 digits.")
    return code


def _rows(
    cells: list[str], code: str, bonuses: dict[int, float], esrd: int | None, where: str
) -> Iterator[dict[str, Any]]:
    state, county = cells[1].strip(), cells[2].strip()
    esrd_rate = None if esrd is None else _dollars(cells[esrd], where)
    for place, bonus in bonuses.items():
        rate = _dollars(cells[place], where)
        if rate is None:
            raise InputError(f"{where}: no rate at a bonus of {bonus:.1%}.")
        yield {
            "county_code": code, "state": state, "county": county, "bonus": bonus, "rate": rate, "esrd_rate": esrd_rate,
        }  # fmt: skip


def _dollars(cell: str, where: str) -> float | None:
    text = cell.strip().lstrip("$").replace(",", "")
    if text.upper() in _BLANK:
        return None
    try:
        dollars = Decimal(text)
    except InvalidOperation:
        raise InputError(f"{where}: '{cell.strip()}' is no amount in dollars.") from None
    if not (dollars.is_finite() and dollars > 0):
        raise InputError(f"{where}: '{cell.strip()}' is no amount above 0.")
    return float(dollars)
