"""Rows that cannot be used, each with its reason; nothing is dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.errors import CodeNotAllowedError, OptionError, RowsRejectedError
from riskadj.extracts.buffers import encoded_strings, from_numpy
from riskadj.extracts.contract import DATE_FORMS
from riskadj.terms import REJECT_CHOICES

#: Reason as written in the rejects file -> what it means. A row has the first reason that holds, in this order.
REASONS: MappingProxyType[str, str] = MappingProxyType(
    {
        "member_id_missing": "member_id is missing",
        "birth_date_missing": "birth_date is missing",
        "birth_date_unreadable": f"birth_date is not a date ({DATE_FORMS})",
        "birth_date_in_future": "birth_date lies after the payment year",
        "age_above_120": "birth_date makes the member older than 120",
        "age_not_allowed": "age_years is not a whole number from 0 to 120",
        "sex_missing": "sex is missing",
        "sex_not_allowed": "sex is not an allowed code",
        "orec_missing": "orec is missing",
        "orec_not_allowed": "orec is not an allowed code",
        "dual_status_code_not_allowed": "dual_status_code is not an allowed code",
        "esrd_status_not_allowed": "esrd_status is not an allowed code",
        "part_d_plan_type_missing": "part_d_plan_type is missing",
        "part_d_plan_type_not_allowed": "part_d_plan_type is not an allowed code",
        "metal_level_missing": "metal_level is missing",
        "metal_level_not_allowed": "metal_level is not an allowed code",
        "csr_indicator_not_allowed": "csr_indicator is not an allowed code",
        "code_missing": "the code is missing",
        "code_not_allowed": "the code is not an allowed one",
        "flag_not_allowed": "the flag is neither true nor false",
        "span_start_missing": "enrollment_start_date is missing",
        "span_start_unreadable": f"enrollment_start_date is not a date ({DATE_FORMS})",
        "span_end_unreadable": f"enrollment_end_date is not a date ({DATE_FORMS})",
        "span_end_before_start": "enrollment_end_date lies before enrollment_start_date",
        "born_after_span": "birth_date lies after enrollment_end_date",
        "months_not_allowed": "months_enrolled is not a whole number from 0 to 12",
        "graft_months_not_allowed": "graft_months is not a whole number from 4 to 240, which a functioning graft needs",
        "plan_id_not_allowed": "plan_id is no HIOS plan id (14 characters, or 16 with the variant)",
        "issuer_id_not_allowed": "issuer_id is no HIOS issuer id (5 digits)",
        "issuer_conflict": "issuer_id is not the issuer in plan_id",
        "birth_date_conflict": "birth_date differs from the member's first row",
        "sex_conflict": "sex differs from the member's first row",
        "duplicate_span": "the member has this span already",
        "overlapping_span": "the span overlaps another span of the member",
        "diagnosis_code_missing": "diagnosis_code is missing",
        "service_date_missing": "service_date is missing",
        "service_date_unreadable": f"service_date is not a date ({DATE_FORMS})",
        "fill_date_missing": "fill_date is missing",
        "fill_date_unreadable": f"fill_date is not a date ({DATE_FORMS})",
        "submission_date_unreadable": f"submission_date is not a date ({DATE_FORMS})",
        "drug_code_missing": "neither ndc nor hcpcs is given",
        "ndc_malformed": "ndc is no national drug code (11 characters, or 10 or 11 digits in three parts)",
        "hcpcs_malformed": "hcpcs is no HCPCS code (5 characters)",
        "icd9_code": "the diagnosis is coded in ICD-9-CM, which no table maps",
        "member_not_enrolled": "the diagnosis or drug counts, but its member has no enrollment row that is scored",
        "no_payment_policy": "no payment policy of the year fits the row's status",
        "no_segment": "no segment of the model fits the row's status",
        "no_cost_sharing_factor": "the plan's metal level cannot have this csr_indicator",
        "claim_type_not_allowed": "claim_type is not an allowed code",
        "record_source_not_allowed": "record_source is not an allowed code",
        "amount_missing": "the amount is missing or no finite number",
        "cost_not_enrolled": "the cost counts, but its member has no enrollment row that is scored",
        "cost_twice": "the member's total stands on an earlier row",
        "cost_without_months": "the row has costs and no months that they were incurred in",
        "cost_negative": "the costs of the row add up to less than zero",
    }
)

_CODE_REASONS = frozenset(reason for reason in REASONS if reason.endswith("_not_allowed"))
_FIRST_ROWS = 5
_LONGEST_SHOWN_CODE = 2


@dataclass(frozen=True)
class RejectedRows:
    """Rows of one file rejected for one reason in one column.

    `rows` are their numbers: all `n_rows` of them, or in brief the first few.
    """

    file: str
    rows: np.ndarray
    column: str
    reason: str
    n_rows: int


@dataclass
class Rejects:
    """The rejected rows of a run: row numbers as arrays, words once.

    Parameters
    ----------
    mode : "stop" or "write"
        Whether rejected rows stop the run or only go to the rejects file.
    """

    mode: str = "stop"
    _entries: list[RejectedRows] = field(default_factory=list)
    _allowed: dict[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    _found_long: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.mode not in REJECT_CHOICES:
            raise OptionError(
                f"rejects={self.mode!r} is not an option; allowed: {', '.join(REJECT_CHOICES)}."
            )

    def add(
        self,
        file: str,
        rows: np.ndarray,
        column: str,
        reason: str,
        *,
        allowed: Sequence[str] = (),
        found: Sequence[str] = (),
    ) -> None:
        """Reject `rows` (row numbers in `file`, 1 = first data row); safe from any thread.

        `allowed` are the codes the column may hold; of `found`, the codes that were met, only those of one or two
        characters are ever shown.
        """
        if reason not in REASONS:
            raise KeyError(reason)
        if not len(rows):
            return
        if allowed:
            self._allowed[column] = ", ".join(allowed)
        short = [code for code in found if 0 < len(code) <= _LONGEST_SHOWN_CODE]
        self._found.setdefault((column, reason), Counter()).update(short)
        if len(short) < len(found):
            self._found_long.add((column, reason))
        self._entries.append(RejectedRows(file, np.asarray(rows, dtype=np.int64), column, reason, len(rows)))

    def merge(self, other: Rejects) -> None:
        """Take over the rows that `other` collected."""
        self._entries.extend(other._entries)
        self._allowed.update(other._allowed)
        self._found_long |= other._found_long
        for key, codes in other._found.items():
            self._found.setdefault(key, Counter()).update(codes)

    def __len__(self) -> int:
        """Return the number of rejected rows."""
        return sum(entry.n_rows for entry in self._entries)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each reason, most frequent first."""
        totals: Counter[str] = Counter()
        for entry in self._entries:
            totals[entry.reason] += entry.n_rows
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def table(self) -> pa.Table:
        """Return file, row_number, column, reason: one row per rejected row, in order of file and row number."""
        files = sorted({entry.file for entry in self._entries})
        columns = sorted({entry.column for entry in self._entries})
        reasons = list(REASONS)
        file_id = self._spread([files.index(entry.file) for entry in self._entries], np.int32)
        column_id = self._spread([columns.index(entry.column) for entry in self._entries], np.int32)
        reason_id = self._spread([reasons.index(entry.reason) for entry in self._entries], np.int32)
        rows = np.concatenate([entry.rows for entry in self._entries] or [np.empty(0, dtype=np.int64)])
        order = np.lexsort((reason_id, column_id, rows, file_id))
        arrays = [
            encoded_strings(file_id[order], files),
            from_numpy(rows[order], pa.int64()),
            encoded_strings(column_id[order], columns),
            encoded_strings(reason_id[order], reasons),
        ]
        return pa.Table.from_arrays(arrays, names=["file", "row_number", "column", "reason"])

    def _spread(self, ids: list[int], dtype: type) -> np.ndarray:
        return np.repeat(np.array(ids, dtype=dtype), [len(entry.rows) for entry in self._entries])

    def raise_if_stopping(self, rows_read: int | None = None) -> None:
        """Raise for the most frequent reason if rows were rejected and `mode` is "stop".

        Raises
        ------
        CodeNotAllowedError
            If that reason is a code outside its column's code set.
        RowsRejectedError
            Otherwise.
        """
        if self.mode != "stop" or not self._entries:
            return
        worst = max(
            self._in_brief(), key=lambda entry: (entry.n_rows, entry.file, entry.column, entry.reason)
        )
        error = CodeNotAllowedError if worst.reason in _CODE_REASONS else RowsRejectedError
        raise error(self._message(worst, rows_read))

    def _in_brief(self) -> list[RejectedRows]:
        """Return one entry per file, column and reason, with the first few row numbers."""
        groups: dict[tuple[str, str, str], list[RejectedRows]] = {}
        for entry in self._entries:
            groups.setdefault((entry.file, entry.column, entry.reason), []).append(entry)
        return [
            RejectedRows(
                file,
                np.sort(np.concatenate([entry.rows for entry in entries]))[:_FIRST_ROWS],
                column,
                reason,
                sum(entry.n_rows for entry in entries),
            )
            for (file, column, reason), entries in groups.items()
        ]

    def brief(self) -> Rejects:
        """Return what a message needs of any number of rows: counts, and the first few row numbers of each kind."""
        result = Rejects(self.mode)
        result.merge(self)
        result._entries = self._in_brief()
        return result

    def of_file(self, file: str) -> Rejects:
        """Return the rejects of one file."""
        result = Rejects(self.mode)
        result.merge(self)
        result._entries = [entry for entry in self._entries if entry.file == file]
        return result

    def renumbered(self, numbers: Mapping[str, np.ndarray]) -> Rejects:
        """Return the rejects with row ``i`` of each file renamed ``numbers[file][i - 1]``."""
        result = Rejects(self.mode)
        result.merge(self)
        result._entries = [
            replace(entry, rows=numbers[entry.file][entry.rows - 1]) for entry in self._entries
        ]
        return result

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "mode": self.mode,
            "entries": [
                [entry.file, entry.rows.tolist(), entry.column, entry.reason, entry.n_rows]
                for entry in self._entries
            ],
            "allowed": self._allowed,
            "found": [[*key, dict(codes)] for key, codes in self._found.items()],
            "found_long": sorted(self._found_long),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Rejects:
        """Return the rejects of which `as_dict` made plain values."""
        result = cls(plain["mode"])
        for file, rows, column, reason, n_rows in plain["entries"]:
            result._entries.append(RejectedRows(file, np.array(rows, np.int64), column, reason, n_rows))
        result._allowed.update(plain["allowed"])
        result._found.update({(column, reason): Counter(codes) for column, reason, codes in plain["found"]})
        result._found_long.update((column, reason) for column, reason in plain["found_long"])
        return result

    def _message(self, worst: RejectedRows, rows_read: int | None) -> str:
        file, column, reason, n_rows = worst.file, worst.column, worst.reason, worst.n_rows
        codes = self._found.get((column, reason), Counter()).most_common(3)
        what = ", ".join(repr(code) for code, _ in codes) if codes else REASONS[reason]
        if codes and (column, reason) in self._found_long:
            what += " and longer codes"
        of = f" of {rows_read:,}" if rows_read is not None else ""
        first = ", ".join(str(row) for row in worst.rows)
        where = f"first rows: {first}" if n_rows > 1 else f"row {first}"
        allowed = f"; allowed: {self._allowed[column]}" if column in self._allowed else ""
        place = f", column '{column}'" if column else ""
        others = len(self) - n_rows
        more = (
            ""
            if not others
            else " 1 row has another reason."
            if others == 1
            else f" {others:,} rows have other reasons."
        )
        return (
            f"{file}{place}: {what} in {n_rows:,}{of} rows ({where}){allowed}.{more} "
            'Correct them, or pass rejects="write" (--rejects write) to score the rest and list these.'
        )
