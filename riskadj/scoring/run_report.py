"""The run report: which tables, which numbers, which options, and counts that add up."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from riskadj.scoring.capture import CaptureCounts
from riskadj.scoring.codes import CodeBook
from riskadj.scoring.eligible_diagnoses import tables_of_filter
from riskadj.scoring.payment_score import ModelNumbers
from riskadj.scoring.procedures import ProcedureList
from riskadj.scoring.run import ScoringRun
from riskadj.scoring.score_rows import ModelRun
from riskadj.tables.payment_year import ModelNumber, citation_of_collection


@cache
def library_version() -> str:
    """Return the version of riskadj that is installed."""
    try:
        return version("riskadj")
    except PackageNotFoundError:
        return "unknown (not installed)"


def run_report(run: ScoringRun) -> dict[str, Any]:
    """Return the report of a run as plain values, ready for JSON; no member's data is in it.

    Counts reconcile: in each extract ``rows_read == rows_used + rows_rejected``, and for diagnoses ``rows_used`` is the
    sum of rows outside the collection window, filtered, mapped, unmapped (valid code without an HCC) and unknown; the
    cells of ``filtered`` add up to ``rows_filtered``.
    """
    year, population = run.rules.year, run.population
    return {
        "riskadj_version": library_version(),
        "program": run.options.program,
        "payment_year": year.year,
        "payment_year_tables": {"folder": _folder(year.folder), "sha256": year.sha256},
        "age_as_of": year.age_as_of.isoformat(),
        "collection": [day.isoformat() for day in run.window],
        "collection_run": _collection_run(run),
        "months_counted_in": [day.isoformat() for day in population.enrollment.coverage],
        "options": _options(run),
        "models": [_model(run, model) for model in run.models],
        "unverified": _unverified(run),
        "counts": _counts(run),
        "notes": _notes(run),
        "seconds": {phase: round(seconds, 3) for phase, seconds in run.clock.seconds.items()},
    }


def _folder(path: Path) -> str:
    return "/".join(path.parts[-2:])


def _options(run: ScoringRun) -> dict[str, Any]:
    options = asdict(run.options)
    options["models"] = list(run.options.models) if run.options.models else None
    options["collection"] = (
        [day.isoformat() for day in run.options.collection] if run.options.collection else None
    )
    procedures = run.options.eligible_procedures
    options["eligible_procedures"] = None if procedures is None else _procedures(procedures)
    options["maps_dir"] = None if run.options.maps_dir is None else run.options.maps_dir.name
    return options


def _procedures(procedures: ProcedureList) -> dict[str, Any]:
    return {"name": procedures.name, "codes": len(procedures.codes), "sha256": procedures.sha256}


def _collection_run(run: ScoringRun) -> str | None:
    """Return the run of the year whose window counted; None where the caller gave dates."""
    return run.options.collection_run if run.options.collection is None else None


def _model(run: ScoringRun, model: ModelRun) -> dict[str, Any]:
    manifest = model.plan.model.manifest
    return {
        "model_id": manifest.id,
        "title": manifest.title,
        "folder": "/".join(manifest.path.parent.parts[-3:]),
        "status": manifest.status,
        "revision": manifest.revision,
        "hierarchy_manner": manifest.hierarchy_manner,
        "normalization": _values(model.normalization),
        "coding_intensity": _values(model.coding_intensity),
        "cost_sharing": _values(model.cost_sharing),
        "weights": {
            policy.name: str(weight)
            for policy, weight in zip(run.population.policies, model.weights, strict=False)
            if weight is not None
        },
        "sha256": model.plan.model.checksums,
    }


def _values(numbers: ModelNumbers) -> list[str]:
    return [str(entry.value) for entry in numbers.entries]


def _unverified(run: ScoringRun) -> list[str]:
    """Name every number of the run that was not checked in its official document."""
    year = run.rules.year
    used = citation_of_collection(run.options.collection_run)
    names = [
        name
        for name, citation in year.citations.items()
        if not citation.verified and (name == used or not name.startswith("collection"))
    ]
    for model in run.models:
        for kind, numbers in (
            ("normalization", model.normalization),
            ("coding_intensity", model.coding_intensity),
            ("cost_sharing", model.cost_sharing),
        ):
            names += [
                f"{kind} of {model.plan.model.id}{_of_segments(entry)}: {entry.value}"
                for entry in numbers.entries
                if not entry.citation.verified
            ]
    names += [f"policy {policy.name}" for policy in run.population.policies if not policy.citation.verified]
    return names + [name for name in tables_of_filter(run.options) if not year.tables[name].verified]


def _of_segments(entry: ModelNumber) -> str:
    """Return which segments a number is for, where it is not for all: a model may have several numbers."""
    if not entry.segments:
        return ""
    others = len(entry.segments) - 1
    return f", {entry.segments[0]}" + (f" and {others} other segment{'s' * (others > 1)}" if others else "")


def _counts(run: ScoringRun) -> dict[str, Any]:
    counts, rows = run.counts, run.population.enrollment
    return {
        "enrollment": {
            "files": list(run.extracts[0].files),
            "rows_read": rows.rows_read,
            "rows_used": len(rows.member_id),
            "rows_rejected": rows.rows_read - len(rows.member_id),
            "members": run.index.n_scored,
            "rows_outside_months_counted": rows.rows_outside_coverage,
            "months_enrolled": int(rows.months_enrolled.sum(dtype=np.int64)),
        },
        "diagnoses": _coded_counts(run.extracts[1].files, counts),
        **({"drugs": _coded_counts(run.drugs.extract.files, run.drugs.counts)} if run.drugs else {}),
        "codes": code_counts(run.book, counts),
        "rejects": run.rejects.counts(),
    }


def _coded_counts(files: tuple[str, ...], counts: CaptureCounts) -> dict[str, Any]:
    return {
        "files": list(files),
        "file_rows_read": counts.file_rows_read,
        "rows_read": counts.rows_read,
        "rows_used": counts.rows_used,
        "rows_rejected": counts.rows_rejected,
        "rows_outside_collection": counts.rows_outside_collection,
        "rows_filtered": counts.rows_filtered,
        "filtered": _filtered(counts),
        "rows_mapped": counts.rows_mapped,
        "rows_unmapped": counts.rows_unmapped,
        "rows_unknown": counts.rows_unknown,
    }


def _filtered(counts: CaptureCounts) -> dict[str, dict[str, int]]:
    """Return reason -> claim type -> rows that the claim filter left out; they add up to ``rows_filtered``."""
    found: dict[str, dict[str, int]] = {}
    for (reason, claim_type, _, _), n_rows in sorted(counts.filtered.items()):
        of_reason = found.setdefault(reason, {})
        name = claim_type or "missing"
        of_reason[name] = of_reason.get(name, 0) + n_rows
    return found


def filtered_table(counts: CaptureCounts) -> pa.Table:
    """Return the rows that do not count: reason, claim_type, bill_type, rows, rows_mapped.

    A blank claim or bill type is null, and so are all where no claim filter was asked for.
    """
    keys = sorted({key[:3] for key in counts.not_counted}, key=lambda key: [word or "" for word in key])
    mapped = [counts.not_counted[*key, True] for key in keys]
    rows = [counts.not_counted[*key, False] + n_mapped for key, n_mapped in zip(keys, mapped, strict=True)]
    words = {name: [key[position] or None for key in keys] for position, name in enumerate(_FILTERED_KEYS)}
    schema = pa.schema(
        [(name, pa.string()) for name in _FILTERED_KEYS] + [(name, pa.int64()) for name in _FILTERED_SIZES]
    )
    return pa.table({**words, "rows": rows, "rows_mapped": mapped}, schema=schema)


_FILTERED_KEYS, _FILTERED_SIZES = ("reason", "claim_type", "bill_type"), ("rows", "rows_mapped")


def code_counts(book: CodeBook, counts: CaptureCounts) -> dict[str, int]:
    """Return how many different codes were seen in rows that count, and how many of them are known."""
    seen = counts.rows_of_code > 0
    mapped, unmapped = int(seen[book.is_mapped].sum()), int(seen[~book.is_mapped].sum())
    unknown = len(counts.unknown_codes)
    return {"seen": mapped + unmapped + unknown, "mapped": mapped, "unmapped": unmapped, "unknown": unknown}


def _notes(run: ScoringRun) -> list[str]:
    notes = list(run.population.enrollment.notes)
    notes += [note for extract in run.extracts for note in extract.notes]
    if "service_date" not in run.extracts[1].columns:
        notes.append("diagnoses have no service_date: every diagnosis counts, whatever the collection window")
    if run.drugs is None and any(model.plan.bits_of_drug for model in run.models):
        notes.append("no drugs extract was given: drug categories are off for everybody")
    elif run.drugs is not None and "fill_date" not in run.drugs.extract.columns:
        notes.append("drugs have no fill_date: every fill counts, whatever the collection window")
    if "service_date" not in run.extracts[1].columns and any(model.plan.validity for model in run.models):
        notes.append("without service_date a diagnosis code counts that is valid in any part of the year")
    if not run.counts.rows_mapped:
        notes.append(_why_demographic(run.counts))
    if run.options.diagnosis_filter == "none":
        notes.append("diagnosis_filter none: the extract was taken as already filtered to eligible claims")
    if run.options.models and len(run.options.models) > 1:
        notes.append("models were named: each is scored unblended, payment_scores has no payment_risk_score")
    for model in run.models:
        if not model.normalization.entries:
            notes.append(f"{model.plan.model.id} has no normalization factor in this year: raw scores only")
        elif not model.coding_intensity.entries:
            notes.append(f"{model.plan.model.id} has no coding intensity in this year: no payment scores")
    return notes


def _why_demographic(counts: CaptureCounts) -> str:
    """Return why not one diagnosis of the extract counts and has an HCC."""
    if not counts.rows_read:
        return "diagnoses have no rows: every score is demographic alone"
    causes = {
        "rejected": counts.rows_rejected,
        "outside the collection window": counts.rows_outside_collection,
        "excluded by the claim filter": counts.rows_filtered,
        "without an HCC": counts.rows_unmapped + counts.rows_unknown,
    }
    found = ", ".join(f"{n_rows:,} {cause}" for cause, n_rows in causes.items() if n_rows)
    return f"no diagnosis counts and has an HCC ({found}): no score rests on one"


def run_metadata(report: dict[str, Any]) -> dict[str, str]:
    """Return what every scored file says of its making: version, year, models and checksums."""
    return {
        "riskadj_version": report["riskadj_version"],
        "program": report["program"],
        "payment_year": str(report["payment_year"]),
        "payment_year_sha256": report["payment_year_tables"]["sha256"],
        "models": json.dumps({model["model_id"]: model["sha256"] for model in report["models"]}),
    }
