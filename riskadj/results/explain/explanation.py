"""What an explanation holds: lines, shown as text, as a table, as a chart of factors, or written."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from riskadj.extracts.write import write_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_HEADINGS = ("row", "model_id", "step", "item", "detail", "value", "source")
#: The step of lines that are scores, and what the score of a model's sum is called.
SCORE, BLEND, RAW = "score", "blend", "raw risk score"


@dataclass(frozen=True)
class Line:
    """One line of an explanation.

    Attributes
    ----------
    row : int
        Which of the member's enrollment rows, from 1.
    value : str
        A factor or a score, as printed; empty where the line has none.
    source : str
        The table, and the document it was taken from.
    """

    row: int
    model_id: str
    step: str
    item: str
    detail: str
    value: str = ""
    source: str = ""


@dataclass(frozen=True)
class Explanation:
    """Every line of one member's scores; prints as text, shows as a table in a notebook."""

    member_id: str
    lines: tuple[Line, ...]

    def to_pandas(self) -> pd.DataFrame:
        """Return the lines as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(
            [[getattr(line, name) for name in _HEADINGS] for line in self.lines], columns=list(_HEADINGS)
        )

    def summary(self) -> pd.DataFrame:
        """Return the scores alone, one row per enrollment row and model, and the blended score where there is one."""
        import pandas as pd

        rows = []
        for (row, model_id), lines in self.blocks():
            scores = {
                line.item: float(line.value) for line in lines if line.step in (SCORE, BLEND) and line.value
            }
            if scores:
                rows.append({"row": row, "model_id": model_id or "as paid", **scores})
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Return a chart per enrollment row and model: from the demographic score, factor by factor, to the payment."""
        from riskadj.results.plots.explain import plot_explanation

        return plot_explanation(self)

    def write(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the lines (explanation.parquet), the chart and run.json into `directory`, all or nothing.

        Raises
        ------
        OutputExistsError, OutputError
            `directory` is in use, or cannot be written.
        """
        table = pa.table({name: [getattr(line, name) for line in self.lines] for name in _HEADINGS})
        report = {
            "explanation": {
                "lines": len(self.lines),
                "enrollment_rows": len({line.row for line in self.lines}),
            }
        }
        return write_tables(
            directory,
            {"explanation": table},
            report,
            charts={"explanation": self.plot()},
            overwrite=overwrite,
        )

    def blocks(self) -> Iterator[tuple[tuple[int, str], list[Line]]]:
        """Yield ((row, model_id), lines) of each enrollment row and model, in order."""
        for key, lines in groupby(self.lines, lambda line: (line.row, line.model_id)):
            yield key, list(lines)

    def __str__(self) -> str:
        """Return the lines as text, one block per enrollment row and model."""
        text = [f"member {self.member_id}"]
        block: tuple[int, str] | None = None
        for line in self.lines:
            if (line.row, line.model_id) != block:
                block = (line.row, line.model_id)
                text.append(f"\nenrollment row {line.row}" + (f", {line.model_id}" if line.model_id else ""))
            source = f"  [{line.source}]" if line.source else ""
            text.append(f"  {line.step:<18} {line.item:<26} {line.value:>8}  {line.detail}{source}")
        return "\n".join(text)

    def __repr__(self) -> str:
        """Return how long the explanation is; the member's own data shows only where it is printed."""
        return f"<Explanation of one member: {len(self.lines)} lines; print it, or to_pandas()>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in _HEADINGS)
        cell = "<td style='text-align:left'>{}</td>"
        rows = [[html.escape(str(getattr(line, name))) for name in _HEADINGS] for line in self.lines]
        body = "".join(f"<tr>{''.join(cell.format(text) for text in row)}</tr>" for row in rows)
        return f"<p>member {html.escape(self.member_id)}</p><table><tr>{head}</tr>{body}</table>"
