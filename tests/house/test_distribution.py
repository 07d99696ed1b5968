"""Laws on what is handed out: the wheel, the Makefile, nothing of one machine (HOUSE.md, sections 1, 11)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.house import laws

TEXT = {".cfg", ".csv", ".ipynb", ".json", ".md", ".py", ".toml", ".txt", ".yaml", ".yml", ""}
STEPS_BEFORE_PYTEST = (
    "ruff format --check",
    "ruff check",
    "lint-imports",
    "mypy",
    "maps check",
    "benchmarks",
)


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=laws.ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_the_three_packages_and_nothing_else(wheel_files: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_files if ".dist-info/" not in name}
    assert tops == {"riskadj", "pricing", "hcc_maps"}


def test_wheel_holds_every_tracked_file_of_the_packages(wheel_files: set[str]) -> None:
    shipped = {
        name
        for path in laws.tracked_files()
        if (name := path.relative_to(laws.ROOT).as_posix()).startswith(("riskadj/", "pricing/", "hcc_maps/"))
        and not name.startswith("hcc_maps/builders/")
    }
    assert {name for name in wheel_files if ".dist-info/" not in name} >= shipped
    assert any(name.endswith("relative_factors.csv") for name in shipped)
    assert {"riskadj/py.typed", "pricing/py.typed"} <= wheel_files


def test_wheel_holds_no_builders_and_no_leftovers(wheel_files: set[str]) -> None:
    assert [name for name in wheel_files if "/builders/" in name or "__pycache__" in name] == []
    assert any(name.endswith("/licenses/LICENSE") for name in wheel_files)


def test_supported_pythons_are_the_same_everywhere() -> None:
    project = tomllib.loads((laws.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert project["requires-python"] == f">={versions[0]}"
    makefile = (laws.ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"python{version}" in makefile for version in versions)


def test_ci_runs_make_test_and_pytest_has_the_last_word() -> None:
    assert "make test" in (laws.ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    plan = subprocess.run(
        ["make", "--dry-run", "test"],
        cwd=laws.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert plan[-1].endswith("-m pytest")
    assert [step for step in STEPS_BEFORE_PYTEST if not any(step in line for line in plan[:-1])] == []


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    found = {}
    for path in laws.tracked_files():
        if path.suffix in TEXT and path.name != "test_distribution.py":
            hits = laws.machine_paths_and_hosts(path.read_text(encoding="utf-8"))
            found |= {path.relative_to(laws.ROOT).as_posix(): hits} if hits else {}
    assert found == {}


@pytest.mark.parametrize(
    "text", ["open('/tmp/x.csv')", "cd /home/ann/riskadj", "see https://{}.org/project/numba".format("pypi")]
)
def test_machine_law_sees_a_violation(text: str) -> None:
    assert laws.machine_paths_and_hosts(text)


@pytest.mark.parametrize(
    "text", ["hcc_maps/work/tables", "and/or", "~/.cache", "build/tmp/demo", "risk/home health"]
)
def test_machine_law_lets_good_text_be(text: str) -> None:
    assert laws.machine_paths_and_hosts(text) == []
