"""Money to the cent: amounts are whole cents, and a build-up in dollars ends on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.build_up import BuildUp
from pricing.inputs import Numbers
from pricing.rounding import round_cents
from pricing.rows import Integers

CENTS = 100


def to_cents(dollars: Any) -> Integers:
    """Return dollars as whole cents, halves away from zero: what one side is owed the other side owes."""
    amounts = np.asarray(dollars, np.float64)
    return np.asarray(np.rint(np.sign(amounts) * round_cents(np.abs(amounts)) * CENTS)).astype(np.int64)


def to_dollars(cents: Integers) -> Numbers:
    """Return whole cents as dollars."""
    return np.asarray(cents / CENTS, np.float64)


def closed(build_up: BuildUp, name: str) -> tuple[BuildUp, Integers]:
    """Return a build-up in dollars that ends on whole cents, with the level named; and those cents by label."""
    level = build_up.value
    cents = to_cents(level)
    rounded = build_up.add(f"{name}: to the cent", to_dollars(cents) - level, source="halves away from zero")
    return rounded.checkpoint(name), cents
