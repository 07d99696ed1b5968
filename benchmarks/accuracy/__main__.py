"""`python -m benchmarks.accuracy`: results in benchmarks/results/accuracy.{json,md}, and the README's table from them.

Peers are installed into the working directory, each in an environment of its own; one that cannot be installed is
named in the report with pip's reason. ``--write`` keeps the results; without it they are printed only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.accuracy import peers, report
from benchmarks.accuracy.compare import Compared, compare
from benchmarks.accuracy.golden import check
from benchmarks.accuracy.verdicts import meanings
from benchmarks.measure import DISTRIBUTIONS, machine
from benchmarks.readme import write_block
from tests.golden.cases import golden_files
from tests.releases import final_models, maps_with_numbers

ROOT = Path(__file__).resolve().parents[2]
RESULTS, BLOCK = ROOT / "benchmarks" / "results", "accuracy"
WORK, MEMBERS = ROOT / "build" / "accuracy", 1000


def measure(work: Path, *, n_members: int, releases: str, with_peers: bool) -> dict[str, Any]:
    """Score everything with everybody."""
    contestants, missing = install(work) if with_peers else ({}, {"peers": "left out by --no-peers"})
    places = [place for place in final_models() if fnmatch(place, releases)]
    golden = [item for file in golden_files() if file.place in places for item in check(file)]
    compared: list[Compared] = []
    for place in places:
        progress(place)
        with tempfile.TemporaryDirectory() as directory:
            compared += compare(place, contestants, n_members, maps_with_numbers(place, Path(directory)))
    return {
        "machine": machine(DISTRIBUTIONS),
        "members": n_members,
        "missing": missing,
        "golden": [asdict(item) for item in golden],
        "compared": [as_result(item) for item in compared],
        "causes": meanings(compared),
    }


def install(work: Path) -> tuple[dict[peers.Peer, Path], dict[str, str]]:
    """Return the interpreters of the peers that are there, and why the others are not."""
    found, missing = {}, {}
    for peer in peers.PEERS:
        progress(f"installing {peer.title}")
        try:
            found[peer] = peers.environment(peer, work)
        except peers.PeerMissingError as error:
            missing[peer.title] = str(error)
    return found, missing


def as_result(item: Compared) -> dict[str, Any]:
    """Return a comparison as plain values."""
    counts = {"compared": item.compared, "differ": item.differ, "unexplained": item.unexplained}
    return {"place": item.place, "against": item.against, "population": item.population, **counts}


def write(results: dict[str, Any]) -> None:
    """Write the results, and the README's table from them."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "accuracy.md").write_text(report.markdown(results), encoding="utf-8")
    write_block(BLOCK, report.readme(results))


def progress(text: str) -> None:
    """Say on stderr what is under way."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run, print, and write if asked; 1 if the engine and the naive scorer differ, or a difference is unexplained."""
    parser = argparse.ArgumentParser(prog="benchmarks.accuracy", description=__doc__)
    parser.add_argument("--members", type=int, default=MEMBERS, help="random members of each release")
    parser.add_argument("--releases", default="*", help="pattern of program/year/model")
    parser.add_argument("--no-peers", action="store_true", help="the cases and the naive scorer alone")
    parser.add_argument("--work", type=Path, default=WORK, help="where peers are installed")
    parser.add_argument(
        "--write", action="store_true", help="write benchmarks/results and the README's table"
    )
    options = parser.parse_args()
    results = measure(
        options.work, n_members=options.members, releases=options.releases, with_peers=not options.no_peers
    )
    print(report.markdown(results))
    if options.write:
        write(results)
    return int(any(item["unexplained"] for item in results["compared"]))


if __name__ == "__main__":
    sys.exit(main())
