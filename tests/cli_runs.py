"""The command line as tests run it: in this process, with what it printed and its exit status."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskadj.cli import app
from tests.members import TOY_MAPS

#: Options that score the invented program of tests/toy_maps.
TOY = ("--maps-dir", str(TOY_MAPS), "--program", "atlantis", "--payment-year", "2099")
#: What every member id and birth date of these extracts holds, so that a message can be searched for it.
ID_MARK, BIRTH_MARK = "ZQX7", "2031"


@dataclass(frozen=True)
class Run:
    """What one call of the command line did."""

    status: int
    out: str
    err: str


def run(*words: str | Path) -> Run:
    """Call `riskadj` with these words."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(args=[str(word) for word in words], prog_name="riskadj")
        except SystemExit as end:
            status = int(end.code or 0)
    return Run(status, out.getvalue(), err.getvalue())


def member(number: int) -> str:
    """Return a member id that carries the mark."""
    return f"{ID_MARK}{number:03}"


def enrollment(n_members: int = 6, **columns: Any) -> pa.Table:
    """Return an enrollment extract of good rows; a column given as None is left out, others are replaced or added."""
    good = {
        "member_id": [member(number) for number in range(n_members)],
        "birth_date": [date(int(BIRTH_MARK), 3, 1 + number) for number in range(n_members)],
        "sex": ["F", "M"] * (n_members // 2) + ["F"] * (n_members % 2),
        "orec": ["0"] * n_members,
        "dual_status_code": ["00"] * n_members,
    }
    return pa.table({name: column for name, column in {**good, **columns}.items() if column is not None})


def diagnoses(n_rows: int = 6, **columns: Any) -> pa.Table:
    """Return a diagnoses extract of good rows, likewise."""
    good = {
        "member_id": [member(number) for number in range(n_rows)],
        "diagnosis_code": ["Q01", "Q02", "Q03", "Q12", "Z000", "Q51"][:n_rows],
        "service_date": [date(2098, 5, 1 + number) for number in range(n_rows)],
    }
    return pa.table({name: column for name, column in {**good, **columns}.items() if column is not None})


@dataclass(frozen=True)
class Extracts:
    """A folder with the files of one run."""

    folder: Path

    @property
    def output(self) -> Path:
        """Where the scores go."""
        return self.folder / "scores"

    def put(self, name: str, table: pa.Table) -> Path:
        """Write a table and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        return path

    def score(self, *words: str | Path, **tables: pa.Table) -> Run:
        """Write the two extracts, those not given with good rows, and call `riskadj score` on them."""
        enrolled = self.put("enrollment.parquet", tables.get("enrollment", enrollment()))
        diagnosed = self.put("diagnoses.parquet", tables.get("diagnoses", diagnoses()))
        return self.score_files(enrolled, diagnosed, *words)

    def score_files(self, enrolled: str | Path, diagnosed: str | Path, *words: str | Path) -> Run:
        """Call `riskadj score` on files."""
        files = ("--enrollment", enrolled, "--diagnoses", diagnosed, "--output", self.output)
        return run("score", *TOY, *files, *words)
