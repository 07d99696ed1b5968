"""The arrangements of a contract, settled one after another: each a build-up that ends on what the group is owed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.build_up import BuildUp
from pricing.contracts.benchmark import Expected, expected_of
from pricing.contracts.bundles import bundle_of
from pricing.contracts.capitation import capitation_of
from pricing.contracts.groups import Groups
from pricing.contracts.incentives import bonus_of, withhold_of
from pricing.contracts.money import to_dollars
from pricing.contracts.panel import Panel
from pricing.contracts.sharing import Shared, share_steps
from pricing.contracts.terms import Contract
from pricing.errors import InputError
from pricing.inputs import Columns
from pricing.rows import Integers

SHARED, ON_ACCOUNT, PAYMENT = "shared savings", "paid on account", "payment"


@dataclass
class Arrangements:
    """Arrangements settled so far.

    Attributes
    ----------
    panel, held : Panel, optional
        Truncated: every period, and the performance period alone.
    groups : Groups
    episodes : Columns, optional
    build_ups : dict of str to BuildUp
        By arrangement, in order; "benchmark" goes before the one it belongs to, "payment" is the last.
    cents : dict of str to ndarray of int64, shape (n_groups,)
        What each arrangement owes each group, and what was paid on account (below 0).
    """

    contract: Contract
    period: int
    panel: Panel | None
    held: Panel | None
    groups: Groups
    episodes: Columns | None
    build_ups: dict[str, BuildUp] = field(default_factory=dict)
    cents: dict[str, Integers] = field(default_factory=dict)
    expected: Expected | None = None
    shared: Shared | None = None

    @property
    def source(self) -> str:
        """What the contract's terms are cited as."""
        return f"contract '{self.contract.name}'"

    @property
    def payment(self) -> Integers:
        """What the payer owes each group [cents], shape (n_groups,)."""
        return np.sum(list(self.cents.values()), axis=0).astype(np.int64)

    def settle(self) -> None:
        """Settle every arrangement, and add them up."""
        for name, (build_up, cents) in self._each():
            self.build_ups[name], self.cents[name] = build_up, cents
        if self.groups.on_account is not None:
            self.cents[ON_ACCOUNT] = -self.groups.on_account
        self.build_ups[PAYMENT] = self._payment()

    def _each(self) -> Iterator[tuple[str, tuple[BuildUp, Integers]]]:
        """Yield what the contract has, in the order in which one needs another."""
        terms, groups, source = self.contract, self.groups, self.source
        if terms.capitation:
            assert self.held is not None
            yield "capitation", capitation_of(terms.capitation, self.held, groups, source=source)
        if terms.benchmark is not None:
            yield SHARED, self._shared_savings()
        for bundle in terms.bundles:
            assert self.episodes is not None
            yield f"bundle {bundle.name}", bundle_of(bundle, self.episodes, groups, source=source)
        if terms.withhold is not None:
            yield "withhold", withhold_of(terms.withhold, groups, source=source)
        if terms.quality_bonus is not None:
            yield "quality bonus", bonus_of(terms.quality_bonus, groups, source=source)

    def _shared_savings(self) -> tuple[BuildUp, Integers]:
        terms, groups = self.contract.sharing, self.groups
        assert terms is not None
        target = self._benchmark()
        revenue = None if groups.revenue is None else to_dollars(groups.revenue)
        if terms.loss_cap_revenue is not None and revenue is None:
            raise InputError(
                "loss_cap_revenue is a share of revenue; give groups= with revenue for every provider_id."
            )
        ended, cents, self.shared = share_steps(
            self._gap(target), target, terms, members=groups.members,
            quality=groups.quality_for(SHARED) if terms.quality else None,
            revenue=revenue, source=self.source, name=SHARED,
        )  # fmt: skip
        return ended, cents

    def _benchmark(self) -> Any:
        """Return the benchmark of each group [dollars], and keep how it came about."""
        assert self.contract.benchmark is not None
        assert self.panel is not None
        self.expected = expected_of(
            self.contract.benchmark, self.panel, self.groups, period=self.period, source=self.source
        )
        self.build_ups["benchmark"] = self.expected.build_up
        return to_dollars(self.expected.cents)

    def _gap(self, target: Any) -> BuildUp:
        """Return the way from the benchmark to the gap."""
        groups = self.groups
        gap = BuildUp(SHARED, unit="dollars", labels=groups.labels).start(
            "benchmark", target, source="benchmark PMPM x member months, to the cent"
        )
        gap = gap.add("claims", -to_dollars(groups.counted), source="amounts of the panel, truncated")
        if "capitation" in self.cents:
            gap = gap.add("capitation", -to_dollars(self.cents["capitation"]), source="paid as capitation")
        if groups.unpaid is not None:
            source = "estimate of claims incurred and not paid"
            gap = gap.add("not yet paid", -to_dollars(groups.unpaid), source=source)
        return gap.checkpoint("gap")

    def _payment(self) -> BuildUp:
        build_up = BuildUp(PAYMENT, unit="dollars", labels=self.groups.labels)
        for name, cents in self.cents.items():
            step = build_up.add if build_up.steps else build_up.start
            source = "paid_on_account of the groups" if name == ON_ACCOUNT else f"build-up '{name}'"
            build_up = step(name, to_dollars(cents), source=source)
        return build_up.checkpoint(PAYMENT)

    def lines(self) -> pa.Table:
        """Return the steps of every build-up; `arrangement` first."""
        tables = [(name, build_up.table()) for name, build_up in self.build_ups.items()]
        return pa.concat_tables(
            table.rename_columns(["provider_id", *table.column_names[1:]]).add_column(
                0, "arrangement", pa.array([name] * table.num_rows, pa.string())
            )
            for name, table in tables
        )

    def statements(self) -> pa.Table:
        """Return one row per group: what is known of it, the gap, each arrangement and the payment."""
        columns: dict[str, Any] = {"provider_id": pa.array(self.groups.labels, pa.string())}
        if self.held is not None:
            groups = self.groups
            columns |= {"members": groups.members, "member_months": groups.months, "risk_score": groups.risk}
        if self.groups.quality is not None:
            columns["quality_score"] = self.groups.quality
        columns |= self._gap_columns()
        columns |= {name.replace(" ", "_"): to_dollars(cents) for name, cents in self.cents.items()}
        return pa.table({**columns, "payment": to_dollars(self.payment)})

    def _gap_columns(self) -> dict[str, Any]:
        if self.expected is None or self.shared is None:
            return {}
        target = to_dollars(self.expected.cents)
        gap = np.round(self.build_ups[SHARED].level("gap"), 2)
        return {
            "benchmark_pmpm": self.expected.build_up.value,
            "benchmark": target,
            "expenditure": np.round(target - gap, 2),
            "gap": gap,
            "gap_rate": gap / target,
            "minimum_rate": self.shared.minimum,
            "is_minimum_reached": self.shared.passed,
            "sharing_rate": self.shared.rate,
            "cap_change": self.shared.cap_change,
        }
