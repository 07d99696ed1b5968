"""Output appears whole or not at all, and never in the place of something else."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskadj.errors import OutputError, OutputExistsError
from riskadj.extracts.write import OutputDirectory, write_json, write_parquet

TABLE = pa.table(
    {"member_id": ["a", "b"], "segment": pa.array(["CNA", "CNA"]).dictionary_encode(), "score": [1.0, 2.0]}
)


def write_into(path: Path, *, overwrite: bool = False, marker: str = "new") -> None:
    with OutputDirectory(path, overwrite=overwrite) as partial:
        write_json(partial / "run.json", {"marker": marker})


def marker_of(path: Path) -> str:
    marker: str = json.loads((path / "run.json").read_text(encoding="utf-8"))["marker"]
    return marker


def names(path: Path) -> list[str]:
    return sorted(os.listdir(path))


def test_the_directory_appears_with_what_was_written(tmp_path: Path) -> None:
    write_into(tmp_path / "deep" / "scores")
    assert names(tmp_path / "deep") == ["scores"]
    assert marker_of(tmp_path / "deep" / "scores") == "new"


def test_nothing_is_there_until_the_end(tmp_path: Path) -> None:
    with OutputDirectory(tmp_path / "scores") as partial:
        write_json(partial / "run.json", {"marker": "half"})
        assert not (tmp_path / "scores").exists()
        assert partial.name.startswith(".scores.partial-")
    assert names(tmp_path) == ["scores"]


def write_half(path: Path, error: BaseException, *, overwrite: bool = False) -> None:
    with OutputDirectory(path, overwrite=overwrite) as partial:
        write_json(partial / "run.json", {"marker": "half"})
        raise error


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit(), OSError()])
def test_an_error_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        write_half(tmp_path / "scores", error)
    assert names(tmp_path) == []


def test_an_error_keeps_earlier_results(tmp_path: Path) -> None:
    write_into(tmp_path / "scores", marker="old")
    with pytest.raises(KeyError):
        write_half(tmp_path / "scores", KeyError(), overwrite=True)
    assert names(tmp_path) == ["scores"]
    assert marker_of(tmp_path / "scores") == "old"


def test_earlier_results_are_replaced_only_when_asked(tmp_path: Path) -> None:
    write_into(tmp_path / "scores", marker="old")
    with pytest.raises(OutputExistsError, match="pass overwrite=True"):
        OutputDirectory(tmp_path / "scores")
    write_into(tmp_path / "scores", overwrite=True)
    assert marker_of(tmp_path / "scores") == "new"
    assert names(tmp_path) == ["scores"]


def test_only_files_that_the_report_lists_are_ours(tmp_path: Path) -> None:
    write_into(tmp_path / "scores")
    assert json.loads((tmp_path / "scores" / "run.json").read_text())["files"] == ["run.json"]
    write_json(tmp_path / "scores" / "run.json", {"marker": "of another program"})
    with pytest.raises(OutputExistsError, match=r"no results of a run: run\.json"):
        OutputDirectory(tmp_path / "scores", overwrite=True)


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    write_into(tmp_path / "scores")
    assert names(tmp_path / "scores") == ["run.json"]


def test_a_directory_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    write_into(tmp_path / "scores", marker="old")
    (tmp_path / "scores" / "thesis.docx").touch()
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"no results of a run: thesis\.docx"):
            OutputDirectory(tmp_path / "scores", overwrite=overwrite)
    assert names(tmp_path / "scores") == ["run.json", "thesis.docx"]


def test_results_that_appeared_meanwhile_are_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError), OutputDirectory(tmp_path / "scores"):
        write_into(tmp_path / "scores", marker="other run")
    assert marker_of(tmp_path / "scores") == "other run"
    assert names(tmp_path) == ["scores"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scores").touch()
    with pytest.raises(OutputExistsError, match="is not a directory"):
        OutputDirectory(tmp_path / "scores", overwrite=True)
    with pytest.raises(OutputError, match="cannot be written: "):
        OutputDirectory(tmp_path / "scores" / "below")


def test_a_trailing_slash_and_a_relative_path_are_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with OutputDirectory("scores/") as partial:
        write_json(partial / "run.json", {})
    assert names(tmp_path) == ["scores"]


def test_a_parent_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OutputError, match="permission denied"):
        OutputDirectory(tmp_path / "scores")


def test_a_rename_that_fails_brings_the_old_results_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_into(tmp_path / "scores", marker="old")
    rename = os.rename

    def fail_second(source: Any, target: Any) -> None:
        if ".partial-" in str(source):
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_second)
    with pytest.raises(OutputError, match="No space left on device"):
        write_into(tmp_path / "scores", overwrite=True)
    assert marker_of(tmp_path / "scores") == "old"
    assert names(tmp_path) == ["scores"]


KILLED = """
import os, pathlib, sys
from riskadj.extracts.write import OutputDirectory, write_json
with OutputDirectory(sys.argv[1]) as partial:
    write_json(partial / "run.json", {"marker": "half"})
    os.kill(os.getpid(), 9)
"""


def test_a_killed_run_leaves_no_results_and_the_next_run_tidies_up(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "scores")], cwd=root, check=False)
    assert done.returncode == -9
    (left,) = names(tmp_path)
    assert left.startswith(".scores.partial-")
    write_into(tmp_path / "scores")
    assert names(tmp_path) == ["scores"]


def gone() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_results_moved_aside_by_a_killed_run_come_back(tmp_path: Path) -> None:
    old = tmp_path / f".scores.old-{socket.gethostname()}-{gone()}-0"
    old.mkdir()
    write_json(old / "run.json", {"marker": "old", "files": ["run.json"]})
    with pytest.raises(OutputExistsError):
        OutputDirectory(tmp_path / "scores")
    assert marker_of(tmp_path / "scores") == "old"


def test_what_a_running_process_or_another_machine_writes_is_left_alone(tmp_path: Path) -> None:
    kept = [
        f".scores.partial-{socket.gethostname()}-{os.getpid()}-99",
        f".scores.partial-elsewhere-{gone()}-0",
        ".scores.note",
    ]
    for name in kept:
        (tmp_path / name).mkdir()
    write_into(tmp_path / "scores")
    assert names(tmp_path) == sorted([*kept, "scores"])


# --- parquet ---


def test_parquet_carries_metadata_and_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "model_scores.parquet"
    assert write_parquet(path, TABLE, metadata={"model": "x"}) == 2
    read = pq.ParquetFile(path)
    assert read.metadata.metadata[b"model"] == b"x"
    assert read.read().to_pylist() == TABLE.to_pylist()
    encodings = {
        read.metadata.row_group(0).column(i).path_in_schema: read.metadata.row_group(0).column(i).encodings
        for i in range(3)
    }
    assert "RLE_DICTIONARY" in encodings["segment"]
    assert "RLE_DICTIONARY" not in encodings["member_id"]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_parquet(tmp_path / name, TABLE, metadata={"model": "x"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_batches_are_written_as_they_come(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    batches = (pa.record_batch([pa.array([i, i])], schema=schema) for i in range(3))
    assert write_parquet(tmp_path / "n.parquet", batches, schema=schema) == 6
    assert pq.ParquetFile(tmp_path / "n.parquet").read().column("n").to_pylist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said_in_words() -> None:
    table = pa.table({"n": list(range(100_000))})
    with pytest.raises(OutputError, match="No space left on device"):
        write_parquet(Path("/dev/full"), table)


def test_a_missing_directory_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"n.parquet cannot be written: .*No such file or directory"):
        write_parquet(tmp_path / "nowhere" / "n.parquet", TABLE)
