"""The README shows what the library says today: its coverage table is the one made from the tables."""

from __future__ import annotations

from typer.testing import CliRunner

from riskadj.cli import app
from tests.house import laws


def test_coverage_table_is_made_from_the_tables() -> None:
    made = CliRunner().invoke(app, ["maps", "list", "--format", "markdown"]).stdout.strip()
    text = (laws.ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- coverage -->")[2].partition("<!-- /coverage -->")[0].strip()
    assert shown == made
    assert shown.count("\n") > 10
