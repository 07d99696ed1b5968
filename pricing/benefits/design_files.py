"""Plan designs as a TOML file: what `read_designs` reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pricing.benefits.design import PlanDesign

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def designs_to_toml(designs: PlanDesign | Iterable[PlanDesign]) -> str:
    """Return designs as the text of a TOML file, a ``[[design]]`` table each; `read_designs` gives them back equal."""
    every = [designs] if isinstance(designs, PlanDesign) else list(designs)
    return "\n".join(_table(design.to_dict()) for design in every)


def _table(values: Mapping[str, Any]) -> str:
    lines = [f"{_key(name)} = {_value(value)}" for name, value in values.items() if value not in ({}, [])]
    return "\n".join(["[[design]]", *lines, ""])


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)  # also inf
    return json.dumps(value)  # whole numbers, true and false, text in quotes
