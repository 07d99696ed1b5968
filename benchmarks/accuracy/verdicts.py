"""What the causes mean, and what speaks for which side: the first row of verdicts.csv that fits.

A cause says mechanically what differs. A verdict is our judgement; it names what it rests on. A difference whose cause
has no verdict there is shown as not judged.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.accuracy.causes import Cause
from benchmarks.accuracy.compare import Compared

#: How many codes, HCCs or factors of a meaning are named.
N_NAMED = 4

with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    #: peer and release, as file-name patterns; kind of cause, blank: any; pattern of its detail; what it means.
    VERDICTS = tuple(csv.DictReader(_file))


def verdict_of(peer: str, place: str, cause: Cause) -> str:
    """Return what a cause means; '' where nobody has judged it."""
    for row in VERDICTS:
        fits = (
            fnmatch(peer, row["peer"]) and fnmatch(place, row["release"]) and row["kind"] in ("", cause.kind)
        )
        if fits and re.search(row["detail"], cause.detail):
            return row["meaning"]
    return ""


def meanings(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return how many scores each meaning is behind, for each scorer, the most frequent first."""
    details: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    scores: Counter[tuple[str, str, str]] = Counter()
    places: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in compared:
        peer = item.against.split(" ")[0]
        for group, count in item.explained.items():
            said = {cause: (item.against, cause.kind, verdict_of(peer, item.place, cause)) for cause in group}
            scores.update(dict.fromkeys(said.values(), count))
            for cause, key in said.items():
                details[key][cause.detail] += count
                places[key].add(item.place)
    order = list(dict.fromkeys(item.against for item in compared))
    return [
        {
            "against": key[0],
            "kind": key[1],
            "meaning": key[2],
            "scores": scores[key],
            "releases": len(places[key]),
            "examples": [name for name, _ in details[key].most_common(N_NAMED) if name],
        }
        for key in sorted(details, key=lambda key: (order.index(key[0]), -scores[key], key))
    ]
