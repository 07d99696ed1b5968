"""Episodes of care: a trigger, a window around it, and what the member's claims in the window come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pricing.claim_lines import ClaimLines, read_claim_lines
from pricing.contracts.episode_kernel import keep_triggers
from pricing.contracts.money import CENTS, to_cents, to_dollars
from pricing.contracts.terms import Bundle
from pricing.errors import InputError
from pricing.inputs import Column, read_columns
from pricing.rows import BLANK, Integers, Labels
from riskadj.errors import nearest
from riskadj.extracts.dates import days_of
from riskadj.extracts.write import write_tables

if TYPE_CHECKING:
    import pandas as pd

_RISK = (Column("member_id", "text"), Column("risk_score", above=0))


@dataclass(frozen=True)
class Episodes:
    """Episodes of one bundle.

    Attributes
    ----------
    table : pyarrow.Table
        One row per episode: bundle, provider_id (of the trigger), member_id, first_day, last_day, amount [dollars],
        counted_amount (after truncation) [dollars], risk_score (1 where none was given).
    run : dict
        triggers = episodes + within another episode + window not over by the last day.
    """

    table: pa.Table = field(repr=False)
    run: dict[str, Any]

    def to_pandas(self) -> pd.DataFrame:
        """Return the episodes as a pandas DataFrame."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def write(self, directory: str | Path, *, overwrite: bool = False) -> Path:
        """Write episodes and run.json into `directory`, all or nothing."""
        return write_tables(directory, {"episodes": self.table}, self.run, overwrite=overwrite)


def find_episodes(
    bundle: Bundle,
    claims: Any,
    *,
    last_day: date,
    first_day: date | None = None,
    risk_scores: Any = None,
    amount: str = "allowed_amount",
    columns: Mapping[str, str] | None = None,
) -> Episodes:
    """Return the episodes of a bundle.

    Parameters
    ----------
    bundle : Bundle
    claims : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line: claim_id, member_id, service_date, provider_id, the bundle's trigger column, `amount`,
        and service_category where it leaves services out. Reversals net; a trigger line that is reversed is none.
    last_day : date
        Episodes whose window is not over by then are left out, and counted.
    first_day : date, optional
        Of triggers that count.
    risk_scores : path, table or mapping, optional
        member_id, risk_score; for bundles that are risk-adjusted.
    amount : {"allowed_amount", "paid_amount"}
    columns : mapping, optional
        Our name -> the claims', where they differ.

    Returns
    -------
    Episodes

    Raises
    ------
    InputError
        The bundle is impossible, a column is missing or blank, or a service to leave out is none of the claims'.

    Notes
    -----
    A trigger whose window would meet an earlier episode of the member starts none: a day is in one episode at most. The
    episode is the group's that the trigger line names; of several on the first day, the largest amount's.
    """
    faults = [*bundle.faults_of_episodes()]
    if faults:
        raise InputError(f"{'; '.join(faults)}.")
    trigger_columns = [name for name in (bundle.trigger_column,) if name != "service_category"]
    lines = read_claim_lines(claims, amount=amount, more=("provider_id", *trigger_columns), columns=columns)
    cents = to_cents(lines.amounts)
    triggers, rows = _triggers(lines, bundle, cents, first_day)
    kept = np.zeros(len(rows), np.bool_)
    width = bundle.days_before + bundle.days_after
    keep_triggers(lines.members.codes[rows], lines.days[rows], width, kept)
    is_over = lines.days[rows] + bundle.days_after <= days_of(last_day)
    chosen = rows[kept & is_over]
    begins = lines.days[chosen] - bundle.days_before
    total = _totals(
        lines, cents, _members_and_days(lines.members.codes[chosen], begins), begins + width, bundle
    )
    counted = total if bundle.truncation is None else np.minimum(total, to_cents(bundle.truncation))
    providers = lines.rows.labels("provider_id", blank=BLANK)
    members = lines.members.table_column(lines.members.codes[chosen])
    table = pa.table(
        {
            "bundle": pa.array([bundle.name] * len(chosen), pa.string()),
            "provider_id": providers.table_column(providers.codes[chosen]).cast(pa.string()),
            "member_id": members.cast(pa.string()),
            "first_day": pa.array(begins.astype(np.int32), pa.int32()).cast(pa.date32()),
            "last_day": pa.array((begins + width).astype(np.int32), pa.int32()).cast(pa.date32()),
            "amount": to_dollars(total),
            "counted_amount": to_dollars(counted),
            "risk_score": _scores(risk_scores, members, bundle),
        }
    )
    return Episodes(
        table,
        {
            "triggers": triggers,
            "episodes": len(chosen),
            "within_another_episode": triggers - int(kept.sum()),
            "not_over": int((kept & ~is_over).sum()),
            "dollars": int(total.sum()) / CENTS,
            "dollars_truncated": int((total - counted).sum()) / CENTS,
        },
    )


def put_together(parts: Mapping[str, Episodes], *, contract: str) -> Episodes:
    """Return the episodes of several bundles as one table, their counts by bundle.

    Raises
    ------
    InputError
        There is no bundle.
    """
    if not parts:
        raise InputError(f"contract '{contract}' has no bundles.")
    return Episodes(
        pa.concat_tables([part.table for part in parts.values()]),
        {name: part.run for name, part in parts.items()},
    )


def _triggers(
    lines: ClaimLines, bundle: Bundle, cents: Integers, first_day: date | None
) -> tuple[int, Integers]:
    """Return how many days with a trigger there are, and a line of each, by member and day."""
    column = (
        lines.categories
        if bundle.trigger_column == "service_category"
        else _labels(lines, bundle.trigger_column)
    )
    wanted = {code.strip().upper() for code in bundle.trigger}
    is_trigger = np.array([name.strip().upper() in wanted for name in column.names.to_pylist()], np.bool_)[
        column.codes
    ]
    if first_day is not None:
        is_trigger &= lines.days >= days_of(first_day)
    rows = np.flatnonzero(is_trigger)
    claim_net = np.bincount(lines.claims.codes[rows], weights=cents[rows], minlength=len(lines.claims.names))
    rows = rows[(cents[rows] > 0) & (claim_net[lines.claims.codes[rows]] > 0)]
    rows = rows[np.lexsort((-cents[rows], lines.days[rows], lines.members.codes[rows]))]
    keys = _members_and_days(lines.members.codes[rows], lines.days[rows])
    first = rows[np.diff(keys, prepend=-1) != 0]
    return len(first), first


def _labels(lines: ClaimLines, name: str) -> Labels:
    return lines.rows.labels(name, blank=BLANK)


def _members_and_days(members: Integers, days: Integers) -> Integers:
    """Return member and day as one number that sorts by both."""
    return (members << 32) + days + (1 << 31)


def _totals(lines: ClaimLines, cents: Integers, begins: Integers, ends: Integers, bundle: Bundle) -> Integers:
    """Return what the claims in each window come to; windows in order of member and day."""
    if not len(begins):
        return np.zeros(0, np.int64)
    counts = _is_included(lines, bundle)
    place = np.searchsorted(begins, _members_and_days(lines.members.codes, lines.days), side="right") - 1
    member = begins >> 32
    found = np.maximum(place, 0)
    inside = counts & (place >= 0) & (member[found] == lines.members.codes) & (lines.days <= ends[found])
    total = np.zeros(len(begins), np.int64)
    np.add.at(total, place[inside], cents[inside])
    return total


def _is_included(lines: ClaimLines, bundle: Bundle) -> Any:
    names = lines.categories.names.to_pylist()
    for name in bundle.excluded_services:
        if name not in names:
            raise InputError(
                f"bundle '{bundle.name}' leaves out service '{name}', which no claim has{nearest(name, names)}."
            )
    return ~np.isin(names, list(bundle.excluded_services))[lines.categories.codes]


def _scores(source: Any, members: pa.Array, bundle: Bundle) -> Any:
    if source is None:
        if bundle.is_risk_adjusted:
            raise InputError(f"bundle '{bundle.name}' is risk-adjusted; give risk_scores=.")
        return np.ones(len(members))
    rows = read_columns(source, _RISK, role="risk scores", key=("member_id",))
    score = dict(zip(rows["member_id"], rows["risk_score"].tolist(), strict=True))
    found = [score.get(member) for member in members.cast(pa.string()).to_pylist()]
    missing = sum(each is None for each in found)
    if missing:
        raise InputError(f"{rows.label} lacks the members of {missing:,} of {len(found):,} episodes.")
    return np.array(found, np.float64)
