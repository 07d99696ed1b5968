"""Which diagnoses count: the payment year's own claim filter, row by row.

The rules are the year's tables: the claim and bill types that count (`eligible_claims`), the procedures that make a
claim eligible (`eligible_procedures`, or the caller's own list), the record sources that do not count
(`[diagnosis_sources]`). Bill types are asked for two digits or three, as the table has them: Medicare names facility
and classification, HHS the frequency too. A claim that has one eligible line counts with every diagnosis of it. A row
is judged by its own procedure code, so an extract has one row for each diagnosis and each line of its claim: the
diagnosis then counts through the eligible line's row, whatever the rows of the other lines say, and nothing needs to
be grouped by claim.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, OptionError
from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.extracts.dictionaries import OncePerDictionary
from riskadj.kernels.claims import BILL_TYPE, CLAIM_TYPE, N_REASONS, judge_claims
from riskadj.scoring.options import ScoreOptions
from riskadj.tables.manifest import sealed_content
from riskadj.tables.payment_year import PaymentYear, sibling_years
from riskadj.terms import CLAIM_TYPES

_NEEDED = ("claim_type", "bill_type_code", "procedure_code")
_SOURCE = "record_source"
_CLAIMS, _PROCEDURES = "eligible_claims", "eligible_procedures"

#: Why a row does not count, by the number that `kernels.claims` gives it.
REASONS = (
    "counts",
    "outside_collection",
    "claim_type_not_eligible",
    "bill_type_not_eligible",
    "no_eligible_procedure",
    "record_source_excluded",
)
_EVERY_BIT, _HIGHEST_BIT = np.uint64(2**64 - 1), np.uint64(2**63)
#: Stands for a claim type or bill type that is no code of its kind.
OTHER = "other"
#: Digits of a bill type that tell facility and classification; a third is the frequency.
_FEWEST_DIGITS = 2

Eligible = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
T = TypeVar("T")


@dataclass(frozen=True)
class Judgement:
    """What the rules make of some rows, whatever their dates.

    Attributes
    ----------
    lots : ndarray of uint16, shape (n_rows,)
        ``reason * n_groups + group`` of each row; reason 0: it counts.
    groups : tuple of (claim type, bill type)
        What the groups are; "" where the cell is blank, None where the filter does not ask.
    """

    lots: npt.NDArray[np.uint16]
    groups: tuple[tuple[str | None, str | None], ...]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.groups)

    @property
    def n_lots(self) -> int:
        """Number of lots, those that count included."""
        return N_REASONS * self.n_groups


Judge = Callable[[pa.Table], Judgement]


def judge_nothing(table: pa.Table) -> Judgement:
    """Return that every row counts."""
    return Judgement(np.zeros(table.num_rows, np.uint16), ((None, None),))


@dataclass(frozen=True)
class ClaimRule:
    """One kind of claim that counts: type, bill types (two or three digits; empty: any), if it needs a procedure."""

    claim_type: str
    bill_types: frozenset[str]
    needs_procedure: bool

    def allows_bill_type(self, code: str) -> bool:
        """Return True if a claim of this bill type, without a leading zero, counts."""
        return not self.bill_types or code.startswith(tuple(self.bill_types))


@dataclass(frozen=True)
class CmsFilter:
    """The claim filter of one payment year; call it with a chunk of diagnoses."""

    rules: tuple[ClaimRule, ...]
    procedures: frozenset[str]
    excluded_sources: frozenset[str]

    def __call__(self, table: pa.Table) -> Eligible:
        """Return 1 for each row whose diagnosis counts, else 0 (uint8, shape (n_rows,))."""
        judgement = self.judge(table)
        return (judgement.lots < judgement.n_groups).astype(np.uint8)

    def judge(self, table: pa.Table) -> Judgement:
        """Return the reason why each row does not count, if it does not, and its claim type and bill type."""
        types, type_labels = _entries(table, "claim_type", self._types)
        bills, bill_labels = _entries(table, "bill_type_code", self._bills)
        procedures, procedure_rules = _entries(table, "procedure_code", self._procedures)
        sources, source_rules = procedures, np.full(len(procedure_rules), _EVERY_BIT)
        if self.excluded_sources and _SOURCE in table.column_names:
            sources, source_rules = _entries(table, _SOURCE, self._sources)
        groups = _Groups.of(self.rules, type_labels.names, bill_labels.names)
        lots = np.empty(table.num_rows, np.uint16)
        judge_claims(
            types,
            bills,
            procedures,
            sources,
            type_labels.positions * np.uint32(len(bill_labels.names)),
            bill_labels.positions,
            groups.rules,
            groups.lots,
            procedure_rules,
            source_rules,
            lots,
        )
        return Judgement(lots, groups.names)

    @cached_property
    def _types(self) -> OncePerDictionary[_Labels]:
        return OncePerDictionary(lambda entries: _labels(_words(entries, str.lower), self._label_of_type))

    @cached_property
    def _bills(self) -> OncePerDictionary[_Labels]:
        return OncePerDictionary(lambda entries: _labels(_words(entries, str.lower), self._label_of_bill))

    @cached_property
    def _procedures(self) -> OncePerDictionary[Words]:
        """Rules that each procedure satisfies."""
        return OncePerDictionary(
            lambda entries: _rules(
                [word in self.procedures for word in _words(entries, str.upper)],
                self._rules_without_procedure(),
            )
        )

    @cached_property
    def _sources(self) -> OncePerDictionary[Words]:
        """Rules that each record source satisfies: all of them, or none."""
        return OncePerDictionary(
            lambda entries: _rules(
                [word not in self.excluded_sources for word in _words(entries, str.lower)], 0
            )
        )

    def _label_of_type(self, word: str) -> str:
        known = word in CLAIM_TYPES or any(word == rule.claim_type for rule in self.rules)
        return word if known or not word else OTHER

    def _label_of_bill(self, word: str) -> str:
        return label_of_bill_type(word, digits=self._bill_digits)

    @cached_property
    def _bill_digits(self) -> int:
        """Digits of a bill type that the rules ask for."""
        return max((len(bill) for rule in self.rules for bill in rule.bill_types), default=_FEWEST_DIGITS)

    def _rules_without_procedure(self) -> int:
        """Return the rules (bits) that need no eligible procedure."""
        return sum(1 << n for n, rule in enumerate(self.rules) if not rule.needs_procedure)


def columns_of_filter(diagnosis_filter: str, year: PaymentYear) -> tuple[str, ...]:
    """Return the columns of the diagnoses extract that a filter of the year reads."""
    if diagnosis_filter == "none":
        return ()
    return (*_NEEDED, _SOURCE) if year.excluded_sources else _NEEDED


def claim_filter(options: ScoreOptions, year: PaymentYear, columns: tuple[str, ...]) -> CmsFilter | None:
    """Return the filter of the year, or None if every diagnosis counts.

    Parameters
    ----------
    options : ScoreOptions
        `diagnosis_filter`, and the caller's own `eligible_procedures` in place of the year's.
    columns : tuple of str
        Columns of the diagnoses extract.

    Raises
    ------
    OptionError
        The year has no list of eligible claims; or none of eligible procedures, and none was given.
    ColumnMissingError
        The extract lacks a column that the filter reads.
    """
    if options.diagnosis_filter == "none":
        return None
    _check_tables(year, tables_of_filter(options))
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise ColumnMissingError(
            f"diagnoses lack '{missing[0]}', which diagnosis_filter='cms' reads; it needs {', '.join(_NEEDED)}."
        )
    rules = tuple(
        ClaimRule(
            row["claim_type"],
            frozenset(filter(None, row["bill_types"].split("|"))),
            row["needs_procedure"] == "1",
        )
        for row in _rows(year, _CLAIMS)
    )
    own = options.eligible_procedures
    codes = own.codes if own else _codes_of_year(year)
    return CmsFilter(rules, codes, frozenset(year.excluded_sources))


def tables_of_filter(options: ScoreOptions) -> tuple[str, ...]:
    """Return the tables of the payment year that the filter of a run reads."""
    if options.diagnosis_filter == "none":
        return ()
    return (_CLAIMS,) if options.eligible_procedures else (_CLAIMS, _PROCEDURES)


def _check_tables(year: PaymentYear, needed: tuple[str, ...]) -> None:
    lacking = [name for name in needed if name not in year.tables]
    if lacking == [_PROCEDURES]:
        published = year.procedures_published
        raise OptionError(
            f"payment year {year.year} of {year.program} has no {_PROCEDURES} table, so diagnosis_filter='cms' needs "
            f"a list of yours: give it as eligible_procedures= (--eligible-procedures FILE). {published}".rstrip()
        )
    if lacking:
        known = [str(other.year) for other in sibling_years(year) if set(needed) <= set(other.tables)]
        raise OptionError(
            f"payment year {year.year} has no {lacking[0]} table, so diagnosis_filter='cms' cannot run; years that "
            f"have it: {', '.join(known) or 'none'}. Filter the extract yourself and leave diagnosis_filter='none'."
        )


def _codes_of_year(year: PaymentYear) -> frozenset[str]:
    return frozenset(row["procedure_code"] for row in _rows(year, _PROCEDURES))


def _rows(year: PaymentYear, name: str) -> tuple[dict[str, str], ...]:
    return _parsed(sealed_content(year.folder / f"{name}.csv", year.tables[name]))


@lru_cache(maxsize=16)
def _parsed(content: bytes) -> tuple[dict[str, str], ...]:
    """Return the rows of a table, which run after run reads alike."""
    return tuple(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def label_of_bill_type(code: str, *, digits: int = _FEWEST_DIGITS) -> str:
    """Return the first digits of a bill type, "" for a blank one, OTHER for what is none.

    A leading zero (four digits) is left out. A bill type of fewer digits than asked, though of two, is as it stands.
    """
    short = (code[1:] if len(code) == 4 and code.startswith("0") else code)[:digits]
    is_bill_type = len(short) >= _FEWEST_DIGITS and short.isascii() and short.isdigit()
    return short if not short or is_bill_type else OTHER


@dataclass(frozen=True)
class _Labels:
    """The distinct labels of a dictionary's entries, and the position of each entry's label among them."""

    names: tuple[str, ...]
    positions: npt.NDArray[np.uint32]


@dataclass(frozen=True)
class _Groups:
    """Every claim type with every bill type: both names, the rules that they meet (every bit: none), their lot."""

    names: tuple[tuple[str, str], ...]
    rules: Words
    lots: npt.NDArray[np.uint32]

    @classmethod
    @lru_cache(maxsize=64)
    def of(
        cls, claim_rules: tuple[ClaimRule, ...], types: tuple[str, ...], bills: tuple[str, ...]
    ) -> _Groups:
        """Return the groups of some claim and bill types."""
        names = tuple((kind, bill) for kind in types for bill in bills)
        rules = np.full(len(names), _EVERY_BIT, np.uint64)
        lots = np.arange(len(names), dtype=np.uint32)
        for number, (kind, bill) in enumerate(names):
            of_type = [n for n, rule in enumerate(claim_rules) if rule.claim_type == kind]
            met = sum(1 << n for n in of_type if claim_rules[n].allows_bill_type(bill))
            if met:
                rules[number] = met
            else:
                lots[number] += (BILL_TYPE if of_type else CLAIM_TYPE) * len(names)
        return cls(names, rules, lots)


def _entries(table: pa.Table, name: str, make: OncePerDictionary[T]) -> tuple[npt.NDArray[np.uint32], T]:
    """Return the dictionary entry of each row of a code column (one more for null), and what `make` makes of them."""
    codes = one_chunk(table[name])
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    entries = values_of(codes.indices).astype(np.int32, copy=False)
    if codes.null_count:
        null = np.int32(len(codes.dictionary))
        entries = (entries - null) * is_valid(codes) + null  # no choice: nobody could guess which row is null
    return entries.view(np.uint32), make(codes.dictionary)


def _words(entries: pa.Array, in_case: Callable[[str], str]) -> list[str]:
    """Return the words of a dictionary, without blanks around them and in one case, and "" for null at the end."""
    return [*(in_case((word or "").strip()) for word in entries.to_pylist()), ""]


def _labels(words: Sequence[str], label: Callable[[str], str]) -> _Labels:
    labels = [label(word) for word in words]
    names = sorted(set(labels))
    return _Labels(tuple(names), np.array([names.index(name) for name in labels], np.uint32))


def _rules(meets_all: Sequence[bool], else_met: int) -> Words:
    """Return the rules (bits) of each entry: all where it meets them, else `else_met` and the highest bit."""
    return np.where(np.array(meets_all, np.bool_), _EVERY_BIT, np.uint64(else_met) | _HIGHEST_BIT)
