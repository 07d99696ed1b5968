"""The documentation site builds, strictly, and has a page for every public name.

Where the extra `docs` is missing the site is not built, unless RISKADJ_NEEDS_DOCS is set, as in CI.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pricing.medicare import bid_worksheets
from riskadj.lazy_names import names_of_stub
from tests.house import laws

NEEDED = "RISKADJ_NEEDS_DOCS"
needs_mkdocs = pytest.mark.skipif(
    not os.environ.get(NEEDED)
    and any(importlib.util.find_spec(name) is None for name in ("mkdocs", "mkdocstrings")),
    reason="the extra `docs` is not installed",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=laws.ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@needs_mkdocs
def test_site_has_every_document_and_notebook(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    own = {
        path.relative_to(laws.ROOT / "docs").with_suffix(".html")
        for path in (laws.ROOT / "docs").rglob("*.md")
    }
    notebooks = {f"notebooks/{path.stem}.html" for path in (laws.ROOT / "notebooks").glob("*.ipynb")}
    assert {path.as_posix() for path in own} | notebooks | {"index.html", "extracts.html"} <= pages
    assert len(notebooks) >= 10


@needs_mkdocs
@pytest.mark.parametrize("package", ["riskadj", "pricing.benefits"])
def test_every_public_name_is_in_the_reference(site: Path, package: str) -> None:
    text = (site / f"reference/{package}.html").read_text(encoding="utf-8")
    stub = laws.ROOT / package.replace(".", "/") / "__init__.pyi"
    assert [name for name in names_of_stub(stub, package) if f"{package}.{name}" not in text] == []


@needs_mkdocs
def test_columns_of_inputs_are_in_the_reference(site: Path) -> None:
    text = (site / "reference/pricing.medicare.html").read_text(encoding="utf-8")
    names = (column.name for column in (*bid_worksheets.PLANS, *bid_worksheets.COUNTIES))
    assert [name for name in names if f"<code>{name}</code>" not in text] == []


@needs_mkdocs
def test_commands_are_in_the_reference(site: Path) -> None:
    text = (site / "reference/command_line.html").read_text(encoding="utf-8")
    assert all(
        f">{name}<" in text for name in ("riskadj score", "riskadj maps copy", "pricing benefits compare")
    )


def test_every_guide_is_in_the_list_of_guides() -> None:
    folder = laws.ROOT / "docs/how-to"
    listed = (folder / "index.md").read_text(encoding="utf-8")
    assert [
        page.name
        for page in folder.glob("*.md")
        if page.name != "index.md" and f"({page.name})" not in listed
    ] == []
