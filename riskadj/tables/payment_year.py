"""Payment-year numbers: age date, collection window, rounding, normalization, coding intensity, policy and blends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from riskadj.errors import ManifestError, UnknownPaymentYearError, UnknownProgramError, nearest
from riskadj.tables.conditions import Condition, parse_condition
from riskadj.tables.manifest import (
    Source,
    TableEntry,
    cited,
    read_sources,
    read_table_entries,
    read_toml,
    require,
    require_if_there,
    sha256_of,
    short,
)
from riskadj.tables.model import year_folders
from riskadj.terms import COLLECTION_RUNS, RECORD_SOURCES


@dataclass(frozen=True)
class Citation:
    """Where a number stands, and whether it was checked there."""

    source: str
    where: str
    verified: bool


@dataclass(frozen=True)
class ModelNumber:
    """A number of one model (normalization factor or coding-intensity rate), perhaps for some segments or rows only."""

    model_id: str
    value: Decimal
    segments: tuple[str, ...]
    when: Condition
    citation: Citation


@dataclass(frozen=True)
class Policy:
    """Which models score the rows that fit `when`, and with what weights [sum 1]."""

    program: str
    name: str
    when: Condition
    blend: tuple[tuple[str, Decimal], ...]
    citation: Citation


@dataclass(frozen=True)
class PaymentYear:
    """Everything that turns raw risk scores into payment risk scores in one year; all of it cited.

    Attributes
    ----------
    age_as_of : date
        Ages are completed years on this day.
    age_at_end_of_enrollment : bool
        Ages are completed years on the last day of enrollment instead, `age_as_of` being the last that counts.
    duration_last_days : tuple of int
        Last day of enrollment that still counts as 1, 2, ... months; empty where no rule asks for it. [days]
    cost_sharing : tuple of ModelNumber
        What the sum of factors is multiplied by for a plan's cost-sharing reductions; empty where there are none.
    collections : mapping of str to tuple of date
        Run of the year ("initial", "mid_year", "final") -> first and last service date that count in it.
    decimals : int
        Decimals after each rounding.
    round_after : tuple of str
        The steps that round.
    excluded_sources : tuple of str
        Record sources whose diagnoses do not count (field ``record_source``).
    procedures_published : str
        Where a list of eligible procedures that the year's tables lack is published; "" where nothing says so.
    """

    program: str
    year: int
    title: str
    folder: Path
    sha256: str
    sources: Mapping[str, Source]
    tables: Mapping[str, TableEntry]
    age_as_of: date
    age_at_end_of_enrollment: bool
    duration_last_days: tuple[int, ...]
    collections: Mapping[str, tuple[date, date]]
    decimals: int
    round_after: tuple[str, ...]
    normalization: tuple[ModelNumber, ...]
    coding_intensity: tuple[ModelNumber, ...]
    cost_sharing: tuple[ModelNumber, ...]
    policies: tuple[Policy, ...]
    citations: Mapping[str, Citation]
    excluded_sources: tuple[str, ...]
    procedures_published: str

    @property
    def programs(self) -> tuple[str, ...]:
        """Programs that this year has a payment policy for."""
        return tuple(dict.fromkeys(policy.program for policy in self.policies))

    @property
    def collection(self) -> tuple[date, date]:
        """First and last service date that count in the final run."""
        return self.collections["final"]


def citation_of_collection(run: str) -> str:
    """Return the name under which a run's window is cited."""
    return "collection" if run == "final" else f"collection.{run}"


ROUNDING_STEPS = ("raw", "normalization", "coding_intensity", "cost_sharing", "blend")
#: Steps that round, by manner: each number its own step; or cost sharing alone, on the sum before it is rounded.
STEPWISE, ONCE = ("raw", "normalization", "coding_intensity", "blend"), ("raw", "cost_sharing", "blend")
_END_OF_ENROLLMENT = "end_of_enrollment"


def load_payment_year(program: str, year: int, *, maps_dir: str | Path | None = None) -> PaymentYear:
    """Load the numbers of one payment year.

    Parameters
    ----------
    program : str
        Such as ``"medicare_part_c"``.
    year : int
        Payment (or benefit) year. There is no default year.
    maps_dir : path, optional
        A folder of the same shape as ``hcc_maps``.

    Returns
    -------
    PaymentYear

    Raises
    ------
    UnknownProgramError, UnknownPaymentYearError
        No such program or year; the message lists what there is.
    ManifestError
        A number lacks its source or contradicts another.
    """
    folders = [
        (number, folder)
        for _, number, folder in year_folders(maps_dir)
        if (folder / "payment_year.toml").exists()
    ]
    for _, folder in (item for item in folders if item[0] == year):
        wanted = read_payment_year(folder / "payment_year.toml")
        if program in wanted.programs:
            return wanted
    return _year_without_policy(
        program, year, [read_payment_year(folder / "payment_year.toml") for _, folder in folders]
    )


def sibling_years(year: PaymentYear) -> list[PaymentYear]:
    """Return every year that stands in the same folder as `year`, itself included, in order."""
    folders = sorted(year.folder.parent.iterdir())
    return [
        read_payment_year(folder / "payment_year.toml")
        for folder in folders
        if (folder / "payment_year.toml").exists()
    ]


def _year_without_policy(program: str, year: int, known: list[PaymentYear]) -> PaymentYear:
    """Return the year of a program that has policies in other years only; raise if there is none."""
    homes = {name: item.program for item in known for name in item.programs}
    if program not in homes:
        raise UnknownProgramError(
            f"no payment policy for program '{program}'{nearest(program, homes)}; known: {', '.join(sorted(homes))}."
        )
    of_program = {item.year: item for item in known if item.program == homes[program]}
    if year not in of_program:
        raise UnknownPaymentYearError(
            f"no payment year {year} for {program}; known: {', '.join(map(str, sorted(of_program)))}. "
            "To add one see hcc_maps/README.md."
        )
    return of_program[year]


def read_payment_year(path: Path) -> PaymentYear:
    """Read and check one payment_year.toml."""
    document = read_toml(path)
    sources = read_sources(document, path)
    head = require(document, "payment_year", dict, short(path))
    where = f"{short(path)}, [payment_year]"
    reader = _Reader(document, sources, short(path))
    rounding, windows = reader.section("rounding"), reader.collections()
    program, year = require(head, "program", str, where), require(head, "year", int, where)
    if (path.parent.parent.name, path.parent.name[2:]) != (program, str(year)):
        raise ManifestError(f"{where} says {program} {year}, which is not the folder it stands in.")
    return PaymentYear(
        program=program,
        year=year,
        title=require(head, "title", str, where),
        folder=path.parent,
        sha256=sha256_of(path.read_bytes()),
        sources=sources,
        tables=read_table_entries(document, sources, path),
        age_as_of=reader.day(reader.section("age_as_of"), "value"),
        age_at_end_of_enrollment=reader.age_at_end(),
        duration_last_days=reader.duration_last_days(),
        collections={
            run: (reader.day(window, "start"), reader.day(window, "end")) for run, window in windows.items()
        },
        decimals=require(rounding, "decimals", int, short(path)),
        round_after=_steps(rounding, short(path)),
        normalization=reader.numbers("normalization"),
        coding_intensity=reader.numbers("coding_intensity"),
        cost_sharing=reader.numbers("cost_sharing"),
        policies=tuple(reader.policy(entry) for entry in document.get("policy", ())),
        excluded_sources=reader.excluded_sources(),
        procedures_published=reader.procedures_published(),
        citations={
            "age_as_of": reader.citation(document["age_as_of"], "age_as_of"),
            **{
                citation_of_collection(run): reader.citation(window, "collection")
                for run, window in windows.items()
            },
            "rounding": reader.citation(rounding, "rounding"),
        },
    )


def _steps(rounding: Mapping[str, Any], where: str) -> tuple[str, ...]:
    steps = tuple(require(rounding, "after", list, where))
    unknown = [step for step in steps if step not in ROUNDING_STEPS]
    if unknown:
        raise ManifestError(
            f"{where}, [rounding]: no step '{unknown[0]}'; allowed: {', '.join(ROUNDING_STEPS)}."
        )
    return steps


@dataclass(frozen=True)
class _Reader:
    """Reads cited entries of one payment_year.toml."""

    document: Mapping[str, Any]
    sources: Mapping[str, Source]
    file: str

    def section(self, name: str) -> dict[str, Any]:
        section: dict[str, Any] = require(self.document, name, dict, self.file)
        cited(section, self.sources, f"{self.file}, [{name}]")
        return section

    def collections(self) -> dict[str, dict[str, Any]]:
        """Return the window of each run: `[collection]` is that of the final run, the others lie below it."""
        final = self.section("collection")
        others = {run: window for run, window in final.items() if isinstance(window, dict)}
        unknown = [run for run in others if run not in COLLECTION_RUNS or run == "final"]
        if unknown:
            raise ManifestError(
                f"{self.file}: no run '[collection.{unknown[0]}]'; allowed: {', '.join(COLLECTION_RUNS[:-1])}."
            )
        for run, window in others.items():
            cited(window, self.sources, f"{self.file}, [collection.{run}]")
        return {run: others.get(run, final) for run in COLLECTION_RUNS if run in others or run == "final"}

    def citation(self, entry: Mapping[str, Any], name: str) -> Citation:
        entry_of = f"{self.file}, [{name}]"
        source, where = cited(entry, self.sources, entry_of)
        return Citation(source, where, require_if_there(entry, "verified", True, entry_of))

    def day(self, entry: Mapping[str, Any], key: str) -> date:
        try:
            return date.fromisoformat(require(entry, key, str, self.file))
        except ValueError:
            raise ManifestError(f"{self.file}: {key} = '{entry[key]}' is no date (YYYY-MM-DD).") from None

    def decimal(self, entry: Mapping[str, Any], key: str, where: str) -> Decimal:
        try:
            number = Decimal(require(entry, key, str, where))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise ManifestError(f"{where}: {key} = '{entry[key]}' is no decimal number.")
        return number

    def numbers(self, name: str) -> tuple[ModelNumber, ...]:
        where = f"{self.file}, [[{name}]]"
        return tuple(
            ModelNumber(
                require(entry, "model", str, where),
                self.decimal(entry, "value", where),
                tuple(filter(None, require_if_there(entry, "segments", "", where).split("|"))),
                parse_condition(require_if_there(entry, "when", {}, where), where),
                self.citation(entry, name),
            )
            for entry in self.document.get(name, ())
        )

    def age_at_end(self) -> bool:
        at = self.section("age_as_of").get("at")
        if at not in (None, _END_OF_ENROLLMENT):
            raise ManifestError(f"{self.file}, [age_as_of]: at = '{at}'; allowed: {_END_OF_ENROLLMENT}.")
        return at is not None

    def duration_last_days(self) -> tuple[int, ...]:
        if "enrollment_duration" not in self.document:
            return ()
        days = tuple(require(self.section("enrollment_duration"), "last_days", list, self.file))
        if not all(isinstance(day, int) for day in days) or list(days) != sorted(set(days)):
            raise ManifestError(
                f"{self.file}, [enrollment_duration]: last_days must be whole days that ascend."
            )
        return days

    def excluded_sources(self) -> tuple[str, ...]:
        if "diagnosis_sources" not in self.document:
            return ()
        excluded = require(self.section("diagnosis_sources"), "excluded", str, self.file).split("|")
        unknown = [source for source in excluded if source not in RECORD_SOURCES]
        if unknown:
            raise ManifestError(
                f"{self.file}: no record source '{unknown[0]}'; known: {', '.join(RECORD_SOURCES)}."
            )
        return tuple(excluded)

    def procedures_published(self) -> str:
        if "eligible_procedures" not in self.document:
            return ""
        return str(require(self.section("eligible_procedures"), "published", str, self.file))

    def policy(self, entry: Mapping[str, Any]) -> Policy:
        where = f"{self.file}, [[policy]]"
        blend = tuple(
            (require(part, "model", str, where), self.decimal(part, "weight", where))
            for part in require(entry, "blend", list, where)
        )
        if sum(weight for _, weight in blend) != 1:
            raise ManifestError(
                f"{where} '{entry.get('name', '')}': the weights of a blend must add up to 1."
            )
        return Policy(
            require(entry, "program", str, where),
            require(entry, "name", str, where),
            parse_condition(require_if_there(entry, "when", {}, where), where),
            blend,
            self.citation(entry, "policy"),
        )
