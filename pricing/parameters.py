"""Yearly parameters of programs (rates, thresholds, curves): sealed tables, each number with its source.

A program's folder in ``pricing/rates`` holds ``parameters.csv`` and ``manifest.toml``. A row of the table says that a
parameter (and key, such as a metal level or an age) has a value in some years; nothing holds outside the years named.
A user's own file of the same columns goes before the table, number by number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from pricing.errors import InputError, UnknownRateError
from riskadj.errors import ManifestError, nearest
from riskadj.tables.manifest import csv_lines, read_sources, read_table_entries, read_toml, sealed_content

RATES = Path(__file__).parent / "rates"
COLUMNS = ("parameter", "key", "first_year", "last_year", "value", "unit", "source", "where", "verified")
USER = "user"
#: A caller's own numbers: a file of the table's columns, or values by name (or name and key).
Overrides = str | Path | Mapping[str | tuple[str, object], object] | None


@dataclass(frozen=True)
class Parameter:
    """One number and where it comes from.

    Attributes
    ----------
    key : str
        Which of several, such as ``silver`` or an age; empty where there is only one.
    value : Decimal
        As printed by the source. [`unit`]
    source : str
        Title of the document; ``user`` where the caller's own file or mapping gave it.
    verified : bool
        False where the official document could not be opened: check it before filing.
    """

    name: str
    key: str
    year: int
    value: Decimal
    unit: str
    source: str
    where: str
    verified: bool


@dataclass(frozen=True)
class Rates:
    """The parameters of one program and year.

    Attributes
    ----------
    program : str
    year : int
    parameters : mapping of (str, str) to Parameter
        By name and key.
    sha256 : str
        Of the sealed table.
    """

    program: str
    year: int
    parameters: Mapping[tuple[str, str], Parameter] = field(repr=False)
    sha256: str = ""

    def parameter(self, name: str, key: object = "") -> Parameter:
        """Return one parameter.

        Raises
        ------
        UnknownRateError
            There is none for this year; the message says what there is.
        """
        found = self.parameters.get((name, str(key)))
        if found is None:
            raise self._unknown(name, str(key))
        return found

    def number(self, name: str, key: object = "") -> float:
        """Return the value of one parameter [its unit]."""
        return float(self.parameter(name, key).value)

    def has(self, name: str, key: object = "") -> bool:
        """Return whether the year has the parameter."""
        return (name, str(key)) in self.parameters

    def by_key(self, name: str) -> dict[str, float]:
        """Return every value of a parameter by its key, in the table's order.

        Raises
        ------
        UnknownRateError
            The year has no such parameter.
        """
        found = {key: float(entry.value) for (other, key), entry in self.parameters.items() if other == name}
        if not found:
            raise self._unknown(name, "")
        return found

    def assumptions(self, names: Iterable[str]) -> pa.Table:
        """Return the parameters of the given names: parameter, key, year, value, unit, source, where, verified."""
        wanted = set(names)
        rows = [entry for (name, _), entry in self.parameters.items() if name in wanted]
        return pa.table(
            {
                "parameter": pa.array([row.name for row in rows], pa.string()),
                "key": pa.array([row.key for row in rows], pa.string()),
                "year": pa.array([row.year for row in rows], pa.int16()),
                "value": pa.array([float(row.value) for row in rows], pa.float64()),
                "unit": pa.array([row.unit for row in rows], pa.string()),
                "source": pa.array([row.source for row in rows], pa.string()),
                "where": pa.array([row.where for row in rows], pa.string()),
                "verified": pa.array([row.verified for row in rows], pa.bool_()),
            }
        )

    def with_values(self, values: Mapping[str | tuple[str, object], object]) -> Rates:
        """Return the rates with some numbers replaced by the caller's own; they are marked as such.

        Parameters
        ----------
        values : mapping
            ``{"name": value}`` or ``{("name", key): value}``, of any parameter that the program has in some year.

        Raises
        ------
        UnknownRateError
            The program has no such name in any year, or a key is missing, or given where there are none.
        """
        replaced = dict(self.parameters)
        for place, value in values.items():
            name, key = (place, "") if isinstance(place, str) else (place[0], str(place[1]))
            known = self._like(name, key)
            replaced[name, key] = Parameter(
                name,
                key,
                self.year,
                _decimal(str(value), f"{name} {key}"),
                known.unit,
                USER,
                "given in the call",
                True,
            )
        return Rates(self.program, self.year, replaced, self.sha256)

    def _like(self, name: str, key: str) -> Parameter:
        """Return what a number of the caller's own stands for: of this year, or of one that the program knows."""
        if (name, key) in self.parameters:
            return self.parameters[name, key]
        known = (*self.parameters.values(), *(row for _, _, row in _table(self.program)[0]))
        named = [entry for entry in known if entry.name == name]
        if not named:
            raise self._unknown(name, key)
        alike = [entry for entry in named if bool(entry.key) == bool(key)]
        if not alike:
            what = f"has no keys; '{key}' is one" if key else "has keys; give (name, key), such as "
            example = "" if key else f"('{name}', '{named[0].key}')"
            raise UnknownRateError(f"{self.program}: parameter '{name}' {what}{example}.")
        return next((entry for entry in alike if entry.key == key), alike[0])

    def _unknown(self, name: str, key: str) -> UnknownRateError:
        keys = [other_key for other, other_key in self.parameters if other == name]
        if keys:
            return UnknownRateError(
                f"{self.program} {self.year}: {name} has no key '{key}'; it has: {', '.join(keys[:30])}."
            )
        years = _years_of(self.program, name)
        if years:
            return UnknownRateError(
                f"{self.program} has no {name} for {self.year}; it is known for {years}. "
                "Give your own: load_rates(overrides=), or --parameters."
            )
        names = dict.fromkeys(row.name for _, _, row in _table(self.program)[0])
        return UnknownRateError(f"{self.program} has no parameter '{name}'{nearest(name, names)}.")


def load_rates(
    program: str,
    year: int,
    *,
    overrides: Overrides = None,
) -> Rates:
    """Load the parameters of a program that hold in a year.

    Parameters
    ----------
    program : str
        A folder of pricing/rates, such as ``"aca"`` or ``"medicare"``.
    year : int
        Benefit or payment year.
    overrides : path or mapping, optional
        The caller's own numbers: a CSV file of the table's columns (source and where may say where they come from),
        or ``{"name": value, ("name", key): value}``.

    Returns
    -------
    Rates

    Raises
    ------
    UnknownRateError
        No such program; or `overrides` hold a name that it has in no year, or lack its key.
    riskadj.errors.ChecksumError, ManifestError
        The table is not the sealed one, or is not well formed.
    InputError
        The file of `overrides` cannot be read.
    """
    rows, sha256 = _table(program)
    held = {(row.name, row.key): row for row in _held(rows, year)}
    rates = Rates(program, year, held, sha256)
    if isinstance(overrides, (str, Path)):
        own = _rows(_content(overrides), str(overrides), None)
        for _, _, row in own:
            rates._like(row.name, row.key)
        return Rates(
            program, year, {**held, **{(row.name, row.key): row for row in _held(own, year)}}, sha256
        )
    return rates.with_values(overrides) if overrides else rates


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or 'input/output error'}.") from None


_Row = tuple[int, int, Parameter]
_YEAR = re.compile(r"[0-9]{4}")


def _held(rows: Iterable[_Row], year: int) -> list[Parameter]:
    return [
        Parameter(row.name, row.key, year, row.value, row.unit, row.source, row.where, row.verified)
        for first, last, row in rows
        if first <= year <= last
    ]


def _years_of(program: str, name: str) -> str:
    years = [year for first, last, row in _table(program)[0] if row.name == name for year in (first, last)]
    return f"{min(years)}-{max(years)}" if years else ""


@lru_cache(maxsize=8)
def _table(program: str) -> tuple[tuple[_Row, ...], str]:
    folder = RATES / program
    if not (folder / "manifest.toml").exists():
        known = sorted(path.parent.name for path in RATES.glob("*/manifest.toml"))
        raise UnknownRateError(f"no rates for program '{program}'; known: {', '.join(known)}.")
    path = folder / "manifest.toml"
    document = read_toml(path)
    sources = read_sources(document, path)
    entry = read_table_entries(document, sources, path)["parameters"]
    titles = {name: source.title for name, source in sources.items()}
    return tuple(
        _rows(sealed_content(folder / "parameters.csv", entry), "parameters.csv", titles)
    ), entry.sha256


def _rows(content: bytes, label: str, titles: Mapping[str, str] | None) -> list[_Row]:
    header, *lines = csv_lines(content, label) or [[]]
    if tuple(header) != COLUMNS:
        raise ManifestError(f"{label}: columns must be {', '.join(COLUMNS)}.")
    short = [number for number, cells in enumerate(lines, start=2) if len(cells) != len(COLUMNS)]
    if short:
        raise ManifestError(f"{label}, line {short[0]}: not the {len(COLUMNS)} cells of the header.")
    rows = [
        _row(dict(zip(COLUMNS, cells, strict=True)), f"{label}, line {number}", titles)
        for number, cells in enumerate(lines, start=2)
    ]
    _check_overlaps(rows, label)
    return rows


def _row(cells: Mapping[str, str], where: str, titles: Mapping[str, str] | None) -> _Row:
    if titles is not None and cells["source"] not in titles:
        raise ManifestError(f"{where}: source '{cells['source']}' is not among the manifest's sources.")
    if cells["verified"] not in ("yes", "no"):
        raise ManifestError(f"{where}: verified must be yes or no.")
    if not (_YEAR.fullmatch(cells["first_year"]) and _YEAR.fullmatch(cells["last_year"])):
        raise ManifestError(f"{where}: first_year and last_year must be years.")
    first, last = int(cells["first_year"]), int(cells["last_year"])
    if last < first:
        raise ManifestError(f"{where}: last_year is before first_year.")
    source = cells["source"] if titles is None else titles[cells["source"]]
    value = _decimal(cells["value"], where)
    is_verified = cells["verified"] == "yes"
    name, key, unit = cells["parameter"], cells["key"], cells["unit"]
    return first, last, Parameter(name, key, first, value, unit, source, cells["where"], is_verified)


def _decimal(text: str, where: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ManifestError(f"{where}: '{text}' is no number.") from None
    if not math.isfinite(float(value)):
        raise ManifestError(f"{where}: '{text}' is no finite number.")
    return value


def _check_overlaps(rows: list[_Row], label: str) -> None:
    last_year: dict[tuple[str, str], int] = {}
    for first, last, row in sorted(rows, key=lambda item: (item[2].name, item[2].key, item[0])):
        place = (row.name, row.key)
        if first <= last_year.get(place, first - 1):
            raise ManifestError(f"{label}: {' '.join(filter(None, place))} has two values for {first}.")
        last_year[place] = last
