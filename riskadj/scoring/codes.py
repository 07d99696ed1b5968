"""The code book of a run: every known diagnosis code, and the condition bits that it sets in each model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import TableError
from riskadj.extracts.buffers import from_strings, id_buffers
from riskadj.kernels.codes import TOO_LONG, pack_codes
from riskadj.scoring.plan import EVER, ScoringPlan

#: What a code is, where it is not the number of a code in the book.
UNKNOWN, ICD9, BLANK = -1, -2, -3

#: Forms that no code of ICD-10-CM ever had. E80 to E89 are in both, and ICD-10-CM retires codes there (E87.2, E88.81).
_ICD9_FORM = re.compile(r"\d{3,5}|V\d{2,4}|E9\d{2,3}")

PackedCodes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class CodeBook:
    """Known codes in alphabetical order, packed (`kernels.codes`), and what each sets.

    Attributes
    ----------
    packed : ndarray of uint64, shape (n_codes,)
    is_mapped : ndarray of bool, shape (n_codes,)
        True where a code is in the mappings of some model of the run; the others are valid codes without an HCC.
    bits_begin : ndarray of int64, shape (n_codes + 1,); bits : ndarray of int32
        Condition bits of code ``c``: ``bits[bits_begin[c]:bits_begin[c + 1]]``, numbered over all models' words.
    first_words : tuple of int
        Where each model's words begin among the `n_words` of a member.
    period_begins : ndarray of int32, shape (n_periods - 1,)
        First day of each period but the first; inside a period a code is valid throughout or not at all. [days]
    is_valid : ndarray of bool, shape (n_periods, n_codes)
    refused : tuple of (str, int)
        Reasons for which a row is rejected by its code, and the number that `look_up` gives for each.
    """

    packed: PackedCodes
    is_mapped: npt.NDArray[np.bool_]
    bits_begin: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int32]
    first_words: tuple[int, ...]
    n_words: int
    period_begins: npt.NDArray[np.int32]
    is_valid: npt.NDArray[np.bool_]
    refused: tuple[tuple[str, int], ...] = (("diagnosis_code_missing", BLANK), ("icd9_code", ICD9))

    @property
    def n_codes(self) -> int:
        """Number of known codes."""
        return len(self.packed)

    def look_up(self, entries: pa.Array) -> npt.NDArray[np.int32]:
        """Return the code number of each entry, or UNKNOWN, ICD9 or BLANK (int32, shape (n_entries,))."""
        packed = pack(entries)
        at = np.minimum(np.searchsorted(self.packed, packed), self.n_codes - 1)
        number = np.where(self.packed[at] == packed, at, UNKNOWN).astype(np.int32)
        for entry in np.flatnonzero(number == UNKNOWN).tolist():
            if packed[entry] == 0:
                number[entry] = BLANK
            elif _ICD9_FORM.fullmatch(unpack(packed[entry])):
                number[entry] = ICD9
        return number

    def is_known(self, code: str) -> bool:
        """Return True if a code is in the book, mapped or not."""
        return bool(self.look_up(from_strings([code]))[0] >= 0)


def pack(codes: pa.Array) -> PackedCodes:
    """Return codes cleaned and packed (uint64, shape (n_codes,)); a null packs as a blank code."""
    data, offsets = id_buffers(codes)
    packed = np.empty(len(codes), np.uint64)
    pack_codes(data, offsets, packed)
    return packed


def unpack(word: np.uint64) -> str:
    """Return a packed code as text; one that was too long to pack as a mark of its own."""
    if word == TOO_LONG:
        return "(longer than 8 characters)"
    return int(word).to_bytes(8, "big").rstrip(b"\0").decode("latin-1")


def pack_lines(text: bytes) -> PackedCodes:
    """Return the codes of a text, one on each line, packed and sorted, each once."""
    data = np.frombuffer(text, np.uint8)
    offsets = np.concatenate([[0], np.flatnonzero(data == ord("\n")) + 1])
    packed = np.empty(len(offsets) - 1, np.uint64)
    pack_codes(data, offsets, packed)
    return np.unique(packed)


@lru_cache(maxsize=8)
def make_code_book(plans: tuple[ScoringPlan, ...], valid_codes: bytes) -> CodeBook:
    """Return the code book of the models of one run; the same plans have the same book.

    Parameters
    ----------
    plans : tuple of ScoringPlan
    valid_codes : bytes
        Every billable ICD-10-CM code, mapped or not, one on each line.
    """
    first_words = [0]
    for plan in plans:
        first_words.append(first_words[-1] + plan.n_captured_words)
    of_code: dict[str, list[int]] = {}
    for first, plan in zip(first_words, plans, strict=False):
        for code, bits in plan.bits_of_code.items():
            of_code.setdefault(code, []).extend(64 * first + bit for bit in bits)
    names = sorted(of_code)
    mapped = pack(from_strings(names))
    packed = np.union1d(mapped, pack_lines(valid_codes))
    n_bits = np.zeros(len(packed), np.int64)
    at = np.searchsorted(packed, mapped)
    n_bits[at] = [len(of_code[name]) for name in names]
    is_mapped = np.zeros(len(packed), np.bool_)
    is_mapped[at] = True
    validity = _validity(plans)
    begins = sorted(
        {day for first, last in validity.values() for day in (first, last + 1)} - {EVER[0], EVER[1] + 1}
    )
    is_valid = np.ones((len(begins) + 1, len(packed)), np.bool_)
    for name, number in zip(names, at.tolist(), strict=True):
        if name in validity:
            first_day, last_day = validity[name]
            is_valid[:, number] = [first_day <= day <= last_day for day in (EVER[0], *begins)]
    return CodeBook(
        packed=packed,
        is_mapped=is_mapped,
        bits_begin=np.concatenate([[0], np.cumsum(n_bits)]),
        bits=np.array([bit for name in names for bit in of_code[name]], np.int32),
        first_words=tuple(first_words[:-1]),
        n_words=first_words[-1],
        period_begins=np.array(begins, np.int32),
        is_valid=is_valid,
    )


def _validity(plans: Sequence[ScoringPlan]) -> dict[str, tuple[int, int]]:
    """Return the first and last day of the codes that are not valid throughout; models of one run must agree."""
    found: dict[str, tuple[int, int]] = {}
    for plan in plans:
        for code in plan.bits_of_code:
            days = plan.validity.get(code, EVER)
            if found.setdefault(code, days) != days:
                raise TableError(
                    f"{plan.model.id} and another model of this run disagree on when {code} is valid; score them apart."
                )
    return {code: days for code, days in found.items() if days != EVER}
