"""Which diagnoses count: the payment year's own claim filter, row by row.

The rules are the year's tables: the claim and bill types that count (`eligible_claims`), the procedures that make a
claim eligible (`eligible_procedures`), the record sources that do not count (`[diagnosis_sources]`). A row is judged by
its own procedure code, so an extract has one row for each diagnosis and each line of its claim.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ColumnMissingError, OptionError
from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.kernels.codes import select_claims
from riskadj.scoring.capture import ClaimFilter
from riskadj.tables.manifest import sealed_content
from riskadj.tables.payment_year import PaymentYear

_NEEDED = ("claim_type", "bill_type_code", "procedure_code")
_SOURCE = "record_source"

Eligible = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClaimRule:
    """One kind of claim that counts: type, bill types (first two digits; empty: any), and if it needs a procedure."""

    claim_type: str
    bill_types: frozenset[str]
    needs_procedure: bool

    def allows_bill_type(self, code: str) -> bool:
        """Return True if a claim of this bill type counts; a leading zero (four digits) is left out."""
        short = code[1:] if len(code) == 4 and code.startswith("0") else code
        return not self.bill_types or short[:2] in self.bill_types


@dataclass(frozen=True)
class CmsFilter:
    """The claim filter of one payment year; call it with a chunk of diagnoses."""

    rules: tuple[ClaimRule, ...]
    procedures: frozenset[str]
    excluded_sources: frozenset[str]

    def __call__(self, table: pa.Table) -> Eligible:
        """Return 1 for each row whose diagnosis counts, else 0 (uint8, shape (n_rows,))."""
        eligible = np.empty(table.num_rows, np.uint8)
        types = _rules_met(table, "claim_type", [rule.claim_type.__eq__ for rule in self.rules])
        bills = _rules_met(table, "bill_type_code", [rule.allows_bill_type for rule in self.rules])
        procedures = _rules_met(
            table, "procedure_code", [self._test_of_procedure(rule) for rule in self.rules]
        )
        select_claims(*types, *bills, *procedures, eligible)
        if self.excluded_sources and _SOURCE in table.column_names:
            entries, excluded = _rules_met(table, _SOURCE, [self.excluded_sources.__contains__])
            eligible[excluded[entries] != 0] = 0
        return eligible

    def _test_of_procedure(self, rule: ClaimRule) -> Callable[[str], bool]:
        return self.procedures.__contains__ if rule.needs_procedure else _anything


def columns_of_filter(diagnosis_filter: str, year: PaymentYear) -> tuple[str, ...]:
    """Return the columns of the diagnoses extract that a filter of the year reads."""
    if diagnosis_filter == "none":
        return ()
    return (*_NEEDED, _SOURCE) if year.excluded_sources else _NEEDED


def claim_filter(diagnosis_filter: str, year: PaymentYear, columns: tuple[str, ...]) -> ClaimFilter | None:
    """Return the filter of the year, or None if every diagnosis counts.

    Raises
    ------
    OptionError
        The year has no list of eligible procedures.
    ColumnMissingError
        The extract lacks a column that the filter reads.
    """
    if diagnosis_filter == "none":
        return None
    lacking = [name for name in ("eligible_claims", "eligible_procedures") if name not in year.tables]
    if lacking:
        raise OptionError(
            f"payment year {year.year} has no {lacking[0]} table, so diagnosis_filter='cms' cannot run; "
            "filter the extract yourself and leave diagnosis_filter='none'."
        )
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
        for row in _rows(year, "eligible_claims")
    )
    procedures = frozenset(row["procedure_code"] for row in _rows(year, "eligible_procedures"))
    return CmsFilter(rules, procedures, frozenset(year.excluded_sources))


def _rows(year: PaymentYear, name: str) -> list[dict[str, str]]:
    content = sealed_content(year.folder / f"{name}.csv", year.tables[name]).decode("utf-8")
    return list(csv.DictReader(io.StringIO(content)))


def _anything(code: str) -> bool:
    return True


def _rules_met(
    table: pa.Table, name: str, tests: list[Callable[[str], bool]]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """Return each row's dictionary entry, and the rules (bits) that each entry meets; the last entry is for null."""
    codes = one_chunk(table[name])
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    words = [_cleaned(name, word) for word in codes.dictionary.to_pylist()]
    rules = [sum(1 << n for n, test in enumerate(tests) if test(word)) for word in (*words, "")]
    entries = values_of(codes.indices).astype(np.int32, copy=False)
    if codes.null_count:
        entries = np.where(is_valid(codes), entries, len(words)).astype(np.int32)
    return entries, np.array(rules, np.uint64)


def _cleaned(name: str, word: str | None) -> str:
    text = "" if word is None else word.strip()
    return text.upper() if name == "procedure_code" else text.lower()
