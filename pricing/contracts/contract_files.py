"""Contracts as plain values and as a TOML file: ``[[contract]]`` tables, read and written."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pricing.contracts.terms import Contract
from pricing.errors import InputError
from pricing.toml_files import read_tables, table_text, typed
from riskadj.errors import nearest

T = TypeVar("T")
#: What a field of a type has to be.
_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}


def read_contracts(path: str | Path) -> list[Contract]:
    """Return the contracts of a TOML file: one ``[[contract]]`` table each, in order.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of Contract

    Raises
    ------
    InputError
        The file is no TOML, holds no contract, or a contract is impossible.
    """
    tables = read_tables(path, "contract")
    return [
        contract_from_dict(table, name=f"contract {number}") for number, table in enumerate(tables, start=1)
    ]


def contracts_to_toml(contracts: Contract | Iterable[Contract]) -> str:
    """Return contracts as the text of a TOML file; `read_contracts` gives them back equal.

    Parameters
    ----------
    contracts : Contract, or several

    Returns
    -------
    str
    """
    every = [contracts] if isinstance(contracts, Contract) else list(contracts)
    return "\n".join(table_text("contract", contract_to_dict(contract)) for contract in every)


def contract_to_dict(contract: Contract) -> dict[str, Any]:
    """Return a contract as plain values, without what stands at its default; `contract_from_dict` reads them back.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    dict of str to plain values
    """
    return {"name": contract.name, **_plain(contract)}


def contract_from_dict(values: Mapping[str, Any], *, name: str = "contract") -> Contract:
    """Return the contract that plain values describe, such as a table of a TOML file.

    Parameters
    ----------
    values : mapping
        What `contract_to_dict` returns.
    name : str
        Of a contract that has none among its values.

    Returns
    -------
    Contract

    Raises
    ------
    InputError
        A name is not known, a value is of the wrong kind, or the contract is impossible.
    """
    named = {"name": name, **values}
    return _built(Contract, named, f"contract '{named['name']}'")


def _plain(value: Any) -> Any:
    """Return dataclasses as dictionaries and tuples as lists."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if not is_dataclass(value):
        return value
    return {
        item.name: _plain(getattr(value, item.name))
        for item in fields(value)
        if item.default is MISSING or getattr(value, item.name) != item.default
    }


def _built(kind: type[T], values: Any, where: str) -> T:
    """Return a dataclass of plain values, each checked against the type of its field."""
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: give a table of values.")
    known = get_type_hints(kind)
    for name in values:
        if name not in known:
            raise InputError(f"{where}: '{name}' is not known{nearest(name, known)}.")
    required = [item.name for item in fields(kind) if item.default is MISSING]  # type: ignore[arg-type]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing.")
    return kind(**{name: _typed(known[name], value, f"{where}, {name}") for name, value in values.items()})


def _typed(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, types.UnionType):  # a kind or None; what is given is no None
        kind = next(each for each in get_args(kind) if each is not type(None))
    if is_dataclass(kind) and isinstance(kind, type):
        return _built(kind, value, where)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), value, where)
    found = typed(value, _WORDS[kind], where)
    return float(found) if kind is float else found


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{where}: give a list.")
    inside = [kinds[0]] * len(value) if kinds[-1] is Ellipsis else list(kinds)
    if len(inside) != len(value):
        raise InputError(f"{where}: give a list of {len(inside)}.")
    return tuple(_typed(kind, each, where) for kind, each in zip(inside, value, strict=True))
