"""Large claims pooled: what members cost above a level, and stop-loss cover of a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.claim_lines import read_claim_lines
from pricing.errors import InputError
from pricing.experience.assumptions import GIVEN, RULE, Assumption, assumption_table, chosen
from pricing.experience.months import month_numbers, month_range
from pricing.inputs import Column, Columns, Numbers, read_columns
from pricing.rows import add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_CLAIMANTS = (Column("member_id", "text"), Column("amount"))


def claimant_totals(
    claims: Any,
    *,
    first_month: date | str,
    last_month: date | str,
    amount: str = "paid_amount",
    header_amounts: bool | str | Iterable[str] = False,
    columns: Mapping[str, str] | None = None,
) -> pa.Table:
    """Return what each member with claims cost: member_id, amount [dollars], in order of member_id.

    Parameters
    ----------
    claims : path, list of paths, DataFrame, Arrow table or mapping
        One row per claim line, as `incurred` reads them.
    first_month, last_month : date or str
        Months incurred, both included; usually a year, as levels and deductibles are of a year.
    amount : str
        Column that is added up [dollars].
    header_amounts : bool, str or several
        Claims whose lines all repeat the claim's amount, as `read_claims` takes it.
    columns : mapping, optional
        Our name -> the source's, where they differ.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        A column is missing or holds impossible values, or the months run backwards.
    """
    months = month_range(first_month, last_month)
    lines = read_claim_lines(claims, amount=amount, header_amounts=header_amounts, columns=columns)
    service = month_numbers(lines.days)
    used = (service >= months[0]) & (service <= months[-1])
    totals = add_up(lines.members.codes[used], lines.amounts[used], len(lines.members.names))
    seen = np.unique(lines.members.codes[used])
    table = pa.table(
        {"member_id": lines.members.names.take(pa.array(seen)), "amount": np.round(totals[seen], 6)}
    )
    return table.sort_by("member_id")


@dataclass(frozen=True)
class PoolCharges:
    """What members cost above each level.

    Attributes
    ----------
    levels : pyarrow.Table
        One row per pooling level: level [dollars a member], members_above, excess [dollars], pool_charge_pmpm,
        capped_pmpm (pool charge + capped = the PMPM of all claims), share_of_claims.
    """

    levels: pa.Table
    assumptions: pa.Table
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {"levels": "pool_charges", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    def charge(self, level: float) -> float:
        """Return the pool charge of a level [dollars per member and month]."""
        known = self.levels["level"].to_pylist()
        if level not in known:
            raise InputError(f"no charge was computed for level {level:,.0f}; there are: {known}.")
        return float(self.levels["pool_charge_pmpm"][known.index(level)].as_py())

    def summary(self) -> pd.DataFrame:
        """Return charges by level."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: pool charge by level, and members above it."""
        from pricing.experience.plots import plot_pool_charges

        return plot_pool_charges(self)

    def __repr__(self) -> str:
        """Return what was pooled."""
        return f"<PoolCharges: {self.levels.num_rows} levels, {self.run['dollars']:,.0f} dollars of claims>"


def pool_charges(
    claimants: Any, levels: Sequence[float], *, member_months: float, trend_factor: float = 1.0
) -> PoolCharges:
    """Return the expected excess above pooling levels, from experience.

    A group's own claims are capped at the level, and the charge of everybody's experience is added in place of what was
    above.

    Parameters
    ----------
    claimants : path, DataFrame, Arrow table or mapping
        One row per member with claims: member_id, amount; `claimant_totals` makes it. Take many groups, or several
        years as members of their own: the excess of one group is what pooling is to take out.
    levels : sequence of float
        [dollars a member in the period]
    member_months : float
        Of all members, with and without claims.
    trend_factor : float
        Claims are multiplied by it before they are capped: excess trends faster than claims.

    Returns
    -------
    PoolCharges

    Raises
    ------
    InputError
        A member stands twice, or a number is not allowed.
    """
    if not member_months > 0 or not trend_factor > 0 or not levels or not min(levels) > 0:
        raise InputError(
            "member_months, trend_factor and every level must be above 0, and there must be a level."
        )
    read = read_columns(claimants, _CLAIMANTS, role="claimants", key=("member_id",))
    amounts = read["amount"] * trend_factor
    ordered = np.array(sorted(levels), np.float64)
    excess = np.array([np.maximum(amounts - level, 0).sum() for level in ordered])
    total = amounts.sum()
    table = pa.table(
        {
            "level": ordered,
            "members_above": np.array([(amounts > level).sum() for level in ordered], np.int64),
            "excess": excess,
            "pool_charge_pmpm": excess / member_months,
            "capped_pmpm": (total - excess) / member_months,
            "share_of_claims": pa.array(
                excess / total if total else excess, mask=np.full(len(ordered), not total)
            ),
        }
    )
    rows = [
        chosen("trend_factor", trend_factor, 1.0, "factor", "on claims before they are capped"),
        Assumption(
            "member_months", member_months, "months", GIVEN, "of all members, with and without claims"
        ),
        Assumption(
            "level", "each member", "dollars", RULE, "applies to a member's claims of the whole period"
        ),
    ]
    report = {
        "claimants": read.n_rows,
        "member_months": float(member_months),
        "dollars": round(float(total), 2),
    }
    return PoolCharges(table, assumption_table(rows), report)


@dataclass(frozen=True)
class StopLoss:
    """Stop-loss cover applied to a group's claims.

    Attributes
    ----------
    claimants : pyarrow.Table
        One row per member with claims: member_id, amount, deductible (the laser of those who have one), reimbursed
        (specific cover, before the aggregating deductible), retained. [dollars]
    specific, aggregate : float
        What the cover pays. [dollars]
    attachment : float
        Claims of the group at which aggregate cover begins. [dollars]
    net : float
        What the group keeps: claims = net + specific + aggregate. [dollars]
    """

    claimants: pa.Table = field(repr=False)
    specific: float
    aggregate: float
    attachment: float
    net: float
    assumptions: pa.Table = field(repr=False)
    run: dict[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {"claimants": "stop_loss", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return claims and who bears them, one row."""
        import pandas as pd

        row = {
            "claims": self.run["claims"],
            "specific": self.specific,
            "aggregate": self.aggregate,
            "net": self.net,
        }
        return pd.DataFrame([row | {"attachment": self.attachment}])

    def plot(self) -> Figure:
        """Return a figure: who bears the group's claims, and the largest claimants."""
        from pricing.experience.plots import plot_stop_loss

        return plot_stop_loss(self)

    def __repr__(self) -> str:
        """Return who bears the claims."""
        return f"<StopLoss: {self.run['claims']:,.0f} dollars of claims, {self.net:,.0f} kept>"


def stop_loss(
    claimants: Any,
    *,
    deductible: float,
    maximum: float | None = None,
    lasers: Mapping[str, float] | None = None,
    aggregating_deductible: float = 0.0,
    expected_claims: float | None = None,
    aggregate_factor: float = 1.25,
    aggregate_maximum: float | None = None,
) -> StopLoss:
    """Return specific and aggregate stop-loss reimbursement.

    Parameters
    ----------
    claimants : path, DataFrame, Arrow table or mapping
        One row per member with claims: member_id, amount [dollars]; `claimant_totals` makes it.
    deductible : float
        Specific: a member's claims above it are reimbursed. [dollars a year]
    maximum : float, optional
        Most that is reimbursed for one member. [dollars a year]
    lasers : mapping of str to float, optional
        Members with a deductible of their own.
    aggregating_deductible : float
        Specific reimbursements that the group bears first; it does not count toward the attachment. [dollars]
    expected_claims : float, optional
        Claims below the specific deductible that are expected of the group; without it there is no aggregate cover.
        [dollars]
    aggregate_factor : float
        Attachment = factor x expected claims.
    aggregate_maximum : float, optional
        Most that aggregate cover pays. [dollars]

    Returns
    -------
    StopLoss

    Notes
    -----
    Aggregate cover looks at what members retain under their specific deductible, or their laser up to the group's
    deductible: what a laser adds is the group's own.

    Raises
    ------
    InputError
        An amount is negative where it may not be, or a laser lies below the deductible.
    """
    own = dict(lasers or {})
    given = (deductible, aggregating_deductible, maximum, expected_claims, aggregate_maximum)
    if not all(amount is None or amount >= 0 for amount in given) or not aggregate_factor > 0:
        raise InputError(
            "deductibles, maximums and expected_claims must not be negative, and aggregate_factor must be above 0."
        )
    if any(value < deductible for value in own.values()):
        raise InputError("a laser is a deductible above the group's; one of those given is below it.")
    read = read_columns(claimants, _CLAIMANTS, role="claimants", key=("member_id",))
    amounts, levels = read["amount"], _deductibles(read, own, deductible)
    most = np.inf if maximum is None else maximum
    reimbursed = np.clip(amounts - levels, 0, most)
    specific = max(float(reimbursed.sum()) - aggregating_deductible, 0.0)
    counted = float(np.minimum(amounts, deductible).sum())
    attachment = np.inf if expected_claims is None else aggregate_factor * expected_claims
    limit = np.inf if aggregate_maximum is None else aggregate_maximum
    aggregate = float(min(max(counted - attachment, 0.0), limit))
    total = float(amounts.sum())
    table = pa.table(
        {
            "member_id": pa.array(read["member_id"].tolist(), pa.string()),
            "amount": amounts,
            "deductible": levels,
            "reimbursed": reimbursed,
            "retained": amounts - reimbursed,
        }
    )
    rows = [
        Assumption(
            "deductible", float(deductible), "dollars a member", GIVEN, "claims above it are reimbursed"
        ),
        chosen("maximum", maximum, None, "dollars a member", "most that is reimbursed for one member"),
        chosen("lasers", len(own), 0, "members", "have a higher deductible of their own"),
        chosen(
            "aggregating_deductible",
            aggregating_deductible,
            0.0,
            "dollars",
            "of specific cover, the group's own",
        ),
        chosen("expected_claims", expected_claims, None, "dollars", "below the specific deductible"),
        chosen("aggregate_factor", aggregate_factor, 1.25, "factor", "attachment over expected claims"),
        chosen("aggregate_maximum", aggregate_maximum, None, "dollars", "most that aggregate cover pays"),
    ]
    report = {
        "claimants": read.n_rows,
        "lasers_with_claims": int(np.isin(read["member_id"].astype(str), list(own)).sum()),
        "claims": total,
        "specific": specific,
        "aggregate": aggregate,
        "net": total - specific - aggregate,
    }
    return StopLoss(table, specific, aggregate, attachment, report["net"], assumption_table(rows), report)


def _deductibles(read: Columns, lasers: Mapping[str, float], deductible: float) -> Numbers:
    return np.array([lasers.get(member, deductible) for member in read["member_id"]], np.float64)
