"""What to know of plan designs on claims: amounts that look wrong, services nobody used, care that is not covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pricing.benefits.claims import Claims
from pricing.benefits.design import PlanDesign

_OUT = 2
_MOST_NAMED = 3


def notes_on(claims: Claims, designs: Sequence[PlanDesign]) -> tuple[str, ...]:
    """Return what to know of designs on claims, in words."""
    return (*claims.warnings, *_unused_services(claims, designs), *_not_covered(claims, designs))


def _unused_services(claims: Claims, designs: Sequence[PlanDesign]) -> Iterator[str]:
    known = set(claims.service_names)
    for design in designs:
        absent = [name for name in design.services if name not in known]
        if absent:
            yield f"plan design '{design.name}': no claim line is of {', '.join(absent)}"


def _not_covered(claims: Claims, designs: Sequence[PlanDesign]) -> Iterator[str]:
    """Say how much is out of the network, if a design has no terms for it: members pay that."""
    without = [f"'{design.name}'" for design in designs if design.out_of_network is None]
    allowed, outside = int(claims.allowed.sum()), int(claims.allowed[claims.tiers == _OUT].sum())
    if without and outside > 0:
        more = len(without) - _MOST_NAMED
        named = ", ".join(without[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
        yield (
            f"{outside / allowed:.1%} of allowed amounts is out of the network, which has no terms in {named}: not "
            "covered, members pay it; give out_of_network to cover it"
        )
