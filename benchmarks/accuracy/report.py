"""Results as markdown: the tables of the README, and every comparison with the causes of its differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.report import table

Result = dict[str, Any]


def readme(results: Result) -> str:
    """Return the block of the README: cases, then random members."""
    return "\n".join((*golden_table(results), "", *summary_table(results), "", *notes(results)))


def markdown(results: Result) -> str:
    """Return the whole report."""
    lines = ["# Accuracy", "", heading(results), "", *golden_table(results), "", *summary_table(results), ""]
    lines += [*notes(results), "", "## Every release", "", *release_table(results), ""]
    lines += ["## Why scores differ", "", *cause_intro(), "", *cause_table(results)]
    return "\n".join(lines).rstrip() + "\n"


def heading(results: Result) -> str:
    """Return when and with what."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"Made by `make accuracy` on {machine['date']}: Python {machine['python']}, {versions}; "
        f"{results['members']:,} random members of each release."
    )


# --- cases -----------------------------------------------------------------------------------------------------------


def golden_table(results: Result) -> list[str]:
    """Return the cases of each model, with the years of a file that holds for several in one row."""
    groups: dict[tuple[str, str, int], list[Result]] = defaultdict(list)
    for item in results["golden"]:
        if item["scorer"] == "riskadj":
            groups[item["place"].split("/")[2], item["against"], item["cases"]].append(item)
    naive_too = {item["place"]: item["differ"] for item in results["golden"] if item["scorer"] != "riskadj"}
    body = []
    for (model_id, against, cases), items in groups.items():
        differ = sum(item["differ"] for item in items)
        worst = max(item["largest"] for item in items)
        said = f"{differ}, by at most {worst:.3f}" if differ else "0"
        naive_said = sum(naive_too[item["place"]] for item in items)
        years = years_of([item["place"] for item in items])
        body.append(
            [model_id, years, against, f"{cases * len(items):,}", said, str(naive_said) if differ else "0"]
        )
    header = ("model", "year", "cases of", "cases", "differ", "naive scorer differs")
    return table(header, sorted(body, key=lambda row: (row[0], row[1])))


def years_of(places: Sequence[str]) -> str:
    """Return the years of several releases: 2026, 2020-2025."""
    years = sorted(int(place.split("/")[1][2:]) for place in places)
    if len(years) > 1 and years[-1] - years[0] == len(years) - 1:
        return f"{years[0]}-{years[-1]}"
    return ", ".join(map(str, years))


# --- random members --------------------------------------------------------------------------------------------------


def summary_table(results: Result) -> list[str]:
    """Return one row for each scorer: all releases together."""
    body = []
    for against in dict.fromkeys(item["against"] for item in results["compared"]):
        items = [item for item in results["compared"] if item["against"] == against]
        differ, unexplained = (sum(item[name] for item in items) for name in ("differ", "unexplained"))
        compared = sum(item["compared"] for item in items)
        body.append(
            [
                against,
                str(len({item["place"] for item in items})),
                f"{compared:,}",
                f"{compared - differ:,}",
                f"{differ:,}",
                f"{unexplained:,}",
            ]
        )
    return table(("against", "releases", "scores", "equal", "differ", "unexplained"), body)


def release_table(results: Result) -> list[str]:
    """Return one row for each release, scorer and population."""
    body = [
        [
            *item["place"].split("/")[1:],
            item["against"],
            item["population"],
            f"{item['compared']:,}",
            f"{item['compared'] - item['differ']:,}",
            f"{item['differ']:,}",
            f"{item['unexplained']:,}",
        ]
        for item in results["compared"]
    ]
    header = ("year", "model", "against", "population", "scores", "equal", "differ", "unexplained")
    return table(header, body)


def notes(results: Result) -> list[str]:
    """Return what a reader has to know of the tables."""
    lines = [
        "Random members: every status, ages from 0 to 110, codes with conditions as often as all others. The naive "
        "scorer is compared in all segments with scores, HCCs and variables; others in the segment that pays, on "
        "random members and on the cases above, with raw scores to the thousandth and HCCs where they tell them.",
        "A difference is explained when scoring again reproduces it: each code alone, the member without the codes "
        "that are read differently, then HCCs and factors one by one.",
    ]
    lines += [f"Not compared: {name} ({reason})." for name, reason in results["missing"].items()]
    return [f"- {line}" for line in lines]


# --- causes ----------------------------------------------------------------------------------------------------------


def cause_intro() -> list[str]:
    """Return how the table of causes is to be read."""
    return [
        "A difference may have several causes. The cause is found by scoring again; what it means is a judgement, with "
        "what it rests on. Examples are the codes, HCCs or factors that most differences of the row have."
    ]


def cause_table(results: Result) -> list[str]:
    """Return, for each peer and meaning, how many differences it is behind, and examples."""
    header = ("scorer", "cause", "scores", "releases", "examples", "what it means")
    return table(header, list(cause_rows(results)))


def cause_rows(results: Result) -> Iterator[list[str]]:
    """Yield the rows of the table of causes, the most frequent of each scorer first."""
    for item in results["causes"]:
        named = ", ".join(f"`{name}`" for name in item["examples"])
        meaning = item["meaning"] or "not judged"
        yield [
            item["against"], item["kind"], f"{item['scores']:,}", str(item["releases"]), named, meaning,
        ]  # fmt: skip
