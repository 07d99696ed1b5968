"""One file, written whole or not at all: what is there while it is written, and after an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from riskadj.errors import OutputError, OutputExistsError
from riskadj.extracts.output_file import output_file


def test_the_name_is_taken_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    with output_file(target, overwrite=False) as file:
        file.write_text("half", encoding="utf-8")
        assert not target.exists()
    assert target.read_text("utf-8") == "half"
    assert os.listdir(tmp_path) == ["page.html"]


def write_half(target: Path, error: BaseException) -> None:
    with output_file(target, overwrite=True) as file:
        file.write_text("half", encoding="utf-8")
        raise error


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "page.html"
    target.write_text("earlier", encoding="utf-8")
    with pytest.raises(type(error)):
        write_half(target, error)
    assert target.read_text("utf-8") == "earlier"
    assert os.listdir(tmp_path) == ["page.html"]


def test_an_earlier_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text("earlier", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="give overwrite=True"), output_file(target, overwrite=False):
        pytest.fail("the block must not begin")
    with output_file(target, overwrite=True) as file:
        file.write_text("later", encoding="utf-8")
    assert target.read_text("utf-8") == "later"


@pytest.mark.parametrize("name", ["missing/page.html", "file/page.html", "folder"])
def test_a_place_that_cannot_be_written_is_said_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OutputError, match=f"{Path(name).name} cannot be written: "),
        output_file(tmp_path / name, overwrite=True) as file,
    ):
        file.write_text("page", encoding="utf-8")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]
