"""The summary of a scoring run, printed from the files that it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskadj.extracts.rejects import REASONS
from riskadj.results.scores import MODEL_SCORES, PAYMENT_SCORES
from riskadj.results.summary.summary import mean_payment_score, summarise_file
from riskadj.terminal import count, make_console, mean, print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console

#: Reason in run.json -> what it means.
FILTER_REASONS = {
    "claim_type_not_eligible": "claim type is not eligible",
    "bill_type_not_eligible": "bill type is not eligible",
    "no_eligible_procedure": "no eligible procedure on the row",
    "record_source_excluded": "record source does not count (unlinked chart review)",
}
_SCORES = ("mean_demographic_score", "mean_disease_score", "mean_raw_risk_score", "mean_payment_risk_score")


def print_summary(output: Path, report: Mapping[str, Any]) -> None:
    """Print what a run read, used, rejected and scored.

    Parameters
    ----------
    output : Path
        The directory that the run wrote.
    report : mapping
        Its run report, as in run.json.
    """
    console = make_console()
    print_head(console, report)
    _print_counts(console, report["counts"])
    _print_scores(console, output)
    print_notes(console, report)
    print_written(console, output, seconds=sum(report["seconds"].values()))


def print_head(console: Console, report: Mapping[str, Any]) -> None:
    """Print year, program and size of the population that a run scored."""
    enrollment = report["counts"]["enrollment"]
    sizes = [count(enrollment[name]) for name in ("rows_used", "members", "months_enrolled")]
    head = f"Payment year {report['payment_year']}, {report['program']}: "
    head += f"{sizes[0]} enrollment rows of {sizes[1]} members, {sizes[2]} member months"
    print_line(console, head, style="bold")
    console.print()


def print_notes(console: Console, report: Mapping[str, Any], more: Sequence[str] = ()) -> None:
    """Print which numbers of a run are not verified, its notes, and notes of a question asked of it."""
    if report["unverified"]:
        said = "; ".join(_each_once(report["unverified"]))
        print_line(console, f"not verified in an official document: {said}", hanging=2)
    for note in (*report["notes"], *more):
        print_line(console, f"note: {note}", hanging=2)


def _each_once(unverified: Sequence[str]) -> list[str]:
    """Return numbers of one name behind it, each once: ``cost_sharing of hhs_hcc_v08: 1.00, 1.07``."""
    values: dict[str, dict[str, None]] = {}
    for said in unverified:
        name, _, value = said.partition(": ")
        values.setdefault(name, {})[value] = None
    return [": ".join(filter(None, (name, ", ".join(filter(None, each))))) for name, each in values.items()]


def print_written(console: Console, output: Path, *, seconds: float | None = None) -> None:
    """Print where results were written, and their files."""
    took = "" if seconds is None else f" in {seconds:.1f} s"
    files = ", ".join(sorted(path.name for path in output.iterdir()))
    print_line(console, f"written to {output}{took}: {files}", hanging=2)


def _print_counts(console: Console, counts: Mapping[str, Any]) -> None:
    kinds = ("rows_read", "rows_used", "rows_rejected")
    extracts = [
        (role, *(count(counts[role][kind]) for kind in kinds), count(len(counts[role]["files"])))
        for role in ("enrollment", "diagnoses", "drugs")
        if role in counts
    ]
    headings = ("extract", "rows read", "rows used", "rows rejected", "files")
    print_table(console, headings, extracts, justify="lrrrr")
    rows, codes = counts["diagnoses"], counts["codes"]
    print_table(
        console,
        ("diagnosis rows used", "rows", "different codes"),
        [
            ("code has an HCC", count(rows["rows_mapped"]), count(codes["mapped"])),
            ("valid code without an HCC", count(rows["rows_unmapped"]), count(codes["unmapped"])),
            ("unknown code", count(rows["rows_unknown"]), count(codes["unknown"])),
            ("outside the collection window", count(rows["rows_outside_collection"]), ""),
            ("excluded by the claim filter", count(rows["rows_filtered"]), ""),
        ],
        justify="lrr",
    )
    _print_filtered(console, rows["filtered"])
    if counts["rejects"]:
        rejected = [(REASONS[reason], count(n_rows)) for reason, n_rows in counts["rejects"].items()]
        print_table(console, ("rejected because", "rows"), rejected, justify="lr")


def _print_filtered(console: Console, filtered: Mapping[str, Mapping[str, int]]) -> None:
    """Print why the claim filter left diagnosis rows out, by claim type."""
    if not filtered:
        return
    kinds = list(dict.fromkeys(kind for of_reason in filtered.values() for kind in of_reason))
    table = [
        (FILTER_REASONS[reason], *(count(rows.get(kind, 0)) for kind in kinds), count(sum(rows.values())))
        for reason, rows in filtered.items()
    ]
    headings = ("excluded because", *kinds, "rows")
    print_table(console, headings, table, justify="l" + "r" * (len(kinds) + 1))


def _print_scores(console: Console, output: Path) -> None:
    rows = list(_score_rows(output))
    totals = [number for number, row in enumerate(rows) if row[1] in ("all", "")]
    headings = (
        "model (means by months)",
        "segment",
        "rows",
        "member months",
        "demographic",
        "disease",
        "raw",
        "payment",
    )
    print_table(console, headings, rows, justify="llrrrrrr", bold_rows=totals)


def _score_rows(output: Path) -> Iterator[tuple[str, ...]]:
    for row in summarise_file(output / MODEL_SCORES).to_pylist():
        sizes = (count(row["rows"]), count(row["member_months"]))
        yield (row["model_id"], row["segment"], *sizes, *(mean(row[name]) for name in _SCORES))
    n_rows, months, score = mean_payment_score(output / PAYMENT_SCORES)
    yield ("as paid (blended)", "", count(n_rows), count(months), "", "", "", mean(score))
