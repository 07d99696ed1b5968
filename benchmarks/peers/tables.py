"""The tables of a payment year as bit masks, for peers that score with SQL or data-frame expressions.

Peers read riskadj's tables (`load_model`, `load_payment_year`) and nothing else of riskadj: same inputs, own scoring.
A member's conditions are bits of 64-bit words, because one `bit_or` per member beats every form with a row per HCC.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache

import pyarrow as pa

from benchmarks.workload import Workload
from riskadj import ModelTables, PaymentYear, load_model, load_payment_year
from riskadj.terms import DUAL_STATUS_CODES, MEDICAID_DUAL_STATUS_CODES, STATUS_FIELDS

WORD_BITS = 64
NO_MAXIMUM = 999

#: Status fields that are columns of true and false.
FLAGS = (
    "is_new_enrollee",
    "is_long_term_institutional",
    "is_c_snp",
    "is_pace",
    "is_hospice",
    "is_low_income",
)

Mask = tuple[int, ...]
"""One 64-bit number per word."""


@dataclass(frozen=True)
class Conditional:
    """A bit that stands for an HCC only where age (and sex) allow it."""

    bit: int
    hcc_bit: int
    sex: str
    age_min: int
    age_max: int


@dataclass(frozen=True)
class Model:
    """One model as masks. Bits: the HCCs in ascending order, then the conditional bits."""

    tables: ModelTables
    hccs: tuple[str, ...]
    conditionals: tuple[Conditional, ...]
    bits_of_code: Mapping[str, int]
    decimals: int
    factors: Mapping[str, Mapping[str, int]]

    @property
    def id(self) -> str:
        """Model id."""
        return self.tables.id

    @property
    def n_words(self) -> int:
        """Words that hold the bits that diagnoses set."""
        return -(-(len(self.hccs) + len(self.conditionals)) // WORD_BITS)

    @property
    def n_hcc_words(self) -> int:
        """Words that hold the HCCs."""
        return -(-len(self.hccs) // WORD_BITS)

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return the rows of a table; none if the release lacks it."""
        if table not in self._rows:
            self._rows[table] = list(self.tables.records(table))
        return self._rows[table]

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, str]]]:
        return {}

    def mask(self, hccs: Sequence[str]) -> Mask:
        """Return the words with the bits of these HCCs on."""
        return words_of(sum(1 << self.hccs.index(hcc) for hcc in set(hccs)), self.n_hcc_words)

    @cached_property
    def hcc_mask(self) -> Mask:
        """All HCC bits, over all words."""
        return words_of((1 << len(self.hccs)) - 1, self.n_words)

    @cached_property
    def payment_mask(self) -> Mask:
        """Payment HCCs."""
        return self.mask([row["hcc"] for row in self.rows("labels") if row["payment"] == "1"])

    @cached_property
    def groups(self) -> dict[str, Mask]:
        """Mask of each group's HCCs."""
        members: dict[str, list[str]] = {}
        for row in self.rows("groups"):
            members.setdefault(row["group"], []).append(row["hcc"])
        return {name: self.mask(hccs) for name, hccs in members.items()}

    @cached_property
    def interactions(self) -> dict[str, list[str]]:
        """Terms of each interaction, in order."""
        terms: dict[str, list[str]] = {}
        for row in self.rows("interactions"):
            terms.setdefault(row["interaction"], []).append(row["term"])
        return terms

    @cached_property
    def demographic_names(self) -> list[str]:
        """Demographic variables, in order."""
        return list(dict.fromkeys(row["variable"] for row in self.rows("demographics")))

    @cached_property
    def demographic_terms(self) -> list[str]:
        """Demographic variables that interactions name; flag ``k`` of a profile is the ``k``-th of them."""
        used = {term for terms in self.interactions.values() for term in terms}
        return [name for name in self.demographic_names if name in used]

    @cached_property
    def hierarchy_stages(self) -> list[list[tuple[str, Mask]]]:
        """Return (HCC, what it drops) in stages: an HCC acts in a stage by whether earlier stages left it standing.

        All at once: one stage. In sequence: an HCC waits for those that may drop it, unless they drop all that it
        drops, so that it makes no difference whether it still stands.
        """
        drops: dict[str, set[str]] = {}
        for row in self.rows("hierarchies"):
            drops.setdefault(row["hcc"], set()).add(row["drops"])
        parents = sorted(drops, key=self.hccs.index)
        stage: dict[str, int] = {}
        for hcc in parents:
            above = [other for other in parents if hcc in drops[other] and not drops[hcc] <= drops[other]]
            if self.tables.manifest.hierarchy_manner != "sequential":
                above = []
            if any(self.hccs.index(other) > self.hccs.index(hcc) for other in above):
                raise ValueError(f"{self.id}: a higher number drops {hcc}, which these peers do not handle")
            stage[hcc] = 1 + max((stage[other] for other in above), default=-1)
        return [
            [(hcc, self.mask(sorted(drops[hcc]))) for hcc in parents if stage[hcc] == number]
            for number in range(max(stage.values(), default=-1) + 1)
        ]

    def counts(self, segment: str) -> list[int]:
        """Return the factor of the count variables by number of payment HCCs: 0, 1, 2, ..., the last for all above."""
        factors, rows = self.factors[segment], self.rows("counts")
        highest = max((int(row["hccs_min"]) for row in rows), default=0)
        return [
            sum(
                factors.get(row["variable"], 0)
                for row in rows
                if int(row["hccs_min"]) <= n <= int(row["hccs_max"] or NO_MAXIMUM)
            )
            for n in range(highest + 1)
        ]


def words_of(bits: int, n_words: int) -> Mask:
    """Return the 64-bit words of a large number, lowest first."""
    return tuple((bits >> (WORD_BITS * word)) & (2**WORD_BITS - 1) for word in range(n_words))


def read_model(tables: ModelTables) -> Model:
    """Return a model's tables as masks and integer factors."""
    hccs = tuple(row["hcc"] for row in tables.records("labels"))
    bit_of = {hcc: number for number, hcc in enumerate(hccs)}
    conditionals: dict[tuple[int, str, int, int], Conditional] = {}
    bits_of_code: dict[str, int] = {}
    for row in tables.records("mappings"):
        low = max(int(row[name] or 0) for name in ("age_min", "mce_age_min"))
        high = min(int(row[name] or NO_MAXIMUM) for name in ("age_max", "mce_age_max"))
        key = (bit_of[row["hcc"]], row["sex"], low, high)
        if key[1:] == ("", 0, NO_MAXIMUM):
            bit = key[0]
        else:
            new = Conditional(len(hccs) + len(conditionals), *key)
            bit = conditionals.setdefault(key, new).bit
        bits_of_code[row["icd10"]] = bits_of_code.get(row["icd10"], 0) | 1 << bit
    printed = [
        (row["segment"], row["variable"], Decimal(row["factor"]))
        for row in tables.records("relative_factors")
    ]
    decimals = max(max(-int(factor.normalize().as_tuple().exponent) for _, _, factor in printed), 0)
    segments = dict.fromkeys(row["segment"] for row in tables.records("segments"))
    factors: dict[str, dict[str, int]] = {segment: {} for segment in segments}
    for segment, variable, factor in printed:
        factors[segment][variable] = int(factor.scaleb(decimals))
    return Model(tables, hccs, tuple(conditionals.values()), bits_of_code, decimals, factors)


@dataclass(frozen=True)
class Year:
    """A payment year's numbers and models.

    Attributes
    ----------
    policies : tuple of (conditions, {model id: weight})
        In order; the first that fits a row pays it.
    """

    numbers: PaymentYear
    models: tuple[Model, ...]
    policies: tuple[tuple[Mapping[str, str], Mapping[str, Decimal]], ...]

    def normalization(self, model: Model) -> Fraction:
        """Return the one normalization factor of a model."""
        return self._only([item for item in self.numbers.normalization if item.model_id == model.id])

    def coding_intensity(self, model: Model) -> Fraction:
        """Return the one coding-intensity rate of a model."""
        return self._only([item for item in self.numbers.coding_intensity if item.model_id == model.id])

    @staticmethod
    def _only(found: Sequence[object]) -> Fraction:
        if len(found) != 1 or found[0].segments or found[0].when.allowed:  # type: ignore[attr-defined]
            raise ValueError("these peers know one number per model and year; choose another year")
        return Fraction(found[0].value)  # type: ignore[attr-defined]

    @property
    def status_fields(self) -> list[str]:
        """Status fields that any rule tests."""
        names = [name for conditions, _ in self.policies for name in conditions]
        for model in self.models:
            for table in ("segments", "demographics"):
                names += [name for row in model.rows(table) for name in row if row[name]]
        return [name for name in STATUS_FIELDS if name in {"sex", *names}]

    @cached_property
    def procedure_set(self) -> frozenset[str]:
        """Eligible procedure codes, to look one up."""
        return frozenset(self.procedures)

    @cached_property
    def procedures(self) -> list[str]:
        """Eligible procedure codes."""
        return [row["procedure_code"] for row in self._csv("eligible_procedures")]

    @cached_property
    def claim_rules(self) -> list[tuple[str, list[str], bool]]:
        """Kinds of claims that count: claim type, bill types (first two digits; none: any), needs a procedure."""
        return [
            (
                row["claim_type"],
                list(filter(None, row["bill_types"].split("|"))),
                row["needs_procedure"] == "1",
            )
            for row in self._csv("eligible_claims")
        ]

    def _csv(self, name: str) -> Iterator[dict[str, str]]:
        with open(self.numbers.folder / f"{name}.csv", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    @cached_property
    def code_table(self) -> pa.Table:
        """Return diagnosis codes and the words they set: code, w0, w1, ... over all models, in order."""
        codes = sorted({code for model in self.models for code in model.bits_of_code})
        columns = {"code": pa.array(codes, pa.string())}
        for model in self.models:
            words = [words_of(model.bits_of_code.get(code, 0), model.n_words) for code in codes]
            for word in range(model.n_words):
                columns[f"w{len(columns) - 1}"] = pa.array([item[word] for item in words], pa.uint64())
        return pa.table(columns)

    @cached_property
    def procedure_table(self) -> pa.Table:
        """Return the eligible procedure codes: procedure_code, is_eligible (true)."""
        codes = self.procedures if "eligible_procedures" in self.numbers.tables else []
        return pa.table(
            {
                "procedure_code": pa.array(codes, pa.string()),
                "is_eligible": pa.array([True] * len(codes), pa.bool_()),
            }
        )

    def words(self, model: Model) -> list[str]:
        """Return the names of a model's columns in `code_table`."""
        first = sum(item.n_words for item in self.models[: self.models.index(model)])
        return [f"w{first + word}" for word in range(model.n_words)]

    @cached_property
    def demographic_tables(self) -> dict[str, pa.Table]:
        """Return the demographics table of each model, by model id."""
        return {model.id: self._demographic_table(model) for model in self.models}

    def _demographic_table(self, model: Model) -> pa.Table:
        """Return the demographics table with what a match is worth in each segment, alternatives numbered by variable.

        Codes of a status field are a bit mask (``orec``: 0|2|3 is 13), blank cells admit everything.
        """
        names, terms = model.demographic_names, model.demographic_terms
        columns: dict[str, list[int]] = {name: [] for name in ("variable", "flag", "age_min", "age_max")}
        columns |= {field: [] for field in self.status_fields} | {segment: [] for segment in model.factors}
        for row in model.rows("demographics"):
            columns["variable"].append(names.index(row["variable"]))
            columns["flag"].append(1 << terms.index(row["variable"]) if row["variable"] in terms else 0)
            columns["age_min"].append(int(row["age_min"] or 0))
            columns["age_max"].append(int(row["age_max"] or NO_MAXIMUM))
            for field in self.status_fields:
                columns[field].append(code_mask(field, row.get(field, "")))
            for segment, factors in model.factors.items():
                columns[segment].append(factors.get(row["variable"], 0))
        return pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})


def code_mask(field: str, cell: str) -> int:
    """Return the codes of a cell as a bit mask; a blank cell admits every code."""
    codes = STATUS_FIELDS[field]
    return sum(1 << codes.index(code) for code in (cell.split("|") if cell else codes))


def read_year(work: Workload) -> Year:
    """Load the payment year of a workload and its models; read once in a process, as riskadj does."""
    return _read_year(work.program, work.payment_year)


@lru_cache
def _read_year(program: str, payment_year: int) -> Year:
    numbers = load_payment_year(program, payment_year)
    policies = [policy for policy in numbers.policies if policy.program == program]
    conditions = []
    for policy in policies:
        cells = {
            name: "|".join(STATUS_FIELDS[name][code] for code in codes) for name, codes in policy.when.allowed
        }
        conditions.append((cells, dict(policy.blend)))
    ids = dict.fromkeys(model_id for _, blend in conditions for model_id in blend)
    models = tuple(read_model(load_model(model_id, payment_year=payment_year)) for model_id in ids)
    return Year(numbers, models, tuple(conditions))


def dual_levels() -> dict[str, str]:
    """Return the benefit level (none, partial, full) of each dual status code."""
    return dict(DUAL_STATUS_CODES)


def medicaid_codes() -> list[str]:
    """Return the dual status codes that mean Medicaid."""
    return list(MEDICAID_DUAL_STATUS_CODES)
