"""The commands of `riskadj`: what each prints and writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj import front_door
from riskadj.commands import demo
from riskadj.commands.options import parse_columns, parse_memory
from riskadj.errors import OptionError
from tests.cli_runs import BIRTH_MARK, ID_MARK, TOY, Extracts, diagnoses, enrollment, member, run
from tests.members import REAL_MAPS, TOY_MAPS

COMMANDS = (
    "score",
    "explain",
    "demo",
    "synthetic",
    "maps list",
    "maps codes",
    "maps check",
    "maps seal",
    "maps import",
    "maps diff",
)
SCORE_OPTIONS = (
    "program", "payment-year", "enrollment", "diagnoses", "output", "models", "segments", "diagnosis-filter", "edits",
    "rejects", "drugs", "collection", "eligible-procedures", "layout", "columns", "threads", "memory", "no-lists",
    "overwrite",
    "maps-dir",
)  # fmt: skip
HEAVY = ("matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy", "statsmodels")


@pytest.fixture
def extracts(tmp_path: Path) -> Extracts:
    return Extracts(tmp_path)


def read(path: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        rows: list[dict[str, Any]] = file.read().to_pylist()
    return rows


# --- the app ---


def test_version() -> None:
    done = run("--version")
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"riskadj \d+\.\d+\.\d+\S*\n", done.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = run(*command.split(), "--help")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: riskadj {command}")
    assert "\\b" not in done.out


def test_score_has_the_options_of_the_contract() -> None:
    named = set(re.findall(r"--([a-z-]+)", run("score", "--help").out))
    assert named == {*SCORE_OPTIONS, "help"}


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, riskadj.cli; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_python_m_riskadj_is_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "riskadj", "scor"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "scor" in done.stderr


# --- score ---


def test_score_writes_what_the_library_returns(extracts: Extracts) -> None:
    done = extracts.score("--threads", "1", "--memory", "2GB")
    assert done.status == 0, done.err
    assert {path.name for path in extracts.output.iterdir()} == {
        "payment_scores.parquet", "model_scores.parquet", "rejects.parquet", "run.json",
    }  # fmt: skip
    scores = riskadj.score(
        enrollment(), diagnoses(), payment_year=2099, program="atlantis", maps_dir=TOY_MAPS, threads=1
    )
    assert read(extracts.output / "payment_scores.parquet") == scores.payment_scores.to_pylist()
    assert read(extracts.output / "model_scores.parquet") == scores.model_scores.to_pylist()


def test_the_summary_adds_up(extracts: Extracts) -> None:
    months = [12, 6, 1, 12, 12, 3]
    done = extracts.score(enrollment=enrollment(months_enrolled=months))
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "Payment year 2099, atlantis: 6 enrollment rows of 6 members, 46 member months"
    cells = [line.split() for line in lines]
    assert ["enrollment", "6", "6", "0", "1"] in cells
    assert ["diagnoses", "6", "6", "0", "1"] in cells
    assert ["code", "has", "an", "HCC", "5", "5"] in cells
    assert "policy Divers" in next(line for line in lines if line.startswith("not verified"))
    for model_id in ("toy_hcc_v1", "toy_hcc_v2"):
        rows = [row for row in read(extracts.output / "model_scores.parquet") if row["model_id"] == model_id]
        mean = sum(row["raw_risk_score"] * row["months_enrolled"] for row in rows) / 46
        total = next(cell for cell in cells if cell[:2] == [model_id, "all"])
        assert total[2:4] == ["6", "46"]
        assert float(total[6]) == pytest.approx(mean, abs=6e-4)
    rows = read(extracts.output / "payment_scores.parquet")
    paid = sum(row["payment_risk_score"] * row["months_enrolled"] for row in rows) / 46
    assert float(next(cell for cell in cells if cell[:2] == ["as", "paid"])[-1]) == pytest.approx(
        paid, abs=6e-4
    )


def test_the_summary_is_plain_and_no_wider_than_a_page(extracts: Extracts) -> None:
    done = extracts.score("--segments", "all")
    assert done.status == 0, done.err
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 120
    assert done.err == ""
    assert ID_MARK not in done.out


def test_all_segments_are_scored_and_only_those_that_pay_are_in_the_total(extracts: Extracts) -> None:
    done = extracts.score("--segments", "all", "--models", "toy_hcc_v1")
    cells = [line.split() for line in done.out.splitlines()]
    rows = {cell[1]: cell[2] for cell in cells if cell[:1] == ["toy_hcc_v1"]}
    assert rows.pop("all") == "6"
    assert set(rows.values()) == {"6"}
    assert len(rows) > 1


def test_files_may_be_several_a_directory_or_a_glob_and_csv(extracts: Extracts) -> None:
    whole = extracts.score()
    assert whole.status == 0
    expected = read(extracts.output / "payment_scores.parquet")
    table = enrollment()
    parts = [extracts.put(f"parts/{n}.parquet", table.slice(2 * n, 2)) for n in range(3)]
    text = extracts.folder / "diagnoses.csv"
    rows = diagnoses().to_pylist()
    with text.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for given in (parts, [parts[0].parent], [parts[0].parent / "*.parquet"]):
        words = [word for path in given for word in ("--enrollment", path)]
        out = ("--output", extracts.output, "--overwrite")
        assert run("score", *TOY, *words, "--diagnoses", text, *out).status == 0
        assert read(extracts.output / "payment_scores.parquet") == expected


def test_columns_may_have_other_names(extracts: Extracts) -> None:
    names = ["id", "dob", "sex", "orec", "dual_status_code"]
    codes = diagnoses().rename_columns(["id", "dx", "service_date"])
    tables = {"enrollment": enrollment().rename_columns(names), "diagnoses": codes}
    words = ("--columns", "member_id=id, birth_date=dob", "--columns", "diagnosis_code=dx")
    assert extracts.score(*words, **tables).status == 0


def test_a_collection_window_may_be_given(extracts: Extracts) -> None:
    done = extracts.score("--collection", "2098-05-01:2098-05-02")
    report = json.loads((extracts.output / "run.json").read_text(encoding="utf-8"))
    assert done.status == 0
    assert report["counts"]["diagnoses"]["rows_outside_collection"] == 4


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("4GB", 4 * 10**9), ("800mb", 8 * 10**8), ("1.5 GiB", 3 * 2**29), ("64K", 64_000)]
)
def test_memory_sizes(text: str, n_bytes: int) -> None:
    assert parse_memory(text) == n_bytes


@pytest.mark.parametrize("text", ["", "4", "GB", "-1GB", "0GB", "4XB", "many"])
def test_what_is_no_memory_size(text: str) -> None:
    with pytest.raises(OptionError, match="--memory"):
        parse_memory(text)


def test_columns_option() -> None:
    assert parse_columns(None) == {}
    assert parse_columns(["a=b, c = d", "e=f"]) == {"a": "b", "c": "d", "e": "f"}


# --- explain ---


@pytest.fixture
def explained(extracts: Extracts) -> tuple[str | Path, ...]:
    files = (
        "--enrollment",
        extracts.put("e.parquet", enrollment()),
        "--diagnoses",
        extracts.put("d.parquet", diagnoses()),
    )
    return ("explain", *TOY, *files, "--member", member(5))


def test_explanation_as_text(explained: tuple[str | Path, ...]) -> None:
    done = run(*explained)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"member {member(5)}"
    assert max(map(len, lines)) <= 120
    assert "\x1b" not in done.out
    cited = {int(line.split()[-1]) for line in lines if re.search(r"\S  +\d+ *$", line) and "HCC" in line}
    notes = dict(re.findall(r"^ +(\d+)  (\S+)", done.out.split("\nsources\n")[1], re.MULTILINE))
    assert cited
    assert cited <= {int(number) for number in notes}
    assert any(name.startswith("atlantis/py2099/toy_hcc_v1/mappings.csv") for name in notes.values())
    assert member(4) not in done.out


def test_explanation_as_data(explained: tuple[str | Path, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*explained, "--format", "csv").out)))
    found = json.loads(run(*explained, "--format", "json").out)
    assert found["member_id"] == member(5)
    assert [
        {"member_id": member(5), **{k: str(v) for k, v in line.items()}} for line in found["lines"]
    ] == rows
    page = run(*explained, "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert page.count("<tr>") == 1 + len(rows)


def test_explanation_in_another_format_is_refused(explained: tuple[str | Path, ...]) -> None:
    done = run(*explained, "--format", "jsn")
    assert done.status == 2
    assert "nearest: json; allowed: text, csv, json, html" in done.err


# --- demo and synthetic ---


def test_demo_scores_the_bundled_extract(tmp_path: Path) -> None:
    done = run("demo", "--output", tmp_path / "demo")
    assert (done.status, done.err) == (0, "")
    report = json.loads((tmp_path / "demo" / "run.json").read_text(encoding="utf-8"))
    found = demo.bundled_extract()
    assert found is not None
    assert report["payment_year"] == found[1]
    assert (
        report["counts"]["enrollment"]["rows_read"]
        == pq.read_metadata(found[0] / "enrollment.parquet").num_rows
    )
    assert (tmp_path / "demo" / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert "scores.png" in done.out
    again = run("demo", "--output", tmp_path / "demo")
    assert again.status == 2
    assert "OutputExistsError" in again.err
    assert "--overwrite" in again.err


def test_demo_makes_a_population_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "bundled_extract", lambda: None)
    monkeypatch.setattr(demo, "_MEMBERS", 60)
    done = run("demo", "--output", tmp_path / "demo")
    assert (done.status, done.err) == (0, "")
    report = json.loads((tmp_path / "demo" / "run.json").read_text(encoding="utf-8"))
    releases = [
        release for release in riskadj.list_models() if (release.folder.parent / "payment_year.toml").exists()
    ]
    assert report["payment_year"] == max(release.payment_year for release in releases)
    assert 0 < report["counts"]["enrollment"]["members"] <= 60


def test_demo_takes_a_year_and_a_size(tmp_path: Path) -> None:
    years = sorted({release.payment_year for release in riskadj.list_models()})
    done = run("demo", "--output", tmp_path / "demo", "--members", "40", "--payment-year", str(years[-2]))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Payment year {years[-2]}, ")
    done = run("demo", "--output", tmp_path / "other", "--payment-year", "1999")
    assert done.status == 2
    assert "UnknownPaymentYearError" in done.err


def test_synthetic_extracts_can_be_scored(tmp_path: Path) -> None:
    year = max(release.payment_year for release in riskadj.list_models())
    folder = tmp_path / "population"
    made = (
        "synthetic",
        "--members",
        "30",
        "--seed",
        "7",
        "--service-year",
        str(year - 1),
        "--output",
        folder,
    )
    done = run(*made, "--order", "member")
    assert (done.status, done.err) == (0, "")
    assert {path.name for path in folder.iterdir()} == {
        "enrollment.parquet",
        "diagnoses.parquet",
        "claims.parquet",
    }
    files = ("--enrollment", folder / "enrollment.parquet", "--diagnoses", folder / "diagnoses.parquet")
    out = ("--output", tmp_path / "scores", "--rejects", "write")
    assert run("score", "--payment-year", str(year), *files, *out).status == 0
    again = run(*made)
    assert again.status == 2
    assert "OutputExistsError" in again.err
    refused = run(*made[:-1], tmp_path / "other", "--order", "sorted")
    assert refused.status == 2
    assert "allowed: random, member" in refused.err
    assert not (tmp_path / "other").exists()


# --- maps ---


def test_list_has_every_release() -> None:
    releases = [(str(release.payment_year), release.model_id) for release in riskadj.list_models()]
    plain, markdown = run("maps", "list"), run("maps", "list", "--format", "markdown")
    assert plain.status == markdown.status == 0
    rows = [
        line for line in plain.out.splitlines()[2:] if line[:1].isdigit()
    ]  # not what a narrow screen wraps
    assert sorted(tuple(row.split()[:2]) for row in rows) == sorted(releases)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.out.splitlines()]
    assert sorted((cell[0], cell[1]) for cell in cells[2:]) == sorted(releases)
    assert {len(cell) for cell in cells} == {6}
    assert [int(cell[0]) for cell in cells[2:]] == sorted((int(cell[0]) for cell in cells[2:]), reverse=True)


def test_list_says_who_is_paid_and_what_is_not_verified() -> None:
    done = run("maps", "list", "--format", "markdown", "--maps-dir", TOY_MAPS)
    assert done.out.splitlines()[2:] == [
        "| 2099 | toy_hcc_v1 | final | payment | Divers 100%, Everybody else 25% | blend |",
        "| 2099 | toy_hcc_v2 | final | payment | Everybody else 75% |  |",
    ]


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    return shutil.copytree(TOY_MAPS, tmp_path / "maps")


def test_check_seal_and_check_again(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = maps / "atlantis" / "py2099" / "toy_hcc_v1"
    monkeypatch.chdir(maps)
    for place in ((), ("atlantis",), ("atlantis/py2099",), ("atlantis/py2099/toy_hcc_v1",)):
        assert run("maps", "check", *place, "--maps-dir", maps).status == 0
        assert run("maps", "check", *(maps / name for name in place or [""])).status == 0
    labels = model / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8").replace(",1\n", ",0\n", 1), encoding="utf-8")
    broken = run("maps", "check", "--maps-dir", maps)
    assert broken.status == 2
    assert "ChecksumError: " in broken.out
    assert re.fullmatch(r"TableError: \d+ problems? in the tables, listed above\.\n", broken.err)
    sealed = run("maps", "seal", "atlantis/py2099/toy_hcc_v1", "--maps-dir", maps)
    assert (sealed.status, sealed.out) == (0, "sealed atlantis/py2099/toy_hcc_v1/model.toml\n")
    assert run("maps", "seal", model).out == "nothing to seal: every manifest agrees with its tables\n"
    assert run("maps", "check", "--maps-dir", maps).status == 0


def test_laws_across_tables_are_checked(maps: Path) -> None:
    labels = maps / "atlantis" / "py2099" / "toy_hcc_v2" / "labels.csv"
    rows = labels.read_text(encoding="utf-8").splitlines(keepends=True)
    labels.write_text("".join(rows[:1] + rows[2:]), encoding="utf-8")
    assert run("maps", "seal", maps).status == 0
    broken = run("maps", "check", maps)
    assert broken.status == 2
    assert "has no label" in broken.out


@pytest.mark.parametrize("command", ["check", "seal"])
def test_folders_that_are_not_there_are_refused(command: str, tmp_path: Path) -> None:
    assert "UnknownModelError: no folder medicare/nowhere" in run("maps", command, "medicare/nowhere").err
    assert run("maps", command, tmp_path).status == 2


def test_diff_of_two_releases(maps: Path) -> None:
    same = run(
        "maps", "diff", "atlantis/py2099/toy_hcc_v1", maps / "atlantis/py2099/toy_hcc_v1", "--maps-dir", maps
    )
    assert same.status == 0
    assert "no table differs" in same.out
    words = ("maps", "diff", "atlantis/py2099/toy_hcc_v1", "atlantis/py2099/toy_hcc_v2", "--maps-dir", maps)
    few, every = run(*words, "--most", "1"), run(*words, "--most", "0")
    assert few.status == every.status == 0
    assert "more" in few.out
    assert "more" not in every.out
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").out)))
    assert {row["kind"] for row in rows} == {"added", "removed", "changed"}
    assert len(rows) == sum(line.startswith("  ") for line in every.out.splitlines())
    assert (
        run(
            "maps", "diff", "atlantis/py2099/toy_hcc_v1", "atlantis/py2099/nothing", "--maps-dir", maps
        ).status
        == 2
    )


def test_import_makes_a_proposed_release(tmp_path: Path) -> None:
    tables = {
        "ICD10_CC_mappings_ATLANTIS.csv": (
            "ICD10,CC,MCE_AGE_CONDITION,AGE_EDIT_CONDITION,SEX_EDIT_CONDITION\nA01,1.0,,,\nA02,2.0,,,\n"
        ),
        "V1_CE_Relative_Factors.csv": (
            "Variable,Label,COMMUNITY_NA\nF65_GT,Female 65+,0.300\nHCC1,Fever,1.000\nHCC2,Chills,0.500\n"
        ),
        "V1_NE_Relative_Factors.csv": "Variable,New Enrollees,NE,NE_SNP\nNMCAID_NORIGDIS_NEF65,Female 65,0.600,0.900\n",
        "V1_HCC_Hierarchies.csv": "HCC,SecondaryHCC_1\nHCC1,HCC2\nHCC2,\n",
    }
    package = tmp_path / "package" / "software" / "ATLANTIS" / "data" / "input" / "internal"
    package.mkdir(parents=True)
    for name, text in tables.items():
        (package / name).write_text(text, encoding="utf-8")
    folder = tmp_path / "maps" / "atlantis" / "py2098" / "toy"
    words = (
        "maps",
        "import",
        tmp_path / "package",
        "--to",
        folder,
        "--payment-year",
        "2098",
        "--model-id",
        "toy",
    )
    done = run(*words, "--title", "Toy")
    assert (done.status, done.err) == (0, "")
    assert "model.toml" in done.out
    assert "status" in done.out
    assert 'status = "proposed"' in (folder / "model.toml").read_text(encoding="utf-8")
    again = run(*words)
    assert again.status == 2
    assert "OutputExistsError" in again.err
    assert run(*words, "--overwrite").status == 0
    (package / "V1_HCC_Hierarchies.csv").unlink()
    assert run(*words, "--overwrite").status == 2


# --- how a command ends ---


def failing(error: BaseException) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_an_unexpected_error_is_reported_without_its_text(
    extracts: Extracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = f"member {member(1)} born {BIRTH_MARK}-03-02"
    monkeypatch.setattr(front_door, "score_to_directory", failing(ValueError(secret)))
    monkeypatch.delenv("RISKADJ_DEBUG", raising=False)
    done = extracts.score()
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    for word in (
        "unexpected ValueError",
        "riskadj.commands.score.score, line",
        "please report",
        "RISKADJ_DEBUG",
    ):
        assert word in done.err
    for mark in (ID_MARK, BIRTH_MARK, "Traceback"):
        assert mark not in done.err
    monkeypatch.setenv("RISKADJ_DEBUG", "1")
    assert "Traceback" in extracts.score().err


def test_members_of_every_id_type_can_be_explained(extracts: Extracts) -> None:
    enrolled = extracts.put("e.parquet", enrollment(2, member_id=[101, 102]))
    diagnosed = extracts.put(
        "d.parquet", diagnoses(1, member_id=[102], diagnosis_code=["Q01"], service_date=[date(2098, 1, 1)])
    )
    done = run("explain", *TOY, "--enrollment", enrolled, "--diagnoses", diagnosed, "--member", "102")
    assert done.status == 0, done.err
    assert "Q01" in done.out


def test_tables_that_ship_are_those_of_the_package() -> None:
    assert run("maps", "list", "--maps-dir", REAL_MAPS).out == run("maps", "list").out
