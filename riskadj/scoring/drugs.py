"""Drugs: NDC and HCPCS codes of the drugs extract -> condition bits of drug categories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskadj.errors import ColumnMissingError
from riskadj.extracts.buffers import from_numpy, from_strings, one_chunk
from riskadj.extracts.contract import ROW_NUMBER
from riskadj.extracts.normalise import as_codes
from riskadj.extracts.open import Chunk, Extract, row_numbers
from riskadj.extracts.rejects import Rejects
from riskadj.extracts.status import clean
from riskadj.scoring.capture import CodedColumns
from riskadj.scoring.plan import ScoringPlan

DRUG_CODE = "drug_code"
DRUGS = CodedColumns(code=DRUG_CODE, day="fill_date")
#: Columns of the extract that hold codes, one code set each.
CODE_SYSTEMS = ("ndc", "hcpcs")

_BLANK, _BAD_NDC, _BAD_HCPCS = -3, -2, -4
#: Number of every well-formed code that no model maps.
_UNMAPPED = 0
_NDC_PARTS = re.compile(r"([0-9a-z]{4,5})-([0-9a-z]{3,4})-([0-9a-z]{1,2})")
_NDC = re.compile(r"\d{6,10}|[0-9a-z]{11}")
_HCPCS = re.compile(r"[0-9a-z]{5}")
_BETWEEN = ":"


def clean_ndc(text: str) -> str | None:
    """Return an NDC in its 11 characters; None if it is none.

    With hyphens each part is padded on its left (5, 4 and 2 characters); without, the whole is: what numbers lose is
    leading zeros.

    Examples
    --------
    >>> clean_ndc("0002-1407-01"), clean_ndc("2140701"), clean_ndc("0002140701X")
    ('00002140701', '00002140701', '0002140701X')
    >>> clean_ndc("unknown")
    """
    word = clean(text)
    if match := _NDC_PARTS.fullmatch(word):
        word = "".join(part.zfill(width) for part, width in zip(match.groups(), (5, 4, 2), strict=True))
    code = word.zfill(11).upper() if _NDC.fullmatch(word) else ""
    return code if code.strip("0") else None


def clean_hcpcs(text: str) -> str | None:
    """Return a HCPCS code in its 5 characters, upper case; None if it is none."""
    word = clean(text)
    return word.upper() if _HCPCS.fullmatch(word) else None


def read_drug_code(text: str) -> tuple[str, str] | None:
    """Return (code system, code) of an entry of `DRUG_CODE`, cleaned; None if it is none."""
    system, _, written = text.partition(_BETWEEN)
    code = clean_ndc(written) if system == "ndc" else clean_hcpcs(written)
    return None if code is None else (system, code)


@dataclass(frozen=True)
class DrugBook:
    """Known drug codes and the condition bits that each sets; what `CodeCapture` asks of a code book.

    Attributes
    ----------
    numbers : dict
        (code system, code) -> number, from 1; number 0 stands for every other well-formed code.
    """

    numbers: dict[tuple[str, str], int]
    is_mapped: npt.NDArray[np.bool_]
    bits_begin: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int32]
    refused: tuple[tuple[str, int], ...] = (
        ("drug_code_missing", _BLANK),
        ("ndc_malformed", _BAD_NDC),
        ("hcpcs_malformed", _BAD_HCPCS),
    )
    period_begins: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    @property
    def n_codes(self) -> int:
        """Number of known codes, the one for all others included."""
        return len(self.is_mapped)

    @property
    def is_valid(self) -> npt.NDArray[np.bool_]:
        """A drug code means the same all year (bool, shape (1, n_codes))."""
        return np.ones((1, self.n_codes), np.bool_)

    def look_up(self, entries: pa.Array) -> npt.NDArray[np.int32]:
        """Return the number of each entry (``ndc:...`` or ``hcpcs:...``); negative for what is no code."""
        return np.array([self._number(text or "") for text in entries.to_pylist()], np.int32)

    def _number(self, text: str) -> int:
        system, _, written = text.partition(_BETWEEN)
        if not clean(written):
            return _BLANK
        code = read_drug_code(text)
        if code is None:
            return _BAD_NDC if system == "ndc" else _BAD_HCPCS
        return self.numbers.get(code, _UNMAPPED)


def make_drug_book(plans: Sequence[ScoringPlan], first_words: Sequence[int]) -> DrugBook:
    """Return the drug codes of the models of one run; `first_words` is that of their diagnosis codes."""
    of_code: dict[tuple[str, str], list[int]] = {}
    for first, plan in zip(first_words, plans, strict=True):
        for code, bits in plan.bits_of_drug.items():
            of_code.setdefault(code, []).extend(64 * first + bit for bit in bits)
    n_bits = [0, *(len(bits) for bits in of_code.values())]
    return DrugBook(
        numbers={code: number for number, code in enumerate(of_code, start=1)},
        is_mapped=np.array(n_bits) > 0,
        bits_begin=np.concatenate([[0], np.cumsum(n_bits)]),
        bits=np.array([bit for bits in of_code.values() for bit in bits], np.int32),
    )


def one_code_a_row(extract: Extract) -> Extract:
    """Return a drugs extract whose rows hold one code each, in the column `DRUG_CODE`: an NDC or a HCPCS code.

    A row with both becomes two; one with neither stays, without a code.

    Raises
    ------
    ColumnMissingError
        It has neither column.
    """
    systems = tuple(name for name in CODE_SYSTEMS if name in extract.columns)
    if not systems:
        raise ColumnMissingError(
            f"{extract.files[0]} lacks 'ndc' and 'hcpcs'; a drugs extract needs one of them. "
            'Map it with columns={"ndc": "..."} (--columns ndc=...).'
        )

    def chunks(names: Sequence[str]) -> Iterator[Chunk]:
        for chunk in extract.chunks(("member_id", *systems, DRUGS.day)):
            yield _melted(chunk, systems)

    return replace(extract, columns=(*extract.columns, DRUG_CODE), chunks=chunks)


def _melted(chunk: Chunk, systems: tuple[str, ...]) -> Chunk:
    def pieces() -> Iterator[Chunk]:
        return (_melted(piece, systems) for piece in chunk.pieces())

    return Chunk(chunk.file, chunk.first_row, chunk.n_rows, partial(_read, chunk, systems), pieces)


def _read(chunk: Chunk, systems: tuple[str, ...], rejects: Rejects | None = None) -> pa.Table:
    table = chunk.read(rejects)
    numbers = row_numbers(table, chunk.first_row)
    codes = [_coded(table[name], name, chunk.file) for name in systems]
    has_none = np.logical_and.reduce([_is_blank(column) for column in codes])
    kept = [
        np.flatnonzero(~_is_blank(column) | (has_none & (place == 0))) for place, column in enumerate(codes)
    ]
    others = [name for name in table.column_names if name not in systems]
    parts = []
    for column, rows in zip(codes, kept, strict=True):
        chosen = from_numpy(rows, pa.int64())
        part = {name: one_chunk(table[name]).take(chosen) for name in others}
        part |= {DRUG_CODE: column.take(chosen), ROW_NUMBER: from_numpy(numbers[rows], pa.int64())}
        parts.append(pa.table(part))
    return pa.concat_tables(parts).unify_dictionaries()


def _coded(column: pa.ChunkedArray, system: str, label: str) -> pa.DictionaryArray:
    """Return a code column whose entries name their code set."""
    codes = as_codes(column, label=label, name=system)
    entries = codes.dictionary.cast(pa.string())
    named = pc.binary_join_element_wise(pa.scalar(system), entries, pa.scalar(_BETWEEN))
    return pa.DictionaryArray.from_arrays(codes.indices, named if len(entries) else from_strings([]))


def _is_blank(codes: pa.DictionaryArray) -> npt.NDArray[np.bool_]:
    words = [not clean((text or "").partition(_BETWEEN)[2]) for text in codes.dictionary.to_pylist()]
    entries = codes.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    blank: npt.NDArray[np.bool_] = np.array([*words, True])[entries]
    return blank
