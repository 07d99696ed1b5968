"""The statement of one provider group: every step from benchmark to payment, with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pricing.build_up import BuildUp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Statement:
    """One group's settlement, step by step.

    Attributes
    ----------
    build_ups : mapping of str to BuildUp
        By arrangement; "benchmark" in dollars per member and month, the others in dollars; "payment" is the last.
    is_interim : bool
        Whether claims not yet paid were estimated.
    """

    provider_id: str
    contract: str
    period: int
    is_interim: bool
    build_ups: Mapping[str, BuildUp] = field(repr=False)

    @property
    def payment(self) -> float:
        """What the payer owes the group; below 0 what the group owes. [dollars]"""
        return round(float(self.build_ups["payment"].value[0]), 2)

    def to_pandas(self) -> pd.DataFrame:
        """Return every step: arrangement, step, kind, value, level, source."""
        tables = [
            build_up.table().add_column(0, "arrangement", pa.array([name] * len(build_up.steps), pa.string()))
            for name, build_up in self.build_ups.items()
        ]
        frame: pd.DataFrame = pa.concat_tables(tables).drop_columns(["label", "field"]).to_pandas()
        return frame

    def plot(self, arrangement: str = "payment") -> Figure:
        """Return a waterfall of one arrangement's steps."""
        return self.build_ups[arrangement].plot()

    def __repr__(self) -> str:
        """Return the statement as a page of text."""
        kind = "Interim statement" if self.is_interim else "Statement"
        title = f"{kind} of {self.provider_id}, {self.period}, contract '{self.contract}'"
        pages = [_page(name, build_up) for name, build_up in self.build_ups.items()]
        return "\n\n".join([title, *pages])


def _page(name: str, build_up: BuildUp) -> str:
    lines = [f"{name} [{build_up.unit}]"]
    for step, level in zip(build_up.steps, build_up.levels, strict=True):
        value = "" if step.kind == "checkpoint" else f"{float(step.value[0]):,.4f}"
        mark = {"multiply": "x", "divide": "/", "add": "+", "blend": "z", "checkpoint": "="}.get(
            step.kind, " "
        )
        lines.append(
            f"  {mark} {step.name:<44} {value:>18} {float(level[0]):>18,.2f}   {step.source}".rstrip()
        )
    return "\n".join(lines)
