"""The code book of a run: every known diagnosis code, and the condition bits that it sets in each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.extracts.buffers import from_strings, is_valid, values_of
from riskadj.scoring.plan import ScoringPlan

#: What a code is, where it is not the number of a code in the book.
UNKNOWN, ICD9, BLANK = -1, -2, -3

_ICD9_FORM = r"^(\d{3,5}|V\d{2,4}|E[89]\d{2,3})$"


@dataclass(frozen=True)
class CodeBook:
    """Known codes: those that map in any model of the run first, then the valid ones that map in none.

    Attributes
    ----------
    codes : pyarrow array of string, shape (n_codes,)
    n_mapped : int
        Codes below this number map to a condition bit of some model.
    bits_begin : ndarray of int64, shape (n_mapped + 1,); bits : ndarray of int32
        Condition bits of code ``c``: ``bits[bits_begin[c]:bits_begin[c + 1]]``, numbered over all models' words.
    first_words : tuple of int
        Where each model's words begin among the `n_words` of a member.
    """

    codes: pa.Array
    n_mapped: int
    bits_begin: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int32]
    first_words: tuple[int, ...]
    n_words: int

    def look_up(self, entries: pa.Array) -> npt.NDArray[np.int32]:
        """Return the code number of each cleaned entry, or UNKNOWN, ICD9 or BLANK (int32, shape (n_entries,))."""
        cleaned = clean_codes(entries)
        found = pc.index_in(cleaned, value_set=self.codes)
        number = np.where(is_valid(found), values_of(found), UNKNOWN).astype(np.int32)
        unknown = number == UNKNOWN
        if unknown.any():
            number[unknown & values_of(pc.match_substring_regex(cleaned, _ICD9_FORM))] = ICD9
            number[unknown & (values_of(pc.binary_length(cleaned)) == 0)] = BLANK
        return number

    def is_known(self, code: str) -> bool:
        """Return True if a cleaned code is in the book, mapped or not."""
        return bool(self.look_up(from_strings([code]))[0] >= 0)


def clean_codes(codes: pa.Array) -> pa.Array:
    """Return codes without dots and blanks, in upper case: how every code is compared."""
    if not pa.types.is_string(codes.type):
        codes = codes.cast(pa.string())
    return pc.utf8_upper(pc.replace_substring_regex(codes, r"[\s.\x00]+", ""))


def make_code_book(plans: Sequence[ScoringPlan], valid_codes: Sequence[str]) -> CodeBook:
    """Return the code book of the models of one run.

    Parameters
    ----------
    plans : sequence of ScoringPlan
    valid_codes : sequence of str
        Every billable ICD-10-CM code, mapped or not.
    """
    first_words = np.concatenate([[0], np.cumsum([plan.n_captured_words for plan in plans])]).astype(int).tolist()
    mapped = sorted({code for plan in plans for code in plan.bits_of_code})
    bits = [
        [64 * first + bit for first, plan in zip(first_words, plans, strict=False) for bit in plan.bits_of_code.get(code, ())]
        for code in mapped
    ]
    begin = np.concatenate([[0], np.cumsum([len(found) for found in bits])]).astype(np.int64)
    unmapped = sorted(set(valid_codes) - set(mapped))
    return CodeBook(
        codes=from_strings([*mapped, *unmapped]),
        n_mapped=len(mapped),
        bits_begin=begin,
        bits=np.array([bit for found in bits for bit in found], np.int32),
        first_words=tuple(first_words[:-1]),
        n_words=first_words[-1],
    )
