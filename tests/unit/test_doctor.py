"""`riskadj doctor` sees what is wrong with an installation, and says nothing is where nothing is."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskadj.cli import app
from riskadj.commands import doctor
from riskadj.tables.seal import broken_seals
from tests.members import TOY_MAPS


def run(*words: str):
    return CliRunner().invoke(app, ["doctor", *words])


def test_this_installation_is_well() -> None:
    done = run("--maps-dir", str(TOY_MAPS))
    assert done.exit_code == 0, done.output
    assert "problem" not in done.output
    for words in (
        "numba",
        "threads",
        "compiled code",
        "model tables",
        "2 models of 1 payment years",
        "trial score",
    ):
        assert words in done.output


def test_edited_tables_are_a_problem(tmp_path: Path) -> None:
    maps = shutil.copytree(TOY_MAPS, tmp_path / "maps")
    factors = maps / "atlantis/py2099/toy_hcc_v1/relative_factors.csv"
    factors.write_text(factors.read_text(encoding="utf-8").replace("0.300", "0.600"), encoding="utf-8")
    done = run("--maps-dir", str(maps))
    assert done.exit_code == 2
    assert "not as it should be: model tables" in done.output
    assert broken_seals(maps) == ["atlantis/py2099/toy_hcc_v1/model.toml"]


def test_versions_out_of_bounds_and_missing_ones_are_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "numba":
            raise metadata.PackageNotFoundError(name)
        return "1.0.0" if name == "numpy" else real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    done = run("--quick")
    assert done.exit_code == 2
    assert "not as it should be: numba, numpy" in done.output
    assert "missing; riskadj needs numba>=" in done.output
    assert "1.0.0; riskadj needs >=" in done.output


def test_no_place_for_compiled_code_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskadj.jit.cache_folder", lambda: None)
    done = run("--quick")
    assert done.exit_code == 0
    assert "NUMBA_CACHE_DIR" in done.output
    assert "trial score" not in done.output


def test_a_full_place_for_compiled_code_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr("riskadj.jit.cache_folder", lambda: tmp_path / "not" / "yet")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    (finding,) = (each for each in doctor.places() if each.what == "compiled code")
    assert finding.verdict == doctor.NOTE
    assert "has 1.0 MB left" in finding.found
