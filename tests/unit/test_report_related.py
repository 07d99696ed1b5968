"""What directories of impact, gaps and marginal values add to a report: numbers counted again from their tables."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskadj
from riskadj.errors import ExtractError
from riskadj.results.summary.page import report_page
from riskadj.results.summary.related import BIN_WIDTH, N_BINS
from riskadj.results.summary.report import read_report
from tests.cli_runs import run
from tests.members import TOY_MAPS, enrollment_table, random_members
from tests.pages import Cells
from tests.unit.test_summary_by import CODES

V1: dict[str, Any] = {
    "payment_year": 2099, "program": "atlantis", "maps_dir": TOY_MAPS, "models": "toy_hcc_v1", "rejects": "write",
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Scores under one model, and what the other questions say of them; services in 2096, 2097 and 2098."""
    random, root = Random(3), tmp_path_factory.mktemp("related")
    people = random_members(random, CODES, 60)
    rows = [
        (one.member_id, code, date(year, 1, 1) + timedelta(days=random.randrange(365)), f"c{number}")
        for year in (2096, 2097, 2098)
        for number, one in enumerate(people)
        for code in one.codes
        if random.random() < 0.7
    ]
    names = ("member_id", "diagnosis_code", "service_date", "claim_id")
    diagnoses = pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)})
    sources = (enrollment_table(people), diagnoses)
    scores = riskadj.score(*sources, **V1)
    return {
        "scores": scores.write(root / "scores"),
        "gaps": riskadj.gaps(*sources, **V1).write(root / "gaps"),
        "marginal": scores.marginal(rate=1000.0).write(root / "marginal"),
        "impact": riskadj.impact(
            riskadj.score(*sources, **V1 | {"models": "toy_hcc_v2"}), scores
        ).write(root / "impact"),
    }  # fmt: skip


def related(folders: dict[str, Path]) -> dict[str, Path]:
    return {name: folder for name, folder in folders.items() if name != "scores"}


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def test_shift_and_causes_are_those_of_the_impact(folders: dict[str, Path]) -> None:
    report = read_report(folders["scores"], maps_dir=TOY_MAPS, **related(folders))
    assert report.impact is not None
    for side, bins in (("before", report.impact.before), ("after", report.impact.after)):
        expected = [0] * N_BINS
        for row in rows_of(folders["impact"], "impact_rows"):
            score = row[f"payment_risk_score_{side}"]
            if score is not None:
                expected[min(max(int(score / BIN_WIDTH), 0), N_BINS - 1)] += 1
        assert [one["rows"] for one in bins] == expected
    causes = [
        row for row in rows_of(folders["impact"], "impact_causes") if row["change"] or row["rows_changed"]
    ]
    assert [row["change"] for row in report.impact.causes] == [row["change"] for row in causes]
    assert report.impact.start + sum(row["change"] for row in causes) == pytest.approx(causes[-1]["level"])
    assert causes[-1]["level"] == pytest.approx(
        report.mean_payment_risk_score
    )  # the run after is that of the scores


def test_rates_are_those_of_the_gaps(folders: dict[str, Path]) -> None:
    report = read_report(folders["scores"], maps_dir=TOY_MAPS, **related(folders))
    assert report.gaps is not None
    assert {row["to"][:4] for row in report.gaps.rates} == {"2097", "2098"}
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows_of(folders["gaps"], "gaps"):
        if row["origin"] == "prior" and row["is_last_span"] and row["status"] != "not_applicable":
            expected["unknown"][0] += 1
            expected["unknown"][1] += row["status"] in ("closed", "superseded")
    found = {
        row["kind"]: [row["conditions"], row["recaptured_to_date"]]
        for row in report.gaps.rates
        if row["to"] > "2098"
    }
    assert found == expected


def test_every_number_of_the_added_sections_is_in_their_tables(folders: dict[str, Path]) -> None:
    scores = folders["scores"]
    plain, whole = Cells(), Cells()
    plain.feed(report_page(read_report(scores, maps_dir=TOY_MAPS)))
    report = read_report(scores, maps_dir=TOY_MAPS, **related(folders))
    whole.feed(report_page(report))
    assert report.impact
    assert report.gaps
    known = [
        *report.gaps.rates, *report.impact.causes, {"mean before": report.impact.start},
        {"mean after": report.impact.causes[-1]["level"]},
        *rows_of(folders["marginal"], "value_by_hcc"), *rows_of(folders["marginal"], "value_at_risk"),
    ]  # fmt: skip
    added = [row for row in whole.rows if row and row not in plain.rows]
    assert len(added) > 20
    assert all(any(row.items() <= one.items() for one in known) for row in added)
    assert len(whole.outside) == len(plain.outside) + 4  # charts: recapture, values, shift, waterfall
    assert all(text.startswith("data:image/png;base64,") for text in whole.outside)


def test_small_cells_are_blank(folders: dict[str, Path]) -> None:
    report = read_report(folders["scores"], min_cell=11, maps_dir=TOY_MAPS, **related(folders))
    assert report.impact
    assert report.gaps
    assert report.marginal
    assert all(
        row["rows_changed"] is None or row["rows_changed"] not in range(1, 11) for row in report.impact.causes
    )
    assert all(one["members"] is None or one["members"] not in range(1, 11) for one in report.impact.before)
    assert min(report.marginal.value_by_hcc["rows"].to_pylist()) >= 11
    for row in report.gaps.rates:
        if row["recaptured_to_date"] is not None:
            assert row["recaptured_to_date"] >= 11
            assert row["conditions"] - row["recaptured_to_date"] >= 11
    assert 'data-name="recapture_rate"' in report_page(report)


def changed(folder: Path, target: Path, change: Any) -> Path:
    """Copy a directory, with another run report."""
    shutil.copytree(folder, target)
    report = json.loads((target / "run.json").read_text())
    for side in [report] if "models" in report else [report["before"], report["after"]]:
        change(side)
    (target / "run.json").write_text(json.dumps(report))
    return target


@pytest.mark.parametrize("name", ["gaps", "marginal", "impact"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda run: run["models"][0]["sha256"].update(labels="0" * 64),
            "other model tables (checksums differ)",
        ),
        (
            lambda run: run["counts"]["enrollment"].update(members=3),
            "another population (members: 3; of the scores: 6",
        ),
        (lambda run: run["models"][0].update(model_id="toy_hcc_v9"), "it has the models toy_hcc_v9"),
        (lambda run: run.update(payment_year=2098), "its payment year is 2098, that of the scores 2099"),
    ],
)
def test_a_directory_of_other_scores_is_refused(
    folders: dict[str, Path], tmp_path: Path, name: str, change: Any, words: str
) -> None:
    other = changed(folders[name], tmp_path / "other", change)
    with pytest.raises(ExtractError) as caught:
        read_report(folders["scores"], maps_dir=TOY_MAPS, **{name: other})
    assert words in str(caught.value)
    with pytest.raises(ExtractError, match=f"give a directory that riskadj {name} wrote"):
        read_report(folders["scores"], maps_dir=TOY_MAPS, **{name: folders["scores"]})


def test_the_command_takes_the_directories(folders: dict[str, Path], tmp_path: Path) -> None:
    words = [word for name, folder in related(folders).items() for word in (f"--{name}", folder)]
    done = run("report", folders["scores"], "--maps-dir", TOY_MAPS, "--output", tmp_path / "r.html", *words)
    assert (done.status, done.err) == (0, "")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page == report_page(read_report(folders["scores"], maps_dir=TOY_MAPS, **related(folders)))
    for title in ("Recapture of conditions", "what of it is at risk", "Shift of scores", "cause by cause"):
        assert title in page
