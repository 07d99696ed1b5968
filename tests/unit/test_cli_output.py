"""What is on disk when a run ends well, badly, or not at all: results appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import ExtractError
from riskadj.results import scores
from riskadj.results.compare.scored import Scored
from riskadj.scoring import reading
from riskadj.synthetic import make_synthetic
from tests.cli_runs import ID_MARK, TOY, Extracts, Run, run

YEAR = max(release.payment_year for release in riskadj.list_models())
#: The command line, with a limit on the size of files.
CHILD = """
import resource, sys
most_bytes = int(sys.argv.pop(1))
if most_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
from riskadj.cli import main
main()
"""
needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")


@pytest.fixture
def extracts(tmp_path: Path) -> Extracts:
    return Extracts(tmp_path)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough members that a run takes a moment and its results a megabyte."""
    folder = tmp_path_factory.mktemp("population")
    make_synthetic(20_000, seed=1, service_year=YEAR - 1, directory=folder, claims=False)
    return folder


def start(population: Path, output: Path, most_bytes: int = 0) -> subprocess.Popen[str]:
    files = [
        "--enrollment",
        str(population / "enrollment.parquet"),
        "--diagnoses",
        str(population / "diagnoses.parquet"),
    ]
    words = ["score", "--payment-year", str(YEAR), *files, "--rejects", "write", "--output", str(output)]
    command = [sys.executable, "-c", CHILD, str(most_bytes), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_it_writes(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the run has made its hidden directory, which it does before it reads a row."""
    deadline = time.monotonic() + 60
    while not list(folder.glob(".scores.partial-*")):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def in_the_way(done: Run, *words: str) -> None:
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert [word for word in words if word not in done.err] == []
    assert ID_MARK not in done.err


@needs_posix
def test_a_killed_run_leaves_nothing_that_looks_finished(population: Path, tmp_path: Path) -> None:
    process = start(population, tmp_path / "scores")
    wait_until_it_writes(process, tmp_path)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    again = start(population, tmp_path / "scores")
    out, err = again.communicate()
    assert (again.returncode, err) == (0, "")
    assert f"written to {tmp_path / 'scores'}" in out.replace("\n  ", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["scores"]
    n_scored = pq.read_metadata(tmp_path / "scores" / "payment_scores.parquet").num_rows
    assert n_scored > 19_000


@pytest.mark.parametrize(
    ("module", "step"), [(reading, "capture_diagnoses"), (scores, "write_rejects_and_report")]
)
def test_an_interrupted_run_leaves_nothing(
    extracts: Extracts, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    monkeypatch.setattr(module, step, lambda *_, **__: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = extracts.score()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.status, done.out, done.err) == (130, "", "interrupted\n")
    assert sorted(path.name for path in extracts.folder.iterdir()) == [
        "diagnoses.parquet",
        "enrollment.parquet",
    ]


@needs_posix
def test_a_full_disk_leaves_nothing(population: Path, tmp_path: Path) -> None:
    process = start(population, tmp_path / "scores", most_bytes=300_000)
    out, err = process.communicate()
    assert (process.returncode, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("OutputError: ")
    assert "cannot be written" in err
    assert list(tmp_path.iterdir()) == []


@needs_posix
def test_a_reader_who_leaves_early_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "riskadj", "maps", "list", "--format", "markdown"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait() == 0
    process.stderr.close()


def test_an_error_in_the_last_file_leaves_nothing(
    extracts: Extracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(ID_MARK)

    monkeypatch.setattr(scores, "write_rejects_and_report", fail)
    done = extracts.score()
    assert (done.status, done.out) == (1, "")
    assert ID_MARK not in done.err
    assert sorted(path.name for path in extracts.folder.iterdir()) == [
        "diagnoses.parquet",
        "enrollment.parquet",
    ]


def test_existing_results_are_replaced_only_when_asked(extracts: Extracts) -> None:
    assert extracts.score().status == 0
    before = (extracts.output / "run.json").read_bytes()
    in_the_way(extracts.score(), "OutputExistsError", "exists", "--overwrite")
    assert (extracts.output / "run.json").read_bytes() == before
    assert extracts.score("--overwrite", "--segments", "all").status == 0
    assert (extracts.output / "run.json").read_bytes() != before
    assert extracts.score("--overwrite", "--columns", "sex=gender").status == 2
    assert (extracts.output / "run.json").exists()


def test_a_directory_of_other_files_is_never_replaced(extracts: Extracts) -> None:
    extracts.output.mkdir()
    (extracts.output / "thesis.txt").write_text("years of work", encoding="utf-8")
    in_the_way(extracts.score("--overwrite"), "OutputExistsError", "thesis.txt", "choose another")
    assert (extracts.output / "thesis.txt").exists()


def test_an_output_that_cannot_be_a_directory_is_refused(extracts: Extracts) -> None:
    extracts.output.write_text("a file", encoding="utf-8")
    in_the_way(extracts.score("--overwrite"), "OutputExistsError", "not a directory")
    in_the_way(extracts.score("--output", extracts.output / "below"), "OutputError", "cannot be written")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_without_permission_is_refused(extracts: Extracts) -> None:
    closed = extracts.folder / "closed"
    closed.mkdir(mode=0o500)
    in_the_way(extracts.score("--output", closed / "scores"), "OutputError", "permission denied")


def test_nothing_is_written_before_the_call_is_known_to_be_right(tmp_path: Path) -> None:
    words = ("--payment-year", str(YEAR), "--enrollment", tmp_path / "no", "--diagnoses", tmp_path / "no")
    assert run("score", *words, "--output", tmp_path / "deep" / "scores", "--threads", "0").status == 2
    assert list(tmp_path.iterdir()) == []


def test_without_lists_all_else_is_the_same(extracts: Extracts) -> None:
    assert extracts.score("--segments", "all").status == 0
    whole = pq.ParquetFile(extracts.output / scores.MODEL_SCORES).read()
    paid = (extracts.output / scores.PAYMENT_SCORES).read_bytes()
    assert extracts.score("--segments", "all", "--no-lists", "--overwrite").status == 0
    light = pq.ParquetFile(extracts.output / scores.MODEL_SCORES).read()
    assert light.equals(whole.drop_columns(["hccs", "variables"]))
    assert (extracts.output / scores.PAYMENT_SCORES).read_bytes() == paid


@pytest.mark.parametrize("question", [("report",), ("summary", "--by", "segment")])
def test_what_reads_the_lists_says_that_they_were_left_out(
    extracts: Extracts, question: tuple[str, ...]
) -> None:
    assert extracts.score("--no-lists").status == 0
    command, *words = question
    done = run(command, extracts.output, *TOY[:2], *words, "--output", extracts.folder / "out.html")
    assert done.status == 2, done.err
    assert "has no lists of HCCs and variables; score again without --no-lists" in " ".join(done.err.split())


def test_a_comparison_says_that_the_lists_were_left_out(extracts: Extracts) -> None:
    assert extracts.score("--no-lists").status == 0
    scored = Scored.of(extracts.output)
    assert sum(table.num_rows for table in scored.tables("model_scores", ["member_id", "weight"]))
    with pytest.raises(ExtractError, match="has no lists of HCCs"):
        list(scored.tables("model_scores", ["member_id", "variables"]))
