"""Workbooks recalculated by LibreOffice, an engine that is not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

NEEDED = "RISKADJ_NEEDS_LIBREOFFICE"


def needs_libreoffice() -> None:
    """Skip a test where LibreOffice is missing, unless it has to be there (CI says so): then fail."""
    if shutil.which("soffice") is None:
        problem = "LibreOffice is not installed (Debian package libreoffice-calc)"
        (pytest.fail if os.environ.get(NEEDED) == "1" else pytest.skip)(problem)


def recalculated(path: Path, changes: dict[tuple[str, str], Any] | None = None) -> Any:
    """Return a workbook with the values that LibreOffice computes, after changes to cells: (sheet, address) -> value.

    openpyxl writes formulas without their cached values, so nothing but a calculation can fill them.
    """
    bare = path.with_name("bare.xlsx")
    book = load_workbook(path)
    for (sheet, cell), value in (changes or {}).items():
        assert book[sheet][cell].value is not None, f"{sheet}!{cell} is blank"
        book[sheet][cell] = value
    book.save(bare)
    results = path.with_name("recalculated")
    command = [
        "soffice",
        f"-env:UserInstallation={path.with_name('profile').as_uri()}",
        "--headless",
        "--convert-to",
    ]
    subprocess.run(
        [*command, "xlsx", "--outdir", str(results), str(bare)], check=True, capture_output=True, timeout=240
    )
    return load_workbook(results / "bare.xlsx", data_only=True)


def formulas(path: Path) -> dict[tuple[str, str], Any]:
    """Return the cached value of every formula cell of a workbook as it was written: (sheet, address) -> value."""
    texts, values = load_workbook(path), load_workbook(path, data_only=True)
    return {
        (sheet.title, cell.coordinate): values[sheet.title][cell.coordinate].value
        for sheet in texts
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def assert_same(found: Any, expected: dict[tuple[str, str], Any]) -> None:
    """Compare every formula cell with a recalculation."""
    assert expected
    for (sheet, cell), value in expected.items():
        now = found[sheet][cell].value
        is_same = (
            now == pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else now == value
        )
        assert is_same, f"{sheet}!{cell}: {now} after a recalculation, {value} in the library"
