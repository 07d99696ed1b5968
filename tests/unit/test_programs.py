"""Several programs in one pass: each program's scores are those of a run by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import OptionError
from riskadj.scoring import reading
from tests.cli_runs import run as command

BUNDLED = Path(__file__).parents[2] / "data" / "synthetic"
FILES = (BUNDLED / "enrollment.parquet", BUNDLED / "diagnoses.parquet")
PROGRAMS = ("medicare_part_c", "medicare_part_d")


@pytest.fixture(scope="module")
def few() -> tuple[pa.Table, pa.Table]:
    """The rows of a few hundred members, one of them without diagnoses that count; one diagnosis of nobody."""
    enrollment = pq.ParquetFile(FILES[0]).read().slice(0, 400)
    diagnoses = pq.ParquetFile(FILES[1]).read()
    wanted = pa.compute.is_in(diagnoses["member_id"], enrollment["member_id"].combine_chunks())
    return enrollment, diagnoses.filter(wanted)


def test_each_program_scores_as_by_itself(few: tuple[pa.Table, pa.Table]) -> None:
    together = riskadj.score_programs(*few, programs=PROGRAMS, payment_year=2026, rejects="write")
    assert tuple(together) == PROGRAMS
    for program in PROGRAMS:
        alone = riskadj.score(*few, program=program, payment_year=2026, rejects="write")
        for table in ("payment_scores", "model_scores", "rejects"):
            assert getattr(together[program], table).equals(getattr(alone, table)), (program, table)
        assert together[program].run["models"] == alone.run["models"]
        assert together[program].run["counts"]["enrollment"] == alone.run["counts"]["enrollment"]


def test_rows_that_one_program_does_not_score_stay_with_the_other(few: tuple[pa.Table, pa.Table]) -> None:
    """A sex that no table knows rejects a row everywhere; no enrollment row of a member rejects its diagnoses."""
    enrollment, diagnoses = few
    stranger = diagnoses.slice(0, 1).set_column(
        0, "member_id", pa.array(["nobody"], diagnoses["member_id"].type)
    )
    assert diagnoses.column_names[0] == "member_id"
    both = pa.concat_tables([diagnoses, stranger])
    together = riskadj.score_programs(enrollment, both, programs=PROGRAMS, payment_year=2026, rejects="write")
    for program in PROGRAMS:
        counts = together[program].run["counts"]["diagnoses"]
        assert counts["rows_read"] == both.num_rows == counts["rows_used"] + counts["rows_rejected"]
        assert together[program].rejects.num_rows == counts["rows_rejected"]


def test_the_extracts_are_read_once(few: tuple[pa.Table, pa.Table], monkeypatch: pytest.MonkeyPatch) -> None:
    captured = []
    original = reading.capture_diagnoses

    def counted(*arguments, **options):  # type: ignore[no-untyped-def]
        captured.append(arguments[0])
        return original(*arguments, **options)

    monkeypatch.setattr(reading, "capture_diagnoses", counted)
    riskadj.score_programs(*few, programs=PROGRAMS, payment_year=2026, rejects="write")
    assert len(captured) == 1


def test_command_writes_a_directory_for_each_program(tmp_path: Path) -> None:
    words = (
        "score",
        "--payment-year",
        "2026",
        "--enrollment",
        FILES[0],
        "--diagnoses",
        FILES[1],
        "--rejects",
        "write",
    )
    both = ("--program", ",".join(PROGRAMS), "--output", tmp_path / "both")
    assert command(*words, *both).status == 0
    assert json.loads((tmp_path / "both" / "run.json").read_text())["files"] == [*PROGRAMS, "run.json"]
    for program in PROGRAMS:
        assert command(*words, "--program", program, "--output", tmp_path / program).status == 0
        for name in ("payment_scores.parquet", "model_scores.parquet"):
            together = pq.ParquetFile(tmp_path / "both" / program / name).read()
            assert together.equals(pq.ParquetFile(tmp_path / program / name).read())
    assert command(*words, *both).status == 2
    assert command(*words, *both, "--overwrite").status == 0


def test_what_cannot_be_scored_together(few: tuple[pa.Table, pa.Table]) -> None:
    with pytest.raises(OptionError, match="name each program once"):
        riskadj.score_programs(*few, programs=("medicare_part_c",) * 2, payment_year=2026)
    with pytest.raises(OptionError, match="models and memory are for one program at a time"):
        riskadj.score_programs(*few, programs=PROGRAMS, payment_year=2026, models=["cms_hcc_v28"])
    with pytest.raises(OptionError, match="must share a payment year's tables"):
        riskadj.score_programs(*few, programs=("medicare_part_c", "hhs"), payment_year=2026)
