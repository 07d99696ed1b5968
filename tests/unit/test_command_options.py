"""Options that every command which reads extracts shares, as each of them uses them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tests import cli_runs
from tests.cli_runs import Extracts, diagnoses, enrollment, member
from tests.members import TOY_MAPS

NO_YEAR = ("--maps-dir", TOY_MAPS, "--program", "atlantis")
COMMANDS = {
    "marginal": (),
    "without": ("--where", "diagnosis_code=Q01"),
    "gaps": (),
    "explain": ("--member", member(0)),
    "impact": ("--before", "models=toy_hcc_v1", "--after", "models=toy_hcc_v2"),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str | Path, ...]:
    made = Extracts(tmp_path)
    rows = enrollment(birth_date=[date(2031, 3, 1)] * 5 + [None])
    days = [date(2097 + number % 2, 5, 1) for number in range(6)]
    found = made.put("diagnoses.parquet", diagnoses(service_date=days))
    return "--enrollment", made.put("enrollment.parquet", rows), "--diagnoses", found


def call(command: str, files: tuple[str | Path, ...], folder: Path, *words: str | Path) -> cli_runs.Run:
    output = () if command == "explain" else ("--output", folder / "out")
    return cli_runs.run(command, *COMMANDS[command], *files, *output, *words)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_rows_that_cannot_be_used_stop_each_or_are_left_out(
    command: str, files: tuple[str | Path, ...], tmp_path: Path
) -> None:
    """To explain one member, the rows of others stop nothing unless that is asked for."""
    year = (*NO_YEAR, "--payment-year", "2099")
    stopped = call(command, files, tmp_path, *year, "--rejects", "stop")
    assert (stopped.status, "RowsRejectedError" in stopped.err) == (2, True)
    assert call(command, files, tmp_path, *year, "--rejects", "write").status == 0
    if command == "explain":
        assert call(command, files, tmp_path, *year).status == 0


@pytest.mark.parametrize("command", list(COMMANDS))
def test_each_refuses_drugs_that_no_model_reads_and_procedures_that_no_filter_reads(
    command: str, files: tuple[str | Path, ...], tmp_path: Path
) -> None:
    drugs = Extracts(tmp_path).put(
        "drugs.parquet", pa.table({"member_id": [member(0)], "ndc": ["00012345678"]})
    )
    procedures = tmp_path / "codes.txt"
    procedures.write_text("99213\n", encoding="utf-8")
    year = (*NO_YEAR, "--payment-year", "2099", "--rejects", "write")
    for words, message in (
        (("--drugs", drugs), "no model of atlantis reads drugs"),
        (("--eligible-procedures", procedures), "eligible_procedures is read by the claim filter alone"),
    ):
        run = call(command, files, tmp_path, *year, *words)
        assert (run.status, message in run.err) == (2, True)


def test_sides_of_an_impact_without_a_year(files: tuple[str | Path, ...], tmp_path: Path) -> None:
    run = call("impact", files, tmp_path, *NO_YEAR, "--rejects", "write")
    assert run.status == 2
    assert "--before lacks payment-year=YEAR, and there is no --payment-year for both" in run.err
