"""Files of fixed-width records, read a block at a time: header, details, trailer; CRLF or LF; ASCII only.

Nothing of a record's content is in a message: only file, line, positions, the name of the field, what it should hold.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.errors import ExtractError
from riskadj.extracts.fixed_fields import Block, Flags, expected, is_allowed, read_field
from riskadj.extracts.record_layout import TRAILER, Field, Record, RecordLayout

#: Bytes read at a time; a record must be shorter.
BLOCK_BYTES = 4 << 20
_NEWLINE, _RETURN = 10, 13
#: What compressed files begin with.
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")
#: Letters, digits and blanks of EBCDIC.
_EBCDIC = np.isin(
    np.arange(256), [0x40, *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA), *range(0xF0, 0xFA)]
)
_ADVICE = "correct the file, or name the layout it was written in with layout_file="


@dataclass(frozen=True)
class Details:
    """Detail records of one kind, in file order.

    Attributes
    ----------
    record : Record
    columns : pyarrow.RecordBatch
        The fields that are read.
    header : dict
        Fields of the header that they stand under; empty where the layout has none.
    lines : ndarray of int64, shape (n_records,)
        Line of each in its file, from 1 [lines].
    """

    record: Record
    columns: pa.RecordBatch
    header: dict[str, Any]
    lines: npt.NDArray[np.int64]


def read_records(
    path: str | os.PathLike[str],
    layout: RecordLayout,
    *,
    columns: Collection[str] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Details]:
    """Yield the detail records of a file, block by block and kind by kind.

    Parameters
    ----------
    path : path
    layout : RecordLayout
    columns : collection of str, optional
        Fields to read; default: all but those the layout skips.
    block_bytes : int
        Memory to work in [bytes].

    Raises
    ------
    ExtractError
        The file is missing, packed, EBCDIC, empty or cut off; a record has the wrong length, an unknown kind or a
        field that holds what it may not; header and trailer are not where they belong, or the trailer counts
        another number of records. The message names line and positions.
    """
    file = _File(Path(path), layout, columns)
    number = 1
    for block in _blocks(file.path, block_bytes):
        starts, ends = _lines(block)
        yield from file.read(block, starts, ends, np.arange(number, number + len(starts)))
        number += len(starts)
    file.end(number - 1)


def _blocks(path: Path, block_bytes: int) -> Iterator[Block]:
    """Yield the file's bytes, cut behind a line end; the last record need not have one."""
    try:
        with path.open("rb") as stream:
            rest = b""
            while data := stream.read(block_bytes):
                if not rest:
                    _refuse_other_encodings(path, data)
                whole, end, rest_of = (rest + data).rpartition(b"\n")
                rest = rest_of
                if len(rest) >= block_bytes:
                    raise ExtractError(
                        f"{path.name} has no line end within {block_bytes:,} bytes; records must end in LF or CRLF."
                    )
                if end:
                    yield np.frombuffer(whole + end, np.uint8)
            if rest:
                yield np.frombuffer(rest + b"\n", np.uint8)
    except OSError as error:
        raise ExtractError(f"{path} cannot be read: {error.strerror or 'no such file'}.") from None


def _refuse_other_encodings(path: Path, data: bytes) -> None:
    if data.startswith(_PACKED):
        raise ExtractError(f"{path.name} is compressed; unpack it first.")
    sample = np.frombuffer(data[:4096], np.uint8)
    if (sample >= 128).mean() > 0.25 and _EBCDIC[sample].mean() > 0.75:
        raise ExtractError(
            f"{path.name} is EBCDIC; have it sent as text, or convert it to ASCII, line ends included."
        )


def _lines(block: Block) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each line begins and ends, its line end left out."""
    newlines = np.flatnonzero(block == _NEWLINE)
    starts = np.concatenate(([0], newlines[:-1] + 1))
    returns = (newlines > starts) & (block[np.maximum(newlines - 1, 0)] == _RETURN)
    return starts, newlines - returns


@dataclass
class _Frame:
    """Header and trailer around details or batches: what the header said, and how many stand below it."""

    header: Record | None
    trailer: Record | None
    values: dict[str, Any] = field(default_factory=dict)
    is_open: bool = False
    n_inside: int = 0

    @property
    def is_shut(self) -> bool:
        """True where a header has to come first."""
        return self.header is not None and not self.is_open


@dataclass
class _File:
    """One file on its way through, and the frames around its details, the outermost first."""

    path: Path
    layout: RecordLayout
    columns: Collection[str] | None
    frames: list[_Frame] = field(init=False)

    def __post_init__(self) -> None:
        self.frames = [_Frame(*pair) for pair in self.layout.frames]

    @property
    def header(self) -> dict[str, Any]:
        """What every header above the next detail said."""
        return {name: value for frame in self.frames for name, value in frame.values.items()}

    def read(
        self,
        block: Block,
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        lines: npt.NDArray[np.int64],
    ) -> Iterator[Details]:
        """Yield the details of one block."""
        lengths = ends - starts
        kinds = self._kinds(block, starts, lengths, lines)
        self._check_lengths(kinds, lengths, lines)
        begin = 0
        for edge in [*np.flatnonzero(self._is_edge[kinds]).tolist(), len(kinds)]:
            run = slice(begin, edge)
            yield from self._details(block, starts[run], kinds[run], lines[run])
            if edge < len(kinds):
                self._edge(
                    self.layout.records[kinds[edge]], block, starts[edge : edge + 1], lines[edge : edge + 1]
                )
            begin = edge + 1

    @property
    def _is_edge(self) -> Flags:
        return np.array([record not in self.layout.details for record in self.layout.records])

    def _kinds(
        self,
        block: Block,
        starts: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        lines: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return the position of each line's record in the layout."""
        where = self.layout.kind
        if where is None:
            return np.zeros(len(starts), np.int64)
        long_enough = lengths >= where.end
        if not long_enough.all():
            self._fail(~long_enough, lines, where, "line ends before it")
        characters = _characters(block, starts, where)
        kinds = np.full(len(starts), -1)
        for position, record in enumerate(self.layout.records):
            assert record.kind is not None
            kinds[is_allowed(record.kind, characters)] = position
        if (kinds < 0).any():
            known = [code for record in self.layout.records if record.kind for code in record.kind.allowed]
            self._fail(
                kinds < 0, lines, where, f"no such record in {self.layout.label}; known: {', '.join(known)}"
            )
        return kinds

    def _check_lengths(
        self, kinds: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
    ) -> None:
        records = self.layout.records
        needed, longest = (np.array(sizes)[kinds] for sizes in
                           ([r.needed for r in records], [r.length for r in records]))  # fmt: skip
        wrong = (lengths < needed) | (lengths > longest)
        if wrong.any():
            first = int(wrong.argmax())
            record = records[kinds[first]]
            sizes = (
                f"{record.needed}"
                if record.needed == record.length
                else f"{record.needed} to {record.length}"
            )
            raise ExtractError(
                f"{self.path.name}, line {lines[first]}: {lengths[first]} characters, but a {record.name} record of "
                f"{self.layout.label} has {sizes}{_others(wrong, lines)}; {_ADVICE}."
            )

    def _details(
        self,
        block: Block,
        starts: npt.NDArray[np.int64],
        kinds: npt.NDArray[np.int64],
        lines: npt.NDArray[np.int64],
    ) -> Iterator[Details]:
        if not len(kinds):
            return
        self._refuse_misplaced("detail", int(lines[0]), self._missing_header(self.frames))
        if self.frames:
            self.frames[-1].n_inside += len(kinds)
        for kind in np.unique(kinds).tolist():
            chosen = kinds == kind
            record = self.layout.records[kind]
            yield Details(
                record,
                self._columns(record, block, starts[chosen], lines[chosen]),
                self.header,
                lines[chosen],
            )

    def _columns(
        self, record: Record, block: Block, starts: npt.NDArray[np.int64], lines: npt.NDArray[np.int64],
        *, every: bool = False,
    ) -> pa.RecordBatch:  # fmt: skip
        arrays = {}
        for one in record.fields:
            if one.type == "skip" or not (
                every or self.columns is None or one.name in self.columns or one.allowed
            ):
                continue
            column, wrong = read_field(one, _characters(block, starts, one))
            if wrong.any():
                self._fail(wrong, lines, one, f"not {expected(one)}")
            if one.type != "literal" and (every or self.columns is None or one.name in self.columns):
                arrays[one.name] = column
        return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))

    def _edge(
        self, record: Record, block: Block, start: npt.NDArray[np.int64], line: npt.NDArray[np.int64]
    ) -> None:
        """Take note of a header or trailer."""
        values = self._columns(record, block, start, line, every=True).to_pylist()[0]
        level = next(n for n, frame in enumerate(self.frames) if record in (frame.header, frame.trailer))
        frame, outer, inner = self.frames[level], self.frames[:level], self.frames[level + 1 :]
        opens = record is frame.header
        self._refuse_misplaced(record.name, int(line[0]), self._belongs(frame, outer, inner, opens=opens))
        if opens:
            frame.values, frame.n_inside = values, 0
            for each in outer[-1:]:
                each.n_inside += 1
        else:
            self._check_count(frame, values, int(line[0]))
        frame.is_open = opens

    @staticmethod
    def _missing_header(frames: list[_Frame]) -> str | None:
        """Return the header that has to come first, if one is missing."""
        return next((frame.header.name for frame in frames if frame.is_shut and frame.header), None)

    def _belongs(self, frame: _Frame, outer: list[_Frame], inner: list[_Frame], *, opens: bool) -> str | None:
        """Return which record belongs where a header or trailer stands; None: that one."""
        if missing := self._missing_header(outer if opens else [*outer, frame]):
            return missing
        if opens and frame.is_open:
            return frame.trailer.name if frame.trailer else TRAILER
        return next((each.trailer.name for each in inner if each.is_open and each.trailer), None)

    def _refuse_misplaced(self, name: str, line: int, belongs: str | None) -> None:
        if belongs:
            raise ExtractError(
                f"{self.path.name}, line {line}: a {name} record where a {belongs} record belongs; {_ADVICE}."
            )

    def _check_count(self, frame: _Frame, values: Mapping[str, Any], line: int) -> None:
        """The trailer counts what stands inside; that of a file without batches may count header and trailer too."""
        assert frame.trailer is not None
        counted = "batches" if frame is not self.frames[-1] else "details"
        edges = 1 + (frame.header is not None)
        allowed = {frame.n_inside} | ({frame.n_inside + edges} if len(self.frames) == 1 else set())
        for one in frame.trailer.fields:
            if one.type == "count" and values[one.name] not in allowed:
                also = f" (or {frame.n_inside + edges:,} with header and trailer)" if len(allowed) > 1 else ""
                raise ExtractError(
                    f"{self.path.name}, line {line}, positions {one.start}-{one.end} ({one.name}): the trailer counts "
                    f"another number of records than the {frame.n_inside:,} {counted}{also} above it; the file is cut "
                    "off or put together: get it again."
                )

    def end(self, n_lines: int) -> None:
        """Check that the file ended as it should."""
        if not n_lines:
            raise ExtractError(f"{self.path.name} is empty.")
        for frame in reversed(self.frames):
            if frame.is_open and frame.trailer:
                raise ExtractError(
                    f"{self.path.name} ends at line {n_lines} without its {frame.trailer.name} record: it is cut off; "
                    "get it again."
                )

    def _fail(self, wrong: Flags, lines: npt.NDArray[np.int64], one: Field, what: str) -> None:
        raise ExtractError(
            f"{self.path.name}, line {lines[int(wrong.argmax())]}, positions {one.start}-{one.end} ({one.name}): "
            f"{what}{_others(wrong, lines)}; {_ADVICE}."
        )


def _characters(block: Block, starts: npt.NDArray[np.int64], one: Field) -> Block:
    """Return the characters of a field in each record."""
    return block[starts[:, None] + np.arange(one.start - 1, one.end)]


def _others(wrong: Flags, lines: npt.NDArray[np.int64]) -> str:
    """Return which other lines of the block are wrong in the same way."""
    others = lines[wrong][1:5].tolist()
    if not others:
        return ""
    return f" ({int(wrong.sum()):,} such lines so far, the next: {', '.join(map(str, others))})"
