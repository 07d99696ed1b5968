"""Withholds and quality bonuses: money that a quality score earns."""

from __future__ import annotations

from pricing.build_up import BuildUp
from pricing.contracts.curves import value_at
from pricing.contracts.groups import Groups
from pricing.contracts.money import closed, to_dollars
from pricing.contracts.terms import QualityBonus, Withhold
from pricing.rows import Integers


def withhold_of(terms: Withhold, groups: Groups, *, source: str) -> tuple[BuildUp, Integers]:
    """Return what each group gets back of what was withheld from its claims, step by step; and its cents."""
    quality = groups.quality_for("the withhold")
    claims = BuildUp("withhold", unit="dollars", labels=groups.labels).start(
        "claims paid", to_dollars(groups.cents), source="amounts of the panel, not truncated"
    )
    withheld, _ = closed(claims.multiply("share withheld", terms.rate, source=source), "withheld")
    earned = withheld.multiply("earned by quality", value_at(terms.quality, quality), source=source)
    return closed(earned, "withhold returned")


def bonus_of(terms: QualityBonus, groups: Groups, *, source: str) -> tuple[BuildUp, Integers]:
    """Return the quality bonus of each group, step by step; and its cents."""
    quality = groups.quality_for("the quality bonus")
    months = BuildUp("quality bonus", unit="dollars", labels=groups.labels).start(
        "member months", groups.months, source="member months of the panel"
    )
    most = months.multiply("dollars per member and month", terms.pmpm, source=source)
    return closed(
        most.multiply("earned by quality", value_at(terms.quality, quality), source=source), "bonus earned"
    )
