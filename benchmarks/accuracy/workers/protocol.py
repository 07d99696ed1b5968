"""What a worker reads and writes: one JSON document each way.

In: settings, and members as dicts of plain values. Out: for each member the raw score, the HCCs left after hierarchies
(None where the peer does not tell them) and the factors that it added, by name; or that the peer has no such segment;
or the name of the error it raised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Member = dict[str, Any]
Answer = dict[str, Any]
#: None: the peer has no such segment.
Scorer = Callable[[Member], Answer | None]


def answer(raw: float, hccs: list[str] | None, factors: dict[str, float]) -> Answer:
    """Return one member's answer; factors of 0 say nothing."""
    kept = {name: round(float(value), 6) for name, value in factors.items() if value}
    return {
        "raw": round(float(raw), 6),
        "hccs": None if hccs is None else sorted(set(hccs)),
        "factors": kept,
    }


def serve(make_scorer: Callable[[dict[str, Any]], Scorer]) -> None:
    """Answer the request that stands on standard input."""
    request = json.load(sys.stdin)
    scorer = make_scorer(request["settings"])
    json.dump([_answer(scorer, member) for member in request["members"]], sys.stdout)


def _answer(scorer: Scorer, member: Member) -> Answer:
    try:
        return scorer(member) or {"absent": True}
    except Exception as error:  # noqa: BLE001  whatever a peer raises is its answer
        return {"error": f"{type(error).__name__}: {str(error)[:60]}"}
