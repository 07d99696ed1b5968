"""Plan designs side by side on the same claims: what each costs, whom it costs more, how it answers to trend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.benefits.adjudication import PARTS, adjudicate, part_sums
from pricing.benefits.claims import Claims, read_claims
from pricing.benefits.design import PlanDesign
from pricing.benefits.design_notes import notes_on
from pricing.benefits.induced_demand import InducedDemand
from pricing.errors import InputError
from pricing.experience.assumptions import DEFAULT, GIVEN, RULE, Assumption, assumption_table, chosen
from riskadj.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Numbers = npt.NDArray[np.float64]
N_DECILES = 10
PERCENTILES = (10, 25, 50, 75, 90, 95, 99)
MONTHS_OF_A_YEAR = 12.0
_BATCH_BYTES = 256_000_000
PLAN_PAID, DEDUCTIBLE, COPAY, COINSURANCE, NOT_COVERED = range(len(PARTS))


@dataclass(frozen=True)
class Comparison:
    """Designs compared on one population's claims.

    Attributes
    ----------
    designs : pyarrow.Table
        One row per design: design, allowed_pmpm, plan_paid_pmpm, member_paid_pmpm, deductible_pmpm, copay_pmpm,
        coinsurance_pmpm, not_covered_pmpm, account_pmpm (paid by an HSA or HRA out of member_paid) [dollars per member
        and month]; actuarial_value (plan and account, of allowed); utilization (allowed against use as in the
        claims); plan_paid_change (against the base); paid_trend and leverage (paid trend over allowed trend; null
        without trend, or where use changes).
    deciles : pyarrow.Table
        One row per design and decile of risk, 1 the lowest: members, member_paid [dollars a year, mean], change
        (against the base, mean), better_off, worse_off, unchanged (members whose share fell, rose, stayed to the cent).
    distribution : pyarrow.Table
        One row per design and percentile of members: member_paid [dollars a year].
    utilization : pyarrow.Table
        One row per design and service category: the factor on its use.
    assumptions : pyarrow.Table
        Everything that was assumed: assumption, value, unit, origin, meaning.
    run : dict
        Designs, counts of lines and members that add up, and warnings: amounts that look wrong, services that no
        claim has, care out of the network that a design does not cover.
    """

    designs: pa.Table
    deciles: pa.Table
    distribution: pa.Table
    utilization: pa.Table
    assumptions: pa.Table
    run: Mapping[str, Any] = field(repr=False)

    TABLES: ClassVar[Mapping[str, str]] = {
        "designs": "compared_designs",
        "deciles": "compared_deciles",
        "distribution": "compared_distribution",
        "utilization": "compared_utilization",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return the designs, the cheapest for the plan first."""
        frame: pd.DataFrame = self.designs.to_pandas().sort_values("plan_paid_pmpm", ignore_index=True)
        return frame

    def plot(self) -> Figure:
        """Return four charts: who pays, the change in plan cost, winners and losers, members' cost."""
        from pricing.benefits.plots import plot_comparison

        return plot_comparison(self)

    def __repr__(self) -> str:
        """Return what was compared, without any member's data."""
        return (
            f"<Comparison: {self.designs.num_rows} designs on {self.run['lines_adjudicated']:,} claim lines>"
        )


def compare(
    designs: Sequence[PlanDesign],
    claims: Any,
    *,
    members: Any = None,
    year: int | None = None,
    base: str | None = None,
    trend: float | Mapping[str, float] = 0.0,
    induced_demand: InducedDemand | None = None,
    threads: int | None = None,
) -> Comparison:
    """Compare plan designs on a claims extract.

    Parameters
    ----------
    designs : sequence of PlanDesign
        Names must differ.
    claims, members, year
        As `read_claims`; or the Claims it returned. With risk scores among the members, deciles are of risk; without,
        of the allowed amount.
    base : str, optional
        Design under which the claims arose: others are compared with it. Default: the first.
    trend : float or mapping of str to float
        Growth of allowed amounts from the claims to the year compared, 0.07 = 7 %; or by service category, which must
        then name them all.
    induced_demand : InducedDemand, optional
        How use changes with the actuarial value. Default: it does not.
    threads : int, optional
        Default: every processor. Never changes a result.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Names are repeated, `base` or a category of `trend` is unknown, or the claims cannot be used or come to nothing.

    Notes
    -----
    Every design is adjudicated on the trended claims; its actuarial value there, with what an account pays, sets the
    change of use by category; with it, allowed amounts are scaled and adjudicated once more. The factor scales what
    lines cost, not how many there are, so that copays and first visits stay as many as they were.
    """
    every = tuple(designs)
    place = _check_names(every, base)
    ready = claims if isinstance(claims, Claims) else read_claims(claims, members=members, year=year)
    trended = ready.scaled(_growth(ready, trend))
    allowed = ready.total_allowed, trended.total_allowed
    people = _People.of(ready)
    base_paid = None
    rows: list[dict[str, Any]] = []
    deciles: list[pa.Table] = []
    factors: list[pa.Table] = []
    percentiles: list[pa.Table] = []
    ordered = (every[place], *every[:place], *every[place + 1 :])
    for design, found, before in _results(ordered, ready, trended, induced_demand, threads):
        if base_paid is None:
            base_paid = found.member_paid
        rows.append(found.row(people) | _answers(found, before, *allowed))
        deciles.append(people.deciles(design.name, found.member_paid, base_paid))
        percentiles.append(people.percentiles(design.name, found.member_paid))
        factors.append(_factor_table(design.name, ready.service_names, found.factors))
    table = pa.Table.from_pylist(rows)
    first = table["plan_paid_pmpm"][0].as_py()
    change = np.asarray(table["plan_paid_pmpm"]) / first - 1 if first else np.full(len(rows), np.nan)
    return Comparison(
        designs=table.append_column("plan_paid_change", pa.array(change)),
        deciles=pa.concat_tables(deciles),
        distribution=pa.concat_tables(percentiles),
        utilization=pa.concat_tables(factors),
        assumptions=_assumptions(ready, every[place].name, base, trend, induced_demand),
        run={
            "question": "compare plan designs",
            "designs": [design.to_dict() for design in every],
            "base": every[place].name,
            **ready.counts,
            "members": ready.member_years.num_rows,
            "warnings": list(notes_on(ready, every)),
        },
    )


@dataclass(frozen=True)
class _Found:
    """A design's results: cents by member and part, shape (n_members, 5), and the factor on use by service."""

    design: PlanDesign
    totals: npt.NDArray[np.int64]
    factors: Numbers

    @cached_property
    def member_paid(self) -> Numbers:
        """Dollars a year of each member: everything that the plan does not pay."""
        return self._dollars(DEDUCTIBLE, COPAY, COINSURANCE, NOT_COVERED)

    @cached_property
    def account(self) -> float:
        """Dollars that an HSA or HRA pays: each member's cost of covered services, up to the contribution."""
        if not self.design.account_contribution:
            return 0.0
        owed = self._dollars(DEDUCTIBLE, COPAY, COINSURANCE)
        return float(np.minimum(owed, self.design.account_contribution).sum())

    @cached_property
    def value(self) -> float:
        """Actuarial value: what the plan and the account pay, of the allowed amount."""
        sums = part_sums(self.totals) / 100
        return float((sums[PLAN_PAID] + self.account) / sums.sum())

    def _dollars(self, *parts: int) -> Numbers:
        """Return the sum of some parts of each member; NumPy's own over so short an axis takes five times as long."""
        result: Numbers = reduce(np.add, [self.totals[:, part] for part in parts]) / 100
        return result

    def row(self, people: _People) -> dict[str, Any]:
        """Return the design's row of `designs`."""
        sums = part_sums(self.totals) / 100
        allowed = float(sums.sum())
        amounts = {
            "allowed": allowed,
            "plan_paid": sums[PLAN_PAID],
            "member_paid": allowed - sums[PLAN_PAID],
            "deductible": sums[DEDUCTIBLE],
            "copay": sums[COPAY],
            "coinsurance": sums[COINSURANCE],
            "not_covered": sums[NOT_COVERED],
            "account": self.account,
        }
        pmpm = {f"{name}_pmpm": float(amount) / people.member_months for name, amount in amounts.items()}
        return {"design": self.design.name, **pmpm, "actuarial_value": self.value}


@dataclass(frozen=True)
class _People:
    """Who is compared: months enrolled, and the decile of risk of each member and year."""

    member_months: float
    decile: npt.NDArray[np.int64]

    @classmethod
    def of(cls, claims: Claims) -> _People:
        """Take months and risk scores where they are known."""
        table = claims.member_years
        n_members = table.num_rows
        months = MONTHS_OF_A_YEAR * n_members
        if "months_enrolled" in table.column_names:
            months = float(np.asarray(table["months_enrolled"]).sum())
        if "risk_score" in table.column_names:
            risk = np.asarray(table["risk_score"])
        else:
            risk = np.bincount(claims.member_rows, claims.allowed, n_members)
        if not months:
            raise InputError(
                "the members have no months enrolled; give months_enrolled of those with claims."
            )
        rank = np.empty(n_members, np.int64)
        rank[np.argsort(risk, kind="stable")] = np.arange(n_members)
        return cls(months, rank * N_DECILES // n_members)

    def deciles(self, name: str, paid: Numbers, base_paid: Numbers) -> pa.Table:
        """Return a design's rows of `deciles`."""
        change = np.round(paid - base_paid, 2)
        members = np.bincount(self.decile, minlength=N_DECILES)
        some = np.flatnonzero(members)

        def count(which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
            return np.bincount(self.decile[which], minlength=N_DECILES)[some]

        def mean(amounts: Numbers) -> Numbers:
            result: Numbers = np.bincount(self.decile, amounts, N_DECILES)[some] / members[some]
            return result

        return pa.table(
            {
                "design": pa.array([name] * len(some)),
                "decile": pa.array((some + 1).astype(np.int16)),
                "members": members[some],
                "member_paid": mean(paid),
                "change": mean(change),
                "better_off": count(change < 0),
                "worse_off": count(change > 0),
                "unchanged": count(change == 0),
            }
        )

    def percentiles(self, name: str, paid: Numbers) -> pa.Table:
        """Return a design's rows of `distribution`."""
        return pa.table(
            {
                "design": pa.array([name] * len(PERCENTILES)),
                "percentile": pa.array(PERCENTILES, pa.int16()),
                "member_paid": np.percentile(paid, PERCENTILES),
            }
        )


def _results(
    designs: Sequence[PlanDesign],
    untrended: Claims,
    trended: Claims,
    induced: InducedDemand | None,
    threads: int | None,
) -> Iterator[tuple[PlanDesign, _Found, int]]:
    """Yield each design, its results and what the plan paid before trend [cents]; a batch of designs in one pass.

    The base is the first of them.
    """
    same_use, base_value = np.ones(len(trended.service_names)), None
    size = max(1, _BATCH_BYTES // (40 * trended.member_years.num_rows))
    for begin in range(0, len(designs), size):
        batch = designs[begin : begin + size]
        totals = adjudicate(trended, batch, threads=threads).totals
        before = totals if trended is untrended else adjudicate(untrended, batch, threads=threads).totals
        for number, design in enumerate(batch):
            found = _Found(design, totals[number], same_use)
            if induced is not None:
                base_value = found.value if base_value is None else base_value
                found = _induced(found, trended, base_value, induced, threads)
            yield design, found, int(before[number, :, PLAN_PAID].sum())


def _induced(
    found: _Found, claims: Claims, base_value: float, induced: InducedDemand, threads: int | None
) -> _Found:
    services = claims.service_names
    factors = np.array([induced.factor(found.value, base_value, service) for service in services])
    return _Found(
        found.design, adjudicate(claims.scaled(factors), found.design, threads=threads).totals[0], factors
    )


def _answers(found: _Found, before: int, allowed_before: int, allowed: int) -> dict[str, float | None]:
    """Return how use and what the plan pays answer: use against the claims', paid trend, leverage."""
    use = float(found.totals.sum() / allowed)
    allowed_trend = allowed / allowed_before - 1
    paid_trend = float(found.totals[:, PLAN_PAID].sum()) / before - 1 if before and allowed_trend else None
    if use != 1.0:
        paid_trend = None  # the change of use is not trend
    leverage = None if paid_trend is None else paid_trend / allowed_trend
    return {"utilization": use, "paid_trend": paid_trend, "leverage": leverage}


def _factor_table(name: str, services: Sequence[str], factors: Numbers) -> pa.Table:
    return pa.table(
        {
            "design": pa.array([name] * len(services)),
            "service_category": list(services),
            "utilization": factors,
        }
    )


def _check_names(designs: Sequence[PlanDesign], base: str | None) -> int:
    """Return the place of the base among the designs."""
    names = [design.name for design in designs]
    if not names:
        raise InputError("compare needs at least one design.")
    if len(set(names)) < len(names):
        raise InputError(f"designs to compare need different names; given: {', '.join(names)}.")
    if base is not None and base not in names:
        raise InputError(f"base '{base}' is none of the designs: {', '.join(names)}{nearest(base, names)}.")
    return 0 if base is None else names.index(base)


def _growth(claims: Claims, trend: float | Mapping[str, float]) -> Numbers:
    """Return 1 + trend by service category."""
    services = claims.service_names
    if not isinstance(trend, Mapping):
        rates = dict.fromkeys(services, float(trend))
    else:
        for name in (*trend, *services):
            if name not in trend or name not in services:
                raise InputError(
                    f"trend by service category: '{name}' is in one of trend and claims only; the claims have: "
                    f"{', '.join(services)}."
                )
        rates = dict(trend)
    growth = 1 + np.array([rates[name] for name in services])
    if not ((growth > 0) & (growth <= 2)).all():
        raise InputError(
            "trend must lie above -1, and not above 1; 0.07 means that allowed amounts grow by 7 %."
        )
    return growth


def _assumptions(
    claims: Claims,
    base: str,
    given_base: str | None,
    trend: float | Mapping[str, float],
    induced: InducedDemand | None,
) -> pa.Table:
    columns = claims.member_years.column_names
    months = "from the table of members" if "months_enrolled" in columns else "12 for each member with claims"
    risk = "risk_score of the members" if "risk_score" in columns else "allowed amount of the claims"
    trends = sorted(trend.items()) if isinstance(trend, Mapping) else [("every service", trend)]
    rows = [
        Assumption("base", base, "", DEFAULT if given_base is None else GIVEN, "changes are against it"),
        Assumption("member months", months, "", RULE, "what PMPM amounts are divided by"),
        Assumption("deciles", risk, "", RULE, "who is in which decile"),
        *(chosen(f"trend: {name}", rate, 0.0, "a period", "growth of allowed amounts") for name, rate in trends),
        Assumption("claims complete", "yes", "", RULE, "no amount is added for claims not yet reported"),
        Assumption("order of claims", "service date, claim, line", "", RULE, "which lines meet the deductible"),
        Assumption("account", "pays cost sharing first", "", RULE, "an HSA or HRA, up to the contribution"),
        Assumption("actuarial value", "plan and account over allowed", "", RULE, "services not covered are in allowed"),
    ]  # fmt: skip
    return assumption_table([*rows, *_induced_assumptions(claims, induced)])


def _induced_assumptions(claims: Claims, induced: InducedDemand | None) -> Iterator[Assumption]:
    if induced is None:
        yield Assumption(
            "induced demand", "none", "", DEFAULT, "use stays as in the claims, whatever the design"
        )
        return
    for point, use in sorted(induced.curve.items()):
        name = f"induced demand: use at actuarial value {point:g}"
        yield Assumption(name, use, "relative use", GIVEN, induced.source)
    for service in claims.service_names:
        share = induced.response.get(service, 1.0)
        name = f"induced demand: response of {service}"
        yield chosen(name, share, 1.0, "share", "how much of the change the category takes part in")
