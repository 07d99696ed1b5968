"""Public names of a package that load when they are first used: written once, in the stub beside its `__init__`.

The stub (`__init__.pyi`) is what type checkers read and what `__init__` offers: one list, typed, and an import of the
package costs nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def attach(package: str, init_file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package with a stub.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    init_file : str
        Its ``__file__``; the stub stands beside it.
    """
    homes = names_of_stub(Path(init_file).with_suffix(".pyi"), package)

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module = import_module(home)
        return module if home == f"{package}.{name}" else getattr(module, name)

    return load, lambda: sorted(homes), sorted(homes)


def names_of_stub(stub: Path, package: str) -> dict[str, str]:
    """Return the public names in a stub and their modules; what is imported of the package itself is a module."""
    homes = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                homes[alias.asname or alias.name] = (
                    f"{package}.{alias.name}" if node.module in (None, package) else str(node.module)
                )
    return homes
