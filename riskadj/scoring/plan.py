"""ModelTables -> ScoringPlan: the arrays that kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskadj.tables.columns import SEGMENT_NAMES, VALIDITY, Table
from riskadj.tables.conditions import MAX_AGE_YEARS, Condition, parse_condition
from riskadj.tables.model import ModelTables
from riskadj.terms import AGE_RANGE, STATUS_FIELDS

Words = npt.NDArray[np.uint64]

BOTH_SEXES = 3
#: First and last day of a code that is valid throughout [days since 1970-01-01].
EVER = (-(1 << 30), (1 << 30) - 1)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, order=True)
class ConditionBit:
    """One HCC under one age and sex condition: what a captured bit stands for (ages inclusive, whole years)."""

    hcc_id: int
    sexes: int = BOTH_SEXES
    age_min: int = 0
    age_max: int = MAX_AGE_YEARS

    @property
    def is_unconditional(self) -> bool:
        """True if the diagnosis gives the HCC whoever has it."""
        return (self.sexes, self.age_min, self.age_max) == (BOTH_SEXES, 0, MAX_AGE_YEARS)


@dataclass(frozen=True)
class SegmentRule:
    """One row of the segments table.

    Attributes
    ----------
    column : str
        The factor column that the row draws on.
    condition : Condition
        Which member statuses are paid under it.
    choice : Condition
        Its age and dual part alone: which row of its segment applies when every segment is scored.
    """

    segment: str
    column: str
    condition: Condition
    choice: Condition


@dataclass(frozen=True)
class BitColumns:
    """Condition bits as arrays of shape (n_bits,): HCC id, sexes (1, 2 or 3 for both), lowest and highest age."""

    hcc_ids: npt.NDArray[np.int32]
    sexes: npt.NDArray[np.uint8]
    age_mins: npt.NDArray[np.uint8]
    age_maxs: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ScoringPlan:
    """One model release as arrays. Variables are numbered: HCCs, groups, demographics, interactions, counts.

    Attributes
    ----------
    variables : tuple of str
        Name of each variable; its position is its bit.
    n_hccs : int
        The first `n_hccs` variables are HCCs (and drug categories), in the order of the labels.
    n_words : int
        64-bit words that hold one row's variables.
    bits : tuple of ConditionBit
        The condition bits that diagnoses set; bit ``i < n_hccs`` is HCC ``i`` unconditionally.
    bits_of_code : mapping of str to tuple of int
        Condition bits of each ICD-10-CM code.
    validity : mapping of str to (int, int)
        First and last day of the codes that are not valid throughout.
    bits_of_drug : mapping of (str, str) to tuple of int
        Condition bits of each (code system, drug code).
    left_out : tuple of (int, Condition)
        HCC, and member statuses that leave it out after the hierarchies.
    group_conditions : tuple of (int, tuple of Condition)
        Group that only some member statuses have, and which.
    counted, counted_in : ndarray of uint64
        What counts, and the groups that count in place of each HCC (`kernels.interactions.switch_on_counts`).
    terms_wanted : ndarray of uint64, shape (n_terms,)
        0 where an interaction asks that the term be off.
    segments : tuple of str
        Public names of the segments.
    factor_columns : tuple of str
        Names under which `factors` are priced: a segment may draw on several, by age and dual status.
    divisors : tuple of Fraction
        What the sum of factors is divided by, by segment; 1 but for actuarial adjustments.
    factors : ndarray of int64, shape (n_factor_columns, n_variables)
        Relative factors in units of ``10 ** -decimals``.
    """

    model: ModelTables
    variables: tuple[str, ...]
    n_hccs: int
    first_group: int
    first_demographic: int
    first_interaction: int
    first_count: int
    bits: tuple[ConditionBit, ...]
    bits_of_code: Mapping[str, tuple[int, ...]]
    validity: Mapping[str, tuple[int, int]]
    bits_of_drug: Mapping[tuple[str, str], tuple[int, ...]]
    payment_hccs: Words
    required_hcc: npt.NDArray[np.int32]
    needs_any: Words
    drops: Words
    sequential: bool
    groups_of_hcc: Words
    demographics: Mapping[str, tuple[Condition, ...]]
    demographic_mask: Words
    left_out: tuple[tuple[int, Condition], ...]
    group_conditions: tuple[tuple[int, tuple[Condition, ...]], ...]
    terms_begin: npt.NDArray[np.int64]
    terms: npt.NDArray[np.int32]
    terms_wanted: Words
    counted: Words
    counted_in: Words
    counts_of_number: Words
    segments: tuple[str, ...]
    factor_columns: tuple[str, ...]
    segment_rules: tuple[SegmentRule, ...]
    divisors: tuple[Fraction, ...]
    factors: npt.NDArray[np.int64]
    priced: Words
    decimals: int

    @property
    def n_words(self) -> int:
        """64-bit words that hold the variables of one row."""
        return n_words(len(self.variables))

    @property
    def n_hcc_words(self) -> int:
        """64-bit words that hold the HCCs among the variables of one row."""
        return n_words(self.n_hccs)

    @cached_property
    def may_be_left_out(self) -> Words:
        """HCCs and groups that some member status leaves out (uint64, shape (n_words,))."""
        numbers = [number for number, _ in (*self.left_out, *self.group_conditions)]
        return set_bits(numbers, self.n_words)

    @property
    def n_captured_words(self) -> int:
        """64-bit words that hold the condition bits of one member."""
        return n_words(len(self.bits))

    @cached_property
    def bit_columns(self) -> BitColumns:
        """The condition bits as the kernel reads them."""
        return BitColumns(
            np.array([bit.hcc_id for bit in self.bits], np.int32),
            np.array([bit.sexes for bit in self.bits], np.uint8),
            np.array([bit.age_min for bit in self.bits], np.uint8),
            np.array([bit.age_max for bit in self.bits], np.uint8),
        )

    @property
    def segment_fields(self) -> tuple[str, ...]:
        """Status fields that the model's segments test."""
        return tuple(dict.fromkeys(name for rule in self.segment_rules for name in rule.condition.fields))


def fields_of(model: ModelTables) -> tuple[str, ...]:
    """Return the status fields that a model's segments, demographics and scored statuses test."""
    names = list(model.manifest.scores.fields)
    for table in (model.tables.get(name) for name in ("segments", "demographics", "exclusions")):
        if table is not None:
            names += [name for name in table.columns if name in STATUS_FIELDS and any(table.column(name))]
    return tuple(dict.fromkeys(names))


def n_words(n_bits: int) -> int:
    """Return how many 64-bit words hold `n_bits` bits."""
    return (n_bits + 63) // 64


def set_bits(positions: Iterable[int], words: int) -> Words:
    """Return `words` 64-bit words with the bits at `positions` on."""
    result = np.zeros(words, np.uint64)
    for position in positions:
        result[position >> 6] |= np.uint64(1 << (position & 63))
    return result


def make_plan(model: ModelTables, *, edits: str = "default") -> ScoringPlan:
    """Return the arrays of one model release.

    Parameters
    ----------
    model : ModelTables
        Checked tables (`riskadj.tables.check` holds the laws that they keep).
    edits : {"default", "none"}
        "none" leaves the plausibility (MCE) edits out; the mandatory age and sex edits always apply.

    Returns
    -------
    ScoringPlan
    """
    hccs = tuple(row["hcc"] for row in model.records("labels"))
    groups = _memberships(model, "groups", "group", "hcc")
    demographics = _demographics(model)
    interactions = _terms(model)
    counts = list(model.records("counts"))
    variables = (*hccs, *groups, *demographics, *interactions, *(row["variable"] for row in counts))
    position = {name: number for number, name in enumerate(variables)}
    words, hcc_words = n_words(len(variables)), n_words(len(hccs))
    hcc_ids = {hcc: position[hcc] for hcc in hccs}
    of_code = _bits_in(model.tables["mappings"], ("icd10",), hcc_ids, edits)
    of_drug = _bits_in(model.tables.get("drug_mappings"), ("code_system", "code"), hcc_ids, edits)
    bits, number = _numbered(hcc_ids, [*of_code.values(), *of_drug.values()])
    rules = tuple(_segment_rule(row) for row in model.records("segments"))
    segments = tuple(dict.fromkeys(rule.segment for rule in rules))
    factor_columns = tuple(dict.fromkeys(rule.column for rule in rules))
    divisors = {row["segment"]: Fraction(row["divisor"]) for row in model.records("adjustments")}
    factors, priced, decimals = _factors(model, position, factor_columns)
    requirements = list(model.records("requirements"))
    first_demographic = len(hccs) + len(groups)
    first_interaction = first_demographic + len(demographics)
    return ScoringPlan(
        model=model,
        variables=variables,
        n_hccs=len(hccs),
        first_group=len(hccs),
        first_demographic=first_demographic,
        first_interaction=first_interaction,
        first_count=first_interaction + len(interactions),
        bits=bits,
        bits_of_code={code: _numbers(found, number) for (code,), found in of_code.items()},
        validity=_validity(model),
        bits_of_drug={(key[0], key[1]): _numbers(found, number) for key, found in of_drug.items()},
        payment_hccs=set_bits(
            (position[row["hcc"]] for row in model.records("labels") if row["payment"] == "1"), hcc_words
        ),
        required_hcc=np.array([position[row["hcc"]] for row in requirements], np.int32),
        needs_any=_mask_rows([row["needs_any"].split("|") for row in requirements], position, hcc_words),
        drops=_drops(model, position, hcc_words),
        sequential=model.manifest.hierarchy_manner == "sequential",
        groups_of_hcc=_groups_of_hcc(groups, position, hcc_words, words),
        demographics=demographics,
        demographic_mask=set_bits(
            [position[name] for name in (*demographics, *_demographic_products(interactions, demographics))],
            words,
        ),
        left_out=tuple(
            (position[row["hcc"]], _condition_of(row, "hcc")) for row in model.records("exclusions")
        ),
        group_conditions=tuple(_group_conditions(model, position)),
        terms_begin=np.cumsum([0, *(len(terms) for terms in interactions.values())]),
        terms=np.array([position[name] for terms in interactions.values() for name, _ in terms], np.int32),
        terms_wanted=np.array([wanted for terms in interactions.values() for _, wanted in terms], np.uint64),
        counted=_counted(model, position, words),
        counted_in=_counted_in(model, position, hcc_words, words),
        counts_of_number=_counts_of_number(counts, position, len(hccs) + len(groups), words),
        segments=segments,
        factor_columns=factor_columns,
        segment_rules=rules,
        divisors=tuple(divisors.get(segment, Fraction(1)) for segment in segments),
        factors=factors,
        priced=priced,
        decimals=decimals,
    )


def _segment_rule(row: Mapping[str, str]) -> SegmentRule:
    cells = {name: cell for name, cell in row.items() if name not in SEGMENT_NAMES}
    choice = {name: cell for name, cell in cells.items() if name in (*AGE_RANGE, "dual")}
    return SegmentRule(
        row["segment"],
        row.get("factor_column") or row["segment"],
        parse_condition(cells, "segments"),
        parse_condition(choice, "segments"),
    )


def _memberships(model: ModelTables, table: str, name: str, member: str) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for row in model.records(table):
        result.setdefault(row[name], []).append(row[member])
    return result


def _condition_of(row: Mapping[str, str], *names: str) -> Condition:
    """Return the condition of a row; `names` are its columns that state none."""
    return parse_condition({column: cell for column, cell in row.items() if column not in names})


def _demographics(model: ModelTables) -> dict[str, tuple[Condition, ...]]:
    result: dict[str, tuple[Condition, ...]] = {}
    for row in model.records("demographics"):
        result[row["variable"]] = (*result.get(row["variable"], ()), _condition_of(row, "variable"))
    return result


def _terms(model: ModelTables) -> dict[str, list[tuple[str, bool]]]:
    """Return (term, must it be on) of each interaction."""
    result: dict[str, list[tuple[str, bool]]] = {}
    for row in model.records("interactions"):
        result.setdefault(row["interaction"], []).append((row["term"], row.get("absent") != "1"))
    return result


def _demographic_products(
    interactions: Mapping[str, list[tuple[str, bool]]], demographics: Iterable[str]
) -> Iterator[str]:
    """Yield the interactions that need no diagnosis: every term that must be on is demographic."""
    known = set(demographics)
    for interaction, terms in interactions.items():
        if {term for term, wanted in terms if wanted} <= known:
            known.add(interaction)
            yield interaction


def _group_conditions(
    model: ModelTables, position: Mapping[str, int]
) -> Iterator[tuple[int, tuple[Condition, ...]]]:
    """Yield the groups that only some ages have, with those ages."""
    found: dict[str, list[Condition]] = {}
    for row in model.records("groups"):
        found.setdefault(row["group"], []).append(_condition_of(row, "group", "hcc", "counted"))
    for group, conditions in found.items():
        if Condition() not in conditions:
            yield position[group], tuple(dict.fromkeys(conditions))


def _counted(model: ModelTables, position: Mapping[str, int], words: int) -> Words:
    hccs = [row["hcc"] for row in model.records("labels") if row.get("counted", row["payment"]) == "1"]
    groups = [row["group"] for row in model.records("groups") if row.get("counted") == "1"]
    return set_bits((position[name] for name in (*hccs, *groups)), words)


def _counted_in(model: ModelTables, position: Mapping[str, int], hcc_words: int, words: int) -> Words:
    rows = [row for row in model.records("groups") if row.get("counted") == "1"]
    result = np.zeros((64 * hcc_words if rows else 0, words), np.uint64)
    for row in rows:
        result[position[row["hcc"]]] |= set_bits([position[row["group"]]], words)
    return result


def _mask_rows(members: list[list[str]], position: Mapping[str, int], words: int) -> Words:
    masks = [set_bits((position[name] for name in names), words) for names in members]
    return np.array(masks, np.uint64).reshape(len(members), words)


def _groups_of_hcc(
    groups: Mapping[str, list[str]], position: Mapping[str, int], hcc_words: int, words: int
) -> Words:
    result = np.zeros((64 * hcc_words, words), np.uint64)
    for group, hccs in groups.items():
        for hcc in hccs:
            result[position[hcc]] |= set_bits([position[group]], words)
    return result


def _counts_of_number(
    counts: list[dict[str, str]], position: Mapping[str, int], most: int, words: int
) -> Words:
    result = np.zeros((most + 1, words), np.uint64)
    for row in counts:
        last = min(int(row["hccs_max"] or most), most)
        result[int(row["hccs_min"]) : last + 1] |= set_bits([position[row["variable"]]], words)
    return result


def _drops(model: ModelTables, position: Mapping[str, int], words: int) -> Words:
    drops = np.zeros((64 * words, words), np.uint64)
    for row in model.records("hierarchies"):
        drops[position[row["hcc"]]] |= set_bits([position[row["drops"]]], words)
    return drops


def _factors(
    model: ModelTables, position: Mapping[str, int], columns: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], Words, int]:
    rows = [
        (position[row["variable"]], columns.index(row["segment"]), Decimal(row["factor"]))
        for row in model.records("relative_factors")
    ]
    decimals = max(
        [-int(factor.normalize().as_tuple().exponent) for _, _, factor in rows if factor], default=0
    )
    decimals = max(decimals, 0)
    factors = np.zeros((len(columns), len(position)), np.int64)
    priced = np.zeros((len(columns), n_words(len(position))), np.uint64)
    for variable, column, factor in rows:
        factors[column, variable] = int(factor.scaleb(decimals))
        if factor:
            priced[column] |= set_bits([variable], priced.shape[1])
    return factors, priced, decimals


def _bits_in(
    table: Table | None, code_columns: tuple[str, ...], hcc_ids: Mapping[str, int], edits: str
) -> dict[tuple[str, ...], list[ConditionBit]]:
    """Return the condition bits that each code of a table of mappings gives."""
    if table is None:
        return {}
    bit_of_cells: dict[tuple[str, ...], ConditionBit] = {}
    of_code: dict[tuple[str, ...], list[ConditionBit]] = {}
    names = [name for name in table.columns if name not in (*code_columns, *VALIDITY)]
    codes = zip(*(table.column(name) for name in code_columns), strict=True)
    conditions = zip(*(table.column(name) for name in names), strict=True)
    for code, cells in zip(codes, conditions, strict=True):
        bit = bit_of_cells.get(cells)
        if bit is None:
            row = dict(zip(names, cells, strict=True))
            bit = _condition_bit(row, hcc_ids[row["hcc"]], with_mce=edits == "default")
            bit_of_cells[cells] = bit
        of_code.setdefault(code, []).extend([bit] if bit.age_min <= bit.age_max else [])
    return of_code


def _numbered(
    hcc_ids: Mapping[str, int], found: Iterable[list[ConditionBit]]
) -> tuple[tuple[ConditionBit, ...], dict[ConditionBit, int]]:
    """Number the condition bits: one unconditional bit per HCC first, then every other condition found."""
    unconditional = [ConditionBit(hcc_id) for hcc_id in hcc_ids.values()]
    conditional = sorted({bit for bits in found for bit in bits if not bit.is_unconditional})
    bits = (*unconditional, *conditional)
    return bits, {bit: i for i, bit in enumerate(bits)}


def _validity(model: ModelTables) -> dict[str, tuple[int, int]]:
    if not set(VALIDITY) & set(model.tables["mappings"].columns):
        return {}
    found = {}
    for row in model.records("mappings"):
        first, last = row.get("valid_from", ""), row.get("valid_to", "")
        if first or last:
            found[row["icd10"]] = (_days(first, EVER[0]), _days(last, EVER[1]))
    return found


def _days(cell: str, otherwise: int) -> int:
    return (date.fromisoformat(cell) - _EPOCH).days if cell else otherwise


def _numbers(bits: list[ConditionBit], number: Mapping[ConditionBit, int]) -> tuple[int, ...]:
    return (number[bits[0]],) if len(bits) == 1 else tuple(sorted({number[bit] for bit in bits}))


def _condition_bit(row: Mapping[str, str], hcc_id: int, *, with_mce: bool) -> ConditionBit:
    sexes = (
        sum(1 << STATUS_FIELDS["sex"].index(code) for code in row["sex"].split("|"))
        if row.get("sex")
        else BOTH_SEXES
    )
    lows, highs = [row["age_min"]], [row["age_max"]]
    if with_mce:
        lows.append(row.get("mce_age_min", ""))
        highs.append(row.get("mce_age_max", ""))
    age_min = max(int(cell) if cell else 0 for cell in lows)
    age_max = min(int(cell) if cell else MAX_AGE_YEARS for cell in highs)
    return ConditionBit(hcc_id, sexes, age_min, age_max)
