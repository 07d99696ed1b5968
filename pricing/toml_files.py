"""TOML files that people write and read: plan designs, contracts, scenarios; what is written is read back equal."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pricing.errors import InputError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_tables(path: str | Path, name: str) -> list[dict[str, Any]]:
    """Return the ``[[name]]`` tables of a TOML file, in order.

    Raises
    ------
    InputError
        The file cannot be read, is no TOML, or holds no such table.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give a TOML file with [[{name}]] tables.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or 'input/output error'}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}.") from None
    tables = document.get(name, [])
    if not tables or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path} holds no [[{name}]] table.")
    return tables


def table_text(name: str, values: Mapping[str, Any]) -> str:
    """Return one ``[[name]]`` table as text; empty mappings and lists are left out."""
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if value not in ({}, [])]
    return "\n".join([f"[[{name}]]", *lines, ""])


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """Return text in quotes; TOML escapes as JSON does, but writes characters beyond ASCII as they are."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)  # also inf
    return _quoted(value) if isinstance(value, str) else json.dumps(value)  # whole numbers, true and false
