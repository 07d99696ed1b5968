"""Bundles: what the episodes of each group came to, against their target price."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.build_up import BuildUp
from pricing.contracts.groups import Groups
from pricing.contracts.money import closed, to_cents, to_dollars
from pricing.contracts.sharing import share_steps
from pricing.contracts.terms import Bundle
from pricing.errors import InputError
from pricing.inputs import Column, Columns, read_columns
from pricing.rows import Integers, rows_in_words

_EPISODES = (
    Column("bundle", "text"),
    Column("provider_id", "text"),
    Column("counted_amount"),
    Column("risk_score", default=1.0, above=0),
)


def read_episodes(source: Any) -> Columns:
    """Return episodes, checked: bundle, provider_id, counted_amount [dollars], risk_score (absent: 1)."""
    return read_columns(source, _EPISODES, role="episodes")


def bundle_of(terms: Bundle, episodes: Columns, groups: Groups, *, source: str) -> tuple[BuildUp, Integers]:
    """Return the settlement of one bundle, step by step, and its cents; groups without episodes have 0.

    Raises
    ------
    InputError
        An episode is of a group that the settlement does not know.
    """
    rows = np.flatnonzero(episodes["bundle"] == terms.name)
    place_of = {label: number for number, label in enumerate(groups.labels)}
    place = np.array([place_of.get(name, -1) for name in episodes["provider_id"][rows]], np.int64)
    strange = np.zeros(episodes.n_rows, np.bool_)
    strange[rows[place < 0]] = True
    if strange.any():
        raise InputError(f"{episodes.label}: a group that is not in the panel in {rows_in_words(strange)}.")
    count = np.bincount(place, minlength=groups.n)
    cents = np.zeros(groups.n, np.int64)
    np.add.at(cents, place, to_cents(episodes["counted_amount"][rows]))
    score = np.bincount(place, weights=episodes["risk_score"][rows], minlength=groups.n) / np.maximum(
        count, 1
    )
    price = BuildUp(f"bundle {terms.name}", unit="dollars", labels=groups.labels).start(
        "episodes", count.astype(np.float64), source="episodes whose window is over"
    )
    price = price.multiply("target price", terms.target_price, source=source)
    if terms.is_risk_adjusted:
        price = price.multiply(
            "mean risk score", np.where(count > 0, score, 1.0), source="risk scores of the episodes"
        )
    if terms.discount:
        price = price.multiply("discount", 1 - terms.discount, source=source)
    target, target_cents = closed(price, "target")
    return _shared(
        terms,
        target.add("episode costs", -to_dollars(cents), source="counted amounts"),
        target_cents,
        groups,
        count,
        source,
    )


def _shared(
    terms: Bundle, gap: BuildUp, target_cents: Integers, groups: Groups, count: Integers, source: str
) -> tuple[BuildUp, Integers]:
    target = np.where(
        count > 0, to_dollars(target_cents), 1.0
    )  # no episodes: a gap of 0, whatever the target
    quality = groups.quality_for(f"bundle '{terms.name}'") if terms.sharing.quality else None
    revenue = None if groups.revenue is None else to_dollars(groups.revenue)
    ended, cents, _ = share_steps(
        gap.checkpoint("gap"), target, terms.sharing, members=count, quality=quality, revenue=revenue,
        source=source, name="bundle settlement",
    )  # fmt: skip
    return ended, cents
