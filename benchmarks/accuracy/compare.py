"""One release: the engine against the naive scorer on all segments, and against a peer in the segment that pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy import causes, peers
from benchmarks.accuracy.causes import Cause
from benchmarks.accuracy.golden import golden_people
from benchmarks.accuracy.population import Person, engine_rows, make_members, make_people
from tests import naive
from tests.golden.cases import golden_files
from tests.members import REAL_MAPS, Member, engine_model_row, naive_model_row

RANDOM, CASES = "random members", "cases"


@dataclass(frozen=True)
class Compared:
    """How many scores of one release were compared, how many differ, and why."""

    place: str
    against: str
    population: str
    compared: int
    differ: int
    #: How many differences have each set of causes; the empty set is unexplained.
    explained: dict[tuple[Cause, ...], int]

    @property
    def unexplained(self) -> int:
        """Differences without a cause."""
        return self.explained.get((), 0)


def with_naive(place: str, members: list[Member], rows: Sequence[dict[str, Any]], maps: Path) -> Compared:
    """Compare every row of the engine with the naive scorer: scores, parts, HCCs, variables."""
    year_folder, model_id = (maps / place).parent, place.split("/")[2]
    of_member = {member.member_id: member for member in members}
    differ = sum(
        engine_model_row(row)
        != naive_model_row(year_folder, model_id, of_member[row["member_id"]], row["segment"], "default")
        for row in rows
    )
    if len(rows) != len(members) * len(naive.segments_of(maps / place)):
        raise AssertionError(f"{place}: {len(rows)} rows of {len(members)} members")
    return Compared(place, "naive scorer", RANDOM, len(rows), differ, {(): differ} if differ else {})


def with_peer(
    place: str, population: str, people: Sequence[Person], peer: peers.Peer, python: Path
) -> Compared:
    """Compare the engine's scores, which the naive scorer gives too, with a peer's."""
    model = naive.read_model(str(REAL_MAPS / place))

    def ask(asked: Sequence[Person]) -> list[peers.Answer]:
        return peers.ask(peer, python, place, [person.request for person in asked])

    answers = [
        (person, found) for person, found in zip(people, ask(people), strict=True) if "absent" not in found
    ]
    people, theirs = [person for person, _ in answers], [found for _, found in answers]
    ours = [causes.ours_of(model, person) for person in people]
    differing = [n for n, pair in enumerate(zip(ours, theirs, strict=True)) if not causes.same(*pair)]
    found = causes.explain(model, [people[n] for n in differing], [theirs[n] for n in differing], ask)
    explained = Counter(tuple(sorted(set(item), key=lambda c: (c.kind, c.detail))) for item in found)
    return Compared(place, peer.title, population, len(people), len(differing), dict(explained))


def compare(place: str, contestants: dict[peers.Peer, Path], n_members: int, maps: Path) -> list[Compared]:
    """Compare one release with everybody."""
    members = make_members(place, n_members)
    found = [with_naive(place, members, engine_rows(place, members, maps), maps)]
    populations = {RANDOM: make_people(place, members)}
    of_cases = [person for file in golden_files() if file.place == place for person in golden_people(file)]
    populations |= {CASES: of_cases} if of_cases else {}
    return found + [
        with_peer(place, population, people, peer, python)
        for peer, python in contestants.items()
        if place in peer.releases
        for population, people in populations.items()
    ]
