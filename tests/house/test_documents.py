"""Laws on the documents: the commands they show exist, the Python they show runs, the files they name are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pricing.cli import app as pricing_app
from riskadj.cli import app
from riskadj.extracts.contract import ROLES
from tests.house import laws

README = laws.ROOT / "README.md"
DOCUMENTS = sorted(path for path in laws.tracked_files() if path.suffix == ".md")
EXTRACTS = sorted((laws.ROOT / "data/synthetic").glob("*.parquet"))


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Return (language, code) of each fenced block; '' where no language is named."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def shown_commands(text: str, program: str) -> list[list[str]]:
    """Return the words after `program` in each call of it: in inline code and, prompts aside, in shell blocks."""
    inline = re.findall(r"`((?:make|riskadj|pricing) [^`\n]+)`", text)
    blocks = "".join(
        block for language, block in code_blocks(text) if language in ("", "bash", "console", "sh")
    )
    lines = inline + blocks.replace("\\\n", " ").splitlines()
    calls = [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in lines]
    return [shlex.split(call, comments=True)[1:] for call in calls if re.match(rf"{program} [\w-]", call)]


def unknown_targets(text: str) -> list[str]:
    """Return the make targets that a document shows and the Makefile lacks."""
    known = re.findall(
        r"^([\w-]+):", (laws.ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return [
        word
        for call in shown_commands(text, "make")
        for word in call
        if "=" not in word and word not in known
    ]


def unknown_words(call: list[str], command: Any) -> list[str]:
    """Return the subcommands and options of a call that the command line does not have."""
    commands = getattr(command, "commands", {})
    if commands and call and not call[0].startswith("-"):
        name = call[0].rstrip(",.")
        return unknown_words(call[1:], commands[name]) if name in commands else [name]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
        "--help",
        "-h",
    }
    return [word for word in call if word.startswith("-") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(laws.ROOT).as_posix())
def test_commands_in_documents_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    unknown = {
        " ".join(call): unknown_words(call, typer.main.get_command(program))
        for name, program in (("riskadj", app), ("pricing", pricing_app))
        for call in shown_commands(text, name)
    }
    assert unknown_targets(text) == []
    assert {call: words for call, words in unknown.items() if words} == {}


def test_command_law_sees_what_does_not_exist() -> None:
    text = (
        "`make tests`\n```\n$ riskadj maps verify\nriskadj score --payment-year 2026 \\\n  --verbosely\n```\n"
    )
    assert unknown_targets(text) == ["tests"]
    words = [unknown_words(call, typer.main.get_command(app)) for call in shown_commands(text, "riskadj")]
    assert words == [["verify"], ["--verbosely"]]


def test_readme_shows_the_two_first_commands() -> None:
    text = README.read_text(encoding="utf-8")
    assert {"demo", "test"} <= {word for call in shown_commands(text, "make") for word in call}


@pytest.mark.parametrize("role", ROLES)
def test_every_column_that_is_read_stands_in_the_contract(role: str) -> None:
    """The document is the public contract; the code knows kinds only."""
    words = set(re.findall(r"\w+", (laws.ROOT / "EXTRACTS.md").read_text(encoding="utf-8")))
    assert ROLES[role]
    assert set(ROLES[role]) - words == set()


#: Runs on Spark, whose tests show the same calls.
ELSEWHERE = {"docs/how-to/databricks.md"}
WITH_PYTHON = [
    path.relative_to(laws.ROOT).as_posix() for path in DOCUMENTS if "```python\n" in path.read_text("utf-8")
]


@pytest.mark.parametrize("document", sorted(set(WITH_PYTHON) - ELSEWHERE))
def test_python_in_documents_runs(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from a folder that has the synthetic extracts, as data/synthetic and by their bare names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(laws.ROOT / "data")
    for extract in EXTRACTS:
        (tmp_path / extract.name).symlink_to(extract)
    text = (laws.ROOT / document).read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for example in [code for language, code in code_blocks(text) if language == "python"]:
        exec(compile(example, document, "exec"), names)  # noqa: S102


def test_sas_input_is_read_as_the_guide_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "person.csv").write_text(
        "MBI,DOB,SEX,OREC,LTIMCAID,NEMCAID\nA1,1950-01-02,1,0,0,0\nB2,1970-03-04,2,1,0,0\n"
    )
    (tmp_path / "diag.csv").write_text("MBI,DIAG\nA1,E119\nA1,I509\nB2,F200\n")
    text = (laws.ROOT / "docs/how-to/move_from_sas.md").read_text(encoding="utf-8")
    (call,) = [call for call in shown_commands(text, "riskadj") if "person.csv" in call]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    scored = pq.read_table(tmp_path / "scores/model_scores.parquet").to_pylist()
    assert {row["segment"] for row in scored} >= {"CNA", "CND", "INS"}
    assert [row["hccs"] for row in scored if (row["member_id"], row["segment"]) == ("A1", "CNA")] == [
        ["HCC38", "HCC226"]
    ]


def test_readme_and_tutorials_show_python() -> None:
    assert {"README.md", "docs/tutorials/first_extract.md", "docs/tutorials/benefit_change.md"} <= set(
        WITH_PYTHON
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(laws.ROOT).as_posix())
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "GLOSSARY.md"])
def test_files_that_documents_name_exist(name: str) -> None:
    text = (laws.ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.]+/)*\w+\.(?:py|csv|toml))`", text))
    there = [f"/{path.relative_to(laws.ROOT).as_posix()}" for path in laws.tracked_files()]
    assert named
    assert [path for path in sorted(named) if not any(known.endswith(f"/{path}") for known in there)] == []


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
