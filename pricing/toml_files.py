"""TOML files that people write and read: plan designs, contracts, scenarios; what is written is read back equal."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pricing.errors import InputError
from riskadj.errors import nearest

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_document(path: str | Path, what: str) -> dict[str, Any]:
    """Return what a TOML file holds; `what` says in messages which file to give.

    Raises
    ------
    InputError
        The file cannot be read, or is no TOML.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give {what}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or 'input/output error'}.") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, too many digits, too deep
        raise InputError(f"{path} is not TOML: {error}.") from None
    if not _fits(document):
        raise InputError(f"{path} holds a whole number of more than 64 bits, which TOML has not; correct it.")
    return document


def _fits(value: Any) -> bool:
    """Return True if every whole number is one that TOML has; Python reads longer ones, which are no float."""
    if isinstance(value, dict | list):
        return all(map(_fits, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int) or value.bit_length() < 64


def read_tables(path: str | Path, name: str, *, is_needed: bool = True) -> list[dict[str, Any]]:
    """Return the ``[[name]]`` tables of a TOML file, in order; without any, none, where they are not needed.

    Raises
    ------
    InputError
        The file cannot be read, is no TOML, or holds no such table.
    """
    tables = read_document(path, f"a TOML file with [[{name}]] tables").get(name, [])
    if not tables and not is_needed:
        return []
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


def typed(value: Any, kind: str, where: str) -> Any:
    """Return a value if it is of a kind, such as "text", "a number", "a whole number", "a list of numbers".

    Raises
    ------
    InputError
        It is not; the message says where it stands.
    """
    if not _IS[kind](value):
        raise InputError(f"{where} must be {kind}.")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


_IS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "a number": _is_number,
    "a whole number": _is_whole,
    "a list of numbers": lambda value: isinstance(value, list) and all(map(_is_number, value)),
    "a list of texts": lambda value: (
        isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    ),
    "true or false": lambda value: isinstance(value, bool),
    "a list of whole numbers": lambda value: isinstance(value, list) and all(map(_is_whole, value)),
    "a table of numbers": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    "a table with one text each": lambda value: (
        isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    ),
    "a table of texts": lambda value: isinstance(value, dict) and all(map(_is_text_or_texts, value.values())),
}


def check_names(table: Any, known: Sequence[str], needed: Sequence[str], where: str) -> None:
    """Raise InputError unless a table has every name needed and none that is unknown."""
    if not isinstance(table, dict):
        raise InputError(f"{where} is no table.")
    for name in table:
        if name not in known:
            raise InputError(f"{where} has no '{name}'{nearest(name, known)}; known: {', '.join(known)}.")
    for name in needed:
        if name not in table:
            raise InputError(f"{where} lacks '{name}'.")
