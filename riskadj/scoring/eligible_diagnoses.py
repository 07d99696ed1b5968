"""Which diagnoses count: the payment year's own claim filter, row by row.

The rules are the year's tables: the claim and bill types that count (`eligible_claims`), the procedures that make a
claim eligible (`eligible_procedures`), and the record sources that do not count (`[diagnosis_sources]`). A row is judged
by its own procedure code, so an extract has one row for each diagnosis and each line of its claim.
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
from riskadj.scoring.capture import ClaimFilter
from riskadj.tables.manifest import sealed_content
from riskadj.tables.payment_year import PaymentYear

_NEEDED = ("claim_type", "bill_type_code", "procedure_code")
_SOURCE = "record_source"

Eligible = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClaimRule:
    """One kind of claim that counts: its type, its bill types (first two digits; empty: any), and if it needs a procedure."""

    claim_type: str
    bill_types: frozenset[str]
    needs_procedure: bool


@dataclass(frozen=True)
class CmsFilter:
    """The claim filter of one payment year; call it with a chunk of diagnoses."""

    rules: tuple[ClaimRule, ...]
    procedures: frozenset[str]
    excluded_sources: frozenset[str]

    def __call__(self, table: pa.Table) -> Eligible:
        """Return 1 for each row whose diagnosis counts, else 0 (uint8, shape (n_rows,))."""
        eligible = np.zeros(table.num_rows, np.uint8)
        has_procedure = _where(table, "procedure_code", self.procedures.__contains__)
        for rule in self.rules:
            fits = _where(table, "claim_type", rule.claim_type.__eq__)
            if rule.bill_types:
                fits = fits & _where(table, "bill_type_code", lambda code, rule=rule: _bill_type(code) in rule.bill_types)
            eligible |= fits & has_procedure if rule.needs_procedure else fits
        if self.excluded_sources and _SOURCE in table.column_names:
            eligible &= ~_where(table, _SOURCE, self.excluded_sources.__contains__) & 1
        return eligible


def columns_of_filter(diagnosis_filter: str) -> tuple[str, ...]:
    """Return the columns of the diagnoses extract that a filter reads."""
    return (*_NEEDED, _SOURCE) if diagnosis_filter == "cms" else ()


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
        ClaimRule(row["claim_type"], frozenset(filter(None, row["bill_types"].split("|"))), row["needs_procedure"] == "1")
        for row in _rows(year, "eligible_claims")
    )
    procedures = frozenset(row["procedure_code"] for row in _rows(year, "eligible_procedures"))
    return CmsFilter(rules, procedures, frozenset(year.excluded_sources))


def _rows(year: PaymentYear, name: str) -> list[dict[str, str]]:
    content = sealed_content(year.folder / f"{name}.csv", year.tables[name]).decode("utf-8")
    return list(csv.DictReader(io.StringIO(content)))


def _bill_type(code: str) -> str:
    """Return the first two digits of a bill type; a leading zero (four digits) is left out."""
    return (code[1:] if len(code) == 4 and code.startswith("0") else code)[:2]


def _where(table: pa.Table, name: str, test: Callable[[str], object]) -> Eligible:
    """Return where the column's code passes `test`, asked once per dictionary entry; null does not."""
    codes = one_chunk(table[name])
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    passes = [bool(test(str(code).strip().upper() if name == "procedure_code" else str(code).strip().lower()))
              for code in codes.dictionary.to_pylist()]  # fmt: skip
    of_entry = np.array([*passes, False], np.uint8)
    entries = values_of(codes.indices)
    if codes.null_count:
        entries = np.where(is_valid(codes), entries, len(passes))
    return of_entry[entries]
