"""What a caller gives, opened: extracts under the names of their layout, read into a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskadj.extracts.layouts import columns_of
from riskadj.extracts.open import Extract, open_extract
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.reading import read_run
from riskadj.scoring.rules import load_rules, require_drug_models
from riskadj.scoring.run import Progress, ScoringRun


def open_run(
    enrollment: Any,
    diagnoses: Any,
    options: ScoreOptions,
    layout: str,
    columns: Mapping[str, str] | None,
    progress: Progress | None = None,
    member_id: str | int | None = None,
    drugs: Any = None,
) -> ScoringRun:
    """Open what a caller gave and read it into a run."""
    extracts = open_extracts(enrollment, diagnoses, layout, columns, *roles_beside(drugs))
    drug_extract = open_drugs(drugs, columns, options)
    return read_run(*extracts, options, progress=progress, member_id=member_id, drugs=drug_extract)


def roles_beside(drugs: Any) -> tuple[str, ...]:
    """Return the roles of the extracts beside enrollment and diagnoses."""
    return () if drugs is None else ("drugs",)


def open_extracts(
    enrollment: Any, diagnoses: Any, layout: str, columns: Mapping[str, str] | None, *others: str
) -> tuple[Extract, Extract]:
    """Open enrollment and diagnoses; `others` are roles whose columns may be renamed too."""
    return (
        open_extract(
            enrollment, "enrollment", layout=layout, columns=columns_of("enrollment", columns, *others)
        ),
        open_extract(
            diagnoses, "diagnoses", layout=layout, columns=columns_of("diagnoses", columns, *others)
        ),
    )


def open_drugs(
    drugs: Any, columns: Mapping[str, str] | None, options: ScoreOptions, *others: str
) -> Extract | None:
    """Open the drugs, which come in our own layout; None if there are none."""
    if drugs is None:
        return None
    require_drug_models(load_rules(options), options)
    return open_extract(drugs, "drugs", columns=columns_of("drugs", columns, "drugs", *others))
