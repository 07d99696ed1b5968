"""Interim estimates: claims incurred and not yet paid, spread over provider groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError
from pricing.experience.months import month_numbers, months_of_dates, name_of
from pricing.experience.unpaid_claims import Ibnr
from pricing.inputs import Numbers
from pricing.rounding import cents_that_add_up, round_cents
from pricing.rows import Integers, add_up, read_rows


def unpaid_by_group(estimate: Ibnr, months: Any, *, exposure: Any) -> pa.Table:
    """Return what is incurred and not yet paid for each provider group.

    Parameters
    ----------
    estimate : Ibnr
        Of all the groups together: a single group's triangle says little. Its claims are those of `months`.
    months : PanelRows.months, path, DataFrame or Arrow table
        provider_id, month, amount [dollars]: what was paid for each month incurred. The months of the estimate that
        are not here are left out: give those of the performance period.
    exposure : path, DataFrame, Arrow table or mapping
        provider_id, exposure: what each group is expected to cost, up to a factor; member months x risk score.

    Returns
    -------
    pyarrow.Table
        provider_id, unpaid [dollars, to the cent]. Its sum is the estimate's for the months given.

    Raises
    ------
    InputError
        A month has claims and no estimate, or a group has no exposure.

    Notes
    -----
    A month that was completed by its own claims (method "completion" or "chain_ladder") is spread by what was paid for
    each group, because then everybody's claims are taken to be equally complete; one that was not, and what large
    claims still lack, by exposure. Negative payments of a month count as none.
    """
    rows = read_rows(months, "months", needed=("provider_id", "month", "amount"))
    providers, month = rows.labels("provider_id"), month_numbers(rows.months("month"))
    names = np.array(providers.names.to_pylist(), object)
    weight = _exposure(exposure, names)
    table = estimate.months
    known, unpaid = months_of_dates(table["month"].combine_chunks()), table["ibnr"].to_numpy()
    late = table["large_unpaid"].to_numpy()
    by_paid = np.isin(table["method"].to_pylist(), ("completion", "chain_ladder"))
    _check_known(month, known)
    total = np.zeros(len(names))
    for number in np.flatnonzero(np.isin(known, month)):
        at = month == known[number]
        paid = np.maximum(add_up(providers.codes[at], rows.numbers("amount")[at], len(names)), 0.0)
        shares = paid if by_paid[number] and paid.any() else weight
        total += unpaid[number] * shares / shares.sum() + late[number] * weight / weight.sum()
    whole = cents_that_add_up(total, np.zeros(len(names), np.int64), round_cents([total.sum()]))
    return pa.table({"provider_id": pa.array(names.tolist(), pa.string()), "unpaid": whole})


def _exposure(source: Any, names: Any) -> Numbers:
    rows = read_rows(source, "exposure", needed=("provider_id", "exposure"))
    providers, numbers = rows.labels("provider_id"), rows.numbers("exposure")
    total = dict(
        zip(providers.names.to_pylist(), add_up(providers.codes, numbers, len(providers.names)), strict=True)
    )
    missing = [name for name in names if name not in total]
    if missing or not sum(total[name] for name in names) > 0:
        raise InputError(
            f"{rows.label} lacks the exposure of {len(missing):,} of {len(names):,} groups that have claims."
        )
    return np.array([total[name] for name in names])


def _check_known(month: Integers, known: Integers) -> None:
    strange = sorted(set(month.tolist()) - set(known.tolist()))
    if strange:
        raise InputError(
            f"there are claims of {name_of(strange[0])}, a month that the estimate does not have."
        )
