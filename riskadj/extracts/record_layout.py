"""Layouts of fixed-width records: which field stands where, and what may stand in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from riskadj.errors import TableError, nearest

#: Kinds of field. `skip` is never read (names, fillers); a `submitted_date` is as it came back, null where it is no
#: date; the last three are variables of a model, read as flags.
FIELD_TYPES = (
    "text", "date", "submitted_date", "month", "integer", "decimal", "flag", "count", "record", "literal", "skip",
    "hcc", "demographic", "interaction",
)  # fmt: skip
VARIABLE_TYPES = ("hcc", "demographic", "interaction")
#: Header and trailer of the details, and of a file that holds several such batches.
HEADER, TRAILER = "header", "trailer"
FILE_HEADER, FILE_TRAILER = "file_header", "file_trailer"
_EDGES = (HEADER, TRAILER, FILE_HEADER, FILE_TRAILER)
_POSITION = re.compile(r"[0-9]{1,6}")
_COLUMNS = ("record", "name", "start", "end", "type", "allowed", "title")


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Attributes
    ----------
    start, end : int
        First and last position, 1-based [positions].
    type : str
        One of `FIELD_TYPES`.
    allowed : tuple of str
        What may stand there besides blanks; empty: anything of the type.
    """

    name: str
    start: int
    end: int
    type: str
    allowed: tuple[str, ...] = ()
    title: str = ""

    @property
    def width(self) -> int:
        """Number of characters."""
        return self.end - self.start + 1


@dataclass(frozen=True)
class Record:
    """One kind of record; `model_id` is the model whose variables it holds, where it holds any."""

    name: str
    fields: tuple[Field, ...]
    model_id: str | None = None

    @property
    def length(self) -> int:
        """Number of characters, trailing filler included."""
        return self.fields[-1].end

    @property
    def needed(self) -> int:
        """Number of characters up to the last field that is read: trailing filler may be cut off."""
        return max(field.end for field in self.fields if field.type != "skip")

    @property
    def kind(self) -> Field | None:
        """The field that says which kind of record this is, if there are several."""
        return next((field for field in self.fields if field.type == "record"), None)

    @property
    def variables(self) -> tuple[Field, ...]:
        """Fields that are variables of the record's model."""
        return tuple(field for field in self.fields if field.type in VARIABLE_TYPES)


@dataclass(frozen=True)
class RecordLayout:
    """Every kind of record of one file; `label` names the table it was read from, for messages."""

    label: str
    records: tuple[Record, ...]

    @property
    def details(self) -> tuple[Record, ...]:
        """Records other than headers and trailers."""
        return tuple(record for record in self.records if record.name not in _EDGES)

    @property
    def frames(self) -> tuple[tuple[Record | None, Record | None], ...]:
        """Header and trailer of the file, where its details stand in batches, then those of the details."""
        pairs = [
            (self.named(first), self.named(last))
            for first, last in ((FILE_HEADER, FILE_TRAILER), (HEADER, TRAILER))
        ]
        return tuple(pair for pair in pairs if any(pair))

    @property
    def kind(self) -> Field | None:
        """Where the kind of a record stands; None if there is only one kind."""
        return self.records[0].kind

    def named(self, name: str) -> Record | None:
        """Return the record of that name, if there is one."""
        return next((record for record in self.records if record.name == name), None)


def parse_layout(text: str, label: str) -> RecordLayout:
    """Return the layout that a table of fields describes.

    Parameters
    ----------
    text : str
        CSV: record, name, start, end, type, allowed (alternatives apart by ``|``), title; perhaps model_id.
    label : str
        What messages call the table.

    Raises
    ------
    TableError
        The table breaks a law; the message names its line.
    """
    names, lines = _cells(text, label)
    lacking = [name for name in _COLUMNS if name not in names]
    if lacking:
        raise TableError(
            f"{label} lacks the column '{lacking[0]}'; a layout has {', '.join(_COLUMNS)} and may have model_id."
        )
    rows = [(line, row, _field(row, f"{label}, line {line}")) for line, row in enumerate(lines, start=2)]
    if not rows:
        raise TableError(f"{label} describes no field.")
    records = [
        _record(name, [(line, field) for line, _, field in group], model_id, label)
        for (name, model_id), group in _grouped(rows)
    ]
    return _checked(RecordLayout(label, tuple(records)))


def _cells(text: str, label: str) -> tuple[Sequence[str], list[dict[str, str]]]:
    """Return the names of the columns, and each line by them."""
    reader = csv.DictReader(text.splitlines())
    try:
        return reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise TableError(f"{label} is no CSV table: {error}.") from None


def _grouped(
    rows: list[tuple[int, dict[str, str], Field]],
) -> list[tuple[tuple[str, str | None], list[tuple[int, dict[str, str], Field]]]]:
    groups = groupby(rows, lambda item: (item[1]["record"], item[1].get("model_id") or None))
    return [(key, list(group)) for key, group in groups]


def _field(row: Mapping[str, str | None], where: str) -> Field:
    cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    if not cells["name"] or not cells["record"]:
        raise TableError(f"{where}: a field needs a record and a name.")
    if cells["type"] not in FIELD_TYPES:
        raise TableError(
            f"{where}: no field type '{cells['type']}'{nearest(cells['type'], FIELD_TYPES)}; "
            f"allowed: {', '.join(FIELD_TYPES)}."
        )
    if not (_POSITION.fullmatch(cells["start"]) and _POSITION.fullmatch(cells["end"])):
        raise TableError(f"{where}: start and end must be positions, counted from 1.")
    start, end = int(cells["start"]), int(cells["end"])
    allowed = tuple(cells["allowed"].split("|")) if cells["allowed"] else ()
    if not 1 <= start <= end or any(len(value) > end - start + 1 for value in allowed):
        raise TableError(f"{where}: positions {start}-{end} cannot hold the field.")
    if cells["type"] in ("record", "literal") and not allowed:
        raise TableError(f"{where}: a field of type {cells['type']} says in 'allowed' what stands there.")
    widths = _WIDTHS.get(cells["type"])
    if widths and end - start + 1 not in widths:
        raise TableError(f"{where}: a {cells['type']} has {' or '.join(map(str, widths))} characters.")
    return Field(cells["name"], start, end, cells["type"], allowed, cells["title"])


_WIDTHS = {
    "date": (8, 10),
    "submitted_date": (8, 10),
    "month": (6,),
    **dict.fromkeys(("flag", *VARIABLE_TYPES), (1,)),
}


def _record(name: str, fields: list[tuple[int, Field]], model_id: str | None, label: str) -> Record:
    for (_, one), (line, other) in pairwise(fields):
        if other.start <= one.end:
            raise TableError(
                f"{label}, line {line}: '{other.name}' begins inside '{one.name}'; order fields by start."
            )
    names = [field.name for _, field in fields if field.type not in ("skip", "literal")]
    if not names:
        raise TableError(f"{label}: record {name} has no field that is read.")
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise TableError(f"{label}: record {name} names '{twice[0]}' twice.")
    return Record(name, tuple(field for _, field in fields), model_id)


def _checked(layout: RecordLayout) -> RecordLayout:
    names = [record.name for record in layout.records]
    if len(set(names)) < len(names):
        raise TableError(f"{layout.label}: the fields of one record must stand together, under one model_id.")
    if not layout.details:
        raise TableError(f"{layout.label} has no detail record.")
    kinds = [record.kind for record in layout.records]
    places = {(field.start, field.end) if field else None for field in kinds}
    if len(kinds) > 1 and (len(places) > 1 or None in places):
        raise TableError(
            f"{layout.label}: every record needs its field of type record, at the same positions."
        )
    codes = [code for field in kinds if field for code in field.allowed]
    if len(set(codes)) < len(codes):
        raise TableError(f"{layout.label}: two kinds of record have the same code.")
    return layout
