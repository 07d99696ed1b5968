"""Shares of a population: what each has to know of the whole, and what the whole learns from its shares.

Members too many for memory, or for one machine, are scored a share at a time, all rows of a member in one share. Three
things no share can decide alone: which models the rows need (a diagnosis counts if one of them maps it), in which
window months are counted, and whether anything is there to score. A survey of each share's enrollment tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskadj.errors import ExtractError
from riskadj.extracts.enrollment import Enrollment, no_rows
from riskadj.extracts.rejects import REASONS, Rejects
from riskadj.extracts.spans import Coverage, choose_coverage, telling_spans
from riskadj.scoring.options import ScoreOptions
from riskadj.scoring.rules import Rules
from riskadj.tables.payment_year import PaymentYear


@dataclass(frozen=True)
class Whole:
    """What every share of a population is scored by alike.

    Attributes
    ----------
    models : frozenset of str
        Ids of the models that any row needs.
    coverage : Coverage
        Window in which months are counted.
    """

    models: frozenset[str]
    coverage: Coverage


@dataclass(frozen=True)
class Survey:
    """What the enrollment rows of a share, or of several, tell of the whole.

    Attributes
    ----------
    rows_read, rows_used : int
    models : frozenset of str
        Ids of the models that the rows need.
    spans : ndarray of int32, shape (n, 2)
        Start and end of the few spans that decide in which window months are counted. [days since 1970-01-01]
    faults, misfits : Rejects
        Rows that cannot be read, and rows that no policy or segment fits; in brief.
    """

    rows_read: int
    rows_used: int
    models: frozenset[str]
    spans: np.ndarray
    faults: Rejects
    misfits: Rejects

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "rows_read": self.rows_read,
            "rows_used": self.rows_used,
            "models": sorted(self.models),
            "spans": self.spans.tolist(),
            "faults": self.faults.as_dict(),
            "misfits": self.misfits.as_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Survey:
        """Return the survey of which `as_dict` made plain values."""
        return cls(
            rows_read=plain["rows_read"],
            rows_used=plain["rows_used"],
            models=frozenset(plain["models"]),
            spans=np.array(plain["spans"], np.int32).reshape(-1, 2),
            faults=Rejects.from_dict(plain["faults"]),
            misfits=Rejects.from_dict(plain["misfits"]),
        )


def survey_rows(
    rows: Enrollment, used: Rules, options: ScoreOptions, faults: Rejects, misfits: Rejects
) -> Survey:
    """Return the survey of a share whose rows without faults are `rows`, and which needs the rules `used`."""
    spans = telling_spans(
        rows.start_date, rows.end_date, payment_year=used.year.year, override=options.collection
    )
    return Survey(
        rows_read=rows.rows_read,
        rows_used=rows.rows_read - len(faults) - len(misfits),
        models=frozenset(model.id for model in used.models),
        spans=spans,
        faults=faults.brief(),
        misfits=misfits.brief(),
    )


def whole_of(
    surveys: Iterable[Survey], options: ScoreOptions, year: PaymentYear, files: tuple[str, ...]
) -> Whole:
    """Return what all shares are scored by.

    Parameters
    ----------
    surveys : iterable of Survey
        One of every share.
    files : tuple of str
        Labels of the enrollment's files, for messages.

    Raises
    ------
    ExtractError, RowsRejectedError, CodeNotAllowedError
        What reading the whole enrollment at once would raise, in the same words.
    """
    surveys = list(surveys)
    rows_read = sum(survey.rows_read for survey in surveys)
    if not rows_read:
        raise no_rows(files)
    faults, misfits = Rejects(options.rejects), Rejects(options.rejects)
    for survey in surveys:
        faults.merge(survey.faults)
        misfits.merge(survey.misfits)
    faults.raise_if_stopping(rows_read)
    spans = np.concatenate([survey.spans for survey in surveys])
    coverage = choose_coverage(spans[:, 0], spans[:, 1], payment_year=year.year, override=options.collection)
    misfits.raise_if_stopping(rows_read)
    if not sum(survey.rows_used for survey in surveys):
        faults.merge(misfits)
        raise nobody_scored(rows_read, year, faults)
    return Whole(frozenset().union(*(survey.models for survey in surveys)), coverage)


def nobody_scored(rows_read: int, year: PaymentYear, rejects: Rejects) -> ExtractError:
    """Return the error of an enrollment of which no row can be scored."""
    reasons = "; ".join(f"{REASONS[reason]}: {n_rows:,}" for reason, n_rows in rejects.counts().items())
    return ExtractError(
        f"none of the {rows_read:,} enrollment rows can be scored in {year.title}: {reasons}."
    )
