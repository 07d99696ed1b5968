"""Killed, starved or cut short, a run leaves whole results or none, and says what was wrong without members' data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("signals and limits are those of POSIX", allow_module_level=True)

from riskadj.terminal import OUT_OF_MEMORY
from tests.stress import hurt

N_MEMBERS = 2_000


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return hurt.make_population(tmp_path_factory.mktemp("population"), N_MEMBERS)


def test_runs_killed_at_random_moments_leave_all_or_nothing() -> None:
    outcomes = hurt.kill_at_random(16, n_members=N_MEMBERS, seed=7)
    assert outcomes.total() == 16
    assert sum(times for outcome, times in outcomes.items() if outcome.startswith("killed")) > 4


@pytest.mark.parametrize("most_bytes", [0, 1_000, 20_000, 60_000])
def test_a_disk_that_fills_leaves_nothing(words: list[str], tmp_path: Path, most_bytes: int) -> None:
    status, said = hurt.run([*words, "--output", str(tmp_path / "scores")], hurt=hurt.limit_files(most_bytes))
    assert status == 2, said
    assert "cannot be written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is counted as Linux does")
def test_a_run_without_memory_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """With almost none every run fails; with more of it some do, and none calls a good file damaged."""
    words, statuses = hurt.make_population(tmp_path / "population", 40_000), []
    for more_mb in (0.25, 1, 4, 8, 16, 400):
        output = tmp_path / "output" / "scores"
        status, said = hurt.run(
            [*words, "--output", str(output)], hurt=hurt.limit_memory(int(more_mb * 2**20))
        )
        assert (status, said) == (0, "") or (status, said) == (2, f"{OUT_OF_MEMORY}\n")
        assert output.exists() == (status == 0)
        assert hurt.whole(output)
        shutil.rmtree(output, ignore_errors=True)
        statuses.append(status)
    assert (statuses[0], statuses[-1]) == (2, 0)


def test_half_of_the_results_is_seen(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "run.json").write_text("{}")
    with pytest.raises(FileNotFoundError):
        hurt.whole(tmp_path / "scores")
    (tmp_path / "forgotten.parquet").write_bytes(b"")
    assert hurt.strangers(tmp_path) == ["forgotten.parquet"]
