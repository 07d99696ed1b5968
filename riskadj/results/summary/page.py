"""The page of a report: one HTML file, no reference to anything outside it, every text escaped."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskadj.extracts.output_file import output_file
from riskadj.results.summary import page_charts
from riskadj.results.summary.related import GapsPart, ImpactPart, MarginalPart, Table
from riskadj.results.summary.report import MOST_GROUPS, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #22262a; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; color: #2a6592; }
p.lead { color: #5b6167; margin: 0 0 1.5rem; }
dl { display: flex; gap: 2.5rem; flex-wrap: wrap; margin: 1.5rem 0; }
dt { color: #5b6167; font-size: .8rem; } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .87rem; width: 100%; }
caption { text-align: left; color: #5b6167; font-size: .8rem; padding-bottom: .3rem; }
th { text-align: right; font-weight: 600; border-bottom: 1px solid #22262a; padding: .3rem .6rem; }
td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #e3e6e8; font-variant-numeric: tabular-nums; }
th.text, td.text, th.code { text-align: left; } tr.total td { font-weight: 600; background: #f4f6f7; }
td.code { font: .78rem ui-monospace, monospace; word-break: break-all; text-align: left; }
img { max-width: 100%; height: auto; }
td.text { white-space: nowrap; } td.long { white-space: normal; }
@media screen and (max-width: 50rem) { table { display: block; overflow-x: auto; } }
@page { margin: 16mm 14mm; }
@media print {
  html { font-size: 12px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { margin: 0; padding: 0; max-width: none; font-size: 1rem; }
  h2, h2 + p, caption { break-after: avoid; } tr, img, dl { break-inside: avoid; } td, th { padding: .15rem .4rem; }
}
"""

_TITLES = {
    "model_id": "model",
    "age_band": "age",
    "mean_raw_risk_score_by_months": "mean raw score",
    "mean_payment_risk_score_by_months": "mean payment score",
    "members_with_hcc": "members with it",
    "mean_marginal_payment_score": "mean value",
    "share_of_score_months": "share of value",
    "recaptured_to_date": "recaptured",
    "recapture_rate": "rate",
    "only_value": "value",
    "level": "mean after it",
}
_LONG = ("label", "reason", "table")
_PERCENT = ("prevalence", "share_of_score_months", "recapture_rate")
_WHOLE = ("dollars", "score_months")
_MOST_HCCS = 15


def write_report(report: Report, path: str | Path) -> Path:
    """Write a report as one HTML file.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with output_file(path, overwrite=True) as file:
        file.write_text(report_page(report), encoding="utf-8")
    return Path(path)


_PLANS_OF_SEVERAL_CONTRACTS = (
    "Plans of one number are together, whatever their contract; "
    "riskadj summary --by contract_id,plan_id tells them apart."
)


def report_page(report: Report) -> str:
    """Return a report as a page of HTML."""
    run = report.run
    title = f"Risk scores, {run['program']}, payment year {run['payment_year']}"
    return "\n".join(
        [
            "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>", f"<style>{_STYLE}</style>", f"<h1>{html.escape(title)}</h1>",
            *_parts(report), "</html>", "",
        ]
    )  # fmt: skip


def _parts(report: Report) -> Iterator[str]:
    run, enrollment = report.run, report.run["counts"]["enrollment"]
    yield _paragraph(
        f"Made by riskadj {run['riskadj_version']}. Means are weighted by months enrolled.", "lead"
    )
    yield _figures(
        [
            ("members", enrollment["members"]),
            ("member months", enrollment["months_enrolled"]),
            ("mean payment risk score", report.mean_payment_risk_score),
        ]
    )
    if report.min_cell is not None:
        yield _paragraph(
            f"Numbers of fewer than {report.min_cell} members are blank, and others that would tell them."
        )
    yield "<h2>Distribution of payment risk scores</h2>"
    yield _image(page_charts.draw_distribution(report), "Enrollment rows by payment risk score")
    yield "<h2>Scores by segment</h2>"
    yield _table(report.by_segment, ("model_id", "segment"))
    yield "<h2>Scores by age</h2>"
    yield _table(report.by_age, ("model_id", "age_band"))
    for name, rows in report.by_column.items():
        yield f"<h2>Scores as paid by {html.escape(_words(name))}</h2>"
        if name == "plan_id" and _several(report.by_column.get("contract_id", [])):
            yield _paragraph(_PLANS_OF_SEVERAL_CONTRACTS)
        left_out = ("model_id", "new_enrollees", "mean_raw_risk_score_by_months")
        if len(rows) > MOST_GROUPS:
            yield _paragraph(
                f"{len(rows) - 1:,} values, too many for a page; Scores.summary(by='{name}') has them."
            )
            continue
        shown = [{key: row[key] for key in row if key not in left_out} for row in rows]
        yield _table(shown, (name,))
    yield "<h2>Most frequent payment HCCs</h2>"
    yield _image(page_charts.draw_prevalence(report), "Most frequent payment HCCs")
    yield _table(report.prevalence, ("model_id", "hcc", "label"))
    if report.gaps:
        yield from _recapture(report.gaps)
    if report.marginal:
        yield from _values(report.marginal)
    if report.impact:
        yield from _impact(report.impact)
    yield "<h2>What was read</h2>"
    yield _table(report.counts, ("extract",))
    if report.rejects:
        yield _table(report.rejects, ("reason",), caption="Rows that were not used")
    yield from _tables_used(run)
    yield from _notes(run)


def _recapture(gaps: GapsPart) -> Iterator[str]:
    yield "<h2>Recapture of conditions</h2>"
    yield _paragraph(
        "Of the conditions that members had in the window before, the share seen again; a more severe condition of the "
        "same hierarchy counts as seen. Acute conditions are in the table and not in the chart."
    )
    yield _image(
        page_charts.draw_recapture(gaps), "Recapture by month, this year and the prior year's own curve"
    )
    yield _table(gaps.rates, ("model_id", "kind", "to"))


def _values(marginal: MarginalPart) -> Iterator[str]:
    yield "<h2>Value of captured HCCs, and what of it is at risk</h2>"
    yield _image(
        page_charts.draw_values(marginal), "Value of captured HCCs, and the share that rests on one value"
    )
    names = ("model_id", "hcc", "label", "rows", "mean_marginal_payment_score", "score_months", "dollars")
    columns = _with_values(marginal.value_by_hcc, names)
    yield _table(
        marginal.value_by_hcc.slice(0, _MOST_HCCS).select(columns).to_pylist(), ("model_id", "hcc", "label")
    )
    columns = _with_values(marginal.value_at_risk, marginal.value_at_risk.column_names)
    risks = marginal.value_at_risk.select(columns).to_pylist()
    yield _table(risks, ("column", "only_value"), caption="Value that rests on one value of a column alone")


def _with_values(table: pa.Table, names: Sequence[str]) -> list[str]:
    """Return the columns that are not all blank."""
    return [name for name in names if table[name].null_count < table.num_rows]


def _impact(impact: ImpactPart) -> Iterator[str]:
    yield "<h2>Shift of scores between two runs</h2>"
    yield _paragraph(f"Before: {impact.names[0]}. After: {impact.names[1]}.")
    yield _image(page_charts.draw_shift(impact), "Enrollment rows by payment risk score before and after")
    yield "<h2>Change of the mean, cause by cause</h2>"
    yield _image(page_charts.draw_waterfall(impact), "Mean payment risk score from before to after")
    yield _figures([("mean before", impact.start), ("mean after", impact.causes[-1]["level"])])
    yield _table(impact.causes, ("cause",))


def _tables_used(run: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Tables behind the scores</h2>"
    year = run["payment_year_tables"]
    rows = [{"table": f"{year['folder']}, payment year", "sha256": year["sha256"]}]
    for model in run["models"]:
        rows += [
            {"table": f"{model['folder']}, {name}", "sha256": sha} for name, sha in model["sha256"].items()
        ]
    yield _table(rows, ("table",), codes=("sha256",))
    numbers = [
        {
            "model_id": model["model_id"],
            "normalization": ", ".join(model["normalization"]) or None,
            "coding intensity": ", ".join(model["coding_intensity"]) or None,
            "revision": model["revision"],
            "status": model["status"],
        }
        for model in run["models"]
    ]
    yield _table(numbers, ("model_id", "normalization", "coding intensity", "status"))


def _notes(run: dict[str, Any]) -> Iterator[str]:
    if run["unverified"]:
        yield "<h2>Not verified in an official document</h2>"
        yield _items(run["unverified"])
    if run["notes"]:
        yield "<h2>Notes</h2>"
        yield _items(run["notes"])


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def _items(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in texts) + "</ul>"


def _figures(figures: Sequence[tuple[str, float | int | None]]) -> str:
    parts = [
        f'<div><dt>{html.escape(name)}</dt><dd data-name="{html.escape(name)}" data-value="{_raw(value)}">'
        f"{_shown(name, value)}</dd></div>"
        for name, value in figures
    ]
    return f"<dl>{''.join(parts)}</dl>"


def _table(rows: Table, texts: Sequence[str], *, caption: str = "", codes: Sequence[str] = ()) -> str:
    """Return a table; `texts` are columns of words, `codes` of checksums, all others of numbers."""
    if not rows:
        return _paragraph("None.")
    names = list(rows[0])
    head = "".join(
        f'<th{_kind(name, texts, codes)} scope="col">{html.escape(_TITLES.get(name, _words(name)))}</th>'
        for name in names
    )
    body = "".join(_row(row, names, texts, codes) for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: dict[str, Any], names: Sequence[str], texts: Sequence[str], codes: Sequence[str]) -> str:
    total = ' class="total"' if "all" in row.values() else ""
    cells = "".join(
        f"<td{_kind(name, texts, codes)}>{html.escape(str(row[name] or ''))}</td>"
        if name in (*texts, *codes)
        else f'<td data-name="{html.escape(name)}" data-value="{_raw(row[name])}">{_shown(name, row[name])}</td>'
        for name in names
    )
    return f"<tr{total}>{cells}</tr>"


def _kind(name: str, texts: Sequence[str], codes: Sequence[str]) -> str:
    if name in codes:
        return ' class="code"'
    return "" if name not in texts else ' class="text long"' if name in _LONG else ' class="text"'


def _several(rows: Table) -> bool:
    """Return whether a breakdown has more than one group beside the total."""
    return len(rows) > 2


def _words(name: str) -> str:
    """Return the name of a column as words: plan_id is a plan."""
    return name.removesuffix("_id").removesuffix("_code").replace("_", " ")


def _raw(value: float | int | None) -> str:
    return "" if value is None else repr(value)


def _shown(name: str, value: float | int | None) -> str:
    if value is None:
        return "-"
    if name in _PERCENT:
        return f"{value:.1%}"
    if name in _WHOLE:
        return f"{value:,.0f}"
    if name == "change":
        return f"{value:+.4f}"
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def _image(figure: Figure, text: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{data}">'
