"""Recapture rates: of the conditions of the prior window, the share seen again by the end of each month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskadj.extracts.buffers import encoded_strings, from_numpy
from riskadj.extracts.dates import month_of
from riskadj.results.gaps.chronic import KINDS
from riskadj.results.gaps.rows import CLOSED, NOT_APPLICABLE, SUPERSEDED, GapRows
from riskadj.results.summary.groups import Labels, combine
from riskadj.scoring.service_dates import NO_FIRST, ServiceDates, month_starts


@dataclass(frozen=True)
class Counted:
    """Conditions of one model that recapture counts: those of the prior window, of members still enrolled, once each.

    Attributes
    ----------
    model_id : str
    month : ndarray of int64, shape (n,)
        Month of the window in which the condition was seen again; -1: not seen.
    is_superseded : ndarray of bool, shape (n,)
        A more severe HCC of its hierarchy was seen instead.
    labels : dict of str to Labels
        ``kind`` and the columns asked for.
    """

    model_id: str
    month: npt.NDArray[np.int64]
    is_superseded: npt.NDArray[np.bool_]
    labels: dict[str, Labels]


def counted_of(
    model_id: str,
    gaps: GapRows,
    counts: npt.NDArray[np.bool_],
    labels: dict[str, Labels],
    now: ServiceDates,
) -> Counted:
    """Return the conditions of one model that recapture counts.

    Parameters
    ----------
    counts : ndarray of bool, shape (n_gaps,)
        Gaps of each member's last span.
    labels : dict of str to Labels
        Of every gap.
    """
    kept = np.flatnonzero(counts & gaps.is_prior & (gaps.status != NOT_APPLICABLE))
    seen, status = gaps.seen[kept], gaps.status[kept]
    month = np.searchsorted(month_starts(now.window), seen, side="right") - 1
    found = ((status == CLOSED) | (status == SUPERSEDED)) & (seen != NO_FIRST)
    return Counted(
        model_id,
        np.where(found, month, -1),
        found & (status == SUPERSEDED),
        {name: label.take(kept) for name, label in labels.items()},
    )


def month_names(window: tuple[date, date]) -> list[str]:
    """Return the months of a window, as YYYY-MM."""
    return [month_of(day) for day in month_starts(window).tolist()]


def recapture_table(parts: Sequence[Counted], by: Sequence[str], now: ServiceDates) -> pa.Table:
    """Return one row per model, kind, group and month of the window.

    A month without a single diagnosis that maps to a condition shows 0 in `diagnoses`; after the last month that has
    any, the cumulative counts and the rate are null.
    """
    months = month_names(now.window)
    tables = [_of_model(part, by, months, now.rows_of_month) for part in parts]
    return pa.concat_tables(tables).unify_dictionaries()


def _of_model(
    part: Counted, by: Sequence[str], months: Sequence[str], diagnoses: npt.NDArray[np.int64]
) -> pa.Table:
    group, names = combine(part.labels)
    n_groups, n_months = len(names), len(months)
    conditions = np.bincount(group, minlength=n_groups)
    recaptured = _by_month(part, group, n_groups, n_months, ~part.is_superseded)
    superseded = _by_month(part, group, n_groups, n_months, part.is_superseded)
    total = (recaptured + superseded).cumsum(axis=1)
    with_data = np.arange(n_months) <= np.flatnonzero(diagnoses > 0).max(initial=-1)
    known = np.broadcast_to(with_data, total.shape).ravel()
    rate = total / conditions[:, None]
    size = n_groups * n_months
    columns = {
        "model_id": encoded_strings(np.zeros(size, np.int32), [part.model_id]),
        **{
            name: encoded_strings(
                np.repeat(_codes([one[number] for one in names]), n_months),
                list(dict.fromkeys(one[number] for one in names)),
            )
            for number, name in enumerate(["kind", *by])
        },
        "month": encoded_strings(np.tile(np.arange(n_months), n_groups), months),
        "conditions": from_numpy(np.repeat(conditions, n_months).astype(np.int64), pa.int64()),
        "recaptured_in_month": from_numpy(recaptured.ravel(), pa.int64(), valid=known),
        "superseded_in_month": from_numpy(superseded.ravel(), pa.int64(), valid=known),
        "recaptured_to_date": from_numpy(total.ravel(), pa.int64(), valid=known),
        "recapture_rate": from_numpy(rate.ravel(), pa.float64(), valid=known),
        "diagnoses": from_numpy(np.tile(diagnoses, n_groups), pa.int64()),
    }
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _codes(names: Sequence[str]) -> npt.NDArray[np.int32]:
    position = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([position[name] for name in names], np.int32)


def _by_month(
    part: Counted,
    group: npt.NDArray[np.int32],
    n_groups: int,
    n_months: int,
    which: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(which & (part.month >= 0))
    flat = group[rows].astype(np.int64) * n_months + part.month[rows]
    counts: npt.NDArray[np.int64] = np.bincount(flat, minlength=n_groups * n_months).astype(np.int64)
    return counts.reshape(n_groups, n_months)


def kind_labels(flags: npt.NDArray[np.int8]) -> Labels:
    """Return chronic, acute or unknown of each gap."""
    names = tuple(KINDS.values())
    position = {flag: number for number, flag in enumerate(KINDS)}
    return Labels(np.array([position[flag] for flag in (-1, 0, 1)], np.int32)[flags + 1], names)
