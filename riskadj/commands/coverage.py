"""The coverage table: which models score which payment years. README's table is its markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from riskadj.tables.manifest import read_model_manifest
from riskadj.tables.model import ModelRelease, list_models
from riskadj.tables.payment_year import PaymentYear, read_payment_year

HEADINGS = ("year", "model", "status", "scores", "pays", "not verified")


def coverage_rows(maps_dir: Path | None = None) -> Iterator[tuple[str, ...]]:
    """Yield one row per model release, latest payment year first.

    "payment": raw scores become payment risk scores; "raw": the year has no normalization of the model; "none": the
    year has no payment_year.toml, so the tables load but do not score.
    """
    years: dict[Path, PaymentYear | None] = {}
    for release in sorted(
        list_models(maps_dir), key=lambda item: (-item.payment_year, item.program, item.model_id)
    ):
        folder = release.folder.parent
        if folder not in years:
            path = folder / "payment_year.toml"
            years[folder] = read_payment_year(path) if path.exists() else None
        yield _row(release, years[folder])


def coverage_markdown(maps_dir: Path | None = None) -> str:
    """Return the table as markdown, without a newline at its end."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *coverage_rows(maps_dir)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(release: ModelRelease, year: PaymentYear | None) -> tuple[str, ...]:
    status = read_model_manifest(release.folder / "model.toml").status
    head = (str(release.payment_year), release.model_id, status)
    if year is None:
        return (*head, "none", "", "")
    has_normalization = any(number.model_id == release.model_id for number in year.normalization)
    return (
        *head,
        "payment" if has_normalization else "raw",
        _pays(release, year),
        _unverified(release, year),
    )


def _pays(release: ModelRelease, year: PaymentYear) -> str:
    weights = [(policy.name, dict(policy.blend).get(release.model_id)) for policy in year.policies]
    return ", ".join(f"{name} {weight:.0%}" for name, weight in weights if weight is not None)


def _unverified(release: ModelRelease, year: PaymentYear) -> str:
    """Name the numbers that this release is paid by and that were not checked in their official documents."""
    cited = {
        "normalization": [n.citation for n in year.normalization if n.model_id == release.model_id],
        "coding intensity": [n.citation for n in year.coding_intensity if n.model_id == release.model_id],
        "cost sharing": [n.citation for n in year.cost_sharing if n.model_id == release.model_id],
        "blend": [p.citation for p in year.policies if release.model_id in dict(p.blend)],
    }
    return ", ".join(name for name, citations in cited.items() if not all(one.verified for one in citations))
