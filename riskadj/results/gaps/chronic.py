"""Which HCCs are chronic: each model's own table, or the caller's."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from riskadj.errors import OptionError, TableError, nearest
from riskadj.scoring.plan import ScoringPlan
from riskadj.scoring.run import ScoringRun

#: What is known of an HCC.
CHRONIC, ACUTE, UNKNOWN = 1, 0, -1
KINDS = {CHRONIC: "chronic", ACUTE: "acute", UNKNOWN: "unknown"}


def chronic_flags(run: ScoringRun, override: Any = None) -> list[npt.NDArray[np.int8]]:
    """Return CHRONIC, ACUTE or UNKNOWN of every HCC, for each model of a run (int8, shape (n_hccs,)).

    Parameters
    ----------
    override : path or mapping of str to bool, optional
        HCC -> whether it is chronic; a CSV file has columns hcc and chronic (1 or 0). It takes the place of the
        models' own entries for the HCCs that it names.

    Raises
    ------
    OptionError, TableError
        It cannot be read, or names an HCC that no model of the run has.
    """
    given = _given(override)
    known = {hcc for model in run.models for hcc in model.plan.variables[: model.plan.n_hccs]}
    for hcc in given:
        if hcc not in known:
            raise TableError(f"chronic= names '{hcc}', which no model of this run has{nearest(hcc, known)}.")
    return [_flags(model.plan, given) for model in run.models]


def _flags(plan: ScoringPlan, given: Mapping[str, bool]) -> npt.NDArray[np.int8]:
    own = {row["hcc"]: row["chronic"] == "1" for row in plan.model.records("chronic")}
    merged = own | dict(given)
    return np.array([int(merged.get(hcc, UNKNOWN)) for hcc in plan.variables[: plan.n_hccs]], np.int8)


def _given(override: Any) -> dict[str, bool]:
    if override is None:
        return {}
    if isinstance(override, Mapping):
        return {str(hcc): bool(flag) for hcc, flag in override.items()}
    if isinstance(override, str | os.PathLike):
        return _read(Path(override))
    raise OptionError(
        f"chronic= is a {type(override).__name__}; give a mapping of HCC to bool, or a CSV file."
    )


def _read(path: Path) -> dict[str, bool]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OptionError(f"chronic= {path.name} cannot be read as CSV ({type(error).__name__}).") from None
    flags = {}
    for line, row in enumerate(rows, start=2):
        hcc, flag = (row.get("hcc") or "").strip(), (row.get("chronic") or "").strip()
        if not hcc or flag not in ("0", "1"):
            raise TableError(
                f"{path.name}, line {line}: a chronic list has columns hcc and chronic, and chronic is 1 or 0."
            )
        flags[hcc] = flag == "1"
    return flags
