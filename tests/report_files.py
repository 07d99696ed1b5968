"""Reports of CMS written from known values, and read back naively: what the tests of cms_reports and compare share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from riskadj.cms_reports.reading import load_layout
from riskadj.extracts.record_layout import Record, RecordLayout

Values = Mapping[str, Any]


def line_of(record: Record, values: Values) -> str:
    """Return one record; fields without a value are blank, the record's own code and literals are filled in."""
    line = [" "] * record.length
    for field in record.fields:
        fixed = field.allowed[0] if field.type in ("record", "literal") else None
        text = as_text(field.type, field.width, values.get(field.name, fixed))
        line[field.start - 1 : field.end] = text.ljust(field.width)
        assert len(text) <= field.width, (field.name, text)
    return "".join(line)


def as_text(kind: str, width: int, value: Any) -> str:
    """Return a value as CMS prints it."""
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return value.strftime("%Y%m" if kind == "month" else "%Y-%m-%d" if width == 10 else "%Y%m%d")
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        decimals = 4 if width == 7 else 2
        return f"{value:0{width}.{decimals}f}"
    return str(value)


def mmr_lines(rows: Sequence[Values]) -> list[str]:
    """Return the records of an MMR."""
    return [line_of(load_layout("mmr").records[0], row) for row in rows]


def framed(
    layout: RecordLayout, details: Sequence[str], header: Values, *, count: int | None = None
) -> list[str]:
    """Return details between header and trailer."""
    first, last = layout.named("header"), layout.named("trailer")
    assert first is not None
    assert last is not None
    n_records = len(details) if count is None else count
    return [line_of(first, header), *details, line_of(last, {"record_count": f"{n_records:09d}"})]


def mor_lines(rows: Sequence[tuple[str, Values]], header: Values | None = None) -> list[str]:
    """Return a MOR: (record type, values) of each detail."""
    layout = load_layout("mor")
    details = []
    for code, values in rows:
        (record,) = (one for one in layout.details if one.kind and code in one.kind.allowed)
        details.append(line_of(record, {"record_type": code, **values}))
    return framed(layout, details, header or {"contract_id": "H9999", "payment_month": dt.date(2099, 1, 1)})


def mao004_lines(rows: Sequence[Values]) -> list[str]:
    """Return an MAO-004 report."""
    layout = load_layout("mao004")
    (record,) = layout.details
    return framed(layout, [line_of(record, row) for row in rows], {"contract_id": "H9999"})


def raps_lines(batches: Sequence[Sequence[Values]], header: Values | None = None) -> list[str]:
    """Return a RAPS return file: the details of each batch, each between its header and trailer."""
    layout = load_layout("raps")
    records = {record.name: record for record in layout.records}
    lines = [line_of(records["file_header"], {"submission_date": dt.date(2099, 2, 1), **(header or {})})]
    for number, details in enumerate(batches, start=1):
        lines.append(line_of(records["header"], {"sequence_number": f"{number:07d}", "contract_id": "H9999"}))
        lines += [line_of(records["detail"], values) for values in details]
        lines.append(line_of(records["trailer"], {"record_count": f"{len(details):07d}"}))
    return [*lines, line_of(records["file_trailer"], {"record_count": f"{len(batches):07d}"})]


def write_lines(path: Path, lines: Sequence[str], end: str = "\n") -> Path:
    path.write_bytes("".join(line + end for line in lines).encode("latin-1"))
    return path


def naive_cells(text: str, record: Record) -> list[dict[str, str | None]]:
    """Return the trimmed text of every field of every line, by slicing."""
    rows = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if line:
            rows.append({f.name: line[f.start - 1 : f.end].strip(" ") or None for f in record.fields})
    return rows
