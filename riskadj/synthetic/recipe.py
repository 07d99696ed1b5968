"""The recipe of the synthetic population: CSV tables of this package read into arrays ready for drawing."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.randomness import EXP_ONE, ONE, Ints, exp_fixed, spread

REFERENCE_LEVEL = 400
"""Level of use (hundredths of a logarithm) at which a setting has the visits per year of settings.csv."""

N_LEVELS = 1000
FEATURES = (
    "age", "female", "disabled", "dual", "institutional", "dialysis", "graft", "child", "newborn", "mother", "fertile",
    "frailty", "metabolic", "vascular", "pulmonary", "behavioral",
)  # fmt: skip

Choices = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Condition:
    """A chronic condition: who has it, what it adds to use, and the codes it is recorded under."""

    name: str
    log_odds: int  # thousandths, for a man of 75 without anything else
    slopes: tuple[tuple[str, int], ...]  # feature, thousandths
    raised_by: tuple[tuple[int, int], ...]  # earlier condition, thousandths
    burden: int  # hundredths of a logarithm of use
    special_needs: bool
    codes: Choices  # 65,536 equally likely positions in Recipe.codes


@dataclass(frozen=True)
class Setting:
    """A place of service: how often, which codes, what it costs."""

    name: str
    claim_type: str
    service_category: str
    who: str
    record_source: str
    visits: Ints  # by level of use: expected visits per month, in millionths
    diagnoses_per_claim: Choices
    personal_share: float
    pool: Choices  # positions in Recipe.codes
    procedures: Choices  # positions in Recipe.procedures; 0 = none
    bill_types: Choices  # positions in Recipe.bill_types; 0 = none
    lines_per_claim: Choices
    allowed_cents: int
    log_spread: int  # thousandths
    copay_cents: int
    coinsurance: int  # thousandths
    paid_lag_days: int

    @property
    def has_diagnoses(self) -> bool:
        """Whether claims of this setting carry diagnoses."""
        return bool(self.claim_type)

    @property
    def has_lines(self) -> bool:
        """Whether this setting is paid by claim line."""
        return self.allowed_cents > 0


@dataclass(frozen=True)
class Recipe:
    """All tables; codes, procedures and bill types are lists that the arrays point into."""

    shares: Mapping[str, float]
    ages: Mapping[str, npt.NDArray[np.uint8]]  # group -> 65,536 equally likely ages
    conditions: tuple[Condition, ...]
    settings: tuple[Setting, ...]
    codes: tuple[str, ...]
    unknown_codes: Choices
    procedures: tuple[str | None, ...]
    bill_types: tuple[str | None, ...]


@dataclass(frozen=True)
class Counties:
    """Where Medicare members live, and the contract that serves them."""

    codes: tuple[tuple[str, str], ...]  # county_code, contract_id
    choices: Choices


def read_rows(folder: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a table of the recipe: those that populations share, then those of the population's folder."""
    tables = files("riskadj.synthetic") / "tables"
    found = [file for place in (tables, tables / folder) if (file := place / f"{name}.csv").is_file()]
    return [row for file in found for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())]


def _fixed(text: str, one: int = ONE) -> int:
    return round(float(text or 0) * one)


def _pairs(cell: str) -> list[tuple[str, float]]:
    return [(name, float(weight)) for name, weight in (pair.split(":") for pair in cell.split("|") if pair)]


def _grouped(rows: list[dict[str, str]], group: str, item: str) -> dict[str, list[tuple[str, float]]]:
    grouped: dict[str, list[tuple[str, float]]] = {}
    for row in rows:
        grouped.setdefault(row[group], []).append((row[item], float(row["weight"])))
    return grouped


def _choices(pairs: list[tuple[str, float]], positions: Mapping[str, int]) -> Choices:
    """Return 65,536 positions in proportion to the weights; all zero without pairs."""
    if not pairs:
        return np.zeros(65536, dtype=np.uint16)
    found = np.array([positions[name] for name, _ in pairs], dtype=np.uint16)
    return found[spread([weight for _, weight in pairs])]


def _counts(cell: str) -> Choices:
    pairs = _pairs(cell)
    return _choices(pairs, {name: int(name) for name, _ in pairs})


def _ages(rows: list[dict[str, str]]) -> dict[str, npt.NDArray[np.uint8]]:
    years: dict[str, list[tuple[str, float]]] = {}
    for row in rows:
        low, high = int(row["age_min"]), int(row["age_max"])
        each = float(row["weight"]) / (high - low + 1)
        years.setdefault(row["group"], []).extend((str(age), each) for age in range(low, high + 1))
    return {
        group: _choices(pairs, {age: int(age) for age, _ in pairs}).astype(np.uint8)
        for group, pairs in years.items()
    }


def _conditions(
    rows: list[dict[str, str]], code_rows: list[dict[str, str]], code_position: Mapping[str, int]
) -> tuple[Condition, ...]:
    position = {row["condition"]: i for i, row in enumerate(rows)}
    codes = _grouped(code_rows, "condition", "diagnosis_code")
    return tuple(
        Condition(
            name=row["condition"],
            log_odds=_fixed(row["log_odds"]),
            slopes=tuple((feature, _fixed(row[feature])) for feature in FEATURES if row.get(feature)),
            raised_by=tuple((position[name], round(by * ONE)) for name, by in _pairs(row["raised_by"])),
            burden=_fixed(row["burden"], 100),
            special_needs=row.get("special_needs") == "1",
            codes=_choices(codes[row["condition"]], code_position),
        )
        for row in rows
    )


def _visits(per_year: float, growth: float) -> Ints:
    """Return expected visits per month by level of use, in millionths, at most a hundred times the reference."""
    levels = (np.arange(N_LEVELS) - REFERENCE_LEVEL) * 10
    factor = exp_fixed(np.minimum((levels * round(growth * ONE)) // ONE, 4605))
    return np.asarray((factor * round(per_year * ONE)) // (12 * ONE) * (1_000_000 // EXP_ONE), dtype=np.int64)


def _settings(
    folder: str,
    code_position: Mapping[str, int],
    procedure_position: Mapping[str, int],
    bill_position: Mapping[str, int],
) -> tuple[Setting, ...]:
    pools = _grouped(read_rows(folder, "pool_codes"), "pool", "diagnosis_code")
    procedures = _grouped(read_rows(folder, "procedures"), "setting", "procedure_code")
    return tuple(
        Setting(
            name=row["setting"],
            claim_type=row["claim_type"],
            service_category=row["service_category"],
            who=row["who"],
            record_source=row["record_source"],
            visits=_visits(float(row["visits_per_year"]), float(row["growth"])),
            diagnoses_per_claim=_counts(row["diagnoses"]),
            personal_share=float(row["personal_share"]),
            pool=_choices(pools.get(row["pool"], []), code_position),
            procedures=_choices(procedures.get(row["setting"], []), procedure_position),
            bill_types=_choices(_pairs(row["bill_types"]), bill_position),
            lines_per_claim=_counts(row["lines"]),
            allowed_cents=_fixed(row["allowed"], 100),
            log_spread=_fixed(row["spread"]),
            copay_cents=_fixed(row["copay"], 100),
            coinsurance=_fixed(row["coinsurance"]),
            paid_lag_days=int(row["paid_lag_days"]),
        )
        for row in read_rows(folder, "settings")
    )


def _distinct(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


@cache
def load_recipe(folder: str) -> Recipe:
    """Return the recipe of a population: the tables of its folder, ``medicare`` or ``hhs``."""
    conditions, pools = read_rows(folder, "conditions"), read_rows(folder, "pool_codes")
    condition_codes, settings = read_rows(folder, "condition_codes"), read_rows(folder, "settings")
    codes = _distinct([row["diagnosis_code"] for row in condition_codes + pools])
    procedures = (None, *_distinct([row["procedure_code"] for row in read_rows(folder, "procedures")]))
    bills = (None, *_distinct([name for row in settings for name, _ in _pairs(row["bill_types"])]))
    code_position = {code: i for i, code in enumerate(codes)}
    return Recipe(
        shares={row["quantity"]: float(row["value"]) for row in read_rows(folder, "population")},
        ages=_ages(read_rows(folder, "ages")),
        conditions=_conditions(conditions, condition_codes, code_position),
        settings=_settings(
            folder,
            code_position,
            {code: i for i, code in enumerate(procedures) if code},
            {bill: i for i, bill in enumerate(bills) if bill},
        ),
        codes=codes,
        unknown_codes=_choices(_grouped(pools, "pool", "diagnosis_code")["unknown"], code_position),
        procedures=procedures,
        bill_types=bills,
    )


@cache
def load_counties() -> Counties:
    """Return the counties of the Medicare population."""
    rows = read_rows("medicare", "counties")
    return Counties(
        codes=tuple((row["county_code"], row["contract_id"]) for row in rows),
        choices=spread([float(row["weight"]) for row in rows]),
    )
