"""Laws on what is handed out: the wheel, the documents, the Makefile (HOUSE.md, sections 1 and 11)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.house import laws

DOCUMENTS = sorted(path for path in laws.tracked_files() if path.suffix == ".md")
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "GLOSSARY.md"])
def test_files_that_documents_name_exist(name: str) -> None:
    text = (laws.ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.]+/)*\w+\.(?:py|csv|toml))`", text))
    there = [path.relative_to(laws.ROOT).as_posix() for path in laws.tracked_files()]
    assert named
    assert [
        path for path in sorted(named) if not any(f"/{known}".endswith(f"/{path}") for known in there)
    ] == []


def named_in_tree(text: str) -> list[str]:
    """Return the paths that the tree of HOUSE.md names, but for those of rooms still to be built."""
    named, folders = [], {}
    for line in text.split("## 1. The tree")[1].split("```")[1].splitlines():
        words = line.split()
        if not words or words[0] == "later:":
            continue
        indent = len(line) - len(line.lstrip())
        parent = "".join(folder for depth, folder in sorted(folders.items()) if depth < indent)
        is_list = all(re.fullmatch(r"[\w.]+[./]\w*|LICENSE", word) for word in words)
        for word in words if is_list else line[:28].split():
            named.append(parent + word)
            if word.endswith("/"):
                folders = {depth: folder for depth, folder in folders.items() if depth < indent} | {
                    indent: word
                }
    return named


def test_tree_of_the_house_stands() -> None:
    named = named_in_tree((laws.ROOT / "HOUSE.md").read_text(encoding="utf-8"))
    assert {"LICENSE", "riskadj/kernels/capture.py", "riskadj/tables/importers/"} <= set(named)
    assert [path for path in named if not (laws.ROOT / path).exists()] == []


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    found = {}
    for path in laws.tracked_files():
        if path.suffix in TEXT and path.name != "test_distribution.py":
            hits = laws.machine_paths_and_hosts(path.read_text(encoding="utf-8"))
            found |= {path.relative_to(laws.ROOT).as_posix(): hits} if hits else {}
    assert found == {}


@pytest.mark.parametrize(
    "text", ["open('/tmp/x.csv')", "cd /home/ann/riskadj", "see https://py" "pi.org/project/numba"]
)
def test_machine_law_sees_a_violation(text: str) -> None:
    assert laws.machine_paths_and_hosts(text)


@pytest.mark.parametrize(
    "text", ["hcc_maps/work/tables", "and/or", "~/.cache", "build/tmp/demo", "risk/home health"]
)
def test_machine_law_lets_good_text_be(text: str) -> None:
    assert laws.machine_paths_and_hosts(text) == []
