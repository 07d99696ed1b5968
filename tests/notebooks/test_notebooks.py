"""Every notebook runs from top to bottom on the bundled extract, and its own assertions hold."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebooks.save import NOTEBOOKS, run


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    ran = run(path)
    assert any(cell.source.startswith("assert") for cell in ran.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_can_be_read_without_running_it(path: Path) -> None:
    saved = nbformat.read(path, as_version=4)
    outputs = [cell for cell in saved.cells if cell.cell_type == "code" and cell.outputs]
    assert len(outputs) >= 3, "save its outputs: python -m tests.notebooks.save"
    assert not [cell for cell in outputs if any(one.output_type == "error" for one in cell.outputs)]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
