"""The house laws as plain functions: source text or a folder in, one line per violation out.

Each law is a function so that the tests can show it failing on a bad example too.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("riskadj", "pricing")

YEARS = range(2000, 2048)
NUMBERS_THAT_BELONG_IN_TABLES = {
    "a year": re.compile(r"(?<!\d)20[0-4]\d(?!\d)"),
    "a model version": re.compile(r"(?<![a-z])v(?:0[4-9]|2[0-9])(?!\d)", re.IGNORECASE),
    "an HCC number": re.compile(r"hcc_?\d", re.IGNORECASE),
    # Three decimals make a factor, but for a power of ten and the usual levels of quantiles.
    "a factor": re.compile(r"^(?!0?\.(?:0+1|995|975|025|005)$)-?\d*\.\d{3,}$"),
}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below the folders, sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tracked_files() -> list[Path]:
    """Return the files that git tracks, or every file of an unpacked source distribution."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return sorted(path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts)
    return sorted(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def numbers_that_belong_in_tables(source: str) -> list[str]:
    """Years, model versions, HCC numbers and factors in code; comments and docstrings may name examples."""
    violations = []
    for line, words in _words(ast.parse(source)):
        if isinstance(words, int):
            found = ["a year"] if words in YEARS else []
        else:
            found = [kind for kind, law in NUMBERS_THAT_BELONG_IN_TABLES.items() if law.search(str(words))]
        violations += [f"line {line}: {kind} in {words!r}" for kind in found]
    return violations


def _words(tree: ast.Module) -> Iterator[tuple[int, str | float]]:
    """Yield (line, literal or name) of everything in the code but its docstrings."""
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() | int() | float() as value) if node not in docstrings:
                yield node.lineno, value
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name


def forbidden_calls(source: str) -> list[str]:
    """Calls of print, eval, exec and their kin."""
    return [
        f"line {node.lineno}: {name}()"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and (name := getattr(node.func, "id", "")) in ("print", "eval", "exec", "compile", "__import__")
    ]


def swallowed_errors(source: str) -> list[str]:
    """Handlers that catch everything and do not raise, or catch anything and do nothing."""
    violations = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "everything" if node.type is None else ast.unparse(node.type)
        is_broad = caught in ("everything", "Exception", "BaseException")
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        does_nothing = all(isinstance(inner, ast.Pass | ast.Continue) for inner in node.body)
        if does_nothing or (is_broad and not raises):
            violations.append(f"line {node.lineno}: catches {caught} and goes on")
    return violations


def imported_modules(source: str) -> list[str]:
    """Full names of the modules and names that the source imports."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
    return names


def imports_outside(source: str, allowed: tuple[str, ...]) -> list[str]:
    """Imported names that are neither one of `allowed` nor inside one of them."""
    return [
        name
        for name in imported_modules(source)
        if not any(name == module or name.startswith(f"{module}.") for module in allowed)
    ]


def is_silent(source: str) -> bool:
    """Whether a module lacks a docstring."""
    return not (ast.get_docstring(ast.parse(source)) or "").strip()


def machine_paths_and_hosts(text: str) -> list[str]:
    """Paths of one machine, and hosts of package registries."""
    path = r"(?:^|[^A-Za-z0-9_.\-<>])(/(?:tmp|work|root|home|Users|farm|opt)/[\w.\-]*)"
    host = r"((?:pypi|npmjs|pythonhosted|anaconda|crates)\.(?:org|com|io))"
    return [match.group(0).strip() for match in re.finditer(f"{path}|{host}", text, re.MULTILINE)]
