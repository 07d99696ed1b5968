"""Pages of the site that stand elsewhere in the project or are made from the code; a hook of mkdocs.

Documents of the project's root (README, EXTRACTS ...) and the notebooks are taken as they stand, with their links
turned to the site's pages. The reference is made from docstrings, the command line's pages from its own help texts.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

from pricing.cli import app as pricing_app
from pricing.inputs import Column
from riskadj.cli import app as riskadj_app
from riskadj.lazy_names import names_of_stub

ROOT = Path(__file__).resolve().parents[1]
#: Documents that are pages as they stand.
DOCUMENTS = {
    "README.md": "index.md",
    "EXTRACTS.md": "extracts.md",
    "GLOSSARY.md": "glossary.md",
    "HOUSE.md": "house.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "hcc_maps/README.md": "tables.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/results/accuracy.md": "accuracy_results.md",
    "benchmarks/results/latest.md": "speed_results.md",
    "data/README.md": "data.md",
}
#: Pages of the reference that the navigation names itself.
_NAMED = ("reference/index.md", "reference/command_line.md")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the notebooks and the rooms in the navigation."""
    notebooks = [f"notebooks/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    rooms = [page for page, _ in reference_pages() if page.count("/") == 1]
    fill = {"Notebooks": notebooks, "Names in full": [page for page in rooms if page not in _NAMED]}
    guides = sorted(page.name for page in (ROOT / "docs/how-to").glob("*.md") if page.name != "index.md")
    fill["How-to"] = [f"how-to/{name}" for name in ("index.md", *guides)]
    config.nav = filled(config.nav, fill)
    return config


def filled(entry: Any, pages: dict[str, list[str]]) -> Any:
    """Return the navigation with the pages of the titles whose pages are only known now."""
    if isinstance(entry, dict):
        return {title: pages.get(title) or filled(below, pages) for title, below in entry.items()}
    return [filled(below, pages) for below in entry] if isinstance(entry, list) else entry


@event_priority(100)  # before the plugin that reads notebooks
def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in this folder."""
    for source, page in DOCUMENTS.items():
        if (ROOT / source).exists():
            text = with_links((ROOT / source).read_text(encoding="utf-8"), source, page)
            if page == "index.md":
                text = f"---\nhide: [navigation]\n---\n\n{text}"
            files.append(File.generated(config, page, content=text))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{notebook.name}"
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    for page, text in reference_pages():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links of this folder's own pages to documents of the project into links of the site."""
    source = f"docs/{page.file.src_uri}"
    return with_links(markdown, source, page.file.src_uri) if (ROOT / source).exists() else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Begin a line with each numbered reference of a docstring, which is written in reStructuredText."""
    return re.sub(r"\.\. (\[\d+\])", r"<br>\1", html)


def with_links(text: str, source: str, page: str) -> str:
    """Return a document's text with its links leading to pages of the site; what is no page is only named."""

    def turned(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        path = os.path.normpath(f"{os.path.dirname(source)}/{target}").lstrip("/")
        to = page_of(path)
        if to is None:
            return words
        return f"[{words}]({os.path.relpath(to, os.path.dirname(page) or '.')}{anchor})"

    return _LINK.sub(turned, text)


def page_of(path: str) -> str | None:
    """Return the page on which a file of the project stands, None if it is no page."""
    if path in DOCUMENTS:
        return DOCUMENTS[path]
    if path.startswith("docs/") and path.endswith(".md"):
        return path.removeprefix("docs/")
    if path == "notebooks":
        return sorted(f"notebooks/{found.name}" for found in (ROOT / "notebooks").glob("*.ipynb"))[0]
    return path if path.startswith("notebooks/") else None


def reference_pages() -> Iterator[tuple[str, str]]:
    """Yield (page, text) of the reference: public names, the command lines."""
    rooms = {name: public_names(name) for name in ("riskadj", "pricing")}
    for folder in sorted((ROOT / "pricing").iterdir()):
        if (folder / "__init__.py").exists() and (names := public_names(f"pricing.{folder.name}")):
            rooms[f"pricing.{folder.name}"] = names
    yield "reference/index.md", _index(rooms)
    for room, names in rooms.items():
        yield f"reference/{room}.md", _room(room, names)
    yield "reference/command_line.md", _command_line()


def public_names(package: str) -> dict[str, str]:
    """Return the public names of a package and the modules that they live in."""
    stub = ROOT / package.replace(".", "/") / "__init__.pyi"
    names = names_of_stub(stub, package) if stub.exists() else {}
    return {name: home for name, home in names.items() if not name.islower() or home != f"{package}.{name}"}


def _first_line(module: str, name: str) -> str:
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _index(rooms: dict[str, dict[str, str]]) -> str:
    parts = [
        "# Public names",
        "What is listed here is kept; everything else may change. Heavy modules load when a name is first used.",
        "Results have `summary()`, `plot()`, `to_pandas(table=...)` and `write(directory, chart=..., overwrite=...)`. "
        "They name their tables, and the file of each, in `TABLES`; `chart=True` writes their chart too.",
    ]
    for room, names in rooms.items():
        parts += [f"## {room}", "| name | what it is |\n| --- | --- |"]
        lines = (
            f"| [`{name}`]({room}.md#{home}.{name}) | {_first_line(home, name)} |"
            for name, home in sorted(names.items(), key=lambda pair: (pair[0][0].isupper(), pair[0]))
        )
        parts[-1] += "\n" + "\n".join(lines)
    return "\n\n".join(parts) + "\n"


def _room(room: str, names: dict[str, str]) -> str:
    ordered = sorted(names, key=lambda name: (name[0].isupper(), name))
    return (
        f"# {room}\n\n"
        + "\n\n".join(
            f"::: {names[name]}.{name}\n    options:\n      heading: {room}.{name}\n      toc_label: {name}"
            f"\n\n{input_columns(names[name], name)}"
            for name in ordered
        )
        + "\n"
    )


def input_columns(module: str, name: str) -> str:
    """Return what the tables and lists that a function's docstring names hold: columns as it checks them, or words."""
    text = getattr(importlib.import_module(module), name).__doc__ or ""
    words = dict.fromkeys(re.findall(r"`((?:[a-z_]+\.)*[A-Z][A-Z_]*)`", text))
    held = {word: _named(word, module) for word in words}
    return "\n\n".join(
        _held(word, items) for word, items in held.items() if isinstance(items, tuple) and items
    )


def _named(word: str, module: str) -> Any:
    home, _, name = word.rpartition(".")
    return getattr(importlib.import_module(home or module), name, None)


def _held(word: str, items: tuple[Any, ...]) -> str:
    if all(isinstance(each, Column) for each in items):
        head = f"Columns of `{word}`:\n\n| column | kind | left out | values |\n| --- | --- | --- | --- |\n"
        return head + "\n".join(map(_column, items))
    return f"`{word}`: " + ", ".join(f"`{each}`" for each in items if isinstance(each, str))


def _column(column: Column) -> str:
    left_out = {None: "not allowed", ...: "allowed"}.get(column.default, f"`{column.default}`")
    limits = ((">", column.above), (">=", column.minimum), ("<=", column.maximum))
    values = [f"{sign} {limit:g}" for sign, limit in limits if limit is not None]
    allowed = ", ".join(f"`{code}`" for code in column.allowed)
    return f"| `{column.name}` | {column.kind} | {left_out} | {', '.join(values) or allowed} |"


def _command_line() -> str:
    parts = ["# Command line", "Made from the commands' own help texts."]
    for program, app in (("riskadj", riskadj_app), ("pricing", pricing_app)):
        parts += _commands(typer.main.get_command(app), program, None)
    return "\n\n".join(parts) + "\n"


def _commands(command: Any, name: str, parent: Any) -> list[str]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    parts = [f"## {name}", f"```text\n{command.get_help(context)}\n```"]
    for word, below in getattr(command, "commands", {}).items():
        parts += _commands(below, f"{name} {word}", None)
    return parts
