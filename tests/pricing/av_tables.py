"""CMS's continuance tables, where they are; they are not ours to ship."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from pricing.benefits.continuance import continuance_table

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "pricing"
needs_tables = pytest.mark.skipif(
    not (CASES / "avc2026").exists(), reason="CMS's continuance tables are not here"
)


@cache
def federal(level, year=2026):
    """The three tables of a metal level."""
    kinds = (("combined", "combined"), ("medical", "med"), ("drugs", "rx"))
    return {kind: _table(CASES / f"avc{year}" / f"{level}_{ending}.json") for kind, ending in kinds}


def _table(path):
    sheet = json.loads(path.read_text())
    if "rows" in sheet:
        headings, rows = sheet["header"], sheet["rows"]
    else:
        headings = sheet["columns"]
        rows = [[row[name] for name in headings] for row in sheet["data"]]
    used = [number for number, heading in enumerate(headings) if heading is not None]
    return continuance_table(
        [headings[number] for number in used],
        [[row[number] for number in used] for row in rows],
        name=path.stem,
    )
