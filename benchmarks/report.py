"""Results as markdown: the block of the README, and the whole report with the seconds behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.peers import CONTESTANTS

Result = dict[str, Any]
Row = tuple[str, str, str]

ORDERS = {"random": "random", "member": "sorted by member"}
MANNERS = {"riskadj": "everything", "riskadj_light": "--no-lists"}
PEERS = ("duckdb", "polars")
#: What hccinfhir is asked to do, per member and model.
HCCINFHIR = {
    "from claim lines": "riskadj_times_faster",
    "from codes filtered beforehand": "riskadj_times_faster_from_codes",
}
TARGETS = (
    "**target**", "", "", "<= 0.3 (100,000)", "<= 1.8, sorted 1.7",
    *(">= 3.3" for _ in PEERS), *(">= 150" for _ in HCCINFHIR), "<= 200 + 120 a million",
)  # fmt: skip
MAX_SECONDS = {"import riskadj": "<= 1 s", "riskadj --help": "<= 0.5 s", "first score": "<= 3 s"}
MAX_TIMES_SCORING, MAX_TIMES_MEDICARE, MANY_DESIGNS = "<= 2 x", "<= 1.5 x", "< 1 x"
#: What many designs in one pass are compared with.
ONE_BY_ONE = {"times_one_by_one_kept": ", all results kept", "times_one_by_one": ", each result thrown away"}
MIN_MILLION_LINES = {
    "deductible, coinsurance, maximum": ">= 80",
    "embedded family limits and copays": ">= 25",
}


def markdown(results: Result, scale: Result) -> str:
    """Return the whole report."""
    lines = ["# Speed", "", readme(results, scale), "", "## The seconds behind it", ""]
    for item in results["end_to_end"]:
        lines += [*contestants_table(item), ""]
    return "\n".join(lines).rstrip() + "\n"


def readme(results: Result, scale: Result) -> str:
    """Return the block of the README: where and when, every population, everything else, notes."""
    lines = [heading(results["machine"]), "", *populations_table(results["end_to_end"]), ""]
    lines += [*table(("what else", "measured", "target"), list(figures(results))), ""]
    return "\n".join([*lines, *(f"- {note}" for note in (*notes(results), note_of_scale(scale)))])


def heading(machine: Result) -> str:
    """Return where and when, in one sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"Measured on {machine['date']}: {machine['processors']} processors ({machine['processor']}), "
        f"{machine['system']}, Python {machine['python']}, {versions}."
    )


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in body]


# --- from Parquet to scores ------------------------------------------------------------------------------------------


def populations_table(items: Sequence[Result]) -> list[str]:
    """Return how fast riskadj is on each population, with every list and without, and below it the targets."""
    header = (
        "members", "rows are", "riskadj writes", "seconds", "times a bare decode",
        *(f"times faster than {CONTESTANTS[peer].title}" for peer in PEERS),
        *(f"than hccinfhir {manner}" for manner in HCCINFHIR), "peak memory, MB",
    )  # fmt: skip
    body = [
        population_row(item, manner) for item in items for manner in MANNERS if manner in item["contestants"]
    ]
    return table(header, [*body, TARGETS])


def population_row(item: Result, manner: str) -> list[str]:
    """Return what one population says of one manner of riskadj; blank where a peer is not installed."""
    found = item["contestants"]
    ours = found[manner]
    peers = [
        ratio(found[peer]["warm_seconds"], ours["warm_seconds"]) if peer in found else "" for peer in PEERS
    ]
    asked = item.get("hccinfhir", {}) if manner == "riskadj" else {}
    return [
        f"{item['members']:,}", ORDERS[item["order"]], MANNERS[manner], f"{ours['warm_seconds']:.2f}",
        f"{ours['times_decode']:.2f}", *peers,
        *(f"{asked[key]:,.0f}" if asked else "" for key in HCCINFHIR.values()), megabytes(ours["peak_anonymous_mb"]),
    ]  # fmt: skip


def ratio(seconds: float, of: float) -> str:
    """Return how many times longer."""
    return f"{seconds / of:.2f}"


def megabytes(found: float | None) -> str:
    """Return a peak, blank where the system does not tell."""
    return "" if found is None else f"{found:.0f}"


def contestants_table(item: Result) -> list[str]:
    """Return the table of every contestant on one population."""
    title = (
        f"{item['members']:,} members ({item['enrollment_rows']:,} enrollment rows), {item['diagnosis_rows']:,} "
        f"diagnosis rows, {ORDERS[item['order']]}, payment year {item['payment_year']}, "
        f"claim filter {item['diagnosis_filter']}:"
    )
    body = [
        [
            CONTESTANTS[name].title,
            f"{found['warm_seconds']:.3f}",
            f"{found['times_decode']:.2f}",
            f"{found['cold_seconds']:.2f}",
            megabytes(found["peak_anonymous_mb"]),
            f"{found['max_rss_mb']:.0f}",
        ]
        for name, found in item["contestants"].items()
    ]
    header = ("contestant", "warm s", "x decode", "cold s", "peak anonymous MB", "max RSS MB")
    lines = [title, "", *table(header, body), ""]
    seconds = ", ".join(f"{name} {value:.3f}" for name, value in item["riskadj_phases"].items())
    return [*lines, f"riskadj by phase, s: {seconds}."]


# --- everything else -------------------------------------------------------------------------------------------------


def figures(results: Result) -> Iterator[Row]:
    """Yield every other figure with its target."""
    yield from memory_figures(results["memory"])
    for name, seconds in results["startup"]["seconds"].items():
        yield f"fresh process: {name}", f"{seconds:.2f} s", MAX_SECONDS.get(name, "")
    marginal = results["marginal"]
    for name, found in marginal["times_scoring"].items():
        yield f"{name}, {marginal['members']:,} members", f"{found:.2f} x scoring", MAX_TIMES_SCORING
    members = results["programs"]["members"]
    for name, found in results["programs"]["times_medicare"].items():
        yield f"program {name}, {members:,} members", f"{found:.2f} x Part C", MAX_TIMES_MEDICARE
    yield from adjudication_figures(results["adjudication"])
    draws = results["revenue_draws"]
    for name, found in draws["questions"].items():
        what = f"revenue of {draws['members']:,} members, {draws['months']} months, {draws['draws']:,} draws: {name}"
        yield what, f"{found['seconds']:.0f} s", "minutes"


def memory_figures(memory: Result) -> Iterator[Row]:
    """Yield peak memory with ever more diagnosis rows."""
    for found in memory["runs"]:
        what = f"peak memory, {memory['members']:,} members with {found['diagnosis_rows']:,} diagnosis rows"
        yield what, f"{megabytes(found['peak_anonymous_mb'])} MB", "the same for any number of rows"


def adjudication_figures(found: Result) -> Iterator[Row]:
    """Yield how many claim lines a second go through plan designs, and what many designs in one pass save."""
    yield f"reading {found['lines']:,} claim lines, put in order", f"{found['reading_seconds']:.1f} s", ""
    for name, question in found["questions"].items():
        speed = f"{question['million_line_designs_a_second']:.0f} million lines a second"
        yield f"adjudication: {name}", speed, MIN_MILLION_LINES.get(name, "")
        for key, manner in ONE_BY_ONE.items():
            if key in question:
                yield f"{name}, against one by one{manner}", f"{question[key]:.2f} x", MANY_DESIGNS


def notes(results: Result) -> list[str]:
    """Return what a reader has to know of the figures."""
    first = results["end_to_end"][0]
    lines = [
        f"Seconds: median of {first['rounds']} calls of a warm process, contestants in turn. Fresh process: kernels "
        f"compiled, files in the file cache. Decode: {', '.join(first['columns_decoded'])} of the diagnoses, with as "
        "many threads as processors. Memory: anonymous, at its peak.",
        "Everything: also every row's lists of HCCs and variables, which the peers do not write; with --no-lists "
        "riskadj writes what they write.",
    ]
    for name, compared in first["rows_compared"].items():
        lines.append(f"{CONTESTANTS[name].title}: all {compared:,} rows gave the same scores before timing.")
    if "hccinfhir" in first:
        lines += notes_of_hccinfhir(first["hccinfhir"])
    if first["skipped"]:
        lines.append(f"Skipped, not installed: {', '.join(first['skipped'])}.")
    return lines


def notes_of_hccinfhir(found: Result) -> list[str]:
    """Return what hccinfhir was asked, how fast it was, and how many of its scores are ours."""
    return [
        f"hccinfhir ({found['model_id']}), scoring alone, nothing read or written: "
        f"{found['members_per_second']:,.0f} members/s from claim lines, which it filters, "
        f"{found['members_per_second_from_codes']:,.0f} from codes filtered beforehand.",
        f"Of hccinfhir's {found['sample']:,} members {found['equal_raw_scores']:,} have the same raw score "
        f"({found['equal_raw_scores_from_lines']:,} from lines), {found['unequal_other_hccs']:,} other HCCs, "
        f"{found['unequal_same_hccs']:,} the same HCCs and another score.",
    ]


def note_of_scale(measured: Result) -> str:
    """Return what members too many for memory took; measured apart, because it takes disk and time."""
    machine, found = measured["machine"], measured["scale"]
    return (
        f"{found['members']:,} members ({found['diagnosis_rows']:,} diagnosis rows) under `--memory {found['memory']}` "
        f"took {found['seconds']:,.0f} s and {megabytes(found['peak_anonymous_mb'])} MB ({machine['date']}, riskadj "
        f"{machine['versions']['riskadj']}); rerun with `python -m benchmarks.scale --members {found['members']}`."
    )
