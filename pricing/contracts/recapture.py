"""Recapture by provider group, read from what riskadj's gaps wrote, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.inputs import Numbers
from pricing.rows import add_up, read_rows
from riskadj.errors import nearest

_NEEDED = ("kind", "provider_id", "month", "conditions", "recaptured_to_date")


def recapture_of(source: Any, labels: Sequence[str], *, kind: str, confidence: float) -> dict[str, Any]:
    """Return conditions, recapture_rate, recapture_low and recapture_high of each group.

    Parameters
    ----------
    source : path, DataFrame or Arrow table
        Of one model: kind, provider_id, month, conditions, recaptured_to_date (blank after the last month known).
    labels : sequence of str
        Groups; one without conditions has null rates.
    kind : str
        Which conditions.
    confidence : float
        Of Wilson's interval, 0 to 1.

    Raises
    ------
    InputError
        There are several models, no conditions of the kind, or no month is known.
    """
    rows = read_rows(source, "recapture", needed=_NEEDED, optional=("model_id",))
    if rows.has("model_id") and len(np.unique(rows.labels("model_id").codes)) > 1:
        raise InputError(
            f"{rows.label} has several models, whose conditions overlap; give the rows of one model_id."
        )
    kinds, months, groups = (rows.labels(name) for name in ("kind", "month", "provider_id"))
    names = kinds.names.to_pylist()
    if kind not in names:
        raise InputError(f"{rows.label} has no conditions of kind '{kind}'{nearest(kind, names)}.")
    recaptured = rows.numbers("recaptured_to_date", where=np.zeros(rows.n_rows, np.bool_))
    used = (kinds.codes == names.index(kind)) & ~np.isnan(recaptured)
    if not used.any():
        raise InputError(f"{rows.label} has no month that is known.")
    month_names = months.names.to_pylist()
    used &= months.codes == max(np.unique(months.codes[used]).tolist(), key=month_names.__getitem__)
    place = {label: number for number, label in enumerate(labels)}
    group = np.array([place.get(name, -1) for name in groups.names.to_pylist()])[groups.codes]
    kept = np.flatnonzero(used & (group >= 0))
    conditions = add_up(group[kept], rows.numbers("conditions")[kept], len(labels))
    again = add_up(group[kept], recaptured[kept], len(labels))
    with np.errstate(invalid="ignore"):
        rate = again / conditions
    low, high = _wilson(rate, conditions, confidence)
    columns = {"recapture_rate": rate, "recapture_low": low, "recapture_high": high}
    return {
        "conditions": conditions.astype(np.int64),
        **{name: pa.array(values, mask=np.isnan(values)) for name, values in columns.items()},
    }


def _wilson(rate: Numbers, n: Numbers, confidence: float) -> tuple[Numbers, Numbers]:
    """Return Wilson's interval of a share."""
    from scipy.special import ndtri

    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * rate * (1 - rate) / n + z2 * z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - half, middle + half
