"""A payment year copied to another: the same numbers, other dates, nothing passes for verified."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskadj.cli import app
from riskadj.errors import UnknownPaymentYearError
from riskadj.tables.check import check_all
from riskadj.tables.copy_year import copy_year
from riskadj.tables.model import load_model
from riskadj.tables.payment_year import load_payment_year
from tests.members import TOY_MAPS


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    folder = shutil.copytree(TOY_MAPS, tmp_path / "maps")
    copy_year(folder / "atlantis" / "py2099", folder / "atlantis" / "py2103")
    return folder


def test_a_copy_has_no_problems_and_the_same_tables(maps: Path) -> None:
    assert check_all(maps) == []
    old, new = (load_model("toy_hcc_v1", payment_year=year, maps_dir=maps) for year in (2099, 2103))
    assert new.checksums == old.checksums
    assert new.manifest.title == f"{old.manifest.title.replace('2099', '2103')} (tables of 2099)"


def test_dates_move_by_the_years_between(maps: Path) -> None:
    old, new = (load_payment_year("atlantis", year, maps_dir=maps) for year in (2099, 2103))
    assert old.age_as_of.year == 2099
    assert new.age_as_of == date(2103, old.age_as_of.month, old.age_as_of.day)
    text = (maps / "atlantis/py2103/payment_year.toml").read_text(encoding="utf-8")
    assert '"2098-' not in text
    assert '"2102-' in text


def test_every_number_is_the_same_and_none_is_verified(maps: Path) -> None:
    old, new = (load_payment_year("atlantis", year, maps_dir=maps) for year in (2099, 2103))
    assert [(one.model_id, one.value) for one in new.normalization] == [
        (one.model_id, one.value) for one in old.normalization
    ]
    numbers = [*new.normalization, *new.coding_intensity]
    assert numbers
    assert {one.citation.verified for one in numbers} == {False}
    assert all(one.citation.where.startswith("carried over from 2099: ") for one in numbers)
    assert any(one.citation.verified for one in [*old.normalization, *old.coding_intensity])


def test_folders_that_name_no_year_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownPaymentYearError, match="'next' is no folder of a payment year"):
        copy_year(TOY_MAPS / "atlantis" / "py2099", tmp_path / "next")
    (tmp_path / "py2099").mkdir()
    with pytest.raises(UnknownPaymentYearError, match=r"py2099 holds no payment_year\.toml"):
        copy_year(tmp_path / "py2099", tmp_path / "py2100")


def test_the_command_copies_and_never_overwrites(tmp_path: Path) -> None:
    words = ["maps", "copy", "atlantis/py2099", str(tmp_path / "py2100"), "--maps-dir", str(TOY_MAPS)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "2 models and payment_year.toml" in done.output
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "cannot be written: File exists" in again.output
