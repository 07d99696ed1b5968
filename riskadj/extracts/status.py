"""Member-status columns to bytes: each distinct spelling is read once, then spread over the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from riskadj.extracts.buffers import is_valid, one_chunk, values_of
from riskadj.extracts.normalise import as_codes
from riskadj.terms import DUAL_STATUS_CODES, FLAG, MEDICAID_DUAL_STATUS_CODES, SEX_SPELLINGS, STATUS_FIELDS

#: Positions that are no code: nothing stands in the cell, or something that is not allowed.
MISSING = 255
NOT_ALLOWED = 254

_BLANK = frozenset({"", "nan"})
_FLAG_SPELLINGS = MappingProxyType(
    {"1": 1, "y": 1, "yes": 1, "true": 1, "t": 1, "0": 0, "n": 0, "no": 0, "false": 0, "f": 0}
)

#: Position of "not dual" among the dual status codes; a blank dual_status_code means it.
DUAL_CODES = tuple(DUAL_STATUS_CODES)
NOT_DUAL = DUAL_CODES.index("NA")

#: Position of a dual status code -> position in STATUS_FIELDS["dual"], and whether the member has Medicaid.
DUAL_LEVEL = np.array(
    [STATUS_FIELDS["dual"].index(DUAL_STATUS_CODES[code]) for code in DUAL_CODES], dtype=np.uint8
)
HAS_MEDICAID = np.array([code in MEDICAID_DUAL_STATUS_CODES for code in DUAL_CODES], dtype=np.uint8)


@dataclass(frozen=True)
class Coded:
    """A column as positions in its code set, with the spellings that are not allowed."""

    positions: np.ndarray
    refused: Mapping[int, str]
    entry: np.ndarray

    def refused_in(self, rows: np.ndarray) -> list[str]:
        """Return the refused spellings that stand in `rows` (bool, one per row), at most twenty of them."""
        entries = np.unique(self.entry[rows & (self.positions == NOT_ALLOWED)])[:20]
        return [self.refused[int(entry)] for entry in entries if int(entry) in self.refused]


def clean(text: str) -> str:
    """Return a code in lower case without blanks, and without the ``.0`` that float columns give whole numbers."""
    word = text.strip().lower()
    return word[:-2] if word.endswith(".0") else word


def read_codes(
    column: pa.Array | pa.ChunkedArray, find: Callable[[str], int | None], *, label: str, name: str
) -> Coded:
    """Return the positions that `find` gives for the cleaned spellings; MISSING for blanks, NOT_ALLOWED for None."""
    array = as_codes(column, label=label, name=name)
    texts = array.dictionary.to_pylist()
    positions = np.full(len(texts) + 1, MISSING, dtype=np.uint8)  # the last entry stands for null
    refused = {}
    for entry, text in enumerate(texts):
        word = clean(text or "")
        if word in _BLANK:
            continue
        found = find(word)
        positions[entry] = NOT_ALLOWED if found is None else found
        if found is None:
            refused[entry] = (text or "").strip()
    entry_of_row = np.where(is_valid(array), values_of(array.indices), np.int32(len(texts)))
    return Coded(positions[entry_of_row], refused, entry_of_row)


def find_sex(word: str) -> int | None:
    """Return the position of a spelling of sex."""
    spelling = SEX_SPELLINGS.get(word)
    return None if spelling is None else STATUS_FIELDS["sex"].index(spelling)


def find_dual_status(word: str) -> int | None:
    """Return the position of a dual status code; ``2`` is ``02``."""
    code = word.upper().zfill(2)
    return DUAL_CODES.index(code) if code in DUAL_CODES else None


def find_flag(word: str) -> int | None:
    """Return 1 for a spelling of yes, 0 for one of no."""
    return _FLAG_SPELLINGS.get(word)


def finder(field: str) -> Callable[[str], int | None]:
    """Return the function that finds a cleaned spelling of status field `field` among its codes."""
    if field == "sex":
        return find_sex
    if STATUS_FIELDS[field] == FLAG:
        return find_flag
    codes = {code.lower(): position for position, code in enumerate(STATUS_FIELDS[field])}
    if field == "metal_level":
        codes |= {code[0]: position for code, position in codes.items()}
    return codes.get


def read_flag(column: pa.Array | pa.ChunkedArray, *, label: str, name: str) -> Coded:
    """Return a flag column as 0, 1, MISSING or NOT_ALLOWED."""
    array = one_chunk(column)
    if not pa.types.is_boolean(array.type):
        return read_codes(array, find_flag, label=label, name=name)
    positions = np.where(is_valid(array), values_of(array).astype(np.uint8), np.uint8(MISSING))
    return Coded(positions, {}, np.zeros(len(array), dtype=np.int32))
