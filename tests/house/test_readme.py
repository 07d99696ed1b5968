"""The README shows what the library says today: its tables are made from the tables and results of the library."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import report as speed
from benchmarks.accuracy import report
from benchmarks.accuracy.__main__ import BLOCK, RESULTS
from benchmarks.readme import read_block, write_block
from riskadj.cli import app
from tests.house import laws
from tests.releases import final_models


def test_coverage_table_is_made_from_the_tables() -> None:
    made = CliRunner().invoke(app, ["maps", "list", "--format", "markdown"]).stdout.strip()
    shown = read_block("coverage")
    assert shown == made
    assert shown.count("\n") > 10


def test_readme_and_report_are_made_from_the_results() -> None:
    results = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert (RESULTS / "accuracy.md").read_text(encoding="utf-8") == report.markdown(results)
    assert read_block(BLOCK) == report.readme(results)
    assert {item["place"] for item in results["compared"]} == set(final_models())


def test_speeds_are_those_of_the_results() -> None:
    results, scale = (
        json.loads((RESULTS / name).read_text(encoding="utf-8")) for name in ("latest.json", "scale.json")
    )
    assert read_block("speed") == speed.readme(results, scale)
    assert (RESULTS / "latest.md").read_text(encoding="utf-8") == speed.markdown(results, scale)


def test_a_block_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("a\n<!-- b -->\nold\n<!-- /b -->\nc\n", encoding="utf-8")
    write_block("b", "new", page)
    assert page.read_text(encoding="utf-8") == "a\n<!-- b -->\nnew\n<!-- /b -->\nc\n"
    with pytest.raises(ValueError, match="no single block"):
        write_block("x", "new", page)


def test_results_hold_no_difference_from_the_naive_scorer() -> None:
    results = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert sum(item["differ"] for item in results["compared"] if item["against"] == "naive scorer") == 0
    assert sum(item["unexplained"] for item in results["compared"]) == 0


TUVA = laws.ROOT.parent / "shared" / "realdata" / "tuva_demo"


@pytest.mark.skipif(not TUVA.exists(), reason="the Tuva demo's claims are not here")
def test_tuva_command_prints_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (laws.ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition("```text\n")[2].partition("```")[0]
    words = re.search(r"^riskadj (score .*\\\n.*\\\n.*)$", text, re.MULTILINE)
    assert words is not None
    (tmp_path / "tuva_demo").symlink_to(TUVA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    done = CliRunner().invoke(app, words[1].replace("\\\n", " ").split())
    assert done.exit_code == 0, done.output
    assert without_seconds(done.stdout) == without_seconds(shown)


def without_seconds(text: str) -> list[str]:
    """The lines that are printed, but for blanks at their ends and the seconds of the run."""
    lines = [re.sub(r" in \d+\.\d s:", " in S s:", line.rstrip()) for line in text.splitlines()]
    return [line for line in lines if line]
