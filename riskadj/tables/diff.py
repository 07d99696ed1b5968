"""What changed between two releases of a model: by code, by HCC, by factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from riskadj.tables.columns import TABLES, Table
from riskadj.tables.model import ModelTables


@dataclass(frozen=True)
class Change:
    """One key of one table that differs.

    Attributes
    ----------
    kind : {"added", "removed", "changed"}
    key : str
        The code, HCC or variable (and segment).
    before, after : str
        What the older and the newer release say; empty where there is nothing.
    """

    table: str
    kind: str
    key: str
    before: str
    after: str


@dataclass(frozen=True)
class Diff:
    """All changes from an older to a newer release."""

    older: str
    newer: str
    changes: tuple[Change, ...]

    def of(self, table: str) -> tuple[Change, ...]:
        """Return the changes of one table."""
        return tuple(change for change in self.changes if change.table == table)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many keys were added, removed and changed, by table; tables without a change are left out."""
        result: dict[str, dict[str, int]] = {}
        for change in self.changes:
            kinds = result.setdefault(change.table, {"added": 0, "removed": 0, "changed": 0})
            kinds[change.kind] += 1
        return result

    def to_text(self, *, most: int | None = None) -> str:
        """Return the changes as text: counts by table, then at most `most` lines a table."""
        lines = [f"{self.older} -> {self.newer}"]
        if not self.changes:
            return f"{lines[0]}: no table differs"
        for table, kinds in self.counts().items():
            words = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
            lines.append(f"\n{table}: {words}")
            changes = self.of(table)
            lines += [f"  {_in_words(change)}" for change in changes[:most]]
            if most is not None and len(changes) > most:
                lines.append(f"  ... and {len(changes) - most:,} more")
        return "\n".join(lines)


def _in_words(change: Change) -> str:
    if change.kind == "changed":
        return f"{change.key}: {change.before} -> {change.after}"
    sign, text = ("+", change.after) if change.kind == "added" else ("-", change.before)
    return f"{sign} {change.key}: {text}" if text else f"{sign} {change.key}"


def diff_releases(older: ModelTables, newer: ModelTables) -> Diff:
    """Compare two releases, table by table.

    Parameters
    ----------
    older, newer : ModelTables

    Returns
    -------
    Diff
        Mappings by code, hierarchies and groups by HCC, relative factors by variable and segment. Factors are compared
        as numbers: 0.35 and 0.350 are the same.
    """
    changes = [
        change for name in TABLES for change in _changes(name, _keyed(older, name), _keyed(newer, name))
    ]
    return Diff(_name(older), _name(newer), tuple(changes))


def _name(model: ModelTables) -> str:
    manifest = model.manifest
    return f"{manifest.program}/{manifest.payment_year}/{manifest.id}"


def _changes(table: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for key in sorted(set(before) | set(after)):
        old, new = before.get(key), after.get(key)
        if old != new:
            kind = "added" if old is None else "removed" if new is None else "changed"
            yield Change(table, kind, key, old or "", new or "")


def _keyed(model: ModelTables, name: str) -> dict[str, str]:
    """Return a table as one text per key; rows of the same key are joined."""
    if name not in model.tables:
        return {}
    table = model.tables[name]
    n_key = {"relative_factors": 2}.get(name, 1)
    result: dict[str, list[str]] = {}
    for row in table.rows:
        result.setdefault(" ".join(row[:n_key]), []).append(_text(table, row, n_key))
    return {key: "; ".join(sorted(texts)) for key, texts in result.items()}


def _text(table: Table, row: tuple[str, ...], n_key: int) -> str:
    cells = zip(table.columns[n_key:], row[n_key:], strict=True)
    if table.path.stem == "relative_factors":
        return str(Decimal(row[n_key]).normalize())
    named = [
        cell if column in ("hcc", "drops", "term", "label") else f"{column} {cell}"
        for column, cell in cells
        if cell
    ]
    return ", ".join(named)
