"""Folders of model tables that do not load, each for one edit of the toy maps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import riskadj
from riskadj.errors import ManifestError, OptionError, RiskAdjError, TableError, UnknownModelError
from riskadj.tables.check import check_all
from riskadj.tables.seal import seal_folder
from tests.members import TOY_MAPS, Member, diagnoses_table, enrollment_table

YEAR = "payment_year.toml"
MODEL = "toy_hcc_v1/model.toml"
COUNTS = "toy_hcc_v1/counts.csv"
CITED = 'source = "tablet"\nwhere = "1"\n'


@pytest.fixture
def year(tmp_path: Path) -> Path:
    """The folder of the toy year, to be edited."""
    return shutil.copytree(TOY_MAPS, tmp_path / "maps") / "atlantis" / "py2099"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def score(year: Path, **options: object) -> riskadj.Scores:
    people = [Member("a", codes=("Q01",))]
    asked = {"payment_year": 2099, "program": "atlantis", "maps_dir": year.parents[1], **options}
    return riskadj.score(enrollment_table(people), diagnoses_table(people), **asked)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (YEAR, "[payment_year]", "[payment_year", r"py2099/payment_year\.toml is not TOML"),
        (YEAR, "[age_as_of]", "[age_on]", r"payment_year\.toml lacks 'age_as_of'"),
        (YEAR, 'value = "2099-02-01"', 'value = "1 February"', r"value = '1 February' is no date \(YYYY-MM-DD\)"),
        (YEAR, "[collection.initial]", "[collection.early]", r"no run '\[collection\.early\]'; allowed: initial"),
        (YEAR, 'after = ["raw",', 'after = ["row",', r"\[rounding\]: no step 'row'; allowed: raw"),
        (YEAR, 'value = "1.1"', 'value = "one"', r"value = 'one' is no decimal number"),
        (YEAR, 'value = "1.1"', 'value = "Infinity"', r"value = 'Infinity' is no decimal number"),
        (YEAR, 'source = "tablet"', 'source = "hearsay"', r"source 'hearsay' is not among \[\[sources\]\] \(tablet\)"),
        (YEAR, 'is_pace = "1"', 'is_space = "1"', r"\[\[policy\]\]: no status field 'is_space'; nearest: is_pace"),
        (YEAR, 'is_pace = "1"', "is_pace = 1", r"\[\[policy\]\]: 'is_pace' must be text"),
        (YEAR, 'is_pace = "1"', 'age_min = "old"', r"\[\[policy\]\]: 'age_min' must be whole years; it is 'old'"),
        (YEAR, 'when = { is_pace = "1" }', 'when = "always"', r"\[\[policy\]\]: 'when' must be a table"),
        (YEAR, "verified = false", 'verified = "no"', r"'verified' must be true or false"),
        (YEAR, 'blend = [{ model = "toy_hcc_v1", weight = "1" }]', "blend = [1]", r"\[\[policy\]\] lacks 'model'"),
        (YEAR, 'weight = "0.25"', 'weight = "0.35"', r"'Everybody else': the weights of a blend must add up to 1"),
        (YEAR, "[rounding]", f'[diagnosis_sources]\nexcluded = "gossip"\n{CITED}\n[rounding]',
         r"no record source 'gossip'; known: encounter"),
        (YEAR, "[rounding]", f"[enrollment_duration]\nlast_days = [62, 31]\n{CITED}\n[rounding]",
         r"\[enrollment_duration\]: last_days must be whole days that ascend"),
        (YEAR, "[rounding]", f'[enrollment_duration]\nlast_days = [31, "62"]\n{CITED}\n[rounding]',
         r"\[enrollment_duration\]: last_days must be whole days that ascend"),
        (MODEL, 'status = "final"', 'status = "draft"', r"status = 'draft'; allowed: final, proposed"),
        (MODEL, 'id = "toy_hcc_v1"', 'id = "toy"', r"says atlantis/2099/toy, which is not the folder it stands in"),
        (MODEL, "[tables.segments]", "[tables.sediments]", r"lacks \[tables\.segments\], which every model needs"),
        (MODEL, "[tables.counts]", "[tables.recounts]", r"no table kind 'recounts'; allowed: "),
        (MODEL, "rows = 18", "rows = 19", r"mappings\.csv has 18 rows but the manifest says 19"),
    ],
)  # fmt: skip
def test_manifests_that_do_not_load(year: Path, file: str, old: str, new: str, message: str) -> None:
    edit(year / file, old, new)
    with pytest.raises((ManifestError, TableError), match=message):
        score(year)
    assert any("Error: " in problem for problem in check_all(year.parents[1]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            r"toy_hcc_v1/counts\.csv is empty; its first line must name the columns variable,hccs_min,hccs_max",
        ),
        (b"variable,hccs_min,hccs_most\nN3,3,3\n", r"line 1: no such column 'hccs_most'; nearest: hccs_m"),
        (b"variable,hccs_min\nN3,3\n", r"line 1: lacks hccs_max"),
        (b"variable,hccs_min,hccs_max\nN3,3\n", r"line 2: 2 cells where 3 columns are named"),
        (b"variable,hccs_min,hccs_max\nN3,three,3\n", r"line 2: 'three' is no \w+ for 'hccs_min'"),
        (b"variable,hccs_min,hccs_max\nN3,3,3\nN3,3,3\n", r"line 3: N3.* stands already on line 2"),
        (b"variable,hccs_min,hccs_max\nN\xff,3,3\n", r"line 2: not UTF-8; save the table as UTF-8"),
    ],
)
def test_tables_that_do_not_load(year: Path, content: bytes, message: str) -> None:
    (year / COUNTS).write_bytes(content)

    def seal_and_score() -> None:
        seal_folder(year / "toy_hcc_v1")
        score(year)

    with pytest.raises(RiskAdjError, match=message):
        seal_and_score()


def test_a_table_that_is_gone_is_named(year: Path) -> None:
    (year / COUNTS).unlink()
    for call in (score, seal_folder):
        with pytest.raises(ManifestError, match=r"counts\.csv is named in the manifest but does not exist"):
            call(year)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('after = ["raw", "normalization", "coding_intensity", "blend"]', 'after = ["blend"]',
         r"atlantis 2099: \[rounding\] after = \['blend'\]; this release rounds after each of \['raw'"),
        ('segments = "NEW"', 'segments = "DEEP"', r"two numbers of toy_hcc_v2 apply to the same rows"),
    ],
)  # fmt: skip
def test_numbers_that_no_score_can_be_made_with(year: Path, old: str, new: str, message: str) -> None:
    edit(year / YEAR, old, new)
    with pytest.raises(ManifestError, match=message):
        score(year)


def test_a_proposed_model_is_asked_for_by_name(year: Path) -> None:
    edit(year / MODEL, 'status = "final"', 'status = "proposed"')
    with pytest.raises(UnknownModelError, match="toy_hcc_v1 of 2099 is only proposed; ask for it by name"):
        score(year)
    assert score(year, models="toy_hcc_v1").model_scores.num_rows == 1


def test_no_models_are_no_choice(year: Path) -> None:
    with pytest.raises(OptionError, match="models names no model; leave it out"):
        score(year, models=())


def test_a_folder_that_holds_nothing_cannot_be_checked(year: Path) -> None:
    with pytest.raises(UnknownModelError, match="nothing to check under atlantis/py2098"):
        check_all(year.parents[1], only="atlantis/py2098")
