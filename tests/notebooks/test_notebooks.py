"""Every notebook runs from top to bottom on the bundled extract, and its own assertions hold."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.save import NOTEBOOKS, run

SAVE = "save its outputs: python -m tests.notebooks.save"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    ran = run(path)
    assert any(cell.source.startswith("assert") for cell in ran.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_can_be_read_without_running_it(path: Path) -> None:
    saved = nbformat.read(path, as_version=4)
    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if shows(cell) and not cell.outputs] == [], SAVE
    outputs = [one for cell in code for one in cell.outputs]
    assert [one for one in outputs if one.output_type == "error"] == []
    shown = [one.data for one in outputs if "data" in one]
    assert [
        data for data in shown if "<Figure" in data.get("text/plain", "") and "image/png" not in data
    ] == [], SAVE
    assert any("image/png" in data for data in shown), "a notebook shows a chart"


def shows(cell: nbformat.NotebookNode) -> bool:
    """Return whether a cell ends with an expression, whose value is shown."""
    body = ast.parse(cell.source).body
    return bool(body) and isinstance(body[-1], ast.Expr)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
