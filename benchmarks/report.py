"""Results as one markdown table: what was measured, the figure, the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.peers import CONTESTANTS

MAX_TIMES_DECODE = {"random": "<= 1.8", "member": "<= 1.7"}
ORDERS = {"random": "random order", "member": "sorted by member"}
MIN_TIMES_PEER = ">= 3.3"
MIN_TIMES_HCCINFHIR = ">= 150"
#: What hccinfhir is asked to do, per member and model.
HCCINFHIR = {
    "from claim lines": "riskadj_times_faster",
    "from codes filtered beforehand": "riskadj_times_faster_from_codes",
}
MAX_SECONDS = {"import riskadj": "<= 1", "riskadj --help": "<= 0.5", "first score": "<= 3"}
SMALL_POPULATION, MAX_SECONDS_SMALL = 100_000, "<= 0.3"
MEMORY_BASE_MB, MEMORY_PER_MILLION_MB = 200, 120

Row = tuple[str, str, str]


def markdown(results: dict[str, Any]) -> str:
    """Return the whole report."""
    lines = [heading(results["machine"]), ""]
    lines += [*table(("what", "measured", "target"), list(rows(results))), ""]
    for item in results["end_to_end"]:
        lines += [*contestants_table(item), ""]
    lines += notes(results)
    return "\n".join(lines).rstrip() + "\n"


def heading(machine: dict[str, Any]) -> str:
    """Return where and when, in one sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"Measured on {machine['date']}: {machine['processors']} processors ({machine['processor']}), "
        f"{machine['system']}, Python {machine['python']}, {versions}."
    )


def table(header: tuple[str, ...], body: list[Row] | list[list[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in body]


def rows(results: dict[str, Any]) -> Iterator[Row]:
    """Yield the rows of the table that has targets."""
    for item in results["end_to_end"]:
        yield from rows_of_population(item)
    yield from rows_of_memory(results["memory"])
    for name, seconds in results["startup"]["seconds"].items():
        yield (
            f"fresh process: {name}",
            f"{seconds:.2f} s",
            MAX_SECONDS.get(name, "") + (" s" * (name in MAX_SECONDS)),
        )


def rows_of_population(item: dict[str, Any]) -> Iterator[Row]:
    """Yield what one population says of riskadj."""
    ours, order = item["contestants"]["riskadj"], ORDERS[item["order"]]
    name = f"{item['members']:,} members, {order}"
    for contestant, manner in (("riskadj", ""), ("riskadj_light", ", --no-lists")):
        if contestant in item["contestants"]:
            yield from rows_of_speed(item, contestant, f"{name}{manner}")
    for title, key in HCCINFHIR.items() if "hccinfhir" in item else ():
        ratio = item["hccinfhir"][key]
        yield f"{name}: times faster than hccinfhir {title}", f"{ratio:,.0f}", MIN_TIMES_HCCINFHIR
    if ours["peak_anonymous_mb"] is not None:
        limit = MEMORY_BASE_MB + MEMORY_PER_MILLION_MB * item["members"] / 1e6
        yield f"{name}: peak anonymous memory", f"{ours['peak_anonymous_mb']:.0f} MB", f"<= {limit:.0f} MB"


def rows_of_speed(item: dict[str, Any], contestant: str, name: str) -> Iterator[Row]:
    """Yield how fast one manner of riskadj is beside a bare decode and the peers."""
    ours = item["contestants"][contestant]
    yield f"{name}: times a bare decode", f"{ours['times_decode']:.2f}", MAX_TIMES_DECODE[item["order"]]
    for peer in ("duckdb", "polars"):
        if peer in item["contestants"]:
            ratio = item["contestants"][peer]["warm_seconds"] / ours["warm_seconds"]
            yield f"{name}: times faster than {CONTESTANTS[peer].title}", f"{ratio:.2f}", MIN_TIMES_PEER
    if item["members"] == SMALL_POPULATION:
        yield f"{name}: warm process", f"{ours['warm_seconds']:.2f} s", f"{MAX_SECONDS_SMALL} s"


def rows_of_memory(memory: dict[str, Any]) -> Iterator[Row]:
    """Yield peak memory with ever more diagnosis rows."""
    for found in memory["runs"]:
        if found["peak_anonymous_mb"] is not None:
            name = f"{memory['members']:,} members, {found['diagnosis_rows']:,} diagnosis rows: peak anonymous memory"
            yield name, f"{found['peak_anonymous_mb']:.0f} MB", "the same for any number of rows"


def contestants_table(item: dict[str, Any]) -> list[str]:
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
            "" if found["peak_anonymous_mb"] is None else f"{found['peak_anonymous_mb']:.0f}",
            f"{found['max_rss_mb']:.0f}",
        ]
        for name, found in item["contestants"].items()
    ]
    header = ("contestant", "warm s", "x decode", "cold s", "peak anonymous MB", "max RSS MB")
    lines = [title, "", *table(header, body), ""]
    seconds = ", ".join(f"{name} {value:.3f}" for name, value in item["riskadj_phases"].items())
    return [*lines, f"riskadj by phase, s: {seconds}."]


def notes(results: dict[str, Any]) -> list[str]:
    """Return what a reader has to know of the figures."""
    first = results["end_to_end"][0]
    lines = [
        f"Warm: median of {first['rounds']} interleaved calls. Cold: first call of a fresh process, imports included; "
        "kernels compiled, files in the file cache. "
        f"Decode: {', '.join(first['columns_decoded'])} of the diagnoses, with as many threads as processors.",
        "riskadj also writes every row's lists of HCCs and variables, which the peers do not; with --no-lists it "
        "writes what they write.",
    ]
    for name, compared in first["rows_compared"].items():
        lines.append(f"{CONTESTANTS[name].title}: all {compared:,} rows gave the same scores before timing.")
    if "hccinfhir" in first:
        lines += notes_of_hccinfhir(first["hccinfhir"])
    if first["skipped"]:
        lines.append(f"Skipped, not installed: {', '.join(first['skipped'])}.")
    return [line for note in lines for line in (f"- {note}",)]


def notes_of_hccinfhir(found: dict[str, Any]) -> list[str]:
    """Return what hccinfhir was asked, how fast it was, and how many of its scores are ours."""
    return [
        f"hccinfhir ({found['model_id']}), scoring alone, nothing read or written: "
        f"{found['members_per_second']:,.0f} members/s from claim lines, which it filters, "
        f"{found['members_per_second_from_codes']:,.0f} from codes filtered beforehand.",
        f"Of hccinfhir's {found['sample']:,} members {found['equal_raw_scores']:,} have the same raw score "
        f"({found['equal_raw_scores_from_lines']:,} from lines), {found['unequal_other_hccs']:,} other HCCs, "
        f"{found['unequal_same_hccs']:,} the same HCCs and another score.",
    ]
