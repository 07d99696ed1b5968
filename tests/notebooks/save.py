"""Run the notebooks and keep their outputs in them, for those who read them without running them.

python -m tests.notebooks.save
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """Return a notebook after it ran from top to bottom in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook without what differs from run to run and machine to machine."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def main() -> None:
    """Save the outputs of those named, or of all."""
    wanted = sys.argv[1:]
    for path in NOTEBOOKS:
        if not wanted or any(path.stem.startswith(name) for name in wanted):
            nbformat.write(tidy(run(path)), path)
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
