"""Scorecards: each provider group's risk-adjusted cost with its interval, utilization, recapture and quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricing import results
from pricing.contracts.groups import groups_of
from pricing.contracts.money import CENTS, to_dollars
from pricing.contracts.panel import Panel, read_panel
from pricing.contracts.recapture import recapture_of
from pricing.contracts.terms import Truncation
from pricing.experience.assumptions import RULE, Assumption, assumption_table, chosen
from pricing.experience.incurred_claims import Incurred
from pricing.experience.risk_adjusted import actual_to_expected
from pricing.inputs import Column, Numbers, read_columns
from pricing.rows import ALL, add_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Of a funnel, in standard deviations (95 and 99.8 percent): outside the first a group is called high or low, outside
#: the second very much so.
FUNNEL = (1.96, 3.09)


@dataclass(frozen=True)
class Scorecards:
    """Provider groups side by side.

    Attributes
    ----------
    groups : pyarrow.Table
        One row per group: provider_id, members, member_months, risk_score, pmpm, risk_adjusted_pmpm, expected_pmpm
        [dollars], actual_to_expected with its interval (low, high), funnel_low, funnel_high (within which chance keeps
        a group of its size that costs what is expected, 95 percent) and position ("within", "high", "very high", "low",
        "very low"); z and credible_actual_to_expected where full credibility was given; quality_score if it was given;
        conditions, recapture_rate, recapture_low, recapture_high where recapture was given.
    utilization : pyarrow.Table
        One row per group and service category: provider_id, service_category, utilization_per_1000, of_everybody (the
        same of all groups), relative, pmpm [dollars]; no rows where none was given.
    total : float
        Actual over expected of everybody. [ratio]
    """

    groups: pa.Table = field(repr=False)
    utilization: pa.Table = field(repr=False)
    total: float
    confidence: float
    assumptions: pa.Table = field(repr=False)
    run: dict[str, Any]

    TABLES: ClassVar[Mapping[str, str]] = {
        "groups": "scorecards",
        "utilization": "scorecard_utilization",
        "assumptions": "assumptions",
    }
    to_pandas = results.to_pandas
    write = results.write

    def summary(self) -> pd.DataFrame:
        """Return the groups, the lowest actual to expected first."""
        wanted = [
            "provider_id", "members", "risk_score", "pmpm", "risk_adjusted_pmpm", "actual_to_expected", "low", "high",
            "position", "quality_score", "recapture_rate",
        ]  # fmt: skip
        frame = self.groups.to_pandas()
        shown = frame[[name for name in wanted if name in frame]].set_index("provider_id")
        return shown.sort_values("actual_to_expected", kind="stable")

    def plot(self) -> Figure:
        """Return a figure: a funnel of actual to expected by size, and utilization against everybody's."""
        from pricing.contracts.plots import plot_scorecards

        return plot_scorecards(self)

    def __repr__(self) -> str:
        """Return how many groups lie where."""
        counts = pc.value_counts(self.groups["position"]).to_pylist()
        words = ", ".join(f"{each['counts']:,} {each['values']}" for each in counts)
        return f"<Scorecards of {self.groups.num_rows:,} groups: {words}>"


def scorecards(
    panel: Any,
    *,
    period: int,
    truncation: Truncation | None = None,
    groups: Any = None,
    utilization: Any = None,
    recapture: Any = None,
    recapture_kind: str = "chronic",
    full_credibility: float | None = None,
    confidence: float = 0.95,
) -> Scorecards:
    """Return a scorecard of each provider group.

    Parameters
    ----------
    panel : Panel, path, DataFrame or Arrow table
        As `read_panel` reads it.
    period : int
        The year shown.
    truncation : Truncation, optional
        What a member's amount counts up to; default: all of it.
    groups : path, DataFrame, Arrow table or mapping, optional
        provider_id, quality_score.
    utilization : Incurred, path, DataFrame or Arrow table, optional
        Of `pricing.experience.incurred`, with ``member_months(..., by="provider_id")``; or its table incurred_totals.
    recapture : path, DataFrame or Arrow table, optional
        The table `recapture` of riskadj's gaps (``by=["provider_id"]``): its latest month that is known.
    recapture_kind : {"chronic", "acute", "unknown"}
        Conditions whose recapture is shown.
    full_credibility : float, optional
        Member months at which a group's own ratio counts fully (square-root rule).
    confidence : float
        Probability of the intervals, 0 to 1.

    Returns
    -------
    Scorecards

    Raises
    ------
    InputError
        A table lacks a group or a column, or an option is not allowed.

    Notes
    -----
    Expected is everybody's PMPM in proportion to risk scores. The interval of a group comes from its own members; the
    funnel from everybody's, with a variance in proportion to what is expected: a group within the funnel cannot be told
    from the others, whatever its ratio.
    """
    read = panel if isinstance(panel, Panel) else read_panel(panel)
    held = read.truncated(truncation or Truncation()).of(period)
    known = groups_of(held, table=groups)
    found = actual_to_expected(
        _members(held), by="provider_id", full_credibility=full_credibility, confidence=confidence
    )
    table = found.groups.sort_by("provider_id").rename_columns({"n_rows": "members"})
    columns = _funnel(held, table)
    if known.quality is not None:
        columns["quality_score"] = known.quality
    if recapture is not None:
        columns |= recapture_of(recapture, known.labels, kind=recapture_kind, confidence=confidence)
    table = table.drop_columns(["amount", "expected"])
    for name, column in columns.items():
        table = table.append_column(name, pa.array(column))
    return Scorecards(
        groups=table,
        utilization=_NO_USE if utilization is None else _utilization(utilization),
        total=found.total,
        confidence=confidence,
        assumptions=_assumptions(truncation, full_credibility, confidence, recapture_kind),
        run={
            "period": period,
            "groups": table.num_rows,
            "members": held.n_rows,
            "member_months": float(held.months.sum()),
            "amount": int(held.counted.sum()) / CENTS,
        },
    )


def _members(panel: Panel) -> pa.Table:
    """Return the members of a period, as actual to expected reads them."""
    return pa.table(
        {
            "provider_id": pa.array(panel.providers, pa.string()).take(pa.array(panel.provider)),
            "amount": to_dollars(panel.counted),
            "member_months": panel.months,
            "risk_score": panel.risk,
        }
    )


def _funnel(panel: Panel, groups: pa.Table) -> dict[str, Any]:
    """Return funnel_low, funnel_high and position of each group."""
    deviation = _deviation(panel, groups["expected"].to_numpy())
    near, far = (width * deviation for width in FUNNEL)
    ratio = groups["actual_to_expected"].to_numpy(zero_copy_only=False)
    places = [_position(*each) for each in zip(ratio, near, far, strict=True)]
    return {"funnel_low": np.maximum(1 - near, 0.0), "funnel_high": 1 + near, "position": places}


def _deviation(panel: Panel, expected: Numbers) -> Numbers:
    """Return the standard deviation of actual over expected of each group, by chance alone."""
    usual = panel.months * panel.risk
    amounts = to_dollars(panel.counted)
    per_dollar = amounts.sum() / usual.sum()
    scale = ((amounts - usual * per_dollar) ** 2).sum() / (usual * per_dollar).sum()
    return np.asarray(np.sqrt(scale / expected), np.float64)


def _position(ratio: float, near: float, far: float) -> str:
    side = "high" if ratio > 1 else "low"
    distance = abs(ratio - 1)
    return "within" if distance <= near else side if distance <= far else f"very {side}"


def _utilization(source: Any) -> pa.Table:
    """Return utilization by group and service category, beside that of all groups together."""
    rows = read_columns(source.totals if isinstance(source, Incurred) else source, _USE, role="utilization")
    months = dict(zip(rows["provider_id"], rows["member_months"].tolist(), strict=True))
    service, place = np.unique(rows["service_category"].astype(str), return_inverse=True)
    of_service = add_up(place, rows["utilization_per_1000"] * rows["member_months"], len(service))
    everybody = (of_service / sum(months.values()))[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = rows["utilization_per_1000"] / everybody
    columns = {
        "provider_id": pa.array(rows["provider_id"], pa.string()),
        "service_category": pa.array(rows["service_category"], pa.string()),
        "utilization_per_1000": pa.array(rows["utilization_per_1000"]),
        "of_everybody": pa.array(everybody),
        "relative": results.finite(relative),
        "pmpm": pa.array(rows["pmpm"]),
    }
    table = pa.table(columns).filter(pc.field("service_category") != ALL)
    return table.sort_by([("provider_id", "ascending"), ("service_category", "ascending")])


_USE = (
    Column("provider_id", "text"), Column("service_category", "text"), Column("utilization_per_1000", minimum=0),
    Column("member_months", above=0), Column("pmpm"),
)  # fmt: skip
_NO_USE = pa.schema(
    [("provider_id", pa.string()), ("service_category", pa.string())]
    + [(name, pa.float64()) for name in ("utilization_per_1000", "of_everybody", "relative", "pmpm")]
).empty_table()


def _assumptions(
    truncation: Truncation | None, full_credibility: float | None, confidence: float, kind: str
) -> pa.Table:
    cut = truncation or Truncation()
    level = cut.level if cut.level is not None else cut.percentile
    return assumption_table(
        [
            Assumption(
                "expected",
                "PMPM of everybody x relative risk score",
                "dollars",
                RULE,
                "what a ratio is against",
            ),
            chosen(
                "truncation",
                level,
                None,
                "dollars a year or percentile",
                "what a member's amount counts up to",
            ),
            chosen(
                "full_credibility",
                full_credibility,
                None,
                "member months",
                "square-root rule; rest: everybody",
            ),
            chosen("confidence", confidence, 0.95, "", "of the intervals"),
            chosen("recapture_kind", kind, "chronic", "", "conditions whose recapture is shown"),
            Assumption(
                "funnel",
                ", ".join(map(str, FUNNEL)),
                "standard deviations",
                RULE,
                "limits of high, and very high",
            ),
        ]
    )
