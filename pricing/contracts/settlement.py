"""Settlement: what the payer owes each provider group under a contract, with a statement that shows every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pricing import results
from pricing.build_up import BuildUp
from pricing.contracts.arrangements import PAYMENT, Arrangements
from pricing.contracts.benchmark import NO_BASELINE
from pricing.contracts.bundles import read_episodes
from pricing.contracts.contract_files import contract_to_dict
from pricing.contracts.groups import groups_of, only_named
from pricing.contracts.money import CENTS
from pricing.contracts.panel import NO_PANEL, Panel, read_panel
from pricing.contracts.statement import Statement
from pricing.contracts.terms import Contract
from pricing.errors import InputError
from pricing.experience.assumptions import GIVEN, RULE, Assumption, assumption_table, chosen
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Settlement:
    """A contract settled.

    Attributes
    ----------
    statements : pyarrow.Table
        One row per group: provider_id; members, member_months, risk_score of the period; with a benchmark
        benchmark_pmpm, benchmark, expenditure (truncated, with capitation and what is not yet paid), gap (benchmark
        less expenditure) [dollars], gap_rate, minimum_rate, is_minimum_reached, sharing_rate, cap_change [dollars]; a
        column for each arrangement and payment, their sum: what the payer owes the group, below 0 what the group owes
        [dollars, to the cent].
    lines : pyarrow.Table
        The audit trail: one row per arrangement, group and step, as `BuildUp.table` gives them, with `arrangement`.
    panel, baseline : pyarrow.Table
        What the groups had in each period (`Panel.table`), and what their history contributed (`Expected.baseline`).
    build_ups : mapping of str to BuildUp
        By arrangement, "benchmark" and "payment" among them; every label is a group.
    run : dict
        Totals that add up: payment = the sum of the arrangements less what was paid on account.
    """

    contract: Contract
    period: int
    statements: pa.Table = field(repr=False)
    lines: pa.Table = field(repr=False)
    panel: pa.Table = field(repr=False)
    baseline: pa.Table = field(repr=False)
    build_ups: Mapping[str, BuildUp] = field(repr=False)
    assumptions: pa.Table = field(repr=False)
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "statements": "contract_statements",
        "lines": "contract_lines",
        "panel": "contract_panel",
        "baseline": "contract_baseline",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    @property
    def total(self) -> float:
        """What the payer owes all groups together [dollars]."""
        return float(self.run["payment"])

    def explain(self, provider_id: str) -> Statement:
        """Return the statement of one group: every step of every arrangement.

        Raises
        ------
        InputError
            There is no such group.
        """
        labels = list(self.build_ups[PAYMENT].labels)
        if provider_id not in labels:
            raise InputError(f"there is no statement of '{provider_id}'{nearest(provider_id, labels)}.")
        parts = {name: build_up.only(provider_id) for name, build_up in self.build_ups.items()}
        return Statement(provider_id, self.contract.name, self.period, bool(self.run["is_interim"]), parts)

    def summary(self) -> pd.DataFrame:
        """Return the statements, the largest payment first, without what only the audit needs."""
        frame = self.statements.to_pandas().set_index("provider_id")
        audit = ["member_months", "expenditure", "is_minimum_reached", "cap_change"]
        return frame.drop(columns=audit, errors="ignore").sort_values(
            "payment", ascending=False, kind="stable"
        )

    def plot(self) -> Figure:
        """Return a figure: gaps by size of group against what is paid, and the contract from benchmark to payment."""
        from pricing.contracts.plots import plot_settlement

        return plot_settlement(self)

    def __repr__(self) -> str:
        """Return what the payer owes how many groups."""
        interim = ", interim" if self.run["is_interim"] else ""
        return f"<Settlement of {self.period}{interim}: {self.total:,.2f} dollars to {self.run['groups']:,} groups>"


def settle(
    contract: Contract,
    panel: Any = None,
    *,
    period: int,
    groups: Any = None,
    episodes: Any = None,
    unpaid: Any = None,
) -> Settlement:
    """Settle a contract for one period.

    Parameters
    ----------
    contract : Contract
    panel : Panel, path, DataFrame or Arrow table
        As `read_panel` reads it, with the baseline periods before `period`; None for a contract of bundles alone.
    period : int
        The performance period [year]; later ones are not looked at.
    groups : path, DataFrame, Arrow table or mapping, optional
        One row per provider group: provider_id; quality_score (0 to 1), revenue [dollars], adjustment_pmpm (added to
        the benchmark), demographic_growth (of the demographic risk scores since the latest baseline period; 0.01 is 1
        percent), paid_on_account [dollars], as the contract asks for.
    episodes : path, DataFrame, Arrow table or mapping, optional
        For bundles: the tables of `find_episodes`, put together.
    unpaid : path, DataFrame, Arrow table or mapping, optional
        provider_id, unpaid [dollars]: incurred and not yet paid, as `unpaid_by_group` makes it. The settlement is then
        an interim estimate.

    Returns
    -------
    Settlement

    Raises
    ------
    InputError
        The contract asks for something that was not given, or a number makes no sense.

    Notes
    -----
    Everything is settled group by group; to settle several as one pool give them one provider_id. Payments are whole
    cents, so that statements add up to the contract's total exactly.
    """
    read, held = _panel(contract, panel, period)
    given = None if episodes is None else read_episodes(episodes)
    if contract.bundles and given is None:
        raise InputError(f"contract '{contract.name}' has bundles; give episodes=.")
    if held is None:
        assert given is not None
        known = only_named(given["provider_id"], table=groups)
    else:
        known = groups_of(held, table=groups, unpaid=unpaid)
    work = Arrangements(contract, period, read, held, known, given)
    work.settle()
    return Settlement(
        contract=contract,
        period=period,
        statements=work.statements(),
        lines=work.lines(),
        panel=NO_PANEL if read is None else read.table(),
        baseline=NO_BASELINE if work.expected is None else work.expected.baseline,
        build_ups=work.build_ups,
        assumptions=_assumptions(contract, is_interim=unpaid is not None),
        run=_run(work, is_interim=unpaid is not None),
    )


def _panel(contract: Contract, panel: Any, period: int) -> tuple[Panel | None, Panel | None]:
    """Return the panel, truncated, up to the period, and the part of it that is the period's."""
    if panel is None:
        if contract.benchmark or contract.capitation or contract.withhold or contract.quality_bonus:
            raise InputError(f"contract '{contract.name}' has more than bundles; give a panel.")
        return None, None
    read = panel if isinstance(panel, Panel) else read_panel(panel)
    cut = read.up_to(period).truncated(contract.truncation)
    return cut, cut.of(period)


def _run(work: Arrangements, *, is_interim: bool) -> dict[str, Any]:
    totals = {name.replace(" ", "_"): int(cents.sum()) / CENTS for name, cents in work.cents.items()}
    return {
        "contract": contract_to_dict(work.contract),
        "period": work.period,
        "is_interim": is_interim,
        "groups": work.groups.n,
        "members": int(work.groups.members.sum()),
        **totals,
        "payment": int(work.payment.sum()) / CENTS,
    }


def _assumptions(contract: Contract, *, is_interim: bool) -> pa.Table:
    truncation = contract.truncation
    level = truncation.level if truncation.level is not None else truncation.percentile
    completion = "estimate of claims not yet paid added" if is_interim else "none: claims as paid so far"
    return assumption_table(
        [
            Assumption("contract", contract.name, "", GIVEN, "its terms are in run"),
            chosen(
                "truncation",
                level,
                None,
                "dollars a year or percentile",
                "what a member's amounts count up to",
            ),
            Assumption("completion", completion, "", GIVEN if is_interim else RULE, "claims not yet paid"),
            Assumption("settlement", "group by group", "", RULE, "groups are not pooled"),
            Assumption(
                "rounding", "to the cent", "", RULE, "benchmark, shares and payments; halves away from zero"
            ),
            Assumption("chance", "not taken out", "", RULE, "see chance_by_size and chance_by_group"),
        ]
    )
