"""Is this commit faster than that one? `python -m benchmarks.compare --base main~1 --head HEAD`

Both are checked out as git worktrees and score the same extract in turn, round after round; the ratio of each round is
head to base, so that what else the machine does falls on both. Without ``--head`` the files as they stand are judged.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks import population
from benchmarks.measure import ROOT, Child, Runs, processors
from benchmarks.options import add_options, working_directory
from benchmarks.workload import Workload
from riskadj import load_payment_year


@contextmanager
def checkout(revision: str | None, directory: Path) -> Iterator[Path]:
    """Yield a directory with the files of a revision; None: those that stand."""
    if revision is None:
        yield ROOT
        return
    git("worktree", "add", "--detach", "--force", str(directory), revision)
    try:
        yield directory
    finally:
        git("worktree", "remove", "--force", str(directory))


def git(*arguments: str) -> None:
    """Run git in the repository."""
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


def measure(base: Child, head: Child, work: Workload, rounds: int) -> tuple[Runs, Runs]:
    """Call both in turn, first and second place changing."""
    works = {
        child: replace(work, output=f"{work.output}-{place}") for place, child in enumerate((base, head))
    }
    for place in range(rounds + 1):
        for child in (base, head) if place % 2 else (head, base):
            child.call(works[child])
    return base.runs, head.runs


def show(base: Runs, head: Runs) -> None:
    """Print seconds, ratio and phases."""
    ratios = [ours / theirs for ours, theirs in zip(head.seconds, base.seconds, strict=True)]
    print(f"base {base.median_seconds:.3f} s, head {head.median_seconds:.3f} s, medians of {len(ratios)}")
    print(f"head / base {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")
    for phase in head.returned[0]:
        seconds = [
            statistics.median(found.get(phase, 0.0) for found in runs.returned) for runs in (base, head)
        ]
        print(f"  {phase}: {seconds[0]:.3f} -> {seconds[1]:.3f}")
    for name, runs in (("base", base), ("head", head)):
        if runs.peak_anonymous_bytes is not None:
            print(f"  peak anonymous memory, {name}: {runs.peak_anonymous_bytes / 1e6:.0f} MB")


def main() -> None:
    """Compare two revisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--base", required=True, help="revision to compare with")
    parser.add_argument("--head", help="revision to judge; default: the files as they stand")
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--order", choices=["random", "member"], default="random")
    options = parser.parse_args()
    payment_year = options.payment_year or population.year_of_two_models()
    year = load_payment_year(population.PROGRAM, payment_year)
    with ExitStack() as stack:
        directory = stack.enter_context(working_directory(options.work))
        extracts = population.make_extracts(
            directory, members=options.members, order=options.order, service_year=year.collection[0].year
        )
        work = Workload(
            enrollment=str(extracts / "enrollment.parquet"),
            diagnoses=str(extracts / "diagnoses.parquet"),
            output=str(directory / "compared"),
            payment_year=payment_year,
            diagnosis_filter=options.diagnosis_filter,
            diagnosis_columns=population.diagnosis_columns(year, options.diagnosis_filter),
            threads=processors(),
        )
        places = [
            stack.enter_context(checkout(revision, directory / name))
            for name, revision in (("base", options.base), ("head", options.head))
        ]
        children = []
        for place in places:
            with Child("riskadj", threads=work.threads, riskadj_from=place) as compiles:
                compiles.call(work)
            children.append(stack.enter_context(Child("riskadj", threads=work.threads, riskadj_from=place)))
        show(*measure(children[0], children[1], work, options.rounds))


if __name__ == "__main__":
    main()
